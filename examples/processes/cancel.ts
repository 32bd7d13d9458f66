#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run
/**
 * A task that is no longer wanted: where it stands decides how it ends.
 *
 *     queued    it never starts: future.cancel()
 *     running   it is asked to end, by its context().signal, and can still tidy up:
 *               future.cancel({ running: true })
 *     signal    the same, by an AbortSignal of ours: its reason is what we get
 *     timeout   the same, by a time limit
 *     grace     it does not listen: after a while its worker is stopped and replaced, and the other
 *               tasks do not notice
 *
 * Try:
 *
 *     examples/processes/cancel.ts                    all of them in turn
 *     examples/processes/cancel.ts --workers threads  the same; but a thread whose code never
 *                                                     pauses is only cut off: its core stays busy
 *     examples/processes/cancel.ts --part grace --grace 2000   a patient one
 *
 * @module
 */
import { delay } from "jsr:@std/async@1.5.0";
import {
  CancelledError,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
  TimeoutError,
} from "../../lib/futures.ts";
import { context } from "../../lib/task.ts";
import { WORKERS, type Workers } from "../_shared/crew.ts";
import { inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `Cancelling a task that is queued, that runs, and that does not listen.

Usage: cancel.ts [options]

  --part P      queued, running, signal, timeout, grace, or all of them in turn (all)
  --workers W   processes or threads (processes)
  --grace MS    how long a task may take to end when it is asked to (300)
  --lang L      en or zh (en)
  --help        show this`,
    boat: "the boat",
    first: "the first",
    second: "the second",
    isOut: "is out on the lake",
    isBack: "hears of it, comes back, and is tied up",
    says: (boat: string, what: unknown) => `  ${boat} ${what}`,
    fate: (boat: string, error: unknown) =>
      `  ${boat}'s result: ${error === undefined ? "as if nothing had been" : error}`,
    oneBoat: "  there is one boat: the second waits",
    cancelled: (isCancelled: boolean) => `  the second: cancel() gives ${isCancelled}`,
    isRunning: (mayRunOn: boolean) => `  the first:  cancel() gives ${mayRunOn}: it is running`,
    storm: "a storm is coming",
    swam: (lengths: number[]) => `  the swimmers behind it swam ${lengths.join(", ")} lengths`,
    title: (name: string) => `${name}:`,
    right: "everybody is accounted for",
    wrong: "NOT AS IT SHOULD BE",
  },
  zh: {
    usage: `取消一个任务：还在排队的，正在运行的，不听话的。

用法：cancel.ts [选项]

  --part P      部分：queued、running、signal、timeout、grace，或者依次全部 all（默认 all）
  --workers W   processes 或 threads（默认 processes）
  --grace MS    要求任务结束后，最多给它多少时间（默认 300）
  --lang L      语言：en 或 zh（默认 en）
  --help        显示本说明`,
    boat: "小船",
    first: "第一条船",
    second: "第二条船",
    isOut: "到湖上去了",
    isBack: "听到了，回来，拴好",
    says: (boat: string, what: unknown) => `  ${boat}${what}`,
    fate: (boat: string, error: unknown) =>
      `  ${boat}的结果：${error === undefined ? "好像什么也没有发生" : error}`,
    oneBoat: "  一次只能出去一条船：第二条等着",
    cancelled: (isCancelled: boolean) => `  第二条船：cancel() 返回 ${isCancelled}`,
    isRunning: (mayRunOn: boolean) => `  第一条船：cancel() 返回 ${mayRunOn}，因为正在运行`,
    storm: "暴风雨要来了",
    swam: (lengths: number[]) => `  排在后面的游泳者游了 ${lengths.join("、")} 趟`,
    title: (name: string) => `${name}：`,
    right: "每一个都有了交代",
    wrong: "结果不对",
  },
});

/** How long a task may take that has a time limit, in ms. */
const LIMIT = 200;

type Executor = ThreadPoolExecutor | ProcessPoolExecutor;

/** Rows until it is asked to stop, then comes ashore. */
export async function row(boat: string): Promise<string> {
  const { signal, report } = context();
  report(TEXTS.isOut);
  await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
  report(TEXTS.isBack);
  return boat;
}

/** Rows and hears nothing: what comes for it is heard only where code pauses. */
export async function rowOn(_boat: string): Promise<never> {
  context().report(TEXTS.isOut);
  // Without --allow-ffi the report, too, leaves only here.
  await delay(1);
  for (;;);
}

/** A task that needs no asking. */
export function swim(lengths: number): number {
  return lengths;
}

/** Sends a boat out; `isOut` settles when it is on the lake. */
function launch(
  executor: Executor,
  target: (boat: string) => string | Promise<string>,
  boat: string,
  options: { timeout?: number; signal?: AbortSignal } = {},
) {
  const { promise: isOut, resolve: hearOf } = Promise.withResolvers<void>();
  const onReport = (what: unknown) => {
    console.log(TEXTS.says(boat, what));
    hearOf();
  };
  const future = executor.submitWith({ ...options, onReport }, target, boat);
  return { future, isOut };
}

/** Settles when the boat has come back, or was given up: the one worker can do something else. */
async function ashore(executor: Executor): Promise<void> {
  await executor.submit(swim, 0).result();
}

/** What the caller gets of a task that was cancelled; it need not wait until that has ended. */
async function fate(boat: string, result: Promise<unknown>): Promise<unknown> {
  const error = await result.then(() => undefined, (error) => error);
  console.log(TEXTS.fate(boat, error));
  return error;
}

async function queued(executor: Executor): Promise<boolean> {
  const first = launch(executor, row, TEXTS.first);
  await first.isOut;
  const second = launch(executor, row, TEXTS.second);
  console.log(TEXTS.oneBoat);
  const isCancelled = second.future.cancel();
  console.log(TEXTS.cancelled(isCancelled));
  const error = await fate(TEXTS.second, second.future.result());
  const mayRunOn = first.future.cancel();
  console.log(TEXTS.isRunning(mayRunOn));
  first.future.cancel({ running: true });
  await ashore(executor);
  await fate(TEXTS.first, first.future.result());
  return isCancelled && !mayRunOn && error instanceof CancelledError;
}

async function running(executor: Executor): Promise<boolean> {
  const { future, isOut } = launch(executor, row, TEXTS.boat);
  await isOut;
  future.cancel({ running: true });
  await ashore(executor);
  const error = await fate(TEXTS.boat, future.result());
  return error instanceof CancelledError && future.cancelled();
}

async function signal(executor: Executor): Promise<boolean> {
  const storm = new AbortController();
  const { future, isOut } = launch(executor, row, TEXTS.boat, { signal: storm.signal });
  await isOut;
  storm.abort(new Error(TEXTS.storm));
  await ashore(executor);
  const error = await fate(TEXTS.boat, future.result());
  return error === storm.signal.reason;
}

async function timeout(executor: Executor): Promise<boolean> {
  const { future } = launch(executor, row, TEXTS.boat, { timeout: LIMIT });
  await future.exception();
  await ashore(executor);
  const error = await fate(TEXTS.boat, future.result());
  return error instanceof TimeoutError;
}

async function grace(executor: Executor): Promise<boolean> {
  const { future, isOut } = launch(executor, rowOn, TEXTS.boat);
  await isOut;
  const others = [1, 2, 3].map((lengths) => executor.submit(swim, lengths));
  future.cancel({ running: true });
  const error = await fate(TEXTS.boat, future.result());
  const lengths = await Promise.all(others.map((other) => other.result()));
  console.log(TEXTS.swam(lengths));
  return error instanceof CancelledError && lengths.join() === "1,2,3";
}

const PARTS = { queued, running, signal, timeout, grace };
type Part = keyof typeof PARTS;
const NAMES = Object.keys(PARTS) as Part[];

function hire(workers: Workers, grace: number): Executor {
  return workers === "processes"
    ? new ProcessPoolExecutor(1, { grace })
    : new ThreadPoolExecutor(1, { grace });
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({
    string: ["part", "workers", "grace"],
    default: { part: "all", workers: "processes", grace: "300" },
    bilingual: true,
  });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const part = oneOf("part", flags.part, ["all", ...NAMES]);
  const workers = oneOf("workers", flags.workers, WORKERS);
  const patience = wholeNumber("grace", flags.grace, 0, 60_000);

  const executor = cleanup.use(hire(workers, patience));
  // The worker is there before anybody waits for it.
  await executor.submit(swim, 0).result();
  let areTold = true;
  for (const name of part === "all" ? NAMES : [part]) {
    console.log(TEXTS.title(name));
    if (!await PARTS[name](executor)) areTold = false;
  }
  console.log(areTold ? TEXTS.right : TEXTS.wrong);
  return areTold ? 0 : 1;
}

if (import.meta.main) await runScript("cancel", main);
