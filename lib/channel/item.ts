/**
 * Items on their way: what `put()` takes, and what `get()` makes of it.
 *
 * An item is copied when it is put, in every thread, so that the sender may go on changing its own.
 * What is small and plain is copied here, quicker than structured clone would, and can wait for
 * others to share a message with; the rest is a {@linkcode Boxed} one, and goes at once.
 *
 * @module
 */
import { modulesOfPacked, pack, type Packed, uncloneable, unpack } from "../transfer/pack.ts";
import { reducer, revive } from "../transfer/reduce.ts";
import { isShareable } from "../transfer/shareable.ts";
import { isKnown, load } from "../transfer/task.ts";

/** An item that is more than plain data. */
export class Boxed implements Packed {
  /** The packed value. */
  value: unknown;
  /** The parts that stand in it for something else. */
  stands?: Packed["stands"];
  /** The objects that are moved with it. */
  transfer: Transferable[];
  /** The ports among that which a shareable brings along, until they are sent. */
  moved?: MessagePort[];

  /** Takes over a packed value. */
  constructor({ value, stands }: Packed, transfer: Transferable[]) {
    this.value = value;
    if (stands !== undefined) this.stands = stands;
    this.transfer = transfer;
  }
}

/** A plain item as it is, or a {@linkcode Boxed} one. */
export type Item = unknown;

/** Items in a message. */
export interface SentItems {
  /** Plain items, and boxed ones without their class; or plain ones as JSON. */
  items: unknown[] | string;
  /** Which of them are boxed. */
  boxed?: number[];
}

const reduce = reducer("thread");
/** From how many plain items on they are sent as JSON. */
const JSON_FROM = 4;
/**
 * The most objects that a plain item may consist of, and the most elements that an array in it may
 * have.
 */
const MOST_OBJECTS = 16;
const MOST_ELEMENTS = 256;

/** Thrown by {@linkcode copy} for what is not small and plain. */
const NOT_PLAIN = Symbol("not plain");
const seen: object[] = [];

function copy(value: unknown): unknown {
  if (typeof value !== "object" || value === null) {
    if (typeof value === "function" || typeof value === "symbol") throw NOT_PLAIN;
    return value;
  }
  // An object that occurs twice must stay one: that is left to structured clone.
  if (seen.length === MOST_OBJECTS || seen.includes(value)) throw NOT_PLAIN;
  seen.push(value);
  const proto = Object.getPrototypeOf(value);
  if (proto === Array.prototype) {
    const array = value as unknown[];
    const { length } = array;
    if (length > MOST_ELEMENTS) throw NOT_PLAIN;
    const copied: unknown[] = [];
    for (let k = 0; k < length; k++) {
      const item = array[k];
      if (item === undefined && !(k in array)) throw NOT_PLAIN;
      copied.push(typeof item === "object" ? copy(item) : plain(item));
    }
    return copied;
  }
  if (proto !== Object.prototype) throw NOT_PLAIN;
  const copied: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    if (key === "__proto__") throw NOT_PLAIN;
    const item = (value as Record<string, unknown>)[key];
    copied[key] = typeof item === "object" ? copy(item) : plain(item);
  }
  return copied;
}

function plain(value: unknown): unknown {
  if (typeof value === "function" || typeof value === "symbol") throw NOT_PLAIN;
  return value;
}

/**
 * Copies an item, or boxes it.
 *
 * @throws {ShareError} It cannot cross.
 */
export function wrap(value: unknown, transfer: Transferable[] | undefined): Item {
  if (typeof value !== "object" || value === null) {
    if (typeof value !== "function" && typeof value !== "symbol") return value;
  } else if (transfer === undefined) {
    seen.length = 0;
    try {
      return copy(value);
    } catch (reason) {
      if (reason !== NOT_PLAIN) throw reason;
    }
  }
  return box(value, transfer, "item");
}

/**
 * Boxes an item, plain or not.
 *
 * @param root What it is called in errors.
 * @throws {ShareError} It cannot cross.
 */
export function box(value: unknown, transfer: Transferable[] | undefined, root: string): Boxed {
  const packed = pack(value, reduce, root, transfer);
  const { moved } = packed;
  if (moved === undefined) return new Boxed(packed, transfer ?? NONE);
  const boxed = new Boxed(packed, [...transfer ?? [], ...moved]);
  boxed.moved = moved;
  return boxed;
}

/** Makes a boxed item this thread's own, as sending it would. */
export function keep(item: Boxed): Boxed {
  try {
    const { value, stands, transfer } = structuredClone({ ...item }, { transfer: item.transfer });
    return new Boxed({ value, stands }, transfer);
  } catch (cause) {
    throw uncloneable(cause, "item");
  }
}

/** The modules that {@linkcode open} needs and that this thread does not know. */
export function missing(item: Item): string[] {
  if (!(item instanceof Boxed) || item.stands === undefined) return [];
  return item.stands
    .filter(([, { kind, module, name }]) =>
      kind === "share" ? !isShareable(module, name) : kind !== "error" && !isKnown(module)
    )
    .map(([, { module }]) => module);
}

/**
 * Loads what {@linkcode open} needs; an error whose module cannot be loaded loses but its class.
 */
export async function ready(item: Item): Promise<void> {
  if (!(item instanceof Boxed) || item.stands === undefined) return;
  for (const module of missing(item)) await load(module);
  for (const module of modulesOfPacked(item)) {
    if (!isKnown(module)) await load(module).catch(() => {});
  }
}

/** Gives the value of an item. */
export function open(item: Item): unknown {
  return item instanceof Boxed ? unpack(item, revive) : item;
}

/**
 * Items as they stand in a message. Many that JSON keeps exactly are quicker so: structured clone
 * takes three times as long, and a port some 0.3 ms for a message that holds a buffer.
 */
export function toSent(items: Item[]): SentItems {
  let boxed: number[] | undefined;
  for (let k = 0; k < items.length; k++) if (items[k] instanceof Boxed) (boxed ??= []).push(k);
  if (boxed === undefined) {
    return { items: items.length >= JSON_FROM && isJson(items) ? JSON.stringify(items) : items };
  }
  return { items: items.map((item) => item instanceof Boxed ? { ...item } : item), boxed };
}

/** True if JSON keeps plain data exactly. */
function isJson(value: unknown): boolean {
  switch (typeof value) {
    case "string":
    case "boolean":
      return true;
    case "number":
      return Number.isFinite(value) && (value !== 0 || 1 / value > 0);
    case "object":
      if (value === null) return true;
      if (Array.isArray(value)) return value.every(isJson);
      for (const key in value) if (!isJson((value as Record<string, unknown>)[key])) return false;
      return true;
    default:
      return false;
  }
}

/** The items of a message. */
export function fromSent({ items, boxed }: SentItems): Item[] {
  if (typeof items === "string") return JSON.parse(items);
  for (const k of boxed ?? []) {
    const item = items[k] as Boxed;
    items[k] = new Boxed(item, item.transfer);
  }
  return items;
}

/**
 * The parts of the items that must be moved when home sends them on. Buffers are copied then: home
 * keeps its own until the item has been handed out, so that none is lost with a thread.
 */
export function movedOnly(items: readonly Item[]): Transferable[] {
  let moved: Transferable[] | undefined;
  for (const item of items) {
    if (!(item instanceof Boxed)) continue;
    for (const part of item.transfer) {
      if (!(part instanceof ArrayBuffer)) (moved ??= []).push(part);
    }
  }
  return moved ?? NONE;
}

/** True if something must be moved with the item. */
export function isMover(item: Item): boolean {
  return item instanceof Boxed && item.transfer.some((part) => !(part instanceof ArrayBuffer));
}

const NONE: Transferable[] = [];
