#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run --allow-ffi
/**
 * n = 100, and a child process sets it to 0: what does its parent see?
 *
 * If n is a variable of the module, 100: a process has memory, and so variables, of its own. If n
 * is a Value, 0: that is memory that processes share.
 *
 * Try:
 *
 *     examples/processes/memory.ts                   both
 *     examples/processes/memory.ts --form variable   isolated
 *     examples/processes/memory.ts --form value      shared
 *
 * @module
 */
import { currentProcess, Process, Value } from "../../lib/multiprocessing.ts";
import { inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `What processes share: a Value, and no variables.

Usage: memory.ts [options]

  --form F   what n is: variable, value or both (both)
  --lang L   en or zh (en)
  --help     show this`,
    is: (n: number) => `n is ${n}`,
    sets: (n: number) => `sets it, n is ${n}`,
    variable: (isolated: boolean) => `a variable is ${isolated ? "isolated" : "SHARED"}`,
    value: (shared: boolean) => `a Value is ${shared ? "shared" : "ISOLATED"}`,
  },
  zh: {
    usage: `进程之间共享什么：Value 共享，变量不共享。

用法：memory.ts [选项]

  --form F   n 是什么：variable、value 或 both（both）
  --lang L   语言：en 或 zh（en）
  --help     显示本说明`,
    is: (n: number) => `n 是 ${n}`,
    sets: (n: number) => `改了它，n 是 ${n}`,
    variable: (isolated: boolean) => `变量：${isolated ? "互相隔离" : "竟然共享了，结果不对"}`,
    value: (shared: boolean) => `Value：${shared ? "大家共享" : "竟然没有共享，结果不对"}`,
  },
});

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

function say(what: string): void {
  console.log(`  ${currentProcess().name.padEnd(11)} ${what}`);
}

async function main(): Promise<number> {
  const flags = readFlags({ string: ["form"], default: { form: "both" }, bilingual: true });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const form = oneOf("form", flags.form, ["variable", "value", "both"]);
  let ok = true;

  if (form !== "value") {
    console.log("let n = 100");
    say(TEXTS.is(n));
    await new Process(setVariable).start().result();
    say(TEXTS.is(n));
    console.log(TEXTS.variable(n === 100));
    ok &&= n === 100;
  }
  if (form !== "variable") {
    const shared = new Value("i32", 100);
    console.log('const n = new Value("i32", 100)');
    say(TEXTS.is(shared.value));
    await new Process(setValue, { args: [shared] }).start().result();
    say(TEXTS.is(shared.value));
    console.log(TEXTS.value(shared.value === 0));
    ok &&= shared.value === 0;
  }
  return ok ? 0 : 1;
}

if (import.meta.main) await runScript("memory", main);
