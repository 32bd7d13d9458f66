#!/usr/bin/env -S deno run -A
/**
 * A small `top`: the processes of one family, looked at again and again.
 *
 * The family is this script and four children: one computes and is nice about it, one waits for a
 * timer, one is stopped, and one ends while we look. What ps() tells was true a moment ago, so a
 * picture that goes on takes many looks. `R %` is at how many of them a process was running.
 *
 * In a terminal the table is drawn in its place; elsewhere each look is printed below the last.
 *
 * Try:
 *
 *     examples/processes/top.ts                  a few looks
 *     examples/processes/top.ts --rounds 0       until Ctrl-C
 *     examples/processes/top.ts --interval 2000  every two seconds
 *
 * @module
 */
import { Process } from "../../lib/multiprocessing.ts";
import { getpid, nice, type ProcessInfo, ps } from "../../lib/os.ts";
import { kill } from "../../lib/signal.ts";
import { context } from "../../lib/task.ts";
import { sleep } from "../../lib/time.ts";
import { fill, inLanguage } from "../_shared/language.ts";
import { readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `A small top: the processes of a family, looked at again and again.

Usage: top.ts [options]

  --rounds N      how many looks; 0: until Ctrl-C (6)
  --interval MS   how long from one look to the next (300)
  --lang L        en or zh (en)
  --help          show this`,
    names: {
      main: "this script: whoever looks is running",
      computes: "computes, niceness 10 more",
      waits: "waits for a timer",
      stopped: "stopped by SIGSTOP",
      leaves: "ends after half of the looks",
    },
    head: (look: string, all: number, ours: number, states: string) =>
      `look ${look}: ${all} processes, ${ours} of them ours: ${states}`,
    comma: ", ",
    columns: ["PID", "PPID", "S", "NI", "R %", "WHAT IT DOES"],
    seen: (looks: number, odd: number) =>
      `${looks} looks: ${odd === 0 ? "all as it should be" : `${odd} NOT AS IT SHOULD BE`}`,
  },
  zh: {
    usage: `小小的 top：一家子进程，一遍又一遍地看。

用法：top.ts [选项]

  --rounds N      看几次；0：一直看到按 Ctrl-C（默认 6）
  --interval MS   隔多久看一次（默认 300）
  --lang L        语言：en 或 zh（默认 en）
  --help          显示本说明`,
    names: {
      main: "本脚本：在看的人总在运行",
      computes: "在计算，nice 值加了 10",
      waits: "在等定时器",
      stopped: "被 SIGSTOP 停住",
      leaves: "看到一半就结束",
    },
    head: (look: string, all: number, ours: number, states: string) =>
      `第 ${look} 次：共 ${all} 个进程，我们的 ${ours} 个：${states}`,
    comma: "，",
    columns: ["PID", "PPID", "S", "NI", "R %", "在做什么"],
    seen: (looks: number, odd: number) =>
      `看了 ${looks} 次：${odd === 0 ? "都符合预期" : `${odd} 次不符合预期`}`,
  },
});

/** Who there is besides this script. */
const MEMBERS = ["computes", "waits", "stopped", "leaves"] as const;
type Member = typeof MEMBERS[number];
/** How much nicer the one that computes is. */
const NICER = 10;

/** How long a signal may take, in ms. */
const LIMIT = 5_000;

/** Lets others go first, and never pauses. */
export async function compute(): Promise<void> {
  nice(NICER);
  context().report("here");
  // What was reported is on its way before the loop begins.
  await sleep(0);
  for (;;);
}

/** Waits for what never happens. */
export async function wait(): Promise<void> {
  context().report("here");
  await new Promise(() => setInterval(() => {}, 60_000));
}

/** Starts a child, and waits until it says that it is there. */
async function start(member: Member, cleanup: AsyncDisposableStack): Promise<Process> {
  const here = Promise.withResolvers<void>();
  const target = member === "computes" ? compute : wait;
  const child = new Process(target, { name: member, onReport: () => here.resolve() }).start();
  cleanup.defer(async () => {
    child.kill();
    await child.join();
  });
  await Promise.race([here.promise, child.result()]);
  return child;
}

/** Looks until something is so: a signal takes a moment. */
async function until(isSo: () => boolean): Promise<void> {
  for (const end = performance.now() + LIMIT; !isSo() && performance.now() < end;) await sleep(5);
}

/** How often each process was seen, and how often running. */
const looks = new Map<number, { all: number; running: number }>();

/** The lines of one look. */
function draw(look: string, all: ProcessInfo[], family: Map<number, string>): string[] {
  const ours = all.filter(({ pid }) => family.has(pid));
  const states = Object.entries(Object.groupBy(ours, ({ state }) => state))
    .map(([state, those]) => `${state} ${those!.length}`).sort().join(TEXTS.comma);
  const lines = [TEXTS.head(look, all.length, ours.length, states), row(TEXTS.columns)];
  for (const { pid, ppid, state, nice } of ours) {
    const { all, running } = looks.get(pid) ?? { all: 0, running: 0 };
    const now = { all: all + 1, running: running + (state === "R" ? 1 : 0) };
    looks.set(pid, now);
    const share = Math.round(now.running / now.all * 100);
    lines.push(row([`${pid}`, `${ppid}`, state, `${nice}`, `${share}`, family.get(pid)!]));
  }
  return lines;
}

function row([pid, ppid, state, nice, share, what]: string[]): string {
  return [pid.padStart(8), ppid.padStart(8), fill(state, 1), nice.padStart(3), share.padStart(4)]
    .join(" ") + `  ${what}`;
}

/** Prints lines, in a terminal in place of those before them. */
function show(lines: string[], before: number): void {
  const up = before > 0 && Deno.stdout.isTerminal() ? `\x1b[${before}A\x1b[J` : "";
  console.log(up + lines.join("\n"));
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({
    string: ["rounds", "interval"],
    default: { rounds: "6", interval: "300" },
    bilingual: true,
  });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const rounds = wholeNumber("rounds", flags.rounds, 0, 1_000_000);
  const interval = wholeNumber("interval", flags.interval, 0, 60_000);

  const started = await Promise.all(MEMBERS.map((member) => start(member, cleanup)));
  const [computes, , stopped, leaves] = started.map((child) => child.pid!);
  kill(stopped, "SIGSTOP");
  await until(() => ps().some(({ pid, state }) => pid === stopped && state === "T"));
  const family = new Map([
    [getpid(), TEXTS.names.main],
    ...started.map((child, k) => [child.pid!, TEXTS.names[MEMBERS[k]]] as const),
  ]);
  /** Whether what was seen is what was made. */
  const isAsMade = (all: ProcessInfo[], hasLeft: boolean) => {
    const seen = new Map(all.map((process) => [process.pid, process]));
    const living = started.filter(({ pid }) => pid !== leaves || !hasLeft);
    return living.every(({ pid }) => seen.get(pid!)?.ppid === getpid()) &&
      seen.has(leaves) === !hasLeft &&
      seen.get(stopped)!.state === "T" &&
      seen.get(computes)!.nice === Math.min(19, seen.get(getpid())!.nice + NICER);
  };

  let [look, odd, before, hasLeft] = [0, 0, 0, false];
  while (rounds === 0 || look < rounds) {
    if (look > 0) await sleep(interval);
    if (!hasLeft && look >= (rounds || 10) / 2) {
      kill(leaves, "SIGTERM");
      await started[3].join();
      hasLeft = true;
    }
    look++;
    const all = ps();
    const lines = draw(rounds === 0 ? `${look}` : `${look}/${rounds}`, all, family);
    show(lines, before);
    before = lines.length;
    if (!isAsMade(all, hasLeft)) odd++;
  }
  console.log(TEXTS.seen(look, odd));
  return odd === 0 ? 0 : 1;
}

if (import.meta.main) await runScript("top", main);
