#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run --allow-ffi
/**
 * A car park with three places.
 *
 * A semaphore is a lock for several: it has as many permits as there are places. Who finds none
 * left waits at the barrier until somebody drives out.
 *
 * Try:
 *
 *     examples/processes/semaphore.ts                  eight visitors, never more than three inside
 *     examples/processes/semaphore.ts --places 1       as a lock
 *     examples/processes/semaphore.ts --no-semaphore   nobody minds the barrier
 *
 * @module
 */
import { Event, Process, Semaphore, Value } from "../../lib/multiprocessing.ts";
import { sleep } from "../../lib/time.ts";
import { inLanguage } from "../_shared/language.ts";
import { readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `A car park: a semaphore lets in as many as there are places.

Usage: semaphore.ts [options]

  --places N       how many places there are (3)
  --visitors N     how many want one (8)
  --stay MS        how long each stays (20)
  --no-semaphore   let everyone in
  --lang L         en or zh (en)
  --help           show this`,
    visitor: (k: number) => `visitor-${k}`,
    in: (name: string, inside: number) => `${name} drives in:  ${inside} inside`,
    out: (name: string, inside: number) => `${name} drives out: ${inside} inside`,
    sum: (visitors: number, most: number, places: number) =>
      `${visitors} visitors, at most ${most} on ${places} places: ${
        most <= places ? "orderly" : "CROWDED"
      }`,
  },
  zh: {
    usage: `停车场：有几个车位，信号量就放进几辆车。

用法：semaphore.ts [选项]

  --places N       多少个车位（默认 3）
  --visitors N     多少辆车要停（默认 8）
  --stay MS        每辆停多久（默认 20）
  --no-semaphore   谁都放进来
  --lang L         语言：en 或 zh（默认 en）
  --help           显示本说明`,
    visitor: (k: number) => `${k} 号车`,
    in: (name: string, inside: number) => `${name}进场：场内 ${inside} 辆`,
    out: (name: string, inside: number) => `${name}出场：场内 ${inside} 辆`,
    sum: (visitors: number, most: number, places: number) =>
      `${visitors} 辆车，${places} 个车位，最多时 ${most} 辆：${
        most <= places ? "秩序井然" : "挤满了"
      }`,
  },
});

/** What a visitor is told. */
interface Visit {
  name: string;
  stay: number;
  permits?: Semaphore;
  /** How many are inside now, and the most there ever were. */
  inside: Value;
  most: Value;
  /** How many make a crowd, and whether that many have been inside: nobody leaves before. */
  crowd: number;
  crowded: Event;
}

/** One visitor: drives in, stays, drives out. */
export async function visitor(visit: Visit): Promise<void> {
  const { name, permits, inside, most } = visit;
  using _ = await permits?.acquire();
  {
    // Counting and telling are one, so that the lines come in the order of the counts.
    using _ = inside.lock.acquireSync();
    inside.value++;
    most.value = Math.max(most.value, inside.value);
    console.log(TEXTS.in(name, inside.value));
    if (inside.value === visit.crowd) visit.crowded.set();
  }
  await visit.crowded.wait();
  await sleep(visit.stay);
  {
    using _ = inside.lock.acquireSync();
    inside.value--;
    console.log(TEXTS.out(name, inside.value));
  }
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({
    boolean: ["semaphore"],
    string: ["places", "visitors", "stay"],
    negatable: ["semaphore"],
    default: { places: "3", visitors: "8", stay: "20", semaphore: true },
    bilingual: true,
  });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const places = wholeNumber("places", flags.places, 1, 100);
  const visitors = wholeNumber("visitors", flags.visitors, 1, 100);
  const stay = wholeNumber("stay", flags.stay, 0, 60_000);

  const permits = flags.semaphore ? new Semaphore(places) : undefined;
  const inside = new Value("i32");
  const most = new Value("i32");
  const crowd = flags.semaphore ? Math.min(places, visitors) : visitors;
  const crowded = new Event();
  const children = Array.from({ length: visitors }, (_, k) => {
    const name = TEXTS.visitor(k + 1);
    const visit = { name, stay, permits, inside, most, crowd, crowded };
    return new Process(visitor, { args: [visit], name }).start();
  });
  // If one is lost, those that wait for it do not outlive the script.
  cleanup.defer(() => children.forEach((child) => child.kill()));
  await Promise.all(children.map((child) => child.result()));

  console.log(TEXTS.sum(visitors, most.value, places));
  return most.value <= places ? 0 : 1;
}

if (import.meta.main) await runScript("semaphore", main);
