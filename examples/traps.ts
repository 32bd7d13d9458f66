#!/usr/bin/env -S deno run --allow-read --allow-run
/**
 * Five traps for those who come from Python, each as a small program, broken and mended.
 *
 *     await     an acquire() without await: nobody waits for the lock
 *     module    a lock or a queue at the top level of a module: a child has its own
 *     global    a variable that a thread sets: a thread has its own
 *     seconds   a timeout in seconds: it is in milliseconds
 *     guard     no `if (import.meta.main)`: a child would start children without end
 *
 * The programs are in `_programs/traps/`. Three of the traps the toolkit tells of, on stderr. What
 * a number means, and whom a variable was meant for, it cannot know: those two are for you to
 * remember.
 *
 * Try:
 *
 *     examples/traps.ts                 a line for each trap
 *     examples/traps.ts --trap module   one of them: what is written, and what comes of it
 *
 * @module
 */
import { PIPE, Popen } from "../lib/subprocess.ts";
import { fill, inLanguage } from "./_shared/language.ts";
import { oneOf, readFlags, runScript } from "./_shared/script.ts";

/** A trap. */
interface Trap {
  program: string;
  /** What is written; in the broken program and in the mended one, as what follows. */
  code: [broken: string, mended: string];
  /** What comes of it. */
  prints: [broken: string, mended: string];
  /** How the toolkit tells of it, if it does. */
  told?: string;
}

const TRAPS = {
  await: {
    program: "forgotten_await.ts",
    code: ["lock.acquire();", "using _ = await lock.acquire();"],
    prints: ["balance = 1", "balance = 2"],
    told: "Forgotten await",
  },
  module: {
    program: "module_level.ts",
    code: ["new Process(broken)", "new Process(mended, { args: [lock, queue] })"],
    prints: ["holders = 2, item = undefined", "holders = 1, item = A"],
    told: "Made anew",
  },
  global: {
    program: "global_variable.ts",
    code: ["let n = 100;", 'const n = new Value("i32", 100);'],
    prints: ["n = 100", "n = 0"],
  },
  seconds: {
    program: "seconds.ts",
    code: ["await queue.get({ timeout: 2 })", "await queue.get({ timeout: 2_000 })"],
    prints: ["item = undefined", "item = A"],
  },
  guard: {
    program: "missing_guard.ts",
    code: ["new Process(work).start();", "if (import.meta.main) { new Process(work).start(); }"],
    prints: ["exitcode = 1", "work(), exitcode = 0"],
    told: "BootstrapError",
  },
} satisfies Record<string, Trap>;
type Name = keyof typeof TRAPS;
const NAMES = Object.keys(TRAPS) as Name[];

const WORDS = inLanguage({
  en: {
    usage: `Five traps for those who come from Python, each broken and mended.

Usage: traps.ts [options]

  --trap T   await, module, global, seconds, guard or all (all)
  --lang L   en or zh (en)
  --help     show this`,
    what: {
      await: "two deposits of 1, and nobody waits for the lock",
      module: "main holds the lock and puts A in the queue; the child has made its own of both",
      global: "n = 100, and a thread sets it to 0: its own n",
      seconds: "A comes after 100 ms; waiting for it for 2 means 2 ms",
      guard: "a child imports the module, and would start a child",
    },
    broken: "broken",
    mended: "mended",
    told: "told",
    notTold: "nobody tells",
    verdict: (well: number, all: number) =>
      `${well} of ${all} as expected: the broken program is wrong each time, the mended one right`,
    wrong: "NOT AS EXPECTED",
    colon: ": ",
    semicolon: "; ",
  },
  zh: {
    usage: `从 Python 过来的人容易踩的五个坑，每个都有错的写法和对的写法。

用法：traps.ts [选项]

  --trap T   await、module、global、seconds、guard 或 all（默认 all）
  --lang L   语言：en 或 zh（默认 en）
  --help     显示本说明`,
    what: {
      await: "存两次 1 元，可是谁也没有等锁",
      module: "主进程拿着锁，往队列里放了 A；子进程的锁和队列却是它自己另造的",
      global: "n = 100，线程把它改成 0：改的是线程自己的 n",
      seconds: "A 要 100 毫秒后才来；timeout 写 2，就只等 2 毫秒",
      guard: "子进程会导入这个模块，于是它也要去开子进程",
    },
    broken: "错",
    mended: "对",
    told: "提示",
    notTold: "没有任何提示",
    verdict: (well: number, all: number) =>
      `${all} 个坑中 ${well} 个符合预期：错的写法次次出错，对的写法次次都对`,
    wrong: "与预期不符",
    colon: "：",
    semicolon: "；",
  },
});

/** What came of a program. */
interface Outcome {
  /** What it printed, in one line. */
  printed: string;
  /** What was told on stderr. */
  told: string[];
}

/** Runs a program as its user would. */
async function run(
  trap: Trap,
  form: "broken" | "mended",
  cleanup: AsyncDisposableStack,
): Promise<Outcome> {
  const url = new URL(`_programs/traps/${trap.program}`, import.meta.url).href;
  const permissions = ["read", "write", "net", "run", "ffi"].map((name) => `--allow-${name}`);
  const program = new Popen(
    [Deno.execPath(), "run", "--quiet", "--no-prompt", ...permissions, url, form],
    { stdout: PIPE, stderr: PIPE, text: true },
  );
  cleanup.defer(() => program.kill());
  const [stdout, stderr] = await program.communicate();
  const told = stderr!.split("\n").filter((line) => trap.told && line.startsWith(trap.told));
  return {
    printed: stdout!.trim().replaceAll("\n", ", "),
    told: told.map((line) => line.replaceAll(url, trap.program)),
  };
}

/** Breaks a long text into lines. */
function wrap(text: string): string[] {
  return text.match(/.{1,90}(?: |$)/g) ?? [];
}

/** Runs both programs of a trap, and says what came of it, in full or in a line. */
async function show(name: Name, inFull: boolean, cleanup: AsyncDisposableStack): Promise<boolean> {
  const trap: Trap = TRAPS[name];
  const { what, broken: bad, mended: good, told, notTold, colon, semicolon, wrong } = WORDS;
  const [broken, mended] = await Promise.all([
    run(trap, "broken", cleanup),
    run(trap, "mended", cleanup),
  ]);
  const isTold = broken.told.length > 0;
  if (inFull) {
    console.log(`${name}${colon}${what[name]}`);
    console.log(`  ${bad}${colon}${trap.code[0]}`);
    console.log(`    ${broken.printed}`);
    console.log(`    ${isTold ? told + colon.trimEnd() : notTold}`);
    for (const line of broken.told.flatMap(wrap)) console.log(`      ${line.trimEnd()}`);
    console.log(`  ${good}${colon}${trap.code[1]}`);
    console.log(`    ${mended.printed}`);
  } else {
    const parts = [
      bad + colon + broken.printed,
      good + colon + mended.printed,
      isTold ? told + colon + broken.told[0].split(":")[0] : notTold,
    ];
    console.log(`${fill(name, 9)}${parts.join(semicolon)}`);
  }
  const isWell = [broken, mended].every(({ printed }, k) => printed === trap.prints[k]) &&
    isTold === (trap.told !== undefined) && mended.told.length === 0;
  if (!isWell) console.log(`  ${wrong}`);
  return isWell;
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({ string: ["trap"], default: { trap: "all" }, bilingual: true });
  if (flags.help) {
    console.log(WORDS.usage);
    return 0;
  }
  const chosen = oneOf("trap", flags.trap, [...NAMES, "all"]);
  const names = NAMES.filter((name) => chosen === name || chosen === "all");
  let well = 0;
  for (const name of names) if (await show(name, chosen !== "all", cleanup)) well++;
  console.log(WORDS.verdict(well, names.length));
  return well === names.length ? 0 : 1;
}

if (import.meta.main) await runScript("traps", main);
