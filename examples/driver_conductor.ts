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
import { readFlags, runScript } from "./_shared/script.ts";

const USAGE = `A bus: the parent process drives, its child is the conductor; they talk by signals.

Usage: driver_conductor.ts [options]

  --auto    drive a whole trip without a keyboard
  --usr1    depart on SIGUSR1 even where that opens Deno's debugger
  --help    show this

Keys: Ctrl-C departs, Ctrl-\\ arrives.`;

/** The child: passes on what it is told, and gets off on arrival. */
export async function conductor(departure: Deno.Signal): Promise<void> {
  const driver = parentProcess()!.pid!;
  const arrived = Promise.withResolvers<void>();
  Deno.addSignalListener("SIGINT", () => {
    console.log(`conductor: SIGINT, so ${departure} to the driver`);
    Deno.kill(driver, departure);
  });
  Deno.addSignalListener("SIGQUIT", () => {
    console.log("conductor: SIGQUIT, so SIGUSR2 to the driver");
    Deno.kill(driver, "SIGUSR2");
    arrived.resolve();
  });
  // Listening keeps no process alive; a timer does.
  const shift = setInterval(() => {}, 60_000);
  context().report("on board");
  await arrived.promise;
  clearInterval(shift);
  console.log("conductor: got off");
}

/** Since Deno 2.9.2, SIGUSR1 opens the debugger's port, whoever listens. */
function isUsr1Taken(): boolean {
  const [major, minor, patch] = Deno.version.deno.split(/[.+-]/).map(Number);
  return (major - 2 || minor - 9 || patch - 2) >= 0;
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({ boolean: ["auto", "usr1"], default: {} });
  if (flags.help) {
    console.log(USAGE);
    return 0;
  }
  if (Deno.build.os === "windows") {
    console.log("no trip today: Windows has none of the signals that this example is about");
    return 0;
  }
  const departure = flags.usr1 || !isUsr1Taken() ? "SIGUSR1" : "SIGCONT";
  if (departure === "SIGCONT") {
    console.log("departs on SIGCONT: SIGUSR1 opens Deno's debugger since 2.9.2 (--usr1 insists)");
  }

  const listen = (signal: Deno.Signal, listener: () => void) => {
    Deno.addSignalListener(signal, listener);
    cleanup.defer(() => Deno.removeSignalListener(signal, listener));
  };
  const arrived = Promise.withResolvers<void>();
  listen("SIGINT", () => {});
  listen("SIGQUIT", () => {});
  listen(departure, () => {
    console.log("发车了 (departing)");
    if (flags.auto) Deno.kill(child.pid!, "SIGQUIT");
  });
  listen("SIGUSR2", () => {
    console.log("到站了，请下车 (arrived, please get off)");
    arrived.resolve();
  });

  const child = new Process(conductor, {
    args: [departure],
    name: "conductor",
    onReport() {
      console.log(`driver: the conductor is on board (process ${child.pid})`);
      if (flags.auto) Deno.kill(child.pid!, "SIGINT");
      else console.log("driver: press Ctrl-C to depart, Ctrl-\\ to arrive");
    },
  });
  child.start();
  await child.result();
  // The signal may come in later than the end of its sender.
  const limit = setTimeout(() => arrived.reject(new Error("SIGUSR2 never came")), 2_000);
  await arrived.promise.finally(() => clearTimeout(limit));
  console.log("driver: the conductor got off first, now I do: end of the line");
  return 0;
}

if (import.meta.main) await runScript("driver_conductor", main, { endsOnCtrlC: false });
