#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run --allow-sys
/**
 * nice and renice: who lets others go first.
 *
 * Niceness goes from -20 (goes first) to 19 (takes what nobody else wants). Everybody may become
 * nicer; only a privileged user may take it back. Children begin with their parent's. It matters
 * where there is not a core for everybody: --race puts two children on one core, if there is a
 * program `taskset`.
 *
 * Try:
 *
 *     examples/processes/nice.ts           all ways to set it
 *     examples/processes/nice.ts --by 10   nicer
 *     examples/processes/nice.ts --race    what it is worth
 *
 * @module
 */
import { delay } from "@std/async";
import { Process } from "../../lib/multiprocessing.ts";
import { getpriority, nice, renice } from "../../lib/os.ts";
import { context } from "../../lib/task.ts";
import { readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const USAGE = `nice and renice: who lets others go first.

Usage: nice.ts [options]

  --by N     how much nicer (5)
  --race     two children on one core, one of them as nice as can be
  --help     show this`;

/** How long a race lasts, in ms. */
const RACE = 600;

/** Becomes nicer, and starts a program, which begins so. */
export function beNice(by: number): [before: number, after: number, program: number] {
  const before = nice();
  const after = nice(by);
  return [before, after, askProgram("nice")];
}

/** What a program that prints its niceness prints. */
function askProgram(...command: string[]): number {
  const [program, ...args] = command;
  const { stdout } = new Deno.Command(program, { args }).outputSync();
  return Number(new TextDecoder().decode(stdout));
}

/** Sleeps; its niceness is set from outside. */
export async function sleep(): Promise<void> {
  context().report("here");
  await new Promise(() => setInterval(() => {}, 1_000));
}

/** Counts as far as it gets, once it is told that both are there. */
export async function count(by: number, from: number, ms: number): Promise<number> {
  nice(by);
  context().report("here");
  await delay(from - Date.now());
  let rounds = 0;
  for (const end = Date.now() + ms; Date.now() < end;) for (let k = 0; k < 10_000; k++) rounds++;
  return rounds;
}

function say(what: string, niceness: number): void {
  console.log(`${what.padEnd(52)} ${String(niceness).padStart(3)}`);
}

async function race(cleanup: AsyncDisposableStack): Promise<void> {
  const from = Date.now() + 1_500;
  const runners = [0, 19].map((by) => {
    const runner = new Process(count, { args: [by, from, RACE] }).start();
    cleanup.defer(() => runner.kill());
    return runner;
  });
  try {
    for (const { pid } of runners) {
      const { success } = new Deno.Command("taskset", {
        args: ["-a", "-p", "-c", "0", `${pid}`],
        stdout: "null",
      })
        .outputSync();
      if (!success) throw new Deno.errors.NotSupported("taskset failed");
    }
  } catch {
    return console.log("no race: there is no program taskset that puts both on one core");
  }
  const rounds = await Promise.all(runners.map((runner) => runner.result()));
  const all = rounds[0] + rounds[1];
  rounds.forEach((n, k) => {
    const share = Math.round(n / all * 100);
    console.log(
      `niceness ${String([0, 19][k]).padStart(2)} got ${String(share).padStart(2)} % of the core`,
    );
  });
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({ boolean: ["race"], string: ["by"], default: { by: "5" } });
  if (flags.help) {
    console.log(USAGE);
    return 0;
  }
  const by = wholeNumber("by", flags.by, 1, 39);
  if (flags.race) {
    await race(cleanup);
    return 0;
  }

  const mine = nice();
  const nicer = Math.min(19, mine + by);
  say("this process", mine);
  const [before, after, program] = await new Process(beNice, { args: [by] }).start().result();
  say("a child begins with its parent's", before);
  say(`nice(${by})`, after);
  say("a program that it starts then begins with that", program);
  const started = askProgram("nice", "-n", `${by}`, "nice");
  say(`started so from the beginning: nice -n ${by} PROGRAM`, started);

  const here = Promise.withResolvers<void>();
  const child = new Process(sleep, { onReport: () => here.resolve() }).start();
  cleanup.defer(() => child.kill());
  await Promise.race([here.promise, child.result()]);
  renice(child.pid!, nicer);
  const reniced = getpriority(child.pid!);
  say(`another process that runs: renice(${child.pid}, ${nicer})`, reniced);
  renice(child.pid!, 100);
  const most = getpriority(child.pid!);
  say(`there is an end to it: renice(${child.pid}, 100)`, most);
  try {
    renice(child.pid!, mine);
    say("taken back, which only a privileged user may", getpriority(child.pid!));
  } catch (error) {
    if (!(error instanceof Deno.errors.PermissionDenied)) throw error;
    console.log(`not taken back: ${error.message}`);
  }
  say("this process, all the while", nice());
  const seen = [before, after, program, started, reniced, most, nice()];
  const expected = [mine, nicer, nicer, nicer, nicer, 19, mine];
  return seen.every((niceness, k) => niceness === expected[k]) ? 0 : 1;
}

if (import.meta.main) await runScript("nice", main);
