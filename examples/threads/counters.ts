#!/usr/bin/env -S deno run --allow-read
/**
 * An election: threads count votes in a Value and an Array that they share.
 *
 * To count is to read, add one, and write: two who do so at once count one vote. A lock makes it
 * one at a time. A Value can also add by itself, in one step, without a lock.
 *
 * Try:
 *
 *     examples/threads/counters.ts              with the lock
 *     examples/threads/counters.ts --way none   without: votes get lost
 *     examples/threads/counters.ts --way add    the Value adds by itself
 *
 * @module
 */
import { Array as SharedArray, Barrier, Thread, Value } from "../../lib/threading.ts";
import { inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `Threads count votes in memory that they share.

Usage: counters.ts [options]

  --tellers N   how many count (4)
  --votes N     how many votes each has (12)
  --way W       how they count: none, lock or add (lock)
  --lang L      en or zh (en)
  --help        show this`,
    candidate: (k: number, votes: number) => `candidate ${k}: ${votes}`,
    counted: (total: number, cast: number) => `${total} of ${cast} votes counted: `,
    exact: "exact",
    lost: "LOST VOTES",
  },
  zh: {
    usage: `几个线程在共享内存里计票。

用法：counters.ts [选项]

  --tellers N   有几个计票员（默认 4）
  --votes N     每人计多少张票（默认 12）
  --way W       怎么计票：none、lock 或 add（默认 lock）
  --lang L      语言：en 或 zh（默认 en）
  --help        显示本说明`,
    candidate: (k: number, votes: number) => `候选人${k}：${votes} 票`,
    counted: (total: number, cast: number) => `共投 ${cast} 票，计到 ${total} 票：`,
    exact: "一票不差",
    lost: "丢了票",
  },
});

const WAYS = ["none", "lock", "add"] as const;
type Way = typeof WAYS[number];
const CANDIDATES = 3;

/** What the threads share. */
interface Election {
  total: Value;
  /** One count for each candidate. */
  counts: SharedArray;
  /** Comes between reading and writing: what goes wrong without a lock does so every time. */
  beforeWriting: Barrier;
}

/** One teller: counts its votes, which are for each candidate in turn. */
export async function teller(votes: number, way: Way, election: Election): Promise<void> {
  const { total, counts, beforeWriting } = election;
  for (let vote = 0; vote < votes; vote++) {
    const candidate = vote % CANDIDATES;
    if (way === "none") {
      const [all, own] = [total.value, counts.at(candidate)];
      await beforeWriting.wait();
      total.value = all + 1;
      counts.set(candidate, own + 1);
    } else if (way === "lock") {
      using _ = await total.lock.acquire();
      total.value += 1;
      counts.set(candidate, counts.at(candidate) + 1);
    } else {
      total.add(1);
      // An array cannot add by itself.
      using _ = await counts.lock.acquire();
      counts.set(candidate, counts.at(candidate) + 1);
    }
  }
}

async function main(): Promise<number> {
  const flags = readFlags({
    string: ["tellers", "votes", "way"],
    default: { tellers: "4", votes: "12", way: "lock" },
    bilingual: true,
  });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const tellers = wholeNumber("tellers", flags.tellers, 2, 100);
  const votes = wholeNumber("votes", flags.votes, 1, 10_000);
  const way = oneOf("way", flags.way, WAYS);

  const election = {
    total: new Value("i32"),
    counts: new SharedArray("i32", CANDIDATES),
    beforeWriting: new Barrier(tellers),
  };
  const threads = Array.from(
    { length: tellers },
    () => new Thread(teller, { args: [votes, way, election] }).start(),
  );
  await Promise.all(threads.map((thread) => thread.result()));

  const cast = tellers * votes;
  const total = election.total.value;
  const counts = election.counts.toArray();
  const sum = counts.reduce((a, b) => a + b);
  counts.forEach((n, k) => console.log(TEXTS.candidate(k + 1, n)));
  const exact = total === cast && sum === cast;
  console.log(TEXTS.counted(total, cast) + (exact ? TEXTS.exact : TEXTS.lost));
  return exact ? 0 : 1;
}

if (import.meta.main) await runScript("counters", main);
