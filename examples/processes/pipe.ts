#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run
/**
 * Pipes between processes: two ends, and what is sent at one is received at the other.
 *
 * A pipe tells when it is over, without a sentinel: when every copy of the other end is closed, and
 * all that was sent has been received, `recv()` throws EOFError. An end that was given to a child
 * is open in both processes, so the parent has to close its own copy.
 *
 *     duplex      both send and receive: questions and answers
 *     oneway      one end sends, the other receives, until the end
 *     forgotten   as oneway, but main keeps its copy of the sending end: it waits for itself
 *     wrongend    as oneway, but the two ends are taken for each other
 *
 * Try:
 *
 *     examples/processes/pipe.ts                    the four of them
 *     examples/processes/pipe.ts --form forgotten   stuck, until main closes its copy
 *
 * @module
 */
import { EOFError, TimeoutError } from "../../lib/errors.ts";
import { type Connection, currentProcess, pipe, Process } from "../../lib/multiprocessing.ts";
import { inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `Pipes: two ways, one way, and how they end.

Usage: pipe.ts [options]

  --form F   duplex, oneway, forgotten, wrongend, or all of them in turn (all)
  --lang L   en or zh (en)
  --help     show this`,
    adder: "adder",
    writer: "writer",
    says: (who: string, what: string) => `  ${who} ${what}`,
    asks: (a: number, b: number) => `asks ${a} + ${b}`,
    answers: (sum: number) => `answers ${sum}`,
    told: (error: string) => `is told ${error}`,
    stops: (error: string) => `is told ${error}, and stops`,
    closes: "closes its end",
    sends: (letter: string) => `sends ${letter}`,
    receives: (letter: string) => `receives ${letter}`,
    end: "sees the end",
    givesUp: (ms: number) =>
      `gives up: nothing for ${ms} ms, and no end, as it could still send itself`,
    closesCopy: "closes its copy of the sender",
    title: {
      duplex: "duplex: pipe()",
      oneway: "oneway: pipe({ duplex: false })",
      forgotten: "forgotten: no sender.close()",
      wrongend: "wrongend: const [sender, receiver] = pipe({ duplex: false })",
    },
    answered: (right: number) =>
      `3 questions, ${right} answers: ${right === 3 ? "complete" : "WRONG"}`,
    received: (text: string) =>
      `sent ABC, received ${text}: ${text === "ABC" ? "complete" : "WRONG"}`,
    waited: (isStuck: boolean) =>
      isStuck ? "main waited for itself: STUCK" : "main saw the end: complete",
    refused: (times: number) =>
      times === 2
        ? "the first end only receives, the second only sends: WRONG END"
        : `refused ${times} times, should be 2`,
    sum: (wrong: string[], right: string[]) =>
      `wrong: ${wrong.join(", ")}; right: ${right.join(", ")}`,
  },
  zh: {
    usage: `管道：双向的、单向的，以及它们怎样结束。

用法：pipe.ts [选项]

  --form F   形式：duplex、oneway、forgotten、wrongend，或者依次全部 all（默认 all）
  --lang L   语言：en 或 zh（默认 en）
  --help     显示本说明`,
    adder: "加法进程",
    writer: "写进程",
    says: (who: string, what: string) => `  ${who}：${what}`,
    asks: (a: number, b: number) => `问 ${a} + ${b}`,
    answers: (sum: number) => `答 ${sum}`,
    told: (error: string) => `收到 ${error}`,
    stops: (error: string) => `收到 ${error}，停止`,
    closes: "关闭自己这一端",
    sends: (letter: string) => `发送 ${letter}`,
    receives: (letter: string) => `接收 ${letter}`,
    end: "知道结束了",
    givesUp: (ms: number) => `放弃：${ms} ms 没有数据，也没有结束，因为它自己还可能发送`,
    closesCopy: "关闭自己手里的发送端",
    title: {
      duplex: "duplex：pipe()",
      oneway: "oneway：pipe({ duplex: false })",
      forgotten: "forgotten：没有 sender.close()",
      wrongend: "wrongend：const [sender, receiver] = pipe({ duplex: false })",
    },
    answered: (right: number) =>
      `3 个问题，${right} 个答案：${right === 3 ? "一个不少" : "结果不对"}`,
    received: (text: string) =>
      `发送 ABC，收到 ${text}：${text === "ABC" ? "一个不少" : "结果不对"}`,
    waited: (isStuck: boolean) =>
      isStuck ? "主进程等的是自己：卡住了" : "主进程知道结束了：一个不少",
    refused: (times: number) =>
      times === 2 ? "第一个只能接收，第二个只能发送：两端拿反了" : `有 ${times} 次报错，应为 2 次`,
    sum: (wrong: string[], right: string[]) =>
      `错误：${wrong.join("、")}；正确：${right.join("、")}`,
  },
});

/** How long main waits until it sees that this is hopeless, in ms. */
const PATIENCE = 300;

/** Answers questions until there is nobody left to ask. */
export async function adder(end: Connection<number | number[]>): Promise<void> {
  try {
    for (;;) {
      const [a, b] = await end.recv() as number[];
      say(TEXTS.answers(a + b));
      await end.send(a + b);
    }
  } catch (error) {
    if (!(error instanceof EOFError)) throw error;
    say(TEXTS.stops(error.name));
  }
}

/** Sends three letters. Its copy of the end is closed when it ends. */
export async function writer(end: Connection<string>): Promise<void> {
  for (const letter of "ABC") {
    say(TEXTS.sends(letter));
    await end.send(letter);
  }
}

/** As the writer, but with an end that only receives. Says whether it was refused. */
export async function mistaken(end: Connection<string>): Promise<boolean> {
  say(TEXTS.sends("A"));
  return await isRefused(() => end.send("A"));
}

/** Says whether a call throws, and what. */
async function isRefused(call: () => Promise<unknown>): Promise<boolean> {
  const error = await Promise.try(call).then(() => undefined, (error: unknown) => error);
  if (error !== undefined) say(TEXTS.told(String(error)));
  return error !== undefined;
}

function say(what: string): void {
  console.log(TEXTS.says(currentProcess().name, what));
}

/** Both ends send and receive. */
async function duplex(cleanup: AsyncDisposableStack): Promise<boolean> {
  console.log(TEXTS.title.duplex);
  const [here, there] = pipe<number | number[]>();
  const child = new Process(adder, { args: [there], name: TEXTS.adder }).start();
  // If main fails, the child does not outlive the script.
  cleanup.defer(() => child.kill());
  there.close();

  let right = 0;
  for (const [a, b] of [[1, 2], [30, 40], [500, 600]]) {
    say(TEXTS.asks(a, b));
    await here.send([a, b]);
    if (await here.recv() === a + b) right++;
  }
  say(TEXTS.closes);
  here.close();
  await child.result();
  console.log(TEXTS.answered(right));
  return right === 3;
}

/** One end sends, the other receives. */
async function oneway(cleanup: AsyncDisposableStack): Promise<boolean> {
  console.log(TEXTS.title.oneway);
  const [receiver, sender] = pipe<string>({ duplex: false });
  const child = new Process(writer, { args: [sender], name: TEXTS.writer }).start();
  cleanup.defer(() => child.kill());
  sender.close();

  let text = "";
  for await (const letter of receiver) {
    say(TEXTS.receives(letter));
    text += letter;
  }
  say(TEXTS.end);
  receiver.close();
  await child.result();
  console.log(TEXTS.received(text));
  return text === "ABC";
}

/** As above, but nobody closes main's copy of the sender. */
async function forgotten(cleanup: AsyncDisposableStack): Promise<boolean> {
  console.log(TEXTS.title.forgotten);
  const [receiver, sender] = pipe<string>({ duplex: false });
  const child = new Process(writer, { args: [sender], name: TEXTS.writer }).start();
  cleanup.defer(() => child.kill());
  // The child has ended, so what is missing is not on its way.
  await child.result();

  let isStuck = false;
  try {
    for (;;) say(TEXTS.receives(await receiver.recv({ timeout: PATIENCE })));
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    isStuck = true;
    say(TEXTS.givesUp(PATIENCE));
  }
  say(TEXTS.closesCopy);
  sender.close();
  const end = await receiver.recv({ timeout: PATIENCE }).catch((error) => error);
  say(TEXTS.told(end.name));
  receiver.close();
  console.log(TEXTS.waited(isStuck));
  return !isStuck && end instanceof EOFError;
}

/** The ends come in the order receiver, sender: as in Python. */
async function wrongend(cleanup: AsyncDisposableStack): Promise<boolean> {
  console.log(TEXTS.title.wrongend);
  const [sender, receiver] = pipe<string>({ duplex: false });
  const child = new Process(mistaken, { args: [sender], name: TEXTS.writer }).start();
  cleanup.defer(() => child.kill());
  let refused = await child.result() ? 1 : 0;
  if (await isRefused(() => receiver.recv({ timeout: PATIENCE }))) refused++;
  sender.close();
  receiver.close();
  console.log(TEXTS.refused(refused));
  return refused === 0;
}

const FORMS = { duplex, oneway, forgotten, wrongend };
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
  return wrong.join() === "forgotten,wrongend" ? 0 : 1;
}

if (import.meta.main) await runScript("pipe", main);
