#!/usr/bin/env -S deno run --allow-read
/**
 * A traffic light: cars wait for green.
 *
 * An event is a flag that threads can wait for. `set()` wakes all who wait, and who comes while it
 * is set does not wait at all; `clear()` makes the next ones wait again.
 *
 * Try:
 *
 *     examples/threads/traffic_light.ts            red, green, red, green, red
 *     examples/threads/traffic_light.ts --cars 8   a longer queue
 *
 * @module
 */
import { Barrier, Event, Thread } from "../../lib/threading.ts";
import { breakOnFailure } from "../_shared/barriers.ts";
import { readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const USAGE = `A traffic light: an event that is set and cleared, and cars that wait for it.

Usage: traffic_light.ts [options]

  --cars N     how many cars come while it is red (3)
  --rounds N   how often it turns green (2)
  --help       show this`;

/** How a car got on. */
type Way = "on green" | "on red" | "turned round";

/** A car that comes at red, and stands at the line with the others until green. */
export async function car(name: string, green: Event, atTheLine: Barrier): Promise<Way> {
  console.log(`${name} stops`);
  await atTheLine.wait();
  await green.wait();
  return cross(name, green);
}

/** A car that comes at green: the same call, and no wait. */
export async function lateCar(name: string, green: Event): Promise<Way> {
  await green.wait();
  return cross(name, green);
}

/** A car that comes at red, and does not wait for long. */
export async function hurriedCar(name: string, green: Event): Promise<Way> {
  console.log(`${name} stops`);
  if (await green.wait({ timeout: 100 })) return cross(name, green);
  console.log(`${name} turns round: still red after 100 ms`);
  return "turned round";
}

function cross(name: string, green: Event): Way {
  const way = green.isSet() ? "on green" : "on red";
  console.log(`${name} crosses ${way}`);
  return way;
}

async function main(): Promise<number> {
  const flags = readFlags({
    string: ["cars", "rounds"],
    default: { cars: "3", rounds: "2" },
  });
  if (flags.help) {
    console.log(USAGE);
    return 0;
  }
  const cars = wholeNumber("cars", flags.cars, 1, 100);
  const rounds = wholeNumber("rounds", flags.rounds, 1, 100);

  const green = new Event();
  const atTheLine = new Barrier(cars + 1);
  const ways: Way[] = [];
  let number = 0;
  const nextName = () => `car-${++number}`;
  console.log("RED");
  for (let round = 0; round < rounds; round++) {
    const queue = Array.from({ length: cars }, () => {
      const name = nextName();
      return new Thread(car, { args: [name, green, atTheLine], name }).start();
    });
    breakOnFailure(queue, atTheLine);
    await atTheLine.wait();

    console.log("GREEN");
    green.set();
    const name = nextName();
    const late = new Thread(lateCar, { args: [name, green], name }).start();
    for (const thread of [...queue, late]) ways.push(await thread.result());

    console.log("RED");
    green.clear();
  }
  const name = nextName();
  const hurried = new Thread(hurriedCar, { args: [name, green], name }).start();
  ways.push(await hurried.result());

  const count = (way: Way) => ways.filter((other) => other === way).length;
  const verdict = count("on red") === 0 ? "orderly" : "DANGEROUS";
  const crossed = `${count("on green")} crossed on green, ${count("on red")} on red`;
  console.log(`${crossed}, ${count("turned round")} turned round: ${verdict}`);
  return count("on red") === 0 ? 0 : 1;
}

if (import.meta.main) await runScript("traffic_light", main);
