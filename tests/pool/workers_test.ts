/**
 * How workers are made ready, come and go; and what stats() tells of it all.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertLessOrEqual,
  assertRejects,
} from "@std/assert";
import { delay } from "@std/async";
import type { Executor } from "../../lib/futures.ts";
import {
  countHere,
  countRun,
  echo,
  fail,
  getHere,
  keepQueue,
  meet,
  nothing,
  openLate,
  putKept,
  setHere,
  setHereLater,
  sleep,
  square,
  workerId,
} from "./_targets.ts";
import { until } from "../_help/until.ts";
import { collect, endOf, Input, SHARING, SHORT, test, type World } from "./_world.ts";

/** Has so many workers busy at once, so that they are all there. */
async function fill(world: World, executor: Executor, workers: number): Promise<void> {
  const barrier = new world.face.Barrier(workers);
  await Promise.all(Array.from({ length: workers }, () => executor.submit(meet, barrier).result()));
}

// Initializers

test("initializer runs once in each worker, before its first task", async (world) => {
  const runs = new world.face.Value("i32");
  const executor = world.executor(2, { initializer: setHere, initArgs: ["ready", 5] });
  const plain = world.executor(2, { initializer: countRun, initArgs: [runs] });
  const all = Array.from({ length: 20 }, () => executor.submit(getHere));
  for (const future of all) assertEquals(await future.result(), ["ready", 5]);
  await fill(world, plain, 2);
  await Promise.all(Array.from({ length: 20 }, () => plain.submit(nothing).result()));
  assertEquals(runs.value, 2);
}, SHARING);

test("initializer that is async is waited for", async (world) => {
  const executor = world.executor(1, { initializer: setHereLater, initArgs: ["later"] });
  assertEquals(await executor.submit(getHere).result(), ["later"]);
});

test("initializer's arguments are locks and queues, too", async (world) => {
  const queue = world.queue<string>();
  const executor = world.executor(2, { initializer: keepQueue as never, initArgs: [queue] });
  const futures = ["a", "b", "c"].map((item) => executor.submit(putKept, item));
  const items = [await queue.get(), await queue.get(), await queue.get()];
  assertEquals(items.sort(), ["a", "b", "c"]);
  await Promise.all(futures.map((future) => future.result()));
}, SHARING);

test("initializer of a pool runs in its workers, the new ones, too", async (world) => {
  const pool = world.pool(1, { initializer: setHere, initArgs: ["ready"], maxTasksPerChild: 1 });
  for (let k = 0; k < 3; k++) assertEquals(await pool.apply(getHere, []), ["ready"]);
});

test("a slow initializer holds up nobody but its own tasks", async (world) => {
  const [gate, told] = [world.gate(), world.gate()];
  const slow = world.executor(1, { initializer: openLate, initArgs: [gate, told] });
  const waiting = slow.submit(square, 3);
  await told.wait();
  assertEquals(await world.executor(1).submit(square, 4).result(), 16);
  assertEquals([waiting.done(), waiting.running()], [false, false]);
  gate.set();
  assertEquals(await waiting.result(), 9);
});

// Recycling

test("maxTasksPerWorker replaces a worker after so many tasks", async (world) => {
  const executor = world.executor(1, { maxTasksPerWorker: 2 });
  const counts: number[] = [];
  for (let k = 0; k < 5; k++) counts.push(await executor.submit(countHere).result());
  assertEquals(counts, [1, 2, 1, 2, 1]);
});

test("maxTasksPerWorker counts tasks that were submitted all at once, and failures", async (world) => {
  const executor = world.executor(1, { maxTasksPerWorker: 3 });
  const futures = Array.from({ length: 7 }, () => executor.submit(countHere));
  const counts = await Promise.all(futures.map((future) => future.result()));
  assertEquals(counts, [1, 2, 3, 1, 2, 3, 1]);
  const other = world.executor(1, { maxTasksPerWorker: 2 });
  const ends: unknown[] = [];
  for (let k = 0; k < 2; k++) {
    ends.push(await endOf(other.submit(fail, "ticket")), await other.submit(countHere).result());
  }
  assertEquals(ends, ["TicketError", 1, "TicketError", 1]);
});

test("maxTasksPerChild replaces a pool's worker after so many tasks", async (world) => {
  const pool = world.pool(1, { maxTasksPerChild: 2 });
  const counts = await pool.map(countHere as (k: number) => number, new Input(5), { chunksize: 1 });
  assertEquals(counts, [1, 2, 1, 2, 1]);
});

test("maxTasksPerWorker loses no task, and starts not more workers than allowed", async (world) => {
  const executor = world.executor(2, { maxTasksPerWorker: 5 });
  const futures = Array.from({ length: 40 }, (_, k) => executor.submit(square, k));
  let most = 0;
  for (const [k, future] of futures.entries()) {
    assertEquals(await future.result(), k * k);
    most = Math.max(most, executor.stats().workers);
  }
  // The successor may be on its way while the one before it leaves.
  assertLessOrEqual(most, 4);
});

// Coming and going

test("workers come as they are needed", async (world) => {
  const executor = world.executor(3);
  const gate = world.gate();
  for (let k = 1; k <= 3; k++) {
    await world.occupy(executor, gate);
    assertGreaterOrEqual(executor.stats().workers, k);
    assertLessOrEqual(executor.stats().workers, 3);
  }
  gate.set();
});

test("idleTimeout lets idle workers leave, and new ones come", async (world) => {
  const executor = world.executor(2, { idleTimeout: SHORT });
  await fill(world, executor, 2);
  const before = await executor.submit(workerId).result();
  await until(() => executor.stats().workers === 0);
  assertEquals(await executor.submit(square, 3).result(), 9);
  assert(await executor.submit(workerId).result() !== before, "the worker is the same");
  await fill(world, executor, 2);
}, SHARING);

test("idleTimeout lets minWorkers stay", async (world) => {
  const executor = world.executor(3, { idleTimeout: SHORT, minWorkers: 1 });
  await fill(world, executor, 3);
  await until(() => executor.stats().workers === 1);
  const before = await executor.submit(workerId).result();
  await delay(5 * SHORT);
  assertEquals(executor.stats().workers, 1);
  assertEquals(await executor.submit(workerId).result(), before);
}, SHARING);

test("idleTimeout takes no worker that runs a long task", async (world) => {
  const executor = world.executor(1, { idleTimeout: SHORT });
  const before = await executor.submit(workerId).result();
  const gate = world.gate();
  const long = await world.occupy(executor, gate);
  const after = executor.submit(workerId);
  await delay(3 * SHORT);
  gate.set();
  assertEquals(await long.result(), "through");
  assertEquals(await after.result(), before);
});

test("idleTimeout that ends while tasks come loses none", async (world) => {
  const executor = world.executor(1, { idleTimeout: 1 });
  for (let k = 0; k < 15; k++) {
    assertEquals(await executor.submit(square, k).result(), k * k);
    await delay(k % 3);
  }
}, { limit: 60_000 }); // fifteen workers are started, one after the other

// Statistics

test("stats() of a new executor is all zeros", (world) => {
  const { queued, running, completed, failed, runTime, waitTime } = world.executor(1).stats();
  assertEquals([queued, running, completed, failed], [0, 0, 0, 0]);
  for (const times of [runTime, waitTime]) {
    assertEquals(times, { mean: 0, p50: 0, p99: 0 });
  }
});

test("stats() counts what waits, runs, is done and has failed", async (world) => {
  const executor = world.executor(2);
  const gates = [world.gate(), world.gate()];
  const running = [await world.occupy(executor, gates[0]), await world.occupy(executor, gates[1])];
  const queued = [1, 2, 3].map((k) => executor.submit(square, k));
  const failing = executor.submit(fail, "ticket");
  const count = () => {
    const { queued, running, completed, failed } = executor.stats();
    return { queued, running, completed, failed };
  };
  assertEquals(count(), { queued: 4, running: 2, completed: 0, failed: 0 });
  assertEquals(executor.stats().workers, 2);
  for (const gate of gates) gate.set();
  await Promise.all([...running, ...queued].map((future) => future.result()));
  await failing.exception();
  assertEquals(count(), { queued: 0, running: 0, completed: 5, failed: 1 });
  // What is taken back waits no more, and was not completed.
  const gate = world.gate();
  const occupied = [await world.occupy(executor, gate), await world.occupy(executor, gate)];
  const cancelled = executor.submit(square, 1);
  assertEquals(count().queued, 1);
  cancelled.cancel();
  assertEquals(count().queued, 0);
  gate.set();
  await Promise.all(occupied.map((future) => future.result()));
  assertEquals(count().completed, 7);
});

test("stats() gives mean, p50 and p99 in ms", async (world) => {
  const executor = world.executor(1);
  await executor.submit(echo, 1).result();
  const futures = Array.from({ length: 10 }, () => executor.submit(sleep, 10));
  await Promise.all(futures.map((future) => future.result()));
  const { runTime, waitTime } = executor.stats();
  for (const { mean, p50, p99 } of [runTime, waitTime]) {
    assert(mean >= 0 && p50 >= 0 && p50 <= p99, `mean ${mean}, p50 ${p50}, p99 ${p99}`);
  }
  // Timers may fire a little early.
  assert(runTime.p50 > 8 && runTime.p50 < 5_000, `p50 of tasks of 10 ms: ${runTime.p50} ms`);
  assert(waitTime.p99 > 60, `the last of ten waited ${waitTime.p99} ms`);
});

test("stats() counts the items of a map, one by one or in chunks", async (world) => {
  const executor = world.executor(2);
  await collect(executor.map(square, new Input(100)));
  const { completed, queued, running } = executor.stats();
  assert(completed >= 1 && completed <= 100, `${completed} completed`);
  assertEquals([queued, running], [0, 0]);
  await assertRejects(async () => await executor.submit(fail, "ticket").result());
  assertEquals(executor.stats().failed, 1);
});
