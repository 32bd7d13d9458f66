/**
 * The short way of the codec: numbers, booleans, null and undefined, alone or in a short list. That
 * is what most calls and results are, and there are many of them: the whole writer and reader would
 * cost several times as much, above all before the engine has compiled them. The bytes are the
 * same.
 *
 * @module
 */
import {
  ARRAY,
  FALSE,
  FLOAT64,
  FORMAT,
  INT32,
  NULL,
  SMALL,
  TRUE,
  UNDEFINED,
  WORD,
  WORD_F64,
} from "./format.ts";

/** The longest list that goes this way. */
const MOST_ITEMS = 16;
/** The most that a number takes, and with it any item: its tag and eight bytes. */
export const NUMBER_MAX = 9;

/** The number of bytes that are enough for any value that goes this way. */
export const FLAT_ROOM: number = 3 + MOST_ITEMS * NUMBER_MAX;
/** Says of a value or of bytes that they do not go this way. */
export const NOT_FLAT: unique symbol = Symbol("not flat");

const LIST = Array.prototype;

/**
 * Writes a value at `offset`, where {@linkcode FLAT_ROOM} bytes are free; gives its length, or -1.
 */
export function encodeFlat(bytes: Uint8Array, offset: number, value: unknown): number {
  bytes[offset] = FORMAT;
  let at = offset + 1;
  if (typeof value !== "object" || value === null) {
    at = writeItem(bytes, at, value);
    return at < 0 ? -1 : at - offset;
  }
  if (!Array.isArray(value) || Object.getPrototypeOf(value) !== LIST) return -1;
  const { length } = value;
  if (length > MOST_ITEMS) return -1;
  bytes[at++] = ARRAY;
  bytes[at++] = length;
  for (let k = 0; k < length; k++) {
    const item: unknown = value[k];
    // It may be a hole.
    if (item === undefined) return -1;
    at = writeItem(bytes, at, item);
    if (at < 0) return -1;
  }
  return at - offset;
}

/** Writes one; gives where it ends, or -1. */
function writeItem(bytes: Uint8Array, at: number, value: unknown): number {
  if (typeof value === "number") return writeNumber(bytes, at, value);
  if (value === undefined) bytes[at] = UNDEFINED;
  else if (value === null) bytes[at] = NULL;
  else if (value === true) bytes[at] = TRUE;
  else if (value === false) bytes[at] = FALSE;
  else return -1;
  return at + 1;
}

/** Writes a number where {@linkcode NUMBER_MAX} bytes are free; gives where it ends. */
export function writeNumber(bytes: Uint8Array, at: number, value: number): number {
  if ((value | 0) !== value || Object.is(value, -0)) {
    bytes[at] = FLOAT64;
    WORD_F64[0] = value;
    for (let k = 0; k < 8; k++) bytes[at + 1 + k] = WORD[k]!;
    return at + 9;
  }
  if (value >= 0 && value < 0x80) {
    bytes[at] = SMALL | value;
    return at + 1;
  }
  bytes[at] = INT32;
  bytes[at + 1] = value;
  bytes[at + 2] = value >> 8;
  bytes[at + 3] = value >> 16;
  bytes[at + 4] = value >> 24;
  return at + 5;
}

let next = 0;

/**
 * Reads a value; {@linkcode NOT_FLAT} when it does not go this way, or the bytes are not as they
 * should be.
 */
export function decodeFlat(bytes: Uint8Array): unknown {
  const { length } = bytes;
  if (length < 2 || bytes[0] !== FORMAT) return NOT_FLAT;
  next = 1;
  let value: unknown;
  if (bytes[1] !== ARRAY) value = readItem(bytes, length);
  else {
    const count = bytes[2]!;
    // Each takes a byte at least.
    if (!(count <= MOST_ITEMS && count <= length - 3)) return NOT_FLAT;
    next = 3;
    const list: unknown[] = [];
    for (let k = 0; k < count; k++) {
      const item = readItem(bytes, length);
      if (item === NOT_FLAT) return NOT_FLAT;
      list.push(item);
    }
    value = list;
  }
  return next === length ? value : NOT_FLAT;
}

/** Reads the item at `next`, and moves that behind it. */
function readItem(bytes: Uint8Array, length: number): unknown {
  if (next >= length) return NOT_FLAT;
  const at = next;
  const tag = bytes[at]!;
  next = at + 1;
  if (tag >= SMALL) return tag - SMALL;
  switch (tag) {
    case INT32:
      next = at + 5;
      if (next > length) return NOT_FLAT;
      return bytes[at + 1]! | bytes[at + 2]! << 8 | bytes[at + 3]! << 16 | bytes[at + 4]! << 24;
    case FLOAT64:
      next = at + 9;
      if (next > length) return NOT_FLAT;
      for (let k = 0; k < 8; k++) WORD[k] = bytes[at + 1 + k]!;
      return WORD_F64[0];
    case TRUE:
      return true;
    case FALSE:
      return false;
    case NULL:
      return null;
    case UNDEFINED:
      return undefined;
    default:
      return NOT_FLAT;
  }
}
