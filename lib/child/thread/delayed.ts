/**
 * When a thread is to begin with its task: at once, or later and perhaps never.
 *
 * @module
 */
import { now } from "../../core/environment.ts";
import { HeapRegion } from "../../memory/heap_region.ts";
import { runAsync, type Steps } from "../../sync/steps.ts";

/** The key under which a thread's options carry a {@linkcode Due}. */
export const DUE: unique symbol = Symbol("due");

/** A beginning that can be called off. */
export interface Due {
  /** The time after the start, in ms. */
  ms: number;
  /** One word: 0, {@linkcode FIRED} or {@linkcode CANCELLED}. */
  state: SharedArrayBuffer;
}

/** The task has begun. */
export const FIRED = 1;
/** The task will not begin. */
export const CANCELLED = 2;

function* cancelled(region: HeapRegion): Steps<true> {
  while (Atomics.load(region.words, 0) === 0) yield { region, index: 0, value: 0, on: 0 };
  return true;
}

/** Waits until it is time; whether the task is to be run. */
export async function fires({ ms, state }: Due, startedAt: number): Promise<boolean> {
  const region = new HeapRegion(state);
  await runAsync(cancelled(region), { timeout: Math.max(0, startedAt + ms - now()) });
  return Atomics.compareExchange(region.words, 0, 0, FIRED) === 0;
}
