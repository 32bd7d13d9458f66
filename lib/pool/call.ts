/**
 * A call on its way through a pool.
 *
 * ```text
 *   QUEUED -> GIVEN -> ended        GIVEN: a worker has it, begun or not (the ticket knows)
 *      \________\____-> ended        cancelled, timed out, or its worker died
 * ```
 *
 * An ended call has an outcome, and stays as it is; if its worker still runs it, that is between the two.
 *
 * @module
 */
import type { Reference } from "../transfer/task.ts";
import type { Outcome } from "../child/outcome.ts";
import type { CallKind } from "./frames.ts";
import type { Deferred, Payload } from "./payload.ts";

export const QUEUED = 0;
export const GIVEN = 1;
export const ENDED = 2;

/** The arguments of any function. */
// deno-lint-ignore no-explicit-any -- any arguments
export type AnyArgs = any[];

/** How a call is made, besides its target and arguments. */
export interface CallOptions {
  /** Higher goes first. Default: 0. */
  priority?: number | undefined;
  /** How often it is tried again when its worker dies. Default: 0. */
  retries?: number | undefined;
  /** How long it may run, in ms. */
  timeout?: number | undefined;
  /** Called with what it reports. */
  onReport?: ((value: never) => void) | undefined;
}

/** One call. */
export class Call {
  state: typeof QUEUED | typeof GIVEN | typeof ENDED = QUEUED;
  outcome: Outcome | undefined;
  /** Whether it ended because somebody did not want it any more. */
  isCancelled = false;
  /** The name of the worker that ran it. */
  worker = "";
  /** Its ticket, when a worker has it. */
  ticket = 0;
  /** How many of its items have run, and for how long, in µs. */
  items = 0;
  micros = 0;
  retries: number;
  /** The first that is called at its end, and the others. */
  #watcher: (() => void) | undefined;
  #watchers: (() => void)[] | undefined;

  constructor(
    readonly id: number,
    readonly kind: CallKind,
    readonly target: Reference,
    public payload: Payload | Deferred,
    /** When it was submitted, in the engine's ticks. */
    readonly submitted: number,
    readonly options: CallOptions,
  ) {
    this.retries = options.retries ?? 0;
  }

  /** Calls `fn` once the call has ended: at once if it has. */
  whenEnded(fn: () => void): void {
    if (this.state === ENDED) fn();
    else if (this.#watcher === undefined) this.#watcher = fn;
    else (this.#watchers ??= []).push(fn);
  }

  /** Does not call `fn` any more. */
  forget(fn: () => void): void {
    if (this.#watcher === fn) this.#watcher = this.#watchers?.shift();
    else this.#watchers = this.#watchers?.filter((watcher) => watcher !== fn);
  }

  /** Ends the call; false if it had ended before. */
  end(outcome: Outcome): boolean {
    if (this.state === ENDED) return false;
    this.state = ENDED;
    this.outcome = outcome;
    const watcher = this.#watcher;
    const watchers = this.#watchers;
    this.#watcher = this.#watchers = undefined;
    watcher?.();
    if (watchers !== undefined) { for (const fn of watchers) fn(); }
    return true;
  }
}
