/**
 * Options of the calls that wait, and their checks.
 *
 * @module
 */
import { checkBoolean, checkOptions, checkSignal, checkTimeout } from "../core/checks.ts";

/** Options of the blocking forms of waiting calls. */
export interface WaitSyncOptions {
  /** The time to wait in ms, at least; 0 does not wait. Default: without limit. */
  timeout?: number;
}

/** Options of waiting calls. */
export interface WaitOptions extends WaitSyncOptions {
  /** Abandons the wait: the promise is rejected with `signal.reason`. */
  signal?: AbortSignal;
}

/** Options of `acquireSync()`. */
export interface AcquireSyncOptions extends WaitSyncOptions {
  /** false: do not wait, as `timeout: 0`. Default: true. */
  blocking?: boolean;
}

/** Options of `acquire()`. */
export interface AcquireOptions extends AcquireSyncOptions {
  /** Abandons the wait: the promise is rejected with `signal.reason`. */
  signal?: AbortSignal;
}

/** The options that a lock's acquire takes besides. */
export interface DetectOptions {
  /**
   * Throw a DeadlockError when this wait is part of a deadlock, instead of hanging. The async
   * functions of one thread count as one party: of a deadlock with such a party in it one is told
   * only when it has lasted for half a second. Default: false.
   */
  detectDeadlock?: boolean;
}

/** Options with which an acquire may come back with nothing. */
export type Bounded = { timeout: number } | { blocking: boolean };

/** Checks a wait's options and gives the time to wait in ms. */
export function checkWait(options: WaitOptions | undefined, action: string): number {
  if (options === undefined) return Infinity;
  checkOptions(options, action);
  checkSignal(options.signal, action);
  return checkTimeout(options.timeout, action);
}

/** Checks an acquire's options and gives the time to wait in ms. */
export function checkAcquire(
  options: AcquireOptions & DetectOptions | undefined,
  action: string,
): number {
  if (options === undefined) return Infinity;
  const timeout = checkWait(options, action);
  checkBoolean(options.blocking, "blocking", action);
  checkBoolean(options.detectDeadlock, "detectDeadlock", action);
  if (options.blocking !== false) return timeout;
  if (options.timeout !== undefined) {
    throw new TypeError(
      `Cannot ${action}: timeout has no meaning without blocking, received ${options.timeout}`,
    );
  }
  return 0;
}
