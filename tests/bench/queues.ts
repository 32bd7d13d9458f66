/**
 * Queues between threads against CPython's, in turns in the same minutes:
 *
 *     deno run -A tests/bench/queues.ts [ROUNDS]
 *
 * Small objects, from one producer to one consumer, in µs an item: both in threads, one of them
 * home, with home blocked, with a bound of 100; four to four; and a pipe's round trip. The clock
 * runs from the first put (all threads are up) to the last get. CPython's is `queue.Queue` between
 * two threads, where python3 is there. The figures are medians; read the ratios, these machines are
 * noisy.
 *
 * @module
 */
import { Queue } from "../../lib/queue.ts";
import { task } from "../../lib/task.ts";
import { Barrier, type Connection, pipe, Thread } from "../../lib/threading.ts";
import { Figures, now, python } from "./_figures.ts";

const ITEMS = 200_000;
const TRIPS = 20_000;

const PYTHON = `
import queue, threading, time
n, q = ${ITEMS}, queue.Queue()
def get():
    for _ in range(n): q.get()
def put():
    for k in range(n): q.put({"id": k, "name": "item", "ok": True})
ts = [threading.Thread(target=t) for t in (put, get)]
s = time.perf_counter()
[t.start() for t in ts]; [t.join() for t in ts]
print((time.perf_counter() - s) / n * 1e6)
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
  for (let k = 0; k < TRIPS; k++) end.sendSync(end.recvSync());
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

async function fromHome(): Promise<number> {
  const queue = new Queue<Item>();
  const gate = new Barrier(2);
  const thread = new Thread(consume, { args: [queue, ITEMS, gate] }).start();
  await gate.wait();
  const began = produce(queue, ITEMS);
  return (await thread.result() - began) / ITEMS * 1e3;
}

async function toHome(): Promise<number> {
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
  trip(0);
  const began = performance.now();
  for (let k = 1; k < TRIPS; k++) trip(k);
  const took = (performance.now() - began) / TRIPS * 1e3;
  await thread.join();
  here.close();
  return took;
}

if (import.meta.main) {
  const rounds = Number(Deno.args[0] ?? 5);
  const cases: Record<string, () => number | undefined | Promise<number | undefined>> = {
    "cpython": () => python(PYTHON)[0],
    "thread to thread": () => between(produce, consume),
    "the same, async": () =>
      between(produceAsync as unknown as typeof produce, consumeAsync as unknown as typeof consume),
    "home to thread": fromHome,
    "thread to home": toHome,
    "home is blocked": () => between(produce, consume, { blocked: true }),
    "100 at most": () => between(produce, consume, { most: 100 }),
    "four to four": () => between(produce, consume, { parties: 4 }),
    "pipe, round trip": roundTrip,
  };
  const figures = new Figures();
  for (let round = 0; round < rounds; round++) {
    for (const [name, run] of Object.entries(cases)) figures.note(name, await run());
  }
  for (const name of Object.keys(cases)) figures.show(name, { digits: 3, beside: "cpython" });
}
