/**
 * The outcome of a child, as its parent keeps it, and how `result()` tells it.
 *
 * @module
 */
import {
  bareError,
  isError,
  messageOf,
  ownFrames,
  stackOf,
  withLocalStack,
} from "../transfer/failure.ts";
import type { End } from "./job.ts";
import { thisProcess } from "./context.ts";

/** A value, or what was thrown. */
export type Outcome = { ok: true; value: unknown } | { ok: false; error: unknown };

/** The outcome that an end message tells; undefined when it tells none. */
export function outcomeOf<P>(
  end: End<P> | undefined,
  unpack: (packed: P) => unknown,
): Outcome | undefined {
  try {
    if (end?.type === "done") return { ok: true, value: unpack(end.value) };
    if (end?.type === "failed") return { ok: false, error: unpack(end.error) };
  } catch (error) {
    return { ok: false, error };
  }
  return undefined;
}

/**
 * Gives the value, or throws the error with the stack of the child and then that of the caller.
 *
 * @param child The child's name, as in `Thread-1`.
 * @param here An error made in the public call; its stack is text only once it is asked for.
 */
export function settle(outcome: Outcome, child: string, here: Error): unknown {
  if (outcome.ok) return outcome.value;
  throw withLocalStack(outcome.error, child, here.stack);
}

/** An outcome's error as an Error: null for success, wrapped when something else was thrown. */
export function errorOf(outcome: Outcome | undefined): Error | null {
  if (outcome === undefined || outcome.ok) return null;
  const { error } = outcome;
  return isError(error) ? error : new Error(messageOf(error), { cause: error });
}

const ADVICE =
  '; a child process has it if its parent holds it in full, or names it in the option "permissions"';

/**
 * Has an error by which Deno refuses a child process a permission name the remedy: its flag has
 * been given, and is limited.
 *
 * @returns The error itself.
 */
export function advise(error: unknown): unknown {
  if (!isError(error) || thisProcess().parent === undefined) return error;
  const message = messageOf(error);
  if (!/^Requires \w+ access\b/.test(message) || message.includes(ADVICE)) return error;
  const told = message.replace(/(run again with the --allow-\w+ flag|$)/, `$1${ADVICE}`);
  const stack = stackOf(error)?.replace(message, () => told);
  for (const [key, value] of Object.entries({ message: told, stack })) {
    if (Object.isExtensible(error)) {
      Object.defineProperty(error, key, { value, configurable: true, writable: true });
    }
  }
  return error;
}

/**
 * Prints an uncaught error.
 *
 * @param where What it has ended, as in `Exception in thread Thread-1`.
 */
export function printUncaught(where: string, error: unknown): void {
  console.error(`${where}:\n${traceOf(error)}`);
}

/** The text that is printed of an uncaught error. */
export function traceOf(error: unknown): string {
  return traceAll(error, new Set());
}

/** @param told What has been told of already: causes may go round. */
function traceAll(error: unknown, told: Set<unknown>): string {
  if (typeof error === "string") return `Uncaught ${JSON.stringify(error)}`;
  if (!isError(error)) return `Uncaught ${messageOf(error)}`;
  told.add(error);
  let text = ownFrames(stackOf(error) ?? String(bareError(error)));
  const cause = causeOf(error);
  if (cause !== undefined && !told.has(cause)) text += `\nCaused by: ${traceAll(cause, told)}`;
  return text;
}

function causeOf(error: Error): unknown {
  try {
    return error.cause;
  } catch {
    return undefined;
  }
}
