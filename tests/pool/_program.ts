/**
 * Programs that use pools, each chosen by its name: how they end, by themselves or by Ctrl-C.
 *
 * @module
 */
import {
  type Executor,
  type Future,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
} from "../../lib/futures.ts";
import { Pool, ThreadPool } from "../../lib/multiprocessing.ts";
import * as multiprocessing from "../../lib/multiprocessing.ts";
import * as threading from "../../lib/threading.ts";
import { context } from "../../lib/task.ts";

const [, world] = Deno.args;
const later = (ms: number) => new Promise<void>((next) => setTimeout(next, ms));

function executor(workers: number, options = {}): Executor {
  return world === "threads"
    ? new ThreadPoolExecutor(workers, options)
    : new ProcessPoolExecutor(workers, options);
}

// Exported functions of the main module: targets without `task()`.

export async function sleepy(ms: number): Promise<number> {
  context().report("runs");
  await later(ms);
  return ms;
}

export function square(x: number): number {
  return x * x;
}

export async function spin(): Promise<never> {
  context().report("runs");
  await later(0);
  for (;;);
}

export function devour(): never {
  const all: unknown[] = [];
  for (;;) all.push(new Array(10_000).fill(all.length + 0.5));
}

export function hang(): Promise<never> {
  context().report(Deno.pid);
  return new Promise(() => setInterval(() => {}, 1_000));
}

/** Prints what becomes of a future. */
function tell(name: string, future: Future<unknown>): void {
  future.addDoneCallback(async () => {
    const outcome = await future.result().then(String, (error) => error.name);
    console.log(`${name}: ${outcome}`);
  });
}

/** A call that has begun. */
async function begun(pool: Executor, ms: number): Promise<Future<number>> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const future = pool.submitWith({ onReport: resolve }, sleepy, ms);
  await promise;
  return future;
}

const CASES: Record<string, () => Promise<void> | void> = {
  /** Main ends while there is work, and says no word to the executor. */
  async pending() {
    const pool = executor(2);
    for (let k = 0; k < 6; k++) tell(`task ${k}`, pool.submit(sleepy, 20 + k));
    await later(1);
    console.log("main ends");
  },

  /** Main ends when all is done, and leaves the workers idle. */
  async idle() {
    const pool = executor(2);
    const other = world === "threads" ? new ThreadPool(2) : new Pool(2);
    console.log(await pool.submit(square, 3).result(), await other.map(square, [1, 2]));
  },

  /** Spares keep no program alive. */
  async spares() {
    await (world === "threads" ? threading : multiprocessing).prewarm(2);
    console.log("main ends");
  },

  /** Ctrl-C while tasks run and wait. */
  async interrupted() {
    await using pool = executor(2);
    const running = [await begun(pool, 1_000), await begun(pool, 1_000)];
    for (const [k, future] of running.entries()) tell(`running ${k}`, future);
    for (let k = 0; k < 3; k++) tell(`queued ${k}`, pool.submit(sleepy, 60_000));
    console.log("ready");
  },

  /** Ctrl-C, twice: the tasks are too long to wait for. */
  async interruptedTwice() {
    await using pool = executor(2);
    const running = [await begun(pool, 60_000), await begun(pool, 60_000)];
    for (const [k, future] of running.entries()) tell(`running ${k}`, future);
    const waiting = pool.submit(sleepy, 60_000);
    waiting.addDoneCallback(() => console.log("first"));
    console.log("ready");
  },

  /** Ctrl-C in a pool's map. */
  async interruptedMap() {
    await using pool = world === "threads" ? new ThreadPool(2) : new Pool(2);
    const { promise, resolve } = Promise.withResolvers<void>();
    const options = { chunksize: 1, onProgress: () => resolve() };
    const mapping = pool.map(sleepy, Array(1_000).fill(50), options);
    mapping.catch((error) => console.log(`map: ${error.name}`));
    await promise;
    console.log("ready");
    await mapping.catch(() => {});
  },

  /** Ctrl-C while there is no work is what it always is. */
  async interruptedIdle() {
    const pool = executor(1);
    await pool.submit(square, 3).result();
    console.log("ready");
    await later(60_000);
  },

  /** One task that cannot be stopped, in a thread, and others beside it. */
  async stuck() {
    await using pool = executor(1, { grace: 50 });
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const stuck = pool.submitWith({ onReport: resolve }, spin);
    await promise;
    const next = pool.submit(square, 3);
    stuck.cancel({ running: true });
    tell("stuck", stuck);
    console.log(await next.result());
  },

  /** A worker that runs out of memory. */
  async memory() {
    await using pool = executor(1);
    const lost = pool.submit(devour);
    const next = pool.submit(square, 3);
    const error = await lost.exception() as Error;
    console.log(error.name, error.message);
    console.log(await next.result());
  },

  /** All four faces with few permissions. */
  async few() {
    await using pool = executor(2);
    const futures = [1, 2, 3].map((k) => pool.submit(square, k));
    console.log(await Promise.all(futures.map((future) => future.result())));
    const error = await pool.submit(quit).exception() as Error;
    console.log(error.name, await pool.submit(square, 4).result());
    await using other = world === "threads" ? new ThreadPool(1) : new Pool(1);
    console.log(await other.map(square, [5, 6]));
  },

  /** Some of what this program may do is limited: what workers may do of that has to be said. */
  async limited() {
    const path = Deno.args[2]!;
    for (const options of [{}, { permissions: { read: [path] } }]) {
      await using pool = new ProcessPoolExecutor(1, options);
      const future = pool.submit(lengthOf, path);
      console.log((await future.exception())?.message ?? await future.result());
    }
    await using pool = new Pool(1, { permissions: { read: true } });
    console.log(await pool.map(lengthOf, [path]).catch((error) => error.message));
  },

  /** The program ends by an error, by Deno.exit(), or by a signal, while tasks run for ever. */
  async dies() {
    const pool = executor(2);
    const { promise, resolve } = Promise.withResolvers<unknown>();
    pool.submitWith({ onReport: resolve }, hang);
    const pid = await promise;
    const busy = executor(1);
    await begun(busy, 60_000);
    console.log(pid);
    const [, , how] = Deno.args;
    if (how === "error") throw new RangeError("main's own");
    if (how === "exit") Deno.exit(7);
    Deno.kill(Deno.pid, "SIGKILL");
  },

  /** A map with a progress bar. */
  async progress() {
    await using pool = world === "threads" ? new ThreadPool(2) : new Pool(2);
    const results = await pool.map(sleepy, Array(30).fill(20), { progress: true, chunksize: 1 });
    console.log(results.length);
  },
};

export function lengthOf(path: string): number {
  return Deno.readTextFileSync(path).length;
}

export function quit(): void {
  Deno.exit(3);
}

if (import.meta.main) await CASES[Deno.args[0]]();
