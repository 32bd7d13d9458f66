/**
 * What `processes/start_cost.ts` starts. It stands in a module of its own, which imports little: a
 * thread or a process loads the module of its target, and what that imports.
 *
 * @module
 */
import { context, task } from "../../lib/task.ts";
import type { Event } from "../../lib/threading.ts";

/** Says that it is there, by the memory that its process takes: in bytes. */
export const answer: () => number = task(import.meta, function answer(): number {
  return Deno.memoryUsage().rss;
});

/** Says that it is there, and stays until it may go. */
export const stay: (gate: Event) => Promise<void> = task(
  import.meta,
  async function stay(gate: Event): Promise<void> {
    context().report("here");
    await gate.wait();
  },
);
