#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run
/**
 * A pool of processes: a few workers, started once, that take calls as they come.
 *
 * - `apply` is one call, and waits for it;
 * - `applyAsync` does not wait: callbacks are told, or one asks its AsyncResult later;
 * - `map` calls a function with each item, `starmap` with each list of arguments; both keep the
 *   order;
 * - `imap` gives results as they come, in order, and takes from its input no more than it needs, so
 *   the input may be endless; `imapUnordered` is the same, and whoever is done comes first.
 *
 * Try:
 *
 *     examples/processes/pool.ts                    all of them in turn
 *     examples/processes/pool.ts --part callbacks   what becomes of an error
 *     examples/processes/pool.ts --processes 1      the same results, one after the other
 *
 * @module
 */
import { Pool } from "../../lib/multiprocessing.ts";
import { inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `A pool of processes: apply, callbacks, map, starmap, imap.

Usage: pool.ts [options]

  --part P        apply, callbacks, map, starmap, imap, unordered, or all of them in turn (all)
  --processes N   how many workers there are (4)
  --lang L        en or zh (en)
  --help          show this`,
    noWalk: (n: number) => `no walk starts at ${n}`,
    apply: (steps: number) => `apply: from 27 to 1 in ${steps} steps`,
    callbacks: "callbacks:",
    callback: (n: number, steps: number) => `  callback: from ${n} to 1 in ${steps} steps`,
    errorCallback: (error: unknown) => `  errorCallback: ${error}`,
    successful: (good: number, all: number) => `  ${good} of ${all} were successful`,
    map: (walks: number, from: number, longest: number) =>
      `map: of ${walks} walks that from ${from} is the longest: ${longest} steps`,
    starmap: "starmap:",
    imap: (n: number) => `imap: the first walk of over 200 steps starts at ${n}`,
    unordered: (walks: number[]) => `imapUnordered: ${walks.join(", ")} steps, in any order`,
    right: "all right",
    wrong: "WRONG",
  },
  zh: {
    usage: `进程池：apply、回调、map、starmap、imap。

用法：pool.ts [选项]

  --part P        部分：apply、callbacks、map、starmap、imap、unordered，
                  或者依次全部 all（默认 all）
  --processes N   池里多少个进程（默认 4）
  --lang L        语言：en 或 zh（默认 en）
  --help          显示本说明`,
    noWalk: (n: number) => `不能从 ${n} 出发`,
    apply: (steps: number) => `apply：从 27 走到 1 要 ${steps} 步`,
    callbacks: "callbacks：",
    callback: (n: number, steps: number) => `  callback：从 ${n} 走到 1 要 ${steps} 步`,
    errorCallback: (error: unknown) => `  errorCallback：${error}`,
    successful: (good: number, all: number) => `  ${all} 个调用，成功 ${good} 个`,
    map: (walks: number, from: number, longest: number) =>
      `map：${walks} 条路里从 ${from} 出发的最长：${longest} 步`,
    starmap: "starmap：",
    imap: (n: number) => `imap：第一条超过 200 步的路从 ${n} 出发`,
    unordered: (walks: number[]) => `imapUnordered：${walks.join("、")} 步，谁先完成谁先来`,
    right: "全部正确",
    wrong: "结果不对",
  },
});

/** How many steps it takes to come from `n` to 1: halve what is even, else times three plus one. */
export function collatz(n: number): number {
  if (!Number.isInteger(n) || n < 1) throw new RangeError(TEXTS.noWalk(n));
  let steps = 0;
  for (; n !== 1; steps++) n = n % 2 === 0 ? n / 2 : 3 * n + 1;
  return steps;
}

/** What is left when `base ** exponent` is divided by `modulus`. */
export function power(base: number, exponent: number, modulus: number): number {
  let result = 1;
  for (let k = 0; k < exponent; k++) result = result * base % modulus;
  return result;
}

/** One call: here the rest of the function waits for it. */
async function apply(pool: Pool): Promise<boolean> {
  const steps = await pool.apply(collatz, [27]);
  console.log(TEXTS.apply(steps));
  return steps === 111;
}

/** Several at once: whoever is done tells. */
async function callbacks(pool: Pool): Promise<boolean> {
  console.log(TEXTS.callbacks);
  const steps = new Map<number, number>();
  const results = [27, 97, -1, 871].map((n) =>
    pool.applyAsync(collatz, [n], {
      callback(value: number) {
        steps.set(n, value);
        console.log(TEXTS.callback(n, value));
      },
      errorCallback: (error: unknown) => console.log(TEXTS.errorCallback(error)),
    })
  );
  for (const result of results) await result.wait();
  const good = results.filter((result) => result.successful());
  console.log(TEXTS.successful(good.length, results.length));
  return good.length === 3 && steps.get(871) === 178;
}

/** A function and its inputs: the results stand in their order. */
async function map(pool: Pool): Promise<boolean> {
  const starts = Array.from({ length: 10_000 }, (_, k) => k + 1);
  const walks = await pool.map(collatz, starts);
  const longest = Math.max(...walks);
  const from = starts[walks.indexOf(longest)];
  console.log(TEXTS.map(walks.length, from, longest));
  return from === 6171 && longest === 261;
}

/** As map, for functions of several arguments. */
async function starmap(pool: Pool): Promise<boolean> {
  console.log(TEXTS.starmap);
  const calls: [number, number, number][] = [[2, 10, 1000], [3, 100, 7], [7, 7, 10]];
  const rests = await pool.starmap(power, calls);
  calls.forEach(([base, exponent, modulus], k) => {
    console.log(`  ${base} ** ${exponent} % ${modulus} = ${rests[k]}`);
  });
  return rests.join() === "24,4,3";
}

/** 1, 2, 3 … without end. */
function* naturals(): Generator<number> {
  for (let n = 1;; n++) yield n;
}

/** Endless input: we stop when we have seen enough. */
async function imap(pool: Pool): Promise<boolean> {
  let n = 0;
  for await (const steps of pool.imap(collatz, naturals())) {
    n++;
    if (steps > 200) break;
  }
  console.log(TEXTS.imap(n));
  return n === 2463;
}

/** Whoever is done comes first: the order is another one each time, what comes is the same. */
async function unordered(pool: Pool): Promise<boolean> {
  const walks: number[] = [];
  for await (const steps of pool.imapUnordered(collatz, [27, 97, 871, 6171])) walks.push(steps);
  console.log(TEXTS.unordered(walks.toSorted((a, b) => a - b)));
  return walks.length === 4;
}

const PARTS = { apply, callbacks, map, starmap, imap, unordered };
type Part = keyof typeof PARTS;
const NAMES = Object.keys(PARTS) as Part[];

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({
    string: ["part", "processes"],
    default: { part: "all", processes: "4" },
    bilingual: true,
  });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const part = oneOf("part", flags.part, ["all", ...NAMES]);
  const processes = wholeNumber("processes", flags.processes, 1, 64);

  const pool = cleanup.use(new Pool(processes));
  let areRight = true;
  for (const name of part === "all" ? NAMES : [part]) {
    if (!await PARTS[name](pool)) areRight = false;
  }
  console.log(areRight ? TEXTS.right : TEXTS.wrong);
  return areRight ? 0 : 1;
}

if (import.meta.main) await runScript("pool", main);
