/**
 * SharedMemory and ShareableList: what they do, and what deaths leave.
 *
 * @module
 */
import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { delay } from "@std/async";
import { ShareError } from "../../lib/errors.ts";
import { pipe, Process, ShareableList, SharedMemory } from "../../lib/multiprocessing.ts";
import { Thread } from "../../lib/threading.ts";
import { LACKS, unless } from "../_help/lacks.ts";
import { LIMIT, within } from "../_help/within.ts";
import * as targets from "./_pipe_targets.ts";

function test(name: string, fn: () => Promise<void> | void): void {
  Deno.test({
    ...unless(LACKS.memory, name),
    fn: () => within(LIMIT, fn()),
  });
}

let given = 0;
/** A name that no other test has. */
function newName(): string {
  return `test-${Deno.pid}-${++given}`;
}

function exists(name: string): boolean {
  try {
    new SharedMemory({ name }).close();
    return true;
  } catch (error) {
    assertInstanceOf(error, Deno.errors.NotFound);
    return false;
  }
}

test("SharedMemory is found by its name, and shows the same bytes", () => {
  const name = newName();
  using memory = new SharedMemory({ name, create: true, size: 1001 });
  assertEquals([memory.name, memory.size, memory.buf.length], [name, 1001, 1001]);
  assertEquals(memory.buf.every((byte) => byte === 0), true);
  memory.buf[1000] = 9;
  const same = new SharedMemory({ name });
  assertEquals([same.size, same.buf[1000]], [1001, 9]);
  same.buf[0] = 8;
  assertEquals(memory.buf[0], 8);
  same.close();
  assertEquals(exists(name), true);
});

test("SharedMemory has a name of its own by default", () => {
  using a = new SharedMemory({ create: true, size: 1 });
  using b = new SharedMemory({ create: true, size: 1 });
  assert(a.name !== b.name);
  assertEquals(exists(a.name), true);
});

test("SharedMemory.close() empties all views, and keeps the memory", () => {
  using memory = new SharedMemory({ create: true, size: 16 });
  const same = new SharedMemory({ name: memory.name });
  const { buf } = same;
  const words = new Int32Array(buf.buffer);
  words[1] = 5;
  same.close();
  same.close();
  assertEquals([buf.length, words.length], [0, 0]);
  assertThrows(() => same.buf, Error, "it is closed");
  assertEquals(memory.buf[4], 5);
  // Its creator may close it, too.
  memory.close();
  using again = new SharedMemory({ name: memory.name });
  assertEquals(again.buf[4], 5);
});

test("SharedMemory.close() is safe when the buffer was moved to another thread", () => {
  using memory = new SharedMemory({ create: true, size: 16 });
  memory.buf[0] = 3;
  const moved = structuredClone(memory.buf, { transfer: [memory.buf.buffer] });
  memory.close();
  assertEquals(moved[0], 3);
});

test("SharedMemory.unlink() takes the name away, and leaves the memory to its users", () => {
  const name = newName();
  const memory = new SharedMemory({ name, create: true, size: 16 });
  const same = new SharedMemory({ name });
  same.unlink();
  assertEquals(exists(name), false);
  same.buf[0] = 1;
  assertEquals(memory.buf[0], 1);
  memory.close();
  assertEquals(same.buf[0], 1);
  same.close();
  using next = new SharedMemory({ name, create: true, size: 8 });
  assertEquals(next.buf[0], 0);
});

test("SharedMemory refuses bad input at the call", () => {
  const create = (options: unknown) => () => new SharedMemory(options as never);
  assertThrows(create(undefined), TypeError, "options must be an object");
  assertThrows(create({}), TypeError, "name must be a string");
  assertThrows(create({ name: 1 }), TypeError, "name must be a string");
  assertThrows(create({ create: 1, name: "x" }), TypeError, "create must be a boolean");
  assertThrows(create({ create: true }), TypeError, "size must be a number");
  assertThrows(create({ create: true, size: 0 }), RangeError, "size must be an integer >= 1");
  assertThrows(create({ create: true, size: 1.5 }), RangeError, "size");
  assertThrows(create({ create: true, size: 2 ** 50 }), RangeError, "there is no room");
  assertThrows(create({ name: "a/b" }), RangeError, "name must have");
  assertThrows(create({ name: "" }), RangeError, "name must have");
  assertThrows(create({ name: "x".repeat(201) }), RangeError, "name must have");
  assertThrows(create({ name: newName() }), Deno.errors.NotFound, "there is none");
  using memory = new SharedMemory({ create: true, size: 1, name: "with: odd (deleted) ä" });
  assertThrows(create({ name: memory.name, create: true, size: 1 }), Deno.errors.AlreadyExists);
});

for (
  const [world, start] of [
    ["process", (t: never, args: unknown[]) => new Process(t, { args } as never).start()],
    ["thread", (t: never, args: unknown[]) => new Thread(t, { args } as never).start()],
  ] as const
) {
  test(`SharedMemory is given to a ${world}, and found there by its name`, async () => {
    using memory = new SharedMemory({ create: true, size: 4096 });
    const writer = start(targets.write as never, [memory, 4095, 77]);
    await writer.result();
    assertEquals(memory.buf[4095], 77);
    const reader = start(targets.readNamed as never, [memory.name, 4095]);
    assertEquals(await reader.result(), 77);
    await writer.join();
    await reader.join();
  });

  test(`ShareableList is given to a ${world}, and found there by its name`, async () => {
    using list = new ShareableList<string | number>(["original", 1]);
    const child = start(targets.change as never, [list]);
    assertEquals(await child.result(), ["changed", 1]);
    assertEquals(list.toArray(), ["changed", 1]);
    const other = start(targets.openList as never, [list.shm.name]);
    assertEquals(await other.result(), ["changed", 1]);
    await child.join();
    await other.join();
  });
}

test("SharedMemory that is closed or unlinked is not given away", () => {
  using memory = new SharedMemory({ create: true, size: 8 });
  memory.unlink();
  const give = () => new Process(targets.write, { args: [memory, 0, 1] }).start();
  assertThrows(give, ShareError, "is unlinked");
  memory.close();
  assertThrows(give, ShareError, "args[0]: the shared memory");
});

for (const then of ["kill", "end"]) {
  test(`SharedMemory goes with its creator, by ${then}, and stays for its users`, async () => {
    const name = newName();
    const { promise: created, resolve } = Promise.withResolvers<void>();
    const child = new Process(targets.createNamed, {
      args: [name, then === "kill" ? "hold" : "end"],
      onReport: () => resolve(),
    }).start();
    let memory: SharedMemory | undefined;
    if (then === "kill") {
      await created;
      memory = new SharedMemory({ name });
      child.kill();
    }
    await child.join();
    assertEquals(exists(name), false);
    assertEquals(memory?.buf[0], then === "kill" ? 7 : undefined);
    memory?.close();
  });
}

test("SharedMemory of one name is created by one of many", async () => {
  const names = Array.from({ length: 40 }, newName);
  const racers = Array.from({ length: 3 }, () => {
    const [here, there] = pipe<unknown>();
    const child = new Process(targets.race, { args: [names, there] }).start();
    there.close();
    return { here, child };
  });
  for (const { here } of racers) assertEquals(await here.recv(), "ready");
  for (const { here } of racers) await here.send("go");
  const won = [];
  for (const { here } of racers) won.push(...await here.recv() as string[]);
  assertEquals(won.toSorted(), names.toSorted());
  for (const { here, child } of racers) {
    await here.send("end");
    here.close();
    await child.join();
  }
});

test("ShareableList holds values of all its types", () => {
  const items = ["ä text", 1.5, -0, 2n ** 62n, true, false, null, new Uint8Array([1, 2, 3]), ""];
  using list = new ShareableList(items);
  assertEquals(list.length, items.length);
  assertEquals(list.toArray(), items);
  assertEquals([...list], items);
  using same = new ShareableList(undefined, { name: list.shm.name });
  assertEquals(same.toArray(), items);
  assertEquals(list.at(-1), "");
  assertEquals(list.index(true), 4);
  assertEquals(list.index(new Uint8Array([1, 2, 3])), 7);
  assertEquals(list.count(1.5), 1);
  assertThrows(() => list.index("nowhere"), RangeError, "no place holds it");
});

test("ShareableList.set() gives a place another value, of any type that has room", () => {
  using list = new ShareableList<string | number | null>(["eight...", null]);
  list.set(0, 5);
  list.set(1, "eightlet");
  assertEquals(list.toArray(), [5, "eightlet"]);
  list.set(-2, "more of8");
  assertEquals(list.at(0), "more of8");
  assertThrows(() => list.set(0, "nine bytes"), RangeError, "at most 8 bytes");
  assertThrows(() => list.set(2, 1), RangeError, "from -2 to 1");
  assertThrows(() => list.at(1.5), RangeError, "index");
  assertThrows(() => list.at("0" as never), TypeError, "index");
  assertThrows(() => list.set(0, {} as never), TypeError, "value must be");
  assertThrows(() => list.set(0, "\ud800"), TypeError, "lone surrogates");
  assertThrows(() => new ShareableList([2n ** 63n]), RangeError, "items[0] must have 64 bits");
  assertThrows(() => new ShareableList([undefined]), TypeError, "items[0] must be");
  assertThrows(() => new ShareableList(5 as never), TypeError, "iterable");
  assertEquals(list.toArray(), ["more of8", "eightlet"]);
});

test("ShareableList is not opened from memory that is none", () => {
  using memory = new SharedMemory({ create: true, size: 64 });
  const open = () => new ShareableList(undefined, { name: memory.name });
  assertThrows(open, TypeError, "holds none");
  const words = new Int32Array(memory.buf.buffer);
  using list = new ShareableList(["x"]);
  words.set(new Int32Array(list.shm.buf.buffer).subarray(0, 4));
  words[2] = 1 << 20;
  assertThrows(open, TypeError, "holds none");
  list.shm.close();
  assertThrows(() => list.at(0), Error, "it is closed");
});

test("ShareableList.at() never gives half of a change, also when its writer is killed", async () => {
  using list = new ShareableList(["a".repeat(64)]);
  const { promise: begun, resolve } = Promise.withResolvers<void>();
  const child = new Process(targets.flicker, {
    args: [list as ShareableList],
    onReport: () => resolve(),
  }).start();
  await begun;
  const until = performance.now() + 200;
  const seen = new Set<unknown>();
  while (performance.now() < until) {
    for (let k = 0; k < 1000; k++) seen.add(list.at(0));
    await delay(0);
  }
  child.kill();
  await child.join();
  seen.add(list.at(0));
  assertEquals([...seen].sort(), ["a".repeat(64), "b".repeat(64)]);
});
