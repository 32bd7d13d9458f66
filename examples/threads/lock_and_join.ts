#!/usr/bin/env -S deno run --allow-read
/**
 * A hundred threads, each of which takes 1 from n = 100.
 *
 * Each looks around first, which disturbs nobody, and then takes: reads n, and writes n - 1. The
 * forms differ in what runs side by side, and what one at a time:
 *
 *     race    all of it side by side: all read 100, and all write 99
 *     part    the looking side by side, the taking under a lock
 *     whole   the looking under the lock too: just as right, and slower
 *     join    start, join, start, join ...: right without a lock, and nothing is side by side
 *
 * Try:
 *
 *     examples/threads/lock_and_join.ts               the four forms, and their times
 *     examples/threads/lock_and_join.ts --form race   99 left
 *     examples/threads/lock_and_join.ts --look 20     the longer the looking, the more "part" gains
 *
 * @module
 */
import { delay } from "@std/async";
import { Barrier, Lock, Thread, Value } from "../../lib/threading.ts";
import { breakOnFailure } from "../_shared/barriers.ts";
import { oneOf, readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const FORMS = ["race", "part", "whole", "join"] as const;
type Form = typeof FORMS[number];

const USAGE = `A hundred threads take 1 each: what a lock makes one at a time, and what join does.

Usage: lock_and_join.ts [options]

  --form F      race, part, whole, join, or all of them in turn (all)
  --threads N   how many threads, and n at first (100)
  --look MS     how long each looks around before it takes (2)
  --help        show this`;

const NOTES: Record<Form, string> = {
  race: "all side by side",
  part: "side by side up to the lock, one at a time inside",
  whole: "one at a time from first to last",
  join: "one at a time, starting and ending included",
};

/** What a thread is told. */
interface Errand {
  n: Value;
  look: number;
  lock: Lock;
  /** Open when all threads and main are there: starting and ending is not what is measured. */
  allAreHere: Barrier;
  allAreDone: Barrier;
  /** Opens when all threads have read n: what goes wrong without a lock now does so every time. */
  allHaveRead: Barrier;
}

/** No lock, no order. */
export async function race(errand: Errand): Promise<void> {
  const { n, look, allAreHere, allAreDone, allHaveRead } = errand;
  await allAreHere.wait();
  await delay(look);
  const seen = n.value;
  await allHaveRead.wait();
  n.value = seen - 1;
  await allAreDone.wait();
}

/** Under the lock: what must be one at a time. */
export async function part({ n, look, lock, allAreHere, allAreDone }: Errand): Promise<void> {
  await allAreHere.wait();
  await delay(look);
  {
    using _ = await lock.acquire();
    n.value = n.value - 1;
  }
  await allAreDone.wait();
}

/** Under the lock: everything. */
export async function whole({ n, look, lock, allAreHere, allAreDone }: Errand): Promise<void> {
  await allAreHere.wait();
  {
    using _ = await lock.acquire();
    await delay(look);
    n.value = n.value - 1;
  }
  await allAreDone.wait();
}

/** No lock: nobody else is there. */
export async function join({ n, look }: Errand): Promise<void> {
  await delay(look);
  n.value = n.value - 1;
}

/** Runs one form, and says what is left of n. */
async function run(form: Form, threads: number, look: number): Promise<number> {
  const n = new Value("i32", threads);
  const allAreHere = new Barrier(threads + 1);
  const allAreDone = new Barrier(threads + 1);
  const allHaveRead = new Barrier(threads);
  const errand = { n, look, lock: new Lock(), allAreHere, allAreDone, allHaveRead };
  const target = { race, part, whole, join }[form];
  const start = () => new Thread(target, { args: [errand] }).start();

  const crowd: Thread[] = [];
  let began = performance.now();
  if (form === "join") {
    for (let k = 0; k < threads; k++) await start().result();
  } else {
    for (let k = 0; k < threads; k++) crowd.push(start());
    breakOnFailure(crowd, allAreHere, allAreDone);
    await allAreHere.wait();
    began = performance.now();
    await allAreDone.wait();
  }
  const ms = (performance.now() - began).toFixed(0).padStart(5);
  await Promise.all(crowd.map((thread) => thread.result()));
  console.log(`${form.padEnd(5)} ${String(n.value).padStart(5)} ${ms}  ${NOTES[form]}`);
  return n.value;
}

async function main(): Promise<number> {
  const flags = readFlags({
    string: ["form", "threads", "look"],
    default: { form: "all", threads: "100", look: "2" },
  });
  if (flags.help) {
    console.log(USAGE);
    return 0;
  }
  const form = oneOf("form", flags.form, ["all", ...FORMS]);
  const threads = wholeNumber("threads", flags.threads, 2, 500);
  const look = wholeNumber("look", flags.look, 0, 60_000);

  console.log(`${threads} threads take 1 each from n = ${threads}`);
  console.log("form   left    ms  what runs when");
  if (form !== "all") {
    const left = await run(form, threads, look);
    console.log(`${left} of ${threads} left: ${left === 0 ? "exact" : "WRONG"}`);
    return left === 0 ? 0 : 1;
  }
  const right: Form[] = [];
  const wrong: Form[] = [];
  for (const each of FORMS) (await run(each, threads, look) === 0 ? right : wrong).push(each);
  console.log(`wrong: ${wrong.join(", ")}; right: ${right.join(", ")}`);
  return wrong.join() === "race" ? 0 : 1;
}

if (import.meta.main) await runScript("lock_and_join", main);
