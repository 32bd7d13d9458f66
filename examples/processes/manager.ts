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
import { oneOf, readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const FORMS = ["update", "unsafe", "lock"] as const;

const USAGE = `Several processes change a manager's dict, one step at a time or not.

Usage: manager.ts [options]

  --form F     update, unsafe or lock (update)
  --clerks N   how many clerks there are (4)
  --help       show this`;

const FRUITS = ["apples", "pears"];

/** How many there are of each fruit, and who delivered some, in the order of the deliveries. */
type Stock = DictProxy<string, Delivered>;
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
export async function update({ stock }: Shop, fruit: string): Promise<number> {
  const { amount } = await stock.update(fruit, add, 10, currentProcess().name);
  return amount;
}

/** What is to be set, made of what there is. */
export function add({ amount, by }: Delivered, more: number, who: string): Delivered {
  return { amount: amount + more, by: [...by, who] };
}

/** Gets and sets, and so does everybody else. */
export async function unsafe({ stock, allHaveLooked }: Shop, fruit: string): Promise<number> {
  const before = await stock.get(fruit);
  await allHaveLooked.wait();
  const after = add(before!, 10, currentProcess().name);
  await stock.set(fruit, after);
  return after.amount;
}

/** Gets and sets while all others wait. */
export async function lock({ stock, lock }: Shop, fruit: string): Promise<number> {
  using _ = await lock.acquire();
  const after = add((await stock.get(fruit))!, 10, currentProcess().name);
  await stock.set(fruit, after);
  return after.amount;
}

/** One clerk: delivers ten of each. */
export async function clerk(form: typeof FORMS[number], shop: Shop): Promise<void> {
  for (const fruit of FRUITS) {
    const amount = await { update, unsafe, lock }[form](shop, fruit);
    console.log(`${currentProcess().name} delivers 10 ${fruit}: ${amount}`);
  }
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({
    string: ["form", "clerks"],
    default: { form: "update", clerks: "4" },
  });
  if (flags.help) {
    console.log(USAGE);
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
    (_, k) => new Process(clerk, { args: [form, shop], name: `clerk-${k + 1}` }).start(),
  );
  // If one is lost, those that wait for it do not outlive the script.
  cleanup.defer(() => children.forEach((child) => child.kill()));
  await Promise.all(children.map((child) => child.result()));

  let lost = 0;
  for (const [fruit, { amount, by }] of await stock.entries()) {
    console.log(`${amount} ${fruit} from ${by.join(", ")}`);
    lost += clerks * 10 - amount;
  }
  const verdict = lost === 0 ? "exact" : `${lost} LOST`;
  console.log(`${clerks * 10 * FRUITS.length} delivered: ${verdict}`);
  return lost === 0 ? 0 : 1;
}

if (import.meta.main) await runScript("manager", main);
