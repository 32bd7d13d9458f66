/**
 * How waiting and running tasks are cancelled, and what others notice of it: nothing.
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertStrictEquals } from "@std/assert";
import { delay } from "@std/async";
import { CancelledError, type Executor, type Future, TimeoutError } from "../../lib/futures.ts";
import {
  block,
  countRun,
  heed,
  heedAndThrow,
  heedBriefly,
  idle,
  isAborted,
  pidOf,
  setAndIdle,
  spin,
  square,
  workerId,
} from "./_targets.ts";
import { isAlive } from "../_help/alive.ts";
import { until } from "../_help/until.ts";
import { LONG, SHARING, SHORT, test, type World } from "./_world.ts";

/** The ways to cancel a running task, and what its future rejects with. */
const WAYS = {
  "signal": (reason: Error) => {
    const controller = new AbortController();
    return {
      options: { signal: controller.signal },
      cancel: () => controller.abort(reason),
      check: (error: unknown) => assertStrictEquals(error, reason),
    };
  },
  "cancel({ running: true })": () => ({
    options: {},
    cancel: (future: Future<unknown>) => future.cancel({ running: true }),
    check: (error: unknown) => assert(error instanceof CancelledError, `rejected with ${error}`),
  }),
  "timeout": () => ({
    options: { timeout: SHORT },
    cancel: () => {},
    check: (error: unknown) => assert(error instanceof TimeoutError, `rejected with ${error}`),
  }),
};

/** Starts a task, and gives its first report. */
async function started<A extends unknown[], R>(
  executor: Executor,
  options: { signal?: AbortSignal; timeout?: number },
  target: (...args: A) => R | PromiseLike<R>,
  ...args: NoInfer<A>
): Promise<{ future: Future<R>; report: unknown }> {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const future = executor.submitWith({ ...options, onReport: resolve }, target, ...args);
  const ended = future.exception().catch((error) => error);
  return { future, report: await Promise.race([promise, ended]) };
}

for (const [way, make] of Object.entries(WAYS)) {
  const reason = new Error("enough");

  test(`${way} of a running task aborts its signal`, async (world) => {
    const executor = world.executor(1, { grace: LONG });
    const ended = world.gate();
    const { options, cancel, check } = make(reason);
    const { future } = await started(executor, options, heed, ended);
    cancel(future);
    check(await assertRejects(() => future.result()));
    assertEquals(await ended.wait({ timeout: LONG }), true, "the task's signal did not abort");
    assertEquals(await executor.submit(isAborted).result(), false, "the next is aborted, too");
  });

  test(`${way} of a task that heeds it keeps the worker`, async (world) => {
    const executor = world.executor(1, { grace: LONG });
    const before = await executor.submit(workerId).result();
    const { options, cancel, check } = make(reason);
    const { future } = await started(executor, options, heedAndThrow);
    cancel(future);
    check(await assertRejects(() => future.result()));
    // The same worker, with its variables.
    assertEquals(await executor.submit(workerId).result(), before);
  });

  test(`${way} of a task that does not heed it ends its worker after the grace`, async (world) => {
    const executor = world.executor(1, { grace: SHORT });
    const before = await executor.submit(workerId).result();
    const { options, cancel, check } = make(reason);
    const { future, report } = await started(executor, options, idle);
    const next = executor.submit(square, 3);
    cancel(future);
    check(await assertRejects(() => future.result()));
    assertEquals(await next.result(), 9);
    assert(await executor.submit(workerId).result() !== before, "the worker is the same");
    if (world.name === "processes") await until(() => !isAlive(report as number));
  });

  test(`${way} is not forgotten when the end of the task before is heard after it`, async (world) => {
    const executor = world.executor(1, { grace: SHORT });
    const { options, cancel, check } = make(reason);
    const [gate, begun] = [world.gate(), world.gate()];
    await world.occupy(executor, gate);
    const late = executor.submitWith(options, setAndIdle, begun);
    late.exception().catch(() => {});
    const next = executor.submit(square, 3);
    // The worker gets them; then nothing is heard of it while this thread does not pause.
    await delay(SHORT);
    gate.set();
    for (const began = performance.now(); !begun.isSet() && performance.now() - began < LONG;);
    for (const began = performance.now(); performance.now() - began < 2 * SHORT;);
    assert(begun.isSet());
    cancel(late);
    check(await assertRejects(() => late.result()));
    assertEquals(await next.result(), 9);
  });

  test(`${way} of a task that blocks its worker ends it after the grace`, async (world) => {
    const executor = world.executor(1, { grace: SHORT });
    const { options, cancel, check } = make(reason);
    const { future } = await started(executor, options, block, world.gate());
    const next = executor.submit(square, 3);
    cancel(future);
    check(await assertRejects(() => future.result()));
    assertEquals(await next.result(), 9);
  });

  test(`${way} of a task that never pauses ends its worker after the grace`, async (world) => {
    const executor = world.executor(1, { grace: SHORT });
    const { options, cancel, check } = make(reason);
    const { future, report } = await started(executor, options, spin);
    const next = executor.submit(square, 3);
    cancel(future);
    check(await assertRejects(() => future.result()));
    assertEquals(await next.result(), 9);
    await until(() => !isAlive(report as number));
  }, {
    skip: { threads: "such a thread keeps a core until the program ends: see program_test.ts" },
  });

  test(`${way} of a running task disturbs no other`, async (world) => {
    const executor = world.executor(2, { grace: SHORT });
    const gate = world.gate();
    const other = await world.occupy(executor, gate);
    const { options, cancel, check } = make(reason);
    const { future } = await started(executor, options, idle);
    const queued = Array.from({ length: 20 }, (_, k) => executor.submit(square, k));
    cancel(future);
    check(await assertRejects(() => future.result()));
    const squares = await Promise.all(queued.map((each) => each.result()));
    assertEquals(squares, queued.map((_, k) => k * k));
    assertEquals(other.running(), true);
    gate.set();
    assertEquals(await other.result(), "through");
  });
}

test("signal of a waiting task takes it back", async (world) => {
  const executor = world.executor(1);
  const gate = world.gate();
  const runs = new world.face.Value("i32");
  await world.occupy(executor, gate);
  const controller = new AbortController();
  const { signal } = controller;
  const queued = executor.submitWith({ signal }, countRun, runs);
  const other = executor.submit(countRun, runs);
  const reason = new Error("enough");
  controller.abort(reason);
  assertStrictEquals(await assertRejects(() => queued.result()), reason);
  assertEquals([queued.done(), other.done()], [true, false]);
  gate.set();
  await other.result();
  assertEquals(runs.value, 1);
}, SHARING);

test("signal that was aborted before lets nothing run", async (world) => {
  const executor = world.executor(1);
  const runs = new world.face.Value("i32");
  const reason = new Error("enough");
  const outcome = async () =>
    await executor.submitWith({ signal: AbortSignal.abort(reason) }, countRun, runs).result();
  assertStrictEquals(await assertRejects(outcome), reason);
  await executor.submit(countRun, runs).result();
  assertEquals(runs.value, 1);
}, SHARING);

test("signal that is aborted later than its task ended does nothing", async (world) => {
  const executor = world.executor(1, { grace: 0 });
  const controller = new AbortController();
  const { signal } = controller;
  const future = executor.submitWith({ signal }, workerId);
  const before = await future.result();
  controller.abort();
  await delay(SHORT);
  assertEquals(await future.result(), before);
  assertEquals(await executor.submit(workerId).result(), before, "the worker was ended");
});

test("signal shared by many tasks ends them all", async (world) => {
  const executor = world.executor(2, { grace: SHORT });
  const controller = new AbortController();
  const { signal } = controller;
  const running = await started(executor, { signal }, idle);
  const rest = Array.from({ length: 50 }, () => executor.submitWith({ signal }, idle));
  const reason = new Error("enough");
  controller.abort(reason);
  for (const future of [running.future, ...rest]) {
    assertStrictEquals(await assertRejects(() => future.result()), reason);
  }
  assertEquals(await executor.submit(square, 3).result(), 9);
});

test("what a cancelled task still gives or throws is nobody's", async (world) => {
  const executor = world.executor(1);
  const { future } = await started(executor, {}, heedBriefly, "value");
  const other = await (async () => {
    future.cancel({ running: true });
    await assertRejects(() => future.result(), CancelledError);
    return await started(executor, {}, heedBriefly, "error");
  })();
  other.future.cancel({ running: true });
  await assertRejects(() => other.future.result(), CancelledError);
  assertEquals(await executor.submit(square, 3).result(), 9);
  await assertRejects(() => future.result(), CancelledError);
  assertEquals(executor.stats().running, 0);
});

test("grace of 0 ends the worker at once, and the default lets it end in time", async (world) => {
  const hasty = world.executor(1, { grace: 0 });
  const { future } = await started(hasty, {}, idle);
  future.cancel({ running: true });
  assertEquals(await hasty.submit(square, 3).result(), 9);
  // By default the task has 500 ms: this one takes about 10 of them to end.
  const patient = world.executor(1);
  const before = await patient.submit(workerId).result();
  const slow = await started(patient, {}, heedBriefly, "value");
  slow.future.cancel({ running: true });
  await assertRejects(() => slow.future.result(), CancelledError);
  assertEquals(await patient.submit(workerId).result(), before);
});

test("timeout does not count the time that a task waits for a worker", async (world) => {
  const executor = world.executor(1);
  const gate = world.gate();
  await world.occupy(executor, gate);
  const queued = executor.submitWith({ timeout: 1_000 }, square, 3);
  await delay(1_100);
  gate.set();
  assertEquals(await queued.result(), 9);
});

test("shutdown() comes to its end when a running task does not heed its cancel", async (world) => {
  const executor = world.executor(1, { grace: SHORT });
  const { future, report } = await started(executor, {}, idle);
  future.cancel({ running: true });
  await executor.shutdown();
  assertEquals(future.cancelled(), true);
  if (world.name === "processes") await until(() => !isAlive(report as number));
});

test("cancelling again and again loses no worker", async (world) => {
  const executor = world.executor(2, { grace: SHORT });
  const ended = await manyCancelled(world, executor, 30);
  assertEquals(ended, Array(30).fill("CancelledError"));
  const pids = await Promise.all([1, 2, 3].map(() => executor.submit(pidOf).result()));
  assertEquals(pids.length, 3);
  assert(executor.stats().workers <= 2, `${executor.stats().workers} workers`);
});

async function manyCancelled(world: World, executor: Executor, count: number) {
  const names: unknown[] = [];
  for (let k = 0; k < count; k++) {
    const ended = world.gate();
    const { future } = await started(executor, {}, heed, ended);
    future.cancel({ running: true });
    names.push((await future.result().catch((error) => error) as Error).name);
  }
  return names;
}
