/** What the threads and processes of the signal tests run. */
import { alarm, kill, pause, signal } from "../../lib/signal.ts";
import { context, task } from "../../lib/task.ts";

/** Handles the signal once; reports when it is ready. */
export const handleOnce = task(import.meta, async (sig: Deno.Signal) => {
  const previous = signal(sig, (name) => context().report(name));
  context().report("ready");
  const got = await pause();
  signal(sig, previous);
  return got;
});

/** Sets the alarm, gives what was left. */
export const setAlarm = task(import.meta, (ms: number) => alarm(ms));

/** Sets the alarm, and waits for it. */
export const awaitAlarm = task(import.meta, async (ms: number) => {
  signal("SIGALRM", () => {});
  alarm(ms);
  return await pause();
});

/** Sends a signal to a process. */
export const send = task(import.meta, (pid: number, sig: Deno.Signal) => kill(pid, sig));

/** Waits for ever. */
export const sleep = task(import.meta, async () => {
  context().report("ready");
  await new Promise(() => setInterval(() => {}, 1_000));
});

/** Its handler throws. */
export const throwing = task(import.meta, async () => {
  signal("SIGUSR2", () => {
    throw new RangeError("handled badly");
  });
  context().report("ready");
  await new Promise(() => setInterval(() => {}, 1_000));
});

/** Sets the alarm, has no handler, and waits for ever. */
export const dieByAlarm = task(import.meta, async (ms: number) => {
  alarm(ms);
  await new Promise(() => setInterval(() => {}, 1_000));
});
