/** What the processes and threads of the os tests run. */
import { exit, getpid, getppid, nice, wait } from "../../lib/os.ts";
import { Process } from "../../lib/multiprocessing.ts";
import { context, task } from "../../lib/task.ts";

/** Ends with a code. */
export const end = task(import.meta, (code: number) => exit(code));

/** Waits for ever. */
export const sleep = task(import.meta, async () => {
  context().report("ready");
  await new Promise(() => setInterval(() => {}, 1_000));
});

/** Who it is. */
export const who = task(import.meta, () => [getpid(), getppid()]);

/** How nice it is, before and after. */
export const benice = task(import.meta, (increment: number) => [nice(), nice(increment), nice()]);

/** In a thread: a child of its own. */
export const haveChild = task(import.meta, async (code: number) => {
  const child = new Process(end, { args: [code] }).start();
  const [pid, status] = await wait();
  return [pid === child.pid, status];
});
