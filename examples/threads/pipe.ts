#!/usr/bin/env -S deno run --allow-read
/**
 * Pipes between threads: two ends, and what is sent at one is received at the other.
 *
 * An end belongs to one thread: giving it to another moves it there. A pipe tells when it is over,
 * without a sentinel: when the other end is closed, or its thread has ended, and all that was sent
 * has been received, `recv()` throws EOFError.
 *
 *     duplex     both send and receive: questions and answers
 *     oneway     one end sends, the other receives, until the end
 *     transfer   large data need not be copied: it moves there, and back
 *     wrongend   as oneway, but the two ends are taken for each other
 *
 * Try:
 *
 *     examples/threads/pipe.ts                   the four of them
 *     examples/threads/pipe.ts --form transfer   a million bytes that are never twice there
 *
 * @module
 */
import { EOFError } from "../../lib/errors.ts";
import { type Connection, currentThread, pipe, Thread } from "../../lib/threading.ts";
import { inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `Pipes: two ways, one way, and data that moves.

Usage: pipe.ts [options]

  --form F   duplex, oneway, transfer, wrongend, or all of them in turn (all)
  --lang L   en or zh (en)
  --help     show this`,
    title: (form: string, call: string) => `${form}: ${call}`,
    says: (who: string, what: string) => `  ${who} ${what}`,
    names: { adder: "adder", writer: "writer", filler: "filler" },
    asks: (a: number, b: number) => `asks ${a} + ${b}`,
    answers: (sum: number) => `answers ${sum}`,
    closes: "closes its end",
    isTold: (error: string) => `is told ${error}, and stops`,
    questions: (asked: number, answered: number) => `${asked} questions, ${answered} answers: `,
    sends: (letter: string) => `sends ${letter}`,
    receives: (letter: string) => `receives ${letter}`,
    seesEnd: "sees the end",
    letters: (sent: string, received: string) => `sent ${sent}, received ${received}: `,
    has: (bytes: number) => `has ${bytes} bytes`,
    fills: (bytes: number) => `has ${bytes} bytes, and fills them`,
    hasSent: (bytes: number) => `has sent them, and has ${bytes}`,
    areBack: (bytes: number) => `${bytes} bytes are back, filled: `,
    told: (error: string) => `is told ${error}`,
    refused: (times: number) =>
      times === 2
        ? "the first end only receives, the second only sends: WRONG END"
        : `refused ${times} times, should be 2`,
    sum: (wrong: string[], right: string[]) =>
      `wrong: ${wrong.join(", ")}; right: ${right.join(", ")}`,
    complete: "complete",
    wrong: "WRONG",
    moved: "moved",
    copied: "COPIED",
  },
  zh: {
    usage: `管道：双向的，单向的，还有把数据搬过去的。

用法：pipe.ts [选项]

  --form F   形式：duplex、oneway、transfer、wrongend，或者依次全部 all（默认 all）
  --lang L   语言：en 或 zh（默认 en）
  --help     显示本说明`,
    title: (form: string, call: string) => `${form}：${call}`,
    says: (who: string, what: string) => `  ${who}：${what}`,
    names: { adder: "加法员", writer: "写信人", filler: "填充员" },
    asks: (a: number, b: number) => `问 ${a} + ${b}`,
    answers: (sum: number) => `答 ${sum}`,
    closes: "关闭自己这一端",
    isTold: (error: string) => `得到 ${error}，停止`,
    questions: (asked: number, answered: number) => `问了 ${asked} 次，答对 ${answered} 次：`,
    sends: (letter: string) => `发出 ${letter}`,
    receives: (letter: string) => `收到 ${letter}`,
    seesEnd: "知道没有了",
    letters: (sent: string, received: string) => `发出 ${sent}，收到 ${received}：`,
    has: (bytes: number) => `有 ${bytes} 字节`,
    fills: (bytes: number) => `有 ${bytes} 字节，把它们填满`,
    hasSent: (bytes: number) => `发出去了，手里还有 ${bytes} 字节`,
    areBack: (bytes: number) => `填满之后回来 ${bytes} 字节：`,
    told: (error: string) => `得到 ${error}`,
    refused: (times: number) =>
      times === 2 ? "第一个只能接收，第二个只能发送：两端拿反了" : `有 ${times} 次报错，应为 2 次`,
    sum: (wrong: string[], right: string[]) =>
      `错误：${wrong.join("、")}；正确：${right.join("、")}`,
    complete: "一个不少",
    wrong: "结果不对",
    moved: "是搬过去的",
    copied: "竟然是复制的",
  },
});

/** How many bytes are moved. */
const SIZE = 1_000_000;

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
    say(TEXTS.isTold(error.name));
  }
}

/** Sends three letters. Its end of the pipe is closed when it ends. */
export async function writer(end: Connection<string>): Promise<void> {
  for (const letter of "ABC") {
    say(TEXTS.sends(letter));
    await end.send(letter);
  }
}

/** Fills what it receives, and gives it back. */
export async function filler(end: Connection<Uint8Array<ArrayBuffer>>): Promise<void> {
  for await (const bytes of end) {
    say(TEXTS.fills(bytes.length));
    bytes.fill(7);
    await end.send(bytes, { transfer: [bytes.buffer] });
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
  console.log(TEXTS.says(currentThread().name, what));
}

/** Both ends send and receive. */
async function duplex(): Promise<boolean> {
  console.log(TEXTS.title("duplex", "pipe()"));
  const [here, there] = pipe<number | number[]>();
  const thread = new Thread(adder, { args: [there], name: TEXTS.names.adder }).start();

  let right = 0;
  for (const [a, b] of [[1, 2], [30, 40], [500, 600]]) {
    say(TEXTS.asks(a, b));
    await here.send([a, b]);
    if (await here.recv() === a + b) right++;
  }
  say(TEXTS.closes);
  here.close();
  await thread.result();
  console.log(TEXTS.questions(3, right) + (right === 3 ? TEXTS.complete : TEXTS.wrong));
  return right === 3;
}

/** One end sends, the other receives. */
async function oneway(): Promise<boolean> {
  console.log(TEXTS.title("oneway", "pipe({ duplex: false })"));
  const [receiver, sender] = pipe<string>({ duplex: false });
  const thread = new Thread(writer, { args: [sender], name: TEXTS.names.writer }).start();

  let text = "";
  for await (const letter of receiver) {
    say(TEXTS.receives(letter));
    text += letter;
  }
  say(TEXTS.seesEnd);
  await thread.result();
  console.log(TEXTS.letters("ABC", text) + (text === "ABC" ? TEXTS.complete : TEXTS.wrong));
  return text === "ABC";
}

/** A buffer goes there and back. */
async function transfer(): Promise<boolean> {
  console.log(TEXTS.title("transfer", "send(bytes, { transfer: [bytes.buffer] })"));
  const [here, there] = pipe<Uint8Array<ArrayBuffer>>();
  const thread = new Thread(filler, { args: [there], name: TEXTS.names.filler }).start();

  const bytes = new Uint8Array(SIZE);
  say(TEXTS.has(bytes.length));
  await here.send(bytes, { transfer: [bytes.buffer] });
  say(TEXTS.hasSent(bytes.length));
  const back = await here.recv();
  here.close();
  await thread.result();
  const filled = back.filter((byte) => byte === 7).length;
  const isMoved = bytes.length === 0 && filled === SIZE;
  console.log(TEXTS.areBack(filled) + (isMoved ? TEXTS.moved : TEXTS.copied));
  return isMoved;
}

/** The ends come in the order receiver, sender: as in Python. */
async function wrongend(): Promise<boolean> {
  console.log(TEXTS.title("wrongend", "const [sender, receiver] = pipe({ duplex: false })"));
  const [sender, receiver] = pipe<string>({ duplex: false });
  const thread = new Thread(mistaken, { args: [sender], name: TEXTS.names.writer }).start();
  let refused = await thread.result() ? 1 : 0;
  if (await isRefused(() => receiver.recv({ timeout: 300 }))) refused++;
  receiver.close();
  console.log(TEXTS.refused(refused));
  return refused === 0;
}

const FORMS = { duplex, oneway, transfer, wrongend };
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
  return wrong.join() === "wrongend" ? 0 : 1;
}

if (import.meta.main) await runScript("pipe", main);
