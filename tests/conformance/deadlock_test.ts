/**
 * How deadlocks are found, and that nothing else is taken for one, in both worlds.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { delay } from "@std/async";
import { DeadlockError } from "../../lib/errors.ts";
import type { Deadlock } from "../../lib/threading.ts";
import {
  type Acquirable,
  type Form,
  FORMS,
  hold,
  keep,
  makeNamed,
  takeAndTell,
  takeBoth,
  takeBothInRow,
  takeBothOften,
  takeDetecting,
} from "./_targets.ts";
import { until } from "../_help/until.ts";
import { type Child, test, type World } from "./_world.ts";

/** Longer than it takes to tell a waiter of its deadlock. */
const LONG = 800;

/** Starts parties in a ring, each with a lock in hand that the one before it wants. */
function ring(
  world: World,
  prefix: string,
  locks: Acquirable[],
  forms: readonly Form[],
  detectDeadlock = false,
): Child<string | null>[] {
  const met = new world.face.Barrier(locks.length);
  return locks.map((lock, k) => {
    const next = locks[(k + 1) % locks.length];
    const form = forms[k % forms.length];
    const args = [lock, next, met, detectDeadlock, form] as const;
    return world.start(takeBoth, [...args], { name: `${prefix}-${k + 1}` });
  });
}

/** Waits until there are as many deadlocks; nobody announces them. */
async function untilFound(world: World, n: number): Promise<Deadlock[]> {
  let found: Deadlock[] = [];
  await until(() => (found = world.face.findDeadlocks()).length >= n);
  return found;
}

/** The letter that names a lock. */
const letter = (k: number) => String.fromCharCode(65 + k);

test("findDeadlocks() finds nothing where nobody waits", async (world) => {
  assertEquals(world.face.findDeadlocks(), []);
  const lock = new world.face.Lock({ name: "A" });
  const go = new world.face.Event();
  const holder = world.start(hold, [lock, go, 1, "sync"]);
  await holder.next();
  assertEquals(world.face.findDeadlocks(), []);
  go.set();
});

for (const form of FORMS) {
  test(`findDeadlocks() tells of two parties in the words of the contract, ${form}`, async (world) => {
    const locks = [0, 1].map((k) => new world.face.Lock({ name: letter(k) }));
    const children = ring(world, "accounts", locks, [form]);
    const [deadlock] = await untilFound(world, 1);
    assertEquals(
      deadlock.message,
      "Deadlock: accounts-1 holds 'A' and waits for 'B'; accounts-2 holds 'B' and waits for 'A'",
    );
    assertEquals(deadlock.parties, [
      { name: "accounts-1", holds: ["A"], waitsFor: "B" },
      { name: "accounts-2", holds: ["B"], waitsFor: "A" },
    ]);
    locks[0].release();
    assertEquals(await Promise.all(children.map((child) => child.result())), [null, null]);
    assertEquals(world.face.findDeadlocks(), []);
  });
}

for (const n of [3, 5, 10]) {
  test(`findDeadlocks() finds a cycle of ${n}`, async (world) => {
    const locks = Array.from({ length: n }, (_, k) => new world.face.Lock({ name: letter(k) }));
    ring(world, "party", locks, FORMS);
    const [deadlock, ...more] = await untilFound(world, 1);
    assertEquals(more, []);
    assertEquals(deadlock.parties.length, n);
    deadlock.parties.forEach(({ name, holds, waitsFor }, k) => {
      const next = deadlock.parties[(k + 1) % n];
      assertEquals(holds, [letter(Number(name.slice("party-".length)) - 1)]);
      assertEquals(waitsFor, next.holds[0]);
      assert(deadlock.message.includes(`${name} holds '${holds[0]}' and waits for '${waitsFor}'`));
    });
    assertEquals(new Set(deadlock.parties.map(({ name }) => name)).size, n);
    locks[0].release();
  });
}

test("findDeadlocks() finds cycles that have nothing to do with each other", async (world) => {
  const some = [0, 1].map((k) => new world.face.Lock({ name: letter(k) }));
  const others = [2, 3].map((k) => new world.face.Lock({ name: letter(k) }));
  ring(world, "left", some, ["sync"]);
  ring(world, "right", others, ["sync"]);
  const found = await untilFound(world, 2);
  const names = found.map(({ parties }) => parties.map(({ name }) => name).sort());
  assertEquals(names.sort(), [["left-1", "left-2"], ["right-1", "right-2"]]);
  some[0].release();
  others[0].release();
});

for (const kind of ["RLock", "Condition"] as const) {
  test(`findDeadlocks() finds a cycle of a Lock and the lock of a ${kind}`, async (world) => {
    const lock = new world.face.Lock({ name: "A" });
    const second = makeNamed(world.face, kind, "B");
    const children = ring(world, "mixed", [lock, second], ["sync"]);
    const [{ parties }] = await untilFound(world, 1);
    const holding = parties.map(({ name, holds }) => `${name}: ${holds[0]}`);
    assertEquals(holding.sort(), ["mixed-1: A", "mixed-2: B"]);
    lock.release();
    await Promise.all(children.map((child) => child.result()));
  });
}

test("findDeadlocks() numbers locks that have no name", async (world) => {
  const locks = [new world.face.Lock(), new world.face.RLock()];
  ring(world, "nameless", locks, ["sync"]);
  const [{ message, parties }] = await untilFound(world, 1);
  assertEquals(parties.length, 2);
  assertMatch(
    message,
    /nameless-1 holds .+ and waits for /,
  );
  locks[0].release();
});

for (const n of [2, 4]) {
  for (const forms of n === 2 ? [["sync"], ["async"]] as const : [["sync"], FORMS] as const) {
    test(`acquire({ detectDeadlock }) throws in at least one of ${n}, and the rest go on, ${forms.join(" and ")}`, async (world) => {
      const locks = Array.from({ length: n }, (_, k) => new world.face.Lock({ name: letter(k) }));
      const children = ring(world, "party", locks, forms, true);
      const ends = await Promise.all(children.map((child) => child.result()));
      const told = ends.filter((end) => end !== null);
      assert(told.length >= 1 && told.length < n, `${told.length} of ${n} were told`);
      for (const message of told) {
        assertMatch(message, /^Deadlock: party-1 holds 'A' and waits for 'B'; party-2 /);
      }
      assertEquals(locks.map((lock) => lock.locked()), Array(n).fill(false));
    });
  }
}

for (const form of FORMS) {
  test(`acquire({ detectDeadlock }) throws in the only party that asks for it, ${form}`, async (world) => {
    const [a, b] = [0, 1].map((k) => new world.face.Lock({ name: letter(k) }));
    const met = new world.face.Barrier(2);
    const plain = world.start(takeBoth, [a, b, met, false, "sync"], { name: "plain" });
    const asking = world.start(takeBoth, [b, a, met, true, form], { name: "asking" });
    assertMatch(`${await asking.result()}`, /^Deadlock: .*asking holds 'B' and waits for 'A'/);
    assertEquals(await plain.result(), null);
  });

  test(`acquire({ detectDeadlock }) is not alarmed by a lock that is held long, ${form}`, async (world) => {
    const lock = new world.face.Lock({ name: "slow" });
    const guard = lock.acquireSync();
    const children = [1, 2, 3].map((k) =>
      world.start(takeDetecting, [lock, form], { name: `patient-${k}` })
    );
    // The results are awaited meanwhile, as anybody would.
    const results = children.map((child) => child.result());
    await world.untilWaiting(...children);
    await delay(300);
    assertEquals(world.face.findDeadlocks(), []);
    guard.release();
    assertEquals(await Promise.all(results), [true, true, true]);
  });

  test(`acquire({ detectDeadlock }) is not alarmed by a chain that has no cycle, ${form}`, async (world) => {
    const { Lock, Event } = world.face;
    const locks = Array.from({ length: 6 }, (_, k) => new Lock({ name: letter(k) }));
    const go = new Event();
    const head = world.start(hold, [locks[0], go, 1, "sync"], { name: "head" });
    await head.next();
    const children: Child<boolean>[] = [];
    for (let k = 1; k < locks.length; k++) {
      const args = [locks[k], locks[k - 1], form] as const;
      const link = world.start(takeBothInRow, [...args], { name: `link-${k}` });
      await world.untilWaiting(link);
      children.push(link);
    }
    assertEquals(world.face.findDeadlocks(), []);
    // A blocked party would be told at once.
    await delay(form === "sync" ? 100 : LONG);
    assertEquals(world.face.findDeadlocks(), []);
    go.set();
    assertEquals(await Promise.all(children.map((child) => child.result())), Array(5).fill(true));
  });
}

test("acquire({ detectDeadlock }) is not alarmed by a holder that awaits the waiter's end, and a timer too", async (world) => {
  const lock = new world.face.Lock({ name: "mine" });
  const guard = await lock.acquire();
  const child = world.start(takeDetecting, [lock, "async"], { name: "patient" });
  const result = child.result();
  await world.untilWaiting(child);
  await delay(LONG);
  guard.release();
  assertEquals(await result, true);
});

test("acquire({ detectDeadlock }) is not alarmed by locks that change hands all the time", async (world) => {
  const [a, b] = [0, 1].map((k) => new world.face.Lock({ name: letter(k) }));
  const children = [...FORMS, ...FORMS].map((form) =>
    world.start(takeBothOften, [a, b, 1_000, form])
  );
  await Promise.all(children.map((child) => child.result()));
  assertEquals([a.locked(), b.locked()], [false, false]);
});

test("acquireSync({ detectDeadlock }) of what this thread holds is a DeadlockError", ({ face }) => {
  const lock = new face.Lock({ name: "mine" });
  const guard = lock.acquireSync();
  const error = assertThrows(() => lock.acquireSync({ detectDeadlock: true }), DeadlockError);
  assert(error.message.includes("mine"), error.message);
  assertEquals(lock.locked(), true);
  guard.release();
  lock.acquireSync({ detectDeadlock: true }).release();
});

test("acquire({ detectDeadlock }) takes what is free, and keeps to its timeout", async (world) => {
  const lock = new world.face.Lock();
  for (const form of FORMS) {
    const options = { detectDeadlock: true, timeout: 20 };
    (form === "sync" ? lock.acquireSync(options) : await lock.acquire(options))!.release();
    await world.run(keep, [lock, form]);
    assertEquals(
      form === "sync" ? lock.acquireSync(options) : await lock.acquire(options),
      undefined,
    );
    lock.release();
  }
});

test("acquire({ detectDeadlock }) takes an RLock again", async ({ face }) => {
  const lock = new face.RLock();
  lock.acquireSync({ detectDeadlock: true });
  await lock.acquire({ detectDeadlock: true });
  lock.release();
  lock.release();
});

test("findDeadlocks() names a holder that has ended with the lock in hand", async (world) => {
  const lock = new world.face.Lock({ name: "left" });
  const gone = world.start(keep, [lock, "sync"], { name: "gone" });
  await gone.result();
  await gone.handle.join();
  const waiter = world.start(takeAndTell, [lock, "sync"], { name: "waiter" });
  const [{ parties, message }] = await untilFound(world, 1);
  assertEquals(parties.find(({ name }) => name === "waiter")?.waitsFor, "left");
  assertEquals(parties.find(({ name }) => name === "gone"), {
    name: "gone",
    holds: ["left"],
    waitsFor: null,
  });
  assert(message.includes("waiter") && message.includes("gone"), message);
  lock.release();
  await waiter.result();
});
