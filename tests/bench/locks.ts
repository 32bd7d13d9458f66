/**
 * Locks against what they are made of, and against CPython's, in turns in the same minutes:
 *
 *     deno run -A tests/bench/locks.ts [ROUNDS]
 *
 * - uncontended: acquire and release, blocking and awaited, in ns, beside a compare-and-swap and an
 *   exchange on such memory;
 * - contended: four threads or processes count under one lock, in µs a section, beside
 *   CPython's threading and multiprocessing where python3 is there.
 *
 * The figures are medians; read the ratios, these machines are noisy.
 *
 * @module
 */
import * as multiprocessing from "../../lib/multiprocessing.ts";
import * as threading from "../../lib/threading.ts";
import { task } from "../../lib/task.ts";
import { theArena } from "../../lib/memory/arena.ts";
import { onHeap } from "../../lib/memory/placement.ts";
import { Figures, now, python } from "./_figures.ts";

const PAIRS = 2_000_000;
const PARTIES = 4;
/** Long enough that it does not matter that V8 has to compile first; CPython need not. */
const TIMES = 500_000;
const PYTHON_TIMES = 100_000;

const PYTHON = `
import sys, time, threading, multiprocessing as mp
class C: value = 0
def work(lock, c, n, gate):
    gate.wait()
    for _ in range(n):
        with lock: c.value += 1
if __name__ == "__main__":
    n = ${PYTHON_TIMES}
    if sys.argv[1] == "threads": c, lock, W, gate = C(), threading.Lock(), threading.Thread, threading.Barrier(${
  PARTIES + 1
})
    else: c, lock, W, gate = mp.RawValue("i"), mp.Lock(), mp.Process, mp.Barrier(${PARTIES + 1})
    ws = [W(target=work, args=(lock, c, n, gate)) for _ in range(${PARTIES})]
    [w.start() for w in ws]; gate.wait(); t = time.perf_counter(); [w.join() for w in ws]
    assert c.value == n * ${PARTIES}
    print((time.perf_counter() - t) / (n * ${PARTIES}) * 1e6)
`;

/**
 * What is counted: plain memory in threads, as CPython counts in an object, and a Value in
 * processes.
 */
type Counter = SharedArrayBuffer | threading.Value;

/** Counts under the lock once all are there; gives when it began and ended. */
export const count = task(
  import.meta,
  function count(lock: threading.Lock, counter: Counter, gate: threading.Barrier) {
    const words = counter instanceof SharedArrayBuffer ? new Int32Array(counter) : undefined;
    gate.waitSync();
    const began = now();
    for (let k = 0; k < TIMES; k++) {
      const guard = lock.acquireSync();
      if (words !== undefined) words[0]++;
      else (counter as threading.Value).value++;
      guard.release();
    }
    return [began, now()];
  },
);

function time(fn: () => void): number {
  const began = performance.now();
  fn();
  return (performance.now() - began) / PAIRS * 1e6;
}

// The least that a lock can be: 0 free, 1 held, 2 held and waited for.
function lockRaw(words: Int32Array<ArrayBufferLike>, index: number): void {
  if (Atomics.compareExchange(words, index, 0, 1) !== 0) throw new Error("not free");
}

function unlockRaw(words: Int32Array<ArrayBufferLike>, index: number): void {
  if (Atomics.exchange(words, index, 0) === 2) throw new Error("waited for");
}

function raw(words: Int32Array<ArrayBufferLike>, index: number): void {
  for (let k = 0; k < PAIRS; k++) {
    lockRaw(words, index);
    unlockRaw(words, index);
  }
}

// One function for each class: a call that meets several classes is slower in V8.
function guards(lock: threading.Lock): void {
  for (let k = 0; k < PAIRS; k++) lock.acquireSync().release();
}

function releases(lock: threading.Lock): void {
  for (let k = 0; k < PAIRS; k++) {
    lock.acquireSync();
    lock.release();
  }
}

function rguards(lock: threading.RLock): void {
  for (let k = 0; k < PAIRS; k++) lock.acquireSync().release();
}

/** Of these calls some are watched, in case that nobody awaits them: see `lib/sync/traps.ts`. */
async function awaited(lock: threading.Lock): Promise<number> {
  const pairs = PAIRS / 10;
  const began = performance.now();
  for (let k = 0; k < pairs; k++) {
    await lock.acquire();
    lock.release();
  }
  return (performance.now() - began) / pairs * 1e6;
}

async function contended(face: typeof threading | typeof multiprocessing): Promise<number> {
  const args: Parameters<typeof count> = [
    new face.Lock(),
    face === threading ? new SharedArrayBuffer(4) : new face.Value("i32"),
    new face.Barrier(PARTIES),
  ];
  const make = () =>
    "Thread" in face ? new face.Thread(count, { args }) : new face.Process(count, { args });
  const children = Array.from({ length: PARTIES }, () => make().start());
  const spans = await Promise.all(children.map((child) => child.result()));
  for (const child of children) await child.join();
  const total = args[1] instanceof SharedArrayBuffer ? new Int32Array(args[1])[0] : args[1].value;
  if (total !== PARTIES * TIMES) throw new Error(`not exact: ${total}`);
  const began = Math.min(...spans.map(([began]) => began));
  const ended = Math.max(...spans.map(([, ended]) => ended));
  return (ended - began) / (PARTIES * TIMES) * 1e3;
}

if (import.meta.main) {
  const rounds = Number(Deno.args[0] ?? 7);
  const figures = new Figures();
  const heap = onHeap(16);
  const mapped = theArena().allocate(16);
  for (let round = 0; round < rounds; round++) {
    for (
      const [world, face, at] of [
        ["threads", threading, heap],
        ["processes", multiprocessing, mapped],
      ] as const
    ) {
      const lock = new face.Lock();
      const rlock = new face.RLock();
      figures.note(`raw ${world}`, time(() => raw(at.region.words, at.base)));
      figures.note(`guard ${world}`, time(() => guards(lock)));
      figures.note(`release ${world}`, time(() => releases(lock)));
      figures.note(`rlock ${world}`, time(() => rguards(rlock)));
      figures.note(`awaited ${world}`, await awaited(lock));
      figures.note(`contended ${world}`, await contended(face));
      figures.note(`cpython ${world}`, python(PYTHON, world)[0]);
    }
  }
  const uncontended = { unit: "ns", digits: 1, width: 22 };
  for (const world of ["threads", "processes"]) {
    figures.show(`raw ${world}`, uncontended);
    for (const kind of ["guard", "release", "rlock", "awaited"]) {
      const beside = `raw ${world}`;
      figures.show(`${kind} ${world}`, { ...uncontended, beside, whose: "the raw pair" });
    }
    figures.show(`contended ${world}`, { digits: 3, width: 22, beside: `cpython ${world}` });
  }
}
