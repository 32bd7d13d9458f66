/**
 * Eight parties at each primitive, in both worlds, counted to the last one. `SWITCHYARD_TIMES` sets
 * how often each does its part.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import {
  addOften,
  addToCells,
  arriveOften,
  count,
  crowd,
  exchangeOften,
  FORMS,
  passEvent,
  putItems,
  takeItems,
} from "./_targets.ts";
import { test as testWithin, type World } from "./_world.ts";

const TIMES = Number(Deno.env.get("SWITCHYARD_TIMES") ?? 5_000);
const PARTIES = 8;
const ALL = PARTIES * TIMES;

/** A round wakes every party, and takes twenty times as long as a turn of one: there are fewer. */
const ROUNDS = Math.ceil(TIMES / 5);

/** A test that may take longer, the more there is to do. */
function test(name: string, fn: (world: World) => Promise<void>, times = TIMES): void {
  testWithin(`${name}, ${PARTIES} x ${times}`, fn, { limit: 60_000 + ALL });
}

/** The forms of all parties. */
const forms = Array.from({ length: PARTIES }, (_, k) => FORMS[k % 2]);

/** Waits for the children longer than any test's children are waited for. */
async function finish(children: { result(): Promise<unknown> }[]): Promise<void> {
  await Promise.all(children.map((child) => child.result()));
}

test("Lock is exact", async (world) => {
  const lock = new world.face.Lock();
  const total = new world.face.Value("i32");
  await finish(forms.map((form) => world.start(count, [lock, total, TIMES, 1, form])));
  assertEquals([total.value, lock.locked()], [ALL, false]);
});

test("RLock is exact, two levels deep", async (world) => {
  const lock = new world.face.RLock();
  const total = new world.face.Value("i32");
  await finish(forms.map((form) => world.start(count, [lock, total, TIMES, 2, form])));
  assertEquals(total.value, ALL);
});

for (const kind of ["Semaphore", "BoundedSemaphore"] as const) {
  test(`${kind} of 3 lets never more in, and keeps its permits`, async (world) => {
    const semaphore = new world.face[kind](3);
    const inside = new world.face.Value("i32");
    const most = new world.face.Value("i32");
    await finish(
      forms.map((form) => world.start(crowd, [semaphore, inside, most, TIMES, form])),
    );
    assert(most.value <= 3, `${most.value} were inside at once`);
    assertEquals([inside.value, semaphore.value], [0, 3]);
  });
}

test("Event in a ring loses no turn", async (world) => {
  const events = forms.map(() => new world.face.Event());
  const children = forms.map((form, k) =>
    world.start(passEvent, [events[k], events[(k + 1) % PARTIES], ROUNDS, form])
  );
  events[0].set();
  await finish(children);
  assertEquals(events.map((event) => event.isSet()), forms.map((_, k) => k === 0));
}, ROUNDS);

for (const kind of ["Lock", "RLock"] as const) {
  test(`Condition pair with ${kind} brings every item over`, async (world) => {
    const lock = new world.face[kind]();
    const notEmpty = new world.face.Condition(lock);
    const notFull = new world.face.Condition(lock);
    const items = new world.face.Value("i32");
    await finish(
      forms.map((form, k) =>
        k < PARTIES / 2
          ? world.start(putItems, [notEmpty, notFull, items, 4, TIMES, form])
          : world.start(takeItems, [notEmpty, notFull, items, TIMES, form])
      ),
    );
    assertEquals(items.value, 0);
  });
}

test("Barrier gives every index once in every round", async (world) => {
  const barrier = new world.face.Barrier(PARTIES);
  const children = forms.map((form) => world.start(arriveOften, [barrier, ROUNDS, form]));
  const indexes = await Promise.all(children.map((child) => child.result()));
  const every = (1 << PARTIES) - 1;
  for (let round = 0; round < ROUNDS; round++) {
    const seen = indexes.reduce((bits, of) => bits | 1 << of[round], 0);
    assertEquals(seen, every, `round ${round}`);
  }
}, ROUNDS);

test("Value.add() is exact", async (world) => {
  const { Value } = world.face;
  const numbers = (["i32", "u32", "f32", "f64"] as const).map((type) => new Value(type));
  const bigs = (["i64", "u64"] as const).map((type) => new Value(type));
  await finish(forms.map(() => world.start(addOften, [numbers, bigs, TIMES])));
  assertEquals(numbers.map(({ value }) => value), Array(4).fill(ALL));
  assertEquals(bigs.map(({ value }) => value), Array(2).fill(BigInt(ALL)));
});

test("Value.compareExchange() is exact", async (world) => {
  const value = new world.face.Value("i32");
  await finish(forms.map(() => world.start(exchangeOften, [value, TIMES])));
  assertEquals(value.value, ALL);
});

test("Array under its lock is exact", async (world) => {
  const cells = new world.face.Array("i32", 3);
  await finish(forms.map((form) => world.start(addToCells, [cells, TIMES, form])));
  assertEquals(cells.toArray(), [ALL, ALL, ALL]);
});
