/**
 * The options of remote executors and workers, and their checks.
 *
 * @module
 */
import {
  checkArray,
  checkFunction,
  checkInteger,
  checkOptions,
  checkString,
  show,
} from "../../core/checks.ts";
import { cpuCount } from "../../core/environment.ts";
import type { Permissions } from "../../child/process/permissions.ts";
import type { AnyArgs } from "../../pool/call.ts";
import type { Target } from "../../transfer/task.ts";
import { type Address, addressOf } from "../address.ts";
import { checkName } from "../options.ts";
import type { RemoteCallOptions } from "./remote_call.ts";
import { checkAllow, Places, rootOf } from "./places.ts";

/** What becomes of a call whose caller has gone. */
export type Orphan = "drop" | "keep";

/** Options of a `RemoteExecutor`. */
export interface RemoteExecutorOptions {
  /**
   * Where the broker is: `amqp://user:password@host/vhost`, `amqps://…`, `memory:` or
   * `memory:NAME`. Default: `SWITCHYARD_URL` of the environment, if it may be read, else `memory:`.
   */
  url?: string;
  /**
   * The folder in which targets are found, here and, by the same path in its own root, at a worker.
   * Default: the folder of the nearest deno.json above the main module, or the main module's.
   */
  root?: string | URL;
  /** The URLs below which modules lie, beside the root, that a result may name. Default: none. */
  allow?: string[];
  /**
   * How often a call is given to another worker when its worker dies. With 0 it runs at most once.
   * What a call throws is its outcome and no reason to try again. Default: 3.
   */
  retries?: number;
  /** The most calls that wait in the queue; one too many fails with `Full`. Default: no limit. */
  maxQueue?: number;
  /** The most calls that are with the broker and unanswered; others wait here. Default: 1,000. */
  maxInFlight?: number;
  /** For how long an outcome waits for this program at the broker, in ms. Default: 3,600,000. */
  resultTtl?: number;
  /** A call must begin within so many ms, or it fails with a TimeoutError. Default: no limit. */
  expires?: number;
  /** What becomes of calls whose caller has gone: dropped, or run. Default: `"drop"`. */
  orphan?: Orphan;
  /** The time that a cancelled call may go on before its worker is stopped, in ms. Default: 500. */
  grace?: number;
  /**
   * For how long the broker may be away, or the queue without workers, before calls fail, in ms.
   * Default: 60,000.
   */
  patience?: number;
  /** A secret that callers and workers have: all messages are signed by it. Default: none. */
  secret?: string;
}

/** Options of `submitWith()` of a `RemoteExecutor`. */
export interface RemoteSubmitOptions {
  /** Cancels the call, also when it runs: it fails with `signal.reason`. */
  signal?: AbortSignal;
  /** The time that it may run, in ms; then it fails with a TimeoutError. Default: without limit. */
  timeout?: number;
  /** Below 0, 0 or above 0: three levels, the highest first. Default: 0. */
  priority?: number;
  /** How often it is given to another worker when its worker dies. Default: the executor's. */
  retries?: number;
  /** Called with each value that it gives to `context().report()`. */
  // deno-lint-ignore no-explicit-any -- a report can be anything
  onReport?: (value: any) => void;
  /** It does not begin before so many ms have passed; it waits at the broker. Default: 0. */
  delay?: number;
  /** It must begin within so many ms, or it fails with a TimeoutError. Default: the executor's. */
  expires?: number;
  /**
   * An id of your own, 1 to 200 bytes: a worker that runs this key, or has run it within some
   * minutes, answers with what came of that. Default: none.
   */
  key?: string;
  /** What becomes of it when this program has gone. Default: the executor's. */
  orphan?: Orphan;
}

/** Options of `send()` of a `RemoteExecutor`. */
export type RemoteSendOptions = Pick<
  RemoteSubmitOptions,
  "timeout" | "priority" | "retries" | "delay" | "expires" | "key"
>;

/** Options of a `RemoteWorker`. */
export interface RemoteWorkerOptions {
  /** As of a `RemoteExecutor`. */
  url?: string;
  /** The number of calls that it runs at once, each in a thread or process. Default: one a core. */
  workers?: number;
  /** What calls run in. A process can be stopped at any moment. Default: `"thread"`. */
  kind?: "thread" | "process";
  /** The folder whose modules it runs. Default: as of a `RemoteExecutor`. */
  root?: string | URL;
  /** The URLs below which it may import modules too. Default: none. */
  allow?: string[];
  /** Modules that are imported at once, so that the first calls need not wait. Default: none. */
  modules?: string[];
  /** For how long calls that run may go on when it is stopped, in ms. Default: 25,000. */
  drain?: number;
  /**
   * For how long a call that cannot be found here waits for a worker that has it, in ms; then it is
   * refused. Default: 60,000.
   */
  skew?: number;
  /** The longest time that a call may run, where the broker limits that, in ms. Default: a day. */
  longest?: number;
  /**
   * How many calls it holds beyond those that run. Default: 1, and more while calls take less than
   * 10 ms.
   */
  ahead?: number;
  /** After so many calls a thread or process is replaced. Default: never. */
  maxTasksPerWorker?: number;
  /** Called in each thread or process before its first call: a target. */
  initializer?: (...args: AnyArgs) => unknown;
  /** The arguments of the initializer. */
  initArgs?: unknown[];
  /** The permissions of its processes. Default: what this process holds in full. */
  permissions?: Permissions;
  /** For how long the broker may be away before it gives up, in ms. Default: 60,000. */
  patience?: number;
  /** As of a `RemoteExecutor`: what is not signed by it is refused. Default: none. */
  secret?: string;
}

const PATIENCE = 60_000;
const RETRIES = 3;
const MAX_IN_FLIGHT = 1000;
const RESULT_TTL = 3_600_000;
const DRAIN = 25_000;
const SKEW = 60_000;
/** For how long a call may be held where the broker limits that, in ms. */
export const LONGEST_RUN: number = 24 * 3600_000;
/** The longest time that a broker measures, in ms: 49 days. */
const LONGEST_TIME = 2 ** 32 - 1;

/** A time in ms, or Infinity. */
export function time(value: unknown, name: string, action: string, otherwise: number): number {
  if (value === undefined) return otherwise;
  if (typeof value !== "number" || Number.isNaN(value)) {
    throw new TypeError(`Cannot ${action}: ${name} must be a number, received ${show(value)}`);
  }
  if (value < 0) {
    throw new RangeError(`Cannot ${action}: ${name} must be >= 0 ms, received ${value}`);
  }
  return value;
}

/** A time in ms that a broker measures. */
function brokerTime(value: unknown, name: string, action: string, least: number): number {
  const ms = time(value, name, action, 0);
  if (ms >= least && ms <= LONGEST_TIME) return Math.ceil(ms);
  const range = `from ${least} to ${LONGEST_TIME} ms (49 days)`;
  throw new RangeError(`Cannot ${action}: ${name} must be ${range}, received ${ms}`);
}

function count(
  value: unknown,
  name: string,
  action: string,
  least: number,
  otherwise: number,
): number {
  if (value === undefined) return otherwise;
  if (value === Infinity) return Infinity;
  checkInteger(value, least, name, action);
  return value;
}

function checkOrphan(value: unknown, action: string): Orphan | undefined {
  if (value === undefined || value === "drop" || value === "keep") return value;
  throw new TypeError(
    `Cannot ${action}: orphan must be "drop" or "keep", received ${show(value)}`,
  );
}

function checkSecret(value: unknown, action: string): string | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "string") {
    throw new TypeError(`Cannot ${action}: secret must be a string, received one ${typeof value}`);
  }
  if (value === "") throw new RangeError(`Cannot ${action}: secret must not be empty`);
  return value;
}

/** The options of an executor, checked. */
export interface CheckedExecutor {
  queue: string;
  address: Address;
  places: Places;
  retries: number;
  maxQueue: number | undefined;
  maxInFlight: number;
  resultTtl: number;
  expires: number | undefined;
  orphan: Orphan;
  grace: number | undefined;
  patience: number;
  secret: string | undefined;
}

/** Checks the options of an executor. */
export function checkExecutor(queue: unknown, options: RemoteExecutorOptions): CheckedExecutor {
  checkName(queue);
  const action = `create a remote executor`;
  checkOptions(options, action);
  const { maxQueue, expires, grace, resultTtl = RESULT_TTL } = options;
  if (maxQueue !== undefined) checkInteger(maxQueue, 1, "maxQueue", action);
  return {
    queue,
    address: addressOf(options.url, action),
    places: new Places(rootOf(options.root, action), checkAllow(options.allow, action)),
    retries: count(options.retries, "retries", action, 0, RETRIES),
    maxQueue,
    maxInFlight: count(options.maxInFlight, "maxInFlight", action, 1, MAX_IN_FLIGHT),
    resultTtl: brokerTime(resultTtl, "resultTtl", action, 1),
    expires: expires === undefined ? undefined : brokerTime(expires, "expires", action, 1),
    orphan: checkOrphan(options.orphan, action) ?? "drop",
    grace: grace === undefined ? undefined : time(grace, "grace", action, 0),
    patience: time(options.patience, "patience", action, PATIENCE),
    secret: checkSecret(options.secret, action),
  };
}

/** Checks the options of a call that are not those of every executor. */
export function checkRemoteCall(
  { delay, expires, key, orphan }: RemoteSubmitOptions,
  action: string,
): Pick<RemoteCallOptions, "delay" | "expires" | "key" | "orphan"> {
  checkString(key, "key", action);
  if (key !== undefined) {
    const size = new TextEncoder().encode(key).length;
    if (size === 0 || size > 200) {
      throw new RangeError(`Cannot ${action}: key must have 1 to 200 bytes, received ${show(key)}`);
    }
  }
  return {
    delay: delay === undefined ? undefined : brokerTime(delay, "delay", action, 0),
    expires: expires === undefined ? undefined : brokerTime(expires, "expires", action, 1),
    key,
    orphan: checkOrphan(orphan, action),
  };
}

/** The options of a worker, checked. */
export interface CheckedWorker {
  queue: string;
  address: Address;
  workers: number;
  kind: "thread" | "process";
  places: Places;
  modules: string[];
  drain: number;
  skew: number;
  longest: number;
  ahead: number | undefined;
  maxTasksPerWorker: number;
  initializer: Target | undefined;
  initArgs: unknown[];
  permissions: Permissions | undefined;
  patience: number;
  secret: string | undefined;
}

/** Checks the options of a worker. */
export function checkWorker(queue: unknown, options: RemoteWorkerOptions): CheckedWorker {
  checkName(queue);
  const action = "create a remote worker";
  checkOptions(options, action);
  const { kind = "thread", ahead, initializer, initArgs, modules, longest = LONGEST_RUN } = options;
  if (kind !== "thread" && kind !== "process") {
    throw new TypeError(
      `Cannot ${action}: kind must be "thread" or "process", received ${show(kind)}`,
    );
  }
  if (kind === "thread" && options.permissions !== undefined) {
    throw new TypeError(
      `Cannot ${action}: threads have the permissions of the program; use kind: "process"`,
    );
  }
  const places = new Places(rootOf(options.root, action), checkAllow(options.allow, action));
  checkFunction(initializer, "initializer", action);
  checkArray(initArgs, "initArgs", action);
  checkArray(modules, "modules", action);
  return {
    queue,
    address: addressOf(options.url, action),
    workers: count(options.workers, "workers", action, 1, cpuCount()),
    kind,
    places,
    modules: (modules ?? []).map((module) => moduleOf(places, module, action)),
    drain: time(options.drain, "drain", action, DRAIN),
    skew: time(options.skew, "skew", action, SKEW),
    longest: brokerTime(longest, "longest", action, 1),
    ahead: ahead === undefined ? undefined : count(ahead, "ahead", action, 0, 0),
    maxTasksPerWorker: count(options.maxTasksPerWorker, "maxTasksPerWorker", action, 1, Infinity),
    initializer,
    initArgs: initArgs ?? [],
    permissions: options.permissions,
    patience: time(options.patience, "patience", action, PATIENCE),
    secret: checkSecret(options.secret, action),
  };
}

/** A module to be imported at once: a path in the root, or a URL that is allowed. */
function moduleOf(places: Places, module: unknown, action: string): string {
  const text = String(module);
  const isUrl = /^(?:https?|file):/.test(text);
  const name = isUrl ? places.nameOf(text) ?? text : `root:${text}`;
  const url = places.moduleOf(name);
  if (url !== undefined) return url;
  throw new TypeError(
    `Cannot ${action}: modules must lie in the root or be allowed, received ${show(module)}`,
  );
}
