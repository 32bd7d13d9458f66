/**
 * Queues between processes: what they do, that nothing is lost or given twice, and what kills
 * leave. `SWITCHYARD_ROUNDS` sets how often random kills are tried, `SWITCHYARD_TIMES` the items of
 * the stress.
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
import { Empty, EOFError, Full, ShareError, ShutDown } from "../../lib/errors.ts";
import {
  Barrier,
  dump,
  Event,
  JoinableQueue,
  Lock,
  pipe,
  Process,
  Queue,
  SimpleQueue,
} from "../../lib/multiprocessing.ts";
import { Thread } from "../../lib/threading.ts";
import { within } from "../_help/within.ts";
import * as targets from "./_queue_targets.ts";

const LIMIT = 30_000;
const ROUNDS = Number(Deno.env.get("SWITCHYARD_ROUNDS") ?? 5);
const TIMES = Number(Deno.env.get("SWITCHYARD_TIMES") ?? 20_000);
const LINUX = Deno.build.os === "linux";

function test(name: string, fn: () => Promise<void> | void, limit = LIMIT): void {
  Deno.test({
    name,
    ignore: !LINUX, // memory between processes is proven on Linux only
    fn: () => within(limit, fn()),
  });
}

type Child = Thread | Process;
const worlds = [
  ["threads", (target: unknown, args: unknown[]) => new Thread(target as never, { args })],
  ["processes", (target: unknown, args: unknown[]) => new Process(target as never, { args })],
] as unknown as [string, (target: unknown, args: unknown[]) => Child][];

test("Queue gives items in the order of their puts", async () => {
  const queue = new Queue<number>();
  for (let k = 0; k < 10; k++) await queue.put(k);
  assertEquals([queue.qsize(), queue.empty(), queue.full()], [10, false, false]);
  for (let k = 0; k < 10; k++) assertEquals(k % 2 ? queue.getSync() : await queue.get(), k);
  assertEquals([queue.qsize(), queue.empty()], [0, true]);
});

test("Queue.get() throws Empty after its timeout, and takes nothing", async () => {
  const queue = new Queue<number>();
  const began = performance.now();
  await assertRejects(() => queue.get({ timeout: 30 }), Empty);
  assert(performance.now() - began >= 29);
  assertThrows(() => queue.getSync({ timeout: 5 }), Empty);
  assertThrows(() => queue.getNowait(), Empty);
  await assertRejects(() => queue.get({ block: false }), Empty);
  await queue.put(1);
  assertEquals(await queue.get(), 1);
});

test("Queue.put() throws Full after its timeout, and puts nothing", async () => {
  const queue = new Queue<number>(2);
  await queue.put(1);
  queue.putNowait(2);
  assertEquals([queue.full(), queue.maxsize], [true, 2]);
  assertThrows(() => queue.putNowait(3), Full);
  assertThrows(() => queue.putSync(3, { timeout: 5 }), Full);
  await assertRejects(() => queue.put(3, { timeout: 10 }), Full);
  const late = queue.put(4);
  assertEquals(await queue.get(), 1);
  await late;
  assertEquals([await queue.get(), await queue.get(), queue.qsize()], [2, 4, 0]);
});

test("Queue waits that are aborted leave no trace", async () => {
  const queue = new Queue<number>(1);
  const reason = new Error("enough");
  const getting = new AbortController();
  const got = queue.get({ signal: getting.signal });
  getting.abort(reason);
  assertStrictEquals(await assertRejects(() => got), reason);
  await queue.put(1);
  const putting = new AbortController();
  const put = queue.put(2, { signal: putting.signal });
  putting.abort(reason);
  assertStrictEquals(await assertRejects(() => put), reason);
  assertEquals([queue.qsize(), await queue.get(), queue.qsize()], [1, 1, 0]);
  await assertRejects(() => queue.get({ signal: AbortSignal.abort(reason) }), Error, "enough");
});

test("Queue refuses bad arguments by name", async () => {
  assertThrows(() => new Queue(-1), RangeError, "maxsize");
  assertThrows(() => new Queue("5" as never), TypeError, "maxsize");
  const queue = new Queue();
  await assertRejects(() => queue.get({ timeout: -1 }), RangeError, "timeout");
  await assertRejects(() => queue.put(1, { block: 1 as never }), TypeError, "block");
  const error = await assertRejects(() => queue.put({ f: () => 1 }), ShareError);
  assertEquals([error.place, queue.qsize()], ["item.f", 0]);
});

test("Queue.close() ends this handle alone", async () => {
  const queue = new Queue<number>();
  queue.close();
  await assertRejects(() => queue.put(1), Error, "closed");
  assertThrows(() => queue.getSync(), Error, "closed");
  queue.joinThread();
  queue.cancelJoinThread();
});

test("Queue.getSync() serves while an async function of the thread waits", async () => {
  const queue = new Queue<number>();
  const first = queue.get();
  queue.putSync(1);
  queue.putSync(2);
  assertEquals((await first) + queue.getSync(), 3);
});

const cyclic: Record<string, unknown> = { list: [1, 2] };
cyclic.self = cyclic;
const VALUES: unknown[] = [
  ...[
    undefined,
    null,
    true,
    0,
    -0,
    NaN,
    1.5,
    2 ** 40,
    10n ** 30n,
    "",
    "ü\ud800",
    new Date(0),
    /x/g,
  ],
  ...[new Map([[{ a: 1 }, new Set([2])]]), new Uint8Array([1, 2]), new Float64Array([0.5]), [
    [],
    {},
  ]],
  ...["x".repeat(100_000), "ü".repeat(200_000), new Uint8Array(300_000).fill(3)],
  ...[Array.from({ length: 50_000 }, (_, k) => ({ k })), new ArrayBuffer(5_000_000)],
  ...[new RangeError("far"), new AggregateError([new Error("one")], "both")],
];

test("Queue is named by dump() where somebody waits for it", async () => {
  const [jobs, full, unnamed] = [new Queue(0, { name: "jobs" }), new Queue(1), new JoinableQueue()];
  full.putSync(1);
  unnamed.putSync(1);
  const { signal, abort } = abortable();
  const waits = [jobs.get({ signal }), full.put(2, { signal }), unnamed.join({ signal })];
  const line = dump().split("\n").find((line) => line.includes("waits for"))!;
  assertMatch(line, /waits for 'jobs'.*waits for Queue \d+.*waits for Queue \d+/);
  abort();
  await Promise.allSettled(waits);
});

function abortable(): { signal: AbortSignal; abort: () => void } {
  const controller = new AbortController();
  return { signal: controller.signal, abort: () => controller.abort() };
}

for (const [world, make] of worlds) {
  test(`Queue carries values of every kind and size [${world}]`, async () => {
    for (const target of [targets.echo, targets.echoSync]) {
      const [queue, back] = [new Queue(), new Queue()];
      for (const value of [...VALUES, cyclic]) {
        await using child = make(target, [queue, back]).start();
        await queue.put(value);
        const found = await back.get();
        if (value === cyclic) assertStrictEquals((found as typeof cyclic).self, found);
        else assertEquals(found, value);
        await child.result();
      }
      // All of them in a child each is slow; the second way only has to show that it is the same.
      if (world === "processes") break;
    }
  });

  test(`Queue carries shareables [${world}]`, async () => {
    const queue = new Queue<{ lock: Lock }>();
    const lock = new Lock();
    await using child = make(targets.takeLock, [queue]).start();
    using _ = await lock.acquire();
    await queue.put({ lock });
    assertEquals(await child.result(), true);
  });

  for (
    const [how, produce, consume] of [
      ["sync", targets.produce, targets.consume],
      ["async", targets.produceAsync, targets.consumeAsync],
    ] as const
  ) {
    for (const maxsize of [0, 10]) {
      const times = how === "sync" && maxsize === 0 ? TIMES : Math.min(TIMES, 5_000);
      const name =
        `Queue(${maxsize}) gives each of 4 x ${times} items once to 4, ${how} [${world}]`;
      test(name, async () => {
        const queue = new Queue<targets.Item | null>(maxsize);
        const gate = new Barrier(8);
        const consumers = [0, 1, 2, 3].map(() => make(consume, [queue, gate, 4, times]).start());
        const producers = [0, 1, 2, 3].map((k) => make(produce, [queue, gate, k, times]).start());
        for (const producer of producers) await producer.result();
        for (const _ of consumers) await queue.put(null);
        const all = [0, 1, 2, 3].map(() => new Uint32Array((times >>> 5) + 1));
        let count = 0;
        for (const consumer of consumers) {
          const { bits, errors } = await consumer.result() as targets.Seen;
          assertEquals(errors, []);
          bits.forEach((words, from) =>
            words.forEach((word, k) => {
              assertEquals(all[from]![k]! & word, 0);
              all[from]![k]! |= word;
              for (let rest = word; rest !== 0; rest &= rest - 1) count++;
            })
          );
        }
        assertEquals([count, queue.qsize()], [4 * times, 0]);
        for (const child of [...producers, ...consumers]) await child.join();
      }, LIMIT + times / 10);
    }
  }
}

test("JoinableQueue.join() waits until all has been dealt with", async () => {
  const queue = new JoinableQueue<number>();
  assertEquals(await queue.join(), true);
  await queue.put(1);
  await queue.put(2);
  assertEquals([await queue.join({ timeout: 5 }), queue.joinSync({ timeout: 5 })], [false, false]);
  const worker = new Process(targets.work, { args: [queue], daemon: true, stderr: "null" }).start();
  assertEquals(await queue.join(), true);
  assertThrows(() => queue.taskDone(), RangeError);
  worker.kill();
  await worker.join();
});

test("SimpleQueue is a queue without a limit", async () => {
  const queue = new SimpleQueue<string>();
  await queue.put("a");
  assertEquals([queue.maxsize, queue.getNowait()], [0, "a"]);
});

test("Queue passes 2^16 blocks' worth of bytes, and gives memory back", async () => {
  const queue = new Queue<Uint8Array>();
  const bytes = new Uint8Array(1 << 20);
  // 3 GiB through less than one: every block comes back.
  for (let k = 0; k < 3_000; k++) {
    bytes[0] = k;
    await queue.put(bytes);
    assertEquals((await queue.get())[0], k & 255);
  }
});

for (const point of ["put: before the bytes", "put: before it counts", "put: before the wake-up"]) {
  for (const size of [0, 1_000_000]) {
    test(`Queue keeps what was put when its producer is killed ${point.slice(5)}, ${size} more bytes`, async () => {
      const queue = new Queue<number | [number, string]>();
      const child = new Process(targets.putUntilKilled, {
        args: [queue as never, point, 5, size],
      }).start();
      await child.join();
      assertEquals(child.exitcode, -9);
      const there = point.endsWith("wake-up") ? 5 : 4;
      assertEquals(queue.qsize(), there);
      await queue.put(100);
      for (let k = 0; k < there; k++) {
        const item = await queue.get({ timeout: 2_000 });
        assertEquals(typeof item === "number" ? item : item[0], k);
      }
      assertEquals([await queue.get({ timeout: 2_000 }), queue.qsize()], [100, 0]);
    });
  }
}

for (const point of ["get: before it counts", "get: before the wake-up"]) {
  test(`Queue loses at most one item when its consumer is killed ${point.slice(5)}`, async () => {
    const queue = new Queue<number>(10);
    for (let k = 0; k < 10; k++) await queue.put(k);
    const child = new Process(targets.getUntilKilled, { args: [queue, point, 3] }).start();
    await child.join();
    const next = point.endsWith("wake-up") ? 3 : 2;
    assertEquals(queue.qsize(), 10 - next);
    for (let k = next; k < 10; k++) assertEquals(await queue.get({ timeout: 2_000 }), k);
    assertThrows(() => queue.getNowait(), Empty);
    for (let k = 0; k < 10; k++) await queue.put(k, { timeout: 2_000 });
  });
}

for (const [world, make] of worlds) {
  test(`Queue: a call that does not wait is not put off by others at work [${world}]`, async () => {
    const queue = new Queue<number>();
    const gate = new Barrier(3);
    for (const what of ["put", "get"] as const) {
      const others = [0, 1].map(() => make(targets.hurry, [queue, gate, what, 20_000]).start());
      const mine = targets.hurry(queue, gate, what, 20_000);
      assertEquals([mine, ...await Promise.all(others.map((other) => other.result()))], [
        null,
        null,
        null,
      ]);
      assertEquals(queue.qsize(), what === "put" ? 60_000 : 0);
      for (const other of others) await other.join();
    }
  });
}

test("Queue.shutdown() ends what waits for a SimpleQueue, too", async () => {
  const queue = new SimpleQueue<number>();
  const got = assertRejects(() => queue.get(), ShutDown, "the queue has been shut down");
  queue.shutdown();
  await got;
});

test("Queue.close() ends an iteration that waits for the next item", async () => {
  const queue = new Queue<number>();
  queue.putSync(1);
  for await (const item of queue) {
    assertEquals(item, 1);
    queue.close();
  }
  for await (const item of queue) throw new Error(`${item} came after the end`);
});

for (const immediate of [false, true]) {
  const how = immediate ? "{ immediate: true }" : "";
  const points = ["shutdown: before it counts", "shutdown: before the fence"];
  points.push("shutdown: before the wake-up");
  if (immediate) points.push("drop: before it counts", "drop: before the blocks");
  for (const point of points) {
    test(`Queue.shutdown(${how}) is done or not when its process is killed, ${point}`, async () => {
      const [queue, full] = [new JoinableQueue<number>(), new JoinableQueue<number>(1)];
      const got = queue.get();
      full.putSync(1);
      const put = full.put(2);
      // Whatever comes of it, it comes before anything is awaited.
      const outcomes = Promise.allSettled([got, put]);
      for (const victim of [queue, full]) {
        // Only what holds something drops it.
        if (point.startsWith("drop") && victim === queue) {
          queue.shutdown({ immediate });
          continue;
        }
        const child = new Process(targets.shutUntilKilled, {
          args: [victim, immediate, point],
        }).start();
        await child.join();
        assertEquals(child.exitcode, -9);
      }
      if (point === "shutdown: before it counts") {
        await queue.put(5);
        assertEquals([await full.get(), await got], [1, 5]);
        await put;
        assertEquals([await full.get(), full.qsize()], [2, 0]);
        return;
      }
      for (const outcome of await outcomes) {
        assert(outcome.status === "rejected" && outcome.reason instanceof ShutDown);
      }
      assertThrows(() => full.putNowait(3), ShutDown);
      if (!immediate) {
        assertEquals(full.getNowait(), 1);
        full.taskDone();
      }
      assertThrows(() => full.getNowait(), ShutDown);
      assertEquals([full.qsize(), await full.join({ timeout: 2_000 })], [0, true]);
    });
  }
}

test("Queue.shutdown({ immediate: true }) gives memory back", async () => {
  const bytes = new Uint8Array(1 << 20);
  // 3 GiB through less than one.
  for (let k = 0; k < 30; k++) {
    const queue = new Queue<Uint8Array>();
    for (let n = 0; n < 100; n++) await queue.put(bytes, { timeout: 5_000 });
    queue.shutdown({ immediate: true });
  }
});

test("Queue.shutdown({ immediate: true }) closes the ends of pipes that it drops", async () => {
  const queue = new Queue<unknown>();
  const [mine, theirs] = pipe();
  await queue.put({ theirs });
  theirs.close();
  queue.shutdown({ immediate: true });
  await assertRejects(() => mine.recv({ timeout: 10_000 }), EOFError);
  mine.close();
});

test("Queue.put() of an end of a pipe to a queue that is shut down leaves it as it was", async () => {
  const queue = new Queue<unknown>();
  queue.shutdown();
  const [mine, theirs] = pipe();
  assertThrows(() => queue.putSync({ theirs }), ShutDown);
  await assertRejects(() => queue.put({ theirs }), ShutDown);
  await mine.send(1);
  assertEquals(await theirs.recv(), 1);
  theirs.close();
  await assertRejects(() => mine.recv({ timeout: 10_000 }), EOFError);
  mine.close();
});

test(`Queue survives kills at random, ${ROUNDS} rounds`, async () => {
  for (let round = 0; round < ROUNDS; round++) {
    const queue = new Queue<targets.Item>(round % 2 === 0 ? 0 : 50);
    const done = new Event();
    const producers = [0, 1].map((k) =>
      new Process(targets.putForever, { args: [queue, k] }).start()
    );
    const victim = new Process(targets.getForever, { args: [queue, done] }).start();
    const ready = Promise.withResolvers<void>();
    const survivor = new Process(targets.getForever, {
      args: [queue, done],
      onReport: () => ready.resolve(),
    }).start();
    await ready.promise;
    for (const child of [producers[0]!, victim, producers[1]!]) {
      await delay(Math.random() * 20);
      child.kill();
    }
    for (const child of [...producers, victim]) await child.join();
    done.set();
    const items = await survivor.result({ timeout: 10_000 });
    for (const from of [0, 1]) {
      const ks = items.filter((item) => item.from === from).map(({ k }) => k);
      // The victim had some; no item came twice or out of order.
      for (let k = 1; k < ks.length; k++) {
        assert(ks[k - 1]! < ks[k]!, `${ks[k - 1]} before ${ks[k]}`);
      }
    }
    assertEquals(queue.qsize(), 0);
    queue.putSync({ from: 9, k: 9 });
    assertEquals(queue.getSync({ timeout: 2_000 }), { from: 9, k: 9 });
    await survivor.join();
  }
}, LIMIT + ROUNDS * 1_000);
