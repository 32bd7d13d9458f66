#!/usr/bin/env -S deno run --allow-read
/**
 * A timer: a thread that waits for a while, and then runs a function.
 *
 * The main thread goes on meanwhile. Until the timer fires it can be cancelled: then it ends, and
 * has run nothing.
 *
 * Try:
 *
 *     examples/threads/timer.ts             tea in 300 ms
 *     examples/threads/timer.ts --ms 2000   a stronger one
 *     examples/threads/timer.ts --cancel    coffee after all
 *
 * @module
 */
import { currentThread, Timer } from "../../lib/threading.ts";
import { inLanguage } from "../_shared/language.ts";
import { readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `A timer that fires after a while, or is cancelled before.

Usage: timer.ts [options]

  --ms N     when it fires, in ms (300)
  --cancel   cancel it before
  --lang L   en or zh (en)
  --help     show this`,
    name: "egg timer",
    ready: "the tea is ready",
    ding: (name: string, what: string) => `${name}: ding! ${what}`,
    isSet: (ms: number) => `main: the egg timer is set to ${ms} ms`,
    cancelled: "main: cancelled, I take coffee",
    notYet: "main: not yet",
    neverRang: "it never rang: cancelled",
    rang: (ms: number) => `it rang, after ${ms} ms: done`,
  },
  zh: {
    usage: `定时器：过一会儿就响，响之前可以取消。

用法：timer.ts [选项]

  --ms N     多少毫秒之后响（默认 300）
  --cancel   响之前取消
  --lang L   语言：en 或 zh（默认 en）
  --help     显示本说明`,
    name: "闹钟",
    ready: "茶泡好了",
    ding: (name: string, what: string) => `${name}：叮！${what}`,
    isSet: (ms: number) => `主线程：闹钟定在 ${ms} 毫秒之后`,
    cancelled: "主线程：取消了，我喝咖啡",
    notYet: "主线程：还没响",
    neverRang: "一直没响：已取消",
    rang: (ms: number) => `过了 ${ms} 毫秒，响了：完成`,
  },
});

/** What the timer runs, in its own thread. */
export function ring(what: string): string {
  console.log(TEXTS.ding(currentThread().name, what));
  return what;
}

async function main(): Promise<number> {
  const flags = readFlags({
    boolean: ["cancel"],
    string: ["ms"],
    default: { ms: "300" },
    bilingual: true,
  });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const ms = wholeNumber("ms", flags.ms, 1, 60_000);

  const timer = new Timer(ms, ring, { args: [TEXTS.ready], name: TEXTS.name });
  const began = performance.now();
  timer.start();
  console.log(TEXTS.isSet(ms));
  if (flags.cancel) {
    timer.cancel();
    console.log(TEXTS.cancelled);
  }
  while (!await timer.join({ timeout: ms / 3 })) console.log(TEXTS.notYet);
  const rang = await timer.result();

  const took = Math.round(performance.now() - began);
  console.log(rang === undefined ? TEXTS.neverRang : TEXTS.rang(took));
  return (rang === undefined) === flags.cancel ? 0 : 1;
}

if (import.meta.main) await runScript("timer", main);
