/**
 * A message as it is in the file: its body as bytes, all else about it as one text of JSON. What is
 * read may have been written by anybody, so it is checked before it is used.
 *
 * @module
 */
import type { BrokerMessage } from "../broker.ts";

/** All of a message but its body. */
export type Head = Omit<BrokerMessage, "body">;

/** The most bytes of a message, body and head: SQLite's limit of a row, less what is beside it. */
export const LONGEST = 999_000_000;

/**
 * The text of a message's head.
 *
 * @throws {TypeError} A header is a number that JSON cannot hold.
 */
export function headOf(message: Head): string {
  const { type, id, format, replyTo, expires, headers } = message;
  for (const [name, value] of Object.entries(headers)) {
    if (typeof value !== "number" || Number.isFinite(value)) continue;
    throw new TypeError(
      `Cannot publish the message: the header ${
        JSON.stringify(name)
      } must be finite, received ${value}`,
    );
  }
  return JSON.stringify({ type, id, format, replyTo, expires, headers });
}

/**
 * The head in a text.
 *
 * @throws {TypeError} It is none.
 */
export function parseHead(text: unknown): Head {
  const head = objectIn(text);
  const { type, id, format, replyTo, expires } = head;
  for (const [name, value] of Object.entries({ type, id, format, replyTo: replyTo ?? "" })) {
    if (typeof value !== "string") throw new TypeError(`its ${name} is no string`);
  }
  if (expires !== undefined && typeof expires !== "number") {
    throw new TypeError("its expires is no number");
  }
  const { headers } = head;
  if (typeof headers !== "object" || headers === null || Array.isArray(headers)) {
    throw new TypeError("its headers are no object");
  }
  for (const [name, value] of Object.entries(headers)) {
    if (["string", "number", "boolean"].includes(typeof value)) continue;
    throw new TypeError(`its header ${JSON.stringify(name).slice(0, 80)} is no plain value`);
  }
  return {
    type: type as string,
    id: id as string,
    format: format as string,
    headers: headers as Head["headers"],
    ...replyTo === undefined ? {} : { replyTo: replyTo as string },
    ...expires === undefined ? {} : { expires },
  };
}

/**
 * The object in a text of JSON.
 *
 * @throws {TypeError} There is none.
 */
export function objectIn(text: unknown): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(String(text));
  } catch {
    // What the parser says may quote the whole text.
  }
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw new TypeError("it is no object of JSON");
}
