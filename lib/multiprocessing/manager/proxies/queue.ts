/**
 * The proxy of a manager's queue.
 *
 * @module
 */
import { ShutDown } from "../../../core/errors.ts";
import { takeUntil } from "../../../core/promises.ts";
import {
  checkQueue,
  checkShutdown,
  type QueueOptions,
  type ShutdownOptions,
} from "../../../channel/queue_like.ts";
import { checkWait, type WaitOptions } from "../../../sync/options.ts";
import { watchWait } from "../../../sync/traps.ts";
import { shareable } from "../../../transfer/shareable.ts";
import { unwrap, type ValueBytes, wrap } from "../protocol.ts";
import { Proxied, restore, sent } from "./proxy.ts";

/**
 * A queue at a manager's server, first in, first out; as queue.Queue.
 *
 * Reach for it where `--allow-ffi` is not to be had; `multiprocessing.Queue` is many times faster.
 *
 * A client that ends while it waits, or before an item has reached it, loses none.
 *
 * @typeParam T The type of its items.
 *
 * @example Put and get
 * ```ts
 * import { Manager } from "@switchyard/switchyard/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * await using manager = await Manager.start();
 * const jobs = await manager.Queue<string>();
 * await jobs.put("wash up");
 * assertEquals(await jobs.get(), "wash up");
 * await jobs.shutdown();
 * ```
 */
export class QueueProxy<T = unknown> extends Proxied implements AsyncIterable<T> {
  /**
   * Puts an item in, waiting for room.
   *
   * *Cancellation*: an abort or the end of the timeout leaves the queue as if the call had never
   * been made.
   *
   * @throws {Full} There was no room in time.
   * @throws {ShutDown} The queue has been shut down.
   * @throws {ShareError} The item cannot cross.
   */
  async put(item: T, options?: QueueOptions): Promise<void> {
    const timeout = sent(checkQueue(options, "put into the queue"));
    const args = [timeout, wrap(item, "item")];
    await this.server.call(this.object, "put", args, options?.signal);
  }

  /** Puts an item in if there is room now. */
  async putNowait(item: T): Promise<void> {
    await this.put(item, { block: false });
  }

  /**
   * Takes the next item, waiting for one.
   *
   * *Cancellation*: an abort or the end of the timeout leaves the queue as if the call had never
   * been made.
   *
   * @throws {Empty} None came in time.
   * @throws {ShutDown} The queue has been shut down, and is empty.
   */
  async get(options?: QueueOptions): Promise<T> {
    const timeout = sent(checkQueue(options, "get from the queue"));
    const bytes = await this.server.call(this.object, "get", [timeout], options?.signal);
    return await unwrap(bytes as ValueBytes, this.server.level) as T;
  }

  /** Takes the next item if there is one now. */
  async getNowait(): Promise<T> {
    return await this.get({ block: false });
  }

  /** The number of items; true only for the moment. */
  async qsize(): Promise<number> {
    return await this.ask("qsize") as number;
  }

  /** True if there is no item; true only for the moment: get with a timeout instead of asking. */
  async empty(): Promise<boolean> {
    return await this.qsize() === 0;
  }

  /** True if there is no room; true only for the moment: put with a timeout instead of asking. */
  async full(): Promise<boolean> {
    return await this.ask("full") as boolean;
  }

  /**
   * Says that an item that was got is done with.
   *
   * @throws {RangeError} It was said more often than items were put in.
   */
  async taskDone(): Promise<void> {
    await this.ask("taskDone");
  }

  /**
   * Waits until all items that were put in are done with.
   *
   * @returns false when the timeout ended first.
   */
  join(options?: WaitOptions): Promise<boolean> {
    return watchWait(this, "queue.join()", this.#join(options));
  }

  async #join(options: WaitOptions | undefined): Promise<boolean> {
    const timeout = sent(checkWait(options, "join the queue"));
    return await this.server.call(this.object, "join", [timeout], options?.signal) as boolean;
  }

  /**
   * Shuts the queue down: nothing goes in any more, and when it is empty nothing comes out; who
   * waits in `put()` or `get()` is woken. With `immediate` what is left is dropped, and counts as
   * dealt with.
   */
  async shutdown(options?: ShutdownOptions): Promise<void> {
    await this.ask("shutdown", checkShutdown(options));
  }

  /** Takes the items as they come, until the queue is shut down and empty. */
  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return takeUntil(() => this.get(), ShutDown);
  }
}

shareable(import.meta, "Queue", QueueProxy, restore(QueueProxy));
