/**
 * A trace: who ran, waited, held a lock, and when. It is of all threads and processes of a program,
 * and becomes a picture that also those can read who read no code.
 *
 * | for | reach for |
 * | --- | --- |
 * | recording what happens from now on | {@linkcode start} |
 * | a picture for a browser, a page or a slide | {@linkcode Trace.prototype.toSVG} |
 * | one for the terminal | {@linkcode Trace.prototype.toText} |
 * | looking at it closely | {@linkcode Trace.prototype.toChromeTrace}, with Perfetto |
 * | counting and checking | {@linkcode Trace.prototype.events} |
 * | saying in it what the program is at | {@linkcode mark} |
 * | seeing what is the matter at this moment | `threading.dump()`, `findDeadlocks()` |
 *
 * It shows the tasks of threads and processes and the calls of pools and executors; waits, for what
 * and who had it; how long each Lock and RLock was held; what was put into queues and pipes and
 * taken out; deaths, and your own marks. It has the thread that starts it, and every thread and
 * process that is started afterwards, by anybody in the family. What one has recorded outlives it:
 * also of a process that was killed one sees what it held and waited for.
 *
 * *What it costs*: while it is off, one look at a variable (`tests/bench/traces.ts` finds no
 * difference); while it is on, a lock and its release take 0.5 µs longer, a put and a get together
 * 1 µs. A thread then takes a few milliseconds longer to start, and up to 0.5 MB.
 *
 * *What is lost*: of more than `capacity` events of a thread the oldest; `lost` counts them, and
 * the pictures say so. What lasts is there if its end is.
 *
 * *Clocks*: between two threads or processes times are right to a few microseconds, or to some
 * tenths of a millisecond if the machine was very busy when they started, unless somebody sets its
 * clock meanwhile.
 *
 * *Permissions*: none for threads. Processes record with `--allow-ffi`, on Linux; else there is a
 * row for each with the start and the end that its parent saw.
 *
 * @example Draw who waits for whom
 * ```ts
 * import { Lock, Thread } from "@switchyard/switchyard/threading";
 * import { sleepSync } from "@switchyard/switchyard/time";
 * import { mark, start } from "@switchyard/switchyard/trace";
 *
 * export function pay(till: Lock) {
 *   using _guard = till.acquireSync();
 *   mark("at the till");
 *   sleepSync(20);
 * }
 *
 * if (import.meta.main) {
 *   const trace = start();
 *   const till = new Lock({ name: "till" });
 *   const names = ["Ann", "Ben"];
 *   const threads = names.map((name) => new Thread(pay, { name, args: [till] }).start());
 *   for (const thread of threads) await thread.join();
 *   trace.stop();
 *   console.log(trace.toText()); // or write trace.toSVG() into a file
 * }
 * ```
 *
 * @module
 */
export { mark, start, Trace } from "./trace/trace.ts";
export type { TraceOptions } from "./trace/trace.ts";
export type { SVGOptions } from "./trace/svg.ts";
export type { TextOptions } from "./trace/text.ts";
export type {
  DeathEvent,
  HoldEvent,
  LastingEvent,
  PointEvent,
  RunEvent,
  TimedEvent,
  TraceEvent,
  TraceParty,
  WaitEvent,
} from "./trace/events.ts";
