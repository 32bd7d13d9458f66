/**
 * Programs that leave something alone which keeps no program alive: `_left_alone.ts HOW`.
 *
 * @module
 */
import { ProcessPoolExecutor, ThreadPoolExecutor } from "../../lib/futures.ts";
import * as multiprocessing from "../../lib/multiprocessing.ts";
import { Manager, Pool, Process, ThreadPool } from "../../lib/multiprocessing.ts";
import { signal } from "../../lib/signal.ts";
import * as threading from "../../lib/threading.ts";
import { Thread } from "../../lib/threading.ts";

// Targets.

export function idle(): Promise<never> {
  return new Promise(() => setInterval(() => {}, 1_000));
}

export async function hear(end: threading.Connection<unknown>): Promise<void> {
  await end.send("here");
  for await (const _ of end);
}

export function square(x: number): number {
  return x * x;
}

const CASES: Record<string, () => unknown> = {
  "daemon thread": () => new Thread(idle, { daemon: true }).start(),
  "daemon process": () => new Process(idle, { daemon: true }).start(),
  async "daemon that is waited for no more"() {
    for (const child of [new Thread(idle, { daemon: true }), new Process(idle, { daemon: true })]) {
      child.start();
      await child.join({ timeout: 20 });
      await child.result({ timeout: 20 }).catch(() => {});
      await child.join({ signal: AbortSignal.timeout(20) }).catch(() => {});
    }
  },
  ThreadPool: () => new ThreadPool(1).map(square, [1, 2]),
  Pool: () => new Pool(1).map(square, [1, 2]),
  ThreadPoolExecutor: () => new ThreadPoolExecutor(1).submit(square, 1).result(),
  ProcessPoolExecutor: () => new ProcessPoolExecutor(1).submit(square, 1).result(),
  async "executor with minWorkers"() {
    for (const Executor of [ThreadPoolExecutor, ProcessPoolExecutor]) {
      const executor = new Executor(2, { minWorkers: 2, idleTimeout: 600_000 });
      await executor.submit(square, 1).result({ timeout: 600_000 });
    }
  },
  async "map that is left"() {
    const results = new ThreadPool(1).imap(square, [1, 2], { timeout: 600_000 });
    await results.next();
  },
  "threads in advance": () => threading.prewarm(1),
  "processes in advance": () => multiprocessing.prewarm(1),
  async Manager() {
    const manager = await Manager.start();
    await (await manager.dict()).set("a", 1);
  },
  async "pipe in use"() {
    const [here, there] = multiprocessing.pipe<string>();
    new Process(hear, { args: [there], daemon: true }).start();
    await here.recv();
  },
  "handle of a signal": () => signal("SIGUSR2", () => {}),
};

if (import.meta.main) {
  await CASES[Deno.args[0]]();
  console.log("main ends");
}
