#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run --allow-ffi
/**
 * Several clerks, one account.
 *
 * A deposit is three steps: read the balance, add to it, write it back. Two clerks who read the
 * same balance both write their own sum, and one deposit is lost. A lock makes the three steps one.
 *
 * Try:
 *
 *     examples/processes/bank.ts                        every coin is there
 *     examples/processes/bank.ts --no-lock              all read, then all write: money is lost
 *     examples/processes/bank.ts --no-lock --clerks 1   nobody to race with: nothing is lost
 *
 * Then look at `Value.add()`: one step that needs no lock.
 *
 * @module
 */
import { Barrier, Lock, Process, Value } from "../../lib/multiprocessing.ts";
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
    deposits: (name: string, amount: number) => `${name} deposits ${amount}`,
    withdraws: (name: string, amount: number) => `${name} withdraws ${amount}`,
    change: (what: string, before: number, after: number) => `${what}: ${before} -> ${after}`,
    sum: (balance: number, expected: number, lost: number) =>
      `the balance is ${balance}, should be ${expected}: ${lost === 0 ? "exact" : `${lost} LOST`}`,
  },
  zh: {
    usage: `几个柜员改同一个余额：加锁，不加锁。

用法：bank.ts [选项]

  --clerks N   多少个柜员（默认 4）
  --rounds N   每人存 30 取 10 几轮（默认 2）
  --no-lock    让大家都读完余额，再一起写
  --lang L     语言：en 或 zh（默认 en）
  --help       显示本说明`,
    clerk: (k: number) => `柜员 ${k}`,
    deposits: (name: string, amount: number) => `${name} 存 ${amount}`,
    withdraws: (name: string, amount: number) => `${name} 取 ${amount}`,
    change: (what: string, before: number, after: number) => `${what}：${before} -> ${after}`,
    sum: (balance: number, expected: number, lost: number) =>
      `余额是 ${balance}，应为 ${expected}：${lost === 0 ? "分文不差" : `丢了 ${lost}`}`,
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
  const what = amount > 0 ? TEXTS.deposits(name, amount) : TEXTS.withdraws(name, -amount);
  console.log(TEXTS.change(what, before, before + amount));
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
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
  const children = Array.from({ length: clerks }, (_, k) => {
    const name = TEXTS.clerk(k + 1);
    const me = { name, rounds, balance, opening, lock, allHaveRead };
    return new Process(clerk, { args: [me], name }).start();
  });
  // If one is lost, those that wait for it do not outlive the script.
  cleanup.defer(() => children.forEach((child) => child.kill()));
  await Promise.all(children.map((child) => child.result()));

  const expected = START + clerks * rounds * (DEPOSIT - WITHDRAWAL);
  const lost = expected - balance.value;
  console.log(TEXTS.sum(balance.value, expected, lost));
  return lost === 0 ? 0 : 1;
}

if (import.meta.main) await runScript("bank", main);
