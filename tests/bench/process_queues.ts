/**
 * Queues between processes, beside CPython's in the same minutes:
 *
 *     deno run -A tests/bench/process_queues.ts [ROUNDS]
 *
 * One producer and one consumer, and four of each; small objects, in µs an item; and 64 KiB of
 * bytes, in MB/s. The figures are medians; read the ratios, these machines are noisy.
 *
 * @module
 */
import { Barrier, Process, Queue } from "../../lib/multiprocessing.ts";
import { Thread } from "../../lib/threading.ts";
import { task } from "../../lib/task.ts";
import { Figures, now, python } from "./_figures.ts";

const ITEMS = 500_000;
const CHUNKS = 10_000;
const CHUNK = 65_536;

const PYTHON = `
import sys, time, multiprocessing as mp
def produce(q, gate, n, item):
    gate.wait()
    for i in range(n): q.put(item)
def consume(q, gate, n):
    gate.wait()
    for i in range(n): q.get()
if __name__ == "__main__":
    kind, parties, n = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    item = bytes(${CHUNK}) if sys.argv[4] == "bytes" else {"id": 1, "s": "hello"}
    q = mp.Queue() if kind == "Queue" else mp.SimpleQueue()
    gate = mp.Barrier(2 * parties + 1)
    ps = [mp.Process(target=f, args=a) for _ in range(parties)
          for f, a in ((produce, (q, gate, n // parties, item)), (consume, (q, gate, n // parties)))]
    [p.start() for p in ps]; gate.wait(); t = time.perf_counter(); [p.join() for p in ps]
    print((time.perf_counter() - t) / n * 1e6)
`;

/** Puts items once all are there; gives when it began. */
export const produce = task(
  import.meta,
  function produce(queue: Queue, gate: Barrier, count: number, bytes: boolean) {
    const chunk = new Uint8Array(CHUNK);
    gate.waitSync();
    const began = now();
    for (let k = 0; k < count; k++) queue.putSync(bytes ? chunk : { id: k, s: "hello" });
    return began;
  },
);

/** Gets items; gives when it ended. */
export const consume = task(
  import.meta,
  function consume(queue: Queue, gate: Barrier, count: number) {
    gate.waitSync();
    for (let k = 0; k < count; k++) queue.getSync();
    return now();
  },
);

async function ours(
  make: typeof Thread | typeof Process,
  parties: number,
  count: number,
  bytes: boolean,
): Promise<number> {
  const queue = new Queue(bytes ? 16 : 0);
  const gate = new Barrier(2 * parties);
  const share = count / parties;
  const start = (target: unknown, args: unknown[]) =>
    new (make as typeof Process)(target as never, { args } as never).start() as Process<number>;
  const all = Array.from({ length: parties }, () => [
    start(produce, [queue, gate, share, bytes]),
    start(consume, [queue, gate, share]),
  ]);
  const began = Math.min(...await Promise.all(all.map(([producer]) => producer!.result())));
  const ended = Math.max(...await Promise.all(all.map(([, consumer]) => consumer!.result())));
  for (const child of all.flat()) await child.join();
  return (ended - began) / count * 1e3;
}

if (import.meta.main) {
  const rounds = Number(Deno.args[0] ?? 5);
  const figures = new Figures();
  for (let round = 0; round < rounds; round++) {
    for (const parties of [1, 4]) {
      figures.note(`small ${parties} threads`, await ours(Thread, parties, ITEMS, false));
      figures.note(`small ${parties} processes`, await ours(Process, parties, ITEMS, false));
      figures.note(
        `small ${parties} CPython Queue`,
        python(PYTHON, "Queue", parties, ITEMS / 4, "small")[0],
      );
      figures.note(
        `small ${parties} CPython SimpleQueue`,
        python(PYTHON, "SimpleQueue", parties, ITEMS / 4, "small")[0],
      );
    }
    figures.note("64 KiB 1 threads", await ours(Thread, 1, CHUNKS, true));
    figures.note("64 KiB 1 processes", await ours(Process, 1, CHUNKS, true));
    figures.note("64 KiB 1 CPython Queue", python(PYTHON, "Queue", 1, CHUNKS / 4, "bytes")[0]);
    figures.note(
      "64 KiB 1 CPython SimpleQueue",
      python(PYTHON, "SimpleQueue", 1, CHUNKS / 4, "bytes")[0],
    );
  }
  for (const group of ["small 1", "small 4", "64 KiB 1"]) {
    const rivals = ["Queue", "SimpleQueue"].flatMap((kind) =>
      figures.median(`${group} CPython ${kind}`) ?? []
    );
    const best = Math.min(...rivals);
    for (const world of ["threads", "processes"]) {
      const figure = figures.median(`${group} ${world}`)!;
      const speed = group.startsWith("64") ? `  ${(CHUNK / figure).toFixed(0)} MB/s` : "";
      const ratio = rivals.length > 0 ? `  ${(figure / best).toFixed(3)} x CPython's best` : "";
      console.log(`${`${group} ${world}`.padEnd(20)} ${figure.toFixed(3)} µs${speed}${ratio}`);
    }
  }
}
