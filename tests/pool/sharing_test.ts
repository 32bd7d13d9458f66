/**
 * What goes to a worker and works there: locks, values, queues, bytes, executors of its own.
 *
 * @module
 */
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { ThreadPoolExecutor, wait } from "../../lib/futures.ts";
import { Process } from "../../lib/multiprocessing.ts";
import { Thread } from "../../lib/threading.ts";
import {
  addUnder,
  addUnderSync,
  dieBelow,
  echo,
  getFrom,
  giveBack,
  giveBytes,
  givePart,
  keptLength,
  lengthOf,
  lengthOfPoint,
  mapBelow,
  mapProcesses,
  mirror,
  Point,
  putOn,
  shareOne,
  show,
  square,
  sumOf,
} from "./_targets.ts";
import { SHARING, test } from "./_world.ts";

const MIB = 2 ** 20;

test("Lock and Value given to tasks are one for all of them", async (world) => {
  const executor = world.executor(3);
  const lock = new world.face.Lock();
  const total = new world.face.Value("i32");
  const futures = Array.from(
    { length: 12 },
    (_, k) => executor.submit(k % 2 === 0 ? addUnder : addUnderSync, lock, total, 200),
  );
  await Promise.all(futures.map((future) => future.result()));
  assertEquals([total.value, lock.locked()], [2_400, false]);
}, SHARING);

test("Lock comes back from a task as what went", async (world) => {
  const lock = new world.face.Lock({ name: "till" });
  const { nested: [back] } = await world.executor(1).submit(giveBack, lock).result();
  assertInstanceOf(back, world.face.Lock);
  using _guard = await back.acquire();
  assertEquals([lock.locked(), back.name], [true, "till"]);
}, SHARING);

test("queue given to a task carries items both ways", async (world) => {
  const pool = world.pool(2);
  const queue = world.queue<unknown>();
  const waiting = pool.applyAsync(getFrom as never, [queue] as never);
  await queue.put({ from: "here" });
  assertEquals(await waiting.get(), { from: "here" });
  await pool.starmap(putOn as never, [[queue, "a"], [queue, "b"]] as never);
  assertEquals([await queue.get(), await queue.get()].sort(), ["a", "b"]);
}, SHARING);

test("instance of a class that is a target crosses as one, both ways", async (world) => {
  const executor = world.executor(1);
  assertEquals(await executor.submit(lengthOfPoint, new Point(3, 4)).result(), 5);
  const back = await executor.submit(mirror, new Point(3, 4)).result();
  assertInstanceOf(back, Point);
  assertEquals([back.x, back.y], [4, 3]);
});

// Bytes

test("transfer moves an argument's bytes to a thread", async (world) => {
  const executor = world.executor(1);
  const bytes = new Uint8Array(MIB).fill(1).buffer;
  const future = executor.submitWith({ transfer: [bytes] }, sumOf, bytes);
  assertEquals(await future.result(), MIB);
  assertEquals(bytes.byteLength, 0);
}, { skip: { processes: "bytes are copied to a process, and stay here or not" } });

test("transfer brings an argument's bytes over", async (world) => {
  const executor = world.executor(1);
  for (const length of [0, 1, MIB]) {
    const bytes = new Uint8Array(length).fill(1).buffer;
    assertEquals(await executor.submitWith({ transfer: [bytes] }, sumOf, bytes).result(), length);
  }
});

test("transfer keeps what a view shows, and what views share", async (world) => {
  const executor = world.executor(1);
  const bytes = new Uint8Array([1, 2, 3, 4, 5, 6]);
  const { buffer } = bytes;
  const part = bytes.subarray(2, 5);
  const call = executor.submitWith({ transfer: [buffer] }, echo, [part, 7] as unknown);
  assertEquals(await call.result(), [new Uint8Array([3, 4, 5]), 7]);
  const one = new Uint8Array([1, 2, 3, 4]);
  const shown = await executor.submitWith({ transfer: [one.buffer] }, show, one.subarray(1, 3))
    .result();
  assertEquals(shown, [1, 4, [2, 3]]);
  const both = new Uint8Array([1, 2, 3, 4]);
  const views = [both.subarray(0, 2), both.subarray(2)] as const;
  assertEquals(
    await executor.submitWith({ transfer: [both.buffer] }, shareOne, ...views).result(),
    true,
  );
  assertEquals([part, one, both].map(({ length }) => length), [0, 0, 0]);
}, { skip: { processes: "nothing is moved to a process" } });

test("arguments that are not transferred stay as they are", async (world) => {
  const executor = world.executor(1);
  const bytes = new Uint8Array(MIB).fill(1).buffer;
  const futures = [1, 2, 3].map(() => executor.submit(lengthOf, bytes));
  assertEquals(await Promise.all(futures.map((future) => future.result())), [MIB, MIB, MIB]);
  assertEquals(bytes.byteLength, MIB);
});

test("results of many bytes are moved out of a thread", async (world) => {
  const executor = world.executor(1);
  for (const wrapped of [false, true]) {
    const given = await executor.submit(giveBytes, MIB, wrapped).result();
    const bytes = wrapped
      ? (given as { deep: [Uint8Array] }).deep[0]
      : new Uint8Array(given as ArrayBuffer);
    assertEquals([bytes.length, bytes[0], bytes[MIB - 1]], [MIB, 7, 7]);
    assertEquals(await executor.submit(keptLength).result(), 0, "they were copied");
  }
}, { skip: { processes: "bytes are copied out of a process" } });

test("results that are views of the same bytes arrive whole", async (world) => {
  const executor = world.executor(1);
  for (const length of [8, MIB]) {
    const given = await executor.submit(givePart, length).result();
    const [middle, end, whole] = given as [Uint8Array, Uint8Array, ArrayBuffer];
    assertEquals([...middle], [3, 4]);
    assertEquals([...end], [(length - 2) % 256, (length - 1) % 256]);
    assertEquals(whole.byteLength, length);
  }
});

test("values of some MiB cross in both directions", async (world) => {
  const executor = world.executor(2);
  const text = "ü€".repeat(MIB);
  const bytes = new Uint8Array(5 * MIB).map((_, k) => k * 7);
  const [textBack, bytesBack] = await Promise.all([
    executor.submit(echo, text).result(),
    executor.submit(echo, [bytes]).result() as Promise<[Uint8Array]>,
  ]);
  assert(textBack === text, "the text is not the same");
  assert(bytesBack[0].every((byte, k) => byte === bytes[k]), "the bytes are not the same");
  // Small ones beside large ones come in time, and whole.
  const mixed = Array.from({ length: 40 }, (_, k) => k % 8 === 0 ? text.slice(0, MIB / 4) : k);
  const futures = mixed.map((value) => executor.submit(echo, value));
  await wait(futures);
  for (const [k, future] of futures.entries()) {
    assert(await future.result() === mixed[k], `the value ${k} is not the same`);
  }
});

test("transfer of what is no list, or of what is gone, is refused", async (world) => {
  const executor = world.executor(1);
  const bytes = new ArrayBuffer(8);
  const call = (transfer: unknown) =>
    executor.submitWith({ transfer: transfer as never }, lengthOf, bytes);
  assertThrows(() => call(5), TypeError, "transfer");
  assertThrows(() => call({}), TypeError, "transfer");
  structuredClone(bytes, { transfer: [bytes] });
  await assertRejects(async () => await call([bytes]).result(), Error);
  assertEquals(await executor.submit(square, 3).result(), 9);
}, { skip: { processes: "transfer says nothing there" } });

// Executors in threads, processes and tasks

test("task may have an executor of its own", async (world) => {
  const executor = world.executor(1);
  assertEquals(await executor.submit(mapBelow, [1, 2, 3]).result(), [1, 4, 9]);
  assertEquals(await executor.submit(dieBelow).result(), ["WorkerLostError", 9]);
  assertEquals(await executor.submit(square, 3).result(), 9);
});

test("task of a thread may have an executor of processes", async () => {
  await using executor = new ThreadPoolExecutor(1);
  assertEquals(await executor.submit(mapProcesses, [1, 2, 3]).result(), [1, 4, 9]);
}, { skip: { processes: "one test is enough" } });

test("thread or process of the user may have an executor", async (world) => {
  const child = world.name === "threads"
    ? new Thread(mapBelow, { args: [[1, 2, 3]] })
    : new Process(mapBelow, { args: [[1, 2, 3]] });
  assertEquals(await child.start().result(), [1, 4, 9]);
  const below = world.name === "threads"
    ? new Thread(mapProcesses, { args: [[2, 3]] })
    : new Process(mapProcesses, { args: [[2, 3]] });
  assertEquals(await below.start().result(), [4, 9]);
  await child.join();
  await below.join();
});
