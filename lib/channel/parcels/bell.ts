/**
 * The bells of threads: a word in each one's slot of the roster, which others ring when they have
 * sent it something on a port that nobody listens on.
 *
 * @module
 */
import { HeapRegion } from "../../memory/heap_region.ts";
import { BELL } from "../../memory/roster.ts";
import { self } from "../../memory/this_thread.ts";
import type { Park } from "../../sync/steps.ts";

let region: HeapRegion | undefined;

/** The memory that the bells are in. */
export function bells(): HeapRegion {
  return region ??= new HeapRegion(self().memory);
}

/** Rings the bell of the thread whose slot begins at `slot`. */
export function ring(slot: number): void {
  const { words } = bells();
  Atomics.add(words, slot + BELL, 1);
  Atomics.notify(words, slot + BELL);
}

/** The park until the calling thread's bell is rung, from now on. */
export function untilRung(): Park {
  const index = self().slot + BELL;
  return { region: bells(), index, value: Atomics.load(bells().words, index), on: 0 };
}
