#!/usr/bin/env -S deno run --allow-read
/**
 * Five kinds of n, changed by three threads: who sees whose change?
 *
 * A local variable belongs to the call, so each thread has its own; that is so everywhere. In
 * Python threads share all else: the variables of modules, and objects and their fields. Here each
 * thread imports the module anew and gets a copy of its object, so it has those to itself, too.
 * What is shared is what says so: a Value and its like.
 *
 * Try:
 *
 *     examples/threads/locals.ts               the five, side by side
 *     examples/threads/locals.ts --threads 5   and with more threads
 *
 * Then look at memory.ts, and at bank.ts for what sharing costs.
 *
 * @module
 */
import { Barrier, local, Thread, Value } from "../../lib/threading.ts";
import { breakOnFailure } from "../_shared/barriers.ts";
import { columnsOf, fill, inLanguage } from "../_shared/language.ts";
import { readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `Five kinds of n, changed by several threads: which of them do they share?

Usage: locals.ts [options]

  --threads N   how many threads (3)
  --lang L      en or zh (en)
  --help        show this`,
    what: (threads: number) =>
      `n is 100; ${threads} threads add to it: the first 1, the second 2, ...`,
    kinds: {
      local: "a local variable",
      field: "a field of the thread",
      module: "a variable of the module",
      threadLocal: "a field of local()",
      value: "a Value",
    },
    n: "n is",
    thread: (k: number) => `thread ${k}`,
    main: "main",
    python: [
      "In Python the variable of the module would be shared, and main would see the fields change:",
      "there threads have one memory; here each has its own, but for what is made to be shared.",
    ],
    right: "each thread has its own n, only the Value is shared: as it should be",
    wrong: "NOT AS IT SHOULD BE",
  },
  zh: {
    usage: `五种 n，由几个线程修改：哪一种是共享的？

用法：locals.ts [选项]

  --threads N   线程数（默认 3）
  --lang L      语言：en 或 zh（默认 en）
  --help        显示本说明`,
    what: (threads: number) => `n 是 100；${threads} 个线程往上加：第一个加 1，第二个加 2，……`,
    kinds: {
      local: "局部变量",
      field: "线程对象的属性",
      module: "模块变量（全局变量）",
      threadLocal: "local() 的属性",
      value: "Value",
    },
    n: "n 是",
    thread: (k: number) => `线程 ${k}`,
    main: "主线程",
    python: [
      "在 Python 里，全局变量是各线程共享的，对象的属性改了主线程也看得见：所有线程同用一块内存。",
      "在这里，每个线程有自己的内存，只有专门用来共享的东西才是共享的。",
    ],
    right: "每个线程有自己的 n，只有 Value 是共享的：正确",
    wrong: "结果不对",
  },
});

/** What the threads begin with. */
const FIRST = 100;

/** This line runs in every thread. */
let moduleN = FIRST;
/** So does this. */
const mine = local<{ n: number }>();

/** What one thread sees of each n. */
type Seen = Record<keyof typeof TEXTS.kinds, number>;

/** A thread that adds to every n. */
export class Adder extends Thread<Seen> {
  n = FIRST;
  amount: number;
  value: Value;
  allHaveAdded: Barrier;

  constructor(amount: number, value: Value, allHaveAdded: Barrier) {
    super(import.meta, { name: TEXTS.thread(amount) });
    this.amount = amount;
    this.value = value;
    this.allHaveAdded = allHaveAdded;
  }

  override run(): Seen {
    let localN = FIRST;
    // Main's is set; that of this thread is not.
    mine.n ??= FIRST;
    localN += this.amount;
    this.n += this.amount;
    moduleN += this.amount;
    mine.n += this.amount;
    this.value.add(this.amount);
    // So that each sees what the others have done, where it can.
    this.allHaveAdded.waitSync();
    return {
      local: localN,
      field: this.n,
      module: moduleN,
      threadLocal: mine.n,
      value: this.value.value,
    };
  }
}

async function main(): Promise<number> {
  const flags = readFlags({
    string: ["threads"],
    default: { threads: "3" },
    bilingual: true,
  });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const count = wholeNumber("threads", flags.threads, 1, 20);
  mine.n = FIRST;
  const value = new Value("i32", FIRST);
  const allHaveAdded = new Barrier(count);
  const amounts = Array.from({ length: count }, (_, k) => k + 1);
  const threads = amounts.map((amount) => new Adder(amount, value, allHaveAdded).start());
  breakOnFailure(threads, allHaveAdded);
  const seen = await Promise.all(threads.map((thread) => thread.result()));

  const inMain: Partial<Seen> = {
    field: threads[0].n,
    module: moduleN,
    threadLocal: mine.n,
    value: value.value,
  };
  const { kinds } = TEXTS;
  const width = Math.max(...Object.values(kinds).map(columnsOf)) + 2;
  const show = (what: string, cells: unknown[]) =>
    console.log((fill(what, width) + cells.map((cell) => fill(`${cell}`, 10)).join("")).trimEnd());
  console.log(TEXTS.what(count));
  show(TEXTS.n, [...amounts.map(TEXTS.thread), TEXTS.main]);
  for (const kind of Object.keys(kinds) as (keyof Seen)[]) {
    show(kinds[kind], [...seen.map((each) => each[kind]), inMain[kind] ?? "-"]);
  }
  for (const line of TEXTS.python) console.log(line);

  const sum = amounts.reduce((a, b) => a + b, FIRST);
  const isRight = seen.every((each, k) => {
    const { value, ...own } = each;
    return value === sum && Object.values(own).every((n) => n === FIRST + amounts[k]);
  }) && [inMain.field, inMain.module, inMain.threadLocal].every((n) => n === FIRST) &&
    inMain.value === sum;
  console.log(isRight ? TEXTS.right : TEXTS.wrong);
  return isRight ? 0 : 1;
}

if (import.meta.main) await runScript("locals", main);
