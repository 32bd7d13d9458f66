/**
 * The order in which a queue in shared memory gives out its items. What it goes by stands in a head
 * before an item's message.
 *
 * @module
 */
import { decode, encode } from "../../transfer/codec/codec.ts";
import { revive } from "../../transfer/reduce.ts";
import type { Revive } from "../../transfer/reduction.ts";
import type { Message, readValue } from "../message.ts";
import { checkComparable, type Compare, compareNaturally } from "../natural_order.ts";
import type { PileOrder } from "./pile.ts";

/** The bytes before a key, which say how long it is. */
const KEY_HEAD = 4;

/** An order in which a queue gives out its items. */
export interface QueueOrder {
  /** The order of the messages. Default: the newest first. */
  pile?: PileOrder;
  /**
   * Writes what stands before an item's message.
   *
   * @throws {TypeError} The item has no place in the order.
   */
  headOf?(item: unknown): Uint8Array;
  /** The length of what stands before a message, in bytes. */
  headLength?(bytes: Uint8Array, start: number): number;
}

/** The newest first: the pile's own. */
export const NEWEST_FIRST: QueueOrder = {};

/** The natural order: a key stands before each message, so that no message is read for another. */
export const NATURAL: QueueOrder = {
  headOf(item) {
    checkComparable(item);
    const key = encode(keyOf(item), noReduction);
    const head = new Uint8Array(KEY_HEAD + key.length);
    new DataView(head.buffer).setUint32(0, key.length);
    head.set(key, KEY_HEAD);
    return head;
  },
  headLength,
  pile: {
    keyLength: (frame) => headLength(frame, 0),
    read: (bytes) => decode(bytes.subarray(KEY_HEAD), keysOnly),
    compare: compareNaturally,
  },
};

function headLength(bytes: Uint8Array, start: number): number {
  return KEY_HEAD + new DataView(bytes.buffer, bytes.byteOffset).getUint32(start);
}

/** The parts of an item that have an order, and an object in the place of what has none. */
function keyOf(item: unknown): unknown {
  if (Array.isArray(item)) return item.map(keyOf);
  if (typeof item === "object" && item !== null && !(item instanceof Date)) return {};
  return typeof item === "function" || typeof item === "symbol" ? {} : item;
}

function noReduction(): never {
  throw new TypeError("Cannot put the item in the priority queue: its key cannot be written");
}

/** For keys, which are plain data. */
const keysOnly: Revive = { level: "below", shell: noReduction, finish: noReduction };

/** An order by a function of the user's, which reads the items themselves. */
export function orderBy(compare: Compare): QueueOrder {
  return {
    pile: {
      keyLength: (_, length) => length,
      read: (bytes) => decode(bytes, withoutShared),
      compare: compare as (a: unknown, b: unknown) => number,
    },
  };
}

/** For items that are only compared: an end of a pipe in one counts as had by whoever reads it. */
const withoutShared: Revive = {
  ...revive,
  finish: (kind, module, name, state, shell) =>
    kind === "share" ? {} : revive.finish(kind, module, name, state, shell),
};

/** A message with a head before it. */
export function joined(head: Uint8Array, { bytes, length, ...rest }: Message): Message {
  const frame = new Uint8Array(head.length + length);
  frame.set(head);
  frame.set(bytes.subarray(0, length), head.length);
  return { ...rest, bytes: frame, length: frame.length };
}

/** Gives what reads a message behind its head. */
export function behindHead(
  order: QueueOrder | undefined,
  read: typeof readValue,
): typeof readValue {
  if (order?.headLength === undefined) return read;
  return (bytes, start, length) => {
    const head = order.headLength!(bytes, start);
    return read(bytes, start + head, length - head);
  };
}
