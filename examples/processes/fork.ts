#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run
/**
 * Music and dance: two branches that run at the same time, and what takes the place of fork().
 *
 * With fork() one program becomes two, in the midst of its code: the call returns twice, and an
 * `if` sends the child one way and the parent the other. Deno has no fork(). A copied process has
 * the one thread that called and the memory of all: the locks that the garbage collector, the
 * compiler and the event loop's threads held would be held for ever. (Python warns of the same
 * since 3.12, and no longer forks by default since 3.14.)
 *
 * A Process begins anew instead: it imports this script, skips the guarded main part, and runs one
 * function. What was the `if` are two functions.
 *
 * Try:
 *
 *     examples/processes/fork.ts             four bars
 *     examples/processes/fork.ts --bars 12   the long version
 *     examples/processes/fork.ts --silent    dance without music
 *
 * @module
 */
import { currentProcess, Process } from "../../lib/multiprocessing.ts";
import { fork, getpid, getppid } from "../../lib/os.ts";
import { sleep } from "../../lib/time.ts";
import { fill, inLanguage } from "../_shared/language.ts";
import { readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `Two branches at the same time: what takes the place of fork().

Usage: fork.ts [options]

  --bars N   how long they go on (4)
  --ms N     how long a bar takes, in ms (100)
  --silent   start no child
  --lang L   en or zh (en)
  --help     show this`,
    noFork: (error: string) => `os.fork(): ${error}; new Process() takes its place`,
    musician: "musician",
    plays: (pid: number, ppid: number) => `I am ${pid}, child of ${ppid}, and I make music`,
    la: (times: number) => "la ".repeat(times).trim(),
    dances: (pid: number) => `I am ${pid}, and I dance`,
    step: (bar: number) => `step ${bar}`,
    quiet: "it was a quiet evening",
    heard: (bars: number, code: number | null) =>
      `the musician has played ${bars} bars and ended with ${code}`,
    played: (played: number) => `here the variable played is ${played}: nothing was shared`,
  },
  zh: {
    usage: `两个分支同时运行：用什么代替 fork()。

用法：fork.ts [选项]

  --bars N   一共多少小节（默认 4）
  --ms N     每小节多长，单位 ms（默认 100）
  --silent   不启动子进程
  --lang L   语言：en 或 zh（默认 en）
  --help     显示本说明`,
    noFork: (error: string) => `os.fork()：${error}，改用 new Process()`,
    musician: "乐手",
    plays: (pid: number, ppid: number) => `我是 ${pid}，${ppid} 的子进程，我放音乐`,
    la: (times: number) => `放音乐：${"啦 ".repeat(times).trim()}`,
    dances: (pid: number) => `我是 ${pid}，我跳舞`,
    step: (bar: number) => `跳舞，第 ${bar} 步`,
    quiet: "今晚很安静",
    heard: (bars: number, code: number | null) => `乐手放了 ${bars} 小节，退出码是 ${code}`,
    played: (played: number) => `这里的变量 played 是 ${played}：什么也没有共享`,
  },
});

/** What the child does. Only it has a `played` of 1 and more: memory is its own. */
export async function music(bars: number, ms: number): Promise<number> {
  say(TEXTS.plays(getpid(), getppid()));
  for (let bar = 1; bar <= bars; bar++) {
    played++;
    say(TEXTS.la(bar % 3 + 1));
    await sleep(ms);
  }
  return played;
}

/** What the parent does. */
async function dance(bars: number, ms: number): Promise<void> {
  say(TEXTS.dances(getpid()));
  for (let bar = 1; bar <= bars; bar++) {
    await sleep(ms / 2);
    say(TEXTS.step(bar));
    await sleep(ms / 2);
  }
}

let played = 0;

function say(what: string): void {
  console.log(`${fill(currentProcess().name, 11)} ${what}`);
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({
    boolean: ["silent"],
    string: ["bars", "ms"],
    default: { bars: "4", ms: "100" },
    bilingual: true,
  });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const bars = wholeNumber("bars", flags.bars, 1, 1_000);
  const ms = wholeNumber("ms", flags.ms, 0, 10_000);

  // In Python: pid = os.fork(), and then: if pid == 0: music(); else: dance()
  try {
    fork();
  } catch (error) {
    console.log(TEXTS.noFork((error as Error).name));
  }
  const child = new Process(music, { args: [bars, ms], name: TEXTS.musician });
  if (!flags.silent) child.start();
  cleanup.defer(() => child.pid === null ? undefined : child.kill());
  await dance(bars, ms);
  if (flags.silent) {
    say(TEXTS.quiet);
    return 0;
  }
  const heard = await child.result();
  await child.join();
  say(TEXTS.heard(heard, child.exitcode));
  say(TEXTS.played(played));
  return heard === bars && child.exitcode === 0 && played === 0 ? 0 : 1;
}

if (import.meta.main) await runScript("fork", main);
