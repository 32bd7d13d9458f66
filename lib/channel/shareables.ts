/**
 * The way in which queues, pipes and broadcasts between threads cross to another thread. It loads
 * the other shareables of threads as well: a thread that is blocked in a queue could not import
 * what an item needs.
 *
 * @module
 */
import "../sync/array.ts";
import "../sync/barrier.ts";
import "../sync/condition.ts";
import "../sync/event.ts";
import "../sync/lock.ts";
import "../sync/rlock.ts";
import "../sync/semaphore.ts";
import "../sync/value.ts";
import { shareable } from "../transfer/shareable.ts";
import { Broadcast } from "./broadcast.ts";
import { LifoQueue, PriorityQueue, Queue, SimpleQueue } from "./queue.ts";
import { receivedEnd, ThreadConnection } from "./thread_pipe.ts";
import type { SentThreadQueue } from "./thread_queue.ts";

/** A queue as it is sent; a priority queue has its order with it. */
interface SentQueue extends SentThreadQueue {
  compare?: unknown;
}

for (const Kind of [Queue, LifoQueue, PriorityQueue, SimpleQueue]) {
  const Restored = Kind as unknown as new (sent: SentQueue, compare: unknown) => SimpleQueue;
  shareable(import.meta, Kind.name, Restored, (sent) => {
    const state = sent as SentQueue;
    return new Restored(state, state.compare);
  });
}
shareable(import.meta, "Connection", ThreadConnection, receivedEnd);
shareable(import.meta, "Broadcast", Broadcast, (name) => new Broadcast(name as string));
