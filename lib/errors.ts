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
 * | a call was cancelled | {@linkcode CancelledError} |
 * | a pool can run nothing any more | {@linkcode BrokenExecutor} |
 * | a broker cannot be reached | {@linkcode BrokerLostError} |
 * | there is no child to wait for | {@linkcode ChildProcessError} |
 * | a worker on another machine will not run a call | {@linkcode TaskRefusedError} |
 * | `os.exit()` was called | {@linkcode SystemExit} |
 * | a signal came that ends what is going on | {@linkcode KeyboardInterrupt} |
 * | a program failed, or took too long | {@linkcode CalledProcessError}, {@linkcode TimeoutExpired} |
 *
 * @module
 */
export {
  BootstrapError,
  BrokenBarrierError,
  BrokenExecutor,
  BrokerLostError,
  CalledProcessError,
  CancelledError,
  ChildProcessError,
  DeadlockError,
  Empty,
  EOFError,
  Full,
  KeyboardInterrupt,
  ShareError,
  ShutDown,
  SubprocessError,
  SystemExit,
  TaskRefusedError,
  ThreadTerminated,
  TimeoutError,
  TimeoutExpired,
  WorkerLostError,
} from "./core/errors.ts";
export type { BrokerLoss, Outputs, ProgramOutput, Refusal, WorkerLoss } from "./core/errors.ts";
