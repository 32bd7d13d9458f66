/** Targets of ordered_queue_test.ts. */
import type { Event, PriorityQueue, Queue } from "../../lib/multiprocessing.ts";
import { task } from "../../lib/task.ts";

/** An item of a class. */
export class Job {
  constructor(readonly number: number) {}
}

task(import.meta, Job);

/** The order that gives out the largest number first. */
export const runsLast = task(import.meta, function runsLast(a: Job, b: Job) {
  return b.number - a.number;
});

/** The queue that {@linkcode isUrgent} uses. */
export const urgent: { queue?: PriorityQueue<number> } = {};

/** Puts into the queue that it compares items of. */
export const isUrgent = task(import.meta, function isUrgent(a: number, b: number): number {
  urgent.queue!.putNowait(7);
  return a - b;
});

/** Puts items, every other one awaiting. */
export const putAll = task(import.meta, async function putAll(queue: Queue, items: unknown[]) {
  for (const [k, item] of items.entries()) {
    if (k % 2 === 0) queue.putSync(item);
    else await queue.put(item);
  }
});

/** Puts items into queues, as {@linkcode putAll} does. */
export const putEach = task(
  import.meta,
  async function putEach(puts: readonly [queue: Queue, items: unknown[]][]) {
    for (const [queue, items] of puts) await putAll(queue, items);
  },
);

/** Gets some items, every other one awaiting. */
export const getAll = task(import.meta, async function getAll(queue: Queue, count: number) {
  const items: unknown[] = [];
  for (let k = 0; k < count; k++) items.push(k % 2 === 0 ? queue.getSync() : await queue.get());
  return items;
});

/** Gets some items of each of the queues, as {@linkcode getAll} does. */
export const getEach = task(
  import.meta,
  async function getEach(gets: readonly [queue: Queue, count: number][]) {
    const all: unknown[][] = [];
    for (const [queue, count] of gets) all.push(await getAll(queue, count));
    return all;
  },
);

/** Makes one of each, with two items. */
export const makeHere = task(import.meta, async function makeHere() {
  const { LifoQueue, PriorityQueue } = await import("../../lib/multiprocessing.ts");
  const stack = new LifoQueue<number>();
  const queue = new PriorityQueue<Job>(0, runsLast);
  for (const k of [1, 2]) {
    stack.putNowait(k);
    queue.putNowait(new Job(k));
  }
  return [stack, queue] as const;
});

/** Puts items that say who put them until it is killed. */
export const putTagged = task(
  import.meta,
  function putTagged(queue: Queue<[number, string]>, from: number) {
    for (let k = 0;; k++) queue.putSync([k % 10, `${from}/${k}`]);
  },
);

/** Gets items until it is told to end and none is left; gives their tags. */
export const getTagged = task(
  import.meta,
  async function getTagged(queue: Queue<[number, string]>, done: Event) {
    const tags: string[] = [];
    while (!done.isSet() || !queue.empty()) {
      try {
        tags.push((await queue.get({ timeout: 20 }))[1]);
      } catch {
        // Look whether it is over.
      }
    }
    return tags;
  },
);
