#!/usr/bin/env -S deno run --allow-read
/**
 * Two accounts, two locks, and two threads that each hold one and want the other.
 *
 * To move money, both accounts must be locked. One thread moves from A to B and locks A first, the
 * other from B to A and locks B first: each waits for what the other will not let go.
 *
 * Try:
 *
 *     examples/threads/deadlock.ts --way none      they wait for ever: main says why, stops them
 *     examples/threads/deadlock.ts --way timeout   way out: wait for a while only, and try again
 *     examples/threads/deadlock.ts --way order     way out: everyone locks A first
 *     examples/threads/deadlock.ts --way detect    way out: let the lock say that it never ends
 *
 * @module
 */
import { delay } from "@std/async";
import { DeadlockError } from "../../lib/errors.ts";
import { Barrier, findDeadlocks, Lock, Thread, Value } from "../../lib/threading.ts";
import { breakOnFailure } from "../_shared/barriers.ts";
import { oneOf, readFlags, runScript } from "../_shared/script.ts";

const USAGE =
  `Two threads lock two accounts in opposite order: a deadlock, and three ways out of it.

Usage: deadlock.ts [options]

  --way W   none, timeout, order or detect (detect)
  --help    show this`;

/** How long main watches them wait for each other, in ms. */
const PATIENCE = 500;

/** Money, and the lock to hold while it moves. */
interface Account {
  lock: Lock;
  balance: Value;
}

/** What a thread is told. */
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
      console.log(`${name} gives up waiting for ${to.lock.name}`);
    }
    await delay(pause);
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
      console.log(`${name} is told: ${error.message}`);
    }
    await delay(pause);
  }
}

function lockFirst(name: string, { lock }: Account): Disposable {
  const guard = lock.acquireSync();
  console.log(`${name} holds ${lock.name}`);
  return guard;
}

function move(name: string, from: Account, to: Account): void {
  from.balance.value -= 10;
  to.balance.value += 10;
  console.log(`${name} holds both, and moves 10 from ${from.lock.name} to ${to.lock.name}`);
}

async function main(): Promise<number> {
  const flags = readFlags({ string: ["way"], default: { way: "detect" } });
  if (flags.help) {
    console.log(USAGE);
    return 0;
  }
  const way = oneOf("way", flags.way, ["none", "timeout", "order", "detect"]);

  const a = { lock: new Lock({ name: "A" }), balance: new Value("i32", 100) };
  const b = { lock: new Lock({ name: "B" }), balance: new Value("i32", 100) };
  const bothHoldOne = new Barrier(3); // the threads, and main
  const threads = [
    { name: "accounts-1", from: a, to: b, bothHoldOne, pause: 10 },
    { name: "accounts-2", from: b, to: a, bothHoldOne, pause: 100 },
  ].map((transfer) => {
    const target: (transfer: Transfer) => void | Promise<void> =
      { none, timeout, order, detect }[way];
    return new Thread(target, { args: [transfer], name: transfer.name }).start();
  });

  breakOnFailure(threads, bothHoldOne);
  await bothHoldOne.wait();
  if (way === "none") {
    await Promise.all(threads.map((thread) => thread.join({ timeout: PATIENCE })));
    console.log(`nothing has moved for ${PATIENCE} ms; main looks why:`);
    for (const deadlock of findDeadlocks()) console.log(deadlock.message);
    for (const thread of threads) thread.terminate();
    await Promise.all(threads.map((thread) => thread.join()));
    console.log(`A has ${a.balance.value}, B has ${b.balance.value}, nothing moved: DEADLOCK`);
    return 1;
  }
  await Promise.all(threads.map((thread) => thread.result()));
  console.log(`A has ${a.balance.value}, B has ${b.balance.value}, both moved: no deadlock`);
  return 0;
}

if (import.meta.main) await runScript("deadlock", main);
