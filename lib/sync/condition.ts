/**
 * The condition: threads that hold a lock wait until another that holds it tells them.
 *
 * Who waits has an entry of its own in a ring, and parks on it. `HEAD` is where the oldest may be,
 * `NEXT` where the next goes; both are moved by the holder of the lock. Each entry has a ticket:
 * the number that `NEXT` had.
 *
 * Where nobody is notified for long while many give up, the ring is full from the oldest to the
 * newest, and of holes. From then on it is `SCATTERED`: entries are put anywhere, and the oldest is
 * found by its ticket, until nobody is left that was not notified.
 *
 * ```text
 *   0 (free) -- wait(), with the lock --> ident -- notify(): CAS -> ident | NOTIFIED - it goes -> 0
 *                                           \---- it gives up: CAS ----------------------------> 0
 * ```
 *
 * So a notification reaches exactly those who waited when it was made, the oldest first, and a
 * waiter that gives up at that very moment is either notified or was not there: it never takes away
 * what was meant for another. One that is aborted or stopped after it was notified passes that on.
 *
 * What a death leaves: one that was not notified is skipped; one that died between its notification
 * and its waking is found by the next waiter to look, which goes in its stead. Its lock passes on
 * as every lock does.
 *
 * @module
 */
import { checkFunction, checkInteger, show } from "../core/checks.ts";
import { INSPECT, shown } from "../core/inspect.ts";
import { AT, foundOnHeap, type Placed } from "../memory/placement.ts";
import { IDENT_MASK } from "../memory/roster.ts";
import { SHARE, shareable, type World } from "../transfer/shareable.ts";
import { Cell, CELL_WORDS, type NameOptions, type SentCell } from "./cell.ts";
import type { Guard } from "./guard.ts";
import type { Lock } from "./lock.ts";
import { IS_MINE, type Lockable, RESUME, SUSPEND } from "./lockable.ts";
import {
  type AcquireOptions,
  type AcquireSyncOptions,
  type Bounded,
  checkWait,
  type DetectOptions,
  type WaitOptions,
  type WaitSyncOptions,
} from "./options.ts";
import { RLock } from "./rlock.ts";
import { SpinBudget } from "./spin.ts";
import { ALL, type Park, runAsync, runSync, STEPS, type Steps } from "./steps.ts";
import { noteMade, watchWait } from "./traps.ts";

const HEAD = CELL_WORDS;
const NEXT = CELL_WORDS + 1;
const SCATTERED = CELL_WORDS + 2;
const ENTRIES = CELL_WORDS + 3;
/** The most that can wait at the same time. */
const MOST_WAITING = 512;
/** The tickets of the entries; they wrap around. */
const TICKETS = ENTRIES + MOST_WAITING;
/** The words that a condition takes, without its lock. */
export const CONDITION_WORDS = TICKETS + MOST_WAITING;

const NOTIFIED = 1 << 24;

const ACTION = "wait for the condition";

/** The message for those who take the async functions of a thread for several owners. */
export const ONE_OWNER =
  "; all async functions of a thread are one owner of an RLock, and the wait of " +
  "one gives it away for all: where several of them wait, use ";

/** A condition as it is sent. */
export interface SentCondition extends SentCell {
  /** Its lock. */
  lock: Lock | RLock;
}

/** The outcome of a wait, however its steps end. */
export interface WaitOutcome {
  /** True if it was notified. */
  notified: boolean;
}

/**
 * A lock with a waiting room: who holds the lock can wait in it, without the lock, until another
 * that holds it calls somebody out.
 *
 * Reach for it when threads wait for a state of shared data: wait in a loop that looks at the data
 * ({@linkcode waitFor} does), and notify after changing it. With Lock in place of the RLock that it
 * has by itself, the async functions of one thread are parties of their own.
 *
 * At most 512 can wait at the same time. *Owner death*: as the lock's. *Memory*: as the lock's.
 *
 * @example Wait for data
 * ```ts
 * import { Condition, Lock } from "@switchyard/switchyard/threading";
 *
 * const condition = new Condition(new Lock());
 * let isReady = false;
 * setTimeout(async () => {
 *   using _guard = await condition.acquire();
 *   isReady = true;
 *   condition.notify();
 * }, 10);
 *
 * using _guard = await condition.acquire();
 * await condition.waitFor(() => isReady);
 * ```
 */
export class Condition {
  readonly #cell: Cell;
  readonly #lock: Lock | RLock;
  readonly #spin = new SpinBudget();

  /**
   * Creates a condition over a lock.
   *
   * @param lock A Lock or RLock. Default: an RLock of its own.
   * @throws {TypeError} `lock` is neither.
   */
  constructor(lock?: Lock | RLock, options?: NameOptions & Placed);
  constructor(
    lock: Lock | RLock = new RLock(),
    options: NameOptions & Placed = {},
  ) {
    if (typeof (lock as Partial<Lockable> | null)?.[SUSPEND] !== "function") {
      throw new TypeError(
        `Cannot create a condition: lock must be a Lock or RLock, received ${show(lock)}`,
      );
    }
    this.#lock = lock;
    this.#cell = new Cell("Condition", CONDITION_WORDS, options);
    noteMade(this, this.#cell);
  }

  /** Its name in reports, if it has one. */
  get name(): string | undefined {
    return this.#cell.name;
  }

  /** Takes the lock: as its `acquire()`. */
  acquire(options?: { signal?: AbortSignal } & DetectOptions): Promise<Guard>;
  /** Takes the lock if it becomes free in time. */
  acquire(options: AcquireOptions & DetectOptions & Bounded): Promise<Guard | undefined>;
  /** Takes the lock, with options known only when it runs. */
  acquire(options?: AcquireOptions & DetectOptions): Promise<Guard | undefined>;
  acquire(options?: AcquireOptions & DetectOptions): Promise<Guard | undefined> {
    return this.#lock.acquire(options);
  }

  /** Takes the lock: as its `acquireSync()`. */
  acquireSync(options?: DetectOptions): Guard;
  /** Takes the lock if it becomes free in time. */
  acquireSync(options: AcquireSyncOptions & DetectOptions & Bounded): Guard | undefined;
  /** Takes the lock, with options known only when it runs. */
  acquireSync(options?: AcquireSyncOptions & DetectOptions): Guard | undefined;
  acquireSync(options?: AcquireSyncOptions & DetectOptions): Guard | undefined {
    return this.#lock.acquireSync(options);
  }

  /** Releases the lock: as its `release()`. */
  release(): void {
    this.#lock.release();
  }

  /** True if somebody holds the lock, at this moment. */
  locked(): boolean {
    return this.#lock.locked();
  }

  /**
   * Releases the lock (all levels of it), waits until it is notified, and takes the lock again.
   * Never blocks the event loop.
   *
   * *Cancellation*: also after an abort or the end of the timeout the lock is taken again before
   * the call ends.
   *
   * @returns false when the timeout ended first.
   * @throws {Error} The calling thread does not hold the lock.
   * @throws {RangeError} 512 wait already, or a bad timeout.
   * @throws {ThreadTerminated} This thread was terminated.
   */
  wait(options?: WaitOptions): Promise<boolean> {
    return watchWait(this, "condition.wait()", this.#waitOnce(options));
  }

  async #waitOnce(options: WaitOptions | undefined): Promise<boolean> {
    const timeout = checkWait(options, ACTION);
    const signal = options?.signal;
    signal?.throwIfAborted();
    this.#checkMine("wait for");
    const outcome: WaitOutcome = { notified: false };
    await runAsync(this.#wait(outcome), { timeout, signal });
    return outcome.notified;
  }

  /** As {@linkcode wait}, but blocks the thread. */
  waitSync(options?: WaitSyncOptions): boolean {
    const timeout = checkWait(options, ACTION);
    this.#checkMine("wait for");
    const outcome: WaitOutcome = { notified: false };
    runSync(this.#wait(outcome), timeout);
    return outcome.notified;
  }

  /**
   * Waits until `predicate` gives something true. It is called with the lock held, at first and
   * after each notification.
   *
   * @returns What it gave last: something false when the timeout ended first.
   * @throws {Error} The calling thread does not hold the lock.
   */
  waitFor<T>(predicate: () => T, options?: WaitOptions): Promise<T> {
    let left: () => number;
    try {
      left = this.#deadline(predicate, options);
      options?.signal?.throwIfAborted();
      const value = predicate();
      if (value || left() <= 0) return Promise.resolve(value);
    } catch (error) {
      return Promise.reject(error);
    }
    const met = this.#waitUntil(predicate, left, options);
    return watchWait(this, "condition.waitFor(predicate)", met);
  }

  async #waitUntil<T>(
    predicate: () => T,
    left: () => number,
    options: WaitOptions | undefined,
  ): Promise<T> {
    for (;;) {
      await this.wait({ ...options, timeout: Math.max(0, left()) });
      const value = predicate();
      if (value || left() <= 0) return value;
    }
  }

  /** As {@linkcode waitFor}, but blocks the thread. */
  waitForSync<T>(predicate: () => T, options?: WaitSyncOptions): T {
    const left = this.#deadline(predicate, options);
    for (;;) {
      const value = predicate();
      const timeout = left();
      if (value || timeout <= 0) return value;
      this.waitSync({ timeout });
    }
  }

  /**
   * Lets `n` of those go on that wait, the longest waiting first; all if they are fewer. They go on
   * when the lock is free.
   *
   * @throws {Error} The calling thread does not hold the lock.
   * @throws {TypeError | RangeError} `n` is no integer >= 0.
   */
  notify(n?: number): void;
  notify(n = 1): void {
    checkInteger(n, 0, "n", "notify the condition");
    this.#checkMine("notify");
    this.#notify(n, true);
  }

  /**
   * Lets all go on that wait.
   *
   * @throws {Error} The calling thread does not hold the lock.
   */
  notifyAll(): void {
    this.#checkMine("notify");
    this.#notify(MOST_WAITING, true);
  }

  /** @ignore */
  [INSPECT](): string {
    return shown(this, () => [this.name, this.#lock[INSPECT](), `${this.#waiting} waiting`]);
  }

  /** @ignore */
  [SHARE](world: World, place: () => string): unknown {
    const lock = this.#lock;
    return {
      ...this.#cell.share(world, place, "Condition"),
      lock,
    } satisfies SentCondition;
  }

  /** @ignore */
  [STEPS](outcome: WaitOutcome = { notified: false }): Steps<boolean> {
    return this.#wait(outcome);
  }

  /** The number of those that wait and have not been notified. */
  get #waiting(): number {
    const { words, base } = this.#cell;
    const entries = words.subarray(base + ENTRIES, base + TICKETS);
    return entries.reduce((count, seen) => seen === 0 || seen & NOTIFIED ? count : count + 1, 0);
  }

  #checkMine(action: string): void {
    if (this.#lock[IS_MINE]()) return;
    throw new Error(
      `Cannot ${action} ${this.#cell.title("condition")}: this thread does not hold its lock` +
        (this.#lock instanceof RLock ? `${ONE_OWNER}new Condition(new Lock())` : ""),
    );
  }

  #deadline<T>(predicate: () => T, options: WaitOptions | undefined): () => number {
    const timeout = checkWait(options, ACTION);
    if (predicate === undefined) {
      throw new TypeError(`Cannot ${ACTION}: predicate must be a function, received undefined`);
    }
    checkFunction(predicate, "predicate", ACTION);
    this.#checkMine("wait for");
    const until = performance.now() + timeout;
    return () => until - performance.now();
  }

  /** An entry for this waiter; the lock is held. */
  #enter(): number {
    const { words, base, region, me } = this.#cell;
    const next = words[base + NEXT]!;
    const free = MOST_WAITING - (next - words[base + HEAD]! | 0);
    // Usually the next one is free. If not, any is: also one between those that wait, or of a dead.
    for (const isLast of [false, true]) {
      for (let k = 0; k < MOST_WAITING; k++) {
        const entry = base + ENTRIES + (next + k >>> 0) % MOST_WAITING;
        const seen = Atomics.load(words, entry);
        const isFree = seen === 0 || isLast && region.parties.isDead(seen);
        if (!isFree || Atomics.compareExchange(words, entry, seen, me) !== seen) continue;
        if (k >= free) words[base + SCATTERED] = 1;
        const ticket = words[base + SCATTERED] === 0 ? next + k | 0 : next;
        words[entry + MOST_WAITING] = ticket;
        words[base + NEXT] = ticket + 1 | 0;
        return entry;
      }
    }
    throw new RangeError(
      `Cannot ${ACTION}: ${MOST_WAITING} wait already, as many as can at the same time`,
    );
  }

  /** Notifies up to `n`; only the holder of the lock may say that it passed nobody. */
  #notify(n: number, isHolder: boolean): void {
    const { words, base } = this.#cell;
    if (Atomics.load(words, base + SCATTERED) !== 0) return this.#notifyScattered(n, isHolder);
    const next = Atomics.load(words, base + NEXT);
    let k = Atomics.load(words, base + HEAD);
    for (; n > 0 && k !== next; k = k + 1 | 0) {
      if (this.#notifyOne(base + ENTRIES + (k >>> 0) % MOST_WAITING)) n--;
    }
    if (isHolder) Atomics.store(words, base + HEAD, k);
  }

  /** As {@linkcode #notify}, where the entries are in no order. */
  #notifyScattered(n: number, isHolder: boolean): void {
    const { words, base } = this.#cell;
    const next = Atomics.load(words, base + NEXT);
    const age = (entry: number) => next - words[entry + MOST_WAITING]! >>> 0;
    const waiting: number[] = [];
    for (let entry = base + ENTRIES; entry < base + TICKETS; entry++) {
      const seen = Atomics.load(words, entry);
      if (seen !== 0 && (seen & NOTIFIED) === 0) waiting.push(entry);
    }
    waiting.sort((a, b) => age(b) - age(a));
    let left = waiting.length;
    for (const entry of waiting) {
      if (n === 0) break;
      left--;
      if (this.#notifyOne(entry)) n--;
    }
    if (!isHolder || left > 0) return;
    // In this order: whoever is killed in between has left it as it was.
    words[base + HEAD] = next;
    Atomics.store(words, base + SCATTERED, 0);
  }

  /** Notifies the one at an entry, if somebody waits there. */
  #notifyOne(entry: number): boolean {
    const { words, region } = this.#cell;
    const seen = Atomics.load(words, entry);
    if (seen === 0 || (seen & NOTIFIED) !== 0) return false;
    if (region.parties.isDead(seen)) {
      Atomics.compareExchange(words, entry, seen, 0);
      return false;
    }
    if (Atomics.compareExchange(words, entry, seen, seen | NOTIFIED) !== seen) return false;
    region.wake(entry, ALL);
    return true;
  }

  *#wait(outcome: WaitOutcome): Steps<boolean> {
    const { region, words, id, me } = this.#cell;
    const lock: Lockable = this.#lock;
    const entry = this.#enter();
    const suspended = lock[SUSPEND]();
    const park: Park = { region, index: entry, value: me, on: id, spin: this.#spin };
    let isHere = true;
    // Whether it had been notified. Once the entry is free, another of this thread may have it.
    const leave = () => {
      if (!isHere) return false;
      isHere = false;
      return Atomics.exchange(words, entry, 0) === (me | NOTIFIED);
    };
    try {
      while (Atomics.load(words, entry) === me) {
        yield park;
        if (Atomics.load(words, entry) !== me || !this.#takeOver()) continue;
        // Somebody died with a notification in hand: this waiter goes in its stead.
        if (leave()) this.#notify(1, false);
        outcome.notified = true;
        return true;
      }
    } catch (reason) {
      if (leave()) this.#notify(1, false);
      throw reason;
    } finally {
      if (leave()) outcome.notified = true;
      yield* lock[RESUME](suspended);
    }
    return true;
  }

  /** Takes the notification of one that died before it woke. */
  #takeOver(): boolean {
    const { words, base, region } = this.#cell;
    for (let entry = base + ENTRIES; entry < base + TICKETS; entry++) {
      const seen = Atomics.load(words, entry);
      if ((seen & NOTIFIED) === 0 || !region.parties.isDead(seen & IDENT_MASK)) continue;
      if (Atomics.compareExchange(words, entry, seen, 0) === seen) return true;
    }
    return false;
  }
}

shareable(import.meta, "Condition", Condition, (sent) => {
  const { at, name, lock } = sent as SentCondition;
  return new Condition(lock, { name, [AT]: foundOnHeap(at) });
});
