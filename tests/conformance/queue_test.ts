/**
 * What every queue promises, between threads and between processes. `SWITCHYARD_TIMES` sets the
 * items of the stress.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { Empty, Full, ShareError, ShutDown } from "../../lib/errors.ts";
import * as threading from "../../lib/threading.ts";
import { until } from "../_help/until.ts";
import * as targets from "./_queue_targets.ts";
import { type AnyQueue, FORMS, getBy, Job, putBy } from "./_queue_targets.ts";
import { range, testEach, testHere, untilWaiting } from "./_queues.ts";

/** The number of items of each producer where many are put. */
const TIMES = Number(Deno.env.get("SWITCHYARD_TIMES") ?? 4_000);
/** The time that this thread blocks at most, in ms: a test's own limit could not end that. */
const AT_MOST = { timeout: 20_000 };

const bounded = { only: ({ isBounded }: { isBounded: boolean }) => isBounded };
const counting = { only: ({ counts }: { counts: boolean }) => counts };

testEach(" gives items out in its order, in all forms", async (kind, world) => {
  const queue = kind.make();
  for (const form of FORMS) {
    for (const k of [3, 0, 4, 1, 2]) await putBy(queue, k, form);
    assertEquals([queue.qsize(), queue.empty(), queue.full()], [5, false, false]);
    for (const k of kind.sorted([3, 0, 4, 1, 2])) assertEquals(await getBy(queue, form), k);
    assertEquals([queue.qsize(), queue.empty()], [0, true]);
  }
  for (const k of range(0, 5)) queue.putNowait(k);
  const sorted = kind.sorted(range(0, 5));
  assertEquals(await world.run(targets.getSome<number>, [queue, 3, "sync"]), sorted.slice(0, 3));
  await world.run(targets.putNumbers, [queue, 10, 2, "async"]);
  const rest = kind.sorted([...sorted.slice(3).sort(), 10, 11]);
  assertEquals(rest.map((_, k) => k % 2 === 0 ? queue.getSync() : queue.getNowait()), rest);
  assertThrows(() => queue.getNowait(), Empty);
});

testHere(".put() copies the item", (kind) => {
  const queue = kind.make<[number, number[]]>();
  const item: [number, number[]] = [1, [1]];
  queue.putNowait(item);
  item[1].push(2);
  queue.putNowait(item);
  const items = kind.sorted([[1, [1]], [1, [1, 2]]]);
  assertEquals([queue.getNowait(), queue.getNowait()], items);
});

// --- what items are made of

const shared = { of: "two" };
const cyclic: Record<string, unknown> = { list: [1, 2] };
cyclic.self = cyclic;
const plain = [0, -0, NaN, Infinity, 2 ** 53, undefined, null, 5n, "\ud800", "ü€😀", ""];
const VALUES: unknown[] = [
  ...plain,
  ...[true, 1.5, 2 ** 40, 10n ** 30n, "text", new Date(5), /x/g, [[], {}], { a: undefined }],
  ...[new Uint8Array([1, 2]), new Float64Array([0.5]), new Map([[1, { a: 1 }]]), new Set([1])],
  ...[new Map([[{ a: 1 }, new Set([2])]]), [1, , 3], [shared, shared]], // deno-lint-ignore no-sparse-arrays
  ...[new RangeError("far"), new AggregateError([new Error("one")], "both")],
  ...[{ deep: { deep: { deep: { deep: [[[[{}]]]] } } } }, range(0, 1000)],
  ...[Object.fromEntries(range(0, 40).map((k) => [k, { k }]))],
];
const LARGE: unknown[] = [
  ...["x".repeat(100_000), "ü".repeat(200_000), new Uint8Array(300_000).map((_, k) => k * 7)],
  ...[range(0, 20_000).map((k) => ({ k })), new ArrayBuffer(5_000_000)],
  new Uint8Array(8 << 20).map((_, k) => k * 7 >> 3),
];

function assertSame(found: unknown, value: unknown): void {
  if (value instanceof ArrayBuffer) return assertSame(bytesOf(found), bytesOf(value));
  if (!(value instanceof Uint8Array)) return assertEquals(found, value);
  // Comparing them as objects takes seconds.
  assert(found instanceof Uint8Array && found.length === value.length);
  assert(value.every((byte, k) => byte === found[k]));
}

const bytesOf = (buffer: unknown) => new Uint8Array(buffer as ArrayBuffer);

testEach(" carries values of every kind and size", async (kind, world) => {
  const [queue, back] = [kind.make<unknown>(), kind.make<unknown>()];
  const values = [...VALUES, ...LARGE];
  for (const value of values) {
    queue.putSync(kind.wrap(value));
    assertSame(kind.unwrap(queue.getSync()), value);
  }
  queue.putSync(kind.wrap([shared, shared]));
  const [a, b] = kind.unwrap(queue.getSync()) as object[];
  assert(a === b && a !== shared);
  for (const form of FORMS) {
    const child = world.start(targets.echo<unknown>, [queue, back, values.length + 1, form]);
    for (const value of values) {
      await putBy(queue, kind.wrap(value), form);
      assertSame(kind.unwrap(await getBy(back, form, AT_MOST)), value);
    }
    await putBy(queue, kind.wrap(cyclic), form);
    const found = kind.unwrap(await getBy(back, form, AT_MOST)) as typeof cyclic;
    assertStrictEquals(found.self, found);
    await child.result();
  }
});

testEach(" carries plain items exactly, many of them", async (kind, world) => {
  const kinds: ((k: number) => unknown)[] = [
    (k) => ({ k, text: "ü€😀", list: [k, [true, null]], "": {}, toJSON: "no function" }),
    (k) => plain[k % plain.length],
    (k) => ({ value: plain[k % plain.length], list: [plain[k % plain.length]] }),
  ];
  for (const make of kinds) {
    const items = range(0, 400).map((k) => [k, make(k)] as [number, unknown]);
    const queue = kind.make<[number, unknown]>();
    const sorted = kind.sorted(items);
    await world.run(targets.putAll, [queue, items, "sync"]);
    const got = await world.run(targets.getSome<[number, unknown]>, [queue, 400, "sync"]);
    assertEquals(got, sorted);
    await world.run(targets.putAll, [queue, items, "async"]);
    for (const item of sorted) assertEquals(queue.getSync(), item);
  }
});

testEach(" carries shareables", async (kind, world) => {
  const queue = kind.make<[number, targets.Shared]>();
  const lock = new kind.face.Lock();
  const answer = kind.make<string>();
  for (const form of FORMS) {
    for (const said of ["locked", "free"]) {
      const guard = said === "locked" ? lock.acquireSync() : undefined;
      queue.putNowait([0, { lock, answer } as targets.Shared]);
      await world.run(targets.underLock, [queue, form]);
      assertEquals(await getBy(answer, form), said);
      guard?.release();
    }
  }
});

testEach(" carries instances of task classes", async (kind, world) => {
  for (const form of FORMS) {
    const [jobs, results] = [kind.make<[number, Job]>(), kind.make<[number, Job]>()];
    jobs.putNowait([0, new Job(21)]);
    await world.run(targets.doubleJob, [jobs, results, form]);
    const [, result] = await getBy(results, form);
    assert(result instanceof Job);
    assertEquals(result.double(), 84);
  }
});

testEach(" carries an end of a pipe", async (kind, world) => {
  const queue = kind.make<unknown>();
  for (const form of FORMS) {
    const [here, end] = kind.face.pipe<string>();
    queue.putNowait([0, { end }]);
    end.close();
    assertEquals(here.pollSync(20), false);
    const child = world.start(targets.useEnd, [queue as never, form]);
    await here.send("through");
    assertEquals(await here.recv(), "through");
    await child.result();
    here.close();
  }
});

testHere(".put() of what cannot cross throws ShareError, and puts nothing", async (kind) => {
  const queue = kind.make<unknown>();
  for (const item of [() => {}, { deep: [() => {}] }, new WeakMap(), Symbol("s")]) {
    const wrapped = kind.wrap(item);
    assertThrows(() => queue.putSync(wrapped), ShareError, "item");
    await assertRejects(() => queue.put(wrapped), ShareError, "item");
  }
  const error = await assertRejects(() => queue.put(kind.wrap({ f: () => 1 })), ShareError);
  assertEquals(error.place, kind.order === "least first" ? "item[1].f" : "item.f");
  assertEquals(queue.qsize(), 0);
  if (kind.counts) assertEquals(await queue.join({ timeout: 0 }), true);
});

// --- from one to another

testEach(" goes from child to child, and to and fro", async (kind, world) => {
  for (const form of FORMS) {
    const queue = kind.make();
    const getter = world.start(targets.getSome<number>, [queue, 2000, form]);
    const putter = world.start(targets.putNumbers, [queue, 0, 2000, form]);
    const items = await getter.result();
    if (kind.order !== "oldest first") items.sort((a, b) => a - b);
    assertEquals(items, range(0, 2000));
    await putter.result();
    assertEquals(queue.qsize(), 0);
    const back = kind.make();
    const echo = world.start(targets.echo<number>, [queue, back, 300, form]);
    for (const k of range(0, 300)) {
      await putBy(queue, k, form);
      assertEquals(await getBy(back, form), k);
    }
    await echo.result();
  }
});

testEach(" of a child that has ended can still be used", async (kind, world) => {
  const queue = await world.run(targets.makeHere, [kind.name]);
  for (const form of FORMS) {
    assertEquals(queue.qsize(), 2);
    assertEquals([await getBy(queue, form), await getBy(queue, form)], kind.sorted([1, 2]));
    for (const k of [1, 2]) await putBy(queue, k, form);
  }
  const got = await world.run(targets.getSome<number>, [queue, 2, "async"]);
  assertEquals(got, kind.sorted([1, 2]));
});

testEach(" has what children put once they are joined", async (kind, world) => {
  for (const form of FORMS) {
    const queue = kind.make();
    const makers = [1, 2].map((k) => world.start(targets.putAll<number>, [queue, [k, k], form]));
    for (const { handle } of makers) {
      assertEquals(form === "sync" ? handle.joinSync(AT_MOST) : await handle.join(), true);
    }
    assertEquals(targets.takeAllNow(queue).sort(), [1, 1, 2, 2]);
    for (const k of range(0, 100)) queue.putNowait(k);
    const got = await world.run(targets.takeAllNow<number>, [queue]);
    assertEquals(got, kind.sorted(range(0, 100)));
  }
});

testEach(" goes on while this thread is blocked", async (kind, world) => {
  for (const form of FORMS) {
    const [queue, back] = [kind.make(), kind.make()];
    const relay = world.start(targets.getSome<number>, [queue, 1, form]);
    queue.putSync(7);
    assert(relay.handle.joinSync(AT_MOST));
    assertEquals(await relay.result(), [7]);
    const putter = world.start(targets.putNumbers, [back, 0, 10, form]);
    const items = range(0, 10).map(() => back.getSync(AT_MOST));
    assertEquals(items.sort((a, b) => a - b), range(0, 10));
    const getter = world.start(targets.getSome<number>, [queue, 1000, form]);
    const other = world.start(targets.putNumbers, [queue, 0, 1000, form]);
    assert(getter.handle.joinSync(AT_MOST));
    assert(other.handle.joinSync(AT_MOST));
    assertEquals((await getter.result()).sort((a, b) => a - b), range(0, 1000));
    await putter.result();
  }
});

testEach(" passes items between two children while this thread computes", async (kind, world) => {
  const count = 10_000;
  const queue = kind.make();
  const ready = new world.face.Event();
  const word = new world.face.Value("i32");
  const getter = world.start(targets.sumAndTell, [queue, count, ready, word]);
  await ready.wait();
  const putter = world.start(targets.putNumbers, [queue, 0, count, "sync"]);
  await until(() => queue.qsize() > 0 || word.value > 0);
  const began = performance.now();
  // It computes, and serves nobody meanwhile.
  while (word.value === 0 && performance.now() - began < 30_000);
  assertEquals(word.value, 1);
  await putter.result();
  assertEquals(await getter.result(), count * (count - 1) / 2);
});

testEach(" gives nobody more than it takes", async (kind, world) => {
  for (const form of FORMS) {
    const queue = kind.make();
    for (const k of range(0, 200)) queue.putNowait(k);
    const sorted = kind.sorted(range(0, 200));
    const go = new world.face.Event();
    const getter = world.start(targets.getThenIdle, [queue, 3, form, go]);
    assertEquals(await getter.next(), sorted.slice(0, 3));
    // It lives, and is not getting.
    assertEquals(queue.getNowait(), sorted[3]);
    const next = await world.run(targets.getSome<number>, [queue, 100, form]);
    assertEquals(next, sorted.slice(4, 104));
    assertEquals(range(104, 200).map(() => queue.getNowait()), sorted.slice(104));
    go.set();
    await getter.result();
  }
});

// --- waiting

testEach(".get() throws Empty after its timeout, and takes nothing", async (kind, world) => {
  const queue = kind.make();
  for (const form of FORMS) {
    for (const timeout of [0, 30]) {
      const began = performance.now();
      await assertRejects(() => getBy(queue, form, { timeout }), Empty);
      assertGreaterOrEqual(performance.now() - began, timeout - 0.1);
      const [name, took] = await world.run(targets.failure, [queue, "get", form, { timeout }]);
      assertEquals(name, "Empty");
      assertGreaterOrEqual(took, timeout - 0.1);
    }
  }
  assertThrows(() => queue.getNowait(), Empty);
  await assertRejects(() => queue.get({ block: false }), Empty);
  queue.putNowait(1);
  assertEquals(queue.getNowait(), 1);
});

testEach(".put() throws Full after its timeout, and puts nothing", async (kind, world) => {
  const queue = kind.make<unknown>(2);
  for (const k of [1, 2]) queue.putNowait(k);
  assertEquals([queue.full(), queue.maxsize], [true, 2]);
  for (const form of FORMS) {
    for (const timeout of [0, 30]) {
      const began = performance.now();
      await assertRejects(() => putBy(queue, 3, form, { timeout }), Full);
      assertGreaterOrEqual(performance.now() - began, timeout - 0.1);
      const [name, took] = await world.run(targets.failure, [queue, "put", form, { timeout }]);
      assertEquals(name, "Full");
      assertGreaterOrEqual(took, timeout - 0.1);
    }
  }
  assertThrows(() => queue.putNowait(3), Full);
  const late = queue.put(4);
  const got = [await queue.get()];
  await late;
  got.push(await queue.get(), await queue.get());
  assertEquals([got.sort(), queue.qsize()], [[1, 2, 4], 0]);
}, bounded);

testEach(".put() waits for room", async (kind, world) => {
  for (const form of FORMS) {
    const queue = kind.make(2);
    const putter = world.start(targets.putNumbers, [queue, 0, 100, form]);
    await until(() => queue.full());
    await untilWaiting(world, putter);
    assertEquals(queue.qsize(), 2);
    const got: number[] = [];
    for (const _ of range(0, 100)) {
      got.push(await getBy(queue, form));
      assert(queue.qsize() <= 2);
    }
    await putter.result();
    const getter = world.start(targets.getSome<number>, [queue, 100, form]);
    for (const k of range(0, 100)) await putBy(queue, k, form);
    for (const items of [got, await getter.result()]) {
      if (kind.order !== "oldest first") items.sort((a, b) => a - b);
      assertEquals(items, range(0, 100));
    }
  }
}, bounded);

testEach(" waits that are aborted leave no trace", async (kind, world) => {
  const queue = kind.make();
  const reason = new Error("enough");
  const early = { signal: AbortSignal.abort(reason) };
  assertStrictEquals(await assertRejects(() => queue.get(early)), reason);
  assertStrictEquals(await assertRejects(() => queue.put(1, early)), reason);
  const controller = new AbortController();
  const { signal } = controller;
  const gets = [queue.get({ signal }), queue.get()];
  controller.abort(reason);
  queue.putNowait(1);
  assertStrictEquals(await assertRejects(() => gets[0]!), reason);
  assertEquals([await gets[1], queue.qsize()], [1, 0]);
  await world.run(targets.putNumbers, [queue, 5, 1, "sync"]);
  assertEquals(queue.getNowait(), 5);
  if (!kind.isBounded) return;
  const full = kind.make(1);
  full.putNowait(1);
  const putting = new AbortController();
  const put = full.put(2, { signal: putting.signal });
  putting.abort(reason);
  assertStrictEquals(await assertRejects(() => put), reason);
  assertEquals([full.qsize(), await full.get(), full.qsize()], [1, 1, 0]);
});

testHere(".getSync() goes on while an async function of the thread waits", async (kind) => {
  const queue = kind.make();
  const first = queue.get();
  queue.putSync(1);
  queue.putSync(2);
  assertEquals((await first) + queue.getSync(), 3);
});

testEach(": a call that does not wait is not put off by others at work", async (kind, world) => {
  const count = kind.order === "oldest first" ? 20_000 : 5_000;
  const queue = kind.make();
  const gate = new world.face.Barrier(3);
  for (const what of ["put", "get"] as const) {
    const others = [0, 1].map(() => world.start(targets.hurry, [queue, gate, what, count]));
    const mine = targets.hurry(queue, gate, what, count);
    const all = [mine, ...await Promise.all(others.map((other) => other.result()))];
    assertEquals(all, [null, null, null]);
    assertEquals(queue.qsize(), what === "put" ? 3 * count : 0);
  }
});

// --- tasks, and the end

testEach(".join() waits until all tasks are done", async (kind, world) => {
  for (const form of FORMS) {
    const queue = kind.make();
    assertEquals([queue.joinSync(), await queue.join()], [true, true]);
    for (const k of range(0, 10)) queue.putNowait(k);
    assertEquals(await queue.join({ timeout: 5 }), false);
    assertEquals(queue.joinSync({ timeout: 5 }), false);
    const joiner = world.start(targets.joinIt, [queue, form]);
    await untilWaiting(world, joiner);
    const worker = world.start(targets.finishAll, [queue, 10]);
    assertEquals(form === "sync" ? queue.joinSync(AT_MOST) : await queue.join(), true);
    assertEquals(await joiner.result(), true);
    await worker.result();
    assertThrows(() => queue.taskDone(), RangeError, "taskDone");
  }
}, counting);

testHere(".put() that a shutdown comes into puts nothing", async (kind) => {
  for (const maxsize of [0, 3]) {
    const queue = kind.make(maxsize);
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
}, counting);

testEach(
  ".put() of an end of a pipe to a queue that is shut down leaves it as it was",
  async (kind) => {
    const queue = kind.make<unknown>();
    queue.shutdown();
    const [mine, theirs] = kind.face.pipe();
    assertThrows(() => queue.putSync([1, { theirs }]), ShutDown);
    await assertRejects(() => queue.put([1, { theirs }]), ShutDown);
    await mine.send(1);
    assertEquals(await theirs.recv(), 1);
    theirs.close();
    await assertRejects(() => mine.recv({ timeout: 10_000 }), Error, "closed");
    mine.close();
  },
  { only: ({ shuts }) => shuts },
);

testHere(".shutdown({ immediate: true }) closes the ends of pipes that it drops", async (kind) => {
  const queue = kind.make<unknown>();
  const [mine, theirs] = kind.face.pipe();
  await queue.put([1, { theirs }]);
  theirs.close();
  queue.shutdown({ immediate: true });
  await assertRejects(() => mine.recv({ timeout: 10_000 }), Error, "closed");
  mine.close();
}, { only: ({ shuts }) => shuts });

// --- many at once, much at once, bad input

for (const maxsize of [0, 10]) {
  for (const form of FORMS) {
    const count = form === "sync" && maxsize === 0 ? TIMES : Math.min(TIMES, 1_000);
    testEach(
      `(${maxsize}) gives each of 4 x ${count} items once to 4, ${form}`,
      async (kind, world) => {
        const queue = kind.make<[number, number]>(maxsize);
        const gate = new world.face.Barrier(8);
        const isOrdered = kind.order !== "newest first";
        const consumers = range(0, 4).map(() =>
          world.start(targets.consume, [queue, gate, 4, count, form, isOrdered])
        );
        const producers = range(0, 4).map((who) =>
          world.start(targets.produce, [queue, gate, who, count, form])
        );
        for (const producer of producers) await producer.result();
        if (kind.shuts) queue.shutdown();
        else for (const _ of consumers) await queue.put(targets.LAST);
        const all = range(0, 4).map(() => new Uint32Array((count >>> 5) + 1));
        let found = 0;
        for (const consumer of consumers) {
          const { bits, errors } = await consumer.result();
          assertEquals(errors, []);
          bits.forEach((words, from) =>
            words.forEach((word, k) => {
              assertEquals(all[from]![k]! & word, 0);
              all[from]![k]! |= word;
              for (let rest = word; rest !== 0; rest &= rest - 1) found++;
            })
          );
        }
        assertEquals([found, queue.qsize()], [4 * count, 0]);
      },
      {
        only: ({ isBounded }) => isBounded || maxsize === 0,
        limit: 60_000 + 2 * TIMES,
      },
    );
  }
}

testHere(" gives memory back", async (kind) => {
  const queue = kind.make<[number, Uint8Array]>();
  // More than is there, in small parts and in large ones: processes have a memory of 1 GiB.
  for (const k of range(0, kind.face === threading ? 6 : 24)) {
    const bytes = new Uint8Array(k % 2 === 0 ? 30_000 : 1 << 20);
    const count = k % 2 === 0 ? 1_000 : 100;
    for (const n of range(0, count)) await queue.put([n, bytes], { timeout: 5_000 });
    for (const n of kind.sorted(range(0, count))) assertEquals(queue.getNowait()[0], n);
  }
});

testHere(".shutdown({ immediate: true }) gives memory back", async (kind) => {
  const bytes = new Uint8Array(1 << 20);
  for (const k of range(0, 20)) {
    const queue = kind.make<[number, Uint8Array]>();
    for (const n of range(0, 80)) {
      await queue.put([n, k % 2 === 0 ? bytes : bytes.subarray(0, 60_000)], { timeout: 5_000 });
    }
    queue.shutdown({ immediate: true });
  }
}, { only: ({ shuts }) => shuts });

testHere(" refuses bad arguments by name", async (kind) => {
  const queue = kind.make<unknown>();
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
  assertEquals(queue.qsize(), 0);
  if (!kind.isBounded) return;
  const make = kind.make as (maxsize: unknown) => AnyQueue;
  assertThrows(() => make("5"), TypeError, "maxsize");
  assertThrows(() => make(1.5), RangeError, "1.5");
});
