#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run
/**
 * A thread comes to grief: who goes with it?
 *
 *     error     three threads, one of which throws: that one ends, the others get through
 *     pool      a worker that throws goes on with the next task; one that ends is replaced
 *     process   the same three threads in a process of their own; this time the fault is not an
 *               error of the program, but the end of the process: all three are gone
 *
 * "One thread crashes, and the whole process is gone" is true of the last one alone: of what the
 * system or the runtime does not survive. Whoever must survive that belongs in another process; see
 * `processes/crash.ts`.
 *
 * Try:
 *
 *     examples/threads/crash.ts                  all of them in turn
 *     examples/threads/crash.ts --part process   the whole process
 *
 * @module
 */
import { ThreadPoolExecutor, WorkerLostError } from "../../lib/futures.ts";
import { Process } from "../../lib/multiprocessing.ts";
import { exit, getpid } from "../../lib/os.ts";
import { kill } from "../../lib/signal.ts";
import { context } from "../../lib/task.ts";
import { Barrier, currentThread, Event, Thread } from "../../lib/threading.ts";
import { inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript } from "../_shared/script.ts";

const WAGONS = ["coal", "dynamite", "hay"] as const;
type Wagon = typeof WAGONS[number];

const TEXTS = inLanguage({
  en: {
    usage: `A thread that fails, and what goes with it: a task, a thread, or the whole process.

Usage: crash.ts [options]

  --part P   error, pool, process, or all of them in turn (all)
  --lang L   en or zh (en)
  --help     show this`,
    wagons: { coal: "coal", dynamite: "dynamite", hay: "hay" },
    title: {
      error: "error: three threads, one throws",
      pool: "pool: one worker, five tasks: one throws, one ends its worker",
      process: "process: three threads of one process, and the process is killed",
    },
    explosion: "an explosion",
    enters: (name: string) => `  ${name} enters the tunnel`,
    through: (name: string) => `  ${name} is through`,
    told: (error: string) => `  main is told ${error}`,
    by: (worker: string) => `  done by ${worker}`,
    killed: (exitcode: number | null) => `  the process has ended with exitcode ${exitcode}`,
    sum: (through: number) => `  ${through} of 3 through`,
    right: "an error ends one thread, the end of the process ends all",
    wrong: "NOT AS IT SHOULD BE",
  },
  zh: {
    usage: `一个线程出了事，会带走什么：一个任务、一个线程，还是整个进程。

用法：crash.ts [选项]

  --part P   部分：error、pool、process，或者依次全部 all（默认 all）
  --lang L   语言：en 或 zh（默认 en）
  --help     显示本说明`,
    wagons: { coal: "煤车", dynamite: "炸药车", hay: "草车" },
    title: {
      error: "error：三个线程，一个抛出异常",
      pool: "pool：一个工作线程，五个任务：一个抛出异常，一个结束了线程",
      process: "process：一个进程里的三个线程，进程被杀",
    },
    explosion: "爆炸了",
    enters: (name: string) => `  ${name}进了隧道`,
    through: (name: string) => `  ${name}过了隧道`,
    told: (error: string) => `  主线程得知：${error}`,
    by: (worker: string) => `  由 ${worker} 完成`,
    killed: (exitcode: number | null) => `  进程结束了，exitcode 是 ${exitcode}`,
    sum: (through: number) => `  3 车里过去了 ${through} 车`,
    right: "异常只结束一个线程，进程一结束，线程全部结束",
    wrong: "结果不对",
  },
});

/** What the wagons have between them. */
interface Tunnel {
  /** Passed when all are in the tunnel. */
  allInside: Barrier;
  /** Set when the dynamite has gone off: nobody is through before. */
  isOver: Event;
  /** Whether the dynamite takes the process with it. */
  isFatal: boolean;
}

/** Drives a wagon through the tunnel. */
export async function drive(wagon: Wagon, tunnel: Tunnel): Promise<void> {
  const { name } = currentThread();
  console.log(TEXTS.enters(name));
  await tunnel.allInside.wait();
  if (wagon === "dynamite") {
    if (tunnel.isFatal) kill(getpid(), "SIGKILL");
    else throw new RangeError(TEXTS.explosion);
  }
  await tunnel.isOver.wait();
  console.log(TEXTS.through(name));
}

/** The three wagons, each a thread of this process. */
function depart(tunnel: Tunnel): Thread<void, [Wagon, Tunnel]>[] {
  return WAGONS.map((wagon) =>
    new Thread(drive, { args: [wagon, tunnel], name: TEXTS.wagons[wagon] }).start()
  );
}

function makeTunnel(isFatal: boolean): Tunnel {
  return { allInside: new Barrier(WAGONS.length), isOver: new Event(), isFatal };
}

/** How many came to a good end. */
function count(ends: PromiseSettledResult<unknown>[]): number {
  return ends.filter(({ status }) => status === "fulfilled").length;
}

async function error(): Promise<boolean> {
  const tunnel = makeTunnel(false);
  const threads = depart(tunnel);
  const failure = await threads[1].result().catch((error: unknown) => error);
  console.log(TEXTS.told(String(failure)));
  tunnel.isOver.set();
  const through = count(await Promise.allSettled(threads.map((thread) => thread.result())));
  console.log(TEXTS.sum(through));
  return failure instanceof RangeError && through === 2;
}

/** A task that says who did it, throws, or ends its worker. */
export function task(what: "work" | "throw" | "exit"): string {
  if (what === "exit") exit(3);
  if (what === "throw") throw new RangeError(TEXTS.explosion);
  return currentThread().name;
}

async function pool(): Promise<boolean> {
  await using drivers = new ThreadPoolExecutor(1, { namePrefix: "driver" });
  const done: string[] = [];
  const failed: unknown[] = [];
  for (const what of ["work", "throw", "work", "exit", "work"] as const) {
    try {
      const worker = await drivers.submit(task, what).result();
      console.log(TEXTS.by(worker));
      done.push(worker);
    } catch (error) {
      console.log(TEXTS.told(String(error)));
      failed.push(error);
    }
  }
  // The one that threw did the next task, too; the one that ended did not.
  return done[0] === done[1] && done[1] !== done[2] &&
    failed[0] instanceof RangeError && failed[1] instanceof WorkerLostError;
}

/** A process with the three threads; reports those that get through. */
export async function train(): Promise<void> {
  const threads = depart(makeTunnel(true));
  for (const thread of threads) {
    await thread.result();
    context().report(thread.name);
  }
}

async function wholeProcess(cleanup: AsyncDisposableStack): Promise<boolean> {
  let through = 0;
  const child = new Process(train, { name: "train", onReport: () => through++ }).start();
  cleanup.defer(() => child.kill());
  await child.join();
  console.log(TEXTS.killed(child.exitcode));
  console.log(TEXTS.sum(through));
  return child.exitcode === -9 && through === 0;
}

const PARTS = { error, pool, process: wholeProcess };
type Part = keyof typeof PARTS;
const NAMES = Object.keys(PARTS) as Part[];

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({ string: ["part"], default: { part: "all" }, bilingual: true });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const part = oneOf("part", flags.part, ["all", ...NAMES]);

  let isAsSaid = true;
  for (const name of part === "all" ? NAMES : [part]) {
    console.log(TEXTS.title[name]);
    if (!await PARTS[name](cleanup)) isAsSaid = false;
  }
  console.log(isAsSaid ? TEXTS.right : TEXTS.wrong);
  return isAsSaid ? 0 : 1;
}

if (import.meta.main) await runScript("crash", main);
