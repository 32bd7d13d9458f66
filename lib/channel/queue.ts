/**
 * The four queues between threads.
 *
 * @module
 */
import { checkFunction } from "../core/checks.ts";
import type { WaitOptions, WaitSyncOptions } from "../sync/options.ts";
import { SHARE, type World } from "../transfer/shareable.ts";
import { NATURAL, NEWEST_FIRST, orderBy } from "./memory/queue_order.ts";
import type { Compare } from "./natural_order.ts";
import type { ShutdownOptions } from "./queue_like.ts";
import { type QueueSource, ThreadQueue } from "./thread_queue.ts";

/** A queue that counts tasks and can be shut down: see {@linkcode Queue}. */
export abstract class TaskQueue<T> extends ThreadQueue<T> {
  /**
   * Says that an item has been dealt with; once for each item that was taken. {@linkcode join}
   * waits for that.
   *
   * @throws {RangeError} All items have been dealt with already.
   */
  taskDone(): void {
    this.finishOne();
  }

  /**
   * Waits until every item that was put has been dealt with: see {@linkcode taskDone}.
   *
   * *Cancellation*: an abort or the end of the timeout ends this wait alone.
   *
   * @returns false when the timeout ended first.
   */
  join(options?: WaitOptions): Promise<boolean> {
    return this.joinAll(options);
  }

  /** As {@linkcode join}, but blocks the thread. */
  joinSync(options?: WaitSyncOptions): boolean {
    return this.joinAllSync(options);
  }

  /**
   * Shuts the queue down: from now on `put()` throws `ShutDown`, and so does `get()` once the queue
   * is empty; who waits in one of them is woken. With `immediate` what is left is dropped, and
   * counts as dealt with.
   */
  shutdown(options?: ShutdownOptions): void {
    this.shutDown(options);
  }
}

/**
 * A queue between threads: first in, first out.
 *
 * Reach for it to hand work from the threads that make it to those that do it. Give it to threads
 * as an argument; each item goes to one of those who get. An item is copied when it is put; with
 * `transfer` buffers, ports and streams are moved instead.
 *
 * Items lie in memory that the threads share, up to nearly a gigabyte of them, and go from one to
 * another whatever the main thread does. Only what bytes cannot carry is kept by that one until it
 * is taken: what is in `transfer`, a Blob, a SharedArrayBuffer, and with it locks, events and pipes
 * of `threading`. Such an item may have to wait for it.
 *
 * *What a death leaves*: a thread that ends, or is terminated, loses no item that it has not taken,
 * and none is given twice. A port or stream alone is lost with the thread that it was on its way
 * to.
 *
 * @typeParam T The items.
 *
 * @example Work for whoever is free
 * ```ts
 * import { Queue } from "@switchyard/switchyard/queue";
 *
 * const jobs = new Queue<number>();
 * for (const job of [1, 2, 3]) await jobs.put(job);
 * jobs.shutdown();
 * for await (const job of jobs) console.log(job); // 1, 2, 3
 * ```
 */
export class Queue<T = unknown> extends TaskQueue<T> {
  /**
   * Creates a queue.
   *
   * @param maxsize The number of items that there is room for; 0 or less: any number.
   * @throws {TypeError | RangeError} `maxsize` is no integer below 2^31.
   */
  constructor(maxsize?: number);
  constructor(maxsize: QueueSource = 0) {
    super(maxsize);
  }
}

/**
 * A queue between threads that gives out the newest item first: a stack. Else as {@linkcode Queue}.
 *
 * @typeParam T The items.
 *
 * @example The newest first
 * ```ts
 * import { LifoQueue } from "@switchyard/switchyard/queue";
 * import { assertEquals } from "@std/assert";
 *
 * const pages = new LifoQueue<string>();
 * for (const page of ["home", "news", "weather"]) await pages.put(page);
 * assertEquals(await pages.get(), "weather");
 * ```
 */
export class LifoQueue<T = unknown> extends TaskQueue<T> {
  /** Creates a queue of at most `maxsize` items; 0 or less: any number. */
  constructor(maxsize?: number);
  constructor(maxsize: QueueSource = 0) {
    super(maxsize, NEWEST_FIRST);
  }
}

/**
 * A queue between threads that gives out the least item first, and equal ones in the order of put.
 * Else as {@linkcode Queue}.
 *
 * Numbers, bigints, strings, Dates and arrays of them, element by element, have an order of their
 * own: so put `[priority, number, item]`, with a number that no two items share. Otherwise give
 * `compare`, which whoever puts or gets calls: for a queue that is given to another thread it must
 * be a target (see `task()`). It runs while nobody else can put or get: it must not use the queue.
 *
 * @typeParam T The items.
 *
 * @example The urgent first
 * ```ts
 * import { PriorityQueue } from "@switchyard/switchyard/queue";
 *
 * const queue = new PriorityQueue<[number, string]>();
 * queue.putNowait([2, "wash up"]);
 * queue.putNowait([1, "put out the fire"]);
 * queue.getNowait(); // [1, "put out the fire"]
 * ```
 */
export class PriorityQueue<T = unknown> extends TaskQueue<T> {
  readonly #compare: Compare | undefined;

  /**
   * Creates a queue.
   *
   * @param maxsize The number of items that there is room for; 0 (the default) or less: any number.
   * @param compare Gives a negative number when `a` is to come first, a positive one when `b` is.
   */
  constructor(maxsize?: number, compare?: (a: T, b: T) => number);
  constructor(maxsize?: QueueSource, compare?: Compare) {
    checkFunction(compare, "compare", "create a queue");
    super(maxsize ?? 0, compare === undefined ? NATURAL : orderBy(compare));
    this.#compare = compare;
  }

  /** @ignore */
  override [SHARE](world: World, place: () => string): unknown {
    return { ...super[SHARE](world, place) as object, compare: this.#compare };
  }
}

/**
 * A queue between threads with the least of methods: no bound, no counting of tasks. Else as
 * {@linkcode Queue}.
 *
 * @typeParam T The items.
 */
export class SimpleQueue<T = unknown> extends ThreadQueue<T> {
  /** Creates a queue. */
  constructor() {
    // A handle of an old one is given what that is known by.
    super(arguments[0] ?? 0);
  }
}
