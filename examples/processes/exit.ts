#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run
/**
 * exit() and _exit(): which of them runs what was to run at the end.
 *
 * exit() throws SystemExit: on its way up `finally` blocks run and `using` disposes. _exit() ends
 * the process on the spot, and so do Deno.exit() and a signal: what was to be written, given back
 * or removed is not.
 *
 * Try:
 *
 *     examples/processes/exit.ts                four ways to end
 *     examples/processes/exit.ts --way exit     one of them: return, exit, _exit or kill
 *     examples/processes/exit.ts --code 42      with another code
 *
 * @module
 */
import { Process } from "../../lib/multiprocessing.ts";
import { _exit, exit } from "../../lib/os.ts";
import { oneOf, readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const USAGE = `exit() and _exit(): which of them runs finally blocks.

Usage: exit.ts [options]

  --way W    return, exit, _exit, kill or all (all)
  --code N   the exit code of exit and _exit (3)
  --help     show this`;

const WAYS = ["return", "exit", "_exit", "kill"] as const;
type Way = typeof WAYS[number];

/** Ends in one of the ways, with things still to do. */
export function leave(way: Way, code: number): void {
  using _lamp = { [Symbol.dispose]: () => console.log("  using: the lamp is put out") };
  try {
    console.log("  try: the guest leaves");
    if (way === "exit") exit(code);
    if (way === "_exit") _exit(code);
    if (way === "kill") Deno.kill(Deno.pid, "SIGKILL");
  } finally {
    console.log("  finally: the door is locked");
  }
}

async function main(cleanup: AsyncDisposableStack): Promise<number> {
  const flags = readFlags({ string: ["way", "code"], default: { way: "all", code: "3" } });
  if (flags.help) {
    console.log(USAGE);
    return 0;
  }
  const chosen = oneOf("way", flags.way, [...WAYS, "all"]);
  const code = wholeNumber("code", flags.code, 0, 255);
  const expected: Record<Way, [code: number, isTidy: boolean]> = {
    return: [0, true],
    exit: [code, true],
    _exit: [code, false],
    kill: [-9, false],
  };

  let isAsExpected = true;
  for (const way of WAYS) {
    if (chosen !== way && chosen !== "all") continue;
    console.log(way === "exit" || way === "_exit" ? `${way}(${code})` : way);
    const child = new Process(leave, { args: [way, code], stdout: "piped" }).start();
    cleanup.defer(() => child.kill());
    const said = await new Response(child.stdout).text();
    await child.join();
    const isTidy = said.includes("finally") && said.includes("using");
    console.log(
      `${said.trimEnd()}\n  exitcode ${child.exitcode}${
        isTidy ? "" : ", and nobody has locked the door"
      }`,
    );
    isAsExpected &&= child.exitcode === expected[way][0] && isTidy === expected[way][1];
  }
  return isAsExpected ? 0 : 1;
}

if (import.meta.main) await runScript("exit", main);
