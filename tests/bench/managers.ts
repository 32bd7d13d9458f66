/**
 * A manager's round trips against CPython's, in turns in the same minutes:
 *
 *     deno run -A tests/bench/managers.ts [ROUNDS]
 *
 * - one client: a dictionary's get and set, a queue's put and get, a lock's acquire and release, in
 *   µs;
 * - four processes: each adds to one number of the dictionary under one lock, in µs an addition;
 *   beside it the same by `update()`.
 *
 * The figures are medians; read the ratios, these machines are noisy.
 *
 * @module
 */
import { type DictProxy, type LockProxy, Manager, Process } from "../../lib/multiprocessing.ts";
import { task } from "../../lib/task.ts";
import { Figures, now, python } from "./_figures.ts";

const TIMES = 2_000;
const PARTIES = 4;

const PYTHON = `
import time, multiprocessing as mp
def work(d, lock, n, gate):
    gate.wait()
    for _ in range(n):
        with lock: d["n"] = d["n"] + 1
def timed(fn, n):
    t = time.perf_counter()
    for _ in range(n): fn()
    return (time.perf_counter() - t) / n * 1e6
if __name__ == "__main__":
    n = ${TIMES}
    with mp.Manager() as m:
        d, q, lock, gate = m.dict(), m.Queue(), m.Lock(), mp.Barrier(${PARTIES + 1})
        d["a"] = 1
        def put_get(): q.put({"n": 1}); q.get()
        def locked():
            with lock: pass
        def put(): d["a"] = 2
        figures = [timed(lambda: d["a"], n), timed(put, n), timed(put_get, n), timed(locked, n)]
        d["n"] = 0
        ws = [mp.Process(target=work, args=(d, lock, n // 4, gate)) for _ in range(${PARTIES})]
        [w.start() for w in ws]; gate.wait(); t = time.perf_counter(); [w.join() for w in ws]
        assert d["n"] == n
        figures.append((time.perf_counter() - t) / n * 1e6)
    print(*figures)
`;

export const plus = task(import.meta, (value: number | undefined, by: number) => (value ?? 0) + by);

/** Adds under the lock, once all are there; gives when it began and ended. */
export const addLocked = task(
  import.meta,
  async function addLocked(dict: DictProxy<string, number>, lock: LockProxy) {
    // Connected before the clock runs.
    await dict.get("n");
    const began = now();
    for (let k = 0; k < TIMES / PARTIES; k++) {
      using _guard = await lock.acquire();
      await dict.set("n", (await dict.get("n"))! + 1);
    }
    return [began, now()];
  },
);

/** Adds in one step each. */
export const addAtOnce = task(
  import.meta,
  async function addAtOnce(dict: DictProxy<string, number>) {
    await dict.get("n");
    const began = now();
    for (let k = 0; k < TIMES / PARTIES; k++) await dict.update("n", plus, 1);
    return [began, now()];
  },
);

async function timed(fn: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  for (let k = 0; k < TIMES; k++) await fn();
  return (performance.now() - began) / TIMES * 1e3;
}

async function together(dict: DictProxy<string, number>, make: () => Process): Promise<number> {
  await dict.set("n", 0);
  const children = Array.from({ length: PARTIES }, () => make().start());
  const spans = await Promise.all(children.map((child) => child.result())) as [number, number][];
  for (const child of children) await child.join();
  if (await dict.get("n") !== TIMES) throw new Error(`not exact: ${await dict.get("n")}`);
  const began = Math.min(...spans.map(([began]) => began));
  const ended = Math.max(...spans.map(([, ended]) => ended));
  return (ended - began) / TIMES * 1e3;
}

if (import.meta.main) {
  const rounds = Number(Deno.args[0] ?? 5);
  const names = ["get", "set", "put + get", "acquire + release", "4 x add, locked"];
  const figures = new Figures();
  for (let round = 0; round < rounds; round++) {
    await using manager = await Manager.start();
    const dict = await manager.dict<string, number>([["a", 1]]);
    const queue = await manager.Queue<{ n: number }>();
    const lock = await manager.Lock();
    figures.note("get", await timed(() => dict.get("a")));
    figures.note("set", await timed(() => dict.set("a", 2)));
    figures.note(
      "put + get",
      await timed(async () => {
        await queue.put({ n: 1 });
        await queue.get();
      }),
    );
    figures.note(
      "acquire + release",
      await timed(async () => {
        await using _guard = await lock.acquire();
      }),
    );
    figures.note(
      "4 x add, locked",
      await together(dict, () => new Process(addLocked, { args: [dict, lock] }) as Process),
    );
    figures.note(
      "4 x add, update()",
      await together(dict, () => new Process(addAtOnce, { args: [dict] }) as Process),
    );
    python(PYTHON).forEach((figure, k) => figures.note(`cpython ${names[k]}`, figure));
  }
  for (const name of [...names, "4 x add, update()"]) {
    const beside = `cpython ${name.replace("update()", "locked")}`;
    figures.show(name, { digits: 1, beside });
  }
}
