/**
 * Values on their way between a pool and its workers. Each is written down when it is submitted, so
 * that what becomes of it later changes nothing, and what cannot cross is refused at once.
 *
 * Most are bytes, written by the codec, for threads too: that is quicker than structured clone.
 * Between threads a large value, or one that only structured clone takes, goes aside as a copy of
 * its own; large ArrayBuffers in it are then moved. Large buffers that are arguments themselves are
 * copied only when a worker is given the call, and the copy is moved: what waits takes no memory.
 *
 * @module
 */
import { advise } from "../child/outcome.ts";
import { ShareError } from "../core/errors.ts";
import { decode, encode, encodeInto, modulesOf } from "../transfer/codec/codec.ts";
import { encodeFlat, FLAT_ROOM } from "../transfer/codec/flat.ts";
import { HAS_MODULES } from "../transfer/codec/format.ts";
import { bareError } from "../transfer/failure.ts";
import { attendAll, gatherIn, loseAll, type Lost } from "../transfer/flight.ts";
import {
  handOver,
  modulesOfPacked,
  pack,
  type Packed,
  uncloneable,
  unpack,
} from "../transfer/pack.ts";
import { reducer, reviveFrom } from "../transfer/reduce.ts";
import type { TrustLevel } from "../transfer/reduction.ts";
import type { World } from "../transfer/shareable.ts";
import { load, toLoad } from "../transfer/task.ts";

/**
 * Bytes of a value. They lie among others': an array for each would cost more than the rest of a
 * short call.
 */
export class Span {
  /** The functions to be called if it never arrives. */
  flights: Lost[] = NONE;

  constructor(
    readonly bytes: Uint8Array<ArrayBuffer>,
    readonly start: number,
    readonly length: number,
  ) {}

  /** The bytes alone. */
  get view(): Uint8Array<ArrayBuffer> {
    return this.bytes.subarray(this.start, this.start + this.length);
  }
}

/** A value that goes beside the bytes, between threads. */
export interface Aside {
  packed: Packed;
  /** The objects in it that are moved: then it can be sent once. */
  transfer: Transferable[];
  /** True if it has been sent, and something in it moved. */
  isSpent?: boolean;
  /**
   * The packed value as it was before it was copied: its ports' owners are told where they went.
   */
  original?: Packed;
  /** The functions to be called if it never arrives. */
  flights: Lost[];
}

/**
 * A value for a process that is large buffers, and little else: they are copied where they are sent
 * and nowhere else, as the other side puts each together where it will stay.
 */
export class Bulk {
  /** There is nothing in it that could be told. */
  flights: Lost[] = NONE;

  /**
   * @param rest What is not large, in bytes: `[value, places]`.
   * @param parts The bytes of the large ones, in the order of their places.
   */
  constructor(readonly rest: Span, readonly parts: Uint8Array<ArrayBuffer>[]) {}

  /** The number of bytes in all. */
  get length(): number {
    return this.parts.reduce((sum, part) => sum + part.length, this.rest.length);
  }
}

/**
 * The place of a large buffer: the index among the arguments, or -1 if it is the value itself; its
 * length in bytes; true if it is a Uint8Array, else it is an ArrayBuffer.
 */
export type BulkPlace = [index: number, length: number, isView: boolean];

/** A value, ready to be sent. */
export type Payload = Span | Aside | Bulk;

const NONE: Lost[] = [];
const NO_TRANSFER: readonly Transferable[] = [];
const reduces = { thread: reducer("thread"), process: reducer("process") };

/** The largest value in a frame, in bytes; a larger one goes beside the frames. */
export const LARGEST: number = 1 << 15;
/** The number of bytes that are made at a time, for many values. */
const SLAB = 1 << 16;
let slab: Uint8Array<ArrayBuffer> = new Uint8Array(0);
let used = 0;
/** For values that are sent at once; larger ones have memory of their own. */
let scratch = new Uint8Array(LARGEST);
const LARGEST_SCRATCH = 1 << 22;
const gathered: Lost[] = [];

/**
 * Writes a value down.
 *
 * @param root What errors call it.
 * @param transfer What in it is moved, between threads.
 * @throws {ShareError} Something in it cannot cross.
 */
export function writePayload(
  value: unknown,
  world: World,
  root: string,
  transfer: readonly Transferable[] = NO_TRANSFER,
): Payload {
  return (transfer.length === 0 ? writeFlat(value) : undefined) ??
    writeAny(value, world, root, transfer);
}

function writeAny(
  value: unknown,
  world: World,
  root: string,
  transfer: readonly Transferable[],
): Payload {
  const before = gatherIn(gathered);
  let payload: Payload;
  try {
    const isSmall = transfer.length === 0 || world === "process";
    payload = (isSmall ? writeInSlab(value, world, root) : undefined) ??
      writeLarge(value, world, root, transfer);
  } catch (error) {
    loseAll(gathered);
    throw error;
  } finally {
    gatherIn(before);
  }
  if (gathered.length > 0) {
    attendAll(gathered);
    payload.flights = gathered.splice(0);
  }
  return payload;
}

/** The payload of a message without a value. */
export const NO_VALUE: Payload = writePayload(undefined, "process", "nothing");

/**
 * Writes the arguments of a call down. Large buffers among them are not copied yet.
 *
 * @throws {ShareError} Something in them cannot cross.
 */
export function writeArgs(
  args: unknown[],
  world: World,
  transfer?: readonly Transferable[],
): Payload | Deferred {
  if (transfer !== undefined && transfer.length > 0) {
    return (world === "thread" ? moveArgs(args, transfer) : undefined) ??
      writeAny(args, world, "args", transfer);
  }
  return writeFlat(args) ?? defer(args) ??
    writeAny(args, world, "args", NO_TRANSFER);
}

/** Writes a value the short way, if that can be done: nothing in it is shared or can be lost. */
function writeFlat(value: unknown): Span | undefined {
  if (slab.length - used < FLAT_ROOM) newSlab();
  const length = encodeFlat(slab, used, value);
  if (length < 0) return undefined;
  const span = new Span(slab, used, length);
  used += length;
  return span;
}

function writeLarge(
  value: unknown,
  world: World,
  root: string,
  transfer: readonly Transferable[],
): Payload {
  // What was begun to be sent is sent anew.
  loseAll(gathered);
  return world === "thread" ? setAside(value, root, transfer) : writeAlone(value, root);
}

/** Writes a list of values, of which some are large buffers; or one that is the value itself. */
function writeBulk(values: unknown[], isAlone: boolean, isKept = false): Bulk | Span {
  const parts: Uint8Array<ArrayBuffer>[] = [];
  const places: BulkPlace[] = [];
  const rest = values.map((value, index) => {
    if (!isLargeBytes(value)) return value;
    const isView = value instanceof Uint8Array;
    const bytes = (isView ? value : new Uint8Array(value)) as Uint8Array<ArrayBuffer>;
    parts.push(isKept ? bytes.slice() : bytes);
    places.push([isAlone ? -1 : index, bytes.length, isView]);
    return null;
  });
  const written = writePayload([isAlone ? null : rest, places], "process", "args") as Span;
  // What is not large may be long: a string, or many of them.
  return written.length > LARGEST ? writeAlone(values, "args") : new Bulk(written, parts);
}

/** Writes a value for a process as bytes of its own. */
function writeAlone(value: unknown, root: string): Span {
  const bytes = encode(value, reduces.process, root);
  return new Span(bytes, 0, bytes.length);
}

/** Writes a value behind the others, if the codec takes it and it is small. */
function writeInSlab(value: unknown, world: World, root: string): Span | undefined {
  if (slab.length - used < 64) newSlab();
  let length = tryEncode(slab, used, value, world, root);
  if (length < 0 && used > SLAB - LARGEST) {
    newSlab();
    loseAll(gathered);
    length = tryEncode(slab, 0, value, world, root);
  }
  if (length < 0 || length > LARGEST) return undefined;
  const span = new Span(slab, used, length);
  used += length;
  return span;
}

function newSlab(): void {
  slab = new Uint8Array(SLAB);
  used = 0;
}

/**
 * Encodes a value; gives its length, or -1 when there is no room, or the codec does not take it for
 * a thread.
 */
function tryEncode(
  into: Uint8Array,
  start: number,
  value: unknown,
  world: World,
  root: string,
): number {
  try {
    return encodeInto(into, start, value, reduces[world], root);
  } catch (error) {
    if (world === "process" || !(error instanceof ShareError)) throw error;
    return -1;
  }
}

/** Copies a value now, so that it can be sent later. */
function setAside(value: unknown, root: string, transfer: readonly Transferable[]): Aside {
  const original = pack(value, reduces.thread, root, transfer);
  const { value: bare, stands } = original;
  try {
    const packed: Packed = structuredClone(
      stands === undefined ? { value: bare } : {
        value: bare,
        stands,
      },
      { transfer: [...transfer] },
    );
    return { packed, transfer: movable(packed), original, flights: NONE };
  } catch (cause) {
    throw cause instanceof DOMException ? uncloneable(cause, root) : cause;
  }
}

/**
 * Arguments that are just large buffers and simple values: they are copied when a worker is given
 * the call.
 */
function defer(args: unknown[]): Deferred | undefined {
  // A long list is one of many small values: looking at each would cost as much as writing it.
  if (args.length > MOST_DEFERRED || !args.some(isLargeBytes)) return undefined;
  return args.every(isBytesOrSimple) ? new Deferred([...args]) : undefined;
}

function isBytesOrSimple(part: unknown): boolean {
  if (typeof part === "object" && part !== null) return isPlainBytes(part);
  return typeof part !== "function" && typeof part !== "symbol";
}

/**
 * Moves arguments that are just buffers, each to be moved, and simple values: structured clone
 * takes longer.
 */
function moveArgs(args: unknown[], transfer: readonly Transferable[]): Aside | undefined {
  if (!args.every(isBytesOrSimple)) return undefined;
  const buffers = args.filter((part) => typeof part === "object" && part !== null)
    .map((part) => part instanceof ArrayBuffer ? part : (part as Uint8Array<ArrayBuffer>).buffer);
  const all = new Set<unknown>(buffers);
  if (all.size !== buffers.length || transfer.length !== all.size) return undefined;
  if (!transfer.every((part) => all.has(part)) || new Set(transfer).size < all.size) {
    return undefined;
  }
  const moved: ArrayBuffer[] = [];
  const move = (buffer: ArrayBuffer): ArrayBuffer => {
    moved.push(buffer.transfer());
    return moved.at(-1)!;
  };
  const value = args.map((part) => {
    if (part instanceof ArrayBuffer) return move(part);
    if (!(part instanceof Uint8Array)) return part;
    const { buffer, byteOffset, length } = part as Uint8Array<ArrayBuffer>;
    return new Uint8Array(move(buffer), byteOffset, length);
  });
  return { packed: { value }, transfer: moved, flights: NONE };
}

/**
 * Large arguments that have not been copied yet. A call that is given to another worker before it
 * has begun has them copied again.
 */
export class Deferred {
  /** There is nothing in them that could be told. */
  readonly flights: Lost[] = NONE;

  constructor(readonly args: unknown[]) {}

  /**
   * Has them ready to be sent: to a thread as copies, which are moved; to a process as they are.
   *
   * @param isKept True if they may be sent again: then what the caller changes changes nothing.
   * @throws {ShareError} One has been transferred away meanwhile.
   */
  ready(world: World, isKept: boolean): Payload {
    this.#checkThere();
    return world === "thread" ? this.#copy() : writeBulk(this.args, false, isKept);
  }

  #checkThere(): void {
    for (const [index, part] of this.args.entries()) {
      if (typeof part !== "object" || part === null || isPlainBytes(part)) continue;
      const place = `args[${index}]`;
      throw new ShareError(
        `Cannot share ${place}: it was transferred away before a worker was given the call`,
        place,
      );
    }
  }

  #copy(): Aside {
    const transfer: ArrayBuffer[] = [];
    const value = this.args.map((part) => {
      if (typeof part !== "object" || part === null) return part;
      const isView = part instanceof Uint8Array;
      // Made so, its memory is not filled with zeros first.
      const copy = new Uint8Array(isView ? part : new Uint8Array(part as ArrayBuffer));
      transfer.push(copy.buffer);
      return isView ? copy : copy.buffer;
    });
    return { packed: { value }, transfer, flights: NONE };
  }
}

/** Smaller buffers among arguments are copied when the call is submitted. */
const DEFERRED = 1 << 15;
/** Of more arguments none is deferred. */
const MOST_DEFERRED = 64;

function isLargeBytes(part: unknown): part is Uint8Array | ArrayBuffer {
  return typeof part === "object" && isPlainBytes(part) && part.byteLength >= DEFERRED;
}

function isPlainBytes(part: unknown): part is Uint8Array | ArrayBuffer {
  if (part instanceof ArrayBuffer) return isPlainBuffer(part);
  return part instanceof Uint8Array && part.constructor === Uint8Array &&
    isPlainBuffer(part.buffer);
}

function isPlainBuffer(buffer: ArrayBufferLike): boolean {
  return buffer instanceof ArrayBuffer && !buffer.resizable && !buffer.detached;
}

/** Smaller buffers are copied, not moved. */
const LARGE = 1 << 14;

/** The objects in a value that can be moved: its ports and streams, and its large buffers. */
function movable(value: unknown): Transferable[] {
  const found = new Set<Transferable>();
  const seen = new Set<object>();
  const look = (part: unknown): void => {
    if (typeof part !== "object" || part === null || seen.has(part)) return;
    seen.add(part);
    if (part instanceof ArrayBuffer) {
      if (part.byteLength >= LARGE && !part.detached) found.add(part);
    } else if (ArrayBuffer.isView(part)) {
      // Who has a part of a buffer may not give away all of it.
      if (part.byteLength === part.buffer.byteLength) look(part.buffer);
    } else if (part instanceof MessagePort || isStream(part)) found.add(part as Transferable);
    else if (part instanceof Map) { for (const [key, item] of part) look(key), look(item); }
    else if (part instanceof Set || Array.isArray(part)) { for (const item of part) look(item); }
    else if (!(part instanceof SharedArrayBuffer)) {
      for (const item of Object.values(part)) look(item);
    }
  };
  look(value);
  return [...found];
}

function isStream(part: object): boolean {
  return part instanceof ReadableStream || part instanceof WritableStream ||
    part instanceof TransformStream;
}

/**
 * A result on its way, to be sent before the next is written: what is large is moved and not
 * copied.
 */
export function writeResult(value: unknown, world: World): Payload {
  const isLarge = isLargeBytes(value);
  if (isLarge && world === "process") return writeBulk([value], true);
  const length = isLarge ? -1 : tryEncode(scratch, 0, value, world, "result");
  if (length >= 0) return new Span(scratch, 0, length);
  if (world === "process") return writeLargeResult(value);
  const packed = pack(value, reduces.thread, "result");
  return { packed, transfer: movable(packed.value), original: packed, flights: NONE };
}

/** Fresh memory costs more than the copy: the next result finds the memory of this one. */
function writeLargeResult(value: unknown): Span {
  const span = writeAlone(value, "result");
  const { length } = span;
  if (length < LARGEST_SCRATCH) scratch = new Uint8Array(2 ** Math.ceil(Math.log2(length + 8)));
  return span;
}

/** An error on its way; of one that holds what cannot cross, what can be read of it. */
export function writeError(error: unknown, world: World): Payload {
  try {
    return writePayload(advise(error), world, "error");
  } catch {
    return writePayload(bareError(error), world, "error");
  }
}

/** Sends what goes aside, with `send`; a buffer that cannot be moved is copied. */
export function sendAside(
  transfer: Transferable[],
  send: (transfer: Transferable[]) => void,
): void {
  try {
    send(transfer);
  } catch (cause) {
    if (!(cause instanceof DOMException || cause instanceof TypeError)) throw cause;
    try {
      send(transfer.filter((part) => !(part instanceof ArrayBuffer)));
    } catch (again) {
      throw uncloneable(again, "result");
    }
  }
}

/** True if a payload can be sent once, and no second time. */
export function isForOnce(payload: Payload | Deferred): boolean {
  return "transfer" in payload && payload.transfer.length > 0;
}

/** True if it can be sent no more. */
export function isSpent(payload: Payload | Deferred): boolean {
  return (payload as Aside).isSpent === true;
}

/** Tells those whose ports went aside where they went. */
export function handedOver({ original }: Aside, to?: { slot: number; ident: number }): void {
  if (original !== undefined) handOver(original, to);
}

/** The modules that are to be loaded before a payload is read. */
export function missingModules(
  payload: Uint8Array | Packed,
  level: TrustLevel = "equal",
): string[] {
  if (!(payload instanceof Uint8Array)) {
    return payload.stands === undefined ? NO_MODULES : toLoad(modulesOfPacked(payload), level);
  }
  return (payload[0]! & HAS_MODULES) === 0 ? NO_MODULES : toLoad(modulesOf(payload), level);
}

const NO_MODULES: string[] = [];

/** Loads modules. */
export async function loadAll(modules: string[]): Promise<void> {
  for (const module of modules) await load(module);
}

/** Reads a payload whose modules have been loaded. */
export function readPayload(payload: Uint8Array | Packed, level: TrustLevel = "equal"): unknown {
  const revive = reviveFrom(level);
  if (payload instanceof Uint8Array) return decode(payload, revive);
  return unpack(payload, revive);
}
