#!/usr/bin/env -S deno run -A
/**
 * A zombie: a process that has ended, and whose parent has not asked how. And three cures.
 *
 * All that is left of a zombie is its number and its status, kept for its parent. It goes when the
 * parent asks, or ends itself: then process 1 asks. Here shells are the parents, because Deno
 * cannot make a zombie: it asks for each of its children as soon as it has ended. So on Deno no
 * cure is needed; wait() is for who wants to know the status, and gives what Deno has kept of it.
 *
 * Try:
 *
 *     examples/processes/zombie.ts                the disease, the cures, and Deno
 *     examples/processes/zombie.ts --show none    the disease
 *     examples/processes/zombie.ts --show wait    cure 1: the parent asks
 *     examples/processes/zombie.ts --show level   cure 2: the child's parent ends first
 *     examples/processes/zombie.ts --show ignore  cure 3: the parent ignores SIGCHLD
 *     examples/processes/zombie.ts --show deno    a child of Deno that nobody asks for
 *
 * @module
 */
import { delay } from "@std/async";
import { Process } from "../../lib/multiprocessing.ts";
import { type ProcessInfo, ps, wait, WEXITSTATUS } from "../../lib/os.ts";
import { SIG_DFL, SIG_IGN, signal } from "../../lib/signal.ts";
import { oneOf, readFlags, runScript } from "../_shared/script.ts";

const USAGE = `A zombie, three cures, and why Deno needs none.

Usage: zombie.ts [options]

  --show W   none, wait, level, ignore, deno or all (all)
  --help     show this`;

/** How long a shell may take to get where it shall be, in ms. */
const LIMIT = 5_000;

interface Story {
  title: string;
  /** What the shell does; it ends as a program that never asks for a child. */
  shell: string;
  /** How many zombies it has then. */
  zombies: number;
  why: string;
}

const STORIES: Record<string, Story> = {
  none: {
    title: "the disease: the child ends, the parent does not ask",
    shell: "true & exec sleep 60",
    zombies: 1,
    why: "it stays until its parent asks, or ends",
  },
  wait: {
    title: "cure 1, wait: the parent asks",
    shell: "true & wait; exec sleep 60",
    zombies: 0,
    why: "who has been asked for is gone",
  },
  level: {
    title: "cure 2, a second level: the child starts the grandchild, and ends",
    shell: "(true &); exec sleep 60",
    zombies: 0,
    why: "the parent asks for the child at once; the grandchild is process 1's, which asks",
  },
  ignore: {
    title: "cure 3, SIGCHLD: the parent ignores it",
    shell: "sleep 0.5 & exec env --ignore-signal=CHLD sleep 60",
    zombies: 0,
    why: "the system does not keep what nobody wants to know",
  },
};

/** Starts the shell, waits until it is where it shall be, and gives it with its children. */
async function act(shell: string, cleanup: AsyncDisposableStack): Promise<ProcessInfo[]> {
  const parent = new Deno.Command("sh", { args: ["-c", shell], stderr: "null" }).spawn();
  cleanup.defer(async () => {
    try {
      parent.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await parent.status;
  });
  const deadline = performance.now() + LIMIT;
  const isThere = () =>
    ps().some(({ pid, command }) => pid === parent.pid && command === "sleep 60");
  while (performance.now() < deadline) {
    // What ps() shows is not of one moment: the children are looked for once the parent is there.
    const family = isThere() ? familyOf(parent.pid) : [];
    if (
      family.length > 0 && family.every(({ pid, state }) => pid === parent.pid || state === "Z")
    ) {
      return family;
    }
    await delay(5);
  }
  return [];
}

/** A process and its children. */
function familyOf(root: number): ProcessInfo[] {
  const all = ps();
  return [...all.filter(({ pid }) => pid === root), ...all.filter(({ ppid }) => ppid === root)];
}

async function tell(story: Story, cleanup: AsyncDisposableStack): Promise<boolean> {
  console.log(`\n${story.title}\n  sh -c '${story.shell}'`);
  const family = await act(story.shell, cleanup);
  if (family.length === 0) {
    console.log("  this system's sh or env cannot do that");
    return true;
  }
  for (const { pid, ppid, state, command } of family) {
    console.log(`  ${String(pid).padStart(7)} ${String(ppid).padStart(7)} ${state} ${command}`);
  }
  const zombies = family.filter(({ state }) => state === "Z").length;
  console.log(`  ${zombies === 0 ? "no zombie" : "a zombie"}: ${story.why}`);
  return zombies === story.zombies;
}

/** A child of Deno: ends with a code. */
export function brief(): never {
  Deno.exit(7);
}

/** Starts a child, asks nothing, and waits until ps() no longer shows it. */
async function startAndForget(): Promise<{ pid: number; wasZombie: boolean }> {
  const { pid } = new Process(brief).start();
  for (let wasZombie = false;;) {
    const seen = ps().find((process) => process.pid === pid);
    if (seen === undefined) return { pid: pid!, wasZombie };
    wasZombie = seen.state === "Z";
    await delay(5);
  }
}

async function tellOfDeno(): Promise<boolean> {
  console.log("\nDeno: the child ends, nobody asks\n  new Process(brief).start()");
  const { pid } = await startAndForget();
  console.log(`  ${String(pid).padStart(7)} is gone: Deno has asked by itself`);
  const [asked, status] = await wait();
  console.log(`  wait() still knows: ${asked} has ended with code ${WEXITSTATUS(status)}`);

  signal("SIGCHLD", SIG_IGN);
  const forgotten = await startAndForget();
  const error = await wait().catch((error) => error);
  signal("SIGCHLD", SIG_DFL);
  console.log(
    `  with SIGCHLD ignored ${forgotten.pid} is gone too, and wait() throws ${error.code}`,
  );
  return asked === pid && WEXITSTATUS(status) === 7 && error.code === "ECHILD";
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({ string: ["show"], default: { show: "all" } });
  if (flags.help) {
    console.log(USAGE);
    return 0;
  }
  const show = oneOf("show", flags.show, [...Object.keys(STORIES), "deno", "all"]);

  console.log("      PID    PPID STATE COMMAND");
  let isAsTold = true;
  for (const [name, story] of Object.entries(STORIES)) {
    if (show === name || show === "all") isAsTold = await tell(story, cleanup) && isAsTold;
  }
  if (show === "deno" || show === "all") isAsTold = await tellOfDeno() && isAsTold;
  return isAsTold ? 0 : 1;
}

if (import.meta.main) await runScript("zombie", main);
