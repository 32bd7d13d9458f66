/**
 * A program that starts something which cannot be started: `_half_start.ts CASE`. It says how that
 * failed, and then ends, if nothing is left that keeps it alive.
 *
 * @module
 */
import { ThreadPoolExecutor } from "../../lib/futures.ts";
import { Pool, Process, ThreadPool } from "../../lib/multiprocessing.ts";
import { prewarm, Thread, Timer } from "../../lib/threading.ts";

/** A buffer that has been moved elsewhere: nobody can be given it. */
function detached(): ArrayBuffer {
  const buffer = new ArrayBuffer(8);
  buffer.transfer();
  return buffer;
}

// Targets.

export function take(_buffer: ArrayBuffer): void {}

export function startOne(): string {
  return nameOfError(() => new Thread(take, { args: [detached()] }).start());
}

function nameOfError(start: () => unknown): string {
  try {
    start();
  } catch (error) {
    return (error as { cause?: Error } & Error).name;
  }
  return "no error";
}

const args: [ArrayBuffer] = [detached()];
const CASES: Record<string, () => unknown> = {
  Thread: () => new Thread(take, { args }).start(),
  "killable Thread": () => new Thread(take, { args, killable: true }).start(),
  "daemon Thread": () => new Thread(take, { args, daemon: true }).start(),
  "Thread from a spare": () => new Thread(take, { args }).start(),
  Timer: () => new Timer(10, take, { args }).start(),
  "ThreadPool with bad initArgs": () => new ThreadPool(1, { initializer: take, initArgs: args }),
  "ThreadPoolExecutor with bad initArgs": () =>
    new ThreadPoolExecutor(1, { initializer: take, initArgs: args }).submit(take, args[0]),
  "Process in no folder": () =>
    new Process(take, { args: [new ArrayBuffer(1)], cwd: "/no/such/folder" }).start(),
  "Process with more permissions than there are": () =>
    new Process(take, { args: [new ArrayBuffer(1)], permissions: { nothing: true } as never })
      .start(),
  "Pool in a program without --allow-run": () => new Pool(1).applyAsync(startOne),
};

if (import.meta.main) {
  const name = Deno.args[0];
  if (name === "Thread started by a thread") {
    console.log(await new Thread(startOne).start().result());
    console.log("0 descriptors more");
  } else {
    if (name === "Thread from a spare") await prewarm(1);
    // The first makes what is made once.
    nameOfError(CASES[name]);
    const before = await count();
    console.log(nameOfError(CASES[name]));
    const isProcess = name.startsWith("Process") || name.startsWith("Pool");
    const more = isProcess ? await count() - before : 0;
    console.log(`${more} descriptors more`);
  }
}

/** How many descriptors there are, once what was closed is gone. */
async function count(): Promise<number> {
  await new Promise((next) => setTimeout(next, 100));
  try {
    return [...Deno.readDirSync("/proc/self/fd")].length;
  } catch {
    return 0;
  }
}
