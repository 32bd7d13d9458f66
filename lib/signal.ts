/**
 * Signals: what the system, a terminal or another process tells a process, by number.
 *
 * | for | reach for |
 * | --- | --- |
 * | doing something at a signal, or nothing | {@linkcode signal} with a function, {@linkcode SIG_IGN} or {@linkcode SIG_DFL} |
 * | ending waits and programs at Ctrl-C | {@linkcode abortOn} |
 * | what was set | {@linkcode getsignal} |
 * | waiting for the next one | {@linkcode pause} |
 * | one to oneself, after a while | {@linkcode alarm} |
 * | one to oneself, now | {@linkcode raiseSignal} |
 * | one to another process | {@linkcode kill} |
 * | numbers and words | {@linkcode Signals}, {@linkcode strsignal} |
 *
 * **Not as in Python**: a handler runs in the thread that set it, once that thread's code pauses;
 * any thread may set one, for itself. Times are in milliseconds. Every call takes a signal by name
 * or by number, and handlers are given the name.
 *
 * *Permissions*: none; `kill()` of another process needs `--allow-run`, and `alarm()` is exact
 * under `--allow-ffi` only.
 *
 * Proven on Linux; made for macOS too. Windows has few signals: what it cannot do throws
 * `Deno.errors.NotSupported`.
 *
 * @module
 */
export { abortOn } from "./signal/abort_on.ts";
export { alarm } from "./signal/alarm.ts";
export { getsignal, SIG_DFL, SIG_IGN, signal } from "./signal/handlers.ts";
export type { Disposition, Handler } from "./signal/handlers.ts";
export { pause } from "./signal/pause.ts";
export type { PauseOptions } from "./signal/pause.ts";
export { kill, raiseSignal } from "./signal/send.ts";
export { strsignal } from "./signal/named.ts";
export { Signals } from "./core/signals.ts";
export type { Signal } from "./core/signals.ts";
export { KeyboardInterrupt, TimeoutError } from "./core/errors.ts";
