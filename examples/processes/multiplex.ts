#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run --allow-ffi
/**
 * Many pipes, one reader: wait for all of them at once, or have a thread for each.
 *
 * Who receives from one pipe waits for that pipe, whatever the others have. Three ways out:
 *
 *     threads   a thread for each pipe, blocked in a recvSync() of its own
 *     wait      one thread: connectionWait() tells which pipes have something
 *     async     one thread: a loop with `await recv()` for each pipe; Deno's event loop waits for
 *               all of them, which is what every server in JavaScript is built on
 *
 * Threads cost memory and a start each; the other two cost neither, however many pipes there are.
 *
 * Try:
 *
 *     examples/processes/multiplex.ts               all three
 *     examples/processes/multiplex.ts --form wait   which pipes were ready each time
 *     examples/processes/multiplex.ts --pipes 30    31 threads, or 1
 *
 * @module
 */
import { EOFError } from "../../lib/errors.ts";
import { type Connection, connectionWait, pipe, Process } from "../../lib/multiprocessing.ts";
import { activeCount, Thread } from "../../lib/threading.ts";
import { sleep } from "../../lib/time.ts";
import { inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const FORMS = ["threads", "wait", "async"] as const;
type Form = typeof FORMS[number];

const WORDS = inLanguage({
  en: {
    usage: `Many pipes, one reader: wait for all of them at once, or have a thread for each.

Usage: multiplex.ts [options]

  --form F       threads, wait, async or all (all)
  --pipes N      how many pipes there are (6)
  --messages N   how many messages come through each (4)
  --lang L       en or zh (en)
  --help         show this`,
    titles: {
      threads: "threads: one for each pipe, blocked in recvSync()",
      wait: "wait: one thread, connectionWait() for all pipes",
      async: "async: one thread, an await recv() for each pipe",
    },
    ready: (wake: number, pipes: string) => `wake ${wake}: ready ${pipes}`,
    got: (messages: number, threads: number, ms: number) =>
      `${messages} messages, ${threads} thread${threads === 1 ? "" : "s"}, ${ms} ms`,
    verdict: (form: string, isRight: boolean, threads: number) =>
      `${form}: ${isRight ? "all messages" : "MESSAGES ARE MISSING"}, ${threads} ` +
      `thread${threads === 1 ? "" : "s"}`,
    semicolon: "; ",
  },
  zh: {
    usage: `很多管道，一个读者：同时等所有管道（IO 多路复用），还是一个管道一个线程。

用法：multiplex.ts [选项]

  --form F       threads、wait、async 或 all（默认 all）
  --pipes N      管道的数量（默认 6）
  --messages N   每个管道传几条消息（默认 4）
  --lang L       语言：en 或 zh（默认 en）
  --help         显示本说明`,
    titles: {
      threads: "threads：一个管道一个线程，各自阻塞在 recvSync() 里",
      wait: "wait：一个线程，用 connectionWait() 同时等所有管道（IO 多路复用）",
      async: "async：一个线程，每个管道一个 await recv()（异步 + 事件触发）",
    },
    ready: (wake: number, pipes: string) => `第 ${wake} 次醒来：${pipes} 有数据`,
    got: (messages: number, threads: number, ms: number) =>
      `${messages} 条消息，${threads} 个线程，${ms} 毫秒`,
    verdict: (form: string, isRight: boolean, threads: number) =>
      `${form}：${isRight ? "消息都收到了" : "消息不全"}，${threads} 个线程`,
    semicolon: "；",
  },
});

/** Sends on each of several pipes in turn, and ends, which closes them. */
export async function write(ends: Connection<number>[], messages: number): Promise<void> {
  for (let k = 1; k <= messages; k++) {
    for (const end of ends) await end.send(k);
    await sleep(10);
  }
}

/** A thread's work: receives from one pipe until its end. */
export function readOne(connection: Connection<number>): number[] {
  const received: number[] = [];
  try {
    for (;;) received.push(connection.recvSync());
  } catch (error) {
    if (!(error instanceof EOFError)) throw error;
    return received;
  }
}

/** What came through each pipe, and the number of threads while it came. */
interface Received {
  received: number[][];
  threads: number;
}

/** A way to read: `begin` is called when the readers are there, and starts the writers. */
type Reader = (
  pipes: Connection<number>[],
  begin: () => void,
  cleanup: AsyncDisposableStack,
) => Promise<Received>;

const readByThreads: Reader = async (pipes, begin, cleanup) => {
  const readers = pipes.map((end, k) =>
    new Thread(readOne, { args: [end], name: `reader-${k + 1}` }).start()
  );
  cleanup.defer(() => readers.forEach((reader) => reader.terminate()));
  const threads = activeCount();
  begin();
  return { received: await Promise.all(readers.map((reader) => reader.result())), threads };
};

const readByWait: Reader = async (pipes, begin) => {
  begin();
  const received: number[][] = pipes.map(() => []);
  const open = new Set(pipes);
  for (let wake = 1; open.size > 0; wake++) {
    // Ready is also who has come to its end.
    const ready = await connectionWait(open);
    const numbers = ready.map((end) => pipes.indexOf(end) + 1);
    console.log(`  ${WORDS.ready(wake, numbers.join(" "))}`);
    for (const end of ready) {
      try {
        received[pipes.indexOf(end)].push(await end.recv());
      } catch (error) {
        if (!(error instanceof EOFError)) throw error;
        open.delete(end);
      }
    }
  }
  return { received, threads: activeCount() };
};

const readByAwait: Reader = async (pipes, begin) => {
  begin();
  // Iterating receives until the end of the pipe.
  const received = await Promise.all(pipes.map((end) => Array.fromAsync(end)));
  return { received, threads: activeCount() };
};

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({
    string: ["form", "pipes", "messages"],
    default: { form: "all", pipes: "6", messages: "4" },
    bilingual: true,
  });
  if (flags.help) {
    console.log(WORDS.usage);
    return 0;
  }
  const chosen = oneOf("form", flags.form, [...FORMS, "all"]);
  const count = wholeNumber("pipes", flags.pipes, 1, 100);
  const messages = wholeNumber("messages", flags.messages, 1, 1_000);
  const readers = { threads: readByThreads, wait: readByWait, async: readByAwait };

  let isWell = true;
  const verdicts: string[] = [];
  for (const form of FORMS) {
    if (chosen !== form && chosen !== "all") continue;
    console.log(WORDS.titles[form]);
    const pipes = Array.from({ length: count }, () => pipe<number>({ duplex: false }));
    const writers: Process[] = [];
    const begin = () => {
      // Two writers, each with half of the pipes.
      for (const which of [0, 1]) {
        const ends = pipes.filter((_, k) => k % 2 === which).map(([, end]) => end);
        const writer = new Process(write, { args: [ends, messages] }).start();
        cleanup.defer(() => writer.kill());
        writers.push(writer as Process);
      }
      // A pipe ends when nobody can send any more: main is not to be one who can.
      for (const [, end] of pipes) end.close();
    };

    const began = performance.now();
    const { received, threads } = await readers[form](pipes.map(([end]) => end), begin, cleanup);
    const ms = Math.round(performance.now() - began);
    await Promise.all(writers.map((writer) => writer.join()));
    for (const [end] of pipes) end.close();
    console.log(`  ${WORDS.got(received.flat().length, threads, ms)}`);
    const sent = Array.from({ length: messages }, (_, k) => k + 1);
    const isRight = received.every((numbers) => numbers.join() === sent.join()) &&
      threads === (form === "threads" ? count + 1 : 1);
    verdicts.push(WORDS.verdict(form, isRight, threads));
    isWell &&= isRight;
  }
  console.log(verdicts.join(WORDS.semicolon));
  return isWell ? 0 : 1;
}

if (import.meta.main) await runScript("multiplex", main);
