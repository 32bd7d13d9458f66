#!/usr/bin/env -S deno run --allow-read
/**
 * A hundred threads, each of which takes 1 from n = 100.
 *
 * Each looks around first, which disturbs nobody, and then takes: reads n, and writes n - 1. The
 * forms differ in what runs side by side, and what one at a time:
 *
 *     race    all of it side by side: all read 100, and all write 99
 *     part    the looking side by side, the taking under a lock
 *     whole   the looking under the lock too: just as right, and slower
 *     join    start, join, start, join ...: right without a lock, and nothing is side by side
 *
 * Try:
 *
 *     examples/threads/lock_and_join.ts               the four forms, and their times
 *     examples/threads/lock_and_join.ts --form race   99 left
 *     examples/threads/lock_and_join.ts --look 20     the longer the looking, the more "part" gains
 *
 * @module
 */
import { Barrier, Lock, Thread, Value } from "../../lib/threading.ts";
import { sleep } from "../../lib/time.ts";
import { breakOnFailure } from "../_shared/barriers.ts";
import { inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const FORMS = ["race", "part", "whole", "join"] as const;
type Form = typeof FORMS[number];

const TEXTS = inLanguage({
  en: {
    usage: `A hundred threads take 1 each: what a lock makes one at a time, and what join does.

Usage: lock_and_join.ts [options]

  --form F      race, part, whole, join, or all of them in turn (all)
  --threads N   how many threads, and n at first (100)
  --look MS     how long each looks around before it takes (2)
  --lang L      en or zh (en)
  --help        show this`,
    notes: {
      race: "all side by side",
      part: "side by side up to the lock, one at a time inside",
      whole: "one at a time from first to last",
      join: "one at a time, starting and ending included",
    },
    what: (n: number) => `${n} threads take 1 each from n = ${n}`,
    head: "form   left    ms  what runs when",
    left: (left: number, n: number) => `${left} of ${n} left: `,
    exact: "exact",
    wrong: "WRONG",
    verdict: (wrong: Form[], right: Form[]) =>
      `wrong: ${wrong.join(", ")}; right: ${right.join(", ")}`,
  },
  zh: {
    usage: `一百个线程各减 1：锁让哪一段轮流做，join 又让哪一段轮流做。

用法：lock_and_join.ts [选项]

  --form F      形式：race、part、whole、join，或者依次全部 all（默认 all）
  --threads N   有多少个线程，n 一开始就是多少（默认 100）
  --look MS     每个线程减 1 之前先查看多少毫秒（默认 2）
  --lang L      语言：en 或 zh（默认 en）
  --help        显示本说明`,
    notes: {
      race: "全都同时进行",
      part: "加锁之前同时进行，锁里面轮流进行",
      whole: "从头到尾轮流进行",
      join: "轮流进行，连线程的启动和结束也是",
    },
    what: (n: number) => `${n} 个线程，每个从 n = ${n} 里减 1`,
    head: "形式   剩余  毫秒  怎样进行",
    left: (left: number, n: number) => `共 ${n}，剩余 ${left}：`,
    exact: "正确",
    wrong: "错误",
    verdict: (wrong: Form[], right: Form[]) =>
      `错误：${wrong.join("、")}；正确：${right.join("、")}`,
  },
});

/** What a thread is told. */
interface Errand {
  n: Value;
  look: number;
  lock: Lock;
  /** Open when all threads and main are there: starting and ending is not what is measured. */
  allAreHere: Barrier;
  allAreDone: Barrier;
  /** Opens when all threads have read n: what goes wrong without a lock now does so every time. */
  allHaveRead: Barrier;
}

/** No lock, no order. */
export async function race(errand: Errand): Promise<void> {
  const { n, look, allAreHere, allAreDone, allHaveRead } = errand;
  await allAreHere.wait();
  await sleep(look);
  const seen = n.value;
  await allHaveRead.wait();
  n.value = seen - 1;
  await allAreDone.wait();
}

/** Under the lock: what must be one at a time. */
export async function part({ n, look, lock, allAreHere, allAreDone }: Errand): Promise<void> {
  await allAreHere.wait();
  await sleep(look);
  {
    using _ = await lock.acquire();
    n.value = n.value - 1;
  }
  await allAreDone.wait();
}

/** Under the lock: everything. */
export async function whole({ n, look, lock, allAreHere, allAreDone }: Errand): Promise<void> {
  await allAreHere.wait();
  {
    using _ = await lock.acquire();
    await sleep(look);
    n.value = n.value - 1;
  }
  await allAreDone.wait();
}

/** No lock: nobody else is there. */
export async function join({ n, look }: Errand): Promise<void> {
  await sleep(look);
  n.value = n.value - 1;
}

/** Runs one form, and says what is left of n. */
async function run(form: Form, threads: number, look: number): Promise<number> {
  const n = new Value("i32", threads);
  const allAreHere = new Barrier(threads + 1);
  const allAreDone = new Barrier(threads + 1);
  const allHaveRead = new Barrier(threads);
  const errand = { n, look, lock: new Lock(), allAreHere, allAreDone, allHaveRead };
  const target = { race, part, whole, join }[form];
  const start = () => new Thread(target, { args: [errand] }).start();

  const crowd: Thread[] = [];
  let began = performance.now();
  if (form === "join") {
    for (let k = 0; k < threads; k++) await start().result();
  } else {
    for (let k = 0; k < threads; k++) crowd.push(start());
    breakOnFailure(crowd, allAreHere, allAreDone);
    await allAreHere.wait();
    began = performance.now();
    await allAreDone.wait();
  }
  const ms = (performance.now() - began).toFixed(0).padStart(5);
  await Promise.all(crowd.map((thread) => thread.result()));
  console.log(`${form.padEnd(5)} ${String(n.value).padStart(5)} ${ms}  ${TEXTS.notes[form]}`);
  return n.value;
}

async function main(): Promise<number> {
  const flags = readFlags({
    string: ["form", "threads", "look"],
    default: { form: "all", threads: "100", look: "2" },
    bilingual: true,
  });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const form = oneOf("form", flags.form, ["all", ...FORMS]);
  const threads = wholeNumber("threads", flags.threads, 2, 500);
  const look = wholeNumber("look", flags.look, 0, 60_000);

  console.log(TEXTS.what(threads));
  console.log(TEXTS.head);
  if (form !== "all") {
    const left = await run(form, threads, look);
    console.log(TEXTS.left(left, threads) + (left === 0 ? TEXTS.exact : TEXTS.wrong));
    return left === 0 ? 0 : 1;
  }
  const right: Form[] = [];
  const wrong: Form[] = [];
  for (const each of FORMS) (await run(each, threads, look) === 0 ? right : wrong).push(each);
  console.log(TEXTS.verdict(wrong, right));
  return wrong.join() === "race" ? 0 : 1;
}

if (import.meta.main) await runScript("lock_and_join", main);
