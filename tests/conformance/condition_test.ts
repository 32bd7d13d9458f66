/**
 * What a Condition promises, in both worlds.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import type { Condition, Semaphore } from "../../lib/threading.ts";
import {
  awaitBriefly,
  awaitNested,
  awaitPhase,
  awaitValue,
  change,
  conditionErrors,
  FORMS,
  keep,
  notify,
  other,
  putItems,
  release,
  take,
  takeItems,
  takeTurns,
  wait,
} from "./_targets.ts";
import { until } from "../_help/until.ts";
import { type Face, test } from "./_world.ts";

const AT_MOST = { timeout: 10_000 };

const LOCKS: [kind: string, make: (face: Face) => Condition][] = [
  ["an RLock of its own", ({ Condition }) => new Condition()],
  ["a Lock", ({ Condition, Lock }) => new Condition(new Lock())],
];

/** Takes as many permits, one after the other. */
async function takeAll(semaphore: Semaphore, n: number): Promise<void> {
  for (let k = 0; k < n; k++) await semaphore.acquire();
}

for (const [kind, make] of LOCKS) {
  test(`Condition with ${kind} refuses wait and notify when it is not held`, async ({ face }) => {
    const condition = make(face);
    for (let k = 0; k < 2; k++) {
      await assertRejects(() => condition.wait(), Error);
      assertThrows(() => condition.waitSync(), Error);
      await assertRejects(() => condition.waitFor(() => true), Error);
      assertThrows(() => condition.waitForSync(() => true), Error);
      assertThrows(() => condition.notify(), Error);
      assertThrows(() => condition.notifyAll(), Error);
      assertThrows(() => condition.release(), Error);
      condition.acquireSync().release();
    }
  });

  test(`Condition with ${kind} is acquired and released as its lock`, async (world) => {
    const condition = make(world.face);
    for (const form of FORMS) {
      using guard = await take(condition, form);
      assertEquals(await world.isFree(condition), false);
      guard!.release();
      assertEquals(await world.isFree(condition), true);
      await take(condition, form);
      condition.release();
    }
    await world.run(keep, [condition, "sync"]);
    assertEquals(await condition.acquire({ timeout: 10 }), undefined);
    assertEquals(condition.acquireSync({ blocking: false }), undefined);
    const reason = new Error("enough");
    assertEquals(
      await assertRejects(() => condition.acquire({ signal: AbortSignal.abort(reason) })),
      reason,
    );
  });

  test(`Condition with ${kind}: a guard from before a wait releases after it`, async (world) => {
    const condition = make(world.face);
    for (const form of FORMS) {
      {
        using _ = await take(condition, form);
        assertEquals(await wait(condition, form, { timeout: 5 }), false);
        assertEquals(await world.isFree(condition), false);
      }
      assertEquals(await world.isFree(condition), true);
    }
  });

  test(`Condition.wait() with ${kind} gives false after its timeout, and holds the lock again`, async (world) => {
    const condition = make(world.face);
    for (const form of FORMS) {
      using _ = await take(condition, form);
      const began = performance.now();
      assertEquals(await wait(condition, form, { timeout: 50 }), false);
      assertGreaterOrEqual(performance.now() - began, 49.9);
      assertEquals(await wait(condition, form, { timeout: 0 }), false);
      assertEquals(await world.isFree(condition), false);
    }
    assertEquals(await world.isFree(condition), true);
  });

  test(`Condition.wait() with ${kind} rejects with the signal's reason, and holds the lock again`, async (world) => {
    const condition = make(world.face);
    const reason = new Error("enough");
    const controller = new AbortController();
    {
      using _ = await condition.acquire();
      const wait = condition.wait({ signal: controller.signal });
      controller.abort(reason);
      assertEquals(await assertRejects(() => wait), reason);
      assertEquals(await world.isFree(condition), false);
      const again = condition.wait({ signal: controller.signal });
      assertEquals(await assertRejects(() => again), reason);
      assertEquals(await world.isFree(condition), false);
    }
    assertEquals(await world.isFree(condition), true);
  });

  test(`Condition.notify(n) with ${kind} wakes exactly n`, async (world) => {
    const condition = make(world.face);
    const entered = new world.face.Semaphore(0);
    const phase = new world.face.Value("i32", 0);
    const children = [...FORMS, ...FORMS, ...FORMS].map((form) =>
      world.start(awaitPhase, [condition, entered, phase, form])
    );
    await takeAll(entered, children.length);
    let woken = 0;
    for (const [n, now] of [[2, 1], [1, 2], [3, 3]]) {
      {
        using _ = await condition.acquire();
        phase.value = now;
        if (now === 3) condition.notifyAll();
        else condition.notify(n);
      }
      woken += n;
      const told = () => children.reduce((sum, { reports }) => sum + reports.length, 0);
      await until(() => told() >= woken);
      // Whoever else were awake would get the lock, and name this phase.
      for (let k = 0; k < 5; k++) {
        using _ = await condition.acquire();
      }
    }
    const phases = await Promise.all(children.map((child) => child.result()));
    assertEquals(phases.sort(), [1, 1, 2, 3, 3, 3]);
  });

  test(`Condition.notifyAll() with ${kind} wakes all, and all of them get the lock`, async (world) => {
    const condition = make(world.face);
    const entered = new world.face.Semaphore(0);
    const phase = new world.face.Value("i32", 7);
    const children = [...FORMS, ...FORMS].map((form) =>
      world.start(awaitPhase, [condition, entered, phase, form])
    );
    await takeAll(entered, children.length);
    using guard = await condition.acquire();
    condition.notifyAll();
    guard.release();
    const phases = await Promise.all(children.map((child) => child.result()));
    assertEquals(phases, Array(4).fill(7));
  });

  test(`Condition.notify() with ${kind} is not kept for those who wait later`, async ({ face }) => {
    const condition = make(face);
    using _ = await condition.acquire();
    condition.notify();
    condition.notify(3);
    condition.notifyAll();
    assertEquals(await condition.wait({ timeout: 10 }), false);
    assertEquals(condition.waitSync({ timeout: 10 }), false);
  });

  for (const form of FORMS) {
    test(`Condition with ${kind} is notified by a child while the parent waits, ${form}`, async (world) => {
      const condition = make(world.face);
      using _ = await take(condition, form);
      const child = world.start(notify, [condition, 1, other(form)]);
      assertEquals(await wait(condition, form, AT_MOST), true);
      assertEquals(await world.isFree(condition), false);
      await child.result();
    });

    test(`Condition.waitFor() with ${kind} waits until the predicate holds, ${form}`, async (world) => {
      const condition = make(world.face);
      const value = new world.face.Value("i32");
      const children = [world.start(awaitValue, [condition, value, 3, form])];
      children.push(world.start(awaitValue, [condition, value, 3, other(form)]));
      const mine = awaitValue(condition, value, 3, "async");
      for (const to of [1, 2, 3]) await world.run(change, [condition, value, to, form]);
      assertEquals(await mine, true);
      for (const child of children) assertEquals(await child.result(), true);
    });

    test(
      `Condition with ${kind} loses no wake-up in 2,000 turns of two children, ${form}`,
      async (world) => {
        const condition = make(world.face);
        const turn = new world.face.Value("i32");
        const players = [0, 1].map((mine) =>
          world.start(takeTurns, [condition, turn, mine, 2, 1_000, form])
        );
        for (const player of players) await player.result();
        assertEquals(turn.value, 0);
      },
      { limit: 60_000 },
    );
  }

  test(`Condition with ${kind}: waiters that give up eat no notify`, async (world) => {
    const condition = make(world.face);
    const turn = new world.face.Value("i32");
    const stop = new world.face.Event();
    const impatient = FORMS.map((form) => world.start(awaitBriefly, [condition, stop, form]));
    // Two that take turns wake each other by name of none: each notify has to come through.
    const players = [0, 1].map((mine) =>
      world.start(takeTurns, [condition, turn, mine, 2, 200, FORMS[mine]])
    );
    for (const player of players) await player.result();
    stop.set();
    for (const child of impatient) await child.result();
  });
}

test("Condition.notify() wakes the longest waiting, also after many that gave up", async (world) => {
  const condition = new world.face.Condition(new world.face.Lock());
  const woken: number[] = [];
  const giveUp = async (times: number) => {
    using _ = await condition.acquire();
    for (let k = 0; k < times; k++) assertEquals(await condition.wait({ timeout: 0 }), false);
  };
  const waits: Promise<void>[] = [];
  const enter = async (k: number) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    waits.push((async () => {
      using _ = await condition.acquire();
      resolve();
      assertEquals(await condition.wait(), true);
      woken.push(k);
    })());
    await promise;
  };
  const notifyOne = async () => {
    const before = woken.length;
    {
      using _ = await condition.acquire();
      condition.notify();
    }
    await until(() => woken.length > before);
  };
  // More give up than can wait at a time; who waits meanwhile is older than who comes after them.
  await giveUp(100);
  for (let k = 0; k < 4; k++) {
    await enter(k);
    await giveUp(600);
  }
  await notifyOne();
  await enter(4);
  await giveUp(600);
  for (let k = 0; k < 4; k++) await notifyOne();
  assertEquals(woken, [0, 1, 2, 3, 4]);
  // And when all have gone, it is as at first.
  for (let k = 5; k < 8; k++) await enter(k);
  for (let k = 5; k < 8; k++) await notifyOne();
  assertEquals(woken, [0, 1, 2, 3, 4, 5, 6, 7]);
  await Promise.all(waits);
});

for (const order of ["before", "after"] as const) {
  test(`Condition.notify() reaches another when a waiter aborts just ${order} it`, async ({ face }) => {
    for (let k = 0; k < 20; k++) {
      const condition = new face.Condition(new face.Lock());
      const controller = new AbortController();
      let waiting = 0;
      const enter = async (options: { signal?: AbortSignal }) => {
        using _ = await condition.acquire();
        waiting++;
        return await condition.wait(options).then(String, () => "aborted");
      };
      const waits = [enter({ signal: controller.signal }), enter({})];
      await until(() => waiting === 2);
      {
        using _ = await condition.acquire();
        if (order === "before") controller.abort();
        condition.notify();
        if (order === "after") controller.abort();
      }
      const first = await waits[0];
      if (order === "before") assertEquals(first, "aborted");
      if (first === "true") {
        // It was notified before it could give up: the notify was its own.
        using _ = await condition.acquire();
        condition.notify();
      }
      assertEquals(await waits[1], "true");
    }
  });
}

for (const form of FORMS) {
  test(`Condition.wait() releases all levels of an RLock and takes them again, ${form}`, async (world) => {
    const { RLock, Condition, Semaphore } = world.face;
    const condition = new Condition(new RLock());
    const entered = new Semaphore(0);
    const child = world.start(awaitNested, [condition, entered, 3, form]);
    await entered.acquire();
    {
      // It is free while the child waits.
      using guard = await take(condition, other(form), AT_MOST);
      assert(guard !== undefined);
      condition.notify();
    }
    assert((await child.result())?.startsWith("Error: Cannot release"));
    assertEquals(await world.isFree(condition), true);
  });
}

test("Condition.wait() of one level keeps the levels of the other async functions", async (world) => {
  const condition = new world.face.Condition();
  condition.acquireSync();
  condition.acquireSync();
  assertEquals(condition.waitSync({ timeout: 5 }), false);
  condition.release();
  assertEquals(await world.isFree(condition), false);
  condition.release();
  assertEquals(await world.isFree(condition), true);
});

test("Condition refuses wait and notify to all but the holder of its RLock", async (world) => {
  const condition = new world.face.Condition(new world.face.RLock());
  using _ = condition.acquireSync();
  for (const error of await world.run(conditionErrors, [condition])) {
    assert(error?.startsWith("Error: Cannot "), `${error}`);
  }
});

test("Condition shares the lock that it was given", async (world) => {
  const lock = new world.face.Lock();
  const one = new world.face.Condition(lock);
  const two = new world.face.Condition(lock);
  {
    using _ = await lock.acquire();
    assertEquals(await one.wait({ timeout: 5 }), false);
    assertEquals(await world.isFree(two), false);
  }
  await world.run(keep, [one, "sync"]);
  assertEquals(lock.locked(), true);
  await world.run(release, [two]);
  assertEquals(lock.locked(), false);
});

test("Condition.notify() wakes those of its own condition, not of another on its lock", async (world) => {
  const lock = new world.face.RLock();
  const one = new world.face.Condition(lock);
  const two = new world.face.Condition(lock);
  using _ = await lock.acquire();
  const controller = new AbortController();
  const waits = two.wait({ signal: controller.signal });
  await world.run(notify, [one, 1, "sync"]);
  controller.abort("enough");
  assertEquals(await waits.catch((reason) => reason), "enough");
  world.start(notify, [two, 1, "sync"]);
  assertEquals(await two.wait(AT_MOST), true);
});

test("Condition tells its second async waiter of one thread what an RLock is, and what to use", async ({ face }) => {
  const condition = new face.Condition();
  const consume = async (signal?: AbortSignal) => {
    using _guard = await condition.acquire();
    await null;
    return await condition.wait({ signal });
  };
  const first = new AbortController();
  const waits = consume(first.signal).catch((reason) => reason);
  const { message } = await assertRejects(() => consume(), Error, "does not hold its lock; all");
  assertStringIncludes(message, "all async functions of a thread are one owner of an RLock");
  assertStringIncludes(message, "use new Condition(new Lock())");
  first.abort("enough");
  assertEquals(await waits, "enough");
  const plain = new face.Condition(new face.Lock());
  const error = assertThrows(() => plain.notify(), Error, "does not hold its lock");
  assert(!error.message.includes("RLock"), error.message);
});

test("Condition.waitFor() gives the predicate's last value", async ({ face }) => {
  const condition = new face.Condition();
  using _ = await condition.acquire();
  assertEquals(await condition.waitFor(() => true), true);
  assertEquals(condition.waitForSync(() => true), true);
  let calls = 0;
  assertEquals(await condition.waitFor(() => ++calls > 9, { timeout: 10 }), false);
  assert(calls >= 1);
  assertEquals(condition.waitForSync(() => false, { timeout: 10 }), false);
  assertEquals(condition.waitForSync(() => false, { timeout: 0 }), false);
});

test("Condition.waitFor() gives the predicate's error and keeps the lock", async (world) => {
  const condition = new world.face.Condition();
  using _ = await condition.acquire();
  const fail = () => {
    throw new RangeError("no");
  };
  await assertRejects(() => condition.waitFor(fail), RangeError);
  assertThrows(() => condition.waitForSync(fail), RangeError);
  assertEquals(await world.isFree(condition), false);
  const reason = new Error("enough");
  const signal = AbortSignal.abort(reason);
  assertEquals(await assertRejects(() => condition.waitFor(() => false, { signal })), reason);
  assertEquals(await world.isFree(condition), false);
});

test("Condition refuses bad arguments", async ({ face }) => {
  const condition = new face.Condition(undefined, { name: "room" });
  assertEquals(condition.name, "room");
  for (const bad of [5, {}, new face.Event()]) {
    assertThrows(() => new face.Condition(bad as never), TypeError);
  }
  using _ = await condition.acquire();
  for (const bad of [-1, 1.5, NaN]) assertThrows(() => condition.notify(bad), RangeError, `${bad}`);
  assertThrows(() => condition.notify("1" as never), TypeError);
  await assertRejects(() => condition.wait({ timeout: -1 }), RangeError);
  assertThrows(() => condition.waitSync({ timeout: "5" as never }), TypeError);
  await assertRejects(() => condition.waitFor(5 as never), TypeError);
  assertThrows(() => condition.waitForSync(5 as never), TypeError);
});

test("Condition pairs bring every item from those who put to those who take", async (world) => {
  const { Lock, Condition, Value } = world.face;
  const lock = new Lock();
  const notEmpty = new Condition(lock);
  const notFull = new Condition(lock);
  const items = new Value("i32");
  for (const form of FORMS) {
    world.start(putItems, [notEmpty, notFull, items, 3, 300, form]);
    world.start(takeItems, [notEmpty, notFull, items, 300, form]);
  }
  await world.join();
  assertEquals([items.value, lock.locked()], [0, false]);
});
