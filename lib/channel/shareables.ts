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
import { PortConnection, type SentPortEnd } from "./port_pipe.ts";
import { LifoQueue, PriorityQueue, Queue, SimpleQueue } from "./queue.ts";
import { Core } from "./queue_core.ts";

for (const Kind of [Queue, LifoQueue, PriorityQueue, SimpleQueue]) {
  const Restored = Kind as unknown as new (core: Core) => SimpleQueue;
  shareable(import.meta, Kind.name, Restored, (sent) => new Restored(Core.find(sent)));
}
shareable(
  import.meta,
  "Connection",
  PortConnection,
  (sent) => new PortConnection(sent as SentPortEnd),
);
shareable(import.meta, "Broadcast", Broadcast, (name) => new Broadcast(name as string));
