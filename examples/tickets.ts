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
import { delay } from "@std/async";
import { existsSync } from "@std/fs";
import { basename, dirname, join, resolve } from "node:path";
import type { Lock } from "../lib/threading.ts";
import { context } from "../lib/task.ts";
import { Crew, type Gate, pass, stop, WORKERS } from "./_shared/crew.ts";
import { oneOf, readFlags, runScript, UsageError, wholeNumber } from "./_shared/script.ts";

const USAGE = `Ten people, one ticket: a race for the last one, with and without a lock.

Usage: tickets.ts [options]

  --buyers N     how many people want a ticket (10)
  --tickets N    how many tickets there are (1)
  --workers W    what the buyers are: processes or threads (processes)
  --no-lock      let them all buy at the same time
  --kill         kill a buyer while it holds the lock
  --db PATH      the database, {"count":N}; written anew and kept (default: a temporary file)
  --delay MS     how slow the network is (20)
  --help         show this`;

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
  console.log(`${name} sees ${readCount(db)} left`);
  if (!me.isVictim) await pass(me.beforeBuying);

  using guard = await lock?.acquire();
  if (guard?.abandoned) console.log(`${name} took over an abandoned lock`);

  const count = readCount(db);
  if (me.beforeWriting) await pass(me.beforeWriting);
  if (count === 0) {
    console.log(`${name}: sold out`);
    return false;
  }
  if (me.isVictim) {
    console.log(`${name} holds the lock, and dawdles`);
    context().report(me.beforeBuying.id);
    for (;;) await delay(60_000);
  }
  await delay(me.ms);
  writeCount(db, count - 1, name);
  console.log(`${name} bought a ticket`);
  return true;
}

/** How many tickets the database says there are. */
function readCount(db: string): number {
  const { count } = JSON.parse(Deno.readTextFileSync(db));
  if (!Number.isSafeInteger(count) || count < 0) throw new Error(`${db} has no count of tickets`);
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
    throw new UsageError(`--db ${db} is in no folder that there is`);
  }
  try {
    readCount(db);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw new UsageError(`--db ${db} is there, and is no database of tickets: {"count":1}`);
  }
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({
    boolean: ["lock", "kill"],
    string: ["buyers", "tickets", "workers", "db", "delay"],
    negatable: ["lock"],
    default: { buyers: "10", tickets: "1", workers: "processes", delay: "20", lock: true },
  });
  if (flags.help) {
    console.log(USAGE);
    return 0;
  }
  const buyers = wholeNumber("buyers", flags.buyers, 1, 1_000);
  const tickets = wholeNumber("tickets", flags.tickets, 0, 1_000_000);
  const ms = wholeNumber("delay", flags.delay, 0, 60_000);
  const workers = oneOf("workers", flags.workers, WORKERS);
  if (flags.kill && !flags.lock) throw new UsageError("--kill needs the lock: leave out --no-lock");
  if (flags.kill && tickets === 0) throw new UsageError("--kill needs a ticket to die for");
  if (flags.db === "") throw new UsageError("--db must be a path");

  let db: string;
  if (flags.db === undefined) {
    const folder = Deno.makeTempDirSync({ prefix: "switchyard-tickets-" });
    cleanup.defer(() => Deno.remove(folder, { recursive: true }));
    db = join(folder, "tickets.json");
  } else {
    db = resolve(String(flags.db));
    checkDatabase(db);
  }
  const names = Array.from({ length: buyers }, (_, k) => `buyer-${k + 1}`);
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
    console.log(`${victim} is killed while it holds the lock`);
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
  const verdict = sold > tickets ? "OVERSOLD" : sold + left === tickets ? "consistent" : "WRONG";
  console.log(`sold ${sold} of ${tickets}, db says ${left}: ${verdict}`);
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
