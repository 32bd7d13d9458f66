/**
 * A queue for many programs, kept by a broker.
 *
 *     OPEN -> CLOSED        close(), dispose: this handle; the queue goes on
 *
 * A handle makes nothing before its first call: then it uses its thread's link to the broker (see
 * `link/home.ts`), and the queue is declared. It dies with its thread; what was taken through it
 * and not done goes to others.
 *
 * @module
 */
import { checkQueue, type QueueLike } from "../channel/queue_like.ts";
import type { QueueOptions, QueueSyncOptions } from "../channel/queue_like.ts";
import { checkOptions, show } from "../core/checks.ts";
import { ShareError, ShutDown } from "../core/errors.ts";
import { INSPECT, shown } from "../core/inspect.ts";
import { held } from "../core/promises.ts";
import { checkWait, type WaitOptions } from "../sync/options.ts";
import { runSync } from "../sync/steps.ts";
import { checkState, SHARE, shareable, type World } from "../transfer/shareable.ts";
import { type Address, addressOf } from "./address.ts";
import type { BrokerLink } from "./link/link.ts";
import { leaveLink, useLink } from "./link/home.ts";
import type { Fate, Granted, Matter, ToService } from "./link/protocol.ts";
import {
  checkDelay,
  type Checked,
  checkName,
  checkRemoteQueue,
  type RemotePutOptions,
  type RemotePutSyncOptions,
  type RemoteQueueOptions,
} from "./options.ts";
import { Taken } from "./taken.ts";
import { ItemWire, MACHINE, Unsigned } from "./wire.ts";

/** A handle's place at its link. */
interface Place {
  link: BrokerLink;
  h: number;
}

/** What is asked at a link, as a request of the number that it gets. */
interface Asking extends Place {
  make: (n: number) => ToService;
}

/** Says what becomes of an item that was granted as `n`, and gives what its taker gets. */
type Settling<R> = (item: unknown, granted: Granted, n: number, place: Place) => R;

const same = <T>(value: T): T => value;

/** Awaits the answer, and reads it in the turn in which it comes. */
function answered<T, R>(
  { link, h, make }: Asking,
  read: (value: T, n: number) => R,
  signal?: AbortSignal,
): Promise<R> {
  return link.call(h, make, read, signal);
}

/** Blocks until the answer comes, and reads it. */
function answeredSync<T, R>({ link, h, make }: Asking, read: (value: T, n: number) => R): R {
  return runSync(link.ask(h, make, read)) as R;
}

const told = new Set<string>();

/**
 * A queue for programs on many machines: first in, first out, kept by a broker.
 *
 * Reach for it when the programs that make the work and those that do it are on different machines,
 * or are not up at the same time. Between threads or processes of one machine the queues of `queue`
 * and `multiprocessing` do the same more cheaply.
 *
 * A put that has settled is on the broker's disk, and survives the death of every program. It may
 * be *delivered* twice: when its taker has died, or the connection was lost meanwhile. What one
 * program puts another gets in that order, apart from what is delivered again.
 *
 * `get()` gives an item for good: who dies with it loses it. `take()` and the iteration lend it: it
 * is gone when you say so, and goes to somebody else when you cannot.
 *
 * Items are what `multiprocessing.Queue` takes, data of any shape, but no locks and other things of
 * one machine (another RemoteQueue can), no functions, and no objects of classes that are in files.
 *
 * *Permissions*: `--allow-net` to the broker; for a file, `--allow-read` and `--allow-write` of its
 * folder; `memory:` none.
 *
 * @typeParam T The items.
 *
 * @example Put, and take
 * ```ts
 * import { RemoteQueue } from "@switchyard/switchyard/remote";
 *
 * await using jobs = new RemoteQueue<{ id: number }>("jobs", { url: "memory:" });
 * await jobs.put({ id: 1 });
 * await using job = await jobs.take();
 * console.log(job.item.id, job.attempt); // 1 1
 * await job.done(); // without it: given to somebody else
 * ```
 */
export class RemoteQueue<T = unknown> implements QueueLike<T>, Disposable, AsyncDisposable {
  /** Its name: all handles of one name and URL are of one queue. */
  readonly name: string;
  /** The most items that wait in it; 0 for any number. */
  readonly maxsize: number;
  readonly #address: Address;
  readonly #options: Checked;
  readonly #wire: ItemWire;
  #place: Place | undefined;
  #isClosed = false;

  /**
   * Makes a handle of the queue of that name. The queue is made at the first call, if it is not
   * there; that throws when it is there with other options.
   *
   * @param name 1 to 200 bytes of UTF-8.
   * @throws {TypeError | RangeError} Bad options; a URL that is none of a broker.
   */
  constructor(name: string, options: RemoteQueueOptions = {}) {
    checkName(name);
    const action = `create the remote queue ${show(name)}`;
    this.#options = checkRemoteQueue(options, action);
    this.#address = addressOf(options.url, action);
    this.name = name;
    this.maxsize = this.#options.maxsize;
    const { format, secret } = this.#options;
    this.#wire = new ItemWire(
      name,
      format,
      secret,
      (state) => restoreQueue(state, this.#address.url),
    );
  }

  /** The place at the calling thread's link; the first call makes it. */
  #use(action: string): Place {
    if (this.#isClosed) throw this.#closed(action);
    let place = this.#place;
    if (place === undefined || place.link.isDead) {
      const link = useLink(this.#address);
      this.#place = place = { link, h: link.newHandle() };
      const { maxsize, replicated, ttl, patience } = this.#options;
      const wish = {
        name: this.name,
        maxsize,
        replicated,
        ...ttl === undefined ? {} : { ttl },
      };
      link.send({ op: "handle", h: place.h, wish, patience });
    }
    return place;
  }

  #closed(action: string): Error {
    return new Error(`Cannot ${action} the queue ${show(this.name)}: this handle was closed`);
  }

  // --- put

  #putting(item: T, timeout: number, delay: number): Asking {
    const { link, h } = this.#use("put the item in");
    const message = this.#wire.message(item);
    return { link, h, make: (n) => ({ op: "put", h, n, message, timeout, delay }) };
  }

  /**
   * Puts an item in, waiting for room. It settles when the broker has it.
   *
   * *Cancellation*: an abort or the end of the timeout puts nothing in, as far as it is still here;
   * once it was sent it may be there all the same.
   *
   * @throws {Full} There was no room in time.
   * @throws {TimeoutError} The broker did not take it in time; the message says why.
   * @throws {BrokerLostError} The broker was away for longer than `patience`.
   * @throws {ShutDown} The queue has been shut down.
   * @throws {ShareError | TypeError} The item cannot cross.
   * @throws {TypeError | RangeError} Bad options.
   */
  async put(item: T, options?: RemotePutOptions): Promise<void> {
    const { timeout, delay } = checkPut(options);
    options?.signal?.throwIfAborted();
    await answered(this.#putting(item, timeout, delay), same, options?.signal);
  }

  /** As {@linkcode put}, but blocks the thread. */
  putSync(item: T, options?: RemotePutSyncOptions): void {
    const { timeout, delay } = checkPut(options);
    answeredSync(this.#putting(item, timeout, delay), same);
  }

  /** As {@linkcode putSync}, but does not wait for room: then it throws {@linkcode Full}. */
  putNowait(item: T): void {
    this.putSync(item, { timeout: 0 });
  }

  // --- get

  #taking(timeout: number): Asking {
    const { link, h } = this.#use("get an item from");
    return { link, h, make: (n) => ({ op: "take", h, n, timeout }) };
  }

  /** What `settle` makes of what was granted; undefined if that is not signed as it should be. */
  #open<R>(place: Place, granted: Granted, n: number, settle: Settling<R>) {
    let item: unknown;
    try {
      item = this.#wire.item(granted);
    } catch (error) {
      const { link, h } = place;
      const { message } = error as Error;
      link.send({ op: "settle", h, n: 0, taken: n, fate: "bury", reason: message });
      if (!(error instanceof Unsigned)) throw error;
      this.#tellUnsigned();
      return undefined;
    }
    return { taken: settle(item, granted, n, place) };
  }

  /** Takes an item, and gives what `settle` makes of it in the turn in which it comes. */
  async #take<R>(
    timeout: number,
    settle: Settling<R>,
    signal: AbortSignal | undefined,
  ): Promise<R> {
    const deadline = performance.now() + timeout;
    for (let left = timeout;; left = Math.max(0, deadline - performance.now())) {
      const asking = this.#taking(left);
      const read = (granted: Granted, n: number) => this.#open(asking, granted, n, settle);
      const opened = await answered(asking, read, signal);
      if (opened !== undefined) return opened.taken;
    }
  }

  /** Says once that there is somebody who does not know the secret. */
  #tellUnsigned(): void {
    if (told.has(this.name)) return;
    told.add(this.name);
    console.error(
      `switchyard: a message in the queue ${
        show(this.name)
      } is not signed by its secret, and was ` +
        "buried; so will be all others",
    );
  }

  readonly #got: Settling<T> = (item, _, taken, { link, h }) => {
    link.send({ op: "settle", h, n: 0, taken, fate: "ack" });
    return item as T;
  };

  /**
   * Takes the next item for good, waiting for one.
   *
   * *Cancellation*: an abort or the end of the timeout takes nothing.
   *
   * @throws {Empty} None came in time.
   * @throws {ShutDown} The queue has been shut down, and nothing is left in it.
   * @throws {BrokerLostError} The broker was away for longer than `patience`.
   * @throws {TypeError} The item cannot be read; it was buried. Bad options.
   */
  async get(options?: QueueOptions): Promise<T> {
    return await this.#take(checkQueue(options, GET), this.#got, options?.signal);
  }

  /** As {@linkcode get}, but blocks the thread. */
  getSync(options?: QueueSyncOptions): T {
    const timeout = checkQueue(options, GET);
    const deadline = performance.now() + timeout;
    for (let left = timeout;; left = Math.max(0, deadline - performance.now())) {
      const asking = this.#taking(left);
      const read = (granted: Granted, n: number) => this.#open(asking, granted, n, this.#got);
      const opened = answeredSync(asking, read);
      if (opened !== undefined) return opened.taken;
    }
  }

  /** Takes the next item if there is one now; else throws {@linkcode Empty}. */
  getNowait(): T {
    return this.getSync({ timeout: 0 });
  }

  /**
   * Takes the next item on loan, waiting for one: it is gone when you say `done()`.
   *
   * *Cancellation*: as {@linkcode get}.
   *
   * @throws {unknown} As {@linkcode get}.
   */
  async take(options?: WaitOptions): Promise<Taken<T>> {
    const timeout = checkWait(options, "take an item");
    const lend: Settling<Taken<T>> = (item, granted, n, place) =>
      new Taken(item as T, granted, (fate, more) => this.#settle(place, n, fate, more));
    return await this.#take(timeout, lend, options?.signal);
  }

  async #settle(
    { link, h }: Place,
    taken: number,
    fate: Fate,
    more: { delay?: number; reason?: string } = {},
  ): Promise<boolean> {
    // Closed with its handle, or with the link: it went back.
    if (this.#isClosed || link.isDead) return false;
    return await link.call(
      h,
      (n) => ({ op: "settle", h, n, taken, fate, ...more }),
      same<boolean>,
    );
  }

  /**
   * The items as they come, until the queue is shut down and drained. Each counts as done when the
   * next is asked for; the one at hand when the loop is left goes back.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, void> {
    for (;;) {
      let taken: Taken<T>;
      try {
        taken = await this.take();
      } catch (error) {
        if (error instanceof ShutDown) return;
        throw error;
      }
      let isDone = false;
      try {
        yield taken.item;
        isDone = true;
      } finally {
        await (isDone ? taken.done() : taken.back());
      }
    }
  }

  // --- the queue as a whole

  #asking(about: Matter): Asking {
    const { link, h } = this.#use(ABOUT[about]);
    return { link, h, make: (n) => ({ op: "ask", h, n, about }) };
  }

  /** The number of items that wait, at this moment; what is taken and not done is not counted. */
  async size(): Promise<number> {
    return await answered(this.#asking("size"), same<number>);
  }

  /** As {@linkcode size}, but blocks the thread. */
  qsize(): number {
    return answeredSync(this.#asking("size"), same<number>);
  }

  /**
   * True if no item waits, at this moment; blocks the thread. Get with a timeout instead of asking.
   */
  empty(): boolean {
    return this.qsize() === 0;
  }

  /** True if there is no room, at this moment; blocks the thread. Put with a timeout instead. */
  full(): boolean {
    return this.maxsize > 0 && this.qsize() >= this.maxsize;
  }

  /**
   * Shuts the queue down, for all programs: puts throw ShutDown, and so do gets and takes once what
   * is there has been taken; iterations end. It stays so until {@linkcode reopen}.
   */
  async shutdown(): Promise<void> {
    await answered(this.#asking("shutdown"), same);
  }

  /** Opens a queue that was shut down. */
  async reopen(): Promise<void> {
    await answered(this.#asking("reopen"), same);
  }

  /** Drops what waits in it. */
  async clear(): Promise<void> {
    await answered(this.#asking("clear"), same);
  }

  /** Removes it from the broker, with all that is in it, and with what was buried. */
  async remove(): Promise<void> {
    await answered(this.#asking("remove"), same);
  }

  /**
   * Closes this handle: what was taken through it and not done goes back, and what waits in it gets
   * an error. The queue and its other handles go on. Twice does nothing.
   */
  close(): Promise<void> {
    return held(this.#close());
  }

  async #close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const place = this.#place;
    if (place === undefined) return;
    const { link, h } = place;
    link.fail(h, this.#closed("wait for something from"));
    if (!link.isDead) {
      try {
        await link.call(h, (n) => ({ op: "close", h, n }), same);
      } catch {
        // The broker is away, or the thread is stopped: all of it goes back without being asked.
      }
    }
    await leaveLink(this.#address, link);
  }

  /** As {@linkcode close}, without waiting for it. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** As {@linkcode close}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** @ignore */
  [INSPECT](): string {
    const state = this.#isClosed ? "closed" : "";
    return shown(this, () => [this.name, this.#address.place, state]);
  }

  /** @ignore */
  [SHARE](world: World, place: () => string): unknown {
    const { memory, url } = this.#address;
    if (world === "process" && memory !== undefined) {
      throw new ShareError(
        `Cannot share ${place()}: a RemoteQueue of ${
          show(url)
        } lives in one process; give it the ` +
          'URL of a broker ("amqp://host/", "file:jobs.db"), or use multiprocessing.Queue',
        place(),
      );
    }
    return { name: this.name, options: { ...this.#options, url } };
  }

  /** @ignore */
  [MACHINE](): unknown {
    const { maxsize, replicated, format, ttl, patience } = this.#options;
    return { name: this.name, options: { maxsize, replicated, format, ttl, patience } };
  }
}

const GET = "get an item";
const ABOUT: Record<Matter, string> = {
  size: "ask for the size of",
  clear: "clear",
  remove: "remove",
  shutdown: "shut down",
  reopen: "reopen",
};

function checkPut(options: RemotePutOptions | undefined): { timeout: number; delay: number } {
  const action = "put the item";
  const timeout = checkQueue(options, action);
  return { timeout, delay: checkDelay(options?.delay, action) };
}

const STATE = { name: "string", options: "object" } as const;

/** Makes a handle from what was sent; `url` is the receiver's own where none came along. */
export function restoreQueue(sent: unknown, url?: string): RemoteQueue {
  const { name, options } = checkState<{ name: string; options: RemoteQueueOptions }>(
    sent,
    "a remote queue",
    STATE,
  );
  checkOptions(options, "decode a remote queue");
  return new RemoteQueue(name, url === undefined ? options : { ...options, url });
}

shareable(import.meta, "RemoteQueue", RemoteQueue, (sent) => restoreQueue(sent));
