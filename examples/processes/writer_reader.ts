#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run --allow-ffi
/**
 * A writer and a reader, and a queue between them.
 *
 * They need not keep step: what the writer has written waits in the queue until the reader comes
 * for it. A queue with a limit makes a writer that is too fast wait.
 *
 * Try:
 *
 *     examples/processes/writer_reader.ts                the writer is ahead
 *     examples/processes/writer_reader.ts --limit 1      by one at most
 *     examples/processes/writer_reader.ts --write 60     a slow writer: the reader waits for it
 *     examples/processes/writer_reader.ts --text BANANA  other letters
 *
 * @module
 */
import { delay } from "@std/async";
import { currentProcess, Process, Queue } from "../../lib/multiprocessing.ts";
import { readFlags, runScript, UsageError, wholeNumber } from "../_shared/script.ts";

const USAGE = `A writer puts letters on a queue, a reader gets them.

Usage: writer_reader.ts [options]

  --text T     what is written, letter by letter (ABCDEF)
  --limit N    how many letters the queue holds; 0: any number (0)
  --write MS   how long the writer thinks about a letter (5)
  --read MS    how long the reader looks at one (30)
  --help       show this`;

/** What comes after the last letter. */
const END = null;
type Letters = Queue<string | typeof END>;

/** Puts the letters on the queue, and then the end. Gives the most that were ever in the queue. */
export async function writer(queue: Letters, text: string, ms: number): Promise<number> {
  let most = 0;
  for (const letter of text) {
    await delay(ms);
    // True for the moment, and good enough to be told.
    const wait = queue.full() ? ": full, so it waits" : "";
    say(`puts ${letter}, ${queue.qsize()} before it${wait}`);
    await queue.put(letter);
    most = Math.max(most, queue.qsize());
  }
  await queue.put(END);
  return most;
}

/** Gets letters until the end. Gives what it read. */
export async function reader(queue: Letters, ms: number): Promise<string> {
  let text = "";
  for (;;) {
    const letter = await queue.get();
    if (letter === END) return text;
    say(`gets ${letter}`);
    text += letter;
    await delay(ms);
  }
}

function say(what: string): void {
  console.log(`${currentProcess().name} ${what}`);
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({
    string: ["text", "limit", "write", "read"],
    default: { text: "ABCDEF", limit: "0", write: "5", read: "30" },
  });
  if (flags.help) {
    console.log(USAGE);
    return 0;
  }
  const text = String(flags.text);
  if (text === "") throw new UsageError("--text must have a letter");
  const limit = wholeNumber("limit", flags.limit, 0, 1_000);
  const write = wholeNumber("write", flags.write, 0, 60_000);
  const read = wholeNumber("read", flags.read, 0, 60_000);

  const queue: Letters = new Queue(limit);
  const w = new Process(writer, { args: [queue, text, write], name: "writer" }).start();
  const r = new Process(reader, { args: [queue, read], name: "reader" }).start();
  // If one is lost, the one that waits for it does not outlive the script.
  cleanup.defer(() => [w, r].forEach((child) => child.kill()));
  const [most, seen] = await Promise.all([w.result(), r.result()]);

  const isRight = seen === text && (limit === 0 || most <= limit);
  const verdict = isRight ? "in order" : "WRONG";
  console.log(`wrote ${text}, read ${seen}, at most ${most} in the queue: ${verdict}`);
  return isRight ? 0 : 1;
}

if (import.meta.main) await runScript("writer_reader", main);
