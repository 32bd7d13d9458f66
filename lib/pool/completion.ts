/**
 * The end of a call, or of all the calls of a map: who is told of it, and how one waits for it, by
 * a promise or in a thread that blocks.
 *
 * @module
 */
import type { Outcome } from "../child/outcome.ts";
import { reached } from "../core/promises.ts";
import { HeapRegion } from "../memory/heap_region.ts";
import { runSync, type Steps } from "../sync/steps.ts";
import { withLocalStack } from "../transfer/failure.ts";

/**
 * Keeps what settles the promise that is made just now: a closure for each would cost as much as
 * the promise.
 */
let settle: (value: unknown) => void;
const keepSettle = (resolve: (value: unknown) => void): void => {
  settle = resolve;
};

/**
 * Something that ends once. Tens of thousands may be waited for, so each is small, and so is each
 * wait.
 */
export class Completion {
  /** Its end; undefined until then. */
  outcome: Outcome | undefined;
  /** True if its error is not the task's, but why nobody wanted it any more. */
  isCancelled = false;
  /**
   * Settles when those that wait for its value are told of its end, where they are not told at
   * once.
   */
  told: Promise<void> | undefined;
  /** The worker that ran it last. */
  worker = "";
  /**
   * Who waits for its value, and who is called at the end: the first of each, and the others. Most
   * have one.
   */
  #settle: ((value: unknown) => void) | undefined;
  #watcher: (() => void) | undefined;
  #watchers: (() => void)[] | undefined;

  /** Calls `fn` once it has ended: at once if it has. */
  whenEnded(fn: () => void): void {
    if (this.outcome !== undefined) fn();
    else if (this.#watcher === undefined) this.#watcher = fn;
    else (this.#watchers ??= []).push(fn);
  }

  /** Does not call `fn` any more. */
  forget(fn: () => void): void {
    if (this.#watcher === fn) this.#watcher = this.#watchers?.shift();
    else this.#watchers = this.#watchers?.filter((watcher) => watcher !== fn);
  }

  /** Waits for what it ends with, or throws it. */
  value(): Promise<unknown> {
    if (this.outcome !== undefined) return unwrapNow(this);
    const value = new Promise<unknown>(keepSettle);
    if (this.#settle === undefined) this.#settle = settle;
    else this.#settleToo(settle);
    return value;
  }

  /** Ends it; false if it had ended before. */
  end(outcome: Outcome): boolean {
    if (this.outcome !== undefined) return false;
    this.outcome = outcome;
    const settle = this.#settle;
    const watcher = this.#watcher;
    const watchers = this.#watchers;
    this.#settle = this.#watcher = this.#watchers = undefined;
    settle?.(settlement(this));
    watcher?.();
    if (watchers !== undefined) { for (const fn of watchers) fn(); }
    return true;
  }

  #settleToo(settle: (value: unknown) => void): void {
    this.whenEnded(() => settle(settlement(this)));
  }
}

/** The functions that settle a promise of its value. */
function settlement(completion: Completion): unknown {
  return completion.outcome!.ok ? completion.outcome!.value : unwrapSoon(completion);
}

async function unwrapNow(completion: Completion): Promise<unknown> {
  if (completion.told !== undefined) await completion.told;
  return unwrap(completion);
}

/**
 * Throws what it ended with when its promise is waited for: only then can the stack say by whom.
 */
async function unwrapSoon(completion: Completion): Promise<unknown> {
  await completion.told;
  await undefined;
  return unwrap(completion);
}

/** Waits for the end; false when the time is up first. */
export function ended(
  completion: Completion,
  timeout: number = Infinity,
  signal: AbortSignal | undefined = undefined,
): Promise<boolean> {
  return happened(
    (happens) => {
      completion.whenEnded(happens);
      return () => completion.forget(happens);
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

/** The time that a thread which begins to block looks without a pause, in ms. */
const LOOKS = 0.2;
let idle: HeapRegion | undefined;

function* until(isTrue: () => boolean): Steps<true> {
  // Nothing wakes this word: what goes on between parks ends the wait.
  const region = idle ??= new HeapRegion(new SharedArrayBuffer(4));
  while (!isTrue()) yield { region, index: 0, value: 0, on: 0 };
  return true;
}

/** Who can be heard of calls. */
export interface Audible {
  /** Hears what was said of calls, also while the thread blocks; whether there was something. */
  poll(): boolean;
  /**
   * Checks that a thread which blocks hears of calls; absent where it always does.
   *
   * @throws {Deno.errors.NotCapable} Only the event loop does.
   */
  checkHeard?(): void;
}

/**
 * Blocks the thread until something is true that pools bring about; false when the time is up
 * first.
 *
 * @throws {Deno.errors.NotCapable} A caller hears of its calls by the event loop alone.
 */
export function blockUntil(
  isTrue: () => boolean,
  callers: readonly Audible[],
  timeout: number,
): boolean {
  const end = performance.now() + Math.min(timeout, LOOKS);
  do {
    for (const caller of callers) caller.poll();
    if (isTrue()) return true;
  } while (performance.now() < end);
  for (const caller of callers) caller.checkHeard?.();
  return runSync(until(isTrue), timeout) ?? false;
}

/**
 * Gives what it ended with, or throws it, with the stack of the worker and then that of the caller.
 */
export function unwrap({ outcome, isCancelled, worker }: Completion): unknown {
  if (outcome!.ok) return outcome!.value;
  if (isCancelled) throw outcome!.error;
  throw withLocalStack(outcome!.error, worker, new Error().stack);
}
