/**
 * Queues between processes: values, as bytes, in a chain in the family's memory.
 *
 * No thread feeds them and nothing is buffered on the way: when `put()` is done, the item is in memory that
 * outlives the process. What a death leaves is the chain's matter: see `channel/chain.ts`.
 *
 * @module
 */
import { checkBoolean, checkInteger, show } from "../core/checks.ts";
import { Empty, Full } from "../core/errors.ts";
import {
  Chain,
  CHAIN_EXTRA,
  CHAIN_WORDS,
  type Fill,
  NOTHING,
  type Read,
  WHOLE,
} from "../channel/chain.ts";
import type { QueueLike, QueueOptions, QueueSyncOptions } from "../channel/queue_like.ts";
import { theArena } from "../memory/arena.ts";
import { AT, type Placed, type Placement } from "../memory/placement.ts";
import type { NameOptions, Sent } from "../sync/cell.ts";
import { checkWait, type WaitOptions, type WaitSyncOptions } from "../sync/options.ts";
import { ALL, checkCancelled, runAsync, runSync, STEPS, type Steps } from "../sync/steps.ts";
import { decode, encode, encodeInto, modulesOf } from "../transfer/codec.ts";
import { HAS_MODULES } from "../transfer/codec_format.ts";
import { reducer, revive } from "../transfer/reduce.ts";
import { SHARE, shareable } from "../transfer/shareable.ts";
import { isLoaded, load } from "../transfer/task.ts";

/** How many tasks were done; beside it, in puts, how many there were. */
const DONE = CHAIN_EXTRA;

/** Most items are small: they are written here first, and read from here. */
const outbox = new Uint8Array(1 << 17);
const inbox = new Uint8Array(1 << 10);
/** The first so many bytes of the inbox, for each length that has occurred. */
const views: Uint8Array[] = [];

const reduce = reducer("process");

/** A queue as it is sent. */
interface SentQueue extends Sent {
  maxsize: number;
}

/** An item as it was found: its value, the error of reading it, or bytes whose modules are to be loaded. */
interface Found {
  value?: unknown;
  error?: unknown;
  bytes?: Uint8Array;
}

/** Reads an item where it lies. Plain data runs no code of anybody. */
const readPlain: Read<Found> = (bytes, start, length) => {
  if ((bytes[start]! & HAS_MODULES) !== 0) return { bytes: bytes.slice(start, start + length) };
  try {
    return { value: decode(viewOf(bytes, start, length), revive) };
  } catch (error) {
    return { error };
  }
};

/** As {@linkcode readPlain}, but leaves an item whose modules are not there. */
const readLoaded: Read<Found> = (bytes, start, length) => {
  const found = readPlain(bytes, start, length);
  const missing = found.bytes && modulesOf(found.bytes).find((module) => !isLoaded(module));
  if (missing === undefined) return found;
  throw new TypeError(
    `Cannot get the item and block: it needs ${missing}, which this thread has not imported; ` +
      "use await get(), which does, or import it",
  );
};

function viewOf(bytes: Uint8Array, start: number, length: number): Uint8Array {
  if (length > inbox.length) return bytes.subarray(start, start + length);
  if (length < 64) { for (let k = 0; k < length; k++) inbox[k] = bytes[start + k]!; }
  else inbox.set(bytes.subarray(start, start + length));
  return views[length] ??= inbox.subarray(0, length);
}

/**
 * A queue between processes, and threads of them: first in, first out.
 *
 * Reach for it to hand work to processes, and to threads where speed matters more than what can be sent:
 * items are what the codec takes (plain data of any shape and size, Maps, Sets, typed arrays, errors, locks and
 * other shareables), and cross as copies.
 *
 * It grows as it needs to, up to nearly a gigabyte for all queues of a family; give a `maxsize` to have
 * producers wait. *Owner death*: a process that is killed at any moment hangs nobody and corrupts
 * nothing; lost is at most the item that it was just putting, or had just been given. *Memory*: what was
 * written before a put is seen after the get of that item.
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
  readonly #chain: Chain;
  #isClosed = false;

  /**
   * Creates an empty queue.
   *
   * @param maxsize How many items it holds at most. Default: 0, any number.
   * @throws {TypeError | RangeError} `maxsize` is no integer >= 0.
   * @throws {Deno.errors.NotCapable} Without `--allow-ffi`; Manager's queue needs none.
   */
  constructor(maxsize = 0, options: NameOptions & Placed = {}) {
    checkInteger(maxsize, 0, "maxsize", "create a queue");
    const arena = theArena();
    this.#placement = options[AT] ?? arena.allocate(CHAIN_WORDS);
    this.#name = options.name;
    this.#maxsize = maxsize;
    const limits = maxsize === 0 ? {} : { frames: maxsize };
    this.#chain = new Chain(this.#placement, arena.blocks, limits, options.name);
  }

  /** How many items it holds at most; 0 for any number. */
  get maxsize(): number {
    return this.#maxsize;
  }

  /**
   * Puts an item in, waiting while the queue is full. Never blocks the event loop.
   *
   * *Cancellation*: an abort or the end of the timeout leaves the queue as if the call had never been made.
   *
   * @throws {Full} There was no room in time.
   * @throws {ShareError} The item cannot cross; its place is named.
   * @throws {TypeError | RangeError} Bad options.
   */
  async put(item: T, options?: QueueOptions): Promise<void> {
    const timeout = this.#patience(options, "put");
    const signal = options?.signal;
    signal?.throwIfAborted();
    const frame = this.#offer(item);
    if (frame === undefined) return;
    if (!await this.#chain.put(frame, { timeout, ...(signal && { signal }) })) throw this.#full();
  }

  /** As {@linkcode put}, but blocks the thread while it waits. */
  putSync(item: T, options?: QueueSyncOptions): void {
    const timeout = this.#patience(options, "put");
    const frame = this.#offer(item);
    if (frame !== undefined && !this.#chain.putSync(frame, timeout)) throw this.#full();
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
   * @throws {TypeError | RangeError} Bad options.
   */
  async get(options?: QueueOptions): Promise<T> {
    const timeout = this.#patience(options, "get");
    const signal = options?.signal;
    signal?.throwIfAborted();
    checkCancelled();
    let found = this.#chain.tryGet(readPlain);
    if (found === NOTHING) {
      found = await this.#chain.get(readPlain, { timeout, ...(signal && { signal }) });
    }
    if (found === NOTHING) throw this.#empty();
    if (found.bytes !== undefined) {
      for (const module of modulesOf(found.bytes)) {
        await load(module);
      }
    }
    return unwrap(found) as T;
  }

  /**
   * As {@linkcode get}, but blocks the thread while it waits.
   *
   * @throws {TypeError} The item is of a class whose module this thread has not imported; it stays.
   */
  getSync(options?: QueueSyncOptions): T {
    const timeout = options === undefined ? Infinity : this.#patience(options, "get");
    let found = this.#isClosed ? this.#refuse("get") : this.#chain.tryGet(readLoaded);
    if (found === NOTHING) found = this.#chain.getSync(readLoaded, timeout);
    if (found === NOTHING) throw this.#empty();
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

  /** How many items there are. Others put and get meanwhile: true only for the moment. */
  qsize(): number {
    return this.#chain.frames;
  }

  /** Whether there are none, at this moment. Instead of asking, get with a timeout, or send a sentinel. */
  empty(): boolean {
    return this.#chain.frames === 0;
  }

  /** Whether there is no room, at this moment. Instead of asking, put with a timeout. */
  full(): boolean {
    return this.#maxsize > 0 && this.#chain.frames >= this.#maxsize;
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

  /** Gives the items as they come, until this handle is closed. */
  async *[Symbol.asyncIterator](): AsyncIterator<T> {
    while (!this.#isClosed) yield await this.get();
  }

  /** @ignore */
  [SHARE](): unknown {
    return {
      at: this.#placement.share("process", () => "", ""),
      name: this.#name,
      maxsize: this.#maxsize,
    } satisfies SentQueue;
  }

  /** How many items were put and not reported done; for JoinableQueue. @ignore */
  protected get unfinished(): number {
    const { region: { words }, base } = this.#placement;
    const done = Atomics.load(words, base + DONE);
    return this.#chain.puts - done | 0;
  }

  /** Reports an item done; for JoinableQueue. @ignore */
  protected finishOne(): void {
    const { region, base } = this.#placement;
    const { words } = region;
    for (;;) {
      const done = Atomics.load(words, base + DONE);
      if ((this.#chain.puts - done | 0) <= 0) {
        throw new RangeError("Cannot report a task done: there are no more than were put");
      }
      if (Atomics.compareExchange(words, base + DONE, done, done + 1 | 0) === done) break;
    }
    if (this.unfinished <= 0) region.wake(base + DONE, ALL);
  }

  /** @ignore The steps of waiting until all is done; for JoinableQueue. */
  *[STEPS](): Steps<true> {
    const { region, base } = this.#placement;
    for (;;) {
      const value = Atomics.load(region.words, base + DONE);
      if (this.unfinished <= 0) return true;
      yield { region, index: base + DONE, value, on: 0 };
    }
  }

  /** Puts the item if that goes at once; else gives its bytes. */
  #offer(item: T): Uint8Array | undefined {
    checkCancelled();
    // Bytes alone are written where they will lie.
    if (ArrayBuffer.isView(item) && isLarge(item.byteLength)) {
      const fill: Fill = (bytes, start) => encodeInto(bytes, start, item, reduce, "item");
      if (item.buffer instanceof ArrayBuffer && this.#chain.tryPut(fill, item.byteLength + 16)) {
        return;
      }
    }
    const length = encodeInto(outbox, 0, item, reduce, "item");
    if (length < 0) {
      const frame = encode(item, reduce, "item");
      return this.#chain.tryPut(frame, frame.length) ? undefined : frame;
    }
    return this.#chain.tryPut(outbox, length) ? undefined : outbox.slice(0, length);
  }

  #patience(options: QueueOptions | undefined, action: string): number {
    if (this.#isClosed) this.#refuse(action);
    const timeout = checkWait(options, action);
    checkBoolean(options?.block, "block", action);
    return options?.block === false ? 0 : timeout;
  }

  #refuse(action: string): never {
    throw new Error(`Cannot ${action}: ${this.#title()} was closed here`);
  }

  #title(): string {
    return this.#name === undefined ? "the queue" : `the queue ${show(this.#name)}`;
  }

  #full(): Full {
    return new Full(`Cannot put: ${this.#title()} holds ${this.#maxsize} items`);
  }

  #empty(): Empty {
    return new Empty(`Cannot get: ${this.#title()} gave nothing in time`);
  }
}

/** Whether a copy counts, and the bytes lie in one block. */
function isLarge(bytes: number): boolean {
  return bytes >= 4096 && bytes + 16 <= WHOLE;
}

/** The value, or the error of reading it. */
function unwrap({ value, error, bytes }: Found): unknown {
  if (bytes !== undefined) return decode(bytes, revive);
  if (error !== undefined) throw error;
  return value;
}

/**
 * A queue whose producers can wait until every item has been dealt with.
 *
 * *Permissions*: `--allow-ffi`.
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
  async join(options?: WaitOptions): Promise<boolean> {
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
  constructor(options: NameOptions & Placed = {}) {
    super(0, options);
  }
}

function options(sent: unknown): NameOptions & Placed {
  const { at, name } = sent as SentQueue;
  return { name, [AT]: theArena().place(at, CHAIN_WORDS) };
}
shareable(
  import.meta,
  "Queue",
  Queue,
  (sent) => new Queue((sent as SentQueue).maxsize, options(sent)),
);
shareable(
  import.meta,
  "JoinableQueue",
  JoinableQueue,
  (sent) => new JoinableQueue((sent as SentQueue).maxsize, options(sent)),
);
shareable(import.meta, "SimpleQueue", SimpleQueue, (sent) => new SimpleQueue(options(sent)));
