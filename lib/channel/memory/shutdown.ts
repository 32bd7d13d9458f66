/**
 * The end of a chain or a pile. Shutting down is one compare-and-swap of the word `SHUT`:
 *
 * ```text
 *   OPEN -- shutDown(false) --> DRAINING -- shutDown(true) --> CLOSED
 *     \------------------------ shutDown(true) ---------------^
 * ```
 *
 * Who puts or gets looks at it when it has the mutex. A put that looked before and counts after
 * would bring an item that nobody expects any more. So a fence (`side.ts`) comes behind `SHUT`, and
 * that put fails; it also wakes whoever is parked. A get that looked before the end still gets its
 * frame: it came first.
 *
 * - killed before the swap, a shutdown has done nothing; behind it, all: who finds the chain shut
 *   and empty sets the fence anew before it says so, and parked ones look after a slice;
 * - frames that were dropped are given back by whoever has the getters' mutex next: `shutDown()`
 *   itself, a get, or a join.
 *
 * @module
 */
import { ShutDown } from "../../core/errors.ts";
import { isCancelled, isCut } from "../../memory/this_thread.ts";
import { title } from "../../sync/cell.ts";
import { checkCancelled, type Steps } from "../../sync/steps.ts";
import { fault } from "./fault.ts";
import type { ChainSide } from "./side.ts";

/** `SHUT`: it takes frames. */
export const OPEN = 0;
/** `SHUT`: it takes none, and gives those that it has. */
export const DRAINING = 1;
/** `SHUT`: it neither takes nor gives any. */
export const CLOSED = 2;

/** The end of a chain or a pile, over its word `SHUT`. */
export class Shutdown {
  readonly #words: Int32Array<ArrayBufferLike>;
  readonly #index: number;
  readonly #sides: readonly ChainSide[];
  readonly #getters: ChainSide;
  readonly #drop: () => void;
  readonly #name: string | undefined;

  /**
   * @param sides All of its sides; the last is the getters'.
   * @param drop Drops what is left; called with the getters' mutex, when it is closed.
   */
  constructor(
    words: Int32Array<ArrayBufferLike>,
    index: number,
    sides: readonly [...ChainSide[], ChainSide],
    drop: () => void,
    name: string | undefined,
  ) {
    this.#words = words;
    this.#index = index;
    this.#sides = sides;
    this.#getters = sides.at(-1)!;
    this.#drop = drop;
    this.#name = name;
  }

  /** The word. */
  get state(): number {
    return Atomics.load(this.#words, this.#index);
  }

  /** The word, for who has just read the turn of a side: plain is no older than that. */
  get stateNow(): number {
    return this.#words[this.#index]!;
  }

  /** Makes the word `goal`, if it is not that far yet; wakes who waits, and drops what is left. */
  begin(goal: typeof DRAINING | typeof CLOSED): void {
    fault?.("shutdown: before it counts");
    // A thread that was cut off does nothing any more.
    if (isCut()) checkCancelled();
    for (let seen = this.state; seen < goal;) {
      const found = Atomics.compareExchange(this.#words, this.#index, seen, goal);
      if (found === seen) break;
      seen = found;
    }
    fault?.("shutdown: before the fence");
    for (const side of this.#sides) side.fence();
    fault?.("shutdown: before the wake-up");
    for (const side of this.#sides) side.wakeAll();
    const { mutex } = this.#getters;
    // Else whoever has the mutex, or has it next, drops them.
    if (goal === CLOSED && !isCancelled() && mutex.tryTake(mutex.me)) this.#dropAll();
  }

  /** The steps after which what was dropped is counted. */
  *settling(): Steps<void> {
    if (this.state !== CLOSED) return;
    const { mutex } = this.#getters;
    yield* this.#getters.taking(mutex.me);
    this.#dropAll();
  }

  /** The error of one who wants to `put` or `get`. */
  error(action: string): ShutDown {
    return new ShutDown(`Cannot ${action}: ${title("queue", this.#name)} has been shut down`);
  }

  /** Drops what is left; the mutex was just taken. */
  #dropAll(): void {
    const { mutex } = this.#getters;
    const turn = mutex.enter(mutex.me);
    try {
      this.#drop();
    } finally {
      mutex.leave(turn);
    }
  }
}
