/**
 * `Pool` and `ThreadPool`: workers that apply functions, to one argument list or to all that an
 * iterable gives.
 *
 * @module
 */
import { checkArray, checkFunction, checkInteger, checkOptions } from "../core/checks.ts";
import type { Permissions } from "../child/process/permissions.ts";
import { INSPECT, shown } from "../core/inspect.ts";
import { held, reached } from "../core/promises.ts";
import { checkWait, type WaitOptions, type WaitSyncOptions } from "../sync/options.ts";
import { watchWait } from "../sync/traps.ts";
import type { Target } from "../transfer/task.ts";
import { AsyncResult } from "./async_result.ts";
import { type AnyArgs, type Call, knownReference } from "./call.ts";
import { Engine } from "./engine.ts";
import type { Completion } from "./completion.ts";
import { MAP, STARMAP } from "./transport/frames.ts";
import { checkMap, checkWorkers, type EngineOptions, type MapOptions } from "./options.ts";
import { mapAll, MapResults } from "./map_results.ts";

/** The input of a map: an iterable, also one that has to be awaited. */
export type Source<T> = Iterable<T> | AsyncIterable<T>;

/** Options of a {@linkcode ThreadPool}. */
export interface ThreadPoolOptions {
  /** Called in each worker before its first call. A target, as all that workers run. */
  initializer?: ((...args: AnyArgs) => unknown) | undefined;
  /** The arguments of the initializer. */
  initArgs?: unknown[] | undefined;
  /** After so many calls (chunks of a map count as one) a worker is replaced. Default: never. */
  maxTasksPerChild?: number | undefined;
}

/** Options of a {@linkcode Pool}. */
export interface PoolOptions extends ThreadPoolOptions {
  /**
   * The permissions of the workers, as for a `Process`. Default: what this process holds in full.
   */
  permissions?: Permissions | undefined;
  /**
   * The most bytes that a result, an error or a report may have; the call whose result has more
   * fails with a RangeError. Default: 64 MiB for workers that may do less than this process, so
   * that none of them fills its memory; without limit for others.
   */
  maxMessage?: number | undefined;
}

/** Options of `apply()`. */
export interface ApplyOptions {
  /**
   * The number of times that it is tried again when its worker dies. What the call throws is its
   * outcome and no reason to try again: for that there is `retry()` of `@std/async`. Default: 0.
   */
  retries?: number | undefined;
}

/** Options of `applyAsync()`, `mapAsync()` and `starmapAsync()`. */
export interface CallbackOptions<R> {
  /** Called with the value. */
  callback?: ((value: R) => void) | undefined;
  /** Called with the error instead. */
  errorCallback?: ((error: unknown) => void) | undefined;
}

let made = 0;

/**
 * The base of both kinds of pools.
 *
 * *Ctrl-C*, while there are calls: the first says
 * `waiting for N running calls; Ctrl-C again ends at once` on stderr. Calls that run end; what
 * waits, and what a map has not submitted, fails with a `CancelledError`, and so does what is
 * submitted meanwhile. Who awaits it is told when those that run have ended. The pool can be used
 * again then. The exit code is 130, unless the program goes on with other calls or sets another; a
 * `CancelledError` that nobody catches ends the program, in one line. The second ends the program
 * at once. Where the main thread has a handler of its own for SIGINT, or ignores it, that alone
 * decides.
 */
export abstract class BasePool implements AsyncDisposable {
  readonly #engine: Engine;

  /** The pools are made by their own classes. */
  constructor(
    workers: Pick<EngineOptions, "world" | "level" | "mayMap" | "start"> & { kind: string },
    processes: number,
    options?: ThreadPoolOptions,
  ) {
    const action = `create a ${workers.kind}`;
    checkOptions(options, action);
    const { initializer, initArgs, maxTasksPerChild } = options ?? {};
    const { kind, ...how } = workers;
    const checked = checkWorkers(
      {
        maxWorkers: processes,
        minWorkers: processes,
        idleTimeout: Infinity,
        initializer,
        initArgs,
        maxTasksPerWorker: maxTasksPerChild,
      },
      action,
      { maxWorkers: "processes", maxTasks: "maxTasksPerChild" },
    );
    this.#engine = new Engine({ ...checked, ...how, prefix: `${kind}-${++made}_` });
  }

  /**
   * Calls a function in a worker, and waits for what it returns.
   *
   * @throws {unknown} What it throws.
   * @throws {WorkerLostError} Its worker died.
   * @throws {ShareError} An argument cannot cross.
   */
  async apply<A extends AnyArgs, R>(
    target: (...args: A) => R | PromiseLike<R>,
    args?: NoInfer<A>,
    options?: ApplyOptions,
  ): Promise<R> {
    const call = this.#submit(target, args, options, "apply a function");
    return await call.value() as R;
  }

  /** Calls a function in a worker. */
  applyAsync<A extends AnyArgs, R>(
    target: (...args: A) => R | PromiseLike<R>,
    args?: NoInfer<A>,
    options?: ApplyOptions & CallbackOptions<R>,
  ): AsyncResult<R> {
    const action = "apply a function";
    checkCallbacks(options, action);
    const call = this.#submit(target, args, options, action);
    return new AsyncResult<R>(call, this.#engine, options);
  }

  /**
   * Applies a function to each item, and waits for all results, in the order of the items. The
   * first error ends it.
   */
  async map<T, R>(
    target: (item: T) => R | PromiseLike<R>,
    iterable: Source<T>,
    options?: MapOptions,
  ): Promise<R[]> {
    return await this.#collect<R>(MAP, target, iterable, options);
  }

  /** As {@linkcode map}, at once with an {@linkcode AsyncResult}. */
  mapAsync<T, R>(
    target: (item: T) => R | PromiseLike<R>,
    iterable: Source<T>,
    options?: MapOptions & CallbackOptions<R[]>,
  ): AsyncResult<R[]> {
    checkCallbacks(options, MAPPING);
    const all = this.#mapAll(MAP, target, iterable, options);
    return new AsyncResult<R[]>(all, this.#engine, options);
  }

  /** As {@linkcode map}, with items that are lists of arguments. */
  async starmap<A extends AnyArgs, R>(
    target: (...args: A) => R | PromiseLike<R>,
    iterable: Source<A>,
    options?: MapOptions,
  ): Promise<R[]> {
    return await this.#collect<R>(STARMAP, target, iterable, options);
  }

  /** As {@linkcode starmap}, at once with an {@linkcode AsyncResult}. */
  starmapAsync<A extends AnyArgs, R>(
    target: (...args: A) => R | PromiseLike<R>,
    iterable: Source<A>,
    options?: MapOptions & CallbackOptions<R[]>,
  ): AsyncResult<R[]> {
    checkCallbacks(options, MAPPING);
    const all = this.#mapAll(STARMAP, target, iterable, options);
    return new AsyncResult<R[]>(all, this.#engine, options);
  }

  /**
   * Applies a function to each item, and gives the results in the order of the items as they are
   * there. It begins at once, and takes only some items more than it has given results for: so an
   * endless input will do. It ends with the input. An error, of a call or of the input, comes after
   * the results of what came before it, and ends it. Who leaves it early closes the input.
   */
  imap<T, R>(
    target: (item: T) => R | PromiseLike<R>,
    iterable: Source<T>,
    options?: MapOptions,
  ): AsyncIterableIterator<R> & AsyncDisposable {
    return this.#results<R>(target, iterable, options, true);
  }

  /** As {@linkcode imap}, with the results in the order in which they come. */
  imapUnordered<T, R>(
    target: (item: T) => R | PromiseLike<R>,
    iterable: Source<T>,
    options?: MapOptions,
  ): AsyncIterableIterator<R> & AsyncDisposable {
    return this.#results<R>(target, iterable, options, false);
  }

  /** Takes no further calls; the workers end when all is done. */
  close(): void {
    this.#engine.close();
  }

  /** Ends the workers at once; what has not ended fails with a CancelledError. */
  terminate(): void {
    this.#engine.terminate();
  }

  /**
   * Waits until all workers have ended.
   *
   * @returns false when the timeout ended first.
   * @throws {Error} The pool was neither closed nor terminated.
   */
  join(options?: WaitOptions): Promise<boolean> {
    return watchWait(this, "pool.join()", this.#join(options));
  }

  async #join(options: WaitOptions | undefined): Promise<boolean> {
    const timeout = this.#checkJoin(options);
    return await reached(this.#engine.gone(), timeout, options?.signal);
  }

  /** As {@linkcode join}, but blocks the thread; with processes it needs `--allow-ffi`. */
  joinSync(options?: WaitSyncOptions): boolean {
    return this.#engine.goneSync(this.#checkJoin(options));
  }

  /** Terminates the pool and waits for its end. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.terminate();
    await held(this.#engine.gone());
  }

  /** @ignore */
  [INSPECT](): string {
    return shown(this, () => this.#engine.parts);
  }

  #submit(target: unknown, args: unknown, options: ApplyOptions | undefined, action: string): Call {
    this.#checkOpen(action);
    checkOptions(options, action);
    const { retries } = options ?? {};
    if (retries !== undefined) checkInteger(retries, 0, "retries", action);
    return this.#engine.submit(target, checkArgs(args, action), { retries });
  }

  #checkOpen(action: string): void {
    const { isClosed, isBroken } = this.#engine;
    if (isClosed && !isBroken) throw new Error(`Cannot ${action}: the pool is closed`);
  }

  #checkJoin(options: WaitOptions | undefined): number {
    const timeout = checkWait(options, "join the pool");
    if (this.#engine.isClosed) return timeout;
    throw new Error("Cannot join the pool: it is still running; call close() or terminate() first");
  }

  async #collect<R>(
    kind: typeof MAP | typeof STARMAP,
    target: unknown,
    iterable: Source<unknown>,
    options: MapOptions | undefined,
  ): Promise<R[]> {
    const all = this.#mapAll(kind, target, iterable, options);
    return await all.value() as R[];
  }

  #mapAll(
    kind: typeof MAP | typeof STARMAP,
    target: unknown,
    source: Source<unknown>,
    options: MapOptions | undefined,
  ): Completion {
    this.#checkOpen(MAPPING);
    const checked = checkMap(options, source, MAPPING);
    return mapAll({
      engine: this.#engine,
      kind,
      target: checkTarget(target),
      source,
      options: checked,
    });
  }

  #results<R>(
    target: unknown,
    source: Source<unknown>,
    options: MapOptions | undefined,
    ordered: boolean,
  ): MapResults<R> {
    this.#checkOpen(MAPPING);
    const checked = checkMap(options, source, MAPPING);
    const engine = this.#engine;
    return new MapResults<R>({
      engine,
      kind: MAP,
      target: checkTarget(target),
      source,
      ordered,
      options: checked,
    });
  }
}

const MAPPING = "map a function";

function checkTarget(target: unknown): Target {
  knownReference(target);
  return target as Target;
}

function checkArgs(args: unknown, action: string): unknown[] {
  checkArray(args, "args", action);
  return args ?? [];
}

function checkCallbacks(options: CallbackOptions<never> | undefined, action: string): void {
  checkOptions(options, action);
  checkFunction(options?.callback, "callback", action);
  checkFunction(options?.errorCallback, "errorCallback", action);
}
