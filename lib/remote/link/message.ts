/**
 * A message by itself.
 *
 * @module
 */
import type { BrokerMessage } from "../broker.ts";

/** The fields of a message alone: a delivery has more, which does not cross. */
export function plain(message: BrokerMessage): BrokerMessage {
  const { body, headers, type, id, format, replyTo, expires } = message;
  return {
    body,
    headers,
    type,
    id,
    format,
    ...replyTo === undefined ? {} : { replyTo },
    ...expires === undefined ? {} : { expires },
  };
}
