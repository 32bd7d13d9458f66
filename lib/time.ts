/**
 * Sleeping.
 *
 * | for | reach for |
 * | --- | --- |
 * | waiting for a time, while other code of this thread runs | {@linkcode sleep} |
 * | blocking this thread for a time | {@linkcode sleepSync} |
 * | a function that does nothing for a while, in a thread or process | both, as a target |
 * | running a function later | `threading.Timer` |
 * | a signal after a time | `signal.alarm()` |
 *
 * **Not as in Python**: times are in milliseconds. The time of day is `Date.now()`, that for
 * measuring `performance.now()`.
 *
 * *Permissions*: none.
 *
 * @module
 */
export { sleep, sleepSync } from "./sync/sleep.ts";
export type { SleepOptions } from "./sync/sleep.ts";
