#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run --allow-ffi
/**
 * join(): wait until a child has ended. With it, without it, and with three children.
 *
 * Try:
 *
 *     examples/processes/join.ts                  the four forms
 *     examples/processes/join.ts --form without   main goes on at once
 *     examples/processes/join.ts --form with      main goes on when its child has ended
 *     examples/processes/join.ts --form three     start all, then join all: side by side
 *     examples/processes/join.ts --form turns     start, join, start, join: one at a time
 *
 * @module
 */
import { activeChildren, Barrier, Process } from "../../lib/multiprocessing.ts";
import { getpid, getppid } from "../../lib/os.ts";
import { sleep } from "../../lib/time.ts";
import { breakOnFailure } from "../_shared/barriers.ts";
import { inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript } from "../_shared/script.ts";

const FORMS = ["without", "with", "three", "turns"] as const;
type Form = typeof FORMS[number];

const WORDS = inLanguage({
  en: {
    usage: `join(): wait until a child has ended.

Usage: join.ts [options]

  --form F   without, with, three, turns or all (all)
  --lang L   en or zh (en)
  --help     show this`,
    titles: {
      without: "without: p.start(), and on",
      with: "with: p.start(), p.join(), and on",
      three: "three: start all, then join all",
      turns: "turns: start, join, start, join, ...",
    },
    child: (k: number) => `child-${k}`,
    running: (name: string) => `${name} is running: ${getpid()}, parent ${getppid()}`,
    done: (name: string) => `${name} is done`,
    family: (children: number) =>
      `${children + 1} processes: main, and ${children} in activeChildren()`,
    main: (isAlive: boolean) => `main goes on: ${getpid()}; p.isAlive() is ${isAlive}`,
    after: (pid: number | null, exitcode: number | null) =>
      `p has ended, and can be asked still: pid ${pid}, exitcode ${exitcode}`,
    took: (ms: number, sum: number) =>
      `from the first beginning to the last end: ${ms} ms, for ${sum} ms of work`,
    verdicts: {
      without: ["main went on first", "MAIN WAITED"],
      with: ["main waited", "MAIN DID NOT WAIT"],
      three: ["side by side", "NOT SIDE BY SIDE"],
      turns: ["one at a time", "NOT ONE AT A TIME"],
    },
    colon: ": ",
    semicolon: "; ",
  },
  zh: {
    usage: `join()：等待子进程结束。

用法：join.ts [选项]

  --form F   without、with、three、turns 或 all（默认 all）
  --lang L   语言：en 或 zh（默认 en）
  --help     显示本说明`,
    titles: {
      without: "without：p.start() 之后直接往下走",
      with: "with：p.start()，p.join()，再往下走",
      three: "three：先全部 start，再全部 join",
      turns: "turns：start 一个，join 一个，再 start 下一个",
    },
    child: (k: number) => `子进程${k}`,
    running: (name: string) => `${name}开始运行：进程号 ${getpid()}，父进程 ${getppid()}`,
    done: (name: string) => `${name}运行结束`,
    family: (children: number) =>
      `共 ${children + 1} 个进程：主进程，以及 activeChildren() 里的 ${children} 个`,
    main: (isAlive: boolean) => `主进程往下走：进程号 ${getpid()}；p.isAlive() 是 ${isAlive}`,
    after: (pid: number | null, exitcode: number | null) =>
      `p 已经结束，仍然可以查到：pid ${pid}，exitcode ${exitcode}`,
    took: (ms: number, sum: number) =>
      `从第一个开始到最后一个结束：${ms} 毫秒，三个的工作合计 ${sum} 毫秒`,
    verdicts: {
      without: ["主进程先走一步", "主进程竟然等了"],
      with: ["主进程等到了子进程结束", "主进程没有等"],
      three: ["三个并发", "没有并发"],
      turns: ["一个接一个，串行", "没有串行"],
    },
    colon: "：",
    semicolon: "；",
  },
});

/** When a child's work began and ended. */
interface Span {
  began: number;
  ended: number;
}

/** Works for a while. Where there is a gate, nobody ends before all have begun. */
export async function task(name: string, ms: number, gate?: Barrier): Promise<Span> {
  say(WORDS.running(name));
  const began = Date.now();
  await gate?.wait();
  await sleep(ms);
  say(WORDS.done(name));
  return { began, ended: Date.now() };
}

/** How long the three work, in ms: the notes' 5, 3 and 2 seconds, on a smaller scale. */
const TIMES = [250, 150, 100];

function say(what: string): void {
  console.log(`  ${what}`);
}

/** One child, and main: who goes on when? */
async function one(joins: boolean, cleanup: AsyncDisposableStack): Promise<boolean> {
  const p = new Process(task, { args: [WORDS.child(1), 100] }).start();
  cleanup.defer(() => p.kill());
  if (joins) await p.join();
  const mainWentOn = Date.now();
  say(WORDS.main(p.isAlive()));
  // Without this line, too, the program would wait for its child before it ends.
  const { ended } = await p.result();
  if (!joins) return mainWentOn < ended;
  say(WORDS.after(p.pid, p.exitcode));
  return mainWentOn >= ended && p.exitcode === 0;
}

/** Three children at the same time, or one after the other. */
async function three(inTurns: boolean, cleanup: AsyncDisposableStack): Promise<boolean> {
  const gate = inTurns ? undefined : new Barrier(TIMES.length);
  const children: Process<Span>[] = [];
  for (const [k, ms] of TIMES.entries()) {
    const p = new Process(task, { args: [WORDS.child(k + 1), ms, gate] }).start();
    cleanup.defer(() => p.kill());
    children.push(p);
    if (inTurns) await p.join();
  }
  if (gate !== undefined) {
    breakOnFailure(children, gate);
    say(WORDS.family(activeChildren().length));
  }
  // join() one after the other: whoever has ended meanwhile costs no more time.
  for (const p of children) await p.join();

  const spans = await Promise.all(children.map((p) => p.result()));
  const first = Math.min(...spans.map(({ began }) => began));
  const last = Math.max(...spans.map(({ ended }) => ended));
  say(WORDS.took(last - first, TIMES.reduce((sum, ms) => sum + ms)));
  if (inTurns) return spans.every(({ began }, k) => k === 0 || began >= spans[k - 1].ended);
  // There was a moment when all of them had begun and none had ended.
  return Math.max(...spans.map(({ began }) => began)) <=
    Math.min(...spans.map(({ ended }) => ended));
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({ string: ["form"], default: { form: "all" }, bilingual: true });
  if (flags.help) {
    console.log(WORDS.usage);
    return 0;
  }
  const chosen = oneOf("form", flags.form, [...FORMS, "all"]);
  const forms: Record<Form, () => Promise<boolean>> = {
    without: () => one(false, cleanup),
    with: () => one(true, cleanup),
    three: () => three(false, cleanup),
    turns: () => three(true, cleanup),
  };
  let isWell = true;
  const verdicts: string[] = [];
  for (const form of FORMS) {
    if (chosen !== form && chosen !== "all") continue;
    console.log(WORDS.titles[form]);
    const isRight = await forms[form]();
    verdicts.push(form + WORDS.colon + WORDS.verdicts[form][isRight ? 0 : 1]);
    isWell &&= isRight;
  }
  console.log(verdicts.join(WORDS.semicolon));
  return isWell ? 0 : 1;
}

if (import.meta.main) await runScript("join", main);
