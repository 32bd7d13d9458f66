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
 * runs; of several rounds the best one counts, as whatever else the machine does only makes it slower.
 * At the end stands what the course's old notes have measured with CPython, on other work.
 *
 * Try:
 *
 *     examples/processes/cpu_and_io.ts              both tables, and what comes of them
 *     examples/processes/cpu_and_io.ts --work cpu   one of them
 *     examples/processes/cpu_and_io.ts --workers 1  no gain: one worker is as good as none
 *     examples/processes/cpu_and_io.ts --tasks 32   more to do: steadier numbers
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
  --rounds N    how often all is measured; the best counts (3)
  --lang L      en or zh (en)
  --help        show this`,
    cpu: "counting the primes below 300000",
    io: "waiting 50 ms for an answer",
    below: ", below 40000",
    title: (kind: string, tasks: number, what: string, workers: number, rounds: number) =>
      `${kind}: ${tasks} x ${what}, ${workers} workers, best of ${rounds}`,
    serial: "one after the other",
    awaiting: "one thread, awaiting all",
    threads: "a pool of threads",
    processes: "a pool of processes",
    noPython: "  python3 is not there",
    python: (version: string, gil: boolean, note: string) =>
      `  CPython ${version}, ${gil ? "with" : "without"} its GIL${note}:`,
    comma: ", ",
    summary: "times as fast as one after the other",
    here: (way: string) => `here, ${way}`,
    cpython: (way: string) => `CPython, ${way}`,
    notes: "the old notes: CPython, threads",
    seconds: (serial: string, threads: string) =>
      `  (theirs in seconds, cpu and io: one thread ${serial}; threads ${threads})`,
    right: "all gave the same results",
    wrong: "WRONG RESULTS",
  },
  zh: {
    usage: `串行、线程、进程：计算的任务，等待的任务。

用法：cpu_and_io.ts [选项]

  --work W      任务：cpu、io 或 both（默认 both）
  --workers N   多少个线程或进程（默认有几个核就几个）
  --tasks N     多少个任务（默认 8）
  --rounds N    量几轮，取最好的一轮（默认 3）
  --lang L      语言：en 或 zh（默认 en）
  --help        显示本说明`,
    cpu: "数 300000 以内的质数",
    io: "等一个 50 ms 后才来的回答",
    below: "，40000 以内",
    title: (kind: string, tasks: number, what: string, workers: number, rounds: number) =>
      `${kind}：${what}，做 ${tasks} 次，池的大小 ${workers}，${rounds} 轮取最好`,
    serial: "一个接一个",
    awaiting: "一个线程，全部异步等待",
    threads: "线程池",
    processes: "进程池",
    noPython: "  没有 python3",
    python: (version: string, gil: boolean, note: string) =>
      `  CPython ${version}，${gil ? "有" : "没有"} GIL${note}：`,
    comma: "、",
    summary: "加速比，与一个接一个相比",
    here: (way: string) => `这里，${way}`,
    cpython: (way: string) => `CPython，${way}`,
    notes: "讲义里的 CPython，多线程",
    seconds: (serial: string, threads: string) =>
      `  （讲义的秒数，cpu 和 io：单线程 ${serial}；多线程 ${threads}）`,
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
    python: { n: 40_000, result: 4_203, note: TEXTS.below },
  },
  io: {
    title: TEXTS.io,
    target: answerAfter,
    n: 50,
    result: 50,
    python: { n: 50, result: 50, note: "" },
  },
};
type Kind = keyof typeof WORKS;
const NAMES = Object.keys(WORKS) as Kind[];

/**
 * What the notes' table says, in seconds: one thread, and several. Their IO is files and the like.
 */
const NOTES = { cpu: { serial: 85.3, threads: 97.1 }, io: { serial: 18.1, threads: 25.9 } };

const PYTHON = `
import json, multiprocessing, sys, time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
kind, n, tasks, workers, rounds = sys.argv[1], *map(int, sys.argv[2:])
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
ways = {"serial": lambda: [work(n) for _ in range(tasks)]}
threads = ThreadPoolExecutor(workers)
ways["threads"] = lambda: list(threads.map(work, [n] * tasks))
if "fork" in multiprocessing.get_all_start_methods():
    processes = ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("fork"))
    list(processes.map(work, [2] * workers * 4))
    ways["processes"] = lambda: list(processes.map(work, [n] * tasks))
best, right = {}, True
for _ in range(rounds):
    for name, way in ways.items():
        t = time.perf_counter(); results = way(); ms = (time.perf_counter() - t) * 1e3
        best[name] = min(ms, best.get(name, ms))
        right = right and len(results) == tasks and len(set(results)) == 1
gil = getattr(sys, "_is_gil_enabled", lambda: True)()
print(json.dumps({"best": best, "result": results[0] if right else None, "gil": gil, "version": sys.version.split()[0]}))
`;

/** Starts all workers, so that starting is not measured. */
async function warmUp(executor: Executor, workers: number, target: Work["target"]): Promise<void> {
  const calls = Array.from({ length: 4 * workers }, () => executor.submit(target, 1));
  await Promise.all(calls.map((call) => call.result()));
}

/** The ways, by what they are called here and in CPython. */
type Way = "serial" | "awaiting" | "threads" | "processes";

/** The ways to do all the tasks. */
function waysOf(
  work: Work,
  tasks: number,
  threads: Executor,
  processes: Executor,
): Record<Way, () => Promise<number[]>> {
  const { target, n } = work;
  const inputs = new Array<number>(tasks).fill(n);
  const on = (executor: Executor) => async () =>
    await Promise.all(inputs.map((n) => executor.submit(target, n)).map((call) => call.result()));
  return {
    serial: async () => {
      const results = [];
      for (const n of inputs) results.push(await target(n));
      return results;
    },
    awaiting: () => Promise.all(inputs.map(target)),
    threads: on(threads),
    processes: on(processes),
  };
}

/** How long each way took in its best round, in ms. */
type Best = Partial<Record<Way, number>>;

/** What CPython gave. */
interface Said {
  best: Best;
  /** Null: not all results were the same. */
  result: number | null;
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
const WIDTH = 44;
const NAME_WIDTH = 28;

/** A line for each way: the name, the time, and a bar as long as the speed-up. */
function showBest(best: Best): void {
  for (const [way, ms] of Object.entries(best)) {
    const speedUp = best.serial! / ms;
    const bar = "█".repeat(Math.min(WIDTH, Math.max(1, Math.round(4 * speedUp))));
    const [time, times] = [ms.toFixed(0), speedUp.toFixed(1)];
    const name = fill(TEXTS[way as Way], NAME_WIDTH);
    console.log(`  ${name} ${time.padStart(6)} ms ${times.padStart(5)} x  ${bar}`);
  }
}

/** What came of one kind of work. */
interface Measured {
  here: Best;
  python: Said | undefined;
  isRight: boolean;
}

async function compare(
  kind: Kind,
  { tasks, workers, rounds }: Record<"tasks" | "workers" | "rounds", number>,
  threads: Executor,
  processes: Executor,
): Promise<Measured> {
  const work = WORKS[kind];
  console.log(TEXTS.title(kind, tasks, work.title, workers, rounds));
  await warmUp(threads, workers, work.target);
  await warmUp(processes, workers, work.target);
  await work.target(work.n);

  const here: Best = {};
  let isRight = true;
  // All ways in each round: what else the machine does hits all of them.
  for (let round = 0; round < rounds; round++) {
    for (const [way, run] of Object.entries(waysOf(work, tasks, threads, processes))) {
      const began = performance.now();
      const results = await run();
      const ms = performance.now() - began;
      here[way as Way] = Math.min(ms, here[way as Way] ?? ms);
      isRight &&= results.length === tasks && results.every((one) => one === work.result);
    }
  }
  showBest(here);
  const said = await python(kind, work.python.n, tasks, workers, rounds);
  if (said === undefined) {
    console.log(TEXTS.noPython);
  } else {
    console.log(TEXTS.python(said.version, said.gil, work.python.note));
    showBest(said.best);
    isRight &&= said.result === work.python.result;
  }
  return { here, python: said, isRight };
}

/** All of it again, as factors only: computing beside waiting. */
function showSummary({ cpu, io }: Record<Kind, Measured>): void {
  const line = (name: string, ...cells: (number | string | undefined)[]) => {
    const figures = cells.map((cell) => typeof cell === "number" ? `${cell.toFixed(1)} x` : cell);
    const text = figures.map((figure) => (figure ?? "").padStart(8)).join("");
    console.log(`  ${fill(name, NAME_WIDTH + 12)}${text}`);
  };
  console.log(TEXTS.summary);
  line("", ...NAMES);
  const factor = (best: Best | undefined, way: Way) => best?.[way] && best.serial! / best[way];
  for (const way of ["awaiting", "threads", "processes"] as const) {
    line(TEXTS.here(TEXTS[way]), factor(cpu.here, way), factor(io.here, way));
  }
  for (const way of ["threads", "processes"] as const) {
    const [computing, waiting] = [cpu, io].map(({ python }) => factor(python?.best, way));
    if (computing) line(TEXTS.cpython(TEXTS[way]), computing, waiting);
  }
  line(TEXTS.notes, ...NAMES.map((kind) => NOTES[kind].serial / NOTES[kind].threads));
  const theirs = (way: "serial" | "threads") =>
    NAMES.map((kind) => NOTES[kind][way]).join(TEXTS.comma);
  console.log(TEXTS.seconds(theirs("serial"), theirs("threads")));
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({
    string: ["work", "workers", "tasks", "rounds"],
    default: { work: "both", workers: String(cpuCount()), tasks: "8", rounds: "3" },
    bilingual: true,
  });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const which = oneOf("work", flags.work, ["both", ...NAMES]);
  const workers = wholeNumber("workers", flags.workers, 1, 64);
  const tasks = wholeNumber("tasks", flags.tasks, 1, 1_000);

  const rounds = wholeNumber("rounds", flags.rounds, 1, 100);

  const threads = cleanup.use(new ThreadPoolExecutor(workers));
  const processes = cleanup.use(new ProcessPoolExecutor(workers));
  const measured: Partial<Record<Kind, Measured>> = {};
  for (const kind of which === "both" ? NAMES : [which]) {
    measured[kind] = await compare(kind, { tasks, workers, rounds }, threads, processes);
  }
  if (which === "both") showSummary(measured as Record<Kind, Measured>);
  const areRight = Object.values(measured).every(({ isRight }) => isRight);
  console.log(areRight ? TEXTS.right : TEXTS.wrong);
  return areRight ? 0 : 1;
}

if (import.meta.main) await runScript("cpu_and_io", main);
