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
import type { Lost } from "../transfer/flight.ts";
import type { Reference } from "../transfer/task.ts";
import type { Outcome } from "../child/outcome.ts";
import type { CallKind } from "./frames.ts";
import type { Payload } from "./payload.ts";

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
  /** What in its arguments is told when it never arrives. */
  flights: Lost[];
  #watchers: (() => void)[] | undefined;

  constructor(
    readonly id: number,
    readonly kind: CallKind,
    readonly target: Reference,
    readonly payload: Payload,
    readonly submitted: number,
    readonly options: CallOptions,
    flights: Lost[],
  ) {
    this.retries = options.retries ?? 0;
    this.flights = flights;
  }

  /** Calls `fn` once the call has ended: at once if it has. */
  whenEnded(fn: () => void): void {
    if (this.state === ENDED) return fn();
    (this.#watchers ??= []).push(fn);
  }

  /** Does not call `fn` any more. */
  forget(fn: () => void): void {
    const at = this.#watchers?.indexOf(fn) ?? -1;
    if (at >= 0) this.#watchers!.splice(at, 1);
  }

  /** Ends the call; false if it had ended before. */
  end(outcome: Outcome): boolean {
    if (this.state === ENDED) return false;
    this.state = ENDED;
    this.outcome = outcome;
    const watchers = this.#watchers;
    this.#watchers = undefined;
    if (watchers !== undefined) { for (const fn of watchers) fn(); }
    return true;
  }
}
