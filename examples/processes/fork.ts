#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run
/**
 * Music and dance: two branches that run at the same time, and what takes the place of fork().
 *
 * With fork() one program becomes two, in the midst of its code: the call returns twice, and an
 * `if` sends the child one way and the parent the other. Deno has no fork(). A copied process has
 * the one thread that called and the memory of all: the locks that the garbage collector, the
 * compiler and the event loop's threads held would be held for ever. (Python warns of the same
 * since 3.12, and no longer forks by default since 3.14.)
 *
 * A Process begins anew instead: it imports this script, skips the guarded main part, and runs one
 * function. What was the `if` are two functions.
 *
 * Try:
 *
 *     examples/processes/fork.ts             four bars
 *     examples/processes/fork.ts --bars 12   the long version
 *     examples/processes/fork.ts --silent    dance without music
 *
 * @module
 */
import { delay } from "@std/async";
import { currentProcess, Process } from "../../lib/multiprocessing.ts";
import { getpid, getppid } from "../../lib/os.ts";
import { readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const USAGE = `Two branches at the same time: what takes the place of fork().

Usage: fork.ts [options]

  --bars N   how long they go on (4)
  --ms N     how long a bar takes, in ms (100)
  --silent   start no child
  --help     show this`;

/** What the child does. Only it has a `played` of 1 and more: memory is its own. */
export async function music(bars: number, ms: number): Promise<number> {
  say(`I am ${getpid()}, child of ${getppid()}, and I make music`);
  for (let bar = 1; bar <= bars; bar++) {
    played++;
    say(`${"la ".repeat(bar % 3 + 1).trim()}`);
    await delay(ms);
  }
  return played;
}

/** What the parent does. */
async function dance(bars: number, ms: number): Promise<void> {
  say(`I am ${getpid()}, and I dance`);
  for (let bar = 1; bar <= bars; bar++) {
    await delay(ms / 2);
    say(`step ${bar}`);
    await delay(ms / 2);
  }
}

let played = 0;

function say(what: string): void {
  console.log(`${currentProcess().name.padEnd(11)} ${what}`);
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({
    boolean: ["silent"],
    string: ["bars", "ms"],
    default: { bars: "4", ms: "100" },
  });
  if (flags.help) {
    console.log(USAGE);
    return 0;
  }
  const bars = wholeNumber("bars", flags.bars, 1, 1_000);
  const ms = wholeNumber("ms", flags.ms, 0, 10_000);

  // pid = os.fork()
  // if pid == 0: music()
  // else:        dance()
  const child = new Process(music, { args: [bars, ms], name: "musician" });
  if (!flags.silent) child.start();
  cleanup.defer(() => child.pid === null ? undefined : child.kill());
  await dance(bars, ms);
  if (flags.silent) {
    say("it was a quiet evening");
    return 0;
  }
  const heard = await child.result();
  await child.join();
  say(`the musician has played ${heard} bars and ended with ${child.exitcode}`);
  say(`here the variable played is ${played}: nothing was shared`);
  return heard === bars && child.exitcode === 0 && played === 0 ? 0 : 1;
}

if (import.meta.main) await runScript("fork", main);
