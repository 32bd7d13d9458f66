/**
 * The four queues between threads.
 *
 * @module
 */
import { checkWait, type WaitOptions, type WaitSyncOptions } from "../sync/options.ts";
import { runAsync, runSync } from "../sync/steps.ts";
import { watchWait } from "../sync/traps.ts";
import type { Order } from "./line_protocol.ts";
import { Core } from "./queue_core.ts";
import { checkShutdown, type ShutdownOptions } from "./queue_like.ts";
import type { Compare } from "./natural_order.ts";
import { ThreadQueue } from "./thread_queue.ts";

function coreOf(order: Order, maxsize: unknown, compare?: Compare): Core {
  return maxsize instanceof Core ? maxsize : Core.make(order, maxsize, compare);
}

/** A queue that counts tasks and can be shut down: see {@linkcode Queue}. */
export abstract class TaskQueue<T> extends ThreadQueue<T> {
  readonly #core: Core;

  /** Takes over what is behind it. */
  constructor(core: Core) {
    super(core);
    this.#core = core;
  }

  /**
   * Says that an item has been dealt with; once for each item that was taken. {@linkcode join}
   * waits for that.
   *
   * @throws {RangeError} All items have been dealt with already.
   */
  taskDone(): void {
    if (this.#core.ledger.finish()) return;
    throw new RangeError(
      "Cannot mark a task as done: there were no more items than taskDone() calls",
    );
  }

  /**
   * Waits until every item that was put has been dealt with: see {@linkcode taskDone}.
   *
   * *Cancellation*: an abort or the end of the timeout ends this wait alone.
   *
   * @returns false when the timeout ended first.
   */
  join(options?: WaitOptions): Promise<boolean> {
    return watchWait(this, "queue.join()", this.#join(options));
  }

  async #join(options: WaitOptions | undefined): Promise<boolean> {
    const timeout = checkWait(options, "join the queue");
    const signal = options?.signal;
    return await runAsync(this.#core.join(), { timeout, signal }) ?? false;
  }

  /** As {@linkcode join}, but blocks the thread. */
  joinSync(options?: WaitSyncOptions): boolean {
    return runSync(this.#core.join(), checkWait(options, "join the queue")) ?? false;
  }

  /**
   * Shuts the queue down: from now on `put()` throws `ShutDown`, and so does `get()` once the queue
   * is empty; who waits in one of them is woken. With `immediate` what is left is dropped, and
   * counts as dealt with.
   */
  shutdown(options?: ShutdownOptions): void {
    this.#core.shutdown(checkShutdown(options));
  }
}

/**
 * A queue between threads: first in, first out.
 *
 * Reach for it to hand work from the threads that make it to those that do it. Give it to threads
 * as an argument; each item goes to one of those who get. An item is copied when it is put, as by
 * `postMessage()`; with `transfer` buffers, ports and streams are moved instead.
 *
 * The items are kept by the main thread. While that runs code that never pauses, others wait for
 * theirs; in a wait of the toolkit, also one that blocks, it goes on serving.
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
  constructor(maxsize = 0) {
    super(coreOf("fifo", maxsize));
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
  constructor(maxsize = 0) {
    super(coreOf("lifo", maxsize));
  }
}

/**
 * A queue between threads that gives out the least item first, and equal ones in the order of put.
 * Else as {@linkcode Queue}.
 *
 * Numbers, bigints, strings, Dates and arrays of them, element by element, have an order of their
 * own: so put `[priority, number, item]`, with a number that no two items share. Otherwise give
 * `compare`. Both run in the main thread; a `compare` given in another thread must be a target (see
 * `task()`).
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
  /**
   * Creates a queue.
   *
   * @param maxsize The number of items that there is room for; 0 (the default) or less: any number.
   * @param compare Gives a negative number when `a` is to come first, a positive one when `b` is.
   */
  constructor(maxsize?: number, compare?: (a: T, b: T) => number) {
    super(coreOf("priority", maxsize ?? 0, compare as Compare | undefined));
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
    // A handle of an old one takes over what is behind that.
    super(coreOf("fifo", arguments[0] ?? 0));
  }
}
