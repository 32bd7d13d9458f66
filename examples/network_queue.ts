#!/usr/bin/env -S deno run --allow-read --allow-write=. --allow-net
/**
 * Guests order, cooks cook, and the slips hang on a queue that many machines can reach.
 *
 * A queue of threads or processes is on one machine, together with all who use it: when that
 * machine is full, or down, so is everything. A network queue is kept by a broker (RabbitMQ):
 * producers and consumers may be on other machines, come and go, and be written in other languages.
 *
 * What is new is that a consumer may vanish with a slip in its hand: its machine loses power, its
 * cable is pulled. So there are two ways to take one:
 *
 *     get    the slip is gone from the queue when it was handed over: it dies with its cook
 *     take   the slip is lent; it is gone when the cook says done(). If the cook vanishes, another
 *            one gets it, with "attempt 2" on it: so an order may be cooked twice, but never never
 *
 * By default the broker is in this process (`memory:`) and needs nothing installed. With the URL of
 * a file its two halves are two programs of one machine, which need not run at the same time; with
 * that of RabbitMQ they may be on two machines.
 *
 * Try:
 *
 *     examples/network_queue.ts                    all orders are cooked
 *     examples/network_queue.ts --die --way get    a cook goes with an order: it is lost
 *     examples/network_queue.ts --die              with take() another cook gets it
 *     examples/network_queue.ts --url file:kitchen.db --role guests  orders wait in a file,
 *     examples/network_queue.ts --url file:kitchen.db --role cooks   until somebody cooks
 *     examples/network_queue.ts --url amqp://guest:guest@localhost/ --role cooks    here,
 *     examples/network_queue.ts --url amqp://guest:guest@localhost/ --role guests   and there
 *
 * @module
 */
import { RemoteQueue } from "../lib/remote.ts";
import { currentThread, Thread } from "../lib/threading.ts";
import { inLanguage } from "./_shared/language.ts";
import { oneOf, readFlags, runScript, UsageError, wholeNumber } from "./_shared/script.ts";

const WAYS = ["take", "get"] as const;
type Way = (typeof WAYS)[number];
const ROLES = ["all", "guests", "cooks"] as const;

const TEXTS = inLanguage({
  en: {
    usage: `Orders on a queue that many machines can reach, and a cook that vanishes.

Usage: network_queue.ts [options]

  --url URL     the broker: amqp://user:password@host/, file:PATH or memory: (memory:)
  --role R      guests, cooks, or all of them here (all); the halves need a broker or a file
  --way W       how cooks take an order: take or get (take)
  --die         one cook vanishes with an order in hand
  --guests N    how many producers there are (2)
  --cooks N     how many consumers there are (2)
  --orders N    how many orders each guest has (5)
  --lang L      en or zh (en)
  --help        show this`,
    guest: (k: number) => `guest-${k}`,
    cook: (k: number) => `cook-${k}`,
    orders: (name: string, order: string) => `${name} orders ${order}`,
    cooks: (name: string, order: string, attempt: number) =>
      `${name} cooks ${order}${attempt > 1 ? ` (attempt ${attempt})` : ""}`,
    vanishes: (name: string, order: string) => `${name} vanishes with ${order} in hand`,
    goesHome: (name: string) => `${name} finds the kitchen closed, and goes home`,
    put: (count: number) => `${count} orders are with the broker; the kitchen closes after them`,
    done: (count: number) => `${count} orders cooked here`,
    sum: (cooked: number, all: number) => `${cooked} of ${all} orders were cooked: `,
    verdicts: { complete: "nothing is lost", lost: "LOST" },
    needsBroker: "--role guests and --role cooks need a broker: --url file:kitchen.db",
    needsTwo: "--die needs a second cook, who is left",
    diesHere: "--die is for --role all",
  },
  zh: {
    usage: `许多台机器都够得着的队列：客人点单，厨师做菜，有一个厨师突然消失。

用法：network_queue.ts [选项]

  --url URL     中间件地址：amqp://用户:密码@主机/，file:文件，或者 memory:（memory:）
  --role R      角色：guests（客人）、cooks（厨师），或者都在这里 all（all）；分开跑要有中间件或文件
  --way W       厨师怎么取单：take 或 get（take）
  --die         一个厨师手里拿着单子消失了
  --guests N    有几个客人，即生产者（2）
  --cooks N     有几个厨师，即消费者（2）
  --orders N    每个客人点几个菜（5）
  --lang L      语言：en 或 zh（en）
  --help        显示本说明`,
    guest: (k: number) => `客人${k}`,
    cook: (k: number) => `厨师${k}`,
    orders: (name: string, order: string) => `${name} 点了 ${order}`,
    cooks: (name: string, order: string, attempt: number) =>
      `${name} 做好 ${order}${attempt > 1 ? `（第 ${attempt} 次）` : ""}`,
    vanishes: (name: string, order: string) => `${name} 手里拿着 ${order} 消失了`,
    goesHome: (name: string) => `${name} 发现厨房打烊了，回家`,
    put: (count: number) => `${count} 张单子都在中间件那里了，做完就打烊`,
    done: (count: number) => `这里做了 ${count} 个菜`,
    sum: (cooked: number, all: number) => `点了 ${all} 个菜，做好 ${cooked} 个：`,
    verdicts: { complete: "一个也没丢", lost: "丢了" },
    needsBroker: "--role guests 和 --role cooks 要有中间件：--url file:kitchen.db",
    needsTwo: "--die 至少要有第二个厨师留下来",
    diesHere: "--die 只能与 --role all 一起用",
  },
});

/** The slips: which order, of which guest. */
type Orders = RemoteQueue<string>;

/** One producer: puts its orders. When a put has settled the broker has it, whatever comes. */
export async function guest(queue: Orders, orders: number): Promise<void> {
  const { name } = currentThread();
  for (let k = 1; k <= orders; k++) {
    const order = `${name.match(/\d+$/)}.${k}`;
    console.log(TEXTS.orders(name, order));
    await queue.put(order);
  }
}

/** One consumer: takes on loan, until the queue is shut down. Gives what it has cooked. */
export async function careful(queue: Orders): Promise<string[]> {
  const { name } = currentThread();
  const cooked: string[] = [];
  // As `for await (const order of queue)` does, which has no attempt to show.
  for (;;) {
    try {
      await using slip = await queue.take();
      console.log(TEXTS.cooks(name, slip.item, slip.attempt));
      cooked.push(slip.item);
      await slip.done();
    } catch (error) {
      if (!isShut(error)) throw error;
      console.log(TEXTS.goesHome(name));
      return cooked;
    }
  }
}

/** One consumer: gets for good, until the queue is shut down. Gives what it has cooked. */
export async function hasty(queue: Orders): Promise<string[]> {
  const { name } = currentThread();
  const cooked: string[] = [];
  for (;;) {
    try {
      const order = await queue.get();
      console.log(TEXTS.cooks(name, order, 1));
      cooked.push(order);
    } catch (error) {
      if (!isShut(error)) throw error;
      console.log(TEXTS.goesHome(name));
      return cooked;
    }
  }
}

/** One consumer that is gone before it has cooked what it holds. */
export async function unlucky(queue: Orders, way: Way): Promise<string[]> {
  const { name } = currentThread();
  const order = way === "get" ? await queue.get() : (await queue.take()).item;
  console.log(TEXTS.vanishes(name, order));
  return [];
}

function isShut(error: unknown): boolean {
  return error instanceof Error && error.name === "ShutDown";
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({
    boolean: ["die"],
    string: ["url", "role", "way", "guests", "cooks", "orders"],
    default: { url: "memory:", role: "all", way: "take", guests: "2", cooks: "2", orders: "5" },
    bilingual: true,
  });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const url = String(flags.url);
  const role = oneOf("role", flags.role, ROLES);
  const way = oneOf("way", flags.way, WAYS);
  const guests = wholeNumber("guests", flags.guests, 1, 100);
  const cooks = wholeNumber("cooks", flags.cooks, 1, 100);
  const orders = wholeNumber("orders", flags.orders, 1, 10_000);
  const dies = flags.die === true;
  if (role !== "all" && url.startsWith("memory:")) throw new UsageError(TEXTS.needsBroker);
  if (dies && role !== "all") throw new UsageError(TEXTS.diesHere);
  if (dies && cooks === 1) throw new UsageError(TEXTS.needsTwo);

  // Alone here it is a queue of our own; for the halves, the one that both know.
  const name = role === "all" ? `kitchen.${crypto.randomUUID()}` : "kitchen";
  const queue: Orders = new RemoteQueue<string>(name, { url });
  cleanup.defer(() => queue.close());
  if (role === "all") cleanup.defer(() => queue.remove());
  const threads: Thread<unknown>[] = [];
  cleanup.defer(() => threads.forEach((thread) => thread.terminate()));

  const startGuests = () =>
    Array.from({ length: guests }, (_, k) => {
      const args: [Orders, number] = [queue, orders];
      const thread = new Thread(guest, { args, name: TEXTS.guest(k + 1) }).start();
      threads.push(thread);
      return thread;
    });
  const startCooks = (from: number) =>
    Array.from({ length: cooks - from }, (_, k) => {
      const target = way === "get" ? hasty : careful;
      const thread = new Thread(target, { args: [queue], name: TEXTS.cook(from + k + 1) }).start();
      threads.push(thread);
      return thread;
    });

  if (role === "cooks") {
    const cooked = await Promise.all(startCooks(0).map((thread) => thread.result()));
    console.log(TEXTS.done(cooked.flat().length));
    return 0;
  }
  if (role === "guests") {
    await queue.reopen();
    await Promise.all(startGuests().map((thread) => thread.result()));
    console.log(TEXTS.put(guests * orders));
    await queue.shutdown();
    return 0;
  }

  const makers = startGuests();
  if (dies) {
    const args: [Orders, Way] = [queue, way];
    const thread = new Thread(unlucky, { args, name: TEXTS.cook(1) }).start();
    threads.push(thread);
    // What it held is on the queue again before the kitchen closes.
    await thread.result();
  }
  const takers = startCooks(dies ? 1 : 0);
  await Promise.all(makers.map((thread) => thread.result()));
  await queue.shutdown();
  const cooked = new Set((await Promise.all(takers.map((thread) => thread.result()))).flat());
  const all = guests * orders;
  const isComplete = cooked.size === all;
  const verdict = isComplete ? TEXTS.verdicts.complete : TEXTS.verdicts.lost;
  console.log(TEXTS.sum(cooked.size, all) + verdict);
  return isComplete ? 0 : 1;
}

if (import.meta.main) await runScript("network_queue", main);
