/**
 * The error classes of the toolkit, each with its facts as fields.
 *
 * | thrown when | class |
 * | --- | --- |
 * | a waiting call ran out of time | {@linkcode TimeoutError} |
 * | a wait could never end | {@linkcode DeadlockError} |
 * | a barrier will not open | {@linkcode BrokenBarrierError} |
 * | a queue has nothing to give, or no room, in time | {@linkcode Empty}, {@linkcode Full} |
 * | a queue has been shut down | {@linkcode ShutDown} |
 * | the other end of a connection is closed | {@linkcode EOFError} |
 * | a value cannot cross to a child | {@linkcode ShareError} |
 * | the `import.meta.main` guard is missing | {@linkcode BootstrapError} |
 * | a thread was stopped | {@linkcode ThreadTerminated} |
 * | a thread or process ended without a result | {@linkcode WorkerLostError} |
 * | `os.exit()` was called | {@linkcode SystemExit} |
 *
 * @module
 */
export {
  BootstrapError,
  BrokenBarrierError,
  DeadlockError,
  Empty,
  EOFError,
  Full,
  ShareError,
  ShutDown,
  SystemExit,
  ThreadTerminated,
  TimeoutError,
  WorkerLostError,
} from "./core/errors.ts";
export type { WorkerLoss } from "./core/errors.ts";
