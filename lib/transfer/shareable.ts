/**
 * Shareables: objects of the toolkit that work on the other side when they are given to a thread or
 * process. A class takes part by a method {@linkcode SHARE} that says what its handle over there is
 * made from, and by registering how to make it.
 *
 * @module
 */

import { show } from "../core/checks.ts";
import { ShareError } from "../core/errors.ts";
import { LIBRARY } from "../core/environment.ts";
import type { TrustLevel } from "./reduction.ts";

/** Where a value is going. */
export type World = "thread" | "process";

/** The key of the method that gives the state of an object's other handles. */
export const SHARE: unique symbol = Symbol("share");

/** An object that can be handed to another thread or process. */
export interface Shareable {
  /**
   * The state that a handle in `world` is made from.
   *
   * @throws {ShareError} When the object cannot go there; `place()` says where it stands.
   */
  [SHARE](world: World, place: () => string): unknown;
}

/** The answer of `SHARE` when another object goes in its stead. */
export class Instead {
  /** The one that goes. */
  readonly value: Shareable;

  constructor(value: Shareable) {
    this.value = value;
  }
}

/**
 * Makes a handle from what `SHARE` gave. What comes through a handle that came from below is from
 * below itself.
 */
export type Restore = (state: unknown, level: TrustLevel) => unknown;

interface Kind {
  module: string;
  name: string;
  restore: Restore;
}

/**
 * The modules of what crosses between processes, in either direction. They are the toolkit's own:
 * whoever names one may have it loaded. A RemoteQueue is not among it: it names a URL, where
 * somebody with fewer permissions would have this process go.
 */
export const SHAREABLES: ReadonlySet<string> = new Set(
  [
    "channel/memory/pipe.ts",
    "multiprocessing/manager/proxies/locks.ts",
    "multiprocessing/manager/proxies/numbers.ts",
    "multiprocessing/manager/proxies/object.ts",
    "multiprocessing/manager/proxies/collections.ts",
    "multiprocessing/manager/proxies/queue.ts",
    "multiprocessing/manager/proxies/sync.ts",
    "multiprocessing/ordered_queues.ts",
    "multiprocessing/queue.ts",
    "multiprocessing/shareable_list.ts",
    "multiprocessing/shared_memory.ts",
    "multiprocessing/socket_pipe.ts",
    "multiprocessing/sync.ts",
  ].map((path) => LIBRARY + path),
);

const byClass = new WeakMap<object, Kind>();
const byName = new Map<string, Kind>();
const modules = new Set<string>();

/**
 * Registers a class of shareables.
 *
 * @param meta The `import.meta` of the module that registers it, and that the other side imports.
 * @param name The class's name, one of its kind in the module.
 * @param type The class.
 * @param restore Makes a handle from what `SHARE` gave, knowing from whom that came.
 */
export function shareable(
  meta: ImportMeta,
  name: string,
  type: abstract new (...args: never[]) => Shareable,
  restore: Restore,
): void {
  const kind = { module: meta.url, name, restore };
  byClass.set(type, kind);
  byName.set(`${meta.url} ${name}`, kind);
  modules.add(meta.url);
}

/** The reference by which the class of a value is known, if the value is a shareable. */
export function kindOf(value: object): Omit<Kind, "restore"> | undefined {
  return SHARE in value ? byClass.get(value.constructor) : undefined;
}

/** True if a module has registered shareables in this thread: it is one of ours, and is loaded. */
export function hasShareables(module: string): boolean {
  return modules.has(module);
}

/** True if the kind is registered in this thread. */
export function isShareable(module: string, name: string): boolean {
  return byName.has(`${module} ${name}`);
}

/**
 * Makes a handle of the kind. Its module has been imported.
 *
 * @throws {ShareError} It comes from below, and is nothing that processes share.
 * @throws {TypeError} There is no such kind, or the state is not one of it.
 */
export function restoreShareable(
  module: string,
  name: string,
  state: unknown,
  level: TrustLevel,
): unknown {
  const kind = byName.get(`${module} ${name}`);
  if (level === "below" && (kind === undefined || !SHAREABLES.has(module))) {
    throw new ShareError(
      `Cannot take ${show(name)} of ${module} from a process: it is no shareable`,
      name,
    );
  }
  if (kind === undefined) throw new TypeError(`Cannot unpack a value: ${module} has no ${name}`);
  return kind.restore(state, level);
}

type Part = "string" | "number" | "boolean" | "object" | "function" | "any";

/** The types of the parts of a state; with `?`, they may be undefined. */
export type Shape = Readonly<Record<string, Part | `${Part}?`>>;

/**
 * Gives a state that was read, whose parts are what they should be. Who sent it may have made up
 * anything.
 *
 * @param what What it is the state of, as in `a lock`.
 * @throws {TypeError} A part is something else.
 */
export function checkState<T>(state: unknown, what: string, shape: Shape): T {
  if (typeof state !== "object" || state === null) {
    throw new TypeError(
      `Cannot decode ${what}: its state must be an object, received ${show(state)}`,
    );
  }
  for (const part in shape) {
    const wanted = shape[part]!;
    const value = Object.hasOwn(state, part) ? (state as Record<string, unknown>)[part] : undefined;
    const isThere = value === undefined ? wanted.endsWith("?") : value !== null;
    const type = wanted.replace("?", "");
    if (isThere && (value === undefined || type === "any" || typeof value === type)) continue;
    throw new TypeError(
      `Cannot decode ${what}: its ${part} must be of type ${type}, received ${show(value)}`,
    );
  }
  return state as T;
}
