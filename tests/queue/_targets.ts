/**
 * What the threads of the queue tests run.
 *
 * @module
 */
import { Empty, ShutDown } from "../../lib/errors.ts";
import { LifoQueue, PriorityQueue, Queue, type QueueLike } from "../../lib/queue.ts";
import { context, task } from "../../lib/task.ts";
import type { Event, Lock } from "../../lib/threading.ts";

/** Whether a call blocks or awaits. */
export type Form = "sync" | "async";
export const FORMS: readonly Form[] = ["sync", "async"];

type AnyQueue<T> = QueueLike<T>;

export async function getBy<T>(
  queue: AnyQueue<T>,
  form: Form,
  options: { timeout?: number } = {},
): Promise<T> {
  return form === "sync" ? queue.getSync(options) : await queue.get(options);
}

export async function putBy<T>(
  queue: AnyQueue<T>,
  item: T,
  form: Form,
  options: { timeout?: number } = {},
): Promise<void> {
  if (form === "sync") queue.putSync(item, options);
  else await queue.put(item, options);
}

async function nameOf(call: () => unknown): Promise<string | null> {
  try {
    await call();
    return null;
  } catch (error) {
    return (error as Error).name;
  }
}

export const putAll = task(
  import.meta,
  async function putAll<T>(queue: AnyQueue<T>, items: T[], form: Form) {
    for (const item of items) await putBy(queue, item, form);
  },
);

export const getSome = task(
  import.meta,
  async function getSome<T>(queue: AnyQueue<T>, count: number, form: Form) {
    const items: T[] = [];
    for (let k = 0; k < count; k++) items.push(await getBy(queue, form));
    return items;
  },
);

/** Takes until it gets `last`. */
export const drainTo = task(import.meta, async function drainTo<T>(queue: AnyQueue<T>, last: T) {
  const items: T[] = [];
  for (let item = await queue.get(); item !== last; item = await queue.get()) items.push(item);
  return items;
});

/** Puts numbers `from`, `from` + 1, … */
export const putNumbers = task(
  import.meta,
  async function putNumbers(queue: AnyQueue<number>, from: number, count: number, form: Form) {
    for (let k = 0; k < count; k++) {
      if (form === "sync") queue.putSync(from + k);
      else await queue.put(from + k);
    }
  },
);

/** Gets until the queue is shut down. */
export const drain = task(
  import.meta,
  async function drain<T>(queue: AnyQueue<T>, form: Form) {
    const items: T[] = [];
    if (form === "async") {
      for await (const item of queue) items.push(item);
      return items;
    }
    try {
      for (;;) items.push(queue.getSync());
    } catch (error) {
      if (error instanceof ShutDown) return items;
      throw error;
    }
  },
);

/** Gets `count` items, then is idle until the event is set; says what it got. */
export const getThenIdle = task(
  import.meta,
  async function getThenIdle(queue: AnyQueue<unknown>, count: number, form: Form, go: Event) {
    const items: unknown[] = [];
    for (let k = 0; k < count; k++) items.push(await getBy(queue, form));
    context().report(items);
    await go.wait();
  },
);

/** Gets for ever, reporting each item. */
export const reportAll = task(
  import.meta,
  async function reportAll(queue: AnyQueue<unknown>, form: Form) {
    for (;;) context().report(await getBy(queue, form));
  },
);

/** Gets `count` items, reports them, and then never pauses. */
export const getThenSpin = task(
  import.meta,
  function getThenSpin(queue: AnyQueue<unknown>, count: number) {
    const items = Array.from({ length: count }, () => queue.getSync());
    context().report(items);
    for (;;);
  },
);

export const getThenFail = task(
  import.meta,
  function getThenFail(queue: AnyQueue<unknown>, count: number) {
    for (let k = 0; k < count; k++) queue.getSync();
    throw new Error("as planned");
  },
);

export const failure = task(
  import.meta,
  async function failure(
    queue: AnyQueue<unknown>,
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

/** Takes what there is, without waiting. */
export const takeAllNow = task(import.meta, function takeAllNow<T>(queue: AnyQueue<T>) {
  const items: T[] = [];
  try {
    for (;;) items.push(queue.getNowait());
  } catch (error) {
    if (error instanceof Empty) return items;
    throw error;
  }
});

export const finishAll = task(import.meta, async function finishAll(queue: Queue, count: number) {
  for (let k = 0; k < count; k++) {
    await queue.get();
    queue.taskDone();
  }
});

export const joinIt = task(import.meta, async function joinIt(queue: Queue, form: Form) {
  return form === "sync" ? queue.joinSync() : await queue.join();
});

/** Makes a queue, gives it to a thread of its own, and gets back what that puts. */
export const ownQueue = task(import.meta, async function ownQueue(form: Form) {
  const { Thread } = await import("../../lib/threading.ts");
  const queue = new Queue<number>();
  const thread = new Thread(putNumbers, { args: [queue, 0, 100, form] }).start();
  const items = await getSome(queue, 100, form);
  await thread.join();
  return items;
});

export const makeQueue = task(import.meta, function makeQueue() {
  const queue = new Queue<string>(3);
  queue.putSync("made here");
  return queue;
});

export const least = task(import.meta, (a: { n: number }, b: { n: number }) => a.n - b.n);

export const makePriority = task(import.meta, function makePriority() {
  const queue = new PriorityQueue<{ n: number }>(0, least);
  for (const n of [3, 1, 2]) queue.putSync({ n });
  return queue.getSync().n;
});

export const putIncomparable = task(
  import.meta,
  async function putIncomparable(queue: PriorityQueue, form: Form) {
    return await nameOf(() => putBy(queue, { no: "order" }, form));
  },
);

export const stackHere = task(import.meta, function stackHere() {
  const stack = new LifoQueue<number>();
  for (let k = 0; k < 5; k++) stack.putSync(k);
  return Array.from({ length: 5 }, () => stack.getSync());
});

export const underLock = task(
  import.meta,
  async function underLock(queue: AnyQueue<{ lock: Lock; answer: Queue<string> }>, form: Form) {
    const { lock, answer } = await getBy(queue, form);
    answer.putSync(lock.locked() ? "locked" : "free");
  },
);

export const putMany = task(
  import.meta,
  function putMany(queue: AnyQueue<[number, number]>, who: number, count: number) {
    for (let k = 0; k < count; k++) queue.putSync([who, k]);
  },
);

/** Counts what it got from each of `producers`; fails when one's items are out of order. */
export const checkMany = task(
  import.meta,
  async function checkMany(
    queue: AnyQueue<[number, number]>,
    producers: number,
    form: Form,
    report: boolean,
  ) {
    const last: number[] = Array(producers).fill(-1);
    let count = 0;
    let sum = 0;
    try {
      for (;;) {
        const [who, k] = form === "sync" ? queue.getSync() : await queue.get();
        if (k <= last[who]!) throw new Error(`${k} of ${who} after ${last[who]}`);
        last[who] = k;
        count++;
        sum += k;
        if (report && count === 1) context().report("began");
      }
    } catch (error) {
      if (!(error instanceof ShutDown)) throw error;
    }
    return [count, sum] as const;
  },
);

/** Gets and logs in shared memory, so that a cut thread's takes are known. */
export const logTaken = task(
  import.meta,
  function logTaken(queue: AnyQueue<number>, taken: Int32Array<SharedArrayBuffer>) {
    for (;;) Atomics.add(taken, queue.getSync(), 1);
  },
);

export const logTakenAsync = task(
  import.meta,
  async function logTakenAsync(queue: AnyQueue<number>, taken: Int32Array<SharedArrayBuffer>) {
    for (;;) Atomics.add(taken, await queue.get(), 1);
  },
);

/** Puts in one stretch, without a pause, and then blocks outside the toolkit. */
export const putAndBlock = task(
  import.meta,
  function putAndBlock(queue: AnyQueue<number>, count: number, word: Int32Array) {
    for (let k = 0; k < count; k++) queue.putSync(k);
    Atomics.wait(word as Int32Array<SharedArrayBuffer>, 0, 0);
  },
);

export const bufferLength = task(
  import.meta,
  async function bufferLength(queue: AnyQueue<ArrayBuffer>, form: Form) {
    return (await getBy(queue, form)).byteLength;
  },
);

export const answerOnPort = task(
  import.meta,
  async function answerOnPort(queue: AnyQueue<MessagePort>, form: Form) {
    const port = await getBy(queue, form);
    port.postMessage("hello");
    port.close();
  },
);

export class Job {
  constructor(public n: number) {}
  double(): number {
    return this.n * 2;
  }
}
task(import.meta, Job);

export const doubleJobs = task(
  import.meta,
  async function doubleJobs(queue: AnyQueue<Job>, results: AnyQueue<Job>, form: Form) {
    const job = await getBy(queue, form);
    results.putSync(new Job(job.double()));
  },
);

/** Sums up what comes, and says so in a word. */
export const sumAndTell = task(
  import.meta,
  function sumAndTell(queue: Queue<number>, count: number, ready: Event, word: Int32Array) {
    ready.set();
    let sum = 0;
    for (let k = 0; k < count; k++) sum += queue.getSync();
    Atomics.store(word, 0, 1);
    return sum;
  },
);

/** The names of the classes of what comes. */
export const kindsOf = task(
  import.meta,
  async function kindsOf(queue: AnyQueue<unknown>, count: number, form: Form) {
    const kinds: string[] = [];
    for (let k = 0; k < count; k++) {
      kinds.push(Object(await getBy(queue, form)).constructor.name);
    }
    return kinds;
  },
);

/** The name of a lock that comes. */
export const nameOfLock = task(
  import.meta,
  async function nameOfLock(queue: AnyQueue<[number, Lock]>, form: Form) {
    return (await getBy(queue, form))[1].name;
  },
);

/** Logs the numbers of locks that come. */
export const logLocks = task(
  import.meta,
  function logLocks(queue: Queue<[number, Lock]>, taken: Int32Array) {
    for (;;) Atomics.add(taken, queue.getSync()[0], 1);
  },
);

/** Takes an item and puts it back. */
export const passOn = task(
  import.meta,
  async function passOn<T>(queue: AnyQueue<T>, form: Form) {
    await putBy(queue, await getBy(queue, form), form);
  },
);
