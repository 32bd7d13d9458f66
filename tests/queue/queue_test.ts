/**
 * What the queues between threads promise.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { Empty, Full, ShareError, ShutDown, ThreadTerminated } from "../../lib/errors.ts";
import { Process } from "../../lib/multiprocessing.ts";
import { LifoQueue, PriorityQueue, Queue, SimpleQueue } from "../../lib/queue.ts";
import { Event, Lock, Thread } from "../../lib/threading.ts";
import * as targets from "./_targets.ts";
import { FORMS, getBy, Job, putBy } from "./_targets.ts";
import { until } from "../_help/until.ts";
import { test } from "./_threads.ts";

/** How many items each puts where many are put. */
const TIMES = Number(Deno.env.get("SWITCHYARD_TIMES") ?? 4_000);

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, k) => from + k);

test("Queue gives out in the order of put, in its home thread", async () => {
  const queue = new Queue<number>();
  for (const form of FORMS) {
    for (let k = 0; k < 5; k++) await putBy(queue, k, form);
    assertEquals([queue.qsize(), queue.empty(), queue.full()], [5, false, false]);
    for (let k = 0; k < 5; k++) assertEquals(await getBy(queue, form), k);
    assertEquals([queue.qsize(), queue.empty()], [0, true]);
  }
});

test("Queue.put() copies the item", () => {
  const queue = new Queue<{ list: number[] }>();
  const item = { list: [1] };
  queue.putNowait(item);
  item.list.push(2);
  queue.putNowait(item);
  assertEquals([queue.getNowait(), queue.getNowait()], [{ list: [1] }, { list: [1, 2] }]);
});

test("Queue carries what structured clone does", async (threads) => {
  const shared = { of: "two" };
  const cyclic: unknown[] = [1];
  cyclic.push(cyclic);
  const sparse = [1, , 3]; // deno-lint-ignore no-sparse-arrays
  const items: unknown[] = [
    ...[undefined, null, true, -0, NaN, 1.5, 10n, "text", "\ud800", ""],
    ...[new Date(5), /x/g, new Uint8Array([1, 2]), new Map([[1, { a: 1 }]]), new Set([1])],
    ...[[shared, shared], cyclic, sparse, { a: undefined }, new RangeError("r"), range(0, 1000)],
    { deep: { deep: { deep: { deep: [[[[{}]]]] } } } },
    Object.fromEntries(range(0, 40).map((k) => [k, { k }])),
  ];
  const there = new Queue<unknown>();
  for (const form of FORMS) {
    for (const item of items) there.putSync(item);
    for (const item of items) assertEquals(await getBy(there, form), item);
    for (const other of FORMS) {
      const back = new Queue<unknown>();
      const forward = threads.start(targets.putAll, [back, items, form]);
      for (const item of items) assertEquals(await getBy(back, other), item);
      await forward.result();
    }
  }
  there.putSync([shared, shared]);
  const [a, b] = there.getSync() as object[];
  assert(a === b && a !== shared);
});

test("Queue carries plain items exactly, also in batches", async (threads) => {
  const plain = [0, -0, NaN, Infinity, 2 ** 53, undefined, null, 5n, "\ud800", "ü€😀", ""];
  const kinds: ((k: number) => unknown)[] = [
    (k) => ({ k, text: "ü€😀", list: [k, [true, null]], "": {}, toJSON: "no function" }),
    (k) => plain[k % plain.length],
    (k) => ({ value: plain[k % plain.length], list: [plain[k % plain.length]] }),
  ];
  for (const kind of kinds) {
    const items = range(0, 400).map(kind);
    const queue = new Queue<unknown>();
    await threads.run(targets.putAll, [queue, items, "sync"]);
    assertEquals(await threads.run(targets.getSome<unknown>, [queue, 400, "sync"]), items);
    await threads.run(targets.putAll, [queue, items, "async"]);
    for (const item of items) assertEquals(queue.getSync(), item);
  }
});

for (const form of FORMS) {
  test(`Queue goes from thread to thread, ${form}`, async (threads) => {
    const queue = new Queue<number>();
    const getter = threads.start(targets.getSome<number>, [queue, 3000, form]);
    const putter = threads.start(targets.putNumbers, [queue, 0, 3000, form]);
    assertEquals(await getter.result(), range(0, 3000));
    await putter.result();
    assertEquals(queue.qsize(), 0);
  });

  test(`Queue goes from home to a thread and back, ${form}`, async (threads) => {
    const queue = new Queue<number>();
    const getter = threads.start(targets.getSome<number>, [queue, 500, form]);
    for (let k = 0; k < 500; k++) await putBy(queue, k, form);
    assertEquals(await getter.result(), range(0, 500));
    threads.start(targets.putNumbers, [queue, 0, 500, form]);
    for (let k = 0; k < 500; k++) assertEquals(await getBy(queue, form), k);
  });

  test(`Queue.get() throws Empty after its timeout, ${form}`, async (threads) => {
    const queue = new Queue();
    for (const timeout of [0, 30]) {
      const began = performance.now();
      await assertRejects(() => getBy(queue, form, { timeout }), Empty);
      assertGreaterOrEqual(performance.now() - began, timeout - 0.1);
      const [name, took] = await threads.run(targets.failure, [queue, "get", form, { timeout }]);
      assertEquals(name, "Empty");
      assertGreaterOrEqual(took, timeout - 0.1);
    }
    // Who gave up takes nothing.
    queue.putNowait(1);
    assertEquals(queue.getNowait(), 1);
  });

  test(`Queue.put() throws Full after its timeout, ${form}`, async (threads) => {
    const queue = new Queue(2);
    queue.putNowait(1);
    queue.putNowait(2);
    assert(queue.full());
    for (const timeout of [0, 30]) {
      const began = performance.now();
      await assertRejects(() => putBy(queue, 3, form, { timeout }), Full);
      assertGreaterOrEqual(performance.now() - began, timeout - 0.1);
      const [name, took] = await threads.run(targets.failure, [queue, "put", form, { timeout }]);
      assertEquals(name, "Full");
      assertGreaterOrEqual(took, timeout - 0.1);
    }
    assertEquals([queue.getNowait(), queue.getNowait(), queue.qsize()], [1, 2, 0]);
  });

  test(`Queue.put() waits for room, ${form}`, async (threads) => {
    const queue = new Queue<number>(2);
    const putter = threads.start(targets.putNumbers, [queue, 0, 100, form]);
    await until(() => queue.full());
    await threads.untilWaiting(putter);
    assertEquals(queue.qsize(), 2);
    for (let k = 0; k < 100; k++) {
      assertEquals(await getBy(queue, form), k);
      assert(queue.qsize() <= 2);
    }
    await putter.result();
    const getter = threads.start(targets.getSome<number>, [queue, 100, form]);
    for (let k = 0; k < 100; k++) await putBy(queue, k, form);
    assertEquals(await getter.result(), range(0, 100));
  });

  test(`Queue.get() of a blocked home is served by a thread, ${form}`, async (threads) => {
    const queue = new Queue<number>();
    const back = new Queue<number>();
    const relay = threads.start(targets.getSome<number>, [queue, 1, form]);
    queue.putSync(7);
    assert(relay.joinSync({ timeout: 5000 }));
    assertEquals(await relay.result(), [7]);
    threads.start(targets.putNumbers, [back, 0, 10, form]);
    for (let k = 0; k < 10; k++) assertEquals(back.getSync({ timeout: 5000 }), k);
  });

  test(`Queue serves other threads while home is blocked, ${form}`, async (threads) => {
    const queue = new Queue<number>();
    const getter = threads.start(targets.getSome<number>, [queue, 2000, form]);
    const putter = threads.start(targets.putNumbers, [queue, 0, 2000, form]);
    assert(getter.joinSync({ timeout: 10_000 }));
    assert(putter.joinSync({ timeout: 10_000 }));
    assertEquals(await getter.result(), range(0, 2000));
  });

  test(`Queue made in a thread works there and in threads of it, ${form}`, async (threads) => {
    assertEquals(await threads.run(targets.ownQueue, [form]), range(0, 100));
  });

  test(`Queue of a thread that has ended can still be used, ${form}`, async (threads) => {
    const queue = await threads.run(targets.makeQueue, []);
    assertEquals([queue.qsize(), await getBy(queue, form)], [1, "made here"]);
    for (let k = 0; k < 3; k++) await putBy(queue, String(k), form);
    assert(queue.full());
    assertEquals(await threads.run(targets.getSome<string>, [queue, 3, form]), ["0", "1", "2"]);
  });

  test(`Queue has what threads put once they are joined, ${form}`, async (threads) => {
    for (let round = 0; round < 8; round++) {
      const queue = new Queue<string | null>();
      const taker = threads.start(targets.drainTo<string | null>, [queue, null]);
      const makers = [1, 2].map(() =>
        threads.start(targets.putAll<string | null>, [queue, ["a", "b"], form])
      );
      for (const maker of makers) {
        assertEquals(form === "sync" ? maker.joinSync() : await maker.join(), true);
      }
      await putBy(queue, null, form);
      assertEquals((await taker.result()).length, 4);
    }
  });

  test(`Queue.join() waits until all tasks are done, ${form}`, async (threads) => {
    const queue = new Queue<number>();
    assertEquals(queue.joinSync(), true);
    for (let k = 0; k < 10; k++) queue.putNowait(k);
    assertEquals(await queue.join({ timeout: 5 }), false);
    assertEquals(queue.joinSync({ timeout: 5 }), false);
    const joiner = threads.start(targets.joinIt, [queue, form]);
    await threads.untilWaiting(joiner);
    const worker = threads.start(targets.finishAll, [queue, 10]);
    assertEquals(form === "sync" ? queue.joinSync() : await queue.join(), true);
    assertEquals(await joiner.result(), true);
    await worker.result();
    assertThrows(() => queue.taskDone(), RangeError, "taskDone");
  });

  test(`Queue.shutdown() lets what is there be taken, ${form}`, async (threads) => {
    const queue = new Queue<number>();
    for (let k = 0; k < 100; k++) queue.putNowait(k);
    queue.shutdown();
    assertThrows(() => queue.putNowait(1), ShutDown);
    await assertRejects(() => queue.put(1), ShutDown);
    assertEquals((await threads.run(targets.failure, [queue, "put", form, {}]))[0], "ShutDown");
    assertEquals(await threads.run(targets.drain<number>, [queue, form]), range(0, 100));
    assertThrows(() => queue.getNowait(), ShutDown);
    await assertRejects(() => queue.get(), ShutDown);
  });

  test(`Queue.shutdown() wakes all who wait, ${form}`, async (threads) => {
    for (const immediate of [false, true]) {
      const empty = new Queue<number>();
      const full = new Queue<number>(1);
      full.putNowait(1);
      const waits = [
        threads.start(targets.failure, [empty, "get", form, {}]),
        threads.start(targets.failure, [empty, "get", form, {}]),
        threads.start(targets.failure, [full, "put", form, {}]),
      ];
      const mine = [
        assertRejects(() => empty.get(), ShutDown),
        assertRejects(() => full.put(2), ShutDown),
      ];
      await threads.untilWaiting(...waits);
      empty.shutdown({ immediate });
      full.shutdown({ immediate });
      for (const wait of waits) assertEquals((await wait.result())[0], "ShutDown");
      await Promise.all(mine);
    }
  });

  test(`Queue.shutdown({ immediate }) drops what is there, ${form}`, async (threads) => {
    const queue = new Queue<number>();
    for (let k = 0; k < 100; k++) queue.putNowait(k);
    const go = new Event();
    const getter = threads.start(targets.getThenIdle, [queue, 3, form, go]);
    await threads.next(getter);
    assertEquals(await queue.join({ timeout: 0 }), false);
    for (let k = 0; k < 3; k++) queue.taskDone();
    queue.shutdown({ immediate: true });
    assertThrows(() => queue.getNowait(), ShutDown);
    assertEquals(await queue.join({ timeout: 2000 }), true);
    assertEquals(queue.qsize(), 0);
    go.set();
    await getter.result();
  });

  test(`Queue: what a thread was granted and did not take goes on, ${form}`, async (threads) => {
    const queue = new Queue<number>();
    for (let k = 0; k < 200; k++) queue.putNowait(k);
    const go = new Event();
    const getter = threads.start(targets.getThenIdle, [queue, 3, form, go]);
    assertEquals(await threads.next(getter), [0, 1, 2]);
    // It lives, and is not getting.
    assertEquals(queue.getNowait(), 3);
    assertEquals(await threads.run(targets.getSome<number>, [queue, 100, form]), range(4, 104));
    assertEquals(range(104, 200).map(() => queue.getNowait()), range(104, 200));
    go.set();
    await getter.result();
  });

  test(`Queue loses nothing when a consumer ends, fails or is terminated, ${form}`, async (threads) => {
    for (const how of ["terminate", "fail", "end", "cut"]) {
      const queue = new Queue<number>();
      for (let k = 0; k < 50; k++) queue.putNowait(k);
      if (how === "fail") {
        const getter = threads.start(targets.getThenFail, [queue, 3]);
        await assertRejects(() => getter.result(), Error, "as planned");
      } else if (how === "cut") {
        const getter = threads.start(targets.getThenSpin, [queue, 3], { killable: true });
        await threads.next(getter);
        getter.terminate();
        await getter.join();
      } else {
        const go = new Event();
        const getter = threads.start(targets.getThenIdle, [queue, 3, form, go]);
        await threads.next(getter);
        if (how === "end") go.set();
        else getter.terminate();
        await getter.join();
      }
      assertEquals([how, queue.qsize()], [how, 47]);
      for (let k = 3; k < 50; k++) assertEquals(queue.getSync({ timeout: 1000 }), k);
    }
  });

  test(`Queue: a consumer that is terminated while it waits takes nothing, ${form}`, async (threads) => {
    const queue = new Queue<number>();
    const getters = [0, 1].map(() => threads.start(targets.getSome<number>, [queue, 1, form]));
    await threads.untilWaiting(...getters);
    getters[0]!.terminate();
    queue.putNowait(1);
    await assertRejects(() => getters[0]!.result(), ThreadTerminated);
    assertEquals(await getters[1]!.result(), [1]);
    assertEquals(queue.qsize(), 0);
  });

  test(`Queue carries shareables, ${form}`, async (threads) => {
    const queue = new Queue<{ lock: Lock; answer: Queue<string> }>();
    const lock = new Lock();
    const answer = new Queue<string>();
    const guard = lock.acquireSync();
    queue.putNowait({ lock, answer });
    await threads.run(targets.underLock, [queue, form]);
    assertEquals(await getBy(answer, form), "locked");
    guard.release();
    queue.putNowait({ lock, answer });
    await threads.run(targets.underLock, [queue, form]);
    assertEquals(await getBy(answer, form), "free");
  });

  test(`Queue carries instances of task classes, ${form}`, async (threads) => {
    const jobs = new Queue<Job>();
    const results = new Queue<Job>();
    jobs.putNowait(new Job(21));
    await threads.run(targets.doubleJobs, [jobs, results, form]);
    const result = await getBy(results, form);
    assert(result instanceof Job);
    assertEquals(result.double(), 84);
  });

  test(`Queue.put({ transfer }) moves buffers and ports, ${form}`, async (threads) => {
    const buffers = new Queue<ArrayBuffer>();
    const buffer = new ArrayBuffer(1000);
    if (form === "sync") buffers.putSync(buffer, { transfer: [buffer] });
    else await buffers.put(buffer, { transfer: [buffer] });
    assertEquals(buffer.byteLength, 0);
    assertEquals(await threads.run(targets.bufferLength, [buffers, form]), 1000);
    const ports = new Queue<MessagePort>();
    const { port1, port2 } = new MessageChannel();
    const heard = new Promise((resolve) => port1.onmessage = ({ data }) => resolve(data));
    ports.putSync(port2, { transfer: [port2] });
    const answers = threads.run(targets.answerOnPort, [ports, form]);
    assertEquals(await heard, "hello");
    await answers;
    port1.close();
  });

  test(`Queue: every item once, four putting, four getting, ${form}`, async (threads) => {
    const queue = new Queue<[number, number]>();
    const getters = range(0, 4).map(() =>
      threads.start(targets.checkMany, [queue, 4, form, false])
    );
    const putters = range(0, 4).map((who) => threads.start(targets.putMany, [queue, who, TIMES]));
    for (const putter of putters) await putter.result();
    queue.shutdown();
    const results = await Promise.all(getters.map((getter) => getter.result()));
    assertEquals(results.reduce((all, [n]) => all + n, 0), 4 * TIMES);
    assertEquals(results.reduce((all, [, sum]) => all + sum, 0), 4 * TIMES * (TIMES - 1) / 2);
    assertEquals(queue.qsize(), 0);
  });
}

test("Queue.get() rejects with the reason of an aborted signal, and takes nothing", async (threads) => {
  const queue = new Queue<number>();
  const reason = new Error("enough");
  assertEquals(
    await assertRejects(() => queue.get({ signal: AbortSignal.abort(reason) })),
    reason,
  );
  const controller = new AbortController();
  const { signal } = controller;
  const gets = [queue.get({ signal }), queue.get()];
  const put = new Queue<number>(1);
  put.putNowait(1);
  const puts = put.put(2, { signal });
  controller.abort(reason);
  queue.putNowait(1);
  assertEquals(await assertRejects(() => gets[0]!), reason);
  assertEquals(await gets[1], 1);
  assertEquals(await assertRejects(() => puts), reason);
  assertEquals(put.qsize(), 1);
  await threads.run(targets.putNumbers, [queue, 5, 1, "sync"]);
  assertEquals(queue.getNowait(), 5);
});

test("Queue.getNowait() of a thread gets what is there", async (threads) => {
  const queue = new Queue<number>();
  for (let k = 0; k < 100; k++) queue.putNowait(k);
  assertEquals(await threads.run(targets.takeAllNow<number>, [queue]), range(0, 100));
});

test("Queue.getNowait() gives what was put before the thread that put it was heard", async (threads) => {
  for (let k = 0; k < 8; k++) {
    const queue = new Queue<number>();
    const go = new Event();
    const putter = threads.start(targets.putNumbers, [queue, 0, 1 + 37 * k, "sync"]);
    await putter.join();
    for (let n = 0; n < 1 + 37 * k; n++) assertEquals(queue.getNowait(), n);
    go.set();
  }
});

test("Queue: a few items are there though the thread blocks outside the toolkit", async (threads) => {
  const queue = new Queue<number>();
  const word = new Int32Array(new SharedArrayBuffer(4));
  const putter = threads.start(targets.putAndBlock, [queue, 10, word]);
  try {
    for (let k = 0; k < 10; k++) assertEquals(await queue.get({ timeout: 10_000 }), k);
    assert(putter.isAlive());
  } finally {
    Atomics.store(word, 0, 1);
    Atomics.notify(word, 0);
  }
});

test("Queue: nothing is lost or given twice while consumers are terminated", async (threads) => {
  for (const target of [targets.logTaken, targets.logTakenAsync]) {
    const count = 5_000;
    const queue = new Queue<number>();
    const taken = new Int32Array(new SharedArrayBuffer(count * 4));
    const putter = threads.start(targets.putNumbers, [queue, 0, count, "sync"]);
    const sum = () => taken.reduce((all, n) => all + n, 0);
    let survivors = [0, 1, 2].map(() => threads.start(target, [queue, taken]));
    for (let round = 0; round < 6; round++) {
      const seen = sum();
      await until(() => sum() > seen || seen === count);
      const victim = survivors.shift()!;
      victim.terminate();
      survivors = [...survivors, threads.start(target, [queue, taken])];
      await victim.join();
    }
    await putter.result();
    await until(() => queue.qsize() === 0 && sum() >= count);
    for (const thread of survivors) thread.terminate();
    for (const thread of survivors) await thread.join();
    assert(taken.every((n) => n === 1));
  }
});

test("Queue passes items between two threads while the main thread computes", async (threads) => {
  const count = 20_000;
  const queue = new Queue<number>();
  const ready = new Event();
  const word = new Int32Array(new SharedArrayBuffer(4));
  const getter = threads.start(targets.sumAndTell, [queue, count, ready, word]);
  await ready.wait();
  const putter = threads.start(targets.putNumbers, [queue, 0, count, "sync"]);
  await until(() => queue.qsize() > 0 || Atomics.load(word, 0) > 0);
  const began = performance.now();
  // It computes, and serves nobody meanwhile.
  while (Atomics.load(word, 0) === 0 && performance.now() - began < 30_000);
  assertEquals(Atomics.load(word, 0), 1);
  await putter.result();
  assertEquals(await getter.result(), count * (count - 1) / 2);
});

for (const form of FORMS) {
  test(`Queue carries what structured clone alone can, in every order, ${form}`, async (threads) => {
    const wasm = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);
    const shared = new SharedArrayBuffer(8);
    const items = [
      new Blob(["text"]),
      { deep: [new WebAssembly.Module(wasm)] },
      shared,
      [1, new Lock(), "after"],
      "plain",
    ];
    for (const queue of [new Queue<unknown>(), new LifoQueue<unknown>()]) {
      for (const item of items) await putBy(queue, item, form);
      const kinds = await threads.run(targets.kindsOf, [queue, items.length, form]);
      const expected = ["Blob", "Object", "SharedArrayBuffer", "Array", "String"];
      assertEquals(kinds, queue instanceof LifoQueue ? expected.reverse() : expected);
      threads.start(targets.putAll, [queue, [shared, "last"], form]);
      const back = [await getBy(queue, form), await getBy(queue, form)];
      new Uint8Array(shared)[0] = 7;
      const memory = back.find((one) => one instanceof SharedArrayBuffer)!;
      assertEquals(new Uint8Array(memory as SharedArrayBuffer)[0], 7);
      new Uint8Array(shared)[0] = 0;
    }
    const urgent = new PriorityQueue<[number, Lock]>();
    for (const k of [3, 1, 2]) urgent.putNowait([k, new Lock({ name: `lock ${k}` })]);
    assertEquals((await getBy(urgent, form))[1].name, "lock 1");
    assertEquals(await threads.run(targets.nameOfLock, [urgent, form]), "lock 2");
    const { port1, port2 } = new MessageChannel();
    urgent.putSync([0, port1] as never, { transfer: [port1] });
    const [, port] = await getBy(urgent as never as Queue<[number, MessagePort]>, form);
    port.close();
    port2.close();
  });
}

test("Queue gives the first parcel of a thread, whatever main hears first", async (threads) => {
  for (const form of FORMS) {
    const queue = new Queue<Lock>();
    const makers = [1, 2, 3, 4].map((k) =>
      threads.start(targets.putAll<Lock>, [queue, [new Lock({ name: `${k}` })], form])
    );
    const names = [];
    for (const _ of makers) names.push((await getBy(queue, form)).name);
    assertEquals(names.sort(), ["1", "2", "3", "4"]);
    for (const maker of makers) await maker.result();
  }
});

test("PriorityQueue with compare refuses what it cannot be given", async () => {
  const queue = new PriorityQueue<{ p: number; lock?: Lock }>(0, (a, b) => a.p - b.p);
  queue.putNowait({ p: 1 });
  await assertRejects(() => queue.put({ p: 0, lock: new Lock() }), ShareError, "compare");
  assertEquals([queue.qsize(), queue.getNowait()], [1, { p: 1 }]);
});

test("PriorityQueue with a compare that no thread finds is refused at the call, with its place", () => {
  const queue = new PriorityQueue<number>(0, (a, b) => b - a);
  const thread = new Thread(targets.getSome<number>, { args: [queue, 1, "sync"] });
  const error = assertThrows(() => thread.start(), ShareError, "compare");
  assertEquals((error as ShareError).place, "args[0].compare");
});

test("Queue: a consumer that is terminated loses no parcel that it has not taken", async (threads) => {
  const queue = new Queue<[number, Lock]>();
  const taken = new Int32Array(new SharedArrayBuffer(400));
  for (let k = 0; k < 100; k++) queue.putNowait([k, new Lock()]);
  for (let round = 0; round < 4; round++) {
    const thread = threads.start(targets.logLocks, [queue, taken]);
    const before = taken.reduce((all, n) => all + n, 0);
    await until(() => taken.reduce((all, n) => all + n, 0) > before);
    thread.terminate();
    await thread.join();
  }
  while (!queue.empty()) taken[queue.getSync()[0]]!++;
  // One that was just given may not have been logged.
  assert(taken.every((n) => n <= 1) && taken.filter((n) => n === 0).length <= 4);
});

test("Queue.put({ transfer }) that finds no room, or is aborted, moves nothing", async () => {
  const queue = new Queue<ArrayBuffer>(1);
  const buffer = new ArrayBuffer(8);
  queue.putSync(buffer);
  assertThrows(() => queue.putSync(buffer, { timeout: 5, transfer: [buffer] }), Full);
  await assertRejects(() => queue.put(buffer, { timeout: 5, transfer: [buffer] }), Full);
  const controller = new AbortController();
  const put = queue.put(buffer, { transfer: [buffer], signal: controller.signal });
  controller.abort(new Error("enough"));
  await assertRejects(() => put, Error, "enough");
  assertEquals([buffer.byteLength, queue.getSync().byteLength, queue.qsize()], [8, 8, 0]);
});

test("Queue gives items of many megabytes, and each as it was", async (threads) => {
  const queue = new Queue<Uint8Array>();
  const bytes = new Uint8Array(8 << 20).map((_, k) => k * 7 >> 3);
  for (const form of FORMS) {
    await putBy(queue, bytes, form);
    await threads.run(targets.passOn, [queue, form]);
    const back = await getBy(queue, form);
    assertEquals([back.length, back[12345], back.at(-1)], [
      bytes.length,
      bytes[12345],
      bytes.at(-1),
    ]);
  }
});

test("Queue.put() that a shutdown comes into puts nothing", async () => {
  for (const maxsize of [0, 3]) {
    const queue = new Queue<number>(maxsize);
    const taking = "compareExchange"; // of the lock that who puts must have
    const atomics = Atomics as unknown as Record<string, (...args: unknown[]) => unknown>;
    const original = atomics[taking]!;
    // The moment before it can put.
    atomics[taking] = (...args) => {
      atomics[taking] = original;
      queue.shutdown();
      return original(...args);
    };
    try {
      assertThrows(() => queue.putNowait(1), ShutDown);
    } finally {
      atomics[taking] = original;
    }
    assertEquals(queue.qsize(), 0);
    await assertRejects(() => queue.get(), ShutDown);
    assert(await queue.join());
  }
});

test("Queue refuses bad arguments", async () => {
  assertThrows(() => new Queue("5" as never), TypeError, "maxsize");
  assertThrows(() => new Queue(1.5), RangeError, "1.5");
  assertThrows(() => new PriorityQueue(0, 5 as never), TypeError, "compare");
  const queue = new Queue<unknown>(-1);
  const bad: [options: unknown, type: typeof TypeError | typeof RangeError, text: string][] = [
    [{ timeout: "5" }, TypeError, '"5"'],
    [{ timeout: -1 }, RangeError, "-1"],
    [{ block: 1 }, TypeError, "block"],
    [5, TypeError, "options"],
  ];
  for (const [options, type, text] of bad) {
    assertThrows(() => queue.getSync(options as never), type, text);
    assertThrows(() => queue.putSync(1, options as never), type, text);
    await assertRejects(() => queue.get(options as never), type, text);
    await assertRejects(() => queue.put(1, options as never), type, text);
  }
  await assertRejects(() => queue.get({ signal: 1 as never }), TypeError, "signal");
  assertThrows(() => queue.putSync(1, { transfer: 1 as never }), TypeError, "transfer");
  assertThrows(() => queue.shutdown({ immediate: 1 as never }), TypeError, "immediate");
  assertEquals(queue.qsize(), 0);
});

test("Queue.put() of what cannot cross throws ShareError, and puts nothing", async () => {
  const queue = new Queue<unknown>(2);
  for (const item of [() => {}, { deep: [() => {}] }, new WeakMap(), Symbol("s")]) {
    assertThrows(() => queue.putSync(item), ShareError, "item");
    await assertRejects(() => queue.put(item), ShareError, "item");
  }
  assertEquals([queue.qsize(), await queue.join({ timeout: 0 })], [0, true]);
});

test("Queue given to a process throws ShareError that names the place", () => {
  for (const queue of [new Queue(), new LifoQueue(), new PriorityQueue(), new SimpleQueue()]) {
    const process = new Process(targets.getSome<unknown>, { args: [queue, 1, "sync"] });
    const error = assertThrows(() => process.start(), ShareError, "multiprocessing.");
    assertEquals(error.place, "args[0]");
  }
});

test("LifoQueue gives out the newest first", async (threads) => {
  const stack = new LifoQueue<number>();
  for (let k = 0; k < 5; k++) stack.putNowait(k);
  assertEquals(await threads.run(targets.getSome<number>, [stack, 3, "sync"]), [4, 3, 2]);
  await threads.run(targets.putNumbers, [stack, 10, 2, "async"]);
  assertEquals(range(0, 4).map(() => stack.getSync()), [11, 10, 1, 0]);
  assertEquals(await threads.run(targets.stackHere, []), [4, 3, 2, 1, 0]);
});

test("PriorityQueue gives out the least first, ties in the order of put", async (threads) => {
  const cases: [items: unknown[], sorted: unknown[]][] = [
    [[3, 1, 2, -5, 1.5], [-5, 1, 1.5, 2, 3]],
    [["b", "a", "ab"], ["a", "ab", "b"]],
    [[3n, 1, 2n], [1, 2n, 3n]],
    [[new Date(2), new Date(1)], [new Date(1), new Date(2)]],
    [[[2, "x"], [1, "z"], [1, "y"], [1]], [[1], [1, "y"], [1, "z"], [2, "x"]]],
    [[[1, 0, { a: 1 }], [1, 1, { a: 0 }]], [[1, 0, { a: 1 }], [1, 1, { a: 0 }]]],
  ];
  for (const [items, sorted] of cases) {
    const queue = new PriorityQueue<unknown>();
    for (const item of items) queue.putNowait(item);
    assertEquals(items.map(() => queue.getNowait()), sorted);
    await threads.run(targets.putAll, [queue, items, "sync"]);
    assertEquals(
      await threads.run(targets.getSome<unknown>, [queue, items.length, "async"]),
      sorted,
    );
  }
  const random = range(0, 500).map((k) => [(k * 7919) % 10, k] as const);
  const queue = new PriorityQueue<readonly [number, number]>(0, ([a], [b]) => a - b);
  for (const item of random) queue.putNowait(item);
  assertEquals(random.map(() => queue.getNowait()), random.toSorted(([a], [b]) => a - b));
});

test("PriorityQueue.put() of what has no order throws TypeError, and puts nothing", async (threads) => {
  const queue = new PriorityQueue<unknown>();
  for (const item of [{}, NaN, null, undefined, true]) {
    assertThrows(() => queue.putNowait(item), TypeError, "no order");
  }
  queue.putNowait(1);
  assertThrows(() => queue.putNowait("1"), TypeError, "no order");
  assertThrows(() => queue.putNowait([1]), TypeError, "no order");
  for (const form of FORMS) {
    assertEquals(await threads.run(targets.putIncomparable, [queue, form]), "TypeError");
  }
  assertEquals([queue.qsize(), queue.getNowait()], [1, 1]);
});

test("PriorityQueue made in a thread compares by a target", async (threads) => {
  assertEquals(await threads.run(targets.makePriority, []), 1);
});

test("SimpleQueue puts and gets", async (threads) => {
  const queue = new SimpleQueue<number>();
  await threads.run(targets.putNumbers, [queue, 0, 3, "sync"]);
  assertEquals([queue.qsize(), queue.full(), queue.getSync()], [3, false, 0]);
  assertEquals(await threads.run(targets.getSome<number>, [queue, 2, "sync"]), [1, 2]);
});

test("Queue is shut down at the end of its block", async () => {
  const queue = new Queue<number>();
  {
    using same = queue;
    same.putNowait(1);
  }
  assertEquals(await Array.fromAsync(queue), [1]);
});
