#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run
/**
 * Children that end in five ways, and what wait() tells of each.
 *
 * A status is a number that holds two: the exit code times 256, or the signal that killed.
 * WIFEXITED and its like take it apart.
 *
 * Try:
 *
 *     examples/processes/wait.ts              whoever ends first
 *     examples/processes/wait.ts --in-order   waitpid() for one after the other
 *     examples/processes/wait.ts --nohang     look now and then, and do something else meanwhile
 *
 * @module
 */
import { Process } from "../../lib/multiprocessing.ts";
import {
  ChildProcessError,
  exit,
  wait,
  waitpid,
  WEXITSTATUS,
  WIFEXITED,
  WTERMSIG,
} from "../../lib/os.ts";
import { kill, Signals, strsignal } from "../../lib/signal.ts";
import { sleep } from "../../lib/time.ts";
import { fill, inLanguage } from "../_shared/language.ts";
import { readFlags, runScript, UsageError } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `Children that end in five ways, and what wait() tells of each.

Usage: wait.ts [options]

  --in-order   wait for each child by its pid, in the order of their starts
  --nohang     do not block: look every 50 ms
  --lang L     en or zh (en)
  --help       show this`,
    fates: {
      returns: "returns",
      "exit(3)": "exit(3)",
      throws: "throws",
      "is killed": "is killed",
      "is asked to end": "is asked to end",
    },
    both: "--in-order or --nohang, not both",
    exited: (code: number) => `ended by itself with code ${code}`,
    killed: (signal: number, what: string | undefined) => `killed by signal ${signal} (${what})`,
    none: "none has ended: I do something else",
    exitcode: (how: string, code: number | null) => `${how}; exitcode ${code}`,
    nobody: (name: string, code: string) => `no child is left: ${name}, ${code}`,
    verdict: (children: number, isRight: boolean) =>
      `${children} children, each told once: ${isRight ? "as it ended" : "NOT AS IT ENDED"}`,
  },
  zh: {
    usage: `子进程的五种结局，wait() 怎样告诉我们。

用法：wait.ts [选项]

  --in-order   按启动的顺序，用 pid 逐个等待子进程
  --nohang     不阻塞：每 50 ms 看一次
  --lang L     语言：en 或 zh（默认 en）
  --help       显示本说明`,
    fates: {
      returns: "正常返回",
      "exit(3)": "exit(3)",
      throws: "抛出异常",
      "is killed": "被杀死",
      "is asked to end": "被要求结束",
    },
    both: "--in-order 和 --nohang 只能选一个",
    exited: (code: number) => `自己退出，退出码 ${code}`,
    killed: (signal: number, what: string | undefined) => `被信号 ${signal} 终止（${what}）`,
    none: "还没有子进程退出：先做点别的",
    exitcode: (how: string, code: number | null) => `${how}；exitcode ${code}`,
    nobody: (name: string, code: string) => `没有子进程了：${name}，${code}`,
    verdict: (children: number, isRight: boolean) =>
      `${children} 个子进程，各报告一次：${isRight ? "与结局相符" : "与结局不符"}`,
  },
});

/** What becomes of the children, and the status that tells it. */
const FATES = {
  returns: 0,
  "exit(3)": 3 * 256,
  throws: 1 * 256,
  "is killed": Signals.SIGKILL,
  "is asked to end": Signals.SIGTERM,
};
type Fate = keyof typeof FATES;

/** Meets its fate, after a while. */
export async function child(fate: Fate, ms: number): Promise<void> {
  await sleep(ms);
  if (fate === "exit(3)") exit(3);
  if (fate === "throws") throw new Error("an accident");
  if (fate === "is killed") kill(Deno.pid, "SIGKILL");
  if (fate === "is asked to end") kill(Deno.pid, "SIGTERM");
  if (fate !== "returns") await new Promise(() => setInterval(() => {}, 1_000));
}

function explain(status: number): string {
  if (WIFEXITED(status)) return TEXTS.exited(WEXITSTATUS(status));
  return TEXTS.killed(WTERMSIG(status), strsignal(WTERMSIG(status)));
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({ boolean: ["in-order", "nohang"], default: {}, bilingual: true });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  if (flags["in-order"] && flags.nohang) throw new UsageError(TEXTS.both);

  const fates = Object.keys(FATES) as Fate[];
  // The later they were started the sooner they end.
  const children = fates.map((fate, k) =>
    new Process(child, {
      args: [fate, 50 * (fates.length - k)],
      name: fate,
      stderr: "null", // the accident's stack
    }).start()
  );
  cleanup.defer(() => children.forEach((process) => process.kill()));

  const next = async (k: number): Promise<[number, number]> => {
    if (flags["in-order"]) return await waitpid(children[k].pid!);
    if (!flags.nohang) return await wait();
    for (;;) {
      const [pid, status] = await waitpid(-1, { nohang: true });
      if (pid !== 0) return [pid, status];
      console.log(TEXTS.none);
      await sleep(50);
    }
  };
  let isAsExpected = true;
  for (let k = 0; k < children.length; k++) {
    const [pid, status] = await next(k);
    const { name, exitcode } = children.find((process) => process.pid === pid)!;
    const fate = name as Fate;
    const cells = [
      String(pid).padStart(7),
      fill(TEXTS.fates[fate], 16),
      String(status).padStart(4),
    ];
    console.log(`${cells.join("  ")}  ${TEXTS.exitcode(explain(status), exitcode)}`);
    isAsExpected &&= status === FATES[fate];
  }
  try {
    await wait();
    isAsExpected = false;
  } catch (error) {
    if (!(error instanceof ChildProcessError)) throw error;
    console.log(TEXTS.nobody(error.name, error.code));
  }
  console.log(TEXTS.verdict(children.length, isAsExpected));
  return isAsExpected ? 0 : 1;
}

if (import.meta.main) await runScript("wait", main);
