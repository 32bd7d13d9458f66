/**
 * How a child ended, as its parent keeps it, and how `result()` tells it.
 *
 * @module
 */
import { ownFrames, withLocalStack } from "../transfer/failure.ts";

/** A value, or what was thrown. */
export type Outcome = { ok: true; value: unknown } | { ok: false; error: unknown };

/**
 * Gives the value, or throws the error with the stack of the child and then that of the caller.
 *
 * @param child The child's name, as in `Thread-1`.
 * @param here The stack of an error made in the public call.
 */
export function settle(outcome: Outcome, child: string, here: string | undefined): unknown {
  if (outcome.ok) return outcome.value;
  throw withLocalStack(outcome.error, child, here);
}

/** An outcome's error as an Error: null for success, wrapped when something else was thrown. */
export function errorOf(outcome: Outcome | undefined): Error | null {
  if (outcome === undefined || outcome.ok) return null;
  const { error } = outcome;
  return error instanceof Error ? error : new Error(String(error), { cause: error });
}

/** What is printed of an uncaught error. */
export function traceOf(error: unknown): string {
  if (!(error instanceof Error)) return `Uncaught ${Deno.inspect(error)}`;
  let text = ownFrames(error.stack ?? `${error.name}: ${error.message}`);
  if (error.cause !== undefined) text += `\nCaused by: ${traceOf(error.cause)}`;
  return text;
}
