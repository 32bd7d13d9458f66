/**
 * The pools of npm, on the workloads of `pools.ts`.
 *
 * They are not ours to install: they are found in a folder's `node_modules`, where each is, and
 * their programs are written beside it for as long as the bench runs.
 *
 * @module
 */
import { join } from "node:path";
import { figuresOf } from "./_figures.ts";

/** A pool of npm, and what runs it. */
export interface NpmPool {
  name: string;
  runtime: "node" | "deno";
}

const POOLS: Record<string, NpmPool["runtime"][]> = {
  "piscina": ["node"],
  "tinypool": ["node"],
  "workerpool": ["node"],
  "comlink": ["node"],
  "poolifier-web-worker": ["deno"],
  "multithreading": ["deno"],
};

const FILES: Record<string, string> = {
  "functions.mjs": `
export function increment(x) { return x + 1; }
export function incrementAll(xs) { return xs.map(increment); }
export function echo(bytes) { return bytes; }
`,
  "workerpool_worker.mjs": `
import workerpool from "workerpool";
import * as functions from "./functions.mjs";
workerpool.worker({ ...functions });
`,
  "comlink_worker.mjs": `
import { parentPort } from "node:worker_threads";
import * as Comlink from "comlink";
import endpoint from "comlink/dist/esm/node-adapter.mjs";
import * as functions from "./functions.mjs";
Comlink.expose({ ...functions }, endpoint(parentPort));
`,
  "poolifier_worker.mjs": `
import { ThreadWorker } from "poolifier-web-worker";
import * as functions from "./functions.mjs";
export default new ThreadWorker({ ...functions });
`,
  "pool.mjs": `
import process from "node:process";
import { Worker } from "node:worker_threads";
const [workload, name, workers, repeats] = process.argv.slice(2);
const n = Number(workers);
const url = (file) => new URL(file, import.meta.url);
const filename = url("./functions.mjs").href;
const makers = {
  async piscina() {
    const { Piscina } = await import("piscina");
    const pool = new Piscina({ filename, minThreads: n, maxThreads: n });
    return (name, x) => pool.run(x, { name });
  },
  async tinypool() {
    const { Tinypool } = await import("tinypool");
    const pool = new Tinypool({ filename, minThreads: n, maxThreads: n });
    return (name, x) => pool.run(x, { name });
  },
  async workerpool() {
    const { default: workerpool } = await import("workerpool");
    const pool = workerpool.pool(url("./workerpool_worker.mjs").pathname, {
      minWorkers: n, maxWorkers: n, workerType: "thread",
    });
    return (name, x) => pool.exec(name, [x]);
  },
  async comlink() {
    const Comlink = await import("comlink");
    const { default: endpoint } = await import("comlink/dist/esm/node-adapter.mjs");
    const all = Array.from({ length: n }, () =>
      Comlink.wrap(endpoint(new Worker(url("./comlink_worker.mjs")))));
    let k = 0;
    return (name, x) => all[k++ % n][name](x);
  },
  async "poolifier-web-worker"() {
    const { FixedThreadPool } = await import("poolifier-web-worker");
    const pool = new FixedThreadPool(n, url("./poolifier_worker.mjs"));
    return (name, x) => pool.execute(x, name);
  },
  async multithreading() {
    const { initRuntime, move, spawn } = await import("multithreading");
    initRuntime({ maxWorkers: n });
    const functions = { increment: (x) => x + 1, echo: (bytes) => bytes };
    const run = async (name, x) => {
      // It transfers what it is given: a copy goes.
      const argument = x instanceof Uint8Array ? x.slice() : x;
      const { ok, value, error } = await spawn(move(argument), functions[name]).join();
      if (!ok) throw error;
      return value;
    };
    // A function that is new and asked for in a burst confuses it: each worker learns it first.
    for (const name of Object.keys(functions)) {
      await Promise.all(Array.from({ length: n }, () => run(name, 1)));
    }
    return run;
  },
};
const run = await makers[name]();
const times = (count, fn) => Promise.all(Array.from({ length: count }, (_, k) => fn(k)));
async function tiny() {
  const count = 10_000, began = performance.now();
  const sums = await times(count, (k) => run("increment", k));
  const took = performance.now() - began;
  if (sums.reduce((a, b) => a + b) !== count * (count + 1) / 2) throw new Error("not exact");
  return took / count * 1e3;
}
const bytes = new Uint8Array(1 << 20);
async function payload() {
  const count = 200, began = performance.now();
  const back = await times(count, () => run("echo", bytes));
  const took = performance.now() - began;
  if (back.some(({ length }) => length !== bytes.length)) throw new Error("not exact");
  return count * bytes.length / took / 1e3;
}
const all = Array.from({ length: 200_000 }, (_, k) => k);
async function map() {
  const size = all.length / 16, began = performance.now();
  const chunks = await times(16, (k) => run("incrementAll", all.slice(k * size, (k + 1) * size)));
  const sums = chunks.flat();
  const took = performance.now() - began;
  if (sums.length !== all.length || sums.at(-1) !== all.length) throw new Error("not exact");
  return took / all.length * 1e3;
}
for (let k = 0; k < 3; k++) await times(500, (k) => run("increment", k));
await times(8, () => run("echo", bytes));
const workloads = { tiny, map, payload };
const figures = [];
for (let k = 0; k < Number(repeats); k++) figures.push(await workloads[workload]());
console.log(figures[0], figures.toSorted((a, b) => a - b)[figures.length >> 1]);
process.exit(0);
`,
};

/** The pools of npm that a folder has. */
export class NpmPools implements Disposable {
  /** Those that are there. */
  readonly pools: NpmPool[];
  readonly #folder: string;

  constructor(peers: string) {
    this.#folder = Deno.makeTempDirSync({ dir: peers, prefix: "pools-" });
    for (const [name, text] of Object.entries(FILES)) {
      Deno.writeTextFileSync(join(this.#folder, name), text);
    }
    this.pools = Object.entries(POOLS).flatMap(([name, runtimes]) =>
      isThere(join(peers, "node_modules", name))
        ? runtimes.map((runtime) => ({ name, runtime }))
        : []
    );
  }

  /** Those that can do a workload; of a map the quickest with chunks that are made by hand. */
  of(workload: string): NpmPool[] {
    if (workload === "map") return this.pools.filter(({ name }) => name === "poolifier-web-worker");
    return workload === "tiny" || workload === "payload" ? this.pools : [];
  }

  /**
   * A pool's figures on a workload, the first and the median; none where what runs it is not there.
   */
  run(workload: string, { name, runtime }: NpmPool, ...sizes: number[]): number[] {
    const args = ["pool.mjs", workload, name, ...sizes.map(String)];
    return runtime === "node"
      ? figuresOf("node", args, this.#folder)
      : figuresOf(Deno.execPath(), ["run", "-A", ...args], this.#folder);
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.#folder, { recursive: true });
  }
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}
