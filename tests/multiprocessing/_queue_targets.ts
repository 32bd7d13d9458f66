/** Targets of queue_test.ts. */
import type { PriorityQueue } from "../../lib/multiprocessing.ts";
import { task } from "../../lib/task.ts";

/** The queue that {@linkcode isUrgent} uses. */
export const urgent: { queue?: PriorityQueue<number> } = {};

/** Puts into the queue that it compares items of. */
export const isUrgent = task(import.meta, function isUrgent(a: number, b: number): number {
  urgent.queue!.putNowait(7);
  return a - b;
});
