#!/usr/bin/env -S deno run --allow-read
/**
 * A race that nobody has arranged: how often does it go wrong?
 *
 * Two threads change one balance: read, add 1, write. Other scripts put a barrier between reading
 * and writing, so that the loss is certain. Here is none: an update is lost only if the other
 * thread writes just in between. That is a matter of nanoseconds, but there are many rounds. How
 * much is lost differs from run to run and from machine to machine, and it may be nothing at all:
 * that a test has passed proves little about such a program. With a lock nothing is ever lost.
 *
 * Try:
 *
 *     examples/threads/natural_race.ts                            without, and with two remedies
 *     examples/threads/natural_race.ts --way none --rounds 1000   it may well be right
 *     examples/threads/natural_race.ts --way none --runs 20       how different the runs are
 *     examples/threads/natural_race.ts --back                     in and out again: should be 0
 *     taskset -c 0 examples/threads/natural_race.ts --way none    taking turns on one core: no help
 *
 * @module
 */
import { Barrier, Thread, Value } from "../../lib/threading.ts";
import { breakOnFailure } from "../_shared/barriers.ts";
import { columnsOf, fill, inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const WAYS = ["none", "lock", "add"] as const;
type Way = typeof WAYS[number];

const TEXTS = inLanguage({
  en: {
    usage: `Two threads change one balance, with no barrier to make it go wrong.

Usage: natural_race.ts [options]

  --back       one puts in 5 and takes out 5, the other 8: the balance should be 0
  --way W      none, lock, add, or all of them in turn (all)
  --rounds N   how many rounds a thread has in a run (1000000; under the lock 50000)
  --runs N     how many runs without a lock (5)
  --lang L     en or zh (en)
  --help       show this`,
    ways: { none: "no lock", lock: "lock", add: "add()" },
    what: "two threads; each round: read the balance, add 1, write it",
    back: "two threads; each round: add 5 and take off 5, or add 8 and take off 8",
    head: ["way", "run", "balance", "should be", "wrong by", "ms"],
    lost: (wrong: number, runs: number) =>
      `without a lock ${wrong} of ${runs} runs lost updates: a RACE, which need not happen`,
    lucky: (runs: number) => `without a lock nothing was lost in ${runs} runs: luck, no proof`,
    exact: "with lock or add() nothing is lost: exact",
    wrong: "with lock or add() something was LOST",
  },
  zh: {
    usage: `两个线程修改同一个余额，没有屏障逼它出错。

用法：natural_race.ts [选项]

  --back       一个线程存 5 取 5，另一个存 8 取 8：余额应为 0
  --way W      方式：none、lock、add，或者依次全部 all（默认 all）
  --rounds N   每次运行中每个线程做多少轮（默认 1000000；加锁时 50000）
  --runs N     不加锁的运行次数（默认 5）
  --lang L     语言：en 或 zh（默认 en）
  --help       显示本说明`,
    ways: { none: "不加锁", lock: "加锁", add: "add()" },
    what: "两个线程；每一轮：读余额，加 1，写回去",
    back: "两个线程；每一轮：加 5 减 5，或者加 8 减 8",
    head: ["方式", "第几次", "余额", "应为", "相差", "毫秒"],
    lost: (wrong: number, runs: number) =>
      `不加锁：运行 ${runs} 次，${wrong} 次丢了更新：这就是竞态，而它并非每次都发生`,
    lucky: (runs: number) => `不加锁：运行 ${runs} 次都没有丢：只是运气，证明不了什么`,
    exact: "加锁或用 add()：一个也不丢，完全正确",
    wrong: "加锁或用 add() 也丢了更新：结果不对",
  },
});

/** What a thread is told. */
interface Clerk {
  way: Way;
  /** What it adds in each round. */
  amount: number;
  /** Whether it takes it off again in the same round. */
  back: boolean;
  rounds: number;
  runs: number;
  balance: Value;
  /** Between the runs, not in them. */
  begin: Barrier;
  end: Barrier;
}

/** Changes the balance, again and again. */
export function clerk({ way, amount, back, rounds, runs, balance, begin, end }: Clerk): void {
  const change = {
    none: (n: number) => void (balance.value = balance.value + n),
    lock: (n: number) => {
      // As one writes it in Python; `using _ = balance.lock.acquireSync();` does the same.
      balance.lock.acquireSync();
      try {
        balance.value = balance.value + n;
      } finally {
        balance.lock.release();
      }
    },
    add: (n: number) => void balance.add(n),
  }[way];
  for (let run = 0; run < runs; run++) {
    begin.waitSync();
    for (let round = 0; round < rounds; round++) {
      change(amount);
      if (back) change(-amount);
    }
    end.waitSync();
  }
}

const COLUMNS = [-7, 6, 12, 12, 12, 7];

function showRow(cells: string[]): void {
  const row = cells.map((cell, k) =>
    COLUMNS[k] < 0
      ? fill(cell, -COLUMNS[k])
      : " ".repeat(Math.max(0, COLUMNS[k] - columnsOf(cell))) + cell
  );
  console.log(row.join(""));
}

/** Shows the runs of one way. Returns how many of them went wrong. */
async function race(way: Way, rounds: number, runs: number, back: boolean): Promise<number> {
  const balance = new Value("i32", 0);
  const begin = new Barrier(3); // the threads, and main
  const end = new Barrier(3);
  const shared = { way, back, rounds, runs, balance, begin, end };
  const threads = (back ? [5, 8] : [1, 1]).map((amount) =>
    new Thread(clerk, { args: [{ ...shared, amount }] }).start()
  );
  breakOnFailure(threads, begin, end);
  const expected = back ? 0 : threads.length * rounds;
  let wrong = 0;
  for (let run = 1; run <= runs; run++) {
    balance.value = 0;
    await begin.wait();
    const began = performance.now();
    await end.wait();
    const ms = performance.now() - began;
    const error = Math.abs(expected - balance.value);
    if (error !== 0) wrong++;
    const numbers = [run, balance.value, expected, error, Math.round(ms)];
    showRow([TEXTS.ways[way], ...numbers.map((n) => n.toLocaleString("en"))]);
  }
  await Promise.all(threads.map((thread) => thread.result()));
  return wrong;
}

async function main(): Promise<number> {
  const flags = readFlags({
    boolean: ["back"],
    string: ["way", "rounds", "runs"],
    default: { way: "all", runs: "5" },
    bilingual: true,
  });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const way = oneOf("way", flags.way, ["all", ...WAYS]);
  const rounds = (usual: number) => wholeNumber("rounds", flags.rounds ?? usual, 1, 100_000_000);
  const [many, few] = [rounds(1_000_000), rounds(50_000)];
  const runs = wholeNumber("runs", flags.runs, 1, 1_000);
  console.log(flags.back ? TEXTS.back : TEXTS.what);
  showRow(TEXTS.head);
  const wrongIn: Partial<Record<Way, number>> = {};
  for (const each of way === "all" ? WAYS : [way]) {
    const [howMany, howOften] = [each === "lock" ? few : many, each === "none" ? runs : 1];
    wrongIn[each] = await race(each, howMany, howOften, Boolean(flags.back));
  }
  const { none, lock = 0, add = 0 } = wrongIn;
  if (none !== undefined) console.log(none > 0 ? TEXTS.lost(none, runs) : TEXTS.lucky(runs));
  if (way === "none") return none! > 0 ? 1 : 0;
  const isExact = lock === 0 && add === 0;
  console.log(isExact ? TEXTS.exact : TEXTS.wrong);
  return isExact ? 0 : 1;
}

if (import.meta.main) await runScript("natural_race", main);
