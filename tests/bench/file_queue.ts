/**
 * A RemoteQueue in a file against a queue that is written by hand on `node:sqlite`, in turns, on
 * the same disk in the same minutes:
 *
 *     deno run -A tests/bench/file_queue.ts [ITEMS] [ROUNDS]
 *
 * By hand it is one script with one connection: a table, an INSERT for each put and an UPDATE …
 * RETURNING with a DELETE for each get, each a transaction of its own, with the WAL and the same
 * `synchronous` (FULL where a put is confirmed). It has no leases, no waiting and no other programs.
 *
 *     put, one at a time     each confirmed before the next
 *     put, many at once      all of them asked for, then awaited
 *     get, one at a time     a loop of await get()
 *     get, many at once      1,000 asked for at a time
 *     take and done          a loop over the queue (for await)
 *     a round trip           an item to another process and back
 *     broker: …              the broker in this same thread, without the way to the thread of the
 *                            link and back, which every remote queue has
 *
 * At the end, what an idle consumer costs: CPU of a process that waits in get(), in ms per second.
 * Read the ratios; machines are noisy.
 *
 * @module
 */
import { DatabaseSync } from "node:sqlite";
import { Process } from "../../lib/multiprocessing.ts";
import { holdProgram } from "../../lib/core/promises.ts";
import { RemoteQueue } from "../../lib/remote.ts";
import { FileBroker } from "../../lib/remote/file/broker.ts";
import { task } from "../../lib/task.ts";
import { Figures } from "./_figures.ts";

const SIZE = 200;
const AT_ONCE = 1000;
const IDLE = 5000;

/** The rival: a queue as one writes it by hand. */
class ByHand {
  readonly #database: DatabaseSync;
  readonly #put;
  readonly #take;
  readonly #done;

  constructor(path: string) {
    const database = this.#database = new DatabaseSync(path, { timeout: 5000 });
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    database.exec(
      "CREATE TABLE q(id INTEGER PRIMARY KEY AUTOINCREMENT, owner INTEGER, body BLOB); " +
        "CREATE INDEX ready ON q(id) WHERE owner IS NULL",
    );
    this.#put = database.prepare("INSERT INTO q(body) VALUES (?)");
    this.#take = database.prepare(
      "UPDATE q SET owner = 1 WHERE id = (SELECT id FROM q WHERE owner IS NULL ORDER BY id LIMIT 1) " +
        "RETURNING id, body",
    );
    this.#done = database.prepare("DELETE FROM q WHERE id = ?");
  }

  /** Takes are not confirmed to anybody. */
  relax(): void {
    this.#database.exec("PRAGMA synchronous = NORMAL");
  }

  put(body: Uint8Array<ArrayBuffer>): void {
    this.#put.run(body);
  }

  putAll(bodies: Uint8Array<ArrayBuffer>[]): void {
    this.#database.exec("BEGIN IMMEDIATE");
    for (const body of bodies) this.#put.run(body);
    this.#database.exec("COMMIT");
  }

  get(): unknown {
    const row = this.#take.get()!;
    this.#done.run(row.id as number);
    return row.body;
  }

  close(): void {
    this.#database.close();
  }
}

/** Sends back what comes. */
export const echo = task(
  import.meta,
  async (from: RemoteQueue<number>, to: RemoteQueue<number>, count: number) => {
    for (let k = 0; k < count; k++) await to.put(await from.get());
  },
);

/** Waits for an item, and gives the CPU that the process has used meanwhile, in ms. */
export const wait = task(import.meta, async (queue: RemoteQueue<number>) => {
  await queue.size();
  const waiting = queue.get();
  await new Promise((resolve) => setTimeout(resolve, 500));
  const used = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  const before = used();
  await new Promise((resolve) => setTimeout(resolve, IDLE));
  const cost = used() - before;
  await waiting;
  return cost;
});

/** The broker alone: puts and takes a second, 1,000 puts at once and a prefetch of 256. */
async function brokerAlone(path: string, count: number): Promise<[put: number, take: number]> {
  const letGo = holdProgram();
  const broker = new FileBroker(`file:${path}`);
  await broker.declare({ name: "q", kind: "counted" });
  const body = new Uint8Array(SIZE).fill(65);
  const message = (id: number) => ({ body, headers: {}, type: "", id: String(id), format: "" });
  const put = await rate(count, async () => {
    for (let k = 0; k < count; k += AT_ONCE) {
      const numbers = Array.from({ length: Math.min(AT_ONCE, count - k) }, (_, at) => k + at);
      await Promise.all(numbers.map((id) => broker.publish("q", message(id))));
    }
  });
  const take = await rate(count, async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let taken = 0;
    await broker.consume("q", { prefetch: 256 }, (delivery) => {
      delivery.ack();
      if (++taken === count) resolve();
    });
    await promise;
    await broker.depth("q");
  });
  await broker.close();
  letGo();
  return [put, take];
}

/** Items a second. */
async function rate(count: number, work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return count / (performance.now() - start) * 1000;
}

if (import.meta.main) {
  const [items = 10_000, rounds = 3] = Deno.args.map(Number);
  const few = Math.ceil(items / 10);
  const folder = await Deno.makeTempDir({ dir: "." });
  const figures = new Figures();
  const body = new Uint8Array(SIZE).fill(65);
  const note = async (name: string, count: number, work: () => unknown) =>
    figures.note(name, await rate(count, work));
  try {
    for (let round = 0; round < rounds; round++) {
      const hand = new ByHand(`${folder}/hand-${round}.db`);
      const url = `file:${folder}/ours-${round}.db`;
      const queue = new RemoteQueue<Uint8Array>("q", { url });
      await queue.size();
      await note("put, one at a time, by hand", few, () => {
        for (let k = 0; k < few; k++) hand.put(body);
      });
      await note("put, one at a time", few, async () => {
        for (let k = 0; k < few; k++) await queue.put(body);
      });
      const more = items - few;
      await note("put, many at once, by hand", more, () => {
        for (let k = 0; k < more; k += AT_ONCE) {
          hand.putAll(Array.from({ length: Math.min(AT_ONCE, more - k) }, () => body));
        }
      });
      await note("put, many at once", more, async () => {
        for (let k = 0; k < more; k += AT_ONCE) {
          const count = Math.min(AT_ONCE, more - k);
          await Promise.all(Array.from({ length: count }, () => queue.put(body)));
        }
      });
      hand.relax();
      const third = Math.floor(items / 3);
      await note("get, one at a time, by hand", items, () => {
        for (let k = 0; k < items; k++) hand.get();
      });
      await note("get, one at a time", third, async () => {
        for (let k = 0; k < third; k++) await queue.get();
      });
      await note("get, many at once", third, async () => {
        for (let k = 0; k < third; k += AT_ONCE) {
          const count = Math.min(AT_ONCE, third - k);
          await Promise.all(Array.from({ length: count }, () => queue.get()));
        }
      });
      const rest = items - 2 * third;
      await note("take and done", rest, async () => {
        await queue.shutdown();
        for await (const _ of queue);
      });
      hand.close();
      await queue.close();
      const [put, take] = await brokerAlone(`${folder}/alone-${round}.db`, items);
      figures.note("broker: put, many at once", put);
      figures.note("broker: take and ack", take);
      const [to, from] = ["to", "from"].map((name) => new RemoteQueue<number>(name, { url }));
      const trips = 200;
      const child = new Process(echo, { args: [to!, from!, trips + 1] }).start();
      await to!.put(0);
      await from!.get();
      const perSecond = await rate(trips, async () => {
        for (let k = 0; k < trips; k++) {
          await to!.put(k);
          await from!.get();
        }
      });
      figures.note("a round trip", 1000 / perSecond);
      await child.join();
      const waiter = new Process(wait, { args: [to!] }).start();
      const cost = waiter.result();
      await new Promise((resolve) => setTimeout(resolve, IDLE + 1500));
      await to!.put(1);
      figures.note("idle", await cost / (IDLE / 1000));
      await waiter.join();
      for (const each of [to!, from!]) await each.close();
    }
    const shown = { unit: "/s", digits: 0, width: 28 };
    for (const name of ["put, one at a time", "put, many at once", "get, one at a time"]) {
      figures.show(name, { ...shown, beside: `${name}, by hand`, whose: "by hand" });
      figures.show(`${name}, by hand`, shown);
    }
    const beside = { ...shown, beside: "get, one at a time, by hand", whose: "by hand" };
    for (const name of ["get, many at once", "take and done"]) figures.show(name, beside);
    figures.show("broker: put, many at once", {
      ...shown,
      beside: "put, many at once, by hand",
      whose: "by hand",
    });
    figures.show("broker: take and ack", beside);
    figures.show("a round trip", { unit: "ms", width: 28 });
    figures.show("idle", { unit: "ms of CPU a second", width: 28 });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
