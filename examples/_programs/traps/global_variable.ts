/**
 * A trap: a variable of the module, changed by a thread. Each thread has imported the module for
 * itself, and has variables of its own.
 *
 * `examples/traps.ts` runs this program: `broken` or `mended`.
 *
 * @module
 */
import { Thread, Value } from "../../../lib/threading.ts";

let n = 100;

/** As in Python: `global n; n = 0`. */
export function broken(): void {
  n = 0;
}

/** What threads are to share they are given. */
export function mended(n: Value): void {
  n.value = 0;
}

if (import.meta.main) {
  if (Deno.args[0] === "broken") {
    await new Thread(broken).start().result();
    console.log("n =", n);
  } else {
    const n = new Value("i32", 100);
    await new Thread(mended, { args: [n] }).start().result();
    console.log("n =", n.value);
  }
}
