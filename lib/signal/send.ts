/**
 * Sending signals.
 *
 * @module
 */
import { show } from "../core/checks.ts";
import { type Signal, signalName } from "../core/signals.ts";
import { noteRaised } from "./handlers.ts";
import { checkSignalName } from "./named.ts";

/** The beginning of the message about a failure: what was to be sent to whom. */
function actionOf(pid: unknown, sig: unknown): string {
  const what = typeof sig === "number" ? sig === 0 ? "signal 0" : signalName(sig) : show(sig);
  return `send ${typeof sig === "string" ? sig : what} to ${show(pid)}`;
}

/**
 * Sends a signal to a process.
 *
 * Reach for it between processes that know each other's pids; a child of the toolkit has
 * `terminate()` and `kill()`. It says nothing of whether the signal has arrived: signals of one
 * kind that come before the first has been handled are one.
 *
 * *Permissions*: `--allow-run`, but for this process itself. On Windows only SIGTERM, SIGKILL,
 * SIGINT and their like can be sent, and all end the process.
 *
 * @param pid The process; its negative value means its group, 0 the group of this process.
 * @param sig The signal's name or number; 0 sends none, and only looks whether the process is
 *   there.
 * @throws {Deno.errors.NotFound} There is no such process.
 * @throws {Deno.errors.PermissionDenied} It belongs to another user.
 * @throws {Deno.errors.NotCapable} `--allow-run` is missing.
 * @throws {TypeError | RangeError} `pid` is no integer, or there is no such signal.
 *
 * @example Is that process still there?
 * ```ts
 * import { kill } from "@switchyard/switchyard/signal";
 *
 * kill(Deno.pid, 0); // throws NotFound if there is none
 * ```
 */
export function kill(pid: number, sig: Signal | number): void {
  const action = actionOf(pid, sig);
  if (typeof pid !== "number") {
    throw new TypeError(`Cannot ${action}: pid must be a number, received ${show(pid)}`);
  }
  if (!Number.isInteger(pid) || Math.abs(pid) > 0x7fffffff) {
    throw new RangeError(`Cannot ${action}: pid must be an integer of 32 bits, received ${pid}`);
  }
  const name = sig === 0 ? 0 : checkSignalName(sig, action);
  if (pid === Deno.pid && name !== 0) noteRaised(name);
  try {
    // Deno knows 0 too; its types do not.
    Deno.kill(pid, name as Signal);
  } catch (cause) {
    throw explain(cause, action);
  }
}

/** The error of a call that failed, in the toolkit's words. */
function explain(cause: unknown, action: string): unknown {
  const say = (why: string) => [`Cannot ${action}: ${why}`, { cause }] as const;
  if (cause instanceof Deno.errors.NotFound) {
    return new Deno.errors.NotFound(...say("there is no such process"));
  }
  if (cause instanceof Deno.errors.PermissionDenied) {
    return new Deno.errors.PermissionDenied(...say("the process belongs to another user"));
  }
  if (cause instanceof Deno.errors.NotCapable) {
    return new Deno.errors.NotCapable(...say("run again with --allow-run"));
  }
  if (Deno.build.os === "windows" && cause instanceof TypeError) {
    return new Deno.errors.NotSupported(...say("Windows cannot send this signal"));
  }
  return cause;
}

/**
 * Sends a signal to this process.
 *
 * Its handlers run once their threads are back in their event loops, not within the call.
 *
 * @param sig Its name or number.
 * @throws {TypeError | RangeError} There is no such signal.
 *
 * @example Ask oneself to stop
 * ```ts
 * import { raiseSignal, SIG_DFL, signal } from "@switchyard/switchyard/signal";
 *
 * const stopped = Promise.withResolvers<void>();
 * signal("SIGUSR2", () => stopped.resolve());
 * raiseSignal("SIGUSR2");
 * await stopped.promise;
 * signal("SIGUSR2", SIG_DFL);
 * ```
 */
export function raiseSignal(sig: Signal | number): void {
  kill(Deno.pid, checkSignalName(sig, "raise the signal"));
}
