/**
 * The base of the queues between threads: a queue in shared memory (`memory/queue.ts`) in a
 * SharedArrayBuffer of its own. What bytes cannot carry goes beside it, as a parcel
 * (`parcels/parcel.ts`).
 *
 * @module
 */
import { checkArray, show } from "../core/checks.ts";
import { ShareError, ShutDown } from "../core/errors.ts";
import { takeUntil } from "../core/promises.ts";
import { foundHeapSpace, makeHeapSpace } from "../memory/heap_space.ts";
import type { Placement } from "../memory/placement.ts";
import { noteMadeIn } from "../sync/traps.ts";
import { SHARE, type World } from "../transfer/shareable.ts";
import { MemoryQueue } from "./memory/queue.ts";
import type { QueueOrder } from "./memory/queue_order.ts";
import { clearParcels } from "./parcels/desk.ts";
import type { MovingOptions, QueueOptions, QueueSyncOptions } from "./queue_like.ts";
import { threadDialect } from "./thread_dialect.ts";

/** Options of `putSync()` of a queue between threads. */
export interface PutSyncOptions extends QueueSyncOptions, MovingOptions {}

/** Options of `put()` of a queue between threads. */
export interface PutOptions extends QueueOptions, MovingOptions {}

/** The most items that a queue can be bound to. */
const MOST_ITEMS = 0x7fffffff;

/** What a handle is made from: a new queue's size, or what another thread speaks of. */
export type QueueSource = number | SentThreadQueue;

/** A queue as it is sent to another thread. */
export interface SentThreadQueue {
  at: unknown;
  maxsize: number;
}

/** What becomes of a queue's parcels when the handle that made it is collected. */
interface Owned {
  id: number;
  /** True if others may have the queue: then nobody knows when the last one lets go of it. */
  isShared: boolean;
}

const collected = new FinalizationRegistry<Owned>(({ id, isShared }) => {
  if (!isShared) clearParcels(id);
});

/** A queue between threads: see {@linkcode Queue}. */
export abstract class ThreadQueue<T = unknown> extends MemoryQueue<T>
  implements Disposable, AsyncDisposable {
  readonly #placement: Placement;
  #owned: Owned | undefined;
  #isShared: boolean;

  /** Makes a queue, or a handle of one. */
  constructor(source: QueueSource, order?: QueueOrder) {
    const isNew = typeof source !== "object";
    const maxsize = isNew ? sizeOf(source) : source.maxsize;
    const space = isNew ? makeHeapSpace() : foundHeapSpace(source.at);
    const id = () => space.placement.region.words[space.placement.base]!;
    super({
      space,
      maxsize,
      order,
      dialect: threadDialect({
        action: "get the item",
        remedy: "get",
        root: "item",
        id,
        compares: order?.pile !== undefined && order.headOf === undefined,
        check: () => this.#own(id()),
      }),
      onDrop: () => clearParcels(id()),
    });
    this.#placement = space.placement;
    this.#isShared = !isNew;
    noteMadeIn(this, "thread");
  }

  /** Has the parcels in a queue of this thread alone be let go with it. */
  #own(id: number): void {
    if (this.#isShared || this.#owned !== undefined) return;
    this.#owned = { id, isShared: false };
    collected.register(this, this.#owned);
  }

  /**
   * Puts an item in, waiting for room. Never blocks the event loop.
   *
   * The item is copied at once; what is in `transfer` is moved when there is room. *Cancellation*:
   * an abort or the end of the timeout puts nothing in and moves nothing.
   *
   * @throws {Full} There was no room in time.
   * @throws {ShutDown} The queue has been shut down.
   * @throws {ShareError} The item cannot cross to another thread.
   * @throws {TypeError | RangeError} Bad options.
   * @throws {ThreadTerminated} This thread was terminated.
   */
  override put(item: T, options?: PutOptions): Promise<void> {
    try {
      checkArray(options?.transfer, "transfer", "put the item");
    } catch (error) {
      return Promise.reject(error);
    }
    return super.put(item, options);
  }

  /** As {@linkcode put}, but blocks the thread while there is no room. */
  override putSync(item: T, options?: PutSyncOptions): void {
    if (options !== undefined) checkArray(options?.transfer, "transfer", "put the item");
    super.putSync(item, options);
  }

  /** The items, as they come, until the queue is shut down and drained. */
  [Symbol.asyncIterator](): AsyncIterableIterator<T> {
    return takeUntil(() => this.get(), ShutDown);
  }

  /** Shuts the queue down: what is in it can still be taken. */
  [Symbol.dispose](): void {
    this.shutDown(undefined);
  }

  /** As `Symbol.dispose`. */
  [Symbol.asyncDispose](): Promise<void> {
    this.shutDown(undefined);
    return Promise.resolve();
  }

  /** @ignore */
  [SHARE](world: World, place: () => string): unknown {
    const { name } = this.constructor;
    if (world !== "thread") {
      throw new ShareError(
        `Cannot share ${place()} with a process: a queue.${name} lives in one process; ` +
          `use multiprocessing.${name}`,
        place(),
      );
    }
    this.#isShared = true;
    if (this.#owned !== undefined) this.#owned.isShared = true;
    const at = this.#placement.share(world, place, name);
    return { at, maxsize: this.maxsize } satisfies SentThreadQueue;
  }
}

function sizeOf(maxsize: unknown): number {
  const action = "create a queue";
  if (typeof maxsize !== "number") {
    throw new TypeError(`Cannot ${action}: maxsize must be a number, received ${show(maxsize)}`);
  }
  if (!Number.isInteger(maxsize) || maxsize > MOST_ITEMS) {
    throw new RangeError(
      `Cannot ${action}: maxsize must be an integer up to ${MOST_ITEMS}, received ${maxsize}`,
    );
  }
  return Math.max(0, maxsize);
}
