#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run --allow-ffi
/**
 * Four ways from process to process: a file, a pipe, a queue, shared memory.
 *
 * They differ in how much they hold, in who can read and write, and in whether these need a lock,
 * so that nobody reads what is half written. And in speed: that is measured here, on this computer,
 * with two kinds of work.
 *
 *     carry    messages go from one process to the other, and all their bytes are looked at
 *     change   a number that both know goes up by 1, many times: a pipe and a queue carry each step
 *              to the one who has the number; a file and shared memory are changed where they are
 *
 * Shared memory is for the second: nothing is sent, nobody has to be woken.
 *
 * Try:
 *
 *     examples/processes/ways.ts                 both tables: what they are, and how fast
 *     examples/processes/ways.ts --size 100      small messages: now the turns count, not the bytes
 *     examples/processes/ways.ts --way memory    one of them
 *
 * @module
 */
import { join } from "node:path";
import {
  Barrier,
  type Connection,
  Lock,
  pipe,
  Process,
  Queue,
  Semaphore,
  SharedMemory,
  Value,
} from "../../lib/multiprocessing.ts";
import { columnsOf, fill, inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript, wholeNumber } from "../_shared/script.ts";
import { temporaryFolder } from "../_shared/temporary.ts";

const WAYS = ["file", "pipe", "queue", "memory"] as const;
type Way = typeof WAYS[number];

const TEXTS = inLanguage({
  en: {
    usage: `File, pipe, queue and shared memory: what they are for, and how fast they are.

Usage: ways.ts [options]

  --way W        file, pipe, queue, memory, or all of them in turn (all)
  --messages N   how many messages are carried (500)
  --size BYTES   how large each is (65536)
  --changes N    how often the number is changed (2000)
  --lang L       en or zh (en)
  --help         show this`,
    facts: [
      ["space", "the disk", "1 MiB each way", "memory, or a limit", "memory, a fixed size"],
      ["how", "read, write", "send(), recv()", "put(), get()", "changed in place"],
      ["unit", "bytes", "messages", "items, first in first out", "numbers, bytes"],
      ["ways", "both", "both or one", "one", "both"],
      [
        "who",
        "all who know its name",
        "one at each end",
        "many put, many get",
        "all who are given it",
      ],
      ["lock?", "yes", "no", "no", "yes, or add()"],
      ["end", "as agreed", "EOFError", "sentinel, shutdown()", "none"],
    ],
    what: (messages: number, size: number, changes: number) =>
      `carry: ${messages} messages of ${size} bytes; change: a number, ${changes} times`,
    head: ["way", "carry: µs each", "MB/s", "change: µs each"],
    fastest: (carry: string, change: string) =>
      `all came through; fastest to carry: ${carry}, to change: ${change}`,
    damaged: (messages: number, changes: number) =>
      `${messages} messages DAMAGED, ${changes} changes LOST`,
  },
  zh: {
    usage: `文件、管道、队列和共享内存：各有什么用，各有多快。

用法：ways.ts [选项]

  --way W        方式：file、pipe、queue、memory，或者依次全部 all（默认 all）
  --messages N   传多少条消息（默认 500）
  --size BYTES   每条多少字节（默认 65536）
  --changes N    那个数修改多少次（默认 2000）
  --lang L       语言：en 或 zh（默认 en）
  --help         显示本说明`,
    facts: [
      ["开辟空间", "磁盘", "每个方向 1 MiB", "内存，可以设上限", "内存，大小固定"],
      ["读写方式", "读、写", "send()、recv()", "put()、get()", "直接修改"],
      ["单位", "字节", "一条条消息", "一项项数据，先进先出", "数值、字节"],
      ["方向", "双向", "双向或单向", "单向", "双向"],
      ["谁能用", "知道文件名的", "两端各一个", "多个放，多个取", "拿到它的"],
      ["要加锁吗", "要", "不要", "不要", "要，或者用 add()"],
      ["怎样结束", "自己约定", "EOFError", "哨兵，或 shutdown()", "没有结束"],
    ],
    what: (messages: number, size: number, changes: number) =>
      `传消息：${messages} 条，每条 ${size} 字节；改数值：一个数，修改 ${changes} 次`,
    head: ["方式", "传消息：每条 µs", "MB/s", "改数值：每次 µs"],
    fastest: (carry: string, change: string) =>
      `一个不少；传消息最快的是 ${carry}，改数值最快的是 ${change}`,
    damaged: (messages: number, changes: number) =>
      `${messages} 条消息有损坏，${changes} 次修改丢了`,
  },
});

/** The shared memory has room for several messages, as the others have; at most so many bytes. */
const ROOM = { messages: 16, bytes: 16 * 2 ** 20 };
/** The widths of the columns: of the measured ones; the others are as wide as they must be. */
const WIDTHS = [6, 16, 8, 18];

/** What sender and receiver are given. */
interface Course {
  way: Way;
  messages: number;
  size: number;
  changes: number;
  /** Opens when both are there: starting is not what is measured. */
  start: Barrier;
  /** For ways where a message lies in the open: how many may be written, and read. */
  mayWrite?: Semaphore;
  mayRead?: Semaphore;
  path: string;
  end: Connection<Uint8Array | number>;
  queue: Queue<Uint8Array | number>;
  memory: SharedMemory;
  slots: number;
  /** The number, where it lies in shared memory, and who may change it. */
  number: Value;
  lock: Lock;
  /** Opens when the number will not change any more. */
  isDone: Semaphore;
}

/** Where a message lies in the shared memory. */
function slotOf({ memory, slots, size }: Course, k: number): Uint8Array {
  const begin = (k % slots) * size;
  return memory.buf.subarray(begin, begin + size);
}

/** Sends all messages; all bytes of the first are 0, those of the second 1, … Then the changes. */
export function sender(course: Course): void {
  const { way, messages, size, changes, start, mayWrite, mayRead, path, end, queue } = course;
  const { lock, number } = course;
  const message = new Uint8Array(size);
  const send: Record<Way, (k: number) => void> = {
    file: (k) => Deno.writeFileSync(path, message.fill(k)),
    pipe: (k) => end.sendSync(message.fill(k)),
    queue: (k) => queue.putSync(message.fill(k)),
    // Written where it will be read: the only way without a copy.
    memory: (k) => slotOf(course, k).fill(k),
  };
  start.waitSync();
  for (let k = 0; k < messages; k++) {
    mayWrite?.acquireSync();
    send[way](k);
    mayRead?.release();
  }

  const change: Record<Way, () => void> = {
    file() {
      using _ = lock.acquireSync();
      Deno.writeTextFileSync(path, String(Number(Deno.readTextFileSync(path)) + 1));
    },
    pipe: () => end.sendSync(1),
    queue: () => queue.putSync(1),
    // One step, so that it takes no lock; `number.value += 1` would.
    memory: () => void number.add(1),
  };
  start.waitSync();
  for (let k = 0; k < changes; k++) change[way]();
  course.isDone.release();
}

/** What the receiver has seen: times in ms, and how much was not as it was sent. */
interface Seen {
  carry: number;
  damaged: number;
  change: number;
  number: number;
}

/** Receives all messages, and sees what has become of the number. */
export function receiver(course: Course): Seen {
  const { way, messages, size, changes, start, mayWrite, mayRead, path, end, queue } = course;
  const receive: Record<Way, (k: number) => Uint8Array> = {
    file: () => Deno.readFileSync(path),
    pipe: () => end.recvSync() as Uint8Array,
    queue: () => queue.getSync() as Uint8Array,
    memory: (k) => slotOf(course, k),
  };
  let damaged = 0;
  start.waitSync();
  const began = performance.now();
  for (let k = 0; k < messages; k++) {
    mayRead?.acquireSync();
    const message = receive[way](k);
    const isWhole = message.length === size && [0, size - 1].every((i) => message[i] === k % 256);
    if (!isWhole) damaged++;
    mayWrite?.release();
  }
  const carry = performance.now() - began;

  const addUp = (next: () => number) => {
    let number = 0;
    for (let k = 0; k < changes; k++) number += next();
    return number;
  };
  const see: Record<Way, () => number> = {
    file() {
      course.isDone.acquireSync();
      return Number(Deno.readTextFileSync(path));
    },
    pipe: () => addUp(() => end.recvSync() as number),
    queue: () => addUp(() => queue.getSync() as number),
    memory() {
      course.isDone.acquireSync();
      return course.number.value;
    },
  };
  if (way === "file") Deno.writeTextFileSync(path, "0");
  start.waitSync();
  const changedFrom = performance.now();
  const number = see[way]();
  return { carry, damaged, change: performance.now() - changedFrom, number };
}

/** What the ways are: a column for each. */
function showFacts(ways: readonly Way[]): void {
  const columns = ["", ...ways].map((way) => {
    const k = WAYS.indexOf(way as Way) + 1;
    const cells = [way, ...TEXTS.facts.map((fact) => fact[k])];
    const width = Math.max(...cells.map(columnsOf));
    return cells.map((cell) => fill(cell, width));
  });
  for (const k of columns[0].keys()) {
    console.log(columns.map((cells) => cells[k]).join("  ").trimEnd());
  }
}

function row([way, ...figures]: string[]): void {
  const cells = figures.map((cell, k) =>
    " ".repeat(Math.max(0, WIDTHS[k + 1] - columnsOf(cell))) + cell
  );
  console.log([fill(way, WIDTHS[0]), ...cells].join(" "));
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({
    string: ["way", "messages", "size", "changes"],
    default: { way: "all", messages: "500", size: "65536", changes: "2000" },
    bilingual: true,
  });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const chosen = oneOf("way", flags.way, ["all", ...WAYS]);
  const messages = wholeNumber("messages", flags.messages, 1, 1_000_000);
  const size = wholeNumber("size", flags.size, 1, ROOM.bytes);
  const changes = wholeNumber("changes", flags.changes, 1, 1_000_000);
  const ways = chosen === "all" ? WAYS : [chosen];

  const folder = temporaryFolder("ways", cleanup);
  const room = Math.max(1, Math.min(ROOM.messages, Math.floor(ROOM.bytes / size)));
  const memory = cleanup.use(new SharedMemory({ create: true, size: room * size }));

  showFacts(ways);
  console.log(`\n${TEXTS.what(messages, size, changes)}`);
  row(TEXTS.head);
  const times: Record<"carry" | "change", Map<Way, number>> = {
    carry: new Map(),
    change: new Map(),
  };
  let [damaged, lost] = [0, 0];
  for (const way of ways) {
    const [there, here] = pipe<Uint8Array | number>({ duplex: false });
    // A file has room for one message: the two take turns.
    const slots = way === "file" ? 1 : room;
    const isOpen = way === "file" || way === "memory";
    const course = {
      ...{ way, messages, size, changes, memory, slots },
      start: new Barrier(2),
      ...(isOpen && { mayWrite: new Semaphore(slots), mayRead: new Semaphore(0) }),
      path: join(folder, "message"),
      queue: new Queue<Uint8Array | number>(ROOM.messages),
      number: new Value("i32"),
      lock: new Lock(),
      isDone: new Semaphore(0),
    };
    const from = new Process(sender, { args: [{ ...course, end: here }], name: "sender" }).start();
    const to = new Process(receiver, { args: [{ ...course, end: there }], name: "receiver" })
      .start();
    // If one is lost, the one that waits for it does not outlive the script.
    cleanup.defer(() => [from, to].forEach((child) => child.kill()));
    here.close();
    there.close();
    const [done] = await Promise.all([to.result(), from.result()]);

    times.carry.set(way, done.carry);
    times.change.set(way, done.change);
    damaged += done.damaged;
    lost += changes - done.number;
    row([
      way,
      (done.carry * 1_000 / messages).toFixed(1),
      (messages * size / 1_000 / done.carry).toFixed(0),
      (done.change * 1_000 / changes).toFixed(1),
    ]);
  }
  const fastest = (of: Map<Way, number>) =>
    [...of.keys()].reduce((a, b) => of.get(a)! <= of.get(b)! ? a : b);
  const isRight = damaged === 0 && lost === 0;
  console.log(
    isRight
      ? TEXTS.fastest(fastest(times.carry), fastest(times.change))
      : TEXTS.damaged(damaged, lost),
  );
  return isRight ? 0 : 1;
}

if (import.meta.main) await runScript("ways", main);
