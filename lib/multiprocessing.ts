/**
 * Processes: Denos of their own that run functions of yours, with locks that outlive their holders.
 *
 * | for | reach for |
 * | --- | --- |
 * | running a function in isolation | {@linkcode Process} |
 * | applying one to many inputs, on all cores | {@linkcode Pool}, {@linkcode ThreadPool} |
 * | one at a time, between processes | {@linkcode Lock}, {@linkcode RLock} |
 * | so many at a time | {@linkcode BoundedSemaphore}, {@linkcode Semaphore} |
 * | telling that something has happened | {@linkcode Event} |
 * | waiting for a state of shared data | {@linkcode Condition} |
 * | going in rounds | {@linkcode Barrier} |
 * | handing work on | {@linkcode Queue}, {@linkcode JoinableQueue}, {@linkcode LifoQueue}, {@linkcode PriorityQueue} |
 * | sharing numbers | {@linkcode Value}, {@linkcode Array} |
 * | talking with another | {@linkcode pipe}, {@linkcode connectionWait} |
 * | sharing bytes, or a list of mixed values | {@linkcode SharedMemory}, {@linkcode ShareableList} |
 * | sharing tables, lists, objects; or anything without FFI | {@linkcode Manager} |
 * | finding out why nothing moves | {@linkcode dump}, {@linkcode findDeadlocks} |
 * | who am I, who started me | {@linkcode currentProcess}, {@linkcode parentProcess} |
 * | processes that start in four milliseconds | {@linkcode prewarm} |
 *
 * As in Python's "spawn", a child imports the main script anew: guard its main part with
 * `if (import.meta.main)`. There are no keyword arguments (`kwargs`): what is optional goes into
 * one options object, the last of the `args`. The classes here extend those of `threading`: a
 * function that is typed with `threading.Lock` takes both.
 *
 * *Permissions*: a process needs `--allow-run` for Deno itself, and `--allow-read`, `--allow-write`
 * and `--allow-net` for a socket in the temporary folder; its name is random, so `--allow-net` has
 * to be given in full. To run from a URL, `--allow-import` must cover its host. Whatever processes
 * share needs `--allow-ffi`, in the child too, and Linux; so do `joinSync()` and `resultSync()`.
 *
 * ## Children with fewer permissions
 *
 * Full grants pass on to a child, limited ones as far as its option `permissions` names them. A
 * child with fewer needs none for what it is given: pools and executors reach it over a socket, the
 * proxies of a {@linkcode Manager} bring the way to its server along, and a {@linkcode pipe} goes
 * over to a socket by itself when an end is given to a child without FFI. Locks, queues and shared
 * memory are refused to such a child at the call, which names what to use instead.
 *
 * ## What a child may be trusted with
 *
 * A child that is started with fewer `permissions` than its parent has is held by Deno to these,
 * and by the toolkit to what it says. What is promised:
 *
 * - *to its parent*: a child never may more than its parent. Nothing that a child with fewer
 *   permissions says (results, errors, reports, messages) makes a process with more import a
 *   module, run a function or open a file. Its standard input is empty unless it is asked for. It
 *   ends within 2 s of its parent, also if it never pauses: on Linux and macOS, where the parent
 *   may run `/bin/sh`. So it sends no functions, and objects of no class but those that the
 *   receiver has: of its main module, or marked by `task()` where it has been imported. Others are
 *   a `ShareError` there; an error of such a class keeps name, message and fields. A queue that
 *   such a child was given is read so by all. A message has at most 64 MiB, and becomes at most 64
 *   MiB and 32 times its bytes of objects; tables whose keys were made to collide are refused.
 * - *to its siblings*: what a child is told when it starts, and what it answers, is sealed with a
 *   key of its own. A sibling that reads the temporary folder learns nothing. One that writes there
 *   too, and may use the net, can cut others off, but not read or alter what they say. That is for
 *   a process and its parent; between the sockets of pipes and managers such a sibling can come:
 *   give no child that folder.
 * - *at a pipe over a socket*: who was given one end can do what that end does, and nothing else:
 *   neither open the other one nor read or forge what others send. It can take what is sent to its
 *   own end.
 * - *against other users of the machine*: the folders are private (0700), and so are the keys. On
 *   Windows, where Deno has no Unix sockets, those of the loopback stand in for them: others can
 *   knock there, and who shows no token is turned away.
 *
 * What gives everything away, whatever else is withheld: `ffi`; `run` of Deno, of a shell or of any
 * other program that can be told to do more; `write` of the folder of the script, of its deno.json
 * or of the toolkit, as the next start runs what lies there.
 *
 * What is not promised: a bound on the memory, the cores and the time that a child takes, and that
 * it learns nothing from how long things take. That calls of a pool which trust each other less are
 * kept apart: they share workers, so set `maxTasksPerWorker: 1`. That a program of the same user
 * outside Deno, or a child with `run`, cannot look into a process: to the system one user is one.
 * That Deno's switches `--no-remote`, `--no-npm` and `--cached-only` pass on: they cannot be read.
 *
 * @module
 */
export { cpuCount } from "./core/environment.ts";
export {
  activeChildren,
  currentProcess,
  parentProcess,
  Process,
} from "./multiprocessing/process.ts";
export type {
  ProcessOptions,
  ProcessOptionsWithArgs,
  ProcessRest,
} from "./multiprocessing/options.ts";
export type { JoinOptions, JoinSyncOptions } from "./child/plan.ts";
export {
  Barrier,
  BoundedSemaphore,
  Condition,
  Event,
  Lock,
  RLock,
  Semaphore,
  SharedArray as Array,
  Value,
} from "./multiprocessing/sync.ts";
export { JoinableQueue, Queue, SimpleQueue } from "./multiprocessing/queue.ts";
export { LifoQueue, PriorityQueue } from "./multiprocessing/ordered_queues.ts";
export { Manager } from "./multiprocessing/manager/manager.ts";
export type { ManagerOptions } from "./multiprocessing/manager/start.ts";
export type { ObjectProxy } from "./multiprocessing/manager/proxies/object.ts";
export type { Proxied, Updater } from "./multiprocessing/manager/proxies/proxy.ts";
export type {
  DictProxy,
  ListProxy,
  NamespaceProxy,
} from "./multiprocessing/manager/proxies/collections.ts";
export type { QueueProxy } from "./multiprocessing/manager/proxies/queue.ts";
export type {
  ConditionProxy,
  LockingProxy,
  LockProxy,
  ManagerGuard,
  RLockProxy,
} from "./multiprocessing/manager/proxies/locks.ts";
export type {
  ArrayProxy,
  NumbersProxy,
  ValueProxy,
} from "./multiprocessing/manager/proxies/numbers.ts";
export type {
  BarrierProxy,
  BoundedSemaphoreProxy,
  EventProxy,
  SemaphoreProxy,
} from "./multiprocessing/manager/proxies/sync.ts";
export { pipe } from "./multiprocessing/pipe.ts";
export type { ProcessPipeOptions as PipeOptions } from "./multiprocessing/pipe.ts";
export { connectionWait } from "./channel/connection_wait.ts";
export type { Pollable } from "./channel/connection_wait.ts";
export type { Connection, SendOptions, SendSyncOptions } from "./channel/connection.ts";
export { SharedMemory } from "./multiprocessing/shared_memory.ts";
export type { SharedMemoryOptions } from "./multiprocessing/shared_memory.ts";
export { ShareableList } from "./multiprocessing/shareable_list.ts";
export type { ShareableListItem, ShareableListOptions } from "./multiprocessing/shareable_list.ts";
export { prewarm } from "./multiprocessing/prewarm.ts";
export { Pool } from "./pool/process_pool.ts";
export { ThreadPool } from "./pool/thread_pool.ts";
export { BasePool } from "./pool/pool.ts";
export type {
  ApplyOptions,
  CallbackOptions,
  PoolOptions,
  Source,
  ThreadPoolOptions,
} from "./pool/pool.ts";
export { AsyncResult } from "./pool/async_result.ts";
export type { AnyArgs } from "./pool/call.ts";
export type { MapOptions } from "./pool/options.ts";
export type { Progress } from "./pool/progress.ts";
export { dump, findDeadlocks } from "./multiprocessing/report.ts";
export { Guard } from "./sync/guard.ts";
export {
  BrokenBarrierError,
  CancelledError,
  Empty,
  EOFError,
  Full,
  TimeoutError,
  WorkerLostError,
} from "./core/errors.ts";
export type {
  QueueLike,
  QueueOptions,
  QueueSyncOptions,
  ShutdownOptions,
} from "./channel/queue_like.ts";
export type { BarrierOptions } from "./sync/barrier.ts";
export type { NameOptions } from "./sync/cell.ts";
export type { Deadlock, DeadlockParty } from "./sync/deadlock.ts";
export type { Dump } from "./child/dump_on_signal.ts";
export type { NonBigType, NumberOf, NumericType } from "./sync/numeric.ts";
export type {
  AcquireOptions,
  AcquireSyncOptions,
  Bounded,
  DetectOptions,
  WaitOptions,
  WaitSyncOptions,
} from "./sync/options.ts";
export type { PermissionKind, Permissions } from "./child/process/permissions.ts";
export type { Stdio } from "./child/process/host.ts";
