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
import { inLanguage } from "../_shared/language.ts";
import { readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `Several clerks change one balance, with and without a lock.

Usage: bank.ts [options]

  --clerks N   how many clerks there are (4)
  --rounds N   how often each deposits 30 and withdraws 10 (2)
  --no-lock    let them all read the balance before anyone writes it
  --lang L     en or zh (en)
  --help       show this`,
    clerk: (k: number) => `clerk-${k}`,
    deposits: (amount: number) => `deposits ${amount}`,
    withdraws: (amount: number) => `withdraws ${amount}`,
    change: (name: string, what: string, before: number, after: number) =>
      `${name} ${what}: ${before} -> ${after}`,
    balance: (balance: number, expected: number) =>
      `the balance is ${balance}, should be ${expected}: `,
    exact: "exact",
    lost: (amount: number) => `${amount} LOST`,
  },
  zh: {
    usage: `几个柜员修改同一个账户的余额：加锁和不加锁。

用法：bank.ts [选项]

  --clerks N   有几个柜员（默认 4）
  --rounds N   每个柜员存 30、取 10，做几轮（默认 2）
  --no-lock    不加锁：谁也没写回之前，大家都读了余额
  --lang L     语言：en 或 zh（默认 en）
  --help       显示本说明`,
    clerk: (k: number) => `柜员${k}`,
    deposits: (amount: number) => `存入 ${amount}`,
    withdraws: (amount: number) => `取出 ${amount}`,
    change: (name: string, what: string, before: number, after: number) =>
      `${name} ${what}：${before} -> ${after}`,
    balance: (balance: number, expected: number) => `余额是 ${balance}，应为 ${expected}：`,
    exact: "分文不差",
    lost: (amount: number) => `丢了 ${amount}`,
  },
});

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
  const what = amount > 0 ? TEXTS.deposits(amount) : TEXTS.withdraws(-amount);
  console.log(TEXTS.change(name, what, before, before + amount));
}

async function main(): Promise<number> {
  const flags = readFlags({
    boolean: ["lock"],
    string: ["clerks", "rounds"],
    negatable: ["lock"],
    default: { clerks: "4", rounds: "2", lock: true },
    bilingual: true,
  });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const clerks = wholeNumber("clerks", flags.clerks, 1, 100);
  const rounds = wholeNumber("rounds", flags.rounds, 1, 1_000);

  const balance = new Value("i32", START);
  const opening = new Barrier(clerks);
  const lock = flags.lock ? new Lock() : undefined;
  const allHaveRead = flags.lock ? undefined : new Barrier(clerks);
  const threads = Array.from({ length: clerks }, (_, k) => {
    const name = TEXTS.clerk(k + 1);
    const me = { name, rounds, balance, opening, lock, allHaveRead };
    return new Thread(clerk, { args: [me], name }).start();
  });
  await Promise.all(threads.map((thread) => thread.result()));

  const expected = START + clerks * rounds * (DEPOSIT - WITHDRAWAL);
  const lost = expected - balance.value;
  const verdict = lost === 0 ? TEXTS.exact : TEXTS.lost(lost);
  console.log(TEXTS.balance(balance.value, expected) + verdict);
  return lost === 0 ? 0 : 1;
}

if (import.meta.main) await runScript("bank", main);
