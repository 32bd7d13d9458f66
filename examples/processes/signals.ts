#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run
/**
 * Signals: an alarm, one that is ignored, one that is handled, and two processes that talk by them.
 *
 * Try:
 *
 *     examples/processes/signals.ts                  all four
 *     examples/processes/signals.ts --show alarm     do something until the alarm
 *     examples/processes/signals.ts --show ignore    a child that does not want to go
 *     examples/processes/signals.ts --show handler   a child that tidies up first
 *     examples/processes/signals.ts --show kill      a rally between two processes
 *
 * @module
 */
import { delay } from "@std/async";
import { currentProcess, Process } from "../../lib/multiprocessing.ts";
import { exit, getppid } from "../../lib/os.ts";
import { alarm, kill, pause, SIG_DFL, SIG_IGN, signal } from "../../lib/signal.ts";
import { context } from "../../lib/task.ts";
import { oneOf, readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const USAGE = `Signals: an alarm, one that is ignored, one that is handled, a rally.

Usage: signals.ts [options]

  --show W     alarm, ignore, handler, kill or all (all)
  --rounds N   the length of the rally (3)
  --help       show this`;

/** Why nothing here is SIGUSR1. */
const BALL = "SIGUSR2"; // SIGUSR1 would start Deno's debugger

function say(what: string): void {
  console.log(`  ${currentProcess().name.padEnd(11)} ${what}`);
}

/** Starts a child, and waits until it has set up its handlers. */
async function start<A extends unknown[]>(
  target: (...args: A) => unknown,
  args: NoInfer<A>,
  name: string,
  cleanup: AsyncDisposableStack,
): Promise<Process> {
  const ready = Promise.withResolvers<void>();
  const child = new Process<unknown, unknown[]>(target as (...args: unknown[]) => unknown, {
    args,
    name,
    onReport: () => ready.resolve(),
  }).start();
  cleanup.defer(async () => {
    child.kill();
    await child.join();
  });
  await Promise.race([ready.promise, child.result()]);
  return child as unknown as Process;
}

/** Works until the alarm, which is put off once. */
async function showAlarm(): Promise<boolean> {
  let rang = 0;
  signal("SIGALRM", (sig) => {
    rang++;
    say(`${sig}: time to go`);
  });
  alarm(10_000);
  const left = alarm(200);
  say(`alarm(10_000), then alarm(200): ${Math.round(left / 1000)} s were left of the first`);
  while (rang === 0) {
    say("works");
    await delay(70);
  }
  signal("SIGALRM", SIG_DFL);
  return rang === 1 && alarm(0) === 0;
}

/** Does not want to go. */
export async function stubborn(): Promise<void> {
  for (const sig of ["SIGINT", "SIGTERM", "SIGHUP"] as const) signal(sig, SIG_IGN);
  context().report("ready");
  await new Promise(() => setInterval(() => {}, 1_000));
}

async function showIgnore(cleanup: AsyncDisposableStack): Promise<boolean> {
  const child = await start(stubborn, [], "stubborn", cleanup);
  for (const sig of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    kill(child.pid!, sig);
    const isThere = !await child.join({ timeout: 50 });
    say(`kill(${child.pid}, ${sig}): ${isThere ? "it is still there" : "IT IS GONE"}`);
    if (!isThere) return false;
  }
  kill(child.pid!, "SIGKILL");
  await child.join();
  say(`kill(${child.pid}, SIGKILL): exitcode ${child.exitcode}; that one cannot be ignored`);
  return child.exitcode === -9;
}

/** Ends in good order when it is asked to. */
export async function tidy(): Promise<void> {
  const asked = Promise.withResolvers<void>();
  signal("SIGTERM", (sig) => {
    say(`${sig}: finishing this, then I go`);
    asked.resolve();
  });
  context().report("ready");
  try {
    // A handler keeps no program alive; what it does otherwise does.
    const hold = setInterval(() => {}, 1_000);
    await asked.promise;
    clearInterval(hold);
    exit(0);
  } finally {
    say("finally: everything is put away");
  }
}

async function showHandler(cleanup: AsyncDisposableStack): Promise<boolean> {
  const child = await start(tidy, [], "tidy", cleanup);
  say(`kill(${child.pid}, SIGTERM)`);
  kill(child.pid!, "SIGTERM");
  await child.join();
  say(`exitcode ${child.exitcode}, not -15: it was not the signal that ended it`);
  return child.exitcode === 0;
}

/** Returns each ball. */
export async function player(rounds: number): Promise<void> {
  const parent = getppid();
  signal(BALL, () => {});
  let next = pause();
  context().report("ready");
  for (let round = 1; round <= rounds; round++) {
    await next;
    say(`pong ${round}`);
    // Ready for the next one before it can come.
    if (round < rounds) next = pause();
    kill(parent, BALL);
  }
}

async function showKill(rounds: number, cleanup: AsyncDisposableStack): Promise<boolean> {
  signal(BALL, () => {});
  const child = await start(player, [rounds], "player", cleanup);
  for (let round = 1; round <= rounds; round++) {
    say(`ping ${round}`);
    const back = pause();
    kill(child.pid!, BALL);
    await back;
  }
  signal(BALL, SIG_DFL);
  await child.join();
  return child.exitcode === 0;
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({ string: ["show", "rounds"], default: { show: "all", rounds: "3" } });
  if (flags.help) {
    console.log(USAGE);
    return 0;
  }
  const rounds = wholeNumber("rounds", flags.rounds, 1, 10_000);
  const shows = {
    alarm: showAlarm,
    ignore: () => showIgnore(cleanup),
    handler: () => showHandler(cleanup),
    kill: () => showKill(rounds, cleanup),
  };
  const show = oneOf("show", flags.show, [...Object.keys(shows), "all"]);
  let isWell = true;
  for (const [name, run] of Object.entries(shows)) {
    if (show !== name && show !== "all") continue;
    console.log(`${name}:`);
    isWell = await run() && isWell;
  }
  return isWell ? 0 : 1;
}

if (import.meta.main) await runScript("signals", main);
