/**
 * A call on its way through a pool, and who has calls run: the {@linkcode Caller}. Futures, maps
 * and executors know of that alone; the engine of `engine.ts` is one with workers of its own,
 * others may send calls to another machine.
 *
 * ```text
 *   QUEUED -> GIVEN -> ended        GIVEN: a worker has it, begun or not (the claim knows)
 *      \________\____-> ended        cancelled, timed out, or its worker died
 * ```
 *
 * An ended call has an outcome, and stays as it is; if its worker still runs it, that is between
 * the two.
 *
 * @module
 */
import { type Reference, referTo, type Target } from "../transfer/task.ts";
import type { CancelledError } from "../core/errors.ts";
import type { Countdown } from "../core/promises.ts";
import type { PoolStats } from "./stats.ts";
import type { Outcome } from "../child/outcome.ts";
import type { CallKind } from "./transport/frames.ts";
import { type Audible, Completion } from "./completion.ts";
import type { Deferred, Payload } from "./payload.ts";

export const QUEUED = 0;
export const GIVEN = 1;
export const ENDED = 2;

/** The arguments of any function. */
// deno-lint-ignore no-explicit-any -- any arguments
export type AnyArgs = any[];

/** The options of a call, besides its target and arguments. */
export interface CallOptions {
  /** Higher goes first. Default: 0. */
  priority?: number | undefined;
  /** The number of times that it is tried again when its worker dies. Default: 0. */
  retries?: number | undefined;
  /** The time that it may run, in ms. */
  timeout?: number | undefined;
  /** The time that it may go on when it is cancelled, in ms. Default: as its pool says. */
  grace?: number | undefined;
  /** Called with what it reports. */
  onReport?: ((value: never) => void) | undefined;
}

const references = new WeakMap<Target, Reference>();

/**
 * The reference by which a worker finds a target: one object for each target, as a worker knows it
 * by a number.
 *
 * @throws {TypeError} No worker could.
 */
export function knownReference(target: unknown): Reference {
  const known = typeof target === "function" ? references.get(target as Target) : undefined;
  if (known !== undefined) return known;
  const reference = referTo(target);
  references.set(target as Target, reference);
  return reference;
}

/** One call. */
export class Call extends Completion {
  state: typeof QUEUED | typeof GIVEN | typeof ENDED = QUEUED;
  /** The number of its claim, when a worker has it. */
  claim = 0;
  /** The number of its items that have run, and their time, in µs. */
  items = 0;
  micros = 0;
  retries: number;
  /** Kills its worker when it is cancelled and does not end. */
  grace: Countdown | undefined;

  constructor(
    readonly id: number,
    readonly kind: CallKind,
    readonly target: Reference,
    public payload: Payload | Deferred,
    /** When it was submitted, in the engine's ticks. */
    readonly submitted: number,
    readonly options: CallOptions,
    /** The number of items that it applies its target to. */
    readonly size: number,
  ) {
    super();
    this.retries = options.retries ?? 0;
  }

  override end(outcome: Outcome): boolean {
    this.state = ENDED;
    return super.end(outcome);
  }
}

/** A map, as far as whoever runs its calls is concerned. */
export interface CallerMap {
  /** Ends it by an error once its calls that run have ended; the others are cancelled. */
  interrupt(error: CancelledError): void;
}

/** Somebody who has calls run. */
export interface Caller extends Audible {
  /** The number of calls that can run at once, at most. */
  readonly maxWorkers: number;
  /** True if it can have nothing run. */
  readonly isBroken: boolean;
  /** True if it takes no calls any more. */
  readonly isClosed: boolean;
  /** The number of calls that wait. */
  readonly waiting: number;
  /** The figures of what it has done and does. */
  readonly stats: PoolStats;
  /** The parts of its text. */
  readonly parts: string[];
  /** Settles when all calls have ended that there are. */
  readonly idle: Promise<void>;
  /**
   * Submits a call.
   *
   * @throws {TypeError} Nobody could find the target.
   * @throws {ShareError} An argument cannot cross.
   * @throws {BrokenExecutor} It can have nothing run.
   */
  submit(
    target: unknown,
    args: unknown[],
    options?: CallOptions & { transfer?: Transferable[] | undefined },
    kind?: CallKind,
  ): Call;
  /**
   * Holds a value against what can cross.
   *
   * @param root What errors call it.
   * @throws {ShareError} It cannot.
   */
  check(value: unknown, root: string): void;
  /** True if a call has been begun. */
  isRunning(call: Call): boolean;
  /**
   * Ends a call that nobody wants any more.
   *
   * @param running True if also one that has been begun.
   * @returns True if it was ended so.
   */
  cancel(call: Call, reason: unknown, running: boolean): boolean;
  /** Notes a map that is under way; Ctrl-C ends it. */
  noteMap(map: WeakRef<CallerMap>): void;
  /** Notes that it is over. */
  forgetMap(map: WeakRef<CallerMap>): void;
  /** Refuses further calls. Those that nobody has begun are cancelled, if that is wanted. */
  close(cancel?: boolean): void;
  /** Settles when there is nothing left to do, and what did it has ended. */
  gone(): Promise<void>;
}
