/**
 * What an Array promises, in both worlds.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { addToCells, FORMS, lockIsFree, other, squareCells, take } from "./_targets.ts";
import { test } from "./_world.ts";

const AT_MOST = { timeout: 10_000 };

/** All types, each with what it holds at the ends. */
const BOUNDS = [
  ["i8", -128, 127],
  ["u8", 0, 255],
  ["i16", -32768, 32767],
  ["u16", 0, 65535],
  ["i32", -2147483648, 2147483647],
  ["u32", 0, 4294967295],
] as const;
const BIGS = [
  ["i64", -(2n ** 63n), 2n ** 63n - 1n],
  ["u64", 0n, 2n ** 64n - 1n],
] as const;

function refuses(call: () => unknown): void {
  const error = assertThrows(call);
  assert(error instanceof TypeError || error instanceof RangeError, `${error}`);
}

test("Array of a length starts with zeros", ({ face }) => {
  for (const [type] of BOUNDS) assertEquals(new face.Array(type, 3).toArray(), [0, 0, 0]);
  for (const [type] of BIGS) assertEquals(new face.Array(type, 3).toArray(), [0n, 0n, 0n]);
  for (const type of ["f32", "f64"] as const) {
    assertEquals(new face.Array(type, 3).toArray(), [0, 0, 0]);
  }
  assertEquals(new face.Array("i32", 0).length, 0);
});

test("Array of values starts with them", ({ face }) => {
  for (const [type, least, most] of BOUNDS) {
    const cells = new face.Array(type, [least, 1, most]);
    assertEquals([cells.length, cells.toArray()], [3, [least, 1, most]]);
  }
  for (const [type, least, most] of BIGS) {
    assertEquals(new face.Array(type, [least, 1n, most]).toArray(), [least, 1n, most]);
  }
  assertEquals(new face.Array("f64", [0.1, -0.5]).toArray(), [0.1, -0.5]);
  assertEquals(new face.Array("f32", [0.1]).toArray(), [Math.fround(0.1)]);
  assertEquals(new face.Array("i32", []).toArray(), []);
});

test("Array refuses bad types, lengths and values", ({ face }) => {
  for (const bad of ["i128", "toString", 5, null]) refuses(() => new face.Array(bad as never, 3));
  for (const bad of [-1, 1.5, NaN]) assertThrows(() => new face.Array("i32", bad), RangeError);
  for (const bad of ["3", null, undefined, {}]) {
    assertThrows(() => new face.Array("i32", bad as never), TypeError);
  }
  assertThrows(() => new face.Array("u8", [1, 256]), RangeError, "256");
  assertThrows(() => new face.Array("u8", [1, "2" as never]), TypeError);
  assertThrows(() => new face.Array("i64", [1 as never]), TypeError);
  assertThrows(() => new face.Array("i32", 3, { name: 5 as never }), TypeError, "name");
  assertEquals(new face.Array("i32", 3, { name: "seats" }).lock.name, "seats");
});

for (const [type, least, most] of BOUNDS) {
  test(`Array("${type}") holds ${least} to ${most}, and nothing else`, ({ face }) => {
    const cells = new face.Array(type, [1, 1]);
    cells.set(0, least);
    cells.set(1, most);
    assertEquals(cells.toArray(), [least, most]);
    for (const bad of [least - 1, most + 1, Infinity]) {
      assertThrows(() => cells.set(0, bad), RangeError);
    }
    for (const bad of [0.5, NaN]) refuses(() => cells.set(0, bad));
    for (const bad of ["1", 1n, null, undefined]) {
      assertThrows(() => cells.set(0, bad as never), TypeError);
    }
    assertEquals(cells.toArray(), [least, most]);
  });
}

test("Array of bigints holds 64 bits, and nothing else", ({ face }) => {
  for (const [type, least, most] of BIGS) {
    const cells = new face.Array(type, [least, most]);
    for (const bad of [least - 1n, most + 1n]) assertThrows(() => cells.set(0, bad), RangeError);
    for (const bad of ["1", 1, null]) {
      assertThrows(() => cells.set(0, bad as never), TypeError);
    }
    assertEquals(cells.toArray(), [least, most]);
  }
});

test("Array.at() and set() count from the end when negative", ({ face }) => {
  const cells = new face.Array("i32", [10, 20, 30]);
  assertEquals([0, 1, 2, -1, -2, -3].map((i) => cells.at(i)), [10, 20, 30, 30, 20, 10]);
  cells.set(-1, 33);
  cells.set(-3, 11);
  cells.set(1, 22);
  assertEquals(cells.toArray(), [11, 22, 33]);
});

test("Array.at() and set() out of range are a RangeError", ({ face }) => {
  const cells = new face.Array("i32", [10, 20, 30]);
  for (const bad of [3, -4, Infinity]) {
    assertThrows(() => cells.at(bad), RangeError, `${bad}`);
    assertThrows(() => cells.set(bad, 1), RangeError, `${bad}`);
  }
  for (const bad of [0.5, NaN, "0", undefined, null]) {
    refuses(() => cells.at(bad as never));
    refuses(() => cells.set(bad as never, 1));
  }
  assertThrows(() => new face.Array("i32", 0).at(0), RangeError);
  assertEquals(cells.toArray(), [10, 20, 30]);
});

test("Array is iterated in order, as often as one likes", ({ face }) => {
  const cells = new face.Array("u8", [1, 2, 3]);
  assertEquals([...cells], [1, 2, 3]);
  assertEquals(Math.max(...cells), 3);
  assertEquals(Array.from(cells, (cell) => cell * 2), [2, 4, 6]);
  assertEquals([...new face.Array("u8", 0)], []);
});

test("Array.slice() and toArray() give copies, cut as Array.prototype.slice() cuts", ({ face }) => {
  const plain = [1, 2, 3, 4, 5];
  const cells = new face.Array("i16", plain);
  assertEquals(cells.slice(), plain);
  for (const from of [0, 1, 4, 5, 9, -1, -3, -9]) {
    assertEquals(cells.slice(from), plain.slice(from));
    for (const to of [0, 2, 5, 9, -1, -9]) {
      assertEquals(cells.slice(from, to), plain.slice(from, to), `slice(${from}, ${to})`);
    }
  }
  const copy = cells.toArray();
  copy[0] = 9;
  assertEquals(cells.at(0), 1);
  assert(Array.isArray(copy) && Array.isArray(cells.slice(1)));
});

test("Array is read and written by a child", async (world) => {
  const cells = new world.face.Array("f64", [1, 2, 3.5]);
  assertEquals(await world.run(squareCells, [cells]), 17.25);
  assertEquals(cells.toArray(), [1, 4, 12.25]);
});

test("Array of bytes of odd length keeps its cells apart from its neighbours", async (world) => {
  const arrays = Array.from({ length: 3 }, () => new world.face.Array("u8", 3));
  arrays[1].set(-1, 255);
  arrays[1].set(0, 254);
  assertEquals(arrays.map((cells) => cells.toArray()), [[0, 0, 0], [254, 0, 255], [0, 0, 0]]);
  const cells = new world.face.Array("f64", [0.5]);
  assertEquals(await world.run(squareCells, [cells]), 0.25);
});

test("Array.lock is an RLock, one and the same for all who share the array", async (world) => {
  const cells = new world.face.Array("i32", 2);
  assert(cells.lock instanceof world.face.RLock);
  using _outer = await cells.lock.acquire();
  {
    using _inner = cells.lock.acquireSync();
    cells.set(0, 1);
  }
  assertEquals(await world.isFree(cells.lock), false);
  assertEquals(await world.run(lockIsFree, [cells]), false);
});

for (const form of FORMS) {
  test(`Array's lock makes reading and writing one step, ${form} there, ${other(form)} here`, async (world) => {
    const cells = new world.face.Array("i32", 4);
    for (let k = 0; k < 3; k++) world.start(addToCells, [cells, 300, form]);
    for (let k = 0; k < 300; k++) {
      using guard = await take(cells.lock, other(form), AT_MOST);
      assert(guard !== undefined);
      for (let i = 0; i < cells.length; i++) cells.set(i, cells.at(i) + 1);
    }
    await world.join();
    assertEquals(cells.toArray(), [1_200, 1_200, 1_200, 1_200]);
  });
}
