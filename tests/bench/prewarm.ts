/**
 * Starting a thread or process: cold, prewarmed, and CPython's, in turns in the same minutes:
 *
 *     deno run -A tests/bench/prewarm.ts [ROUNDS]
 *
 * - thread: started and joined, in ms; beside it a bare Worker until it is heard of;
 * - process: started and its result had, in ms; beside it a bare `deno run` of an empty script.
 *
 * Between two starts there is time for a new spare. CPython's are `threading.Thread` and
 * `multiprocessing.Process` (fork and spawn), where python3 is there. The figures are medians;
 * these machines are noisy.
 *
 * @module
 */
import { delay } from "@std/async";
import * as multiprocessing from "../../lib/multiprocessing.ts";
import * as threading from "../../lib/threading.ts";
import { Figures, python } from "./_figures.ts";
import { nothing } from "./_nothing.ts";

/** Starts in a round, of each kind. */
const STARTS = 8;
/** In which a new spare is made, in ms. */
const PAUSES = { thread: 200, process: 400 };
/** The most that a prewarmed start may take, in ms. */
const GOALS = { "thread, prewarmed": 1.5, "process, prewarmed": 4 };

const PYTHON = `
import sys, time, threading, multiprocessing as mp
def nothing(): pass
if __name__ == "__main__":
    make = threading.Thread if sys.argv[1] == "thread" else mp.get_context(sys.argv[1]).Process
    figures = []
    for _ in range(${STARTS}):
        t = time.perf_counter()
        w = make(target=nothing); w.start(); w.join()
        figures.append((time.perf_counter() - t) * 1e3)
    print(*figures)
`;

async function timed(run: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await run();
  return performance.now() - began;
}

function thread(): Promise<unknown> {
  return new threading.Thread(nothing).start().join();
}

const started = new Set<multiprocessing.Process>();

/** Its end is not waited for: the result is what one wants. */
function process(): Promise<unknown> {
  const child = new multiprocessing.Process(nothing).start();
  started.add(child as multiprocessing.Process);
  return child.result();
}

const HELLO = URL.createObjectURL(
  new Blob(["postMessage(0)"], { type: "application/javascript" }),
);

async function worker(): Promise<void> {
  const worker = new Worker(HELLO, { type: "module" });
  await new Promise((resolve) => worker.onmessage = resolve);
  worker.terminate();
}

async function deno(): Promise<void> {
  await new Deno.Command(Deno.execPath(), { args: ["eval", "--no-config", ""] }).output();
}

if (import.meta.main) {
  const rounds = Number(Deno.args[0] ?? 5);
  const figures = new Figures();
  const measure = async (name: string, pause: number, run: () => Promise<unknown>) => {
    for (let k = 0; k < STARTS; k++) {
      await delay(pause);
      figures.note(name, await timed(run));
    }
    for (const child of started) await child.join();
    started.clear();
  };
  for (let round = 0; round < rounds; round++) {
    await measure("thread, bare", 0, worker);
    await measure("thread, cold", 0, thread);
    {
      await using _ = await threading.prewarm();
      await measure("thread, prewarmed", PAUSES.thread, thread);
    }
    await measure("process, bare", 0, deno);
    await measure("process, cold", 0, process);
    {
      await using _ = await multiprocessing.prewarm();
      await measure("process, prewarmed", PAUSES.process, process);
    }
    for (const kind of ["thread", "fork", "spawn"]) {
      for (const figure of python(PYTHON, kind)) figures.note(`CPython, ${kind}`, figure);
    }
  }
  for (const kind of ["thread", "process"]) {
    for (const how of ["bare", "cold", "prewarmed"]) {
      figures.show(`${kind}, ${how}`, { unit: "ms" });
    }
  }
  for (const kind of ["thread", "fork", "spawn"]) figures.show(`CPython, ${kind}`, { unit: "ms" });
  for (const [name, most] of Object.entries(GOALS)) {
    const figure = figures.median(name)!;
    console.log(`  ${name}: at most ${most} ms: ${figure <= most ? "holds" : "MISSED"}`);
  }
}
