/**
 * A stream of frames over blocks of shared memory: it grows by a block when it needs one, and gives
 * each back when it has been read. It says where bytes lie; who may write or read, and which frames
 * count, is for its owner to say (`chain.ts`).
 *
 * ```text
 *   HEAD                                                TAIL
 *    |  frame  frame  ...  -> next block: frame  ...  frame |  free
 *   read by one at a time                       written by one at a time
 * ```
 *
 * A frame is its length in bytes, one word, and the bytes, padded so that those of each frame begin
 * at a multiple of 8: to and from shared memory, aligned bytes are copied seven times as fast. One
 * of up to {@linkcode WHOLE} bytes lies in one block (`SKIP` stands where it did not fit); a longer
 * one goes on in the next blocks, behind their second words. A block's first word is the index of
 * the next.
 *
 * Positions are indexes of words, odd ones or a block's end; 0 is the beginning of a stream that
 * has no block yet.
 *
 * Killed while it writes, somebody leaves a block that was added and not used: the next writer uses
 * it. Killed before it gave a block back, a reader has lost it to the family.
 *
 * @module
 */
import { BLOCK_WORDS, type Blocks } from "../../memory/blocks.ts";

/** The longest frame that lies in one block, in bytes. */
export const WHOLE: number = BLOCK_WORDS * 2;
const SKIP = -1;
/** The words of a block before the bytes of a frame that goes on in it. */
const NEXT_HEAD = 2;
/** Below this many bytes a loop is quicker than a call that copies. */
const LOOP_LIMIT = 64;

/**
 * Reads a frame where it lies: `length` bytes from `start`. Called under the readers' mutex: it
 * runs no user's code.
 */
export type Read<T> = (bytes: Uint8Array, start: number, length: number) => T;

/**
 * Writes a frame where it will lie, at `start` of `bytes`; gives its length. Called under the
 * writers' mutex: it runs no user's code.
 */
export type Fill = (bytes: Uint8Array, start: number) => number;

/** The answer of who takes a frame without waiting, when there is none. */
export const NOTHING: unique symbol = Symbol("nothing");

/** The position behind `length` bytes from the word `from` on, which is even. */
function behind(from: number, length: number): number {
  const end = (from - 1 | BLOCK_WORDS - 1) + 1;
  return Math.min(from + (length + 3 >> 2 | 1), end);
}

/** A stream of frames over blocks. */
export class FrameStream {
  /** The position behind the frame that was written or read last. */
  position = 0;
  /** The length of that frame, in bytes. */
  length = 0;
  readonly #blocks: Blocks;
  readonly #words: Int32Array<ArrayBufferLike>;
  readonly #first: number;

  /** Lays a stream over `blocks`; `words[first]` keeps its first block. */
  constructor(blocks: Blocks, words: Int32Array<ArrayBufferLike>, first: number) {
    this.#blocks = blocks;
    this.#words = words;
    this.#first = first;
  }

  /**
   * Writes the first `length` bytes of `frame`, or what `frame` writes (at most `length`, and at
   * most {@linkcode WHOLE}), from `position` on; false when memory is short.
   */
  write(position: number, frame: Uint8Array | Fill, length: number): boolean {
    const { words, bytes } = this.#blocks;
    if (position === 0) {
      // After a death here the block of the first try is used.
      const known = this.#words[this.#first]!;
      const first = known !== 0 ? known : this.#blocks.take();
      if (first === 0) return false;
      this.#words[this.#first] = first;
      position = first + 1;
    }
    if ((position & BLOCK_WORDS - 1) === 0) {
      const next = this.#next(position - 1);
      if (next === 0) return false;
      position = next + 1;
    }
    const size = length + 3 >> 2 | 1;
    let room = BLOCK_WORDS - (position & BLOCK_WORDS - 1) - 1;
    if (size > room && length <= WHOLE) {
      const next = this.#next(position);
      if (next === 0) return false;
      words[position] = SKIP;
      position = next + 1;
      room = BLOCK_WORDS - NEXT_HEAD;
    }
    let at = position + 1 << 2;
    if (typeof frame === "function") length = frame(bytes, at);
    this.length = words[position] = length;
    this.position = behind(position + 1, length);
    if (typeof frame === "function") return true;
    if (size <= room) {
      if (length < LOOP_LIMIT) { for (let k = 0; k < length; k++) bytes[at + k] = frame[k]!; }
      else bytes.set(length === frame.length ? frame : frame.subarray(0, length), at);
      return true;
    }
    for (let done = 0;;) {
      const part = Math.min(length - done, room << 2);
      bytes.set(frame.subarray(done, done + part), at);
      done += part;
      if (done === length) {
        this.position = behind(at >> 2, part);
        return true;
      }
      const next = this.#next((at >> 2) - 1);
      if (next === 0) return false;
      at = next + NEXT_HEAD << 2;
      room = BLOCK_WORDS - NEXT_HEAD;
    }
  }

  /** Reads the frame at `position`; there is one. */
  read<T>(position: number, read: Read<T>): T {
    const { words, bytes } = this.#blocks;
    if (position === 0) position = this.#words[this.#first]! + 1;
    if ((position & BLOCK_WORDS - 1) === 0) position = words[position - BLOCK_WORDS]! + 1;
    if (words[position] === SKIP) position = words[position & ~(BLOCK_WORDS - 1)]! + 1;
    const length = this.length = words[position]!;
    const size = length + 3 >> 2 | 1;
    const room = BLOCK_WORDS - (position & BLOCK_WORDS - 1) - 1;
    if (size <= room) {
      this.position = position + 1 + size;
      return read(bytes, position + 1 << 2, length);
    }
    const whole = new Uint8Array(length);
    let from = position + 1;
    let left = room;
    for (let done = 0;;) {
      const part = Math.min(length - done, left << 2);
      whole.set(bytes.subarray(from << 2, (from << 2) + part), done);
      done += part;
      this.position = behind(from, part);
      if (done === length) return read(whole, 0, length);
      from = words[from - 1 & ~(BLOCK_WORDS - 1)]! + NEXT_HEAD;
      left = BLOCK_WORDS - NEXT_HEAD;
    }
  }

  /** Gives back the blocks that lie wholly between `before` and `position`. */
  free(before: number, position: number): void {
    if (before === 0) before = this.#words[this.#first]! + 1;
    const { words } = this.#blocks;
    // Where the position is a block's end, that block is still needed to find the next.
    const last = position - 1 & ~(BLOCK_WORDS - 1);
    let block = before - 1 & ~(BLOCK_WORDS - 1);
    while (block !== last) {
      const next = words[block]!;
      this.#blocks.give(block);
      block = next;
    }
  }

  /**
   * The block after the one that `position` is in; one that was added and never used serves as
   * well.
   */
  #next(position: number): number {
    const { words } = this.#blocks;
    const block = position & ~(BLOCK_WORDS - 1);
    const known = words[block]!;
    if (known !== 0) return known;
    const next = this.#blocks.take();
    words[block] = next;
    return next;
  }
}
