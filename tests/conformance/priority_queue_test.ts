/**
 * The order of a PriorityQueue, between threads and between processes.
 *
 * @module
 */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import * as multiprocessing from "../../lib/multiprocessing.ts";
import { PriorityQueue } from "../../lib/queue.ts";
import { ShareError } from "../../lib/errors.ts";
import * as targets from "./_queue_targets.ts";
import { type AnyQueue, FORMS, Job } from "./_queue_targets.ts";
import { KINDS, range } from "./_queues.ts";
import { test, type World } from "./_world.ts";

type Make = <T>(compare?: (a: T, b: T) => number) => AnyQueue<T>;

const makers: Record<string, Make> = {
  "queue.PriorityQueue": (compare) => new PriorityQueue(0, compare),
  "multiprocessing.PriorityQueue": (compare) => new multiprocessing.PriorityQueue(0, compare),
};

for (const [kind, make] of Object.entries(makers)) {
  const { skip } = KINDS.find(({ name }) => name === kind)!;
  const each = (name: string, fn: (world: World) => Promise<void>) =>
    test(`${kind}${name}`, fn, { skip, limit: 60_000 });

  each(" gives out the least first, ties in the order of put", async (world) => {
    const cases: [items: unknown[], sorted: unknown[]][] = [
      [[3, 1, 2, -5, 1.5], [-5, 1, 1.5, 2, 3]],
      [["b", "a", "ab"], ["a", "ab", "b"]],
      [[3n, 1, 2n], [1, 2n, 3n]],
      [[new Date(2), new Date(1)], [new Date(1), new Date(2)]],
      [[[2, "x"], [1, "z"], [1, "y"], [1]], [[1], [1, "y"], [1, "z"], [2, "x"]]],
      [[[2, "x"], [1, "z"]], [[1, "z"], [2, "x"]]],
      [[[1, 0, { a: 1 }], [1, 1, { a: 0 }]], [[1, 0, { a: 1 }], [1, 1, { a: 0 }]]],
      [[[2, 0, "x".repeat(70_000)], [1, 1, new Map([[1, 2]])]], [
        [1, 1, new Map([[1, 2]])],
        [2, 0, "x".repeat(70_000)],
      ]],
    ];
    const queues = cases.map(() => make<unknown>());
    for (const [k, [items, sorted]] of cases.entries()) {
      const queue = queues[k]!;
      for (const item of items) queue.putNowait(item);
      assertEquals(items.map(() => queue.getNowait()), sorted);
    }
    const puts = cases.map(([items], k) => [queues[k]!, items] as [AnyQueue<unknown>, unknown[]]);
    await world.run(targets.putEach, [puts]);
    const gets = cases.map(([items], k) =>
      [queues[k]!, items.length] as [AnyQueue<unknown>, number]
    );
    assertEquals(await world.run(targets.getEach, [gets]), cases.map(([, sorted]) => sorted));
  });

  each(" sorts many, put and got in turns", () => {
    const queue = make<[number, number]>();
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
    return Promise.resolve();
  });

  each(" compares by a target, of whoever puts or gets", async (world) => {
    const queue = make<Job>(targets.runsLast);
    for (const k of [2, 5, 1]) await queue.put(new Job(k));
    assertEquals((await queue.get()).n, 5);
    await world.run(targets.putAll, [queue, [3, 9].map((k) => new Job(k)), "async"]);
    const got = await world.run(targets.getSome<Job>, [queue, 2, "sync"]);
    assertEquals(got.map(({ n }) => n), [9, 3]);
    assertEquals([queue.getSync().n, queue.getNowait().n], [2, 1]);
    const theirs = await world.run(targets.makePriority, [kind]);
    assertEquals([theirs.getNowait().n, theirs.getNowait().n], [2, 1]);
  });

  each(".put() of what has no order throws TypeError, and puts nothing", async (world) => {
    const queue = make<unknown>();
    for (const item of [{}, NaN, null, undefined, true, new Map()]) {
      assertThrows(() => queue.putNowait(item), TypeError, "no order");
    }
    queue.putNowait(1);
    assertThrows(() => queue.putNowait("1"), TypeError, "no order");
    assertThrows(() => queue.putNowait([1]), TypeError, "no order");
    await assertRejects(() => queue.put([1]), TypeError, "no order");
    assertThrows(() => queue.putNowait(() => {}), TypeError, "no order");
    assertThrows(() => queue.putNowait([2, () => {}]), Error);
    for (const form of FORMS) {
      assertEquals(await world.run(targets.putIncomparable, [queue, form]), "TypeError");
    }
    assertEquals([queue.qsize(), queue.getNowait()], [1, 1]);
    assertThrows(() => queue.putNowait([2, () => {}]), ShareError, "item[1]");
    queue.taskDone();
    assertEquals(queue.joinSync({ timeout: 0 }), true);
    assertThrows(() => make(5 as never), TypeError, "compare");
  });
}
