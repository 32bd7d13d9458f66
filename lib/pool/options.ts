/**
 * Options of pools and executors, and their checks.
 *
 * @module
 */
import {
  checkBoolean,
  checkFunction,
  checkInteger,
  checkOptions,
  checkSignal,
  checkString,
  checkTimeout,
  show,
} from "../core/checks.ts";
import type { Permissions } from "../child/permissions.ts";
import type { Target } from "../transfer/task.ts";
import type { EngineOptions } from "./engine.ts";
import type { MapOptions } from "./mapping.ts";

/** What a pool may be told of its workers. */
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

/** How long a worker with nothing to do stays, in ms. */
const IDLE = 60_000;
/** How long a cancelled call may go on, in ms. */
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
): Omit<EngineOptions, "world" | "level" | "start" | "prefix"> & {
  namePrefix: string | undefined;
} {
  const { maxWorkers, minWorkers = 0, idleTimeout = IDLE, grace = GRACE, initArgs = [] } = options;
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
  if (!Array.isArray(initArgs)) {
    throw new TypeError(`Cannot ${action}: initArgs must be an array, received ${show(initArgs)}`);
  }
  return {
    maxWorkers,
    minWorkers,
    idleTimeout: idleTimeout as number,
    grace: grace as number,
    maxTasksPerWorker: maxTasksPerWorker as number,
    maxQueue: maxQueue as number,
    initializer: initializer as Target | undefined,
    initArgs,
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
  const { [Symbol.iterator]: sync, [Symbol.asyncIterator]: async } = Object(source ?? 0);
  if (typeof sync !== "function" && typeof async !== "function") {
    throw new TypeError(`Cannot ${action}: iterable must be iterable, received ${show(source)}`);
  }
  return {
    chunksize,
    timeout: checkTimeout(timeout, action),
    signal,
    retries,
    onProgress,
    progress,
  };
}
