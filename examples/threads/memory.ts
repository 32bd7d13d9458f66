#!/usr/bin/env -S deno run --allow-read
/**
 * n = 100, and a thread sets it to 0: what does the main thread see?
 *
 * If n is a variable of the module, 100: unlike in Python, each thread imports the module anew and
 * has variables of its own. If n is a Value, 0: that is memory that threads share.
 *
 * Try:
 *
 *     examples/threads/memory.ts                   both
 *     examples/threads/memory.ts --form variable   isolated
 *     examples/threads/memory.ts --form value      shared
 *
 * @module
 */
import { currentThread, Thread, Value } from "../../lib/threading.ts";
import { inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript } from "../_shared/script.ts";

const TEXTS = inLanguage({
  en: {
    usage: `What threads share: a Value, and no variables.

Usage: memory.ts [options]

  --form F   what n is: variable, value or both (both)
  --lang L   en or zh (en)
  --help     show this`,
    is: (n: number) => `n is ${n}`,
    sets: (n: number) => `sets it, n is ${n}`,
    variable: (isIsolated: boolean) => `a variable is ${isIsolated ? "isolated" : "SHARED"}`,
    value: (isShared: boolean) => `a Value is ${isShared ? "shared" : "ISOLATED"}`,
  },
  zh: {
    usage: `线程之间共享什么：共享 Value，不共享变量。

用法：memory.ts [选项]

  --form F   n 是什么：variable、value 或 both（默认 both）
  --lang L   语言：en 或 zh（默认 en）
  --help     显示本说明`,
    is: (n: number) => `n 是 ${n}`,
    sets: (n: number) => `改了 n，n 是 ${n}`,
    variable: (isIsolated: boolean) => `变量${isIsolated ? "各有各的" : "竟然共享了"}`,
    value: (isShared: boolean) => `Value ${isShared ? "是共享的" : "竟然没有共享"}`,
  },
});

/** This very line runs in each thread, and makes each an n of its own. */
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
  console.log(`  ${currentThread().name.padEnd(11)} ${what}`);
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
    await new Thread(setVariable).start().result();
    say(TEXTS.is(n));
    console.log(TEXTS.variable(n === 100));
    ok &&= n === 100;
  }
  if (form !== "variable") {
    const shared = new Value("i32", 100);
    console.log('const n = new Value("i32", 100)');
    say(TEXTS.is(shared.value));
    await new Thread(setValue, { args: [shared] }).start().result();
    say(TEXTS.is(shared.value));
    console.log(TEXTS.value(shared.value === 0));
    ok &&= shared.value === 0;
  }
  return ok ? 0 : 1;
}

if (import.meta.main) await runScript("memory", main);
