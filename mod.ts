/**
 * Switchyard: what Python's threading and multiprocessing give, for Deno.
 *
 * `task` and the error classes are here; everything else is in the modules of its name.
 *
 * @module
 */
export { context, task } from "./lib/task.ts";
export type { Target, TaskContext } from "./lib/task.ts";
export * from "./lib/errors.ts";
export * as threading from "./lib/threading.ts";
export * as multiprocessing from "./lib/multiprocessing.ts";
export * as futures from "./lib/futures.ts";
export * as queue from "./lib/queue.ts";
export * as subprocess from "./lib/subprocess.ts";
export * as signal from "./lib/signal.ts";
export * as os from "./lib/os.ts";
export * as time from "./lib/time.ts";
export * as trace from "./lib/trace.ts";
export * as remote from "./lib/remote.ts";
