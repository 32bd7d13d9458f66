/** What the children of the tests of queues run. */
import { ShutDown } from "../../lib/errors.ts";
import type { QueueLike, ShutdownOptions } from "../../lib/queue.ts";
import { context, task } from "../../lib/task.ts";
import { type Form, getBy, putBy } from "../queue/_targets.ts";

/** A queue that counts tasks. */
export interface AnyQueue extends QueueLike<number> {
  shutdown(options?: ShutdownOptions): void;
  join(options?: { timeout?: number }): Promise<boolean>;
  joinSync(options?: { timeout?: number }): boolean;
  taskDone(): void;
}

/** Gets until the queue is shut down. */
export async function drainAll(queue: QueueLike<number>, form: Form): Promise<number[]> {
  return await drainSome(queue, form, Infinity);
}

/** Gets up to `most` items, until the queue is shut down; reports when it has one. */
export const drainSome = task(
  import.meta,
  async function drainSome(queue: QueueLike<number>, form: Form, most: number) {
    const items: number[] = [];
    try {
      while (items.length < most) {
        items.push(await getBy(queue, form));
        if (items.length === 1) report();
      }
    } catch (error) {
      if (!(error instanceof ShutDown)) throw error;
    }
    return items;
  },
);

/**
 * Puts numbers that no other of two puts, until the queue is shut down; gives how many it could.
 */
export const putUntilShut = task(
  import.meta,
  async function putUntilShut(queue: QueueLike<number>, who: number, form: Form) {
    for (let count = 0;; count++) {
      try {
        await putBy(queue, count * 2 + who, form);
      } catch (error) {
        if (error instanceof ShutDown) return count;
        throw error;
      }
      if (count === 0) report();
    }
  },
);

export const shutDown = task(
  import.meta,
  function shutDown(queues: AnyQueue[], immediate: boolean) {
    for (const queue of queues) queue.shutdown({ immediate });
  },
);

/** Reports, where there is somebody to report to. */
function report(): void {
  try {
    context().report("began");
  } catch {
    // It was called in the test itself.
  }
}
