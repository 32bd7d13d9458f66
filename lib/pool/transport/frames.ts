/**
 * The protocol of a pool and its workers, in bytes: the same for threads and processes.
 *
 * ```text
 *   pool                            worker
 *     TARGET  ---------------------->  a number for a function, before the first call of it
 *     CALL, MAP, STARMAP  ---------->  one call; one for each item of a chunk
 *     CANCEL, STOP  ---------------->
 *             <---- STARTED | START_FAILED  once: the initializer is done, or has failed
 *             <-------------------- REPORT  any number
 *             <------------- DONE | FAILED  once for each call that was begun
 * ```
 *
 * A frame is a head of {@linkcode HEAD} bytes and then a value, as the codec writes it. Several
 * frames go in one message. A large value, and one between threads that the codec does not take, is
 * not in the frame but beside it. Then the length is negative: between threads -1, between
 * processes the complement of the length of the value. Of one that is large buffers, the rest is in
 * the frame, with a mark in its length. What is beside follows in pieces (`pieces.ts`).
 *
 * | bytes | to the worker | to the pool |
 * | --- | --- | --- |
 * | 0 | kind | kind |
 * | 4 | the call's id | the call's id |
 * | 8 | number of its target | how long it ran, in µs |
 * | 12 | number of its claim | how many of its items had run |
 * | 16 | length of the value | length of the value |
 *
 * A worker's code is in its own hands: it can say anything. What no worker of ours says costs it
 * its life, and its call; nobody else notices.
 *
 * @module
 */
import { LOOP_LIMIT } from "../../transfer/codec/format.ts";
import { Bulk, LARGEST, type Span } from "../payload.ts";

// To a worker.
export const CALL = 1;
export const MAP = 2;
export const STARMAP = 3;
export const TARGET = 4;
export const CANCEL = 5;
export const STOP = 6;

// To the pool.
export const STARTED = 7;
export const START_FAILED = 8;
export const REPORT = 9;
export const DONE = 10;
export const FAILED = 11;

/** The bytes of a frame before its value, a multiple of four. */
export const HEAD = 20;
/** The word of a head that says how long the value is; the four before it are a FrameHead. */
const LENGTH = 4;
/** The length of a value that is beside the frame, and is no bytes. */
const ASIDE = -1;
/** The mark of a value whose large buffers are beside the frame. */
const BULK = 1 << 30;

/** What is beside a frame that is no number of bytes. */
export const OBJECT_BESIDE = -1;
export const NOTHING_BESIDE = 0;
export const BUFFERS_BESIDE = -2;

/**
 * The kind of a call, by what it applies its target to: to arguments, or to each item of a chunk.
 */
export type CallKind = typeof CALL | typeof MAP | typeof STARMAP;

/** More than all frames of a message have together, with what carries them. */
export const LARGEST_FRAMES: number = 1 << 20;

/**
 * The words of a frame besides its value. One object serves for many frames: who is given one takes
 * its fields before other code can read or write the next.
 */
export interface FrameHead {
  kind: number;
  /** The call's id. */
  id: number;
  /** Writes it to four words. */
  writeTo(words: Int32Array, at: number): void;
  /** Takes what four words say. */
  readFrom(words: Int32Array, at: number): void;
}

/** The head of a frame to a worker. */
export class RequestHead implements FrameHead {
  kind: number;
  id: number;
  /** The number of its target. */
  target: number;
  /** The number of its claim. */
  claim: number;

  constructor({ kind = 0, id = 0, target = 0, claim = 0 }: Partial<RequestHead> = {}) {
    this.kind = kind;
    this.id = id;
    this.target = target;
    this.claim = claim;
  }

  writeTo(words: Int32Array, at: number): void {
    words[at] = this.kind;
    words[at + 1] = this.id;
    words[at + 2] = this.target;
    words[at + 3] = this.claim;
  }

  readFrom(words: Int32Array, at: number): void {
    this.kind = words[at]!;
    this.id = words[at + 1]!;
    this.target = words[at + 2]!;
    this.claim = words[at + 3]!;
  }
}

/** The head of a frame to the pool. */
export class ReplyHead implements FrameHead {
  kind: number;
  id: number;
  /** The time that the call ran, in µs. */
  micros: number;
  /** The number of its items that had run. */
  items: number;

  constructor({ kind = 0, id = 0, micros = 0, items = 0 }: Partial<ReplyHead> = {}) {
    this.kind = kind;
    this.id = id;
    this.micros = micros;
    this.items = items;
  }

  writeTo(words: Int32Array, at: number): void {
    words[at] = this.kind;
    words[at + 1] = this.id;
    words[at + 2] = this.micros;
    words[at + 3] = this.items;
  }

  readFrom(words: Int32Array, at: number): void {
    this.kind = words[at]!;
    this.id = words[at + 1]!;
    this.micros = words[at + 2]! >>> 0;
    this.items = words[at + 3]!;
  }
}

/** Writes frames one behind the other; each begins at a multiple of four bytes. */
export class FrameWriter {
  #bytes = new Uint8Array(1 << 12);
  #words = new Int32Array(this.#bytes.buffer);
  #length = 0;

  /** The number of bytes. */
  get length(): number {
    return this.#length;
  }

  /** Adds a frame. Without a value, that is beside it, and no bytes. */
  add(head: FrameHead, value: Span | Bulk | undefined): void {
    if (value === undefined) this.#add(head, undefined, ASIDE);
    else if (value instanceof Bulk) this.#add(head, value.rest, value.rest.length | BULK);
    else if (value.length > LARGEST) this.#add(head, undefined, ~value.length);
    else this.#add(head, value, value.length);
  }

  #add(head: FrameHead, value: Span | undefined, length: number): void {
    const size = HEAD + padded(value === undefined ? 0 : value.length);
    if (this.#length + size > this.#bytes.length) this.#grow(size);
    const at = this.#length;
    writeHead(this.#words, at >> 2, head, length);
    if (value !== undefined) copyBytes(value, this.#bytes, at + HEAD);
    this.#length = at + size;
  }

  /** Gives all of it, and begins anew. */
  take(): Uint8Array<ArrayBuffer> {
    // Quicker than slice(): the copy is not zeroed before.
    const taken = new Uint8Array(this.#bytes.subarray(0, this.#length));
    this.#length = 0;
    return taken;
  }

  #grow(size: number): void {
    const larger = new Uint8Array(padded(Math.max(this.#bytes.length * 2, this.#length + size)));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
    this.#words = new Int32Array(larger.buffer);
  }
}

/** Writes the head of a frame. */
export function writeHead(words: Int32Array, at: number, head: FrameHead, length: number): void {
  head.writeTo(words, at);
  words[at + LENGTH] = length;
}

/** The next multiple of four. */
export function padded(length: number): number {
  return length + 3 & ~3;
}

/** Bytes that are no frames. */
export class BadFrame extends Error {
  /** The class's name. */
  override name = "BadFrame";
}

/**
 * Reads the frames of a message.
 *
 * @param head Takes the head of one after the other.
 * @param each Called with each, what is in the frame of its value, and what is beside it.
 * @throws {BadFrame} There is one that is none.
 */
export function readFrames<Head extends FrameHead>(
  message: Uint8Array,
  head: Head,
  each: (head: Head, value: Uint8Array | undefined, beside: number) => void,
): void {
  const bytes = (message.byteOffset & 3) === 0 ? message : new Uint8Array(message);
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >> 2);
  for (let at = 0; at < bytes.length;) {
    const start = at >> 2;
    at += HEAD;
    const said = words[start + LENGTH] ?? Infinity;
    const length = said > BULK ? said - BULK : said;
    // What is not large is in its frame.
    if (length > bytes.length - at || length < ASIDE && ~length <= LARGEST) {
      throw new BadFrame("a frame that goes on behind its message");
    }
    head.readFrom(words, start);
    if (length < 0) {
      each(head, undefined, length === ASIDE ? OBJECT_BESIDE : ~length);
      continue;
    }
    const value = bytes.subarray(at, at + length);
    at += padded(length);
    each(head, value, length === said ? NOTHING_BESIDE : BUFFERS_BESIDE);
  }
}

/** Copies bytes. */
export function copyBytes({ bytes, start, length }: Span, into: Uint8Array, at: number): void {
  if (length < LOOP_LIMIT) { for (let k = 0; k < length; k++) into[at + k] = bytes[start + k]!; }
  else into.set(bytes.subarray(start, start + length), at);
}
