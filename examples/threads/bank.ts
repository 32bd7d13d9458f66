#!/usr/bin/env -S deno run --allow-read
/**
 * Several clerks, one account.
 *
 * A deposit is three steps: read the balance, add to it, write it back. Two clerks who read the
 * same balance both write their own sum, and one deposit is lost. A lock makes the three steps one.
 *
 * Try:
 *
 *     examples/threads/bank.ts                        every coin is there
 *     examples/threads/bank.ts --no-lock              all read, then all write: money is lost
 *     examples/threads/bank.ts --no-lock --clerks 1   nobody to race with: nothing is lost
 *
 * Then look at `Value.add()`: one step that needs no lock.
 *
 * @module
 */
import { Barrier, Lock, Thread, Value } from "../../lib/threading.ts";
import { readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const USAGE = `Several clerks change one balance, with and without a lock.

Usage: bank.ts [options]

  --clerks N   how many clerks there are (4)
  --rounds N   how often each deposits 30 and withdraws 10 (2)
  --no-lock    let them all read the balance before anyone writes it
  --help       show this`;

const START = 100;
const DEPOSIT = 30;
const WITHDRAWAL = 10;

/** What a clerk is told. */
interface Clerk {
  name: string;
  rounds: number;
  balance: Value;
  /** Opens when all clerks are there. */
  opening: Barrier;
  /** Held from reading to writing. */
  lock?: Lock;
  /** Comes between reading and writing: what goes wrong without a lock now does so every time. */
  allHaveRead?: Barrier;
}

/** One clerk: deposits and withdraws, and deposits and withdraws. */
export async function clerk(me: Clerk): Promise<void> {
  await me.opening.wait();
  for (let round = 0; round < me.rounds; round++) {
    await change(me, DEPOSIT);
    await change(me, -WITHDRAWAL);
  }
}

/** Changes the balance: reads, adds, writes. */
async function change({ name, balance, lock, allHaveRead }: Clerk, amount: number): Promise<void> {
  using _ = await lock?.acquire();
  const before = balance.value;
  await allHaveRead?.wait();
  balance.value = before + amount;
  const what = amount > 0 ? `deposits ${amount}` : `withdraws ${-amount}`;
  console.log(`${name} ${what}: ${before} -> ${before + amount}`);
}

async function main(): Promise<number> {
  const flags = readFlags({
    boolean: ["lock"],
    string: ["clerks", "rounds"],
    negatable: ["lock"],
    default: { clerks: "4", rounds: "2", lock: true },
  });
  if (flags.help) {
    console.log(USAGE);
    return 0;
  }
  const clerks = wholeNumber("clerks", flags.clerks, 1, 100);
  const rounds = wholeNumber("rounds", flags.rounds, 1, 1_000);

  const balance = new Value("i32", START);
  const opening = new Barrier(clerks);
  const lock = flags.lock ? new Lock() : undefined;
  const allHaveRead = flags.lock ? undefined : new Barrier(clerks);
  const threads = Array.from({ length: clerks }, (_, k) => {
    const name = `clerk-${k + 1}`;
    const me = { name, rounds, balance, opening, lock, allHaveRead };
    return new Thread(clerk, { args: [me], name }).start();
  });
  await Promise.all(threads.map((thread) => thread.result()));

  const expected = START + clerks * rounds * (DEPOSIT - WITHDRAWAL);
  const lost = expected - balance.value;
  const verdict = lost === 0 ? "exact" : `${lost} LOST`;
  console.log(`the balance is ${balance.value}, should be ${expected}: ${verdict}`);
  return lost === 0 ? 0 : 1;
}

if (import.meta.main) await runScript("bank", main);
