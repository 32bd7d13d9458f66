#!/usr/bin/env -S deno run --allow-run
/**
 * Programs that take too long, and who goes when one is killed.
 *
 *     run           a timeout kills the program; what it had written is in the error
 *     communicate   a timeout only ends the wait: the program runs on, and nothing is lost
 *     alone         kill() ends the program, but not the one that it has started: it works on,
 *                   unseen
 *     tree          kill({ tree: true }) ends both
 *
 * Try:
 *
 *     examples/processes/timeout.ts                all of them
 *     examples/processes/timeout.ts --form alone   a grandchild that is left behind
 *
 * @module
 */
import { TimeoutExpired } from "../../lib/errors.ts";
import { PIPE, Popen, run as runProgram } from "../../lib/subprocess.ts";
import { inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `Programs that take too long.

Usage: timeout.ts [options]

  --form F   run, communicate, alone, tree, or all of them in turn (all)
  --lang L   en or zh (en)
  --help     show this`,
    title: {
      run: "run: { timeout: 300 }",
      communicate: "communicate: { timeout: 300 }, then once more",
      alone: "alone: kill()",
      tree: "tree: kill({ tree: true })",
    },
    half: "half of it",
    otherHalf: "the other half",
    started: "child: started one",
    atWork: "grandchild: still at work",
    after: (name: string, ms: number, text: string) =>
      `  ${name} after ${ms} ms, with what there was: ${text}`,
    soFar: (name: string, text: string) => `  ${name}, so far: ${text}`,
    atTheEnd: (lines: string[]) => `  at the end: ${lines.join(", ")}`,
    ended: (code: number) => `  child: ended with ${code}`,
    left: "one was left behind: WRONG",
    nobody: "nobody was left behind",
    sum: (wrong: string[], right: string[]) =>
      `wrong: ${wrong.join(", ")}; right: ${right.join(", ")}`,
  },
  zh: {
    usage: `运行太久的程序。

用法：timeout.ts [选项]

  --form F   形式：run、communicate、alone、tree，或者依次全部 all（默认 all）
  --lang L   语言：en 或 zh（默认 en）
  --help     显示本说明`,
    title: {
      run: "run：{ timeout: 300 }",
      communicate: "communicate：{ timeout: 300 }，然后再来一次",
      alone: "alone：kill()",
      tree: "tree：kill({ tree: true })",
    },
    half: "前一半",
    otherHalf: "后一半",
    started: "子进程：启动了一个",
    atWork: "孙进程：还在干活",
    after: (name: string, ms: number, text: string) =>
      `  ${ms} ms 后 ${name}，已经写出的还在：${text}`,
    soFar: (name: string, text: string) => `  ${name}，到目前为止：${text}`,
    atTheEnd: (lines: string[]) => `  最后：${lines.join("、")}`,
    ended: (code: number) => `  子进程：退出码 ${code}`,
    left: "留下了一个没人管：错误",
    nobody: "一个也没有留下",
    sum: (wrong: string[], right: string[]) =>
      `错误：${wrong.join("、")}；正确：${right.join("、")}`,
  },
});

/** A program that starts another, which is still at work when it is killed itself. */
const FAMILY = `(sleep 1.5; echo ${TEXTS.atWork}) & echo ${TEXTS.started}; wait`;

async function run(): Promise<boolean> {
  console.log(TEXTS.title.run);
  try {
    await runProgram(["sh", "-c", `echo ${TEXTS.half}; exec sleep 60`], {
      captureOutput: true,
      text: true,
      timeout: 300,
    });
    return false;
  } catch (error) {
    if (!(error instanceof TimeoutExpired)) throw error;
    console.log(TEXTS.after(error.name, error.timeout, text(error)));
    return text(error) === TEXTS.half;
  }
}

async function communicate(): Promise<boolean> {
  console.log(TEXTS.title.communicate);
  const child = new Popen(["sh", "-c", `echo ${TEXTS.half}; read word; echo $word`], {
    stdin: PIPE,
    stdout: PIPE,
    text: true,
  });
  // The rest of the input comes later than we want to wait.
  const { promise: later, resolve: comes } = Promise.withResolvers<string>();
  const input = ReadableStream.from((async function* () {
    yield await later;
  })());
  try {
    await child.communicate(input, { timeout: 300 });
    return false;
  } catch (error) {
    if (!(error instanceof TimeoutExpired)) throw error;
    console.log(TEXTS.soFar(error.name, text(error)));
  }
  comes(`${TEXTS.otherHalf}\n`);
  const [stdout] = await child.communicate();
  console.log(TEXTS.atTheEnd(stdout.trim().split("\n")));
  return stdout === `${TEXTS.half}\n${TEXTS.otherHalf}\n`;
}

/** Kills the child of a family, and tells what is heard from it until nobody can speak any more. */
async function heardAfter(kill: (child: Popen) => void): Promise<string[]> {
  const child = new Popen(["sh", "-c", FAMILY], { stdout: PIPE });
  console.log(`  ${await child.stdout.readline()}`);
  kill(child);
  console.log(TEXTS.ended(await child.wait()));
  const heard = await Array.fromAsync(child.stdout.lines());
  for (const line of heard) console.log(`  ${line}`);
  return heard;
}

async function alone(): Promise<boolean> {
  console.log(TEXTS.title.alone);
  const heard = await heardAfter((child) => child.kill());
  console.log(heard.length > 0 ? TEXTS.left : TEXTS.nobody);
  return heard.length === 0;
}

async function tree(): Promise<boolean> {
  console.log(TEXTS.title.tree);
  const heard = await heardAfter((child) => child.kill({ tree: true }));
  console.log(heard.length > 0 ? TEXTS.left : TEXTS.nobody);
  return heard.length === 0;
}

function text({ stdout }: TimeoutExpired): string {
  return String(stdout).trim();
}

const FORMS = { run, communicate, alone, tree };
type Form = keyof typeof FORMS;
const NAMES = Object.keys(FORMS) as Form[];

async function main(): Promise<number> {
  const flags = readFlags({ string: ["form"], default: { form: "all" }, bilingual: true });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const form = oneOf("form", flags.form, ["all", ...NAMES]);

  if (form !== "all") return await FORMS[form]() ? 0 : 1;
  const right: Form[] = [];
  const wrong: Form[] = [];
  for (const name of NAMES) (await FORMS[name]() ? right : wrong).push(name);
  console.log(TEXTS.sum(wrong, right));
  return wrong.join() === "alone" ? 0 : 1;
}

if (import.meta.main) await runScript("timeout", main);
