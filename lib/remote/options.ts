/**
 * The options of a `RemoteQueue` and of its calls, and their checks.
 *
 * @module
 */
import type { QueueOptions, QueueSyncOptions } from "../channel/queue_like.ts";
import {
  checkBoolean,
  checkInteger,
  checkOptions,
  checkString,
  checkTimeout,
  show,
} from "../core/checks.ts";

/** Options of a `RemoteQueue`. */
export interface RemoteQueueOptions {
  /**
   * Where it is: `amqp://user:password@host/vhost`, `amqps://…`, `file:jobs.db`, `memory:` or
   * `memory:NAME`. Default: `SWITCHYARD_URL` of the environment, if it may be read, else `memory:`.
   */
  url?: string;
  /** The most items that wait in it; 0 for any number. Default: 0. */
  maxsize?: number;
  /**
   * True if a queue with `maxsize` is kept on several machines of the broker as well, as one
   * without is; its bound counts late then. Default: false.
   */
  replicated?: boolean;
  /** How items are written: by the toolkit, or for programs in any language. Default: `"codec"`. */
  format?: "codec" | "json";
  /**
   * For how long an item may wait, in ms; then it is put aside as a buried one is. Default: no end.
   */
  ttl?: number;
  /** For how long a broker may be away before what waits for it fails, in ms. Default: 60,000. */
  patience?: number;
  /**
   * A secret that all users of the queue have. Each message is signed by it; one that is not is
   * buried, before it is decoded. Default: none.
   */
  secret?: string;
}

/** Options of `putSync()` of a `RemoteQueue`. */
export interface RemotePutSyncOptions extends QueueSyncOptions {
  /** After how many ms the item may be taken; it waits at the broker. Default: 0. */
  delay?: number;
}

/** Options of `put()` of a `RemoteQueue`. */
export interface RemotePutOptions extends QueueOptions {
  /** After how many ms the item may be taken; it waits at the broker. Default: 0. */
  delay?: number;
}

/** The longest time that a broker measures, in ms: 49 days. */
const LONGEST = 2 ** 32 - 1;
/** The most bytes of a name: the broker's limit, less what is put before and behind it. */
const LONGEST_NAME = 200;
const PATIENCE = 60_000;

/** Options with their defaults. */
export interface Checked {
  maxsize: number;
  replicated: boolean;
  format: "codec" | "json";
  ttl?: number;
  patience: number;
  secret?: string;
}

/** Checks the options of a queue, all but its URL. */
export function checkRemoteQueue(options: RemoteQueueOptions, action: string): Checked {
  checkOptions(options, action);
  const { maxsize = 0, replicated = false, format = "codec", ttl, patience, secret } = options;
  checkInteger(maxsize, 0, "maxsize", action);
  checkBoolean(replicated, "replicated", action);
  if (format !== "codec" && format !== "json") {
    throw new TypeError(
      `Cannot ${action}: format must be "codec" or "json", received ${show(format)}`,
    );
  }
  if (ttl !== undefined) {
    checkInteger(ttl, 1, "ttl", action);
    checkLongest(ttl, "ttl", action);
  }
  checkString(secret, "secret", action);
  if (secret === "") throw new RangeError(`Cannot ${action}: secret must not be empty`);
  return {
    maxsize,
    replicated,
    format,
    ...ttl === undefined ? {} : { ttl },
    patience: patience === undefined ? PATIENCE : checkTimeout(patience, action),
    ...secret === undefined ? {} : { secret },
  };
}

function checkLongest(value: number, argument: string, action: string): void {
  if (value <= LONGEST) return;
  throw new RangeError(
    `Cannot ${action}: ${argument} must be <= ${LONGEST} ms (49 days), received ${value}`,
  );
}

/** Checks the name of a queue. */
export function checkName(name: unknown): asserts name is string {
  const action = "create a remote queue";
  if (typeof name !== "string") {
    throw new TypeError(`Cannot ${action}: name must be a string, received ${show(name)}`);
  }
  const size = new TextEncoder().encode(name).length;
  if (size > 0 && size <= LONGEST_NAME && !/\p{Cc}/u.test(name)) return;
  throw new RangeError(
    `Cannot ${action}: name must have 1 to ${LONGEST_NAME} bytes and no control characters, ` +
      `received ${show(name)}`,
  );
}

/** Checks a delay and gives it, 0 when there is none. */
export function checkDelay(delay: unknown, action: string): number {
  if (delay === undefined) return 0;
  if (typeof delay !== "number" || Number.isNaN(delay)) {
    throw new TypeError(`Cannot ${action}: delay must be a number, received ${show(delay)}`);
  }
  if (delay < 0) throw new RangeError(`Cannot ${action}: delay must be >= 0 ms, received ${delay}`);
  checkLongest(delay, "delay", action);
  return Math.ceil(delay);
}
