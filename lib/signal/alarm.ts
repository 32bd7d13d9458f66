/**
 * The process's alarm: the kernel's timer where FFI is granted, else that of the main thread. On
 * Windows always the latter.
 *
 * @module
 */
import { setAlarm } from "../child/thread/alarm_clock.ts";
import { show } from "../core/checks.ts";

/** Which of the kernel's timers: the one that runs in real time, and sends SIGALRM. */
const ITIMER_REAL = 0;
const MILLION = 1_000_000;
const LIBRARY: Partial<Record<typeof Deno.build.os, string>> = {
  linux: "libc.so.6",
  darwin: "libSystem.B.dylib",
};

/**
 * Has SIGALRM sent to this process after a while.
 *
 * A process has one alarm: a call replaces what was set before, in whichever thread. Without a
 * handler the signal ends the process (`Alarm clock`), handled in any thread it is told there; see
 * `signal()`. An alarm keeps no program alive: {@linkcode pause} waits for it.
 *
 * *Permissions*: none. With `--allow-ffi` the kernel keeps the clock; without, and on Windows, the
 * main thread does, so that the signal comes late while the main thread's code never pauses.
 *
 * @param ms When, in ms from now; 0 calls off the alarm that is set.
 * @returns The ms that were left of the one before; 0 when there was none.
 * @throws {TypeError | RangeError} `ms` is no finite number >= 0.
 *
 * @example What was left
 * ```ts
 * import { alarm } from "@switchyard/switchyard/signal";
 *
 * alarm(60_000);
 * console.log(alarm(0) > 59_000); // true, and it is called off
 * ```
 */
export function alarm(ms: number): number {
  const action = "set the alarm";
  if (typeof ms !== "number" || Number.isNaN(ms)) {
    throw new TypeError(`Cannot ${action}: ms must be a number, received ${show(ms)}`);
  }
  if (ms < 0 || ms > Number.MAX_SAFE_INTEGER / 1000) {
    throw new RangeError(`Cannot ${action}: ms must be >= 0 and finite, received ${ms}`);
  }
  const library = LIBRARY[Deno.build.os];
  const mayAsk = Deno.permissions.querySync({ name: "ffi" }).state === "granted";
  return library !== undefined && mayAsk ? askKernel(library, ms) : setAlarm(ms);
}

/** Sets the kernel's timer; gives what was left of it in ms. */
function askKernel(path: string, ms: number): number {
  // Opened for the one call: nothing stays open for a leak sanitizer to find.
  const library = Deno.dlopen(path, {
    setitimer: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  });
  try {
    const micros = ms === 0 ? 0 : Math.max(1, Math.round(ms * 1000));
    // struct itimerval: the interval's seconds and microseconds, then the value's.
    const next = new BigInt64Array(4);
    next[2] = BigInt(Math.floor(micros / MILLION));
    next[3] = BigInt(micros % MILLION);
    const before = new BigInt64Array(4);
    if (library.symbols.setitimer(ITIMER_REAL, next, before) !== 0) {
      throw new RangeError(`Cannot set the alarm: the system refuses the time, received ${ms}`);
    }
    // Where microseconds take half a word, what is beside them is not theirs.
    return Number(before[2]) * 1000 + Number(BigInt.asUintN(32, before[3]!)) / 1000;
  } finally {
    library.close();
  }
}
