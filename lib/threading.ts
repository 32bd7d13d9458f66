/**
 * Threads: Web Workers that run functions of yours, with the locks and objects that they share.
 *
 * **Not as in Python**: variables of a module are each thread's own. A thread imports your modules
 * anew; what threads share are SharedArrayBuffers and the objects of this module, given as
 * arguments. In return, threads run on all cores. There are no keyword arguments (`kwargs`): what
 * is optional goes into one options object, the last of the `args`.
 *
 * | for | reach for |
 * | --- | --- |
 * | running a function on another core | {@linkcode Thread} |
 * | running one later | {@linkcode Timer} |
 * | one at a time | {@linkcode Lock}, or {@linkcode RLock} for functions that call each other |
 * | so many at a time | {@linkcode BoundedSemaphore}, {@linkcode Semaphore} |
 * | telling that something has happened | {@linkcode Event} |
 * | waiting for a state of shared data | {@linkcode Condition} |
 * | going in rounds | {@linkcode Barrier} |
 * | sharing numbers | {@linkcode Value}, {@linkcode Array} |
 * | handing work to whoever is free | the `queue` module |
 * | two threads that talk | {@linkcode pipe} |
 * | telling something to all | {@linkcode Broadcast} |
 * | finding out why nothing moves | {@linkcode dump}, {@linkcode findDeadlocks} |
 * | data of one thread alone | module variables, or {@linkcode local} |
 * | threads that start in a millisecond | {@linkcode prewarm} |
 *
 * Whatever waits comes twice: `join()` gives a Promise, `joinSync()` blocks the thread; both are
 * allowed in every thread, the main one included. Both take a timeout in ms, and the former an
 * AbortSignal. No program ends in the midst of an `await` of the toolkit's; daemons, idle workers
 * and spares alone keep none alive. A thread whose code never pauses can be cut off, but not
 * stopped: its core stays busy. That is what a process is for.
 *
 * `console.log()` of a lock, a queue or a thread shows its state: `Lock(A, held by worker-1)`.
 * Mistakes that pass every check are told on stderr, once for each place: an `acquire()` that
 * nobody awaited; at the end of the program or of a child's task a `join()`, `wait()` or `put()`
 * that nobody ever awaited; and a lock or queue that a child made anew by importing the script. The
 * `lint` module finds a forgotten `await` in the source.
 *
 * *Permissions*: `--allow-read` of the modules that a thread imports.
 *
 * @module
 */
import "./channel/shareables.ts";

export {
  activeCount,
  currentThread,
  enumerate,
  getIdent,
  local,
  mainThread,
  setExcepthook,
  Thread,
} from "./threading/thread.ts";
export type { ExceptHook, ExceptHookArgs } from "./threading/thread.ts";
export type {
  ThreadOptions,
  ThreadOptionsWithArgs,
  ThreadRest,
  ThreadState,
} from "./threading/options.ts";
export type { JoinOptions, JoinSyncOptions } from "./child/plan.ts";
export { Timer } from "./threading/timer.ts";
export { prewarm } from "./threading/prewarm.ts";
export { Lock } from "./sync/lock.ts";
export { RLock } from "./sync/rlock.ts";
export { BoundedSemaphore, Semaphore } from "./sync/semaphore.ts";
export { Event } from "./sync/event.ts";
export { Condition } from "./sync/condition.ts";
export { Barrier } from "./sync/barrier.ts";
export type { BarrierOptions } from "./sync/barrier.ts";
export { Value } from "./sync/value.ts";
export { SharedArray as Array } from "./sync/array.ts";
export { pipe } from "./channel/thread_pipe.ts";
export type {
  Connection,
  PipeOptions,
  SendOptions,
  SendSyncOptions,
} from "./channel/connection.ts";
export { Broadcast } from "./channel/broadcast.ts";
export { dump } from "./threading/dump.ts";
export { findDeadlocks } from "./sync/deadlock.ts";
export { Guard } from "./sync/guard.ts";
export { BrokenBarrierError, EOFError } from "./core/errors.ts";
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
