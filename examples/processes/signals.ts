#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run
/**
 * Signals: an alarm, one that is ignored, one that is handled, two processes that talk by them, and
 * the table of all, each of them tried on a child. For the table there must be the program `ps`, or
 * on Linux the permission `-A`.
 *
 * Try:
 *
 *     examples/processes/signals.ts                  all five
 *     examples/processes/signals.ts --show alarm     do something until the alarm
 *     examples/processes/signals.ts --show ignore    a child that does not want to go
 *     examples/processes/signals.ts --show handler   a child that tidies up first
 *     examples/processes/signals.ts --show kill      a rally between two processes
 *     examples/processes/signals.ts --show table     what each signal does by default
 *
 * @module
 */
import { currentProcess, parentProcess, Process } from "../../lib/multiprocessing.ts";
import { exit, getppid } from "../../lib/os.ts";
import { alarm, kill, pause, SIG_DFL, SIG_IGN, signal } from "../../lib/signal.ts";
import { context } from "../../lib/task.ts";
import { sleep } from "../../lib/time.ts";
import { fill, inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript, wholeNumber } from "../_shared/script.ts";
import { showTable } from "../_shared/signal_table.ts";

const WORDS = inLanguage({
  en: {
    usage: `Signals: an alarm, one that is ignored, one that is handled, a rally, the table of all.

Usage: signals.ts [options]

  --show W     alarm, ignore, handler, kill, table or all (all)
  --rounds N   the length of the rally (3)
  --lang L     en or zh (en)
  --help       show this`,
    titles: {
      alarm: "alarm:",
      ignore: "ignore:",
      handler: "handler:",
      kill: "kill:",
      table: "table:",
    },
    main: currentProcess().name,
    names: { stubborn: "stubborn", tidy: "tidy", player: "player" },
    rings: (sig: string) => `${sig}: time to go`,
    left: (s: number) => `alarm(10_000), then alarm(200): ${s} s were left of the first`,
    works: "works",
    sent: (pid: number, sig: string) => `kill(${pid}, ${sig})`,
    isThere: (isThere: boolean) => isThere ? ": it is still there" : ": IT IS GONE",
    killed: (code: number | null) => `: exitcode ${code}; that one cannot be ignored`,
    asked: (sig: string) => `${sig}: finishing this, then I go`,
    tidied: "finally: everything is put away",
    ended: (code: number | null) =>
      `exitcode ${code}, not -15: it was not the signal that ended it`,
    ping: (round: number) => `ping ${round}`,
    pong: (round: number) => `pong ${round}`,
    verdict: (well: number, all: number) => `${well} of ${all} as expected`,
  },
  zh: {
    usage: `信号：闹钟、忽略、自定义处理、两个进程用信号对打，以及全部信号的表。

用法：signals.ts [选项]

  --show W     alarm、ignore、handler、kill、table 或 all（默认 all）
  --rounds N   对打几个回合（默认 3）
  --lang L     语言：en 或 zh（默认 en）
  --help       显示本说明`,
    titles: {
      alarm: "alarm：闹钟",
      ignore: "ignore：忽略信号",
      handler: "handler：自己处理信号",
      kill: "kill：用信号对打",
      table: "table：每个信号都在一个子进程上试一遍",
    },
    main: "主进程",
    names: { stubborn: "子进程", tidy: "子进程", player: "子进程" },
    rings: (sig: string) => `${sig}：时间到`,
    left: (s: number) => `先 alarm(10_000)，再 alarm(200)：前一个还剩 ${s} 秒，被取代了`,
    works: "干活",
    sent: (pid: number, sig: string) => `kill(${pid}, ${sig})`,
    isThere: (isThere: boolean) => isThere ? "：它还在" : "：它竟然没了",
    killed: (code: number | null) => `：exitcode ${code}；这个信号忽略不了`,
    asked: (sig: string) => `${sig}：做完手头的事就走`,
    tidied: "finally：东西都收拾好了",
    ended: (code: number | null) => `exitcode ${code}，不是 -15：它不是被信号终止的`,
    ping: (round: number) => `乒 ${round}`,
    pong: (round: number) => `乓 ${round}`,
    verdict: (well: number, all: number) => `${all} 项中 ${well} 项符合预期`,
  },
});

/** Why nothing here is SIGUSR1. */
const BALL = "SIGUSR2"; // SIGUSR1 would start Deno's debugger

function say(what: string): void {
  const name = parentProcess() === null ? WORDS.main : currentProcess().name;
  console.log(`  ${fill(name, 11)} ${what}`);
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
    say(WORDS.rings(sig));
  });
  alarm(10_000);
  const left = alarm(200);
  say(WORDS.left(Math.round(left / 1000)));
  while (rang === 0) {
    say(WORDS.works);
    await sleep(70);
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
  const child = await start(stubborn, [], WORDS.names.stubborn, cleanup);
  for (const sig of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    kill(child.pid!, sig);
    const isThere = !await child.join({ timeout: 50 });
    say(WORDS.sent(child.pid!, sig) + WORDS.isThere(isThere));
    if (!isThere) return false;
  }
  kill(child.pid!, "SIGKILL");
  await child.join();
  say(WORDS.sent(child.pid!, "SIGKILL") + WORDS.killed(child.exitcode));
  return child.exitcode === -9;
}

/** Ends in good order when it is asked to. */
export async function tidy(): Promise<void> {
  const asked = Promise.withResolvers<void>();
  signal("SIGTERM", (sig) => {
    say(WORDS.asked(sig));
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
    say(WORDS.tidied);
  }
}

async function showHandler(cleanup: AsyncDisposableStack): Promise<boolean> {
  const child = await start(tidy, [], WORDS.names.tidy, cleanup);
  say(WORDS.sent(child.pid!, "SIGTERM"));
  kill(child.pid!, "SIGTERM");
  await child.join();
  say(WORDS.ended(child.exitcode));
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
    say(WORDS.pong(round));
    // Ready for the next one before it can come.
    if (round < rounds) next = pause();
    kill(parent, BALL);
  }
}

async function showKill(rounds: number, cleanup: AsyncDisposableStack): Promise<boolean> {
  signal(BALL, () => {});
  const child = await start(player, [rounds], WORDS.names.player, cleanup);
  for (let round = 1; round <= rounds; round++) {
    say(WORDS.ping(round));
    const back = pause();
    kill(child.pid!, BALL);
    await back;
  }
  signal(BALL, SIG_DFL);
  await child.join();
  return child.exitcode === 0;
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({
    string: ["show", "rounds"],
    default: { show: "all", rounds: "3" },
    bilingual: true,
  });
  if (flags.help) {
    console.log(WORDS.usage);
    return 0;
  }
  const rounds = wholeNumber("rounds", flags.rounds, 1, 10_000);
  const shows = {
    alarm: showAlarm,
    ignore: () => showIgnore(cleanup),
    handler: () => showHandler(cleanup),
    kill: () => showKill(rounds, cleanup),
    table: () => showTable(cleanup),
  };
  const show = oneOf("show", flags.show, [...Object.keys(shows), "all"]);
  const chosen = Object.entries(shows).filter(([name]) => show === name || show === "all");
  let well = 0;
  for (const [name, run] of chosen) {
    console.log(WORDS.titles[name as keyof typeof shows]);
    if (await run()) well++;
  }
  console.log(WORDS.verdict(well, chosen.length));
  return well === chosen.length ? 0 : 1;
}

if (import.meta.main) await runScript("signals", main);
