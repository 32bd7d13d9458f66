/**
 * A queue in shared memory, between threads or between processes: values, as messages, in a chain
 * or a pile. Which memory that is, and how a value becomes a message, its two faces say
 * (`channel/thread_queue.ts`, `multiprocessing/queue.ts`).
 *
 * Nobody feeds it and nothing is buffered on the way: when `put()` is done, the item is in the
 * memory. What a death leaves is the chain's matter, and the pile's.
 *
 * @module
 */
import { show } from "../../core/checks.ts";
import { Empty, Full } from "../../core/errors.ts";
import { recorder } from "../../core/hooks.ts";
import { filled, INSPECT, shown } from "../../core/inspect.ts";
import type { Space } from "../../memory/heap_space.ts";
import { ASYNC } from "../../sync/mutex.ts";
import { checkWait, type WaitOptions, type WaitSyncOptions } from "../../sync/options.ts";
import { ALL, checkCancelled, runAsync, runSync, STEPS, type Steps } from "../../sync/steps.ts";
import { watchWait } from "../../sync/traps.ts";
import { loseAll } from "../../transfer/flight.ts";
import {
  fillOf,
  type Found,
  keep,
  loadFor,
  type Message,
  type readValue,
  takeNow,
  taking,
  unwrap,
} from "../message.ts";
import {
  checkQueue,
  checkShutdown,
  type MovingOptions,
  type QueueLike,
  type QueueOptions,
  type QueueSyncOptions,
  type ShutdownOptions,
} from "../queue_like.ts";
import { AT_WORK, Chain, CHAIN_EXTRA, CHAIN_WORDS } from "./chain.ts";
import type { Dialect } from "./dialect.ts";
import { NOTHING } from "./frames.ts";
import { Pile } from "./pile.ts";
import { behindHead, joined, type QueueOrder } from "./queue_order.ts";

/** The number of tasks that were done; the chain knows how many there were. */
const DONE = CHAIN_EXTRA;
/** Goes on by one whenever no task is left; who joins parks on it. */
const ALL_DONE = CHAIN_EXTRA + 1;
/** The words of a queue that are left to its face, from here on: one in the chain's, and more. */
export const QUEUE_EXTRA: number = CHAIN_EXTRA + 2;
/** The words that a queue takes. */
export const QUEUE_WORDS: number = CHAIN_WORDS;

const PUT = "put";
const GET = "get";

/** A queue as its face makes it. */
export interface QueueParts {
  /** Where it lies. */
  space: Space;
  /** The most items that it holds; 0: any number. */
  maxsize: number;
  /** Its name in reports. */
  name?: string | undefined;
  /** The order in which it gives items out. Default: the oldest first. */
  order?: QueueOrder | undefined;
  dialect: Dialect;
  /** Called before items are dropped; more than once if somebody is killed meanwhile. */
  onDrop?: () => void;
}

/** A queue in shared memory. */
export abstract class MemoryQueue<T = unknown> implements QueueLike<T> {
  readonly #space: Space;
  readonly #name: string | undefined;
  readonly #maxsize: number;
  readonly #order: QueueOrder | undefined;
  readonly #chain: Chain | Pile;
  readonly #dialect: Dialect;
  readonly #read: typeof readValue;
  readonly #readNow: typeof readValue;
  #isClosed = false;

  /** Lays a queue over its parts. */
  constructor({ space, maxsize, name, order, dialect, onDrop }: QueueParts) {
    this.#space = space;
    this.#name = name;
    this.#maxsize = maxsize;
    this.#order = order;
    this.#dialect = dialect;
    const limits = {
      ...(name !== undefined && { name }),
      frames: maxsize === 0 ? Infinity : maxsize,
      ...(onDrop && { onDrop }),
    };
    const { placement, blocks } = space;
    this.#chain = order === undefined
      ? new Chain(placement, blocks, limits)
      : new Pile(placement, blocks, { ...limits, order: order.pile });
    this.#read = behindHead(order, dialect.read);
    this.#readNow = behindHead(order, dialect.readNow);
  }

  /** The most items that it holds; 0 for any number. */
  get maxsize(): number {
    return this.#maxsize;
  }

  /**
   * Puts an item in, waiting while the queue is full. Never blocks the event loop.
   *
   * The item is copied at once. *Cancellation*: an abort or the end of the timeout leaves the queue
   * as if the call had never been made.
   *
   * @throws {Full} There was no room in time.
   * @throws {ShutDown} The queue has been shut down.
   * @throws {ShareError} The item cannot cross; its place is named.
   * @throws {TypeError | RangeError} Bad options.
   * @throws {ThreadTerminated} This thread was terminated.
   */
  put(item: T, options?: QueueOptions): Promise<void> {
    let timeout: number, message: Message | undefined;
    try {
      timeout = this.#patience(options, PUT);
      options?.signal?.throwIfAborted();
      message = this.#offer(item, (options as MovingOptions | undefined)?.transfer);
      if (message === undefined) return Promise.resolve();
    } catch (error) {
      return Promise.reject(error);
    }
    const put = this.#putLater(message, timeout, options?.signal);
    return watchWait(this, "queue.put(item)", put);
  }

  async #putLater(
    message: Message,
    timeout: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { flights } = message;
    try {
      const steps = this.#putting(message, ASYNC, timeout);
      const isPut = await runAsync(steps, { timeout: timeout || AT_WORK, signal });
      if (!isPut) throw this.#full(timeout);
      this.#record("put");
    } catch (error) {
      loseAll(flights);
      throw error;
    }
  }

  /** As {@linkcode put}, but blocks the thread while it waits. */
  putSync(item: T, options?: QueueSyncOptions): void {
    const timeout = this.#patience(options, PUT);
    const message = this.#offer(item, (options as MovingOptions | undefined)?.transfer);
    if (message === undefined) return;
    const { flights } = message;
    try {
      const isPut = runSync(this.#putting(message, 0, timeout), timeout || AT_WORK);
      if (!isPut) throw this.#full(timeout);
      this.#record("put");
    } catch (error) {
      loseAll(flights);
      throw error;
    }
  }

  /**
   * Puts an item in, if there is room now.
   *
   * @throws {Full} There is none.
   */
  putNowait(item: T): void {
    this.putSync(item, NOW);
  }

  /**
   * Takes the next item, waiting while the queue is empty. Never blocks the event loop.
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
    const timeout = this.#patience(options, GET);
    const signal = options?.signal;
    signal?.throwIfAborted();
    checkCancelled();
    let found = takeNow(this.#chain, this.#read);
    if (found === NOTHING) {
      const steps = this.#getting(this.#read, ASYNC, timeout);
      const got = await runAsync(steps, { timeout: timeout || AT_WORK, signal });
      found = got?.value ?? NOTHING;
    }
    if (found === NOTHING) throw this.#empty(timeout);
    this.#record("get");
    if (found.apart !== undefined) await runAsync(found.apart.come());
    if (found.bytes !== undefined || found.apart !== undefined) await loadFor(found);
    return unwrap(found) as T;
  }

  /**
   * As {@linkcode get}, but blocks the thread while it waits.
   *
   * @throws {TypeError} The item is of a class whose module this thread has not imported; it stays.
   */
  getSync(options?: QueueSyncOptions): T {
    const timeout = options === undefined && !this.#isClosed
      ? Infinity
      : this.#patience(options, GET);
    let found = takeNow(this.#chain, this.#readNow);
    if (found === NOTHING) {
      const steps = this.#getting(this.#readNow, 0, timeout);
      found = runSync(steps, timeout || AT_WORK)?.value ?? NOTHING;
    }
    if (found === NOTHING) throw this.#empty(timeout);
    this.#record("get");
    if (found.apart !== undefined) runSync(found.apart.come());
    return unwrap(found) as T;
  }

  /** The steps of a put; with a `timeout` of 0 it waits only for those who are at work. */
  #putting(message: Message, kind: number, timeout: number): Steps<boolean> {
    const frame = keep(message);
    const isOver = timeout === 0 ? now : undefined;
    return this.#chain.putting(frame, frame.length, kind, isOver, message.before);
  }

  /** The steps of a get, likewise. */
  #getting(
    read: typeof readValue,
    kind: number,
    timeout: number,
  ): Steps<{ value: Found } | undefined> {
    const isOver = timeout === 0 ? now : undefined;
    return taking(() => this.#chain.getting(read, kind, isOver));
  }

  /**
   * Takes the next item, if there is one now.
   *
   * @throws {Empty} There is none.
   */
  getNowait(): T {
    return this.getSync(NOW);
  }

  /** The number of items. Others put and get meanwhile: true only for the moment. */
  qsize(): number {
    return this.#chain.frames;
  }

  /**
   * True if there are none, at this moment. `while (!queue.empty()) queue.getSync()` hangs when
   * somebody else takes the last one in between: instead of asking, get with a timeout, or send a
   * sentinel.
   */
  empty(): boolean {
    return this.#chain.frames === 0;
  }

  /** True if there is no room, at this moment. Instead of asking, put with a timeout. */
  full(): boolean {
    return this.#maxsize > 0 && this.#chain.frames >= this.#maxsize;
  }

  /** Gives the items as they come, until the queue is shut down and drained. */
  abstract [Symbol.asyncIterator](): AsyncIterator<T>;

  /** @ignore */
  [INSPECT](): string {
    return shown(
      this,
      () => [
        this.#name,
        filled(this.qsize(), this.#maxsize),
        this.#chain.isShut ? "shut down" : this.#isClosed ? "closed" : "",
      ],
    );
  }

  /** True if this handle was closed. @ignore */
  protected get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Refuses calls from now on. @ignore */
  protected closeHere(): void {
    this.#isClosed = true;
  }

  /** Its name in reports. @ignore */
  protected get reportName(): string | undefined {
    return this.#name;
  }

  /** Shuts it down. @ignore */
  protected shutDown(options: ShutdownOptions | undefined): void {
    this.#chain.shutDown(checkShutdown(options));
    this.#tellIfDone();
  }

  /** Reports an item done. @ignore */
  protected finishOne(): void {
    const { region: { words }, base } = this.#space.placement;
    for (;;) {
      const done = Atomics.load(words, base + DONE);
      if ((this.#chain.puts - done | 0) <= 0) {
        throw new RangeError(
          "Cannot mark a task as done: there were no more items than taskDone() calls",
        );
      }
      if (Atomics.compareExchange(words, base + DONE, done, done + 1 | 0) === done) break;
    }
    this.#tellIfDone();
  }

  /** The number of items that were put and not reported done. */
  get #unfinished(): number {
    const { region: { words }, base } = this.#space.placement;
    const done = Atomics.load(words, base + DONE);
    return this.#chain.puts - done | 0;
  }

  /** Wakes who joins, if no task is left. */
  #tellIfDone(): void {
    if (this.#unfinished > 0) return;
    const { region, base } = this.#space.placement;
    Atomics.add(region.words, base + ALL_DONE, 1);
    region.wake(base + ALL_DONE, ALL);
  }

  /** Waits until all is done; false when the time was up. @ignore */
  protected joinAll(options: WaitOptions | undefined): Promise<boolean> {
    return watchWait(this, "queue.join()", this.#join(options));
  }

  async #join(options: WaitOptions | undefined): Promise<boolean> {
    const timeout = checkWait(options, "join the queue");
    const limit = { timeout, signal: options?.signal };
    return await runAsync(this[STEPS](), limit) ?? false;
  }

  /** As {@linkcode joinAll}, but blocks the thread. @ignore */
  protected joinAllSync(options: WaitSyncOptions | undefined): boolean {
    return runSync(this[STEPS](), checkWait(options, "join the queue")) ?? false;
  }

  /** @ignore The steps of waiting until all is done. */
  *[STEPS](): Steps<true> {
    const { region, base } = this.#space.placement;
    for (;;) {
      const value = Atomics.load(region.words, base + ALL_DONE);
      yield* this.#chain.settling();
      if (this.#unfinished <= 0) return true;
      yield { region, index: base + ALL_DONE, value, on: this.#chain.id };
    }
  }

  /** Puts the item if that goes at once; else gives its message. */
  #offer(item: T, transfer: Transferable[] | undefined): Message | undefined {
    checkCancelled();
    // A large view is written where it will lie. Objects are not: a getter of theirs could put.
    if (typeof item === "object" && transfer === undefined && this.#chain instanceof Chain) {
      const large = fillOf(item);
      if (large !== undefined && this.#chain.tryPut(large.fill, large.length)) {
        return this.#record("put");
      }
    }
    const head = this.#order?.headOf?.(item);
    let message = this.#dialect.write(item, transfer);
    const { flights, before } = message;
    if (head !== undefined) message = joined(head, message);
    try {
      if (flights.length > 0) this.#dialect.board?.(message);
      if (!this.#chain.tryPut(message.bytes, message.length, before)) return message;
      return this.#record("put");
    } catch (error) {
      loseAll(flights);
      throw error;
    }
  }

  #record(what: "put" | "get"): undefined {
    recorder?.moves(what, this.#name, this.#chain.id);
  }

  #patience(options: QueueOptions | undefined, action: string): number {
    if (this.#isClosed) throw new Error(`Cannot ${action}: ${this.#title()} was closed here`);
    return options === undefined ? Infinity : checkQueue(options, action);
  }

  #title(): string {
    return this.#name === undefined ? "the queue" : `the queue ${show(this.#name)}`;
  }

  #full(timeout: number): Full {
    const why = this.#maxsize > 0 ? `holds ${this.#maxsize} items` : "has no memory left";
    const when = timeout === 0 ? "" : `, and no room came in ${timeout} ms`;
    return new Full(`Cannot put: ${this.#title()} ${why}${when}`);
  }

  #empty(timeout: number): Empty {
    const how = timeout === 0 ? "is empty" : `gave nothing in ${timeout} ms`;
    return new Empty(`Cannot get: ${this.#title()} ${how}`);
  }
}

const NOW: QueueSyncOptions = { timeout: 0 };
const now = () => true;
