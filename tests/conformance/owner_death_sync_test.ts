/**
 * What a death leaves of each kind of lock, and of those that were only waiting, in both worlds.
 *
 * @module
 */
import { assert, assertEquals, assertInstanceOf, assertLess, assertRejects } from "@std/assert";
import { delay } from "@std/async";
import { BrokenBarrierError, ThreadTerminated } from "../../lib/errors.ts";
import type { Semaphore } from "../../lib/threading.ts";
import {
  type Acquirable,
  arriveOrFail,
  awaitEvent,
  awaitPhase,
  consume,
  type Form,
  FORMS,
  hold,
  holdAndExit,
  holdAndFail,
  keep,
  other,
  take,
  takeAndTell,
  takeWithin,
} from "./_targets.ts";
import { until } from "../_help/until.ts";
import { type Child, type Face, test, type World } from "./_world.ts";

/** How soon a lock whose holder died must be had, in ms. */
const SOON = 1_000;
const AT_MOST = { timeout: 10_000 };
/** After how long a waiter has looked again and found that it starves, in ms. */
const STARVED = 200;

/** All that belongs to its holder, each with the times it is taken. */
const KINDS: [kind: string, make: (face: Face) => Acquirable, levels: number][] = [
  ["Lock", ({ Lock }) => new Lock(), 1],
  ["RLock", ({ RLock }) => new RLock(), 3],
  ["Condition", ({ Condition }) => new Condition(), 3],
  ["Condition with a Lock", ({ Condition, Lock }) => new Condition(new Lock()), 1],
];

/** Ways to die, each with what starts one that will. */
const DEATHS: [
  how: string,
  start: (world: World, lock: Acquirable, levels: number, form: Form) => () => Promise<void>,
][] = [
  ["is killed", (world, lock, levels, form) => {
    const never = new world.face.Event();
    const child = world.start(hold, [lock, never, levels, form], { mayFail: true });
    return dieAfterReport(child, () => child.kill());
  }],
  ["fails", (world, lock, levels, form) => {
    const go = new world.face.Event();
    const child = world.start(holdAndFail, [lock, go, levels, form], { mayFail: true });
    return dieAfterReport(child, () => go.set());
  }],
  ["ends by exit(3)", (world, lock, levels, form) => {
    const go = new world.face.Event();
    const child = world.start(holdAndExit, [lock, go, levels, form], { mayFail: true });
    return dieAfterReport(child, () => go.set());
  }],
];

function dieAfterReport(child: Child, die: () => void): () => Promise<void> {
  return async () => {
    assertEquals(await child.next(), "held");
    die();
  };
}

for (const [kind, make, levels] of KINDS) {
  for (const [how, start] of DEATHS) {
    for (const form of FORMS) {
      test(
        `${kind} passes on within a second when its holder ${how}, ${form}`,
        async (world) => {
          const lock = make(world.face);
          const die = start(world, lock, levels, other(form));
          await die();
          const died = performance.now();
          const guard = await take(lock, form, AT_MOST);
          assertEquals(guard?.abandoned, true);
          assertLess(performance.now() - died, SOON);
          // One release frees it, however often the dead one had taken it; the next one is as any.
          assertEquals(await world.isFree(lock), false);
          guard!.release();
          assertEquals(await world.run(takeAndTell, [lock, other(form)]), false);
        },
      );
    }
  }

  test(`${kind} passes on to one of several that waited when its holder is killed`, async (world) => {
    const lock = make(world.face);
    const never = new world.face.Event();
    const holder = world.start(hold, [lock, never, levels, "sync"], { mayFail: true });
    await holder.next();
    const waiters = [...FORMS, ...FORMS].map((form) => world.start(takeAndTell, [lock, form]));
    await world.untilWaiting(...waiters);
    holder.kill();
    const abandoned = await Promise.all(waiters.map((child) => child.result()));
    assertEquals(abandoned.sort(), [false, false, false, true]);
  });

  test(`${kind} that its holder keeps at its normal end stays held`, async (world) => {
    const lock = make(world.face);
    const holder = world.start(keep, [lock, "sync"]);
    await holder.result();
    await holder.handle.join();
    assertEquals(await lock.acquire({ timeout: 100 }), undefined);
    assertEquals(await world.run(takeWithin, [lock, 10, "sync"]), false);
  });

  test(`${kind} that was handed to one who was killed is not abandoned`, async (world) => {
    const lock = make(world.face);
    const guard = lock.acquireSync();
    const waiter = world.start(takeAndTell, [lock, "sync"], { mayFail: true });
    await world.untilWaiting(waiter);
    // After this time it has asked for the lock to be handed to it.
    await delay(STARVED);
    waiter.kill();
    await waiter.handle.join();
    guard.release();
    assertEquals((await lock.acquire(AT_MOST))?.abandoned, false);
  });

  test(`${kind} is not hurt when one who waits for it is killed`, async (world) => {
    const lock = make(world.face);
    const guard = lock.acquireSync();
    for (const form of [...FORMS, ...FORMS]) {
      const waiter = world.start(takeAndTell, [lock, form], { mayFail: true });
      await world.untilWaiting(waiter);
      waiter.kill();
      assertEquals(await waiter.handle.join({ timeout: 2_000 }), true);
    }
    guard.release();
    assertEquals(await world.run(takeAndTell, [lock, "sync"]), false);
  });
}

test("Condition passes on a notify when the one it might have woken was killed", async (world) => {
  const { Condition, Semaphore, Value } = world.face;
  for (const form of FORMS) {
    const condition = new Condition();
    const entered = new Semaphore(0);
    const phase = new Value("i32", 1);
    const args = [condition, entered, phase, form] as const;
    const dying = world.start(awaitPhase, [...args], { mayFail: true });
    await takeAll(entered, 1);
    const living = world.start(awaitPhase, [...args]);
    await takeAll(entered, 1);
    await world.untilWaiting(dying, living);
    dying.kill();
    assertEquals(await dying.handle.join({ timeout: 2_000 }), true);
    {
      using _ = await condition.acquire();
      condition.notify();
    }
    assertEquals(await living.result(), 1);
  }
});

async function takeAll(semaphore: Semaphore, n: number): Promise<void> {
  for (let k = 0; k < n; k++) await semaphore.acquire();
}

test("Semaphore gives no permit to one that was killed while it waited", async (world) => {
  const semaphore = new world.face.Semaphore(0);
  const taken = new world.face.Value("i32");
  for (const form of FORMS) {
    const waiter = world.start(consume, [semaphore, taken, form], { mayFail: true });
    await world.untilWaiting(waiter);
    waiter.kill();
    semaphore.release();
    await waiter.handle.join();
    assertEquals(taken.value + semaphore.value, 1);
    if (semaphore.value > 0) semaphore.acquireSync();
    taken.value = 0;
  }
  const next = world.start(consume, [semaphore, taken, "sync"]);
  semaphore.release();
  await next.result();
});

test("Event still releases the others when one who waits is killed", async (world) => {
  const event = new world.face.Event();
  const dying = world.start(awaitEvent, [event, "sync"], { mayFail: true });
  const living = FORMS.map((form) => world.start(awaitEvent, [event, form]));
  await world.untilWaiting(dying, ...living);
  dying.kill();
  await dying.handle.join();
  event.set();
  for (const child of living) assertEquals(await child.result(), true);
});

test("Barrier breaks for all who wait when one of them is killed, and reset() mends it", async (world) => {
  const barrier = new world.face.Barrier(4);
  const dying = world.start(arriveOrFail, [barrier, "sync"], { mayFail: true });
  const living = FORMS.map((form) => world.start(arriveOrFail, [barrier, form]));
  await until(() => barrier.nWaiting === 3);
  await world.untilWaiting(dying, ...living);
  dying.kill();
  for (const child of living) assert(`${await child.result()}`.startsWith("BrokenBarrierError"));
  await dying.handle.join();
  await assertRejects(() => barrier.wait(AT_MOST), BrokenBarrierError);
  assertEquals(barrier.broken, true);
  barrier.reset();
  const indexes = await Promise.all([0, 1, 2, 3].map(() => barrier.wait(AT_MOST)));
  assertEquals(indexes.sort(), [0, 1, 2, 3]);
});

for (const form of FORMS) {
  test(
    `A thread that is terminated in a wait gets ThreadTerminated there, ${form}`,
    async (world) => {
      const { Lock, RLock, Semaphore, Event, Condition, Barrier, Value } = world.face;
      const lock = new Lock();
      const nested = new RLock();
      lock.acquireSync();
      nested.acquireSync();
      const condition = new Condition();
      const barrier = new Barrier(2);
      const children = [
        world.start(takeAndTell, [lock, form], { mayFail: true }),
        world.start(takeAndTell, [nested, form], { mayFail: true }),
        world.start(takeAndTell, [new Semaphore(0), form], { mayFail: true }),
        world.start(awaitEvent, [new Event(), form], { mayFail: true }),
        world.start(awaitPhase, [condition, new Semaphore(0), new Value("i32"), form], {
          mayFail: true,
        }),
        world.start(arriveOrFail, [barrier, form], { mayFail: true }),
      ];
      await world.untilWaiting(...children);
      for (const child of children) child.kill();
      for (const child of children) {
        assertEquals(await child.handle.join({ timeout: 2_000 }), true);
      }
      for (const child of children.slice(0, -1)) {
        assertInstanceOf(child.handle.error, ThreadTerminated);
      }
      // The last one's target turns errors into words.
      await assertRejects(() => children.at(-1)!.result(), ThreadTerminated);
      assertEquals(barrier.nWaiting, 0);
      using guard = await condition.acquire(AT_MOST);
      assert(guard !== undefined);
    },
    { skip: { processes: "a process has no such error: it is killed" } },
  );
}
