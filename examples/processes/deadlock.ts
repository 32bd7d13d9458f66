#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run --allow-ffi
/**
 * Two accounts, two locks, and two processes that each hold one and want the other.
 *
 * To move money, both accounts must be locked. One process moves from A to B and locks A first, the
 * other from B to A and locks B first: each waits for what the other will not let go.
 *
 * Try:
 *
 *     examples/processes/deadlock.ts --way none      they wait for ever: main says why, stops them
 *     examples/processes/deadlock.ts --way timeout   way out: wait for a while only, and try again
 *     examples/processes/deadlock.ts --way order     way out: everyone locks A first
 *     examples/processes/deadlock.ts --way detect    way out: let the lock say that it never ends
 *
 * @module
 */
import { DeadlockError } from "../../lib/errors.ts";
import { Barrier, findDeadlocks, Lock, Process, Value } from "../../lib/multiprocessing.ts";
import { sleep } from "../../lib/time.ts";
import { inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `Two processes lock two accounts in opposite order: a deadlock, and three ways out of it.

Usage: deadlock.ts [options]

  --way W   none, timeout, order or detect (detect)
  --lang L  en or zh (en)
  --help    show this`,
    names: ["accounts-1", "accounts-2"],
    holds: (name: string, lock: string) => `${name} holds ${lock}`,
    givesUp: (name: string, lock: string) => `${name} gives up waiting for ${lock}`,
    told: (name: string, message: string) => `${name} is told: ${message}`,
    moves: (name: string, from: string, to: string) =>
      `${name} holds both, and moves 10 from ${from} to ${to}`,
    stuck: (ms: number) => `nothing has moved for ${ms} ms; main looks why:`,
    deadlock: (a: number, b: number) => `A has ${a}, B has ${b}, nothing moved: DEADLOCK`,
    moved: (a: number, b: number) => `A has ${a}, B has ${b}, both moved: no deadlock`,
  },
  zh: {
    usage: `两个进程按相反的顺序锁两个账户：死锁，以及三种办法。

用法：deadlock.ts [选项]

  --way W   方式：none、timeout、order 或 detect（默认 detect）
  --lang L  语言：en 或 zh（默认 en）
  --help    显示本说明`,
    names: ["会计甲", "会计乙"],
    holds: (name: string, lock: string) => `${name}拿到 ${lock}`,
    givesUp: (name: string, lock: string) => `${name}不再等 ${lock}，先放手`,
    told: (name: string, message: string) => `${name}得知：${message}`,
    moves: (name: string, from: string, to: string) =>
      `${name}两把锁都拿到了，从 ${from} 转 10 到 ${to}`,
    stuck: (ms: number) => `${ms} ms 谁也没有动，主进程来看原因：`,
    deadlock: (a: number, b: number) => `A 有 ${a}，B 有 ${b}，一笔也没有转：死锁`,
    moved: (a: number, b: number) => `A 有 ${a}，B 有 ${b}，两笔都转了：没有死锁`,
  },
});

/** How long main watches them wait for each other, in ms. */
const PATIENCE = 500;

/** Money, and the lock to hold while it moves. */
interface Account {
  lock: Lock;
  balance: Value;
}

/** What a process is told. */
interface Transfer {
  name: string;
  from: Account;
  to: Account;
  /** Opens when each holds its first lock: they are in each other's way every time. */
  bothHoldOne: Barrier;
  /** How long it stays away after it gave up, in ms: not as long as the other. */
  pause: number;
}

/** Locks the account it takes from, then the one it gives to. */
export function none({ name, from, to, bothHoldOne }: Transfer): void {
  using _from = lockFirst(name, from);
  bothHoldOne.waitSync();
  using _to = to.lock.acquireSync();
  move(name, from, to);
}

/** Waits for the second lock for a while only; then lets go of the first, and tries again. */
export async function timeout(transfer: Transfer): Promise<void> {
  const { name, from, to, bothHoldOne, pause } = transfer;
  for (let attempt = 1;; attempt++) {
    {
      using _from = lockFirst(name, from);
      if (attempt === 1) bothHoldOne.waitSync();
      using both = to.lock.acquireSync({ timeout: 50 });
      if (both !== undefined) return move(name, from, to);
      console.log(TEXTS.givesUp(name, to.lock.name!));
    }
    await sleep(pause);
  }
}

/** Locks A first, wherever the money goes: nobody holds what the holder of A waits for. */
export function order({ name, from, to, bothHoldOne }: Transfer): void {
  const [first, second] = from.lock.name! < to.lock.name! ? [from, to] : [to, from];
  // Before the first lock: they cannot both hold one now.
  bothHoldOne.waitSync();
  using _first = lockFirst(name, first);
  using _second = second.lock.acquireSync();
  move(name, from, to);
}

/** Has the second lock find out whether the wait would ever end; if not, as above. */
export async function detect(transfer: Transfer): Promise<void> {
  const { name, from, to, bothHoldOne, pause } = transfer;
  for (let attempt = 1;; attempt++) {
    try {
      using _from = lockFirst(name, from);
      if (attempt === 1) bothHoldOne.waitSync();
      using _to = to.lock.acquireSync({ detectDeadlock: true });
      return move(name, from, to);
    } catch (error) {
      if (!(error instanceof DeadlockError)) throw error;
      console.log(TEXTS.told(name, error.message));
    }
    await sleep(pause);
  }
}

function lockFirst(name: string, { lock }: Account): Disposable {
  const guard = lock.acquireSync();
  console.log(TEXTS.holds(name, lock.name!));
  return guard;
}

function move(name: string, from: Account, to: Account): void {
  from.balance.value -= 10;
  to.balance.value += 10;
  console.log(TEXTS.moves(name, from.lock.name!, to.lock.name!));
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({ string: ["way"], default: { way: "detect" }, bilingual: true });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const way = oneOf("way", flags.way, ["none", "timeout", "order", "detect"]);

  const a = { lock: new Lock({ name: "A" }), balance: new Value("i32", 100) };
  const b = { lock: new Lock({ name: "B" }), balance: new Value("i32", 100) };
  const bothHoldOne = new Barrier(3); // the threads, and main
  const children = [
    { name: TEXTS.names[0], from: a, to: b, bothHoldOne, pause: 10 },
    { name: TEXTS.names[1], from: b, to: a, bothHoldOne, pause: 100 },
  ].map((transfer) => {
    const target: (transfer: Transfer) => void | Promise<void> =
      { none, timeout, order, detect }[way];
    return new Process(target, { args: [transfer], name: transfer.name }).start();
  });
  // If one is lost, those that wait for it do not outlive the script.
  cleanup.defer(() => children.forEach((child) => child.kill()));

  const failed = Promise.all(children.map((child) => child.result()));
  await Promise.race([bothHoldOne.wait(), failed]);
  if (way === "none") {
    // Again and again: two processes take their time to start.
    for (let look = 0; look < 10 && findDeadlocks().length === 0; look++) {
      await Promise.all(children.map((child) => child.join({ timeout: PATIENCE })));
    }
    console.log(TEXTS.stuck(PATIENCE));
    for (const deadlock of findDeadlocks()) console.log(deadlock.message);
    for (const child of children) child.kill();
    await Promise.all(children.map((child) => child.join()));
    console.log(TEXTS.deadlock(a.balance.value, b.balance.value));
    return 1;
  }
  await Promise.all(children.map((child) => child.result()));
  console.log(TEXTS.moved(a.balance.value, b.balance.value));
  return 0;
}

if (import.meta.main) await runScript("deadlock", main);
