/**
 * What a thread knows that uses queues or pipes: the toolkit's shareables. While it is blocked it could not
 * import what an item needs.
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
import "./broadcast.ts";
import "./port_pipe.ts";
import "./queue.ts";
