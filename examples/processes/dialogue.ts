#!/usr/bin/env -S deno run --allow-run=bc,cat
/**
 * Talking with a program through two pipes: what we write it reads, what it writes we read.
 *
 * A pipe holds 64 KiB. Whoever writes more than that waits until somebody reads. If both write and
 * nobody reads, both wait for ever.
 *
 *     ask           a question, its answer, the next question: with bc, the calculator
 *     stuck         1 MiB is written to cat before anything is read: nobody reads, both wait
 *     communicate   the same 1 MiB, written and read at once
 *
 * Try:
 *
 *     examples/processes/dialogue.ts                the three of them
 *     examples/processes/dialogue.ts --form stuck   stuck, until main gives up
 *
 * @module
 */
import { deadline } from "@std/async";
import { PIPE, Popen } from "../../lib/subprocess.ts";
import { oneOf, readFlags, runScript } from "../_shared/script.ts";

const USAGE = `Talking with a program: question and answer, and what full pipes do.

Usage: dialogue.ts [options]

  --form F   ask, stuck, communicate, or all of them in turn (all)
  --help     show this`;

const QUESTIONS = ["6 * 7", "2 ^ 64", "scale = 5; 22 / 7"];
const ANSWERS = ["42", "18446744073709551616", "3.14285"];
const MUCH = "x".repeat(1 << 20);
/** How long main waits until it sees that this is hopeless, in ms. */
const PATIENCE = 400;
const pipes = { stdin: PIPE, stdout: PIPE, text: true } as const;

/** A calculator, or where there is none a program that says everything back. */
function startCalculator(): { child: Popen<typeof pipes>; name: string } {
  try {
    return { child: new Popen(["bc"], pipes), name: "bc" };
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return { child: new Popen(["cat"], pipes), name: "cat" };
  }
}

async function ask(cleanup: AsyncDisposableStack): Promise<boolean> {
  const { child, name } = startCalculator();
  cleanup.defer(() => child.kill());
  console.log(`ask: ${name}`);
  let right = 0;
  for (const [index, question] of QUESTIONS.entries()) {
    await child.stdin.write(`${question}\n`);
    const answer = await child.stdout.readline();
    console.log(`  ${question} = ${answer}`);
    if (answer === (name === "bc" ? ANSWERS[index] : question)) right++;
  }
  // The end of its input is how it knows that we are done.
  await child.stdin.close();
  await child.communicate();
  console.log(`3 questions, ${right} answers: ${right === 3 ? "complete" : "WRONG"}`);
  return right === 3;
}

async function stuck(cleanup: AsyncDisposableStack): Promise<boolean> {
  console.log("stuck: write all, then read");
  const child = new Popen(["cat"], pipes);
  cleanup.defer(() => child.kill());
  const written = child.stdin.write(MUCH);
  let isStuck = false;
  try {
    await deadline(written, PATIENCE);
  } catch {
    isStuck = true;
    console.log(`  write() waits for cat to read: ${PATIENCE} ms, and on`);
    console.log("  cat waits for us to read what it wrote, and reads nothing meanwhile");
  }
  const [stdout] = await child.communicate();
  await written;
  console.log(`  once we read: ${stdout.length} of ${MUCH.length} come back`);
  console.log(isStuck ? "each waited for the other: STUCK" : "nobody waited");
  return !isStuck;
}

async function communicate(cleanup: AsyncDisposableStack): Promise<boolean> {
  console.log("communicate: write and read at once");
  const child = new Popen(["cat"], pipes);
  cleanup.defer(() => child.kill());
  const [stdout] = await child.communicate(MUCH);
  console.log(`  ${stdout.length} of ${MUCH.length} come back, cat ends with ${child.returncode}`);
  const isRight = stdout === MUCH;
  console.log(isRight ? "nobody waited: complete" : "something is missing: WRONG");
  return isRight;
}

const FORMS = { ask, stuck, communicate };
type Form = keyof typeof FORMS;
const NAMES = Object.keys(FORMS) as Form[];

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({ string: ["form"], default: { form: "all" } });
  if (flags.help) {
    console.log(USAGE);
    return 0;
  }
  const form = oneOf("form", flags.form, ["all", ...NAMES]);

  if (form !== "all") return await FORMS[form](cleanup) ? 0 : 1;
  const right: Form[] = [];
  const wrong: Form[] = [];
  for (const name of NAMES) (await FORMS[name](cleanup) ? right : wrong).push(name);
  console.log(`wrong: ${wrong.join(", ")}; right: ${right.join(", ")}`);
  return wrong.join() === "stuck" ? 0 : 1;
}

if (import.meta.main) await runScript("dialogue", main);
