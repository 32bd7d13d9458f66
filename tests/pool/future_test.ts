/**
 * What a Future tells: its states, its callbacks, its waits.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import {
  CancelledError,
  type Future,
  ProcessPoolExecutor,
  TimeoutError,
  waitSync,
} from "../../lib/futures.ts";
import { Pool } from "../../lib/multiprocessing.ts";
import { countRun, fail, heed, idle, pass, passAndFail, resultSyncOf, square } from "./_targets.ts";
import { listen, LONG, SHARING, SHORT, test, type World } from "./_world.ts";

/** What a future says of itself. */
function stateOf(future: Future<unknown>): string {
  const words = { running: future.running(), done: future.done(), cancelled: future.cancelled() };
  return Object.entries(words).filter(([, is]) => is).map(([word]) => word).join(" ") || "waits";
}

/** One future of each kind that has ended. */
async function ended(world: World): Promise<Record<string, Future<unknown>>> {
  const executor = world.executor(1);
  const gate = world.gate();
  await world.occupy(executor, gate);
  const cancelled = executor.submit(square, 1);
  cancelled.cancel();
  gate.set();
  const [finished, failed] = [executor.submit(square, 3), executor.submit(fail, "ticket")];
  await finished.result();
  await failed.exception();
  return { cancelled, finished, failed };
}

test("Future goes from waiting over running to done", async (world) => {
  const executor = world.executor(1);
  const gate = world.gate();
  const first = await world.occupy(executor, gate);
  const second = executor.submit(square, 3);
  assertEquals([stateOf(first), stateOf(second)], ["running", "waits"]);
  gate.set();
  await second.result();
  assertEquals([stateOf(first), stateOf(second)], ["done", "done"]);
});

test("Future that has failed or was cancelled is done", async (world) => {
  const { cancelled, finished, failed } = await ended(world);
  assertEquals(
    [stateOf(cancelled), stateOf(finished), stateOf(failed)],
    ["done cancelled", "done", "done"],
  );
});

test("Future.result() and exception() give the same each time", async (world) => {
  const { cancelled, finished, failed } = await ended(world);
  for (let time = 0; time < 2; time++) {
    assertEquals([await finished.result(), await finished.exception()], [9, null]);
    const error = await failed.exception();
    assertInstanceOf(error, RangeError);
    assertStrictEquals(await assertRejects(() => failed.result()), error);
    await assertRejects(() => cancelled.result(), CancelledError);
    await assertRejects(() => cancelled.exception(), CancelledError);
  }
});

test("Future that fails unseen is no unhandled rejection", async (world) => {
  const executor = world.executor(1);
  using log = listen();
  const failed = executor.submit(fail, "builtin");
  const cancelled = executor.submit(square, 1);
  cancelled.cancel();
  const late = executor.submitWith({ timeout: SHORT }, idle);
  await executor.submit(square, 2).result();
  assertEquals([failed, cancelled, late].map((future) => future.done()), [true, true, true]);
  assertEquals(log.told, []);
});

test("Future is not thenable", async (world) => {
  const future = world.executor(1).submit(square, 3);
  assertEquals("then" in future, false);
  const itself = await Promise.resolve(future);
  assertStrictEquals(itself as unknown, future);
  await future.result();
});

test("Future.result({ timeout }) rejects with TimeoutError, and the task goes on", async (world) => {
  const executor = world.executor(1);
  const gate = world.gate();
  const running = await world.occupy(executor, gate);
  const queued = executor.submit(square, 3);
  for (const future of [running, queued]) {
    for (const timeout of [0, SHORT]) {
      await assertRejects(() => future.result({ timeout }), TimeoutError);
      await assertRejects(() => future.exception({ timeout }), TimeoutError);
    }
  }
  assertEquals([stateOf(running), stateOf(queued)], ["running", "waits"]);
  gate.set();
  assertEquals([await running.result(), await queued.result({ timeout: 5_000 })], ["through", 9]);
  assertEquals(await queued.result({ timeout: 0 }), 9);
});

test("Future.result({ signal }) rejects with its reason, and the task goes on", async (world) => {
  const executor = world.executor(1);
  const gate = world.gate();
  const future = await world.occupy(executor, gate);
  const reason = new Error("enough");
  for (const call of ["result", "exception"] as const) {
    const already = await assertRejects(() => future[call]({ signal: AbortSignal.abort(reason) }));
    assertStrictEquals(already, reason);
    const controller = new AbortController();
    const waiting = assertRejects(() => future[call]({ signal: controller.signal }));
    controller.abort(reason);
    assertStrictEquals(await waiting, reason);
  }
  assertEquals(stateOf(future), "running");
  gate.set();
  assertEquals(await future.result(), "through");
});

test("Future waits of many callers all end", async (world) => {
  const executor = world.executor(1);
  const gate = world.gate();
  const future = executor.submit(pass, gate, 5);
  const waiting = Array.from({ length: 20 }, () => future.result());
  gate.set();
  assertEquals(await Promise.all(waiting), Array(20).fill(5));
});

test("Future.resultSync() blocks its caller, and gives value or error", async (world) => {
  const executor = world.executor(1);
  // The worker is up: it need not be made while this thread blocks.
  await executor.submit(square, 1).result();
  assertEquals(executor.submit(square, 3).resultSync(), 9);
  assertThrows(() => executor.submit(fail, "ticket").resultSync(), RangeError, "no such seat");
  const gate = world.gate();
  const future = await world.occupy(executor, gate);
  assertThrows(() => future.resultSync({ timeout: SHORT }), TimeoutError);
  assertThrows(() => future.resultSync({ timeout: 0 }), TimeoutError);
  assertEquals(stateOf(future), "running");
  gate.set();
  assertEquals(future.resultSync(), "through");
  assertEquals(stateOf(future), "done");
}, SHARING);

test("Future.resultSync() works on a cold executor, and in a worker", async (world) => {
  const executor = world.executor(1);
  assertEquals(executor.submit(square, 4).resultSync(), 16);
  assertEquals(await executor.submit(resultSyncOf, 5).result(), 25);
}, SHARING);

test("what blocks for workers that share no memory throws, as it would not end", async () => {
  const lacks = (calls: (() => unknown)[]) => {
    for (const call of calls) assertThrows(call, Deno.errors.NotCapable, "--allow-ffi");
  };
  await using executor = new ProcessPoolExecutor(1, { permissions: { ffi: false } });
  const future = executor.submit(square, 3);
  lacks([
    () => future.resultSync(),
    () => future.exceptionSync({ timeout: LONG }),
    () => waitSync([future]),
  ]);
  assertEquals(await future.result(), 9);
  assertEquals([future.resultSync(), waitSync([future]).done.size], [9, 1]);
  await using pool = new Pool(1, { permissions: { ffi: false } });
  const result = pool.applyAsync(square, [4]);
  pool.close();
  lacks([() => result.getSync(), () => result.waitSync(), () => pool.joinSync()]);
  assertEquals([await result.get(), result.getSync()], [16, 16]);
}, { skip: { threads: "threads share memory" } });

// Cancelling

test("Future.cancel() takes a waiting task back, once and for all", async (world) => {
  const executor = world.executor(1);
  const gate = world.gate();
  const running = await world.occupy(executor, gate);
  const done = new world.face.Value("i32");
  const queued = executor.submit(countRun, done);
  const other = executor.submit(countRun, done);
  assertEquals(queued.cancel(), true);
  assertEquals([stateOf(queued), queued.cancel()], ["done cancelled", true]);
  gate.set();
  await other.result();
  assertEquals([done.value, stateOf(queued), stateOf(running)], [1, "done cancelled", "done"]);
}, SHARING);

test("Future.cancel() of a running or ended task does nothing", async (world) => {
  const executor = world.executor(1);
  const gate = world.gate();
  const future = await world.occupy(executor, gate);
  assertEquals([future.cancel(), stateOf(future)], [false, "running"]);
  gate.set();
  assertEquals(await future.result(), "through");
  assertEquals([future.cancel(), future.cancel({ running: true })], [false, false]);
  assertEquals(stateOf(future), "done");
});

test("Future.cancel({ running: true }) ends a running task, and takes a waiting one back", async (world) => {
  const executor = world.executor(1);
  const ended = world.gate();
  const started = Promise.withResolvers<unknown>();
  const running = executor.submitWith({ onReport: started.resolve }, heed, ended);
  const queued = executor.submit(square, 1);
  await started.promise;
  assertEquals([queued.cancel({ running: true }), stateOf(queued)], [true, "done cancelled"]);
  assertEquals(running.cancel({ running: true }), true);
  await assertRejects(() => running.result(), CancelledError);
  assertEquals(stateOf(running), "done cancelled");
  assertEquals(await ended.wait({ timeout: 5_000 }), true, "the task's signal did not abort");
  assertEquals(await executor.submit(square, 3).result(), 9);
});

// Callbacks

test("Future.addDoneCallback() is called once with the future, in order", async (world) => {
  const executor = world.executor(1);
  const gate = world.gate();
  const future = executor.submit(pass, gate, "value");
  const seen: unknown[] = [];
  for (let k = 0; k < 3; k++) {
    future.addDoneCallback((itself) => seen.push(k, itself === future, itself.done()));
  }
  assertEquals(seen, []);
  gate.set();
  await future.result();
  assertEquals(seen, [0, true, true, 1, true, true, 2, true, true]);
});

test("Future.addDoneCallback() is called at once on one that has ended", async (world) => {
  for (const future of Object.values(await ended(world))) {
    let calls = 0;
    future.addDoneCallback(() => calls++);
    assertEquals(calls, 1);
  }
});

test("Future.addDoneCallback() is called when it is cancelled, or fails", async (world) => {
  const executor = world.executor(1);
  const gate = world.gate();
  const failing = executor.submit(passAndFail, gate);
  const queued = executor.submit(square, 1);
  const seen: string[] = [];
  failing.addDoneCallback((future) => seen.push(`failing ${stateOf(future)}`));
  queued.addDoneCallback((future) => seen.push(`queued ${stateOf(future)}`));
  queued.cancel();
  assertEquals(seen, ["queued done cancelled"]);
  gate.set();
  await assertRejects(() => failing.result(), RangeError, "behind the gate");
  assertEquals(seen, ["queued done cancelled", "failing done"]);
});

test("Future callback that throws is told, and stops neither the others nor the pool", async (world) => {
  const executor = world.executor(1);
  using log = listen();
  const gate = world.gate();
  const future = executor.submit(pass, gate, 1);
  const seen: string[] = [];
  future.addDoneCallback(() => seen.push("before"));
  future.addDoneCallback(() => {
    throw new RangeError("a callback's own");
  });
  future.addDoneCallback(() => Promise.reject(new RangeError("a callback's promise")));
  future.addDoneCallback(() => seen.push("after"));
  gate.set();
  assertEquals(await future.result(), 1);
  assertEquals(seen, ["before", "after"]);
  future.addDoneCallback(() => {
    throw new RangeError("a late one's");
  });
  assertEquals(await executor.submit(square, 3).result(), 9);
  for (const what of ["a callback's own", "a callback's promise", "a late one's"]) {
    assert(log.told.some((text) => text.includes(what)), `nobody was told of ${what}`);
  }
});

test("Future callback may submit, cancel and wait", async (world) => {
  const executor = world.executor(1);
  const { promise, resolve, reject } = Promise.withResolvers<unknown[]>();
  executor.submit(square, 2).addDoneCallback(async (first) => {
    try {
      const second = executor.submit(square, await first.result());
      const third = executor.submit(square, 9);
      third.cancel();
      resolve([await second.result(), third.cancelled()]);
    } catch (error) {
      reject(error);
    }
  });
  assertEquals(await promise, [16, true]);
});

test("Future arguments of a wrong kind are refused", async (world) => {
  const future = world.executor(1).submit(square, 3);
  for (const call of ["result", "exception"] as const) {
    await assertRejects(() => future[call]({ timeout: -1 }), RangeError, "-1");
    await assertRejects(() => future[call]({ timeout: "1" as never }), TypeError, '"1"');
    await assertRejects(() => future[call]({ timeout: NaN }), TypeError, "NaN");
    await assertRejects(() => future[call]({ signal: {} as never }), TypeError, "signal");
    await assertRejects(() => future[call](5 as never), TypeError, "5");
  }
  assertThrows(() => future.resultSync({ timeout: -1 }), RangeError, "-1");
  assertThrows(() => future.addDoneCallback(5 as never), TypeError, "5");
  assertThrows(() => future.cancel({ running: 1 as never }), TypeError, "running");
  assertEquals(await future.result(), 9);
});

test("Future, AsyncResult, executors and pools show their state", async (world) => {
  const shown = (object: object) => Deno.inspect(object);
  const executor = world.executor(1);
  const { name } = world.Executor;
  assertEquals(shown(executor), `${name}(0 workers, 0 running, 0 queued)`);
  const gate = world.gate();
  const running = await world.occupy(executor, gate);
  const waiting = executor.submit(square, 3);
  const cancelled = executor.submit(square, 4);
  cancelled.cancel();
  assertEquals(shown(executor), `${name}(1 workers, 1 running, 1 queued)`);
  assertEquals([running, waiting, cancelled].map(shown), [
    ...["Future(running)", "Future(pending)", "Future(cancelled)"],
  ]);
  gate.set();
  await running.result();
  await waiting.result();
  const failed = executor.submit(fail, "builtin");
  await failed.exception();
  assertEquals([running, waiting, failed].map(shown), [
    ...[
      'Future(finished, "through")',
      "Future(finished, 9)",
      "Future(failed, SyntaxError: built in)",
    ],
  ]);
  await executor.shutdown();
  assertEquals(shown(executor), `${name}(closed)`);

  const pool = world.pool(1);
  const other = world.gate();
  const result = pool.applyAsync(pass, [other, 3]);
  assertEquals(shown(result), "AsyncResult(pending)");
  assertMatch(shown(pool), /^(Thread)?Pool\(1 workers, \d running, \d queued\)$/);
  other.set();
  await result.get();
  assertEquals(shown(result), "AsyncResult(ready, 3)");
  const broken = pool.applyAsync(fail, ["builtin"]);
  await broken.wait();
  assertEquals(shown(broken), "AsyncResult(failed, SyntaxError: built in)");
  pool.close();
  await pool.join();
  assertMatch(shown(pool), /^(Thread)?Pool\(closed\)$/);
});
