/**
 * A pool of processes.
 *
 * @module
 */
import { BasePool, type PoolOptions } from "./pool.ts";
import { cpuCount } from "../core/environment.ts";
import { processWorkers } from "./transport/process.ts";

/**
 * Workers, each a process, that apply functions: to one list of arguments, or to all that an
 * iterable gives.
 *
 * Reach for it to compute on all cores with the least code; where calls come one by one and each
 * has a future, an executor of `futures` does better. It differs from Python's in that the first
 * error of a map cancels the rest of it, and that the size of chunks is chosen by how long items
 * take.
 *
 * *Owner death*: a worker that dies is replaced, and only the call that it ran fails, with a
 * WorkerLostError.
 *
 * *Permissions*: as `Process`. With `--allow-ffi` here and in the workers calls go through shared
 * memory; without it one at a time to each worker, over a socket.
 *
 * @example Squares
 * ```ts
 * import { Pool } from "@switchyard/switchyard/multiprocessing";
 *
 * export function square(x: number) {
 *   return x * x;
 * }
 *
 * if (import.meta.main) {
 *   await using pool = new Pool(4);
 *   console.log(await pool.map(square, [1, 2, 3])); // [ 1, 4, 9 ]
 * }
 * ```
 */
export class Pool extends BasePool {
  /**
   * Creates a pool and starts its workers.
   *
   * @param processes The number of workers. Default: one for each core.
   * @throws {TypeError | RangeError} Bad options.
   */
  constructor(processes?: number, options?: PoolOptions) {
    super(
      { ...processWorkers(options, "create a Pool"), kind: "Pool" },
      processes === undefined ? cpuCount() : processes,
      options,
    );
  }
}
