#!/usr/bin/env -S deno run -A
/**
 * The states of a process: R, S, T and Z, each made on purpose and shown by ps().
 *
 * R runs, or could if a core were free. S sleeps until something happens. T is stopped by a signal,
 * and goes on by another. Z has ended, and its parent has not asked (see zombie.ts). The fifth, D,
 * cannot be made so easily: it waits for a device, and even SIGKILL has to wait with it.
 *
 * Try:
 *
 *     examples/processes/states.ts            all of them
 *     examples/processes/states.ts --only T   stopped, and continued
 *
 * @module
 */
import { delay } from "jsr:@std/async@1.5.0";
import { Process } from "../../lib/multiprocessing.ts";
import { type ProcessInfo, ps } from "../../lib/os.ts";
import { kill } from "../../lib/signal.ts";
import { context } from "../../lib/task.ts";
import { inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `The states of a process, each made on purpose and shown.

Usage: states.ts [options]

  --only S   R, S, T, Z or all (all)
  --lang L   en or zh (en)
  --help     show this`,
    computes: "computes without a pause",
    waits: "waits for a timer",
    stopped: "stopped by SIGSTOP",
    continued: "continued by SIGCONT",
    ended: "has ended, its parent does not ask",
    notSeen: "NOT SEEN",
    verdict: (made: number, seen: number) =>
      `${made} states made, ${seen} seen: ${made === seen ? "as they should be" : "WRONG"}`,
  },
  zh: {
    usage: `进程的几种状态，一个一个造出来看。

用法：states.ts [选项]

  --only S   看哪一个：R、S、T、Z 或 all（默认 all）
  --lang L   语言：en 或 zh（默认 en）
  --help     显示本说明`,
    computes: "运行态：不停地计算",
    waits: "等待态：等定时器",
    stopped: "停止态：被 SIGSTOP 暂停",
    continued: "等待态：由 SIGCONT 继续",
    ended: "僵尸：已经退出，父进程没有回收",
    notSeen: "没有看到",
    verdict: (made: number, seen: number) =>
      `造了 ${made} 种状态，看到 ${seen} 种：${made === seen ? "符合预期" : "不符合预期"}`,
  },
});

/** How long a state may take to come, in ms. */
const LIMIT = 5_000;

/** Never pauses. */
export async function compute(): Promise<void> {
  context().report("here");
  // What was reported is on its way before the loop begins.
  await delay(0);
  for (;;);
}

/** Waits for what never happens. */
export async function sleep(): Promise<void> {
  context().report("here");
  await new Promise(() => setInterval(() => {}, 60_000));
}

/** Starts a child, and waits until it says that it is there. */
async function start(target: () => unknown, cleanup: AsyncDisposableStack): Promise<number> {
  const here = Promise.withResolvers<void>();
  const child = new Process(target, { onReport: () => here.resolve() }).start();
  cleanup.defer(async () => {
    child.kill();
    await child.join();
  });
  await Promise.race([here.promise, child.result()]);
  return child.pid!;
}

/** Looks until a process is found in the state. */
async function see(
  state: string,
  what: string,
  which: (process: ProcessInfo) => boolean,
): Promise<boolean> {
  const deadline = performance.now() + LIMIT;
  for (;;) {
    const seen = ps().find((process) => process.state === state && which(process));
    if (seen !== undefined) {
      console.log(`${state}  ${String(seen.pid).padStart(7)}  ${what}`);
      return true;
    }
    if (performance.now() > deadline) {
      console.log(`${state}  ${TEXTS.notSeen}  ${what}`);
      return false;
    }
    await delay(5);
  }
}

/** How each state is made. */
const STATES: Record<string, (cleanup: AsyncDisposableStack) => Promise<boolean>> = {
  async R(cleanup) {
    const pid = await start(compute, cleanup);
    return await see("R", TEXTS.computes, (process) => process.pid === pid);
  },
  async S(cleanup) {
    const pid = await start(sleep, cleanup);
    return await see("S", TEXTS.waits, (process) => process.pid === pid);
  },
  async T(cleanup) {
    const pid = await start(sleep, cleanup);
    kill(pid, "SIGSTOP");
    if (!await see("T", TEXTS.stopped, (process) => process.pid === pid)) return false;
    kill(pid, "SIGCONT");
    return await see("S", TEXTS.continued, (process) => process.pid === pid);
  },
  async Z(cleanup) {
    // Deno would ask for its children at once; a shell that has become another program does not.
    const shell = new Deno.Command("sh", { args: ["-c", "true & exec sleep 60"] }).spawn();
    cleanup.defer(async () => {
      shell.kill("SIGKILL");
      await shell.status;
    });
    return await see("Z", TEXTS.ended, ({ ppid }) => ppid === shell.pid);
  },
};

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({ string: ["only"], default: { only: "all" }, bilingual: true });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const only = oneOf("only", flags.only, [...Object.keys(STATES), "all"]);
  let [made, seen] = [0, 0];
  for (const [state, make] of Object.entries(STATES)) {
    if (only !== state && only !== "all") continue;
    made++;
    if (await make(cleanup)) seen++;
  }
  console.log(TEXTS.verdict(made, seen));
  return made === seen ? 0 : 1;
}

if (import.meta.main) await runScript("states", main);
