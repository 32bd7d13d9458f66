/**
 * The numbers of signals on Linux; a few differ elsewhere.
 *
 * @module
 */

const NAMES =
  ("HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD " +
    "CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS").split(" ");

/** The number of a signal, as in `"SIGKILL"`; 0 for one that is not known. */
export function signalNumber(signal: string): number {
  return NAMES.indexOf(signal.slice(3)) + 1;
}

/** The name of a signal's number. */
export function signalName(number: number): Deno.Signal {
  return `SIG${NAMES[number - 1]}` as Deno.Signal;
}
