#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run --allow-ffi
/**
 * Four ways from process to process: a file, a pipe, a queue, shared memory.
 *
 * They differ in how much they hold, in who can read and write, and in whether these need a lock,
 * so that nobody reads what is half written. And in speed: that is measured here, on this computer.
 *
 * Try:
 *
 *     examples/processes/ways.ts                 the table
 *     examples/processes/ways.ts --size 100      small messages: now the turns count, not the bytes
 *     examples/processes/ways.ts --way memory    one of them
 *
 * @module
 */
import { join } from "node:path";
import {
  Barrier,
  type Connection,
  pipe,
  Process,
  Queue,
  Semaphore,
  SharedMemory,
} from "../../lib/multiprocessing.ts";
import { columnsOf, fill, inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const WAYS = ["file", "pipe", "queue", "memory"] as const;
type Way = typeof WAYS[number];

const TEXTS = inLanguage({
  en: {
    usage: `File, pipe, queue and shared memory: what they are for, and how fast they are.

Usage: ways.ts [options]

  --way W        file, pipe, queue, memory, or all of them in turn (all)
  --messages N   how many messages are sent (500)
  --size BYTES   how large each is (65536)
  --lang L       en or zh (en)
  --help         show this`,
    what: (messages: number, size: number) =>
      `${messages} messages of ${size} bytes, from process to process`,
    head: ["way", "space", "ways", "who", "lock?", "µs each", "MB/s"],
    facts: {
      file: ["the disk", "both", "all who know its name"],
      pipe: ["1 MiB each way", "both or one", "one at each end"],
      queue: ["memory, or a limit", "one", "many put, many get"],
      memory: ["its size", "both", "all who are given it"],
    },
    lock: (isNeeded: boolean) => isNeeded ? "yes" : "no",
    whole: (fastest: string) => `all whole; fastest: ${fastest}`,
    damaged: (n: number) => `${n} DAMAGED`,
    sum: (sent: number, received: number, verdict: string) =>
      `${sent} sent, ${received} received: ${verdict}`,
  },
  zh: {
    usage: `文件、管道、队列和共享内存：各有什么用，各有多快。

用法：ways.ts [选项]

  --way W        方式：file、pipe、queue、memory，或者依次全部 all（all）
  --messages N   发送多少条消息（500）
  --size BYTES   每条多少字节（65536）
  --lang L       语言：en 或 zh（en）
  --help         显示本说明`,
    what: (messages: number, size: number) => `${messages} 条消息，每条 ${size} 字节，从进程到进程`,
    head: ["方式", "空间", "方向", "谁能用", "要锁", "每条 µs", "MB/s"],
    facts: {
      file: ["磁盘", "双向", "知道文件名的都能用"],
      pipe: ["每个方向 1 MiB", "双向或单向", "两端各一个"],
      queue: ["内存，或者上限", "单向", "多个放，多个取"],
      memory: ["自己的大小", "双向", "拿到它的都能用"],
    },
    lock: (isNeeded: boolean) => isNeeded ? "要" : "不要",
    whole: (fastest: string) => `全部完整；最快：${fastest}`,
    damaged: (n: number) => `${n} 条损坏`,
    sum: (sent: number, received: number, verdict: string) =>
      `发送 ${sent} 条，收到 ${received} 条：${verdict}`,
  },
});

/** Those in which somebody might read what is half written. */
const NEED_LOCK: readonly Way[] = ["file", "memory"];
const WIDTHS = [6, 18, 11, 21, 5];

/** What sender and receiver are given. */
interface Course {
  way: Way;
  messages: number;
  size: number;
  /** Opens when both are there: starting is not what is measured. */
  start: Barrier;
  /** The lock, for ways that need one: first one may write, then the other may read. */
  mayWrite?: Semaphore;
  mayRead?: Semaphore;
  path: string;
  end: Connection<Uint8Array>;
  queue: Queue<Uint8Array>;
  memory: SharedMemory;
}

/** Sends all messages; all bytes of the first are 0, those of the second 1, and so on. */
export function sender(course: Course): void {
  const { way, messages, size, start, mayWrite, mayRead, path, end, queue, memory } = course;
  const message = new Uint8Array(size);
  const send: Record<Way, (k: number) => void> = {
    file: (k) => Deno.writeFileSync(path, message.fill(k)),
    pipe: (k) => end.sendSync(message.fill(k)),
    queue: (k) => queue.putSync(message.fill(k)),
    // Written where it will be read: the only way without a copy.
    memory: (k) => memory.buf.fill(k),
  };
  start.waitSync();
  for (let k = 0; k < messages; k++) {
    mayWrite?.acquireSync();
    send[way](k);
    mayRead?.release();
  }
}

/**
 * Receives all messages. Says how long that took, in ms, and how many were not as they were sent.
 */
export function receiver(course: Course): { ms: number; damaged: number } {
  const { way, messages, size, start, mayWrite, mayRead, path, end, queue, memory } = course;
  const receive: Record<Way, () => Uint8Array> = {
    file: () => Deno.readFileSync(path),
    pipe: () => end.recvSync(),
    queue: () => queue.getSync(),
    memory: () => memory.buf,
  };
  let damaged = 0;
  start.waitSync();
  const began = performance.now();
  for (let k = 0; k < messages; k++) {
    mayRead?.acquireSync();
    const message = receive[way]();
    const isWhole = message.length === size && [0, size - 1].every((i) => message[i] === k % 256);
    if (!isWhole) damaged++;
    mayWrite?.release();
  }
  return { ms: performance.now() - began, damaged };
}

function row(...cells: string[]): void {
  const text = cells.slice(0, -2).map((cell, k) => fill(cell, WIDTHS[k]));
  const figures = cells.slice(-2).map((cell) =>
    " ".repeat(Math.max(0, 8 - columnsOf(cell))) + cell
  );
  console.log([...text, ...figures].join(" "));
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({
    string: ["way", "messages", "size"],
    default: { way: "all", messages: "500", size: "65536" },
    bilingual: true,
  });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const chosen = oneOf("way", flags.way, ["all", ...WAYS]);
  const messages = wholeNumber("messages", flags.messages, 1, 1_000_000);
  const size = wholeNumber("size", flags.size, 1, 16 * 2 ** 20);

  const folder = Deno.makeTempDirSync({ prefix: "switchyard-ways-" });
  cleanup.defer(() => Deno.remove(folder, { recursive: true }));
  const memory = cleanup.use(new SharedMemory({ create: true, size }));

  console.log(TEXTS.what(messages, size));
  row(...TEXTS.head);
  const times = new Map<Way, number>();
  let damaged = 0;
  for (const way of chosen === "all" ? WAYS : [chosen]) {
    const [there, here] = pipe<Uint8Array>({ duplex: false });
    const needsLock = NEED_LOCK.includes(way);
    const course = {
      way,
      messages,
      size,
      start: new Barrier(2),
      ...(needsLock && { mayWrite: new Semaphore(1), mayRead: new Semaphore(0) }),
      path: join(folder, "message"),
      memory,
      queue: new Queue<Uint8Array>(16),
    };
    const from = new Process(sender, { args: [{ ...course, end: here }], name: "sender" }).start();
    const to = new Process(receiver, { args: [{ ...course, end: there }], name: "receiver" })
      .start();
    // If one is lost, the one that waits for it does not outlive the script.
    cleanup.defer(() => [from, to].forEach((child) => child.kill()));
    here.close();
    there.close();
    const [done] = await Promise.all([to.result(), from.result()]);

    times.set(way, done.ms);
    damaged += done.damaged;
    const each = (done.ms * 1_000 / messages).toFixed(1);
    const rate = (messages * size / 1_000 / done.ms).toFixed(0);
    row(way, ...TEXTS.facts[way], TEXTS.lock(needsLock), each, rate);
  }
  const fastest = [...times.keys()].reduce((a, b) => times.get(a)! <= times.get(b)! ? a : b);
  const whole = times.size * messages - damaged;
  const verdict = damaged === 0 ? TEXTS.whole(fastest) : TEXTS.damaged(damaged);
  console.log(TEXTS.sum(times.size * messages, whole, verdict));
  return damaged === 0 ? 0 : 1;
}

if (import.meta.main) await runScript("ways", main);
