/**
 * What a RemoteQueue must do over every broker. `queueSuite(world)` registers the tests for one.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertMatch,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { delay } from "@std/async";
import { Empty, Full, ShareError, ShutDown } from "../../lib/errors.ts";
import { Queue } from "../../lib/queue.ts";
import { RemoteQueue, type RemoteQueueOptions } from "../../lib/remote.ts";
import { Lock, Thread } from "../../lib/threading.ts";
import { limited } from "../_help/within.ts";
import {
  double,
  getForEver,
  putAll,
  putAllSync,
  sizeOf,
  takeAndEnd,
  takeAndStay,
} from "./_targets.ts";

/** A kind of broker, as queues name it. */
export interface QueueWorld {
  /** What it is called in the names of the tests. */
  name: string;
  /** The URL of the broker. */
  url(): string | Promise<string>;
  /** True if the world is not at hand. */
  ignore?: boolean;
}

/** What a test has: queues that are removed at its end. */
class Bench {
  readonly url: string;
  readonly #made: RemoteQueue<never>[] = [];

  constructor(url: string) {
    this.url = url;
  }

  /** A queue with a name of its own. */
  queue<T = number>(
    options: RemoteQueueOptions = {},
    name: string = crypto.randomUUID(),
  ): RemoteQueue<T> {
    const queue = new RemoteQueue<T>(`suite.${name}`, { url: this.url, ...options });
    this.#made.push(queue as RemoteQueue<never>);
    return queue;
  }

  /** Another handle of the same queue. */
  again<T>({ name }: RemoteQueue<T>, options: RemoteQueueOptions = {}): RemoteQueue<T> {
    return this.queue<T>(options, name.replace(/^suite\./, ""));
  }

  async clean(): Promise<void> {
    // With its own options: another one would be refused.
    for (const queue of this.#made) await queue.remove().catch(() => {});
    for (const queue of this.#made) await queue.close();
  }
}

/** Registers the tests for one kind of broker. */
export function queueSuite(world: QueueWorld): void {
  const test = (name: string, fn: (bench: Bench) => Promise<void>) => {
    Deno.test({
      name: `${name} [${world.name}]`,
      ignore: world.ignore === true,
      fn: () =>
        limited(async () => {
          const bench = new Bench(await world.url());
          try {
            await fn(bench);
          } finally {
            await bench.clean();
          }
        }, 30_000),
    });
  };

  test("RemoteQueue gives items in the order of put, in all forms", async (bench) => {
    const queue = bench.queue();
    await queue.put(1);
    queue.putSync(2);
    queue.putNowait(3);
    await Promise.all([queue.put(4), queue.put(5)]);
    assertEquals([await queue.size(), queue.qsize(), queue.empty()], [5, 5, false]);
    assertEquals([await queue.get(), queue.getSync(), queue.getNowait()], [1, 2, 3]);
    assertEquals(await Promise.all([queue.get(), queue.get()]), [4, 5]);
    assertEquals([queue.qsize(), queue.empty(), queue.full()], [0, true, false]);
  });

  test("RemoteQueue.put() keeps the order of calls that nobody awaits", async (bench) => {
    for (const maxsize of [0, 200]) {
      const queue = bench.queue({ maxsize });
      const numbers = Array.from({ length: 200 }, (_, k) => k);
      const puts = numbers.map((k) => queue.put(k));
      const got: number[] = [];
      for (const _ of numbers) got.push(await queue.get());
      await Promise.all(puts);
      assertEquals(got, numbers);
    }
  });

  test("RemoteQueue.get() of an empty queue is Empty, after its timeout", async (bench) => {
    const queue = bench.queue();
    assertThrows(() => queue.getNowait(), Empty, "it is empty");
    await assertRejects(() => queue.get({ block: false }), Empty, "it is empty");
    const start = performance.now();
    await assertRejects(() => queue.get({ timeout: 50 }), Empty, "none came in 50 ms");
    assertThrows(() => queue.getSync({ timeout: 50 }), Empty, "none came in 50 ms");
    await assertRejects(() => queue.take({ timeout: 50 }), Empty, "none came in 50 ms");
    assert(performance.now() - start >= 150);
    await queue.put(1);
    assertEquals(queue.getNowait(), 1);
  });

  test("RemoteQueue.put() of a full queue is Full, and waits for room", async (bench) => {
    const queue = bench.queue({ maxsize: 2 });
    await queue.put(1);
    await queue.put(2);
    assertEquals(queue.full(), true);
    assertThrows(() => queue.putNowait(3), Full, "it is full (2)");
    await assertRejects(() => queue.put(3, { timeout: 50 }), Full, "no room in 50 ms (2 items)");
    assertThrows(() => queue.putSync(3, { timeout: 50 }), Full, "no room in 50 ms (2 items)");
    const waiting = [queue.put(3), queue.put(4)];
    assertEquals(await queue.get(), 1);
    assertEquals(await queue.get(), 2);
    await Promise.all(waiting);
    assertEquals([await queue.get(), await queue.get()], [3, 4]);
    assertEquals(queue.qsize(), 0);
  });

  test("RemoteQueue: an abort leaves the queue as if there had been no call", async (bench) => {
    const queue = bench.queue({ maxsize: 1 });
    const reason = new Error("enough");
    const controller = new AbortController();
    const get = queue.get({ signal: controller.signal });
    const take = queue.take({ signal: controller.signal });
    setTimeout(() => controller.abort(reason), 20);
    assertStrictEquals(await assertRejects(() => get), reason);
    assertStrictEquals(await assertRejects(() => take), reason);
    assertStrictEquals(
      await assertRejects(() => queue.get({ signal: AbortSignal.abort(reason) })),
      reason,
    );
    await queue.put(1);
    const second = new AbortController();
    const put = queue.put(2, { signal: second.signal });
    setTimeout(() => second.abort(reason), 20);
    assertStrictEquals(await assertRejects(() => put), reason);
    assertEquals(await queue.get(), 1);
    await assertRejects(() => queue.get({ timeout: 30 }), Empty);
  });

  test("RemoteQueue: an abort beside an item loses nothing", async (bench) => {
    const queue = bench.queue();
    const got: number[] = [];
    for (let k = 0; k < 30; k++) {
      const controller = new AbortController();
      const get = queue.get({ signal: controller.signal }).then((item) => got.push(item), () => {});
      const put = queue.put(k);
      const pause = new Promise((resolve) => setTimeout(resolve, k % 5));
      await Promise.all([get, put, pause.then(() => controller.abort())]);
    }
    while (got.length < 30) got.push(await queue.get({ timeout: 2000 }));
    assertEquals(got.sort((a, b) => a - b), Array.from({ length: 30 }, (_, k) => k));
  });

  test("RemoteQueue.put({ delay }) is taken then, and not before", async (bench) => {
    const queue = bench.queue<string>();
    const start = performance.now();
    await queue.put("late", { delay: 200 });
    await queue.put("now");
    assertEquals(await queue.get(), "now");
    assertEquals(queue.getSync(), "late");
    assert(performance.now() - start >= 190);
  });

  test("RemoteQueue.take() lends an item until done()", async (bench) => {
    const queue = bench.queue<string>();
    await queue.put("a");
    await queue.put("b");
    const taken = await queue.take();
    assertEquals([taken.item, taken.attempt], ["a", 1]);
    assertMatch(taken.id, /^[0-9a-f-]{36}$/);
    assertEquals(await queue.size(), 1);
    assertMatch(Deno.inspect(taken), /^Taken\([0-9a-f-]{36}, attempt 1, held\)$/);
    assertEquals(await taken.done(), true);
    assertEquals([await taken.done(), await taken.back(), await taken.bury("x")], [
      false,
      false,
      false,
    ]);
    assertMatch(Deno.inspect(taken), /, done\)$/);
    assertEquals(await queue.get(), "b");
    await assertRejects(() => queue.get({ timeout: 30 }), Empty);
  });

  test("Taken.back() and a disposal give it to the next, in front and counted", async (bench) => {
    const queue = bench.queue<string>();
    await queue.put("a");
    await queue.put("b");
    const first = await queue.take();
    assertEquals(await first.back(), true);
    const id = first.id;
    {
      await using second = await queue.take();
      assertEquals([second.item, second.attempt, second.id], ["a", 2, id]);
    }
    {
      using third = await queue.take();
      assertEquals([third.item, third.attempt], ["a", 3]);
    }
    const fourth = await queue.take();
    assertEquals([fourth.item, fourth.attempt], ["a", 4]);
    await fourth.back({ delay: 50 });
    assertEquals(await queue.get(), "b");
    const last = await queue.take();
    assertEquals([last.item, last.attempt, last.id], ["a", 5, id]);
    await last.done();
  });

  test("Taken.bury() puts an item where no taker gets it", async (bench) => {
    const queue = bench.queue();
    await queue.put(1);
    await queue.put(2);
    assertEquals(await (await queue.take()).bury("no use"), true);
    assertEquals(await queue.get(), 2);
    await assertRejects(() => queue.take({ timeout: 30 }), Empty);
  });

  test("RemoteQueue iterates until it is shut down; break gives back", async (bench) => {
    const queue = bench.queue();
    for (let k = 1; k <= 4; k++) await queue.put(k);
    for await (const item of queue) {
      if (item === 2) break;
    }
    await assertRejects(
      async () => {
        for await (const item of queue) {
          assertEquals(item, 2);
          throw new Error("in the loop");
        }
      },
      Error,
      "in the loop",
    );
    await queue.shutdown();
    assertEquals(await Array.fromAsync(queue), [2, 3, 4]);
    assertEquals(await Array.fromAsync(queue), []);
  });

  test("RemoteQueue.shutdown() ends all handles, once it is drained; reopen()", async (bench) => {
    const queue = bench.queue();
    const other = bench.again(queue);
    await queue.put(1);
    await other.shutdown();
    await assertRejects(() => queue.put(2), ShutDown);
    assertThrows(() => other.putNowait(2), ShutDown);
    assertEquals(await queue.get(), 1);
    await assertRejects(() => queue.get(), ShutDown);
    assertThrows(() => queue.getSync(), ShutDown);
    await assertRejects(() => other.take({ timeout: 5000 }), ShutDown);
    // Who comes later finds it shut.
    await assertRejects(() => bench.again(queue).get(), ShutDown);
    await queue.reopen();
    await other.put(3);
    assertEquals(await queue.get(), 3);
  });

  test("RemoteQueue.shutdown() wakes who waits", async (bench) => {
    const queue = bench.queue();
    const gets = [queue.get(), queue.take(), bench.again(queue).get()];
    const ended = gets.map((get) => assertRejects(() => get as Promise<unknown>, ShutDown));
    await queue.size();
    await queue.shutdown();
    await Promise.all(ended);
    const full = bench.queue({ maxsize: 1 });
    await full.put(1);
    const put = assertRejects(() => full.put(2), ShutDown);
    await full.shutdown();
    await put;
  });

  test("RemoteQueue.shutdown(): what was lent and comes back can still be taken", async (bench) => {
    const queue = bench.queue();
    await queue.put(1);
    const taken = await queue.take();
    await queue.shutdown();
    await assertRejects(() => queue.get(), ShutDown);
    await taken.back();
    assertEquals(await queue.get(), 1);
  });

  test("RemoteQueue.clear() and remove()", async (bench) => {
    const queue = bench.queue();
    for (let k = 0; k < 3; k++) await queue.put(k);
    await queue.clear();
    assertEquals(await queue.size(), 0);
    await queue.put(7);
    await queue.remove();
    assertEquals(await queue.size(), 0);
    await queue.put(8);
    assertEquals(await queue.get(), 8);
    const get = queue.get();
    await bench.again(queue).remove();
    await queue.put(9);
    assertEquals(await get, 9);
  });

  test("RemoteQueue: what is too old is gone", async (bench) => {
    const queue = bench.queue({ ttl: 300 });
    await queue.put(1);
    await new Promise((resolve) => setTimeout(resolve, 450));
    assertEquals(await queue.size(), 0);
    // On a busy machine the next one, too, may be too old before it is taken.
    let isThere = false;
    const got = queue.get().finally(() => isThere = true);
    while (!isThere) {
      await queue.put(2);
      await delay(50);
    }
    assertEquals(await got, 2);
  });

  test("RemoteQueue with other options than the queue has is an error of its calls", async (bench) => {
    const queue = bench.queue({ maxsize: 3 });
    await queue.put(1);
    const other = bench.again(queue, { maxsize: 4 });
    const error = await assertRejects(() => other.put(2), Error);
    assertMatch(error.message, /3/);
    assertMatch(error.message, /4/);
    assertEquals(await queue.size(), 1);
  });

  test("RemoteQueue: items are what a queue between processes takes", async (bench) => {
    const queue = bench.queue<unknown>();
    const cycle: Record<string, unknown> = { a: 1 };
    cycle.self = cycle;
    const items = [
      undefined,
      null,
      NaN,
      -0,
      12n,
      "ü☃",
      new Date(5),
      /x/g,
      [1, , 3],
      new Map([[{ k: 1 }, new Set([2])]]),
      new Uint8Array([1, 2]),
      new Float64Array(50_000).fill(0.1),
      { deep: [{ er: true }] },
    ];
    for (const item of items) {
      await queue.put(item);
      assertEquals(await queue.get(), item);
    }
    await queue.put(cycle);
    const got = await queue.get() as typeof cycle;
    assertStrictEquals(got.self, got);
    await queue.put(new RangeError("far", { cause: 3 }));
    const error = await queue.get() as RangeError;
    assert(error instanceof RangeError);
    assertEquals([error.message, error.cause], ["far", 3]);
  });

  test("RemoteQueue: a queue in an item is that queue at the receiver's broker", async (bench) => {
    const queue = bench.queue<{ answers: RemoteQueue<string> }>();
    const answers = bench.queue<string>();
    await queue.put({ answers });
    const { answers: there } = await queue.get();
    assert(there instanceof RemoteQueue);
    await there.put("hello");
    await there.close();
    assertEquals(await answers.get(), "hello");
  });

  test("RemoteQueue.put() refuses what stays on its machine, and puts nothing", async (bench) => {
    const queue = bench.queue<unknown>();
    class Private {}
    const bad: [unknown, RegExp][] = [
      [{ lock: new Lock() }, /item\.lock: a Lock stays on its machine/],
      [[new Queue()], /item\[0\]: a Queue stays on its machine/],
      [putAll, /item: the function/],
      [() => {}, /item: the function/],
      [Symbol("s"), /item/],
      [new Private(), /item: an object of class Private/],
      [new AbortController().signal, /item/],
    ];
    for (const [item, text] of bad) {
      const error = await assertRejects(() => queue.put(item), ShareError);
      assertMatch(error.message, text);
      assertThrows(() => queue.putSync(item), ShareError);
    }
    assertEquals(await queue.size(), 0);
  });

  test("RemoteQueue as JSON takes what JSON can hold, and nothing else", async (bench) => {
    const queue = bench.queue<unknown>({ format: "json" });
    const items = [null, true, 0, -1.5, "ü☃\ud800", [1, [2, {}]], { a: { "b c": [null] } }];
    for (const item of items) {
      await queue.put(item);
      assertEquals(await queue.get(), item);
    }
    const cycle: unknown[] = [];
    cycle.push({ cycle });
    const bad: [unknown, RegExp][] = [
      [undefined, /Cannot write item as JSON: .*received undefined/],
      [NaN, /item.*NaN/],
      [1n, /item.*1n/],
      [{ when: new Date(0) }, /item\.when/],
      [[1, , 3], /item\[1\]/],
      [{ "a b": undefined }, /item\["a b"\]/],
      [new Map(), /item/],
      [() => {}, /item/],
      [cycle, /item\[0\]\.cycle as JSON: it is within itself/],
    ];
    for (const [item, text] of bad) {
      const error = await assertRejects(() => queue.put(item), TypeError);
      assertMatch(error.message, text);
    }
    assertEquals(await queue.size(), 0);
  });

  test("RemoteQueue with a secret gives only what is signed by it", async (bench) => {
    const secret = "rosebud";
    const signed = bench.queue<string>({ secret });
    const unsigned = bench.again(signed);
    const wrong = bench.again(signed, { secret: "sled" });
    const said: string[] = [];
    const { error } = console;
    console.error = (text) => said.push(text);
    try {
      await unsigned.put("forged");
      await wrong.put("forged too");
      await signed.put("true");
      assertEquals(await signed.get(), "true");
      assertEquals(signed.qsize(), 0);
    } finally {
      console.error = error;
    }
    assertEquals(said.length, 1);
    assertMatch(said[0], /is not signed by its secret, and was buried/);
    assert(!Deno.inspect(signed).includes(secret));
  });

  test("RemoteQueue works in threads that it is given to", async (bench) => {
    const from = bench.queue();
    const to = bench.queue();
    const workers = [1, 2].map((k) =>
      new Thread(double, { args: [from, to], name: `worker-${k}` }).start()
    );
    const producers = [
      new Thread(putAll, { args: [from, 20] }).start(),
      new Thread(putAllSync, { args: [from, 20] }).start(),
    ];
    for (const thread of producers) await thread.result();
    await from.shutdown();
    const counts = await Promise.all(workers.map((worker) => worker.result()));
    assertEquals(counts[0] + counts[1], 40);
    const got: number[] = [];
    for (let k = 0; k < 40; k++) got.push(await to.get({ timeout: 2000 }));
    const wanted = Array.from({ length: 40 }, (_, k) => 2 * (k >> 1));
    assertEquals(got.sort((a, b) => a - b), wanted);
  });

  test("RemoteQueue: the main thread blocks while a thread puts, and gets", async (bench) => {
    const queue = bench.queue({ maxsize: 1 });
    const thread = new Thread(putAll, { args: [queue, 5] }).start();
    for (let k = 0; k < 5; k++) assertEquals(queue.getSync({ timeout: 10_000 }), k);
    assertEquals(thread.joinSync(), true);
    const reader = new Thread(sizeOf, { args: [queue] }).start();
    queue.putSync(3);
    await reader.result();
  });

  test("RemoteQueue: what a thread has taken and not done goes to another", async (bench) => {
    const queue = bench.queue();
    const said = bench.queue<string>();
    await queue.put(7);
    await new Thread(takeAndEnd, { args: [queue, said] }).start().join();
    assertEquals(await said.get(), "7.1");
    const thread = new Thread(takeAndStay, { args: [queue, said] }).start();
    assertEquals(await said.get(), "7.2");
    await thread.terminate();
    const taken = await queue.take({ timeout: 5000 });
    assertEquals([taken.item, taken.attempt], [7, 3]);
    await taken.done();
  });

  test("RemoteQueue: a thread that is stopped in a get takes nothing", async (bench) => {
    const queue = bench.queue();
    const said = bench.queue<string>();
    const thread = new Thread(getForEver, { args: [queue, said] }).start();
    await said.get();
    await thread.terminate();
    assertEquals(await thread.join({ timeout: 5000 }), true);
    await queue.put(1);
    assertEquals(await queue.get({ timeout: 5000 }), 1);
  });

  test("RemoteQueue.close() gives back, ends what waits, and refuses what comes", async (bench) => {
    const queue = bench.queue();
    const other = bench.again(queue);
    await queue.put(1);
    assertEquals(await other.size(), 1);
    const taken = await queue.take();
    const get = queue.get();
    const closed = /this handle was closed/;
    const caught = assertRejects(() => get);
    await queue.close();
    await queue.close();
    assertMatch((await caught as Error).message, closed);
    assertEquals(await taken.done(), false);
    assertMatch((await assertRejects(() => queue.put(2)) as Error).message, closed);
    assertThrows(() => queue.getNowait(), Error, "this handle was closed");
    assertMatch(Deno.inspect(queue), /^RemoteQueue\(suite\..+, closed\)$/);
    const again = await other.take({ timeout: 5000 });
    assertEquals([again.item, again.attempt], [1, 2]);
    await again.done();
  });

  test("RemoteQueue: takers share what comes, and each item is taken once", async (bench) => {
    const queue = bench.queue();
    const handles = [queue, bench.again(queue), bench.again(queue)];
    const count = 120;
    const got: number[] = [];
    const readers = handles.map(async (handle) => {
      for await (const item of handle) got.push(item);
    });
    for (let k = 0; k < count; k++) await handles[k % 3]!.put(k);
    await queue.shutdown();
    await Promise.all(readers);
    assertEquals(got.sort((a, b) => a - b), Array.from({ length: count }, (_, k) => k));
  });

  test("RemoteQueue that was made and never used leaves nothing", async (bench) => {
    const queue = bench.queue();
    await queue.close();
    using _ = bench.queue();
  });
}
