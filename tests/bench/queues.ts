/**
 * Queues between threads against CPython's, in turns in the same minutes:
 *
 *     deno run -A tests/bench/queues.ts [ROUNDS]
 *
 * Small objects, from one producer to one consumer, in µs an item: both in threads, one of them
 * main, with main blocked, with a bound of 100; four to four. The clock runs from the first put (all
 * threads are up) to the last get; of the first hundred thousand most goes by until the code of all
 * threads is warm. Beside them CPython's `queue.Queue` and `SimpleQueue` between
 * two threads, and `queue.Queue` of four to four. Then a pipe's round trip beside
 * `multiprocessing.Pipe` between two threads; items of 64 KiB beside `postMessage()` between Node's
 * threads; and a thread that takes 8 MB and returns it. The figures are medians; read the ratios,
 * these machines are noisy.
 *
 * @module
 */
import { Queue } from "../../lib/queue.ts";
import { task } from "../../lib/task.ts";
import { Barrier, type Connection, pipe, Thread } from "../../lib/threading.ts";
import { Figures, figuresOf, now, python } from "./_figures.ts";

const ITEMS = 1_000_000;
const TRIPS = 50_000;
/** Round trips before, until the code of both threads is warm. */
const WARM = 20_000;
const LARGE_ITEMS = 4_000;
const LARGE = 8 << 20;

const PYTHON = `
import queue, threading, time
from multiprocessing import Pipe
n = ${ITEMS}
def run(q, parties):
    gate = threading.Barrier(2 * parties + 1)
    def get():
        gate.wait()
        for _ in range(n // parties): q.get()
    def put():
        gate.wait()
        for k in range(n // parties): q.put({"id": k, "name": "item", "ok": True})
    ts = [threading.Thread(target=t) for t in (put, get) for _ in range(parties)]
    [t.start() for t in ts]
    gate.wait()
    s = time.perf_counter()
    [t.join() for t in ts]
    return (time.perf_counter() - s) / n * 1e6
a, b = Pipe()
def echo():
    for _ in range(${WARM + TRIPS}): b.send(b.recv())
t = threading.Thread(target=echo); t.start()
for k in range(${WARM}): a.send(k); a.recv()
s = time.perf_counter()
for k in range(${TRIPS}): a.send(k); a.recv()
pipe = (time.perf_counter() - s) / ${TRIPS} * 1e6
t.join()
print(run(queue.Queue(), 1), run(queue.SimpleQueue(), 1), run(queue.Queue(), 4), pipe)
`;

/** Node's threads: one posts 64 KiB, the other counts. MB/s. */
const NODE = `
import { Worker, isMainThread, parentPort, workerData } from "node:worker_threads";
const n = ${LARGE_ITEMS};
const worker = new Worker(\`
  import { parentPort } from "node:worker_threads";
  let count = 0;
  parentPort.on("message", () => { if (++count === ${LARGE_ITEMS}) parentPort.postMessage(0); });
  parentPort.postMessage(0);
\`, { eval: true });
const next = () => new Promise((resolve) => worker.once("message", resolve));
await next();
const bytes = new Uint8Array(65536), began = performance.now();
for (let k = 0; k < n; k++) worker.postMessage(bytes);
await next();
console.log(n * 65536 / 1e3 / (performance.now() - began));
await worker.terminate();
`;

interface Item {
  id: number;
  name: string;
  ok: boolean;
}

/** Puts; gives when it began. */
export const produce = task(
  import.meta,
  function produce(queue: Queue<Item>, count: number, gate?: Barrier) {
    gate?.waitSync();
    const began = now();
    for (let k = 0; k < count; k++) queue.putSync({ id: k, name: "item", ok: true });
    return began;
  },
);

/** Gets; gives when it ended. */
export const consume = task(
  import.meta,
  function consume(queue: Queue<Item>, count: number, gate?: Barrier) {
    gate?.waitSync();
    let sum = 0;
    for (let k = 0; k < count; k++) sum += queue.getSync().id;
    if (sum === 0) throw new Error("nothing came");
    return now();
  },
);

export const produceAsync = task(
  import.meta,
  async function produceAsync(queue: Queue<Item>, count: number, gate: Barrier) {
    await gate.wait();
    const began = now();
    for (let k = 0; k < count; k++) await queue.put({ id: k, name: "item", ok: true });
    return began;
  },
);

export const consumeAsync = task(
  import.meta,
  async function consumeAsync(queue: Queue<Item>, count: number, gate: Barrier) {
    await gate.wait();
    for (let k = 0; k < count; k++) await queue.get();
    return now();
  },
);

export const echo = task(import.meta, function echo(end: Connection<number>) {
  for (let k = 0; k < WARM + TRIPS; k++) end.sendSync(end.recvSync());
});

async function between(
  put: typeof produce,
  get: typeof consume,
  { parties = 1, most = 0, blocked = false } = {},
): Promise<number> {
  const queue = new Queue<Item>(most);
  const gate = new Barrier(2 * parties);
  const args: [Queue<Item>, number, Barrier] = [queue, ITEMS / parties, gate];
  const start = (target: typeof produce) =>
    Array.from({ length: parties }, () => new Thread(target, { args }).start());
  const [putters, getters] = [start(put), start(get)];
  if (blocked) { for (const thread of [...putters, ...getters]) thread.joinSync(); }
  const began = Math.min(...await Promise.all(putters.map((thread) => thread.result())));
  const ended = Math.max(...await Promise.all(getters.map((thread) => thread.result())));
  return (ended - began) / ITEMS * 1e3;
}

async function fromMain(): Promise<number> {
  const queue = new Queue<Item>();
  const gate = new Barrier(2);
  const thread = new Thread(consume, { args: [queue, ITEMS, gate] }).start();
  await gate.wait();
  const began = produce(queue, ITEMS);
  return (await thread.result() - began) / ITEMS * 1e3;
}

async function toMain(): Promise<number> {
  const queue = new Queue<Item>();
  const gate = new Barrier(2);
  const thread = new Thread(produce, { args: [queue, ITEMS, gate] }).start();
  await gate.wait();
  const ended = consume(queue, ITEMS);
  return (ended - await thread.result()) / ITEMS * 1e3;
}

async function roundTrip(): Promise<number> {
  const [here, there] = pipe<number>();
  const thread = new Thread(echo, { args: [there] }).start();
  const trip = (k: number) => {
    here.sendSync(k);
    here.recvSync();
  };
  for (let k = 0; k < WARM; k++) trip(k);
  const began = performance.now();
  for (let k = 0; k < TRIPS; k++) trip(k);
  const took = (performance.now() - began) / TRIPS * 1e3;
  await thread.join();
  here.close();
  return took;
}

export const produceLarge = task(
  import.meta,
  function produceLarge(queue: Queue<Uint8Array>, gate: Barrier) {
    const bytes = new Uint8Array(65_536);
    gate.waitSync();
    const began = now();
    for (let k = 0; k < LARGE_ITEMS; k++) queue.putSync(bytes);
    return began;
  },
);

export const consumeLarge = task(
  import.meta,
  function consumeLarge(queue: Queue<Uint8Array>, gate: Barrier) {
    gate.waitSync();
    for (let k = 0; k < LARGE_ITEMS; k++) queue.getSync();
    return now();
  },
);

/** 64 KiB from thread to thread, with at most 64 on their way; MB/s. */
async function large(): Promise<number> {
  const queue = new Queue<Uint8Array>(64);
  const args: [Queue<Uint8Array>, Barrier] = [queue, new Barrier(2)];
  const putter = new Thread(produceLarge, { args }).start();
  const getter = new Thread(consumeLarge, { args }).start();
  const took = await getter.result() - await putter.result();
  return LARGE_ITEMS * 65.536 / took;
}

export const giveBack = task(import.meta, (bytes: Uint8Array) => bytes);

/** A thread that takes 8 MB and returns it, from start to result; ms. */
async function thereAndBack(): Promise<number> {
  const bytes = new Uint8Array(LARGE).fill(7);
  const began = performance.now();
  await new Thread(giveBack, { args: [bytes] }).start().result();
  return performance.now() - began;
}

export const nothing = task(import.meta, () => {});

async function startAlone(): Promise<number> {
  const began = performance.now();
  await new Thread(nothing, { args: [] }).start().result();
  return performance.now() - began;
}

if (import.meta.main) {
  const rounds = Number(Deno.args[0] ?? 5);
  const cases: Record<string, () => number | Promise<number>> = {
    "thread to thread": () => between(produce, consume),
    "the same, async": () =>
      between(produceAsync as unknown as typeof produce, consumeAsync as unknown as typeof consume),
    "main to thread": fromMain,
    "thread to main": toMain,
    "main is blocked": () => between(produce, consume, { blocked: true }),
    "100 at most": () => between(produce, consume, { most: 100 }),
    "four to four": () => between(produce, consume, { parties: 4 }),
    "pipe, round trip": roundTrip,
    "64 KiB": large,
    "8 MB there and back": thereAndBack,
    "of it the start": startAlone,
  };
  const figures = new Figures();
  for (let round = 0; round < rounds; round++) {
    const [queue, simple, four, pipe] = python(PYTHON);
    figures.note("Queue", queue);
    figures.note("SimpleQueue", simple);
    figures.note("Queue, four to four", four);
    figures.note("Pipe", pipe);
    figures.note("Node", figuresOf("node", ["--input-type=module", "-e", NODE])[0]);
    for (const [name, run] of Object.entries(cases)) figures.note(name, await run());
  }
  const beside: Record<string, string> = {
    "four to four": "Queue, four to four",
    "pipe, round trip": "Pipe",
    "64 KiB": "Node",
  };
  const units: Record<string, string> = {
    "64 KiB": "MB/s",
    "Node": "MB/s",
    "8 MB there and back": "ms",
    "of it the start": "ms",
  };
  for (const name of ["Queue", "SimpleQueue", "Queue, four to four", "Pipe", "Node"]) {
    figures.show(name, { digits: 3, unit: units[name] ?? "µs" });
  }
  for (const name of Object.keys(cases)) {
    const unit = units[name] ?? "µs";
    if (unit === "ms") figures.show(name, { unit });
    else {
      const other = beside[name] ?? "Queue";
      const whose = other === "Node" ? "Node" : `CPython's ${other}`;
      figures.show(name, { digits: 3, unit, beside: other, whose });
    }
  }
  const simple = figures.ratio("thread to thread", "SimpleQueue");
  if (simple !== undefined) console.log(`thread to thread: ${simple.toFixed(2)} x SimpleQueue`);
}
