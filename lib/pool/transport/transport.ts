/**
 * The way to a worker and back, whatever the worker is: what it is started with, how it is heard,
 * and how its end is told.
 *
 * @module
 */
import { ThreadTerminated, WorkerLostError } from "../../core/errors.ts";
import { errorOf } from "../../child/outcome.ts";
import { messageOf } from "../../transfer/failure.ts";
import type { Packed } from "../../transfer/pack.ts";
import type { Payload } from "../payload.ts";
import type { Preparation } from "../runner/runner.ts";
import type { Claims } from "./claims.ts";
import type { ReplyHead } from "./frames.ts";

/**
 * The listener to a worker's words, in order. Both are good until the call ends, or others are
 * heard meanwhile: who keeps them copies them.
 */
export type Hear = (reply: ReplyHead, value: Uint8Array | Packed) => void;

/** The end of a worker. */
export interface Loss {
  /** Its exit code, `-SIG` for a signal, or null when it has none. */
  exitcode: number | null;
  /** The signal that ended it, or null. */
  signal: string | null;
  /** The error that ended it, or says how it ended, if there is one. */
  error: Error | null;
}

/** The end of a worker that was told to. */
export const NO_LOSS: Loss = { exitcode: 0, signal: null, error: null };
/** The end of a worker that is being stopped. */
export const STOPPED: Loss = { exitcode: null, signal: null, error: null };

/** The loss that the error of a child's `result()` tells of. */
export function lossOf(error: unknown): Loss {
  if (error instanceof WorkerLostError) {
    const { exitcode, signal } = error;
    // Where there is no code the error says how it ended.
    return { exitcode, signal, error: exitcode === null ? error : null };
  }
  if (error instanceof ThreadTerminated) return STOPPED;
  return { exitcode: 1, signal: null, error: errorOf({ ok: false, error }) };
}

/** The loss of a child that has ended, from what its result is or throws. */
export function lossIn(result: () => unknown): Loss {
  try {
    result();
    return NO_LOSS;
  } catch (error) {
    return lossOf(error);
  }
}

/** The end of a worker, in words. */
export function describeLoss({ exitcode, signal, error }: Loss): string {
  if (signal !== null) return `was killed by ${signal}`;
  if (error instanceof WorkerLostError) return `ended: ${error.message}`;
  if (error !== null) return `ended by an uncaught error: ${messageOf(error)}`;
  return exitcode === null ? "was terminated" : `ended with exit code ${exitcode}`;
}

/** The boot of every worker of a pool. */
export interface WorkerBoot extends Preparation {
  /** The modules that calls have needed by now. */
  known: string[];
  /** Called with what the worker says. */
  hear: Hear;
  /** Called when the worker says something that no worker says; with what, in words. */
  faulty: (what: string) => void;
}

/** The way to a worker, and back. */
export interface Transport {
  /** Its process number; null for a thread. */
  readonly pid: number | null;
  /**
   * Who has which call; undefined where the two share no memory: then a worker is given one at a
   * time.
   */
  readonly claims: Claims | undefined;
  /** The most bytes that a value may have which is sent to it. */
  readonly largest: number;
  /** Settles when the worker has ended, and all that it said has been heard. */
  readonly ended: Promise<Loss>;
  /** Sends frames, and what goes beside them. */
  post(bytes: Uint8Array<ArrayBuffer>, asides: Payload[]): void;
  /** Hears what the worker has said by now; whether there was something. */
  drain(): boolean;
  /** Listens from now on, which keeps the program alive; a new one does. */
  wake(): void;
  /** Listens no more until {@linkcode wake}: there is nothing to be heard. */
  rest(): void;
  /** Blocks the thread until the worker has ended; false when the time is up first. */
  joinSync(timeout: number): boolean;
  /**
   * How the worker has ended, for a thread that blocks and is not told by the event loop; undefined
   * while it lives, or where nobody can say. All that it said has been heard.
   */
  lossNow(): Loss | undefined;
  /** Ends the worker as soon as that can be done. */
  kill(): void;
}
