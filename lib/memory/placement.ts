/**
 * Where a primitive's words are. A primitive of `threading` makes itself a place on the heap; one
 * of `multiprocessing` is given a place in mapped memory, and so is the handle that a child gets.
 *
 * @module
 */
import { ShareError } from "../core/errors.ts";
import type { World } from "../transfer/shareable.ts";
import { HeapRegion } from "./heap_region.ts";
import type { Region } from "./region.ts";

/** Some words of a region, from `base` on. */
export interface Placement {
  /** The memory. */
  region: Region;
  /** The index of the first word. */
  base: number;
  /**
   * True if the words are new, and all 0: whoever makes a handle to old ones leaves them as they
   * are.
   */
  fresh: boolean;
  /**
   * The facts that another thread or process finds the words by.
   *
   * @param place Where the primitive stands in what is sent.
   * @param name Its class, for the error.
   * @throws {ShareError} They cannot be found there.
   */
  share(world: World, place: () => string, name: string): unknown;
}

/** The key under which a constructor's options carry a {@linkcode Placement}. */
export const AT: unique symbol = Symbol("placement");

/** Options that say where the words are. */
export interface Placed {
  /** The words to use; new ones on the heap without it. */
  [AT]?: Placement;
}

/** A place on the heap, as it is sent to another thread. */
interface HeapPlace {
  buffer: SharedArrayBuffer;
  base: number;
}

/** A place on the heap, in memory that is there. */
export function placeOnHeap(
  buffer: SharedArrayBuffer,
  base: number,
  fresh: boolean,
): Placement {
  return {
    region: new HeapRegion(buffer),
    base,
    fresh,
    share(world, place, name) {
      if (world === "thread") return { buffer, base } satisfies HeapPlace;
      throw new ShareError(
        `Cannot share ${place()} with a process: a threading.${name} lives in one process; ` +
          `use multiprocessing.${name}`,
        place(),
      );
    },
  };
}

/** Makes a place of `words` words on the heap. */
export function onHeap(words: number): Placement {
  return placeOnHeap(new SharedArrayBuffer(words * 4), 0, true);
}

/** The place on the heap that another thread speaks of. */
export function foundOnHeap(sent: unknown): Placement {
  const { buffer, base } = sent as HeapPlace ?? {};
  // Bytes carry no such buffer: whoever made this up is no thread of this process.
  if (!(buffer instanceof SharedArrayBuffer) || !Number.isInteger(base)) {
    throw new TypeError("Cannot decode a shared object: it lies in no memory of this process");
  }
  return placeOnHeap(buffer, base, false);
}
