/**
 * What the children of the tests of connections run.
 *
 * @module
 */
import { EOFError } from "../../lib/errors.ts";
import { context, task } from "../../lib/task.ts";
import type { Connection, Lock } from "../../lib/threading.ts";
import { compute } from "../_help/compute.ts";
import type { Form } from "./_queue_targets.ts";

/** An end of a pipe. */
export type End<T = unknown> = Connection<T>;

export async function recvBy<T>(
  end: End<T>,
  form: Form,
  options: { timeout?: number } = {},
): Promise<T> {
  return form === "sync" ? end.recvSync(options) : await end.recv(options);
}

export async function sendBy<T>(end: End<T>, value: T, form: Form): Promise<void> {
  if (form === "sync") end.sendSync(value);
  else await end.send(value);
}

/** Sends back what comes, until the other end is closed; gives how many there were. */
export const echo = task(import.meta, async function echo(end: End, form: Form) {
  let count = 0;
  try {
    for (;; count++) await sendBy(end, await recvBy(end, form), form);
  } catch (error) {
    if (error instanceof EOFError) return count;
    throw error;
  } finally {
    end.close();
  }
});

/** Receives until the end. */
export const recvAll = task(import.meta, async function recvAll(end: End, form: Form) {
  const values: unknown[] = [];
  try {
    for (;;) values.push(await recvBy(end, form));
  } catch (error) {
    if (error instanceof EOFError) return values;
    throw error;
  } finally {
    end.close();
  }
});

export const sendNumbers = task(
  import.meta,
  async function sendNumbers(end: End, count: number, form: Form) {
    for (let k = 0; k < count; k++) await sendBy(end, k, form);
    end.close();
  },
);

/** Sends a value and then ends, in some way. */
export const sendThen = task(
  import.meta,
  async function sendThen(end: End, how: "fail" | "spin" | "wait" | "end") {
    await end.send(1);
    context().report("sent");
    if (how === "fail") throw new Error("as planned");
    if (how === "spin") compute(2_000);
    if (how === "wait") await end.recv();
  },
);

export const giveBack = task(import.meta, (end: End) => end);

/** Receives an end of another pipe, and sends through it. */
export const useReceived = task(import.meta, async function useReceived(end: End, form: Form) {
  // Who blocks can load nothing.
  if (form === "sync") await import("../../lib/multiprocessing.ts");
  const other = await recvBy(end, form) as End;
  await sendBy(other, "through the other", form);
  other.close();
  end.close();
});

/** Says whether the lock that it receives is held. */
export const isLocked = task(import.meta, async function isLocked(end: End, form: Form) {
  if (form === "sync") await import("../../lib/multiprocessing.ts");
  const { lock } = await recvBy(end, form) as { lock: Lock };
  await sendBy(end, lock.locked(), form);
  end.close();
});
