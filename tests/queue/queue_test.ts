/**
 * What the queues between threads have and others have not: what bytes cannot carry, above all.
 * What all queues promise is in `tests/conformance/queue_test.ts`.
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { EOFError, Full, ShareError } from "../../lib/errors.ts";
import { Process } from "../../lib/multiprocessing.ts";
import { LifoQueue, PriorityQueue, Queue, SimpleQueue } from "../../lib/queue.ts";
import { type Connection, Lock, pipe, Thread } from "../../lib/threading.ts";
import { FORMS, getBy, getSome, putAll, putBy, putNumbers } from "../conformance/_queue_targets.ts";
import * as targets from "./_targets.ts";
import { until } from "../_help/until.ts";
import { test } from "./_threads.ts";

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, k) => from + k);

for (const form of FORMS) {
  test(`Queue made in a thread works there and in threads of it, ${form}`, async (threads) => {
    assertEquals(await threads.run(targets.ownQueue, [form]), range(0, 100));
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
}

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
    const putter = threads.start(putNumbers, [queue, 0, count, "sync"]);
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
      threads.start(putAll, [queue, [shared, "last"], form]);
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
      threads.start(putAll<Lock>, [queue, [new Lock({ name: `${k}` })], form])
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
  const thread = new Thread(getSome<number>, { args: [queue, 1, "sync"] });
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

test("Queue that nobody has any more lets its parcels go, but not while others may have it", async () => {
  const gc = collector();
  const fill = (end: Connection<string>, share: boolean): unknown => {
    const queue = new Queue<{ end: Connection<string> }>();
    queue.putNowait({ end });
    if (!share) return undefined;
    const other = new Queue<unknown>();
    other.putNowait(queue);
    return other;
  };
  const [kept, inQueue] = pipe<string>();
  const [lost, forgotten] = pipe<string>();
  const other = fill(inQueue, true) as Queue<Queue<{ end: Connection<string> }>>;
  fill(forgotten, false);
  await until(() => {
    gc();
    return lost.poll();
  });
  await assertRejects(() => lost.recv(), EOFError);
  const { end } = (await other.get()).getNowait();
  end.sendSync("still there");
  assertEquals(kept.recvSync(), "still there");
  for (const one of [kept, lost, end]) one.close();
});

/** Gives what collects garbage. */
function collector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc");
}

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

test("Queue given to a process throws ShareError that names the place", () => {
  for (const queue of [new Queue(), new LifoQueue(), new PriorityQueue(), new SimpleQueue()]) {
    const process = new Process(getSome<unknown>, { args: [queue, 1, "sync"] });
    const error = assertThrows(() => process.start(), ShareError, "multiprocessing.");
    assertEquals(error.place, "args[0]");
  }
});

test("Queue is shut down at the end of its block", async () => {
  const queue = new Queue<number>();
  {
    using same = queue;
    same.putNowait(1);
  }
  assertEquals(await Array.fromAsync(queue), [1]);
});
