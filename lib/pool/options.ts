/**
 * Options of pools and executors, and their checks.
 *
 * @module
 */
import {
  checkArray,
  checkBoolean,
  checkFunction,
  checkInteger,
  checkIterable,
  checkOptions,
  checkSignal,
  checkString,
  checkTimeout,
  show,
} from "../core/checks.ts";
import type { Permissions } from "../child/process/permissions.ts";
import type { Target } from "../transfer/task.ts";
import type { TrustLevel } from "../transfer/reduction.ts";
import type { World } from "../transfer/shareable.ts";
import type { Transport, WorkerBoot } from "./transport/transport.ts";
import type { Progress } from "./progress.ts";

/** The options that a pool is made of. */
export interface EngineOptions {
  world: World;
  /** The workers' relation to this process, and so from whom their words are. */
  level: TrustLevel;
  /** True if they may use memory between processes. */
  mayMap: boolean;
  /** Starts a worker. `rang` is called when it may have said something. */
  start: (boot: WorkerBoot, rang: () => void) => Transport;
  /** The name of its workers, before their number. */
  prefix: string;
  maxWorkers: number;
  minWorkers: number;
  /** The time that a worker may have nothing to do, in ms. */
  idleTimeout: number;
  maxTasksPerWorker: number;
  /** The most calls that may wait. */
  maxQueue: number;
  /** The time that a cancelled call may go on, in ms. */
  grace: number;
  initializer: Target | undefined;
  initArgs: unknown[];
  /** True if Ctrl-C is the business of whoever has it: its calls are those of others. */
  isHidden?: boolean;
}

/** Options of a map. */
export interface MapOptions {
  /** The number of items in one call. Default: as many as take a few milliseconds, as measured. */
  chunksize?: number | undefined;
  /** The time for all of it, in ms. Default: without limit. */
  timeout?: number | undefined;
  /** Cancels all of it: what runs too. */
  signal?: AbortSignal | undefined;
  /**
   * The number of times that a chunk is tried again when its worker dies. What an item throws is no
   * reason to try again: for that there is `retry()` of `@std/async`, in the target. Default: 0.
   */
  retries?: number | undefined;
  /** Called when items are done. */
  onProgress?: ((progress: Progress) => void) | undefined;
  /** True if a bar is drawn on standard error, if that is a terminal. Default: false. */
  progress?: boolean | undefined;
}

/** The options of a pool's workers. */
export interface WorkerOptions {
  maxWorkers: unknown;
  minWorkers?: unknown;
  idleTimeout?: unknown;
  namePrefix?: unknown;
  initializer?: unknown;
  initArgs?: unknown;
  maxTasksPerWorker?: unknown;
  maxQueue?: unknown;
  grace?: unknown;
  permissions?: Permissions | undefined;
}

/** The time that a worker with nothing to do stays, in ms. */
const IDLE = 60_000;
/** The time that a cancelled call may go on, in ms. */
const GRACE = 500;

/**
 * Checks the options of a pool.
 *
 * @param names What its caller calls some of them.
 */
export function checkWorkers(
  options: WorkerOptions,
  action: string,
  names: { maxWorkers: string; maxTasks: string } = {
    maxWorkers: "maxWorkers",
    maxTasks: "maxTasksPerWorker",
  },
): Omit<EngineOptions, "world" | "level" | "mayMap" | "start" | "prefix"> & {
  namePrefix: string | undefined;
} {
  const { maxWorkers, minWorkers = 0, idleTimeout = IDLE, grace = GRACE, initArgs } = options;
  const { maxTasksPerWorker = Infinity, maxQueue = Infinity, initializer, namePrefix } = options;
  checkInteger(maxWorkers, 1, names.maxWorkers, action);
  checkInteger(minWorkers, 0, "minWorkers", action);
  if (minWorkers > maxWorkers) {
    throw new RangeError(
      `Cannot ${action}: minWorkers must be <= ${names.maxWorkers} (${maxWorkers}), received ${minWorkers}`,
    );
  }
  checkTime(idleTimeout, "idleTimeout", action);
  checkTime(grace, "grace", action);
  if (maxTasksPerWorker !== Infinity) checkInteger(maxTasksPerWorker, 1, names.maxTasks, action);
  if (maxQueue !== Infinity) checkInteger(maxQueue, 1, "maxQueue", action);
  checkFunction(initializer, "initializer", action);
  checkString(namePrefix, "namePrefix", action);
  checkArray(initArgs, "initArgs", action);
  return {
    maxWorkers,
    minWorkers,
    idleTimeout: idleTimeout as number,
    grace: grace as number,
    maxTasksPerWorker: maxTasksPerWorker as number,
    maxQueue: maxQueue as number,
    initializer: initializer as Target | undefined,
    initArgs: initArgs ?? [],
    namePrefix: namePrefix as string | undefined,
  };
}

function checkTime(value: unknown, name: string, action: string): void {
  if (typeof value !== "number" || Number.isNaN(value)) {
    throw new TypeError(`Cannot ${action}: ${name} must be a number, received ${show(value)}`);
  }
  if (value < 0) {
    throw new RangeError(`Cannot ${action}: ${name} must be >= 0 ms, received ${value}`);
  }
}

/** Checks the options of a map, and gives them without what is not set. */
export function checkMap(
  options: MapOptions | undefined,
  source: unknown,
  action: string,
): MapOptions {
  checkOptions(options, action);
  const { chunksize, timeout, signal, retries, onProgress, progress } = options ?? {};
  if (chunksize !== undefined) checkInteger(chunksize, 1, "chunksize", action);
  if (retries !== undefined) checkInteger(retries, 0, "retries", action);
  checkSignal(signal, action);
  checkFunction(onProgress, "onProgress", action);
  checkBoolean(progress, "progress", action);
  checkIterable(source, "iterable", action, { async: true });
  return {
    chunksize,
    timeout: checkTimeout(timeout, action),
    signal,
    retries,
    onProgress,
    progress,
  };
}
