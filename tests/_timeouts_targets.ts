/** Targets of timeouts_test.ts. */
import { context, task } from "../lib/task.ts";
import type { Event } from "../lib/threading.ts";

/** Gives what it is given, in a while. */
export const soon = task(import.meta, async function soon(value: number) {
  await new Promise((next) => setTimeout(next, 50));
  return value;
});

/** Sets an event in a while. */
export const setSoon = task(import.meta, async function setSoon(event: Event) {
  await new Promise((next) => setTimeout(next, 50));
  event.set();
});

/** Has begun, and ends only a while after it is asked to. */
export const reluctant = task(import.meta, async function reluctant() {
  context().report("begun");
  const { signal } = context();
  await new Promise((next) => signal.addEventListener("abort", next));
  await new Promise((next) => setTimeout(next, 100));
  context().report("ends by itself");
});
