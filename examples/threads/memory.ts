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
import { oneOf, readFlags, runScript } from "../_shared/script.ts";

const USAGE = `What threads share: a Value, and no variables.

Usage: memory.ts [options]

  --form F   what n is: variable, value or both (both)
  --help     show this`;

/** This very line runs in each thread, and makes each an n of its own. */
let n = 100;

/** Sets the module's variable. */
export function setVariable(): void {
  say(`n is ${n}`);
  n = 0;
  say(`sets it, n is ${n}`);
}

/** Sets the Value that it is given. */
export function setValue(n: Value): void {
  say(`n is ${n.value}`);
  n.value = 0;
  say(`sets it, n is ${n.value}`);
}

function say(what: string): void {
  console.log(`  ${currentThread().name.padEnd(11)} ${what}`);
}

async function main(): Promise<number> {
  const flags = readFlags({ string: ["form"], default: { form: "both" } });
  if (flags.help) {
    console.log(USAGE);
    return 0;
  }
  const form = oneOf("form", flags.form, ["variable", "value", "both"]);
  let ok = true;

  if (form !== "value") {
    console.log("let n = 100");
    say(`n is ${n}`);
    await new Thread(setVariable).start().result();
    say(`n is ${n}`);
    console.log(`a variable is ${n === 100 ? "isolated" : "SHARED"}`);
    ok &&= n === 100;
  }
  if (form !== "variable") {
    const shared = new Value("i32", 100);
    console.log('const n = new Value("i32", 100)');
    say(`n is ${shared.value}`);
    await new Thread(setValue, { args: [shared] }).start().result();
    say(`n is ${shared.value}`);
    console.log(`a Value is ${shared.value === 0 ? "shared" : "ISOLATED"}`);
    ok &&= shared.value === 0;
  }
  return ok ? 0 : 1;
}

if (import.meta.main) await runScript("memory", main);
