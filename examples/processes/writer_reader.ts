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
import { currentProcess, Process, Queue } from "../../lib/multiprocessing.ts";
import { sleep } from "../../lib/time.ts";
import { inLanguage } from "../_shared/language.ts";
import { readFlags, runScript, UsageError, wholeNumber } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `A writer puts letters on a queue, a reader gets them.

Usage: writer_reader.ts [options]

  --text T     what is written, letter by letter (ABCDEF)
  --limit N    how many letters the queue holds; 0: any number (0)
  --write MS   how long the writer thinks about a letter (5)
  --read MS    how long the reader looks at one (30)
  --lang L     en or zh (en)
  --help       show this`,
    writer: "writer",
    reader: "reader",
    says: (who: string, what: string) => `${who} ${what}`,
    puts: (letter: string, before: number, waits: boolean) =>
      `puts ${letter}, ${before} before it${waits ? ": full, so it waits" : ""}`,
    gets: (letter: string) => `gets ${letter}`,
    noLetter: "--text must have a letter",
    sum: (text: string, seen: string, most: number, isRight: boolean) =>
      `wrote ${text}, read ${seen}, at most ${most} in the queue: ${
        isRight ? "in order" : "WRONG"
      }`,
  },
  zh: {
    usage: `写者把字母放进队列，读者取出来。

用法：writer_reader.ts [选项]

  --text T     写什么，一个一个字母地写（默认 ABCDEF）
  --limit N    队列最多放多少个字母；0：不限（默认 0）
  --write MS   写者写一个字母要多久（默认 5）
  --read MS    读者看一个字母要多久（默认 30）
  --lang L     语言：en 或 zh（默认 en）
  --help       显示本说明`,
    writer: "写者",
    reader: "读者",
    says: (who: string, what: string) => `${who}：${what}`,
    puts: (letter: string, before: number, waits: boolean) =>
      `放入 ${letter}，前面还有 ${before} 个${waits ? "：队列满了，要等" : ""}`,
    gets: (letter: string) => `取出 ${letter}`,
    noLetter: "--text 至少要有一个字母",
    sum: (text: string, seen: string, most: number, isRight: boolean) =>
      `写了 ${text}，读到 ${seen}，队列里最多 ${most} 个：${isRight ? "顺序正确" : "结果不对"}`,
  },
});

/** What comes after the last letter. */
const END = null;
type Letters = Queue<string | typeof END>;

/** Puts the letters on the queue, and then the end. Gives the most that were ever in the queue. */
export async function writer(queue: Letters, text: string, ms: number): Promise<number> {
  let most = 0;
  for (const letter of text) {
    await sleep(ms);
    // True for the moment, and good enough to be told.
    say(TEXTS.puts(letter, queue.qsize(), queue.full()));
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
    say(TEXTS.gets(letter));
    text += letter;
    await sleep(ms);
  }
}

function say(what: string): void {
  console.log(TEXTS.says(currentProcess().name, what));
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({
    string: ["text", "limit", "write", "read"],
    default: { text: "ABCDEF", limit: "0", write: "5", read: "30" },
    bilingual: true,
  });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const text = String(flags.text);
  if (text === "") throw new UsageError(TEXTS.noLetter);
  const limit = wholeNumber("limit", flags.limit, 0, 1_000);
  const write = wholeNumber("write", flags.write, 0, 60_000);
  const read = wholeNumber("read", flags.read, 0, 60_000);

  const queue: Letters = new Queue(limit);
  const w = new Process(writer, { args: [queue, text, write], name: TEXTS.writer }).start();
  const r = new Process(reader, { args: [queue, read], name: TEXTS.reader }).start();
  // If one is lost, the one that waits for it does not outlive the script.
  cleanup.defer(() => [w, r].forEach((child) => child.kill()));
  const [most, seen] = await Promise.all([w.result(), r.result()]);

  const isRight = seen === text && (limit === 0 || most <= limit);
  console.log(TEXTS.sum(text, seen, most, isRight));
  return isRight ? 0 : 1;
}

if (import.meta.main) await runScript("writer_reader", main);
