#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run --allow-ffi
/**
 * Producers put items on a queue, consumers get them: how does a consumer learn that it is over?
 *
 * An empty queue says nothing: a producer may be slow. Somebody must say that there will be no
 * more:
 *
 *     none        nobody says it: the consumers wait for ever
 *     early       the first producer that is done says it for all: items are left
 *     sentinel    one producer, one consumer: an item that means "no more" comes last
 *     sentinels   several: when all producers are done, main puts one for each consumer
 *     joinable    consumers report each item done; main waits for that, and needs no sentinel
 *                 (one report too many is an error)
 *     shutdown    when all producers are done, main shuts the queue down; Python has that for its
 *                 threads alone
 *
 * Try:
 *
 *     examples/processes/producer_consumer.ts                   the right way for several
 *     examples/processes/producer_consumer.ts --form none       consumers that give up
 *     examples/processes/producer_consumer.ts --form early      one producer is late
 *     examples/processes/producer_consumer.ts --form joinable   consumers that never end
 *     examples/processes/producer_consumer.ts --form shutdown   the shortest consumer
 *
 * @module
 */
import {
  currentProcess,
  Empty,
  Event,
  JoinableQueue,
  Process,
  Value,
} from "../../lib/multiprocessing.ts";
import { onMagenta, onYellow } from "../_shared/colors.ts";
import { inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript, UsageError, wholeNumber } from "../_shared/script.ts";

const FORMS = ["none", "early", "sentinel", "sentinels", "joinable", "shutdown"] as const;

const TEXTS = inLanguage({
  en: {
    usage: `Producers and consumers around a queue, and how consumers learn that it is over.

Usage: producer_consumer.ts [options]

  --form F        none, early, sentinel, sentinels, joinable or shutdown (sentinels)
  --producers N   how many producers there are (2; with sentinel 1)
  --consumers N   how many consumers there are (2; with sentinel 1)
  --items N       how many items each producer puts (3)
  --lang L        en or zh (en)
  --help          show this`,
    producer: (k: number) => `producer-${k}`,
    consumer: (k: number) => `consumer-${k}`,
    puts: (name: string, item: string) => `${name} puts ${item}`,
    gets: (name: string, item: string | null) => `${name} gets ${item}`,
    stops: (name: string) => `${name} gets a sentinel, and stops`,
    tooMany: (error: string) => `main reports one more done: ${error}`,
    givesUp: (name: string, ms: number) =>
      `${name} gives up: nothing for ${ms} ms, and nobody said that it is over`,
    seesShutdown: (name: string) => `${name} sees that the queue is shut down, and stops`,
    onlyOne: "--form sentinel is for one producer and one consumer: use sentinels",
    needsTwo: "--form early needs a second producer, one that is late",
    sum: (put: number, got: number, left: number, verdict: string) =>
      `${put} put, ${got} got, ${left} left: ${verdict}`,
    complete: "complete",
    stuck: "STUCK",
    early: "STOPPED EARLY",
  },
  zh: {
    usage: `生产者、消费者和一个队列：消费者怎样知道没有更多了。

用法：producer_consumer.ts [选项]

  --form F        形式：none、early、sentinel、sentinels、joinable 或 shutdown（默认 sentinels）
  --producers N   多少个生产者（默认 2；sentinel 时 1）
  --consumers N   多少个消费者（默认 2；sentinel 时 1）
  --items N       每个生产者生产多少个（默认 3）
  --lang L        语言：en 或 zh（默认 en）
  --help          显示本说明`,
    producer: (k: number) => `生产者${k}`,
    consumer: (k: number) => `消费者${k}`,
    puts: (name: string, item: string) => `${name} 生产了 包子${item}`,
    gets: (name: string, item: string | null) => `${name} 消费了 包子${item}`,
    stops: (name: string) => `${name} 取到哨兵，停止`,
    tooMany: (error: string) => `多报告了一次做完：${error}`,
    givesUp: (name: string, ms: number) => `${name} 放弃：${ms} ms 没有数据，也没有人说已经结束`,
    seesShutdown: (name: string) => `${name} 发现队列已经关闭，停止`,
    onlyOne: "--form sentinel 只适合一个生产者和一个消费者：请用 sentinels",
    needsTwo: "--form early 需要第二个生产者，一个来晚的",
    sum: (put: number, got: number, left: number, verdict: string) =>
      `生产 ${put} 个，消费 ${got} 个，剩余 ${left} 个：${verdict}`,
    complete: "一个不少",
    stuck: "卡住了",
    early: "停得太早",
  },
});

/** How long a consumer waits until it sees that this is hopeless, in ms. */
const PATIENCE = 500;

/** What means "no more". */
const SENTINEL = null;

/** What all of them share. */
interface Hall {
  /** A queue; that it can be joined is for the form `joinable` alone. */
  queue: JoinableQueue<string | typeof SENTINEL>;
  /** How many items were got, by all consumers. */
  got: Value;
  /** How many items a producer puts, and how many sentinels after them. */
  items: number;
  sentinels: number;
  /** What a late producer waits for before it starts. */
  late?: Event;
}

/** One producer: puts its items, and after them so many sentinels. */
export async function producer({ queue, items, sentinels, late }: Hall): Promise<void> {
  const { name } = currentProcess();
  await late?.wait();
  for (let k = 1; k <= items; k++) {
    const item = `${name.replace(/^\D+/, "")}.${k}`;
    console.log(onMagenta(TEXTS.puts(name, item)));
    await queue.put(item);
  }
  for (let k = 0; k < sentinels; k++) await queue.put(SENTINEL);
}

/** One consumer: gets items until it gets a sentinel. */
export async function consumer({ queue, got }: Hall): Promise<void> {
  const { name } = currentProcess();
  for (;;) {
    const item = await queue.get();
    if (item === SENTINEL) break;
    console.log(onYellow(TEXTS.gets(name, item)));
    got.add(1);
  }
  console.log(TEXTS.stops(name));
}

/** One consumer that nobody tells to stop: without the timeout it would wait for ever. */
export async function hopeful({ queue, got }: Hall): Promise<void> {
  const { name } = currentProcess();
  try {
    for (;;) {
      const item = await queue.get({ timeout: PATIENCE });
      console.log(onYellow(TEXTS.gets(name, item)));
      got.add(1);
    }
  } catch (error) {
    if (!(error instanceof Empty)) throw error;
    console.log(TEXTS.givesUp(name, PATIENCE));
  }
}

/** One consumer that says what is done, and never stops: as a daemon, it ends with the program. */
export async function daemon({ queue, got }: Hall): Promise<void> {
  const { name } = currentProcess();
  for (;;) {
    const item = await queue.get();
    console.log(onYellow(TEXTS.gets(name, item)));
    got.add(1);
    queue.taskDone();
  }
}

/** One consumer that gets items until the queue is shut down and empty. */
export async function drainer({ queue, got }: Hall): Promise<void> {
  const { name } = currentProcess();
  for await (const item of queue) {
    console.log(onYellow(TEXTS.gets(name, item)));
    got.add(1);
  }
  console.log(TEXTS.seesShutdown(name));
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({
    string: ["form", "producers", "consumers", "items"],
    default: { form: "sentinels", items: "3" },
    bilingual: true,
  });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const form = oneOf("form", flags.form, FORMS);
  const usual = form === "sentinel" ? 1 : 2;
  const producers = wholeNumber("producers", flags.producers ?? usual, 1, 100);
  const consumers = wholeNumber("consumers", flags.consumers ?? usual, 1, 100);
  const items = wholeNumber("items", flags.items, 1, 10_000);
  if (form === "sentinel" && (producers > 1 || consumers > 1)) {
    throw new UsageError(TEXTS.onlyOne);
  }
  if (form === "early" && producers === 1) {
    throw new UsageError(TEXTS.needsTwo);
  }

  const queue = new JoinableQueue<string | typeof SENTINEL>();
  const hall: Hall = { queue, got: new Value("i32"), items, sentinels: 0 };
  const children: Process<void>[] = [];
  // If one is lost, those that wait for it do not outlive the script.
  cleanup.defer(() => children.forEach((child) => child.kill()));
  const start = (target: (hall: Hall) => Promise<void>, names: string[], its: Partial<Hall> = {}) =>
    names.map((name) => {
      const args: [Hall] = [{ ...hall, ...its }];
      const child = new Process(target, { args, name, daemon: target === daemon }).start();
      children.push(child);
      return child;
    });
  const makers = Array.from({ length: producers }, (_, k) => TEXTS.producer(k + 1));
  const takers = Array.from({ length: consumers }, (_, k) => TEXTS.consumer(k + 1));

  if (form === "none") {
    await ended(start(producer, makers));
    // Everything is there: who gives up now was not too hasty.
    await ended(start(hopeful, takers));
  } else if (form === "early") {
    // The others are late every time, not only when the system pleases.
    const late = new Event();
    const others = start(producer, makers.slice(1), { late });
    const first = start(producer, makers.slice(0, 1), { sentinels: consumers });
    await ended([...first, ...start(consumer, takers)]);
    late.set();
    await ended(others);
  } else if (form === "sentinel") {
    await ended([...start(producer, makers, { sentinels: 1 }), ...start(consumer, takers)]);
  } else if (form === "sentinels") {
    const crowd = start(consumer, takers);
    await ended(start(producer, makers));
    for (let k = 0; k < consumers; k++) await queue.put(SENTINEL);
    await ended(crowd);
  } else if (form === "joinable") {
    const crowd = start(daemon, takers);
    await ended(start(producer, makers));
    // A daemon never ends, unless it is lost: then what it got is never done.
    const lost = new AbortController();
    ended(crowd).catch((error) => lost.abort(error));
    await queue.join({ signal: lost.signal });
    try {
      queue.taskDone();
    } catch (error) {
      console.log(TEXTS.tooMany(String(error)));
    }
  } else {
    const crowd = start(drainer, takers);
    await ended(start(producer, makers));
    queue.shutdown();
    await ended(crowd);
  }

  const put = producers * items;
  const got = hall.got.value;
  const outcome = form === "none" ? "stuck" : got === put ? "complete" : "early";
  console.log(TEXTS.sum(put, got, queue.qsize(), TEXTS[outcome]));
  return outcome === "complete" ? 0 : 1;
}

/** Waits until all have ended, or one has failed. */
async function ended(children: Process<void>[]): Promise<void> {
  await Promise.all(children.map((child) => child.result()));
}

if (import.meta.main) await runScript("producer_consumer", main);
