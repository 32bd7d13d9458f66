#!/usr/bin/env -S deno run --allow-read
/**
 * First steps: two loops, one after the other, then at the same time.
 *
 * Each loop waits a little in every round, as for a file or a server. One after the other they take
 * the sum of their times, as threads only that of the longer one.
 *
 * A thread is given a function and its arguments, and begins with `start()`. Main goes on at once:
 * who wants to say "all done" and be right must `join()` first. The program itself ends when all
 * threads have ended, with or without `join()`.
 *
 * Try:
 *
 *     examples/threads/first_steps.ts                  the three, one after the other
 *     examples/threads/first_steps.ts --form threads   main says "all done" too early
 *     examples/threads/first_steps.ts --form join      main waits
 *
 * Three differences from Python: a thread's function must be exported, since the thread imports
 * this script to find it; `join()` is awaited; times are in milliseconds.
 *
 * @module
 */
import { Barrier, currentThread, Thread, Value } from "../../lib/threading.ts";
import { sleep } from "../../lib/time.ts";
import { breakOnFailure } from "../_shared/barriers.ts";
import { fill, inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const FORMS = ["order", "threads", "join"] as const;
type Form = typeof FORMS[number];

const TEXTS = inLanguage({
  en: {
    usage: `Two loops: one after the other, as threads, and with join().

Usage: first_steps.ts [options]

  --form F   order, threads, join, or all of them in turn (all)
  --ms N     how long a round takes, in ms (50)
  --lang L   en or zh (en)
  --help     show this`,
    titles: {
      order: "one after the other:",
      threads: "as threads; main does not wait:",
      join: "as threads; main joins them:",
    },
    begins: (name: string) => `${name} begins`,
    ends: (name: string) => `${name} has ended`,
    allDone: "all done",
    took: {
      order: (ms: number, sum: number) => `  ${ms} ms; the sum of both is ${sum}`,
      side: (ms: number, most: number) => `  ${ms} ms; the longer one takes ${most}`,
    },
    verdict: {
      order: "one after the other: right, but slow",
      threads: "at the same time, but main said all done TOO EARLY",
      join: "at the same time, and main said all done at the end: right",
      all: "threads run at the same time; with join() main knows when they are done: right",
    },
    wrong: "NOT AS IT SHOULD BE",
  },
  zh: {
    usage: `两个循环：先后执行，用线程同时执行，再加上 join()。

用法：first_steps.ts [选项]

  --form F   形式：order、threads、join，或者依次全部 all（默认 all）
  --ms N     每一轮多长，毫秒（默认 50）
  --lang L   语言：en 或 zh（默认 en）
  --help     显示本说明`,
    titles: {
      order: "顺序执行：",
      threads: "用线程，主线程不等：",
      join: "用线程，主线程用 join() 等：",
    },
    begins: (name: string) => `${name} 开始`,
    ends: (name: string) => `${name} 结束`,
    allDone: "全部完成",
    took: {
      order: (ms: number, sum: number) => `  用了 ${ms} 毫秒；两个循环之和是 ${sum} 毫秒`,
      side: (ms: number, most: number) => `  用了 ${ms} 毫秒；较长的循环是 ${most} 毫秒`,
    },
    verdict: {
      order: "一个接一个：正确，但是慢",
      threads: "同时进行，但主线程的“全部完成”说早了：错误",
      join: "同时进行，主线程等到最后才说“全部完成”：正确",
      all: "线程同时进行；有了 join()，主线程才知道什么时候做完：正确",
    },
    wrong: "结果不对",
  },
});

/** The loops, and how many rounds each has. */
const LOOPS: [name: string, rounds: number][] = [["loop 1", 4], ["loop 2", 2]];

/** What a loop is told, besides its name and rounds. */
interface Start {
  ms: number;
  /** How many loops are under way. */
  underWay: Value;
  /** Opens when both threads and main are there: their start is not what is measured. */
  allAreHere?: Barrier;
}

/** A loop. Returns how many were under way when it began, itself included. */
export async function loop(name: string, rounds: number, start: Start): Promise<number> {
  const { ms, underWay, allAreHere } = start;
  const together = underWay.add(1) + 1;
  await allAreHere?.wait();
  say(TEXTS.begins(name));
  for (let round = 1; round <= rounds; round++) {
    say(`${name} >>> ${round}`);
    await sleep(ms);
  }
  say(TEXTS.ends(name));
  underWay.add(-1);
  return together;
}

function say(what: string): void {
  console.log(`  ${fill(currentThread().name, 12)}${what}`);
}

/** Shows one form. Returns whether it went as it always goes. */
async function show(form: Form, ms: number): Promise<boolean> {
  console.log(TEXTS.titles[form]);
  const start: Start = { ms, underWay: new Value("i32") };
  const times = LOOPS.map(([, rounds]) => rounds * ms);
  if (form === "order") {
    const began = performance.now();
    const together: number[] = [];
    for (const [name, rounds] of LOOPS) together.push(await loop(name, rounds, start));
    say(TEXTS.allDone);
    const took = Math.round(performance.now() - began);
    console.log(TEXTS.took.order(took, times.reduce((a, b) => a + b)));
    return Math.max(...together) === 1;
  }
  const allAreHere = start.allAreHere = new Barrier(LOOPS.length + 1);
  const threads = LOOPS.map(([name, rounds], k) =>
    new Thread(loop, { args: [name, rounds, start], name: `Thread-${k + 1}` })
  );
  for (const thread of threads) thread.start();
  breakOnFailure(threads, allAreHere);
  // Without join() main says so whatever the threads do.
  if (form === "threads") say(TEXTS.allDone);
  const wasEarly = threads.some((thread) => thread.isAlive());
  await allAreHere.wait();
  const began = performance.now();
  // In either form; in the first only to measure.
  for (const thread of threads) await thread.join();
  if (form === "join") say(TEXTS.allDone);
  console.log(TEXTS.took.side(Math.round(performance.now() - began), Math.max(...times)));
  const together = await Promise.all(threads.map((thread) => thread.result()));
  return Math.max(...together) === LOOPS.length && wasEarly;
}

async function main(): Promise<number> {
  const flags = readFlags({
    string: ["form", "ms"],
    default: { form: "all", ms: "50" },
    bilingual: true,
  });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const form = oneOf("form", flags.form, ["all", ...FORMS]);
  const ms = wholeNumber("ms", flags.ms, 0, 10_000);
  let isRight = true;
  for (const each of form === "all" ? FORMS : [form]) {
    if (!await show(each, ms)) isRight = false;
  }
  console.log(isRight ? TEXTS.verdict[form] : TEXTS.wrong);
  return isRight && form !== "threads" ? 0 : 1;
}

if (import.meta.main) await runScript("first_steps", main);
