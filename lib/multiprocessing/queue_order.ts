/**
 * The order in which a queue between processes gives out its items. What it goes by stands in a
 * head before an item's message.
 *
 * @module
 */
import type { PileOrder } from "../channel/memory/pile.ts";
import type { Message, readValue } from "../channel/message.ts";

/** The key of the order in which a queue gives out its items, if not first in, first out. */
export const ORDER: unique symbol = Symbol("order");

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

/** A message with a head before it. */
export function joined(head: Uint8Array, { bytes, length, flights }: Message): Message {
  const frame = new Uint8Array(head.length + length);
  frame.set(head);
  frame.set(bytes.subarray(0, length), head.length);
  return { bytes: frame, length: frame.length, flights };
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
