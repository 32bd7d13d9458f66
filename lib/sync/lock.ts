/**
 * The lock. Its algorithm is in `mutex.ts`.
 *
 * @module
 */
import { INSPECT, shown } from "../core/inspect.ts";
import { AT, foundOnHeap, type Placed } from "../memory/placement.ts";
import { SHARE, shareable, type World } from "../transfer/shareable.ts";
import { Cell, type NameOptions, type SentCell } from "./cell.ts";
import { Guard } from "./guard.ts";
import { IS_MINE, RESUME, SUSPEND } from "./lockable.ts";
import { ABANDONED, ASYNC, Mutex, MUTEX_WORDS, type Suspended, type TakeOptions } from "./mutex.ts";
import {
  type AcquireOptions,
  type AcquireSyncOptions,
  type Bounded,
  checkAcquire,
  type DetectOptions,
} from "./options.ts";
import { runAsync, runSync, STEPS, type Steps } from "./steps.ts";
import { isWatched, noteMade, watch } from "./traps.ts";

/** The words that a lock takes. */
export const LOCK_WORDS = MUTEX_WORDS;

const ACTION = "acquire the lock";

/**
 * A mutual exclusion lock: of all threads that share it, one holds it at a time.
 *
 * Reach for it when several threads change the same thing. It belongs to the acquisition and not to
 * the thread: two async functions of one thread exclude each other, it is not re-entrant, and any
 * thread may release it.
 *
 * *Fairness*: no waiter starves. *Owner death*: when a thread is stopped or ended by an uncaught
 * error while it holds the lock, the next one to acquire it has it within a second, and its guard
 * says `abandoned`. *Memory*: what was written before a release is seen after the next acquire.
 *
 * @example Keep two threads out of each other's way
 * ```ts
 * import { Lock } from "@switchyard/switchyard/threading";
 *
 * const lock = new Lock();
 * {
 *   using _guard = await lock.acquire();
 *   // Here nobody else holds the lock.
 * }
 * ```
 *
 * @example Count together
 * ```ts
 * import { Lock, Thread } from "@switchyard/switchyard/threading";
 *
 * export function count(lock: Lock, memory: SharedArrayBuffer) {
 *   const total = new Int32Array(memory);
 *   for (let k = 0; k < 1000; k++) {
 *     using _guard = lock.acquireSync(); // or: await lock.acquire()
 *     total[0] = total[0] + 1;
 *   }
 * }
 *
 * if (import.meta.main) {
 *   const lock = new Lock();
 *   const memory = new SharedArrayBuffer(4);
 *   const threads = [1, 2, 3, 4].map(() => new Thread(count, { args: [lock, memory] }).start());
 *   for (const thread of threads) await thread.join();
 *   console.log(new Int32Array(memory)[0]); // 4000
 * }
 * ```
 */
export class Lock {
  readonly #cell: Cell;
  readonly #mutex: Mutex;

  /** Creates a lock that is free. */
  constructor(options?: NameOptions & Placed);
  constructor(options: NameOptions & Placed = {}) {
    this.#cell = new Cell("Lock", LOCK_WORDS, options);
    this.#mutex = new Mutex(this.#cell);
    noteMade(this, this.#cell);
  }

  /** Its name in reports, if it has one. */
  get name(): string | undefined {
    return this.#cell.name;
  }

  /**
   * Takes the lock, waiting while another holds it. Never blocks the event loop.
   *
   * *Cancellation*: an abort or the end of the timeout leaves the lock as if the call had never
   * been made.
   *
   * @returns Its guard; `undefined` when the timeout ended first or `blocking` is false.
   * @throws {TypeError | RangeError} Bad options.
   * @throws {ThreadTerminated} This thread was terminated.
   * @throws {DeadlockError} With `detectDeadlock`: this wait is part of a deadlock.
   */
  acquire(options?: { signal?: AbortSignal } & DetectOptions): Promise<Guard>;
  /** Takes the lock if it becomes free in time. */
  acquire(options: AcquireOptions & DetectOptions & Bounded): Promise<Guard | undefined>;
  /** Takes the lock, with options known only when it runs. */
  acquire(options?: AcquireOptions & DetectOptions): Promise<Guard | undefined>;
  acquire(options?: AcquireOptions & DetectOptions): Promise<Guard | undefined> {
    return isWatched() ? watch(this, this.#acquire(options)) : this.#acquire(options);
  }

  async #acquire(options?: AcquireOptions & DetectOptions): Promise<Guard | undefined> {
    const timeout = checkAcquire(options, ACTION);
    const signal = options?.signal;
    signal?.throwIfAborted();
    const mutex = this.#mutex;
    const mine = mutex.me | ASYNC;
    if (mutex.tryTake(mine)) return new Guard(mutex, mutex.enter(mine), false);
    const steps = this.#take(mine, timeout, { detects: options?.detectDeadlock });
    return await runAsync(steps, { timeout, signal });
  }

  /**
   * As {@linkcode acquire}, but blocks the thread while it waits.
   *
   * @throws {DeadlockError} An async function of this same thread holds the lock: it could never
   * release it while the thread is blocked.
   */
  acquireSync(options?: DetectOptions): Guard;
  /** Takes the lock if it becomes free in time. */
  acquireSync(options: AcquireSyncOptions & DetectOptions & Bounded): Guard | undefined;
  /** Takes the lock, with options known only when it runs. */
  acquireSync(options?: AcquireSyncOptions & DetectOptions): Guard | undefined;
  acquireSync(options?: AcquireSyncOptions & DetectOptions): Guard | undefined {
    const timeout = options === undefined ? Infinity : checkAcquire(options, ACTION);
    const mutex = this.#mutex;
    const mine = mutex.me;
    if (mutex.tryTake(mine) || timeout > 0 && mutex.spinFor(mine)) {
      return new Guard(mutex, mutex.enter(mine), false);
    }
    return runSync(this.#take(mine, timeout, { detects: options?.detectDeadlock }), timeout);
  }

  /**
   * Releases the lock, whoever holds it: it belongs to no thread. A guard's `release()` is safer.
   *
   * @throws {Error} The lock is not held.
   */
  release(): void {
    const mutex = this.#mutex;
    if (mutex.tryRelease()) return;
    if (!mutex.isHeld) {
      throw new Error(`Cannot release ${this.#cell.title("lock")}: it is not held`);
    }
    mutex.release();
  }

  /** True if somebody holds the lock, at this moment. */
  locked(): boolean {
    return this.#mutex.isHeld;
  }

  /** @ignore */
  [INSPECT](): string {
    return shown(this, () => [this.name, this.#mutex.state]);
  }

  /** @ignore */
  [SHARE](world: World, place: () => string): unknown {
    return this.#cell.share(world, place, "Lock");
  }

  /** @ignore */
  [STEPS](): Steps<Guard> {
    return this.#take(this.#mutex.me | ASYNC, Infinity, {});
  }

  /** @ignore */
  [IS_MINE](): boolean {
    return this.#mutex.isMine;
  }

  /** @ignore */
  [SUSPEND](): Suspended {
    return this.#mutex.suspend();
  }

  /** @ignore */
  *[RESUME](suspended: Suspended): Steps<void> {
    yield* this.#mutex.resume(suspended);
  }

  *#take(mine: number, timeout: number, options: TakeOptions): Steps<Guard> {
    const mutex = this.#mutex;
    const how = yield* mutex.take(mine, timeout, options);
    const abandoned = how === ABANDONED;
    return new Guard(mutex, mutex.enter(mine, abandoned), abandoned);
  }
}

shareable(import.meta, "Lock", Lock, (sent) => {
  const { at, name } = sent as SentCell;
  return new Lock({ name, [AT]: foundOnHeap(at) });
});
