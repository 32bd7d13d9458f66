/**
 * Queues and calls between programs: on many machines by RabbitMQ, on one machine in a file.
 *
 * | you need | reach for |
 * | --- | --- |
 * | work from the programs that make it to those that do it | {@linkcode RemoteQueue}: `put()`, `for await` |
 * | an item that is not lost with whoever has it | `take()`, or the iteration: it is lent, and gone with `done()` |
 * | programs in other languages at the other end | a queue with `format: "json"` |
 * | functions called on other machines, and what they return | {@linkcode RemoteExecutor}: `submit()`, `map()` |
 * | to run such calls | {@linkcode RemoteWorker}, or the command line: `cli worker` |
 * | a call whose outcome nobody waits for | `send()` |
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
 * **What is promised.**
 *
 * | when | a queue | a call |
 * | --- | --- | --- |
 * | a put, or `send()`, has settled | the broker has it on its disk | the same |
 * | the broker is started again | it waits, then goes on | the same |
 * | the broker is away for longer than `patience` | BrokerLostError | BrokerLostError |
 * | whoever has it dies | it goes to another | it runs elsewhere, `retries` times; then WorkerLostError |
 * | whoever has it is cut off | it is delivered again | it may run twice; its caller gets one outcome |
 * | it throws | - | the error, once: it is no reason to try again |
 * | whoever wants it dies | - | it is dropped, or run with `orphan: "keep"` |
 * | nobody is there for it | it waits | BrokenExecutor after `patience` |
 * | it is cancelled before it has begun | - | it never runs, unless the broker is away meanwhile |
 * | the worker has not its target, or another text of it | - | it waits for one that has; then TaskRefusedError |
 *
 * Items of one program come to another in their order. Nobody waits for ever: each wait ends with
 * what it waits for, by its timeout, or by `patience`.
 *
 * **What is not.** Nothing is done exactly once: an item may come twice, and a call may run twice,
 * when its taker died before it said that it was done, or when the connection broke before the
 * broker's answer came. So what is done with it should do no harm the second time; `attempt` says
 * that there was a first, and a `key` is known again. What is delivered again comes out of turn.
 * `get()` gives an item for good: who dies with it loses it. It is no workflow engine: what comes
 * after what is said by `await` in the program that calls. Nobody keeps results for later; they are
 * for the program that asked.
 *
 * **Who can write to the broker** can put items, and call what workers have in their `root`. Items
 * are data: nothing that a message says runs code or loads a module. A call names a module, and is
 * refused before it is decoded if that is neither in the root nor allowed. What is not readable, or
 * not signed though there is a `secret`, is buried: put aside with the reason, to be looked at with
 * `cli dead`.
 *
 * Needs `--allow-net` to the broker, and `--allow-env=SWITCHYARD_URL` to take the URL from there;
 * for a file `--allow-read` and `--allow-write` of its folder; `memory:` nothing. A worker needs
 * what its calls need, and `--allow-read` of its root.
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
export {
  BrokenExecutor,
  BrokerLostError,
  CancelledError,
  Empty,
  Full,
  ShutDown,
  TaskRefusedError,
  TimeoutError,
  WorkerLostError,
} from "./core/errors.ts";
