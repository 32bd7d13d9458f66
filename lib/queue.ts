/**
 * Queues between threads: who has something puts it in, who can use it takes it out.
 *
 * | for | reach for |
 * | --- | --- |
 * | work for whoever is free, in order | {@linkcode Queue} |
 * | the same, and nothing but put and get | {@linkcode SimpleQueue} |
 * | the newest first | {@linkcode LifoQueue} |
 * | the most urgent first | {@linkcode PriorityQueue} |
 * | anything between processes | `multiprocessing.Queue` |
 * | two threads that talk | `threading.pipe()` |
 *
 * Items are whatever `postMessage()` takes, and the objects of the toolkit. Calls that wait come
 * twice: `get()` gives a Promise, `getSync()` blocks the thread.
 *
 * How consumers learn that it is over:
 *
 * - Whoever knows that nothing more will be put, as after joining all producers, calls
 *   `shutdown()`. What is in the queue can still be taken; then `for await (const job of queue)`
 *   ends, and `get()` throws `ShutDown`, in every thread.
 * - Or a last item that means "no more", a sentinel: one for each consumer, which ends when it gets
 *   it. A SimpleQueue knows no other way.
 * - `join()` is no such sign: it waits until each item has been reported with `taskDone()`, and
 *   tells the producer. The consumers go on waiting.
 *
 * **Not as in Python**: items are copied when they are put. The main thread keeps them: a call in
 * another thread that does not wait, as `getNowait()`, asks it, and so takes some 50 µs, or as long
 * as the main thread computes without a pause. What is put in quick succession is sent in batches:
 * at the latest when the code pauses, waits or ends.
 *
 * *Permissions*: none.
 *
 * @module
 */
import "./channel/shareables.ts";

export { LifoQueue, PriorityQueue, Queue, SimpleQueue } from "./channel/queue.ts";
export type { TaskQueue } from "./channel/queue.ts";
export type { PutOptions, PutSyncOptions, ThreadQueue } from "./channel/thread_queue.ts";
export type {
  QueueLike,
  QueueOptions,
  QueueSyncOptions,
  ShutdownOptions,
} from "./channel/queue_like.ts";
export type { WaitOptions, WaitSyncOptions } from "./sync/options.ts";
export { Empty, Full, ShutDown } from "./core/errors.ts";
