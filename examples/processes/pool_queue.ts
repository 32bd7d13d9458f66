#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run --allow-ffi
/**
 * A pool and a queue together: workers report while they work, and we read along.
 *
 * How does the queue get to the workers?
 *
 *     initializer   each worker is given it once, when it starts, and keeps it in a variable
 *     argument      each call brings it along
 *     manager       each call brings along a manager's queue
 *
 * In Python the second does not work: "Queue objects should only be shared between processes
 * through inheritance", so it takes the initializer or, for calls, a Manager: its queue is a proxy,
 * and proxies may be sent. Here a queue can be sent as anything else. The Manager's is for where
 * there is no --allow-ffi.
 *
 * Try:
 *
 *     examples/processes/pool_queue.ts                     the three, one after the other
 *     examples/processes/pool_queue.ts --way initializer   one of them
 *     deno run --allow-read --allow-write --allow-net --allow-run \
 *         examples/processes/pool_queue.ts --way manager   it needs no --allow-ffi
 *
 * @module
 */
import {
  currentProcess,
  Manager,
  Pool,
  Queue,
  type QueueProxy,
} from "../../lib/multiprocessing.ts";
import { inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `Workers of a pool report through a queue: three ways to give it to them.

Usage: pool_queue.ts [options]

  --way W     initializer, argument, manager, or all of them in turn (all)
  --pages N   how many pages there are to read (6)
  --lang L    en or zh (en)
  --help      show this`,
    title: (name: string) => `${name}:`,
    read: ({ by, page, words }: Finding) => `  ${by} read page ${page}: ${words} words`,
    sum: (came: number, all: number, isComplete: boolean) =>
      `  ${came} of ${all} came through the queue: ${isComplete ? "each page once" : "INCOMPLETE"}`,
  },
  zh: {
    usage: `池里的进程通过队列汇报：把队列交给它们的三种办法。

用法：pool_queue.ts [选项]

  --way W     方式：initializer、argument、manager，或者依次全部 all（默认 all）
  --pages N   要读多少页（默认 6）
  --lang L    语言：en 或 zh（默认 en）
  --help      显示本说明`,
    title: (name: string) => `${name}：`,
    read: ({ by, page, words }: Finding) => `  ${by} 读了第 ${page} 页：${words} 个字`,
    sum: (came: number, all: number, isComplete: boolean) =>
      `  ${all} 页，队列里来了 ${came} 页：${isComplete ? "每页正好一次" : "不完整"}`,
  },
});

/** What a worker has found. */
interface Finding {
  page: number;
  words: number;
  by: string;
}

/** A queue to put findings in: of this toolkit's memory, or a manager's. */
type Findings = Pick<QueueProxy<Finding>, "put">;

/** The queue of a worker that was given one when it started. */
let mine: Findings | undefined;

/** What each worker does first. */
export function open(findings: Queue<Finding>): void {
  mine = findings;
}

/** Reads a page, and tells of it through the worker's own queue. */
export async function read(page: number): Promise<number> {
  return await readInto(page, mine!);
}

/** Reads a page, and tells of it through the queue that came with the call. */
export async function readInto(page: number, findings: Findings): Promise<number> {
  const words = 100 + (page * 37) % 50;
  await findings.put({ page, words, by: currentProcess().name });
  return words;
}

type Way = (pages: number[]) => Promise<[findings: Finding[], words: number[]]>;

/** Reads along: as many findings as there are pages. */
async function collect(
  findings: { get(): Promise<Finding> },
  pages: number[],
): Promise<Finding[]> {
  const all: Finding[] = [];
  while (all.length < pages.length) all.push(await findings.get());
  return all;
}

const initializer: Way = async (pages) => {
  const findings = new Queue<Finding>();
  await using pool = new Pool(2, { initializer: open, initArgs: [findings] });
  return await Promise.all([collect(findings, pages), pool.map(read, pages)]);
};

const argument: Way = async (pages) => {
  const findings = new Queue<Finding>();
  await using pool = new Pool(2);
  const calls = pages.map((page): [number, Findings] => [page, findings]);
  return await Promise.all([collect(findings, pages), pool.starmap(readInto, calls)]);
};

const manager: Way = async (pages) => {
  await using manager = await Manager.start();
  const findings = await manager.Queue<Finding>();
  await using pool = new Pool(2);
  const calls = pages.map((page): [number, Findings] => [page, findings]);
  return await Promise.all([collect(findings, pages), pool.starmap(readInto, calls)]);
};

const WAYS: Record<string, Way> = { initializer, argument, manager };
const NAMES = Object.keys(WAYS);

async function show(name: string, pages: number[]): Promise<boolean> {
  console.log(TEXTS.title(name));
  const [findings, words] = await WAYS[name](pages);
  for (const finding of findings) console.log(TEXTS.read(finding));
  const read = findings.map(({ page }) => page).toSorted((a, b) => a - b);
  const isComplete = read.join() === pages.join() &&
    findings.every((finding) => finding.words === words[pages.indexOf(finding.page)]);
  console.log(TEXTS.sum(findings.length, pages.length, isComplete));
  return isComplete;
}

async function main(): Promise<number> {
  const flags = readFlags({
    string: ["way", "pages"],
    default: { way: "all", pages: "6" },
    bilingual: true,
  });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const way = oneOf("way", flags.way, ["all", ...NAMES]);
  const count = wholeNumber("pages", flags.pages, 1, 10_000);

  const pages = Array.from({ length: count }, (_, k) => k + 1);
  let areComplete = true;
  for (const name of way === "all" ? NAMES : [way]) {
    if (!await show(name, pages)) areComplete = false;
  }
  return areComplete ? 0 : 1;
}

if (import.meta.main) await runScript("pool_queue", main);
