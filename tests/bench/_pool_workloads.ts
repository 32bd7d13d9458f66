/**
 * What `pools.ts` measures of ours.
 *
 * @module
 */
import { ProcessPoolExecutor, ThreadPoolExecutor } from "../../lib/futures.ts";
import { Pool, ThreadPool } from "../../lib/multiprocessing.ts";
import { delay } from "@std/async";
import { task } from "../../lib/task.ts";
import { bareIteration, bareMap, barePayload } from "./_bare_workers.ts";
import { median } from "./_figures.ts";

/** How many workers each pool has, everybody's. */
export const WORKERS = 4;
/** How many tasks are submitted one by one. */
export const TINY = 10_000;
/** How many numbers are mapped. */
export const MAPPED = 200_000;
/** How many messages go there and back. */
export const PAYLOADS = 200;
/** How large each of these is. */
export const MIB = 1 << 20;

/** How often each is done in one program; what counts is the median, as code has to get warm. */
export const REPEATS = 5;

/** The number of workers that compute, and of the Denos beside them: as many as there are cores. */
export const CORES = Math.max(1, navigator.hardwareConcurrency);
/** Some 5 ms of work a task, and of them so many that all take some 2 s. */
const PRIMES_BELOW = 75_000;
const CPU = 400;
/** The number of workers of the pools whose memory is measured. */
export const IDLE_WORKERS = 2;

/** The tiny task. */
export const increment = task(import.meta, function increment(x: number) {
  return x + 1;
});

/** Gives back what it is given. */
export const echo = task(import.meta, function echo(bytes: Uint8Array<ArrayBuffer>) {
  return bytes;
});

/** Says in which process it runs. */
export const whoseProcess = task(import.meta, function whoseProcess() {
  return Deno.pid;
});

/** The task that takes its time. */
export const primes = task(import.meta, function primes(below: number) {
  let count = 0;
  for (let n = 2; n < below; n++) {
    let isPrime = 1;
    for (let k = 2; k * k <= n; k++) {
      if (n % k === 0) {
        isPrime = 0;
        break;
      }
    }
    count += isPrime;
  }
  return count;
});

/** What each of the Denos runs: ready, go, done. */
const LONE = `${primes.toString()}
primes(${PRIMES_BELOW});
console.log("ready");
await Deno.stdin.read(new Uint8Array(1));
for (let k = 0; k < ${CPU} / ${CORES}; k++) primes(${PRIMES_BELOW});
console.log("done");`;

type World = "threads" | "processes";

function executor(world: World, workers = WORKERS): ThreadPoolExecutor | ProcessPoolExecutor {
  return world === "threads" ? new ThreadPoolExecutor(workers) : new ProcessPoolExecutor(workers);
}

function checkSum(numbers: number[]): void {
  const { length: n } = numbers;
  const sum = numbers.reduce((a, b) => a + b);
  if (sum !== n * (n + 1) / 2) throw new Error(`not exact: ${sum}`);
}

/** The first figure of several, and their median. */
async function repeated(run: () => Promise<number>): Promise<number[]> {
  const figures: number[] = [];
  for (let k = 0; k < REPEATS; k++) figures.push(await run());
  return [figures[0], median(figures)];
}

/** How long it takes to add one to each of so many numbers, in µs a number. */
async function perNumber(
  count: number,
  addOne: (numbers: number[]) => Promise<number[]>,
): Promise<number[]> {
  const numbers = Array.from({ length: count }, (_, k) => k);
  for (let k = 0; k < 3; k++) await addOne(numbers.slice(0, 500));
  return await repeated(async () => {
    const began = performance.now();
    const sums = await addOne(numbers);
    const took = performance.now() - began;
    checkSum(sums);
    return took / count * 1e3;
  });
}

/** Calls one by one, by `submit`. */
async function tiny(world: World): Promise<number[]> {
  await using pool = executor(world);
  return await perNumber(TINY, (numbers) => {
    const futures = numbers.map((k) => pool.submit(increment, k));
    return Promise.all(futures.map((future) => future.result()));
  });
}

/** Calls one by one, by `applyAsync`. */
async function applied(world: World): Promise<number[]> {
  await using pool = world === "threads" ? new ThreadPool(WORKERS) : new Pool(WORKERS);
  return await perNumber(TINY, (numbers) => {
    const results = numbers.map((k) => pool.applyAsync(increment, [k]));
    return Promise.all(results.map((result) => result.get()));
  });
}

/** All by an executor's `map`, one result after the other. */
async function mapOneByOne(world: World): Promise<number[]> {
  await using pool = executor(world);
  return await perNumber(MAPPED, async (numbers) => {
    const sums: number[] = [];
    for await (const sum of pool.map(increment, numbers)) sums.push(sum);
    return sums;
  });
}

/** All by one `map`. */
async function map(world: World): Promise<number[]> {
  await using pool = world === "threads" ? new ThreadPool(WORKERS) : new Pool(WORKERS);
  return await perNumber(MAPPED, (numbers) => pool.map(increment, numbers));
}

/** How many times faster than one after the other: before and after, as these machines are noisy. */
async function cpu(world: World | "Denos"): Promise<number[]> {
  const serial = () => {
    const began = performance.now();
    for (let k = 0; k < CPU / 8; k++) primes(PRIMES_BELOW);
    return (performance.now() - began) * 4;
  };
  serial();
  const before = serial();
  const took = await (world === "Denos" ? inDenos() : inPool(world));
  return [(before + serial()) / took];
}

async function inPool(world: World): Promise<number> {
  await using pool = executor(world, CORES);
  const all = async (n: number) => {
    const futures = Array.from({ length: n }, () => pool.submit(primes, PRIMES_BELOW));
    await Promise.all(futures.map((future) => future.result()));
  };
  await all(8 * CORES);
  const began = performance.now();
  await all(CPU);
  return performance.now() - began;
}

async function inDenos(): Promise<number> {
  const denos = Array.from({ length: CORES }, () =>
    new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-config", LONE],
      stdin: "piped",
      stdout: "piped",
    }).spawn());
  const readers = denos.map(({ stdout }) => stdout.getReader());
  const writers = denos.map(({ stdin }) => stdin.getWriter());
  await Promise.all(readers.map((reader) => reader.read()));
  const began = performance.now();
  for (const writer of writers) writer.write(new Uint8Array(1));
  await Promise.all(readers.map((reader) => reader.read()));
  const took = performance.now() - began;
  await Promise.all(writers.map((writer) => writer.close()));
  await Promise.all(readers.map((reader) => reader.cancel()));
  await Promise.all(denos.map(({ status }) => status));
  return took;
}

/**
 * There and back, in MB/s: the same bytes each time, copied on the way, or each its own, which is
 * moved.
 */
async function payload(world: World, isMoved: boolean): Promise<number[]> {
  await using pool = executor(world);
  let all = Array.from({ length: PAYLOADS }, () => new Uint8Array(MIB).fill(1));
  const send = (bytes: Uint8Array<ArrayBuffer>) =>
    isMoved
      ? pool.submitWith({ transfer: [bytes.buffer] }, echo, bytes)
      : pool.submit(echo, all[0]);
  const there = async (some: Uint8Array<ArrayBuffer>[]) =>
    await Promise.all(some.map(send).map((future) => future.result()));
  const warm = await there(all.slice(0, 8));
  all = [...warm, ...all.slice(8)];
  return await repeated(async () => {
    const began = performance.now();
    const back = await there(all);
    const took = performance.now() - began;
    if (back.some(({ length }) => length !== MIB)) throw new Error("not exact");
    all = back;
    return PAYLOADS * MIB / took / 1e3;
  });
}

/** What this program, or another, takes of the memory by itself, in MB; Linux says it. */
function memoryOf(pid: number | "self"): number {
  const text = Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`);
  const fields = ["Private_Clean", "Private_Dirty"].map((name) =>
    Number(new RegExp(`^${name}: *(\\d+) kB`, "m").exec(text)?.[1])
  );
  return fields.reduce((a, b) => a + b) / 1024;
}

/** What a pool of two adds to the memory that is taken, a while after each worker has run a call. */
async function memory(world: World): Promise<number[]> {
  const before = memoryOf("self");
  await using pool = executor(world, IDLE_WORKERS);
  await Promise.all(Array.from({ length: 100 }, (_, k) => pool.submit(increment, k).result()));
  const pids = world === "threads" ? [] : [
    ...new Set(
      await Promise.all(
        Array.from({ length: 50 }, () => pool.submit(whoseProcess).result()),
      ),
    ),
  ];
  await delay(500);
  const added = memoryOf("self") - before;
  return [pids.map(memoryOf).reduce((a, b) => a + b, added)];
}

/** What two bare workers, or two bare Denos, add, which import the same task. */
async function bareMemory(world: World): Promise<number[]> {
  const before = memoryOf("self");
  const module = JSON.stringify(import.meta.url);
  const code = `const { increment } = await import(${module}); setInterval(increment, 1 << 30); `;
  const ends: (() => void)[] = [];
  const pids: number[] = [];
  for (let k = 0; k < IDLE_WORKERS; k++) {
    if (world === "threads") {
      const source = `data:text/javascript,${encodeURIComponent(`${code}postMessage(0)`)}`;
      const worker = new Worker(source, { type: "module" });
      await new Promise((resolve) => worker.onmessage = resolve);
      ends.push(() => worker.terminate());
    } else {
      const child = new Deno.Command(Deno.execPath(), {
        args: ["eval", `${code}console.log(0)`],
        stdin: "null",
        stdout: "piped",
      }).spawn();
      const reader = child.stdout.getReader();
      await reader.read();
      pids.push(child.pid);
      ends.push(() => child.kill("SIGKILL"));
    }
  }
  await delay(500);
  const added = memoryOf("self") - before;
  const all = pids.map(memoryOf).reduce((a, b) => a + b, added);
  for (const end of ends) end();
  return [all];
}

/** The figures that can be had, by workload and name: of the first time, and the median. */
/** The figures that can be had, by workload and name: of the first time, and the median. */
export const OURS: Record<string, Record<string, () => Promise<number[]>>> = {
  tiny: {
    "ThreadPoolExecutor": () => tiny("threads"),
    "ProcessPoolExecutor": () => tiny("processes"),
    "ThreadPool": () => applied("threads"),
    "Pool": () => applied("processes"),
  },
  map: {
    "ThreadPool": () => map("threads"),
    "Pool": () => map("processes"),
    "ThreadPoolExecutor.map": () => mapOneByOne("threads"),
    "bare ports, 16 chunks": () => bareMap(MAPPED, WORKERS, REPEATS),
    "a bare for await": () => bareIteration(MAPPED, REPEATS),
  },
  cpu: {
    "Denos": () => cpu("Denos"),
    "ThreadPoolExecutor": () => cpu("threads"),
    "ProcessPoolExecutor": () => cpu("processes"),
  },
  payload: {
    "ThreadPoolExecutor": () => payload("threads", false),
    "the same, moved": () => payload("threads", true),
    "ProcessPoolExecutor": () => payload("processes", false),
    "bare rings": () => barePayload("rings", WORKERS, REPEATS),
    "bare ports, copied": () => barePayload("copied", WORKERS, REPEATS),
    "bare ports, moved": () => barePayload("moved", WORKERS, REPEATS),
  },
  memory: {
    "bare workers": () => bareMemory("threads"),
    "ThreadPoolExecutor": () => memory("threads"),
    "bare Denos": () => bareMemory("processes"),
    "ProcessPoolExecutor": () => memory("processes"),
  },
};
