#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run
/**
 * A driver and a conductor: two processes that tell each other things by signals.
 *
 * The parent drives, its child is the conductor. On SIGINT the conductor tells the driver to
 * depart, on SIGQUIT that the bus has arrived, and gets off; the driver leaves last.
 *
 *     Ctrl-C   SIGINT   -> conductor   SIGCONT (or SIGUSR1) -> driver   发车了 (departing)
 *     Ctrl-\   SIGQUIT  -> conductor   SIGUSR2              -> driver   到站了，请下车 (arrived, ...)
 *
 * Keys typed in a terminal reach every process in it, so the driver ignores both.
 *
 * Try:
 *
 *     examples/driver_conductor.ts          press Ctrl-C to depart, Ctrl-\ to arrive
 *     examples/driver_conductor.ts --auto   a whole trip without a keyboard
 *     examples/driver_conductor.ts --usr1   depart on SIGUSR1, and see the debugger wake up
 *
 * @module
 */
import { parentProcess, Process } from "../lib/multiprocessing.ts";
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
    departs: "发车了 (departing)",
    arrives: "到站了，请下车 (arrived, please get off)",
    onBoard: (pid: number | null) => `driver: the conductor is on board (process ${pid})`,
    press: "driver: press Ctrl-C to depart, Ctrl-\\ to arrive",
    neverCame: "SIGUSR2 never came",
    end: "driver: the conductor got off first, now I do: end of the line",
  },
  zh: {
    usage: `一辆公交车：父进程是司机，子进程是售票员，两人用信号联系。

用法：driver_conductor.ts [选项]

  --auto    不用键盘，自动跑完全程
  --usr1    一定用 SIGUSR1 发车，哪怕它会打开 Deno 的调试器
  --lang L  语言：en 或 zh（en）
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
    neverCame: "一直没有收到 SIGUSR2",
    end: "司机：售票员先下车了，我最后下：本次行程结束",
  },
});

/** The child: passes on what it is told, and gets off on arrival. */
export async function conductor(departure: Deno.Signal): Promise<void> {
  const driver = parentProcess()!.pid!;
  const arrived = Promise.withResolvers<void>();
  Deno.addSignalListener("SIGINT", () => {
    console.log(TEXTS.told("SIGINT", departure));
    Deno.kill(driver, departure);
  });
  Deno.addSignalListener("SIGQUIT", () => {
    console.log(TEXTS.told("SIGQUIT", "SIGUSR2"));
    Deno.kill(driver, "SIGUSR2");
    arrived.resolve();
  });
  // Listening keeps no process alive; a timer does.
  const shift = setInterval(() => {}, 60_000);
  context().report("on board");
  await arrived.promise;
  clearInterval(shift);
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
  if (departure === "SIGCONT") console.log(TEXTS.onSigcont);

  const listen = (signal: Deno.Signal, listener: () => void) => {
    Deno.addSignalListener(signal, listener);
    cleanup.defer(() => Deno.removeSignalListener(signal, listener));
  };
  const arrived = Promise.withResolvers<void>();
  listen("SIGINT", () => {});
  listen("SIGQUIT", () => {});
  listen(departure, () => {
    console.log(TEXTS.departs);
    if (flags.auto) Deno.kill(child.pid!, "SIGQUIT");
  });
  listen("SIGUSR2", () => {
    console.log(TEXTS.arrives);
    arrived.resolve();
  });

  const child = new Process(conductor, {
    args: [departure],
    name: "conductor",
    onReport() {
      console.log(TEXTS.onBoard(child.pid));
      if (flags.auto) Deno.kill(child.pid!, "SIGINT");
      else console.log(TEXTS.press);
    },
  });
  child.start();
  await child.result();
  // The signal may come in later than the end of its sender.
  const limit = setTimeout(() => arrived.reject(new Error(TEXTS.neverCame)), 2_000);
  await arrived.promise.finally(() => clearTimeout(limit));
  console.log(TEXTS.end);
  return 0;
}

if (import.meta.main) await runScript("driver_conductor", main, { endsOnCtrlC: false });
