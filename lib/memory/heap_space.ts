/**
 * Spaces on the heap: words, and the blocks that grow behind them, in a SharedArrayBuffer of their
 * own. So all of it goes when the last thread has let go of it.
 *
 * Layout: the first block is never given out; in it are the two words about the blocks, and the
 * owner's words.
 *
 * @module
 */
import { Blocks, BLOCKS_WORDS } from "./blocks.ts";
import { foundOnHeap, type Placement, placeOnHeap } from "./placement.ts";

/** Words for the heads of something, and blocks for what it holds. */
export interface Space {
  /** The words. */
  placement: Placement;
  /** The blocks. */
  blocks: Blocks;
}

/**
 * The sizes of a space that are tried, in bytes. Only what is used takes memory, except on Windows,
 * and where the system promises no more than it has. All of it counts when a process is copied to
 * start a program: Linux refuses that where it is more than the machine's memory.
 */
const SIZES = [1 << 28, 1 << 26, 1 << 22];
if (Deno.build.os === "windows") SIZES.shift();
/** The owner's words begin on a cache line of their own. */
const FIRST = 16;

/**
 * Makes a space. Its owner has the first block's words, less those before {@linkcode FIRST}.
 *
 * @throws {RangeError} There is no memory.
 */
export function makeHeapSpace(): Space {
  for (const [k, size] of SIZES.entries()) {
    try {
      return spaceAt(placeOnHeap(new SharedArrayBuffer(size), FIRST, true));
    } catch (error) {
      if (k === SIZES.length - 1) throw error;
    }
  }
  throw new RangeError("Cannot make a queue: there is no memory");
}

/** The space that another thread speaks of. */
export function foundHeapSpace(sent: unknown): Space {
  return spaceAt(foundOnHeap(sent));
}

function spaceAt(placement: Placement): Space {
  const { region: { words } } = placement;
  return { placement, blocks: new Blocks(words.buffer, words, FIRST - BLOCKS_WORDS) };
}
