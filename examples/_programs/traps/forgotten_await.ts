/**
 * A trap: acquire() without await. It takes the lock, or gets in line; it does not wait.
 *
 * `examples/traps.ts` runs this program: `broken` or `mended`.
 *
 * @module
 */
import { Barrier, Lock } from "../../../lib/threading.ts";

const lock = new Lock({ name: "till" });
const bothHaveRead = new Barrier(2);
let balance = 0;

async function broken(): Promise<void> {
  // deno-lint-ignore switchyard/no-floating-wait -- this is the trap
  lock.acquire();
  const before = balance;
  await bothHaveRead.wait();
  balance = before + 1;
  lock.release();
}

async function mended(): Promise<void> {
  using _ = await lock.acquire();
  const before = balance; // no barrier here: under the lock the other one cannot have read
  balance = before + 1;
}

if (import.meta.main) {
  const deposit = Deno.args[0] === "broken" ? broken : mended;
  await Promise.all([deposit(), deposit()]);
  console.log("balance =", balance);
}
