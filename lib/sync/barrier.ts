/**
 * The barrier: so many wait until all have come.
 *
 * Its words are changed under a mutex. A round is an `EPOCH`; `WHO` has one entry for each that has
 * arrived in it, its index.
 *
 * ```text
 *   filling -- the last arrives ----> acting (with an action) -- done -> next epoch: all go on
 *      |  \--- timeout, stop, death, abort(), an action that throws -> next epoch, BROKEN: all fail
 *      |   \-- reset() ---------------------------------------------> next epoch: all fail
 *      \------ aborted arrival: its entry is free again
 * ```
 *
 * Who waits parks on `BELL` until the epoch is over, and finds in `HISTORY` how it went: one bit
 * for each of the last 32. A round that runs its action lets nobody in.
 *
 * What a death leaves: of one that has arrived, the others look after every slice whether it lives,
 * and break the barrier if not; one that dies with the mutex leaves it to the next, who breaks the
 * barrier since its words may be half changed.
 *
 * @module
 */
import { checkFunction, checkInteger, checkTimeout } from "../core/checks.ts";
import { BrokenBarrierError, ThreadTerminated } from "../core/errors.ts";
import { INSPECT, shown } from "../core/inspect.ts";
import { held } from "../core/promises.ts";
import { AT, foundOnHeap, type Placed } from "../memory/placement.ts";
import { SHARE, shareable, type World } from "../transfer/shareable.ts";
import { Cell, type NameOptions, type SentCell } from "./cell.ts";
import { ABANDONED, Mutex, MUTEX_WORDS } from "./mutex.ts";
import { checkWait, type WaitOptions, type WaitSyncOptions } from "./options.ts";
import { SpinBudget } from "./spin.ts";
import { ALL, type Park, runAsync, runSync, STEPS, type Steps } from "./steps.ts";
import { noteMade, watchWait } from "./traps.ts";

const EPOCH = MUTEX_WORDS;
const COUNT = MUTEX_WORDS + 1;
const BROKEN = MUTEX_WORDS + 2;
const HISTORY = MUTEX_WORDS + 3;
/** The ident of the one that runs the action. */
const ACTOR = MUTEX_WORDS + 4;
const BELL = MUTEX_WORDS + 5;
const WHO = MUTEX_WORDS + 6;

const MOST_PARTIES = 4096;
const ACTION = "wait at the barrier";

/** The words that a barrier takes. */
export function barrierWords(parties: number): number {
  return WHO + parties;
}

/** Options of a {@linkcode Barrier}. */
export interface BarrierOptions extends NameOptions {
  /**
   * Run once per round, by the last to arrive, before the others go on; an error that it throws
   * breaks the barrier. May be async, if all use `wait()`. To give the barrier to a thread or
   * process it must be a target.
   */
  action?: (() => unknown) | undefined;
  /** The time that `wait()` waits if not told otherwise, in ms. Default: without limit. */
  timeout?: number | undefined;
}

/** A barrier as it is sent. */
export interface SentBarrier extends SentCell {
  /** The number of parties. */
  parties: number;
  /** Its action. */
  action: (() => unknown) | undefined;
  /** Its timeout. */
  timeout: number | undefined;
}

/** One arrival, and what has become of it. */
interface Arrival {
  index: number;
  epoch: number;
  /** True if it is to run the action. */
  acts: boolean;
}

/** Checks how many parties a barrier is for. */
export function checkParties(parties: number): void {
  checkInteger(parties, 1, "parties", "create a barrier");
  if (parties <= MOST_PARTIES) return;
  throw new RangeError(
    `Cannot create a barrier: parties must be <= ${MOST_PARTIES}, received ${parties}`,
  );
}

/**
 * A place where a number of threads wait for each other: all go on when the last has come.
 *
 * Reach for it when work goes in rounds. It can be used again at once. When one of them gives up
 * (its time is up, it is stopped or dies while it waits), the barrier is broken and all are told.
 *
 * *Memory*: what was written before a `wait()` is seen by all after it.
 *
 * @example Start together
 * ```ts
 * import { Barrier } from "@switchyard/switchyard/threading";
 *
 * const barrier = new Barrier(2, { action: () => console.log("go") });
 * await Promise.all([barrier.wait(), barrier.wait()]);
 * ```
 */
export class Barrier {
  readonly #cell: Cell;
  readonly #mutex: Mutex;
  readonly #parties: number;
  readonly #action: (() => unknown) | undefined;
  readonly #timeout: number | undefined;
  readonly #spin = new SpinBudget();

  /**
   * Creates a barrier.
   *
   * @param parties The number of parties, 1 to 4096.
   * @throws {TypeError | RangeError} Bad `parties` or options.
   */
  constructor(parties: number, options?: BarrierOptions & Placed);
  constructor(parties: number, options: BarrierOptions & Placed = {}) {
    checkParties(parties);
    this.#cell = new Cell("Barrier", barrierWords(parties), options);
    checkFunction(options.action, "action", "create a barrier");
    checkTimeout(options.timeout, "create a barrier");
    this.#mutex = new Mutex(this.#cell);
    this.#parties = parties;
    this.#action = options.action;
    this.#timeout = options.timeout;
    noteMade(this, this.#cell);
  }

  /** Its name in reports, if it has one. */
  get name(): string | undefined {
    return this.#cell.name;
  }

  /** The number of parties. */
  get parties(): number {
    return this.#parties;
  }

  /** The number of those that wait, at this moment. */
  get nWaiting(): number {
    const count = this.#cell.at(COUNT);
    return count < this.#parties ? count : 0;
  }

  /** True if it is broken: every `wait()` fails until {@linkcode reset}. */
  get broken(): boolean {
    return this.#cell.at(BROKEN) !== 0;
  }

  /**
   * Waits until all have come. Never blocks the event loop.
   *
   * *Cancellation*: an aborted arrival is withdrawn, and the others wait on, unless all have come
   * already; the end of the timeout breaks the barrier.
   *
   * @returns Its index in this round, 0 to `parties` - 1; each is given to one.
   * @throws {BrokenBarrierError} The barrier is broken, or was broken or reset meanwhile.
   * @throws {unknown} What the action threw, for the one that ran it.
   * @throws {ThreadTerminated} This thread was terminated.
   */
  wait(options?: WaitOptions): Promise<number> {
    const arrival: Arrival = { index: -1, epoch: 0, acts: false };
    const passed = this.#pass(arrival, options);
    // The last to arrive has not waited.
    const isPassed = arrival.index >= 0 && this.#cell.at(EPOCH) !== arrival.epoch;
    return isPassed ? passed : watchWait(this, "barrier.wait()", passed);
  }

  async #pass(arrival: Arrival, options: WaitOptions | undefined): Promise<number> {
    const timeout = this.#patience(options);
    const signal = options?.signal;
    signal?.throwIfAborted();
    await runAsync(this.#arrive(arrival), { timeout, signal });
    if (arrival.index < 0) this.#giveUp();
    if (!arrival.acts) return arrival.index;
    let isDone = false;
    try {
      await held(Promise.resolve(this.#action!()));
      isDone = true;
    } finally {
      await runAsync(this.#finish(arrival, isDone));
    }
    return arrival.index;
  }

  /** As {@linkcode wait}, but blocks the thread. */
  waitSync(options?: WaitSyncOptions): number {
    const timeout = this.#patience(options);
    const arrival: Arrival = { index: -1, epoch: 0, acts: false };
    runSync(this.#arrive(arrival), timeout);
    if (arrival.index < 0) this.#giveUp();
    if (!arrival.acts) return arrival.index;
    let isDone = false;
    try {
      this.#action!();
      isDone = true;
    } finally {
      runSync(this.#finish(arrival, isDone));
    }
    return arrival.index;
  }

  /** Makes it as new: who waits gets a BrokenBarrierError. */
  reset(): void {
    runSync(this.#over(false));
  }

  /** Breaks it: who waits, and who comes, gets a BrokenBarrierError until {@linkcode reset}. */
  abort(): void {
    runSync(this.#over(true));
  }

  /** @ignore */
  [INSPECT](): string {
    return shown(
      this,
      () => [this.name, `${this.nWaiting} of ${this.parties} waiting`, this.broken ? "broken" : ""],
    );
  }

  /** @ignore */
  [SHARE](world: World, place: () => string): unknown {
    return {
      ...this.#cell.share(world, place, "Barrier"),
      parties: this.#parties,
      action: this.#action,
      timeout: this.#timeout,
    } satisfies SentBarrier;
  }

  /** @ignore */
  *[STEPS](): Steps<number> {
    const arrival: Arrival = { index: -1, epoch: 0, acts: false };
    yield* this.#arrive(arrival);
    if (arrival.acts) yield* this.#finish(arrival, true);
    return arrival.index;
  }

  #patience(options: WaitOptions | undefined): number {
    const timeout = checkWait(options, ACTION);
    return options?.timeout === undefined ? this.#timeout ?? Infinity : timeout;
  }

  #broken(why: string): BrokenBarrierError {
    return new BrokenBarrierError(`Cannot pass ${this.#cell.title("barrier")}: ${why}`);
  }

  /** Its time was up before the round before had ended. */
  #giveUp(): never {
    this.abort();
    throw this.#broken("its time was up before it could arrive");
  }

  /** Takes the mutex; after one that died with it, the barrier is broken. */
  *#lock(): Steps<void> {
    const how = yield* this.#mutex.resume({ mine: this.#mutex.me, turn: 0 });
    if (how === ABANDONED) this.#end(true, true);
  }

  *#arrive(arrival: Arrival): Steps<void> {
    const cell = this.#cell;
    const { region, words, base, id, me } = cell;
    const mutex = this.#mutex;
    const park: Park = { region, index: base + BELL, value: 0, on: id, spin: this.#spin };
    yield* this.#lock();
    this.#breakForDead();
    // The round before may still be running its action.
    while (cell.at(BROKEN) === 0 && cell.at(COUNT) === this.#parties) {
      park.value = cell.at(BELL);
      mutex.release();
      yield park;
      yield* this.#lock();
      this.#breakForDead();
    }
    if (cell.at(BROKEN) !== 0) {
      mutex.release();
      throw this.#broken("it is broken");
    }
    const who = base + WHO;
    const index = words.subarray(who, who + this.#parties).indexOf(0);
    const epoch = cell.at(EPOCH);
    words[who + index] = me;
    words[base + COUNT]++;
    arrival.index = index;
    arrival.epoch = epoch;
    if (cell.at(COUNT) === this.#parties) {
      if (this.#action === undefined) this.#end(false, false);
      else {
        words[base + ACTOR] = me;
        arrival.acts = true;
      }
      mutex.release();
      return;
    }
    mutex.release();

    let isLate = true;
    try {
      for (;;) {
        park.value = cell.at(BELL);
        if (cell.at(EPOCH) !== epoch) break;
        yield park;
        if (cell.at(EPOCH) !== epoch || !this.#anyDead()) continue;
        yield* this.#lock();
        this.#breakForDead();
        mutex.release();
      }
      isLate = false;
    } catch (reason) {
      isLate = false;
      yield* this.#lock();
      const isOpen = cell.at(EPOCH) !== epoch;
      if (reason instanceof ThreadTerminated && !isOpen) this.#end(true, true);
      else if (!isOpen && cell.at(COUNT) < this.#parties) {
        words[who + index] = 0;
        words[base + COUNT]--;
      }
      mutex.release();
      // An abort that comes after all have come is too late.
      if (!isOpen || reason instanceof ThreadTerminated) throw reason;
    } finally {
      if (isLate) {
        yield* this.#lock();
        if (cell.at(EPOCH) === epoch) this.#end(true, true);
        mutex.release();
        this.#checkPassed(epoch);
      }
    }
    this.#checkPassed(epoch);
  }

  /** Throws if the round has failed. */
  #checkPassed(epoch: number): void {
    if ((this.#cell.at(HISTORY) >>> (epoch & 31) & 1) === 0) return;
    throw this.#broken("somebody's time was up, or it was broken or reset meanwhile");
  }

  /** Ends a round whose action has run. */
  *#finish({ epoch }: Arrival, isDone: boolean): Steps<void> {
    yield* this.#lock();
    const isOver = this.#cell.at(EPOCH) !== epoch;
    if (!isOver) this.#end(!isDone, !isDone);
    this.#mutex.release();
    if (isOver && isDone) throw this.#broken("it was broken or reset while its action ran");
  }

  *#over(isBroken: boolean): Steps<void> {
    yield* this.#lock();
    if (isBroken || this.#cell.at(COUNT) > 0) this.#end(true, isBroken);
    this.#cell.words[this.#cell.base + BROKEN] = isBroken ? 1 : 0;
    this.#mutex.release();
  }

  /** Ends the epoch; the mutex is held. */
  #end(hasFailed: boolean, isBroken: boolean): void {
    const { words, base } = this.#cell;
    const bit = 1 << (words[base + EPOCH]! & 31);
    if (hasFailed) words[base + HISTORY] |= bit;
    else words[base + HISTORY] &= ~bit;
    if (isBroken) words[base + BROKEN] = 1;
    // Up to here a death is seen by those who wait, since WHO names the dead; from here on they
    // pass.
    Atomics.add(words, base + EPOCH, 1);
    words.fill(0, base + WHO, base + WHO + this.#parties);
    words[base + ACTOR] = 0;
    words[base + COUNT] = 0;
    this.#cell.ring(BELL, ALL);
  }

  #anyDead(): boolean {
    const { words, base, region: { parties } } = this.#cell;
    const who = base + WHO;
    return words.subarray(who, who + this.#parties)
      .some((ident) => ident !== 0 && parties.isDead(ident));
  }

  /** Breaks the barrier when one of those in it is dead; the mutex is held. */
  #breakForDead(): void {
    if (this.#anyDead()) this.#end(true, true);
  }
}

shareable(import.meta, "Barrier", Barrier, (sent) => {
  const { at, name, parties, action, timeout } = sent as SentBarrier;
  return new Barrier(parties, { name, action, timeout, [AT]: foundOnHeap(at) });
});
