/**
 * The interface that all queues share, whatever carries their items.
 *
 * @module
 */
import { checkBoolean, checkOptions } from "../core/checks.ts";
import { checkWait, type WaitOptions, type WaitSyncOptions } from "../sync/options.ts";

/** Options of `putSync()` and `getSync()`. */
export interface QueueSyncOptions extends WaitSyncOptions {
  /** false: do not wait, as `timeout: 0`. Default: true. */
  block?: boolean;
}

/** Options of `put()` and `get()`. */
export interface QueueOptions extends WaitOptions {
  /** false: do not wait, as `timeout: 0`. Default: true. */
  block?: boolean;
}

/** Options of a put that may move parts of its item. */
export interface MovingOptions {
  /** Objects in the item that are moved instead of copied, as in `postMessage()`. */
  transfer?: Transferable[];
}

/** Options of `shutdown()`. */
export interface ShutdownOptions {
  /** True if what is still in the queue is dropped. Default: false. */
  immediate?: boolean;
}

/** A queue between threads, or between processes. */
export interface QueueLike<T> extends AsyncIterable<T> {
  /**
   * Puts an item in, waiting for room.
   *
   * @throws {Full} There was no room in time.
   */
  put(item: T, options?: QueueOptions): Promise<void>;
  /** As {@linkcode put}, but blocks the thread. */
  putSync(item: T, options?: QueueSyncOptions): void;
  /** Puts an item in if there is room now. */
  putNowait(item: T): void;
  /**
   * Takes the next item, waiting for one.
   *
   * @throws {Empty} None came in time.
   */
  get(options?: QueueOptions): Promise<T>;
  /** As {@linkcode get}, but blocks the thread. */
  getSync(options?: QueueSyncOptions): T;
  /** Takes the next item if there is one now. */
  getNowait(): T;
  /** The number of items; true only for the moment. */
  qsize(): number;
  /** True if there is no item; true only for the moment: get with a timeout instead of asking. */
  empty(): boolean;
  /** True if there is no room; true only for the moment: put with a timeout instead of asking. */
  full(): boolean;
}

/** Checks the options of a put or get, and gives the time to wait in ms. */
export function checkQueue(options: QueueOptions | undefined, action: string): number {
  const timeout = checkWait(options, action);
  checkBoolean(options?.block, "block", action);
  return options?.block === false ? 0 : timeout;
}

/** Checks the options of a shutdown, and gives whether it is immediate. */
export function checkShutdown(options: ShutdownOptions | undefined): boolean {
  const action = "shut the queue down";
  checkOptions(options, action);
  checkBoolean(options?.immediate, "immediate", action);
  return options?.immediate ?? false;
}
