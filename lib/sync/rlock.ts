/**
 * The re-entrant lock: a mutex that counts how often its thread has it.
 *
 * `DEPTH` is written by the owner alone. Guards of inner acquisitions carry the turn of the
 * outermost one: when that has ended, they release nothing.
 *
 * @module
 */
import { INSPECT, shown } from "../core/inspect.ts";
import { AT, foundOnHeap, type Placed } from "../memory/placement.ts";
import { SHARE, shareable, type World } from "../transfer/shareable.ts";
import { Cell, type NameOptions, type SentCell } from "./cell.ts";
import { GIVE_BACK, Guard } from "./guard.ts";
import { IS_MINE, RESUME, SUSPEND } from "./lockable.ts";
import { ABANDONED, JOINED, Mutex, MUTEX_WORDS, type Suspended } from "./mutex.ts";
import {
  type AcquireOptions,
  type AcquireSyncOptions,
  type Bounded,
  checkAcquire,
  type DetectOptions,
} from "./options.ts";
import { runAsync, runSync, STEPS, type Steps } from "./steps.ts";
import { isWatched, noteMade, watch } from "./traps.ts";

const DEPTH = MUTEX_WORDS;
/** The words that a re-entrant lock takes; even, so that 64-bit values can follow. */
export const RLOCK_WORDS = MUTEX_WORDS + 2;

const ACTION = "acquire the lock";

/**
 * A lock that its thread may acquire again: it is free when each acquisition has been released.
 *
 * Reach for it when a function that holds the lock calls another that takes it too, or itself. All
 * async functions of a thread are one owner: between them use {@linkcode Lock}.
 *
 * *Fairness*, *owner death* and *memory*: as Lock.
 *
 * @example Call a function that takes the same lock
 * ```ts
 * import { RLock } from "@switchyard/switchyard/threading";
 *
 * const lock = new RLock();
 * function countdown(n: number): number {
 *   using _guard = lock.acquireSync();
 *   return n === 0 ? 0 : countdown(n - 1);
 * }
 * countdown(3);
 * ```
 */
export class RLock {
  readonly #cell: Cell;
  readonly #mutex: Mutex;
  readonly #words: Int32Array<ArrayBufferLike>;
  readonly #depth: number;
  /**
   * The number of async functions of this thread that wait: the one that gets the lock lets them
   * all in.
   */
  #waiting = 0;

  /** Creates a lock that is free. */
  constructor(options?: NameOptions & Placed);
  constructor(options: NameOptions & Placed = {}) {
    const cell = this.#cell = new Cell("RLock", RLOCK_WORDS, options);
    this.#mutex = new Mutex(cell);
    this.#words = cell.words;
    this.#depth = cell.base + DEPTH;
    noteMade(this, cell);
  }

  /** Its name in reports, if it has one. */
  get name(): string | undefined {
    return this.#cell.name;
  }

  /**
   * Takes the lock, waiting while another thread holds it. Never blocks the event loop.
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
    const guard = this.#takeNow();
    if (guard !== undefined) return guard;
    return await this.#acquireLater(timeout, options);
  }

  async #acquireLater(
    timeout: number,
    options: AcquireOptions & DetectOptions | undefined,
  ): Promise<Guard | undefined> {
    this.#waiting++;
    try {
      const steps = this.#take(timeout, options?.detectDeadlock);
      return await runAsync(steps, { timeout, signal: options?.signal });
    } finally {
      this.#waiting--;
    }
  }

  /** As {@linkcode acquire}, but blocks the thread while it waits. */
  acquireSync(options?: DetectOptions): Guard;
  /** Takes the lock if it becomes free in time. */
  acquireSync(options: AcquireSyncOptions & DetectOptions & Bounded): Guard | undefined;
  /** Takes the lock, with options known only when it runs. */
  acquireSync(options?: AcquireSyncOptions & DetectOptions): Guard | undefined;
  acquireSync(options?: AcquireSyncOptions & DetectOptions): Guard | undefined {
    const timeout = options === undefined ? Infinity : checkAcquire(options, ACTION);
    const guard = this.#takeNow();
    if (guard !== undefined) return guard;
    if (timeout > 0 && this.#mutex.spinFor(this.#mutex.me)) return this.#enter(false);
    return runSync(this.#take(timeout, options?.detectDeadlock), timeout);
  }

  /**
   * Releases one acquisition.
   *
   * @throws {Error} The calling thread does not hold the lock.
   */
  release(): void {
    if (!this.#mutex.isMine) {
      throw new Error(`Cannot release ${this.#cell.title("RLock")}: this thread does not hold it`);
    }
    this[GIVE_BACK](this.#mutex.turn);
  }

  /** True if somebody holds the lock, at this moment. */
  locked(): boolean {
    return this.#mutex.isHeld;
  }

  /** @ignore */
  [GIVE_BACK](turn: number): void {
    const mutex = this.#mutex;
    if (!mutex.isMine || mutex.turn !== turn) return;
    const depth = this.#words[this.#depth]! - 1;
    this.#words[this.#depth] = depth;
    if (depth === 0) mutex.leave(turn);
  }

  /** @ignore */
  [INSPECT](): string {
    return shown(this, () => [this.name, this.#mutex.state, this.#nesting]);
  }

  /** @ignore */
  [SHARE](world: World, place: () => string): unknown {
    return this.#cell.share(world, place, "RLock");
  }

  /** @ignore */
  [STEPS](): Steps<Guard> {
    return this.#take(Infinity, false);
  }

  /** @ignore */
  [IS_MINE](): boolean {
    return this.#mutex.isMine;
  }

  /** @ignore */
  [SUSPEND](): Suspended & { depth?: number } {
    const depth = this.#words[this.#depth]!;
    return { ...this.#mutex.suspend(), depth };
  }

  /** @ignore */
  *[RESUME](suspended: Suspended & { depth?: number }): Steps<void> {
    yield* this.#mutex.resume(suspended);
    this.#words[this.#depth] = suspended.depth!;
  }

  /** The number of times that its thread has it, if more than once. */
  get #nesting(): string {
    const depth = this.#mutex.isHeld ? this.#words[this.#depth]! : 0;
    return depth > 1 ? `${depth} times` : "";
  }

  #takeNow(): Guard | undefined {
    const mutex = this.#mutex;
    if (mutex.tryTake(mutex.me)) return this.#enter(false);
    return mutex.isMine ? this.#join() : undefined;
  }

  *#take(timeout: number, detects: boolean | undefined): Steps<Guard> {
    const mutex = this.#mutex;
    const how = yield* mutex.take(mutex.me, timeout, { reentrant: true, detects });
    return how === JOINED ? this.#join() : this.#enter(how === ABANDONED);
  }

  #enter(abandoned: boolean): Guard {
    const mutex = this.#mutex;
    const turn = mutex.enter(mutex.me, abandoned);
    this.#words[this.#depth] = 1;
    if (this.#waiting > 1) mutex.wakeAll();
    return new Guard(this, turn, abandoned);
  }

  #join(): Guard {
    this.#words[this.#depth]++;
    return new Guard(this, this.#mutex.turn, false);
  }
}

shareable(import.meta, "RLock", RLock, (sent) => {
  const { at, name } = sent as SentCell;
  return new RLock({ name, [AT]: foundOnHeap(at) });
});
