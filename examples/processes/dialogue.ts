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
import { deadline } from "jsr:@std/async@1.5.0";
import { PIPE, Popen } from "../../lib/subprocess.ts";
import { inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `Talking with a program: question and answer, and what full pipes do.

Usage: dialogue.ts [options]

  --form F   ask, stuck, communicate, or all of them in turn (all)
  --lang L   en or zh (en)
  --help     show this`,
    ask: (name: string) => `ask: ${name}`,
    answered: (right: number) =>
      `3 questions, ${right} answers: ${right === 3 ? "complete" : "WRONG"}`,
    stuck: "stuck: write all, then read",
    writeWaits: (ms: number) => `  write() waits for cat to read: ${ms} ms, and on`,
    catWaits: "  cat waits for us to read what it wrote, and reads nothing meanwhile",
    onceRead: (came: number, all: number) => `  once we read: ${came} of ${all} come back`,
    eachWaited: "each waited for the other: STUCK",
    nobodyWaited: "nobody waited",
    communicate: "communicate: write and read at once",
    cameBack: (came: number, all: number, code: number | null) =>
      `  ${came} of ${all} come back, cat ends with ${code}`,
    complete: "nobody waited: complete",
    missing: "something is missing: WRONG",
    sum: (wrong: string[], right: string[]) =>
      `wrong: ${wrong.join(", ")}; right: ${right.join(", ")}`,
  },
  zh: {
    usage: `和一个程序对话：一问一答，以及管道满了会怎样。

用法：dialogue.ts [选项]

  --form F   形式：ask、stuck、communicate，或者依次全部 all（默认 all）
  --lang L   语言：en 或 zh（默认 en）
  --help     显示本说明`,
    ask: (name: string) => `ask：${name}`,
    answered: (right: number) =>
      `3 个问题，${right} 个答案：${right === 3 ? "一个不少" : "结果不对"}`,
    stuck: "stuck：先全部写完，再读",
    writeWaits: (ms: number) => `  write() 等 cat 来读：等了 ${ms} ms，还在等`,
    catWaits: "  cat 等我们读它写的，在这之前它什么也不读",
    onceRead: (came: number, all: number) => `  我们一读：${all} 个字符回来了 ${came} 个`,
    eachWaited: "谁都在等对方：卡住了",
    nobodyWaited: "谁也没有等",
    communicate: "communicate：边写边读",
    cameBack: (came: number, all: number, code: number | null) =>
      `  ${all} 个字符回来了 ${came} 个，cat 的退出码是 ${code}`,
    complete: "谁也没有等：一个不少",
    missing: "少了东西：结果不对",
    sum: (wrong: string[], right: string[]) =>
      `错误：${wrong.join("、")}；正确：${right.join("、")}`,
  },
});

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
  console.log(TEXTS.ask(name));
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
  console.log(TEXTS.answered(right));
  return right === 3;
}

async function stuck(cleanup: AsyncDisposableStack): Promise<boolean> {
  console.log(TEXTS.stuck);
  const child = new Popen(["cat"], pipes);
  cleanup.defer(() => child.kill());
  const written = child.stdin.write(MUCH);
  let isStuck = false;
  try {
    await deadline(written, PATIENCE);
  } catch {
    isStuck = true;
    console.log(TEXTS.writeWaits(PATIENCE));
    console.log(TEXTS.catWaits);
  }
  const [stdout] = await child.communicate();
  await written;
  console.log(TEXTS.onceRead(stdout.length, MUCH.length));
  console.log(isStuck ? TEXTS.eachWaited : TEXTS.nobodyWaited);
  return !isStuck;
}

async function communicate(cleanup: AsyncDisposableStack): Promise<boolean> {
  console.log(TEXTS.communicate);
  const child = new Popen(["cat"], pipes);
  cleanup.defer(() => child.kill());
  const [stdout] = await child.communicate(MUCH);
  console.log(TEXTS.cameBack(stdout.length, MUCH.length, child.returncode));
  const isRight = stdout === MUCH;
  console.log(isRight ? TEXTS.complete : TEXTS.missing);
  return isRight;
}

const FORMS = { ask, stuck, communicate };
type Form = keyof typeof FORMS;
const NAMES = Object.keys(FORMS) as Form[];

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({ string: ["form"], default: { form: "all" }, bilingual: true });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const form = oneOf("form", flags.form, ["all", ...NAMES]);

  if (form !== "all") return await FORMS[form](cleanup) ? 0 : 1;
  const right: Form[] = [];
  const wrong: Form[] = [];
  for (const name of NAMES) (await FORMS[name](cleanup) ? right : wrong).push(name);
  console.log(TEXTS.sum(wrong, right));
  return wrong.join() === "stuck" ? 0 : 1;
}

if (import.meta.main) await runScript("dialogue", main);
