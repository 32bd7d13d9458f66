/**
 * What the threads of the pipe and broadcast tests run.
 *
 * @module
 */
import { EOFError } from "../../lib/errors.ts";
import type { Queue } from "../../lib/queue.ts";
import { context, task } from "../../lib/task.ts";
import type { Barrier, Broadcast, Connection, Lock } from "../../lib/threading.ts";
import type { Form } from "./_targets.ts";

export async function recvBy<T>(
  end: Connection<T>,
  form: Form,
  options: { timeout?: number } = {},
): Promise<T> {
  return form === "sync" ? end.recvSync(options) : await end.recv(options);
}

export async function sendBy<T>(end: Connection<T>, value: T, form: Form): Promise<void> {
  if (form === "sync") end.sendSync(value);
  else await end.send(value);
}

/** Sends back what it receives until the end. */
export const echo = task(import.meta, async function echo<T>(end: Connection<T>, form: Form) {
  let count = 0;
  try {
    for (;; count++) await sendBy(end, await recvBy(end, form), form);
  } catch (error) {
    if (error instanceof EOFError) return count;
    throw error;
  }
});

export const recvAll = task(
  import.meta,
  async function recvAll<T>(end: Connection<T>, form: Form) {
    const values: T[] = [];
    try {
      for (;;) values.push(await recvBy(end, form));
    } catch (error) {
      if (error instanceof EOFError) return values;
      throw error;
    }
  },
);

export const sendNumbers = task(
  import.meta,
  async function sendNumbers(end: Connection<number>, count: number, form: Form) {
    for (let k = 0; k < count; k++) await sendBy(end, k, form);
  },
);

export const sendThen = task(
  import.meta,
  async function sendThen(end: Connection<number>, how: "fail" | "spin" | "wait" | "end") {
    await end.send(1);
    context().report("sent");
    if (how === "fail") throw new Error("as planned");
    if (how === "spin") { for (;;); }
    if (how === "wait") await end.recv();
  },
);

export const giveBack = task(import.meta, (end: Connection<number>) => end);

export const pollOnce = task(
  import.meta,
  async function pollOnce(end: Connection<unknown>, form: Form, timeout?: number) {
    return form === "sync" ? end.pollSync(timeout) : await end.poll(timeout);
  },
);

/** Receives an end through an end, and sends on it. */
export const sendOnReceived = task(
  import.meta,
  async function sendOnReceived(end: Connection<Connection<string>>, form: Form) {
    const inner = await recvBy(end, form);
    await sendBy(inner, "through", form);
  },
);

export const sendOnQueued = task(
  import.meta,
  async function sendOnQueued(queue: Queue<{ end: Connection<string> }>, form: Form) {
    const { end } = form === "sync" ? queue.getSync() : await queue.get();
    await sendBy(end, "through", form);
  },
);

export const isLocked = task(
  import.meta,
  async function isLocked(end: Connection<unknown>, form: Form) {
    const { lock } = await recvBy(end, form) as { lock: Lock };
    await sendBy(end, lock.locked() as never, form);
  },
);

export const listen = task(
  import.meta,
  async function listen(broadcast: Broadcast<unknown>, gate: Barrier, count: number) {
    using mine = broadcast;
    await gate.wait();
    const heard: unknown[] = [];
    for await (const value of mine) {
      heard.push(value);
      if (heard.length === count) break;
    }
    return heard;
  },
);

export const listenForEver = task(
  import.meta,
  async function listenForEver(broadcast: Broadcast<unknown>) {
    try {
      for await (const _ of broadcast);
    } finally {
      context().report("over");
    }
  },
);
