#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run --allow-ffi
/**
 * n = 100, and a child process sets it to 0: what does its parent see?
 *
 * If n is a variable of the module, 100: a process has memory, and so variables, of its own. If n
 * is a Value, 0: that is memory that processes share. An Array is the same for several numbers of
 * one type: from values, or so many zeros.
 *
 * Try:
 *
 *     examples/processes/memory.ts                   all three
 *     examples/processes/memory.ts --form variable   isolated
 *     examples/processes/memory.ts --form value      shared
 *     examples/processes/memory.ts --form array      several numbers
 *
 * @module
 */
import { Array as Numbers, currentProcess, Process, Value } from "../../lib/multiprocessing.ts";
import { inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `What processes share: a Value and an Array, and no variables.

Usage: memory.ts [options]

  --form F   what n is: variable, value, array, or all of them (all)
  --lang L   en or zh (en)
  --help     show this`,
    is: (n: number) => `n is ${n}`,
    sets: (n: number) => `sets it, n is ${n}`,
    variable: (isolated: boolean) => `a variable is ${isolated ? "isolated" : "SHARED"}`,
    are: (numbers: number[]) => `they are ${numbers.join(" ")}`,
    setsAll: (numbers: number[]) => `sets them, they are ${numbers.join(" ")}`,
    array: (shared: boolean) => `an Array is ${shared ? "shared" : "ISOLATED"}`,
    value: (shared: boolean) => `a Value is ${shared ? "shared" : "ISOLATED"}`,
  },
  zh: {
    usage: `进程之间共享什么：Value 和 Array 共享，变量不共享。

用法：memory.ts [选项]

  --form F   n 是什么：variable、value、array，或者全部 all（默认 all）
  --lang L   语言：en 或 zh（默认 en）
  --help     显示本说明`,
    is: (n: number) => `n 是 ${n}`,
    sets: (n: number) => `改了它，n 是 ${n}`,
    variable: (isolated: boolean) => `变量：${isolated ? "互相隔离" : "竟然共享了，结果不对"}`,
    are: (numbers: number[]) => `它们是 ${numbers.join(" ")}`,
    setsAll: (numbers: number[]) => `改了它们，它们是 ${numbers.join(" ")}`,
    array: (shared: boolean) => `Array：${shared ? "大家共享" : "竟然没有共享，结果不对"}`,
    value: (shared: boolean) => `Value：${shared ? "大家共享" : "竟然没有共享，结果不对"}`,
  },
});

const FORMS = ["variable", "value", "array"] as const;

/** This very line runs in each process, and makes each an n of its own. */
let n = 100;

/** Sets the module's variable. */
export function setVariable(): void {
  say(TEXTS.is(n));
  n = 0;
  say(TEXTS.sets(n));
}

/** Sets the Value that it is given. */
export function setValue(n: Value): void {
  say(TEXTS.is(n.value));
  n.value = 0;
  say(TEXTS.sets(n.value));
}

/** Fills the Arrays that it is given: one was made from values, one from a number of zeros. */
export function setArrays(squares: Numbers, zeros: Numbers): void {
  say(TEXTS.are([...squares, ...zeros]));
  for (let k = 0; k < squares.length; k++) squares.set(k, squares.at(k) ** 2);
  for (let k = 0; k < zeros.length; k++) zeros.set(k, 7);
  say(TEXTS.setsAll([...squares, ...zeros]));
}

function say(what: string): void {
  console.log(`  ${currentProcess().name.padEnd(11)} ${what}`);
}

async function main(): Promise<number> {
  const flags = readFlags({ string: ["form"], default: { form: "all" }, bilingual: true });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const form = oneOf("form", flags.form, ["all", ...FORMS]);
  let ok = true;

  if (form === "all" || form === "variable") {
    console.log("let n = 100");
    say(TEXTS.is(n));
    await new Process(setVariable).start().result();
    say(TEXTS.is(n));
    console.log(TEXTS.variable(n === 100));
    ok &&= n === 100;
  }
  if (form === "all" || form === "value") {
    const shared = new Value("i32", 100);
    console.log('const n = new Value("i32", 100)');
    say(TEXTS.is(shared.value));
    await new Process(setValue, { args: [shared] }).start().result();
    say(TEXTS.is(shared.value));
    console.log(TEXTS.value(shared.value === 0));
    ok &&= shared.value === 0;
  }
  if (form === "all" || form === "array") {
    const squares = new Numbers("i32", [1, 2, 3]);
    const zeros = new Numbers("i32", 2);
    console.log('new Array("i32", [1, 2, 3]), new Array("i32", 2)');
    say(TEXTS.are([...squares, ...zeros]));
    await new Process(setArrays, { args: [squares, zeros] }).start().result();
    const now = [...squares, ...zeros];
    say(TEXTS.are(now));
    const isShared = now.join() === "1,4,9,7,7";
    console.log(TEXTS.array(isShared));
    ok &&= isShared;
  }
  return ok ? 0 : 1;
}

if (import.meta.main) await runScript("memory", main);
