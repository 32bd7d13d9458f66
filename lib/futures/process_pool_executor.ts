/**
 * An executor over processes.
 *
 * @module
 */
import type { Permissions } from "../child/process/permissions.ts";
import { cpuCount } from "../core/environment.ts";
import { processWorkers } from "../pool/transport/process.ts";
import { Executor, type ExecutorOptions, ofWorkers } from "./executor.ts";

/** Options of a {@linkcode ProcessPoolExecutor}. */
export interface ProcessExecutorOptions extends ExecutorOptions {
  /**
   * The permissions of the workers, as for a `Process`. Default: what this process holds in full.
   */
  permissions?: Permissions;
  /**
   * The most bytes that a result, an error or a report may have; the call whose result has more
   * fails with a RangeError. Default: 64 MiB for workers that may do less than this process, so
   * that none of them fills its memory; without limit for others.
   */
  maxMessage?: number;
}

/**
 * Runs calls in processes.
 *
 * Reach for it when calls must be isolated, may crash, need fewer permissions, or must be stoppable
 * at any moment; otherwise threads start quicker and pass values quicker.
 *
 * *Owner death*: a worker that dies is replaced, and only the call that it ran fails, with a
 * WorkerLostError that names the exit code or signal.
 *
 * *Permissions*: as `Process`. With `--allow-ffi` here and in the workers calls go through shared
 * memory; without it one at a time to each worker, over a socket, and the Sync forms throw.
 *
 * @example Squares
 * ```ts
 * import { ProcessPoolExecutor } from "@switchyard/switchyard/futures";
 *
 * export function square(x: number) {
 *   return x * x;
 * }
 *
 * if (import.meta.main) {
 *   await using executor = new ProcessPoolExecutor(4);
 *   console.log(await executor.submit(square, 12).result()); // 144
 * }
 * ```
 *
 * @example Lose a worker, and go on
 * ```ts
 * import { ProcessPoolExecutor, WorkerLostError } from "@switchyard/switchyard/futures";
 *
 * export function square(x: number) {
 *   return x * x;
 * }
 *
 * export function crash() {
 *   Deno.kill(Deno.pid, "SIGKILL");
 * }
 *
 * if (import.meta.main) {
 *   await using executor = new ProcessPoolExecutor(2);
 *   const lost = executor.submit(crash);
 *   const kept = executor.submit(square, 12);
 *   console.log(await lost.exception() instanceof WorkerLostError); // true
 *   console.log(await kept.result()); // 144
 * }
 * ```
 */
export class ProcessPoolExecutor extends Executor {
  /**
   * Creates an executor.
   *
   * @param maxWorkers The most workers. Default: one for each core.
   * @throws {TypeError | RangeError} Bad options.
   */
  constructor(maxWorkers?: number, options?: ProcessExecutorOptions) {
    const kind = "ProcessPoolExecutor";
    const workers = { ...processWorkers(options, `create a ${kind}`), kind };
    super(...ofWorkers(workers, maxWorkers === undefined ? cpuCount() : maxWorkers, options));
  }
}
