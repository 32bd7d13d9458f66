/**
 * What a Barrier promises, in both worlds.
 *
 * @module
 */
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { BrokenBarrierError } from "../../lib/errors.ts";
import {
  abortBarrier,
  arrive,
  arriveOften,
  arriveOrFail,
  countRounds,
  failRound,
  FORMS,
  other,
  tellRound,
} from "./_targets.ts";
import { until } from "../_help/until.ts";
import { test } from "./_world.ts";

const AT_MOST = { timeout: 10_000 };

test("Barrier tells its parties, its state and its name", async ({ face }) => {
  const barrier = new face.Barrier(2, { name: "start" });
  assertEquals([barrier.parties, barrier.nWaiting, barrier.broken], [2, 0, false]);
  assertEquals(barrier.name, "start");
  const first = barrier.wait();
  assertEquals(barrier.nWaiting, 1);
  assertEquals(barrier.waitSync(AT_MOST), 1);
  assertEquals(await first, 0);
  assertEquals([barrier.nWaiting, barrier.broken], [0, false]);
});

test("Barrier refuses bad arguments", async ({ face }) => {
  for (const bad of [0, -1, 1.5, NaN]) {
    assertThrows(() => new face.Barrier(bad), RangeError, `${bad}`);
  }
  for (const bad of ["2", undefined, null]) {
    assertThrows(() => new face.Barrier(bad as never), TypeError);
  }
  assertThrows(() => new face.Barrier(2, { timeout: -1 }), RangeError, "timeout");
  assertThrows(() => new face.Barrier(2, { timeout: "5" as never }), TypeError, "timeout");
  assertThrows(() => new face.Barrier(2, { action: 5 as never }), TypeError, "action");
  assertThrows(() => new face.Barrier(2, { name: 5 as never }), TypeError, "name");
  const barrier = new face.Barrier(2);
  await assertRejects(() => barrier.wait({ timeout: -1 }), RangeError);
  assertThrows(() => barrier.waitSync({ timeout: "5" as never }), TypeError);
  await assertRejects(() => barrier.wait({ signal: 5 as never }), TypeError, "signal");
  assertEquals([barrier.nWaiting, barrier.broken], [0, false]);
});

test("Barrier of one party never waits", async ({ face }) => {
  let rounds = 0;
  const barrier = new face.Barrier(1, { action: () => rounds++ });
  assertEquals(await barrier.wait(), 0);
  assertEquals(barrier.waitSync({ timeout: 0 }), 0);
  assertEquals([rounds, barrier.nWaiting, barrier.broken], [2, 0, false]);
});

test("Barrier.wait() gives each of the parties an index of its own", async ({ face }) => {
  const barrier = new face.Barrier(5);
  for (let round = 0; round < 3; round++) {
    const waits = Array.from({ length: 5 }, () => barrier.wait());
    assertEquals((await Promise.all(waits)).sort(), [0, 1, 2, 3, 4]);
  }
});

test("Barrier is used again round after round", async (world) => {
  const barrier = new world.face.Barrier(4);
  const children = [...FORMS, ...FORMS].map((form) =>
    world.start(arriveOften, [barrier, 100, form])
  );
  const indexes = await Promise.all(children.map((child) => child.result()));
  for (let round = 0; round < 100; round++) {
    assertEquals(indexes.map((of) => of[round]).sort(), [0, 1, 2, 3], `round ${round}`);
  }
  assertEquals([barrier.nWaiting, barrier.broken], [0, false]);
});

test("Barrier lets nobody through before all have arrived", async (world) => {
  const barrier = new world.face.Barrier(4);
  const arrived = new world.face.Value("i32");
  const children = [...FORMS, ...FORMS].map((form) =>
    world.start(countRounds, [barrier, arrived, 50, form])
  );
  for (const child of children) {
    assertEquals(await child.result(), Array.from({ length: 50 }, (_, round) => 4 * (round + 1)));
  }
});

for (const form of FORMS) {
  test(`Barrier is met by a parent and children, ${form} there, ${other(form)} here`, async (world) => {
    const barrier = new world.face.Barrier(3);
    const children = [0, 1].map(() => world.start(arriveOften, [barrier, 100, form]));
    const mine: number[] = [];
    for (let k = 0; k < 100; k++) mine.push(await arrive(barrier, other(form), AT_MOST));
    const theirs = await Promise.all(children.map((child) => child.result()));
    mine.forEach((index, round) => {
      assertEquals([index, theirs[0][round], theirs[1][round]].sort(), [0, 1, 2]);
    });
  });
}

test("Barrier runs its action once per round, before anyone goes on", async ({ face }) => {
  let rounds = 0;
  const barrier = new face.Barrier(3, { action: () => void rounds++ });
  for (let round = 1; round <= 5; round++) {
    const seen = await Promise.all(
      [0, 1, 2].map(() => barrier.wait().then(() => rounds)),
    );
    assertEquals(seen, [round, round, round]);
  }
});

test("Barrier runs its action once per round, in the child that arrives last", async (world) => {
  const barrier = new world.face.Barrier(3, { action: tellRound });
  const children = ([...FORMS, "sync"] as const).map((form) =>
    world.start(arriveOften, [barrier, 20, form])
  );
  await Promise.all(children.map((child) => child.result()));
  assertEquals(children.flatMap(({ reports }) => reports), Array(20).fill("round"));
});

test("Barrier is broken by an action that throws", async ({ face }) => {
  const barrier = new face.Barrier(2, {
    action: () => {
      throw new RangeError("no round");
    },
  });
  const first = assertRejects(() => barrier.wait(), BrokenBarrierError);
  await assertRejects(() => barrier.wait(), RangeError, "no round");
  await first;
  assertEquals(barrier.broken, true);
  assertThrows(() => barrier.waitSync(), BrokenBarrierError);
});

test("Barrier is broken by an action that throws in a child", async (world) => {
  const barrier = new world.face.Barrier(3, { action: failRound });
  const children = ([...FORMS, "sync"] as const).map((form) =>
    world.start(arriveOrFail, [barrier, form])
  );
  const ends = await Promise.all(children.map((child) => child.result()));
  assertEquals(ends.filter((end) => end === "RangeError: no round").length, 1, `${ends}`);
  assertEquals(ends.filter((end) => `${end}`.startsWith("BrokenBarrierError")).length, 2);
  assertEquals(barrier.broken, true);
});

test("Barrier that shares an action which is no target refuses to cross", (world) => {
  const barrier = new world.face.Barrier(2, { action: () => {} });
  assertThrows(() => world.start(arriveOften, [barrier, 1, "sync"], { mayFail: true }), TypeError);
});

test("Barrier.abort() breaks it for those who wait and for those who come", async (world) => {
  const barrier = new world.face.Barrier(4);
  const children = FORMS.map((form) => world.start(arriveOrFail, [barrier, form]));
  const mine = assertRejects(() => barrier.wait(), BrokenBarrierError);
  await until(() => barrier.nWaiting === 3);
  await world.run(abortBarrier, [barrier]);
  await mine;
  for (const child of children) assert(`${await child.result()}`.startsWith("BrokenBarrierError"));
  assertEquals(barrier.broken, true);
  await assertRejects(() => barrier.wait(), BrokenBarrierError);
  assertThrows(() => barrier.waitSync({ timeout: 0 }), BrokenBarrierError);
  barrier.abort();
  assertEquals(barrier.broken, true);
});

test("Barrier.reset() mends a broken one", async (world) => {
  const barrier = new world.face.Barrier(2);
  barrier.abort();
  barrier.reset();
  assertEquals([barrier.broken, barrier.nWaiting], [false, 0]);
  const child = world.start(arriveOften, [barrier, 3, "sync"]);
  for (let k = 0; k < 3; k++) await barrier.wait(AT_MOST);
  await child.result();
});

test("Barrier.reset() sends those who wait away and leaves it whole", async (world) => {
  const barrier = new world.face.Barrier(4);
  const children = FORMS.map((form) => world.start(arriveOrFail, [barrier, form]));
  const mine = assertRejects(() => barrier.wait(), BrokenBarrierError);
  await until(() => barrier.nWaiting === 3);
  barrier.reset();
  await mine;
  for (const child of children) assert(`${await child.result()}`.startsWith("BrokenBarrierError"));
  assertEquals([barrier.broken, barrier.nWaiting], [false, 0]);
  const indexes = await Promise.all([0, 1, 2, 3].map(() => barrier.wait()));
  assertEquals(indexes.sort(), [0, 1, 2, 3]);
});

test("Barrier.reset() with nobody there changes nothing", async ({ face }) => {
  const barrier = new face.Barrier(2);
  barrier.reset();
  barrier.reset();
  assertEquals([barrier.broken, barrier.nWaiting], [false, 0]);
  assertEquals((await Promise.all([barrier.wait(), barrier.wait()])).sort(), [0, 1]);
});

test("Barrier is broken by a wait whose time runs out", async (world) => {
  for (const form of FORMS) {
    const barrier = new world.face.Barrier(3);
    const child = world.start(arriveOrFail, [barrier, form]);
    await until(() => barrier.nWaiting === 1);
    const began = performance.now();
    const error = await arrive(barrier, other(form), { timeout: 30 }).catch((error) => error);
    assertInstanceOf(error, BrokenBarrierError);
    assert(performance.now() - began >= 29.9);
    assert(`${await child.result()}`.startsWith("BrokenBarrierError"));
    assertEquals(barrier.broken, true);
  }
});

test("Barrier.wait() with timeout 0 does not wait: it breaks the barrier, or goes through", async ({ face }) => {
  const barrier = new face.Barrier(2);
  await assertRejects(() => barrier.wait({ timeout: 0 }), BrokenBarrierError);
  barrier.reset();
  const first = barrier.wait();
  assertEquals(await barrier.wait({ timeout: 0 }), 1);
  assertEquals(await first, 0);
});

test("Barrier's own timeout holds for every wait that names none", async (world) => {
  const barrier = new world.face.Barrier(2, { timeout: 30 });
  for (const form of FORMS) {
    assert(`${await world.run(arriveOrFail, [barrier, form])}`.startsWith("BrokenBarrierError"));
    assertEquals(barrier.broken, true);
    barrier.reset();
  }
  await assertRejects(() => barrier.wait(), BrokenBarrierError);
  barrier.reset();
  const patient = barrier.wait(AT_MOST);
  const began = performance.now();
  await until(() => performance.now() - began > 60);
  assertEquals([barrier.broken, barrier.nWaiting], [false, 1]);
  assertEquals(await barrier.wait(), 1);
  assertEquals(await patient, 0);
});

test("Barrier arrival that is aborted is only withdrawn", async ({ face }) => {
  const barrier = new face.Barrier(3);
  const reason = new Error("enough");
  const signal = AbortSignal.abort(reason);
  assertEquals(await assertRejects(() => barrier.wait({ signal })), reason);
  assertEquals([barrier.nWaiting, barrier.broken], [0, false]);
  const controller = new AbortController();
  const wait = barrier.wait({ signal: controller.signal });
  assertEquals(barrier.nWaiting, 1);
  controller.abort(reason);
  assertEquals(await assertRejects(() => wait), reason);
  assertEquals([barrier.nWaiting, barrier.broken], [0, false]);
});

test("Barrier indexes stay unique when an arrival was aborted", async (world) => {
  for (let gone = 0; gone < 3; gone++) {
    const barrier = new world.face.Barrier(4);
    const controller = new AbortController();
    const { signal } = controller;
    const waits = [0, 1, 2].map((k) => barrier.wait(k === gone ? { signal } : {}));
    controller.abort("enough");
    assertEquals(await waits[gone].catch((reason) => reason), "enough");
    assertEquals(barrier.nWaiting, 2);
    const children = FORMS.map((form) => world.start(arriveOften, [barrier, 1, form]));
    const indexes = await Promise.all([
      ...waits.filter((_, k) => k !== gone),
      ...children.map(async (child) => (await child.result())[0]),
    ]);
    assertEquals(indexes.sort(), [0, 1, 2, 3]);
    assertEquals([barrier.nWaiting, barrier.broken], [0, false]);
  }
});

test("Barrier arrival that is aborted as the last one comes either goes through or is withdrawn", async ({ face }) => {
  for (let k = 0; k < 20; k++) {
    const barrier = new face.Barrier(2);
    const controller = new AbortController();
    const first = barrier.wait({ signal: controller.signal }).catch((reason) => reason);
    const second = barrier.wait();
    controller.abort("enough");
    const end = await first;
    if (end === "enough") {
      assertEquals(await Promise.all([second, barrier.wait()]).then((of) => of.sort()), [0, 1]);
    } else assertEquals([end, await second].sort(), [0, 1]);
    assertEquals([barrier.nWaiting, barrier.broken], [0, false]);
  }
});
