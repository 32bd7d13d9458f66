/**
 * The lock, for threads and for processes: one text over a {@linkcode Region}.
 *
 * Its state is one word: the ident of its owner (0: free) and three flags. Taking a free lock and
 * releasing one that nobody waits for are one compare-and-swap each.
 *
 * ```text
 *             CAS by the taker                 CAS by anybody
 *   0 (free) ------------------> owner ---------------------------> 0, and wake one
 *                                  |  \--- somebody starves -------> starving | HANDED, and wake all
 *                                  |
 *                                  owner dead: CAS by a waiter ----> waiter, its guard `abandoned`
 * ```
 *
 * - `WAITERS`: somebody is parked, or may be: the release must wake. A waiter sets it before it
 *   parks, and keeps it when it takes the lock after a park, since others may be parked too
 *   (U. Drepper, "Futexes Are Tricky", mutex 2).
 * - Fairness: running threads may overtake parked ones, which is many times faster than handing the
 *   lock on in order. But a waiter that starved for {@linkcode STARVED_AFTER} ms leaves its ident in
 *   `STARVING`, and the next release hands the lock to it (`HANDED`); as in Go's sync.Mutex.
 * - A lock handed on is anybody's when the one it was meant for has not come for it within a slice:
 *   it was busy, gave up or died. Nothing is lost but that turn.
 * - `BELL` counts releases that wake; waiters park on it. A waiter reads it before it makes sure that
 *   the lock is still held, so a release in between is seen: no wake-up is lost.
 * - `TURN` counts acquisitions, so that a guard releases its own one only.
 *
 * What a death leaves: killed before the CAS, nothing; after it, a lock whose owner is dead, which
 * the next one to look takes over; killed between a release and its wake-up, parked waiters, who
 * look again at the end of their slice.
 *
 * @module
 */
import {
  checkBoolean,
  checkOptions,
  checkSignal,
  checkString,
  checkTimeout,
} from "../core/checks.ts";
import { DeadlockError, ShareError } from "../core/errors.ts";
import { AT, inBuffer, onHeap, type Placed, type Placement } from "../memory/placement.ts";
import { IDENT_MASK } from "../memory/roster.ts";
import { isCancelled } from "../memory/self.ts";
import { SHARE, shareable, type World } from "../transfer/shareable.ts";
import { GIVE_BACK, Guard } from "./guard.ts";
import { pause, SpinBudget } from "./spin.ts";
import { ALL, checkCancelled, type Park, runAsync, runSync, SLICE, type Steps } from "./steps.ts";

// Words of a lock.
const WORD = 0;
const BELL = 1;
const TURN = 2;
const STARVING = 3;
/** The words that a lock takes. */
export const LOCK_WORDS = 4;

// Flags beside the owner's ident in WORD.
const WAITERS = 1 << 24;
const ASYNC = 1 << 25;
const HANDED = 1 << 26;

/** How long a waiter is overtaken before the lock is handed to it, in ms. */
const STARVED_AFTER = 5;

/** Options of a {@linkcode Lock}. */
export interface LockOptions {
  /** Its name in reports. Default: none. */
  name?: string;
}

/** Options of `acquireSync()`. */
export interface AcquireSyncOptions {
  /** The time to wait in ms, at least; 0 does not wait. Default: without limit. */
  timeout?: number;
  /** false: do not wait, as `timeout: 0`. Default: true. */
  blocking?: boolean;
}

/** Options of `acquire()`. */
export interface AcquireOptions extends AcquireSyncOptions {
  /** Abandons the wait: the promise is rejected with `signal.reason`. */
  signal?: AbortSignal;
}

/** Options with which an acquire may come back without the lock. */
export type Bounded = { timeout: number } | { blocking: boolean };

/** Where this lock comes from, for the one that gets it. */
interface LockState {
  place: unknown;
  name: string | undefined;
}

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
 */
export class Lock {
  /** Its name in reports, if it has one. */
  readonly name: string | undefined;
  readonly #placement: Placement;
  readonly #words: Int32Array<ArrayBufferLike>;
  readonly #word: number;
  readonly #turn: number;
  readonly #me: number;
  readonly #spin = new SpinBudget();

  /** Creates a lock that is free. */
  constructor(options: LockOptions & Placed = {}) {
    checkOptions(options, "create a lock");
    checkString(options.name, "name", "create a lock");
    this.name = options.name;
    this.#placement = options[AT] ?? onHeap(LOCK_WORDS);
    const { region, base } = this.#placement;
    this.#words = region.words;
    this.#word = base + WORD;
    this.#turn = base + TURN;
    this.#me = region.parties.me;
  }

  /**
   * Takes the lock, waiting while another holds it. Never blocks the event loop.
   *
   * *Cancellation*: an abort or the end of the timeout leaves the lock as if the call had never been
   * made.
   *
   * @returns Its guard; `undefined` when the timeout ended first or `blocking` is false.
   * @throws {TypeError | RangeError} Bad options.
   * @throws {ThreadTerminated} This thread was terminated.
   */
  acquire(options?: { signal?: AbortSignal }): Promise<Guard>;
  /** Takes the lock if it becomes free in time. */
  acquire(options: AcquireOptions & Bounded): Promise<Guard | undefined>;
  /** Takes the lock, with options known only when it runs. */
  acquire(options?: AcquireOptions): Promise<Guard | undefined>;
  async acquire(options?: AcquireOptions): Promise<Guard | undefined> {
    const timeout = options === undefined ? Infinity : patience(options);
    options?.signal?.throwIfAborted();
    const me = this.#me | ASYNC;
    if (Atomics.compareExchange(this.#words, this.#word, 0, me) === 0) {
      return this.#enter(me, false);
    }
    const abandoned = await runAsync(this.#take(me, timeout), { timeout, signal: options?.signal });
    return abandoned === undefined ? undefined : this.#enter(me, abandoned);
  }

  /**
   * As {@linkcode acquire}, but blocks the thread while it waits.
   *
   * @throws {DeadlockError} An async function of this same thread holds the lock: it could never
   * release it while the thread is blocked.
   */
  acquireSync(): Guard;
  /** Takes the lock if it becomes free in time. */
  acquireSync(options: AcquireSyncOptions & Bounded): Guard | undefined;
  /** Takes the lock, with options known only when it runs. */
  acquireSync(options?: AcquireSyncOptions): Guard | undefined;
  acquireSync(options?: AcquireSyncOptions): Guard | undefined {
    const timeout = options === undefined ? Infinity : patience(options);
    const me = this.#me;
    if (Atomics.compareExchange(this.#words, this.#word, 0, me) === 0 || this.#spinFor(timeout)) {
      return this.#enter(me, false);
    }
    const abandoned = runSync(this.#take(me, timeout), timeout);
    return abandoned === undefined ? undefined : this.#enter(me, abandoned);
  }

  /**
   * Releases the lock, whoever holds it: it belongs to no thread. A guard's `release()` is safer.
   *
   * @throws {Error} The lock is not held.
   */
  release(): void {
    const words = this.#words;
    const word = this.#word;
    let seen = Atomics.load(words, word);
    for (;;) {
      if ((seen & IDENT_MASK) === 0) throw new Error("Cannot release the lock: it is not held");
      const starving = this.#at(STARVING);
      const next = starving === 0 ? 0 : starving | HANDED | WAITERS;
      const found = Atomics.compareExchange(words, word, seen, next);
      if (found === seen) {
        if ((seen & WAITERS) !== 0) this.#ring(starving === 0 ? 1 : ALL);
        return;
      }
      seen = found;
    }
  }

  /** Whether somebody holds the lock, at this moment. */
  locked(): boolean {
    return (Atomics.load(this.#words, this.#word) & IDENT_MASK) !== 0;
  }

  /**
   * Ends the acquisition `turn`, if it is still the present one.
   *
   * @ignore
   */
  [GIVE_BACK](turn: number): void {
    if (this.#words[this.#turn] !== turn) return;
    const words = this.#words;
    const word = this.#word;
    const me = this.#me;
    // The two usual cases: taken by a sync or by an async call, and nobody waits.
    if (Atomics.compareExchange(words, word, me, 0) === me) return;
    if (Atomics.compareExchange(words, word, me | ASYNC, 0) === (me | ASYNC)) return;
    if (this.locked()) this.release();
  }

  /**
   * How the lock crosses to another thread; see `transfer/shareable.ts`.
   *
   * @ignore
   */
  [SHARE](world: World, place: () => string): unknown {
    if (world === "process") {
      throw new ShareError(
        `Cannot share ${place()} with a process: a threading.Lock lives in one process; ` +
          "use multiprocessing.Lock",
        place(),
      );
    }
    const { words } = this.#placement.region;
    return { place: words.buffer, name: this.name } satisfies LockState;
  }

  /** The guard of an acquisition that has just succeeded. */
  #enter(me: number, abandoned: boolean): Guard {
    if (isCancelled()) {
      // This thread was stopped meanwhile: it takes nothing any more.
      if ((Atomics.load(this.#words, this.#word) & ~WAITERS) === me) this.release();
      checkCancelled();
    }
    const turn = this.#words[this.#turn]! + 1 | 0;
    this.#words[this.#turn] = turn;
    return new Guard(this, turn, abandoned);
  }

  /** Spins for the lock; false when it is time to park. */
  #spinFor(timeout: number): boolean {
    if (timeout === 0) return false;
    const words = this.#words;
    const word = this.#word;
    const spin = this.#spin;
    const looks = spin.next();
    for (let k = 0; k < looks; k++) {
      if (
        Atomics.load(words, word) === 0 && Atomics.compareExchange(words, word, 0, this.#me) === 0
      ) {
        spin.paid(k);
        return true;
      }
      pause();
    }
    spin.failed();
    return false;
  }

  /**
   * The algorithm: takes the lock for `mine`, an ident and perhaps `ASYNC`.
   *
   * @returns Whether its owner had died.
   */
  *#take(mine: number, timeout: number): Steps<boolean> {
    const { region, base } = this.#placement;
    const words = this.#words;
    const word = this.#word;
    const me = this.#me;
    const park: Park = { region, index: base + BELL, value: 0 };
    const began = performance.now();
    let parks = 0;
    let starving = false;
    let handed = 0;
    let handedAt = 0;
    let taken = false;
    try {
      for (;;) {
        const seen = Atomics.load(words, word);
        const owner = seen & IDENT_MASK;
        if ((seen & HANDED) === 0) handed = 0;
        else if (handed !== seen) {
          handed = seen;
          handedAt = performance.now();
        }
        const unclaimed = handed !== 0 && performance.now() - handedAt >= SLICE;
        const forMe = owner === 0 || handed !== 0 && owner === me || unclaimed;
        if (forMe || region.parties.isDead(owner)) {
          // Others may be parked: the flag stays unless this call alone ever waited.
          const flags = parks > 0 ? WAITERS : seen & WAITERS;
          if (Atomics.compareExchange(words, word, seen, mine | flags) !== seen) continue;
          if (unclaimed) Atomics.compareExchange(words, base + STARVING, owner, 0);
          taken = true;
          return !forMe;
        }
        if (timeout > 0 && (mine & ASYNC) === 0 && (seen & ASYNC) !== 0 && owner === me) {
          throw new DeadlockError(
            `Cannot acquire ${this.#title()}: an async function of this same thread holds it, and ` +
              "could not release it while the thread is blocked; use await acquire()",
          );
        }
        park.value = this.#at(BELL);
        // From here on a release is seen, by the flag or by the bell.
        if (Atomics.compareExchange(words, word, seen, seen | WAITERS) !== seen) continue;
        yield park;
        parks++;
        if (!starving && performance.now() - began > STARVED_AFTER) {
          starving = Atomics.compareExchange(words, base + STARVING, 0, me) === 0;
        }
      }
    } finally {
      if (starving) Atomics.compareExchange(words, base + STARVING, me, 0);
      if (!taken) this.#pass();
    }
  }

  /** Leaves without the lock: what was meant for this waiter goes to the next. */
  #pass(): void {
    const words = this.#words;
    const seen = Atomics.load(words, this.#word);
    if ((seen & HANDED) !== 0 && (seen & IDENT_MASK) === this.#me) {
      if (Atomics.compareExchange(words, this.#word, seen, 0) === seen) this.#ring(ALL);
    } else if ((seen & IDENT_MASK) === 0) {
      this.#ring(1);
    }
  }

  #at(index: number): number {
    return Atomics.load(this.#words, this.#placement.base + index);
  }

  #ring(count: number): void {
    const { region, base } = this.#placement;
    Atomics.add(this.#words, base + BELL, 1);
    region.wake(base + BELL, count);
  }

  #title(): string {
    return this.name === undefined ? "the lock" : `the lock ${JSON.stringify(this.name)}`;
  }
}

/** Checks an acquire's options and gives the time to wait in ms. */
function patience(options: AcquireOptions): number {
  const action = "acquire the lock";
  checkOptions(options, action);
  checkSignal(options.signal, action);
  checkBoolean(options.blocking, "blocking", action);
  const timeout = checkTimeout(options.timeout, action);
  if (options.blocking !== false) return timeout;
  if (options.timeout !== undefined) {
    throw new TypeError(
      `Cannot ${action}: timeout has no meaning without blocking, received ${options.timeout}`,
    );
  }
  return 0;
}

shareable(import.meta, "Lock", Lock, (state) => {
  const { place, name } = state as LockState;
  const placement = inBuffer(place as SharedArrayBuffer);
  return new Lock({ ...(name === undefined ? {} : { name }), [AT]: placement });
});
