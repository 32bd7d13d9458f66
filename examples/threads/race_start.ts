#!/usr/bin/env -S deno run --allow-read
/**
 * The start of a race: nobody runs before everybody is at the line.
 *
 * The line is a barrier. It lets all through together, tells them apart by a number (0 fires the
 * gun), and can be used again at once: for the gun, and for the next heat. When one never comes,
 * the barrier breaks after a while, and all who wait are told.
 *
 * Try:
 *
 *     examples/threads/race_start.ts                         three heats of four
 *     examples/threads/race_start.ts --runners 8 --heats 1   a full track
 *     examples/threads/race_start.ts --no-show               one of them never comes
 *
 * @module
 */
import { delay } from "@std/async";
import { BrokenBarrierError } from "../../lib/errors.ts";
import { Barrier, currentThread, Thread, Value } from "../../lib/threading.ts";
import { readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const USAGE = `Runners gather at a barrier and start together.

Usage: race_start.ts [options]

  --runners N     how many run (4)
  --heats N       how often they run (3)
  --no-show       one runner never comes
  --patience MS   how long the others then wait at the line (300)
  --help          show this`;

/** What the runners share. */
interface Race {
  runners: number;
  heats: number;
  line: Barrier;
  /** How often the gun was fired. */
  shots: Value;
  /** How often somebody came in. */
  finishes: Value;
}

/** One runner. Says how many fair starts it had. */
export async function runner({ runners, heats, line, shots, finishes }: Race): Promise<number> {
  const { name } = currentThread();
  let fair = 0;
  for (let heat = 1; heat <= heats; heat++) {
    console.log(`${name} is at the line`);
    try {
      if (await line.wait() === 0) {
        console.log(`heat ${heat}: bang! (${name} fires the gun)`);
        shots.add(1);
      }
      // Nobody runs before the gun.
      await line.wait();
    } catch (error) {
      if (!(error instanceof BrokenBarrierError)) throw error;
      console.log(`${name} is told: ${error.name}`);
      break;
    }
    if (shots.value === heat) fair++;
    await delay(20 * Math.random());
    const place = finishes.add(1) % runners + 1;
    console.log(`${name} comes in as number ${place}`);
  }
  return fair;
}

async function main(): Promise<number> {
  const flags = readFlags({
    boolean: ["show"],
    string: ["runners", "heats", "patience"],
    negatable: ["show"],
    default: { runners: "4", heats: "3", patience: "300", show: true },
  });
  if (flags.help) {
    console.log(USAGE);
    return 0;
  }
  const runners = wholeNumber("runners", flags.runners, 2, 100);
  const heats = wholeNumber("heats", flags.heats, 1, 1_000);
  const patience = wholeNumber("patience", flags.patience, 1, 60_000);

  const line = new Barrier(runners, flags.show ? {} : { timeout: patience });
  const race = { runners, heats, line, shots: new Value("i32"), finishes: new Value("i32") };
  const names = Array.from({ length: runners }, (_, k) => `runner-${k + 1}`);
  if (!flags.show) console.log(`${names.pop()} does not come`);

  const threads = names.map((name) => new Thread(runner, { args: [race], name }).start());
  const starts = await Promise.all(threads.map((thread) => thread.result()));

  if (!flags.show) {
    const told = starts.filter((fair) => fair === 0).length;
    const ok = line.broken && told === names.length;
    console.log(`${names.length} waited, ${told} were told: ${ok ? "called off" : "WRONG"}`);
    return ok ? 0 : 1;
  }
  const ok = starts.every((fair) => fair === heats) && race.shots.value === heats;
  console.log(`${heats} heats, ${race.shots.value} shots: ${ok ? "fair starts" : "FALSE START"}`);
  return ok ? 0 : 1;
}

if (import.meta.main) await runScript("race_start", main);
