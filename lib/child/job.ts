/**
 * The job that a child is told to run, and what it says of it: the words of both kinds of children.
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
  /** True if the target is a subclass whose `run()` is called. */
  subclass: boolean;
}

/** The end of a task. */
export type End<P> =
  | { type: "done"; value: P }
  | { type: "failed"; error: P; terminated: boolean }
  | { type: "exit"; code: number };
