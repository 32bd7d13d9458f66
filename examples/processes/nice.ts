#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run --allow-sys
/**
 * nice and renice: who lets others go first.
 *
 * Niceness goes from -20 (goes first) to 19 (takes what nobody else wants). Everybody may become
 * nicer; only a privileged user may take it back. Children begin with their parent's. It matters
 * where there is not a core for everybody: --race puts two children on one core, if there is a
 * program `taskset`.
 *
 * Try:
 *
 *     examples/processes/nice.ts           all ways to set it
 *     examples/processes/nice.ts --by 10   nicer
 *     examples/processes/nice.ts --race    what it is worth
 *
 * @module
 */
import { delay } from "jsr:@std/async@1.5.0";
import { Process } from "../../lib/multiprocessing.ts";
import { getpriority, nice, renice } from "../../lib/os.ts";
import { context } from "../../lib/task.ts";
import { fill, inLanguage } from "../_shared/language.ts";
import { readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `nice and renice: who lets others go first.

Usage: nice.ts [options]

  --by N     how much nicer (5)
  --race     two children on one core, one of them as nice as can be
  --lang L   en or zh (en)
  --help     show this`,
    here: "this process",
    child: "a child begins with its parent's",
    program: "a program that it starts then begins with that",
    started: (command: string) => `started so from the beginning: ${command} PROGRAM`,
    reniced: (call: string) => `another process that runs: ${call}`,
    most: (call: string) => `there is an end to it: ${call}`,
    takenBack: "taken back, which only a privileged user may",
    notTakenBack: (why: string) => `not taken back: ${why}`,
    still: "this process, all the while",
    verdict: (isRight: boolean) =>
      isRight ? "everybody may let others go first: as expected" : "NOT AS EXPECTED",
    noRace: "no race: there is no program taskset that puts both on one core",
    share: (niceness: string, percent: string) =>
      `niceness ${niceness} got ${percent} % of the core`,
  },
  zh: {
    usage: `nice 和 renice：谁让别人先走。

用法：nice.ts [选项]

  --by N     nice 值加多少（默认 5）
  --race     两个子进程抢一个核，其中一个让到底
  --lang L   语言：en 或 zh（默认 en）
  --help     显示本说明`,
    here: "本进程",
    child: "子进程一开始和父进程一样",
    program: "它启动的程序也从这里开始",
    started: (command: string) => `启动时就指定：${command} 程序`,
    reniced: (call: string) => `改一个正在运行的进程：${call}`,
    most: (call: string) => `再低也有限度：${call}`,
    takenBack: "改回来，只有特权用户才可以",
    notTakenBack: (why: string) => `改不回来：${why}`,
    still: "本进程，始终没有变",
    verdict: (isRight: boolean) => isRight ? "谁都可以让别人先走：符合预期" : "不符合预期",
    noRace: "比不了：没有 taskset 程序把两个放到一个核上",
    share: (niceness: string, percent: string) => `nice 值 ${niceness} 得到这个核的 ${percent} %`,
  },
});

/** How long a race lasts, in ms. */
const RACE = 600;

/** Becomes nicer, and starts a program, which begins so. */
export function beNice(by: number): [before: number, after: number, program: number] {
  const before = nice();
  const after = nice(by);
  return [before, after, askProgram("nice")];
}

/** What a program that prints its niceness prints. */
function askProgram(...command: string[]): number {
  const [program, ...args] = command;
  const { stdout } = new Deno.Command(program, { args }).outputSync();
  return Number(new TextDecoder().decode(stdout));
}

/** Sleeps; its niceness is set from outside. */
export async function sleep(): Promise<void> {
  context().report("here");
  await new Promise(() => setInterval(() => {}, 1_000));
}

/** Counts as far as it gets, once it is told that both are there. */
export async function count(by: number, from: number, ms: number): Promise<number> {
  nice(by);
  context().report("here");
  await delay(from - Date.now());
  let rounds = 0;
  for (const end = Date.now() + ms; Date.now() < end;) for (let k = 0; k < 10_000; k++) rounds++;
  return rounds;
}

function say(what: string, niceness: number): void {
  console.log(`${fill(what, 52)} ${String(niceness).padStart(3)}`);
}

async function race(cleanup: AsyncDisposableStack): Promise<void> {
  const from = Date.now() + 1_500;
  const runners = [0, 19].map((by) => {
    const runner = new Process(count, { args: [by, from, RACE] }).start();
    cleanup.defer(() => runner.kill());
    return runner;
  });
  try {
    for (const { pid } of runners) {
      const { success } = new Deno.Command("taskset", {
        args: ["-a", "-p", "-c", "0", `${pid}`],
        stdout: "null",
      })
        .outputSync();
      if (!success) throw new Deno.errors.NotSupported("taskset failed");
    }
  } catch {
    return console.log(TEXTS.noRace);
  }
  const rounds = await Promise.all(runners.map((runner) => runner.result()));
  const all = rounds[0] + rounds[1];
  rounds.forEach((n, k) => {
    const share = Math.round(n / all * 100);
    console.log(TEXTS.share(String([0, 19][k]).padStart(2), String(share).padStart(2)));
  });
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({
    boolean: ["race"],
    string: ["by"],
    default: { by: "5" },
    bilingual: true,
  });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const by = wholeNumber("by", flags.by, 1, 39);
  if (flags.race) {
    await race(cleanup);
    return 0;
  }

  const mine = nice();
  const nicer = Math.min(19, mine + by);
  say(TEXTS.here, mine);
  const [before, after, program] = await new Process(beNice, { args: [by] }).start().result();
  say(TEXTS.child, before);
  say(`nice(${by})`, after);
  say(TEXTS.program, program);
  const started = askProgram("nice", "-n", `${by}`, "nice");
  say(TEXTS.started(`nice -n ${by}`), started);

  const here = Promise.withResolvers<void>();
  const child = new Process(sleep, { onReport: () => here.resolve() }).start();
  cleanup.defer(() => child.kill());
  await Promise.race([here.promise, child.result()]);
  renice(child.pid!, nicer);
  const reniced = getpriority(child.pid!);
  say(TEXTS.reniced(`renice(${child.pid}, ${nicer})`), reniced);
  renice(child.pid!, 100);
  const most = getpriority(child.pid!);
  say(TEXTS.most(`renice(${child.pid}, 100)`), most);
  try {
    renice(child.pid!, mine);
    say(TEXTS.takenBack, getpriority(child.pid!));
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    console.log(TEXTS.notTakenBack(error.message));
  }
  say(TEXTS.still, nice());
  const seen = [before, after, program, started, reniced, most, nice()];
  const expected = [mine, nicer, nicer, nicer, nicer, 19, mine];
  const isRight = seen.every((niceness, k) => niceness === expected[k]);
  console.log(TEXTS.verdict(isRight));
  return isRight ? 0 : 1;
}

if (import.meta.main) await runScript("nice", main);
