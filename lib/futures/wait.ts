/**
 * Waiting for several futures.
 *
 * @module
 */
import { checkIterable, checkOptions, show } from "../core/checks.ts";
import { TimeoutError } from "../core/errors.ts";
import { blockUntil, happened } from "../pool/completion.ts";
import { checkWait, type WaitOptions, type WaitSyncOptions } from "../sync/options.ts";
import { BEHIND, Future } from "./future.ts";

/** When `wait()` comes back. */
export type ReturnWhen = "all" | "first" | "firstException";

/** Options of {@linkcode waitSync}. */
export interface WaitForSyncOptions extends WaitSyncOptions {
  /**
   * When it comes back: when all have ended, the first, or the first by an error. Default: `"all"`.
   */
  returnWhen?: ReturnWhen;
}

/** Options of {@linkcode wait}. */
export interface WaitForOptions extends WaitForSyncOptions {
  /** Abandons the wait: the promise is rejected with `signal.reason`. */
  signal?: AbortSignal;
}

/** Which futures have ended. */
export interface DoneAndNotDone<T> {
  /** Those that have. */
  done: Set<Future<T>>;
  /** The others. */
  notDone: Set<Future<T>>;
}

function checkFutures<T>(futures: Iterable<Future<T>>, action: string): Set<Future<T>> {
  checkIterable(futures, "futures", action);
  const all = new Set(futures);
  for (const future of all) {
    if (future instanceof Future) continue;
    throw new TypeError(`Cannot ${action}: futures must be Futures, received ${show(future)}`);
  }
  return all;
}

function checkWhen(options: WaitForSyncOptions | undefined, action: string): ReturnWhen {
  const { returnWhen = "all" } = options ?? {};
  if (["all", "first", "firstException"].includes(returnWhen)) return returnWhen;
  throw new TypeError(
    `Cannot ${action}: returnWhen must be "all", "first" or "firstException", received ${
      show(returnWhen)
    }`,
  );
}

function split<T>(all: Set<Future<T>>): DoneAndNotDone<T> {
  const done = new Set<Future<T>>();
  const notDone = new Set<Future<T>>();
  for (const future of all) (future.done() ? done : notDone).add(future);
  return { done, notDone };
}

function hasFailed(future: Future<unknown>): boolean {
  return future.done() && !future.cancelled() && !future[BEHIND].call.outcome!.ok;
}

function isEnough<T>(all: Set<Future<T>>, when: ReturnWhen): boolean {
  const futures = [...all];
  if (futures.every((future) => future.done())) return true;
  if (when === "first") return futures.some((future) => future.done());
  return when === "firstException" && futures.some(hasFailed);
}

/**
 * Waits until futures have ended: all of them, the first, or the first that ends by an error.
 *
 * *Cancellation*: an abort or the end of the timeout leaves the calls as they are.
 *
 * @returns Which have ended by then, and which have not.
 *
 * @example Wait for all, for a while
 * ```ts
 * import { ThreadPoolExecutor, wait } from "@switchyard/switchyard/futures";
 *
 * export function square(x: number) {
 *   return x * x;
 * }
 *
 * if (import.meta.main) {
 *   await using executor = new ThreadPoolExecutor(2);
 *   const futures = [1, 2, 3].map((x) => executor.submit(square, x));
 *   const { done, notDone } = await wait(futures, { timeout: 10_000 });
 *   console.log(done.size, notDone.size); // 3 0
 * }
 * ```
 */
export async function wait<T>(
  futures: Iterable<Future<T>>,
  options?: WaitForOptions,
): Promise<DoneAndNotDone<T>> {
  const action = "wait for futures";
  const timeout = checkWait(options, action);
  const when = checkWhen(options, action);
  const all = checkFutures(futures, action);
  const { signal } = options ?? {};
  signal?.throwIfAborted();
  if (timeout === 0 || isEnough(all, when)) return split(all);
  const { notDone } = split(all);
  await happened(
    (happens) => {
      let left = notDone.size;
      const look = (future: Future<T>) => {
        left--;
        if (left === 0 || when === "first" || when === "firstException" && hasFailed(future)) {
          happens();
        }
      };
      return watchAll(notDone, look);
    },
    timeout,
    signal,
  );
  return split(all);
}

/** Has `fn` called at the end of each; gives what ends that. */
function watchAll<T>(futures: Iterable<Future<T>>, fn: (future: Future<T>) => void): () => void {
  const watched = [...futures].map((future) => {
    const watcher = () => fn(future);
    future[BEHIND].call.whenEnded(watcher);
    return () => future[BEHIND].call.forget(watcher);
  });
  return () => {
    for (const forget of watched) forget();
  };
}

/** As {@linkcode wait}, but blocks the thread. */
export function waitSync<T>(
  futures: Iterable<Future<T>>,
  options?: WaitForSyncOptions,
): DoneAndNotDone<T> {
  const action = "wait for futures";
  const timeout = checkWait(options, action);
  const when = checkWhen(options, action);
  const all = checkFutures(futures, action);
  const engines = new Set([...all].map((future) => future[BEHIND].engine));
  blockUntil(() => isEnough(all, when), [...engines], timeout);
  return split(all);
}

/**
 * Gives futures as they end, each once; those that have ended first.
 *
 * @throws {TimeoutError} By the iteration, when the timeout ends before all have ended.
 *
 * @example Take the results as they come
 * ```ts
 * import { asCompleted, ThreadPoolExecutor } from "@switchyard/switchyard/futures";
 *
 * export function square(x: number) {
 *   return x * x;
 * }
 *
 * if (import.meta.main) {
 *   await using executor = new ThreadPoolExecutor(2);
 *   const futures = [1, 2, 3].map((x) => executor.submit(square, x));
 *   let sum = 0;
 *   for await (const future of asCompleted(futures)) sum += await future.result();
 *   console.log(sum); // 14
 * }
 * ```
 */
export function asCompleted<T>(
  futures: Iterable<Future<T>>,
  options?: WaitOptions,
): AsyncGenerator<Future<T>, void, void> {
  const action = "wait for futures";
  checkOptions(options, action);
  const timeout = checkWait(options, action);
  return completed(checkFutures(futures, action), timeout, options?.signal);
}

async function* completed<T>(
  all: Set<Future<T>>,
  timeout: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Future<T>, void, void> {
  const deadline = performance.now() + timeout;
  const ready: Future<T>[] = [];
  let wake = () => {};
  const forget = watchAll(all, (future) => {
    ready.push(future);
    wake();
  });
  try {
    for (let given = 0; given < all.size; given++) {
      if (ready.length === 0) {
        const left = Math.max(0, deadline - performance.now());
        const watch = (happens: () => void) => {
          wake = happens;
          return () => wake = () => {};
        };
        if (!await happened(watch, left, signal)) {
          const count = `${all.size - given} (of ${all.size}) futures unfinished`;
          throw new TimeoutError(`${count} after ${timeout} ms`);
        }
      }
      yield ready.shift()!;
    }
  } finally {
    forget();
  }
}
