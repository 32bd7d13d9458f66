/**
 * What `starts.ts` compares with: workers and processes without the toolkit, CPython, npm's pools.
 *
 * @module
 */
import { join } from "node:path";
import { Worker as NodeWorker } from "node:worker_threads";
import { figuresOf, python } from "./_figures.ts";

const WEB = `onmessage = async ({ data: [module, name] }) => {
  const found = await import(module);
  if (name) await found[name]();
  postMessage(0);
};`;

const NODE = `import { parentPort } from "node:worker_threads";
parentPort.once("message", async ([module, name]) => {
  const found = await import(module);
  if (name) await found[name]();
  parentPort.postMessage(0);
});`;

const WAITING = `const now = () => performance.timeOrigin + performance.now();
onmessage = async ({ data: [module, due] }) => {
  await import(module);
  setTimeout(() => postMessage(now()), Math.max(0, due - now()));
};`;

function data(code: string): string {
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

/** The handle of something that was started: what ends it. */
export type End = () => Promise<unknown> | unknown;

/** A Web Worker that imports a module, and calls a function of it, if one is named. */
export async function webWorker(module: string, name?: string): Promise<End> {
  const worker = new Worker(data(WEB), { type: "module" });
  const heard = new Promise((resolve) => worker.onmessage = resolve);
  worker.postMessage([module, name]);
  await heard;
  return () => worker.terminate();
}

/** A Web Worker that imports a module, waits, and says when it went on. */
export async function waitingWorker(module: string, due: number): Promise<[number, End]> {
  const worker = new Worker(data(WAITING), { type: "module" });
  const heard = new Promise<number>((resolve) => worker.onmessage = (event) => resolve(event.data));
  worker.postMessage([module, due]);
  return [await heard, () => worker.terminate()];
}

/** As {@linkcode webWorker}, by `node:worker_threads`. */
export async function nodeWorker(module: string, name?: string): Promise<End> {
  const worker = new NodeWorker(new URL(data(NODE)));
  const heard = new Promise((resolve) => worker.once("message", resolve));
  worker.postMessage([module, name]);
  await heard;
  return () => worker.terminate();
}

/** A Deno that runs a script, from its start to its end. */
export async function deno(script: string, ...args: string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", ...args, script],
    stdin: "null",
  }).output();
  if (!success) throw new Error(`${script} failed: ${new TextDecoder().decode(stderr)}`);
}

const STARTS = `
import sys, time, threading, multiprocessing as mp
def nothing(): pass
if __name__ == "__main__":
    make = threading.Thread if sys.argv[1] == "thread" else mp.get_context(sys.argv[1]).Process
    figures = []
    for _ in range(int(sys.argv[2])):
        t = time.perf_counter()
        w = make(target=nothing); w.start(); w.join()
        figures.append((time.perf_counter() - t) * 1e3)
    print(*figures)
`;

/** What CPython's starts take, in ms; `kind` is thread, fork or spawn. */
export function pythonStarts(kind: "thread" | "fork" | "spawn", starts: number): number[] {
  // What is spawned imports the script: it has to be a file.
  const file = Deno.makeTempFileSync({ suffix: ".py" });
  try {
    Deno.writeTextFileSync(file, STARTS);
    return figuresOf("python3", [file, kind, String(starts)]);
  } finally {
    Deno.removeSync(file);
  }
}

const TIMERS = `
import sys, time, threading
count, ms = int(sys.argv[1]), int(sys.argv[2])
late = []
def stamp(due): late.append((time.perf_counter() - due) * 1e3)
timers = []
for _ in range(count):
    t = threading.Timer(ms / 1e3, stamp, [time.perf_counter() + ms / 1e3]); t.start(); timers.append(t)
for t in timers: t.join()
print(max(late))
`;

/** How late the last of CPython's timers fires, in ms. */
export function pythonTimers(count: number, ms: number): number | undefined {
  return python(TIMERS, count, ms)[0];
}

const NPM = `
const [name, starts] = process.argv.slice(2);
const filename = new URL("./nothing.mjs", import.meta.url);
const makers = {
  async piscina() {
    const { Piscina } = await import("piscina");
    return () => {
      const pool = new Piscina({ filename: filename.href, minThreads: 1, maxThreads: 1 });
      return { run: () => pool.run(), end: () => pool.destroy() };
    };
  },
  async tinypool() {
    const { Tinypool } = await import("tinypool");
    return () => {
      const pool = new Tinypool({ filename: filename.href, minThreads: 1, maxThreads: 1 });
      return { run: () => pool.run(), end: () => pool.destroy() };
    };
  },
  async workerpool() {
    const { default: workerpool } = await import("workerpool");
    return () => {
      const pool = workerpool.pool({ minWorkers: 1, maxWorkers: 1, workerType: "thread" });
      return { run: () => pool.exec(() => undefined, []), end: () => pool.terminate() };
    };
  },
};
const make = await makers[name]();
const figures = [];
for (let k = 0; k < Number(starts); k++) {
  const began = performance.now();
  const { run, end } = make();
  await run();
  figures.push(performance.now() - began);
  await end();
}
console.log(...figures);
process.exit(0);
`;

/** Npm's pools in a folder, each of one worker: how long one takes to its first result, in ms. */
export function npmStarts(peers: string | undefined, starts: number): Map<string, number[]> {
  const found = new Map<string, number[]>();
  if (peers === undefined) return found;
  const folder = Deno.makeTempDirSync({ dir: peers, prefix: "starts-" });
  try {
    Deno.writeTextFileSync(join(folder, "nothing.mjs"), "export default () => {};\n");
    Deno.writeTextFileSync(join(folder, "starts.mjs"), NPM);
    for (const name of ["piscina", "tinypool", "workerpool"]) {
      if (!isThere(join(peers, "node_modules", name))) continue;
      found.set(name, figuresOf("node", ["starts.mjs", name, String(starts)], folder));
    }
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
  return found;
}

function isThere(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}
