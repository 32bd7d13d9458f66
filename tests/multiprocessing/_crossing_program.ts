/**
 * A program of crossing_test.ts, whose main() nobody awaits: it gives ends of pipes in memory to
 * children without FFI.
 */
import { type Connection, pipe, Process } from "../../lib/multiprocessing.ts";
import { context } from "../../lib/task.ts";

type End = Connection<unknown>;

const LEAST = { permissions: { read: [new URL("../../", import.meta.url)], ...nothing() } };

function nothing() {
  const kinds = ["write", "net", "env", "run", "ffi", "sys", "import"] as const;
  return Object.fromEntries(kinds.map((kind) => [kind, false]));
}

/** Sends back one value. */
export async function echoOnce(end: End): Promise<void> {
  await end.send(await end.recv());
}

/** Receives what never comes. */
export async function wait(end: End): Promise<void> {
  context().report("waits");
  await end.recv();
}

/** Waits for the end of what it receives, and prints it. */
export async function listen(end: End): Promise<void> {
  context().report("begun");
  try {
    await end.recv();
  } catch (error) {
    console.log(`recv ${(error as Error).name}`);
  }
}

async function talk(): Promise<void> {
  const [here, there] = pipe<unknown>();
  const child = new Process(echoOnce, { args: [there], ...LEAST }).start();
  console.log(`pid ${child.pid}`);
  there.close();
  await here.send("hello");
  console.log(await here.recv());
}

/** Lets go of a child that waits for it. */
function letGo(): void {
  const [, there] = pipe<unknown>();
  const child = new Process(wait, { args: [there], daemon: true, ...LEAST }).start();
  console.log(`pid ${child.pid}`);
}

/** Gives both ends away, and is killed. */
function beKilled(): void {
  let begun = 0;
  for (const end of pipe<unknown>()) {
    const child = new Process(listen, {
      args: [end],
      orphan: "keep",
      onReport: () => {
        if (++begun === 2) Deno.kill(Deno.pid, "SIGKILL");
      },
      ...LEAST,
    }).start();
    console.log(`pid ${child.pid}`);
  }
}

/** Blocks while its child waits, and ends without a word to it. */
function exit(): void {
  const [, there] = pipe<unknown>();
  const child = new Process(wait, {
    args: [there],
    onReport: () => Deno.exit(0),
    ...LEAST,
  }).start();
  console.log(`pid ${child.pid}`);
}

if (import.meta.main) {
  ({ talk, letGo, beKilled, exit })[Deno.args[0] as "talk"]();
}
