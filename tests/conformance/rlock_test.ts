/**
 * What an RLock promises, in both worlds.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertRejects,
  assertThrows,
} from "@std/assert";
import {
  abortWait,
  count,
  FORMS,
  hold,
  keep,
  other,
  releaseError,
  take,
  takeAndTell,
  takeOrLeave,
  takeWithin,
} from "./_targets.ts";
import { test } from "./_world.ts";

const AT_MOST = { timeout: 10_000 };

test("RLock is taken again by the thread that holds it", async (world) => {
  const lock = new world.face.RLock();
  for (
    const forms of [["sync", "sync", "sync"], ["async", "async", "async"], [
      "sync",
      "async",
      "sync",
    ]] as const
  ) {
    for (const form of forms) assert(await take(lock, form, { timeout: 0 }) !== undefined);
    for (let level = 0; level < 3; level++) {
      assertEquals(await world.isFree(lock), false);
      lock.release();
    }
    assertEquals(await world.isFree(lock), true);
  }
});

test("RLock guards release a level each, in any order, once", async (world) => {
  const lock = new world.face.RLock();
  const outer = await lock.acquire();
  const inner = lock.acquireSync();
  outer.release();
  outer.release();
  assertEquals(await world.isFree(lock), false);
  inner.release();
  assertEquals(await world.isFree(lock), true);
  inner.release();
  assertThrows(() => lock.release(), Error);
});

test("RLock guards release at the end of their blocks, also by an error", async (world) => {
  const lock = new world.face.RLock();
  {
    using _outer = await lock.acquire();
    assertThrows(() => {
      using _inner = lock.acquireSync();
      throw new RangeError("inside");
    }, RangeError);
    assertEquals(await world.isFree(lock), false);
  }
  assertEquals(await world.isFree(lock), true);
});

test("RLock guard that is left over frees no later acquisition", async (world) => {
  const lock = new world.face.RLock();
  const first = lock.acquireSync();
  lock.release();
  const second = lock.acquireSync();
  first.release();
  assertEquals(await world.isFree(lock), false);
  second.release();
  assertEquals(await world.isFree(lock), true);
});

test("RLock.release() by another is an Error and leaves the lock held", async (world) => {
  const lock = new world.face.RLock();
  lock.acquireSync();
  const error = await world.run(releaseError, [lock]);
  assert(error?.startsWith("Error: Cannot release"), `${error}`);
  assertEquals(await world.isFree(lock), false);
  lock.release();
  await world.run(keep, [lock, "sync"]);
  assertThrows(() => lock.release(), Error, "Cannot release");
  assertEquals(lock.acquireSync({ blocking: false }), undefined);
});

test("RLock.release() of a lock that is not held is an Error", async (world) => {
  const lock = new world.face.RLock();
  assertThrows(() => lock.release(), Error, "Cannot release");
  lock.acquireSync();
  lock.release();
  assertThrows(() => lock.release(), Error, "Cannot release");
  assertEquals(await world.isFree(lock), true);
});

for (const form of FORMS) {
  test(`RLock blocks others until all levels are released, ${form} there`, async (world) => {
    const lock = new world.face.RLock();
    const go = new world.face.Event();
    const holder = world.start(hold, [lock, go, 3, form]);
    await holder.next();
    assertEquals(await take(lock, other(form), { timeout: 10 }), undefined);
    assertEquals(lock.acquireSync({ blocking: false }), undefined);
    go.set();
    using guard = await take(lock, other(form), AT_MOST);
    assertEquals(guard?.abandoned, false);
  });

  test(`RLock passes to a waiter with the last level, ${form} there`, async (world) => {
    const lock = new world.face.RLock();
    lock.acquireSync();
    await lock.acquire();
    lock.acquireSync();
    const waiter = world.start(takeAndTell, [lock, form]);
    await world.untilWaiting(waiter);
    lock.release();
    lock.release();
    assertEquals([waiter.reports, await world.isFree(lock)], [[], false]);
    lock.release();
    assertEquals([await waiter.next(), await waiter.result()], ["got", false]);
  });
}

test("RLock.acquire() gives undefined after its timeout, and not before", async (world) => {
  const lock = new world.face.RLock();
  await world.run(keep, [lock, "sync"]);
  for (const form of FORMS) {
    const began = performance.now();
    assertEquals(await take(lock, form, { timeout: 50 }), undefined);
    assertGreaterOrEqual(performance.now() - began, 49.9);
    assertEquals(await world.run(takeWithin, [lock, 10, form]), false);
  }
});

test("RLock.acquire() refuses bad options and leaves the lock as it is", async (world) => {
  const lock = new world.face.RLock();
  const cases: [options: unknown, type: typeof TypeError | typeof RangeError][] = [
    [{ blocking: false, timeout: 5 }, TypeError],
    [{ timeout: "5" }, TypeError],
    [{ timeout: -1 }, RangeError],
    [5, TypeError],
  ];
  for (const [options, type] of cases) {
    await assertRejects(() => lock.acquire(options as never), type, "Cannot acquire");
    assertThrows(() => lock.acquireSync(options as never), type, "Cannot acquire");
  }
  assertThrows(() => new world.face.RLock({ name: 5 as never }), TypeError, "name");
  assertEquals(new world.face.RLock({ name: "till" }).name, "till");
  assertThrows(() => lock.release(), Error);
  assertEquals(await world.isFree(lock), true);
});

test("RLock.acquire() rejects with the reason of an aborted signal", async (world) => {
  const lock = new world.face.RLock();
  const reason = new Error("enough");
  const signal = AbortSignal.abort(reason);
  assertEquals(await assertRejects(() => lock.acquire({ signal })), reason);
  assertEquals(await world.isFree(lock), true);
  const go = new world.face.Event();
  const holder = world.start(hold, [lock, go, 2, "sync"]);
  await holder.next();
  const controller = new AbortController();
  const wait = lock.acquire({ signal: controller.signal });
  controller.abort(reason);
  assertEquals(await assertRejects(() => wait), reason);
  assertEquals(await world.run(abortWait, [lock]), true);
  go.set();
  using guard = await lock.acquire(AT_MOST);
  assert(guard !== undefined);
});

test("RLock.acquire() with a signal aborted before takes no further level", async (world) => {
  const lock = new world.face.RLock();
  lock.acquireSync();
  await assertRejects(() => lock.acquire({ signal: AbortSignal.abort(new Error("enough")) }));
  lock.release();
  assertEquals(await world.isFree(lock), true);
});

test("RLock has all async functions of a thread as one owner", async (world) => {
  const lock = new world.face.RLock();
  const both = Promise.withResolvers<void>();
  let inside = 0;
  const enter = async () => {
    using _ = await lock.acquire();
    if (++inside === 2) both.resolve();
    await both.promise;
  };
  await Promise.all([enter(), enter()]);
  assertEquals(await world.isFree(lock), true);
});

test("RLock waiters of one thread all get in when another releases", async (world) => {
  const lock = new world.face.RLock();
  const go = new world.face.Event();
  const holder = world.start(hold, [lock, go, 1, "sync"]);
  await holder.next();
  const waits = Array.from({ length: 5 }, () => lock.acquire());
  go.set();
  for (const guard of await Promise.all(waits)) guard.release();
  assertEquals(await world.isFree(lock), true);
  assertThrows(() => lock.release(), Error);
});

test("RLock waiters that give up take nobody's wake-up with them", async (world) => {
  const lock = new world.face.RLock();
  const total = new world.face.Value("i32");
  for (const form of FORMS) {
    world.start(takeOrLeave, [lock, 200, form]);
    world.start(count, [lock, total, 300, 2, form]);
  }
  await world.join();
  assertEquals([total.value, await world.isFree(lock)], [600, true]);
});

test("RLock makes increments of four children exact, three levels deep", async (world) => {
  const lock = new world.face.RLock();
  const total = new world.face.Value("i32");
  for (const form of [...FORMS, ...FORMS]) world.start(count, [lock, total, 500, 3, form]);
  await world.join();
  assertEquals(total.value, 2_000);
});

for (const form of FORMS) {
  test(`RLock is passed between a parent and children, ${form} there, ${other(form)} here`, async (world) => {
    const lock = new world.face.RLock();
    const total = new world.face.Value("i32");
    world.start(count, [lock, total, 300, 2, form]);
    world.start(count, [lock, total, 300, 2, form]);
    for (let k = 0; k < 300; k++) {
      using guard = await take(lock, other(form), AT_MOST);
      assert(guard !== undefined);
      total.value = total.value + 1;
    }
    await world.join();
    assertEquals(total.value, 900);
  });
}
