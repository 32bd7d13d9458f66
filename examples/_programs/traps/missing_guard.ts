/**
 * A trap: a child is started at the top level of the module, which the child imports, and so would
 * start a child itself.
 *
 * `examples/traps.ts` runs this program: `broken` or `mended`.
 *
 * @module
 */
import { Process } from "../../../lib/multiprocessing.ts";

/** What the child is for. */
export function work(): void {
  console.log("work()");
}

// Mended, it is only this: if (import.meta.main) { ... }
if (import.meta.main || Deno.args[0] === "broken") {
  const child = new Process(work).start();
  await child.join();
  console.log("exitcode =", child.exitcode);
}
