#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run --allow-ffi
/**
 * A queue that is full, a queue that is empty, and a loop that asks whether it is.
 *
 * `full()` and `empty()` are true for the moment in which they are asked: before the next line
 * runs, somebody else may have put or got. So `while (!queue.empty())` is wrong in two ways:
 *
 *     early   the producer is slow: the queue is empty, and the loop ends, before all is there
 *     stuck   two consumers see the one item that is left: one gets it, the other waits for ever
 *     right   get() without asking, until an item says that it is over
 *
 * Try:
 *
 *     examples/processes/queue_limits.ts                what a limit does, then the three loops
 *     examples/processes/queue_limits.ts --part limit   full, empty, nowait, block: false, timeout
 *     examples/processes/queue_limits.ts --part stuck   the more common bug
 *
 * @module
 */
import { Barrier, currentProcess, Empty, Process, Queue } from "../../lib/multiprocessing.ts";
import { fill, inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `Full and empty queues, and why not to ask a queue whether it is empty.

Usage: queue_limits.ts [options]

  --part P   limit, early, stuck, right, or all of them in turn (all)
  --lang L   en or zh (en)
  --help     show this`,
    asker: (k: number) => `asker-${k}`,
    waiter: (k: number) => `waiter-${k}`,
    says: (who: string, what: string) => `  ${who} ${what}`,
    sees: "sees an item",
    gets: (item: string | null) => `gets ${item}`,
    puts: (item: string) => `puts ${item}`,
    givesUp: (ms: number) =>
      `gives up: nothing for ${ms} ms, and without a timeout it would wait for ever`,
    seesEmpty: "sees an empty queue, and stops",
    stops: "gets a sentinel, and stops",
    title: {
      limit: "limit: a queue for 3",
      early: "early: while (!queue.empty()), and a slow producer",
      stuck: "stuck: while (!queue.empty()), and two that ask",
      right: "right: get() until a sentinel comes",
    },
    done: "done",
    thenGet: "put(123), and then get()",
    putEnded: "the put has ended",
    told: "who does not want to wait is told: as it should be",
    wrong: "WRONG",
    left: (left: number, isEmpty: boolean) =>
      `${left} of 3 items left: ${isEmpty ? "complete" : "STOPPED EARLY"}`,
    hopeless: (n: number) => `${n} of 2 would wait for ever: ${n === 0 ? "complete" : "STUCK"}`,
    sum: (bad: string[], good: string[]) => `wrong: ${bad.join(", ")}; right: ${good.join(", ")}`,
  },
  zh: {
    usage: `满的队列、空的队列，以及为什么不要问队列空不空。

用法：queue_limits.ts [选项]

  --part P   部分：limit、early、stuck、right，或者依次全部 all（默认 all）
  --lang L   语言：en 或 zh（默认 en）
  --help     显示本说明`,
    asker: (k: number) => `询问者 ${k}`,
    waiter: (k: number) => `等待者 ${k}`,
    says: (who: string, what: string) => `  ${who}：${what}`,
    sees: "看到队列里有数据",
    gets: (item: string | null) => `取出 ${item}`,
    puts: (item: string) => `放入 ${item}`,
    givesUp: (ms: number) => `放弃：${ms} ms 没有数据，要是没有 timeout 就永远等下去了`,
    seesEmpty: "看到队列空了，停止",
    stops: "取到哨兵，停止",
    title: {
      limit: "limit：最多放 3 个的队列",
      early: "early：while (!queue.empty())，而生产者很慢",
      stuck: "stuck：while (!queue.empty())，两个一起问",
      right: "right：一直 get()，直到取到哨兵",
    },
    done: "完成",
    thenGet: "put(123)，然后 get()",
    putEnded: "刚才的 put 结束了",
    told: "不想等的，当场就知道：正该如此",
    wrong: "结果不对",
    left: (left: number, isEmpty: boolean) =>
      `3 个数据剩余 ${left} 个：${isEmpty ? "一个不少" : "停得太早"}`,
    hopeless: (n: number) => `2 个里有 ${n} 个会永远等下去：${n === 0 ? "都结束了" : "卡住了"}`,
    sum: (bad: string[], good: string[]) => `错误：${bad.join("、")}；正确：${good.join("、")}`,
  },
});

/** How long a put or get waits until it sees that this is hopeless, in ms. */
const PATIENCE = 200;

/** What means "no more". */
const SENTINEL = null;
type Items = Queue<string | typeof SENTINEL>;

/** The wrong loop. Says whether it came to its end. */
export async function asker(queue: Items, bothHaveSeen?: Barrier): Promise<boolean> {
  while (!queue.empty()) {
    say(TEXTS.sees);
    await bothHaveSeen?.wait();
    try {
      say(TEXTS.gets(await queue.get({ timeout: PATIENCE })));
    } catch (error) {
      if (!(error instanceof Empty)) throw error;
      say(TEXTS.givesUp(PATIENCE));
      return false;
    }
  }
  say(TEXTS.seesEmpty);
  return true;
}

/** The right loop. */
export async function waiter(queue: Items): Promise<void> {
  for (;;) {
    const item = await queue.get();
    if (item === SENTINEL) break;
    say(TEXTS.gets(item));
  }
  say(TEXTS.stops);
}

function say(what: string): void {
  console.log(TEXTS.says(currentProcess().name, what));
}

/** What a queue says when it is full, and when it is empty. */
async function limit(): Promise<boolean> {
  console.log(TEXTS.title.limit);
  const queue = new Queue<unknown>(3);
  const answers: unknown[] = [];
  const ask = async (what: string, call: () => unknown) => {
    const answer = await Promise.try(call).catch((error) => error.name);
    const text = typeof answer === "string" ? answer : Deno.inspect(answer);
    answers.push(text);
    console.log(`  ${fill(what, 26)} ${answer === undefined ? TEXTS.done : text}`);
  };
  const timeout = PATIENCE;
  await ask("getNowait()", () => queue.getNowait());
  await ask("get({ block: false })", () => queue.get({ block: false }));
  await ask(`get({ timeout: ${timeout} })`, () => queue.get({ timeout }));
  await ask('put("hello")', () => queue.put("hello"));
  await ask("put({ a: 1 })", () => queue.put({ a: 1 }));
  await ask("put([3, 3, 3])", () => queue.put([3, 3, 3]));
  await ask("full()", () => queue.full());
  await ask("putNowait(123)", () => queue.putNowait(123));
  await ask("put(123, { block: false })", () => queue.put(123, { block: false }));
  await ask(`put(123, { timeout: ${timeout} })`, () => queue.put(123, { timeout }));
  const waiting = queue.put(123);
  await ask(TEXTS.thenGet, () => queue.get());
  await ask(TEXTS.putEnded, () => waiting);
  for (let k = 0; k < 3; k++) await ask("get()", () => queue.get());
  await ask("empty()", () => queue.empty());
  const none = "undefined";
  const isRight = answers.join("; ") === [
    ...["Empty", "Empty", "Empty", none, none, none, "true", "Full", "Full", "Full"],
    ...["hello", none, "{ a: 1 }", "[ 3, 3, 3 ]", "123", "true"],
  ].join("; ");
  console.log(isRight ? TEXTS.told : TEXTS.wrong);
  return isRight;
}

/** One asks whether the queue is empty; the last item is late, every time. */
async function early(): Promise<boolean> {
  console.log(TEXTS.title.early);
  const queue: Items = new Queue();
  await queue.put("A");
  await queue.put("B");
  await start(TEXTS.asker(1), asker, queue).result();
  say(TEXTS.puts("C"));
  await queue.put("C");
  console.log(TEXTS.left(queue.qsize(), queue.empty()));
  return queue.empty();
}

/** Two ask before either of them gets, every time. */
async function stuck(): Promise<boolean> {
  console.log(TEXTS.title.stuck);
  const queue: Items = new Queue();
  await queue.put("A");
  const bothHaveSeen = new Barrier(2);
  const askers = [1, 2].map((k) => start(TEXTS.asker(k), asker, queue, bothHaveSeen));
  const ends = await Promise.all(askers.map((child) => child.result()));
  const hopeless = ends.filter((hasEnded) => !hasEnded).length;
  console.log(TEXTS.hopeless(hopeless));
  return hopeless === 0;
}

/** Two wait, and each is told that it is over. */
async function right(): Promise<boolean> {
  console.log(TEXTS.title.right);
  const queue: Items = new Queue();
  const waiters = [1, 2].map((k) => start(TEXTS.waiter(k), waiter, queue));
  for (const item of ["A", "B", "C", SENTINEL, SENTINEL]) {
    if (item !== SENTINEL) say(TEXTS.puts(item));
    await queue.put(item);
  }
  await Promise.all(waiters.map((child) => child.result()));
  console.log(TEXTS.left(queue.qsize(), queue.empty()));
  return queue.empty();
}

const PARTS = { limit, early, stuck, right };
type Part = keyof typeof PARTS;
const NAMES = Object.keys(PARTS) as Part[];

const children: { kill(): void }[] = [];

function start<R, A extends unknown[]>(
  name: string,
  target: (...args: A) => Promise<R>,
  ...args: A
): Process<R, A> {
  const child = new Process<R, A>(target, { args, name }).start();
  children.push(child);
  return child;
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({ string: ["part"], default: { part: "all" }, bilingual: true });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const part = oneOf("part", flags.part, ["all", ...NAMES]);
  // If one is lost, those that wait for it do not outlive the script.
  cleanup.defer(() => children.forEach((child) => child.kill()));

  if (part !== "all") return await PARTS[part]() ? 0 : 1;
  const good: Part[] = [];
  const bad: Part[] = [];
  for (const name of NAMES) (await PARTS[name]() ? good : bad).push(name);
  console.log(TEXTS.sum(bad, good));
  return bad.join() === "early,stuck" ? 0 : 1;
}

if (import.meta.main) await runScript("queue_limits", main);
