/**
 * Blocks of shared memory that are given out and come back: what queues between processes grow by.
 *
 * The free ones are a stack (R. K. Treiber, 1986): its top is one word, the number of a block and a
 * tag that changes with each change, so that a top which came back meanwhile is not taken for the
 * same. Who is killed in the midst of a call takes one block with it, at most.
 *
 * @module
 */

/** The words of one block. Blocks begin at multiples of it. */
export const BLOCK_WORDS = 1 << 16;

/** The bits of the top that are the number of a block; the rest is the tag. */
const NUMBER_BITS = 14;
const NUMBER = (1 << NUMBER_BITS) - 1;

/** The first word of a free block: the number of the next. */
const NEXT = 0;

/** Two words about all blocks: the top of the stack, and how many were ever given out. */
export const BLOCKS_WORDS = 2;
const TOP = 0;
const GIVEN = 1;

/** The blocks, as one thread sees them. Block 0 is never given out. */
export class Blocks {
  /** All blocks as words. */
  readonly words: Int32Array<ArrayBufferLike>;
  /** All blocks as bytes. */
  readonly bytes: Uint8Array<ArrayBufferLike>;
  readonly #header: Int32Array<ArrayBufferLike>;
  readonly #base: number;
  readonly #count: number;

  /** Lays blocks over `memory`; `header` holds the two words about them at `base`. */
  constructor(memory: ArrayBufferLike, header: Int32Array<ArrayBufferLike>, base: number) {
    this.words = new Int32Array(memory);
    this.bytes = new Uint8Array(memory);
    this.#header = header;
    this.#base = base;
    this.#count = Math.min(Math.floor(this.words.length / BLOCK_WORDS), NUMBER + 1);
  }

  /** The index of a block's first word, which is 0; or 0 itself when all blocks are in use. */
  take(): number {
    const header = this.#header;
    const top = this.#base + TOP;
    for (;;) {
      const seen = Atomics.load(header, top);
      const number = seen & NUMBER;
      if (number === 0) break;
      const next = Atomics.load(this.words, number * BLOCK_WORDS + NEXT) & NUMBER;
      if (Atomics.compareExchange(header, top, seen, tagged(seen, next)) !== seen) continue;
      this.words[number * BLOCK_WORDS + NEXT] = 0;
      return number * BLOCK_WORDS;
    }
    const number = Atomics.add(header, this.#base + GIVEN, 1) + 1;
    if (number < this.#count) return number * BLOCK_WORDS;
    Atomics.sub(header, this.#base + GIVEN, 1);
    return 0;
  }

  /** Takes a block back. */
  give(block: number): void {
    const header = this.#header;
    const top = this.#base + TOP;
    for (;;) {
      const seen = Atomics.load(header, top);
      Atomics.store(this.words, block + NEXT, seen & NUMBER);
      const next = tagged(seen, block / BLOCK_WORDS);
      if (Atomics.compareExchange(header, top, seen, next) === seen) return;
    }
  }
}

/** A top with the next tag. */
function tagged(seen: number, number: number): number {
  return (seen & ~NUMBER) + (1 << NUMBER_BITS) | number;
}
