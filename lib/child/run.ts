/**
 * Runs a job in a child, in either kind of child.
 *
 * @module
 */
import { LIBRARY } from "../core/environment.ts";
import { type SystemExit, ThreadTerminated } from "../core/errors.ts";
import { recorder, tasksOver } from "../core/hooks.ts";
import { isPreparing, prepareTake } from "../core/ports.ts";
import {
  find,
  findExport,
  load,
  type Reference,
  setMainModule,
  type Target,
} from "../transfer/task.ts";
import { setContext, type TaskContext } from "./context.ts";

/** A job, ready to run. */
export interface Runnable {
  /** The program's main module. */
  main: string;
  /** The program's arguments, where they are not this child's own. */
  argv?: string[];
  /** The target. */
  target: Reference;
  /** True if the target is a subclass whose `run()` is called. */
  subclass: boolean;
  /** The modules that the arguments need. */
  modules: string[];
  /** Unpacks the arguments; called when the modules have been loaded. */
  args: () => unknown;
  /** The task's context. */
  context: TaskContext;
  /** Settles when it is time to run the target; with false, it is not run. Default: it is time. */
  ready?: (() => Promise<boolean>) | undefined;
}

/**
 * Imports what a job needs and runs it.
 *
 * @returns What the target returns; undefined if it was not run.
 * @throws {unknown} What the module or the target throws.
 */
export async function run(job: Runnable): Promise<unknown> {
  const { main, argv, target, subclass, modules, args, context, ready } = job;
  setMainModule(main);
  // In place: so `process.argv` has them too, which is made of the same array, at its first use.
  if (argv !== undefined) (Deno.args as string[]).splice(0, Infinity, ...argv);
  for (const module of [target.module, ...modules]) await load(module);
  const found = subclass ? findExport(target) : find(target);
  const values = args();
  // A queue among them may want to take what comes while the target blocks.
  if (isPreparing()) await prepareTake();
  setContext(context);
  if (ready !== undefined && !await ready()) return undefined;
  // Of what the toolkit runs for itself, as the worker of a pool, only the calls are of interest.
  const over = recorder === undefined || target.module.startsWith(LIBRARY)
    ? undefined
    : recorder.runs("task", target.name);
  let hasFailed = true;
  try {
    const value = await call(found, values, subclass);
    hasFailed = false;
    over?.(false);
    return value;
  } catch (error) {
    over?.(true, error);
    throw error;
  } finally {
    for (const tell of tasksOver) tell(hasFailed);
  }
}

/** Calls a function, or `run()` of an instance of a class that has the fields. */
async function call(found: Target, values: unknown, subclass: boolean): Promise<unknown> {
  if (!subclass) return await (found as (...args: unknown[]) => unknown)(...values as unknown[]);
  const object = Object.create(found.prototype);
  // Defined, not assigned: a field must not meet the base class's accessors.
  for (const [name, value] of Object.entries(values as object)) {
    Object.defineProperty(object, name, {
      value,
      writable: true,
      enumerable: true,
      configurable: true,
    });
  }
  return await object.run();
}

/** Has this thread recorded at a place in a trace; a trace that cannot be found stops nobody. */
export async function record(seat: unknown): Promise<void> {
  try {
    const { join } = await import("../trace/recorder.ts");
    await join(seat);
  } catch {
    // Its row says that nothing is known of it.
  }
}

/**
 * The exit code that a SystemExit asks for; what is no number is printed on stderr.
 */
export function exitCode({ code }: SystemExit): number {
  if (code === undefined || code === null) return 0;
  if (typeof code === "number" && Number.isInteger(code)) return code & 0xff;
  console.error(code);
  return 1;
}

/** True if an error only says that the thread was stopped. */
export function isTermination(error: unknown): boolean {
  return error instanceof ThreadTerminated;
}
