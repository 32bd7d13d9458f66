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
import { oneOf, readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const USAGE = `Threads count votes in memory that they share.

Usage: counters.ts [options]

  --tellers N   how many count (4)
  --votes N     how many votes each has (12)
  --way W       how they count: none, lock or add (lock)
  --help        show this`;

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
  });
  if (flags.help) {
    console.log(USAGE);
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
  counts.forEach((n, k) => console.log(`candidate ${k + 1}: ${n}`));
  const exact = total === cast && sum === cast;
  console.log(`${total} of ${cast} votes counted: ${exact ? "exact" : "LOST VOTES"}`);
  return exact ? 0 : 1;
}

if (import.meta.main) await runScript("counters", main);
