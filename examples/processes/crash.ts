#!/usr/bin/env -S deno run --allow-read --allow-write --allow-net --allow-run --allow-ffi
/**
 * A worker dies in the middle of a task. The pool gets a new one, and goes on.
 *
 *     one       three wagons, one of which explodes: its task alone fails, and says how
 *     retries   the task that lost its worker is given to the next one, so many times
 *     start     workers that die before they take a task: after a few of them the pool gives up,
 *               and says so, instead of starting workers for ever
 *
 * Try:
 *
 *     examples/processes/crash.ts                            all of them in turn
 *     examples/processes/crash.ts --part one --how exit      ended by exit(3) instead of SIGKILL
 *     examples/processes/crash.ts --part retries --tries 2   too few
 *
 * @module
 */
import { BrokenExecutor, ProcessPoolExecutor, WorkerLostError } from "../../lib/futures.ts";
import { Value } from "../../lib/multiprocessing.ts";
import { inLanguage } from "../_shared/language.ts";
import { oneOf, readFlags, runScript, wholeNumber } from "../_shared/script.ts";

const HOWS = ["kill", "exit"] as const;
type How = typeof HOWS[number];

const TEXTS = inLanguage({
  en: {
    usage: `Workers that die: which task fails, what it says, and trying again.

Usage: crash.ts [options]

  --part P    one, retries, start, or all of them in turn (all)
  --how H     kill (by SIGKILL) or exit (by exit(3)) (kill)
  --tries N   how often a task is tried that may be tried again (3)
  --lang L    en or zh (en)
  --help      show this`,
    wagons: { coal: "coal", dynamite: "dynamite", hay: "hay" },
    through: (wagon: string) => `${wagon} is through`,
    facts: (exitcode: number | null, signal: string | null) =>
      `    exitcode ${exitcode}, signal ${signal}`,
    sum: (through: number, all: number, lost: number) =>
      `  ${through} of ${all} through, ${lost} lost`,
    tried: (accidents: number, tries: number) => `  ${accidents} drivers lost in ${tries} tries`,
    title: (name: string) => `${name}:`,
    right: "the pool went on, each time",
    wrong: "NOT AS IT SHOULD BE",
  },
  zh: {
    usage: `进程中途死掉：哪个任务失败，怎样告诉我们，怎样重试。

用法：crash.ts [选项]

  --part P    部分：one、retries、start，或者依次全部 all（默认 all）
  --how H     怎样死：kill（SIGKILL）或 exit（exit(3)）（默认 kill）
  --tries N   可以重试的任务最多做几次（默认 3）
  --lang L    语言：en 或 zh（默认 en）
  --help      显示本说明`,
    wagons: { coal: "煤", dynamite: "炸药", hay: "干草" },
    through: (wagon: string) => `${wagon}过了隧道`,
    facts: (exitcode: number | null, signal: string | null) =>
      `    exitcode ${exitcode}，signal ${signal}`,
    sum: (through: number, all: number, lost: number) =>
      `  ${all} 车里过去了 ${through} 车，丢了 ${lost} 车`,
    tried: (accidents: number, tries: number) => `  最多 ${tries} 次，丢了 ${accidents} 个司机`,
    title: (name: string) => `${name}：`,
    right: "每一次，进程池都继续工作",
    wrong: "结果不对",
  },
});

const WAGONS = ["coal", "dynamite", "hay"] as const;
type Wagon = typeof WAGONS[number];
/** How many times the dynamite goes off before it is driven carefully. */
const ACCIDENTS = 2;

/** Ends this process in the middle of its work: no finally block, no goodbye. */
function explode(how: How): never {
  if (how === "exit") Deno.exit(3);
  Deno.kill(Deno.pid, "SIGKILL");
  for (;;);
}

/** Drives a wagon through the tunnel. */
export function drive(wagon: Wagon, how: How): string {
  if (wagon === "dynamite") explode(how);
  return TEXTS.through(TEXTS.wagons[wagon]);
}

/** Drives dynamite, and has learnt something after a few accidents. */
export function driveAgain(accidents: Value, how: How): string {
  if (accidents.value < ACCIDENTS) {
    accidents.add(1);
    explode(how);
  }
  return TEXTS.through(TEXTS.wagons.dynamite);
}

/** What a worker would do first. */
export function oversleep(): void {
  Deno.exit(1);
}

async function one(how: How): Promise<boolean> {
  await using drivers = new ProcessPoolExecutor(1, { namePrefix: "driver" });
  const calls = WAGONS.map((wagon) => drivers.submit(drive, wagon, how));
  let [through, lost] = [0, 0];
  for (const call of calls) {
    try {
      console.log(`  ${await call.result()}`);
      through++;
    } catch (error) {
      if (!(error instanceof WorkerLostError)) throw error;
      console.log(`  ${error}`);
      console.log(TEXTS.facts(error.exitcode, error.signal));
      lost++;
    }
  }
  console.log(TEXTS.sum(through, WAGONS.length, lost));
  return through === 2 && lost === 1;
}

async function retries(how: How, tries: number): Promise<boolean> {
  await using drivers = new ProcessPoolExecutor(1, { namePrefix: "driver" });
  const accidents = new Value("i32");
  const call = drivers.submitWith({ retries: tries - 1 }, driveAgain, accidents, how);
  const end = await call.result().catch((error) => `${error}`);
  console.log(`  ${end}`);
  console.log(TEXTS.tried(accidents.value, tries));
  return accidents.value === Math.min(tries, ACCIDENTS) && call.done();
}

async function start(how: How): Promise<boolean> {
  await using drivers = new ProcessPoolExecutor(1, {
    namePrefix: "driver",
    initializer: oversleep,
  });
  const call = drivers.submit(drive, "coal", how);
  const error = await call.exception();
  console.log(`  ${error}`);
  return error instanceof BrokenExecutor;
}

const PARTS = { one, retries, start };
type Part = keyof typeof PARTS;
const NAMES = Object.keys(PARTS) as Part[];

async function main(): Promise<number> {
  const flags = readFlags({
    string: ["part", "how", "tries"],
    default: { part: "all", how: "kill", tries: "3" },
    bilingual: true,
  });
  if (flags.help) {
    console.log(TEXTS.usage);
    return 0;
  }
  const part = oneOf("part", flags.part, ["all", ...NAMES]);
  const how = oneOf("how", flags.how, HOWS);
  const tries = wholeNumber("tries", flags.tries, 1, 10);

  let isAsSaid = true;
  for (const name of part === "all" ? NAMES : [part]) {
    console.log(TEXTS.title(name));
    if (!await PARTS[name](how, tries)) isAsSaid = false;
  }
  console.log(isAsSaid ? TEXTS.right : TEXTS.wrong);
  return isAsSaid ? 0 : 1;
}

if (import.meta.main) await runScript("crash", main);
