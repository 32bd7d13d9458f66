#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run --allow-ffi
/**
 * Several jobs, one printer: the terminal.
 *
 * The printer takes one sheet at a time from whoever comes, so pages of different jobs get mixed
 * unless each job locks the printer until its last page is out.
 *
 * Try:
 *
 *     examples/printer.ts                      job after job
 *     examples/printer.ts --no-lock            page by page, whose turn it happens to be
 *     examples/printer.ts --jobs 5 --pages 2   more of them
 *     examples/printer.ts --workers threads    threads instead of processes
 *
 * @module
 */
import { join } from "node:path";
import type { Lock } from "../lib/threading.ts";
import { sleep } from "../lib/time.ts";
import { Crew, type Gate, pass, USUAL, WORKERS } from "./_shared/crew.ts";
import { inLanguage } from "./_shared/language.ts";
import { oneOf, readFlags, runScript, wholeNumber } from "./_shared/script.ts";
import { temporaryFolder } from "./_shared/temporary.ts";

const TEXTS = inLanguage({
  en: {
    usage: `Several jobs on one printer, with and without a lock.

Usage: printer.ts [options]

  --jobs N       how many jobs (3)
  --pages N      how many pages each job has (3)
  --workers W    what the jobs are: processes or threads (${USUAL})
  --no-lock      let them all print at the same time
  --lang L       en or zh (en)
  --help         show this`,
    job: (k: number) => `job-${k}`,
    page: (name: string, page: number, pages: number) => `${name} page ${page}/${pages}`,
    broken: (jobs: number, broken: number) => `${jobs} jobs, ${broken} broken up: `,
    orderly: "orderly",
    garbled: "GARBLED",
  },
  zh: {
    usage: `几份文件，一台打印机：加锁和不加锁。

用法：printer.ts [选项]

  --jobs N       有几份文件（默认 3）
  --pages N      每份文件有几页（默认 3）
  --workers W    打印文件的是什么：processes（进程）或 threads（线程）（默认 ${USUAL}）
  --no-lock      不加锁，大家同时打印
  --lang L       语言：en 或 zh（默认 en）
  --help         显示本说明`,
    job: (k: number) => `文件${k}`,
    page: (name: string, page: number, pages: number) => `${name} 第 ${page}/${pages} 页`,
    broken: (jobs: number, broken: number) => `${jobs} 份文件，${broken} 份被打散：`,
    orderly: "井然有序",
    garbled: "全乱了",
  },
});

/** How long a sheet takes, in ms. */
const SHEET = 20;

/** The machine: one sheet at a time, and a tray that shows later in which order they came out. */
interface Printer {
  tray: string;
  feeder: Lock;
}

/** What a job is told. */
interface Job {
  name: string;
  pages: number;
  printer: Printer;
  /** Held from the first page to the last; without it, pages of other jobs get between. */
  lock?: Lock;
  /** Come before each page: no job is a page ahead, so without a lock they mix every time. */
  gates: Gate[];
}

/** One job: prints its pages. */
export async function job({ name, pages, printer, lock, gates }: Job): Promise<void> {
  using _ = await lock?.acquire();
  for (let page = 1; page <= pages; page++) {
    if (gates.length > 0) await pass(gates[page - 1]);
    await print(printer, name, TEXTS.page(name, page, pages));
  }
}

async function print({ tray, feeder }: Printer, name: string, text: string): Promise<void> {
  using _ = await feeder.acquire();
  console.log(text);
  Deno.writeTextFileSync(tray, `${name}\n`, { append: true });
  await sleep(SHEET);
}

/** How many jobs have sheets of others between their own. */
function countBroken(sheets: string[]): number {
  const broken = sheets.filter((name, k) => name !== sheets[k - 1] && sheets.indexOf(name) < k);
  return new Set(broken).size;
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({
    boolean: ["lock"],
    string: ["jobs", "pages", "workers"],
    negatable: ["lock"],
    default: { jobs: "3", pages: "3", workers: USUAL, lock: true },
    bilingual: true,
  });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const jobs = wholeNumber("jobs", flags.jobs, 1, 1_000);
  const pages = wholeNumber("pages", flags.pages, 1, 1_000);
  const workers = oneOf("workers", flags.workers, WORKERS);

  const folder = temporaryFolder("printer", cleanup);
  const tray = join(folder, "tray.txt");

  const crew = cleanup.use(new Crew(workers));
  const printer = { tray, feeder: crew.lock() };
  const lock = flags.lock ? crew.lock() : undefined;
  const gates: Gate[] = [];
  if (!flags.lock) { for (let page = 1; page <= pages; page++) gates.push(await crew.gate(jobs)); }

  const hired = Array.from({ length: jobs }, (_, k) => {
    const name = TEXTS.job(k + 1);
    return crew.hire(job, { name, pages, printer, lock, gates }, name);
  });
  await Promise.all(hired.map((worker) => worker.result()));

  const broken = countBroken(Deno.readTextFileSync(tray).trimEnd().split("\n"));
  console.log(TEXTS.broken(jobs, broken) + (broken === 0 ? TEXTS.orderly : TEXTS.garbled));
  return broken === 0 ? 0 : 1;
}

if (import.meta.main) await runScript("printer", main);
