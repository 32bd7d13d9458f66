/**
 * The two ways to run an algorithm that waits.
 *
 * An algorithm is a generator. Each time it must wait it yields a {@linkcode Park}: "until this
 * word leaves this value". {@linkcode runSync} then blocks the thread, {@linkcode runAsync} awaits.
 * After every `yield` the algorithm looks again: a wake-up promises nothing.
 *
 * A wait ends early in three ways, and in each the algorithm's `finally` blocks put things right:
 * its time is up (the driver makes the generator return `undefined`), its signal is aborted (the
 * driver throws the reason into it), or the thread is stopped (`ThreadTerminated`). It happens once
 * in a call, and not in the midst of a repair; only a thread that is cut off gets no further.
 *
 * @module
 */
import { ThreadTerminated } from "../core/errors.ts";
import { flushes, recorder, services, wakers } from "../core/hooks.ts";
import { BLOCKS, WaitNote } from "../memory/wait_notes.ts";
import type { Region } from "../memory/region.ts";
import { RUNNING, WAITING } from "../memory/roster.ts";
import { isCancelled, isCut, self } from "../memory/this_thread.ts";
import { type SpinBudget, spinWhile } from "./spin.ts";

/** A wait request: park until `words[index]` is no longer `value`. Read at once, so reusable. */
export interface Park {
  /** The memory. */
  region: Region;
  /** The word. */
  index: number;
  /** Its value when the algorithm last looked. */
  value: number;
  /** The id of what is waited for, 0 for what no report names. */
  on: number;
  /** Who had it at the last look, 0 for nobody. */
  holder?: number;
  /** The word for what is waited for, where it has no id. */
  name?: string;
  /** True if the waiter wants to be told of a deadlock. */
  detects?: boolean | undefined;
  /** The time to spin before parking. Default: not at all. */
  spin?: SpinBudget;
  /** True if this wait puts something right and is not to be ended early. Default: false. */
  isRepair?: boolean | undefined;
}

/**
 * The key of the method that gives the algorithm behind a waiting method, to be run by any driver.
 */
export const STEPS: unique symbol = Symbol("steps");

/** An algorithm that waits. */
export type Steps<T> = Generator<Park, T, void>;

/** The ways in which a wait may end early. */
export interface Limit {
  /** The time to wait in ms, at least. Default: without limit. */
  timeout?: number;
  /** Abandons the wait when aborted (async forms only). */
  signal?: AbortSignal | undefined;
}

/** The count that wakes all. */
export const ALL = 0x7fffffff;

/** The longest park in ms: so soon a stop request or a dead owner is noticed without a wake-up. */
export const SLICE = 40;
/** The longest park of a thread that others depend on for a service; and after it was needed. */
const SERVING_SLICE = 5;
const BUSY_SLICE = 0.1;

function terminated(): ThreadTerminated {
  const { roster, slot } = self();
  return new ThreadTerminated(`Thread ${JSON.stringify(roster.name(slot))} was terminated`);
}

/** Throws when this thread is asked to stop; every waiting call begins with it. */
export function checkCancelled(): void {
  if (isCancelled()) throw terminated();
}

/** When and how a wait ends before its algorithm has: the same for both drivers. */
class Exit {
  readonly #deadline: number;
  readonly #signal: AbortSignal | undefined;
  #isLeaving = false;
  #isCut = false;

  constructor(timeout: number, signal?: AbortSignal) {
    this.#deadline = timeout === Infinity ? Infinity : performance.now() + timeout;
    this.#signal = signal;
  }

  #mayLeave(park: Park): boolean {
    return !this.#isLeaving && !park.isRepair;
  }

  /** The time that the park may last, in ms. */
  left(park: Park): number {
    if (this.#deadline === Infinity || !this.#mayLeave(park)) return Infinity;
    return Math.max(0, this.#deadline - performance.now());
  }

  /** True if it is to be left for its signal. */
  isAborted(park: Park): boolean {
    return this.#signal?.aborted === true && this.#mayLeave(park);
  }

  /** Has the algorithm leave, if it is time; gives its next step then. */
  take<T>(steps: Steps<T>, park: Park): IteratorResult<Park, T | undefined> | undefined {
    const mayLeave = this.#mayLeave(park);
    if (!this.#isCut && isCut() || mayLeave && isCancelled()) {
      this.#isLeaving = true;
      this.#isCut = isCut();
      return steps.throw(terminated());
    }
    if (this.isAborted(park)) {
      this.#isLeaving = true;
      return steps.throw(this.#signal!.reason);
    }
    if (this.left(park) > 0) return undefined;
    this.#isLeaving = true;
    return steps.return(undefined as T);
  }
}

/**
 * Runs an algorithm and blocks the thread while it waits.
 *
 * @param timeout The time to wait in ms.
 * @returns Its result, or undefined when its time was up.
 */
export function runSync<T>(steps: Steps<T>, timeout = Infinity): T | undefined {
  checkCancelled();
  let step: IteratorResult<Park, T | undefined> = steps.next();
  if (step.done) return step.value;
  for (const flush of flushes) flush();
  const mine = self();
  const noted = new Noted(BLOCKS);
  const exit = new Exit(timeout);
  let serving = SERVING_SLICE;
  try {
    while (!step.done) {
      const park: Park = step.value;
      const last = exit.take(steps, park);
      if (last !== undefined) {
        step = last;
        continue;
      }
      const left = exit.left(park);
      if (!spun(park, left)) {
        noted.saw(park);
        const slice = services.size > 0 ? serving : SLICE;
        Atomics.store(mine.words, mine.state, WAITING);
        park.region.waitSync(park.index, park.value, Math.min(slice, left));
        Atomics.store(mine.words, mine.state, pending.size > 0 ? WAITING : RUNNING);
        let served = false;
        for (const serve of services) served = serve() || served;
        serving = served ? BUSY_SLICE : Math.min(SERVING_SLICE, serving * 2);
      }
      step = steps.next();
    }
    return step.value;
  } finally {
    noted.end();
  }
}

/** Spins before a park, where the algorithm allows it; whether the word changed. */
function spun({ region: { words }, index, value, spin }: Park, left: number): boolean {
  return spin !== undefined && left > 0 && spinWhile(words, index, value, spin);
}

/** The note of a wait in the roster of whom it concerns. */
class Noted {
  readonly #mode: number;
  #region: Region | undefined;
  #note: WaitNote | undefined;
  /** The wait in a trace. */
  #wait = -1;

  constructor(mode: number) {
    this.#mode = mode;
  }

  saw({ region, on, holder = 0, detects = false, name }: Park): void {
    if (recorder !== undefined) {
      this.#wait = recorder.waits(this.#wait, region.parties, on, holder, name);
    }
    if (region !== this.#region) {
      this.#forget();
      this.#region = region;
      this.#note = new WaitNote(region.parties, this.#mode);
    }
    this.#note!.saw(on, holder, detects);
  }

  end(): void {
    if (this.#wait >= 0) recorder?.waited(this.#wait);
    this.#forget();
  }

  #forget(): void {
    this.#note?.end();
    this.#note = undefined;
  }
}

/** The async waits under way in this thread, each with where it is parked. */
const pending = new Set<{ park: Park }>();

/**
 * Wakes every async wait of this thread, so that it notices that the thread is asked to stop.
 *
 * @returns Their number.
 */
function wakePending(): number {
  for (const { park: { region, index } } of pending) region.wake(index, ALL);
  return pending.size;
}

wakers.add(wakePending);

/**
 * Runs an algorithm and awaits while it waits.
 *
 * @returns Its result, or undefined when its time was up.
 */
export async function runAsync<T>(
  steps: Steps<T>,
  { timeout = Infinity, signal }: Limit = {},
): Promise<T | undefined> {
  signal?.throwIfAborted();
  checkCancelled();
  const exit = new Exit(timeout, signal);
  let step: IteratorResult<Park, T | undefined> = steps.next();
  if (step.done) return step.value;
  for (const flush of flushes) flush();
  const mine = self();
  const noted = new Noted(0);
  const wait = { park: { ...step.value } };
  // Whoever leaves wakes all who wait on the word, itself included: so no waiter is left behind
  // that would swallow a wake-up meant for another.
  const onAbort = () => wait.park.region.wake(wait.park.index, ALL);
  signal?.addEventListener("abort", onAbort);
  pending.add(wait);
  Atomics.store(mine.words, mine.state, WAITING);
  try {
    while (!step.done) {
      const park: Park = step.value;
      const last = exit.take(steps, park);
      if (last !== undefined) {
        step = last;
        continue;
      }
      const { region, index, value } = park;
      wait.park.region = region;
      wait.park.index = index;
      noted.saw(park);
      await region.wait(index, value, Math.min(SLICE, exit.left(park)));
      // An abort that came first counts, even if what was waited for has come since.
      if (!exit.isAborted(park)) step = steps.next();
    }
    return step.value;
  } finally {
    noted.end();
    signal?.removeEventListener("abort", onAbort);
    pending.delete(wait);
    if (pending.size === 0) Atomics.store(mine.words, mine.state, RUNNING);
  }
}

/**
 * The steps of an algorithm that is given up as soon as `isStill` says no after a wait; the result
 * is undefined then.
 */
export function* asLongAs<T>(isStill: () => boolean, steps: Steps<T>): Steps<T | undefined> {
  try {
    let step = steps.next();
    while (!step.done) {
      try {
        yield step.value;
      } catch (reason) {
        step = steps.throw(reason);
        continue;
      }
      if (!isStill()) return undefined;
      step = steps.next();
    }
    return step.value;
  } finally {
    // It may have something to put right first.
    let last = steps.return(undefined as T);
    while (!last.done) {
      yield last.value;
      last = steps.next();
    }
  }
}
