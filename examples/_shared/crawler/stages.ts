/**
 * The stages of examples/crawler.ts: what each thread of it does.
 *
 * @module
 */
import type { Queue } from "../../../lib/queue.ts";
import { Thread, Value } from "../../../lib/threading.ts";
import { inLanguage } from "../language.ts";

const WORDS = inLanguage({
  en: {
    fetched: (path: string, status: number) => `${path}: ${status}`,
    parsed: (path: string, links: number) => `${path}: ${links} links`,
    saved: (path: string, title: string) => `saved ${path}: ${title}`,
    missing: (path: string) => `missing: ${path}`,
    ends: (count: number) => `ends after ${count}`,
    dies: (path: string) => `no memory left for ${path}`,
  },
  zh: {
    fetched: (path: string, status: number) => `${path}：${status}`,
    parsed: (path: string, links: number) => `${path}：${links} 个链接`,
    saved: (path: string, title: string) => `已保存 ${path}：${title}`,
    missing: (path: string) => `页面不存在：${path}`,
    ends: (count: number) => `处理了 ${count} 页，结束`,
    dies: (path: string) => `抓取 ${path} 时内存不足`,
  },
});

/** A page to fetch; `number` is its place among all that were seen. */
export interface Job {
  number: number;
  path: string;
}

/** A page that was fetched. */
export interface Page extends Job {
  status: number;
  html: string;
}

/** What is known of a page. */
export interface Entry extends Job {
  status: number;
  title: string;
  links: string[];
}

/** A line of the log. */
export interface LogLine {
  level: "DEBUG" | "INFO" | "WARN";
  /** The thread that says it. */
  who: string;
  text: string;
}

/** In no worker's hand. */
const NOTHING = -1;

/** A stage: makes of each item of one queue an item of the next. */
export abstract class Stage<In extends Job, Out> extends Thread<void> {
  /** The number of the item that it has in hand: main looks, should the thread die. */
  hand = new Value("i32", NOTHING);
  count = 0;

  constructor(
    name: string,
    public input: Queue<In>,
    public output: Queue<Out>,
    public log: Queue<LogLine>,
  ) {
    super(import.meta, { name });
  }

  /** Makes an item of the next queue. */
  abstract work(item: In): Out | Promise<Out>;

  override async run(): Promise<void> {
    for await (const item of this.input) await this.handle(item);
    await this.tell("INFO", WORDS.ends(this.count));
  }

  /** Works on an item. */
  async handle(item: In): Promise<void> {
    this.hand.value = item.number;
    await this.output.put(await this.work(item));
    this.hand.value = NOTHING;
    this.count++;
  }

  /** Writes a line into the log. */
  async tell(level: LogLine["level"], text: string): Promise<void> {
    await this.log.put({ level, who: this.name, text });
  }
}

/** Gets pages from the server. */
export class Fetcher extends Stage<Job, Page> {
  /** Where the server is. */
  origin = "";
  /** The path at which it dies. */
  trap?: string;
  /** What a predecessor had in hand. */
  inherited?: Job;

  override async run(): Promise<void> {
    if (this.inherited !== undefined) await this.handle(this.inherited);
    await super.run();
  }

  override async work({ number, path }: Job): Promise<Page> {
    if (path === this.trap) throw new Error(WORDS.dies(path));
    const response = await fetch(this.origin + path);
    const html = await response.text();
    await this.tell("DEBUG", WORDS.fetched(path, response.status));
    return { number, path, status: response.status, html };
  }
}

/** Finds the title of a page, and its links. */
export class Parser extends Stage<Page, Entry> {
  override async work({ number, path, status, html }: Page): Promise<Entry> {
    const links = html.matchAll(/<a href="([^"]+)">/g).map(([, link]) => link).toArray();
    const [, title] = /<title>(.*)<\/title>/.exec(html) ?? [, ""];
    await this.tell("DEBUG", WORDS.parsed(path, links.length));
    return { number, path, status, title, links };
  }
}

/** Writes down what is known of each page, a line for each. */
export class Saver extends Stage<Entry, Entry> {
  file = "";

  override async work(entry: Entry): Promise<Entry> {
    const { path, status, title, links } = entry;
    if (status === 200) {
      const line = JSON.stringify({ path, title, links });
      await Deno.writeTextFile(this.file, `${line}\n`, { append: true });
      await this.tell("INFO", WORDS.saved(path, title));
    } else await this.tell("WARN", WORDS.missing(path));
    return entry;
  }
}

/** Writes the log: one thread, so that no two lines are mixed. */
export class Logger extends Thread<void> {
  constructor(public lines: Queue<LogLine>, public verbose: boolean) {
    super(import.meta, { name: "logger" });
  }

  override async run(): Promise<void> {
    for await (const { level, who, text } of this.lines) {
      if (level === "DEBUG" && !this.verbose) continue;
      console.log(`${level.padEnd(5)}  ${who.padEnd(9)}  ${text}`);
    }
  }
}
