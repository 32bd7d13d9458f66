/**
 * Pools and executors beside CPython's and npm's, and beside what bare Deno takes, in turns in the
 * same minutes:
 *
 *     deno task bench:pools [ROUNDS] [--peers FOLDER] [--only WORKLOAD,...]
 *
 * - tiny: 10,000 calls of x + 1, submitted one by one and all awaited, in µs a task;
 * - map: the same function over 200,000 numbers by `map`, in µs a task; poolifier's chunks are made
 *   by hand, 16 of them, as are those of bare workers;
 * - cpu: 400 × counting primes for some 5 ms, on a worker for each core, as speed-up over one after
 *   the other; beside it the same work in Denos that know nothing of each other, which is what the
 *   machine has to give;
 * - payload: 200 × 1 MiB there and back, in MB/s: copied on the way, or moved (`transfer`); beside
 *   it bare rings in shared memory, and bare ports;
 * - memory: what a pool of two adds to what the program takes, when it is idle, in MB: private
 *   pages, as Linux counts them; beside it two bare workers, and two bare Denos, which import the
 *   same module.
 *
 * Each pool has 4 workers, but for cpu and memory. For one core put `taskset -c 0` before it.
 *
 * FOLDER is where `npm install piscina@5.3.2 tinypool@2.2.0 workerpool@10.0.3 comlink@4.4.2
 * poolifier-web-worker@0.5.15
 * multithreading@0.3.52`
 * was run; without it npm's pools are left out, and without python3 CPython's. Each figure is taken
 * in a program of its own, as the median of 5 after 1,500 calls; of ours also the first of the 5,
 * where code is still getting warm. What is shown is the median of all rounds; read the ratios,
 * these machines are noisy.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "@std/cli";
import { Figures, figuresOf, python } from "./_figures.ts";
import { NpmPools } from "./_npm_pools.ts";
import { MAPPED, MIB, OURS, PAYLOADS, REPEATS, TINY, WORKERS } from "./_pool_workloads.ts";

const PYTHON = `
import sys, time, multiprocessing as mp
from concurrent.futures import ThreadPoolExecutor, ProcessPoolExecutor
def increment(x): return x + 1
def echo(b): return b
if __name__ == "__main__":
    work, kind = sys.argv[1:]
    pool = {"threads": ThreadPoolExecutor, "processes": ProcessPoolExecutor, "Pool": mp.Pool}[kind](${WORKERS})
    def each(n):
        if kind == "Pool": return [f.get() for f in [pool.apply_async(increment, (i,)) for i in range(n)]]
        return [f.result() for f in [pool.submit(increment, i) for i in range(n)]]
    def sums(of, n):
        t = time.perf_counter(); r = of(n); took = time.perf_counter() - t
        assert sum(r) == n * (n + 1) // 2
        return took / n * 1e6
    def mapped(n):
        kw = {"chunksize": n // 16} if kind == "processes" else {}
        return list(pool.map(increment, range(n), **kw))
    def payload():
        n, b = ${PAYLOADS}, bytes(${MIB}); t = time.perf_counter()
        r = list(pool.map(echo, [b] * n, chunksize=1))
        took = time.perf_counter() - t
        assert all(len(x) == ${MIB} for x in r)
        return n * ${MIB} / took / 1e6
    run = {"tiny": lambda: sums(each, ${TINY}), "map": lambda: sums(mapped, ${MAPPED}), "payload": payload}[work]
    each(1500)
    figures = [run() for _ in range(${REPEATS})]
    print(figures[0], sorted(figures)[${REPEATS >> 1}])
`;

/** Gives the figure of the first time and the median, or none. */
type Run = () => number[];

const CPYTHON: Record<string, string[]> = {
  tiny: ["threads", "processes", "Pool"],
  map: ["processes", "Pool"],
  cpu: [],
  payload: ["processes", "Pool"],
  memory: [],
};

const UNITS: Record<string, string> = {
  tiny: "µs",
  map: "µs",
  cpu: "x",
  payload: "MB/s",
  memory: "MB",
};

const PYTHON_NAMES: Record<string, string> = {
  threads: "CPython ThreadPoolExecutor",
  processes: "CPython ProcessPoolExecutor",
  Pool: "CPython mp.Pool",
};

/**
 * What is to be held: whose figure, beside whose, and the ratio that it must not be above or below.
 */
const GOALS: [workload: string, ours: string, theirs: string, most: number, least: number][] = [
  ["tiny", "ThreadPoolExecutor", "CPython ThreadPoolExecutor", 0.2, 0],
  ["tiny", "ThreadPoolExecutor", "piscina", 0.1, 0],
  ["map", "Pool", "CPython mp.Pool", 1, 0],
  ["map", "ThreadPool", "CPython mp.Pool", 1, 0],
  ["map", "ThreadPool", "poolifier-web-worker", 1.5, 0],
  ["map", "ThreadPoolExecutor.map", "poolifier-web-worker", 1.5, 0],
  ["map", "ThreadPoolExecutor.map", "a bare for await", 1.5, 0],
  ["cpu", "ThreadPoolExecutor", "Denos", Infinity, 0.95],
  ["cpu", "ProcessPoolExecutor", "Denos", Infinity, 0.95],
  ["payload", "ThreadPoolExecutor", "npm's best", Infinity, 1],
  ["payload", "ThreadPoolExecutor", "bare rings", Infinity, 1],
  ["payload", "the same, moved", "npm's best", Infinity, 1.5],
  ["payload", "the same, moved", "bare ports, moved", Infinity, 0.9],
  ["payload", "ProcessPoolExecutor", "CPython ProcessPoolExecutor", Infinity, 1.5],
  ["memory", "ThreadPoolExecutor", "bare workers", 1.3, 0],
  ["memory", "ProcessPoolExecutor", "bare Denos", 1.3, 0],
];

function ours(workload: string, name: string): number[] {
  const script = fileURLToPath(import.meta.url);
  return figuresOf(Deno.execPath(), ["run", "-A", script, "--run", `${workload}/${name}`]);
}

/** All that is measured of a workload. */
function rivals(workload: string, npm: NpmPools | undefined): Record<string, Run> {
  const runs: Record<string, Run> = {};
  for (const name of Object.keys(OURS[workload])) runs[name] = () => ours(workload, name);
  for (const kind of CPYTHON[workload]) {
    runs[PYTHON_NAMES[kind]] = () => python(PYTHON, workload, kind);
  }
  for (const pool of npm?.of(workload) ?? []) {
    runs[pool.name] = () => npm!.run(workload, pool, WORKERS, REPEATS);
  }
  return runs;
}

function compare(workload: string, rounds: number, npm?: NpmPools): void {
  const figures = new Figures();
  const runs = Object.entries(rivals(workload, npm));
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of runs) {
      const [first, median] = run();
      figures.note(name, median ?? first);
      if (name in OURS[workload]) figures.note(`${name}, first`, median && first);
    }
  }
  console.log(`\n${workload}`);
  const digits = workload === "map" ? 3 : workload === "payload" ? 0 : 2;
  const form = { unit: UNITS[workload], digits, width: 28 };
  for (const [name] of runs) {
    figures.show(name, form);
    figures.show(`${name}, first`, form);
  }
  figures.note("npm's best", best(figures, npm));
  for (const [where, ours, theirs, most, least] of GOALS) {
    const ratio = where === workload ? figures.ratio(ours, theirs) : undefined;
    if (ratio === undefined) continue;
    const goal = least > 0 ? `at least ${least.toFixed(2)}` : `at most ${most}`;
    const holds = ratio <= most && ratio >= least ? "holds" : "MISSED";
    console.log(`  ${ours}: ${ratio.toFixed(2)} x ${theirs} (${goal}: ${holds})`);
  }
}

/** The highest median of npm's pools. */
function best(figures: Figures, npm?: NpmPools): number | undefined {
  const medians = (npm?.pools ?? []).map(({ name }) => figures.median(name) ?? 0);
  return medians.length === 0 ? undefined : Math.max(...medians);
}

if (import.meta.main) {
  const flags = parseArgs(Deno.args, { string: ["peers", "only", "run"] });
  if (flags.run !== undefined) {
    const [workload, name] = flags.run.split("/");
    console.log(...await OURS[workload][name]());
    // A bare worker that waits for its ring would keep the program.
    Deno.exit();
  } else {
    const rounds = Number(flags._[0] ?? 3);
    using npm = flags.peers === undefined ? undefined : new NpmPools(flags.peers);
    const workloads = flags.only?.split(",") ?? Object.keys(OURS);
    for (const workload of workloads) compare(workload, rounds, npm);
  }
}
