#!/usr/bin/env -S deno run --allow-read
/**
 * Daemon threads: who waits for whom at the end of the program.
 *
 * A program ends when its main thread and all plain threads have ended; nobody has to join them. It
 * does not wait for daemons: whatever they do is cut off. So a daemon is for what nobody will miss.
 * A thread is made a daemon before its start: `thread.daemon = true`, Python's older `setDaemon()`.
 *
 *     plain     the program waits, though nobody joins
 *     daemon    it does not: hello is never said
 *     join      unless main itself waits for the daemon
 *     two       a daemon and a plain thread: the daemon lives as long as the plain one. (A daemon
 *               *process* ends earlier: when main's own code has ended.)
 *     endless   a daemon that would go on for ever
 *     late      after the start it is too late
 *
 * Try:
 *
 *     examples/threads/daemon.ts                the second of them
 *     examples/threads/daemon.ts --form plain   the same thread, no daemon
 *     examples/threads/daemon.ts --form two     foo, a daemon, and bar
 *
 * @module
 */
import { context } from "../../lib/task.ts";
import { Event, Thread } from "../../lib/threading.ts";
import { sleepSync } from "../../lib/time.ts";
import { inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const FORMS = ["plain", "daemon", "join", "two", "endless", "late"] as const;
type Form = typeof FORMS[number];

const TEXTS = inLanguage({
  en: {
    usage: `Does a program wait for its threads? For plain ones, not for daemons.

Usage: daemon.ts [options]

  --form F   plain, daemon, join, two, endless or late (daemon)
  --ms N     how long the thread takes, in ms (200)
  --lang L   en or zh (en)
  --help     show this`,
    hello: (name: string) => `${name} says hello`,
    main: "the main thread has come to the end of its code",
    alive: (isAlive: boolean) => `is egon alive? ${isAlive}`,
    refused: (message: string) => `refused: ${message}`,
    verdict: {
      plain: "the program has waited for its thread: hello was said",
      daemon: "the program has not waited for its daemon: hello was never said",
      join: "main has waited for the daemon: hello was said",
      two: "the daemon lived as long as the plain thread: both came to their end",
      endless: "the program has ended, and its endless daemon with it",
      late: "a thread that has been started stays what it is",
    },
    wrong: "NOT AS IT SHOULD BE",
  },
  zh: {
    usage: `程序等不等它的线程？普通线程要等，守护线程不等。

用法：daemon.ts [选项]

  --form F   plain、daemon、join、two、endless 或 late（默认 daemon）
  --ms N     线程要做多久，毫秒（默认 200）
  --lang L   语言：en 或 zh（默认 en）
  --help     显示本说明`,
    hello: (name: string) => `${name} say hello`,
    main: "主线程",
    alive: (isAlive: boolean) => `egon 还活着吗？${isAlive}`,
    refused: (message: string) => `被拒绝：${message}`,
    verdict: {
      plain: "程序等线程做完才结束：hello 说出来了",
      daemon: "程序不等守护线程：hello 没来得及说",
      join: "主线程用 join() 等了守护线程：hello 说出来了",
      two: "守护线程一直活到普通线程结束：两个都做完了",
      endless: "程序结束了，死循环的守护线程也跟着结束",
      late: "线程启动以后，就不能再改成守护线程",
    },
    wrong: "结果不对",
  },
});

/** Says hello, after a while. */
export function sayHi(name: string, ms: number, said: Event): void {
  sleepSync(ms);
  console.log(TEXTS.hello(name));
  said.set();
}

/** The daemon of two. */
export function foo(ms: number, barBegins: Event, fooEnds: Event): void {
  console.log(123);
  barBegins.waitSync();
  sleepSync(ms);
  console.log("end123");
  fooEnds.set();
}

/** The plain thread of two: it ends after the daemon, if that is not cut off before. */
export function bar(barBegins: Event, fooEnds: Event, barEnds: Event): void {
  console.log(456);
  barBegins.set();
  fooEnds.waitSync({ timeout: 10_000 });
  console.log("end456");
  barEnds.set();
}

/** Has main say hello, for ever. */
export function greet(): void {
  for (;;) {
    context().report("hello");
    sleepSync(10);
  }
}

/** Shows a form. Returns a check for the very end of the program. */
async function show(form: Form, ms: number): Promise<() => boolean> {
  if (form === "two") return showTwo(ms);
  if (form === "endless") return await showEndless();
  const said = new Event();
  const thread = new Thread(sayHi, { args: ["egon", ms, said] });
  if (form === "daemon" || form === "join") thread.daemon = true;
  thread.start();
  if (form === "join") await thread.join();
  console.log(TEXTS.main);
  if (form !== "late") {
    console.log(TEXTS.alive(thread.isAlive()));
    return () => said.isSet() === (form !== "daemon");
  }
  try {
    thread.daemon = true;
  } catch (error) {
    console.log(TEXTS.refused((error as Error).message));
  }
  return () => said.isSet() && !thread.daemon;
}

function showTwo(ms: number): () => boolean {
  const [barBegins, fooEnds, barEnds] = [new Event(), new Event(), new Event()];
  new Thread(foo, { args: [ms, barBegins, fooEnds], daemon: true }).start();
  new Thread(bar, { args: [barBegins, fooEnds, barEnds] }).start();
  console.log("main-------");
  return () => fooEnds.isSet() && barEnds.isSet();
}

async function showEndless(): Promise<() => boolean> {
  const heard = Promise.withResolvers<void>();
  let times = 0;
  const onReport = (hello: unknown) => {
    console.log(hello);
    if (++times === 3) heard.resolve();
  };
  const daemon = new Thread(greet, { daemon: true, onReport }).start();
  // The wait for its result would hold the program, and is given up.
  const wait = new AbortController();
  await Promise.race([heard.promise, daemon.result({ signal: wait.signal })]);
  wait.abort();
  console.log("python");
  return () => daemon.isAlive();
}

async function main(): Promise<number> {
  const flags = readFlags({
    string: ["form", "ms"],
    default: { form: "daemon", ms: "200" },
    bilingual: true,
  });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const form = oneOf("form", flags.form, FORMS);
  const ms = wholeNumber("ms", flags.ms, 50, 60_000);
  const isRight = await show(form, ms);
  // When all plain threads have ended, too.
  addEventListener("unload", () => {
    console.log(isRight() ? TEXTS.verdict[form] : TEXTS.wrong);
    Deno.exitCode = isRight() ? 0 : 1;
  });
  return 0;
}

if (import.meta.main) await runScript("daemon", main);
