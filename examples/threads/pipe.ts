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
 *
 * Try:
 *
 *     examples/threads/pipe.ts                   the three of them
 *     examples/threads/pipe.ts --form transfer   a million bytes that are never twice there
 *
 * @module
 */
import { EOFError } from "../../lib/errors.ts";
import { type Connection, currentThread, pipe, Thread } from "../../lib/threading.ts";
import { oneOf, readFlags, runScript } from "../_shared/script.ts";

const USAGE = `Pipes: two ways, one way, and data that moves.

Usage: pipe.ts [options]

  --form F   duplex, oneway, transfer, or all of them in turn (all)
  --help     show this`;

/** How many bytes are moved. */
const SIZE = 1_000_000;

/** Answers questions until there is nobody left to ask. */
export async function adder(end: Connection<number | number[]>): Promise<void> {
  try {
    for (;;) {
      const [a, b] = await end.recv() as number[];
      say(`answers ${a + b}`);
      await end.send(a + b);
    }
  } catch (error) {
    if (!(error instanceof EOFError)) throw error;
    say(`is told ${error.name}, and stops`);
  }
}

/** Sends three letters. Its end of the pipe is closed when it ends. */
export async function writer(end: Connection<string>): Promise<void> {
  for (const letter of "ABC") {
    say(`sends ${letter}`);
    await end.send(letter);
  }
}

/** Fills what it receives, and gives it back. */
export async function filler(end: Connection<Uint8Array<ArrayBuffer>>): Promise<void> {
  for await (const bytes of end) {
    say(`has ${bytes.length} bytes, and fills them`);
    bytes.fill(7);
    await end.send(bytes, { transfer: [bytes.buffer] });
  }
}

function say(what: string): void {
  console.log(`  ${currentThread().name} ${what}`);
}

/** Both ends send and receive. */
async function duplex(): Promise<boolean> {
  console.log("duplex: pipe()");
  const [here, there] = pipe<number | number[]>();
  const thread = new Thread(adder, { args: [there], name: "adder" }).start();

  let right = 0;
  for (const [a, b] of [[1, 2], [30, 40], [500, 600]]) {
    say(`asks ${a} + ${b}`);
    await here.send([a, b]);
    if (await here.recv() === a + b) right++;
  }
  say("closes its end");
  here.close();
  await thread.result();
  console.log(`3 questions, ${right} answers: ${right === 3 ? "complete" : "WRONG"}`);
  return right === 3;
}

/** One end sends, the other receives. */
async function oneway(): Promise<boolean> {
  console.log("oneway: pipe({ duplex: false })");
  const [receiver, sender] = pipe<string>({ duplex: false });
  const thread = new Thread(writer, { args: [sender], name: "writer" }).start();

  let text = "";
  for await (const letter of receiver) {
    say(`receives ${letter}`);
    text += letter;
  }
  say("sees the end");
  await thread.result();
  console.log(`sent ABC, received ${text}: ${text === "ABC" ? "complete" : "WRONG"}`);
  return text === "ABC";
}

/** A buffer goes there and back. */
async function transfer(): Promise<boolean> {
  console.log("transfer: send(bytes, { transfer: [bytes.buffer] })");
  const [here, there] = pipe<Uint8Array<ArrayBuffer>>();
  const thread = new Thread(filler, { args: [there], name: "filler" }).start();

  const bytes = new Uint8Array(SIZE);
  say(`has ${bytes.length} bytes`);
  await here.send(bytes, { transfer: [bytes.buffer] });
  say(`has sent them, and has ${bytes.length}`);
  const back = await here.recv();
  here.close();
  await thread.result();
  const filled = back.filter((byte) => byte === 7).length;
  const isMoved = bytes.length === 0 && filled === SIZE;
  console.log(`${filled} bytes are back, filled: ${isMoved ? "moved" : "COPIED"}`);
  return isMoved;
}

const FORMS = { duplex, oneway, transfer };
type Form = keyof typeof FORMS;
const NAMES = Object.keys(FORMS) as Form[];

async function main(): Promise<number> {
  const flags = readFlags({ string: ["form"], default: { form: "all" } });
  if (flags.help) {
    console.log(USAGE);
    return 0;
  }
  const form = oneOf("form", flags.form, ["all", ...NAMES]);

  let ok = true;
  for (const name of form === "all" ? NAMES : [form]) ok = await FORMS[name]() && ok;
  return ok ? 0 : 1;
}

if (import.meta.main) await runScript("pipe", main);
