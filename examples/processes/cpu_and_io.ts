#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run
/**
 * The classic comparison: one after the other, a pool of threads, a pool of processes; for work
 * that computes, and for work that waits.
 *
 * In CPython threads help only with waiting: whoever computes holds the one lock of the interpreter
 * (the GIL), so for computing it takes processes. Here threads use all cores, and processes are for
 * isolation. For waiting it takes neither: one thread can await as much as it likes.
 *
 * All is measured on the spot, CPython too if python3 is there. The workers are up before the clock
 * runs.
 *
 * Try:
 *
 *     examples/processes/cpu_and_io.ts              both tables
 *     examples/processes/cpu_and_io.ts --work cpu   one of them
 *     examples/processes/cpu_and_io.ts --workers 2  half of the cores, half of the gain
 *
 * @module
 */
import { ProcessPoolExecutor, ThreadPoolExecutor } from "../../lib/futures.ts";
import { cpuCount } from "../../lib/multiprocessing.ts";
import { sleep } from "../../lib/time.ts";
import { fill, inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `Serial, threads, processes: for work that computes, and for work that waits.

Usage: cpu_and_io.ts [options]

  --work W      cpu, io, or both (both)
  --workers N   how many threads or processes (as many as there are cores)
  --tasks N     how many tasks there are (8)
  --lang L      en or zh (en)
  --help        show this`,
    cpu: "counting the primes below 300000",
    io: "waiting 50 ms for an answer",
    below: ", below 20000",
    title: (kind: string, tasks: number, what: string, workers: number) =>
      `${kind}: ${tasks} x ${what}, ${workers} workers`,
    serial: "one after the other",
    awaiting: "one thread, awaiting all",
    threads: "a pool of threads",
    processes: "a pool of processes",
    noPython: "  python3 is not there",
    python: (version: string, gil: boolean, note: string) =>
      `  CPython ${version}, ${gil ? "with" : "without"} its GIL${note}:`,
    right: "all gave the same results",
    wrong: "WRONG RESULTS",
  },
  zh: {
    usage: `串行、线程、进程：计算的任务，等待的任务。

用法：cpu_and_io.ts [选项]

  --work W      任务：cpu、io 或 both（both）
  --workers N   多少个线程或进程（有几个核就几个）
  --tasks N     多少个任务（8）
  --lang L      语言：en 或 zh（en）
  --help        显示本说明`,
    cpu: "数 300000 以内的质数",
    io: "等一个 50 ms 后才来的回答",
    below: "，20000 以内",
    title: (kind: string, tasks: number, what: string, workers: number) =>
      `${kind}：${what}，做 ${tasks} 次，池的大小 ${workers}`,
    serial: "一个接一个",
    awaiting: "一个线程，全部异步等待",
    threads: "线程池",
    processes: "进程池",
    noPython: "  没有 python3",
    python: (version: string, gil: boolean, note: string) =>
      `  CPython ${version}，${gil ? "有" : "没有"} GIL${note}：`,
    right: "结果全部相同",
    wrong: "结果不对",
  },
});

type Executor = ThreadPoolExecutor | ProcessPoolExecutor;

/** A kind of work: what is called, what with, and what it must give. */
interface Work {
  title: string;
  target: (n: number) => number | Promise<number>;
  n: number;
  result: number;
  /** What CPython is given; it would take too long over as much computing. */
  python: { n: number; result: number; note: string };
}

/** Counts primes: computes, and waits for nothing. */
export function primesBelow(limit: number): number {
  let count = 0;
  for (let n = 2; n < limit; n++) {
    let isPrime = true;
    for (let k = 2; k * k <= n && isPrime; k++) isPrime = n % k !== 0;
    if (isPrime) count++;
  }
  return count;
}

/** Waits for an answer, as from a network; computes nothing. */
export async function answerAfter(ms: number): Promise<number> {
  await sleep(ms);
  return ms;
}

const WORKS: Record<"cpu" | "io", Work> = {
  cpu: {
    title: TEXTS.cpu,
    target: primesBelow,
    n: 300_000,
    result: 25_997,
    python: { n: 20_000, result: 2_262, note: TEXTS.below },
  },
  io: {
    title: TEXTS.io,
    target: answerAfter,
    n: 50,
    result: 50,
    python: { n: 50, result: 50, note: "" },
  },
};
const NAMES = Object.keys(WORKS) as (keyof typeof WORKS)[];

const PYTHON = `
import json, sys, time
from concurrent.futures import ThreadPoolExecutor
kind, n, tasks, workers = sys.argv[1], *map(int, sys.argv[2:])
def cpu(limit):
    count = 0
    for n in range(2, limit):
        k = 2
        while k * k <= n and n % k != 0: k += 1
        if k * k > n: count += 1
    return count
def io(ms):
    time.sleep(ms / 1000)
    return ms
work = {"cpu": cpu, "io": io}[kind]
t = time.perf_counter(); serial = [work(n) for _ in range(tasks)]; serial_ms = (time.perf_counter() - t) * 1e3
with ThreadPoolExecutor(workers) as pool:
    t = time.perf_counter(); pooled = list(pool.map(work, [n] * tasks)); pooled_ms = (time.perf_counter() - t) * 1e3
assert serial == pooled
gil = getattr(sys, "_is_gil_enabled", lambda: True)()
print(json.dumps({"serial": serial_ms, "pooled": pooled_ms, "result": serial[0], "gil": gil, "version": sys.version.split()[0]}))
`;

/** Starts all workers, so that starting is not measured. */
async function warmUp(executor: Executor, workers: number, target: Work["target"]): Promise<void> {
  const calls = Array.from({ length: 4 * workers }, () => executor.submit(target, 1));
  await Promise.all(calls.map((call) => call.result()));
}

/** How long it takes, in ms, and what came. */
async function timed(run: () => Promise<number[]>): Promise<[ms: number, results: number[]]> {
  const began = performance.now();
  const results = await run();
  return [performance.now() - began, results];
}

/** The ways to do all the tasks, by name. */
function waysOf(work: Work, tasks: number, threads: Executor, processes: Executor) {
  const { target, n } = work;
  const inputs = new Array<number>(tasks).fill(n);
  const on = (executor: Executor) => async () =>
    await Promise.all(inputs.map((n) => executor.submit(target, n)).map((call) => call.result()));
  const ways: Record<string, () => Promise<number[]>> = {
    [TEXTS.serial]: async () => {
      const results = [];
      for (const n of inputs) results.push(await target(n));
      return results;
    },
    [TEXTS.awaiting]: () => Promise.all(inputs.map(target)),
    [TEXTS.threads]: on(threads),
    [TEXTS.processes]: on(processes),
  };
  return ways;
}

/** What CPython's threads gave. */
interface Said {
  /** In ms: one after the other, and in a pool of threads. */
  serial: number;
  pooled: number;
  result: number;
  gil: boolean;
  version: string;
}

/** What python3 says, or undefined if it is not there. */
async function python(...args: (string | number)[]): Promise<Said | undefined> {
  try {
    const { stdout, success } = await new Deno.Command("python3", {
      args: ["-c", PYTHON, ...args.map(String)],
      stderr: "inherit",
    }).output();
    return success ? JSON.parse(new TextDecoder().decode(stdout)) : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** The longest bar. */
const WIDTH = 48;

/** One line: the name, the time, and a bar as long as the speed-up. */
function row(name: string, ms: number, serial: number): void {
  const speedUp = serial / ms;
  const bar = "█".repeat(Math.min(WIDTH, Math.max(1, Math.round(4 * speedUp))));
  const [time, times] = [ms.toFixed(0), speedUp.toFixed(1)];
  console.log(`  ${fill(name, 28)} ${time.padStart(6)} ms ${times.padStart(5)} x  ${bar}`);
}

async function compare(
  kind: keyof typeof WORKS,
  tasks: number,
  workers: number,
  threads: Executor,
  processes: Executor,
): Promise<boolean> {
  const work = WORKS[kind];
  console.log(TEXTS.title(kind, tasks, work.title, workers));
  await warmUp(threads, workers, work.target);
  await warmUp(processes, workers, work.target);
  await work.target(work.n);

  let serial: number | undefined;
  let areRight = true;
  for (const [name, run] of Object.entries(waysOf(work, tasks, threads, processes))) {
    const [ms, results] = await timed(run);
    row(name, ms, serial ??= ms);
    areRight &&= results.length === tasks && results.every((one) => one === work.result);
  }
  const said = await python(kind, work.python.n, tasks, workers);
  if (said === undefined) {
    console.log(TEXTS.noPython);
  } else {
    const { serial, pooled, result, gil, version } = said;
    console.log(TEXTS.python(version, gil, work.python.note));
    row(TEXTS.serial, serial, serial);
    row(TEXTS.threads, pooled, serial);
    areRight &&= result === work.python.result;
  }
  return areRight;
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({
    string: ["work", "workers", "tasks"],
    default: { work: "both", workers: String(cpuCount()), tasks: "8" },
    bilingual: true,
  });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const which = oneOf("work", flags.work, ["both", ...NAMES]);
  const workers = wholeNumber("workers", flags.workers, 1, 64);
  const tasks = wholeNumber("tasks", flags.tasks, 1, 1_000);

  const threads = cleanup.use(new ThreadPoolExecutor(workers));
  const processes = cleanup.use(new ProcessPoolExecutor(workers));
  let areRight = true;
  for (const kind of which === "both" ? NAMES : [which]) {
    if (!await compare(kind, tasks, workers, threads, processes)) areRight = false;
  }
  console.log(areRight ? TEXTS.right : TEXTS.wrong);
  return areRight ? 0 : 1;
}

if (import.meta.main) await runScript("cpu_and_io", main);
