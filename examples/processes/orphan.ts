#!/usr/bin/env -S deno run -A
/**
 * An orphan: a process whose parent has ended before it.
 *
 * The system gives an orphan another parent: process 1, or whoever is set up to take them in. A
 * child of the toolkit does not become one unless it is told to: when its parent ends, by any
 * means, so does the child. With `orphan: "keep"` it lives on.
 *
 * Try:
 *
 *     examples/processes/orphan.ts         the orphan lives on, with another parent
 *     examples/processes/orphan.ts --end   what is the rule: it ends with its parent
 *
 * @module
 */
import { delay } from "@std/async";
import { Process } from "../../lib/multiprocessing.ts";
import { getpid, type ProcessInfo, ps } from "../../lib/os.ts";
import { kill } from "../../lib/signal.ts";
import { context } from "../../lib/task.ts";
import { readFlags, runScript } from "../_shared/script.ts";

const USAGE = `What becomes of a process whose parent is killed, watched with ps().

Usage: orphan.ts [options]

  --end    the grandchild is one that ends with its parent
  --help   show this`;

/** How long an orphan may take to end, or to find another parent, in ms. */
const LIMIT = 4_000;

/** The child: has a child of its own, and waits until it is killed. */
export async function parent(orphan: "keep" | "end"): Promise<void> {
  const { report } = context();
  new Process(grandchild, { orphan, name: "grandchild", onReport: report }).start();
  await new Promise(() => setInterval(() => {}, 1_000));
}

/** The grandchild: lives until it is killed, or its parent is. */
export async function grandchild(): Promise<void> {
  context().report(getpid());
  await new Promise(() => setInterval(() => {}, 1_000));
}

/** A process, unless it has ended: a zombie has. */
function look(pid: number): ProcessInfo | undefined {
  return ps().find((process) => process.pid === pid && process.state !== "Z");
}

function show(when: string, pid: number): void {
  const seen = look(pid);
  const what = seen === undefined ? "is gone" : `has parent ${seen.ppid}, state ${seen.state}`;
  console.log(`${when.padEnd(30)} grandchild ${pid} ${what}`);
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({ boolean: ["end"], default: {} });
  if (flags.help) {
    console.log(USAGE);
    return 0;
  }

  const born = Promise.withResolvers<number>();
  const child = new Process(parent, {
    args: [flags.end ? "end" : "keep"],
    name: "child",
    onReport: born.resolve,
  }).start();
  cleanup.defer(() => child.kill());
  const pid = await Promise.race([
    born.promise,
    child.result() as Promise<never>,
  ]);
  cleanup.defer(() => look(pid) === undefined ? undefined : kill(pid, "SIGKILL"));

  console.log(`this is ${getpid()}, its child is ${child.pid}`);
  show("while the child lives:", pid);
  child.kill();
  await child.join();
  const deadline = performance.now() + LIMIT;
  // The kernel may kill it, or find it a parent, a moment later.
  while (performance.now() < deadline && look(pid)?.ppid === child.pid) await delay(5);
  if (flags.end) { while (performance.now() < deadline && look(pid) !== undefined) await delay(5); }
  show("after the child was killed:", pid);

  const seen = look(pid);
  if (flags.end) {
    console.log(seen === undefined ? "it has ended with its parent" : "IT HAS OUTLIVED ITS PARENT");
    return seen === undefined ? 0 : 1;
  }
  if (seen === undefined) {
    console.log("IT DID NOT LIVE ON");
    return 1;
  }
  const adopter = ps().find((process) => process.pid === seen.ppid);
  console.log(`it is an orphan, taken in by ${seen.ppid}: ${short(adopter?.command ?? "?")}`);
  kill(pid, "SIGKILL");
  while (look(pid) !== undefined) await delay(5);
  show("after it was killed itself:", pid);
  return 0;
}

function short(text: string): string {
  return text.length > 40 ? `${text.slice(0, 37)}...` : text;
}

if (import.meta.main) await runScript("orphan", main);
