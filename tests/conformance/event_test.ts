/**
 * What an Event promises, in both worlds.
 *
 * @module
 */
import { assertEquals, assertGreaterOrEqual, assertRejects, assertThrows } from "@std/assert";
import { awaitEvent, FORMS, other, passEvent, readAfter, setEvent, wait } from "./_targets.ts";
import { test } from "./_world.ts";

const AT_MOST = { timeout: 10_000 };

test("Event is clear at first; set() and clear() change it, once or twice", ({ face }) => {
  const event = new face.Event();
  assertEquals(event.isSet(), false);
  for (let k = 0; k < 2; k++) {
    event.set();
    event.set();
    assertEquals(event.isSet(), true);
    event.clear();
    event.clear();
    assertEquals(event.isSet(), false);
  }
});

test("Event.name is the name that it was given", ({ face }) => {
  assertEquals(new face.Event({ name: "green" }).name, "green");
  assertThrows(() => new face.Event({ name: 5 as never }), TypeError, "name");
  assertThrows(() => new face.Event("green" as never), TypeError, '"green"');
});

test("Event.wait() gives true at once when it is set", async (world) => {
  const event = new world.face.Event();
  event.set();
  for (const form of FORMS) {
    assertEquals(await wait(event, form), true);
    assertEquals(await wait(event, form, { timeout: 0 }), true);
    assertEquals(await world.run(awaitEvent, [event, form, 0]), true);
  }
  assertEquals(event.isSet(), true);
});

test("Event.wait() gives false after its timeout, and not before", async (world) => {
  const event = new world.face.Event();
  for (const form of FORMS) {
    assertEquals(await wait(event, form, { timeout: 0 }), false);
    const began = performance.now();
    assertEquals(await wait(event, form, { timeout: 50 }), false);
    assertGreaterOrEqual(performance.now() - began, 49.9);
    assertEquals(await world.run(awaitEvent, [event, form, 10]), false);
  }
  event.set();
  event.clear();
  assertEquals(event.waitSync({ timeout: 0 }), false);
});

test("Event.wait() refuses bad options", async ({ face }) => {
  const event = new face.Event();
  const cases: [options: unknown, type: typeof TypeError | typeof RangeError][] = [
    [{ timeout: "5" }, TypeError],
    [{ timeout: -1 }, RangeError],
    [5, TypeError],
  ];
  for (const [options, type] of cases) {
    await assertRejects(() => event.wait(options as never), type, "Cannot wait");
    assertThrows(() => event.waitSync(options as never), type, "Cannot wait");
  }
  await assertRejects(() => event.wait({ signal: 5 as never }), TypeError, "signal");
});

test("Event.set() releases all who wait", async (world) => {
  const event = new world.face.Event();
  const children = [...FORMS, ...FORMS, ...FORMS].map((form) =>
    world.start(awaitEvent, [event, form])
  );
  await world.untilWaiting(...children);
  event.set();
  assertEquals(await Promise.all(children.map((child) => child.result())), Array(6).fill(true));
  assertEquals(event.isSet(), true);
});

test("Event.set() releases all who wait, though clear() follows at once", async (world) => {
  const event = new world.face.Event();
  const children = [...FORMS, ...FORMS].map((form) => world.start(awaitEvent, [event, form]));
  const mine = [event.wait(), event.wait({ timeout: 10_000 })];
  await world.untilWaiting(...children);
  event.set();
  event.clear();
  assertEquals(await Promise.all(children.map((child) => child.result())), Array(4).fill(true));
  assertEquals(await Promise.all(mine), [true, true]);
  assertEquals([event.isSet(), event.waitSync({ timeout: 0 })], [false, false]);
});

test("Event.wait() rejects with the reason of an aborted signal", async ({ face }) => {
  const event = new face.Event();
  const reason = new Error("enough");
  assertEquals(
    await assertRejects(() => event.wait({ signal: AbortSignal.abort(reason) })),
    reason,
  );
  const controller = new AbortController();
  const wait = event.wait({ signal: controller.signal });
  const also = event.wait();
  controller.abort(reason);
  assertEquals(await assertRejects(() => wait), reason);
  event.set();
  assertEquals(await also, true);
});

test("Event.wait() with a signal aborted before rejects, also when the event is set", async ({ face }) => {
  const event = new face.Event();
  event.set();
  const reason = new Error("enough");
  assertEquals(
    await assertRejects(() => event.wait({ signal: AbortSignal.abort(reason) })),
    reason,
  );
  assertEquals(event.isSet(), true);
});

test("Event waiters that give up keep no other from being released", async (world) => {
  const event = new world.face.Event();
  const children = FORMS.map((form) => world.start(awaitEvent, [event, form]));
  await world.untilWaiting(...children);
  const controller = new AbortController();
  const waits = [
    event.wait({ signal: controller.signal }).catch(() => "aborted"),
    event.wait({ timeout: 1 }),
    event.wait(),
  ];
  assertEquals(await waits[1], false);
  controller.abort();
  event.set();
  assertEquals(await Promise.all(waits), ["aborted", false, true]);
  assertEquals(await Promise.all(children.map((child) => child.result())), [true, true]);
});

for (const form of FORMS) {
  test(`Event is set by a child while the parent waits, ${form}`, async (world) => {
    const event = new world.face.Event();
    const child = world.start(setEvent, [event]);
    assertEquals(await wait(event, form, AT_MOST), true);
    await child.result();
  });

  test(`Event shows what was written before it was set, ${form}`, async (world) => {
    for (let k = 1; k <= 5; k++) {
      const event = new world.face.Event();
      const value = new world.face.Value("i32");
      const child = world.start(readAfter, [event, value, form]);
      await world.untilWaiting(child);
      value.value = k;
      event.set();
      assertEquals(await child.result(), k);
    }
  });

  test(`Event goes back and forth 500 times, ${form} there, ${other(form)} here`, async (world) => {
    const ping = new world.face.Event();
    const pong = new world.face.Event();
    world.start(passEvent, [ping, pong, 500, form]);
    for (let k = 0; k < 500; k++) {
      ping.set();
      assertEquals(await wait(pong, other(form), AT_MOST), true);
      pong.clear();
    }
  });
}

test("Event set and cleared by four children in a ring loses no turn", async (world) => {
  const events = Array.from({ length: 4 }, () => new world.face.Event());
  events.forEach((event, k) =>
    world.start(passEvent, [event, events[(k + 1) % 4], 300, FORMS[k % 2]])
  );
  events[0].set();
  await world.join();
  assertEquals(events.map((event) => event.isSet()), [true, false, false, false]);
});
