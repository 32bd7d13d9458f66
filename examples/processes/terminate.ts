#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run --allow-ffi
/**
 * terminate(): end a process that would not end by itself.
 *
 * terminate() asks the system to end the child (SIGTERM), and returns at once. The child is gone a
 * little later, so just after the call isAlive() is still true; after join() it is false, and the
 * exitcode is -15: minus the number of the signal.
 *
 * The reader is a case for it: it takes what comes from a queue, for ever. Before main terminates
 * it, it waits until all that was written has been read: what the reader has not taken by then
 * would be lost.
 *
 * Try:
 *
 *     examples/processes/terminate.ts                  the moments, then the reader
 *     examples/processes/terminate.ts --show moments   isAlive() and exitcode at each step
 *     examples/processes/terminate.ts --show reader    a writer that ends, a reader that does not
 *     examples/processes/terminate.ts --show reader --no-terminate   main waits, and is stuck
 *
 * @module
 */
import { JoinableQueue, Process, Value } from "../../lib/multiprocessing.ts";
import { getpid } from "../../lib/os.ts";
import { context } from "../../lib/task.ts";
import { fill, inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript } from "../_shared/script.ts";

/** How long main waits for a reader that never ends, in ms. */
const PATIENCE = 300;

const WORDS = inLanguage({
  en: {
    usage: `terminate(): end a process that would not end by itself.

Usage: terminate.ts [options]

  --show W         moments, reader or both (both)
  --no-terminate   wait for the reader, which never ends
  --lang L         en or zh (en)
  --help           show this`,
    moments: "moments: a child that works without end",
    moment: "when",
    when: ["before start()", "once it works", "just after terminate()", "after join()"],
    none: "null",
    reader: "reader: its loop has no end",
    writes: (pid: number) => `process to write: ${pid}`,
    reads: (pid: number) => `process to read: ${pid}`,
    put: (letter: string) => `put ${letter} to queue`,
    get: (letter: string) => `get ${letter} from queue`,
    read: "the writer has ended, and all is read: main terminates the reader",
    waits: (ms: number, isAlive: boolean) =>
      `main waits for the reader; ${ms} ms later its isAlive() is ${isAlive}`,
    gone: (exitcode: number | null, letters: number) =>
      `exitcode ${exitcode}, letters read: ${letters}`,
    verdict: "terminated: exitcode -15, as expected",
    stuck: "nobody terminates the reader, so main would wait for ever: STUCK",
    wrong: "NOT AS EXPECTED",
  },
  zh: {
    usage: `terminate()：终止一个自己不会结束的进程。

用法：terminate.ts [选项]

  --show W         moments、reader 或 both（默认 both）
  --no-terminate   不终止读进程，一直等它：它永远不会结束
  --lang L         语言：en 或 zh（默认 en）
  --help           显示本说明`,
    moments: "moments：一个干活不停的子进程",
    moment: "时刻",
    when: ["start() 之前", "开始干活之后", "刚调用 terminate()", "join() 之后"],
    none: "null",
    reader: "reader：读进程里是死循环",
    writes: (pid: number) => `写进程：${pid}`,
    reads: (pid: number) => `读进程：${pid}`,
    put: (letter: string) => `把 ${letter} 放进队列`,
    get: (letter: string) => `从队列取出 ${letter}`,
    read: "写进程结束了，数据也都读完了：主进程终止读进程",
    waits: (ms: number, isAlive: boolean) =>
      `主进程等读进程结束；${ms} 毫秒过去，它的 isAlive() 是 ${isAlive}`,
    gone: (exitcode: number | null, letters: number) =>
      `exitcode ${exitcode}，读到 ${letters} 个字母`,
    verdict: "已终止：exitcode 是 -15，符合预期",
    stuck: "没有人终止读进程，主进程会永远等下去：卡住了",
    wrong: "与预期不符",
  },
});

function say(what: string): void {
  console.log(`  ${what}`);
}

/** Works without end. */
export async function endless(): Promise<void> {
  context().report("works");
  await new Promise(() => setInterval(() => {}, 1_000));
}

async function showMoments(cleanup: AsyncDisposableStack): Promise<boolean> {
  const works = Promise.withResolvers<void>();
  const p = new Process(endless, { onReport: () => works.resolve() });
  const seen: string[] = [];
  const look = () => {
    const state = `${String(p.isAlive()).padEnd(10)} ${p.exitcode}`;
    say(`${fill(WORDS.when[seen.length], 24)} ${state}`);
    seen.push(state);
  };

  say(`${fill(WORDS.moment, 24)} isAlive()  exitcode`);
  look();
  p.start();
  cleanup.defer(() => p.kill());
  await Promise.race([works.promise, p.result()]);
  look();
  p.terminate();
  look();
  await p.join();
  look();
  const expected = ["false      null", "true       null", "true       null", "false      -15"];
  return seen.join() === expected.join();
}

/** Writes three letters, and ends. */
export async function write(queue: JoinableQueue<string>): Promise<void> {
  say(WORDS.writes(getpid()));
  for (const letter of ["A", "B", "C"]) {
    say(WORDS.put(letter));
    await queue.put(letter);
  }
}

/** Reads whatever comes, for ever. */
export async function read(queue: JoinableQueue<string>, letters: Value): Promise<void> {
  say(WORDS.reads(getpid()));
  for (;;) {
    const letter = await queue.get();
    say(WORDS.get(letter));
    letters.add(1);
    queue.taskDone();
  }
}

async function showReader(terminates: boolean, cleanup: AsyncDisposableStack): Promise<boolean> {
  const queue = new JoinableQueue<string>();
  const letters = new Value("i32");
  const writer = new Process(write, { args: [queue] }).start();
  const reader = new Process(read, { args: [queue, letters] }).start();
  cleanup.defer(() => reader.kill());
  cleanup.defer(() => writer.kill());
  await writer.result();
  // All that was put has been told to be done; or the reader is gone.
  await Promise.race([queue.join(), reader.result()]);
  if (!terminates) {
    await reader.join({ timeout: PATIENCE });
    say(WORDS.waits(PATIENCE, reader.isAlive()));
    reader.kill();
    await reader.join();
    return false;
  }
  say(WORDS.read);
  reader.terminate();
  await reader.join();
  say(WORDS.gone(reader.exitcode, letters.value));
  return reader.exitcode === -15 && letters.value === 3;
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({
    boolean: ["terminate"],
    string: ["show"],
    negatable: ["terminate"],
    default: { show: "both", terminate: true },
    bilingual: true,
  });
  if (flags.help) {
    console.log(WORDS.usage);
    return 0;
  }
  const show = oneOf("show", flags.show, ["moments", "reader", "both"]);
  let isWell = true;
  if (show !== "reader") {
    console.log(WORDS.moments);
    isWell = await showMoments(cleanup);
  }
  if (show !== "moments") {
    console.log(WORDS.reader);
    isWell = await showReader(flags.terminate as boolean, cleanup) && isWell;
  }
  const isStuck = show !== "moments" && !flags.terminate;
  console.log(isWell ? WORDS.verdict : isStuck ? WORDS.stuck : WORDS.wrong);
  return isWell ? 0 : 1;
}

if (import.meta.main) await runScript("terminate", main);
