/**
 * A pool of threads.
 *
 * @module
 */
import { BasePool, type ThreadPoolOptions } from "./pool.ts";
import { cpuCount } from "../core/environment.ts";
import { startThread } from "./transport/thread.ts";

/**
 * As {@linkcode Pool}, over threads: they start quicker and share memory, and cannot be killed at
 * any moment.
 *
 * *Permissions*: `--allow-read` of the modules that the workers import.
 *
 * @example Squares
 * ```ts
 * import { ThreadPool } from "@switchyard/switchyard/multiprocessing";
 *
 * export function square(x: number) {
 *   return x * x;
 * }
 *
 * if (import.meta.main) {
 *   await using pool = new ThreadPool(4);
 *   console.log(await pool.map(square, [1, 2, 3])); // [ 1, 4, 9 ]
 * }
 * ```
 */
export class ThreadPool extends BasePool {
  /**
   * Creates a pool and starts its workers.
   *
   * @param processes The number of workers. Default: one for each core.
   * @throws {TypeError | RangeError} Bad options.
   */
  constructor(processes?: number, options?: ThreadPoolOptions) {
    super(
      { world: "thread", level: "equal", mayMap: true, start: startThread, kind: "ThreadPool" },
      processes === undefined ? cpuCount() : processes,
      options,
    );
  }
}
