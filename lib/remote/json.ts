/**
 * Items as JSON, for programs in any language. What JSON cannot hold is refused rather than
 * changed.
 *
 * @module
 */
import { show } from "../core/checks.ts";

/**
 * The bytes of a value as JSON.
 *
 * @param root What the value is called in errors, as in `item`.
 * @throws {TypeError} It is, or holds, something that JSON cannot; the message names its place.
 */
export function toJson(value: unknown, root: string): Uint8Array<ArrayBuffer> {
  check(value, root, new Set());
  return new TextEncoder().encode(JSON.stringify(value));
}

/**
 * The value of JSON's bytes.
 *
 * @throws {SyntaxError | TypeError} They are no JSON, or no UTF-8.
 */
export function fromJson(bytes: Uint8Array<ArrayBuffer>): unknown {
  return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
}

/** @param around The objects that the value stands in. */
function check(value: unknown, place: string, around: Set<object>): void {
  if (value === null || typeof value === "string" || typeof value === "boolean") return;
  if (typeof value === "number" && Number.isFinite(value)) return;
  if (typeof value !== "object") refuse(value, place);
  if (around.has(value)) {
    throw new TypeError(`Cannot write ${place} as JSON: it is within itself`);
  }
  const isArray = Array.isArray(value);
  const proto = Object.getPrototypeOf(value);
  if (!isArray && proto !== Object.prototype && proto !== null) refuse(value, place);
  around.add(value);
  if (isArray) {
    // A hole reads as undefined, which is refused.
    for (let k = 0; k < value.length; k++) check(value[k], `${place}[${k}]`, around);
  } else {
    for (const [key, part] of Object.entries(value)) {
      check(part, /^[\w$]+$/.test(key) ? `${place}.${key}` : `${place}[${show(key)}]`, around);
    }
  }
  around.delete(value);
}

function refuse(value: unknown, place: string): never {
  throw new TypeError(
    `Cannot write ${place} as JSON: it must be null, a boolean, a finite number, a string, an array ` +
      `or a plain object, received ${show(value)}; use the format "codec", or send plain data`,
  );
}
