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
import { fill, inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `Synchronous and asynchronous, blocking and non-blocking.

Usage: blocking.ts [options]

  --part P   pool, lock, thread, or all of them in turn (all)
  --lang L   en or zh (en)
  --help     show this`,
    tea: "tea",
    coffee: "coffee",
    makes: (who: string, what: string) => `${who} makes ${what}`,
    main: (text: string) => `main ${text}`,
    asks: (what: string) => `asks for ${what}`,
    drinks: (what: string) => `drinks ${what}`,
    goesOn: "goes on",
    hasAlready: "HAS IT ALREADY",
    synchronous: (call: string) => `synchronous: ${call}`,
    asynchronous: (call: string) => `asynchronous: ${call}`,
    nonBlocking: "non-blocking: the lock is held by another thread",
    blocking: "blocking: the call waits until the other gives it back",
    before: "acquire(), before that",
    after: "acquire(), after that",
    yes: "yes",
    no: "no",
    waits: "waits",
    ticked: (how: string, ticks: number) =>
      `${how}: meanwhile a timer ticked ${ticks === 0 ? "not once" : "many times"}`,
    right: "all as it should be",
    wrong: "NOT AS IT SHOULD BE",
  },
  zh: {
    usage: `同步和异步，阻塞和非阻塞。

用法：blocking.ts [选项]

  --part P   看哪一部分：pool、lock、thread，或者依次全部 all（默认 all）
  --lang L   语言：en 或 zh（默认 en）
  --help     显示本说明`,
    tea: "茶",
    coffee: "咖啡",
    makes: (who: string, what: string) => `${who} 泡${what}`,
    main: (text: string) => `主线程${text}`,
    asks: (what: string) => `点${what}`,
    drinks: (what: string) => `喝${what}`,
    goesOn: "接着做别的事",
    hasAlready: "竟然已经拿到了",
    synchronous: (call: string) => `同步：${call}`,
    asynchronous: (call: string) => `异步：${call}`,
    nonBlocking: "非阻塞：锁在另一个线程手里",
    blocking: "阻塞：一直等到对方释放锁",
    before: "acquire()，释放之前",
    after: "acquire()，释放之后",
    yes: "拿到了",
    no: "没拿到",
    waits: "在等",
    ticked: (how: string, ticks: number) =>
      `${how}：等待期间，定时器${ticks === 0 ? "一次也没响" : "响了很多次"}`,
    right: "全都正确",
    wrong: "结果不对",
  },
});

/** How long a try with a timeout lasts, in ms. */
const PATIENCE = 50;

/** Takes as long as a cup of tea. */
export function brew(what: string): string {
  console.log(`  ${TEXTS.makes(context().name.split("-")[0], what)}`);
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
  const { tea, coffee, asks, drinks, goesOn } = TEXTS;
  await using pool = new ThreadPool(1);
  const seen: string[] = [];
  const say = (text: string) => {
    seen.push(text);
    console.log(`  ${TEXTS.main(text)}`);
  };
  console.log(TEXTS.synchronous("await pool.apply()"));
  say(asks(tea));
  say(drinks(await pool.apply(brew, [tea])));
  say(goesOn);

  console.log(TEXTS.asynchronous("pool.applyAsync()"));
  say(asks(coffee));
  const cup = pool.applyAsync(brew, [coffee]);
  say(cup.ready() ? TEXTS.hasAlready : goesOn);
  say(drinks(await cup.get()));
  const order = [asks(tea), drinks(tea), goesOn, asks(coffee), goesOn, drinks(coffee)];
  return seen.join() === order.join();
}

/** What becomes of main when a lock is held by somebody else. */
async function lock(): Promise<boolean> {
  const { yes, no, waits } = TEXTS;
  const lock = new Lock();
  const [has, enough] = [new Event(), new Event()];
  const thread = new Thread(holder, { args: [lock, has, enough], name: "holder" }).start();
  await has.wait();

  console.log(TEXTS.nonBlocking);
  const seen: string[] = [];
  const show = (call: string, gives: string) => {
    seen.push(gives);
    console.log(`  ${fill(call, 40)} ${gives}`);
  };
  const tell = (guard: Disposable | undefined) => guard === undefined ? no : yes;
  show("acquire({ blocking: false })", tell(await lock.acquire({ blocking: false })));
  show("acquireSync({ blocking: false })", tell(lock.acquireSync({ blocking: false })));
  show(`acquire({ timeout: ${PATIENCE} })`, tell(await lock.acquire({ timeout: PATIENCE })));

  console.log(TEXTS.blocking);
  const waiting = lock.acquire();
  show(TEXTS.before, await isSettled(waiting) ? yes : waits);
  enough.set();
  const guard = await waiting;
  show(TEXTS.after, tell(guard));
  guard.release();
  await thread.join();
  return seen.join() === [no, no, no, waits, yes].join();
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
    console.log(TEXTS.ticked(how, ticks));
    counts.push(ticks);
  }
  return counts[0] > 0 && counts[1] === 0;
}

const PARTS = { pool, lock, thread };
type Part = keyof typeof PARTS;
const NAMES = Object.keys(PARTS) as Part[];

async function main(): Promise<number> {
  const flags = readFlags({ string: ["part"], default: { part: "all" }, bilingual: true });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const part = oneOf("part", flags.part, ["all", ...NAMES]);
  let isAsSaid = true;
  for (const name of part === "all" ? NAMES : [part]) {
    if (!await PARTS[name]()) isAsSaid = false;
  }
  console.log(isAsSaid ? TEXTS.right : TEXTS.wrong);
  return isAsSaid ? 0 : 1;
}

if (import.meta.main) await runScript("blocking", main);
