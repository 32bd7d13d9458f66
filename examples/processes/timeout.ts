#!/usr/bin/env -S deno run --allow-run
/**
 * Programs that take too long, and who goes when one is killed.
 *
 *     run           a timeout kills the program; what it had written is in the error
 *     communicate   a timeout only ends the wait: the program runs on, and nothing is lost
 *     alone         kill() ends the program, but not the one that it has started: it works on,
 *                   unseen
 *     tree          kill({ tree: true }) ends both
 *
 * Try:
 *
 *     examples/processes/timeout.ts                all of them
 *     examples/processes/timeout.ts --form alone   a grandchild that is left behind
 *
 * @module
 */
import { TimeoutExpired } from "../../lib/errors.ts";
import { PIPE, Popen, run as runProgram } from "../../lib/subprocess.ts";
import { oneOf, readFlags, runScript } from "../_shared/script.ts";

const USAGE = `Programs that take too long.

Usage: timeout.ts [options]

  --form F   run, communicate, alone, tree, or all of them in turn (all)
  --help     show this`;

/** A program that starts another, which is still at work when it is killed itself. */
const FAMILY = "(sleep 0.5; echo grandchild: still at work) & echo child: started one; wait";

async function run(): Promise<boolean> {
  console.log("run: { timeout: 300 }");
  try {
    await runProgram(["sh", "-c", "echo half of it; exec sleep 60"], {
      captureOutput: true,
      text: true,
      timeout: 300,
    });
    return false;
  } catch (error) {
    if (!(error instanceof TimeoutExpired)) throw error;
    console.log(`  ${error.name} after ${error.timeout} ms, with what there was: ${text(error)}`);
    return text(error) === "half of it";
  }
}

async function communicate(): Promise<boolean> {
  console.log("communicate: { timeout: 300 }, then once more");
  const child = new Popen(["sh", "-c", "echo half of it; read word; echo $word"], {
    stdin: PIPE,
    stdout: PIPE,
    text: true,
  });
  // The rest of the input comes later than we want to wait.
  const { promise: later, resolve: comes } = Promise.withResolvers<string>();
  const input = ReadableStream.from((async function* () {
    yield await later;
  })());
  try {
    await child.communicate(input, { timeout: 300 });
    return false;
  } catch (error) {
    if (!(error instanceof TimeoutExpired)) throw error;
    console.log(`  ${error.name}, so far: ${text(error)}`);
  }
  comes("the other half\n");
  const [stdout] = await child.communicate();
  console.log(`  at the end: ${stdout.trim().split("\n").join(", ")}`);
  return stdout === "half of it\nthe other half\n";
}

/** Kills the child of a family, and tells what is heard from it until nobody can speak any more. */
async function heardAfter(kill: (child: Popen) => void): Promise<string[]> {
  const child = new Popen(["sh", "-c", FAMILY], { stdout: PIPE });
  console.log(`  ${await child.stdout.readline()}`);
  kill(child);
  console.log(`  child: ended with ${await child.wait()}`);
  const heard = await Array.fromAsync(child.stdout.lines());
  for (const line of heard) console.log(`  ${line}`);
  return heard;
}

async function alone(): Promise<boolean> {
  console.log("alone: kill()");
  const heard = await heardAfter((child) => child.kill());
  console.log(heard.length > 0 ? "one was left behind: WRONG" : "nobody was left behind");
  return heard.length === 0;
}

async function tree(): Promise<boolean> {
  console.log("tree: kill({ tree: true })");
  const heard = await heardAfter((child) => child.kill({ tree: true }));
  console.log(heard.length > 0 ? "one was left behind: WRONG" : "nobody was left behind");
  return heard.length === 0;
}

function text({ stdout }: TimeoutExpired): string {
  return String(stdout).trim();
}

const FORMS = { run, communicate, alone, tree };
type Form = keyof typeof FORMS;
const NAMES = Object.keys(FORMS) as Form[];

async function main(): Promise<number> {
  const flags = readFlags({ string: ["form"], default: { form: "all" } });
  if (flags.help) {
    console.log(USAGE);
    return 0;
  }
  const form = oneOf("form", flags.form, ["all", ...NAMES]);

  if (form !== "all") return await FORMS[form]() ? 0 : 1;
  const right: Form[] = [];
  const wrong: Form[] = [];
  for (const name of NAMES) (await FORMS[name]() ? right : wrong).push(name);
  console.log(`wrong: ${wrong.join(", ")}; right: ${right.join(", ")}`);
  return wrong.join() === "alone" ? 0 : 1;
}

if (import.meta.main) await runScript("timeout", main);
