/**
 * An executor over threads.
 *
 * @module
 */
import { cpuCount } from "../core/environment.ts";
import { prepareEarly } from "../core/ports.ts";
import { startThread } from "../pool/transport/thread.ts";
import { Executor, type ExecutorOptions, ofWorkers } from "./executor.ts";

// Who imports the module is about to need them; whoever wants processes alone does not wait.
await prepareEarly();

/** As CPython: some more than cores, for calls that wait. */
const MOST = 32;
const MORE = 4;

/**
 * Runs calls in threads.
 *
 * Reach for it to use all cores with functions of the program, and to keep code that blocks away
 * from the main thread. It differs from Python's in that its threads compute in parallel, and in
 * that arguments and results are copies: what is shared are the synchronizers and
 * SharedArrayBuffers.
 *
 * Workers are started when there is work for them. A call that never pauses cannot be stopped in a
 * thread: when it is cancelled its worker is cut off and replaced, and its core is busy until the
 * program ends.
 *
 * *Owner death*: a worker that dies is replaced, and only the call that it ran fails, with a
 * WorkerLostError.
 *
 * *Permissions*: `--allow-read` of the modules that the workers import.
 *
 * @example Squares
 * ```ts
 * import { ThreadPoolExecutor } from "@switchyard/switchyard/futures";
 *
 * export function square(x: number) {
 *   return x * x;
 * }
 *
 * if (import.meta.main) {
 *   await using executor = new ThreadPoolExecutor(4);
 *   const future = executor.submit(square, 12);
 *   console.log(await future.result()); // 144
 *   for await (const result of executor.map(square, [1, 2, 3])) console.log(result); // 1, 4, 9
 * }
 * ```
 */
export class ThreadPoolExecutor extends Executor {
  /**
   * Creates an executor.
   *
   * @param maxWorkers The most workers. Default: 4 more than cores, at most 32.
   * @throws {TypeError | RangeError} Bad options.
   */
  constructor(maxWorkers?: number, options?: ExecutorOptions) {
    const workers = {
      world: "thread",
      level: "equal",
      mayMap: true,
      start: startThread,
      kind: "ThreadPoolExecutor",
    } as const;
    const most = maxWorkers === undefined ? Math.min(MOST, cpuCount() + MORE) : maxWorkers;
    super(...ofWorkers(workers, most, options));
  }
}
