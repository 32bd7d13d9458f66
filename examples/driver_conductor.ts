#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run
/**
 * A driver and a conductor: two processes that tell each other things by signals.
 *
 * The parent drives, its child is the conductor. On SIGINT the conductor tells the driver to
 * depart, on SIGQUIT that the bus has arrived, and gets off; the driver leaves last.
 *
 *     Ctrl-C   SIGINT   -> conductor   SIGCONT (or SIGUSR1) -> driver   Departing
 *     Ctrl-\   SIGQUIT  -> conductor   SIGUSR2              -> driver   Arrived, please get off
 *
 * Keys typed in a terminal reach every process in its foreground, so the driver ignores both. Each
 * of the two waits by `pause()`, and hears of the other by a handler that `signal()` has set.
 *
 * Try:
 *
 *     examples/driver_conductor.ts          press Ctrl-C to depart, Ctrl-\ to arrive
 *     examples/driver_conductor.ts --auto   a whole trip without a keyboard
 *     examples/driver_conductor.ts --usr1   depart on SIGUSR1, and see the debugger wake up
 *
 * @module
 */
import { WorkerLostError } from "../lib/errors.ts";
import { Process } from "../lib/multiprocessing.ts";
import { getppid } from "../lib/os.ts";
import { kill, pause, SIG_DFL, SIG_IGN, type Signal, signal, TimeoutError } from "../lib/signal.ts";
import { context } from "../lib/task.ts";
import { inLanguage } from "./_shared/language.ts";
import { readFlags, runScript } from "./_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `A bus: the parent process drives, its child is the conductor; they talk by signals.

Usage: driver_conductor.ts [options]

  --auto    drive a whole trip without a keyboard
  --usr1    depart on SIGUSR1 even where that opens Deno's debugger
  --lang L  en or zh (en)
  --help    show this

Keys: Ctrl-C departs, Ctrl-\\ arrives.`,
    told: (signal: string, passed: string) => `conductor: ${signal}, so ${passed} to the driver`,
    gotOff: "conductor: got off",
    windows: "no trip today: Windows has none of the signals that this example is about",
    onSigcont: "departs on SIGCONT: SIGUSR1 opens Deno's debugger since 2.9.2 (--usr1 insists)",
    departs: "Departing",
    arrives: "Arrived, please get off",
    onBoard: (pid: number | null) => `driver: the conductor is on board (process ${pid})`,
    press: "driver: press Ctrl-C to depart, Ctrl-\\ to arrive",
    tooSoon: "driver: Ctrl-C before the conductor was on board: no trip today",
    neverCame: "SIGUSR2 never came",
    end: "driver: the conductor got off first, now I do: end of the line",
  },
  zh: {
    usage: `一辆公交车：父进程是司机，子进程是售票员，两人用信号联系。

用法：driver_conductor.ts [选项]

  --auto    不用键盘，自动跑完全程
  --usr1    一定用 SIGUSR1 发车，哪怕它会打开 Deno 的调试器
  --lang L  语言：en 或 zh（默认 en）
  --help    显示本说明

按键：Ctrl-C 发车，Ctrl-\\ 到站。`,
    told: (signal: string, passed: string) => `售票员：收到 ${signal}，向司机发 ${passed}`,
    gotOff: "售票员：下车了",
    windows: "今天不发车：Windows 没有这里要用的信号",
    onSigcont: "用 SIGCONT 发车：从 2.9.2 起 SIGUSR1 会打开 Deno 的调试器（--usr1 坚持用它）",
    departs: "发车了",
    arrives: "到站了，请下车",
    onBoard: (pid: number | null) => `司机：售票员上车了（进程 ${pid}）`,
    press: "司机：按 Ctrl-C 发车，按 Ctrl-\\ 到站",
    tooSoon: "司机：售票员还没上车，就按了 Ctrl-C：今天不发车",
    neverCame: "一直没有收到 SIGUSR2",
    end: "司机：售票员先下车了，我最后下：本次行程结束",
  },
});

/** The child: passes on what it is told, and gets off on arrival. */
export async function conductor(departure: Signal): Promise<void> {
  const driver = getppid();
  const tell = (heard: Signal, passed: Signal) => {
    console.log(TEXTS.told(heard, passed));
    kill(driver, passed);
  };
  let hasArrived = false;
  signal("SIGINT", (heard) => tell(heard, departure));
  signal("SIGQUIT", (heard) => {
    tell(heard, "SIGUSR2");
    hasArrived = true;
  });
  context().report("on board");
  while (!hasArrived) await pause();
  console.log(TEXTS.gotOff);
}

/** Since Deno 2.9.2, SIGUSR1 opens the debugger's port, whoever listens. */
function isUsr1Taken(): boolean {
  const [major, minor, patch] = Deno.version.deno.split(/[.+-]/).map(Number);
  return (major - 2 || minor - 9 || patch - 2) >= 0;
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({ boolean: ["auto", "usr1"], default: {}, bilingual: true });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  if (Deno.build.os === "windows") {
    console.log(TEXTS.windows);
    return 0;
  }
  const departure = flags.usr1 || !isUsr1Taken() ? "SIGUSR1" : "SIGCONT";

  let hasArrived = false;
  const handlers = {
    SIGINT: SIG_IGN,
    SIGQUIT: SIG_IGN,
    [departure]() {
      console.log(TEXTS.departs);
      if (flags.auto) kill(child.pid!, "SIGQUIT");
    },
    SIGUSR2() {
      console.log(TEXTS.arrives);
      hasArrived = true;
    },
  } as const;
  for (const [name, handler] of Object.entries(handlers)) {
    signal(name as Signal, handler);
    cleanup.defer(() => void signal(name as Signal, SIG_DFL));
  }

  if (departure === "SIGCONT") console.log(TEXTS.onSigcont);

  const child = new Process(conductor, {
    args: [departure],
    name: "conductor",
    onReport() {
      console.log(TEXTS.onBoard(child.pid));
      if (flags.auto) kill(child.pid!, "SIGINT");
      else console.log(TEXTS.press);
    },
  });
  child.start();
  try {
    await child.result();
  } catch (error) {
    if (!(error instanceof WorkerLostError) || error.signal !== "SIGINT") throw error;
    console.log(TEXTS.tooSoon);
    return 130;
  }
  // The signal may come in later than the end of its sender.
  while (!hasArrived) await pause({ timeout: 2_000 }).catch(explain);
  console.log(TEXTS.end);
  return 0;
}

function explain(error: unknown): never {
  throw error instanceof TimeoutError ? new Error(TEXTS.neverCame) : error;
}

if (import.meta.main) await runScript("driver_conductor", main, { endsOnCtrlC: false });
