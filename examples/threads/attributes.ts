#!/usr/bin/env -S deno run --allow-read
/**
 * What a thread has and tells: name, ident, daemon, isAlive(), state; and which threads there are.
 *
 * One thread is looked at from three sides: by main, by itself, and by a thread that it has started
 * in its turn. All see the same; `enumerate()` and `activeCount()` count main and everybody's
 * threads, since a thread belongs to the process and not to the thread that started it.
 *
 * Python's older spellings are properties here: getName() and setName() are `name`, isDaemon() and
 * setDaemon() are `daemon` (to be set before the start); ident is null before the start.
 *
 * Try:
 *
 *     examples/threads/attributes.ts                  the thread is renamed
 *     examples/threads/attributes.ts --name printer   to what you like
 *
 * @module
 */
import { activeCount, currentThread, enumerate, Event, Thread } from "../../lib/threading.ts";
import { sleep } from "../../lib/time.ts";
import { columnsOf, fill, inLanguage } from "../_shared/language.ts";
import { readFlags, runScript } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `What a thread tells of itself, as it is seen by main, itself, and another thread.

Usage: attributes.ts [options]

  --name N   what the thread is renamed to (worker)
  --lang L   en or zh (en)
  --help     show this`,
    seen: "seen by",
    sides: {
      new: "main, before the start",
      started: "main, after the start",
      renamed: "main, after renaming it",
      self: "the thread itself",
      inner: "a thread that it started",
      ended: "main, after its end",
    },
    list: (who: string, names: string[], count: number) =>
      `${who} sees ${names.join(", ")}: activeCount() is ${count}`,
    pid: (pid: number) => `pid ${pid} on all sides: the threads of one process`,
    right: "the same from all sides, and activeCount() is always enumerate().length: right",
    wrong: "NOT THE SAME FROM ALL SIDES",
  },
  zh: {
    usage: `线程的属性：主线程、它自己、另一个线程分别看到什么。

用法：attributes.ts [选项]

  --name N   给线程改成什么名字（默认 worker）
  --lang L   语言：en 或 zh（默认 en）
  --help     显示本说明`,
    seen: "谁来看",
    sides: {
      new: "主线程，启动之前",
      started: "主线程，启动之后",
      renamed: "主线程，改名之后",
      self: "线程自己",
      inner: "它启动的另一个线程",
      ended: "主线程，结束之后",
    },
    list: (who: string, names: string[], count: number) =>
      `${who} 看到 ${names.join("、")}：activeCount() 是 ${count}`,
    pid: (pid: number) => `各方看到的 pid 都是 ${pid}：同一个进程里的线程`,
    right: "各方看到的都一样，activeCount() 总等于 enumerate().length：正确",
    wrong: "各方看到的不一样",
  },
});
type Side = keyof typeof TEXTS.sides;

/** What somebody sees. */
interface View {
  name: string;
  ident: number | null;
  daemon: boolean;
  isAlive: boolean;
  state: Thread["state"];
  pid: number;
  /** The names of all threads that there are. */
  all: string[];
  count: number;
}

/** What the threads wait for. */
interface Events {
  renamed: Event;
  innerHasLooked: Event;
  mayEnd: Event;
}

const WIDTH = Math.max(...Object.values(TEXTS.sides).map(columnsOf)) + 2;

function showRow(cells: unknown[]): void {
  const widths = [WIDTH, 10, 7, 8, 11];
  console.log(cells.map((cell, k) => fill(`${cell}`, widths[k] ?? 0)).join(""));
}

/** Looks at a thread, and tells. */
function look(side: Side, thread: Thread): View {
  const { name, ident, daemon, state } = thread;
  const isAlive = thread.isAlive();
  showRow([TEXTS.sides[side], name, ident, daemon, isAlive, state]);
  const all = enumerate().map((thread) => thread.name);
  return { name, ident, daemon, isAlive, state, pid: Deno.pid, all, count: activeCount() };
}

function list({ all, count }: View): void {
  console.log(TEXTS.list(currentThread().name, all, count));
}

/** Waits until the thread waits. */
async function untilWaiting(thread: Thread): Promise<void> {
  while (thread.isAlive() && thread.state !== "waiting") await sleep(1);
}

/** The thread that is looked at. Returns what it and the inner one see. */
export async function outer(events: Events): Promise<View[]> {
  const me = currentThread();
  await events.renamed.wait();
  const mine = look("self", me);
  const args: [number, Events] = [me.ident!, events];
  return [mine, await new Thread(inner, { args, name: "inner" }).start().result()];
}

/** A thread that was started by it. */
export async function inner(ident: number, events: Events): Promise<View> {
  const thread = enumerate().find((thread) => thread.ident === ident)!;
  await untilWaiting(thread);
  const view = look("inner", thread);
  list(view);
  events.innerHasLooked.set();
  await events.mayEnd.wait();
  return view;
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({
    string: ["name"],
    default: { name: "worker" },
    bilingual: true,
  });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const name = String(flags.name);
  const events = { renamed: new Event(), innerHasLooked: new Event(), mayEnd: new Event() };
  const thread = new Thread(outer, { args: [events] });
  showRow([TEXTS.seen, "name", "ident", "daemon", "isAlive()", "state"]);
  const views = [look("new", thread)];
  thread.start();
  cleanup.defer(() => thread.terminate());
  await untilWaiting(thread);
  views.push(look("started", thread));
  thread.name = name;
  views.push(look("renamed", thread));
  events.renamed.set();
  await Promise.race([events.innerHasLooked.wait(), thread.join()]);
  events.innerHasLooked.set(); // it might have failed: that wait ends too
  const all = enumerate().map((thread) => thread.name);
  list({ ...views[0], all, count: activeCount() });
  events.mayEnd.set();
  views.push(...await thread.result());
  await thread.join();
  views.push(look("ended", thread));
  list(views.at(-1)!);
  console.log(TEXTS.pid(Deno.pid));

  const states = views.map(({ state }) => state).join(" ");
  const isRight = states === "new waiting waiting running waiting ended" &&
    all.toSorted().join() === ["MainThread", "inner", name].toSorted().join() &&
    views.every((view, k) =>
      view.name === (k < 2 ? "Thread-1" : name) &&
      view.ident === (k < 1 ? null : thread.ident) &&
      view.isAlive === (k > 0 && k < 5) &&
      view.pid === Deno.pid && !view.daemon && view.count === view.all.length
    );
  console.log(isRight ? TEXTS.right : TEXTS.wrong);
  return isRight ? 0 : 1;
}

if (import.meta.main) await runScript("attributes", main);
