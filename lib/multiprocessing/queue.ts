/**
 * Queues between processes: a queue in shared memory (`channel/memory/queue.ts`), in the family's.
 *
 * @module
 */
import type { Dialect } from "../channel/memory/dialect.ts";
import { MemoryQueue, QUEUE_EXTRA, QUEUE_WORDS as OWN_WORDS } from "../channel/memory/queue.ts";
import { checkInteger } from "../core/checks.ts";
import { ShutDown } from "../core/errors.ts";
import { takeUntil } from "../core/promises.ts";
import { Holders, HOLDERS_WORDS, isEntry } from "../channel/memory/holders.ts";
import type { QueueOrder } from "../channel/memory/queue_order.ts";
import { messageOf, readerOf, readLoaded } from "../channel/message.ts";
import type { ShutdownOptions } from "../channel/queue_like.ts";
import { theArena } from "../memory/arena.ts";
import { AT, type Placed, type Placement } from "../memory/placement.ts";
import type { NameOptions, SentCell } from "../sync/cell.ts";
import type { WaitOptions, WaitSyncOptions } from "../sync/options.ts";
import { noteMade } from "../sync/traps.ts";
import { boardAll, inFlight, packedFor } from "../transfer/flight.ts";
import type { TrustLevel } from "../transfer/reduction.ts";
import { checkState, type Restore, SHARE, shareable, type World } from "../transfer/shareable.ts";

/** True if it was given to somebody with fewer permissions. */
const BELOW = QUEUE_EXTRA;
/**
 * Who can get from the queue: what becomes of an end of a pipe that waits in it depends on them.
 */
const USERS = OWN_WORDS;
const QUEUE_WORDS = USERS + HOLDERS_WORDS;

/** A queue as it is sent. */
interface SentQueue extends SentCell {
  maxsize: number;
  entry: number;
}

/** The key of the entry among the users that a handle is to take over. */
const ENTRY: unique symbol = Symbol("entry");
/** The key of the order in which a queue gives out its items, if not first in, first out. */
export const ORDER: unique symbol = Symbol("order");

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
export class Queue<T = unknown> extends MemoryQueue<T> implements Disposable {
  readonly #placement: Placement;
  readonly #users: Holders;

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
    const placement = options[AT] ?? arena.allocate(QUEUE_WORDS);
    const { region, base } = placement;
    const users = new Holders(region, base + USERS);
    const whose = () => region.words[base + BELOW] === 0 ? "equal" : "below";
    const dialect: Dialect = {
      write: (item) => messageOf(item, "item", whose),
      board: ({ flights }) => boardAll(flights, users.carrier),
      read: readerOf(whose),
      readNow: readLoaded("get the item", "it", "get", whose),
    };
    super({
      space: { placement, blocks: arena.blocks },
      maxsize,
      name: options.name,
      order: options[ORDER],
      dialect,
      // Ends of pipes that were in it will never be got.
      onDrop: () => users.renew(),
    });
    this.#placement = placement;
    this.#users = users;
    users.landOnce(options[ENTRY] ?? -1);
    noteMade(this, placement);
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
    this.shutDown(options);
  }

  /** Says that this thread will use the queue no more. Others can. */
  close(): void {
    this.closeHere();
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
    if (this.isClosed) return;
    for await (const item of takeUntil(() => this.get(), ShutDown)) {
      yield item;
      if (this.isClosed) return;
    }
  }

  /** @ignore */
  [SHARE](world: World, place: () => string): unknown {
    const placement = this.#placement;
    const at = placement.share(world, place, this.constructor.name);
    if (packedFor() === "below") placement.region.words[placement.base + BELOW] = 1;
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
      name: this.reportName,
      maxsize: this.maxsize,
      entry,
    } satisfies SentQueue;
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
    return this.joinAll(options);
  }

  /** As {@linkcode join}, but blocks the thread. */
  joinSync(options?: WaitSyncOptions): boolean {
    return this.joinAllSync(options);
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
