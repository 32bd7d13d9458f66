/** Targets of queue_test.ts. */
import { setFault } from "../../lib/channel/memory/fault.ts";
import type { Barrier, Event, JoinableQueue, Lock, Queue } from "../../lib/multiprocessing.ts";
import { context, task } from "../../lib/task.ts";

/** An item that says who put it, and as which. */
export interface Item {
  from: number;
  k: number;
}

/** Puts `count` items, once all are there. */
export const produce = task(
  import.meta,
  function produce(queue: Queue<Item | null>, gate: Barrier, from: number, count: number) {
    gate.waitSync();
    for (let k = 0; k < count; k++) queue.putSync({ from, k });
  },
);

/** As produce, awaiting. */
export const produceAsync = task(
  import.meta,
  async function produceAsync(
    queue: Queue<Item | null>,
    gate: Barrier,
    from: number,
    count: number,
  ) {
    await gate.wait();
    for (let k = 0; k < count; k++) await queue.put({ from, k });
  },
);

/**
 * Takes items until a null comes; gives for each producer which it got, as bits, and any wrong
 * order.
 */
export const consume = task(
  import.meta,
  function consume(queue: Queue<Item | null>, gate: Barrier, producers: number, count: number) {
    const seen = makeSeen(producers, count);
    gate.waitSync();
    for (;;) {
      const item = queue.getSync();
      if (item === null) return seen;
      note(seen, item);
    }
  },
);

/** As consume, awaiting. */
export const consumeAsync = task(
  import.meta,
  async function consumeAsync(
    queue: Queue<Item | null>,
    gate: Barrier,
    producers: number,
    count: number,
  ) {
    const seen = makeSeen(producers, count);
    await gate.wait();
    for (;;) {
      const item = await queue.get();
      if (item === null) return seen;
      note(seen, item);
    }
  },
);

/** What a consumer got. */
export interface Seen {
  bits: Uint32Array[];
  last: number[];
  errors: string[];
}

function makeSeen(producers: number, count: number): Seen {
  return {
    bits: Array.from({ length: producers }, () => new Uint32Array((count >>> 5) + 1)),
    last: Array(producers).fill(-1),
    errors: [],
  };
}

function note(seen: Seen, { from, k }: Item): void {
  const { bits, last, errors } = seen;
  const bit = 1 << (k & 31);
  if ((bits[from]![k >>> 5]! & bit) !== 0) errors.push(`${from}/${k} came twice`);
  bits[from]![k >>> 5]! |= bit;
  if (k < last[from]!) errors.push(`${from}/${k} came after ${from}/${last[from]}`);
  last[from] = k;
}

/** Gives back what it gets, once. */
export const echo = task(import.meta, async function echo(queue: Queue, back: Queue) {
  await back.put(await queue.get());
});

/** As echo, blocking. */
export const echoSync = task(import.meta, function echoSync(queue: Queue, back: Queue) {
  back.putSync(queue.getSync());
});

/** Takes the lock that it gets from the queue, and says so. */
export const takeLock = task(import.meta, async function takeLock(queue: Queue<{ lock: Lock }>) {
  const { lock } = await queue.get();
  return lock.locked();
});

/** Deals with items for ever. */
export const work = task(import.meta, async function work(queue: JoinableQueue<number>) {
  for await (const _ of queue) queue.taskDone();
});

/** Is killed when it comes to a point for the `nth` time, putting numbers from 0 on. */
export const putUntilKilled = task(
  import.meta,
  function putUntilKilled(queue: Queue<number>, point: string, nth: number, size: number) {
    killAt(point, nth);
    for (let k = 0;; k++) queue.putSync(size === 0 ? k : [k, "x".repeat(size)] as never);
  },
);

/** Is killed when it comes to a point for the `nth` time, getting. */
export const getUntilKilled = task(
  import.meta,
  function getUntilKilled(queue: Queue<number>, point: string, nth: number) {
    killAt(point, nth);
    for (;;) queue.getSync();
  },
);

/** Shuts the queue down, and is killed at a point of that. */
export const shutUntilKilled = task(
  import.meta,
  function shutUntilKilled(queue: Queue<number>, immediate: boolean, point: string) {
    killAt(point, 1);
    queue.shutdown({ immediate });
  },
);

/**
 * Puts or takes without waiting, `count` times, once all are there; gives the error, if one came.
 */
export const hurry = task(
  import.meta,
  function hurry(queue: Queue<number>, gate: Barrier, what: "put" | "get", count: number) {
    gate.waitSync();
    try {
      for (let k = 0; k < count; k++) {
        if (what === "put") queue.putNowait(k);
        else queue.getNowait();
      }
      return null;
    } catch (error) {
      return String(error);
    }
  },
);

function killAt(point: string, nth: number): void {
  let count = 0;
  setFault((reached) => {
    if (reached === point && ++count === nth) Deno.kill(Deno.pid, "SIGKILL");
  });
}

/** Puts numbered items until it is killed. */
export const putForever = task(
  import.meta,
  function putForever(queue: Queue<Item>, from: number) {
    for (let k = 0;; k++) queue.putSync({ from, k });
  },
);

/** Gets items until it is killed or told to end, and says which. */
export const getForever = task(
  import.meta,
  async function getForever(queue: Queue<Item>, done: Event) {
    const items: Item[] = [];
    context().report("ready");
    while (!done.isSet() || !queue.empty()) {
      try {
        items.push(await queue.get({ timeout: 20 }));
      } catch {
        // Look whether it is over.
      }
    }
    return items;
  },
);
