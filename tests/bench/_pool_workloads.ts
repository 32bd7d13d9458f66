/**
 * What `pools.ts` measures of ours.
 *
 * @module
 */
import { ProcessPoolExecutor, ThreadPoolExecutor } from "../../lib/futures.ts";
import { Pool, ThreadPool } from "../../lib/multiprocessing.ts";
import { task } from "../../lib/task.ts";
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
export const REPEATS = 9;

const CPU = 64;
/** About 20 ms of work a task: neither dispatch nor an uneven end matters. */
const PRIMES_BELOW = 200_000;

/** The tiny task. */
export const increment = task(import.meta, function increment(x: number) {
  return x + 1;
});

/** Gives back what it is given. */
export const echo = task(import.meta, function echo(bytes: Uint8Array<ArrayBuffer>) {
  return bytes;
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

/** What the four Denos run: ready, go, done. */
const LONE = `${primes.toString()}
primes(${PRIMES_BELOW});
console.log("ready");
await Deno.stdin.read(new Uint8Array(1));
for (let k = 0; k < ${CPU / WORKERS}; k++) primes(${PRIMES_BELOW});
console.log("done");`;

type World = "threads" | "processes";

function executor(world: World): ThreadPoolExecutor | ProcessPoolExecutor {
  return world === "threads" ? new ThreadPoolExecutor(WORKERS) : new ProcessPoolExecutor(WORKERS);
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

/** All by one `map`. */
async function map(world: World): Promise<number[]> {
  await using pool = world === "threads" ? new ThreadPool(WORKERS) : new Pool(WORKERS);
  return await perNumber(MAPPED, (numbers) => pool.map(increment, numbers));
}

/** How many times faster than one after the other. */
async function cpu(world: World | "Denos"): Promise<number[]> {
  primes(PRIMES_BELOW);
  const began = performance.now();
  for (let k = 0; k < CPU / 4; k++) primes(PRIMES_BELOW);
  const serial = (performance.now() - began) * 4;
  return [serial / await (world === "Denos" ? inDenos() : inPool(world))];
}

async function inPool(world: World): Promise<number> {
  await using pool = executor(world);
  const all = async (n: number) => {
    const futures = Array.from({ length: n }, () => pool.submit(primes, PRIMES_BELOW));
    await Promise.all(futures.map((future) => future.result()));
  };
  await all(2 * WORKERS);
  const began = performance.now();
  await all(CPU);
  return performance.now() - began;
}

async function inDenos(): Promise<number> {
  const denos = Array.from({ length: WORKERS }, () =>
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
  },
  cpu: {
    "4 Denos": () => cpu("Denos"),
    "ThreadPoolExecutor": () => cpu("threads"),
    "ProcessPoolExecutor": () => cpu("processes"),
  },
  payload: {
    "ThreadPoolExecutor": () => payload("threads", false),
    "the same, moved": () => payload("threads", true),
    "ProcessPoolExecutor": () => payload("processes", false),
  },
};
