/**
 * A program that tells what arguments its children see: `_arguments.ts ARGUMENT …`.
 *
 * @module
 */
import { ProcessPoolExecutor, ThreadPoolExecutor } from "../../lib/futures.ts";
import { prewarm, Process } from "../../lib/multiprocessing.ts";
import { Thread } from "../../lib/threading.ts";

// As a script would take them: at its top level.
const [FIRST] = Deno.args;

export async function seen(): Promise<string> {
  const { default: process } = await import("node:process");
  return JSON.stringify([FIRST, Deno.args, process.argv.slice(2)]);
}

export async function below(): Promise<string[]> {
  return [
    await new Process(seen).start().result(),
    await new Thread(seen).start().result(),
    await new Thread(seen, { killable: true }).start().result(),
  ];
}

if (import.meta.main) {
  const told: Record<string, string | string[]> = {
    "the program": await seen(),
    "a process": await new Process(seen).start().result(),
    "a thread": await new Thread(seen).start().result(),
    "a killable thread": await new Thread(seen, { killable: true }).start().result(),
    "children of a process": await new Process(below).start().result(),
    "children of a thread": await new Thread(below).start().result(),
  };
  {
    await using processes = new ProcessPoolExecutor(1);
    await using threads = new ThreadPoolExecutor(1);
    told["a worker process"] = await processes.submit(seen).result();
    told["a worker thread"] = await threads.submit(seen).result();
  }
  await using _spares = await prewarm(1);
  told["a process from a spare"] = await new Process(seen).start().result();
  for (const [who, what] of Object.entries(told)) {
    console.log(`${who}: ${[...new Set([what].flat())]}`);
  }
}
