/**
 * Queues between programs: on many machines by RabbitMQ, on one machine in a file.
 *
 * | you need | reach for |
 * | --- | --- |
 * | work from the programs that make it to those that do it | {@linkcode RemoteQueue}: `put()`, `for await` |
 * | an item that is not lost with whoever has it | `take()`, or the iteration: it is lent, and gone with `done()` |
 * | programs in other languages at the other end | the option `format: "json"` |
 * | to know that a message is from somebody who knows the secret | the option `secret` |
 *
 * A URL says where: `amqp://user:password@host/vhost` (several hosts: `amqp://u:p@a,b,c/`),
 * `amqps://…`, `file:jobs.db` or `file:///folder/jobs.db`, or `memory:` and `memory:NAME`, which
 * are in this process: the same script, for tests and for a first run. Without the option `url` it
 * is `SWITCHYARD_URL` of the environment, else `memory:`. A handle works in every thread that it is
 * given to, and, unless it is of `memory:`, in every process. All of one URL share one connection,
 * which has a thread of its own: so it lives while the main thread computes or blocks.
 *
 * **In a file** a queue needs no server: any number of processes of one machine use it, at the same
 * time or one after the other, and it outlives them all. The file is a SQLite database, private to
 * its user, made at the first use; while it is open, `jobs.db-wal`, `jobs.db-shm` and the folder
 * `jobs.db-users` are beside it. It must be on a disk of this machine, not of the network. A put
 * that has settled survives the death of every process, and a power failure too, as it waits for
 * the disk; so put many at once: they wait for it together. What a killed process had taken goes to
 * another one within 100 ms. `?prefix=NAME` keeps one program's queues apart from another's. The
 * file does not shrink when its queues are emptied: the room is used again.
 *
 * **What is promised.** A put that has settled is on the broker's disk. Nothing that was confirmed
 * is lost by the death of any program, or of the broker. Items of one program come to another in
 * their order. Nobody waits for ever: each wait ends with what it waits for, by its timeout, or by
 * `patience` when the broker is away.
 *
 * **What is not.** An item may come twice: when its taker died before it said `done()`, or when the
 * connection broke before the broker's answer came. So what is done with an item should do no harm
 * the second time (`attempt` says that there was a first). What is delivered again comes out of
 * turn. `get()` gives an item for good: who dies with it loses it.
 *
 * **Who can write to the broker can put items.** They are data: nothing that a message says runs
 * code or loads a module. What is not readable, or not signed though there is a `secret`, is
 * buried: put aside with the reason.
 *
 * Needs `--allow-net` to the broker, and `--allow-env=SWITCHYARD_URL` to take the URL from there;
 * for a file `--allow-read` and `--allow-write` of its folder; `memory:` nothing.
 *
 * @module
 */
export { RemoteQueue } from "./remote/queue.ts";
export { RemoteExecutor } from "./remote/calls/executor.ts";
export { RemoteWorker } from "./remote/serving/worker.ts";
export type {
  RemoteWorkerStats,
  RunWorkerOptions,
  StopWorkerOptions,
} from "./remote/serving/worker.ts";
export type { RemoteStats } from "./remote/calls/caller.ts";
export type {
  Orphan,
  RemoteExecutorOptions,
  RemoteSendOptions,
  RemoteSubmitOptions,
  RemoteWorkerOptions,
} from "./remote/calls/options.ts";
export type { WorkerTally } from "./remote/serving/station.ts";
export { Taken } from "./remote/taken.ts";
export type { BackOptions, Settle } from "./remote/taken.ts";
export type {
  RemotePutOptions,
  RemotePutSyncOptions,
  RemoteQueueOptions,
} from "./remote/options.ts";
export type { QueueLike, QueueOptions, QueueSyncOptions } from "./channel/queue_like.ts";
export type { WaitOptions, WaitSyncOptions } from "./sync/options.ts";
export { BrokerLostError, Empty, Full, ShutDown, TimeoutError } from "./core/errors.ts";
