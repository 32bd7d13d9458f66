#!/usr/bin/env -S deno run --allow-read
/**
 * Futures: couriers deliver parcels, and we are told as they come.
 *
 * `submit` gives a Future at once. What it holds later can be had in several ways:
 *
 *     callbacks   future.addDoneCallback(): called when it is done
 *     completed   asCompleted(): a loop over the futures, first done first
 *     wait        wait(): until the first is done, or the first has failed, or all are
 *     order       map(): a loop over the results, in the order of the inputs
 *
 * Try:
 *
 *     examples/threads/as_completed.ts                   all of them in turn
 *     examples/threads/as_completed.ts --couriers 1      one courier: the order of the orders
 *     examples/threads/as_completed.ts --form wait       who was first, who is still on the way
 *
 * @module
 */
import { asCompleted, type Future, ThreadPoolExecutor, wait } from "../../lib/futures.ts";
import { context } from "../../lib/task.ts";
import { sleep } from "../../lib/time.ts";
import { fill, inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    title: (name: string) => `${name}:`,
    usage: `Futures: callbacks, asCompleted, wait, and results in order.

Usage: as_completed.ts [options]

  --form F       callbacks, completed, wait, order, or all of them in turn (all)
  --couriers N   how many couriers there are (4)
  --lang L       en or zh (en)
  --help         show this`,
    courier: "courier",
    cities: { Lisbon: "Lisbon", Bern: "Bern", Atlantis: "Atlantis", Oslo: "Oslo" },
    noStreet: (city: string) => `no street leads to ${city}`,
    wasIn: (name: string, city: string) => `${name} was in ${city}`,
    onTheWay: "all are on the way, and we do something else",
    some: (cities: string[]) => cities.join(", ") || "none",
    waited: (until: string, done: string, left: string) => `${until}: ${done}; on the way: ${left}`,
    loopEnds: (error: unknown) => `${error}: the loop ends, the rest is cancelled`,
    allDone: "every parcel was accounted for",
    lost: "PARCELS LOST",
  },
  zh: {
    title: (name: string) => `${name}：`,
    usage: `Future：回调、asCompleted、wait，以及按顺序的结果。

用法：as_completed.ts [选项]

  --form F       形式：callbacks、completed、wait、order，或者依次全部 all（默认 all）
  --couriers N   有几个快递员（默认 4）
  --lang L       语言：en 或 zh（默认 en）
  --help         显示本说明`,
    courier: "快递员",
    cities: { Lisbon: "里斯本", Bern: "伯尔尼", Atlantis: "大西洲", Oslo: "奥斯陆" },
    noStreet: (city: string) => `没有路通往${city}`,
    wasIn: (name: string, city: string) => `${name} 送到了${city}`,
    onTheWay: "全都上路了，我们先做别的事",
    some: (cities: string[]) => cities.join("、") || "无",
    waited: (until: string, done: string, left: string) => `${until}：${done}；还在路上：${left}`,
    loopEnds: (error: unknown) => `${error}：循环结束，其余的取消`,
    allDone: "每个包裹都有了下落",
    lost: "包裹丢了",
  },
});

/** Where the parcels go, and how far that is, in ms. */
const PARCELS = { Lisbon: 120, Bern: 30, Atlantis: 60, Oslo: 90 };
type City = keyof typeof PARCELS;
const CITIES = Object.keys(PARCELS) as City[];

/** Not every address can be found. */
export class AddressError extends Error {
  override name = "AddressError";
}

/** One delivery. */
export async function deliver(city: City): Promise<string> {
  await sleep(PARCELS[city]);
  if (city === "Atlantis") throw new AddressError(TEXTS.noStreet(TEXTS.cities[city]));
  return TEXTS.wasIn(context().name, TEXTS.cities[city]);
}

/** A future that knows its parcel. */
type Parcel = Future<string>;

function sendAll(couriers: ThreadPoolExecutor): Map<Parcel, City> {
  return new Map(CITIES.map((city) => [couriers.submit(deliver, city), city]));
}

/** What became of one that is done. */
async function fateOf(parcel: Parcel): Promise<string> {
  const error = await parcel.exception();
  return error === null ? await parcel.result() : `${error}`;
}

async function callbacks(couriers: ThreadPoolExecutor): Promise<boolean> {
  const told: Promise<void>[] = [];
  const tell = async (city: City, parcel: Parcel) => {
    console.log(`  ${fill(TEXTS.cities[city], 9)} ${await fateOf(parcel)}`);
  };
  for (const [parcel, city] of sendAll(couriers)) {
    parcel.addDoneCallback(() => told.push(tell(city, parcel)));
  }
  console.log(`  ${TEXTS.onTheWay}`);
  // It takes no more parcels, and waits for those on the way.
  await couriers.shutdown();
  await Promise.all(told);
  return told.length === CITIES.length;
}

async function completed(couriers: ThreadPoolExecutor): Promise<boolean> {
  const parcels = sendAll(couriers);
  let place = 0;
  for await (const parcel of asCompleted(parcels.keys())) {
    const city = TEXTS.cities[parcels.get(parcel)!];
    console.log(`  ${++place}. ${fill(city, 9)} ${await fateOf(parcel)}`);
  }
  return place === CITIES.length;
}

async function waiting(couriers: ThreadPoolExecutor): Promise<boolean> {
  const parcels = sendAll(couriers);
  const left = new Set(parcels.keys());
  for (const returnWhen of ["first", "firstException", "all"] as const) {
    const { done, notDone } = await wait(left, { returnWhen });
    const [here, there] = [done, notDone].map((some) => namesOf(some, parcels));
    console.log(`  ${TEXTS.waited(returnWhen, here, there)}`);
    for (const parcel of done) left.delete(parcel);
  }
  return left.size === 0;
}

function namesOf(some: Iterable<Parcel>, parcels: Map<Parcel, City>): string {
  return TEXTS.some([...some].map((parcel) => TEXTS.cities[parcels.get(parcel)!]));
}

async function order(couriers: ThreadPoolExecutor): Promise<boolean> {
  const reached = [];
  try {
    for await (const report of couriers.map(deliver, CITIES)) {
      reached.push(report);
      console.log(`  ${report}`);
    }
  } catch (error) {
    if (!(error instanceof AddressError)) throw error;
    console.log(`  ${TEXTS.loopEnds(error)}`);
  }
  return reached.length === CITIES.indexOf("Atlantis");
}

const FORMS = { callbacks, completed, wait: waiting, order };
type Form = keyof typeof FORMS;
const NAMES = Object.keys(FORMS) as Form[];

async function main(): Promise<number> {
  const flags = readFlags({
    string: ["form", "couriers"],
    default: { form: "all", couriers: "4" },
    bilingual: true,
  });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const form = oneOf("form", flags.form, ["all", ...NAMES]);
  const maxWorkers = wholeNumber("couriers", flags.couriers, 1, 64);

  let areDone = true;
  for (const name of form === "all" ? NAMES : [form]) {
    console.log(TEXTS.title(name));
    await using couriers = new ThreadPoolExecutor(maxWorkers, { namePrefix: TEXTS.courier });
    if (!await FORMS[name](couriers)) areDone = false;
  }
  console.log(areDone ? TEXTS.allDone : TEXTS.lost);
  return areDone ? 0 : 1;
}

if (import.meta.main) await runScript("as_completed", main);
