/**
 * The signature of messages, by a secret that all have who call and serve. It says that somebody
 * who knows the secret has made this message for this queue; not that it is new.
 *
 * It is made by `node:crypto` and not by Web Crypto, whose calls are all async: a thread that
 * blocks for a result could not wait for them.
 *
 * @module
 */
import { builtin } from "../../core/node.ts";
import type { BrokerMessage } from "../broker.ts";

/** The headers that change on the way: how often it was tried, and why it is where it is. */
export const OF_THE_WAY: ReadonlySet<string> = new Set([
  "sig",
  "tried",
  "passes",
  "skewed",
  "reason",
  "from",
]);

function signature(secret: string, place: string, message: BrokerMessage): string {
  const { headers, type, id, replyTo = "", format, body } = message;
  const facts = Object.entries(headers)
    // A broker may add some of its own.
    .filter(([name]) => !OF_THE_WAY.has(name) && !name.startsWith("x-"))
    .sort(([a], [b]) => a < b ? -1 : 1);
  const hmac = builtin("crypto").createHmac("sha256", secret);
  // None of the parts may hold what is between them.
  hmac.update(JSON.stringify([place, type, id, replyTo, format, facts]));
  return hmac.update(body).digest("base64");
}

/** A message, signed if there is a secret. `place` is the queue or topic that it is for. */
export function sealed(
  secret: string | undefined,
  place: string,
  message: BrokerMessage,
): BrokerMessage {
  if (secret === undefined) return message;
  return { ...message, headers: { ...message.headers, sig: signature(secret, place, message) } };
}

/** Whether a message is signed by the secret, if there is one. */
export function isGenuine(
  secret: string | undefined,
  place: string,
  message: BrokerMessage,
): boolean {
  if (secret === undefined) return true;
  const wanted = new TextEncoder().encode(signature(secret, place, message));
  const given = new TextEncoder().encode(String(message.headers.sig));
  return wanted.length === given.length && builtin("crypto").timingSafeEqual(wanted, given);
}
