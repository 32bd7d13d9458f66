/**
 * Waiting for a signal.
 *
 * @module
 */
import { checkOptions, checkSignal, checkTimeout } from "../core/checks.ts";
import { TimeoutError } from "../core/errors.ts";
import { reached } from "../core/promises.ts";
import type { Signal } from "../core/signals.ts";
import { pausing } from "./handlers.ts";

/** Options of {@linkcode pause}. */
export interface PauseOptions {
  /** The time to wait in ms, at least. Default: without limit. */
  timeout?: number;
  /** Abandons the wait: the promise is rejected with `signal.reason`. */
  signal?: AbortSignal;
}

/**
 * Waits for the next signal that this thread has a handler for.
 *
 * The handler has run by then. Signals that are ignored do not count, and those without a handler
 * end the process. A signal that came before the call is not waited for: set things up first.
 *
 * *Cancellation*: an aborted wait leaves no trace.
 *
 * @returns The signal's name.
 * @throws {unknown} What the handler threw.
 * @throws {TimeoutError} The timeout ended first.
 *
 * @example Sleep until the alarm
 * ```ts
 * import { alarm, pause, SIG_DFL, signal } from "@switchyard/switchyard/signal";
 *
 * signal("SIGALRM", () => console.log("ding"));
 * alarm(20);
 * console.log(await pause()); // SIGALRM
 * signal("SIGALRM", SIG_DFL);
 * ```
 */
export async function pause(options?: PauseOptions): Promise<Signal> {
  const action = "pause";
  checkOptions(options, action);
  const timeout = checkTimeout(options?.timeout, action);
  checkSignal(options?.signal, action);
  const next = Promise.withResolvers<Signal>();
  pausing.add(next);
  try {
    if (await reached(next.promise, timeout, options?.signal)) return await next.promise;
  } finally {
    pausing.delete(next);
  }
  throw new TimeoutError(`Cannot pause any longer: no signal came within ${timeout} ms`);
}
