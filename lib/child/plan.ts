/**
 * The plan of a child, from its `new` until its start: what Thread and Process check, pack and take
 * alike. Only those who start children load this.
 *
 * @module
 */
import { checkBoolean, checkFunction, checkOptions, checkString, show } from "../core/checks.ts";
import { ShareError, TimeoutError } from "../core/errors.ts";
import { hasPrivates } from "../transfer/reduce.ts";
import { type Reference, referTo, referToClass, type Target } from "../transfer/task.ts";

/** Options of `joinSync()` and `resultSync()`. */
export interface JoinSyncOptions {
  /** The time to wait in ms, at least; 0 does not wait. Default: without limit. */
  timeout?: number;
}

/** Options of `join()` and `result()`. */
export interface JoinOptions extends JoinSyncOptions {
  /** Abandons the wait: the promise is rejected with `signal.reason`. The child runs on. */
  signal?: AbortSignal;
}

/**
 * The key under which a child's options say that its uncaught error is not printed: it is told
 * otherwise.
 */
export const QUIET: unique symbol = Symbol("quiet");

/**
 * The key under which they say that the toolkit runs the child for itself: it is none of the
 * user's.
 */
export const SERVICE: unique symbol = Symbol("service");

/**
 * The key under which a process's options name further modules that it imports, and so has to read.
 */
export const IMPORTS: unique symbol = Symbol("imports");

/** The key of a child's promise that settles when it has ended, and keeps no program alive. */
export const TOLD: unique symbol = Symbol("told");

/** The target of a handle that is made for a child which somebody else has started. */
export const ATTACH: unique symbol = Symbol("attach");

/** What a child was made with. */
export interface ChildPlan<O> {
  /** Its target. */
  target: Reference;
  /** What the target is called with; undefined for a subclass, whose fields travel. */
  args: unknown[] | undefined;
  /** Its options. */
  options: O;
}

/**
 * Checks the options that both kinds of children take.
 *
 * @param action What was asked for, as in `"create a thread"`.
 */
export function checkChildOptions(
  options: { name?: unknown; daemon?: unknown; onReport?: unknown },
  action: string,
): void {
  checkOptions(options, action);
  checkString(options.name, "name", action);
  checkBoolean(options.daemon, "daemon", action);
  checkFunction(options.onReport, "onReport", action);
}

/**
 * Makes a plan of what a constructor was given.
 *
 * @param target The target; a subclass gives its `import.meta`.
 * @param type The class that is constructed.
 * @param base The class of the toolkit.
 * @throws {TypeError} The target can be found by no child.
 */
export function planOf<O extends { args?: unknown[] }>(
  target: unknown,
  options: O,
  type: Target,
  base: unknown,
  action: string,
): ChildPlan<O> {
  if (typeof target !== "object" || type === base) {
    return { target: referTo(target as Target), args: options.args ?? [], options };
  }
  if (typeof (target as ImportMeta | null)?.url !== "string") {
    throw new TypeError(`Cannot ${action}: meta must be import.meta, received ${show(target)}`);
  }
  return { target: referToClass(type, target as ImportMeta), args: undefined, options };
}

/**
 * Gives what a child is handed, and what that is called in errors.
 *
 * @param title The child's, as in `thread "Thread-1"`.
 * @throws {ShareError} It is a subclass with `#private` fields.
 */
export function cargoOf(
  child: object,
  { args }: ChildPlan<unknown>,
  base: unknown,
  title: string,
): { cargo: unknown; root: "args" | "this" } {
  if (args !== undefined) return { cargo: args, root: "args" };
  const { constructor } = child;
  if (hasPrivates(constructor as Target, base)) {
    throw new ShareError(
      `Cannot start ${title}: the #private fields of ${constructor.name} do not travel`,
      "this",
    );
  }
  return { cargo: { ...child }, root: "this" };
}

/** The error of a `result()` whose timeout ended first. */
export function lateError(name: string, timeout: number): TimeoutError {
  return new TimeoutError(`${name} gave no result within ${timeout} ms`);
}
