#!/usr/bin/env -S deno run --allow-run=sh,/bin/sh,sort,printf
/**
 * Running programs to their end: exit codes, output, input, and who reads the arguments.
 *
 *     codes     a program says with a number how it went; check turns a failure into an error
 *     output    what it writes can be had as text, instead of on the screen
 *     input     what it reads can be given
 *     shell     a stranger's word in a line of shell is run: wrong
 *     words     the same word as an argument is a word, whatever is in it
 *
 * Try:
 *
 *     examples/processes/subprocess_run.ts                a tour of all
 *     examples/processes/subprocess_run.ts --form shell   what a stranger can do with a file's name
 *
 * @module
 */
import { CalledProcessError } from "../../lib/errors.ts";
import { PIPE, run } from "../../lib/subprocess.ts";
import { oneOf, readFlags, runScript } from "../_shared/script.ts";

const USAGE = `Running programs to their end.

Usage: subprocess_run.ts [options]

  --form F   codes, output, input, shell, words, or all of them in turn (all)
  --help     show this`;

/** What a stranger typed where a file's name was asked for. */
const NAME = "notes.txt; echo your files are mine now";

async function codes(): Promise<boolean> {
  console.log('codes: run(["sh", "-c", ...])');
  const seen: number[] = [];
  for (const script of ["exit 0", "exit 3", "kill -9 $$"]) {
    const { returncode } = await run(["sh", "-c", script]);
    console.log(`  ${script.padEnd(10)} -> ${returncode}`);
    seen.push(returncode);
  }
  try {
    await run(["sh", "-c", "echo no paper >&2; exit 4"], { captureOutput: true, check: true });
    return false;
  } catch (error) {
    if (!(error instanceof CalledProcessError)) throw error;
    console.log(`  with check: ${error.name}, code ${error.returncode}: ${text(error.stderr)}`);
  }
  return seen.join() === "0,3,-9";
}

async function output(): Promise<boolean> {
  console.log("output: { captureOutput: true, text: true }");
  const { stdout, stderr } = await run(["sh", "-c", "echo a result; echo a remark >&2"], {
    captureOutput: true,
    text: true,
  });
  console.log(`  stdout: ${stdout.trim()}`);
  console.log(`  stderr: ${stderr.trim()}`);
  return stdout === "a result\n" && stderr === "a remark\n";
}

async function input(): Promise<boolean> {
  console.log('input: { input: "pear apple plum" }, to sort');
  const { stdout } = await run(["sort"], {
    input: "pear\napple\nplum\n",
    stdout: PIPE,
    text: true,
  });
  console.log(`  ${stdout.trim().split("\n").join(" ")}`);
  return stdout === "apple\npear\nplum\n";
}

async function shell(): Promise<boolean> {
  console.log("shell: run(`printf '%s\\n' ${name}`, { shell: true })");
  const { stdout } = await run(`printf '%s\\n' ${NAME}`, { shell: true, stdout: PIPE, text: true });
  for (const line of stdout.trim().split("\n")) console.log(`  ${line}`);
  const isWrong = stdout !== `${NAME}\n`;
  console.log(isWrong ? "  the name was run as a command: WRONG" : "  the name was a name");
  return !isWrong;
}

async function words(): Promise<boolean> {
  console.log('words: run(["printf", "%s\\n", name])');
  const { stdout } = await run(["printf", "%s\\n", NAME], { stdout: PIPE, text: true });
  console.log(`  ${stdout.trim()}`);
  // Where a shell is wanted, the word is its argument, not a part of its script.
  const script = await run(['printf "%s\\n" "$1"', "sh", NAME], {
    shell: true,
    stdout: PIPE,
    text: true,
  });
  const isRight = [stdout, script.stdout].every((line) => line === `${NAME}\n`);
  console.log(isRight ? "  the name was a name" : "  the name was run as a command: WRONG");
  return isRight;
}

function text(output: unknown): string {
  return new TextDecoder().decode(output as Uint8Array).trim();
}

const FORMS = { codes, output, input, shell, words };
type Form = keyof typeof FORMS;
const NAMES = Object.keys(FORMS) as Form[];

async function main(): Promise<number> {
  const flags = readFlags({ string: ["form"], default: { form: "all" } });
  if (flags.help) {
    console.log(USAGE);
    return 0;
  }
  const form = oneOf("form", flags.form, ["all", ...NAMES]);

  if (form !== "all") return await FORMS[form]() ? 0 : 1;
  const right: Form[] = [];
  const wrong: Form[] = [];
  for (const name of NAMES) (await FORMS[name]() ? right : wrong).push(name);
  console.log(`wrong: ${wrong.join(", ")}; right: ${right.join(", ")}`);
  return wrong.join() === "shell" ? 0 : 1;
}

if (import.meta.main) await runScript("subprocess_run", main);
