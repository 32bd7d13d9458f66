/**
 * What the threads and processes of `starts.ts` run, in a module that imports the face of threads,
 * as most scripts do.
 *
 * @module
 */
import { type Event, getIdent, type Lock, type Value } from "../../lib/threading.ts";
import { task } from "../../lib/task.ts";
import { now } from "./_figures.ts";

/** One of a hundred: takes one, under a lock. Gives who it was. */
export const takeOne = task(import.meta, async function takeOne(lock: Lock, left: Value<"i32">) {
  using _ = await lock.acquire();
  left.value -= 1;
  return getIdent();
});

/** Does nothing, until it is told. */
export const idle = task(import.meta, async function idle(ready: Event, over: Event) {
  ready.set();
  await over.wait();
});

/** Says when it ran. */
export const stamp = task(import.meta, function stamp() {
  return now();
});
