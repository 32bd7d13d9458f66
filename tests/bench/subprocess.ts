/**
 * Programs beside CPython's subprocess, and beside npm packages where they are, in turns in the
 * same minutes:
 *
 *     deno run -A tests/bench/subprocess.ts [ROUNDS] [FOLDER]
 *
 * - `/bin/true` 200 times: one by one, 16 at a time, blocking, and as Popen, in ms each;
 * - 64 MiB through `cat`, in MB/s.
 *
 * FOLDER holds a `node_modules` with execa and dax: they then run in Node as rivals. Deno.Command
 * with nothing around it is measured too: it is the limit. The figures are medians; read the
 * ratios.
 *
 * @module
 */
import { PIPE, Popen, run, runSync } from "../../lib/subprocess.ts";

const TIMES = 200;
const SIZE = 64 << 20;
const TRUE = ["/bin/true"];
const big = new Uint8Array(SIZE);

const PYTHON = `
import sys, time, subprocess
from concurrent.futures import ThreadPoolExecutor
run = lambda _: subprocess.run(["/bin/true"])
n = ${TIMES}
if sys.argv[1] == "cat":
    b = bytes(${SIZE}); t = time.perf_counter()
    assert len(subprocess.run(["cat"], input=b, capture_output=True).stdout) == len(b)
    print(${SIZE} / (time.perf_counter() - t) / 1e6)
else:
    run(0); t = time.perf_counter()
    if sys.argv[1] == "x16":
        with ThreadPoolExecutor(16) as pool: list(pool.map(run, range(n)))
    else:
        for k in range(n): run(k)
    print((time.perf_counter() - t) / n * 1e3)
`;

const NPM = `
const [what, name] = process.argv.slice(-2), n = ${TIMES}, now = () => performance.now();
const { execa } = name === "execa" ? await import("execa") : {};
const $ = name === "dax" ? (await import("dax")).default : undefined;
if (what === "cat") {
  const b = new Uint8Array(${SIZE}), t = now();
  const out = execa
    ? (await execa("cat", { input: b, encoding: "buffer", maxBuffer: 1 << 28 })).stdout
    : await $\`cat\`.stdin(b).bytes();
  if (out.length !== b.length) throw new Error("lost bytes");
  console.log(${SIZE} / (now() - t) / 1e3);
} else {
  const run = () => execa ? execa("/bin/true") : $\`/bin/true\`;
  for (let k = 0; k < 5; k++) await run();
  const t = now();
  let left = n;
  const lane = async () => { while (left-- > 0) await run(); };
  await Promise.all(Array.from({ length: what === "x16" ? 16 : 1 }, lane));
  console.log((now() - t) / n);
}
`;

async function each(step: () => unknown, lanes = 1): Promise<number> {
  await step();
  const began = performance.now();
  let left = TIMES;
  await Promise.all(Array.from({ length: lanes }, async () => {
    while (left-- > 0) await step();
  }));
  return (performance.now() - began) / TIMES;
}

async function throughput(step: () => Promise<Uint8Array>): Promise<number> {
  const began = performance.now();
  const { length } = await step();
  if (length !== SIZE) throw new Error(`lost bytes: ${length}`);
  return SIZE / (performance.now() - began) / 1e3;
}

const bare = () => new Deno.Command(TRUE[0]!, { stdin: "inherit" }).spawn().status;

async function bareCat(): Promise<Uint8Array> {
  const child = new Deno.Command("cat", { stdin: "piped", stdout: "piped" }).spawn();
  const writer = child.stdin.getWriter();
  const [{ stdout }] = await Promise.all([
    child.output(),
    writer.write(big).then(() => writer.close()),
  ]);
  return stdout;
}

async function talk(): Promise<Uint8Array> {
  const child = new Popen(["cat"], { stdin: PIPE, stdout: PIPE });
  return (await child.communicate(big))[0];
}

// deno-lint-ignore require-await -- measured beside those that wait
async function talkSync(): Promise<Uint8Array> {
  return runSync(["cat"], { input: big, captureOutput: true }).stdout;
}

/** What another runtime prints. */
async function other(command: string[], cwd?: string): Promise<number | undefined> {
  try {
    const ended = await run(command, { captureOutput: true, text: true, ...(cwd ? { cwd } : {}) });
    if (ended.returncode !== 0) throw new Error(ended.stderr.trim().split("\n")[0]);
    return Number(ended.stdout);
  } catch (error) {
    console.error(`${command[0]} is left out: ${(error as Error).message}`);
    return undefined;
  }
}

const WORKLOADS: Record<string, Record<string, () => Promise<number>>> = {
  "one by one": {
    "run": () => each(() => run(TRUE)),
    "runSync": () => each(() => runSync(TRUE)),
    "Popen, wait": () => each(() => new Popen(TRUE).wait()),
    "run, captured": () => each(() => run(TRUE, { captureOutput: true })),
    "bare Deno.Command": () => each(bare),
  },
  "x16": {
    "run": () => each(() => run(TRUE), 16),
    "Popen, wait": () => each(() => new Popen(TRUE).wait(), 16),
    "bare Deno.Command": () => each(bare, 16),
  },
  "cat": {
    "run": () =>
      throughput(async () => (await run(["cat"], { input: big, captureOutput: true })).stdout),
    "run, timeout": () =>
      throughput(async () =>
        (await run(["cat"], { input: big, captureOutput: true, timeout: 60_000 })).stdout
      ),
    "runSync": () => throughput(talkSync),
    "Popen.communicate": () => throughput(talk),
    "bare Deno.Command": () => throughput(bareCat),
  },
};

function median(figures: number[]): number {
  return figures.toSorted((a, b) => a - b)[figures.length >> 1]!;
}

async function measure(rounds: number, folder: string | undefined): Promise<void> {
  for (const [what, ways] of Object.entries(WORKLOADS)) {
    const rivals: Record<string, () => Promise<number | undefined>> = {
      CPython: () => other(["python3", "-c", PYTHON, what]),
    };
    for (const name of folder === undefined ? [] : ["execa", "dax"]) {
      const command = ["node", "--input-type=module", "-e", NPM, "--", what, name];
      rivals[name] = () => other(command, folder);
    }
    const seen = new Map<string, number[]>();
    for (let round = 0; round < rounds; round++) {
      const all = Object.entries({ ...ways, ...rivals });
      // Whoever comes after another process finds the machine cold: the order changes.
      for (const [name, way] of round % 2 === 0 ? all : all.toReversed()) {
        const figure = await way();
        if (figure !== undefined) seen.set(name, [...seen.get(name) ?? [], figure]);
      }
    }
    report(what, seen, Object.keys(rivals));
  }
}

function report(what: string, seen: Map<string, number[]>, rivals: string[]): void {
  const unit = what === "cat" ? "MB/s" : "ms";
  console.log(`\n${what === "cat" ? "64 MiB through cat" : `${TIMES} x /bin/true, ${what}`}`);
  for (const [name, figures] of seen) {
    const figure = median(figures);
    const ratios = rivals.filter((rival) => seen.has(rival) && rival !== name)
      .map((rival) => `${(figure / median(seen.get(rival)!)).toFixed(2)} x ${rival}`);
    const isRival = rivals.includes(name);
    const number = figure.toFixed(unit === "ms" ? 3 : 0).padStart(7);
    console.log(`  ${name.padEnd(18)} ${number} ${unit}  ${isRival ? "" : ratios.join("  ")}`);
  }
}

if (import.meta.main) await measure(Number(Deno.args[0] ?? 7), Deno.args[1]);
