/**
 * What the threads of the queue tests run.
 *
 * @module
 */
import { Queue, type QueueLike } from "../../lib/queue.ts";
import { task } from "../../lib/task.ts";
import type { Lock } from "../../lib/threading.ts";
import { type Form, getBy, getSome, putNumbers } from "../conformance/_queue_targets.ts";

type AnyQueue<T> = QueueLike<T>;

/** Makes a queue, gives it to a thread of its own, and gets back what that puts. */
export const ownQueue = task(import.meta, async function ownQueue(form: Form) {
  const { Thread } = await import("../../lib/threading.ts");
  const queue = new Queue<number>();
  const thread = new Thread(putNumbers, { args: [queue, 0, 100, form] }).start();
  const items = await getSome(queue, 100, form);
  await thread.join();
  return items;
});

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
