/**
 * Sleeping: a wait for nothing but the time. It is one of the toolkit's waits, so `terminate()`
 * ends it.
 *
 * @module
 */
import { checkOptions, checkSignal, show } from "../core/checks.ts";
import { HeapRegion } from "../memory/heap_region.ts";
import { task } from "../transfer/task.ts";
import { type Park, runAsync, runSync, type Steps } from "./steps.ts";

/** Options of `sleep()`. */
export interface SleepOptions {
  /** Abandons the wait: the promise is rejected with `signal.reason`. */
  signal?: AbortSignal;
}

/** So long a sleep of 0 ms lasts, in which others have their turn. */
const TURN = 0.01;

let region: HeapRegion | undefined;

function checkMs(ms: unknown): number {
  if (typeof ms !== "number" || Number.isNaN(ms)) {
    throw new TypeError(`Cannot sleep: ms must be a number, received ${show(ms)}`);
  }
  if (ms < 0 || ms === Infinity) {
    throw new RangeError(`Cannot sleep: ms must be a finite number >= 0, received ${ms}`);
  }
  return Math.max(ms, TURN);
}

function* steps(): Steps<void> {
  region ??= new HeapRegion(new SharedArrayBuffer(4));
  const park: Park = { region, index: 0, value: 0, on: 0, name: "sleep" };
  for (;;) yield park;
}

/**
 * Waits for a time, and never blocks the event loop. 0 lets others have their turn.
 *
 * It is a target itself, as in
 * `new
 * Process(sleep, { args: [3000]
 * })`. A thread in it is "waiting", and `terminate()` wakes it. *Cancellation*: an abort ends it.
 *
 * @param ms The time at least, in ms: any finite number >= 0.
 * @throws {TypeError | RangeError} `ms` is none, or an option is of the wrong type.
 * @throws {ThreadTerminated} This thread was terminated.
 *
 * @example Wait for a moment
 * ```ts
 * import { sleep } from "@switchyard/switchyard/time";
 *
 * await sleep(10);
 * ```
 */
export async function sleep(ms: number, options?: SleepOptions): Promise<void> {
  const timeout = checkMs(ms);
  checkOptions(options, "sleep");
  const signal = options?.signal;
  checkSignal(signal, "sleep");
  await runAsync(steps(), { timeout, signal });
}

/**
 * As {@linkcode sleep}, but blocks the thread.
 *
 * @param ms The time at least, in ms: any finite number >= 0.
 */
export function sleepSync(ms: number): void {
  runSync(steps(), checkMs(ms));
}

task(import.meta, sleep);
task(import.meta, sleepSync);
