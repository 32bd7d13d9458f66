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
 *
 * Try:
 *
 *     examples/processes/pipe.ts                    the three of them
 *     examples/processes/pipe.ts --form forgotten   stuck, until main closes its copy
 *
 * @module
 */
import { EOFError, TimeoutError } from "../../lib/errors.ts";
import { type Connection, currentProcess, pipe, Process } from "../../lib/multiprocessing.ts";
import { oneOf, readFlags, runScript } from "../_shared/script.ts";

const USAGE = `Pipes: two ways, one way, and how they end.

Usage: pipe.ts [options]

  --form F   duplex, oneway, forgotten, or all of them in turn (all)
  --help     show this`;

/** How long main waits until it sees that this is hopeless, in ms. */
const PATIENCE = 300;

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

/** Sends three letters. Its copy of the end is closed when it ends. */
export async function writer(end: Connection<string>): Promise<void> {
  for (const letter of "ABC") {
    say(`sends ${letter}`);
    await end.send(letter);
  }
}

function say(what: string): void {
  console.log(`  ${currentProcess().name} ${what}`);
}

/** Both ends send and receive. */
async function duplex(cleanup: AsyncDisposableStack): Promise<boolean> {
  console.log("duplex: pipe()");
  const [here, there] = pipe<number | number[]>();
  const child = new Process(adder, { args: [there], name: "adder" }).start();
  // If main fails, the child does not outlive the script.
  cleanup.defer(() => child.kill());
  there.close();

  let right = 0;
  for (const [a, b] of [[1, 2], [30, 40], [500, 600]]) {
    say(`asks ${a} + ${b}`);
    await here.send([a, b]);
    if (await here.recv() === a + b) right++;
  }
  say("closes its end");
  here.close();
  await child.result();
  console.log(`3 questions, ${right} answers: ${right === 3 ? "complete" : "WRONG"}`);
  return right === 3;
}

/** One end sends, the other receives. */
async function oneway(cleanup: AsyncDisposableStack): Promise<boolean> {
  console.log("oneway: pipe({ duplex: false })");
  const [receiver, sender] = pipe<string>({ duplex: false });
  const child = new Process(writer, { args: [sender], name: "writer" }).start();
  cleanup.defer(() => child.kill());
  sender.close();

  let text = "";
  for await (const letter of receiver) {
    say(`receives ${letter}`);
    text += letter;
  }
  say("sees the end");
  receiver.close();
  await child.result();
  console.log(`sent ABC, received ${text}: ${text === "ABC" ? "complete" : "WRONG"}`);
  return text === "ABC";
}

/** As above, but nobody closes main's copy of the sender. */
async function forgotten(cleanup: AsyncDisposableStack): Promise<boolean> {
  console.log("forgotten: no sender.close()");
  const [receiver, sender] = pipe<string>({ duplex: false });
  const child = new Process(writer, { args: [sender], name: "writer" }).start();
  cleanup.defer(() => child.kill());
  // The child has ended, so what is missing is not on its way.
  await child.result();

  let isStuck = false;
  try {
    for (;;) say(`receives ${await receiver.recv({ timeout: PATIENCE })}`);
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    isStuck = true;
    say(`gives up: nothing for ${PATIENCE} ms, and no end, as it could still send itself`);
  }
  say("closes its copy of the sender");
  sender.close();
  const end = await receiver.recv({ timeout: PATIENCE }).catch((error) => error);
  say(`is told ${end.name}`);
  receiver.close();
  console.log(isStuck ? "main waited for itself: STUCK" : "main saw the end: complete");
  return !isStuck && end instanceof EOFError;
}

const FORMS = { duplex, oneway, forgotten };
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
  return wrong.join() === "forgotten" ? 0 : 1;
}

if (import.meta.main) await runScript("pipe", main);
