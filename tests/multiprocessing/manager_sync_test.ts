/**
 * What a manager's locks, semaphores, events, conditions, barriers and queues do among its clients.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { delay } from "@std/async";
import { BrokenBarrierError, DeadlockError, Empty, Full, ShutDown } from "../../lib/errors.ts";
import { Process } from "../../lib/multiprocessing.ts";
import { Guard, Thread } from "../../lib/threading.ts";
import { until } from "../_help/until.ts";
import { test, watch } from "./_manager.ts";
import {
  countLocked,
  drain,
  hold,
  meet,
  queueUp,
  shout,
  takeBoth,
  tryRelease,
  waitAtCondition,
  waitForEvent,
} from "./_manager_targets.ts";

const REASON = new Error("enough");

/** Aborts a call that waits, and sees that it is rejected with the reason. */
async function aborts(call: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
  const controller = new AbortController();
  const waiting = call(controller.signal);
  await delay(5);
  controller.abort(REASON);
  assertEquals(await assertRejects(() => waiting), REASON);
  assertEquals(await assertRejects(() => call(controller.signal)), REASON);
}

// LockProxy

test("Lock excludes processes and threads", async (manager) => {
  const lock = await manager.Lock();
  const dict = await manager.dict<string, number>();
  const children = [
    new Process(countLocked, { args: [lock, dict, 30] }).start(),
    new Process(countLocked, { args: [lock, dict, 30] }).start(),
    new Thread(countLocked, { args: [lock, dict, 30] }).start(),
  ];
  await countLocked(lock, dict, 30);
  for (const child of children) await child.result();
  assertEquals(await dict.get("n"), 120);
  for (const child of children) await child.join();
});

test("Lock.acquire() gives a guard that releases it once", async (manager) => {
  const lock = await manager.Lock();
  const first = await lock.acquire();
  assert(first instanceof Guard);
  assertEquals(first.abandoned, false);
  assertEquals(await lock.locked(), true);
  await first.release();
  const second = await lock.acquire();
  await first.release();
  assertEquals(await lock.locked(), true);
  second.release();
  assertEquals(await lock.locked(), false);
  {
    using _ = await lock.acquire();
    assertEquals(await lock.locked(), true);
  }
  assertEquals(await lock.locked(), false);
});

test("Lock.acquire() gives undefined when its time is up, and leaves no trace", async (manager) => {
  const lock = await manager.Lock();
  const guard = await lock.acquire();
  assertEquals(await lock.acquire({ timeout: 20 }), undefined);
  assertEquals(await lock.acquire({ timeout: 0 }), undefined);
  assertEquals(await lock.acquire({ blocking: false }), undefined);
  await aborts((signal) => lock.acquire({ signal }));
  await guard.release();
  assertEquals(await lock.locked(), false);
  assert(await lock.acquire({ blocking: false }) !== undefined);
});

test("Lock.acquire() serves in the order of the calls", async (manager) => {
  const lock = await manager.Lock();
  const guard = await lock.acquire();
  const order: number[] = [];
  const waiting = Array.from({ length: 5 }, async (_, k) => {
    using _guard = await lock.acquire();
    order.push(k);
  });
  guard.release();
  await Promise.all(waiting);
  assertEquals(order, [0, 1, 2, 3, 4]);
});

test("Lock.release() by anybody; of one that is not held: Error", async (manager) => {
  const lock = await manager.Lock({ name: "till" });
  await lock.acquire();
  await using other = new Process(tryRelease, { args: [lock] }).start();
  await other.result();
  assertEquals(await lock.locked(), false);
  const error = await assertRejects(() => lock.release(), Error);
  assertEquals(error.message, 'Cannot release the lock "till": it is not held');
});

test("Lock.acquire() refuses bad options", async (manager) => {
  const lock = await manager.Lock();
  await assertRejects(() => lock.acquire({ timeout: -1 }), RangeError, "received -1");
  await assertRejects(() => lock.acquire({ timeout: "1" as never }), TypeError, 'received "1"');
  await assertRejects(() => lock.acquire({ blocking: 1 as never }), TypeError, "blocking");
  await assertRejects(() => lock.acquire({ signal: 1 as never }), TypeError, "signal");
  assertEquals(await lock.locked(), false);
});

test("an abort in the same turn as the release that would end the wait", async (manager) => {
  const lock = await manager.Lock();
  for (let k = 0; k < 50; k++) {
    const guard = await lock.acquire();
    const controller = new AbortController();
    const waiting = lock.acquire({ signal: controller.signal });
    if (k % 2 === 0) {
      controller.abort(REASON);
      guard.release();
      assertEquals(await assertRejects(() => waiting), REASON);
    } else {
      guard.release();
      controller.abort(REASON);
      // The release came first: whichever way it ends, the lock is not lost.
      await waiting.then((got) => got.release(), () => {});
    }
    assertEquals(await lock.locked(), false);
  }
});

test("Lock.acquire({ detectDeadlock }) throws the report instead of hanging", async (manager) => {
  const a = await manager.Lock({ name: "A" });
  const b = await manager.RLock({ name: "B" });
  const holds = Promise.withResolvers<unknown>();
  const goOn = await manager.Event();
  await using child = new Process(takeBoth, {
    args: [a, b, goOn],
    name: "other",
    onReport: holds.resolve,
  }).start();
  await holds.promise;
  const guard = await b.acquire();
  await goOn.set();
  const error = await assertRejects(() => a.acquire({ detectDeadlock: true }), DeadlockError);
  assertEquals(
    error.message,
    "Deadlock: MainProcess holds 'B' and waits for 'A'; other holds 'A' and waits for 'B'",
  );
  await guard.release();
  assertEquals(await child.result(), "both");
});

test("Lock.acquire({ detectDeadlock }) is not alarmed by a lock that is held long", async (manager) => {
  const lock = await manager.Lock();
  const holds = Promise.withResolvers<unknown>();
  const goOn = await manager.Event();
  await using child = new Process(takeBoth, {
    args: [lock, await manager.Lock(), goOn],
    onReport: holds.resolve,
  }).start();
  await holds.promise;
  assertEquals(await lock.acquire({ detectDeadlock: true, timeout: 900 }), undefined);
  await goOn.set();
  await child.result();
});

// RLockProxy

test("RLock can be acquired again by its thread, and by no other", async (manager) => {
  const lock = await manager.RLock();
  const outer = await lock.acquire();
  const inner = await lock.acquire();
  const other = new Process(tryRelease, { args: [lock], stderr: "null" }).start();
  await assertRejects(() => other.result(), Error, "does not hold it");
  await other.join();
  await outer.release();
  assertEquals(await lock.locked(), true);
  await inner.release();
  assertEquals(await lock.locked(), false);
  await assertRejects(() => lock.release(), Error, "does not hold it");
});

test("RLock passes on from client to client", async (manager) => {
  const lock = await manager.RLock();
  const guard = await lock.acquire();
  await using thread = new Thread(queueUp, { args: [lock] }).start();
  await using process = new Process(queueUp, { args: [lock] }).start();
  await guard.release();
  assertEquals(await thread.result(), "got it");
  assertEquals(await process.result(), "got it");
  // Both have ended with the lock.
  assertEquals((await lock.acquire()).abandoned, true);
});

test("RLock lets all async functions of a thread in that wait for it", async (manager) => {
  const lock = await manager.RLock();
  const held = Promise.withResolvers<unknown>();
  await using child = new Process(hold, {
    args: [lock],
    stderr: "null",
    onReport: held.resolve,
  }).start();
  await held.promise;
  const waiting = [lock.acquire(), lock.acquire()];
  child.kill();
  const [first, second] = await Promise.all(waiting);
  await first!.release();
  assertEquals(await lock.locked(), true);
  await second!.release();
  assertEquals(await lock.locked(), false);
});

// SemaphoreProxy

test("Semaphore lets so many in", async (manager) => {
  const semaphore = await manager.Semaphore(2);
  const first = await semaphore.acquire();
  await semaphore.acquire();
  assertEquals(await semaphore.value(), 0);
  assertEquals(await semaphore.acquire({ blocking: false }), undefined);
  assertEquals(await semaphore.acquire({ timeout: 10 }), undefined);
  await aborts((signal) => semaphore.acquire({ signal }));
  const waiting = semaphore.acquire();
  await first.release();
  await waiting;
  await semaphore.release(3);
  assertEquals(await semaphore.value(), 3);
});

test("BoundedSemaphore.release() too often: RangeError, and nothing is released", async (manager) => {
  const semaphore = await manager.BoundedSemaphore(2);
  await semaphore.acquire();
  await assertRejects(() => semaphore.release(2), RangeError, "3 of 2 permits");
  assertEquals(await semaphore.value(), 1);
  await semaphore.release();
  await assertRejects(() => semaphore.release(), RangeError);
  await assertRejects(() => semaphore.release(0), RangeError, "received 0");
});

// EventProxy

test("Event lets all go who wait", async (manager) => {
  const event = await manager.Event();
  assertEquals(await event.wait({ timeout: 5 }), false);
  assertEquals(await event.wait({ timeout: 0 }), false);
  await aborts((signal) => event.wait({ signal }));
  await using process = new Process(waitForEvent, { args: [event] }).start();
  await using thread = new Thread(waitForEvent, { args: [event] }).start();
  const here = event.wait();
  await event.set();
  assertEquals(await Promise.all([here, process.result(), thread.result()]), [true, true, true]);
  assertEquals(await event.isSet(), true);
  await event.clear();
  assertEquals(await event.isSet(), false);
});

// ConditionProxy

test("Condition.notify(n) wakes exactly n, the longest waiting first", async (manager) => {
  const condition = await manager.Condition(await manager.Lock());
  const woken: number[] = [];
  const waiters = Array.from({ length: 5 }, async (_, k) => {
    await using _guard = await condition.acquire();
    assertEquals(await condition.wait(), true);
    woken.push(k);
  });
  const shoutTo = async (n?: number) => {
    await using _guard = await condition.acquire();
    await (n === undefined ? condition.notifyAll() : condition.notify(n));
  };
  // A turn for all to wait: locks are given in the order of the calls.
  await shoutTo(0);
  await shoutTo(2);
  await until(() => woken.length === 2);
  await shoutTo(1);
  await until(() => woken.length === 3);
  await shoutTo();
  await Promise.all(waiters);
  assertEquals(woken, [0, 1, 2, 3, 4]);
});

test("Condition is shared by processes and threads", async (manager) => {
  const condition = await manager.Condition();
  const waiting = await manager.Value("i32");
  const children = [
    new Process(waitAtCondition, { args: [condition, waiting] }).start(),
    new Thread(waitAtCondition, { args: [condition, waiting] }).start(),
  ];
  await until(async () => await waiting.get() === 2);
  {
    await using _guard = await condition.acquire();
    await condition.notifyAll();
  }
  for (const child of children) assertEquals(await child.result(), true);
  for (const child of children) await child.join();
});

test("Condition.wait() has the lock again, all levels, after its timeout or an abort", async (manager) => {
  const lock = await manager.RLock();
  const condition = await manager.Condition(lock);
  await using _outer = await lock.acquire();
  {
    await using _inner = await condition.acquire();
    assertEquals(await condition.wait({ timeout: 10 }), false);
    const controller = new AbortController();
    const waiting = condition.wait({ signal: controller.signal });
    assertEquals(await lock.locked(), false);
    controller.abort(REASON);
    assertEquals(await assertRejects(() => waiting), REASON);
    assertEquals(await lock.locked(), true);
  }
  assertEquals(await lock.locked(), true);
});

test("Condition without its lock: Error", async (manager) => {
  const condition = await manager.Condition();
  await assertRejects(() => condition.wait(), Error, "does not hold its lock");
  await assertRejects(() => condition.notify(), Error, "does not hold its lock");
  await assertRejects(() => condition.notifyAll(), Error, "does not hold its lock");
  await assertRejects(() => condition.waitFor(() => true), Error, "does not hold its lock");
  await assertRejects(() => condition.notify(-1), RangeError, "received -1");
  const remedy = "use manager.Condition(await manager.Lock())";
  await assertRejects(() => condition.wait(), Error, remedy);
});

test("Condition.waitFor() asks again after each notification", async (manager) => {
  const condition = await manager.Condition(await manager.Lock());
  const list = await manager.list<number>();
  const waiting = (async () => {
    await using _guard = await condition.acquire();
    return await condition.waitFor(async () => await list.length() >= 2);
  })();
  for (let k = 0; k < 2; k++) {
    await using _guard = await condition.acquire();
    await list.push(k);
    await condition.notify();
  }
  assertEquals(await waiting, true);
  await using _guard = await condition.acquire();
  assertEquals(await condition.waitFor(() => false, { timeout: 20 }), false);
});

test("a notified wait that is aborted before it has the lock passes the notification on", async (manager) => {
  const lock = await manager.Lock();
  const condition = await manager.Condition(lock);
  const controller = new AbortController();
  const wait = async (signal?: AbortSignal) => {
    await using _guard = await condition.acquire();
    return await condition.wait(signal === undefined ? {} : { signal });
  };
  const first = wait(controller.signal);
  const second = wait();
  {
    await using _guard = await condition.acquire();
    await condition.notify();
    controller.abort(REASON);
  }
  assertEquals(await assertRejects(() => first), REASON);
  assertEquals(await second, true);
  assertEquals(await lock.locked(), false);
});

// BarrierProxy

test("Barrier lets all go when the last has come, round after round", async (manager) => {
  const barrier = await manager.Barrier(3);
  for (let round = 0; round < 3; round++) {
    await using process = new Process(meet, { args: [barrier] }).start();
    await using thread = new Thread(meet, { args: [barrier] }).start();
    const indexes = await Promise.all([barrier.wait(), process.result(), thread.result()]);
    assertEquals(indexes.toSorted(), [0, 1, 2]);
  }
  assertEquals(barrier.parties, 3);
  assertEquals(await barrier.nWaiting(), 0);
});

test("Barrier runs its action once a round, in the client that came last", async (manager) => {
  const reports: unknown[] = [];
  const barrier = await manager.Barrier(2, { action: shout });
  const first = barrier.wait();
  await until(async () => await barrier.nWaiting() === 1);
  const onReport = (value: unknown) => reports.push(value);
  const process = new Process(meet, { args: [barrier], onReport }).start();
  assertEquals(await first, 0);
  assertEquals(await process.result(), 1);
  await process.join();
  assertEquals(reports, ["action"]);
});

test("Barrier is broken by an action that throws", async (manager) => {
  const fails = () => {
    throw REASON;
  };
  const barrier = await manager.Barrier(2, { action: fails });
  const first = assertRejects(() => barrier.wait(), BrokenBarrierError);
  await until(async () => await barrier.nWaiting() === 1);
  assertEquals(await assertRejects(() => barrier.wait()), REASON);
  await first;
  assertEquals(await barrier.broken(), true);
});

test("Barrier is broken by a timeout and by abort(), and mended by reset()", async (manager) => {
  const barrier = await manager.Barrier(2, { timeout: 20 });
  await assertRejects(() => barrier.wait(), BrokenBarrierError);
  await assertRejects(() => barrier.wait(), BrokenBarrierError, "it is broken");
  await barrier.reset();
  assertEquals(await Promise.all([barrier.wait(), barrier.wait()]), [0, 1]);
  const waiting = assertRejects(() => barrier.wait({ timeout: 60_000 }), BrokenBarrierError);
  await until(async () => await barrier.nWaiting() === 1);
  await barrier.abort();
  await waiting;
  assertEquals(await barrier.broken(), true);
  await barrier.reset();
  const again = assertRejects(() => barrier.wait({ timeout: 60_000 }), BrokenBarrierError);
  await until(async () => await barrier.nWaiting() === 1);
  await barrier.reset();
  await again;
  assertEquals(await barrier.broken(), false);
});

test("Barrier.wait() that is aborted is withdrawn", async (manager) => {
  const barrier = await manager.Barrier(2);
  await aborts((signal) => barrier.wait({ signal }));
  assertEquals(await barrier.nWaiting(), 0);
  assertEquals(await barrier.broken(), false);
  assertEquals(await Promise.all([barrier.wait(), barrier.wait()]), [0, 1]);
});

// QueueProxy

test("Queue gives items in order", async (manager) => {
  const queue = await manager.Queue<number>();
  for (let k = 0; k < 3000; k++) queue.put(k);
  for (let k = 0; k < 3000; k++) assertEquals(await queue.get(), k);
  assertEquals(await queue.empty(), true);
});

test("Queue.get() throws Empty, put() Full, and they leave no trace", async (manager) => {
  const queue = await manager.Queue<number>(1);
  await assertRejects(() => queue.getNowait(), Empty);
  await assertRejects(() => queue.get({ timeout: 10 }), Empty);
  await aborts((signal) => queue.get({ signal }));
  await queue.put(1);
  assertEquals(await queue.full(), true);
  await assertRejects(() => queue.putNowait(2), Full);
  await assertRejects(() => queue.put(2, { timeout: 10 }), Full);
  await aborts((signal) => queue.put(2, { signal }));
  assertEquals(await queue.get(), 1);
  assertEquals(await queue.qsize(), 0);
  await assertRejects(() => queue.get({ block: 1 as never }), TypeError, "block");
});

test("Queue.put() waits for room, in the order of the calls", async (manager) => {
  const queue = await manager.Queue<number>(2);
  const puts = [0, 1, 2, 3].map((k) => watch(queue.put(k)));
  await puts[1]!.promise;
  assertEquals(puts[2]!.isSettled, false);
  for (let k = 0; k < 4; k++) assertEquals(await queue.get(), k);
  await Promise.all(puts.map(({ promise }) => promise));
});

test("Queue.join() waits until all tasks are done", async (manager) => {
  const queue = await manager.Queue<number>();
  assertEquals(await queue.join(), true);
  await queue.put(1);
  await queue.put(2);
  assertEquals(await queue.join({ timeout: 5 }), false);
  await aborts((signal) => queue.join({ signal }));
  const joined = queue.join();
  await queue.get();
  await queue.taskDone();
  await queue.taskDone();
  assertEquals(await joined, true);
  await assertRejects(() => queue.taskDone(), RangeError, "too often");
});

test("Queue.shutdown() lets the rest be drained; at once, it does not", async (manager) => {
  const queue = await manager.Queue<number>();
  await queue.put(1);
  await queue.shutdown();
  await assertRejects(() => queue.put(2), ShutDown);
  assertEquals(await queue.get(), 1);
  await assertRejects(() => queue.get(), ShutDown);
  const other = await manager.Queue<number>(1);
  await other.put(1);
  const full = assertRejects(() => other.put(2), ShutDown);
  const joined = other.join();
  await other.shutdown({ immediate: true });
  await full;
  assertEquals(await joined, true);
  await assertRejects(() => other.get(), ShutDown);
});

test("Queue gives each item once to consumers in processes and threads", async (manager) => {
  const queue = await manager.Queue<number>(10);
  const consumers = [
    new Process(drain, { args: [queue] }).start(),
    new Process(drain, { args: [queue] }).start(),
    new Thread(drain, { args: [queue] }).start(),
  ];
  for (let k = 0; k < 500; k++) await queue.put(k);
  await queue.shutdown();
  const items = (await Promise.all(consumers.map((child) => child.result()))).flat();
  assertEquals(items.toSorted((a, b) => a - b), Array.from({ length: 500 }, (_, k) => k));
  for (const child of consumers) await child.join();
});
