/**
 * Tables of AMQP: named values, each with a letter for its type. The letters are RabbitMQ's, which
 * are not those of the specification: `s` is a short with sign, `l` and `L` a longlong with sign.
 *
 * ```text
 *   sent      null V   boolean t   whole number I, beyond 32 bits l, else d   bigint l
 *             string S   Uint8Array x   Date T   Decimal D   array A   object F
 *   received  those, and  b B s u i  smaller numbers   f  a float
 * ```
 *
 * A longlong is a number up to 2^53 and a bigint above it. A text that is no UTF-8 comes as bytes.
 *
 * @module
 */
import { show } from "../../core/checks.ts";
import { malformed } from "../errors.ts";
import type { ByteReader } from "./reader.ts";
import type { ByteWriter } from "./writer.ts";

/** A decimal number: `value / 10 ** places`. */
export class Decimal {
  /** Creates one; `places` from 0 to 255, `value` a whole number of 32 bits with sign. */
  constructor(readonly places: number, readonly value: number) {}
}

/** A value in a table. */
export type Field =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Date
  | Decimal
  | Field[]
  | FieldTable;

/** A table; what is undefined is left out. */
export interface FieldTable {
  [name: string]: Field | undefined;
}

/** How deep tables and arrays may lie in each other: deeper ones would overflow the stack. */
const DEEPEST = 64;
const INT32 = 2 ** 31;

/** Writes a table. */
export function writeTable(out: ByteWriter, table: FieldTable, depth = 0): void {
  checkDepth(depth);
  const start = out.length;
  out.long(0);
  for (const name in table) {
    const value = table[name];
    if (value === undefined) continue;
    out.shortstr(name);
    writeField(out, value, depth, name);
  }
  out.patchLong(start, out.length - start - 4);
}

function writeField(out: ByteWriter, value: Field, depth: number, name: string): void {
  switch (typeof value) {
    case "string":
      letter(out, "S");
      return out.longstr(value);
    case "boolean":
      letter(out, "t");
      return out.octet(value ? 1 : 0);
    case "number":
      return writeNumber(out, value);
    case "bigint":
      if (BigInt.asIntN(64, value) !== value) {
        throw new RangeError(`Cannot send "${name}": ${value} takes more than 64 bits`);
      }
      letter(out, "l");
      return out.signedLonglong(value);
    case "object":
      return writeObject(out, value, depth, name);
    default:
      throw new TypeError(`Cannot send "${name}": AMQP has no type for ${show(value)}`);
  }
}

function writeNumber(out: ByteWriter, value: number): void {
  if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
    letter(out, "d");
    out.double(value);
  } else if (value >= -INT32 && value < INT32) {
    letter(out, "I");
    out.long(value);
  } else {
    letter(out, "l");
    out.signedLonglong(BigInt(value));
  }
}

function writeObject(
  out: ByteWriter,
  value: Exclude<Field & (object | null), never>,
  depth: number,
  name: string,
): void {
  if (value === null) return letter(out, "V");
  if (value instanceof Uint8Array) {
    letter(out, "x");
    out.longstr(value);
  } else if (value instanceof Date) {
    letter(out, "T");
    out.signedLonglong(BigInt(Math.floor(value.getTime() / 1000)));
  } else if (value instanceof Decimal) {
    letter(out, "D");
    out.octet(value.places);
    out.long(value.value);
  } else if (Array.isArray(value)) {
    checkDepth(depth + 1);
    letter(out, "A");
    const start = out.length;
    out.long(0);
    for (const item of value) writeField(out, item, depth + 1, name);
    out.patchLong(start, out.length - start - 4);
  } else {
    letter(out, "F");
    writeTable(out, value, depth + 1);
  }
}

function letter(out: ByteWriter, type: string): void {
  out.octet(type.charCodeAt(0));
}

function checkDepth(depth: number): void {
  if (depth > DEEPEST) {
    throw new RangeError(`Cannot send a table that is over ${DEEPEST} deep`);
  }
}

/** Reads a table. It has no prototype, so that every name can be one in it. */
export function readTable(from: ByteReader, depth = 0): FieldTable {
  const end = endOf(from, depth);
  const table: FieldTable = Object.create(null);
  while (from.at < end) {
    const name = from.shortstr();
    table[name] = readField(from, depth);
  }
  checkEnd(from, end);
  return table;
}

function readArray(from: ByteReader, depth: number): Field[] {
  const end = endOf(from, depth);
  const items: Field[] = [];
  while (from.at < end) items.push(readField(from, depth));
  checkEnd(from, end);
  return items;
}

function endOf(from: ByteReader, depth: number): number {
  if (depth > DEEPEST) throw malformed(`a table that is over ${DEEPEST} deep`);
  const size = from.long();
  if (size > from.left) throw malformed(`a table of ${size} bytes where ${from.left} are left`);
  return from.at + size;
}

function checkEnd(from: ByteReader, end: number): void {
  if (from.at !== end) throw malformed("a value that ends beyond its table");
}

function readField(from: ByteReader, depth: number): Field {
  const type = String.fromCharCode(from.octet());
  switch (type) {
    case "t":
      return from.octet() !== 0;
    case "b":
      return from.signedOctet();
    case "B":
      return from.octet();
    case "s":
      return from.signedShort();
    case "u":
      return from.short();
    case "I":
      return from.signedLong();
    case "i":
      return from.long();
    case "l":
    case "L":
      return numberIfSafe(from.signedLonglong());
    case "f":
      return from.float();
    case "d":
      return from.double();
    case "D":
      return new Decimal(from.octet(), from.signedLong());
    case "S":
      return from.text();
    case "x":
      return from.longstr();
    case "T":
      return new Date(Number(from.signedLonglong()) * 1000);
    case "V":
      return null;
    case "A":
      return readArray(from, depth + 1);
    case "F":
      return readTable(from, depth + 1);
    default:
      throw malformed(`a value of the unknown type ${JSON.stringify(type)}`);
  }
}

function numberIfSafe(value: bigint): number | bigint {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
