/**
 * LifoQueue and PriorityQueue between processes: their order, that nothing is lost or given twice,
 * and what kills leave. `SWITCHYARD_ROUNDS` sets how often random kills are tried.
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Empty, EOFError, Full, ShareError, ShutDown } from "../../lib/errors.ts";
import { Event, LifoQueue, pipe, PriorityQueue, Process } from "../../lib/multiprocessing.ts";
import { Thread } from "../../lib/threading.ts";
import { LIMIT, within } from "../_help/within.ts";
import * as targets from "./_queue_targets.ts";
import {
  getAll,
  getEach,
  getTagged,
  isUrgent,
  Job,
  makeHere,
  putAll,
  putEach,
  putTagged,
  runsLast,
  urgent,
} from "./_ordered_targets.ts";
import { until } from "../_help/until.ts";

const ROUNDS = Number(Deno.env.get("SWITCHYARD_ROUNDS") ?? 3);
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

const kinds: [string, new <T>(maxsize?: number) => LifoQueue<T>][] = [
  ["LifoQueue", LifoQueue],
  ["PriorityQueue", PriorityQueue],
];

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, k) => from + k);

for (const [world, make] of worlds) {
  test(`LifoQueue gives out the newest first [${world}]`, async () => {
    const stack = new LifoQueue<unknown>();
    for (let k = 0; k < 5; k++) stack.putNowait(k);
    assertEquals(await run(make(getAll, [stack, 3])), [4, 3, 2]);
    await run(make(putAll, [stack, [{ deep: [10] }, "x".repeat(100_000), 12]]));
    assertEquals(stack.getSync(), 12);
    assertEquals(await stack.get(), "x".repeat(100_000));
    assertEquals([stack.getNowait(), stack.getNowait(), await stack.get()], [{ deep: [10] }, 1, 0]);
    assertEquals([stack.qsize(), stack.empty()], [0, true]);
  });

  test(`PriorityQueue gives out the least first, ties in the order of put [${world}]`, async () => {
    const cases: [items: unknown[], sorted: unknown[]][] = [
      [[3, 1, 2, -5, 1.5], [-5, 1, 1.5, 2, 3]],
      [["b", "a", "ab"], ["a", "ab", "b"]],
      [[3n, 1, 2n], [1, 2n, 3n]],
      [[new Date(2), new Date(1)], [new Date(1), new Date(2)]],
      [[[2, "x"], [1, "z"], [1, "y"], [1]], [[1], [1, "y"], [1, "z"], [2, "x"]]],
      [[[1, 0, { a: 1 }], [1, 1, { a: 0 }]], [[1, 0, { a: 1 }], [1, 1, { a: 0 }]]],
      [[[2, 0, "x".repeat(70_000)], [1, 1, new Map([[1, 2]])]], [
        [1, 1, new Map([[1, 2]])],
        [2, 0, "x".repeat(70_000)],
      ]],
    ];
    const queues = cases.map(() => new PriorityQueue<unknown>());
    for (const [k, [items, sorted]] of cases.entries()) {
      for (const item of items) queues[k].putNowait(item);
      assertEquals(items.map(() => queues[k].getNowait()), sorted);
    }
    await run(make(putEach, [cases.map(([items], k) => [queues[k], items])]));
    assertEquals(
      await run(make(getEach, [cases.map(([items], k) => [queues[k], items.length])])),
      cases.map(([, sorted]) => sorted),
    );
  });

  test(`PriorityQueue compares by a target [${world}]`, async () => {
    const queue = new PriorityQueue<Job>(0, runsLast);
    for (const k of [2, 5, 1]) await queue.put(new Job(k));
    assertEquals((await queue.get()).number, 5);
    await run(make(putAll, [queue, [3, 9].map((k) => new Job(k))]));
    const got = await run(make(getAll, [queue, 2])) as Job[];
    assertEquals(got.map(({ number }) => number), [9, 3]);
    assertEquals([queue.getSync().number, queue.getNowait().number], [2, 1]);
  });

  test(`PriorityQueue and LifoQueue made in a child outlive it [${world}]`, async () => {
    const [stack, queue] = await run(make(makeHere, [])) as [LifoQueue, PriorityQueue<Job>];
    assertEquals([stack.getNowait(), stack.getNowait()], [2, 1]);
    assertEquals([queue.getNowait().number, queue.getNowait().number], [2, 1]);
  });
}

async function run(child: Child): Promise<unknown> {
  const result = await (child.start() as Child).result();
  await child.join();
  return result;
}

test("PriorityQueue sorts many, put and got in turns", () => {
  const queue = new PriorityQueue<[number, number]>();
  const all: [number, number][] = range(0, 3_000).map((k) => [(k * 7919) % 100, k]);
  const model: [number, number][] = [];
  const isLess = (a: [number, number], b: [number, number]) => a[0] - b[0] || a[1] - b[1];
  for (const [k, item] of all.entries()) {
    queue.putNowait(item);
    model.push(item);
    if (k % 3 !== 2) continue;
    model.sort(isLess);
    assertEquals(queue.getNowait(), model.shift());
  }
  model.sort(isLess);
  assertEquals(model.map(() => queue.getNowait()), model);
});

test("PriorityQueue.put() of what has no order throws TypeError, and puts nothing", async () => {
  const queue = new PriorityQueue<unknown>();
  for (const item of [{}, NaN, null, undefined, true, new Map()]) {
    assertThrows(() => queue.putNowait(item), TypeError, "no order");
  }
  queue.putNowait(1);
  assertThrows(() => queue.putNowait("1"), TypeError, "no order");
  await assertRejects(() => queue.put([1]), TypeError, "no order");
  assertThrows(() => queue.putNowait(() => {}), TypeError, "no order");
  assertThrows(() => queue.putNowait([2, () => {}]), ShareError, "item[1]");
  assertEquals([queue.qsize(), queue.getNowait()], [1, 1]);
  queue.taskDone();
  assertEquals(queue.joinSync({ timeout: 0 }), true);
});

test("PriorityQueue refuses a compare that others could not find, or that uses the queue", () => {
  assertThrows(() => new PriorityQueue(0, 5 as never), TypeError, "compare");
  assertThrows(() => new PriorityQueue(-1), RangeError, "maxsize");
  assertThrows(() => new PriorityQueue(0, (a: number, b: number) => a - b), TypeError, "task(");
  urgent.queue = new PriorityQueue<number>(0, isUrgent);
  urgent.queue.putNowait(1);
  assertThrows(() => urgent.queue!.putNowait(2), Error, "compares its items");
  assertEquals([urgent.queue.qsize(), urgent.queue.getNowait()], [1, 1]);
});

for (const [name, Kind] of kinds) {
  test(`${name} waits for room and for items, no longer than its timeout`, async () => {
    const queue = new Kind<number>(1);
    await assertRejects(() => queue.get({ timeout: 5 }), Empty);
    assertThrows(() => queue.getSync({ timeout: 5 }), Empty);
    assertThrows(() => queue.getNowait(), Empty);
    await queue.put(1);
    assert(queue.full());
    await assertRejects(() => queue.put(2, { timeout: 5 }), Full);
    assertThrows(() => queue.putSync(2, { timeout: 5 }), Full);
    assertThrows(() => queue.putNowait(2), Full);
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    await assertRejects(() => queue.put(2, { signal }), Error, "enough");
    const put = queue.put(2);
    assertEquals(await queue.get(), 1);
    await put;
    assertEquals(await queue.get(), 2);
    const got = queue.get();
    queue.putSync(3);
    assertEquals(await got, 3);
    assertEquals(await queue.join({ timeout: 0 }), false);
    for (let k = 0; k < 3; k++) queue.taskDone();
    assertEquals(await queue.join(), true);
    assertThrows(() => queue.taskDone(), RangeError);
  });

  test(`${name}.shutdown() ends who waits, and gives what is left`, async () => {
    const queue = new Kind<number>();
    const waits = assertRejects(() => queue.get(), ShutDown);
    queue.shutdown();
    await waits;
    assertThrows(() => queue.putNowait(1), ShutDown);

    const full = new Kind<number>(2);
    for (const k of [1, 2]) full.putNowait(k);
    const put = assertRejects(() => full.put(3), ShutDown);
    full.shutdown();
    await put;
    assertEquals((await Array.fromAsync(full)).sort(), [1, 2]);

    const dropped = new Kind<number>();
    for (const k of [1, 2]) dropped.putNowait(k);
    dropped.shutdown({ immediate: true });
    assertThrows(() => dropped.getNowait(), ShutDown);
    assertEquals([dropped.qsize(), await dropped.join({ timeout: 0 })], [0, true]);
  });

  test(`${name} gives memory back`, async () => {
    const queue = new Kind<[number, { text: string }]>();
    // More than is there, in cells and in blocks.
    for (let k = 0; k < 20; k++) {
      const text = "x".repeat(k % 2 === 0 ? 60_000 : 1 << 20);
      for (let n = 0; n < 80; n++) await queue.put([n, { text }], { timeout: 5_000 });
      for (let n = 0; n < 80; n++) queue.getNowait();
    }
    for (let k = 0; k < 10; k++) {
      const text = "x".repeat(k % 2 === 0 ? 60_000 : 1 << 20);
      const dropped = new Kind<[number, { text: string }]>();
      for (let n = 0; n < 100; n++) await dropped.put([n, { text }], { timeout: 5_000 });
      dropped.shutdown({ immediate: true });
    }
  });

  test(`${name}.shutdown({ immediate: true }) closes the ends of pipes that it drops`, async () => {
    const queue = new Kind<unknown>();
    const [mine, theirs] = pipe();
    await queue.put([1, { theirs }]);
    theirs.close();
    queue.shutdown({ immediate: true });
    await assertRejects(() => mine.recv({ timeout: 10_000 }), EOFError);
    mine.close();
  });

  for (
    const point of ["put: before the bytes", "put: before it counts", "put: before the wake-up"]
  ) {
    for (const size of [0, 300_000]) {
      test(`${name} keeps what was put when its producer is killed ${point.slice(5)}, ${size} more bytes`, async () => {
        const queue = new Kind<number | [number, string]>();
        const child = new Process(targets.putUntilKilled, {
          args: [queue as never, point, 5, size],
        }).start();
        await child.join();
        assertEquals(child.exitcode, -9);
        const there = point.endsWith("wake-up") ? 5 : 4;
        assertEquals(queue.qsize(), there);
        await queue.put(size === 0 ? 100 : [100, ""]);
        const got: number[] = [];
        while (!queue.empty()) {
          const item = await queue.get({ timeout: 2_000 });
          got.push(typeof item === "number" ? item : item[0]);
        }
        const sorted = [...range(0, there), 100];
        assertEquals(got, name === "LifoQueue" ? sorted.reverse() : sorted);
      });
    }
  }

  for (const point of ["get: before it counts", "get: before the wake-up"]) {
    test(`${name} loses at most one item when its consumer is killed ${point.slice(5)}`, async () => {
      const queue = new Kind<number>(10);
      for (let k = 0; k < 10; k++) await queue.put(k);
      const child = new Process(targets.getUntilKilled, { args: [queue, point, 3] }).start();
      await child.join();
      const gone = point.endsWith("wake-up") ? 3 : 2;
      assertEquals(queue.qsize(), 10 - gone);
      const order = name === "LifoQueue" ? range(0, 10).reverse() : range(0, 10);
      for (const k of order.slice(gone)) assertEquals(await queue.get({ timeout: 2_000 }), k);
      assertThrows(() => queue.getNowait(), Empty);
      for (let k = 0; k < 10; k++) await queue.put(k, { timeout: 2_000 });
    });
  }

  test(`${name} survives kills at random, ${ROUNDS} rounds`, async () => {
    for (let round = 0; round < ROUNDS; round++) {
      const queue = new Kind<targets.Item>(round % 2 === 0 ? 0 : 50);
      const done = new Event();
      const start = (target: unknown, args: unknown[]) =>
        (new Process(target as never, { args } as never) as Process).start();
      const producers = [0, 1].map((from) => start(putTagged, [queue, from]));
      const consumers = [0, 1].map(() => start(getTagged, [queue, done]));
      await until(() => queue.qsize() > 0 || queue.full());
      producers[0]!.kill();
      consumers[0]!.kill();
      await Promise.all([producers[0]!.join(), consumers[0]!.join()]);
      producers[1]!.kill();
      await producers[1]!.join();
      done.set();
      const items = await consumers[1]!.result() as string[];
      await consumers[1]!.join();
      assertEquals(new Set(items).size, items.length);
      assertEquals(queue.qsize(), 0);
    }
  }, 60_000);
}
