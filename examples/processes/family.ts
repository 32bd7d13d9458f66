#!/usr/bin/env -S deno run -A
/**
 * Pids and parents: three generations, and the tree that they stand in.
 *
 * Each process has a number, and the number of the one that started it. The child starts a child in
 * its turn; ps() shows all three from outside, and pstree() draws them.
 *
 * It takes all permissions because reading /proc does; with `--allow-run=ps` in its stead ps() asks
 * the program.
 *
 * Try:
 *
 *     examples/processes/family.ts                   three generations
 *     examples/processes/family.ts --generations 5   a long line
 *
 * @module
 */
import { currentProcess, parentProcess, Process } from "../../lib/multiprocessing.ts";
import { getpid, getppid, ps, pstree } from "../../lib/os.ts";
import { context } from "../../lib/task.ts";
import { readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const USAGE = `Pids and parents over some generations, and the tree that they stand in.

Usage: family.ts [options]

  --generations N   how many, with this process (3)
  --help            show this`;

/** Who somebody says that they are. */
export interface Member {
  name: string;
  pid: number;
  ppid: number;
  parent: string;
}

/** Tells of itself, has a child if there are to be more generations, and ends when told to. */
export async function live(more: number): Promise<void> {
  const { report } = context();
  report(introduce());
  if (more > 0) {
    const child = new Process(live, {
      args: [more - 1],
      name: `${currentProcess().name}'s child`,
      onReport: report,
    }).start();
    await child.join();
  } else {
    // The last of the line only waits: they end from above.
    await new Promise(() => setInterval(() => {}, 1_000));
  }
}

function introduce(): Member {
  const parent = parentProcess();
  return {
    name: currentProcess().name,
    pid: getpid(),
    ppid: getppid(),
    parent: parent === null ? "(somebody else)" : parent.name,
  };
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({ string: ["generations"], default: { generations: "3" } });
  if (flags.help) {
    console.log(USAGE);
    return 0;
  }
  const generations = wholeNumber("generations", flags.generations, 2, 10);

  const family = [introduce()];
  const complete = Promise.withResolvers<void>();
  const child = new Process(live, {
    args: [generations - 2],
    name: "child",
    onReport(member: Member) {
      if (family.push(member) === generations) complete.resolve();
    },
  }).start();
  cleanup.defer(() => child.kill());
  await Promise.race([complete.promise, child.result()]);

  for (const { name, pid, ppid, parent } of family) {
    console.log(`${name}: I am ${pid}, my parent is ${ppid}, ${parent}`);
  }
  console.log(`\nfrom outside, by ps():\n\n${row("PID", "PPID", "STATE", "COMMAND")}`);
  const all = ps();
  for (const member of family) {
    const { pid, ppid, state, command } = all.find(({ pid }) => pid === member.pid)!;
    console.log(row(pid, ppid, state, short(command)));
  }
  console.log(`\nby pstree():\n\n${pstree(getpid()).split("\n").map(short).join("\n")}\n`);

  const isLine = family.every(({ ppid }, k) => k === 0 || ppid === family[k - 1].pid) &&
    family.every(({ pid, ppid }) => all.find((seen) => seen.pid === pid)?.ppid === ppid);
  console.log(isLine ? "each is the child of the one before" : "THE FAMILY IS IN DISORDER");
  return isLine ? 0 : 1;
}

function row(...cells: (number | string)[]): string {
  return cells.map((cell, k) => k < 2 ? String(cell).padStart(8) : String(cell).padEnd(5)).join(
    " ",
  );
}

function short(text: string): string {
  return text.length > 70 ? `${text.slice(0, 67)}...` : text;
}

if (import.meta.main) await runScript("family", main);
