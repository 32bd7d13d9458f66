#!/usr/bin/env -S deno run -A
/**
 * The states of a process: R, S, T and Z, each made on purpose and shown by ps().
 *
 * R runs, or could if a core were free. S sleeps until something happens. T is stopped by a signal,
 * and goes on by another. Z has ended, and its parent has not asked (see zombie.ts). The fifth, D,
 * cannot be made so easily: it waits for a device, and even SIGKILL has to wait with it.
 *
 * Try:
 *
 *     examples/processes/states.ts            all of them
 *     examples/processes/states.ts --only T   stopped, and continued
 *
 * @module
 */
import { delay } from "@std/async";
import { Process } from "../../lib/multiprocessing.ts";
import { type ProcessInfo, ps } from "../../lib/os.ts";
import { kill } from "../../lib/signal.ts";
import { context } from "../../lib/task.ts";
import { oneOf, readFlags, runScript } from "../_shared/script.ts";

const USAGE = `The states of a process, each made on purpose and shown.

Usage: states.ts [options]

  --only S   R, S, T, Z or all (all)
  --help     show this`;

/** How long a state may take to come, in ms. */
const LIMIT = 5_000;

/** Never pauses. */
export async function compute(): Promise<void> {
  context().report("here");
  // What was reported is on its way before the loop begins.
  await delay(0);
  for (;;);
}

/** Waits for what never happens. */
export async function sleep(): Promise<void> {
  context().report("here");
  await new Promise(() => setInterval(() => {}, 60_000));
}

/** Starts a child, and waits until it says that it is there. */
async function start(target: () => unknown, cleanup: AsyncDisposableStack): Promise<number> {
  const here = Promise.withResolvers<void>();
  const child = new Process(target, { onReport: () => here.resolve() }).start();
  cleanup.defer(async () => {
    child.kill();
    await child.join();
  });
  await Promise.race([here.promise, child.result()]);
  return child.pid!;
}

/** Looks until a process is found in the state. */
async function see(
  state: string,
  what: string,
  which: (process: ProcessInfo) => boolean,
): Promise<boolean> {
  const deadline = performance.now() + LIMIT;
  for (;;) {
    const seen = ps().find((process) => process.state === state && which(process));
    if (seen !== undefined) {
      console.log(`${state}  ${String(seen.pid).padStart(7)}  ${what}`);
      return true;
    }
    if (performance.now() > deadline) {
      console.log(`${state}  NOT SEEN  ${what}`);
      return false;
    }
    await delay(5);
  }
}

/** How each state is made. */
const STATES: Record<string, (cleanup: AsyncDisposableStack) => Promise<boolean>> = {
  async R(cleanup) {
    const pid = await start(compute, cleanup);
    return await see("R", "computes without a pause", (process) => process.pid === pid);
  },
  async S(cleanup) {
    const pid = await start(sleep, cleanup);
    return await see("S", "waits for a timer", (process) => process.pid === pid);
  },
  async T(cleanup) {
    const pid = await start(sleep, cleanup);
    kill(pid, "SIGSTOP");
    if (!await see("T", "stopped by SIGSTOP", (process) => process.pid === pid)) return false;
    kill(pid, "SIGCONT");
    return await see("S", "continued by SIGCONT", (process) => process.pid === pid);
  },
  async Z(cleanup) {
    // Deno would ask for its children at once; a shell that has become another program does not.
    const shell = new Deno.Command("sh", { args: ["-c", "true & exec sleep 60"] }).spawn();
    cleanup.defer(async () => {
      shell.kill("SIGKILL");
      await shell.status;
    });
    return await see("Z", "has ended, its parent does not ask", ({ ppid }) => ppid === shell.pid);
  },
};

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({ string: ["only"], default: { only: "all" } });
  if (flags.help) {
    console.log(USAGE);
    return 0;
  }
  const only = oneOf("only", flags.only, [...Object.keys(STATES), "all"]);
  let isSeen = true;
  for (const [state, make] of Object.entries(STATES)) {
    if (only === state || only === "all") isSeen = await make(cleanup) && isSeen;
  }
  return isSeen ? 0 : 1;
}

if (import.meta.main) await runScript("states", main);
