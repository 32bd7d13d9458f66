/**
 * The algorithms of `lib/sync/` under the explorer: mutual exclusion, no lost wake-up, no deadlock,
 * and everything as before after a wait was cancelled or a party killed, at every point.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { BrokenBarrierError } from "../../lib/errors.ts";
import { Barrier } from "../../lib/sync/barrier.ts";
import { Condition, type WaitOutcome } from "../../lib/sync/condition.ts";
import { Event } from "../../lib/sync/event.ts";
import type { Guard } from "../../lib/sync/guard.ts";
import { Lock } from "../../lib/sync/lock.ts";
import { RLock } from "../../lib/sync/rlock.ts";
import { Semaphore } from "../../lib/sync/semaphore.ts";
import { STEPS } from "../../lib/sync/steps.ts";
import { Value } from "../../lib/sync/value.ts";
import { Aborted, explore, type Party, type Scenario, type World } from "./_explorer.ts";

function test(name: string, scenario: Scenario): void {
  Deno.test(name, () => {
    const { schedules, all } = explore(scenario);
    const extent = all ? "all" : "the first";
    console.log(`    ${extent} ${schedules.toLocaleString("en")} schedules`);
    assert(schedules > 1);
  });
}

/** How many are in a place where `most` may be. */
class Room {
  inside = 0;
  entered = 0;
  constructor(readonly world: World, readonly most = 1) {}

  *visit(): ReturnType<Party> {
    this.inside++;
    this.entered++;
    if (this.inside > this.most) throw new Error(`${this.inside} are inside`);
    yield* this.world.pause();
    this.inside--;
  }
}

type Lockish = Lock | RLock | Semaphore;

/** A party that takes the lock a number of times; a call that was cancelled takes nothing. */
function visitor(lock: Lockish, room: Room, times: number, depth = 1): Party {
  return function* visit(world) {
    for (let k = 0; k < times; k++) {
      const guards = [];
      try {
        for (let level = 0; level < depth; level++) {
          const guard = yield* world.call(lock[STEPS]());
          if (guard !== undefined) guards.push(guard);
        }
        if (guards.length === depth) yield* room.visit();
      } catch (error) {
        if (!(error instanceof Aborted)) throw error;
      }
      for (const guard of guards.reverse()) guard.release();
    }
  };
}

const CANCELS = ["timeout", "abort"] as const;

for (const [name, type, depth] of [["Lock", Lock, 1], ["RLock", RLock, 2]] as const) {
  const lockScenario = (
    visits: number[],
    rest: Omit<Scenario, "setup">,
  ): Scenario => ({
    setup(world) {
      const room = new Room(world);
      const locks = world.handles(visits.length, (at) => new type(at));
      return {
        parties: visits.map((times, k) => visitor(locks[k]!, room, times, depth)),
        check() {
          assertEquals(locks[0]!.locked(), false);
          if (rest.cancel === undefined && rest.kill === undefined) {
            assertEquals(room.entered, visits.reduce((sum, times) => sum + times));
          }
        },
      };
    },
    ...rest,
  });
  const title = (what: string) => `${name} ${what} [interleavings]`;
  test(title("excludes two parties, two rounds"), lockScenario([2, 2], { preemptions: 3 }));
  test(title("excludes three parties"), lockScenario([1, 1, 1], { preemptions: 3 }));
  test(title("is handed to one that starves"), lockScenario([2, 2], { tick: 3, preemptions: 3 }));
  test(title("is handed on among three"), lockScenario([2, 1, 1], { tick: 3 }));
  test(
    title("loses no wake-up when a waiter gives up"),
    lockScenario([1, 1, 1], { cancel: { party: 1, how: [...CANCELS] } }),
  );
  test(
    title("loses no wake-up when one gives up that it is handed to"),
    lockScenario([2, 1, 1], { cancel: { party: 1, how: [...CANCELS] }, tick: 3 }),
  );
  test(title("passes on from a party killed at any point"), {
    ...lockScenario([2, 1, 1], { kill: 0, preemptions: 1 }),
    setup(world) {
      const room = new Room(world);
      const locks = world.handles(3, (at) => new type(at));
      const survivors = new Room(world);
      return {
        parties: [
          visitor(locks[0]!, room, 2, depth),
          visitor(locks[1]!, survivors, 1, depth),
          visitor(locks[2]!, survivors, 1, depth),
        ],
        check: () => assertEquals(survivors.entered, 2),
      };
    },
  });
}

const semaphores = (
  permits: number,
  visits: number[],
  rest: Omit<Scenario, "setup">,
): Scenario => ({
  setup(world) {
    const room = new Room(world, permits);
    const handles = world.handles(visits.length, (at) => new Semaphore(permits, at));
    return {
      parties: visits.map((times, k) => visitor(handles[k]!, room, times)),
      check: () => assertEquals(handles[0]!.value, permits),
    };
  },
  ...rest,
});
test("Semaphore lets one in [interleavings]", semaphores(1, [2, 2], { preemptions: 3 }));
test(
  "Semaphore lets two in of three [interleavings]",
  semaphores(2, [1, 1, 1], {}),
);
test("Semaphore starves nobody [interleavings]", semaphores(1, [2, 1, 1], { tick: 3 }));
test(
  "Semaphore loses no wake-up when a waiter gives up [interleavings]",
  semaphores(1, [1, 1, 1], { cancel: { party: 1, how: [...CANCELS] } }),
);
test(
  "Semaphore loses no wake-up when one gives up that starves [interleavings]",
  semaphores(1, [2, 1, 1], { cancel: { party: 1, how: [...CANCELS] }, tick: 3 }),
);
test("Semaphore.release(2) wakes two [interleavings]", {
  preemptions: 3,
  setup(world) {
    const handles = world.handles(3, (at) => new Semaphore(0, at));
    const room = new Room(world, 2);
    const taker = (k: number): Party =>
      function* take(world) {
        yield* world.call(handles[k]![STEPS]());
        yield* room.visit();
      };
    return {
      parties: [
        taker(0),
        taker(1),
        // deno-lint-ignore require-yield -- it never waits
        function* give() {
          handles[2]!.release(2);
        },
      ],
      check: () => assertEquals([room.entered, handles[0]!.value], [2, 0]),
    };
  },
});

test("Event that is set and cleared at once lets go whoever waited [interleavings]", {
  preemptions: 3,
  setup(world) {
    const events = world.handles(3, (at) => new Event(at));
    const passed = [false, false];
    let mustPass: number[] = [];
    const waiter = (k: number): Party =>
      function* wait(world) {
        yield* world.call(events[k]![STEPS]());
        passed[k] = true;
      };
    return {
      parties: [
        waiter(0),
        waiter(1),
        // deno-lint-ignore require-yield -- it never waits
        function* pulse(world) {
          mustPass = [0, 1].filter((k) => world.isParked(k));
          events[2]!.set();
          events[2]!.clear();
        },
      ],
      // Who came after the pulse waits for the next.
      standstill: () => mustPass.every((k) => passed[k]),
      check: () => assert(mustPass.every((k) => passed[k])),
    };
  },
});

/** A condition with waiters, and one that notifies when they all wait. */
const conditions = (
  waiters: number,
  notified: number,
  make: (world: World) => (Lock | RLock)[],
  rest: Omit<Scenario, "setup">,
): Scenario => ({
  setup(world) {
    const locks = make(world);
    const handles = world.handles(waiters + 1, (at, k) => new Condition(locks[k]!, at));
    const waiting = new Set<number>();
    let woken = 0;
    let told = false;
    const waiter = (k: number): Party =>
      function* wait(world) {
        // This wait is not the one that is cancelled.
        const guard = yield* locks[k]![STEPS]();
        waiting.add(k);
        const outcome: WaitOutcome = { notified: false };
        try {
          yield* world.call(handles[k]![STEPS](outcome));
          if (outcome.notified) woken++;
        } catch (error) {
          if (!(error instanceof Aborted)) throw error;
        }
        waiting.delete(k);
        assertEquals(locks[k]!.locked(), true);
        guard.release();
      };
    const last = waiters;
    // How many waited at the notification: for sure, and perhaps, because one may be giving up.
    let surely = 0;
    let perhaps = 0;
    const notifier: Party = function* notify(world) {
      // Rounds until all wait, or one has given up.
      for (let k = 0; k < 3; k++) {
        const guard = (yield* world.call<Guard>(locks[last]![STEPS]()))!;
        if (!told && (waiting.size === waiters || k === 2)) {
          told = true;
          surely = [...waiting].filter((k) => k !== rest.cancel?.party).length;
          perhaps = waiting.size;
          handles[last]!.notify(notified);
        }
        guard.release();
      }
    };
    const isRight = () =>
      woken >= Math.min(notified, surely) && woken <= Math.min(notified, perhaps);
    return {
      parties: [...Array.from({ length: waiters }, (_, k) => waiter(k)), notifier],
      standstill: () => told && isRight(),
      check: () => assert(isRight(), `${woken} woken of ${surely} to ${perhaps}`),
    };
  },
  ...rest,
});
const locksOf = (count: number) => (world: World) => world.handles(count, (at) => new Lock(at));
const rlocksOf = (count: number) => (world: World) => world.handles(count, (at) => new RLock(at));
test(
  "Condition.notify() wakes exactly one of two, with Lock [interleavings]",
  conditions(2, 1, locksOf(3), {}),
);
test(
  "Condition.notify() wakes exactly one of two, with RLock [interleavings]",
  conditions(2, 1, rlocksOf(3), {}),
);
test("Condition.notify(2) wakes two [interleavings]", conditions(2, 2, locksOf(3), {}));
test(
  "Condition.notify() is not eaten by a waiter that gives up [interleavings]",
  conditions(2, 1, locksOf(3), { cancel: { party: 0, how: [...CANCELS] } }),
);
test(
  "Condition.notify() is not eaten by the second waiter that gives up [interleavings]",
  conditions(2, 1, locksOf(3), { cancel: { party: 1, how: [...CANCELS] } }),
);

/** Parties that meet at a barrier, round after round. */
const barriers = (parties: number, rounds: number, rest: Omit<Scenario, "setup">): Scenario => ({
  setup(world) {
    const handles = world.handles(parties, (at) => new Barrier(parties, at));
    const seen: number[][] = Array.from({ length: rounds }, () => []);
    const arrived: number[] = Array(rounds).fill(0);
    const broken: number[] = [];
    const comer = (k: number): Party =>
      function* come(world) {
        for (let round = 0; round < rounds; round++) {
          arrived[round]!++;
          try {
            const index = yield* world.call(handles[k]![STEPS]());
            // (Of one whose time was up just after all had come, the explorer does not see the
            // index.)
            if (index !== undefined) seen[round]!.push(index);
            if (rest.kill === undefined) assertEquals(arrived[round], parties);
          } catch (error) {
            if (error instanceof BrokenBarrierError) return void broken.push(k);
            if (!(error instanceof Aborted)) throw error;
            // One that was only withdrawn comes again.
            arrived[round]!--;
            round--;
          }
        }
      };
    return {
      parties: Array.from({ length: parties }, (_, k) => comer(k)),
      check() {
        if (rest.kill !== undefined) return;
        if (broken.length > 0) {
          // Whoever had not passed was told.
          assert(handles[0]!.broken);
          return;
        }
        for (const indexes of seen) {
          assertEquals(new Set(indexes).size, indexes.length);
          if (rest.cancel?.how[0] !== "timeout") assertEquals(indexes.length, parties);
        }
        assertEquals(handles[0]!.nWaiting, 0);
      },
    };
  },
  ...rest,
});
test("Barrier lets two pass, two rounds [interleavings]", barriers(2, 2, { preemptions: 3 }));
test("Barrier lets three pass [interleavings]", barriers(3, 1, {}));
test(
  "Barrier only withdraws an aborted arrival [interleavings]",
  barriers(2, 2, { cancel: { party: 0, how: ["abort"] } }),
);
test(
  "Barrier is broken for all by a timeout [interleavings]",
  barriers(2, 1, { cancel: { party: 0, how: ["timeout"] } }),
);

test("Condition.notify() reaches somebody when a waiter is killed at any point [interleavings]", {
  kill: 0,
  most: 5_000,
  preemptions: 0,
  setup(world) {
    const locks = world.handles(3, (at) => new Lock(at));
    const handles = world.handles(3, (at, k) => new Condition(locks[k]!, at));
    const outcomes = [0, 1].map((): WaitOutcome => ({ notified: false }));
    let waiting = 0;
    let isTold = false;
    const waiter = (k: number): Party =>
      function* wait(world) {
        const guard = yield* locks[k]![STEPS]();
        waiting++;
        yield* world.call(handles[k]![STEPS](outcomes[k]));
        guard.release();
      };
    return {
      parties: [
        waiter(0),
        waiter(1),
        function* notify(world) {
          for (let looks = 0; !isTold && looks < 4; looks++) {
            const guard = (yield* world.call<Guard>(locks[2]![STEPS]()))!;
            // Until both wait, or the one that is left does.
            if (waiting === 2 || world.isDead(0) && waiting > 0) {
              isTold = true;
              handles[2]!.notify();
            }
            guard.release();
            yield* world.pause();
          }
        },
      ],
      standstill: () => !isTold || outcomes[0]!.notified || !world.isDead(0),
      check: () => assert(!isTold || outcomes.some(({ notified }) => notified)),
    };
  },
});

test("Barrier hangs nobody when one that has arrived is killed [interleavings]", {
  kill: 0,
  preemptions: 0,
  setup(world) {
    const handles = world.handles(3, (at) => new Barrier(3, at));
    const ends: string[] = [];
    const comer = (k: number): Party =>
      function* come(world) {
        try {
          yield* world.call(handles[k]![STEPS]());
          ends.push("passed");
        } catch (error) {
          if (!(error instanceof BrokenBarrierError)) throw error;
          ends.push("broken");
        }
      };
    return {
      parties: [comer(0), comer(1), comer(2)],
      // One that dies before it has come is not missed.
      standstill: () => handles[1]!.nWaiting === 2,
      check: () => assert(ends.length >= 2 || handles[1]!.nWaiting === 2),
    };
  },
});

test("Value.add() of floats loses nothing [interleavings]", {
  preemptions: 3,
  setup(world) {
    const values = world.handles(3, (at) => new Value("f32", 0, at));
    const adder = (k: number): Party =>
      // deno-lint-ignore require-yield -- it never waits
      function* add() {
        values[k]!.add(1.5);
        values[k]!.add(0.5);
      };
    return {
      parties: [adder(0), adder(1), adder(2)],
      check: () => assertEquals(values[0]!.value, 6),
    };
  },
});
