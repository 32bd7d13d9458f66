#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run
/**
 * Daemon processes: stopped as soon as the code of their parent has ended.
 *
 * What happens after the end of main can only be seen from outside. So each case here is a program
 * of its own, a process that stands for main and starts children; this script reads what all of
 * them print until the last one is gone.
 *
 *     plain    no daemon: main ends, and the program waits for its child
 *     daemon   the same child as a daemon: it is stopped before it has done anything
 *     mixed    foo is a daemon and bar is not: the program waits for bar, and for foo it does not
 *     child    a daemon must not start processes: when it is stopped, nobody would look after them
 *     late     `daemon` is set after start(): an error
 *
 * Try:
 *
 *     examples/processes/daemon.ts                all five
 *     examples/processes/daemon.ts --case mixed   what becomes of end123?
 *
 * @module
 */
import { Process } from "../../lib/multiprocessing.ts";
import { sleep } from "../../lib/time.ts";
import { inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript } from "../_shared/script.ts";

const NAMES = ["plain", "daemon", "mixed", "child", "late"] as const;
type Case = typeof NAMES[number];

const WORDS = inLanguage({
  en: {
    usage: `Daemon processes: stopped as soon as the code of their parent has ended.

Usage: daemon.ts [options]

  --case C   plain, daemon, mixed, child, late or all (all)
  --lang L   en or zh (en)
  --help     show this`,
    titles: {
      plain: "plain: no daemon, the program waits for it",
      daemon: "daemon: p.daemon = true, it has no time to begin",
      mixed: "mixed: foo (123) is a daemon, bar (456) is not",
      child: "child: a daemon starts a process",
      late: "late: p.daemon = true after p.start()",
    },
    child: "child",
    main: "main",
    running: (name: string) => `${name} is running`,
    done: (name: string) => `${name} is done`,
    error: (message: string) => `Error: ${message}`,
    wrong: "  NOT AS EXPECTED",
    verdict: (well: number, all: number) =>
      `${well} of ${all} as expected: daemons end with main's code, other children are waited for`,
  },
  zh: {
    usage: `守护进程：主进程的代码一结束，它就被终止。

用法：daemon.ts [选项]

  --case C   plain、daemon、mixed、child、late 或 all（默认 all）
  --lang L   语言：en 或 zh（默认 en）
  --help     显示本说明`,
    titles: {
      plain: "plain：不是守护进程，程序会等它",
      daemon: "daemon：p.daemon = true，它还没来得及运行",
      mixed: "mixed：foo（123）是守护进程，bar（456）不是",
      child: "child：守护进程再开子进程",
      late: "late：p.start() 之后才写 p.daemon = true",
    },
    child: "子进程",
    main: "主进程",
    running: (name: string) => `${name}开始运行`,
    done: (name: string) => `${name}运行结束`,
    error: (message: string) => `错误：${message}`,
    wrong: "  与预期不符",
    verdict: (well: number, all: number) =>
      `${all} 个案例中 ${well} 个符合预期：主进程代码结束，守护进程就终止；其余子进程，程序会等`,
  },
});

/** The child of most cases. */
export async function task(name: string): Promise<void> {
  console.log(WORDS.running(name));
  await sleep(200);
  console.log(WORDS.done(name));
}

/** The third case's daemon: it would be the first to end. */
export async function foo(): Promise<void> {
  console.log(123);
  await sleep(100);
  console.log("end123");
}

/** The third case's other child. */
export async function bar(): Promise<void> {
  console.log(456);
  await sleep(300);
  console.log("end456");
}

/** A daemon that wants a child of its own. */
export function parent(name: string): void {
  console.log(WORDS.running(name));
  // The toolkit's sleep() is a target, as time.sleep is in Python.
  tell(() => new Process(sleep, { args: [300], name: "grandchild" }).start());
}

/** Says what is wrong with what it does. */
function tell(action: () => void): void {
  try {
    action();
  } catch (error) {
    console.log(WORDS.error((error as Error).message));
  }
}

const newChild = () => new Process(task, { args: [WORDS.child], name: "child" });

/** The code of main in each case. */
const MAINS: Record<Case, () => void | Promise<void>> = {
  plain() {
    newChild().start();
    console.log(WORDS.main);
  },
  daemon() {
    const p = newChild();
    p.daemon = true;
    p.start();
    console.log(WORDS.main);
  },
  mixed() {
    const p1 = new Process(foo);
    const p2 = new Process(bar);
    p1.daemon = true;
    p1.start();
    p2.start();
    console.log("main-------");
  },
  async child() {
    const p = new Process(parent, { args: [WORDS.child], name: "child", daemon: true }).start();
    await p.join();
    console.log(WORDS.main);
  },
  late() {
    const p = newChild().start();
    tell(() => p.daemon = true);
    console.log(WORDS.main);
  },
};

/** What a case prints. */
const EXPECTED: Record<Case, string[]> = {
  plain: [WORDS.main, WORDS.running(WORDS.child), WORDS.done(WORDS.child)],
  daemon: [WORDS.main],
  mixed: ["main-------", "456", "end456"],
  child: [
    WORDS.running(WORDS.child),
    WORDS.error('Cannot start process "grandchild": daemonic processes may have no children'),
    WORDS.main,
  ],
  late: [
    WORDS.error('Cannot set the daemon of "child": the process has been started already'),
    WORDS.main,
    WORDS.running(WORDS.child),
    WORDS.done(WORDS.child),
  ],
};

/**
 * What may come as well: where main is slow in ending, its daemon has begun when it is stopped. It
 * never comes to its end.
 */
const MAY_COME: Partial<Record<Case, string>> = {
  daemon: WORDS.running(WORDS.child),
  mixed: "123",
};

/** A program: runs its main, which may end before its children. */
export async function program(which: Case): Promise<void> {
  await MAINS[which]();
}

/** Runs a case, and says whether it went as expected. */
async function show(which: Case, cleanup: AsyncDisposableStack): Promise<boolean> {
  console.log(WORDS.titles[which]);
  const main = new Process(program, { args: [which], name: "main", stdout: "piped" }).start();
  cleanup.defer(() => main.kill());
  // The pipe is at its end when everybody who has it is gone.
  const lines = (await new Response(main.stdout).text()).trimEnd().split("\n");
  for (const line of lines) console.log(`  ${line}`);
  await main.join();
  const certain = lines.filter((line) => line !== MAY_COME[which]);
  const isWell = main.exitcode === 0 && certain.join("\n") === EXPECTED[which].join("\n");
  if (!isWell) console.log(WORDS.wrong);
  return isWell;
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({ string: ["case"], default: { case: "all" }, bilingual: true });
  if (flags.help) {
    console.log(WORDS.usage);
    return 0;
  }
  const chosen = oneOf("case", flags.case, [...NAMES, "all"]);
  const cases = NAMES.filter((name) => chosen === name || chosen === "all");
  let well = 0;
  for (const which of cases) if (await show(which, cleanup)) well++;
  console.log(WORDS.verdict(well, cases.length));
  return well === cases.length ? 0 : 1;
}

if (import.meta.main) await runScript("daemon", main);
