#!/usr/bin/env -S deno run --allow-read
/**
 * The banker's algorithm: no deadlock, since nobody is lent what might lead to one.
 *
 * Three customers, each a thread, need tape drives and printers, and ask for them bit by bit. What
 * they claim together is more than there is. The main thread is the banker: it lends only if
 * afterwards all can still finish in some order, and lets the others wait. See `_shared/banker.ts`.
 *
 * It is often told as "serve the smallest first". That is no more than a way to find such an order;
 * the banker lends to anybody as long as there is one, and so to several at a time.
 *
 * Try:
 *
 *     examples/threads/banker.ts               all finish, though two of them have to wait
 *     examples/threads/banker.ts --no-banker   the same customers take what is there: a deadlock
 *
 * @module
 */
import { Queue } from "../../lib/queue.ts";
import { Barrier, findDeadlocks, Lock, Thread } from "../../lib/threading.ts";
import { sleep } from "../../lib/time.ts";
import { type Amounts, Banker } from "../_shared/banker.ts";
import { breakOnFailure } from "../_shared/barriers.ts";
import { columnsOf, fill, inLanguage } from "../_shared/language.ts";
import { readFlags, runScript } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `Three customers borrow tape drives and printers, with and without a banker.

Usage: banker.ts [options]

  --no-banker   everybody takes what is there
  --lang L      en or zh (en)
  --help        show this`,
    names: ["Ann", "Ben", "Cleo"],
    kinds: ["tape drive", "printer"],
    bank: (total: string) =>
      `the bank has ${total} (tape drives, printers); what is left, and who holds what:`,
    left: "left",
    claims: "claims",
    asks: (name: string, what: string) => `${name} asks for ${what}`,
    waited: (name: string, what: string) => `${name} wanted ${what}`,
    givesBack: (name: string, what: string) => `${name} gives back ${what}`,
    granted: (order: string[]) => `granted; can finish in turn: ${order.join(", ")}`,
    "not enough": () => "not enough left: waits",
    "not safe": (left: string) => `not safe with ${left} left: waits`,
    refused: "refused: beyond the claim",
    allFinished: (left: string) => `all have finished, ${left} are left: no deadlock`,
    notFinished: (left: string) => `${left} are left: NOT AS IT SHOULD BE`,
    takes: (name: string, unit: string) => `${name} takes ${unit}`,
    wants: (name: string, unit: string) => `${name} has to wait for ${unit}`,
    stuck: "nothing moves any more; main looks why:",
    party: (name: string, holds: string[], waitsFor: string | null) =>
      `  ${name} holds ${holds.join(", ")} and waits for ${waitsFor}`,
    deadlock: "nobody has finished, and nobody ever will: DEADLOCK",
  },
  zh: {
    usage: `三个客户借磁带机和打印机：有银行家，没有银行家。

用法：banker.ts [选项]

  --no-banker   谁要谁拿，没有人管
  --lang L      语言：en 或 zh（默认 en）
  --help        显示本说明`,
    names: ["甲", "乙", "丙"],
    kinds: ["磁带机", "打印机"],
    bank: (total: string) => `银行共有 ${total}（磁带机、打印机）；剩余数量、各人占有数量：`,
    left: "剩余",
    claims: "最大需求",
    asks: (name: string, what: string) => `${name}申请 ${what}`,
    waited: (name: string, what: string) => `${name}等待的 ${what}`,
    givesBack: (name: string, what: string) => `${name}归还 ${what}`,
    granted: (order: string[]) => `分配；安全序列：${order.join("、")}`,
    "not enough": () => "剩余不够：等待",
    "not safe": (left: string) => `分配后剩余 ${left}，不安全：等待`,
    refused: "拒绝：超过了最大需求",
    allFinished: (left: string) => `全部完成，剩余 ${left}：没有死锁`,
    notFinished: (left: string) => `剩余 ${left}：结果不对`,
    takes: (name: string, unit: string) => `${name}拿到${unit}`,
    wants: (name: string, unit: string) => `${name}要等${unit}`,
    stuck: "谁也不动了，主线程来看原因：",
    party: (name: string, holds: string[], waitsFor: string | null) =>
      `  ${name}占有${holds.join("、")}，等待${waitsFor}`,
    deadlock: "谁也没有完成，而且永远完成不了：死锁",
  },
});

const TOTAL = [3, 2];
/** What each claims, and what it asks for one after the other. */
const CUSTOMERS: { claim: Amounts; wishes: Amounts[] }[] = [
  { claim: [2, 1], wishes: [[1, 1], [1, 0]] },
  { claim: [2, 1], wishes: [[1, 1], [1, 0]] },
  // The last one is more than it has claimed.
  { claim: [1, 1], wishes: [[1, 0], [0, 1], [1, 0]] },
];

/** What a customer tells the banker; without a wish it gives everything back. */
interface Call {
  name: string;
  wish?: Amounts;
}

/** What a customer is told. */
interface Customer {
  name: string;
  wishes: Amounts[];
  desk: Queue<Call>;
  /** Says that what it has asked for is now its own, or never will be. */
  answers: Queue<"granted" | "refused">;
  /** Opens when all have made their first request: they are in each other's way every time. */
  allHaveAsked: Barrier;
}

/** A customer that asks the banker. */
export function customer({ name, wishes, desk, answers, allHaveAsked }: Customer): void {
  for (const [k, wish] of wishes.entries()) {
    desk.putSync({ name, wish });
    if (k === 0) allHaveAsked.waitSync();
    answers.getSync();
  }
  desk.putSync({ name });
}

/** What a customer is told where there is no banker. */
interface Taker {
  name: string;
  wishes: Amounts[];
  /** A lock for each drive and printer. */
  units: Lock[][];
  /** Where it begins to look for a free one. */
  seat: number;
  /** Opens when all have what they wanted first: then nothing is left. */
  allHaveTaken: Barrier;
}

/** A customer that takes what is there, and waits for what is not. */
export function taker({ name, wishes, units, seat, allHaveTaken }: Taker): void {
  using held = new DisposableStack();
  for (const [k, wish] of wishes.entries()) {
    for (const [kind, amount] of wish.entries()) {
      for (let n = 0; n < amount; n++) held.use(take(name, units[kind], seat));
    }
    if (k === 0) allHaveTaken.waitSync();
  }
}

/** Takes a free unit, its own seat's first; if there is none, waits for its neighbour's. */
function take(name: string, units: Lock[], seat: number): Disposable {
  for (let k = 0; k < units.length; k++) {
    const unit = units[(seat + k) % units.length];
    const free = unit.acquireSync({ blocking: false });
    if (free === undefined) continue;
    console.log(TEXTS.takes(name, unit.name!));
    return free;
  }
  const unit = units.at((seat - 1) % units.length)!;
  console.log(TEXTS.wants(name, unit.name!));
  return unit.acquireSync();
}

/** Lends until nobody calls any more. Returns what is left then. */
async function bank(desk: Queue<Call>, answers: Customer["answers"][]): Promise<Amounts> {
  const { names } = TEXTS;
  const claims = Object.fromEntries(names.map((name, k) => [name, CUSTOMERS[k].claim]));
  const banker = new Banker(TOTAL, claims);
  const labels = [TEXTS.asks, TEXTS.waited, TEXTS.givesBack].map((text) => text(names[2], "0,0"));
  const width = Math.max(...labels.map(columnsOf)) + 2;
  const show = (what: string, cells: string[], result = "") => {
    const row = cells.map((cell) => fill(cell, 6)).join("");
    console.log(`${fill(what, width)}${row}${result}`.trimEnd());
  };
  const state = () => [`${banker.left}`, ...names.map((name) => `${banker.loan(name)}`)];
  console.log(TEXTS.bank(`${TOTAL}`));
  show("", [TEXTS.left, ...names]);
  show(TEXTS.claims, ["", ...names.map((name) => `${claims[name]}`)]);

  /** Whether the request is settled. */
  const decide = ({ name, wish }: Required<Call>, isNew: boolean): boolean => {
    const answer = banker.request(name, wish);
    const isSettled = answer.verdict !== "deferred";
    if (!isSettled && !isNew) return false;
    const result = answer.verdict === "granted"
      ? TEXTS.granted(answer.order)
      : answer.verdict === "refused"
      ? TEXTS.refused
      : TEXTS[answer.reason](`${banker.left.map((amount, kind) => amount - wish[kind])}`);
    show((isNew ? TEXTS.asks : TEXTS.waited)(name, `${wish}`), state(), result);
    if (isSettled) answers[names.indexOf(name)].putNowait(answer.verdict);
    return isSettled;
  };
  let waiting: Required<Call>[] = [];
  for await (const { name, wish } of desk) {
    if (wish !== undefined) {
      if (!decide({ name, wish }, true)) waiting.push({ name, wish });
      continue;
    }
    const loan = `${banker.loan(name)}`;
    banker.giveBack(name);
    show(TEXTS.givesBack(name, loan), state());
    // Once is enough: lending to one makes it no safer to lend to those before.
    waiting = waiting.filter((call) => !decide(call, false));
  }
  return banker.left;
}

async function withBanker(cleanup: AsyncDisposableStack): Promise<number> {
  const desk = new Queue<Call>();
  const answers = CUSTOMERS.map((): Customer["answers"] => new Queue());
  const allHaveAsked = new Barrier(CUSTOMERS.length);
  const threads = CUSTOMERS.map(({ wishes }, k) => {
    const name = TEXTS.names[k];
    const me = { name, wishes, desk, answers: answers[k], allHaveAsked };
    return new Thread(customer, { args: [me], name }).start();
  });
  cleanup.defer(() => threads.forEach((thread) => thread.terminate()));
  breakOnFailure(threads, allHaveAsked);
  const all = Promise.all(threads.map((thread) => thread.result())).finally(() => desk.shutdown());
  const [left] = await Promise.all([bank(desk, answers), all]);
  const isRight = `${left}` === `${TOTAL}`;
  console.log((isRight ? TEXTS.allFinished : TEXTS.notFinished)(`${left}`));
  return isRight ? 0 : 1;
}

async function withoutBanker(cleanup: AsyncDisposableStack): Promise<number> {
  const units = TOTAL.map((amount, kind) =>
    Array.from({ length: amount }, (_, k) => new Lock({ name: `${TEXTS.kinds[kind]} ${k + 1}` }))
  );
  const allHaveTaken = new Barrier(CUSTOMERS.length);
  const threads = CUSTOMERS.map(({ wishes }, seat) => {
    const name = TEXTS.names[seat];
    // Nobody would refuse what is beyond the claim.
    const me = { name, wishes: wishes.slice(0, 2), units, seat, allHaveTaken };
    return new Thread(taker, { args: [me], name }).start();
  });
  cleanup.defer(() => threads.forEach((thread) => thread.terminate()));
  breakOnFailure(threads, allHaveTaken);
  let [deadlock] = findDeadlocks();
  while (deadlock === undefined && threads.some((thread) => thread.isAlive())) {
    await sleep(20);
    [deadlock] = findDeadlocks();
  }
  if (deadlock === undefined) {
    await Promise.all(threads.map((thread) => thread.result()));
    console.log(TEXTS.allFinished(`${TOTAL}`));
    return 0;
  }
  console.log(TEXTS.stuck);
  for (const { name, holds, waitsFor } of deadlock.parties) {
    console.log(TEXTS.party(name, holds, waitsFor));
  }
  console.log(TEXTS.deadlock);
  return 1;
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({
    boolean: ["banker"],
    negatable: ["banker"],
    default: { banker: true },
    bilingual: true,
  });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  return await (flags.banker ? withBanker : withoutBanker)(cleanup);
}

if (import.meta.main) await runScript("banker", main);
