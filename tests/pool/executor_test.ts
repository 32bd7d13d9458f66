/**
 * What executors do with what is submitted: order, limits, and their end.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { delay } from "@std/async";
import { Full } from "../../lib/errors.ts";
import { CancelledError, Future, wait } from "../../lib/futures.ts";
import {
  add,
  echo,
  heed,
  meet,
  nameOf,
  note,
  nothing,
  open,
  pass,
  pidOf,
  report,
  square,
  squareLater,
  unmarked,
} from "./_targets.ts";
import { isAlive } from "../_help/alive.ts";
import { until } from "../_help/until.ts";
import { endOf, LONG, SHARING, SHORT, test } from "./_world.ts";

/** Trains the engine on tiny tasks, so that it hands them out in deep batches. */
async function train(executor: { submit(target: typeof square, x: number): Future<number> }) {
  const futures = Array.from({ length: 2_000 }, (_, k) => executor.submit(square, k));
  await Promise.all(futures.map((future) => future.result()));
}

test("Executor.submit() gives a Future of what the target returns", async (world) => {
  const executor = world.executor();
  const future = executor.submit(square, 12);
  assertInstanceOf(future, Future);
  assertEquals(await future.result(), 144);
  assertEquals(await executor.submit(squareLater, 5).result(), 25);
  assertEquals(await executor.submit(add, 1, 2).result(), 3);
  assertEquals(await executor.submit(nothing).result(), undefined);
});

test("Executor.submit() brings values over as they are", async (world) => {
  const executor = world.executor(1);
  const values = [
    ...[undefined, null, NaN, -0, 1n, "ü\ud800", new Date(0), /x/g],
    ...[new Map([[1, new Set([2])]]), new Uint8Array([1, 2]), [{ a: [] }]],
  ];
  assertEquals(await executor.submit(echo, values).result(), values);
  for (const value of values) assertEquals(await executor.submit(echo, value).result(), value);
  const cyclic: Record<string, unknown> = { n: 1 };
  cyclic.self = cyclic;
  const back = await executor.submit(echo, cyclic).result() as typeof cyclic;
  assert(back.self === back, "a cyclic value did not come back as one");
});

test("Executor.submit() refuses what is no target at the call", async (world) => {
  const executor = world.executor(1);
  for (const bad of [() => 1, square.bind(null, 1), 5, null, "square", undefined]) {
    assertThrows(() => executor.submit(bad as never), TypeError, "Cannot");
  }
  assertEquals(executor.stats().queued, 0);
  await assertRejects(() => executor.submit(unmarked).result(), TypeError, "unmarked");
  assertEquals(await executor.submit(square, 2).result(), 4);
});

test("Executor.submit() keeps results apart, however many there are", async (world) => {
  const executor = world.executor(3);
  const numbers = Array.from({ length: 3_000 }, (_, k) => k);
  const futures = numbers.map((k) => executor.submit(k % 100 === 0 ? squareLater : square, k));
  const results = await Promise.all(futures.map((future) => future.result()));
  assertEquals(results, numbers.map((k) => k * k));
});

test("Executor.submit() runs as many at once as there are workers", async (world) => {
  const executor = world.executor(3);
  for (const trained of [false, true]) {
    if (trained) await train(executor);
    const barrier = new world.face.Barrier(3);
    const futures = [1, 2, 3].map(() => executor.submit(meet, barrier));
    assertEquals(await Promise.all(futures.map((each) => each.result())), ["met", "met", "met"]);
  }
}, SHARING);

test("Executor.submit() lets no task wait behind a long one while a worker idles", async (world) => {
  const executor = world.executor(2);
  await train(executor);
  for (let round = 0; round < 5; round++) {
    const gate = world.gate();
    const long = executor.submit(pass, gate, "long");
    const short = Array.from({ length: 10 }, (_, k) => executor.submit(square, k));
    assertEquals(
      await Promise.all(short.map((future) => future.result())),
      [0, 1, 4, 9, 16, 25, 36, 49, 64, 81],
    );
    assertEquals(long.done(), false);
    // Whichever of two waits, the other comes to the one that lets it go on.
    const first = executor.submit(open, gate);
    await Promise.all([first.result(), long.result()]);
  }
});

test("Executor.submit() runs tasks in the order of the calls", async (world) => {
  const executor = world.executor(1);
  const order = new world.face.Array("i32", 50);
  const next = new world.face.Value("i32");
  const gate = world.gate();
  await world.occupy(executor, gate);
  const futures = Array.from({ length: 50 }, (_, k) => executor.submit(note, k, order, next));
  assertEquals(executor.stats().queued, 50);
  gate.set();
  await wait(futures);
  assertEquals(order.toArray(), Array.from({ length: 50 }, (_, k) => k));
}, SHARING);

test("Executor.submitWith() runs higher priorities first, equals in order", async (world) => {
  const executor = world.executor(1);
  const priorities = [0, 5, -1, 5, undefined, 10, 0, -1.5];
  const order = new world.face.Array("i32", priorities.length);
  const next = new world.face.Value("i32");
  const gate = world.gate();
  await world.occupy(executor, gate);
  const futures: Future<void>[] = [];
  for (const [k, priority] of priorities.entries()) {
    const options = priority === undefined ? {} : { priority };
    futures.push(executor.submitWith(options, note, k, order, next));
    // Some come when earlier ones have long been handed on.
    if (k % 3 === 2) await delay(5);
  }
  gate.set();
  await wait(futures);
  assertEquals(order.toArray(), [5, 1, 3, 0, 4, 6, 2, 7]);
}, SHARING);

test("Executor.submit() throws Full when maxQueue tasks wait", async (world) => {
  const executor = world.executor(1, { maxQueue: 2 });
  const gate = world.gate();
  await world.occupy(executor, gate);
  const futures = [1, 2].map((k) => executor.submit(square, k));
  assertThrows(() => executor.submit(square, 3), Full);
  assertThrows(() => executor.submitWith({ priority: 9 }, square, 3), Full);
  assertEquals(executor.stats().queued, 2);
  assertEquals(futures[1].cancel(), true);
  futures[1] = executor.submit(square, 4);
  assertThrows(() => executor.submit(square, 3), Full);
  gate.set();
  assertEquals(await Promise.all(futures.map((future) => future.result())), [1, 16]);
  assertEquals(await executor.submit(square, 5).result(), 25);
});

test("Executor options namePrefix and context() name the worker", async (world) => {
  const executor = world.executor(2, { namePrefix: "clerk" });
  const barrier = new world.face.Barrier(2);
  await Promise.all([1, 2].map(() => executor.submit(meet, barrier).result()));
  const names = await Promise.all(
    Array.from({ length: 20 }, () => executor.submit(nameOf).result()),
  );
  for (const name of names) assertMatch(name, /^clerk/);
  assert(new Set(names).size <= 2, `more than two workers: ${[...new Set(names)]}`);
  const plain = world.executor(1);
  assert(await plain.submit(nameOf).result() !== "", "a worker without a name");
}, SHARING);

test("Executor workers are in processes of their own, or in this one", async (world) => {
  const executor = world.executor(1);
  const pid = await executor.submit(pidOf).result();
  assertEquals(pid === Deno.pid, world.name === "threads");
  assertEquals(await executor.submit(pidOf).result(), pid);
});

test("Executor reports reach onReport in order, before the result", async (world) => {
  const executor = world.executor(2);
  const values = [{ k: 0 }, [1n], new Map([["a", new Date(0)]]), undefined, "last"];
  const seen: unknown[] = [];
  const future = executor.submitWith({ onReport: (value) => seen.push(value) }, report, values);
  const others = [1, 2, 3].map((k) => executor.submit(report, [k]));
  assertEquals(await future.result(), 5);
  assertEquals(seen, values);
  await wait(others);
  assertEquals(seen.length, 5);
});

// The end

test("Executor.shutdown() waits for all that was submitted, and takes no more", async (world) => {
  const executor = world.executor(2);
  const futures = Array.from({ length: 20 }, (_, k) => executor.submit(squareLater, k));
  const shutdown = executor.shutdown();
  assertThrows(() => executor.submit(square, 1), Error, "Cannot");
  assertThrows(() => executor.submitWith({}, square, 1), Error, "Cannot");
  await shutdown;
  assertEquals(futures.filter((future) => !future.done()), []);
  assertEquals(await futures[19].result(), 361);
  await assertRejects(async () => await executor.map(square, [1]).next(), Error, "Cannot");
  assertEquals(executor.stats().workers, 0);
});

test("Executor.shutdown() of one that was never used, and again", async (world) => {
  const executor = world.executor(2);
  await executor.shutdown();
  await executor.shutdown();
  await executor.shutdown({ wait: false, cancelFutures: true });
  assertThrows(() => executor.submit(square, 1), Error, "Cannot");
});

test("Executor.shutdown({ wait: false }) returns, and the rest is done", async (world) => {
  const executor = world.executor(1);
  const gate = world.gate();
  const running = await world.occupy(executor, gate);
  const queued = executor.submit(square, 3);
  await executor.shutdown({ wait: false });
  assertEquals([running.done(), queued.done()], [false, false]);
  gate.set();
  assertEquals([await running.result(), await queued.result()], ["through", 9]);
  await executor.shutdown();
});

test("Executor.shutdown({ cancelFutures: true }) lets running tasks end", async (world) => {
  const executor = world.executor(1);
  const gate = world.gate();
  const running = await world.occupy(executor, gate);
  const queued = [1, 2, 3].map((k) => executor.submit(square, k));
  const shutdown = executor.shutdown({ cancelFutures: true });
  for (const future of queued) {
    await assertRejects(() => future.result(), CancelledError);
    assertEquals([future.cancelled(), future.done()], [true, true]);
  }
  assertEquals(running.running(), true);
  gate.set();
  await shutdown;
  assertEquals(await running.result(), "through");
});

test("Executor.shutdown({ cancelFutures: true }) after a patient one cancels too", async (world) => {
  const executor = world.executor(1);
  const gate = world.gate();
  await world.occupy(executor, gate);
  const queued = executor.submit(square, 1);
  const patient = executor.shutdown();
  const hasty = executor.shutdown({ cancelFutures: true });
  await assertRejects(() => queued.result(), CancelledError);
  gate.set();
  await Promise.all([patient, hasty]);
});

test("Executor `await using` waits for what was submitted", async (world) => {
  const futures: Future<number>[] = [];
  {
    await using executor = new world.Executor(2);
    for (let k = 0; k < 5; k++) futures.push(executor.submit(squareLater, k));
  }
  assertEquals(futures.map((future) => future.done()), [true, true, true, true, true]);
  assertEquals(await futures[4].result(), 16);
});

test("Executor.shutdown() leaves no process", async (world) => {
  const executor = world.executor(2);
  const barrier = new world.face.Barrier(2);
  await Promise.all([1, 2].map(() => executor.submit(meet, barrier).result()));
  const pids = await Promise.all([1, 2, 3, 4].map(() => executor.submit(pidOf).result()));
  await executor.shutdown();
  await until(() => !pids.some(isAlive));
}, { ...SHARING, skip: { threads: "its workers are no processes" } });

test("Executor.shutdown() does not wait for what a task left behind", async (world) => {
  const executor = world.executor(1);
  const ended = world.gate();
  const started = Promise.withResolvers<unknown>();
  const future = executor.submitWith({ onReport: started.resolve }, heed, ended);
  await started.promise;
  future.cancel({ running: true });
  assertEquals(await endOf(future), "CancelledError");
  await executor.shutdown();
  assertEquals(executor.stats().running, 0);
});

test("Executor of a default size works", async (world) => {
  await using executor = new world.Executor();
  assertEquals(await executor.submit(square, 3).result(), 9);
});

test("Executor.submitWith({ timeout }) leaves a quick task alone", async (world) => {
  const executor = world.executor(1);
  const future = executor.submitWith({ timeout: LONG }, square, 3);
  assertEquals(await future.result(), 9);
  await delay(SHORT);
  assertEquals(await executor.submit(square, 4).result(), 16);
});
