/**
 * Values on their way between a pool and its workers. Each is written down when it is submitted, so
 * that what becomes of it later changes nothing, and what cannot cross is refused at once.
 *
 * Most are bytes, written by the codec, for threads too: that is quicker than structured clone.
 * Between threads a large value, or one that only structured clone takes, goes aside as a copy of
 * its own; large ArrayBuffers in it are then moved. Large buffers that are arguments themselves are
 * copied only when a worker is given the call (`large_arguments.ts`).
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
import { type Lender, LENT, type Lent } from "./large_arguments.ts";

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
  /** The memory that was lent for it. */
  loans?: SharedArrayBuffer[];
}

/** A value, ready to be sent. */
export type Payload = Span | Aside;

const NONE: Lost[] = [];
const NO_TRANSFER: readonly Transferable[] = [];
const reduces = { thread: reducer("thread"), process: reducer("process") };

/** The largest value in a frame, in bytes; a larger one goes beside the frames. */
export const LARGEST: number = 1 << 15;
/** The number of bytes that are made at a time, for many values. */
const SLAB = 1 << 16;
let slab: Uint8Array<ArrayBuffer> = new Uint8Array(0);
let used = 0;
/** For values that are sent at once. */
const scratch = new Uint8Array(LARGEST);
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
  return writeFlat(args) ?? (world === "thread" ? defer(args) : undefined) ??
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
  if (!args.some(isLargeBytes)) return undefined;
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

/** Large arguments that have not been copied yet. */
export class Deferred {
  /** There is nothing in them that could be told. */
  readonly flights: Lost[] = NONE;

  constructor(readonly args: unknown[]) {}

  /**
   * Copies them into memory that is lent.
   *
   * @throws {ShareError} One has been transferred away meanwhile.
   */
  lend(lender: Lender): Aside {
    const loans: SharedArrayBuffer[] = [];
    const lent: Lent[] = [];
    const value = this.args.map((part, index) => {
      if (typeof part !== "object" || part === null) return part;
      if (!isPlainBytes(part)) {
        const place = `args[${index}]`;
        throw new ShareError(
          `Cannot share ${place}: it was transferred away before a worker was given the call`,
          place,
        );
      }
      const isView = part instanceof Uint8Array;
      const bytes = isView ? part : new Uint8Array(part);
      const loan = lender.lend(bytes);
      loans.push(loan);
      lent.push({ index, length: bytes.length, isView });
      return loan;
    });
    return { packed: { value, lent } as Packed, transfer: [], flights: NONE, loans };
  }
}

function isLargeBytes(part: unknown): part is Uint8Array | ArrayBuffer {
  return typeof part === "object" && isPlainBytes(part) && part.byteLength >= LENT;
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
  const length = world === "thread" && isLargeBytes(value)
    ? -1
    : tryEncode(scratch, 0, value, world, "result");
  if (length >= 0) return new Span(scratch, 0, length);
  if (world === "process") return writeAlone(value, "result");
  const packed = pack(value, reduces.thread, "result");
  return { packed, transfer: movable(packed.value), original: packed, flights: NONE };
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
  return !(payload instanceof Span) && "transfer" in payload && payload.transfer.length > 0;
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
  const { lent } = payload as Packed & { lent?: Lent[] };
  const value = unpack(payload, revive);
  for (const { index, length, isView } of lent ?? []) {
    const args = value as unknown[];
    const own = new Uint8Array(new Uint8Array(args[index] as SharedArrayBuffer, 0, length));
    args[index] = isView ? own : own.buffer;
  }
  return value;
}
