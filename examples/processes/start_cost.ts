#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run
/**
 * What it costs to start a thread, and what to start a process: time and memory.
 *
 * A process is a program of its own: it loads Deno, then the module of its target. A thread loads
 * the module alone. Both are slow next to a call of a function, so what is started often should
 * have been started before it is needed: prewarm() keeps some ready, and so does a pool.
 *
 * Each time is taken from start() until the answer is there. Of several rounds the fastest counts:
 * what disturbs makes slower, never faster. Where even that is not as expected, there are more.
 *
 * Try:
 *
 *     examples/processes/start_cost.ts              the table
 *     examples/processes/start_cost.ts --n 16       more of them at once
 *     examples/processes/start_cost.ts --rounds 9   calmer numbers
 *
 * @module
 */
import { Pool, prewarm, Process, ThreadPool } from "../../lib/multiprocessing.ts";
import * as threading from "../../lib/threading.ts";
import { answer, stay } from "../_shared/answer.ts";
import { columnsOf, fill, inLanguage } from "../_shared/language.ts";
import { readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const WORDS = inLanguage({
  en: {
    usage: `What it costs to start a thread or a process: time and memory.

Usage: start_cost.ts [options]

  --n N        how many are started at once (4)
  --rounds N   how often each is measured (3)
  --lang L     en or zh (en)
  --help       show this`,
    columns: ["", "ms", "MB each"],
    names: {
      thread: "a thread",
      process: "a process",
      threads: (n: number) => `${n} threads at once`,
      processes: (n: number) => `${n} processes at once`,
      warmThread: "a thread, prewarmed",
      warmProcess: "a process, prewarmed",
      threadCall: "a call in a pool of threads",
      processCall: "a call in a pool of processes",
    },
    main: "main",
    heard: (names: string[]) => `started together, heard in this order: ${names.join(", ")}`,
    python: "(in Python the thread is heard before main, as often as not: it has nothing to load)",
    right: "thread < process, and prewarmed < both: as expected",
    wrong: "thread < process, and prewarmed < both: NOT SO, this time",
  },
  zh: {
    usage: `启动一个线程、一个进程各要多大代价：时间和内存。

用法：start_cost.ts [选项]

  --n N        一次同时启动几个（默认 4）
  --rounds N   每一项测几遍（默认 3）
  --lang L     语言：en 或 zh（默认 en）
  --help       显示本说明`,
    columns: ["", "毫秒", "每个 MB"],
    names: {
      thread: "一个线程",
      process: "一个进程",
      threads: (n: number) => `${n} 个线程同时启动`,
      processes: (n: number) => `${n} 个进程同时启动`,
      warmThread: "一个预热好的线程",
      warmProcess: "一个预热好的进程",
      threadCall: "线程池里的一次调用",
      processCall: "进程池里的一次调用",
    },
    main: "主线程",
    heard: (names: string[]) => `一起启动，先后听到：${names.join("、")}`,
    python: "（在 Python 里，线程常常比主线程先开口：它什么也不用装载）",
    right: "线程比进程快，预热好的比两者都快：符合预期",
    wrong: "线程比进程快，预热好的比两者都快：这一次不是这样",
  },
});

const { names } = WORDS;
const startThread = () => new threading.Thread(answer).start().result();
const startProcess = () => new Process(answer).start().result();

/** The fastest of several rounds, in ms. */
class Fastest {
  ms = Infinity;

  async take<T>(action: () => Promise<T>): Promise<T> {
    const began = performance.now();
    const value = await action();
    this.ms = Math.min(this.ms, performance.now() - began);
    return value;
  }
}

/** Repeats; while it is not as expected, which may be chance, up to five times as often. */
async function repeat(
  rounds: number,
  action: () => Promise<void>,
  isAsExpected = () => true,
): Promise<void> {
  for (let k = 0; k < rounds || k < 5 * rounds && !isAsExpected(); k++) await action();
}

function print(name: string, { ms }: Fastest, bytes?: number): void {
  const cells = [ms.toFixed(1).padStart(7), bytes && (bytes / 2 ** 20).toFixed(0).padStart(9)];
  console.log(`${fill(name, 30)} ${cells.join(" ").trimEnd()}`);
}

/** The memory that this process takes more while n threads are there, for each of them. */
async function memoryOfThreads(n: number): Promise<number> {
  const gate = new threading.Event();
  const before = Deno.memoryUsage().rss;
  const threads = Array.from({ length: n }, () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const thread = new threading.Thread(stay, { args: [gate], onReport: () => resolve() }).start();
    return { thread, here: Promise.race([promise, thread.result()]) };
  });
  await Promise.all(threads.map(({ here }) => here));
  const after = Deno.memoryUsage().rss;
  gate.set();
  await Promise.all(threads.map(({ thread }) => thread.result()));
  return Math.max(0, after - before) / n;
}

async function main(): Promise<number> {
  const flags = readFlags({
    string: ["n", "rounds"],
    default: { n: "4", rounds: "3" },
    bilingual: true,
  });
  if (flags.help) {
    console.log(WORDS.usage);
    return 0;
  }
  const n = wholeNumber("n", flags.n, 1, 64);
  const rounds = wholeNumber("rounds", flags.rounds, 1, 100);
  const all = (start: () => Promise<number>) => Promise.all(Array.from({ length: n }, start));

  const heard: string[] = [];
  const both = [startThread, startProcess].map(async (start, k) => {
    await start();
    heard.push([names.thread, names.process][k]);
  });
  heard.push(WORDS.main);
  await Promise.all(both);
  console.log(`${WORDS.heard(heard)}\n${WORDS.python}\n`);

  const [name, ms, memory] = WORDS.columns;
  console.log(`${fill(name, 36 - columnsOf(ms))}  ${ms}   ${memory}`);

  const [thread, process, threads, processes] = Array.from({ length: 4 }, () => new Fastest());
  let ofProcess = 0;
  // Taken in turns, so that what disturbs disturbs all of them.
  await repeat(rounds, async () => {
    await thread.take(startThread);
    ofProcess = await process.take(startProcess);
  }, () => thread.ms < process.ms);
  print(names.thread, thread, await memoryOfThreads(n));
  print(names.process, process, ofProcess);
  await repeat(rounds, async () => {
    await threads.take(() => all(startThread));
    await processes.take(() => all(startProcess));
  });
  print(names.threads(n), threads);
  print(names.processes(n), processes);

  const [warmThread, warmProcess, threadCall, processCall] = Array.from(
    { length: 4 },
    () => new Fastest(),
  );
  await repeat(rounds, async () => {
    await using _ = await threading.prewarm();
    await warmThread.take(startThread);
  }, () => warmThread.ms < thread.ms);
  await repeat(rounds, async () => {
    await using _ = await prewarm();
    await warmProcess.take(startProcess);
  }, () => warmProcess.ms < thread.ms);
  print(names.warmThread, warmThread);
  print(names.warmProcess, warmProcess);
  for (
    const [pool, call] of [[new ThreadPool(1), threadCall], [new Pool(1), processCall]] as const
  ) {
    await using _ = pool;
    await pool.apply(answer);
    await repeat(rounds, async () => void await call.take(() => pool.apply(answer)));
  }
  print(names.threadCall, threadCall);
  print(names.processCall, processCall);

  const isWell = thread.ms < process.ms && Math.max(warmThread.ms, warmProcess.ms) < thread.ms;
  console.log(isWell ? WORDS.right : WORDS.wrong);
  return isWell ? 0 : 1;
}

if (import.meta.main) await runScript("start_cost", main);
