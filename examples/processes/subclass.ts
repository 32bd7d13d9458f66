#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run
/**
 * Two ways to say what a process does: a function with arguments, or a subclass with fields.
 *
 * The subclass overrides run(), which start() has called in the child. Its public fields travel
 * there; a `#private` field cannot, which start() says. Whoever forgets to call super() first is
 * told by Python at start(), and here by the language itself, at the first `this`.
 *
 * Try:
 *
 *     examples/processes/subclass.ts                   the four forms
 *     examples/processes/subclass.ts --form class      a subclass with fields
 *     examples/processes/subclass.ts --form function   the same as a function
 *     examples/processes/subclass.ts --form stopped    the subclass, terminated in the middle
 *     examples/processes/subclass.ts --form private    a field that does not travel
 *
 * @module
 */
import { ShareError } from "../../lib/errors.ts";
import { currentProcess, Process, type ProcessOptions } from "../../lib/multiprocessing.ts";
import { getpid } from "../../lib/os.ts";
import { context } from "../../lib/task.ts";
import { sleep } from "../../lib/time.ts";
import { inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript } from "../_shared/script.ts";

const FORMS = ["class", "function", "stopped", "private"] as const;
type Form = typeof FORMS[number];

const WORDS = inLanguage({
  en: {
    usage: `What a process does: a subclass with run(), or a function.

Usage: subclass.ts [options]

  --form F   class, function, stopped, private or all (all)
  --lang L   en or zh (en)
  --help     show this`,
    titles: {
      class: "class: new Greeter(100, 200), whose run() is called",
      function: "function: new Process(greet, { args: [100, 200] })",
      stopped: "stopped: the class again; main terminates it after the third hello",
      private: "private: a class with a field #num",
    },
    child: "child",
    running: (name: string) => `${name} is running`,
    fields: (num: number, a: number) => `num = ${num}, a = ${a}`,
    hello: "hello",
    done: (name: string) => `${name} is done`,
    ended: (exitcode: number | null) => `exitcode ${exitcode}`,
    ranIn: (pid: number) => `it ran in ${pid}, main is ${getpid()}`,
    verdicts: {
      class: "the fields arrived",
      function: "the same lines",
      stopped: "exitcode -15",
      private: "refused",
    },
    wrong: "NOT AS EXPECTED",
    colon: ": ",
    semicolon: "; ",
  },
  zh: {
    usage: `子进程做什么：继承 Process、重写 run()，或者写成函数。

用法：subclass.ts [选项]

  --form F   class、function、stopped、private 或 all（默认 all）
  --lang L   语言：en 或 zh（默认 en）
  --help     显示本说明`,
    titles: {
      class: "class：new Greeter(100, 200)，由 start() 调用它的 run()",
      function: "function：new Process(greet, { args: [100, 200] })",
      stopped: "stopped：还是那个类，第三声 hello 之后由主进程终止",
      private: "private：带私有属性 #num 的类",
    },
    child: "子进程",
    running: (name: string) => `${name}开始运行`,
    fields: (num: number, a: number) => `num = ${num}，a = ${a}`,
    hello: "hello",
    done: (name: string) => `${name}运行结束`,
    ended: (exitcode: number | null) => `exitcode ${exitcode}`,
    ranIn: (pid: number) => `运行它的进程是 ${pid}，主进程是 ${getpid()}`,
    verdicts: {
      class: "属性传到了子进程",
      function: "输出一样",
      stopped: "exitcode -15",
      private: "被拒绝",
    },
    wrong: "与预期不符",
    colon: "：",
    semicolon: "；",
  },
});

/** Says hello, as a class: what it needs to know are its fields. */
export class Greeter extends Process<number> {
  constructor(public num: number, public a: number, public hellos: number, more: ProcessOptions) {
    super(import.meta, more);
  }

  override async run(): Promise<number> {
    console.log(WORDS.running(this.name));
    console.log(WORDS.fields(this.num, this.a));
    for (let k = 1; k <= this.hellos; k++) {
      console.log(WORDS.hello);
      context().report(k);
      await sleep(20);
    }
    console.log(WORDS.done(this.name));
    return getpid();
  }
}

/** Says hello, as a function: what it needs to know are its arguments. */
export async function greet(num: number, a: number, hellos: number): Promise<number> {
  const { name } = currentProcess();
  console.log(WORDS.running(name));
  console.log(WORDS.fields(num, a));
  for (let k = 1; k <= hellos; k++) {
    console.log(WORDS.hello);
    context().report(k);
    await sleep(20);
  }
  console.log(WORDS.done(name));
  return getpid();
}

/** A class whose field only its own code can read: nobody could carry it to the child. */
export class Secretive extends Process<number> {
  #num: number;

  constructor(num: number) {
    super(import.meta, { name: "secretive" });
    this.#num = num;
  }

  override run(): number {
    return this.#num;
  }
}

const HELLOS = 3;
const OPTIONS = { name: WORDS.child, stdout: "piped" } as const;
const LINES = [
  WORDS.running(WORDS.child),
  WORDS.fields(100, 200),
  ...Array.from({ length: HELLOS }, () => WORDS.hello),
];

/** Prints all that a child prints. */
async function listen(child: Process, cleanup: AsyncDisposableStack): Promise<string[]> {
  cleanup.defer(() => child.kill());
  const lines = (await new Response(child.stdout).text()).trimEnd().split("\n");
  for (const line of lines) console.log(`  ${line}`);
  await child.join();
  return lines;
}

async function showWhole(child: Process<number>, cleanup: AsyncDisposableStack): Promise<boolean> {
  const lines = await listen(child.start() as Process, cleanup);
  const pid = await child.result();
  console.log(`  ${WORDS.ended(child.exitcode)}${WORDS.semicolon}${WORDS.ranIn(pid)}`);
  const expected = [...LINES, WORDS.done(WORDS.child)];
  return lines.join("\n") === expected.join("\n") && pid !== getpid() && child.exitcode === 0;
}

async function showStopped(cleanup: AsyncDisposableStack): Promise<boolean> {
  const child = new Greeter(100, 200, 100_000, {
    ...OPTIONS,
    onReport: (hellos: number) => hellos === HELLOS && child.terminate(),
  });
  const lines = await listen(child.start() as Process, cleanup);
  console.log(`  ${WORDS.ended(child.exitcode)}`);
  const isEndMissing = !lines.includes(WORDS.done(WORDS.child));
  return lines.join("\n").startsWith(LINES.join("\n")) && isEndMissing && child.exitcode === -15;
}

function showPrivate(): boolean {
  const child = new Secretive(100);
  try {
    child.start();
    child.kill();
  } catch (error) {
    if (!(error instanceof ShareError)) throw error;
    console.log(`  ${error.name}${WORDS.colon}${error.message}`);
  }
  return child.pid === null;
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({ string: ["form"], default: { form: "all" }, bilingual: true });
  if (flags.help) {
    console.log(WORDS.usage);
    return 0;
  }
  const chosen = oneOf("form", flags.form, [...FORMS, "all"]);
  const forms: Record<Form, () => boolean | Promise<boolean>> = {
    class: () => showWhole(new Greeter(100, 200, HELLOS, OPTIONS), cleanup),
    function: () =>
      showWhole(new Process(greet, { ...OPTIONS, args: [100, 200, HELLOS] }), cleanup),
    stopped: () => showStopped(cleanup),
    private: showPrivate,
  };
  let isWell = true;
  const verdicts: string[] = [];
  for (const form of FORMS) {
    if (chosen !== form && chosen !== "all") continue;
    console.log(WORDS.titles[form]);
    const isRight = await forms[form]();
    verdicts.push(form + WORDS.colon + (isRight ? WORDS.verdicts[form] : WORDS.wrong));
    isWell &&= isRight;
  }
  console.log(verdicts.join(WORDS.semicolon));
  return isWell ? 0 : 1;
}

if (import.meta.main) await runScript("subclass", main);
