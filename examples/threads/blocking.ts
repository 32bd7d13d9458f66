#!/usr/bin/env -S deno run --allow-read
/**
 * Two questions that are often taken for one: does the call wait, and does the thread?
 *
 *     synchronous    the next line runs when the work is done: await pool.apply(...)
 *     asynchronous   the next line runs at once, the result is asked for later:
 *                    pool.applyAsync(...)
 *
 *     blocking       a call that cannot have it now waits for it: lock.acquire()
 *     non-blocking   it says so instead: lock.acquire({ blocking: false })
 *
 * And there is one more way to wait: lock.acquireSync() stops the whole thread, so that nothing
 * else in it runs; await lock.acquire() lets other functions go on.
 *
 * Try:
 *
 *     examples/threads/blocking.ts               all of it
 *     examples/threads/blocking.ts --part lock   the lock alone
 *
 * @module
 */
import { ThreadPool } from "../../lib/multiprocessing.ts";
import { context } from "../../lib/task.ts";
import { Event, Lock, Thread } from "../../lib/threading.ts";
import { oneOf, readFlags, runScript } from "../_shared/script.ts";

const USAGE = `Synchronous and asynchronous, blocking and non-blocking.

Usage: blocking.ts [options]

  --part P   pool, lock, thread, or all of them in turn (all)
  --help     show this`;

/** How long a try with a timeout lasts, in ms. */
const PATIENCE = 50;

/** Takes as long as a cup of tea. */
export function brew(what: string): string {
  console.log(`  ${context().name.split("-")[0]} makes ${what}`);
  return what;
}

/** Holds the lock until it is told to give it back. */
export function holder(lock: Lock, has: Event, enough: Event): void {
  using _ = lock.acquireSync();
  has.set();
  enough.waitSync();
}

/** Apply, and applyAsync. */
async function pool(): Promise<boolean> {
  await using pool = new ThreadPool(1);
  const seen: string[] = [];
  const say = (text: string) => {
    seen.push(text);
    console.log(`  main ${text}`);
  };
  console.log("synchronous: await pool.apply()");
  say("asks for tea");
  say(`drinks ${await pool.apply(brew, ["tea"])}`);
  say("goes on");

  console.log("asynchronous: pool.applyAsync()");
  say("asks for coffee");
  const coffee = pool.applyAsync(brew, ["coffee"]);
  say(coffee.ready() ? "HAS IT ALREADY" : "goes on");
  say(`drinks ${await coffee.get()}`);
  const order = "asks for tea,drinks tea,goes on,asks for coffee,goes on,drinks coffee";
  return seen.join() === order;
}

/** What becomes of main when a lock is held by somebody else. */
async function lock(): Promise<boolean> {
  const lock = new Lock();
  const [has, enough] = [new Event(), new Event()];
  const thread = new Thread(holder, { args: [lock, has, enough], name: "holder" }).start();
  await has.wait();

  console.log("non-blocking: the lock is held by another thread");
  const seen: string[] = [];
  const show = (call: string, gives: string) => {
    seen.push(gives);
    console.log(`  ${call.padEnd(40)} ${gives}`);
  };
  const tell = (guard: Disposable | undefined) => guard === undefined ? "no" : "yes";
  show("acquire({ blocking: false })", tell(await lock.acquire({ blocking: false })));
  show("acquireSync({ blocking: false })", tell(lock.acquireSync({ blocking: false })));
  show(`acquire({ timeout: ${PATIENCE} })`, tell(await lock.acquire({ timeout: PATIENCE })));

  console.log("blocking: the call waits until the other gives it back");
  const waiting = lock.acquire();
  show("acquire(), before that", await isSettled(waiting) ? "yes" : "waits");
  enough.set();
  const guard = await waiting;
  show("acquire(), after that", tell(guard));
  guard.release();
  await thread.join();
  return seen.join() === "no,no,no,waits,yes";
}

/** Whether a promise is settled by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const not = Symbol("not");
  return await Promise.race([promise, Promise.resolve(not)]) !== not;
}

/** What else runs in a thread that waits. */
async function thread(): Promise<boolean> {
  const counts: number[] = [];
  for (const how of ["await event.wait()", "event.waitSync()"]) {
    const event = new Event();
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    const options = { timeout: PATIENCE };
    if (how.startsWith("await")) await event.wait(options);
    else event.waitSync(options);
    clearInterval(timer);
    console.log(`${how}: meanwhile a timer ticked ${ticks === 0 ? "not once" : "many times"}`);
    counts.push(ticks);
  }
  return counts[0] > 0 && counts[1] === 0;
}

const PARTS = { pool, lock, thread };
type Part = keyof typeof PARTS;
const NAMES = Object.keys(PARTS) as Part[];

async function main(): Promise<number> {
  const flags = readFlags({ string: ["part"], default: { part: "all" } });
  if (flags.help) {
    console.log(USAGE);
    return 0;
  }
  const part = oneOf("part", flags.part, ["all", ...NAMES]);
  let isAsSaid = true;
  for (const name of part === "all" ? NAMES : [part]) {
    if (!await PARTS[name]()) isAsSaid = false;
  }
  console.log(isAsSaid ? "all as it should be" : "NOT AS IT SHOULD BE");
  return isAsSaid ? 0 : 1;
}

if (import.meta.main) await runScript("blocking", main);
