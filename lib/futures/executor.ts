/**
 * The base of both executors.
 *
 * @module
 */
import {
  checkArray,
  checkBoolean,
  checkFunction,
  checkInteger,
  checkOptions,
  checkSignal,
  checkTimeout,
  show,
} from "../core/checks.ts";
import { Full } from "../core/errors.ts";
import { INSPECT, shown } from "../core/inspect.ts";
import { held } from "../core/promises.ts";
import {
  type AnyArgs,
  type Call,
  type Caller,
  type CallOptions,
  knownReference,
} from "../pool/call.ts";
import { Engine } from "../pool/engine.ts";
import { MAP, STARMAP } from "../pool/transport/frames.ts";
import { checkMap, checkWorkers, type EngineOptions, type MapOptions } from "../pool/options.ts";
import { MapResults } from "../pool/map_results.ts";
import type { PoolStats } from "../pool/stats.ts";
import { Future } from "./future.ts";

/** Options of an executor. */
export interface ExecutorOptions {
  /** The number of workers that are kept while idle. Default: 0. */
  minWorkers?: number;
  /** The time that another one stays, in ms. Default: 60,000. */
  idleTimeout?: number;
  /** The name of workers, before their number. Default: as the executor, with its number. */
  namePrefix?: string;
  /** Called in each worker before its first call. A target, as all that workers run. */
  initializer?: (...args: AnyArgs) => unknown;
  /** The arguments of the initializer. */
  initArgs?: unknown[];
  /** After so many calls a worker is replaced. Default: never. */
  maxTasksPerWorker?: number;
  /**
   * The most calls that may wait for a worker; `submit()` throws `Full` then. Default: without
   * limit.
   */
  maxQueue?: number;
  /** The time that a cancelled call may go on before its worker is stopped, in ms. Default: 500. */
  grace?: number;
}

/** Options of `submitWith()`. */
export interface SubmitOptions {
  /** Cancels the call, also when it runs: it fails with `signal.reason`. */
  signal?: AbortSignal;
  /** The time that it may run, in ms; then it fails with a TimeoutError. Default: without limit. */
  timeout?: number;
  /** Higher goes first. Default: 0. */
  priority?: number;
  /** Objects in the arguments that are moved instead of copied (threads only). */
  transfer?: Transferable[];
  /**
   * The number of times that it is tried again when its worker dies. What the call throws is its
   * outcome and no reason to try again: for that there is `retry()` of `@std/async`. Default: 0.
   */
  retries?: number;
  /** Called with each value that it gives to `context().report()`. */
  // deno-lint-ignore no-explicit-any -- a report can be anything
  onReport?: (value: any) => void;
}

/** Options of `shutdown()`. */
export interface ExecutorShutdownOptions {
  /** True to wait until all is done and the workers have ended. Default: true. */
  wait?: boolean;
  /** True if calls that no worker has begun are cancelled. Default: false. */
  cancelFutures?: boolean;
}

let made = 0;

/** What an executor over workers of its own is made of: who calls, and the most that may wait. */
export function ofWorkers(
  workers: Pick<EngineOptions, "world" | "level" | "mayMap" | "start"> & { kind: string },
  maxWorkers: number,
  options: ExecutorOptions | undefined,
): [caller: Caller, maxQueue: number] {
  const action = `create a ${workers.kind}`;
  checkOptions(options, action);
  const { namePrefix, ...checked } = checkWorkers({ ...options, maxWorkers }, action);
  const { kind, ...how } = workers;
  const prefix = `${namePrefix ?? `${kind}-${made++}`}_`;
  return [new Engine({ ...checked, ...how, prefix }), checked.maxQueue];
}

/** Has a call cancelled when a signal aborts. */
export function cancelWith(signal: AbortSignal, caller: Caller, call: Call): void {
  const abort = () => caller.cancel(call, signal.reason, true);
  signal.addEventListener("abort", abort);
  call.whenEnded(() => signal.removeEventListener("abort", abort));
}

/**
 * Runs calls in workers, and gives a future for each.
 *
 * *Ctrl-C*, while there are calls: the first says
 * `waiting for N running calls; Ctrl-C again ends at once` on stderr. Calls that run end; what
 * waits, and what a map has not submitted, fails with a `CancelledError`, and so does what is
 * submitted meanwhile. Who awaits such a call is told when those that run have ended. The executor
 * can be used again then. The exit code is 130, unless the program goes on with other calls or sets
 * another; a `CancelledError` that nobody catches ends the program, in one line. The second ends
 * the program at once. Where the main thread has a handler of its own for SIGINT, or ignores it,
 * that alone decides.
 *
 * How do those who wait for results learn that there will be no more? A future that is awaited
 * always ends; `map()` and `asCompleted()` end by themselves. Where calls put what they find on a
 * queue, the end is the caller's to tell: wait for the calls, then `queue.shutdown()`, which ends
 * the iterations over it.
 *
 * @example Threads or processes, as the caller likes
 * ```ts
 * import { type Executor, ThreadPoolExecutor } from "@switchyard/switchyard/futures";
 *
 * export function square(x: number) {
 *   return x * x;
 * }
 *
 * async function squares(executor: Executor, numbers: number[]) {
 *   return await Array.fromAsync(executor.map(square, numbers));
 * }
 *
 * if (import.meta.main) {
 *   await using executor = new ThreadPoolExecutor(2);
 *   console.log(await squares(executor, [1, 2, 3])); // [ 1, 4, 9 ]
 * }
 * ```
 */
export abstract class Executor implements AsyncDisposable, Disposable {
  readonly #engine: Caller;
  readonly #maxQueue: number;

  /** The executors are made by their own classes. */
  constructor(caller: Caller, maxQueue: number) {
    this.#engine = caller;
    this.#maxQueue = maxQueue;
  }

  /**
   * Has a worker call `target(...args)`. The arguments are taken as they are now; but an
   * ArrayBuffer or Uint8Array of 32 KiB or more is copied when a worker is given the call, and must
   * stay as it is until the call begins.
   *
   * @throws {TypeError} No worker could find the target.
   * @throws {ShareError} An argument cannot cross.
   * @throws {Full} So many calls wait as `maxQueue` says.
   * @throws {Error} The executor has been shut down.
   * @throws {BrokenExecutor} Its workers cannot start.
   */
  submit<A extends AnyArgs, R>(
    target: (...args: A) => R | PromiseLike<R>,
    ...args: NoInfer<A>
  ): Future<R> {
    this.#checkOpen();
    return new Future<R>(this.#engine, this.#engine.submit(target, args));
  }

  /** As {@linkcode submit}, with options. */
  submitWith<A extends AnyArgs, R>(
    options: SubmitOptions,
    target: (...args: A) => R | PromiseLike<R>,
    ...args: NoInfer<A>
  ): Future<R> {
    this.#checkOpen();
    const { signal, ...checked } = checkSubmit(options);
    signal?.throwIfAborted();
    const call = this.#engine.submit(target, args, checked);
    if (signal !== undefined) cancelWith(signal, this.#engine, call);
    return new Future<R>(this.#engine, call);
  }

  /**
   * Applies `target` to each item, and gives the results in the order of the items as they are
   * there. It begins at once, and takes only some items more than it has given results for: so an
   * endless input will do. The first error ends it and cancels the rest.
   *
   * @throws {TimeoutError} By the iteration, when the timeout ends before all results were there.
   */
  map<T, R>(
    target: (item: T) => R | PromiseLike<R>,
    iterable: Iterable<T> | AsyncIterable<T>,
    options?: MapOptions,
  ): AsyncIterableIterator<R> & AsyncDisposable {
    return this.#results<R>(MAP, target, iterable, options);
  }

  /**
   * As {@linkcode map}, with items that are lists of arguments: `starmap(pow, [[2, 3], [3, 2]])`
   * gives 8 and 9.
   *
   * @throws {TypeError} By the iteration, when an item is no list.
   */
  starmap<A extends AnyArgs, R>(
    target: (...args: A) => R | PromiseLike<R>,
    iterable: Iterable<NoInfer<A>> | AsyncIterable<NoInfer<A>>,
    options?: MapOptions,
  ): AsyncIterableIterator<R> & AsyncDisposable {
    return this.#results<R>(STARMAP, target, iterable, options);
  }

  /** Takes no further calls. Those that were submitted run, unless they are to be cancelled. */
  async shutdown(options?: ExecutorShutdownOptions): Promise<void> {
    const action = "shut down the executor";
    checkOptions(options, action);
    const { wait = true, cancelFutures = false } = options ?? {};
    checkBoolean(wait, "wait", action);
    checkBoolean(cancelFutures, "cancelFutures", action);
    this.#engine.close(cancelFutures);
    if (wait) await held(this.#engine.gone());
  }

  /** The figures of what it has done and does. */
  stats(): PoolStats {
    return this.#engine.stats;
  }

  /** Shuts it down, and waits until all is done. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  /** Shuts it down; what was submitted runs on. */
  [Symbol.dispose](): void {
    this.#engine.close();
  }

  #results<R>(
    kind: typeof MAP | typeof STARMAP,
    target: unknown,
    source: Iterable<unknown> | AsyncIterable<unknown>,
    options: MapOptions | undefined,
  ): MapResults<R> {
    const action = "map a function";
    this.#checkOpen(action);
    const checked = checkMap(options, source, action);
    knownReference(target);
    const engine = this.#engine;
    return new MapResults<R>({ engine, kind, target, source, ordered: true, options: checked });
  }

  /** @ignore */
  [INSPECT](): string {
    return shown(this, () => this.#engine.parts);
  }

  #checkOpen(action = "submit a call"): void {
    const engine = this.#engine;
    if (engine.isClosed && !engine.isBroken) {
      throw new Error(`Cannot ${action}: the executor has been shut down`);
    }
    if (this.#maxQueue !== Infinity && engine.waiting >= this.#maxQueue) {
      throw new Full(`Cannot ${action}: ${this.#maxQueue} calls wait already`);
    }
  }
}

/** Checks the options of a call. */
export function checkSubmit(
  options: SubmitOptions,
): CallOptions & { signal: AbortSignal | undefined; transfer: Transferable[] | undefined } {
  const action = "submit a call";
  if (options === undefined || options === null || typeof options === "function") {
    throw new TypeError(`Cannot ${action}: options must be an object, received ${show(options)}`);
  }
  checkOptions(options, action);
  const { signal, timeout, priority, transfer, retries, onReport } = options;
  checkSignal(signal, action);
  checkTimeout(timeout, action);
  if (priority !== undefined && (typeof priority !== "number" || Number.isNaN(priority))) {
    throw new TypeError(`Cannot ${action}: priority must be a number, received ${show(priority)}`);
  }
  if (retries !== undefined) checkInteger(retries, 0, "retries", action);
  checkArray(transfer, "transfer", action);
  checkFunction(onReport, "onReport", action);
  return { signal, timeout, priority, transfer, retries, onReport };
}
