#!/usr/bin/env -S deno run --allow-read
/**
 * Ping-pong: two threads in strict turn, by a condition.
 *
 * Each waits until the ball is on its side, hits it, and notifies the other. Without a condition
 * both hit the same ball.
 *
 * Try:
 *
 *     examples/threads/ping_pong.ts                  ping, pong, ping, pong
 *     examples/threads/ping_pong.ts --rounds 100     a long rally
 *     examples/threads/ping_pong.ts --no-condition   nobody waits for the ball
 *
 * @module
 */
import { Barrier, Condition, currentThread, Thread, Value } from "../../lib/threading.ts";
import { inLanguage } from "../_shared/language.ts";
import { readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `Two threads in strict turn, by a condition.

Usage: ping_pong.ts [options]

  --rounds N       how often each of them hits the ball (5)
  --no-condition   let both hit when they like
  --lang L         en or zh (en)
  --help           show this`,
    names: ["ping", "pong"],
    hits: (hits: number, counted: number) => `${hits} hits, ${counted} counted: `,
    inTurn: "in strict turn",
    outOfTurn: "OUT OF TURN",
  },
  zh: {
    usage: `两个线程用条件变量严格轮流。

用法：ping_pong.ts [选项]

  --rounds N       每人击球几次（默认 5）
  --no-condition   不用条件变量，想打就打
  --lang L         语言：en 或 zh（默认 en）
  --help           显示本说明`,
    names: ["乒", "乓"],
    hits: (hits: number, counted: number) => `击球 ${hits} 次，计数 ${counted} 次：`,
    inTurn: "严格轮流",
    outOfTurn: "乱了套",
  },
});

/** What the players share. */
interface Table {
  /** How often the ball has been hit: even, and it is on the side of player 0. */
  hits: Value;
  /** Guards the ball, and tells that it changed sides; without it nobody waits. */
  ball?: Condition;
  /** Comes between looking and hitting: what goes wrong without a condition does so every time. */
  beforeHitting?: Barrier;
}

/** One player: waits for the ball, and hits it. Gives the numbers of its hits. */
export async function player(side: number, rounds: number, table: Table): Promise<number[]> {
  const { hits, ball, beforeHitting } = table;
  const mine: number[] = [];
  for (let round = 0; round < rounds; round++) {
    using _ = await ball?.acquire();
    await ball?.waitFor(() => hits.value % 2 === side);
    const hit = hits.value + 1;
    await beforeHitting?.wait();
    console.log(`${hit} ${currentThread().name}`);
    mine.push(hit);
    hits.value = hit;
    ball?.notify();
  }
  return mine;
}

async function main(): Promise<number> {
  const flags = readFlags({
    boolean: ["condition"],
    string: ["rounds"],
    negatable: ["condition"],
    default: { rounds: "5", condition: true },
    bilingual: true,
  });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const rounds = wholeNumber("rounds", flags.rounds, 1, 10_000);

  const table: Table = { hits: new Value("i32") };
  if (flags.condition) table.ball = new Condition();
  else table.beforeHitting = new Barrier(2);

  const threads = TEXTS.names.map((name, side) =>
    new Thread(player, { args: [side, rounds, table], name }).start()
  );
  const [ping, pong] = await Promise.all(threads.map((thread) => thread.result()));

  const inTurn = ping.every((hit, k) => hit === 2 * k + 1) &&
    pong.every((hit, k) => hit === 2 * k + 2);
  const verdict = inTurn ? TEXTS.inTurn : TEXTS.outOfTurn;
  console.log(TEXTS.hits(2 * rounds, table.hits.value) + verdict);
  return inTurn ? 0 : 1;
}

if (import.meta.main) await runScript("ping_pong", main);
