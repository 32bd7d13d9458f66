/**
 * Somebody who calls: what futures, maps and executors need of whoever has calls run. The
 * {@linkcode Engine} of `engine.ts` does it with workers of its own; others may send them to
 * another machine.
 *
 * @module
 */
import type { CancelledError } from "../core/errors.ts";
import type { Call, CallOptions } from "./call.ts";
import type { PoolStats } from "./stats.ts";
import type { CallKind } from "./transport/frames.ts";

/** A map, as far as whoever runs its calls is concerned. */
export interface CallerMap {
  /** Ends it by an error once its calls that run have ended; the others are cancelled. */
  interrupt(error: CancelledError): void;
}

/** Somebody who has calls run. */
export interface Caller {
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
  /** Hears what has been said of calls, also while the thread blocks; whether there was something. */
  poll(): boolean;
  /** Notes a map that is under way; Ctrl-C ends it. */
  noteMap(map: WeakRef<CallerMap>): void;
  /** Notes that it is over. */
  forgetMap(map: WeakRef<CallerMap>): void;
  /** Refuses further calls. Those that nobody has begun are cancelled, if that is wanted. */
  close(cancel?: boolean): void;
  /** Settles when there is nothing left to do, and what did it has ended. */
  gone(): Promise<void>;
}
