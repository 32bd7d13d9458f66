/**
 * What a Semaphore and a BoundedSemaphore promise, in both worlds.
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
  consume,
  count,
  crowd,
  FORMS,
  give,
  keep,
  other,
  take,
  takeOrLeave,
  takeWithin,
} from "./_targets.ts";
import { until } from "../_help/until.ts";
import { test } from "./_world.ts";

const AT_MOST = { timeout: 10_000 };

for (const kind of ["Semaphore", "BoundedSemaphore"] as const) {
  test(`${kind} has as many permits as it was given`, async ({ face }) => {
    const semaphore = new face[kind](3);
    assertEquals(semaphore.value, 3);
    const guards = [await semaphore.acquire(), semaphore.acquireSync()];
    assertEquals(semaphore.value, 1);
    assert(await semaphore.acquire({ blocking: false }) !== undefined);
    assertEquals(semaphore.value, 0);
    assertEquals(await semaphore.acquire({ blocking: false }), undefined);
    assertEquals(semaphore.acquireSync({ timeout: 0 }), undefined);
    for (const guard of guards) guard.release();
    semaphore.release();
    assertEquals(semaphore.value, 3);
  });

  test(`${kind} has one permit by default, and a name if given`, ({ face }) => {
    assertEquals(new face[kind]().value, 1);
    assertEquals(new face[kind](0).value, 0);
    assertEquals(new face[kind](2, { name: "pumps" }).name, "pumps");
    assertThrows(() => new face[kind](2, { name: 5 as never }), TypeError, "name");
  });

  test(`${kind} refuses a bad number of permits`, ({ face }) => {
    for (const bad of [-1, 1.5, NaN, Infinity]) {
      assertThrows(() => new face[kind](bad), RangeError, `${bad}`);
    }
    for (const bad of ["1", null, 1n, {}]) {
      assertThrows(() => new face[kind](bad as never), TypeError);
    }
  });

  test(`${kind}.release() refuses a bad number and adds nothing`, ({ face }) => {
    const semaphore = new face[kind](2);
    semaphore.acquireSync();
    for (const bad of [0, -1, 1.5, NaN]) {
      assertThrows(() => semaphore.release(bad), RangeError, `${bad}`);
    }
    assertThrows(() => semaphore.release("1" as never), TypeError);
    assertEquals(semaphore.value, 1);
  });

  test(`${kind} guard's release() is idempotent, and using releases`, async ({ face }) => {
    const semaphore = new face[kind](2);
    const guard = await semaphore.acquire();
    guard.release();
    guard.release();
    assertEquals(semaphore.value, 2);
    assertThrows(() => {
      using _ = semaphore.acquireSync();
      assertEquals(semaphore.value, 1);
      throw new RangeError("inside");
    }, RangeError);
    assertEquals(semaphore.value, 2);
  });

  test(`${kind}.acquire() gives undefined after its timeout, and not before`, async (world) => {
    const semaphore = new world.face[kind](1);
    semaphore.acquireSync();
    for (const form of FORMS) {
      const began = performance.now();
      assertEquals(await take(semaphore, form, { timeout: 50 }), undefined);
      assertGreaterOrEqual(performance.now() - began, 49.9);
      assertEquals(await world.run(takeWithin, [semaphore, 10, form]), false);
    }
    semaphore.release();
    for (const form of FORMS) {
      assertEquals(await world.run(takeWithin, [semaphore, 1_000, form]), true);
    }
    assertEquals(semaphore.value, 1);
  });

  test(`${kind}.acquire() refuses bad options and takes nothing`, async ({ face }) => {
    const semaphore = new face[kind](1);
    const cases: [options: unknown, type: typeof TypeError | typeof RangeError][] = [
      [{ blocking: false, timeout: 5 }, TypeError],
      [{ timeout: "5" }, TypeError],
      [{ timeout: -1 }, RangeError],
      [5, TypeError],
    ];
    for (const [options, type] of cases) {
      await assertRejects(() => semaphore.acquire(options as never), type, "Cannot acquire");
      assertThrows(() => semaphore.acquireSync(options as never), type, "Cannot acquire");
    }
    assertEquals(semaphore.value, 1);
  });

  test(`${kind}.acquire() rejects with the reason of an aborted signal`, async (world) => {
    const semaphore = new world.face[kind](1);
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    assertEquals(await assertRejects(() => semaphore.acquire({ signal })), reason);
    assertEquals(semaphore.value, 1);
    const guard = await semaphore.acquire();
    const controller = new AbortController();
    const wait = semaphore.acquire({ signal: controller.signal });
    controller.abort(reason);
    assertEquals(await assertRejects(() => wait), reason);
    assertEquals(await world.run(abortWait, [semaphore]), true);
    guard.release();
    assertEquals(semaphore.value, 1);
  });

  test(`${kind}'s permits come from a child and are taken by one`, async (world) => {
    for (const form of FORMS) {
      const semaphore = new world.face[kind](2);
      await world.run(keep, [semaphore, form]);
      assertEquals(semaphore.value, 1);
      await world.run(keep, [semaphore, other(form)]);
      const giver = world.start(give, [semaphore, 2]);
      assert(await take(semaphore, form, AT_MOST) !== undefined);
      await giver.result();
      assertEquals(semaphore.value, 1);
    }
  });

  test(`${kind} lets never more in than it has permits`, async (world) => {
    const semaphore = new world.face[kind](3);
    const inside = new world.face.Value("i32");
    const most = new world.face.Value("i32");
    for (const form of [...FORMS, ...FORMS, ...FORMS]) {
      world.start(crowd, [semaphore, inside, most, 300, form]);
    }
    await world.join();
    assert(most.value >= 1 && most.value <= 3, `${most.value} were inside at once`);
    assertEquals([inside.value, semaphore.value], [0, 3]);
  });

  test(`${kind} of one permit is a lock between children`, async (world) => {
    const semaphore = new world.face[kind](1);
    const total = new world.face.Value("i32");
    for (const form of [...FORMS, ...FORMS]) world.start(count, [semaphore, total, 500, 1, form]);
    await world.join();
    assertEquals([total.value, semaphore.value], [2_000, 1]);
  });

  test(`${kind} waiters that give up take nobody's permit with them`, async (world) => {
    const semaphore = new world.face[kind](1);
    const total = new world.face.Value("i32");
    for (const form of FORMS) {
      world.start(takeOrLeave, [semaphore, 200, form]);
      world.start(count, [semaphore, total, 300, 1, form]);
    }
    await world.join();
    assertEquals([total.value, semaphore.value], [600, 1]);
  });
}

test("Semaphore.release(n) adds n permits, beyond the first number too", ({ face }) => {
  const semaphore = new face.Semaphore(1);
  semaphore.release();
  semaphore.release(3);
  assertEquals(semaphore.value, 5);
});

test("BoundedSemaphore.release() beyond the bound is a RangeError and changes nothing", async (world) => {
  const semaphore = new world.face.BoundedSemaphore(2);
  assertThrows(() => semaphore.release(), RangeError);
  assertEquals(semaphore.value, 2);
  const guard = semaphore.acquireSync();
  assertThrows(() => semaphore.release(2), RangeError);
  assertEquals(semaphore.value, 1);
  guard.release();
  await world.run(keep, [semaphore, "sync"]);
  semaphore.release();
  assertThrows(() => semaphore.release(), RangeError);
  assertEquals(semaphore.value, 2);
});

test("BoundedSemaphore keeps its bound in a child", async (world) => {
  const semaphore = new world.face.BoundedSemaphore(2);
  const child = world.start(give, [semaphore, 1], { mayFail: true });
  await assertRejects(() => child.result(), RangeError);
  assertEquals(semaphore.value, 2);
});

test("Semaphore guard that is released by release() gives nothing twice", async ({ face }) => {
  const semaphore = new face.Semaphore(1);
  using guard = await semaphore.acquire();
  guard.release();
  assertEquals(semaphore.value, 1);
});

test("Semaphore.release(n) lets exactly n of the waiters in", async (world) => {
  const semaphore = new world.face.Semaphore(0);
  const taken = new world.face.Value("i32");
  const children = ["sync", "async", "sync", "async", "sync"].map((form) =>
    world.start(consume, [semaphore, taken, form as "sync" | "async"])
  );
  await world.untilWaiting(...children);
  let permits = 0;
  for (const n of [3, 1, 1]) {
    semaphore.release(n);
    permits += n;
    await until(() => taken.value === permits);
    assertEquals(semaphore.value, 0);
    assertEquals(semaphore.acquireSync({ timeout: 20 }), undefined);
    assertEquals(taken.value, permits);
  }
});

for (const order of ["before", "after"] as const) {
  test(`Semaphore's permit goes to the next when a waiter aborts just ${order} the release`, async ({ face }) => {
    const semaphore = new face.Semaphore(0);
    for (let k = 0; k < 30; k++) {
      const controller = new AbortController();
      const first = semaphore.acquire({ signal: controller.signal }).then(
        (guard) => guard.release(),
        () => "aborted",
      );
      const second = semaphore.acquire().then((guard) => guard.release());
      if (order === "before") controller.abort();
      semaphore.release();
      if (order === "after") controller.abort();
      await second;
      if (order === "before") assertEquals(await first, "aborted");
      await first;
      assertEquals(semaphore.value, 1);
      semaphore.acquireSync();
    }
  });
}

for (const form of FORMS) {
  test(`Semaphore is shared by a parent and children, ${form} there, ${other(form)} here`, async (world) => {
    const semaphore = new world.face.Semaphore(2);
    const inside = new world.face.Value("i32");
    const most = new world.face.Value("i32");
    for (let k = 0; k < 3; k++) world.start(crowd, [semaphore, inside, most, 200, form]);
    for (let k = 0; k < 200; k++) {
      using guard = await take(semaphore, other(form), AT_MOST);
      assert(guard !== undefined);
      assert(inside.add(1) < 2);
      inside.add(-1);
    }
    await world.join();
    assert(most.value <= 2);
    assertEquals(semaphore.value, 2);
  });
}
