/**
 * Threads: Web Workers that run functions of yours, with the locks and objects that they share.
 *
 * **Not as in Python**: variables of a module are each thread's own. A thread imports your modules
 * anew; what threads share are SharedArrayBuffers and the objects of this module, given as arguments.
 * In return, threads run on all cores.
 *
 * | for | reach for |
 * | --- | --- |
 * | running a function on another core | {@linkcode Thread} |
 * | one at a time | {@linkcode Lock} |
 * | data of one thread alone | module variables, or {@linkcode local} |
 *
 * Whatever waits comes twice: `join()` gives a Promise, `joinSync()` blocks the thread; both are
 * allowed in every thread, the main one included.
 *
 * *Permissions*: `--allow-read` of the modules that a thread imports.
 *
 * @module
 */
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
export type {
  ExceptHook,
  ExceptHookArgs,
  JoinOptions,
  JoinSyncOptions,
  ThreadOptions,
  ThreadOptionsWithArgs,
  ThreadRest,
  ThreadState,
} from "./threading/thread.ts";
export { Lock } from "./sync/lock.ts";
export type { AcquireOptions, AcquireSyncOptions, Bounded, LockOptions } from "./sync/lock.ts";
export { Guard } from "./sync/guard.ts";
