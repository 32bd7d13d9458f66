/**
 * A trap: seconds. All times of the toolkit are in milliseconds, as everywhere in JavaScript.
 *
 * `examples/traps.ts` runs this program: `broken` or `mended`.
 *
 * @module
 */
import { Empty } from "../../../lib/errors.ts";
import { Queue } from "../../../lib/queue.ts";
import { sleep } from "../../../lib/time.ts";

const queue = new Queue<string>();

async function produce(): Promise<void> {
  await sleep(100);
  await queue.put("A");
}

/** Waits for 2 seconds, or so it is meant. */
async function consume(timeout: number): Promise<void> {
  try {
    console.log("item =", await queue.get({ timeout }));
  } catch (error) {
    if (!(error instanceof Empty)) throw error;
    console.log("item =", undefined);
  }
}

if (import.meta.main) {
  const timeout = Deno.args[0] === "broken" ? 2 : 2_000;
  await Promise.all([consume(timeout), produce()]);
}
