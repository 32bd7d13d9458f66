/**
 * What it costs to begin: imports, first starts, spares, timers, memory; beside a bare Deno, CPython
 * and npm, in turns in the same minutes:
 *
 *     deno task bench:start [ROUNDS] [--peers FOLDER] [--only ROW,ROW]
 *
 * - import: a script that imports a face, over an empty one; "hollow" is one of as many modules,
 *   which import each other in the same way, with nothing in them;
 * - thread, process: from the start to the result; "light" is a target whose module imports
 *   `task.ts` alone, "script" one that imports `threading.ts`;
 * - hundred: a hundred threads that are started, take a lock and are joined;
 * - spares: ten starts in a row, of 16 spares; prewarmed: one start, of one spare;
 * - timers: fifty of 500 ms, how late the last fires; beside bare workers that wait as long;
 * - memory: an idle child, in MB;
 * - url: the first import by http with an empty cache, where each answer takes 50 ms.
 *
 * FOLDER is where `npm install piscina@5.3.2 tinypool@2.2.0 workerpool@10.0.3` was run; without it
 * npm's are left out, and without python3 CPython's. Times are medians of all rounds. CPU is that of
 * all threads and children, per start, of the means of the rounds the median (Linux): on a busy
 * machine read that, and the ratios.
 *
 * @module
 */
import { delay } from "@std/async";
import { parseArgs } from "@std/cli";
import { fileURLToPath } from "node:url";
import * as multiprocessing from "../../lib/multiprocessing.ts";
import * as threading from "../../lib/threading.ts";
import { Figures, figuresOf, now } from "./_figures.ts";
import { nothing } from "./_nothing.ts";
import { hollow } from "./_starts_hollow.ts";
import { firstImport } from "./_starts_url.ts";
import {
  deno,
  type End,
  nodeWorker,
  npmStarts,
  pythonStarts,
  pythonTimers,
  waitingWorker,
  webWorker,
} from "./_starts_rivals.ts";
import { stamp, takeOne } from "./_starts_script.ts";

/** Starts in a round, of each kind. */
const STARTS = 5;
const HUNDRED = 100;
const SPARES = 16;
const IN_A_ROW = 10;
const TIMERS = 50;
const TIMERS_MS = 500;
/** In which a spare is made anew, in ms. */
const PAUSE = 600;
/** The interval at which it is looked whether all is quiet, in ms, and how often at most. */
const LOOK = 200;
const MOST_LOOKS = 50;

const here = (path: string) => new URL(path, import.meta.url).href;
const LIGHT = here("./_nothing.ts");
const SCRIPT = here("./_starts_script.ts");
const SCRIPTS = Deno.makeTempDirSync();

const flags = parseArgs(Deno.args, { string: ["peers", "only"] });
const figures = new Figures();

/** The CPU time of this process and of the children that have ended, in ms. */
function cpu(): number | undefined {
  if (Deno.build.os !== "linux") return undefined;
  const [, fields] = Deno.readTextFileSync("/proc/self/stat").split(/\) /);
  // utime, stime, cutime and cstime, in hundredths of a second.
  return fields!.split(" ").slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) * 10;
}

/** Waits until what has ended has left no work behind, which would count for the next. */
async function settle(): Promise<void> {
  for (let k = 0; k < MOST_LOOKS; k++) {
    const before = cpu() ?? 0;
    await delay(LOOK);
    if ((cpu() ?? 0) - before <= LOOK / 10) return;
  }
}

/** Something that is started: its time ends when it settles; what it gives is run after that. */
type Run = () => Promise<End | void>;

async function measure(name: string, run: Run, { starts = STARTS, pause = 0 } = {}) {
  const ends: End[] = [];
  await settle();
  const before = cpu();
  for (let k = 0; k < starts; k++) {
    await delay(pause);
    const began = performance.now();
    const end = await run();
    figures.note(name, performance.now() - began);
    if (end) ends.push(end);
  }
  for (const end of ends) await end();
  if (before !== undefined) figures.note(`${name}, CPU`, (cpu()! - before) / starts);
}

const thread: Run = async () => void await new threading.Thread(nothing).start().result();
const process: Run = async () => {
  const process = new multiprocessing.Process(nothing).start();
  await process.result();
  return () => process.join();
};

async function hundredThreads(): Promise<void> {
  const [lock, left] = [new threading.Lock(), new threading.Value("i32", HUNDRED)];
  const threads = Array.from(
    { length: HUNDRED },
    () => new threading.Thread(takeOne, { args: [lock, left] }).start(),
  );
  for (const thread of threads) await thread.join();
  if (left.value !== 0) throw new Error(`${left.value} are left`);
}

async function hundredWorkers(): Promise<End> {
  const workers = await Promise.all(Array.from({ length: HUNDRED }, () => webWorker(SCRIPT)));
  return () => workers.forEach((end) => end());
}

/** How late the last of fifty timers fires, in ms. */
async function latest(start: (due: number) => Promise<number>): Promise<number> {
  const late = Array.from({ length: TIMERS }, async () => {
    const due = now() + TIMERS_MS;
    return await start(due) - due;
  });
  return Math.max(...await Promise.all(late));
}

async function timers(): Promise<void> {
  const ours = await latest(() => new threading.Timer(TIMERS_MS, stamp).start().result() as never);
  figures.note("timers", ours);
  figures.note(
    "timers, setTimeout",
    await latest(() => delay(TIMERS_MS).then(now)),
  );
  const workers: End[] = [];
  const late = await latest(async (due) => {
    const [at, end] = await waitingWorker(SCRIPT, due);
    workers.push(end);
    return at;
  });
  figures.note("timers, Web Workers", late);
  for (const end of workers) await end();
  figures.note("timers, CPython", pythonTimers(TIMERS, TIMERS_MS));
}

const ROWS: Record<string, () => Promise<void>> = {
  async import() {
    const script = `${SCRIPTS}/import.ts`;
    for (const face of ["empty", "lib/threading.ts", "lib/multiprocessing.ts", "mod.ts"]) {
      const code = face === "empty" ? "" : `import ${JSON.stringify(here(`../../${face}`))};`;
      Deno.writeTextFileSync(script, code);
      await deno(script); // Deno has not seen it before.
      await measure(`import, ${face}`, () => deno(script));
      if (face === "empty") continue;
      const shell = hollow(new URL(here(`../../${face}`)), Deno.makeTempDirSync({ dir: SCRIPTS }));
      shapes.set(`import, ${face}, hollow`, `${shell.count} modules`);
      await deno(shell.script);
      await measure(`import, ${face}, hollow`, () => deno(shell.script));
    }
  },
  async thread() {
    await measure("thread, light", thread);
    await measure("thread, light, Web Worker", () => webWorker(LIGHT, "nothing"));
    await measure("thread, light, node worker", () => nodeWorker(LIGHT, "nothing"));
    const script: Run = async () => void await new threading.Thread(stamp).start().result();
    await measure("thread, script", script);
    await measure("thread, script, Web Worker", () => webWorker(SCRIPT, "stamp"));
    for (const [name, all] of npmStarts(flags.peers, STARTS)) {
      for (const one of all) figures.note(`thread, light, ${name}`, one);
    }
  },
  async process() {
    await measure("process, light", process);
    await measure("process, light, Deno", () => deno(LIGHT));
    for (const one of pythonStarts("spawn", STARTS)) figures.note("process, light, CPython", one);
  },
  async spares() {
    {
      await using _ = await threading.prewarm(SPARES);
      await delay(PAUSE);
      await measure("spares, threads", thread, { starts: IN_A_ROW });
    }
    await using _ = await multiprocessing.prewarm(SPARES);
    await delay(PAUSE);
    await measure("spares, processes", process, { starts: IN_A_ROW });
  },
  async prewarmed() {
    {
      await using _ = await threading.prewarm(1);
      await measure("prewarmed, thread", thread, { pause: PAUSE });
    }
    await measure("prewarmed, Web Worker", () => webWorker(LIGHT, "nothing"));
    {
      await using _ = await multiprocessing.prewarm(1);
      await measure("prewarmed, process", process, { pause: PAUSE });
    }
    await measure("prewarmed, Deno", () => deno(LIGHT));
  },
  timers,
  memory() {
    const program = fileURLToPath(here("./_starts_idle.ts"));
    for (const kind of ["web worker", "node worker", "thread", "deno", "process", "pool"]) {
      const args = ["run", "-A", "--no-check", program, kind];
      figures.note(`memory, ${kind}`, figuresOf(Deno.execPath(), args)[0]);
    }
    return Promise.resolve();
  },
  async url() {
    for (const face of ["lib/threading.ts", "lib/multiprocessing.ts", "mod.ts"]) {
      const { modules, levels, ms } = await firstImport(face);
      figures.note(`url, ${face}`, ms);
      shapes.set(`url, ${face}`, `${modules} modules, ${levels} levels deep`);
    }
  },
  async hundred() {
    await measure("hundred", hundredThreads, { starts: 1 });
    await measure("hundred, Web Workers", hundredWorkers, { starts: 1 });
  },
};
const shapes = new Map<string, string>();

/** A line of the table: whose figure, beside whose, and the goal that the issue sets. */
type Line = [ours: string, theirs: string, goal: string];
const LINES: Line[] = [
  ["import, lib/threading.ts", "import, empty", "<= +12 ms"],
  ["import, lib/multiprocessing.ts", "import, empty", "<= +20 ms"],
  ["import, mod.ts", "import, empty", "<= +32 ms"],
  ...["lib/threading.ts", "lib/multiprocessing.ts", "mod.ts"].map(
    (face): Line => [`import, ${face}, hollow`, "import, empty", ""],
  ),
  ["process, light", "process, light, CPython", "<= 0.35"],
  ["process, light", "process, light, Deno", ""],
  ["thread, light", "thread, light, Web Worker", "<= 1.1"],
  ["thread, light", "thread, light, node worker", "<= 1"],
  ["thread, light", "thread, light, piscina", "<= 1"],
  ["thread, light", "thread, light, tinypool", "<= 1"],
  ["thread, light", "thread, light, workerpool", "<= 1"],
  ["thread, script", "thread, script, Web Worker", "<= 1.1"],
  ["hundred", "hundred, Web Workers", "<= 1500 ms"],
  ["spares, threads", "", "<= 3 ms"],
  ["spares, processes", "", "<= 3 ms"],
  ["prewarmed, thread", "prewarmed, Web Worker", "<= 0.25"],
  ["prewarmed, process", "prewarmed, Deno", "<= 0.4"],
  ["timers", "timers, setTimeout", "<= 20 ms"],
  ["timers", "timers, Web Workers", ""],
  ["timers", "timers, CPython", ""],
  ["memory, thread", "memory, web worker", "<= 1.3"],
  ["memory, process", "memory, deno", "<= 1.3"],
  ["memory, pool", "memory, deno", "<= 2.6: it is two"],
  ["url, lib/threading.ts", "", ""],
  ["url, lib/multiprocessing.ts", "", ""],
  ["url, mod.ts", "", ""],
];

function show([ours, theirs, goal]: Line): void {
  const figure = figures.median(ours);
  if (figure === undefined) return;
  const other = figures.median(theirs);
  const pair = (a: number | undefined, b: number | undefined) =>
    a === undefined ? "" : [
      a.toFixed(1).padStart(8),
      b === undefined ? "".padStart(8) : b.toFixed(1).padStart(8),
      b === undefined ? "".padStart(6) : (a / b).toFixed(2).padStart(6),
    ].join("");
  const beside = shapes.get(ours) ?? theirs.replace(/^\w+, (light, )?/, "");
  const [mine, others] = [ours, theirs].map((name) => figures.median(`${name}, CPU`));
  console.log(
    `${ours.padEnd(31)}${pair(figure, other)}  ${pair(mine, others).padEnd(22)}  ` +
      `${(other === undefined && theirs !== "" ? "not there" : beside).padEnd(14)} ${goal}`,
  );
}

if (import.meta.main) {
  const rounds = Number(flags._[0] ?? 5);
  const only = flags.only?.split(",") ?? Object.keys(ROWS);
  try {
    for (let round = 0; round < rounds; round++) for (const row of only) await ROWS[row]!();
  } finally {
    Deno.removeSync(SCRIPTS, { recursive: true });
  }
  console.log(`${" ".repeat(35)}ours   other ratio   CPU: ours   other ratio  beside         goal`);
  for (const line of LINES) show(line);
  Deno.exit(0);
}
