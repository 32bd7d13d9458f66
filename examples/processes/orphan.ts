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
import { Process } from "../../lib/multiprocessing.ts";
import { getpid, type ProcessInfo, ps } from "../../lib/os.ts";
import { kill } from "../../lib/signal.ts";
import { context } from "../../lib/task.ts";
import { sleep } from "../../lib/time.ts";
import { fill, inLanguage } from "../_shared/language.ts";
import { readFlags, runScript } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `What becomes of a process whose parent is killed, watched with ps().

Usage: orphan.ts [options]

  --end    the grandchild is one that ends with its parent
  --lang L en or zh (en)
  --help   show this`,
    when: {
      lives: "while the child lives:",
      killed: "after the child was killed:",
      end: "after it was killed itself:",
    },
    gone: (pid: number) => `grandchild ${pid} is gone`,
    has: (pid: number, parent: number, state: string) =>
      `grandchild ${pid} has parent ${parent}, state ${state}`,
    who: (pid: number, child: number | null) => `this is ${pid}, its child is ${child}`,
    ended: "it has ended with its parent",
    outlived: "IT HAS OUTLIVED ITS PARENT",
    dead: "IT DID NOT LIVE ON",
    livedOn: "its parent was killed, it lived on with another: as told",
    orphan: (adopter: number, command: string) =>
      `it is an orphan, taken in by ${adopter}: ${command}`,
  },
  zh: {
    usage: `父进程被杀死，它的子进程会怎样：用 ps() 来看。

用法：orphan.ts [选项]

  --end    让孙进程随父进程一起结束
  --lang L 语言：en 或 zh（默认 en）
  --help   显示本说明`,
    when: { lives: "子进程还活着：", killed: "杀死子进程之后：", end: "再杀死孙进程之后：" },
    gone: (pid: number) => `孙进程 ${pid} 已经不在了`,
    has: (pid: number, parent: number, state: string) =>
      `孙进程 ${pid} 的父进程是 ${parent}，状态 ${state}`,
    who: (pid: number, child: number | null) => `本进程是 ${pid}，子进程是 ${child}`,
    ended: "它随父进程一起结束了",
    outlived: "父进程没了，它还活着：结果不对",
    dead: "它没有活下来：结果不对",
    livedOn: "父进程被杀死，它换了个父进程活下去：符合预期",
    orphan: (adopter: number, command: string) => `它成了孤儿进程，由 ${adopter} 收养：${command}`,
  },
});

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
  const what = seen === undefined ? TEXTS.gone(pid) : TEXTS.has(pid, seen.ppid, seen.state);
  console.log(`${fill(when, 30)} ${what}`);
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({ boolean: ["end"], default: {}, bilingual: true });
  if (flags.help) {
    console.log(TEXTS.usage);
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

  console.log(TEXTS.who(getpid(), child.pid));
  show(TEXTS.when.lives, pid);
  child.kill();
  await child.join();
  const deadline = performance.now() + LIMIT;
  // The kernel may kill it, or find it a parent, a moment later.
  while (performance.now() < deadline && look(pid)?.ppid === child.pid) await sleep(5);
  if (flags.end) { while (performance.now() < deadline && look(pid) !== undefined) await sleep(5); }
  show(TEXTS.when.killed, pid);

  const seen = look(pid);
  if (flags.end) {
    console.log(seen === undefined ? TEXTS.ended : TEXTS.outlived);
    return seen === undefined ? 0 : 1;
  }
  if (seen === undefined) {
    console.log(TEXTS.dead);
    return 1;
  }
  const adopter = ps().find((process) => process.pid === seen.ppid);
  console.log(TEXTS.orphan(seen.ppid, short(adopter?.command ?? "?")));
  kill(pid, "SIGKILL");
  while (look(pid) !== undefined) await sleep(5);
  show(TEXTS.when.end, pid);
  console.log(TEXTS.livedOn);
  return 0;
}

function short(text: string): string {
  return text.length > 40 ? `${text.slice(0, 37)}...` : text;
}

if (import.meta.main) await runScript("orphan", main);
