/**
 * What `shutdown()` promises, of every queue that has it, between threads and between processes:
 * what CPython 3.13's `queue.Queue.shutdown()` does.
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { Empty, Full, ShutDown } from "../../lib/errors.ts";
import { until } from "../_help/until.ts";
import * as targets from "./_queue_targets.ts";
import { failure, FORMS, getBy, getThenIdle, joinIt, putBy } from "./_queue_targets.ts";
import { KINDS, range, untilWaiting } from "./_queues.ts";
import { test, type World } from "./_world.ts";

for (const kind of KINDS.filter(({ shuts, counts }) => shuts && counts)) {
  const make = (maxsize?: number) => kind.make(maxsize);
  const each = (name: string, fn: (world: World) => Promise<void>) =>
    test(`${kind.name}.shutdown() ${name}`, fn, { skip: kind.skip, limit: 60_000 });

  each("refuses what is put from then on, and lets what is there be taken", async (world) => {
    for (const form of FORMS) {
      const queue = make();
      for (const k of range(0, 100)) queue.putNowait(k);
      queue.shutdown();
      assertThrows(() => queue.putNowait(1), ShutDown, "shut down");
      await assertRejects(() => queue.put(1), ShutDown, "shut down");
      assertThrows(() => queue.putSync(1, { timeout: 5 }), ShutDown);
      assertEquals((await world.run(failure, [queue, "put", form, {}]))[0], "ShutDown");
      assertEquals([queue.qsize(), queue.empty()], [100, false]);
      const taken = await world.run(targets.drainSome, [queue, form, 60]);
      taken.push(...await targets.drainAll(queue, form));
      assertEquals(taken, kind.sorted(range(0, 100)));
      for (const timeout of [0, 5]) {
        await assertRejects(() => getBy(queue, form, { timeout }), ShutDown);
        assertEquals((await world.run(failure, [queue, "get", form, { timeout }]))[0], "ShutDown");
      }
      assertThrows(() => queue.getNowait(), ShutDown);
      assertEquals([queue.qsize(), queue.empty()], [0, true]);
    }
  });

  each("is told before that the queue is full or empty", async () => {
    const full = make(1);
    await full.put(1);
    await assertRejects(() => full.put(2, { timeout: 0 }), Full);
    full.shutdown();
    assertThrows(() => full.putNowait(2), ShutDown);
    await assertRejects(() => full.put(2, { timeout: 5 }), ShutDown);
    const empty = make();
    assertThrows(() => empty.getNowait(), Empty);
    empty.shutdown();
    assertThrows(() => empty.getNowait(), ShutDown);
  });

  for (const immediate of [false, true]) {
    each(`wakes all who wait${immediate ? ", immediate" : ""}`, async (world) => {
      const [empty, full] = [make(), make(1)];
      full.putNowait(1);
      const waits = FORMS.flatMap((form) => [
        world.start(failure, [empty, "get", form, {}]),
        world.start(failure, [full, "put", form, {}]),
      ]);
      const mine = [
        assertRejects(() => empty.get(), ShutDown),
        assertRejects(() => full.put(2), ShutDown),
        assertRejects(() => full.put(3, { timeout: 60_000 }), ShutDown),
      ];
      await untilWaiting(world, ...waits);
      empty.shutdown({ immediate });
      full.shutdown({ immediate });
      for (const wait of waits) assertEquals((await wait.result())[0], "ShutDown");
      await Promise.all(mine);
      assertEquals(full.qsize(), immediate ? 0 : 1);
    });
  }

  each("of a child is seen everywhere", async (world) => {
    for (const immediate of [false, true]) {
      const [queue, full] = [make(), make(1)];
      full.putNowait(1);
      const waits = [
        assertRejects(() => queue.get(), ShutDown),
        assertRejects(() => full.put(2), ShutDown),
      ];
      await world.run(targets.shutDown, [[queue, full], immediate]);
      await Promise.all(waits);
      assertThrows(() => queue.putNowait(1), ShutDown);
      if (immediate) assertThrows(() => full.getNowait(), ShutDown);
      else assertEquals(full.getNowait(), 1);
      assertEquals((await world.run(failure, [full, "get", "sync", {}]))[0], "ShutDown");
    }
  });

  each("immediate drops what is there", async (world) => {
    for (const form of FORMS) {
      const queue = make(100);
      for (const k of range(0, 100)) await putBy(queue, k, form);
      queue.shutdown({ immediate: true });
      assertEquals([queue.qsize(), queue.empty(), queue.full()], [0, true, false]);
      assertThrows(() => queue.getNowait(), ShutDown);
      assertThrows(() => queue.putNowait(1), ShutDown);
      await assertRejects(() => getBy(queue, form), ShutDown);
      assertEquals((await world.run(failure, [queue, "get", form, {}]))[0], "ShutDown");
      assertEquals([await queue.join(), queue.joinSync()], [true, true]);
      assertThrows(() => queue.taskDone(), RangeError);
    }
  });

  each("immediate leaves those tasks that somebody has", async (world) => {
    for (const form of FORMS) {
      const queue = make();
      const go = new kind.face.Event();
      for (const k of range(0, 10)) queue.putNowait(k);
      const getter = world.start(getThenIdle, [queue, 3, form, go]);
      await getter.next();
      const joiner = world.start(joinIt, [queue as never, form]);
      const mine = queue.join();
      await untilWaiting(world, joiner);
      queue.shutdown({ immediate: true });
      assertEquals([queue.qsize(), await queue.join({ timeout: 5 })], [0, false]);
      queue.taskDone();
      queue.taskDone();
      assertEquals(queue.joinSync({ timeout: 5 }), false);
      queue.taskDone();
      assertEquals([await mine, await joiner.result(), await queue.join()], [true, true, true]);
      assertThrows(() => queue.taskDone(), RangeError);
      go.set();
      await getter.result();
    }
  });

  each("immediate wakes who joins", async (world) => {
    const queue = make();
    for (const k of range(0, 5)) queue.putNowait(k);
    const joiners = FORMS.map((form) => world.start(joinIt, [queue as never, form]));
    const mine = queue.join();
    await untilWaiting(world, ...joiners);
    queue.shutdown({ immediate: true });
    for (const joiner of joiners) assertEquals(await joiner.result(), true);
    assertEquals(await mine, true);
  });

  each("lets join() wait for what is there", async () => {
    const queue = make();
    queue.putNowait(1);
    queue.shutdown();
    assertEquals(await queue.join({ timeout: 5 }), false);
    const joined = queue.join();
    assertEquals(queue.getNowait(), 1);
    assertEquals(queue.joinSync({ timeout: 5 }), false);
    queue.taskDone();
    assertEquals(await joined, true);
  });

  each("may be called again, and immediate stays", async () => {
    const queue = make();
    queue.putNowait(1);
    queue.putNowait(2);
    queue.shutdown();
    queue.shutdown();
    queue.getNowait();
    queue.shutdown({ immediate: true });
    assertThrows(() => queue.getNowait(), ShutDown);
    queue.shutdown({ immediate: false });
    assertThrows(() => queue.getNowait(), ShutDown);
    assertEquals(queue.joinSync({ timeout: 5 }), false);
    queue.taskDone();
    assert(await queue.join());
  });

  each("ends iterations once the queue is drained", async (world) => {
    const queue = make();
    const readers = [0, 1].map(() => world.start(targets.drainSome, [queue, "async", Infinity]));
    for (const k of range(0, 200)) await queue.put(k);
    queue.shutdown();
    const items = [];
    for await (const item of queue) items.push(item);
    for (const reader of readers) items.push(...await reader.result());
    assertEquals(items.sort((a, b) => a - b), range(0, 200));
    for await (const item of queue) throw new Error(`${item} came after the end`);
  });

  each("loses nothing that was put, and gives it once", async (world) => {
    for (const maxsize of [3, 1_000]) {
      const queue = make(maxsize);
      const putters = FORMS.map((form, who) =>
        world.start(targets.putUntilShut, [queue, who, form])
      );
      const getters = FORMS.map((form) => world.start(targets.drainSome, [queue, form, Infinity]));
      await until(() => [...putters, ...getters].every(({ reports }) => reports.length > 0));
      queue.shutdown();
      const put = await Promise.all(putters.map((putter) => putter.result()));
      const got = (await Promise.all(getters.map((getter) => getter.result()))).flat();
      assertEquals(new Set(got).size, got.length);
      for (const [who, count] of put.entries()) {
        const theirs = got.filter((item) => item % 2 === who).length;
        assertEquals([who, theirs], [who, count]);
      }
      assertEquals(queue.qsize(), 0);
    }
  });

  each("immediate gives nothing twice, and join() knows what was given", async (world) => {
    const queue = make(1_000);
    const putters = FORMS.map((form, who) => world.start(targets.putUntilShut, [queue, who, form]));
    const getters = FORMS.map((form) => world.start(targets.drainSome, [queue, form, Infinity]));
    await until(() => [...putters, ...getters].every(({ reports }) => reports.length > 0));
    queue.shutdown({ immediate: true });
    for (const putter of putters) await putter.result();
    const got = (await Promise.all(getters.map((getter) => getter.result()))).flat();
    assertEquals(new Set(got).size, got.length);
    assertEquals([queue.qsize(), await queue.join({ timeout: 5 })], [0, false]);
    for (const _ of got) queue.taskDone();
    assertEquals(await queue.join(), true);
    assertThrows(() => queue.taskDone(), RangeError);
  });

  each("refuses bad options", () => {
    const queue = make();
    assertThrows(() => queue.shutdown({ immediate: 1 as never }), TypeError, "immediate");
    assertThrows(() => queue.shutdown(true as never), TypeError, "options");
    queue.putNowait(1);
    return Promise.resolve();
  });
}
