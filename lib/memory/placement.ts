/**
 * Where a primitive's words are. A primitive of `threading` makes itself a place on the heap; one
 * of `multiprocessing` is given a place in mapped memory, and so is the handle that a child gets.
 *
 * @module
 */
import { HeapRegion } from "./heap_region.ts";
import type { Region } from "./region.ts";

/** Some words of a region, from `base` on, all 0 at first. */
export interface Placement {
  /** The memory. */
  region: Region;
  /** The index of the first word. */
  base: number;
}

/** The key under which a constructor's options carry a {@linkcode Placement}. */
export const AT: unique symbol = Symbol("placement");

/** Options that say where the words are. */
export interface Placed {
  /** The words to use; new ones on the heap without it. */
  [AT]?: Placement;
}

/** The place that a buffer on the heap is. */
export function inBuffer(buffer: SharedArrayBuffer): Placement {
  return { region: new HeapRegion(buffer), base: 0 };
}

/** Makes a place of `words` words on the heap. */
export function onHeap(words: number): Placement {
  return inBuffer(new SharedArrayBuffer(words * 4));
}
