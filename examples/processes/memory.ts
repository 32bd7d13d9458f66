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
import { oneOf, readFlags, runScript } from "../_shared/script.ts";

const USAGE = `What processes share: a Value, and no variables.

Usage: memory.ts [options]

  --form F   what n is: variable, value or both (both)
  --help     show this`;

/** This very line runs in each process, and makes each an n of its own. */
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
  console.log(`  ${currentProcess().name.padEnd(11)} ${what}`);
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
    await new Process(setVariable).start().result();
    say(`n is ${n}`);
    console.log(`a variable is ${n === 100 ? "isolated" : "SHARED"}`);
    ok &&= n === 100;
  }
  if (form !== "variable") {
    const shared = new Value("i32", 100);
    console.log('const n = new Value("i32", 100)');
    say(`n is ${shared.value}`);
    await new Process(setValue, { args: [shared] }).start().result();
    say(`n is ${shared.value}`);
    console.log(`a Value is ${shared.value === 0 ? "shared" : "ISOLATED"}`);
    ok &&= shared.value === 0;
  }
  return ok ? 0 : 1;
}

if (import.meta.main) await runScript("memory", main);
