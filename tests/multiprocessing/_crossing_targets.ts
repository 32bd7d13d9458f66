/** What children without FFI do in crossing_test.ts. They import nothing but this. */
import { context, task } from "../../lib/task.ts";
import { type Connection, type Lock, pipe } from "../../lib/multiprocessing.ts";

type End = Connection<unknown>;

/** Sends back what comes, until the other end is closed; gives how much that was. */
export const echo = task(import.meta, async function echo(end: End) {
  let count = 0;
  for await (const value of end) {
    await end.send(value);
    count++;
  }
  end.close();
  return count;
});

/** Sends numbers up to `count`, and ends. */
export const count = task(import.meta, async function count(end: End, count: number) {
  for (let k = 0; k < count; k++) await end.send(k);
  end.close();
});

/** Sends numbers up to `count`, while it receives as many; gives whether those were in order. */
export const exchange = task(import.meta, async function exchange(end: End, count: number) {
  const sent = (async () => {
    for (let k = 0; k < count; k++) await end.send(k);
  })();
  for (let k = 0; k < count; k++) if (await end.recv() !== k) return false;
  await sent;
  end.close();
  return true;
});

/** Receives until the end, and gives what came. */
export const drain = task(import.meta, async function drain(end: End) {
  const values = await Array.fromAsync(end);
  end.close();
  return values;
});

/**
 * Closes its end when it is told to; gives what a send and a receive throw when the other end is
 * closed.
 */
export const outlive = task(import.meta, async function outlive(end: End) {
  context().report("here");
  const names: string[] = [];
  await end.recv().catch((error) => names.push(error.name));
  await end.send(1).catch((error) => names.push(error.name));
  end.close();
  return names;
});

/** Holds an end, for ever. */
export const hold = task(import.meta, async function hold(_end: End) {
  context().report("here");
  await new Promise(() => setInterval(() => {}, 1000));
});

/** Says what it may do. */
export const rights = task(import.meta, function rights(_end: End) {
  const names = ["read", "write", "net", "env", "run", "ffi", "sys"] as const;
  return names.filter((name) => Deno.permissions.querySync({ name }).state === "granted");
});

/** Receives an end of another pipe, and sends through that. */
export const useReceived = task(import.meta, async function useReceived(way: End) {
  const end = await way.recv() as End;
  await end.send("through the other");
  end.close();
  way.close();
});

/**
 * Makes a pipe and gives an end of it away; receives by the other an end of a third, and sends
 * through that.
 */
export const useOwn = task(import.meta, async function useOwn(way: End) {
  const [mine, theirs] = pipe<unknown>();
  await way.send(theirs);
  theirs.close();
  const end = await mine.recv() as End;
  await end.send("through the other");
  end.close();
  await mine.recv().catch(() => {});
  mine.close();
  way.close();
});

/** Sends a function, which nobody with more permissions may be given. */
export const sendFunction = task(import.meta, async function sendFunction(end: End) {
  await end.send(echo);
  await end.send("after it");
  end.close();
});

export const never = task(import.meta, (_: Lock | unknown) => "never");
