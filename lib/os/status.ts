/**
 * Statuses, as POSIX encodes them: the exit code times 256, or the number of the signal that
 * killed.
 *
 * @module
 */
import { checkInteger } from "../core/checks.ts";
import { signalNumber } from "../core/signals.ts";

/** The bits that hold the signal. */
const SIGNAL = 0x7f;
/** Their value for a process that is stopped. */
const STOPPED = 0x7f;

/** The status of an ended child. */
export function encodeStatus({ code, signal }: Deno.CommandStatus): number {
  return signal === null ? (code & 0xff) << 8 : signalNumber(signal) & SIGNAL;
}

function signalBits(status: number): number {
  checkInteger(status, 0, "status", "decode the status");
  return status & SIGNAL;
}

/**
 * True if the process ended by itself.
 *
 * @param status As {@linkcode wait} gives it.
 */
export function WIFEXITED(status: number): boolean {
  return signalBits(status) === 0;
}

/** The exit code, 0 to 255, of a process that ended by itself: see {@linkcode WIFEXITED}. */
export function WEXITSTATUS(status: number): number {
  checkInteger(status, 0, "status", "decode the status");
  return status >> 8 & 0xff;
}

/** True if the process was killed by a signal. */
export function WIFSIGNALED(status: number): boolean {
  return signalBits(status) !== 0 && signalBits(status) !== STOPPED;
}

/** The number of the signal that killed the process: see {@linkcode WIFSIGNALED}. */
export function WTERMSIG(status: number): number {
  return signalBits(status);
}
