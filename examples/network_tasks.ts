#!/usr/bin/env -S deno run --allow-read --allow-net
/**
 * A kitchen that sends its dishes out to be cooked: calls of a function, run on other machines.
 *
 * With a network queue (`network_queue.ts`) one program puts slips, and another says itself what it
 * does with each. Here the slip is a *call*: which function, with which arguments. Whoever has the
 * same script runs it, and what it returns comes back to the one who asked, as a future. It is the
 * executor of threads and processes, over a broker.
 *
 * A cook may fall down dead with a dish in hand. Then another cook gets it, with "attempt 2" on it:
 * so a dish may be begun twice, but the one who asked gets one plate. After too many deaths nobody
 * is given it any more: the fault is the dish's.
 *
 * By default the broker is in this process (`memory:`), and threads of it are the cooks. With a URL
 * of RabbitMQ they are programs on other machines, of this script or of the command line's `worker`.
 *
 * Try:
 *
 *     examples/network_tasks.ts                    every dish comes back
 *     examples/network_tasks.ts --die 1            the cook of dish 1 dies once: another cooks it
 *     examples/network_tasks.ts --die 1 --retries 0    it is tried once: the dish is lost
 *     examples/network_tasks.ts --url amqp://guest:guest@localhost/ --role cook     here,
 *     examples/network_tasks.ts --url amqp://guest:guest@localhost/ --role guest    and there
 *
 * @module
 */
import { exit } from "../lib/os.ts";
import { RemoteExecutor, RemoteWorker } from "../lib/remote.ts";
import { abortOn } from "../lib/signal.ts";
import { context } from "../lib/task.ts";
import { inLanguage } from "./_shared/language.ts";
import { oneOf, readFlags, runScript, UsageError, wholeNumber } from "./_shared/script.ts";

const ROLES = ["all", "guest", "cook"] as const;

const TEXTS = inLanguage({
  en: {
    usage: `Calls of a function on other machines, and a cook that dies at the stove.

Usage: network_tasks.ts [options]

  --url URL     the broker: amqp://user:password@host/ or memory: (memory:)
  --role R      guest, cook, or both of them here (all); the halves need a broker
  --dishes N    how many dishes are ordered (5)
  --die N       the cook of dish N dies at its first attempt (0: nobody)
  --retries N   how often a dish is given to another cook (3)
  --lang L      en or zh (en)
  --help        show this`,
    plate: (dish: number, attempt: number) =>
      `dish ${dish} comes to the table${attempt > 1 ? `, cooked at attempt ${attempt}` : ""}`,
    lost: (dish: number, why: string) => `dish ${dish} is lost: ${why}`,
    sum: (plates: number, dishes: number) => `${plates} of ${dishes} dishes came to the table`,
    serves: "the cook waits for orders; Ctrl-C ends",
    cooked: (count: number) => `${count} dishes cooked here`,
    needsBroker: "--role guest and --role cook need a broker: --url amqp://user:password@host/",
  },
  zh: {
    usage: `在别的机器上调用函数，还有一个死在灶台前的厨师。

用法：network_tasks.ts [选项]

  --url URL     中间件地址：amqp://用户:密码@主机/，或者 memory:（memory:）
  --role R      角色：guest（客人）、cook（厨师），或者都在这里 all（all）；分开跑要有中间件
  --dishes N    点几个菜（5）
  --die N       做第 N 个菜的厨师第一次会死（0：谁也不死）
  --retries N   一个菜最多换几次厨师（3）
  --lang L      语言：en 或 zh（en）
  --help        显示本说明`,
    plate: (dish: number, attempt: number) =>
      `第 ${dish} 个菜上桌了${attempt > 1 ? `，第 ${attempt} 次才做成` : ""}`,
    lost: (dish: number, why: string) => `第 ${dish} 个菜丢了：${why}`,
    sum: (plates: number, dishes: number) => `点了 ${dishes} 个菜，上桌 ${plates} 个`,
    serves: "厨师在等单子；按 Ctrl-C 结束",
    cooked: (count: number) => `这里做了 ${count} 个菜`,
    needsBroker: "--role guest 和 --role cook 要有中间件：--url amqp://用户:密码@主机/",
  },
});

/** What a cook does, wherever it is: found there by its name, in this same script. */
export function cook(dish: number, dies: boolean): { dish: number; attempt: number } {
  const { attempt = 1 } = context();
  // A cook that falls down dead; its thread ends in the midst of the call.
  if (dies && attempt === 1) exit(1);
  return { dish, attempt };
}

async function main(): Promise<number> {
  const flags = readFlags({
    string: ["url", "role", "dishes", "die", "retries"],
    default: { url: "memory:", role: "all", dishes: "5", die: "0", retries: "3" },
    bilingual: true,
  });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const url = String(flags.url);
  const role = oneOf("role", flags.role, ROLES);
  const dishes = wholeNumber("dishes", flags.dishes, 1, 10_000);
  const die = wholeNumber("die", flags.die, 0, 10_000);
  const retries = wholeNumber("retries", flags.retries, 0, 100);
  if (role !== "all" && url.startsWith("memory:")) throw new UsageError(TEXTS.needsBroker);

  if (role === "cook") {
    const worker = new RemoteWorker("kitchen.calls", { url });
    console.log(TEXTS.serves);
    using signal = abortOn("SIGINT", "SIGTERM");
    const { done } = await worker.run({ signal });
    console.log(TEXTS.cooked(done));
    return 0;
  }

  // Alone here it is a queue of our own, over the broker's memory or RabbitMQ's.
  const isAlone = role === "all" && !url.startsWith("memory:");
  const worker = isAlone ? new RemoteWorker("kitchen.calls", { url, workers: 2 }) : undefined;
  const served = worker?.run();
  await using executor = new RemoteExecutor("kitchen.calls", { url, retries });
  const futures = Array.from(
    { length: dishes },
    (_, k) => executor.submit(cook, k + 1, k + 1 === die),
  );
  let plates = 0;
  for (const [k, future] of futures.entries()) {
    const error = await future.exception();
    if (error !== null) console.log(TEXTS.lost(k + 1, error.name));
    else {
      plates++;
      const { dish, attempt } = await future.result();
      console.log(TEXTS.plate(dish, attempt));
    }
  }
  console.log(TEXTS.sum(plates, dishes));
  await worker?.stop();
  await served;
  return plates === dishes ? 0 : 1;
}

if (import.meta.main) await runScript("network_tasks", main);
