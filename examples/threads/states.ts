#!/usr/bin/env -S deno run --allow-read
/**
 * The states of a thread, and one thread that goes through them before main's eyes.
 *
 * The five of the textbook are new, ready, running, waiting and ended. `thread.state` says four of
 * them: whether a thread that could run has a core at this moment is the system's affair and
 * changes many times in a second, so ready and running are both `"running"`. `"waiting"` is a
 * thread that waits in a call of the toolkit: `acquire()`, `get()`, `wait()`, `join()`, `sleep()`.
 *
 * Here every state lasts until main has seen it.
 *
 * Try:
 *
 *     examples/threads/states.ts             the diagram, and the way through it
 *     examples/threads/states.ts --lang zh   in Chinese
 *
 * @module
 */
import { Queue } from "../../lib/queue.ts";
import { Event, Lock, Thread, Value } from "../../lib/threading.ts";
import { sleepSync } from "../../lib/time.ts";
import { sleep } from "../../lib/time.ts";
import { columnsOf, fill, inLanguage } from "../_shared/language.ts";
import { readFlags, runScript } from "../_shared/script.ts";

/** The waits that the thread goes through. */
const WAITS = ["lock", "queue", "event", "join", "timer"] as const;

const TEXTS = inLanguage({
  en: {
    usage: `The five states of a thread, and one thread that goes through them.

Usage: states.ts [options]

  --lang L   en or zh (en)
  --help     show this`,
    diagram: `
                         scheduled
  new -----> ready  ------------------->  running -----> ended
               ^    <-------------------     |
               |       time slice over       |
               |                             | it must wait
               +---------- waiting <---------+
             it has come
`,
    head: ["main", "thread.state", "the thread"],
    creates: "creates it",
    starts: "starts it",
    created: "is new",
    running: "is ready or running",
    ended: "has ended",
    waits: {
      lock: ["holds the lock", "waits for the lock", "releases it"],
      queue: ["has put nothing", "waits at the empty queue", "puts an item"],
      event: ["has not set the event", "waits for the event", "sets it"],
      join: ["lets another thread run", "waits in join() for its end", "lets that one end"],
      timer: ["only watches", "sleeps", "only watches"],
    },
    returns: "lets it return",
    again: "starts it again",
    noWay: (message: string) => `no arrow leads there: ${message}`,
    right: (steps: number) => `${steps} steps, each an arrow of the diagram: as it should be`,
    wrong: (path: string) => `NOT IN THE DIAGRAM: ${path}`,
  },
  zh: {
    usage: `线程的五种状态，以及一个走完全程的线程。

用法：states.ts [选项]

  --lang L   语言：en 或 zh（默认 en）
  --help     显示本说明`,
    diagram: `
                     调度
  新建 ----> 就绪 -----------> 执行 ----> 终止
              ^   <-----------  |
              |    失去时间片   |
              |                 | 需要等待
              +----- 等待 <-----+
            等待完毕
`,
    head: ["主线程", "thread.state", "这个线程"],
    creates: "创建线程",
    starts: "调用 start()",
    created: "新建",
    running: "就绪或执行",
    ended: "终止",
    waits: {
      lock: ["占着锁", "等待锁", "释放锁"],
      queue: ["什么也没放", "等待空队列", "放入一项"],
      event: ["事件还没发生", "等待事件", "设置事件"],
      join: ["让另一个线程运行", "在 join() 里等它结束", "让那个线程结束"],
      timer: ["只是看着", "睡眠", "只是看着"],
    },
    returns: "让它返回",
    again: "再次 start()",
    noWay: (message: string) => `没有这条路：${message}`,
    right: (steps: number) => `共 ${steps} 步，每一步都是图中的箭头：正确`,
    wrong: (path: string) => `图中没有这样的路：${path}`,
  },
});

/** The arrows of the diagram, as `thread.state` tells them. */
const ARROWS = ["new running", "running waiting", "waiting running", "running ended"];

/** What main and the thread share. */
interface Shared {
  lock: Lock;
  queue: Queue<string>;
  event: Event;
  /** Ends the other thread, which ours joins. */
  otherMayEnd: Event;
  /** How many states main has seen since the start. */
  seen: Value;
}

/** Goes through all the waits. Between them it computes until main has seen it. */
export function traveller({ lock, queue, event, otherMayEnd, seen }: Shared): void {
  const runUntil = (count: number) => {
    while (seen.value < count);
  };
  runUntil(1);
  lock.acquireSync().release();
  runUntil(3);
  queue.getSync();
  runUntil(5);
  event.waitSync();
  runUntil(7);
  new Thread(other, { args: [otherMayEnd] }).start().joinSync();
  runUntil(9);
  while (seen.value < 10) sleepSync(20);
  runUntil(11);
}

/** The thread that is joined. */
export function other(mayEnd: Event): void {
  mayEnd.waitSync();
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({ default: {}, bilingual: true });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const { head, waits } = TEXTS;
  console.log(TEXTS.diagram);
  const actions = [TEXTS.creates, TEXTS.starts, TEXTS.returns, TEXTS.again];
  for (const [before, , after] of Object.values(waits)) actions.push(before, after);
  const width = Math.max(...actions.map(columnsOf)) + 2;
  const show = (action: string, state: string, what: string) =>
    console.log(`${fill(action, width)}${fill(state, 14)}${what}`);
  show(head[0], head[1], head[2]);

  const lock = new Lock();
  const held = await lock.acquire();
  const shared = {
    lock,
    queue: new Queue<string>(),
    event: new Event(),
    otherMayEnd: new Event(),
    seen: new Value("i32"),
  };
  const thread = new Thread(traveller, { args: [shared] });
  const path: string[] = [];
  /** Looks until the thread is in the state. */
  const see = async (state: Thread["state"], action: string, what: string) => {
    let now = thread.state;
    for (; now !== state && now !== "ended"; now = thread.state) await sleep(1);
    path.push(now);
    show(action, now, what);
  };
  /** Lets it go on. */
  const next = () => void shared.seen.add(1);

  await see("new", TEXTS.creates, TEXTS.created);
  thread.start();
  cleanup.defer(() => thread.terminate());
  await see("running", TEXTS.starts, TEXTS.running);
  const finish: Record<typeof WAITS[number], () => void> = {
    lock: () => held.release(),
    queue: () => shared.queue.putNowait(""),
    event: () => shared.event.set(),
    join: () => shared.otherMayEnd.set(),
    timer: () => {},
  };
  for (const wait of WAITS) {
    const [before, waiting, after] = waits[wait];
    next();
    await see("waiting", before, waiting);
    finish[wait]();
    next();
    await see("running", after, TEXTS.running);
  }
  next();
  await see("ended", TEXTS.returns, TEXTS.ended);
  await thread.result();
  try {
    thread.start();
    path.push("started again");
  } catch (error) {
    show(TEXTS.again, thread.state, TEXTS.noWay((error as Error).message));
  }

  const steps = path.slice(1).map((to, k) => `${path[k]} ${to}`);
  const isRight = steps.length === 2 * WAITS.length + 2 &&
    steps.every((step) => ARROWS.includes(step));
  console.log(isRight ? TEXTS.right(steps.length) : TEXTS.wrong(path.join(" -> ")));
  return isRight ? 0 : 1;
}

if (import.meta.main) await runScript("states", main);
