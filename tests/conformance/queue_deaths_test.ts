/**
 * What a death leaves of a queue, whoever dies, and wherever: nothing is lost that nobody was
 * given, and nothing is given twice. A process is killed; a thread is terminated, and at the points
 * where a death matters it is cut off. `SWITCHYARD_ROUNDS` sets how often random deaths are tried.
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { delay } from "@std/async";
import { Empty, ShutDown } from "../../lib/errors.ts";
import { until } from "../_help/until.ts";
import * as targets from "./_queue_targets.ts";
import { type AnyQueue, type Death, FORMS, getBy } from "./_queue_targets.ts";
import { type QueueKind, range, testEach as testKinds, untilWaiting } from "./_queues.ts";
import type { World } from "./_world.ts";

const ROUNDS = Number(Deno.env.get("SWITCHYARD_ROUNDS") ?? 3);

/** Defines a test for each kind that goes ways of its own: those that count no tasks do not. */
function testEach(
  name: string,
  fn: (kind: QueueKind, world: World) => Promise<void>,
  options: { limit?: number } = {},
): void {
  testKinds(name, fn, { ...options, only: ({ counts }) => counts });
}

testEach(" loses nothing when a consumer ends, fails or is killed", async (kind, world) => {
  const sorted = kind.sorted(range(0, 50));
  const ways = world.name === "threads" ? ["kill", "fail", "end", "spin"] : ["kill", "fail", "end"];
  for (const form of FORMS) {
    for (const how of ways) {
      const queue = kind.make();
      for (const k of range(0, 50)) queue.putNowait(k);
      if (how === "fail") {
        const getter = world.start(targets.getThenFail, [queue, 3], { mayFail: true });
        await assertRejects(() => getter.result(), Error, "as planned");
      } else if (how === "spin") {
        const options = { mayFail: true, killable: true };
        const getter = world.start(targets.getThenSpin, [queue, 3], options);
        await getter.next();
        getter.kill();
        await getter.handle.join();
      } else {
        const go = new world.face.Event();
        const args = [queue, 3, form, go] as const;
        const getter = world.start(targets.getThenIdle, [...args], { mayFail: true });
        await getter.next();
        if (how === "end") go.set();
        else getter.kill();
        await getter.handle.join();
      }
      assertEquals([how, queue.qsize()], [how, 47]);
      for (const k of sorted.slice(3)) assertEquals(queue.getSync({ timeout: 2_000 }), k);
    }
  }
});

testEach(": a consumer that is killed while it waits takes nothing", async (kind, world) => {
  for (const form of FORMS) {
    const queue = kind.make();
    const getters = [0, 1].map(() =>
      world.start(targets.getSome<number>, [queue, 1, form], { mayFail: true })
    );
    await untilWaiting(world, ...getters);
    getters[0]!.kill();
    queue.putNowait(1);
    await assertRejects(() => getters[0]!.result());
    assertEquals(await getters[1]!.result(), [1]);
    assertEquals(queue.qsize(), 0);
  }
});

/**
 * Has a child die at a point. A thread blocks there as no call of the toolkit does, and is cut off;
 * when that is done it may go on, as far as it gets.
 */
async function die<A extends unknown[]>(
  world: World,
  [point, nth]: [point: string, nth: number],
  target: (queue: never, death: Death, ...args: A) => unknown,
  queue: AnyQueue<never>,
  ...args: A
): Promise<void> {
  const isThread = world.name === "threads";
  const word = isThread ? new Int32Array(new SharedArrayBuffer(8)) : null;
  const child = world.start(
    target as unknown as (...args: unknown[]) => unknown,
    [queue, [point, nth, word], ...args],
    { mayFail: true, killable: true },
  );
  child.result().catch(() => {});
  if (word !== null) {
    await until(() => Atomics.load(word, 0) === 1);
    child.kill();
  }
  await child.handle.join();
  if (word === null) return;
  Atomics.store(word, 1, 1);
  Atomics.notify(word, 1);
}

for (const point of ["put: before the bytes", "put: before it counts", "put: before the wake-up"]) {
  for (const size of [0, 300_000]) {
    testEach(
      ` keeps what was put when its producer dies ${point.slice(5)}, ${size} more bytes`,
      async (kind, world) => {
        const queue = kind.make<[number, string]>();
        await die(world, [point, 5], targets.putUntilDead, queue as never, size);
        const there = point.endsWith("wake-up") ? 5 : 4;
        assertEquals(queue.qsize(), there);
        await queue.put([100, ""], { timeout: 5_000 });
        const got: number[] = [];
        while (!queue.empty()) got.push((await queue.get({ timeout: 5_000 }))[0]);
        assertEquals(got, kind.sorted([...range(0, there), 100]));
        assertThrows(() => queue.getNowait(), Empty);
      },
    );
  }
}

for (const point of ["get: before it counts", "get: before the wake-up"]) {
  testEach(
    ` loses at most one item when its consumer dies ${point.slice(5)}`,
    async (kind, world) => {
      const most = kind.isBounded ? 10 : 0;
      const queue = kind.make(most);
      for (const k of range(0, 10)) await queue.put(k);
      await die(world, [point, 3], targets.getUntilDead, queue as never);
      const gone = point.endsWith("wake-up") ? 3 : 2;
      assertEquals(queue.qsize(), 10 - gone);
      for (const k of kind.sorted(range(0, 10)).slice(gone)) {
        assertEquals(await queue.get({ timeout: 5_000 }), k);
      }
      assertThrows(() => queue.getNowait(), Empty);
      for (const k of range(0, 10)) await queue.put(k, { timeout: 5_000 });
    },
  );
}

const POINTS = [
  "shutdown: before it counts",
  "shutdown: before the fence",
  "shutdown: before the wake-up",
];

for (const immediate of [false, true]) {
  const how = immediate ? "{ immediate: true }" : "";
  const dropping = immediate ? ["drop: before it counts", "drop: before the blocks"] : [];
  for (const point of [...POINTS, ...dropping]) {
    testEach(
      `.shutdown(${how}) is done or not when it dies, ${point}`,
      (kind, world) => dieShutting(kind, world, immediate, point),
    );
  }
}

async function dieShutting(
  kind: QueueKind,
  world: World,
  immediate: boolean,
  point: string,
): Promise<void> {
  const [queue, full] = [kind.make(), kind.make(1)];
  const got = queue.get();
  full.putSync(1);
  const put = full.put(2);
  // Whatever comes of it, it comes before anything is awaited.
  const outcomes = Promise.allSettled([got, put]);
  for (const victim of [queue, full]) {
    // Only what holds something drops it.
    if (point.startsWith("drop") && victim === queue) queue.shutdown({ immediate });
    else await die(world, [point, 1], targets.shutUntilDead, victim as never, immediate);
  }
  if (point === "shutdown: before it counts") {
    await queue.put(5);
    assertEquals([await full.get(), await got], [1, 5]);
    await put;
    assertEquals([await full.get(), full.qsize()], [2, 0]);
    return;
  }
  for (const outcome of await outcomes) {
    assert(outcome.status === "rejected" && outcome.reason instanceof ShutDown);
  }
  assertThrows(() => full.putNowait(3), ShutDown);
  if (!immediate) {
    assertEquals(full.getNowait(), 1);
    full.taskDone();
  }
  assertThrows(() => full.getNowait(), ShutDown);
  assertEquals([full.qsize(), await full.join({ timeout: 5_000 })], [0, true]);
}

testEach(` survives deaths at random, ${ROUNDS} rounds`, async (kind, world) => {
  for (let round = 0; round < ROUNDS; round++) {
    const queue = kind.make<[number, number]>(round % 2 === 0 || !kind.isBounded ? 0 : 50);
    const done = new world.face.Event();
    const mayFail = { mayFail: true };
    const producers = [0, 1].map((who) => world.start(targets.putForever, [queue, who], mayFail));
    const victim = world.start(targets.getForever, [queue, done], mayFail);
    const survivor = world.start(targets.getForever, [queue, done]);
    await Promise.all([survivor.next(), until(() => !queue.empty() || queue.full())]);
    for (const child of [producers[0]!, victim, producers[1]!]) {
      await delay(Math.random() * 20);
      child.kill();
    }
    for (const child of [...producers, victim]) await child.handle.join();
    done.set();
    const items = await survivor.result();
    for (const from of [0, 1]) {
      const ks = items.filter(([, who]) => who === from).map(([k]) => k);
      // The victim had some; no item came twice, or out of order.
      assertEquals(new Set(ks).size, ks.length);
      if (kind.order === "oldest first") assertEquals(ks, ks.toSorted((a, b) => a - b));
    }
    assertEquals(queue.qsize(), 0);
    queue.putSync([9, 9]);
    assertEquals(await getBy(queue, "sync", { timeout: 5_000 }), [9, 9]);
  }
}, { limit: 60_000 + ROUNDS * 1_000 });
