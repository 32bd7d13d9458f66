/**
 * What the workers of the soaks and duels run.
 *
 * @module
 */
import { exit } from "../../../lib/os.ts";
import { context, task } from "../../../lib/task.ts";

export const square = task(import.meta, function square(x: number) {
  return x * x;
});

/** Notes in a file that it runs, takes a while, and gives back its number. */
export const noted = task(import.meta, async function noted(file: string, k: number, ms: number) {
  note(file, k);
  await new Promise((resolve) => setTimeout(resolve, ms));
  return k;
});

/** As `noted`, but every tenth call ends its thread at its first attempt. */
export const notedThenDies = task(
  import.meta,
  async function notedThenDies(file: string, k: number, ms: number) {
    note(file, k);
    await new Promise((resolve) => setTimeout(resolve, ms));
    if (k % 10 === 0 && context().attempt === 1) exit(1);
    return k;
  },
);

/** Notes that it runs, and blocks its thread for a time. */
export const blocks = task(import.meta, function blocks(file: string, ms: number) {
  note(file, 0);
  const word = new Int32Array(new SharedArrayBuffer(4));
  const end = performance.now() + ms;
  for (let left = ms; left > 0; left = end - performance.now()) {
    Atomics.wait(word, 0, 0, Math.min(left, 1000));
  }
  return ms;
});

/** A line by itself: what several programs append does not mix. */
function note(file: string, k: number): void {
  Deno.writeTextFileSync(file, `${k} ${Deno.pid}\n`, { append: true });
}
