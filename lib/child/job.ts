/**
 * What a child is told to run, and what it says of it: the words of both kinds of children.
 *
 * ```text
 *   parent                          child
 *     boot  ------------------------>  imports the module, finds the target, unpacks the arguments
 *                     <------ report    (any number)
 *     stop  ------------------------>   (threads) waits end with ThreadTerminated
 *                     <------ end       done | failed | exit; then it ends
 * ```
 *
 * @module
 */
import type { Reference } from "../transfer/task.ts";

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

/** The work itself. `P` is how values travel: packed for a thread, as they are for the codec. */
export interface Job<P> {
  /** The program's main module. */
  main: string;
  /** The program's arguments, as its `Deno.args` has them. */
  argv: string[];
  /** The target. */
  target: Reference;
  /** The arguments; for a subclass of Thread or Process its public fields. */
  args: P;
  /** Whether the target is a subclass whose `run()` is called. */
  subclass: boolean;
}

/** How a task ended. */
export type End<P> =
  | { type: "done"; value: P }
  | { type: "failed"; error: P; terminated: boolean }
  | { type: "exit"; code: number };
