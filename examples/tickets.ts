#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run --allow-ffi
/**
 * Ten people, one ticket.
 *
 * Everyone may look at the database at the same time, but to buy is to read, decide, wait for the
 * network, and write: two who do so at once both get the last ticket. A lock makes it one at a
 * time.
 *
 * Try:
 *
 *     examples/tickets.ts                    one ticket, sold once
 *     examples/tickets.ts --no-lock          the same ticket, sold to everyone
 *     examples/tickets.ts --kill             a buyer dies with the lock in hand: nobody hangs
 *     examples/tickets.ts --workers threads  threads instead of processes
 *
 * @module
 */
import { delay } from "jsr:@std/async@1.5.0";
import { existsSync } from "jsr:@std/fs@1.0.24";
import { basename, dirname, join, resolve } from "node:path";
import type { Lock } from "../lib/threading.ts";
import { context } from "../lib/task.ts";
import { Crew, type Gate, pass, stop, USUAL, WORKERS } from "./_shared/crew.ts";
import { inLanguage } from "./_shared/language.ts";
import { oneOf, readFlags, runScript, UsageError, wholeNumber } from "./_shared/script.ts";
import { temporaryFolder } from "./_shared/temporary.ts";

const TEXTS = inLanguage({
  en: {
    usage: `Ten people, one ticket: a race for the last one, with and without a lock.

Usage: tickets.ts [options]

  --buyers N     how many people want a ticket (10)
  --tickets N    how many tickets there are (1)
  --workers W    what the buyers are: processes or threads (${USUAL})
  --no-lock      let them all buy at the same time
  --kill         kill a buyer while it holds the lock
  --db PATH      the database, {"count":N}; written anew and kept (default: a temporary file)
  --delay MS     how slow the network is (20)
  --lang L       en or zh (en)
  --help         show this`,
    buyer: (k: number) => `buyer-${k}`,
    sees: (name: string, left: number) => `${name} sees ${left} left`,
    tookOver: (name: string) => `${name} took over an abandoned lock`,
    soldOut: (name: string) => `${name}: sold out`,
    dawdles: (name: string) => `${name} holds the lock, and dawdles`,
    bought: (name: string) => `${name} bought a ticket`,
    isKilled: (name: string) => `${name} is killed while it holds the lock`,
    sold: (sold: number, tickets: number, left: number) =>
      `sold ${sold} of ${tickets}, db says ${left}: `,
    verdicts: { consistent: "consistent", oversold: "OVERSOLD", wrong: "WRONG" },
    noCount: (db: string) => `${db} has no count of tickets`,
    noFolder: (db: string) => `--db ${db} is in no folder that there is`,
    noDatabase: (db: string) => `--db ${db} is there, and is no database of tickets: {"count":1}`,
    noPath: "--db must be a path",
    killNeedsLock: "--kill needs the lock: leave out --no-lock",
    killNeedsTicket: "--kill needs a ticket to die for",
  },
  zh: {
    usage: `十个人，一张票：加锁和不加锁，抢最后一张。

用法：tickets.ts [选项]

  --buyers N     多少人想买票（默认 10）
  --tickets N    有多少张票（默认 1）
  --workers W    买票的人是什么：processes（进程）或 threads（线程）（默认 ${USUAL}）
  --no-lock      不加锁，大家同时买
  --kill         一个人拿着锁的时候杀死他
  --db PATH      数据库 {"count":N}；内容会重写，文件会保留（默认用临时文件）
  --delay MS     网络延迟多少毫秒（默认 20）
  --lang L       语言：en 或 zh（默认 en）
  --help         显示本说明`,
    buyer: (k: number) => `路人${k}`,
    sees: (name: string, left: number) => `${name} 查到余票 ${left} 张`,
    tookOver: (name: string) => `${name} 接手了死者留下的锁`,
    soldOut: (name: string) => `${name} 没买到：票已售完`,
    dawdles: (name: string) => `${name} 拿着锁，磨磨蹭蹭`,
    bought: (name: string) => `${name} 购票成功`,
    isKilled: (name: string) => `${name} 拿着锁的时候被杀死了`,
    sold: (sold: number, tickets: number, left: number) =>
      `共 ${tickets} 张票，卖出 ${sold} 张，数据库里剩余 ${left} 张：`,
    verdicts: { consistent: "对得上", oversold: "超卖", wrong: "结果不对" },
    noCount: (db: string) => `${db} 里没有票数`,
    noFolder: (db: string) => `--db ${db} 所在的文件夹不存在`,
    noDatabase: (db: string) => `--db ${db} 已经存在，而且不是票的数据库：{"count":1}`,
    noPath: "--db 必须是一个路径",
    killNeedsLock: "--kill 离不开锁：请去掉 --no-lock",
    killNeedsTicket: "--kill 至少要有一张票",
  },
});

/** What a buyer is told. */
interface Buyer {
  name: string;
  db: string;
  ms: number;
  /** Held while buying; without it, everyone buys at the same time. */
  lock?: Lock;
  /** Comes between looking and buying: everyone looks at the same time. */
  beforeBuying: Gate;
  /** Comes between reading and writing: what goes wrong without a lock now does so every time. */
  beforeWriting?: Gate;
  /** Whether this one never gets to write: it waits to be killed. */
  isVictim: boolean;
}

/** One person: looks, and buys a ticket if there is one. Says whether it did. */
export async function buyer(me: Buyer): Promise<boolean> {
  const { name, db, lock } = me;
  console.log(TEXTS.sees(name, readCount(db)));
  if (!me.isVictim) await pass(me.beforeBuying);

  using guard = await lock?.acquire();
  if (guard?.abandoned) console.log(TEXTS.tookOver(name));

  const count = readCount(db);
  if (me.beforeWriting) await pass(me.beforeWriting);
  if (count === 0) {
    console.log(TEXTS.soldOut(name));
    return false;
  }
  if (me.isVictim) {
    console.log(TEXTS.dawdles(name));
    context().report(me.beforeBuying.id);
    for (;;) await delay(60_000);
  }
  await delay(me.ms);
  writeCount(db, count - 1, name);
  console.log(TEXTS.bought(name));
  return true;
}

/** How many tickets the database says there are. */
function readCount(db: string): number {
  const { count } = JSON.parse(Deno.readTextFileSync(db));
  if (!Number.isSafeInteger(count) || count < 0) throw new Error(TEXTS.noCount(db));
  return count;
}

/** Writes the database whole or not at all: whoever dies here leaves what was there before. */
function writeCount(db: string, count: number, who: string): void {
  const draft = draftOf(db, who);
  Deno.writeTextFileSync(draft, `{"count":${count}}\n`);
  Deno.renameSync(draft, db);
}

/** Where a writer prepares its text: beside the database, for a rename within one disk. */
function draftOf(db: string, who: string): string {
  return join(dirname(db), `.${basename(db)}.${who}.draft`);
}

/** Refuses a folder that is not there, and to write over a file that is something else. */
function checkDatabase(db: string): void {
  if (!existsSync(dirname(db), { isDirectory: true })) {
    throw new UsageError(TEXTS.noFolder(db));
  }
  try {
    readCount(db);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw new UsageError(TEXTS.noDatabase(db));
  }
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({
    boolean: ["lock", "kill"],
    string: ["buyers", "tickets", "workers", "db", "delay"],
    negatable: ["lock"],
    default: { buyers: "10", tickets: "1", workers: USUAL, delay: "20", lock: true },
    bilingual: true,
  });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const buyers = wholeNumber("buyers", flags.buyers, 1, 1_000);
  const tickets = wholeNumber("tickets", flags.tickets, 0, 1_000_000);
  const ms = wholeNumber("delay", flags.delay, 0, 60_000);
  const workers = oneOf("workers", flags.workers, WORKERS);
  if (flags.kill && !flags.lock) throw new UsageError(TEXTS.killNeedsLock);
  if (flags.kill && tickets === 0) throw new UsageError(TEXTS.killNeedsTicket);
  if (flags.db === "") throw new UsageError(TEXTS.noPath);

  let db: string;
  if (flags.db === undefined) {
    const folder = temporaryFolder("tickets", cleanup);
    db = join(folder, "tickets.json");
  } else {
    db = resolve(String(flags.db));
    checkDatabase(db);
  }
  const names = Array.from({ length: buyers }, (_, k) => TEXTS.buyer(k + 1));
  cleanup.defer(() => {
    for (const name of names) removeIfThere(draftOf(db, name));
  });
  writeCount(db, tickets, names[0]);

  const crew = cleanup.use(new Crew(workers));
  const lock = flags.lock ? crew.lock() : undefined;
  const beforeWriting = flags.lock ? undefined : await crew.gate(buyers);
  // The others go for the lock when the victim holds it; that is when the victim dies.
  const victim = flags.kill ? names[0] : undefined;
  const kill = () => {
    if (victim === undefined) return;
    console.log(TEXTS.isKilled(victim));
    stop(hired[0]);
  };
  const beforeBuying = await crew.gate(buyers, kill);

  const hired = names.map((name) => {
    const isVictim = name === victim;
    return crew.hire(buyer, { name, db, ms, lock, beforeBuying, beforeWriting, isVictim }, name);
  });
  const sales = await Promise.all(
    hired.map((worker, k) =>
      names[k] === victim ? worker.join().then(() => false) : worker.result()
    ),
  );
  const sold = sales.filter((bought) => bought).length;

  const left = readCount(db);
  const verdict = sold > tickets ? "oversold" : sold + left === tickets ? "consistent" : "wrong";
  console.log(TEXTS.sold(sold, tickets, left) + TEXTS.verdicts[verdict]);
  return verdict === "consistent" ? 0 : 1;
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

if (import.meta.main) await runScript("tickets", main);
