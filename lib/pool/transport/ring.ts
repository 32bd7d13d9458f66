/**
 * A ring of bytes in memory that threads share: one of them writes records, another reads them. A
 * record is there as soon as `push()` returns, whatever becomes of its writer; nobody is told of
 * it.
 *
 * Positions count bytes and wrap at 2^32; only their difference is used. A record lies in one
 * piece: where it does not fit before the end, the rest is skipped. Two words carry the state:
 * TAIL, moved by the writer once the record is written, and HEAD, moved by the reader once it has
 * been copied.
 *
 * @module
 */
import { LOOP_LIMIT } from "../../transfer/codec/format.ts";
import {
  BadFrame,
  copyBytes,
  HEAD as HEAD_BYTES,
  padded,
  type ReplyHead,
  writeHead,
} from "./frames.ts";
import type { Span } from "../payload.ts";

/** The words of a ring that lie before its bytes. */
export const RING_WORDS = 32;
const TAIL = 0;
/** On a cache line of its own. */
const HEAD = 16;

/** The room that a record takes besides its bytes: its length. */
const LENGTH = 4;
/** The length that says: go on at the beginning. */
const SKIP = -1;

/** One side of a ring. */
export class Ring {
  readonly #words: Int32Array;
  readonly #base: number;
  readonly #bytes: Uint8Array;
  readonly #lengths: Int32Array;
  readonly #capacity: number;

  /**
   * @param words The shared memory.
   * @param base The first of the ring's words.
   * @param start The first word of its bytes.
   * @param capacity The number of its bytes: a power of two.
   */
  constructor(
    words: Int32Array<ArrayBufferLike>,
    base: number,
    start: number,
    capacity: number,
  ) {
    this.#words = words;
    this.#base = base;
    this.#bytes = new Uint8Array(words.buffer, words.byteOffset + 4 * start, capacity);
    this.#lengths = words.subarray(start, start + (capacity >> 2));
    this.#capacity = capacity;
  }

  /** Writes a record, which is a frame; false when there is no room for it now. */
  push(head: ReplyHead, value: Span): boolean {
    const length = HEAD_BYTES + value.length;
    const size = LENGTH + padded(length);
    const tail = this.#words[this.#base + TAIL]!;
    const at = tail & this.#capacity - 1;
    const left = this.#capacity - at;
    const skipped = size > left ? left : 0;
    const used = tail - Atomics.load(this.#words, this.#base + HEAD) | 0;
    if (used + skipped + size > this.#capacity) return false;
    if (skipped > 0) this.#lengths[at >> 2] = SKIP;
    const start = skipped > 0 ? 0 : at;
    this.#lengths[start >> 2] = length;
    writeHead(this.#lengths, (start + LENGTH) >> 2, head, value.length);
    copyBytes(value, this.#bytes, start + LENGTH + HEAD_BYTES);
    Atomics.store(this.#words, this.#base + TAIL, tail + skipped + size | 0);
    return true;
  }

  /**
   * Copies the next record out, to the beginning of `into`; gives its length, or -1 when there is
   * none.
   *
   * @throws {BadFrame} The memory has been spoilt.
   */
  shift(into: Uint8Array): number {
    const head = this.#words[this.#base + HEAD]!;
    if (Atomics.load(this.#words, this.#base + TAIL) === head) return -1;
    const at = head & this.#capacity - 1;
    const skips = this.#lengths[at >> 2] === SKIP;
    const start = (skips ? 0 : at) + LENGTH;
    const length = this.#lengths[start - LENGTH >> 2]!;
    if (length < HEAD_BYTES || length > this.#capacity - start) {
      throw new BadFrame("a record that is none");
    }
    if (length < LOOP_LIMIT) { for (let k = 0; k < length; k++) into[k] = this.#bytes[start + k]!; }
    else into.set(this.#bytes.subarray(start, start + length));
    const size = LENGTH + padded(length) + (skips ? this.#capacity - at : 0);
    Atomics.store(this.#words, this.#base + HEAD, head + size | 0);
    return length;
  }
}
