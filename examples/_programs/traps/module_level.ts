/**
 * A trap: a lock or a queue at the top level of the module. A child imports the module and makes
 * its own, which excludes nobody else, and into which nobody else puts anything.
 *
 * `examples/traps.ts` runs this program: `broken` or `mended`.
 *
 * @module
 */
import { Empty } from "../../../lib/errors.ts";
import { Lock, Process, Queue } from "../../../lib/multiprocessing.ts";

const lock = new Lock();
const queue = new Queue<string>();

/** Uses what the module has, as one would in Python after a fork. */
export async function broken(): Promise<void> {
  await use(lock, queue);
}

/** Uses what it is given. */
export async function mended(lock: Lock, queue: Queue<string>): Promise<void> {
  await use(lock, queue);
}

async function use(lock: Lock, queue: Queue<string>): Promise<void> {
  const guard = await lock.acquire({ blocking: false });
  // Main has it, too.
  console.log("holders =", guard === undefined ? 1 : 2);
  guard?.release();
  try {
    console.log("item =", await queue.get({ block: false }));
  } catch (error) {
    if (!(error instanceof Empty)) throw error;
    console.log("item =", undefined);
  }
}

if (import.meta.main) {
  using _ = await lock.acquire();
  await queue.put("A");
  const child = Deno.args[0] === "broken"
    ? new Process(broken)
    : new Process(mended, { args: [lock, queue] });
  await child.start().result();
}
