/**
 * Methods and the properties of messages, written and read by the table.
 *
 * @module
 */
import { malformed } from "../errors.ts";
import { type FieldTable, readTable, writeTable } from "./fields.ts";
import type { ByteReader } from "./reader.ts";
import { type MethodName, type MethodRow, METHODS, PROPERTIES } from "./table.ts";
import type { ByteWriter } from "./writer.ts";

/** An argument of a method. */
export type Argument = number | boolean | string | Uint8Array | FieldTable;

/** A method that came. */
export interface Method {
  name: MethodName;
  args: Argument[];
}

/** The properties of a message; what is undefined is left out. */
export interface Properties {
  contentType?: string;
  contentEncoding?: string;
  headers?: FieldTable;
  /** 2: kept on disk, in a queue that lasts. */
  deliveryMode?: number;
  priority?: number;
  correlationId?: string;
  replyTo?: string;
  /** After how long it is dropped, in ms, in decimals. */
  expiration?: string;
  messageId?: string;
  /** In seconds since 1970. */
  timestamp?: number;
  type?: string;
  userId?: string;
  appId?: string;
  clusterId?: string;
}

/** The names by both numbers, as one. */
const NAMES = new Map<number, MethodName>(
  Object.entries<MethodRow>(METHODS).map(([name, [classId, methodId]]) => [
    classId << 16 | methodId,
    name as MethodName,
  ]),
);

/** Writes a method and its arguments. */
export function writeMethod(out: ByteWriter, name: MethodName, args: readonly Argument[]): void {
  const [classId, methodId, types]: MethodRow = METHODS[name];
  out.short(classId);
  out.short(methodId);
  let bits = 0;
  let count = 0;
  for (let k = 0; k < types.length; k++) {
    const type = types[k]!;
    // Bits that follow each other share an octet, the first one lowest.
    if (type === "b") {
      if (args[k] === true) bits |= 1 << count;
      count++;
      if (types[k + 1] === "b") continue;
      out.octet(bits);
      bits = count = 0;
    } else write(out, type, args[k]);
  }
}

function write(out: ByteWriter, type: string, value: unknown): void {
  switch (type) {
    case "B":
      return out.octet(value as number);
    case "H":
      return out.short(value as number);
    case "L":
      return out.long(value as number);
    case "Q":
      return out.longlong(value as number);
    case "s":
      return out.shortstr(value as string);
    case "S":
      return out.longstr(value as string | Uint8Array);
    default:
      return writeTable(out, value as FieldTable);
  }
}

/**
 * Reads a method.
 *
 * @throws {AmqpError} It is unknown, or has not the arguments that it must have.
 */
export function readMethod(from: ByteReader): Method {
  const classId = from.short();
  const methodId = from.short();
  const name = NAMES.get(classId << 16 | methodId);
  if (name === undefined) throw malformed(`an unknown method, ${classId}.${methodId}`, 503);
  const types: string = METHODS[name][2];
  const args: Argument[] = [];
  let bits = 0;
  let count = 0;
  for (let k = 0; k < types.length; k++) {
    const type = types[k]!;
    if (type !== "b") {
      count = 0;
      args.push(read(from, type));
      continue;
    }
    if (count === 0) bits = from.octet();
    args.push((bits >> count++ & 1) === 1);
  }
  if (from.left > 0) throw malformed(`${from.left} bytes too many in ${name}`);
  return { name, args };
}

function read(from: ByteReader, type: string): Argument {
  switch (type) {
    case "B":
      return from.octet();
    case "H":
      return from.short();
    case "L":
      return from.long();
    case "Q":
      return from.longlong();
    case "s":
      return from.shortstr();
    case "S":
      return from.text();
    default:
      return readTable(from);
  }
}

/** Writes the properties that are there, behind the flags that say which. */
export function writeProperties(out: ByteWriter, properties: Properties): void {
  const start = out.length;
  out.short(0);
  let flags = 0;
  for (let k = 0; k < PROPERTIES.length; k++) {
    const [name, type] = PROPERTIES[k]!;
    const value = properties[name];
    if (value === undefined) continue;
    flags |= 1 << 15 - k;
    write(out, type, value);
  }
  out.patchShort(start, flags);
}

/**
 * Reads properties.
 *
 * @throws {AmqpError} They are not those of a message.
 */
export function readProperties(from: ByteReader): Properties {
  const flags = from.short();
  if ((flags & 3) !== 0) throw malformed("properties that no message has");
  const properties: Record<string, Argument> = {};
  for (let k = 0; k < PROPERTIES.length; k++) {
    const [name, type] = PROPERTIES[k]!;
    if ((flags & 1 << 15 - k) !== 0) properties[name] = read(from, type);
  }
  if (from.left > 0) throw malformed(`${from.left} bytes too many in a header`);
  return properties as Properties;
}
