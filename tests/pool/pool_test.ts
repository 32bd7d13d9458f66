/**
 * What is a pool's own: apply, AsyncResult, callbacks, and its end.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { TimeoutError } from "../../lib/errors.ts";
import { AsyncResult } from "../../lib/multiprocessing.ts";
import {
  add,
  countRun,
  fail,
  failAtSeven,
  idle,
  meet,
  pass,
  passAndFail,
  pidOf,
  reportItem,
  square,
  squareLater,
  TicketError,
  unmarked,
} from "./_targets.ts";
import { isAlive } from "../_help/alive.ts";
import { until } from "../_help/until.ts";
import { collect, Input, listen, LONG, SHARING, SHORT, test } from "./_world.ts";

test("Pool.apply() gives what the target returns", async (world) => {
  const pool = world.pool(2);
  assertEquals(await pool.apply(square, [12]), 144);
  assertEquals(await pool.apply(squareLater, [5]), 25);
  assertEquals(await pool.apply(add, [1, 2]), 3);
  const error = await assertRejects(() => pool.apply(fail, ["ticket"]), TicketError);
  assertEquals(error.seat, 7);
});

test("Pool of a default size works", async (world) => {
  await using pool = new world.Pool();
  assertEquals(await pool.map(square, [1, 2, 3]), [1, 4, 9]);
});

test("Pool runs as many calls at once as it has workers", async (world) => {
  const pool = world.pool(3);
  const barrier = new world.face.Barrier(3);
  const results = [1, 2, 3].map(() => pool.applyAsync(meet, [barrier]));
  assertEquals(await Promise.all(results.map((each) => each.get())), ["met", "met", "met"]);
}, SHARING);

test("AsyncResult tells when it is ready, and how it ended", async (world) => {
  const pool = world.pool(1);
  const gate = world.gate();
  const good = pool.applyAsync(pass, [gate, "value"]);
  const bad = pool.applyAsync(passAndFail, [gate]);
  assertInstanceOf(good, AsyncResult);
  assertEquals([good.ready(), bad.ready()], [false, false]);
  assertThrows(() => good.successful(), Error, "Cannot");
  assertEquals(await good.wait({ timeout: SHORT }), false);
  assertEquals(await good.wait({ timeout: 0 }), false);
  await assertRejects(() => good.get({ timeout: SHORT }), TimeoutError);
  gate.set();
  assertEquals([await good.wait({ timeout: LONG }), await bad.wait()], [true, true]);
  assertEquals([good.ready(), good.successful()], [true, true]);
  assertEquals([bad.ready(), bad.successful()], [true, false]);
  for (let time = 0; time < 2; time++) {
    assertEquals(await good.get(), "value");
    await assertRejects(() => bad.get(), RangeError, "behind the gate");
  }
  assertEquals(await good.get({ timeout: 0 }), "value");
});

test("AsyncResult.get({ signal }) rejects with its reason, and the call goes on", async (world) => {
  const gate = world.gate();
  const result = world.pool(1).applyAsync(pass, [gate, "value"]);
  const reason = new Error("enough");
  const signal = AbortSignal.abort(reason);
  assertStrictEquals(await assertRejects(() => result.get({ signal })), reason);
  gate.set();
  assertEquals(await result.get(), "value");
});

test("AsyncResult.getSync() and waitSync() block their caller", async (world) => {
  const pool = world.pool(1);
  await pool.apply(square, [1]);
  assertEquals(pool.applyAsync(square, [3]).getSync(), 9);
  assertThrows(() => pool.applyAsync(fail, ["ticket"]).getSync(), TicketError);
  const gate = world.gate();
  const result = pool.applyAsync(pass, [gate, "value"]);
  assertEquals(result.waitSync({ timeout: SHORT }), false);
  assertThrows(() => result.getSync({ timeout: SHORT }), TimeoutError);
  gate.set();
  assertEquals([result.waitSync(), result.getSync()], [true, "value"]);
}, SHARING);

test("AsyncResult that fails unseen is no unhandled rejection", async (world) => {
  using log = listen();
  const pool = world.pool(1);
  const failed = pool.applyAsync(fail, ["builtin"]);
  const mapped = pool.mapAsync(failAtSeven, [7]);
  await pool.apply(square, [1]);
  await failed.wait();
  await mapped.wait();
  assertEquals([failed.successful(), mapped.successful()], [false, false]);
  assertEquals(log.told, []);
});

test("callback is called with the value, errorCallback with the error", async (world) => {
  const pool = world.pool(1);
  const seen: unknown[] = [];
  const callbacks = {
    callback: (value: unknown) => void seen.push(value),
    errorCallback: (error: unknown) => void seen.push((error as Error).message),
  };
  await pool.applyAsync(square, [3], callbacks).wait();
  assertEquals(seen, [9]);
  await pool.applyAsync(fail, ["ticket"], callbacks).wait();
  assertEquals(seen, [9, "no such seat"]);
  await pool.mapAsync(square, [1, 2], callbacks).wait();
  await pool.mapAsync(failAtSeven, [7], callbacks).wait();
  await pool.starmapAsync(add, [[1, 2]], callbacks).wait();
  assertEquals(seen, [9, "no such seat", [1, 4], "failed at 7", [3]]);
});

test("callback that throws is told, and breaks nothing", async (world) => {
  using log = listen();
  const pool = world.pool(1);
  const callback = () => {
    throw new RangeError("the callback's own");
  };
  const errorCallback = () => {
    throw new RangeError("the other's own");
  };
  const good = pool.applyAsync(square, [3], { callback });
  const bad = pool.applyAsync(fail, ["ticket"], { errorCallback });
  assertEquals(await good.get(), 9);
  await assertRejects(() => bad.get(), TicketError);
  assertEquals(await pool.apply(square, [4]), 16);
  for (const what of ["the callback's own", "the other's own"]) {
    assert(log.told.some((text) => text.includes(what)), `nobody was told of ${what}`);
  }
});

test("Pool refuses bad calls where they are made", async (world) => {
  const pool = world.pool(1);
  for (const bad of [() => 1, 5, null, "square", square.bind(null, 1)]) {
    await assertRejects(async () => await pool.apply(bad as never, []), TypeError, "Cannot");
    assertThrows(() => pool.applyAsync(bad as never, []), TypeError, "Cannot");
    assertThrows(() => pool.mapAsync(bad as never, []), TypeError, "Cannot");
    assertThrows(() => pool.imap(bad as never, []), TypeError, "Cannot");
  }
  assertThrows(() => pool.applyAsync(square, 5 as never), TypeError, "args");
  const options = { callback: 5, errorCallback: 5, retries: -1 };
  for (const [name, value] of Object.entries(options)) {
    const call = () => pool.applyAsync(square, [1], { [name]: value });
    assertThrows(call, name === "retries" ? RangeError : TypeError, name);
  }
  await assertRejects(() => pool.apply(unmarked, []), TypeError, "unmarked");
  const result = pool.applyAsync(square, [3]);
  await assertRejects(() => result.get({ timeout: -1 }), RangeError, "-1");
  await assertRejects(() => result.wait({ timeout: "1" as never }), TypeError, '"1"');
  assertEquals(await result.get(), 9);
});

// The end

test("Pool.close() takes no more, and join() waits for the rest", async (world) => {
  const pool = world.pool(2);
  const gate = world.gate();
  const results = [1, 2, 3, 4, 5].map((k) => pool.applyAsync(pass, [gate, k]));
  const mapped = pool.mapAsync(square, new Input(50));
  await assertRejects(async () => await pool.join(), Error, "Cannot");
  pool.close();
  pool.close();
  for (
    const call of [
      () => pool.apply(square, [1]),
      () => pool.applyAsync(square, [1]).get(),
      () => pool.map(square, [1]),
      () => pool.mapAsync(square, [1]).get(),
      () => collect(pool.imap(square, [1])),
      () => collect(pool.imapUnordered(square, [1])),
      () => pool.starmap(add, [[1, 2]]),
    ]
  ) await assertRejects(async () => await call(), Error, "Cannot");
  assertEquals(await pool.join({ timeout: SHORT }), false);
  gate.set();
  assertEquals(await pool.join(), true);
  assertEquals(results.map((result) => result.ready()), Array(5).fill(true));
  assertEquals([await results[4].get(), (await mapped.get()).length], [5, 50]);
  assertEquals(await pool.join(), true);
});

test("Pool.terminate() ends what runs and what waits, at once", async (world) => {
  const pool = world.pool(1);
  const runs = new world.face.Value("i32");
  const running = pool.applyAsync(idle, []);
  const queued = [1, 2, 3].map(() => pool.applyAsync(countRun, [runs]));
  const mapped = pool.mapAsync(reportItem, new Input());
  await running.wait({ timeout: SHORT });
  await pool.terminate();
  assertEquals(await pool.join({ timeout: LONG }), true);
  for (const result of [running, ...queued, mapped]) {
    await assertRejects(() => result.get({ timeout: 2_000 }), Error);
    assertEquals([result.ready(), result.successful()], [true, false]);
  }
  assertEquals(runs.value, 0);
  await assertRejects(async () => await pool.apply(square, [1]), Error, "Cannot");
  await pool.terminate();
}, SHARING);

test("Pool `await using` terminates it", async (world) => {
  let result: AsyncResult<unknown>;
  {
    await using pool = new world.Pool(1);
    assertEquals(await pool.apply(square, [3]), 9);
    result = pool.applyAsync(idle, []);
  }
  await assertRejects(() => result.get({ timeout: 2_000 }), Error);
});

test("Pool leaves no process behind", async (world) => {
  for (const end of ["terminate", "close"] as const) {
    const pool = world.pool(2);
    const pids = await Promise.all([1, 2, 3, 4].map(() => pool.apply(pidOf, [])));
    await pool[end]();
    await pool.join();
    await until(() => !pids.some(isAlive));
  }
}, { skip: { threads: "its workers are no processes" } });
