#!/usr/bin/env -S deno run --allow-run=sh,/bin/sh,sort,printf
/**
 * Running programs to their end: exit codes, output, input, and who reads the arguments.
 *
 *     codes        a program says with a number how it went; check turns a failure into an error
 *     output       what it writes can be had as text, instead of on the screen
 *     input        what it reads can be given
 *     background   what a shell does with `&`: it has a pid, and nobody waits
 *     shell        a stranger's word in a line of shell is run: wrong
 *     words        the same word as an argument is a word, whatever is in it
 *
 * Try:
 *
 *     examples/processes/subprocess_run.ts                a tour of all
 *     examples/processes/subprocess_run.ts --form shell   what a stranger can do with a file's name
 *
 * @module
 */
import { CalledProcessError } from "../../lib/errors.ts";
import { PIPE, Popen, run } from "../../lib/subprocess.ts";
import { inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `Running programs to their end.

Usage: subprocess_run.ts [options]

  --form F   codes, output, input, background, shell, words, or all of them in turn (all)
  --lang L   en or zh (en)
  --help     show this`,
    title: {
      codes: 'codes: run(["sh", "-c", ...])',
      output: "output: { captureOutput: true, text: true }",
      input: 'input: { input: "pear apple plum" }, to sort',
      background: 'background: new Popen(["sh", "-c", "read line; exit 5"])',
      shell: "shell: run(`printf '%s\\n' ${name}`, { shell: true })",
      words: 'words: run(["printf", "%s\\n", name])',
    },
    stranger: "notes.txt; echo your files are mine now",
    noPaper: "no paper",
    check: (name: string, code: number, message: string) =>
      `  with check: ${name}, code ${code}: ${message}`,
    stream: (name: string, text: string) => `  ${name}: ${text.trim()}`,
    result: "a result",
    remark: "a remark",
    isThere: (pid: number, code: number | null) =>
      `  it is process ${pid}; we go on meanwhile: poll() is ${code}`,
    isGone: (code: number) => `  it got its line, and ended with code ${code}`,
    command: "  the name was run as a command: WRONG",
    name: "  the name was a name",
    sum: (wrong: string[], right: string[]) =>
      `wrong: ${wrong.join(", ")}; right: ${right.join(", ")}`,
  },
  zh: {
    usage: `运行程序，等它结束。

用法：subprocess_run.ts [选项]

  --form F   形式：codes、output、input、background、shell、words，或者依次全部 all（默认 all）
  --lang L   语言：en 或 zh（默认 en）
  --help     显示本说明`,
    title: {
      codes: 'codes：run(["sh", "-c", ...])',
      output: "output：{ captureOutput: true, text: true }",
      input: 'input：{ input: "pear apple plum" }，交给 sort',
      background: 'background：new Popen(["sh", "-c", "read line; exit 5"])',
      shell: "shell：run(`printf '%s\\n' ${name}`, { shell: true })",
      words: 'words：run(["printf", "%s\\n", name])',
    },
    stranger: "notes.txt; echo 你的文件归我了",
    noPaper: "没有纸了",
    check: (name: string, code: number, message: string) =>
      `  加上 check：${name}，退出码 ${code}：${message}`,
    stream: (name: string, text: string) => `  ${name}：${text.trim()}`,
    result: "一个结果",
    remark: "一句说明",
    isThere: (pid: number, code: number | null) =>
      `  它是进程 ${pid}；我们接着做别的：poll() 是 ${code}`,
    isGone: (code: number) => `  给了它一行，它就结束了，退出码是 ${code}`,
    command: "  名字被当成命令执行了：错误",
    name: "  名字就只是名字",
    sum: (wrong: string[], right: string[]) =>
      `错误：${wrong.join("、")}；正确：${right.join("、")}`,
  },
});

/** What a stranger typed where a file's name was asked for. */
const NAME = TEXTS.stranger;

async function codes(): Promise<boolean> {
  console.log(TEXTS.title.codes);
  const seen: number[] = [];
  for (const script of ["exit 0", "exit 3", "kill -9 $$"]) {
    const { returncode } = await run(["sh", "-c", script]);
    console.log(`  ${script.padEnd(10)} -> ${returncode}`);
    seen.push(returncode);
  }
  try {
    await run(["sh", "-c", `echo ${TEXTS.noPaper} >&2; exit 4`], {
      captureOutput: true,
      check: true,
    });
    return false;
  } catch (error) {
    if (!(error instanceof CalledProcessError)) throw error;
    console.log(TEXTS.check(error.name, error.returncode, text(error.stderr)));
  }
  return seen.join() === "0,3,-9";
}

async function output(): Promise<boolean> {
  console.log(TEXTS.title.output);
  const { result, remark } = TEXTS;
  const { stdout, stderr } = await run(["sh", "-c", `echo ${result}; echo ${remark} >&2`], {
    captureOutput: true,
    text: true,
  });
  console.log(TEXTS.stream("stdout", stdout));
  console.log(TEXTS.stream("stderr", stderr));
  return stdout === `${result}\n` && stderr === `${remark}\n`;
}

async function input(): Promise<boolean> {
  console.log(TEXTS.title.input);
  const { stdout } = await run(["sort"], {
    input: "pear\napple\nplum\n",
    stdout: PIPE,
    text: true,
  });
  console.log(`  ${stdout.trim().split("\n").join(" ")}`);
  return stdout === "apple\npear\nplum\n";
}

/** It waits for a line: that it has not ended yet is no matter of luck. */
async function background(): Promise<boolean> {
  console.log(TEXTS.title.background);
  await using child = new Popen(["sh", "-c", "read line; exit 5"], { stdin: PIPE, text: true });
  const code = child.poll();
  console.log(TEXTS.isThere(child.pid, code));
  await child.communicate("\n");
  console.log(TEXTS.isGone(child.returncode!));
  return code === null && child.returncode === 5;
}

async function shell(): Promise<boolean> {
  console.log(TEXTS.title.shell);
  const { stdout } = await run(`printf '%s\\n' ${NAME}`, { shell: true, stdout: PIPE, text: true });
  for (const line of stdout.trim().split("\n")) console.log(`  ${line}`);
  const isWrong = stdout !== `${NAME}\n`;
  console.log(isWrong ? TEXTS.command : TEXTS.name);
  return !isWrong;
}

async function words(): Promise<boolean> {
  console.log(TEXTS.title.words);
  const { stdout } = await run(["printf", "%s\\n", NAME], { stdout: PIPE, text: true });
  console.log(`  ${stdout.trim()}`);
  // Where a shell is wanted, the word is its argument, not a part of its script.
  const script = await run(['printf "%s\\n" "$1"', "sh", NAME], {
    shell: true,
    stdout: PIPE,
    text: true,
  });
  const isRight = [stdout, script.stdout].every((line) => line === `${NAME}\n`);
  console.log(isRight ? TEXTS.name : TEXTS.command);
  return isRight;
}

function text(output: unknown): string {
  return new TextDecoder().decode(output as Uint8Array).trim();
}

const FORMS = { codes, output, input, background, shell, words };
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
  return wrong.join() === "shell" ? 0 : 1;
}

if (import.meta.main) await runScript("subprocess_run", main);
