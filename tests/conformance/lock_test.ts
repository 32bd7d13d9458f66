/**
 * What a Lock promises, in both worlds.
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
import { DeadlockError } from "../../lib/errors.ts";
import {
  abortWait,
  count,
  FORMS,
  hog,
  hold,
  keep,
  other,
  release,
  take,
  takeAndTell,
  takeOrLeave,
  takeWithin,
} from "./_targets.ts";
import { test } from "./_world.ts";

/** So long waits the parent at most, blocked: a test's own limit could not end that. */
const AT_MOST = { timeout: 10_000 };

test("Lock.acquire() gives a guard, and locked() tells", async ({ face }) => {
  const lock = new face.Lock();
  assertEquals(lock.locked(), false);
  const guard = await lock.acquire();
  assertEquals([lock.locked(), guard.abandoned], [true, false]);
  guard.release();
  assertEquals(lock.locked(), false);
  lock.acquireSync().release();
  assertEquals(lock.locked(), false);
});

test("Lock.release() frees the lock, by whichever form it was taken", async ({ face }) => {
  const lock = new face.Lock();
  for (const form of FORMS) {
    await take(lock, form);
    lock.release();
    assertEquals(lock.locked(), false);
  }
});

test("Lock.name is the name that it was given", ({ face }) => {
  assertEquals(new face.Lock({ name: "till" }).name, "till");
  assertEquals(new face.Lock().name, undefined);
  assertThrows(() => new face.Lock({ name: 5 as never }), TypeError, "name");
  assertThrows(() => new face.Lock("till" as never), TypeError, '"till"');
});

test("Lock guard's release() is idempotent", async ({ face }) => {
  const lock = new face.Lock();
  const guard = await lock.acquire();
  guard.release();
  guard.release();
  assertEquals(lock.locked(), false);
});

test("Lock guard frees only its own acquisition", async ({ face }) => {
  const lock = new face.Lock();
  for (const form of FORMS) {
    const first = await take(lock, form);
    first!.release();
    const second = await take(lock, form);
    first!.release();
    assertEquals(lock.locked(), true);
    lock.release();
    const third = await take(lock, other(form));
    second!.release();
    assertEquals(lock.locked(), true);
    third!.release();
  }
});

test("Lock guard of this thread frees no acquisition of another", async (world) => {
  const lock = new world.face.Lock();
  const guard = lock.acquireSync();
  lock.release();
  await world.run(keep, [lock, "sync"]);
  guard.release();
  assertEquals(lock.locked(), true);
});

test("Lock guards release at the end of their block, also by an error", async ({ face }) => {
  const lock = new face.Lock();
  {
    using _ = await lock.acquire();
    assertEquals(lock.locked(), true);
  }
  assertEquals(lock.locked(), false);
  assertThrows(() => {
    using _ = lock.acquireSync();
    throw new RangeError("inside");
  }, RangeError);
  assertEquals(lock.locked(), false);
});

test("Lock.release() of an unlocked lock is an Error", async ({ face }) => {
  const lock = new face.Lock();
  assertThrows(() => lock.release(), Error, "not held");
  (await lock.acquire()).release();
  assertThrows(() => lock.release(), Error, "not held");
  assertEquals(lock.locked(), false);
  lock.acquireSync().release();
});

test("Lock.release() may be called by another than the holder", async (world) => {
  const lock = new world.face.Lock();
  const guard = await lock.acquire();
  await world.run(release, [lock]);
  assertEquals(lock.locked(), false);
  guard.release();
  await world.run(keep, [lock, "sync"]);
  assertEquals(lock.locked(), true);
  lock.release();
  assertEquals(lock.locked(), false);
});

test("Lock.release() by another wakes one who waits", async (world) => {
  for (const form of FORMS) {
    const lock = new world.face.Lock();
    lock.acquireSync();
    const releaser = world.start(release, [lock]);
    using guard = await take(lock, form, AT_MOST);
    assert(guard !== undefined);
    await releaser.result();
  }
});

test("Lock.acquire() gives undefined after its timeout, and not before", async (world) => {
  const lock = new world.face.Lock();
  await world.run(keep, [lock, "sync"]);
  for (const form of FORMS) {
    const began = performance.now();
    assertEquals(await take(lock, form, { timeout: 50 }), undefined);
    assertGreaterOrEqual(performance.now() - began, 49.9);
    assertEquals(await world.run(takeWithin, [lock, 10, form]), false);
  }
  lock.release();
  for (const form of FORMS) assertEquals(await world.run(takeWithin, [lock, 10, form]), true);
});

test("Lock.acquire() with timeout 0 or without blocking does not wait", async ({ face }) => {
  const lock = new face.Lock();
  for (const options of [{ timeout: 0 }, { blocking: false }]) {
    (await lock.acquire(options))!.release();
    lock.acquireSync(options)!.release();
    using _ = lock.acquireSync();
    assertEquals(await lock.acquire(options), undefined);
    assertEquals(lock.acquireSync(options), undefined);
  }
  (await lock.acquire({ blocking: true }))!.release();
  assertEquals(lock.locked(), false);
});

test("Lock.acquire() refuses bad options and leaves the lock as it is", async ({ face }) => {
  const lock = new face.Lock();
  const cases: [options: unknown, type: typeof TypeError | typeof RangeError][] = [
    [{ blocking: false, timeout: 5 }, TypeError],
    [{ timeout: "5" }, TypeError],
    [{ timeout: NaN }, TypeError],
    [{ timeout: -1 }, RangeError],
    [{ blocking: 1 }, TypeError],
    [{ detectDeadlock: 1 }, TypeError],
    [5, TypeError],
  ];
  for (const [options, type] of cases) {
    await assertRejects(() => lock.acquire(options as never), type, "Cannot acquire");
    assertThrows(() => lock.acquireSync(options as never), type, "Cannot acquire");
  }
  await assertRejects(() => lock.acquire({ signal: 5 as never }), TypeError, "signal");
  assertEquals(lock.locked(), false);
});

test("Lock.acquire() rejects with the reason of a signal aborted before", async ({ face }) => {
  const lock = new face.Lock();
  const reason = new Error("enough");
  const signal = AbortSignal.abort(reason);
  assertEquals(await assertRejects(() => lock.acquire({ signal })), reason);
  assertEquals(lock.locked(), false);
  using _ = lock.acquireSync();
  assertEquals(await assertRejects(() => lock.acquire({ signal })), reason);
  assertEquals(lock.locked(), true);
});

test("Lock.acquire() rejects with the reason of a signal aborted meanwhile", async (world) => {
  const lock = new world.face.Lock();
  const guard = await lock.acquire();
  const controller = new AbortController();
  const wait = lock.acquire({ signal: controller.signal });
  controller.abort("enough");
  assertEquals(await wait.then(() => "got", (reason) => reason), "enough");
  assertEquals(await world.run(abortWait, [lock]), true);
  assertEquals(lock.locked(), true);
  guard.release();
  assertEquals(lock.locked(), false);
  assertEquals(await world.isFree(lock), true);
});

test("Lock.acquire() is not undone by an abort that comes later", async ({ face }) => {
  const lock = new face.Lock();
  const controller = new AbortController();
  using _ = await lock.acquire({ signal: controller.signal });
  controller.abort();
  assertEquals(lock.locked(), true);
});

for (const order of ["before", "after"] as const) {
  test(`Lock passes to the next when a waiter aborts just ${order} the release`, async (world) => {
    const lock = new world.face.Lock();
    for (let k = 0; k < 30; k++) {
      const guard = await lock.acquire();
      const controller = new AbortController();
      const first = lock.acquire({ signal: controller.signal }).then(
        (guard) => guard.release(),
        () => "aborted",
      );
      const second = lock.acquire().then((guard) => guard.release());
      if (order === "before") controller.abort();
      guard.release();
      if (order === "after") controller.abort();
      await second;
      if (order === "before") assertEquals(await first, "aborted");
      await first;
      assertEquals(lock.locked(), false);
    }
  });
}

test("Lock waiters that give up take nobody's wake-up with them", async (world) => {
  const lock = new world.face.Lock();
  const total = new world.face.Value("i32");
  const children = FORMS.flatMap((form) => [
    world.start(takeOrLeave, [lock, 200, form]),
    world.start(count, [lock, total, 300, 1, form]),
  ]);
  await Promise.all(children.map((child) => child.result()));
  assertEquals([total.value, lock.locked()], [600, false]);
});

test("Lock starves nobody who waits while others take it again and again", async (world) => {
  const lock = new world.face.Lock();
  const stop = new world.face.Event();
  for (const form of ["sync", "sync", "async"] as const) world.start(hog, [lock, stop, form]);
  for (const form of [...FORMS, ...FORMS, ...FORMS]) {
    using guard = await take(lock, form, { timeout: 5_000 });
    assert(guard !== undefined);
  }
  stop.set();
});

test("Lock serves all of many waiters", async (world) => {
  const lock = new world.face.Lock();
  const guard = await lock.acquire();
  const children = [...FORMS, ...FORMS, ...FORMS].map((form) =>
    world.start(takeAndTell, [lock, form])
  );
  const mine = Array.from({ length: 10 }, () => lock.acquire().then((guard) => guard.release()));
  guard.release();
  await Promise.all(mine);
  assertEquals(await Promise.all(children.map((child) => child.result())), Array(6).fill(false));
  assertEquals(lock.locked(), false);
});

test("Lock.acquireSync() of what an async function of this thread holds is a DeadlockError", async ({ face }) => {
  const lock = new face.Lock({ name: "till" });
  const guard = await lock.acquire();
  assertThrows(() => lock.acquireSync(), DeadlockError, "till");
  assertThrows(() => lock.acquireSync({ timeout: 5_000 }), DeadlockError);
  assertEquals(lock.acquireSync({ blocking: false }), undefined);
  assertEquals(lock.locked(), true);
  guard.release();
  lock.acquireSync().release();
});

test("Lock excludes the async functions of one thread from each other", async ({ face }) => {
  const lock = new face.Lock();
  let total = 0;
  let inside = 0;
  await Promise.all(Array.from({ length: 5 }, async () => {
    for (let k = 0; k < 20; k++) {
      using _ = await lock.acquire();
      assertEquals(++inside, 1);
      const before = total;
      await Promise.resolve();
      total = before + 1;
      inside--;
    }
  }));
  assertEquals(total, 100);
});

test("Lock makes increments of four children exact", async (world) => {
  const lock = new world.face.Lock();
  const total = new world.face.Value("i32");
  const children = [...FORMS, ...FORMS].map((form) =>
    world.start(count, [lock, total, 1_000, 1, form])
  );
  await Promise.all(children.map((child) => child.result()));
  assertEquals(total.value, 4_000);
});

for (const form of FORMS) {
  test(`Lock is passed between a parent and children, ${form} there, ${other(form)} here`, async (world) => {
    const lock = new world.face.Lock();
    const total = new world.face.Value("i32");
    world.start(count, [lock, total, 500, 1, form]);
    world.start(count, [lock, total, 500, 1, form]);
    for (let k = 0; k < 500; k++) {
      using guard = await take(lock, other(form), AT_MOST);
      assert(guard !== undefined);
      total.value = total.value + 1;
    }
    await world.join();
    assertEquals(total.value, 1_500);
  });
}

test("Lock that its holder keeps at its normal end stays held", async (world) => {
  const lock = new world.face.Lock();
  for (const form of FORMS) {
    await world.run(keep, [lock, form]);
    assertEquals(await lock.acquire({ timeout: 10 }), undefined);
    lock.release();
  }
});

test("Lock held by a child blocks the others until it releases", async (world) => {
  for (const form of FORMS) {
    const lock = new world.face.Lock();
    const go = new world.face.Event();
    const holder = world.start(hold, [lock, go, 1, form]);
    assertEquals(await holder.next(), "held");
    assertEquals([lock.locked(), await world.isFree(lock)], [true, false]);
    go.set();
    using guard = await take(lock, other(form), AT_MOST);
    assertEquals(guard?.abandoned, false);
  }
});
