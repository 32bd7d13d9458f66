#!/usr/bin/env -S deno run --allow-read
/**
 * A thread as a class of one's own: a subclass of Thread with fields and a run().
 *
 * The constructor first calls `super(import.meta)`: with it the thread finds the class, which must
 * be exported, in this module. `start()` sends the public fields over and has `run()` called there;
 * main's object keeps what it had. Whether it is a class or a function makes no other difference.
 *
 *     class       start() a subclass
 *     function    the same with a function and its arguments
 *     terminate   stopped in the middle: what is in `finally` is still done
 *     run         the mistake: run() instead of start(), and main does the work itself
 *
 * Try:
 *
 *     examples/threads/subclass.ts              the first three
 *     examples/threads/subclass.ts --form run   look at who says hello
 *
 * @module
 */
import { ThreadTerminated } from "../../lib/errors.ts";
import { currentThread, Event, Thread } from "../../lib/threading.ts";
import { sleepSync } from "../../lib/time.ts";
import { inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript } from "../_shared/script.ts";

const FORMS = ["class", "function", "terminate", "run"] as const;
type Form = typeof FORMS[number];

const TEXTS = inLanguage({
  en: {
    title: (name: string) => `${name}:`,
    usage: `A subclass of Thread with fields and a run(), and the same as a function.

Usage: subclass.ts [options]

  --form F   class, function, terminate, run, or the first three in turn (all)
  --lang L   en or zh (en)
  --help     show this`,
    says: (who: string, what: string) => `  ${who}: ${what}`,
    finally: "puts things in order",
    stopped: (error: string) => `  MainThread: it did not come to its end: ${error}`,
    verdict: {
      class: "the fields have arrived, and run() ran in a thread of its own: right",
      function: "the arguments have arrived, and the function ran in a thread of its own: right",
      terminate: "stopped in the middle, and in good order: right",
      run: "run() starts no thread, main has done it itself: WRONG",
      all: "the class and the function say the same, and a thread can be stopped: right",
    },
    wrong: "NOT AS IT SHOULD BE",
  },
  zh: {
    title: (name: string) => `${name}：`,
    usage: `继承 Thread：自己的属性，自己的 run()；再用函数做同样的事。

用法：subclass.ts [选项]

  --form F   形式：class、function、terminate、run，或者依次前三种 all（默认 all）
  --lang L   语言：en 或 zh（默认 en）
  --help     显示本说明`,
    says: (who: string, what: string) => `  ${who}：${what}`,
    finally: "收拾好再走",
    stopped: (error: string) => `  MainThread：它没有做完：${error}`,
    verdict: {
      class: "属性传过去了，run() 在自己的线程里运行：正确",
      function: "参数传过去了，函数在自己的线程里运行：正确",
      terminate: "中途被终止，该收拾的都收拾了：正确",
      run: "run() 并不启动线程，是主线程自己做的：错误",
      all: "类和函数说的一样，线程可以中途终止：正确",
    },
    wrong: "结果不对",
  },
});

const EXPECTED = ["num=100", "a=200", "hello", "hello", "hello"];

/** Prints, and remembers what was said. */
function say(said: string[], what: string): void {
  console.log(TEXTS.says(currentThread().name, what));
  said.push(what);
}

/** A thread that says its numbers, and hello. Its result is what it has said. */
export class SubThread extends Thread<string[]> {
  num: number;
  a: number;
  /** How long it waits after each hello, in ms. */
  pause: number;
  saidHello = new Event();

  constructor(num: number, a: number, pause: number) {
    super(import.meta, { name: "SubThread" });
    this.num = num;
    this.a = a;
    this.pause = pause;
  }

  override run(): string[] {
    const said: string[] = [];
    say(said, `num=${this.num}`);
    say(said, `a=${this.a}`);
    try {
      for (let k = 0; k < 3; k++) {
        say(said, "hello");
        this.saidHello.set();
        sleepSync(this.pause);
      }
      return said;
    } finally {
      if (said.length < EXPECTED.length) say(said, TEXTS.finally);
    }
  }
}

/** The same as a function. */
export function greet(num: number, a: number, pause: number): string[] {
  const said: string[] = [];
  say(said, `num=${num}`);
  say(said, `a=${a}`);
  for (let k = 0; k < 3; k++) {
    say(said, "hello");
    sleepSync(pause);
  }
  return said;
}

const isExpected = (said: string[]) => said.join() === EXPECTED.join();

/** Shows one form. Returns whether it went as it always goes. */
const SHOW: Record<Form, () => Promise<boolean>> = {
  async class() {
    return isExpected(await new SubThread(100, 200, 20).start().result());
  },
  async function() {
    const thread = new Thread(greet, { args: [100, 200, 20], name: "function" });
    return isExpected(await thread.start().result());
  },
  async terminate() {
    // It would say hello once a minute.
    const thread = new SubThread(100, 200, 60_000).start();
    await Promise.race([thread.saidHello.wait(), thread.join()]);
    thread.saidHello.set(); // it might have failed: that wait ends too
    thread.terminate();
    try {
      await thread.result();
      return false;
    } catch (error) {
      if (!(error instanceof ThreadTerminated)) throw error;
      console.log(TEXTS.stopped(error.name));
      return !thread.isAlive();
    }
  },
  async run() {
    return isExpected(await new SubThread(100, 200, 20).run());
  },
};

async function main(): Promise<number> {
  const flags = readFlags({ string: ["form"], default: { form: "all" }, bilingual: true });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const form = oneOf("form", flags.form, ["all", ...FORMS]);
  let isRight = true;
  for (const each of form === "all" ? FORMS.slice(0, 3) : [form]) {
    console.log(TEXTS.title(each));
    if (!await SHOW[each]()) isRight = false;
  }
  console.log(isRight ? TEXTS.verdict[form] : TEXTS.wrong);
  return isRight && form !== "run" ? 0 : 1;
}

if (import.meta.main) await runScript("subclass", main);
