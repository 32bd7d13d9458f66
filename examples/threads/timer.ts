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
import { readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const USAGE = `A timer that fires after a while, or is cancelled before.

Usage: timer.ts [options]

  --ms N     when it fires, in ms (300)
  --cancel   cancel it before
  --help     show this`;

/** What the timer runs, in its own thread. */
export function ring(what: string): string {
  console.log(`${currentThread().name}: ding! ${what}`);
  return what;
}

async function main(): Promise<number> {
  const flags = readFlags({
    boolean: ["cancel"],
    string: ["ms"],
    default: { ms: "300" },
  });
  if (flags.help) {
    console.log(USAGE);
    return 0;
  }
  const ms = wholeNumber("ms", flags.ms, 1, 60_000);

  const timer = new Timer(ms, ring, { args: ["the tea is ready"], name: "egg timer" });
  const began = performance.now();
  timer.start();
  console.log(`main: the egg timer is set to ${ms} ms`);
  if (flags.cancel) {
    timer.cancel();
    console.log("main: cancelled, I take coffee");
  }
  while (!await timer.join({ timeout: ms / 3 })) console.log("main: not yet");
  const rang = await timer.result();

  const took = Math.round(performance.now() - began);
  console.log(rang === undefined ? "it never rang: cancelled" : `it rang, after ${took} ms: done`);
  return (rang === undefined) === flags.cancel ? 0 : 1;
}

if (import.meta.main) await runScript("timer", main);
