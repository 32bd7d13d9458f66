/**
 * A picture of all threads.
 *
 * @module
 */
import { type Dump, onSignal } from "../child/dump_on_signal.ts";
import { dumpText } from "../sync/dump.ts";

/**
 * Says of every thread its state, what it holds, what it waits for and since when, as text for a
 * person.
 *
 * Reach for it when nothing moves; `dump.onSignal("SIGQUIT")` prints it whenever Ctrl-\ is pressed.
 *
 * @example Look at who does what
 * ```ts
 * import { dump } from "@switchyard/switchyard/threading";
 *
 * console.log(dump());
 * ```
 */
export const dump: Dump = Object.assign(() => dumpText(), {
  onSignal: (signal: Deno.Signal) => onSignal(signal, null),
});
