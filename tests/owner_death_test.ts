/**
 * What locks are for, and what is left when their holders die. `SWITCHYARD_ROUNDS` sets how often.
 *
 * @module
 */
import { assertEquals, assertInstanceOf, assertLess } from "@std/assert";
import { delay } from "@std/async";
import { ThreadTerminated } from "../lib/errors.ts";
import { Lock as ProcessLock, Process } from "../lib/multiprocessing.ts";
import { Lock, Thread } from "../lib/threading.ts";
import { theArena } from "../lib/memory/arena.ts";
import { LACKS, unless } from "./_help/lacks.ts";
import { countMapped, countShared, hold, waitAsync, waitSync } from "./_owner_death_targets.ts";

const ROUNDS = Number(Deno.env.get("SWITCHYARD_ROUNDS") ?? 0);
const PARTIES = [1, 2, 3, 4];
const TIMES = 100_000;

Deno.test("Lock makes 4 x 100,000 increments exact [threads]", async () => {
  const lock = new Lock();
  const memory = new SharedArrayBuffer(4);
  const threads = PARTIES.map(() => new Thread(countShared, { args: [lock, memory, TIMES] }));
  for (const thread of threads) thread.start();
  for (const thread of threads) await thread.result({ timeout: 60_000 });
  assertEquals(new Int32Array(memory)[0], PARTIES.length * TIMES);
});

Deno.test({
  ...unless(LACKS.memory, "Lock makes 4 x 100,000 increments exact [processes]"),
  async fn() {
    const lock = new ProcessLock();
    const { base, region } = theArena().allocate(1);
    const processes = PARTIES.map(() => new Process(countMapped, { args: [lock, base, TIMES] }));
    for (const process of processes) process.start();
    for (const process of processes) await process.result({ timeout: 60_000 });
    for (const process of processes) await process.join();
    assertEquals(region.words[base], PARTIES.length * TIMES);
  },
});

Deno.test({
  ...unless(LACKS.memory, "Lock passes on within a second when its holder is killed [processes]"),
  async fn() {
    const lock = new ProcessLock();
    for (let k = 0; k < (ROUNDS || 20); k++) {
      const held = Promise.withResolvers<void>();
      const process = new Process(hold, { args: [lock], onReport: () => held.resolve() }).start();
      await held.promise;
      const next = lock.acquire({ timeout: 5_000 });
      const killed = performance.now();
      process.kill();
      const guard = await next;
      assertEquals(guard?.abandoned, true);
      assertLess(performance.now() - killed, 1_000);
      guard!.release();
      await process.join();
      assertEquals(process.exitcode, -9);
    }
  },
});

Deno.test("Lock of a thread is not taken by others that are terminated in the same turn", async () => {
  const lock = new Lock();
  const memory = new SharedArrayBuffer(8);
  const held = Promise.withResolvers<void>();
  const holder = new Thread(hold, { args: [lock], onReport: () => held.resolve() }).start();
  await held.promise;
  const others = [waitSync, waitAsync].map((target) => {
    return new Thread(target, { args: [lock, memory] }).start();
  });
  for (const thread of others) while (thread.state !== "waiting") await delay(1);
  holder.terminate();
  // The terminator is held up, as on a busy machine.
  for (const began = performance.now(); performance.now() - began < 100;);
  for (const thread of others) thread.terminate();
  for (const thread of [holder, ...others]) {
    assertEquals(await thread.join({ timeout: 1_000 }), true);
    assertInstanceOf(thread.error, ThreadTerminated);
  }
  assertEquals([...new Int32Array(memory)], [0, 2]);
  assertEquals(lock.acquireSync().abandoned, true);
});

Deno.test("Thread.terminate() reaches a thread that awaits, also if its starter blocks next", async () => {
  const held = Promise.withResolvers<void>();
  const options = { args: [new Lock()] as [Lock], onReport: () => held.resolve() };
  const thread = new Thread(hold, options).start();
  await held.promise;
  thread.terminate();
  assertEquals(thread.joinSync({ timeout: 500 }), true);
});

Deno.test("Lock is never taken by a thread that was terminated while it waited", async () => {
  const lock = new Lock();
  const memory = new SharedArrayBuffer(8);
  const rounds = ROUNDS || 40;
  for (let k = 0; k < rounds; k++) {
    const guard = lock.acquireSync();
    const target = k % 2 === 0 ? waitSync : waitAsync;
    const thread = new Thread(target, { args: [lock, memory] }).start();
    while (thread.state !== "waiting") await delay(1);
    thread.terminate();
    // Every other time the lock is free before the thread has noticed.
    if (k % 4 < 2) guard.release();
    assertEquals(await thread.join({ timeout: 1_000 }), true);
    assertInstanceOf(thread.error, ThreadTerminated);
    guard.release();
    assertEquals(lock.locked(), false);
  }
  assertEquals([...new Int32Array(memory)], [0, rounds]);
});
