/**
 * Queues between processes that give out the newest item first, or the least.
 *
 * @module
 */
import { NATURAL, NEWEST_FIRST, orderBy } from "../channel/memory/queue_order.ts";
import type { Compare } from "../channel/natural_order.ts";
import { checkFunction } from "../core/checks.ts";
import { SHARE, shareable, type World } from "../transfer/shareable.ts";
import { referTo } from "../transfer/task.ts";
import { JoinableQueue, ORDER, type QueueMaking, restoreQueue } from "./queue.ts";

/**
 * A queue between processes, and threads of them, that gives out the newest item first: a stack.
 * Else as {@linkcode JoinableQueue}.
 *
 * *Permissions*: `--allow-ffi`.
 *
 * @typeParam T What its items are.
 *
 * @example The newest first
 * ```ts
 * import { LifoQueue } from "@switchyard/switchyard/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * const stack = new LifoQueue<string>();
 * stack.putNowait("first");
 * stack.putNowait("second");
 * assertEquals(stack.getNowait(), "second");
 * ```
 */
export class LifoQueue<T = unknown> extends JoinableQueue<T> {
  /**
   * Creates an empty queue.
   *
   * @param maxsize The most items that it holds. Default: 0, any number.
   * @throws {TypeError | RangeError} `maxsize` is no integer >= 0.
   * @throws {Deno.errors.NotCapable} Without `--allow-ffi`.
   */
  constructor(maxsize?: number, options?: QueueMaking);
  constructor(maxsize = 0, options: QueueMaking = {}) {
    super(maxsize, { ...options, [ORDER]: NEWEST_FIRST });
  }
}

/**
 * A queue between processes, and threads of them, that gives out the least item first, and equal
 * ones in the order of put. Else as {@linkcode JoinableQueue}.
 *
 * Numbers, bigints, strings, Dates and arrays of them, element by element, have an order of their
 * own: so put `[priority, number, item]`, with a number that no two items share. Otherwise give
 * `compare`, a target (see `task()`) that whoever puts or gets calls; its module also brings the
 * classes of the items. It runs while nobody else can put or get: it must not use the queue.
 *
 * *Permissions*: `--allow-ffi`.
 *
 * @typeParam T What its items are.
 *
 * @example The urgent first
 * ```ts
 * import { PriorityQueue } from "@switchyard/switchyard/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * const queue = new PriorityQueue<[number, string]>();
 * queue.putNowait([2, "wash up"]);
 * queue.putNowait([1, "put out the fire"]);
 * assertEquals(queue.getNowait(), [1, "put out the fire"]);
 * ```
 */
export class PriorityQueue<T = unknown> extends JoinableQueue<T> {
  readonly #compare: Compare | undefined;

  /**
   * Creates an empty queue.
   *
   * @param maxsize The most items that it holds. Default: 0, any number.
   * @param compare Gives a negative number when `a` is to come first, a positive one when `b` is.
   * @throws {TypeError | RangeError}
   *   `maxsize` is no integer >= 0; `compare` is no function, or no target.
   * @throws {Deno.errors.NotCapable} Without `--allow-ffi`.
   */
  constructor(maxsize?: number, compare?: (a: T, b: T) => number);
  constructor(maxsize?: number, compare?: Compare, options: QueueMaking = {}) {
    checkFunction(compare, "compare", "create a priority queue");
    // Whoever it is sent to must find it.
    if (compare !== undefined) referTo(compare);
    super(maxsize, { ...options, [ORDER]: compare === undefined ? NATURAL : orderBy(compare) });
    this.#compare = compare;
  }

  /** @ignore */
  override [SHARE](world: World, place: () => string): unknown {
    return { ...super[SHARE](world, place) as object, compare: this.#compare };
  }
}

shareable(
  import.meta,
  "LifoQueue",
  LifoQueue,
  restoreQueue((maxsize, options) => new LifoQueue(maxsize, options)),
);

type Make = new (maxsize: number, compare: unknown, options: QueueMaking) => PriorityQueue;

shareable(
  import.meta,
  "PriorityQueue",
  PriorityQueue,
  restoreQueue((maxsize, options, sent, source) => {
    const { compare } = sent as { compare?: unknown };
    // What somebody with fewer permissions names does not run here.
    if (compare !== undefined && (source === "below" || typeof compare !== "function")) {
      throw new TypeError("Cannot decode a priority queue: its compare is no function of an equal");
    }
    return new (PriorityQueue as Make)(maxsize, compare, options);
  }),
);
