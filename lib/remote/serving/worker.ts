/**
 * A worker: it runs the calls of a queue in its threads or processes.
 *
 * @module
 */
import { checkOptions, checkSignal, show } from "../../core/checks.ts";
import { INSPECT, shown } from "../../core/inspect.ts";
import { held } from "../../core/promises.ts";
import { Clock } from "../clock.ts";
import { openAccess } from "../link/access.ts";
import { makeStation, THREADS, type WorkerStart } from "./make_station.ts";
import {
  type CheckedWorker,
  checkWorker,
  type RemoteWorkerOptions,
  time,
} from "../calls/options.ts";
import type { Station, WorkerTally } from "./station.ts";

/** Options of `run()` of a `RemoteWorker`. */
export interface RunWorkerOptions {
  /** Stops it, as `stop()` does. */
  signal?: AbortSignal;
}

/** Options of `stop()` of a `RemoteWorker`. */
export interface StopWorkerOptions {
  /** For how long calls that run may go on, in ms. Default: the worker's. */
  drain?: number;
}

/** Figures about a `RemoteWorker`. */
export interface RemoteWorkerStats extends WorkerTally {
  /** Calls that run. */
  running: number;
  /** Calls that wait here. */
  held: number;
  /** Calls that were passed on to other workers, since they could not begin here. */
  passed: number;
  /** Calls that were refused: not to be found here, not allowed, or not signed. */
  refused: number;
  /** Calls that were dropped, as their caller had gone. */
  dropped: number;
  /** Calls that were put aside: refused, unreadable, or the death of too many workers. */
  buried: number;
}

const NOTHING: WorkerTally = { done: 0, failed: 0, back: 0 };

// By a name that is no literal: a program that only calls shall not load what starts processes.
const PROCESSES = "../../pool/transport/process.ts";

/**
 * Runs the calls that `RemoteExecutor`s put on a queue, in threads or processes of this program. So
 * does the command line's `worker`, for which nothing need be written.
 *
 * It imports only what lies in its `root` or below a URL in `allow`; what a message names elsewhere
 * is refused before anything of it is decoded. But who can write to the broker can call every
 * target in the root, with arguments of their choice: where that is not only yourself, set a
 * `secret`.
 *
 * *Owner death*: a thread or process that dies is replaced, and its call goes to another worker, as
 * often as `retries` says. If this program dies, the broker gives all that it had to others.
 *
 * *Permissions*: `--allow-net` to the broker, `--allow-read` of the root, and what the tasks need;
 * with `kind: "process"` what `Process` needs, and `permissions` says what the tasks may.
 *
 * @example Serve a queue until somebody stops it
 * ```ts
 * import { RemoteWorker } from "@switchyard/switchyard/remote";
 *
 * const worker = new RemoteWorker("thumbnails", { url: "memory:", workers: 2 });
 * const served = worker.run();
 * // … later, or by a signal
 * await worker.stop();
 * console.log(await served); // { done: 0, failed: 0, back: 0 }
 * ```
 */
export class RemoteWorker implements AsyncDisposable {
  /** The queue that it serves. */
  readonly queue: string;
  readonly #options: CheckedWorker;
  #station: Station | undefined;
  #running: Promise<WorkerTally> | undefined;
  #stopsWith: number | undefined;

  /**
   * Makes a worker; `run()` has it serve.
   *
   * @param queue The queue, as the executors name it. Default: `"tasks"`.
   * @throws {TypeError | RangeError} Bad options.
   */
  constructor(queue = "tasks", options: RemoteWorkerOptions = {}) {
    this.#options = checkWorker(queue, options);
    this.queue = queue;
  }

  /**
   * Serves the queue until it is stopped. It does so once.
   *
   * @returns What it has done.
   * @throws {BrokerLostError} The broker was away for longer than `patience`, or refuses it.
   * @throws {BrokenExecutor} Its threads or processes cannot start.
   * @throws {Error} It has been run before.
   */
  run(options?: RunWorkerOptions): Promise<WorkerTally> {
    const action = "run the worker";
    checkOptions(options, action);
    const { signal } = options ?? {};
    checkSignal(signal, action);
    if (this.#running !== undefined) {
      throw new Error(`Cannot ${action} of ${show(this.queue)}: it has been run before`);
    }
    return this.#running = held(this.#run(signal));
  }

  async #run(signal: AbortSignal | undefined): Promise<WorkerTally> {
    const { address, kind, drain } = this.#options;
    const how = kind === "thread" ? THREADS : await this.#processes();
    const access = openAccess(address);
    const station = this.#station = makeStation(access, new Clock(), this.#options, how);
    const stop = () => void station.stop(drain);
    signal?.addEventListener("abort", stop);
    try {
      station.start();
      if (signal?.aborted) stop();
      if (this.#stopsWith !== undefined) station.stop(this.#stopsWith);
      return await station.over;
    } finally {
      signal?.removeEventListener("abort", stop);
      await access.close();
    }
  }

  async #processes(): Promise<WorkerStart> {
    const module: typeof import("../../pool/transport/process.ts") = await import(PROCESSES);
    const { permissions } = this.#options;
    const options = permissions === undefined ? {} : { permissions };
    return module.processWorkers(options, "run the worker");
  }

  /**
   * Stops it: it takes no more, gives back what has not begun, and lets what runs go on for a
   * while; then it cancels that and gives it back, too. With `drain: 0` at once.
   *
   * @returns What it has done.
   */
  async stop(options?: StopWorkerOptions): Promise<WorkerTally> {
    const action = "stop the worker";
    checkOptions(options, action);
    const drain = time(options?.drain, "drain", action, this.#options.drain);
    if (this.#running === undefined) {
      this.#running = Promise.resolve(NOTHING);
    } else if (this.#station === undefined) this.#stopsWith = drain;
    else this.#station.stop(drain);
    return await held(this.#running);
  }

  /** The figures of what it has done and does. */
  stats(): RemoteWorkerStats {
    const desk = this.#station?.desk;
    const counts = { ...NOTHING, passed: 0, refused: 0, dropped: 0, buried: 0 };
    return {
      ...counts,
      ...desk?.counts,
      running: desk?.running.length ?? 0,
      held: desk?.held.length ?? 0,
    };
  }

  /** Stops it, as {@linkcode stop}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  /** @ignore */
  [INSPECT](): string {
    return shown(this, () => {
      const { running, done } = this.stats();
      return [this.queue, this.#station?.state ?? "new", `${running} running`, `${done} done`];
    });
  }
}
