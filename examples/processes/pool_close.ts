#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run
/**
 * The end of a pool: who has done which task, close() and join(), and a task that comes too late.
 *
 * A pool has a fixed number of workers. Whoever is free takes the next task, so four workers do all
 * ten. A pool is told first that no more will come, and then waited for:
 *
 *     pool       a Pool: close(), then join()
 *     executor   a ProcessPoolExecutor: shutdown({ wait: false }) returns at once, and still all
 *                tasks are done before the program ends
 *     threads    a ThreadPoolExecutor: shutdown() waits; all tasks run in one process
 *
 * Functions may be defined before or after the pool is made: unlike in a process that was forked, a
 * worker imports them when it needs them.
 *
 * Try:
 *
 *     examples/processes/pool_close.ts                       all three
 *     examples/processes/pool_close.ts --show executor       one of them
 *     examples/processes/pool_close.ts --workers 1           one worker does everything, in order
 *
 * @module
 */
import { ProcessPoolExecutor, ThreadPoolExecutor } from "../../lib/futures.ts";
import { Pool } from "../../lib/multiprocessing.ts";
import { getpid } from "../../lib/os.ts";
import { currentThread } from "../../lib/threading.ts";
import { sleep } from "../../lib/time.ts";
import { inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const SHOWS = ["pool", "executor", "threads"] as const;
type Show = typeof SHOWS[number];

const WORDS = inLanguage({
  en: {
    usage: `The end of a pool: close() and join(), shutdown(), and a task that comes too late.

Usage: pool_close.ts [options]

  --show W      pool, executor, threads or all (all)
  --workers N   how many workers each has (4)
  --lang L      en or zh (en)
  --help        show this`,
    titles: {
      pool: "pool: close(), then join()",
      executor: "executor: shutdown({ wait: false })",
      threads: "threads: shutdown()",
    },
    parent: (pid: number) => `parent process ${pid}`,
    run: (task: number, who: string) => `run task ${task} (${who})`,
    ran: (task: number, ms: number) => `task ${task} runs ${ms} ms`,
    waiting: "waiting for all tasks ...",
    early: (message: string) => `join() too early: ${message}`,
    late: (message: string) => `a task too late: ${message}`,
    returned: "shutdown() has returned: main goes on, the tasks too",
    accepted: "IT WAS NOT REFUSED",
    allDone: "all tasks done",
    did: (who: string, tasks: string) => `${who} did ${tasks}`,
    sum: (tasks: number, isRight: boolean, workers: number, areThreads: boolean) =>
      `${tasks} tasks, ${isRight ? "each once" : "NOT EACH ONCE"}, by ${workers} ` +
      `${areThreads ? "thread" : "process"}${workers === 1 ? "" : areThreads ? "s" : "es"}`,
    verdict: (isRight: boolean, workers: number) =>
      `each task once, at most ${workers} workers: ${isRight ? "as expected" : "NOT SO"}`,
  },
  zh: {
    usage: `进程池怎样收尾：close() 和 join()，shutdown()，还有来晚了的任务。

用法：pool_close.ts [选项]

  --show W      pool、executor、threads 或 all（默认 all）
  --workers N   池里有几个进程（线程）（默认 4）
  --lang L      语言：en 或 zh（默认 en）
  --help        显示本说明`,
    titles: {
      pool: "pool：先 close()，再 join()",
      executor: "executor：shutdown({ wait: false })",
      threads: "threads：shutdown()",
    },
    parent: (pid: number) => `父进程 ${pid}`,
    run: (task: number, who: string) => `运行任务 ${task}（${who}）`,
    ran: (task: number, ms: number) => `任务 ${task} 用了 ${ms} 毫秒`,
    waiting: "等待所有任务完成……",
    early: (message: string) => `join() 太早：${message}`,
    late: (message: string) => `任务来晚了：${message}`,
    returned: "shutdown() 立即返回：主进程往下走，任务照样做完",
    accepted: "竟然没有被拒绝",
    allDone: "所有任务都完成了",
    did: (who: string, tasks: string) => `${who} 做了 ${tasks}`,
    sum: (tasks: number, isRight: boolean, workers: number, areThreads: boolean) =>
      `${workers} 个${areThreads ? "线程" : "进程"}做完 ${tasks} 个任务，` +
      (isRight ? "各一次" : "并非各一次"),
    verdict: (isRight: boolean, workers: number) =>
      `每个任务恰好一次，干活的不超过 ${workers} 个：${isRight ? "符合预期" : "与预期不符"}`,
  },
});

/** What a task tells of itself. */
interface Done {
  task: number;
  /** The process that did it, or the thread. */
  who: string;
  pid: number;
}

function say(what: string): void {
  console.log(`  ${what}`);
}

/** A task: some take longer than others. */
export async function work(task: number, saysHowLong = false): Promise<Done> {
  const pid = getpid();
  const { name } = currentThread();
  const who = name === "MainThread" ? String(pid) : name;
  say(WORDS.run(task, who));
  const began = performance.now();
  await sleep(60 + 40 * (task % 3));
  if (saysHowLong) say(WORDS.ran(task, Math.round(performance.now() - began)));
  return { task, who, pid };
}

/** What is said of something that must be refused. */
async function refusal(action: () => unknown): Promise<string> {
  try {
    await action();
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error(WORDS.accepted);
}

/** Says who has done which tasks, and checks that each was done once, where it was to be done. */
function judge(tasks: number, workers: number, done: Done[], areThreads = false): boolean {
  const byWorker = Map.groupBy(done, ({ who }) => who);
  for (const [who, theirs] of byWorker) {
    say(WORDS.did(who, theirs.map(({ task }) => task).join(" ")));
  }
  const all = done.map(({ task }) => task).sort((a, b) => a - b);
  const isRight = all.length === tasks && all.every((task, k) => task === k) &&
    byWorker.size <= workers && done.every(({ pid }) => (pid === getpid()) === areThreads);
  say(WORDS.sum(tasks, isRight, byWorker.size, areThreads));
  return isRight;
}

async function showPool(workers: number, cleanup: AsyncDisposableStack): Promise<boolean> {
  say(WORDS.parent(getpid()));
  const pool = cleanup.use(new Pool(workers));
  const results = Array.from({ length: 5 }, (_, task) => pool.applyAsync(work, [task, true]));
  say(WORDS.early(await refusal(() => pool.join())));
  pool.close();
  say(WORDS.late(await refusal(() => pool.applyAsync(work, [5]))));
  say(WORDS.waiting);
  await pool.join();
  say(WORDS.allDone);
  const done = await Promise.all(results.map((result) => result.get()));
  return judge(5, workers, done);
}

async function showExecutor(workers: number, cleanup: AsyncDisposableStack): Promise<boolean> {
  const executor = cleanup.use(new ProcessPoolExecutor(workers));
  const futures = Array.from({ length: 10 }, (_, task) => executor.submit(work, task));
  executor.shutdown({ wait: false });
  say(WORDS.returned);
  say(WORDS.late(await refusal(() => executor.submit(work, 10))));
  const done = await Promise.all(futures.map((future) => future.result()));
  return judge(10, workers, done);
}

async function showThreads(workers: number, cleanup: AsyncDisposableStack): Promise<boolean> {
  say(WORDS.parent(getpid()));
  const executor = cleanup.use(new ThreadPoolExecutor(workers, { namePrefix: "worker" }));
  const futures = Array.from({ length: 10 }, (_, task) => executor.submit(work, task));
  await executor.shutdown();
  say(WORDS.allDone);
  const done = await Promise.all(futures.map((future) => future.result()));
  return judge(10, workers, done, true);
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({
    string: ["show", "workers"],
    default: { show: "all", workers: "4" },
    bilingual: true,
  });
  if (flags.help) {
    console.log(WORDS.usage);
    return 0;
  }
  const chosen = oneOf("show", flags.show, [...SHOWS, "all"]);
  const workers = wholeNumber("workers", flags.workers, 1, 16);
  const shows = { pool: showPool, executor: showExecutor, threads: showThreads };
  let isWell = true;
  for (const show of SHOWS) {
    if (chosen !== show && chosen !== "all") continue;
    console.log(WORDS.titles[show]);
    if (!await shows[show](workers, cleanup)) isWell = false;
  }
  console.log(WORDS.verdict(isWell, workers));
  return isWell ? 0 : 1;
}

if (import.meta.main) await runScript("pool_close", main);
