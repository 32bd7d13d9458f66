#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run --allow-ffi
/**
 * A traffic light: cars wait for green.
 *
 * An event is a flag that processes can wait for; it lies in memory that they share. `set()` wakes all who wait, and who comes while it
 * is set does not wait at all; `clear()` makes the next ones wait again.
 *
 * Try:
 *
 *     examples/processes/traffic_light.ts            red, green, red, green, red
 *     examples/processes/traffic_light.ts --cars 8   a longer queue
 *     examples/processes/traffic_light.ts --no-wait  nobody minds the light
 *
 * @module
 */
import { Barrier, Event, Process } from "../../lib/multiprocessing.ts";
import { breakOnFailure } from "../_shared/barriers.ts";
import { inLanguage } from "../_shared/language.ts";
import { readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `A traffic light: an event that is set and cleared, and cars that wait for it.

Usage: traffic_light.ts [options]

  --cars N     how many cars come while it is red (3)
  --rounds N   how often it turns green (2)
  --no-wait    let the cars that stop drive on before it turns green
  --lang L     en or zh (en)
  --help       show this`,
    car: (k: number) => `car-${k}`,
    red: "RED",
    green: "GREEN",
    stops: (name: string) => `${name} stops`,
    crosses: {
      "on green": (name: string) => `${name} crosses on green`,
      "on red": (name: string) => `${name} crosses on red`,
    },
    turnsRound: (name: string) => `${name} turns round: still red after 100 ms`,
    counts: (onGreen: number, onRed: number, turned: number) =>
      `${onGreen} crossed on green, ${onRed} on red, ${turned} turned round: `,
    orderly: "orderly",
    dangerous: "DANGEROUS",
  },
  zh: {
    usage: `红绿灯：一个事件，设置了又清除；汽车等的就是它。

用法：traffic_light.ts [选项]

  --cars N     红灯时来几辆车（默认 3）
  --rounds N   变几次绿灯（默认 2）
  --no-wait    停下的车不等绿灯就走
  --lang L     语言：en 或 zh（默认 en）
  --help       显示本说明`,
    car: (k: number) => `${k} 号车`,
    red: "红灯",
    green: "绿灯",
    stops: (name: string) => `${name}停下`,
    crosses: {
      "on green": (name: string) => `${name}绿灯通过`,
      "on red": (name: string) => `${name}闯红灯`,
    },
    turnsRound: (name: string) => `${name}掉头：等了 100 毫秒还是红灯`,
    counts: (onGreen: number, onRed: number, turned: number) =>
      `绿灯通过 ${onGreen} 辆，闯红灯 ${onRed} 辆，掉头 ${turned} 辆：`,
    orderly: "秩序井然",
    dangerous: "太危险了",
  },
});

/** How a car got on. */
type Way = "on green" | "on red" | "turned round";

/** A car that comes at red, and stands at the line with the others until green. */
export async function car(
  name: string,
  green: Event,
  atTheLine: Barrier,
  minds: boolean,
): Promise<Way> {
  console.log(TEXTS.stops(name));
  await atTheLine.wait();
  if (minds) await green.wait();
  return cross(name, green);
}

/** A car that comes at green: the same call, and no wait. */
export async function lateCar(name: string, green: Event): Promise<Way> {
  await green.wait();
  return cross(name, green);
}

/** A car that comes at red, and does not wait for long. */
export async function hurriedCar(name: string, green: Event): Promise<Way> {
  console.log(TEXTS.stops(name));
  if (await green.wait({ timeout: 100 })) return cross(name, green);
  console.log(TEXTS.turnsRound(name));
  return "turned round";
}

function cross(name: string, green: Event): Way {
  const way = green.isSet() ? "on green" : "on red";
  console.log(TEXTS.crosses[way](name));
  return way;
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({
    boolean: ["wait"],
    string: ["cars", "rounds"],
    negatable: ["wait"],
    default: { cars: "3", rounds: "2", wait: true },
    bilingual: true,
  });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const cars = wholeNumber("cars", flags.cars, 1, 100);
  const rounds = wholeNumber("rounds", flags.rounds, 1, 100);
  const minds = flags.wait === true;

  const green = new Event();
  const atTheLine = new Barrier(cars + 1);
  const ways: Way[] = [];
  const children: Process<Way>[] = [];
  // If one is lost, those that wait do not outlive the script.
  cleanup.defer(() => children.forEach((child) => child.kill()));
  const drive = <A extends unknown[]>(
    target: (name: string, ...args: A) => Promise<Way>,
    ...args: A
  ): Process<Way> => {
    const name = TEXTS.car(children.length + 1);
    const child = new Process<Way, [string, ...A]>(target, { args: [name, ...args], name }).start();
    children.push(child as Process<Way>);
    return child as Process<Way>;
  };
  console.log(TEXTS.red);
  for (let round = 0; round < rounds; round++) {
    const queue = Array.from({ length: cars }, () => drive(car, green, atTheLine, minds));
    breakOnFailure(queue, atTheLine);
    await atTheLine.wait();
    // Who does not mind the light has crossed before it turns, every time.
    if (!minds) { for (const child of queue) await child.result(); }

    console.log(TEXTS.green);
    green.set();
    const late = drive(lateCar, green);
    for (const child of [...queue, late]) ways.push(await child.result());

    console.log(TEXTS.red);
    green.clear();
  }
  ways.push(await drive(hurriedCar, green).result());

  const count = (way: Way) => ways.filter((other) => other === way).length;
  const verdict = count("on red") === 0 ? TEXTS.orderly : TEXTS.dangerous;
  console.log(
    TEXTS.counts(count("on green"), count("on red"), count("turned round")) + verdict,
  );
  return count("on red") === 0 ? 0 : 1;
}

if (import.meta.main) await runScript("traffic_light", main);
