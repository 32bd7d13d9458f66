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
import { BrokenBarrierError } from "../../lib/errors.ts";
import { Barrier, currentThread, Thread, Value } from "../../lib/threading.ts";
import { sleep } from "../../lib/time.ts";
import { inLanguage } from "../_shared/language.ts";
import { readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `Runners gather at a barrier and start together.

Usage: race_start.ts [options]

  --runners N     how many run (4)
  --heats N       how often they run (3)
  --no-show       one runner never comes
  --patience MS   how long the others then wait at the line (300)
  --lang L        en or zh (en)
  --help          show this`,
    runner: (k: number) => `runner-${k}`,
    isAtLine: (name: string) => `${name} is at the line`,
    bang: (heat: number, name: string) => `heat ${heat}: bang! (${name} fires the gun)`,
    isTold: (name: string, error: string) => `${name} is told: ${error}`,
    comesIn: (name: string, place: number) => `${name} comes in as number ${place}`,
    doesNotCome: (name?: string) => `${name} does not come`,
    waited: (waited: number, told: number) => `${waited} waited, ${told} were told: `,
    calledOff: "called off",
    wrong: "WRONG",
    shots: (heats: number, shots: number) => `${heats} heats, ${shots} shots: `,
    fair: "fair starts",
    falseStart: "FALSE START",
  },
  zh: {
    usage: `选手在屏障前集合，一起起跑。

用法：race_start.ts [选项]

  --runners N     有几名选手（默认 4）
  --heats N       跑几轮（默认 3）
  --no-show       有一名选手没来
  --patience MS   那时其他人在起跑线上等多少毫秒（默认 300）
  --lang L        语言：en 或 zh（默认 en）
  --help          显示本说明`,
    runner: (k: number) => `${k} 号选手`,
    isAtLine: (name: string) => `${name}就位`,
    bang: (heat: number, name: string) => `第 ${heat} 轮：砰！（${name}鸣枪）`,
    isTold: (name: string, error: string) => `${name}得到通知：${error}`,
    comesIn: (name: string, place: number) => `${name}第 ${place} 个到达终点`,
    doesNotCome: (name?: string) => `${name}没来`,
    waited: (waited: number, told: number) => `${waited} 人在等，${told} 人得到通知：`,
    calledOff: "比赛取消",
    wrong: "结果不对",
    shots: (heats: number, shots: number) => `${heats} 轮，${shots} 声枪响：`,
    fair: "起跑公平",
    falseStart: "有人抢跑",
  },
});

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
    console.log(TEXTS.isAtLine(name));
    try {
      if (await line.wait() === 0) {
        console.log(TEXTS.bang(heat, name));
        shots.add(1);
      }
      // Nobody runs before the gun.
      await line.wait();
    } catch (error) {
      if (!(error instanceof BrokenBarrierError)) throw error;
      console.log(TEXTS.isTold(name, error.name));
      break;
    }
    if (shots.value === heat) fair++;
    await sleep(20 * Math.random());
    const place = finishes.add(1) % runners + 1;
    console.log(TEXTS.comesIn(name, place));
  }
  return fair;
}

async function main(): Promise<number> {
  const flags = readFlags({
    boolean: ["show"],
    string: ["runners", "heats", "patience"],
    negatable: ["show"],
    default: { runners: "4", heats: "3", patience: "300", show: true },
    bilingual: true,
  });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const runners = wholeNumber("runners", flags.runners, 2, 100);
  const heats = wholeNumber("heats", flags.heats, 1, 1_000);
  const patience = wholeNumber("patience", flags.patience, 1, 60_000);

  const line = new Barrier(runners, flags.show ? {} : { timeout: patience });
  const race = { runners, heats, line, shots: new Value("i32"), finishes: new Value("i32") };
  const names = Array.from({ length: runners }, (_, k) => TEXTS.runner(k + 1));
  if (!flags.show) console.log(TEXTS.doesNotCome(names.pop()));

  const threads = names.map((name) => new Thread(runner, { args: [race], name }).start());
  const starts = await Promise.all(threads.map((thread) => thread.result()));

  if (!flags.show) {
    const told = starts.filter((fair) => fair === 0).length;
    const ok = line.broken && told === names.length;
    console.log(TEXTS.waited(names.length, told) + (ok ? TEXTS.calledOff : TEXTS.wrong));
    return ok ? 0 : 1;
  }
  const ok = starts.every((fair) => fair === heats) && race.shots.value === heats;
  console.log(TEXTS.shots(heats, race.shots.value) + (ok ? TEXTS.fair : TEXTS.falseStart));
  return ok ? 0 : 1;
}

if (import.meta.main) await runScript("race_start", main);
