#!/usr/bin/env -S deno run -A
/**
 * A zombie: a process that has ended, and whose parent has not asked how. And three cures.
 *
 * All that is left of a zombie is its number and its status, kept for its parent. It goes when the
 * parent asks, or ends itself: then process 1 asks. Here shells are the parents, because Deno
 * cannot make a zombie: it asks for each of its children as soon as it has ended. So on Deno no
 * cure is needed; wait() is for who wants to know the status, and gives what Deno has kept of it.
 *
 * Try:
 *
 *     examples/processes/zombie.ts                the disease, the cures, and Deno
 *     examples/processes/zombie.ts --show none    the disease
 *     examples/processes/zombie.ts --show wait    cure 1: the parent asks
 *     examples/processes/zombie.ts --show level   cure 2: the child's parent ends first
 *     examples/processes/zombie.ts --show ignore  cure 3: the parent ignores SIGCHLD
 *     examples/processes/zombie.ts --show deno    a child of Deno that nobody asks for
 *
 * @module
 */
import { Process } from "../../lib/multiprocessing.ts";
import { type ProcessInfo, ps, wait, WEXITSTATUS } from "../../lib/os.ts";
import { SIG_DFL, SIG_IGN, signal } from "../../lib/signal.ts";
import { sleep } from "../../lib/time.ts";
import { inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `A zombie, three cures, and why Deno needs none.

Usage: zombie.ts [options]

  --show W   none, wait, level, ignore, deno or all (all)
  --lang L   en or zh (en)
  --help     show this`,
    none: {
      title: "the disease: the child ends, the parent does not ask",
      why: "it stays until its parent asks, or ends",
    },
    wait: {
      title: "cure 1, wait: the parent asks",
      why: "who has been asked for is gone",
    },
    level: {
      title: "cure 2, a second level: the child starts the grandchild, and ends",
      why: "the parent asks for the child at once; the grandchild is process 1's, which asks",
    },
    ignore: {
      title: "cure 3, SIGCHLD: the parent ignores it",
      why: "the system does not keep what nobody wants to know",
    },
    cannot: "  this system's sh or env cannot do that",
    verdict: (zombies: number, why: string) =>
      `  ${zombies === 0 ? "no zombie" : "a zombie"}: ${why}`,
    told: (isRight: boolean) =>
      isRight ? "a zombie is there only where nobody asked: as told" : "NOT AS TOLD",
    deno: "Deno: the child ends, nobody asks",
    gone: (pid: string) => `  ${pid} is gone: Deno has asked by itself`,
    known: (pid: number, code: number) =>
      `  wait() still knows: ${pid} has ended with code ${code}`,
    ignored: (pid: number, error: string) =>
      `  with SIGCHLD ignored ${pid} is gone too, and wait() throws ${error}`,
  },
  zh: {
    usage: `僵尸进程、三种处理方法，以及 Deno 为什么用不着它们。

用法：zombie.ts [选项]

  --show W   看哪一个：none、wait、level、ignore、deno 或 all（默认 all）
  --lang L   语言：en 或 zh（默认 en）
  --help     显示本说明`,
    none: {
      title: "病：子进程退出了，父进程没有回收",
      why: "它一直留着，直到父进程来回收，或者父进程自己退出",
    },
    wait: {
      title: "方法一，wait：父进程主动回收",
      why: "回收过了，也就没有了",
    },
    level: {
      title: "方法二，二级子进程：一级子进程创建它之后就退出",
      why: "一级子进程马上被父进程回收；二级子进程成了孤儿，由 1 号进程回收",
    },
    ignore: {
      title: "方法三，SIGCHLD：父进程忽略这个信号",
      why: "没有人想知道的状态，系统就不保留",
    },
    cannot: "  这个系统的 sh 或 env 做不到",
    verdict: (zombies: number, why: string) =>
      `  ${zombies === 0 ? "没有僵尸进程" : "僵尸进程"}：${why}`,
    told: (isRight: boolean) => isRight ? "没有人回收，才有僵尸：符合预期" : "不符合预期",
    deno: "Deno：子进程退出了，没有人来问",
    gone: (pid: string) => `  ${pid} 已经不在了：Deno 自己回收了它`,
    known: (pid: number, code: number) => `  wait() 还知道：${pid} 退出了，退出码是 ${code}`,
    ignored: (pid: number, error: string) =>
      `  忽略 SIGCHLD 之后，${pid} 同样不在了，wait() 抛出 ${error}`,
  },
});

/** How long a shell may take to get where it shall be, in ms. */
const LIMIT = 5_000;

interface Story {
  title: string;
  /** What the shell does; it ends as a program that never asks for a child. */
  shell: string;
  /** How many zombies it has then. */
  zombies: number;
  why: string;
}

const STORIES: Record<string, Story> = {
  none: {
    ...TEXTS.none,
    shell: "true & exec sleep 60",
    zombies: 1,
  },
  wait: {
    ...TEXTS.wait,
    shell: "true & wait; exec sleep 60",
    zombies: 0,
  },
  level: {
    ...TEXTS.level,
    shell: "(true &); exec sleep 60",
    zombies: 0,
  },
  ignore: {
    ...TEXTS.ignore,
    shell: "sleep 0.5 & exec env --ignore-signal=CHLD sleep 60",
    zombies: 0,
  },
};

/** Starts the shell, waits until it is where it shall be, and gives it with its children. */
async function act(shell: string, cleanup: AsyncDisposableStack): Promise<ProcessInfo[]> {
  const parent = new Deno.Command("sh", { args: ["-c", shell], stderr: "null" }).spawn();
  cleanup.defer(async () => {
    try {
      parent.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await parent.status;
  });
  const deadline = performance.now() + LIMIT;
  const isThere = () =>
    ps().some(({ pid, command }) => pid === parent.pid && command === "sleep 60");
  while (performance.now() < deadline) {
    // What ps() shows is not of one moment: the children are looked for once the parent is there.
    const family = isThere() ? familyOf(parent.pid) : [];
    if (
      family.length > 0 && family.every(({ pid, state }) => pid === parent.pid || state === "Z")
    ) {
      return family;
    }
    await sleep(5);
  }
  return [];
}

/** A process and its children. */
function familyOf(root: number): ProcessInfo[] {
  const all = ps();
  return [...all.filter(({ pid }) => pid === root), ...all.filter(({ ppid }) => ppid === root)];
}

async function tell(story: Story, cleanup: AsyncDisposableStack): Promise<boolean> {
  console.log(`\n${story.title}\n  sh -c '${story.shell}'`);
  const family = await act(story.shell, cleanup);
  if (family.length === 0) {
    console.log(TEXTS.cannot);
    return true;
  }
  for (const { pid, ppid, state, command } of family) {
    console.log(`  ${String(pid).padStart(7)} ${String(ppid).padStart(7)} ${state} ${command}`);
  }
  const zombies = family.filter(({ state }) => state === "Z").length;
  console.log(TEXTS.verdict(zombies, story.why));
  return zombies === story.zombies;
}

/** A child of Deno: ends with a code. */
export function brief(): never {
  Deno.exit(7);
}

/** Starts a child, asks nothing, and waits until ps() no longer shows it. */
async function startAndForget(): Promise<{ pid: number; wasZombie: boolean }> {
  const { pid } = new Process(brief).start();
  for (let wasZombie = false;;) {
    const seen = ps().find((process) => process.pid === pid);
    if (seen === undefined) return { pid: pid!, wasZombie };
    wasZombie = seen.state === "Z";
    await sleep(5);
  }
}

async function tellOfDeno(): Promise<boolean> {
  console.log(`\n${TEXTS.deno}\n  new Process(brief).start()`);
  const { pid } = await startAndForget();
  console.log(TEXTS.gone(String(pid).padStart(7)));
  const [asked, status] = await wait();
  console.log(TEXTS.known(asked, WEXITSTATUS(status)));

  signal("SIGCHLD", SIG_IGN);
  const forgotten = await startAndForget();
  const error = await wait().catch((error) => error);
  signal("SIGCHLD", SIG_DFL);
  console.log(TEXTS.ignored(forgotten.pid, error.code));
  return asked === pid && WEXITSTATUS(status) === 7 && error.code === "ECHILD";
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({ string: ["show"], default: { show: "all" }, bilingual: true });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const show = oneOf("show", flags.show, [...Object.keys(STORIES), "deno", "all"]);

  console.log("      PID    PPID STATE COMMAND");
  let isAsTold = true;
  for (const [name, story] of Object.entries(STORIES)) {
    if (show === name || show === "all") isAsTold = await tell(story, cleanup) && isAsTold;
  }
  if (show === "deno" || show === "all") isAsTold = await tellOfDeno() && isAsTold;
  console.log(`\n${TEXTS.told(isAsTold)}`);
  return isAsTold ? 0 : 1;
}

if (import.meta.main) await runScript("zombie", main);
