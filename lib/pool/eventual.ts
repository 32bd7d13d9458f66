/**
 * Waiting for what a pool will give: a call, or all the calls of a map.
 *
 * @module
 */
import type { Outcome } from "../child/outcome.ts";
import { reached } from "../core/reached.ts";
import { HeapRegion } from "../memory/heap_region.ts";
import { runSync, type Steps } from "../sync/steps.ts";
import { withLocalStack } from "../transfer/failure.ts";

/** Something that ends once. */
export interface Eventual {
  /** How it ended; undefined until then. */
  readonly outcome: Outcome | undefined;
  /** Whether its error is not the task's, but why nobody wanted it any more. */
  readonly isCancelled: boolean;
  /** The worker that ran it last. */
  readonly worker: string;
  /** Calls `fn` once it has ended: at once if it has. */
  whenEnded(fn: () => void): void;
  /** Does not call `fn` any more. */
  forget(fn: () => void): void;
  /** Hears what workers have said, in a thread that blocks. */
  poll?: () => unknown;
}

/** An {@linkcode Eventual} that is ended from outside. */
export class Ending implements Eventual {
  outcome: Outcome | undefined;
  isCancelled = false;
  worker = "";
  /** The first that is called at the end, and the others: most have one. */
  #watcher: (() => void) | undefined;
  #watchers: (() => void)[] | undefined;

  whenEnded(fn: () => void): void {
    if (this.outcome !== undefined) fn();
    else if (this.#watcher === undefined) this.#watcher = fn;
    else (this.#watchers ??= []).push(fn);
  }

  forget(fn: () => void): void {
    if (this.#watcher === fn) this.#watcher = this.#watchers?.shift();
    else this.#watchers = this.#watchers?.filter((watcher) => watcher !== fn);
  }

  /** Ends it; false if it had ended before. */
  end(outcome: Outcome): boolean {
    if (this.outcome !== undefined) return false;
    this.outcome = outcome;
    const watcher = this.#watcher;
    const watchers = this.#watchers;
    this.#watcher = this.#watchers = undefined;
    watcher?.();
    if (watchers !== undefined) { for (const fn of watchers) fn(); }
    return true;
  }
}

/** Waits for the end; false when the time is up first. */
export function ended(
  eventual: Eventual,
  timeout: number = Infinity,
  signal: AbortSignal | undefined = undefined,
): Promise<boolean> {
  return happened(
    (happens) => {
      eventual.whenEnded(happens);
      return () => eventual.forget(happens);
    },
    timeout,
    signal,
  );
}

/**
 * Waits until something happens; false when the time is up first.
 *
 * @param watch Has its argument called when it happens; gives what ends that.
 */
export async function happened(
  watch: (happens: () => void) => () => void,
  timeout: number,
  signal: AbortSignal | undefined,
): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const unwatch = watch(resolve);
  try {
    return await reached(promise, timeout, signal);
  } finally {
    unwatch();
  }
}

/** How long a thread that begins to block looks without a pause, in ms. */
const LOOKS = 0.2;
let idle: HeapRegion | undefined;

function* until(isTrue: () => boolean): Steps<true> {
  // Nothing wakes this word: what goes on between parks ends the wait.
  const region = idle ??= new HeapRegion(new SharedArrayBuffer(4));
  while (!isTrue()) yield { region, index: 0, value: 0, on: 0 };
  return true;
}

/** Blocks the thread until something is true that pools bring about; false when the time is up first. */
export function blockUntil(isTrue: () => boolean, poll: () => unknown, timeout: number): boolean {
  const end = performance.now() + Math.min(timeout, LOOKS);
  do {
    poll();
    if (isTrue()) return true;
  } while (performance.now() < end);
  return runSync(until(isTrue), timeout) ?? false;
}

/** Gives what it ended with, or throws it, with the stack of the worker and then that of the caller. */
export function unwrap({ outcome, isCancelled, worker }: Eventual): unknown {
  if (outcome!.ok) return outcome!.value;
  if (isCancelled) throw outcome!.error;
  throw withLocalStack(outcome!.error, worker, new Error().stack);
}
