/**
 * What a trace costs: while it is off, beside another checkout of the library, and while it is on.
 *
 *     deno run -A tests/bench/traces.ts [OTHER_CHECKOUT] [ROUNDS]
 *
 * - lock: acquireSync() and release(), uncontended, of threading and of multiprocessing;
 * - queue: putSync() and getSync() in one thread, of queue and of multiprocessing.
 *
 * In ns of the processor's time a pair: others on the machine take part in nothing of that. Each
 * measurement has a process of its own, in turns; the figures are medians of the best.
 *
 * @module
 */
import process from "node:process";
import { pathToFileURL } from "node:url";
import { Figures, figuresOf } from "./_figures.ts";

const PAIRS = 500_000;
const ITEMS = 100_000;
const NAMES = ["lock", "shared lock", "queue", "shared queue"];

/** How often is measured in a process: the best counts. */
const TURNS = 8;

/** The processor's time for one call of `fn`, in ns, once it has been compiled. */
function time(count: number, fn: () => void): number {
  for (let k = 0; k < count / 10; k++) fn();
  let best = Infinity;
  for (let turn = 0; turn < TURNS; turn++) {
    const before = process.cpuUsage();
    for (let k = 0; k < count; k++) fn();
    const { user, system } = process.cpuUsage(before);
    best = Math.min(best, (user + system) / count * 1000);
  }
  return best;
}

/** Measures the library in a folder; prints the figures in the order of {@linkcode NAMES}. */
async function measure(library: string, isOn: boolean): Promise<void> {
  const { Lock } = await import(`${library}/threading.ts`);
  const { Lock: SharedLock, Queue: SharedQueue } = await import(`${library}/multiprocessing.ts`);
  const { Queue } = await import(`${library}/queue.ts`);
  const trace = isOn ? (await import(`${library}/trace.ts`)).start() : undefined;
  for (const lock of [new Lock(), new SharedLock()]) {
    console.log(time(PAIRS, () => lock.acquireSync().release()));
  }
  for (const queue of [new Queue(), new SharedQueue()]) {
    console.log(time(ITEMS, () => {
      queue.putSync(1);
      queue.getSync();
    }));
  }
  trace?.stop();
  Deno.exit();
}

const HERE = new URL("../../lib", import.meta.url).href;

if (Deno.args[0] === "--measure") {
  await measure(Deno.args[1]!, Deno.args[2] === "on");
} else {
  const [other, rounds = "7"] = Deno.args;
  const ways: [string, string, string][] = [["off", HERE, "off"], ["on", HERE, "on"]];
  if (other !== undefined) {
    ways.push(["other", pathToFileURL(await Deno.realPath(`${other}/lib`)).href, "off"]);
  }
  const figures = new Figures();
  for (let round = 0; round < Number(rounds); round++) {
    for (const [way, library, mode] of ways) {
      const args = ["run", "-A", "--no-check", import.meta.url, "--measure", library, mode];
      figuresOf(Deno.execPath(), args).forEach((figure, k) => {
        figures.note(`${NAMES[k]}, ${way}`, figure);
      });
    }
  }
  const show = { unit: "ns", digits: 1, width: 24 };
  for (const name of NAMES) {
    figures.show(`${name}, off`, { ...show, beside: `${name}, other`, whose: "the other" });
    figures.show(`${name}, on`, { ...show, beside: `${name}, off`, whose: "off" });
  }
}
