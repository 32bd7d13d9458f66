/**
 * The names and numbers of signals on this platform.
 *
 * @module
 */
import { builtin } from "./node.ts";

/** The name of a signal, as in `"SIGTERM"`. */
export type Signal = Deno.Signal;

/**
 * The numbers of the signals that this platform has, by name.
 *
 * Reach for it to compare with `os.WTERMSIG()` or `-exitcode`; all calls take names too.
 *
 * @example Numbers and names
 * ```ts
 * import { Signals } from "@switchyard/switchyard/signal";
 *
 * console.log(Signals.SIGTERM); // 15
 * ```
 */
export const Signals: Readonly<Record<Signal, number>> = Object.freeze({
  ...(Deno.build.os === "linux" ? linux() : builtin("os").constants.signals),
  // Windows has none; `alarm()` does without.
  ...(Deno.build.os === "windows" ? { SIGALRM: 14 } : {}),
} as Record<string, number>) as Record<Signal, number>;

/** Those of Linux, which every start would otherwise have to load `node:os` for. */
function linux(): Record<string, number> {
  const names =
    ("HUP INT QUIT ILL TRAP ABRT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD CONT STOP " +
      "TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO PWR SYS").split(" ");
  const signals = Object.fromEntries(names.map((name, at) => [`SIG${name}`, at + 1]));
  return { ...signals, SIGIOT: 6, SIGPOLL: 29, SIGUNUSED: 31 };
}

const names = new Map<number, Signal>();
for (const [name, number] of Object.entries(Signals)) {
  // Of two names for one number the first is the usual one: SIGABRT, not SIGIOT.
  if (!names.has(number)) names.set(number, name as Signal);
}

/** The number of a signal, as {@linkcode signalName} names it; 0 for one that is not known. */
export function signalNumber(signal: string): number {
  if (Object.hasOwn(Signals, signal)) return Signals[signal as Signal];
  return Number(/^SIG(\d+)$/.exec(signal)?.[1] ?? 0);
}

/** The name of a signal's number; `SIG` and the number for one without. */
export function signalName(number: number): Signal {
  return names.get(number) ?? `SIG${number}` as Signal;
}

/** The number that a shell, and Deno, add to the number of a signal for an exit code. */
const KILLED = 128;

/** The code with which Deno ends a process on Windows, whatever the signal. */
const ENDED_ON_WINDOWS = 1;

/**
 * The end of a child, as Python counts: its code, or -SIG.
 *
 * @param wasKilled True if this program has sent it a signal. Windows ends a process with a code
 *   and tells of no signal: one that ended so counts as ended by SIGTERM.
 */
export function exitcodeOf({ code, signal }: Deno.CommandStatus, wasKilled = false): number {
  const wasEnded = wasKilled && Deno.build.os === "windows" && code === ENDED_ON_WINDOWS;
  if (wasEnded) return -Signals.SIGTERM;
  return signal === null ? code : -(signalNumber(signal) || code - KILLED);
}

/** True if a number is that of a signal with a name. */
export function isSignalNumber(number: number): boolean {
  return names.has(number);
}

/** The number of the signal that Deno fails to name, if that is what an error says. */
export function namelessSignal(error: unknown): number | undefined {
  const number = error instanceof Error && /^Invalid signal: (\d+)$/.exec(error.message)?.[1];
  return number ? Number(number) : undefined;
}

/** The status of a child that a signal has killed. */
export function killedBy(number: number): Deno.CommandStatus {
  return { success: false, code: KILLED + number, signal: signalName(number) };
}

/**
 * The end of a child: of one that a signal without a name has killed, Deno tells that by an error.
 */
export function statusOf(status: Promise<Deno.CommandStatus>): Promise<Deno.CommandStatus> {
  return status.catch((cause) => {
    const number = namelessSignal(cause);
    if (number === undefined) throw cause;
    return killedBy(number);
  });
}
