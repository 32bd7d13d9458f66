/**
 * Semaphores: permits that are given out and come back.
 *
 * - `PERMITS`: how many are free. Taking one and giving some back are one compare-and-swap or add.
 * - `WAITERS`: how many calls wait, or more when some were killed: a release must wake. A waiter
 *   counts itself before it makes sure that no permit is free, so a release in between is seen.
 * - `BELL` counts releases that wake; waiters park on it.
 * - `STARVING`: the ident of a thread that has been overtaken for {@linkcode STARVED_AFTER} ms.
 *   While it is set the others leave free permits to it; after a slice in which it did not come for
 *   one (it is busy or dead) they take it anyway.
 *
 * What a death leaves: a permit that its thread had is gone, as in Python; everything else is in
 * order, since the permits are one word.
 *
 * @module
 */
import { checkInteger } from "../core/checks.ts";
import { filled, INSPECT, shown } from "../core/inspect.ts";
import { AT, foundOnHeap, type Placed } from "../memory/placement.ts";
import { SHARE, shareable, type World } from "../transfer/shareable.ts";
import { Cell, CELL_WORDS, type NameOptions, type SentCell } from "./cell.ts";
import { GIVE_BACK, Guard } from "./guard.ts";
import {
  type AcquireOptions,
  type AcquireSyncOptions,
  type Bounded,
  checkAcquire,
} from "./options.ts";
import { SpinBudget } from "./spin.ts";
import {
  ALL,
  checkCancelled,
  type Park,
  runAsync,
  runSync,
  SLICE,
  STEPS,
  type Steps,
} from "./steps.ts";
import { isWatched, noteMade, watch } from "./traps.ts";

const PERMITS = CELL_WORDS;
const WAITERS = CELL_WORDS + 1;
const BELL = CELL_WORDS + 2;
const STARVING = CELL_WORDS + 3;
const BOUND = CELL_WORDS + 4;
/** The words that a semaphore takes. */
export const SEMAPHORE_WORDS = CELL_WORDS + 5;

/** The most permits that there can be. */
const MOST = 0x7fffffff;
/** The time that a waiter is overtaken before permits are left to it, in ms. */
const STARVED_AFTER = 5;

const ACTION = "acquire the semaphore";

/**
 * A number of permits: so many may do something at the same time.
 *
 * Reach for it to limit how many use a thing at once. A permit belongs to nobody: any thread may
 * release one, and one that dies with a permit has used it up.
 *
 * *Fairness*: no waiter starves. *Memory*: what was written before a release is seen after the
 * acquire that it allows.
 *
 * @example Three at a time
 * ```ts
 * import { Semaphore } from "@switchyard/switchyard/threading";
 *
 * const seats = new Semaphore(3);
 * {
 *   using _permit = await seats.acquire();
 *   // At most three are here.
 * }
 * ```
 */
export class Semaphore {
  readonly #cell: Cell;
  readonly #words: Int32Array<ArrayBufferLike>;
  readonly #permits: number;
  readonly #spin = new SpinBudget();

  /**
   * Creates a semaphore with `value` free permits.
   *
   * @throws {TypeError | RangeError} `value` is no integer from 0 to 2^31 - 1.
   */
  constructor(value?: number, options?: NameOptions & Placed);
  constructor(value = 1, options: NameOptions & Placed = {}) {
    checkInteger(value, 0, "value", "create a semaphore");
    if (value > MOST) {
      throw new RangeError(
        `Cannot create a semaphore: value must be <= ${MOST}, received ${value}`,
      );
    }
    const cell = this.#cell = new Cell("Semaphore", SEMAPHORE_WORDS, options);
    this.#words = cell.words;
    this.#permits = cell.base + PERMITS;
    if (!cell.fresh) return;
    noteMade(this, cell);
    this.#words[cell.base + BOUND] = this instanceof BoundedSemaphore ? value : MOST;
    Atomics.store(this.#words, this.#permits, value);
  }

  /** Its name in reports, if it has one. */
  get name(): string | undefined {
    return this.#cell.name;
  }

  /** The number of free permits, at this moment. */
  get value(): number {
    return Atomics.load(this.#words, this.#permits);
  }

  /**
   * Takes a permit, waiting until one is free. Never blocks the event loop.
   *
   * *Cancellation*: an abort or the end of the timeout leaves the semaphore as if the call had
   * never been made.
   *
   * @returns A guard that releases the permit; `undefined` when the timeout ended first or
   *   `blocking` is false.
   * @throws {TypeError | RangeError} Bad options.
   * @throws {ThreadTerminated} This thread was terminated.
   */
  acquire(options?: { signal?: AbortSignal }): Promise<Guard>;
  /** Takes a permit if one becomes free in time. */
  acquire(options: AcquireOptions & Bounded): Promise<Guard | undefined>;
  /** Takes a permit, with options known only when it runs. */
  acquire(options?: AcquireOptions): Promise<Guard | undefined>;
  acquire(options?: AcquireOptions): Promise<Guard | undefined> {
    return isWatched() ? watch(this, this.#acquire(options)) : this.#acquire(options);
  }

  async #acquire(options?: AcquireOptions): Promise<Guard | undefined> {
    const timeout = checkAcquire(options, ACTION);
    const signal = options?.signal;
    signal?.throwIfAborted();
    return this.#takeNow() ?? await runAsync(this.#take(), { timeout, signal });
  }

  /** As {@linkcode acquire}, but blocks the thread while it waits. */
  acquireSync(): Guard;
  /** Takes a permit if one becomes free in time. */
  acquireSync(options: AcquireSyncOptions & Bounded): Guard | undefined;
  /** Takes a permit, with options known only when it runs. */
  acquireSync(options?: AcquireSyncOptions): Guard | undefined;
  acquireSync(options?: AcquireSyncOptions): Guard | undefined {
    const timeout = options === undefined ? Infinity : checkAcquire(options, ACTION);
    return this.#takeNow() ?? runSync(this.#take(), timeout);
  }

  /**
   * Gives back `n` permits. A guard's `release()` is safer.
   *
   * @throws {TypeError | RangeError} `n` is no integer >= 1, or there would be too many permits;
   * nothing is released then.
   */
  release(n?: number): void;
  release(n = 1): void {
    checkInteger(n, 1, "n", "release the semaphore");
    const words = this.#words;
    const bound = words[this.#cell.base + BOUND]!;
    for (;;) {
      const free = Atomics.load(words, this.#permits);
      if (free + n > bound) {
        throw new RangeError(
          `Cannot release ${this.#cell.title("semaphore")}: it would have ${free + n} of ` +
            `${bound} permits`,
        );
      }
      if (Atomics.compareExchange(words, this.#permits, free, free + n) === free) break;
    }
    const cell = this.#cell;
    if (cell.at(WAITERS) > 0) cell.ring(BELL, cell.at(STARVING) === 0 ? n : ALL);
  }

  /** @ignore */
  [INSPECT](): string {
    return shown(this, () => [this.name, `${filled(this.value, this.#most)} free`]);
  }

  /** @ignore */
  [GIVE_BACK](): void {
    this.release();
  }

  /** @ignore */
  [SHARE](world: World, place: () => string): unknown {
    return this.#cell.share(world, place, this.constructor.name);
  }

  /** @ignore */
  [STEPS](): Steps<Guard> {
    return this.#take();
  }

  /** The most permits there can be, 0 for any number. */
  get #most(): number {
    const bound = this.#words[this.#cell.base + BOUND]!;
    return bound === MOST ? 0 : bound;
  }

  #takeNow(): Guard | undefined {
    const words = this.#words;
    const free = Atomics.load(words, this.#permits);
    if (free === 0 || this.#cell.at(STARVING) !== 0) return undefined;
    const taken = Atomics.compareExchange(words, this.#permits, free, free - 1) === free;
    return taken ? this.#enter() : undefined;
  }

  #enter(): Guard {
    try {
      checkCancelled();
    } catch (error) {
      // This thread was stopped meanwhile: it takes nothing any more.
      this.release();
      throw error;
    }
    return new Guard(this, 0, false);
  }

  *#take(): Steps<Guard> {
    const cell = this.#cell;
    const { region, base, id, me } = cell;
    const words = this.#words;
    const spin = this.#spin;
    const park: Park = { region, index: base + BELL, value: 0, on: id, spin };
    const began = performance.now();
    let refused = Infinity;
    Atomics.add(words, base + WAITERS, 1);
    let isStarving = false;
    let taken = false;
    try {
      for (;;) {
        park.value = cell.at(BELL);
        const free = Atomics.load(words, this.#permits);
        const starving = cell.at(STARVING);
        const isLeft = starving === 0 || isStarving || performance.now() - refused >= SLICE;
        if (free > 0 && isLeft) {
          if (Atomics.compareExchange(words, this.#permits, free, free - 1) !== free) continue;
          if (starving !== 0 && !isStarving) {
            Atomics.compareExchange(words, base + STARVING, starving, 0);
          }
          taken = true;
          break;
        }
        if (free > 0) refused = Math.min(refused, performance.now());
        else refused = Infinity;
        yield park;
        if (!isStarving && performance.now() - began > STARVED_AFTER) {
          isStarving = Atomics.compareExchange(words, base + STARVING, 0, me) === 0;
        }
      }
    } finally {
      Atomics.sub(words, base + WAITERS, 1);
      if (isStarving) Atomics.compareExchange(words, base + STARVING, me, 0);
      // What this waiter was woken for, or kept others from, is the next one's.
      const isMore = cell.at(WAITERS) > 0 && Atomics.load(words, this.#permits) > 0;
      if ((!taken || isStarving) && isMore) cell.ring(BELL, isStarving ? ALL : 1);
    }
    return this.#enter();
  }
}

/**
 * A semaphore that never has more free permits than at first: releasing one too many is an error.
 *
 * Reach for it instead of {@linkcode Semaphore} whenever the permits stand for things that there
 * are.
 */
export class BoundedSemaphore extends Semaphore {}

const restore = (type: typeof Semaphore) => (sent: unknown) => {
  const { at, name } = sent as SentCell;
  return new type(0, { name, [AT]: foundOnHeap(at) });
};
shareable(import.meta, "Semaphore", Semaphore, restore(Semaphore));
shareable(import.meta, "BoundedSemaphore", BoundedSemaphore, restore(BoundedSemaphore));
