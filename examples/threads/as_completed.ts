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
import { delay } from "@std/async";
import { asCompleted, type Future, ThreadPoolExecutor, wait } from "../../lib/futures.ts";
import { context } from "../../lib/task.ts";
import { oneOf, readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const USAGE = `Futures: callbacks, asCompleted, wait, and results in order.

Usage: as_completed.ts [options]

  --form F       callbacks, completed, wait, order, or all of them in turn (all)
  --couriers N   how many couriers there are (4)
  --help         show this`;

/** Where the parcels go, and how far that is, in ms. */
const PARCELS: Record<string, number> = { Lisbon: 120, Bern: 30, Atlantis: 60, Oslo: 90 };
const CITIES = Object.keys(PARCELS);

/** Not every address can be found. */
export class AddressError extends Error {
  override name = "AddressError";
}

/** One delivery. */
export async function deliver(city: string): Promise<string> {
  await delay(PARCELS[city]);
  if (city === "Atlantis") throw new AddressError(`no street leads to ${city}`);
  return `${context().name} was in ${city}`;
}

/** A future that knows its parcel. */
type Parcel = Future<string>;

function sendAll(couriers: ThreadPoolExecutor): Map<Parcel, string> {
  return new Map(CITIES.map((city) => [couriers.submit(deliver, city), city]));
}

/** What became of one that is done. */
async function fateOf(parcel: Parcel): Promise<string> {
  const error = await parcel.exception();
  return error === null ? await parcel.result() : `${error}`;
}

async function callbacks(couriers: ThreadPoolExecutor): Promise<boolean> {
  const told: Promise<void>[] = [];
  const tell = async (city: string, parcel: Parcel) => {
    console.log(`  ${city.padEnd(9)} ${await fateOf(parcel)}`);
  };
  for (const [parcel, city] of sendAll(couriers)) {
    parcel.addDoneCallback(() => told.push(tell(city, parcel)));
  }
  console.log("  all are on the way, and we do something else");
  // It takes no more parcels, and waits for those on the way.
  await couriers.shutdown();
  await Promise.all(told);
  return told.length === CITIES.length;
}

async function completed(couriers: ThreadPoolExecutor): Promise<boolean> {
  const parcels = sendAll(couriers);
  let place = 0;
  for await (const parcel of asCompleted(parcels.keys())) {
    console.log(`  ${++place}. ${parcels.get(parcel)!.padEnd(9)} ${await fateOf(parcel)}`);
  }
  return place === CITIES.length;
}

async function waiting(couriers: ThreadPoolExecutor): Promise<boolean> {
  const parcels = sendAll(couriers);
  const left = new Set(parcels.keys());
  for (const returnWhen of ["first", "firstException", "all"] as const) {
    const { done, notDone } = await wait(left, { returnWhen });
    console.log(
      `  ${returnWhen}: ${namesOf(done, parcels)}; on the way: ${namesOf(notDone, parcels)}`,
    );
    for (const parcel of done) left.delete(parcel);
  }
  return left.size === 0;
}

function namesOf(some: Iterable<Parcel>, parcels: Map<Parcel, string>): string {
  return [...some].map((parcel) => parcels.get(parcel)).join(", ") || "none";
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
    console.log(`  ${error}: the loop ends, the rest is cancelled`);
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
  });
  if (flags.help) {
    console.log(USAGE);
    return 0;
  }
  const form = oneOf("form", flags.form, ["all", ...NAMES]);
  const maxWorkers = wholeNumber("couriers", flags.couriers, 1, 64);

  let areDone = true;
  for (const name of form === "all" ? NAMES : [form]) {
    console.log(`${name}:`);
    await using couriers = new ThreadPoolExecutor(maxWorkers, { namePrefix: "courier" });
    if (!await FORMS[name](couriers)) areDone = false;
  }
  console.log(areDone ? "every parcel was accounted for" : "PARCELS LOST");
  return areDone ? 0 : 1;
}

if (import.meta.main) await runScript("as_completed", main);
