/**
 * The event: a flag to wait for.
 *
 * One word: the lowest bit is the flag, the rest counts how often it was set. Who waits parks on
 * it, and goes on when the flag is set or the count has changed: so an event that is set and
 * cleared at once still lets all go who waited.
 *
 * @module
 */
import { INSPECT, shown } from "../core/inspect.ts";
import { AT, foundOnHeap, type Placed } from "../memory/placement.ts";
import { SHARE, shareable, type World } from "../transfer/shareable.ts";
import { Cell, CELL_WORDS, type NameOptions, type SentCell } from "./cell.ts";
import { checkWait, type WaitOptions, type WaitSyncOptions } from "./options.ts";
import { SpinBudget } from "./spin.ts";
import { ALL, checkCancelled, type Park, runAsync, runSync, STEPS, type Steps } from "./steps.ts";
import { noteMade, watchWait } from "./traps.ts";

const STATE = CELL_WORDS;
/** The words that an event takes. */
export const EVENT_WORDS = CELL_WORDS + 1;

const SET = 1;
const ACTION = "wait for the event";

/**
 * A flag that threads wait for: when it is set all go on, until it is cleared.
 *
 * Reach for it to tell many at once that something has happened.
 *
 * *Memory*: what was written before `set()` is seen after the `wait()` that it ends.
 *
 * @example Wait until all is ready
 * ```ts
 * import { Event } from "@switchyard/switchyard/threading";
 *
 * const ready = new Event();
 * setTimeout(() => ready.set(), 10);
 * await ready.wait();
 * ```
 */
export class Event {
  readonly #cell: Cell;
  readonly #words: Int32Array<ArrayBufferLike>;
  readonly #state: number;
  readonly #spin = new SpinBudget();

  /** Creates an event that is not set. */
  constructor(options?: NameOptions & Placed);
  constructor(options: NameOptions & Placed = {}) {
    this.#cell = new Cell("Event", EVENT_WORDS, options);
    this.#words = this.#cell.words;
    this.#state = this.#cell.base + STATE;
    noteMade(this, this.#cell);
  }

  /** Its name in reports, if it has one. */
  get name(): string | undefined {
    return this.#cell.name;
  }

  /** Sets the flag: all who wait go on. */
  set(): void {
    const words = this.#words;
    for (;;) {
      const seen = Atomics.load(words, this.#state);
      if ((seen & SET) !== 0) return;
      const next = seen + 2 | SET;
      if (Atomics.compareExchange(words, this.#state, seen, next) === seen) break;
    }
    this.#cell.region.wake(this.#state, ALL);
  }

  /** Clears the flag: who waits from now on waits for the next `set()`. */
  clear(): void {
    Atomics.and(this.#words, this.#state, ~SET);
  }

  /** True if the flag is set, at this moment. */
  isSet(): boolean {
    return (Atomics.load(this.#words, this.#state) & SET) !== 0;
  }

  /**
   * Waits until the flag is set; at once when it is. Never blocks the event loop.
   *
   * *Cancellation*: an abort or the end of the timeout ends this wait alone.
   *
   * @returns false when the timeout ended first.
   * @throws {TypeError | RangeError} Bad options.
   * @throws {ThreadTerminated} This thread was terminated.
   */
  wait(options?: WaitOptions): Promise<boolean> {
    let timeout: number;
    try {
      timeout = checkWait(options, ACTION);
      options?.signal?.throwIfAborted();
      if (this.isSet()) return Promise.resolve(true);
    } catch (error) {
      return Promise.reject(error);
    }
    return watchWait(this, "event.wait()", this.#waitLater(timeout, options?.signal));
  }

  async #waitLater(timeout: number, signal: AbortSignal | undefined): Promise<boolean> {
    return await runAsync(this[STEPS](), { timeout, signal }) ?? this.isSet();
  }

  /** As {@linkcode wait}, but blocks the thread. */
  waitSync(options?: WaitSyncOptions): boolean {
    const timeout = checkWait(options, ACTION);
    checkCancelled();
    if (this.isSet()) return true;
    return runSync(this[STEPS](), timeout) ?? this.isSet();
  }

  /** @ignore */
  [INSPECT](): string {
    return shown(this, () => [this.name, this.isSet() ? "set" : "not set"]);
  }

  /** @ignore */
  [SHARE](world: World, place: () => string): unknown {
    return this.#cell.share(world, place, "Event");
  }

  /** @ignore */
  *[STEPS](): Steps<boolean> {
    const { region, id } = this.#cell;
    const index = this.#state;
    const began = Atomics.load(this.#words, index);
    const park: Park = { region, index, value: began, on: id, spin: this.#spin };
    for (let seen = began; (seen & SET) === 0 && seen >> 1 === began >> 1;) {
      park.value = seen;
      yield park;
      seen = Atomics.load(this.#words, index);
    }
    return true;
  }
}

shareable(import.meta, "Event", Event, (sent) => {
  const { at, name } = sent as SentCell;
  return new Event({ name, [AT]: foundOnHeap(at) });
});
