/**
 * Executors: functions run in threads or processes, each with a future for what it gives.
 *
 * | to | use |
 * | --- | --- |
 * | run calls on all cores, in this process | {@linkcode ThreadPoolExecutor} |
 * | run calls that must be isolated, or stoppable at any moment | {@linkcode ProcessPoolExecutor} |
 * | wait for what a call gives, or cancel it | {@linkcode Future} |
 * | apply a function to all that an iterable gives | `executor.map()`, `executor.starmap()` |
 * | wait for several | {@linkcode wait}, {@linkcode asCompleted} |
 *
 * What differs from Python's `concurrent.futures`: `map()` takes no more from its input than it
 * needs, and chooses the size of its chunks by how long items take; a call that runs can be
 * cancelled; a worker that dies costs only the call that it ran, and the executor goes on. A future
 * is not thenable: `await future.result()`.
 *
 * *Permissions*: `--allow-read` of the modules that threads import; for processes what `Process` of
 * `multiprocessing` needs.
 *
 * @module
 */
export { Executor } from "./futures/executor.ts";
export type {
  ExecutorOptions,
  ExecutorShutdownOptions as ShutdownOptions,
  SubmitOptions,
} from "./futures/executor.ts";
export { Future } from "./futures/future.ts";
export type { CancelOptions } from "./futures/future.ts";
export { ProcessPoolExecutor } from "./futures/process_pool_executor.ts";
export type { ProcessExecutorOptions } from "./futures/process_pool_executor.ts";
export { ThreadPoolExecutor } from "./futures/thread_pool_executor.ts";
export { asCompleted, wait, waitSync } from "./futures/wait.ts";
export type {
  DoneAndNotDone,
  ReturnWhen,
  WaitForOptions,
  WaitForSyncOptions,
} from "./futures/wait.ts";
export type { AnyArgs } from "./pool/call.ts";
export type { MapOptions } from "./pool/options.ts";
export type { Progress } from "./pool/progress.ts";
export type { PoolStats, TimeSummary } from "./pool/stats.ts";
export { BrokenExecutor, CancelledError, TimeoutError, WorkerLostError } from "./core/errors.ts";
