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
import { inLanguage } from "../_shared/language.ts";
import { readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `Pids and parents over some generations, and the tree that they stand in.

Usage: family.ts [options]

  --generations N   how many, with this process (3)
  --lang L          en or zh (en)
  --help            show this`,
    child: "child",
    childOf: (name: string) => `${name}'s child`,
    somebody: "(somebody else)",
    introduces: ({ name, pid, ppid, parent }: Member) =>
      `${name}: I am ${pid}, my parent is ${ppid}, ${parent}`,
    ps: "from outside, by ps():",
    pstree: "by pstree():",
    line: "each is the child of the one before",
    disorder: "THE FAMILY IS IN DISORDER",
  },
  zh: {
    usage: `几代进程的 pid 和父进程，以及它们组成的进程树。

用法：family.ts [选项]

  --generations N   一共几代，算上本进程（默认 3）
  --lang L          语言：en 或 zh（默认 en）
  --help            显示本说明`,
    child: "子进程",
    childOf: (name: string) => `${name}的子进程`,
    somebody: "（别的程序）",
    introduces: ({ name, pid, ppid, parent }: Member) =>
      `${name}：我是 ${pid}，父进程是 ${ppid}，${parent}`,
    ps: "从外面看，用 ps()：",
    pstree: "用 pstree()：",
    line: "每一个都是前一个的子进程",
    disorder: "辈分乱了：结果不对",
  },
});

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
      name: TEXTS.childOf(currentProcess().name),
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
    parent: parent === null ? TEXTS.somebody : parent.name,
  };
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({
    string: ["generations"],
    default: { generations: "3" },
    bilingual: true,
  });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const generations = wholeNumber("generations", flags.generations, 2, 10);

  const family = [introduce()];
  const complete = Promise.withResolvers<void>();
  const child = new Process(live, {
    args: [generations - 2],
    name: TEXTS.child,
    onReport(member: Member) {
      if (family.push(member) === generations) complete.resolve();
    },
  }).start();
  cleanup.defer(() => child.kill());
  await Promise.race([complete.promise, child.result()]);

  for (const member of family) console.log(TEXTS.introduces(member));
  console.log(`\n${TEXTS.ps}\n\n${row("PID", "PPID", "STATE", "COMMAND")}`);
  const all = ps();
  for (const member of family) {
    const { pid, ppid, state, command } = all.find(({ pid }) => pid === member.pid)!;
    console.log(row(pid, ppid, state, short(command)));
  }
  console.log(`\n${TEXTS.pstree}\n\n${pstree(getpid()).split("\n").map(short).join("\n")}\n`);

  const isLine = family.every(({ ppid }, k) => k === 0 || ppid === family[k - 1].pid) &&
    family.every(({ pid, ppid }) => all.find((seen) => seen.pid === pid)?.ppid === ppid);
  console.log(isLine ? TEXTS.line : TEXTS.disorder);
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
