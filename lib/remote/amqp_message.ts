/**
 * Messages as AMQP carries them.
 *
 * ```text
 *   id -> message-id      type -> type      format -> content-type      replyTo -> reply-to
 *   expires -> expiration, in whole ms      headers -> headers          delivery-mode 2: on disk
 * ```
 *
 * Every message has a message-id on its way, since by it a returned one is known again: one that
 * its sender gave no id gets one that is taken off where it arrives. Headers of the broker, which
 * begin with `x-`, are no headers of the message.
 *
 * @module
 */
import type { Delivered } from "../amqp/assembly.ts";
import type { Field, FieldTable } from "../amqp/codec/fields.ts";
import type { Content } from "../amqp/codec/frames.ts";
import type { BrokerMessage } from "./broker.ts";

/** How the id of a message begins that has none. */
const NO_ID = "switchyard.none.";
const PERSISTENT = 2;
/** The longest time that RabbitMQ takes, in ms: some 49 days. */
const LONGEST = 2 ** 32 - 1;

let unnamed = 0;

/** The message as it is sent. */
export function contentOf(
  { body, headers, type, id, format, replyTo, expires }: BrokerMessage,
): Content {
  return {
    properties: {
      messageId: id === "" ? `${NO_ID}${++unnamed}` : id,
      deliveryMode: PERSISTENT,
      headers: headers as FieldTable,
      ...type === "" ? {} : { type },
      ...format === "" ? {} : { contentType: format },
      ...replyTo === undefined ? {} : { replyTo },
      ...expires === undefined ? {} : { expiration: String(Math.ceil(Math.min(expires, LONGEST))) },
    },
    body,
  };
}

/** The message that came. */
export function messageOf({ properties, body }: Delivered): BrokerMessage {
  const { messageId = "", type = "", contentType = "", replyTo, expiration } = properties;
  return {
    body,
    headers: ownHeaders(properties.headers),
    type,
    id: messageId.startsWith(NO_ID) ? "" : messageId,
    format: contentType,
    ...replyTo === undefined ? {} : { replyTo },
    ...expiration === undefined ? {} : { expires: Number(expiration) },
  };
}

function ownHeaders(table: FieldTable = {}): BrokerMessage["headers"] {
  const headers: Record<string, string | number | boolean> = {};
  for (const [name, value] of Object.entries(table)) {
    if (name.startsWith("x-")) continue;
    if (typeof value === "bigint") headers[name] = Number(value);
    else if (isHeader(value)) headers[name] = value;
  }
  return headers;
}

function isHeader(value: Field | undefined): value is string | number | boolean {
  return ["string", "number", "boolean"].includes(typeof value);
}

/** Which delivery of a message this is, from 1: what the broker has counted, and its `tried`. */
export function attemptOf({ properties, isRedelivered }: Delivered): number {
  const { "x-delivery-count": count, tried } = properties.headers ?? {};
  const before = typeof count === "number" ? count : isRedelivered ? 1 : 0;
  return 1 + before + (typeof tried === "number" ? tried : 0);
}
