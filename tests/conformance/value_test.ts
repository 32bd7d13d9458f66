/**
 * What a Value promises, in both worlds.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import {
  addOften,
  count,
  exchangeOften,
  FORMS,
  keep,
  lockIsFree,
  other,
  setValue,
  take,
} from "./_targets.ts";
import { test } from "./_world.ts";

const AT_MOST = { timeout: 10_000 };

/** The whole numbers, each with the least and the most that it holds. */
const NUMBERS = [
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
const FLOATS = ["f32", "f64"] as const;

/** What throws one of the two errors for bad input. */
function refuses(call: () => unknown): void {
  const error = assertThrows(call);
  assert(error instanceof TypeError || error instanceof RangeError, `${error}`);
}

test("Value starts at zero, or as it was given", ({ face }) => {
  for (const [type, least, most] of NUMBERS) {
    assertEquals(new face.Value(type).value, 0);
    assertEquals(new face.Value(type, least).value, least);
    assertEquals(new face.Value(type, most).value, most);
  }
  for (const [type, least, most] of BIGS) {
    assertEquals(new face.Value(type).value, 0n);
    assertEquals(new face.Value(type, least).value, least);
    assertEquals(new face.Value(type, most).value, most);
  }
  for (const type of FLOATS) {
    assertEquals(new face.Value(type).value, 0);
    assertEquals(new face.Value(type, 1.5).value, 1.5);
  }
  assertEquals(new face.Value("i32", 1, { name: "seats" }).lock.name, "seats");
  assertThrows(() => new face.Value("i32", 1, { name: 5 as never }), TypeError, "name");
});

test("Value refuses types that there are not", ({ face }) => {
  for (const bad of ["i128", "", "toString", 5, null, undefined]) {
    refuses(() => new face.Value(bad as never));
  }
});

for (const [type, least, most] of NUMBERS) {
  test(`Value("${type}") holds ${least} to ${most}, and nothing else`, ({ face }) => {
    const value = new face.Value(type, 1);
    for (const good of [least, most, 0]) {
      value.value = good;
      assertEquals(value.value, good);
    }
    value.value = 1;
    for (const bad of [least - 1, most + 1, Infinity, -Infinity]) {
      assertThrows(() => value.value = bad, RangeError);
      assertThrows(() => new face.Value(type, bad), RangeError);
      assertThrows(() => value.compareExchange(1, bad), RangeError);
    }
    for (const bad of [0.5, NaN]) {
      refuses(() => value.value = bad);
      refuses(() => value.add(bad));
    }
    for (const bad of ["1", 1n, null, undefined, true]) {
      assertThrows(() => value.value = bad as never, TypeError);
      assertThrows(() => value.add(bad as never), TypeError);
      assertThrows(() => value.compareExchange(1, bad as never), TypeError);
    }
    assertEquals(value.value, 1);
  });
}

for (const [type, least, most] of BIGS) {
  test(`Value("${type}") holds bigints from ${least} to ${most}, and nothing else`, ({ face }) => {
    const value = new face.Value(type, 1n);
    for (const good of [least, most, 0n, 2n ** 53n + 1n]) {
      value.value = good;
      assertEquals(value.value, good);
    }
    value.value = 1n;
    for (const bad of [least - 1n, most + 1n]) {
      assertThrows(() => value.value = bad, RangeError);
      assertThrows(() => new face.Value(type, bad), RangeError);
      assertThrows(() => value.compareExchange(1n, bad), RangeError);
    }
    for (const bad of ["1", 1, null, undefined]) {
      assertThrows(() => value.value = bad as never, TypeError);
      assertThrows(() => value.add(bad as never), TypeError);
    }
    assertEquals(value.value, 1n);
  });
}

test("Value of floats holds what they hold, and nothing but numbers", ({ face }) => {
  for (const type of FLOATS) {
    const value = new face.Value(type);
    for (const good of [0.5, -1.25, NaN, Infinity, -Infinity, -0]) {
      value.value = good;
      assert(Object.is(value.value, good), `${type}: ${good} became ${value.value}`);
    }
    value.value = 1;
    for (const bad of ["1", 1n, null, undefined]) {
      assertThrows(() => value.value = bad as never, TypeError);
    }
    assertEquals(value.value, 1);
  }
  const single = new face.Value("f32", 0.1);
  assertEquals(single.value, Math.fround(0.1));
  assertEquals(new face.Value("f64", 0.1).value, 0.1);
});

test("Value.add() gives the old value", ({ face }) => {
  for (const [type] of NUMBERS) {
    const value = new face.Value(type, 5);
    assertEquals([value.add(3), value.value], [5, 8]);
  }
  const negative = new face.Value("i16", 5);
  assertEquals([negative.add(-8), negative.value], [5, -3]);
  for (const [type] of BIGS) {
    const value = new face.Value(type, 5n);
    assertEquals([value.add(3n), value.value], [5n, 8n]);
  }
  for (const type of FLOATS) {
    const value = new face.Value(type, 0.5);
    assertEquals([value.add(-1.25), value.value], [0.5, -0.75]);
  }
});

test("Value.add() wraps around at the ends of the range", ({ face }) => {
  for (const [type, least, most] of NUMBERS) {
    const value = new face.Value(type, most);
    assertEquals([value.add(1), value.value], [most, least]);
    assertEquals([value.add(-1), value.value], [least, most]);
  }
  for (const [type, least, most] of BIGS) {
    const value = new face.Value(type, most);
    assertEquals([value.add(1n), value.value], [most, least]);
    assertEquals([value.add(-1n), value.value], [least, most]);
  }
});

test("Value.compareExchange() gives the old value and sets the next if it was as expected", ({ face }) => {
  for (const [type] of NUMBERS) {
    const value = new face.Value(type, 5);
    assertEquals([value.compareExchange(4, 9), value.value], [5, 5]);
    assertEquals([value.compareExchange(5, 9), value.value], [5, 9]);
  }
  for (const [type] of BIGS) {
    const value = new face.Value(type, 5n);
    assertEquals([value.compareExchange(4n, 9n), value.value], [5n, 5n]);
    assertEquals([value.compareExchange(5n, 9n), value.value], [5n, 9n]);
  }
  for (const type of FLOATS) {
    const value = new face.Value(type, 0.5);
    assertEquals([value.compareExchange(0.25, 1.5), value.value], [0.5, 0.5]);
    assertEquals([value.compareExchange(0.5, 1.5), value.value], [0.5, 1.5]);
  }
});

test("Value of any type is read and written by a child", async (world) => {
  for (const [type, least, most] of NUMBERS) {
    const value = new world.face.Value(type, most);
    assertEquals(await world.run(setValue<number>, [value, least]), most);
    assertEquals(value.value, least);
  }
  for (const [type, least, most] of BIGS) {
    const value = new world.face.Value(type, most);
    assertEquals(await world.run(setValue<bigint>, [value, least]), most);
    assertEquals(value.value, least);
  }
  for (const type of FLOATS) {
    const value = new world.face.Value(type, -0.5);
    assertEquals(await world.run(setValue<number>, [value, 2.25]), -0.5);
    assertEquals(value.value, 2.25);
  }
});

test("Value.add() of four children is exact in every type", async (world) => {
  const { Value } = world.face;
  const numbers = (["i16", "i32", "u32", "f32", "f64"] as const).map((type) => new Value(type));
  const bigs = (["i64", "u64"] as const).map((type) => new Value(type));
  for (let k = 0; k < 4; k++) world.start(addOften, [numbers, bigs, 2_000]);
  await world.join();
  assertEquals(numbers.map(({ value }) => value), Array(5).fill(8_000));
  assertEquals(bigs.map(({ value }) => value), Array(2).fill(8_000n));
});

test("Value.compareExchange() of four children is exact", async (world) => {
  const whole = new world.face.Value("i32");
  const float = new world.face.Value("f64", 0.5);
  for (let k = 0; k < 2; k++) {
    world.start(exchangeOften, [whole, 2_000]);
    world.start(exchangeOften, [whole, 2_000]);
    world.start(exchangeOften, [float, 2_000]);
  }
  await world.join();
  assertEquals([whole.value, float.value], [8_000, 4_000.5]);
});

test("Values of one byte beside each other do not touch each other", async (world) => {
  const values = Array.from({ length: 4 }, () => new world.face.Value("u8"));
  await Promise.all(values.map((value, k) => world.run(setValue<number>, [value, 200 + k])));
  assertEquals(values.map(({ value }) => value), [200, 201, 202, 203]);
});

test("Value.lock is an RLock, one and the same for all who share the value", async (world) => {
  const value = new world.face.Value("i32");
  assert(value.lock instanceof world.face.RLock);
  using _outer = await value.lock.acquire();
  {
    using _inner = value.lock.acquireSync();
    value.value = 1;
    value.add(1);
  }
  assertEquals(await world.isFree(value.lock), false);
  assertEquals(await world.run(lockIsFree, [value]), false);
});

test("Value.lock of a value from a child is held by the one who took it", async (world) => {
  const value = new world.face.Value("i32");
  await world.run(keep, [value.lock, "sync"]);
  assertEquals(value.lock.acquireSync({ blocking: false }), undefined);
});

for (const form of FORMS) {
  test(`Value's lock makes reading and writing one step, ${form} there, ${other(form)} here`, async (world) => {
    const value = new world.face.Value("i32");
    for (let k = 0; k < 3; k++) world.start(count, [value.lock, value, 500, 1, form]);
    for (let k = 0; k < 500; k++) {
      using guard = await take(value.lock, other(form), AT_MOST);
      assert(guard !== undefined);
      value.value = value.value + 1;
    }
    await world.join();
    assertEquals(value.value, 2_000);
  });
}
