/**
 * Signals as arguments: by name or by number.
 *
 * @module
 */
import { show } from "../core/checks.ts";
import { isSignalNumber, type Signal, signalName, Signals } from "../core/signals.ts";

/**
 * The name of the signal that an argument means.
 *
 * @throws {TypeError} It is no name of a signal of this platform.
 * @throws {RangeError} It is a number that no signal has.
 * @throws {Deno.errors.NotSupported} Other platforms have it, this one does not.
 */
export function checkSignalName(sig: unknown, action: string): Signal {
  if (typeof sig === "number") {
    if (isSignalNumber(sig)) return signalName(sig);
    throw new RangeError(`Cannot ${action}: sig must be the number of a signal, received ${sig}`);
  }
  if (typeof sig === "string" && Object.hasOwn(Signals, sig)) return sig as Signal;
  if (typeof sig === "string" && Object.hasOwn(TEXTS, sig)) {
    throw new Deno.errors.NotSupported(`Cannot ${action}: there is no ${sig} on ${Deno.build.os}`);
  }
  throw new TypeError(
    `Cannot ${action}: sig must be the name of a signal, as "SIGTERM", received ${show(sig)}`,
  );
}

/** The text of each signal. */
const TEXTS: Partial<Record<Signal | "SIGIOT", string>> = {
  SIGHUP: "Hangup",
  SIGINT: "Interrupt",
  SIGQUIT: "Quit",
  SIGILL: "Illegal instruction",
  SIGTRAP: "Trace/breakpoint trap",
  SIGABRT: "Aborted",
  SIGIOT: "Aborted",
  SIGBUS: "Bus error",
  SIGFPE: "Floating point exception",
  SIGKILL: "Killed",
  SIGUSR1: "User defined signal 1",
  SIGSEGV: "Segmentation fault",
  SIGUSR2: "User defined signal 2",
  SIGPIPE: "Broken pipe",
  SIGALRM: "Alarm clock",
  SIGTERM: "Terminated",
  SIGSTKFLT: "Stack fault",
  SIGCHLD: "Child exited",
  SIGCONT: "Continued",
  SIGSTOP: "Stopped (signal)",
  SIGTSTP: "Stopped",
  SIGTTIN: "Stopped (tty input)",
  SIGTTOU: "Stopped (tty output)",
  SIGURG: "Urgent I/O condition",
  SIGXCPU: "CPU time limit exceeded",
  SIGXFSZ: "File size limit exceeded",
  SIGVTALRM: "Virtual timer expired",
  SIGPROF: "Profiling timer expired",
  SIGWINCH: "Window changed",
  SIGIO: "I/O possible",
  SIGPOLL: "I/O possible",
  SIGPWR: "Power failure",
  SIGSYS: "Bad system call",
  SIGUNUSED: "Bad system call",
  SIGBREAK: "Break",
  SIGINFO: "Information request",
  SIGEMT: "EMT trap",
};

/**
 * The meaning of a signal, in words: those that a shell prints.
 *
 * @example Words for a signal
 * ```ts
 * import { strsignal } from "@switchyard/switchyard/signal";
 *
 * console.log(strsignal("SIGTERM")); // Terminated
 * ```
 *
 * @param sig Its name or number.
 * @throws {TypeError | RangeError} There is no such signal.
 */
export function strsignal(sig: Signal | number): string {
  const name = checkSignalName(sig, "describe the signal");
  return TEXTS[name] ?? name;
}
