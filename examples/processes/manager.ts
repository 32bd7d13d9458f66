#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run
/**
 * Clerks in processes of their own keep one list of stock: a manager's dict.
 *
 * A manager is a process that holds objects for others. Each call is one step there; but to get a
 * number and to set it are two, and what others set in between is lost. `update()` is one step: the
 * manager itself calls the function.
 *
 * Try:
 *
 *     examples/processes/manager.ts                 every delivery counts
 *     examples/processes/manager.ts --form unsafe   all get, then all set: deliveries are lost
 *     examples/processes/manager.ts --form lock     as exact as update: a get, a set, and a lock
 *
 * Unlike a Value, a manager needs no --allow-ffi, and its dict takes any value.
 *
 * @module
 */
import {
  type BarrierProxy,
  currentProcess,
  type DictProxy,
  type LockProxy,
  Manager,
  Process,
} from "../../lib/multiprocessing.ts";
import { inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const FORMS = ["update", "unsafe", "lock"] as const;

const TEXTS = inLanguage({
  en: {
    usage: `Several processes change a manager's dict, one step at a time or not.

Usage: manager.ts [options]

  --form F     update, unsafe or lock (update)
  --clerks N   how many clerks there are (4)
  --lang L     en or zh (en)
  --help       show this`,
    clerk: (k: number) => `clerk-${k}`,
    fruits: { apples: "apples", pears: "pears" },
    delivers: (name: string, fruit: string, amount: number) =>
      `${name} delivers 10 ${fruit}: ${amount}`,
    from: (amount: number, fruit: string, by: string[]) =>
      `${amount} ${fruit} from ${by.join(", ")}`,
    sum: (all: number, lost: number) =>
      `${all} delivered: ${lost === 0 ? "exact" : `${lost} LOST`}`,
  },
  zh: {
    usage: `几个进程改管理器里的一个 dict：一步完成，或者分成两步。

用法：manager.ts [选项]

  --form F     形式：update、unsafe 或 lock（默认 update）
  --clerks N   多少个店员（默认 4）
  --lang L     语言：en 或 zh（默认 en）
  --help       显示本说明`,
    clerk: (k: number) => `店员 ${k}`,
    fruits: { apples: "苹果", pears: "梨" },
    delivers: (name: string, fruit: string, amount: number) =>
      `${name} 送来 10 个${fruit}：共 ${amount} 个`,
    from: (amount: number, fruit: string, by: string[]) =>
      `${amount} 个${fruit}，来自${by.join("、")}`,
    sum: (all: number, lost: number) =>
      `一共送来 ${all} 个：${lost === 0 ? "一个不少" : `丢了 ${lost} 个`}`,
  },
});

const FRUITS = ["apples", "pears"] as const;
type Fruit = typeof FRUITS[number];

/** How many there are of each fruit, and who delivered some, in the order of the deliveries. */
type Stock = DictProxy<Fruit, Delivered>;
interface Delivered {
  amount: number;
  by: string[];
}

/** What the clerks share: proxies, each of which finds the manager by itself. */
interface Shop {
  stock: Stock;
  lock: LockProxy;
  /** Comes between get and set: what goes wrong in `unsafe` now does so every time. */
  allHaveLooked: BarrierProxy;
}

/** Has the manager add: nobody gets in between. */
export async function update({ stock }: Shop, fruit: Fruit): Promise<number> {
  const { amount } = await stock.update(fruit, add, 10, currentProcess().name);
  return amount;
}

/** What is to be set, made of what there is. */
export function add({ amount, by }: Delivered, more: number, who: string): Delivered {
  return { amount: amount + more, by: [...by, who] };
}

/** Gets and sets, and so does everybody else. */
export async function unsafe({ stock, allHaveLooked }: Shop, fruit: Fruit): Promise<number> {
  const before = await stock.get(fruit);
  await allHaveLooked.wait();
  const after = add(before!, 10, currentProcess().name);
  await stock.set(fruit, after);
  return after.amount;
}

/** Gets and sets while all others wait. */
export async function lock({ stock, lock }: Shop, fruit: Fruit): Promise<number> {
  using _ = await lock.acquire();
  const after = add((await stock.get(fruit))!, 10, currentProcess().name);
  await stock.set(fruit, after);
  return after.amount;
}

/** One clerk: delivers ten of each. */
export async function clerk(form: typeof FORMS[number], shop: Shop): Promise<void> {
  for (const fruit of FRUITS) {
    const amount = await { update, unsafe, lock }[form](shop, fruit);
    console.log(TEXTS.delivers(currentProcess().name, TEXTS.fruits[fruit], amount));
  }
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({
    string: ["form", "clerks"],
    default: { form: "update", clerks: "4" },
    bilingual: true,
  });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const form = oneOf("form", flags.form, FORMS);
  const clerks = wholeNumber("clerks", flags.clerks, 1, 100);

  // The clerks have fewer permissions than the shop: what they have the manager call is registered.
  Manager.register("add", add);
  const manager = cleanup.use(await Manager.start());
  const stock: Stock = await manager.dict(FRUITS.map((fruit) => [fruit, { amount: 0, by: [] }]));
  const shop: Shop = {
    stock,
    lock: await manager.Lock(),
    allHaveLooked: await manager.Barrier(clerks),
  };
  const children = Array.from(
    { length: clerks },
    (_, k) => new Process(clerk, { args: [form, shop], name: TEXTS.clerk(k + 1) }).start(),
  );
  // If one is lost, those that wait for it do not outlive the script.
  cleanup.defer(() => children.forEach((child) => child.kill()));
  await Promise.all(children.map((child) => child.result()));

  let lost = 0;
  for (const [fruit, { amount, by }] of await stock.entries()) {
    console.log(TEXTS.from(amount, TEXTS.fruits[fruit], by));
    lost += clerks * 10 - amount;
  }
  console.log(TEXTS.sum(clerks * 10 * FRUITS.length, lost));
  return lost === 0 ? 0 : 1;
}

if (import.meta.main) await runScript("manager", main);
