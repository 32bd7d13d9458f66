/**
 * What the workers of the executor's suite run, whichever machine they are on.
 *
 * @module
 */
import type { RemoteQueue } from "../../lib/remote.ts";
import { exit } from "../../lib/os/exit.ts";
import { context, task } from "../../lib/task.ts";
import { registerSlow } from "./_slow_broker.ts";

// In each thread, as each reads the URL of what it is given.
registerSlow();

export const square = task(import.meta, function square(x: number) {
  return x * x;
});
export const add = task(import.meta, function add(a: number, b: number) {
  return a + b;
});
export const echo = task(import.meta, function echo(value: unknown) {
  return value;
});

/** An error of the module's own. */
export class Odd extends Error {
  override name = "Odd";
  constructor(message: string, readonly number: number) {
    super(message);
  }
}

export const fail = task(import.meta, function fail(number: number) {
  throw new Odd(`${number} is odd`, number);
});

/** What it learns of its call. */
export const about = task(import.meta, function about() {
  const { attempt, id, key, worker } = context();
  return { attempt, id, key, worker };
});

/** Reports, and gives back. */
export const reports = task(import.meta, async function reports(count: number) {
  for (let k = 0; k < count; k++) {
    context().report({ k });
    await Promise.resolve();
  }
  return count;
});

/** Says that it runs, by a report, and stays until it is cancelled. */
export const stay = task(import.meta, async function stay() {
  const { signal, report } = context();
  report("runs");
  await new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
  throw signal.reason;
});

/** Says that it runs, and cannot be stopped but with its worker. */
export const deaf = task(import.meta, async function deaf() {
  context().report("runs");
  await new Promise((resolve) => setTimeout(resolve, 30_000));
});

/** Puts its attempt on a queue, and ends its thread unless it is the last. */
export const dies = task(
  import.meta,
  async function dies(tries: RemoteQueue<number>, until: number) {
    const { attempt = 0 } = context();
    await tries.put(attempt);
    if (attempt < until) exit(1);
    return attempt;
  },
);

/** Says on a queue that it has run, and waits there to be let go. */
export const meets = task(
  import.meta,
  async function meets(here: RemoteQueue<string>, go: RemoteQueue<string>, name: string) {
    await here.put(name);
    await go.get();
    return name;
  },
);

/** Puts its name on a queue. */
export const notes = task(
  import.meta,
  async function notes(runs: RemoteQueue<string>, name: string) {
    await runs.put(name);
    return name;
  },
);

export const largeOf = task(import.meta, function largeOf(bytes: number) {
  return new Uint8Array(bytes);
});
