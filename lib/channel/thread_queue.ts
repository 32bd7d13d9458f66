/**
 * The base of the queues between threads.
 *
 * @module
 */
import { checkArray } from "../core/checks.ts";
import { Empty, Full, ShutDown } from "../core/errors.ts";
import { filled, INSPECT, shown } from "../core/inspect.ts";
import { takeUntil } from "../core/promises.ts";
import { type Limit, runAsync, runSync } from "../sync/steps.ts";
import { noteMadeIn, watchWait } from "../sync/traps.ts";
import { SHARE, type World } from "../transfer/shareable.ts";
import { OPEN } from "./ledger.ts";
import { type Item, open, ready, wrap } from "./item.ts";
import type { TakenItem } from "./line.ts";
import type { Core } from "./queue_core.ts";
import {
  checkQueue,
  type QueueLike,
  type QueueOptions,
  type QueueSyncOptions,
} from "./queue_like.ts";

/** Options of `putSync()` of a queue between threads. */
export interface PutSyncOptions extends QueueSyncOptions {
  /** Objects in the item that are moved instead of copied, as in `postMessage()`. */
  transfer?: Transferable[];
}

/** Options of `put()` of a queue between threads. */
export interface PutOptions extends QueueOptions {
  /** Objects in the item that are moved instead of copied, as in `postMessage()`. */
  transfer?: Transferable[];
}

const PUT = "put the item";
const GET = "get an item";
/** The time that a call that does not wait gives an item that is on its way, in ms. */
const ON_ITS_WAY = 20;

/** A queue between threads: see {@linkcode Queue}. */
export abstract class ThreadQueue<T = unknown>
  implements QueueLike<T>, Disposable, AsyncDisposable {
  readonly #core: Core;

  /** Takes over what is behind it. */
  constructor(core: Core) {
    this.#core = core;
    noteMadeIn(this, "thread");
  }

  /**
   * Puts an item in, waiting for room. Never blocks the event loop.
   *
   * The item is copied at once, as by `postMessage()`. *Cancellation*: an abort or the end of the
   * timeout puts nothing in and moves nothing.
   *
   * @throws {Full} There was no room in time.
   * @throws {ShutDown} The queue has been shut down.
   * @throws {ShareError} The item cannot cross to another thread.
   * @throws {TypeError | RangeError} Bad options.
   * @throws {ThreadTerminated} This thread was terminated.
   */
  put(item: T, options?: PutOptions): Promise<void> {
    let timeout: number, wrapped: Item;
    try {
      timeout = options === undefined ? Infinity : checkPut(options);
      options?.signal?.throwIfAborted();
      wrapped = wrap(item, options?.transfer);
      if (this.#core.tryPut(wrapped)) return Promise.resolve();
    } catch (error) {
      return Promise.reject(error);
    }
    const put = this.#putLater(wrapped, timeout, options?.signal);
    return watchWait(this, "queue.put(item)", put);
  }

  async #putLater(item: Item, timeout: number, signal: AbortSignal | undefined): Promise<void> {
    if (await runAsync(this.#core.put(item), { timeout, signal }) === undefined) {
      this.#full(timeout);
    }
  }

  /** As {@linkcode put}, but blocks the thread while there is no room. */
  putSync(item: T, options?: PutSyncOptions): void {
    const timeout = options === undefined ? Infinity : checkPut(options);
    const core = this.#core;
    const wrapped = wrap(item, options?.transfer);
    if (core.tryPut(wrapped)) return;
    if (runSync(core.put(wrapped), timeout) === undefined) this.#full(timeout);
  }

  /** Puts an item in if there is room now; else throws {@linkcode Full}. */
  putNowait(item: T): void {
    this.putSync(item, { timeout: 0 });
  }

  /**
   * Takes the next item, waiting for one. Never blocks the event loop.
   *
   * *Cancellation*: an abort or the end of the timeout takes nothing. *Memory*: what was written
   * before the `put()` is seen after the `get()`.
   *
   * @throws {Empty} None came in time.
   * @throws {ShutDown} The queue has been shut down, and nothing is left in it.
   * @throws {TypeError | RangeError} Bad options.
   * @throws {ThreadTerminated} This thread was terminated.
   */
  async get(options?: QueueOptions): Promise<T> {
    const timeout = options === undefined ? Infinity : checkQueue(options, GET);
    const signal = options?.signal;
    signal?.throwIfAborted();
    const core = this.#core;
    let taken = core.takeNow(false);
    if (taken === undefined && timeout > 0) {
      const found = await runAsync(core.get(false), { timeout, signal });
      taken = found === "none" ? undefined : found;
    }
    if (taken === undefined && core.ledger.size > 0) {
      // Home knows if there is one.
      const limit = timeout > 0 ? { timeout: ON_ITS_WAY, signal } : { signal };
      taken = await this.#ask((asks) => runAsync(core.get(false, asks), asks ? limit : LATE));
    }
    if (taken === undefined) this.#empty(timeout);
    await ready(taken.item);
    return open(taken.item) as T;
  }

  /** As {@linkcode get}, but blocks the thread. */
  getSync(options?: QueueSyncOptions): T {
    const timeout = options === undefined ? Infinity : checkQueue(options, GET);
    const core = this.#core;
    let taken = core.takeNow(true);
    if (taken === undefined && timeout > 0) {
      const found = runSync(core.get(true), timeout);
      taken = found === "none" ? undefined : found;
    }
    if (taken === undefined && core.ledger.size > 0) {
      const limit = timeout > 0 ? ON_ITS_WAY : Infinity;
      let found = runSync(core.get(true, true), limit);
      if (found === "none" && core.ledger.size > 0) found = runSync(core.get(true), ON_ITS_WAY);
      taken = found === "none" ? undefined : found;
    }
    if (taken === undefined) this.#empty(timeout);
    return open(taken.item) as T;
  }

  async #ask(
    run: (asks: boolean) => Promise<TakenItem | "none" | undefined>,
  ): Promise<TakenItem | undefined> {
    let found = await run(true);
    if (found === "none" && this.#core.ledger.size > 0) found = await run(false);
    return found === "none" ? undefined : found;
  }

  /**
   * Takes the next item if there is one now; else throws {@linkcode Empty}. In another thread than
   * home it asks home: see the module's page.
   */
  getNowait(): T {
    return this.getSync({ timeout: 0 });
  }

  /**
   * The number of items, at this moment: others put and get meanwhile. Do not decide by it;
   * use a `get()` or `put()` that does not wait, and its error.
   */
  qsize(): number {
    return this.#core.ledger.size;
  }

  /**
   * True if there is no item, at this moment. `while (!queue.empty()) queue.getSync()` hangs when
   * another thread takes the last one in between; get with a timeout, or iterate until the queue is
   * shut down.
   */
  empty(): boolean {
    return this.qsize() === 0;
  }

  /** True if there is no room, at this moment; put with a timeout instead of asking. */
  full(): boolean {
    const { most, size } = this.#core.ledger;
    return most > 0 && size >= most;
  }

  /** The items, as they come, until the queue is shut down and drained. */
  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return takeUntil(() => this.get(), ShutDown);
  }

  /** Shuts the queue down: what is in it can still be taken. */
  [Symbol.dispose](): void {
    this.#core.shutdown(false);
  }

  /** As `Symbol.dispose`. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#core.shutdown(false);
    return Promise.resolve();
  }

  /** @ignore */
  [INSPECT](): string {
    return shown(
      this,
      () => [
        filled(this.#core.ledger.size, this.#core.ledger.most),
        this.#core.ledger.shut === OPEN ? "" : "shut down",
      ],
    );
  }

  /** @ignore */
  [SHARE](world: World, place: () => string): unknown {
    return this.#core.share(world, place, this.constructor.name);
  }

  #full(timeout: number): never {
    const { most } = this.#core.ledger;
    const how = timeout === 0 ? `it is full (${most})` : `no room in ${timeout} ms (${most} items)`;
    throw new Full(`Cannot ${PUT} in the queue: ${how}`);
  }

  #empty(timeout: number): never {
    const how = timeout === 0 ? "it is empty" : `none came in ${timeout} ms`;
    throw new Empty(`Cannot ${GET} from the queue: ${how}`);
  }
}

const LATE: Limit = { timeout: ON_ITS_WAY };

function checkPut(options: PutOptions): number {
  const { transfer } = options ?? {};
  checkArray(transfer, "transfer", PUT);
  return checkQueue(options, PUT);
}
