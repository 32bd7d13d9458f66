/**
 * A side of a chain: its writers, or its readers; or the one side that a pile has. Those have a
 * mutex, and a state of some words.
 *
 * The state is kept twice, and `TURN` says which copy counts: a change writes the other copy, then
 * `TURN`, in one store. So it changes as a whole or not at all, whenever somebody is killed.
 *
 * A *fence* moves `TURN` on by two: the same copy counts as before, but a change that was begun
 * before it fails, as its store is a compare-and-swap.
 *
 * The other side parks on `TURN`. Whoever parks counts itself first, and a change wakes all who are
 * parked if there are more than at the last wake-up: so no wake-up is lost, and one who is busy
 * does not wake the same sleeper many times.
 *
 * @module
 */
import { AT, type Placement } from "../../memory/placement.ts";
import { Cell } from "../../sync/cell.ts";
import { CUT } from "../../memory/roster.ts";
import { self } from "../../memory/this_thread.ts";
import { ABANDONED, Mutex, MUTEX_WORDS } from "../../sync/mutex.ts";
import { type SpinBudget, spinWhile } from "../../sync/spin.ts";
import { ALL, checkCancelled, type Park, type Steps } from "../../sync/steps.ts";

/** The number of sleepers of the other side that had counted themselves at the last wake-up. */
const SERVED = MUTEX_WORDS + 1;
const COPIES = MUTEX_WORDS + 2;
/** The words of a cache line; a side takes one, and the first word of another for its `TURN`. */
export const LINE = 16;
/**
 * From the beginning of a side to its `TURN`: those who spin on it do not take the other words away
 * from who is at work.
 */
const TURN = 4 * LINE;

/** A side of a chain. */
export class ChainSide {
  /** The number that reports know the chain by. */
  readonly id: number;
  /** Who changes the state has it. */
  readonly mutex: Mutex;
  readonly #placement: Placement;
  readonly #words: Int32Array<ArrayBufferLike>;
  readonly #base: number;
  readonly #sleeping: number;
  readonly #copyWords: number;
  /** The word that says whether this thread is asked to stop. */
  readonly #mine: Int32Array<ArrayBufferLike>;
  readonly #cancel: number;

  /**
   * Lays a side over the words at `placement`; the other side's sleepers count themselves in the
   * word `sleeping`. Its state is `copyWords` words.
   */
  constructor(
    placement: Placement,
    kind: "Queue" | "Pipe",
    name: string | undefined,
    sleeping: number,
    copyWords: number,
  ) {
    const cell = new Cell(kind, MUTEX_WORDS, { name, [AT]: placement });
    this.id = cell.id;
    this.mutex = new Mutex(cell);
    this.#placement = placement;
    this.#words = placement.region.words;
    this.#base = placement.base;
    this.#sleeping = sleeping;
    this.#copyWords = copyWords;
    const { words, cancel } = self();
    this.#mine = words;
    this.#cancel = cancel;
  }

  /** The number of changes of the state, modulo 2^32; a fence counts twice. */
  get turn(): number {
    return Atomics.load(this.#words, this.#base + TURN);
  }

  /** Reads the state while it may change: `look` is called until the copy it is given counted. */
  read<T>(look: (copy: number) => T): T {
    for (;;) {
      const { turn } = this;
      const seen = look(this.copy(turn));
      if (this.turn === turn) return seen;
    }
  }

  /** The index of the copy that counts at `turn`. */
  copy(turn: number): number {
    return this.#base + COPIES + (turn & 1) * this.#copyWords;
  }

  /**
   * The steps of taking the mutex, for `mine`. Who had it and was cut off may still be in the midst
   * of a change: a fence comes before that.
   */
  *taking(mine: number): Steps<void> {
    if (this.mutex.tryTake(mine)) return;
    if ((yield* this.mutex.take(mine, Infinity)) === ABANDONED) this.fence();
  }

  /**
   * Makes sure that this thread has the mutex, in a turn of it: one that was cut off has it no
   * longer. Called before anything is written.
   */
  checkTurn(): void {
    // Read after the mutex was taken, so plain is enough.
    if (this.#mine[this.#cancel] === CUT) checkCancelled();
  }

  /** The index of the copy that does not count at `turn`, to be written; the mutex is held. */
  prepare(turn: number): number {
    this.checkTurn();
    return this.copy(~turn);
  }

  /** Has what was prepared count; false when a fence has come since `turn`. */
  tryCount(turn: number): boolean {
    return Atomics.compareExchange(this.#words, this.#base + TURN, turn, turn + 1 | 0) === turn;
  }

  /** Has what was prepared count, fences or not. */
  count(turn: number): void {
    const index = this.#base + TURN;
    for (let seen = turn;;) {
      const found = Atomics.compareExchange(this.#words, index, seen, seen + 1 | 0);
      if (found === seen) return;
      // Nobody else has the mutex: it was a fence, unless this thread was cut off in between.
      this.checkTurn();
      seen = found;
    }
  }

  /** Has nothing count that was begun before. */
  fence(): void {
    Atomics.add(this.#words, this.#base + TURN, 2);
  }

  /** The park of one of the other side. */
  park(spin: SpinBudget): Park {
    const { region } = this.#placement;
    return { region, index: this.#base + TURN, value: 0, on: this.id, spin };
  }

  /** Counts one of the other side as a sleeper; gives the turn that it may sleep on. */
  sleep(): number {
    Atomics.add(this.#words, this.#sleeping, 1);
    return this.turn;
  }

  /** True if some of the other side have gone to sleep since the last wake-up. */
  get hasSleepers(): boolean {
    const sleepers = Atomics.load(this.#words, this.#sleeping);
    return this.#words[this.#base + SERVED] !== sleepers;
  }

  /** Wakes the other side's sleepers, if some came since the last time; the mutex is held. */
  wake(): void {
    const sleepers = Atomics.load(this.#words, this.#sleeping);
    const served = this.#base + SERVED;
    if (this.#words[served] === sleepers) return;
    this.#words[served] = sleepers;
    this.wakeAll();
  }

  /** Has everybody of the other side who waits look again. */
  wakeAll(): void {
    this.#placement.region.wake(this.#base + TURN, ALL);
  }

  /** Blocks while the turn is `turn`, for at most `ms` ms. */
  parkSync(turn: number, ms: number): void {
    this.#placement.region.waitSync(this.#base + TURN, turn, ms);
  }

  /** Spins while the turn is `turn`, as long as that has paid lately; false when it stayed so. */
  spin(turn: number, spin: SpinBudget, pauses: number): boolean {
    return spinWhile(this.#words, this.#base + TURN, turn, spin, pauses);
  }
}
