/**
 * Queues between processes: values, as bytes, in a chain in the family's memory.
 *
 * No thread feeds them and nothing is buffered on the way: when `put()` is done, the item is in
 * memory that outlives the process. What a death leaves is the chain's matter: see
 * `channel/chain.ts`.
 *
 * @module
 */
import { checkInteger, show } from "../core/checks.ts";
import { Empty, Full, ShutDown } from "../core/errors.ts";
import { recorder } from "../core/hooks.ts";
import { filled, INSPECT, shown } from "../core/inspect.ts";
import { takeUntil } from "../core/promises.ts";
import { Chain, CHAIN_EXTRA, CHAIN_WORDS, NOTHING } from "../channel/memory/chain.ts";
import { type Fill, WHOLE } from "../channel/memory/frames.ts";
import { Holders, HOLDERS_WORDS, isEntry } from "../channel/memory/holders.ts";
import { Pile } from "../channel/memory/pile.ts";
import {
  keep,
  LARGE,
  loadFor,
  type Message,
  messageOf,
  readerOf,
  readLoaded,
  type readValue,
  unwrap,
  VIEW_HEAD,
  type WhoseMessage,
  writeView,
} from "../channel/message.ts";
import {
  checkQueue,
  checkShutdown,
  type QueueLike,
  type QueueOptions,
  type QueueSyncOptions,
  type ShutdownOptions,
} from "../channel/queue_like.ts";
import { theArena } from "../memory/arena.ts";
import { AT, type Placed, type Placement } from "../memory/placement.ts";
import type { NameOptions, SentCell } from "../sync/cell.ts";
import { checkWait, type WaitOptions, type WaitSyncOptions } from "../sync/options.ts";
import { ALL, checkCancelled, runAsync, runSync, STEPS, type Steps } from "../sync/steps.ts";
import { noteMade, watchWait } from "../sync/traps.ts";
import { boardAll, inFlight, loseAll, packedFor } from "../transfer/flight.ts";
import type { TrustLevel } from "../transfer/reduction.ts";
import { checkState, type Restore, SHARE, shareable, type World } from "../transfer/shareable.ts";
import { behindHead, joined, ORDER, type QueueOrder } from "./queue_order.ts";

/** The number of tasks that were done; the chain knows how many there were. */
const DONE = CHAIN_EXTRA;
/** Goes on by one whenever no task is left; who joins parks on it. */
const ALL_DONE = CHAIN_EXTRA + 1;
/** True if it was given to somebody with fewer permissions. */
const BELOW = CHAIN_EXTRA + 2;
/**
 * Who can get from the queue: what becomes of an end of a pipe that waits in it depends on them.
 */
const USERS = CHAIN_WORDS;
const QUEUE_WORDS = USERS + HOLDERS_WORDS;

/** A queue as it is sent. */
interface SentQueue extends SentCell {
  maxsize: number;
  entry: number;
}

/** The key of the entry among the users that a handle is to take over. */
const ENTRY: unique symbol = Symbol("entry");

/** Options that are the toolkit's own. */
export interface QueueMaking extends NameOptions, Placed {
  [ENTRY]?: number;
  [ORDER]?: QueueOrder;
}

/**
 * A queue between processes, and threads of them: first in, first out.
 *
 * Reach for it to hand work to processes, and to threads where speed matters more than what can be
 * sent: items are what the codec takes (plain data of any shape and size, Maps, Sets, typed arrays,
 * errors, locks and other shareables), and cross as copies.
 *
 * It grows as it needs to, up to nearly a gigabyte for all queues of a family; give a `maxsize` to
 * have producers wait. *Owner death*: a process that is killed at any moment hangs nobody and
 * corrupts nothing; lost is at most the item that it was just putting, or had just been given.
 * *Memory*: what was written before a put is seen after the get of that item.
 *
 * *Permissions*: `--allow-ffi`.
 *
 * @typeParam T What its items are.
 *
 * @example Put and get
 * ```ts
 * import { Queue } from "@switchyard/switchyard/multiprocessing";
 *
 * const queue = new Queue<{ id: number }>();
 * await queue.put({ id: 1 });
 * console.log(await queue.get()); // { id: 1 }
 * ```
 */
export class Queue<T = unknown> implements QueueLike<T>, Disposable {
  readonly #placement: Placement;
  readonly #name: string | undefined;
  readonly #maxsize: number;
  readonly #order: QueueOrder | undefined;
  readonly #chain: Chain | Pile;
  readonly #users: Holders;
  readonly #whose: WhoseMessage;
  readonly #readValue: typeof readValue;
  readonly #readNow: typeof readValue;
  #isClosed = false;

  /**
   * Creates an empty queue.
   *
   * @param maxsize The most items that it holds. Default: 0, any number.
   * @throws {TypeError | RangeError} `maxsize` is no integer >= 0.
   * @throws {Deno.errors.NotCapable} Without `--allow-ffi`; Manager's queue needs none.
   */
  constructor(maxsize?: number, options?: QueueMaking);
  constructor(maxsize = 0, options: QueueMaking = {}) {
    checkInteger(maxsize, 0, "maxsize", "create a queue");
    const arena = theArena();
    this.#placement = options[AT] ?? arena.allocate(QUEUE_WORDS);
    this.#name = options.name;
    this.#maxsize = maxsize;
    const { name } = options;
    const order = this.#order = options[ORDER];
    const limits = {
      name,
      frames: maxsize === 0 ? Infinity : maxsize,
      // Ends of pipes that were in it will never be got.
      onDrop: () => this.#users.renew(),
    };
    this.#chain = order === undefined
      ? new Chain(this.#placement, arena.blocks, limits)
      : new Pile(this.#placement, arena.blocks, { ...limits, order: order.pile });
    const { region, base } = this.#placement;
    const whose = this.#whose = () => region.words[base + BELOW] === 0 ? "equal" : "below";
    this.#readValue = behindHead(order, readerOf(whose));
    this.#readNow = behindHead(order, readLoaded("get the item", "it", "get", whose));
    this.#users = new Holders(region, base + USERS);
    this.#users.landOnce(options[ENTRY] ?? -1);
    noteMade(this, this.#placement);
  }

  /** The most items that it holds; 0 for any number. */
  get maxsize(): number {
    return this.#maxsize;
  }

  /**
   * Puts an item in, waiting while the queue is full. Never blocks the event loop.
   *
   * *Cancellation*: an abort or the end of the timeout leaves the queue as if the call had never
   * been made.
   *
   * @throws {Full} There was no room in time.
   * @throws {ShutDown} The queue has been shut down.
   * @throws {ShareError} The item cannot cross; its place is named.
   * @throws {TypeError | RangeError} Bad options.
   */
  put(item: T, options?: QueueOptions): Promise<void> {
    let timeout: number, message: Message | undefined;
    try {
      timeout = this.#patience(options, "put");
      options?.signal?.throwIfAborted();
      message = this.#offer(item);
      if (message === undefined) return Promise.resolve();
    } catch (error) {
      return Promise.reject(error);
    }
    return watchWait(this, "queue.put(item)", this.#putLater(message, timeout, options?.signal));
  }

  async #putLater(message: Message, timeout: number, signal?: AbortSignal): Promise<void> {
    const { flights } = message;
    try {
      const isPut = await this.#chain.put(keep(message), { timeout, ...(signal && { signal }) });
      if (!isPut) throw this.#full();
      recorder?.moves("put", this.#name, this.#chain.id);
    } catch (error) {
      loseAll(flights);
      throw error;
    }
  }

  /** As {@linkcode put}, but blocks the thread while it waits. */
  putSync(item: T, options?: QueueSyncOptions): void {
    const timeout = this.#patience(options, "put");
    const message = this.#offer(item);
    if (message === undefined) return;
    const { flights } = message;
    try {
      if (!this.#chain.putSync(keep(message), timeout)) throw this.#full();
      recorder?.moves("put", this.#name, this.#chain.id);
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
    this.putSync(item, { timeout: 0 });
  }

  /**
   * Takes the next item, waiting while the queue is empty. Never blocks the event loop.
   *
   * *Cancellation*: an abort or the end of the timeout takes nothing.
   *
   * @throws {Empty} None came in time.
   * @throws {ShutDown} The queue has been shut down, and nothing is left in it.
   * @throws {TypeError | RangeError} Bad options.
   */
  async get(options?: QueueOptions): Promise<T> {
    const timeout = this.#patience(options, "get");
    const signal = options?.signal;
    signal?.throwIfAborted();
    checkCancelled();
    let found = this.#chain.tryGet(this.#readValue);
    if (found === NOTHING) {
      found = await this.#chain.get(this.#readValue, { timeout, ...(signal && { signal }) });
    }
    if (found === NOTHING) throw this.#empty();
    recorder?.moves("get", this.#name, this.#chain.id);
    if (found.bytes !== undefined) await loadFor(found);
    return unwrap(found) as T;
  }

  /**
   * As {@linkcode get}, but blocks the thread while it waits.
   *
   * @throws {TypeError} The item is of a class whose module this thread has not imported; it stays.
   */
  getSync(options?: QueueSyncOptions): T {
    const timeout = options === undefined ? Infinity : this.#patience(options, "get");
    let found = this.#isClosed ? this.#refuse("get") : this.#chain.tryGet(this.#readNow);
    if (found === NOTHING) found = this.#chain.getSync(this.#readNow, timeout);
    if (found === NOTHING) throw this.#empty();
    recorder?.moves("get", this.#name, this.#chain.id);
    return unwrap(found) as T;
  }

  /**
   * Takes the next item, if there is one now.
   *
   * @throws {Empty} There is none.
   */
  getNowait(): T {
    return this.getSync({ timeout: 0 });
  }

  /** The number of items. Others put and get meanwhile: true only for the moment. */
  qsize(): number {
    return this.#chain.frames;
  }

  /**
   * True if there are none, at this moment. Instead of asking, get with a timeout, or send a
   * sentinel.
   */
  empty(): boolean {
    return this.#chain.frames === 0;
  }

  /** True if there is no room, at this moment. Instead of asking, put with a timeout. */
  full(): boolean {
    return this.#maxsize > 0 && this.#chain.frames >= this.#maxsize;
  }

  /**
   * Shuts the queue down, in every process: from now on `put()` throws `ShutDown`, and so does
   * `get()` once the queue is empty; who waits in one of them is woken. With `immediate` what is
   * left is dropped, and counts as dealt with.
   *
   * *Owner death*: who is killed meanwhile has shut it down, or has not.
   *
   * @throws {TypeError} Bad options.
   */
  shutdown(options?: ShutdownOptions): void {
    this.#chain.shutDown(checkShutdown(options));
    this.#tellIfDone();
  }

  /** Says that this thread will use the queue no more. Others can. */
  close(): void {
    this.#isClosed = true;
  }

  /** Does nothing: no thread feeds the queue, as in Python; what was put is there. */
  joinThread(): void {}

  /** Does nothing, as {@linkcode joinThread}. */
  cancelJoinThread(): void {}

  /** As {@linkcode close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * Gives the items as they come, until the queue is shut down and drained, or this handle is
   * closed.
   */
  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    if (this.#isClosed) return;
    for await (const item of takeUntil(() => this.get(), ShutDown)) {
      yield item;
      if (this.#isClosed) return;
    }
  }

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

  /** @ignore */
  [SHARE](world: World, place: () => string): unknown {
    const { region: { words }, base } = this.#placement;
    const at = this.#placement.share(world, place, this.constructor.name);
    if (packedFor() === "below") words[base + BELOW] = 1;
    const users = this.#users;
    const entry = users.sendOrNot();
    if (entry >= 0) {
      inFlight(() => users.lose(entry), {
        board: (carrier) => users.board(entry, carrier),
        attend: () => users.attend(entry),
      });
    }
    return {
      at,
      name: this.#name,
      maxsize: this.#maxsize,
      entry,
    } satisfies SentQueue;
  }

  /** The number of items that were put and not reported done; for JoinableQueue. @ignore */
  protected get unfinished(): number {
    const { region: { words }, base } = this.#placement;
    const done = Atomics.load(words, base + DONE);
    return this.#chain.puts - done | 0;
  }

  /** Reports an item done; for JoinableQueue. @ignore */
  protected finishOne(): void {
    const { region: { words }, base } = this.#placement;
    for (;;) {
      const done = Atomics.load(words, base + DONE);
      if ((this.#chain.puts - done | 0) <= 0) {
        throw new RangeError("Cannot report a task done: there are no more than were put");
      }
      if (Atomics.compareExchange(words, base + DONE, done, done + 1 | 0) === done) break;
    }
    this.#tellIfDone();
  }

  /** Wakes who joins, if no task is left. */
  #tellIfDone(): void {
    if (this.unfinished > 0) return;
    const { region, base } = this.#placement;
    Atomics.add(region.words, base + ALL_DONE, 1);
    region.wake(base + ALL_DONE, ALL);
  }

  /** @ignore The steps of waiting until all is done; for JoinableQueue. */
  *[STEPS](): Steps<true> {
    const { region, base } = this.#placement;
    for (;;) {
      const value = Atomics.load(region.words, base + ALL_DONE);
      yield* this.#chain.settling();
      if (this.unfinished <= 0) return true;
      yield { region, index: base + ALL_DONE, value, on: this.#chain.id };
    }
  }

  /** Puts the item if that goes at once; else gives its message. */
  #offer(item: T): Message | undefined {
    checkCancelled();
    // A large typed array is written where it will lie. Objects are not: a getter of theirs could
    // put, too.
    const isLarge = ArrayBuffer.isView(item) && item.byteLength >= LARGE &&
      item.byteLength + VIEW_HEAD <= WHOLE && item.buffer instanceof ArrayBuffer;
    if (isLarge && this.#chain instanceof Chain) {
      const fill: Fill = (bytes, start) => writeView(bytes, start, item);
      const isPut = this.#chain.tryPut(fill, item.byteLength + VIEW_HEAD);
      if (isPut) return recorder?.moves("put", this.#name, this.#chain.id);
    }
    const head = this.#order?.headOf?.(item);
    let message = messageOf(item, "item", this.#whose);
    const { flights } = message;
    if (head !== undefined) message = joined(head, message);
    if (flights.length > 0) boardAll(flights, this.#users.carrier);
    try {
      if (!this.#chain.tryPut(message.bytes, message.length)) return message;
      return recorder?.moves("put", this.#name, this.#chain.id);
    } catch (error) {
      loseAll(flights);
      throw error;
    }
  }

  #patience(options: QueueOptions | undefined, action: string): number {
    if (this.#isClosed) this.#refuse(action);
    return checkQueue(options, action);
  }

  #refuse(action: string): never {
    throw new Error(`Cannot ${action}: ${this.#title()} was closed here`);
  }

  #title(): string {
    return this.#name === undefined ? "the queue" : `the queue ${show(this.#name)}`;
  }

  #full(): Full {
    const why = this.#maxsize > 0 ? `holds ${this.#maxsize} items` : "has no memory left";
    return new Full(`Cannot put: ${this.#title()} ${why}`);
  }

  #empty(): Empty {
    return new Empty(`Cannot get: ${this.#title()} gave nothing in time`);
  }
}

/**
 * A queue whose producers can wait until every item has been dealt with.
 *
 * *Permissions*: `--allow-ffi`.
 *
 * @example Wait until all is done
 * ```ts
 * import { JoinableQueue, Process } from "@switchyard/switchyard/multiprocessing";
 *
 * export async function work(jobs: JoinableQueue<number>) {
 *   for await (const job of jobs) {
 *     console.log("job", job);
 *     jobs.taskDone();
 *   }
 * }
 *
 * if (import.meta.main) {
 *   const jobs = new JoinableQueue<number>();
 *   const worker = new Process(work, { args: [jobs] }).start();
 *   for (const job of [1, 2, 3]) await jobs.put(job);
 *   await jobs.join();
 *   jobs.shutdown(); // the worker's loop ends
 *   await worker.join();
 * }
 * ```
 */
export class JoinableQueue<T = unknown> extends Queue<T> {
  /**
   * Says that an item which was got has been dealt with.
   *
   * @throws {RangeError} More were reported done than were put.
   */
  taskDone(): void {
    this.finishOne();
  }

  /**
   * Waits until as many items have been reported done as were put. Never blocks the event loop.
   *
   * @returns false when the timeout ended first.
   */
  join(options?: WaitOptions): Promise<boolean> {
    return watchWait(this, "queue.join()", this.#join(options));
  }

  async #join(options: WaitOptions | undefined): Promise<boolean> {
    const timeout = checkWait(options, "join the queue");
    const limit = { timeout, signal: options?.signal };
    return await runAsync(this[STEPS](), limit) ?? false;
  }

  /** As {@linkcode join}, but blocks the thread. */
  joinSync(options?: WaitSyncOptions): boolean {
    return runSync(this[STEPS](), checkWait(options, "join the queue")) ?? false;
  }
}

/**
 * A queue without a limit; here as fast as the others.
 *
 * *Permissions*: `--allow-ffi`.
 */
export class SimpleQueue<T = unknown> extends Queue<T> {
  /** Creates an empty queue. */
  constructor(options?: QueueMaking);
  constructor(options: QueueMaking = {}) {
    super(0, options);
  }
}

const STATE = { at: "any", name: "string?", maxsize: "number", entry: "number" } as const;

/** Has a handle be made from what was sent, and marks it where it comes from below. */
export function restoreQueue<Q extends Queue>(
  make: (maxsize: number, options: QueueMaking, sent: unknown, source: TrustLevel) => Q,
): Restore {
  return (sent, source) => {
    const { at, name, maxsize, entry } = checkState<SentQueue>(sent, "a queue", STATE);
    if (entry !== -1 && !isEntry(entry)) {
      throw new TypeError(`Cannot decode a queue: it has no entry ${entry}`);
    }
    const placement = theArena().place(at, QUEUE_WORDS);
    const queue = make(maxsize, { name, [AT]: placement, [ENTRY]: entry }, sent, source);
    if (source === "below") placement.region.words[placement.base + BELOW] = 1;
    return queue;
  };
}

shareable(
  import.meta,
  "Queue",
  Queue,
  restoreQueue((maxsize, options) => new Queue(maxsize, options)),
);
shareable(
  import.meta,
  "JoinableQueue",
  JoinableQueue,
  restoreQueue((maxsize, options) => new JoinableQueue(maxsize, options)),
);
shareable(
  import.meta,
  "SimpleQueue",
  SimpleQueue,
  restoreQueue((_, options) => new SimpleQueue(options)),
);
