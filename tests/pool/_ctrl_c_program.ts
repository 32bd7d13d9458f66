/**
 * Programs at whose terminal Ctrl-C is pressed, each chosen by its name. None awaits its main(), as
 * scripts do.
 *
 * @module
 */
import { type Executor, ProcessPoolExecutor, ThreadPoolExecutor } from "../../lib/futures.ts";
import { Pool, ThreadPool } from "../../lib/multiprocessing.ts";
import { abortOn, SIG_DFL, SIG_IGN, signal } from "../../lib/signal.ts";
import { context } from "../../lib/task.ts";

const [name, world] = Deno.args;
const threads = world === "threads";
const later = (ms: number) => new Promise<void>((next) => setTimeout(next, ms));

function executor(workers = 2): Executor {
  return threads ? new ThreadPoolExecutor(workers) : new ProcessPoolExecutor(workers);
}

function pool(workers = 2): Pool | ThreadPool {
  return threads ? new ThreadPool(workers) : new Pool(workers);
}

// Exported functions of the main module: targets without `task()`.

/** Runs for long enough for Ctrl-C to be pressed meanwhile. */
export async function slow(k: number): Promise<number> {
  context().report(k);
  await later(1_000);
  return k;
}

export async function long(): Promise<void> {
  context().report("runs");
  await later(5_000);
}

export function square(x: number): number {
  return x * x;
}

/** Submits calls, and says when the first of them run. */
async function begin(to: Executor, count: number, running = 2) {
  const begun = Promise.withResolvers<void>();
  let left = running;
  const onReport = () => --left === 0 && begun.resolve();
  const futures = Array.from({ length: count }, (_, k) => to.submitWith({ onReport }, slow, k));
  await begun.promise;
  return futures;
}

const CASES: Record<string, () => Promise<void>> = {
  /** A map of a pool: all of its calls in flight run. */
  async map() {
    await using workers = pool();
    let done = 0;
    const onProgress = () => console.log(`done ${++done}`);
    await workers.map(slow, Array(100).keys(), { chunksize: 1, onProgress });
  },

  /** A lazy map, of which what runs is given. */
  async imap() {
    await using workers = pool();
    for await (const k of workers.imap(slow, Array(100).keys(), { chunksize: 1 })) {
      console.log(`result ${k}`);
    }
  },

  /** A map whose input never comes to its next item. */
  async stuckInput() {
    await using workers = executor();
    async function* input() {
      yield 1;
      yield 2;
      await new Promise(() => {});
    }
    // The map has no call under way then; another keeps the pool busy.
    const begun = Promise.withResolvers<unknown>();
    workers.submitWith({ onReport: begun.resolve }, long);
    await begun.promise;
    for await (const k of workers.map(square, input(), { chunksize: 1 })) {
      console.log(`result ${k}`);
    }
  },

  /** Calls of an executor that nobody else waits for. */
  async submit() {
    await using workers = executor();
    const futures = await begin(workers, 5);
    console.log("ready");
    for (const future of futures) console.log(`result ${await future.result()}`);
  },

  /** Ctrl-C is the program's own. */
  async ignored() {
    await using workers = executor();
    signal("SIGINT", SIG_IGN);
    await batchAtLength(workers);
  },
  async handled() {
    await using workers = executor();
    signal("SIGINT", () => console.log("handler of signal()"));
    await batchAtLength(workers);
  },
  async listened() {
    await using workers = executor();
    const listener = () => console.log("handler of Deno");
    Deno.addSignalListener("SIGINT", listener);
    await batchAtLength(workers);
    Deno.removeSignalListener("SIGINT", listener);
  },
  async aborted() {
    await using workers = executor();
    using signal = abortOn("SIGINT");
    const futures = [0, 1].map((k) => workers.submitWith({ signal }, slow, k));
    console.log("ready");
    for (const future of futures) console.log((await future.exception())?.name);
  },
  async node() {
    await using workers = executor();
    process.once("SIGINT", () => console.log("handler of node"));
    await batchAtLength(workers);
  },
  /** It was, and is no more. */
  async restored() {
    await using workers = executor();
    signal("SIGINT", SIG_IGN);
    signal("SIGINT", SIG_DFL);
    await batchAtLength(workers);
  },

  /** One batch after the other, in which each is interrupted once. */
  async batches() {
    await using workers = executor();
    for (let batch = 0; batch < 3; batch++) {
      const futures = await begin(workers, batch === 2 ? 2 : 4);
      if (batch < 2) console.log(`batch ${batch}`);
      const ends = await Promise.allSettled(futures.map((future) => future.result()));
      console.log(
        ends.map((end) => end.status === "rejected" ? end.reason.name : end.value).join(),
      );
    }
  },

  /** One call after the other: there is nothing that waits. */
  async loop() {
    await using workers = executor();
    for (let k = 0;; k++) {
      await begin(workers, 1, 1).then(async ([future]) => {
        console.log(`runs ${k}`);
        console.log(`result ${await future!.result()}`);
      });
    }
  },

  /** The error is caught, and the program ends by itself. */
  async caught() {
    await using workers = executor();
    const futures = await begin(workers, 3);
    console.log("ready");
    const ends = await Promise.allSettled(futures.map((future) => future.result()));
    console.log(ends.map((end) => end.status === "rejected" ? end.reason.stack : end.value).join());
  },

  /** A program that says how it ends. */
  async ownCode() {
    await CASES.caught!();
    Deno.exitCode = 3;
  },

  /** Workers are just starting. */
  async starting() {
    await using workers = pool(4);
    const all = workers.map(slow, Array(4).keys(), { chunksize: 1 });
    all.catch(() => {});
    await later(5);
    console.log("ready");
    await all.catch((error) => console.log(error.name));
    console.log(await workers.map(square, [1, 2, 3]));
  },
};

async function batchAtLength(workers: Executor): Promise<void> {
  const futures = await begin(workers, 4);
  console.log("ready");
  for (const future of futures) console.log(`result ${await future.result()}`);
}

if (import.meta.main) CASES[name!]!();
