#!/usr/bin/env -S deno run --allow-read
/**
 * A, B, C, A, B, C: threads that print in order, each opening the next one's lock.
 *
 * Each letter has a lock, and all but the first are shut at the start. A thread takes its own lock,
 * prints, and releases the next one's: a lock belongs to no thread, so another may release it than
 * the one that took it.
 *
 * Try:
 *
 *     examples/threads/ordered.ts                   ABC, five times
 *     examples/threads/ordered.ts --letters DRAW    a thread for each letter
 *     examples/threads/ordered.ts --no-locks        whoever comes, prints
 *
 * @module
 */
import { Event, Lock, Thread, Value } from "../../lib/threading.ts";
import { inLanguage } from "../_shared/language.ts";
import { readFlags, runScript, UsageError, wholeNumber } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `Threads print letters in order, each opening the next one's lock.

Usage: ordered.ts [options]

  --letters WORD   the letters, a thread for each (ABC)
  --times N        how often they are printed (5)
  --no-locks       let all print when they like
  --lang L         en or zh (en)
  --help           show this`,
    wrongLetters: (text: string) => `--letters must be 2 to 26 different letters, received ${text}`,
    times: (times: number, letters: string) => `${times} times ${letters}: `,
    inOrder: "in order",
    outOfOrder: "OUT OF ORDER",
  },
  zh: {
    usage: `线程按顺序打印字母，每个线程打开下一个线程的锁。

用法：ordered.ts [选项]

  --letters WORD   哪些字母，每个字母一个线程（默认 ABC）
  --times N        打印几遍（默认 5）
  --no-locks       不用锁，谁想打印就打印
  --lang L         语言：en 或 zh（默认 en）
  --help           显示本说明`,
    wrongLetters: (text: string) => `--letters 必须是 2 到 26 个不同的字母，收到的是 ${text}`,
    times: (times: number, letters: string) => `${letters} 打印 ${times} 遍：`,
    inOrder: "顺序正确",
    outOfOrder: "顺序乱了",
  },
});

/** What the thread of a letter is told. */
interface Place {
  letter: string;
  times: number;
  /** How many letters have been printed. */
  printed: Value;
  /** Its own lock and the next one's; without them it waits for nobody. */
  locks?: { mine: Lock; next: Lock };
  /** Set once the last letter came first: what goes wrong without locks does so every time. */
  overtaken?: Event;
  isLast: boolean;
}

/** Prints one letter, again and again. Gives the places where it stands. */
export async function printer(me: Place): Promise<number[]> {
  const { letter, times, printed, locks, overtaken, isLast } = me;
  const places: number[] = [];
  if (!isLast) await overtaken?.wait();
  for (let k = 0; k < times; k++) {
    await locks?.mine.acquire();
    console.log(letter);
    places.push(printed.add(1));
    locks?.next.release();
    overtaken?.set();
  }
  return places;
}

async function main(): Promise<number> {
  const flags = readFlags({
    boolean: ["locks"],
    string: ["letters", "times"],
    negatable: ["locks"],
    default: { letters: "ABC", times: "5", locks: true },
    bilingual: true,
  });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const times = wholeNumber("times", flags.times, 1, 1_000);
  const letters = [...String(flags.letters)];
  const different = new Set(letters).size;
  if (different < 2 || different < letters.length || different > 26) {
    throw new UsageError(TEXTS.wrongLetters(JSON.stringify(flags.letters)));
  }

  const printed = new Value("i32");
  const doors = letters.map((name) => new Lock({ name }));
  // All but the first letter's.
  for (const lock of doors.slice(1)) await lock.acquire();
  const overtaken = flags.locks ? undefined : new Event();

  const threads = letters.map((letter, k) => {
    const own = { mine: doors[k], next: doors[(k + 1) % doors.length] };
    const locks = flags.locks ? own : undefined;
    const isLast = k === letters.length - 1;
    const place = { letter, times, printed, locks, overtaken, isLast };
    return new Thread(printer, { args: [place], name: letter }).start();
  });
  const places = await Promise.all(threads.map((thread) => thread.result()));

  const inOrder = places.every((own, k) =>
    own.every((place, round) => place === round * letters.length + k)
  );
  console.log(TEXTS.times(times, letters.join("")) + (inOrder ? TEXTS.inOrder : TEXTS.outOfOrder));
  return inOrder ? 0 : 1;
}

if (import.meta.main) await runScript("ordered", main);
