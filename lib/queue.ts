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
 * Items are whatever `postMessage()` takes, and the objects of the toolkit. Two views of one buffer
 * arrive as views of two. Calls that wait come
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
 * **Not as in Python**: items are copied when they are put, into memory that the threads share: so
 * they go from one thread to another also while the main thread computes. What bytes cannot carry
 * goes by way of the main thread, and may have to wait for it: what is in `transfer` (buffers,
 * ports, streams), a Blob, a CryptoKey, a SharedArrayBuffer, a WebAssembly.Module, and the locks,
 * events and pipes of `threading`.
 *
 * *Permissions*: none.
 *
 * @module
 */
import "./channel/shareables.ts";

export { LifoQueue, PriorityQueue, Queue, SimpleQueue } from "./channel/queue.ts";
export type { TaskQueue } from "./channel/queue.ts";
export type { PutOptions, PutSyncOptions, ThreadQueue } from "./channel/thread_queue.ts";
export type { MemoryQueue } from "./channel/memory/queue.ts";
export type {
  MovingOptions,
  QueueLike,
  QueueOptions,
  QueueSyncOptions,
  ShutdownOptions,
} from "./channel/queue_like.ts";
export type { WaitOptions, WaitSyncOptions } from "./sync/options.ts";
export { Empty, Full, ShutDown } from "./core/errors.ts";
