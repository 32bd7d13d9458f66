#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net=127.0.0.1
/**
 * A crawler as one would build it for work: stages of threads, with bounded queues between them.
 *
 *     frontier -> urls -> fetchers -> pages -> parser -> records -> saver -> outcomes
 *        ^                                                                      |
 *        +-------------------------- links that are new ------------------------+
 *
 * Each stage is a subclass of Thread and does one thing. The queues hold only a few items, so a
 * fast stage waits for a slow one and nothing piles up. Main alone knows which pages were seen. It
 * always takes outcomes while it puts URLs: in such a ring of bounded queues all could otherwise
 * wait for each other. One thread writes the log.
 *
 * When nothing is left to do, the queues are shut down one after the other, from the front: each
 * stage finishes what it has, then ends. After Ctrl-C it is the same, but nothing new is taken on.
 *
 * A worker that dies takes its page with it, unless somebody knows what it had in hand: main does,
 * and the thread that replaces it begins with that page.
 *
 * Try:
 *
 *     examples/crawler.ts                       a small site: 14 pages, one of them missing
 *     examples/crawler.ts --verbose             what each stage does
 *     examples/crawler.ts --crash               a fetcher dies, is told and replaced
 *     examples/crawler.ts --crash --no-replace  a fetcher dies, and a page is lost
 *     examples/crawler.ts --latency 300         press Ctrl-C in the middle
 *
 * @module
 */
import { join } from "node:path";
import { Queue } from "../lib/queue.ts";
import { abortOn } from "../lib/signal.ts";
import { setExcepthook, type Thread } from "../lib/threading.ts";
import { Frontier } from "./_shared/crawler/frontier.ts";
import { serveSite } from "./_shared/crawler/site.ts";
import {
  type Entry,
  Fetcher,
  type Job,
  Logger,
  type LogLine,
  type Page,
  Parser,
  Saver,
} from "./_shared/crawler/stages.ts";
import { inLanguage } from "./_shared/language.ts";
import { readFlags, runScript, UsageError, wholeNumber } from "./_shared/script.ts";
import { temporaryFolder } from "./_shared/temporary.ts";

const WORDS = inLanguage({
  en: {
    usage: `A crawler of three stages: fetch, parse, save, with bounded queues between them.

Usage: crawler.ts [options]

  --latency MS   how long the server takes for a page (20)
  --fetchers N   how many threads fetch (2)
  --crash        let a fetcher die in the middle of a page
  --no-replace   do not replace it
  --verbose      log each step of each page
  --lang L       en or zh (en)
  --help         show this`,
    begins: (url: string) => `crawls ${url}`,
    died: (name: string, reason: string) => `${name} has died: ${reason}`,
    replaced: (name: string, of: string) => `${name} takes the place of ${of}`,
    lost: (path: string) => `nobody goes on with ${path}: it is lost`,
    interrupted: "Ctrl-C: takes on nothing new, finishes what has begun",
    left: (count: number) => `${count} seen, but not taken on`,
    total: (taken: number, saved: number, missing: number, lost: number) =>
      `pages in: ${taken}; out: ${saved} saved + ${missing} missing = ${saved + missing}: ${
        lost === 0 ? "complete" : `${lost} LOST`
      }`,
    wrong: "THE FILE IS NOT AS THE COUNTS SAY",
    needsCrash: "--no-replace needs --crash, and a fetcher that stays",
  },
  zh: {
    usage: `三级流水线的爬虫：抓取、解析、保存，中间是有上限的队列。

用法：crawler.ts [选项]

  --latency MS   服务器返回一页要多少毫秒（默认 20）
  --fetchers N   几个线程负责抓取（默认 2）
  --crash        让一个抓取线程中途死掉
  --no-replace   死了也不补
  --verbose      每一页的每一步都写进日志
  --lang L       语言：en 或 zh（默认 en）
  --help         显示本说明`,
    begins: (url: string) => `开始爬取 ${url}`,
    died: (name: string, reason: string) => `${name} 死了：${reason}`,
    replaced: (name: string, of: string) => `${name} 接替 ${of}`,
    lost: (path: string) => `没有人接着抓 ${path}：这一页丢了`,
    interrupted: "Ctrl-C：不再接新的页面，做完手上的就结束",
    left: (count: number) => `发现了但没有去抓的页面：${count}`,
    total: (taken: number, saved: number, missing: number, lost: number) =>
      `进 ${taken} 页，保存 ${saved} + 不存在 ${missing} = 出 ${saved + missing} 页：${
        lost === 0 ? "完整" : `丢了 ${lost} 页`
      }`,
    wrong: "文件内容与计数不符",
    needsCrash: "--no-replace 要和 --crash 一起用，还要有一个活下来的抓取线程",
  },
});

/** How many items a queue between two stages holds. */
const QUEUE_SIZE = 3;
/** The page at which a fetcher dies. */
const TRAP = "/5";

/** What is to be done. */
interface Plan {
  origin: string;
  /** Where the saver writes. */
  file: string;
  fetchers: number;
  /** The page at which a fetcher dies. */
  trap?: string;
  /** Replace a fetcher that dies. */
  replace: boolean;
  verbose: boolean;
}

/** Crawls a site to its end, or until Ctrl-C. */
async function crawl(plan: Plan, cleanup: AsyncDisposableStack): Promise<[Frontier, boolean]> {
  const log = new Queue<LogLine>();
  const urls = new Queue<Job>(QUEUE_SIZE);
  const pages = new Queue<Page>(QUEUE_SIZE);
  const records = new Queue<Entry>(QUEUE_SIZE);
  const outcomes = new Queue<Entry>(QUEUE_SIZE);
  const frontier = new Frontier();
  const tell = (level: LogLine["level"], text: string) => log.put({ level, who: "main", text });

  const workers: Thread<void>[] = [];
  // Should one fail for which there is no plan, the others do not outlive the script.
  cleanup.defer(() => workers.forEach((worker) => worker.terminate()));
  const start = <T extends Thread<void>>(worker: T): T => {
    workers.push(worker.start());
    return worker;
  };
  let number = 0;
  const startFetcher = (its: { trap?: string; inherited?: Job }) => {
    const fetcher = new Fetcher(`fetcher-${++number}`, urls, pages, log);
    return start(Object.assign(fetcher, { origin: plan.origin, ...its }));
  };

  /** Waits for a fetcher's end; if it dies, another one begins with what it had in hand. */
  const supervise = async (fetcher: Fetcher): Promise<void> => {
    try {
      return await fetcher.result();
    } catch (error) {
      const job = frontier.at(fetcher.hand.value);
      if (job === undefined) throw error;
      await tell("WARN", WORDS.died(fetcher.name, (error as Error).message));
      // A page of which two have died is not tried a third time.
      const isLost = !plan.replace || fetcher.inherited?.number === job.number;
      if (isLost) {
        await tell("WARN", WORDS.lost(job.path));
        frontier.settle(job.number, "lost");
      }
      if (!plan.replace) return;
      const next = startFetcher(isLost ? {} : { inherited: job });
      await tell("INFO", WORDS.replaced(next.name, fetcher.name));
      return await supervise(next);
    }
  };
  /** Takes what comes out, and looks for new links in it. */
  const receive = async (): Promise<void> => {
    for await (const { number, status, links } of outcomes) {
      for (const link of links) frontier.add(link);
      frontier.settle(number, status === 200 ? "saved" : "missing");
    }
  };
  /** Ends the stages one after the other: each when nothing can come any more. */
  const endInOrder = async (): Promise<void> => {
    await Promise.all([frontier.feed(urls), ...fetchers.map(supervise)]);
    pages.shutdown();
    await parser.result();
    records.shutdown();
    await saver.result();
    outcomes.shutdown();
  };

  // What a dying thread would print is in the log.
  setExcepthook(() => {});
  using interrupt = abortOn("SIGINT");
  interrupt.addEventListener("abort", () => {
    // At the very end nobody writes the log any more.
    tell("WARN", WORDS.interrupted).catch(() => {});
    frontier.close();
  });
  const logger = start(new Logger(log, plan.verbose));
  await tell("INFO", WORDS.begins(plan.origin));
  frontier.add("/1");
  const { trap, file } = plan;
  const fetchers = Array.from({ length: plan.fetchers }, () => startFetcher({ trap }));
  const parser = start(new Parser("parser", pages, records, log));
  const saver = start(Object.assign(new Saver("saver", records, outcomes, log), { file }));
  await Promise.all([endInOrder(), receive()]);
  log.shutdown();
  await logger.result();
  return [frontier, interrupt.aborted];
}

/** True if as many came out as went in, and each page that was saved is in the file once. */
async function isRight({ taken, saved, missing, lost }: Frontier, file: string): Promise<boolean> {
  const lines = saved === 0 ? [] : (await Deno.readTextFile(file)).trimEnd().split("\n");
  const written = new Set(lines.map((line) => JSON.parse(line).path));
  return lines.length === saved && written.size === saved && taken === saved + missing + lost;
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({
    boolean: ["crash", "replace", "verbose"],
    string: ["latency", "fetchers"],
    negatable: ["replace"],
    default: { latency: "20", fetchers: "2", replace: true },
    bilingual: true,
  });
  if (flags.help) {
    console.log(WORDS.usage);
    return 0;
  }
  const latency = wholeNumber("latency", flags.latency, 0, 60_000);
  const fetchers = wholeNumber("fetchers", flags.fetchers, 1, 16);
  const replace = flags.replace === true;
  if (!replace && !(flags.crash && fetchers > 1)) throw new UsageError(WORDS.needsCrash);

  const server = serveSite(latency);
  cleanup.defer(() => server.shutdown());
  const origin = `http://127.0.0.1:${server.addr.port}`;
  const folder = temporaryFolder("crawler", cleanup);
  const file = join(folder, "pages.jsonl");
  const trap = flags.crash ? TRAP : undefined;

  const plan = { origin, file, fetchers, trap, replace, verbose: flags.verbose === true };
  const [frontier, isInterrupted] = await crawl(plan, cleanup);
  if (!await isRight(frontier, file)) {
    console.log(WORDS.wrong);
    return 1;
  }
  const { taken, saved, missing, lost, left } = frontier;
  if (left > 0) console.log(WORDS.left(left));
  console.log(WORDS.total(taken, saved, missing, lost));
  if (isInterrupted) return 130;
  return lost === 0 ? 0 : 1;
}

// Ctrl-C is part of the plan.
if (import.meta.main) await runScript("crawler", main, { endsOnCtrlC: false });
