/**
 * What the children of the tests of queues run.
 *
 * @module
 */
import { setFault } from "../../lib/channel/memory/fault.ts";
import { Empty, ShutDown } from "../../lib/errors.ts";
import type { QueueLike, ShutdownOptions } from "../../lib/queue.ts";
import { context, task } from "../../lib/task.ts";
import type { Barrier, Connection, Event, Lock, Value } from "../../lib/threading.ts";
import { compute } from "../_help/compute.ts";

/** Whether a call blocks or awaits. */
export type Form = "sync" | "async";
export const FORMS: readonly Form[] = ["sync", "async"];

/** A queue with all that any of them has. */
export interface AnyQueue<T = number> extends QueueLike<T> {
  shutdown(options?: ShutdownOptions): void;
  join(options?: { timeout?: number }): Promise<boolean>;
  joinSync(options?: { timeout?: number }): boolean;
  taskDone(): void;
  readonly maxsize: number;
}

export async function getBy<T>(
  queue: QueueLike<T>,
  form: Form,
  options: { timeout?: number } = {},
): Promise<T> {
  return form === "sync" ? queue.getSync(options) : await queue.get(options);
}

export async function putBy<T>(
  queue: QueueLike<T>,
  item: T,
  form: Form,
  options: { timeout?: number } = {},
): Promise<void> {
  if (form === "sync") queue.putSync(item, options);
  else await queue.put(item, options);
}

/** The name of the error that a call throws, or null. */
export async function nameOf(call: () => unknown): Promise<string | null> {
  try {
    await call();
    return null;
  } catch (error) {
    return (error as Error).name;
  }
}

/** Reports, where there is somebody to report to. */
function report(): void {
  try {
    context().report("began");
  } catch {
    // It was called in the test itself.
  }
}

// --- putting and getting

export const putAll = task(
  import.meta,
  async function putAll<T>(queue: QueueLike<T>, items: T[], form: Form) {
    for (const item of items) await putBy(queue, item, form);
  },
);

/** Puts numbers `from`, `from` + 1, … */
export const putNumbers = task(
  import.meta,
  async function putNumbers(queue: QueueLike<number>, from: number, count: number, form: Form) {
    for (let k = 0; k < count; k++) {
      if (form === "sync") queue.putSync(from + k);
      else await queue.put(from + k);
    }
  },
);

export const getSome = task(
  import.meta,
  async function getSome<T>(queue: QueueLike<T>, count: number, form: Form) {
    const items: T[] = [];
    for (let k = 0; k < count; k++) items.push(await getBy(queue, form));
    return items;
  },
);

/** Gives back what it gets, so many times. */
export const echo = task(
  import.meta,
  async function echo<T>(queue: QueueLike<T>, back: QueueLike<T>, count: number, form: Form) {
    for (let k = 0; k < count; k++) await putBy(back, await getBy(queue, form), form);
  },
);

/** Takes until it gets `last`. */
export const drainTo = task(
  import.meta,
  async function drainTo<T>(queue: QueueLike<T>, last: T) {
    const items: T[] = [];
    for (let item = await queue.get(); item !== last; item = await queue.get()) items.push(item);
    return items;
  },
);

/** Takes what there is, without waiting. */
export const takeAllNow = task(import.meta, function takeAllNow<T>(queue: QueueLike<T>) {
  const items: T[] = [];
  try {
    for (;;) items.push(queue.getNowait());
  } catch (error) {
    if (error instanceof Empty) return items;
    throw error;
  }
});

/** Gets `count` items, says what it got, then is idle until the event is set. */
export const getThenIdle = task(
  import.meta,
  async function getThenIdle(queue: QueueLike<unknown>, count: number, form: Form, go: Event) {
    const items: unknown[] = [];
    for (let k = 0; k < count; k++) items.push(await getBy(queue, form));
    context().report(items);
    await go.wait();
  },
);

/** Gets `count` items, says so, and then never pauses. */
export const getThenSpin = task(
  import.meta,
  function getThenSpin(queue: QueueLike<unknown>, count: number) {
    for (let k = 0; k < count; k++) queue.getSync();
    context().report("got");
    compute(2_000);
  },
);

export const getThenFail = task(
  import.meta,
  function getThenFail(queue: QueueLike<unknown>, count: number) {
    for (let k = 0; k < count; k++) queue.getSync();
    throw new Error("as planned");
  },
);

/** The name of the error of a put or get, and the time that it took. */
export const failure = task(
  import.meta,
  async function failure(
    queue: QueueLike<unknown>,
    what: "get" | "put",
    form: Form,
    options: { timeout?: number },
  ) {
    const began = performance.now();
    const name = await nameOf(() =>
      what === "get" ? getBy(queue, form, options) : putBy(queue, "x", form, options)
    );
    return [name, performance.now() - began] as const;
  },
);

/** Sums up what comes, and says so in a word. */
export const sumAndTell = task(
  import.meta,
  function sumAndTell(
    queue: QueueLike<number>,
    count: number,
    ready: Event,
    word: Value<"i32">,
  ) {
    ready.set();
    let sum = 0;
    for (let k = 0; k < count; k++) sum += queue.getSync();
    word.value = 1;
    return sum;
  },
);

/** Puts or takes without waiting, `count` times, once all are there; gives the error's text. */
export const hurry = task(
  import.meta,
  function hurry(queue: QueueLike<number>, gate: Barrier, what: "put" | "get", count: number) {
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

// --- what items are made of

/** An item of a class. */
export class Job {
  constructor(public n: number) {}
  double(): number {
    return this.n * 2;
  }
}
task(import.meta, Job);

/** Takes a job in an array, and gives back one that is doubled. */
export const doubleJob = task(
  import.meta,
  async function doubleJob(
    jobs: QueueLike<[number, Job]>,
    results: QueueLike<[number, Job]>,
    form: Form,
  ) {
    const [, job] = await getBy(jobs, form);
    await putBy(results, [0, new Job(job.double())], form);
  },
);

/** Loads what an item may need: a call that blocks cannot. */
async function loadAll(form: Form): Promise<void> {
  if (form === "sync") await import("../../lib/multiprocessing.ts");
}

/** What an item of shareables holds. */
export interface Shared {
  lock: Lock;
  answer: QueueLike<string>;
}

export const underLock = task(
  import.meta,
  async function underLock(queue: QueueLike<[number, Shared]>, form: Form) {
    await loadAll(form);
    const [, { lock, answer }] = await getBy(queue, form);
    await putBy(answer, lock.locked() ? "locked" : "free", form);
  },
);

/** Receives at an end that comes, and sends the same back. */
export const useEnd = task(
  import.meta,
  async function useEnd(queue: QueueLike<[number, { end: Connection<string> }]>, form: Form) {
    await loadAll(form);
    const [, { end }] = await getBy(queue, form);
    await end.send(await end.recv());
    end.close();
  },
);

/** Makes a queue of that kind, and puts two numbers in. */
export const makeHere = task(
  import.meta,
  async function makeHere(name: string) {
    const { KINDS } = await import("./_queues.ts");
    const queue = KINDS.find((kind) => kind.name === name)!.make();
    for (const n of [1, 2]) queue.putSync(n);
    return queue;
  },
);

// --- orders

/** The order that gives out the largest number first. */
export const runsLast = task(import.meta, function runsLast(a: Job, b: Job) {
  return b.n - a.n;
});

/** Puts items into queues, every other one awaiting. */
export const putEach = task(
  import.meta,
  async function putEach(puts: readonly [queue: QueueLike<unknown>, items: unknown[]][]) {
    for (const [queue, items] of puts) {
      for (const [k, item] of items.entries()) await putBy(queue, item, FORMS[k % 2]!);
    }
  },
);

/** Gets items from queues, every other one awaiting. */
export const getEach = task(
  import.meta,
  async function getEach(gets: readonly [queue: QueueLike<unknown>, count: number][]) {
    const all: unknown[][] = [];
    for (const [queue, count] of gets) {
      const items: unknown[] = [];
      for (let k = 0; k < count; k++) items.push(await getBy(queue, FORMS[k % 2]!));
      all.push(items);
    }
    return all;
  },
);

/** Makes a PriorityQueue of that module, with two jobs. */
export const makePriority = task(
  import.meta,
  async function makePriority(kind: string) {
    const { PriorityQueue } = kind.startsWith("queue.")
      ? await import("../../lib/queue.ts")
      : await import("../../lib/multiprocessing.ts");
    const queue = new PriorityQueue<Job>(0, runsLast);
    for (const k of [1, 2]) queue.putNowait(new Job(k));
    return queue;
  },
);

export const putIncomparable = task(
  import.meta,
  async function putIncomparable(queue: QueueLike<unknown>, form: Form) {
    return await nameOf(() => putBy(queue, { no: "order" }, form));
  },
);

// --- tasks, and the end

export const finishAll = task(
  import.meta,
  async function finishAll(queue: AnyQueue, count: number) {
    for (let k = 0; k < count; k++) {
      await queue.get();
      queue.taskDone();
    }
  },
);

export const joinIt = task(import.meta, async function joinIt(queue: AnyQueue, form: Form) {
  return form === "sync" ? queue.joinSync() : await queue.join();
});

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

// --- many at once

/** The last item of a stress. */
export const LAST: [number, number] = [Infinity, -1];

/** Puts items that say whose they are and as which, once all are there. */
export const produce = task(
  import.meta,
  async function produce(
    queue: QueueLike<[number, number]>,
    gate: Barrier,
    who: number,
    count: number,
    form: Form,
  ) {
    await gate.wait();
    for (let k = 0; k < count; k++) {
      if (form === "sync") queue.putSync([k, who]);
      else await queue.put([k, who]);
    }
  },
);

/**
 * Takes items until {@linkcode LAST} comes, or the queue is shut down; gives for each producer
 * which it got, as bits. Where `isOrdered`, says which came in the wrong order.
 */
export const consume = task(
  import.meta,
  async function consume(
    queue: QueueLike<[number, number]>,
    gate: Barrier,
    producers: number,
    count: number,
    form: Form,
    isOrdered: boolean,
  ) {
    const bits = Array.from({ length: producers }, () => new Uint32Array((count >>> 5) + 1));
    const last: number[] = Array(producers).fill(-1);
    const errors: string[] = [];
    const note = ([k, who]: [number, number]) => {
      const bit = 1 << (k & 31);
      if ((bits[who]![k >>> 5]! & bit) !== 0) errors.push(`${who}/${k} came twice`);
      bits[who]![k >>> 5]! |= bit;
      if (isOrdered && k < last[who]!) errors.push(`${who}/${k} came after ${who}/${last[who]}`);
      last[who] = k;
    };
    await gate.wait();
    try {
      for (;;) {
        const item = form === "sync" ? queue.getSync() : await queue.get();
        if (item[1] === LAST[1]) break;
        note(item);
      }
    } catch (error) {
      if (!(error instanceof ShutDown)) throw error;
    }
    return { bits, errors };
  },
);

// --- deaths

/**
 * Where a child dies: the point, how often it comes there before, and a thread's own words. In
 * those it says that it is there, and blocks as no call of the toolkit does.
 */
export type Death = [point: string, nth: number, word: Int32Array<SharedArrayBuffer> | null];

/** Has a process be killed at its `nth` coming to a point; a thread blocks there, to be cut off. */
function dieAt([point, nth, word]: Death): void {
  let count = 0;
  setFault((reached) => {
    if (reached !== point || ++count !== nth) return;
    if (word === null) Deno.kill(Deno.pid, "SIGKILL");
    else {
      setFault(undefined);
      Atomics.store(word, 0, 1);
      Atomics.wait(word, 1, 0);
    }
  });
}

/** Dies when it comes to a point for the `nth` time, putting numbers from 0 on. */
export const putUntilDead = task(
  import.meta,
  function putUntilDead(
    queue: QueueLike<unknown>,
    death: Death,
    size: number,
  ) {
    dieAt(death);
    for (let k = 0;; k++) queue.putSync([k, "x".repeat(size)]);
  },
);

/** Dies when it comes to a point for the `nth` time, getting. */
export const getUntilDead = task(
  import.meta,
  function getUntilDead(
    queue: QueueLike<unknown>,
    death: Death,
  ) {
    dieAt(death);
    for (;;) queue.getSync();
  },
);

/** Shuts the queue down, and dies at a point of that. */
export const shutUntilDead = task(
  import.meta,
  function shutUntilDead(
    queue: AnyQueue,
    death: Death,
    immediate: boolean,
  ) {
    dieAt(death);
    queue.shutdown({ immediate });
  },
);

/** Puts items that say whose they are until it is ended. */
export const putForever = task(
  import.meta,
  function putForever(queue: QueueLike<[number, number]>, who: number) {
    for (let k = 0;; k++) queue.putSync([k, who]);
  },
);

/** Gets items, until it is told to end and none is left; gives them. */
export const getForever = task(
  import.meta,
  async function getForever(queue: QueueLike<[number, number]>, done: Event) {
    const items: [number, number][] = [];
    context().report("ready");
    while (!done.isSet() || !queue.empty()) {
      try {
        items.push(await queue.get({ timeout: 20 }));
      } catch (error) {
        if (!(error instanceof Empty)) throw error;
      }
    }
    return items;
  },
);
