import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import { isDeepStrictEqual } from "node:util";
import { decode, encode, encodeInto, modulesOf } from "../../lib/transfer/codec/codec.ts";
import {
  AGAIN,
  ARRAY,
  FLOAT64S,
  FORMAT,
  HOLES,
  INT32S,
  OBJECT,
  SPARSE,
} from "../../lib/transfer/codec/format.ts";
import type { Reduce, Reduction, Revive } from "../../lib/transfer/reduction.ts";
import { randoms } from "../_help/random.ts";
import { withoutStacks } from "../_help/stacks.ts";

// What a caller's hooks might look like: instances and errors through shells, the rest whole.

class Point {
  constructor(public x: number, public other: unknown = null) {}
}

class Lock {
  constructor(readonly id: number) {}
}

class Refused extends Error {
  override name = "Refused";
}

function double(x: number): number {
  return 2 * x;
}

const HERE = "file:///here.ts";

const reduce: Reduce = (value, place) => {
  if (value === double) return { kind: "target", module: HERE, name: "double", state: undefined };
  if (value instanceof Lock) {
    return { kind: "share", module: "file:///lock.ts", name: "Lock", state: value.id };
  }
  if (value instanceof Point) {
    return { kind: "instance", module: HERE, name: "Point", state: { ...value } };
  }
  if (value instanceof Error) {
    const { name, message, cause } = value;
    return { kind: "error", module: "", name, state: { message, cause } };
  }
  throw new Refused(place());
};

const revive: Revive = {
  shell(kind, _module, name) {
    if (kind === "instance") return Object.create(Point.prototype);
    if (kind === "error") {
      return Object.create(name === "TypeError" ? TypeError.prototype : Error.prototype);
    }
    return undefined;
  },
  finish(kind, _module, _name, state, shell) {
    if (kind === "target") return double;
    if (kind === "share") return new Lock(state as number);
    return Object.assign(shell!, state);
  },
};

function pass<T>(value: T): T {
  return decode(encode(value, reduce), revive) as T;
}

function assertPasses(value: unknown, name = Deno.inspect(value)): void {
  const copy = pass(value);
  assert(isDeepStrictEqual(copy, value), `${name} arrives as ${Deno.inspect(copy)}`);
}

function bytesOf(...bytes: number[]): Uint8Array {
  return Uint8Array.from(bytes);
}

// Values

Deno.test("encode() and decode() keep primitives", () => {
  const numbers = [0, -0, 1, -1, 127, 128, -128, 255, 65536, 2 ** 31 - 1, 2 ** 31, -(2 ** 31)];
  numbers.push(-(2 ** 31) - 1, 2 ** 53, 0.1, 5e-324, Number.MAX_VALUE, NaN, Infinity, -Infinity);
  for (const value of [...numbers, null, undefined, true, false, ""]) {
    assertStrictEquals(pass(value), value);
    assertPasses([value]);
  }
});

Deno.test("encode() and decode() keep bigints of any size", () => {
  for (const bits of [0n, 1n, 7n, 31n, 63n, 64n, 65n, 200n, 255n, 256n, 257n, 100_000n]) {
    for (const near of [-1n, 0n, 1n]) {
      const value = (1n << bits) + near;
      assertStrictEquals(pass(value), value);
      assertStrictEquals(pass(-value), -value);
    }
  }
});

Deno.test("encode() and decode() keep every UTF-16 string", () => {
  const parts = [
    "",
    "a",
    "é",
    "ÿ",
    "Ā",
    "日本",
    "😀",
    "\ud800",
    "\udc00",
    "\udc00\ud800",
    "\ufffd",
  ];
  parts.push("\ufeff", "\0", "\ufeffx\ufffd");
  for (const part of parts) {
    for (const length of [0, 1, 2, 61, 62, 63, 64, 65, 127, 128, 300, 5000, 40_000]) {
      for (
        const value of ["x".repeat(length) + part, part + "x".repeat(length), part.repeat(length)]
      ) {
        assertStrictEquals(pass(value), value);
      }
    }
  }
  for (let unit = 0; unit < 0x10000; unit += 7) {
    const value = String.fromCharCode(unit);
    assertStrictEquals(pass(value), value);
    assertStrictEquals(Object.keys(pass({ [value]: 1 }))[0], value);
  }
});

Deno.test("encode() and decode() keep strings of 10 MB", () => {
  for (const value of ["a".repeat(10e6), "日本é".repeat(3e6), "ab😀".repeat(2e6) + "\ud800"]) {
    assert(pass(value) === value);
  }
});

Deno.test("encode() and decode() keep Date, RegExp, Map and Set", () => {
  assertPasses([new Date(0), new Date(-1.5e12), new Date(8.64e15)]);
  assert(Number.isNaN(pass(new Date(NaN)).getTime()));
  for (const value of [/a/, /[/]\/(?<n>é)/dgimsuy, new RegExp(""), /\n/v, new RegExp("\n")]) {
    value.lastIndex = 1;
    const copy = pass(value);
    assertEquals([copy.source, copy.flags, copy.lastIndex], [value.source, value.flags, 0]);
  }
  assertPasses(new Map<unknown, unknown>([[1, "a"], ["1", { b: 2 }], [NaN, -0], [{}, new Map()]]));
  assertPasses(new Set([1, "1", NaN, undefined, null, [1], new Set([2])]));
  assertPasses([new Map(), new Set()]);
});

Deno.test("encode() and decode() keep buffers and views", () => {
  const source = Uint8Array.from({ length: 4096 }, (_, i) => i * 7);
  type View = new (buffer: ArrayBuffer, offset: number, length: number) => ArrayBufferView;
  const views: (View & { BYTES_PER_ELEMENT?: number })[] = [
    ...[Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array],
    ...[Float32Array, Float64Array, BigInt64Array, BigUint64Array, DataView],
    ...(typeof Float16Array === "undefined" ? [] : [Float16Array]),
  ];
  for (const size of [0, 8, 56, 64, 72, 1024]) {
    assertEquals(pass(source.buffer.slice(0, size)), source.buffer.slice(0, size));
    for (const View of views) {
      const length = size / (View.BYTES_PER_ELEMENT ?? 1);
      const view = new View(source.buffer, 16, length);
      const copy = pass(view);
      assertStrictEquals(Object.getPrototypeOf(copy), View.prototype);
      assertEquals([copy.byteOffset, copy.buffer.byteLength], [0, size]);
      assertEquals(new Uint8Array(copy.buffer), source.slice(16, 16 + size));
    }
  }
});

Deno.test("encode() and decode() keep plain objects, with or without a prototype", () => {
  assertPasses({ a: 1, b: { c: [] }, "": 2, "a b": 3, 7: 4, "日本": 5, ["k".repeat(100)]: 6 });
  assertPasses(Object.assign(Object.create(null), { a: { b: 1 } }));
  assertPasses(Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`key ${i}`, i])));
  assertPasses(
    Array.from(
      { length: 100 },
      (_, i) => ({ [`a${i % 3}`]: i, b: { c: i }, [`d${i}`]: [{ e: i }] }),
    ),
  );
  const hidden = Object.defineProperty({ shown: 1, [Symbol("s")]: 2 }, "hidden", { value: 3 });
  assertEquals(pass(hidden), { shown: 1 } as typeof hidden);
});

Deno.test("encode() leaves out what Object.prototype has", () => {
  Object.defineProperty(Object.prototype, "planted", {
    value: 1,
    enumerable: true,
    configurable: true,
  });
  try {
    assertEquals(Object.keys(pass({ a: { b: 1 } })), ["a"]);
  } finally {
    // deno-lint-ignore no-explicit-any
    delete (Object.prototype as any).planted;
  }
});

Deno.test("encode() reads a getter once", () => {
  let reads = 0;
  const value = {
    get a() {
      return ++reads;
    },
  };
  assertEquals(pass([value]), [{ a: 1 }]);
  assertEquals(reads, 1);
});

Deno.test("decode() makes __proto__ an own property", () => {
  const value = JSON.parse('{"__proto__": {"bad": 1}, "x": [{"__proto__": 2}, {"__proto__": 3}]}');
  const copy = pass(value);
  assertPasses(value);
  assertStrictEquals(Object.getPrototypeOf(copy), Object.prototype);
  assertStrictEquals(copy.bad, undefined);
  assertEquals(Object.keys(copy), ["__proto__", "x"]);
});

Deno.test("encode() and decode() keep arrays and their holes", () => {
  assertPasses([]);
  assertPasses(Array.from({ length: 100_000 }, (_, i) => i));
  // deno-lint-ignore no-sparse-arrays
  for (
    const value of [[,], [1, , 3], [, , 3], [1, , ,], [undefined, , undefined], [[,], { a: [,] }]]
  ) {
    assertPasses(value);
  }
  const long: unknown[] = [0];
  long[4e9] = { a: 1 };
  long[2 ** 32 - 2] = long[4e9];
  const copy = pass(long);
  assertEquals([copy.length, Object.keys(copy)], [2 ** 32 - 1, ["0", "4000000000", "4294967294"]]);
  assertStrictEquals(copy[4e9], copy[2 ** 32 - 2]);
  assertEquals(Object.keys(pass(new Array(1e6))), []);
});

Deno.test("encode() and decode() keep arrays of numbers, alike or not", () => {
  const whole = [0, 1, -1, 127, 128, 65_536, 2 ** 31 - 1, -(2 ** 31)];
  const other = [0.5, -0, NaN, Infinity, -Infinity, 2 ** 31, 2 ** 53, 5e-324];
  for (const length of [1, 15, 16, 17, 18, 1023, 1024, 1025, 5000]) {
    const take = (from: number[]) => Array.from({ length }, (_, k) => from[k % from.length]);
    const check = (value: unknown) => assertPasses(value, `an array of ${length}`);
    const wholes = take(whole), others = take(other);
    check(wholes);
    check(others);
    check(take([...whole, ...other]));
    check([wholes, { wholes }, new Set([others]), new Map([[others, wholes]])]);
    for (const odd of ["1", 1n, null, undefined, true, {}, [1]]) {
      check([...wholes, odd]);
      check([odd, ...others]);
    }
    const holed = [...wholes];
    delete holed[length - 1];
    check(holed);
    const [one, two] = pass([wholes, wholes]);
    assertStrictEquals(one, two);
    let deep: unknown = others;
    for (let k = 0; k < 600; k++) deep = [deep];
    let found: unknown = pass(deep);
    for (let k = 0; k < 600; k++) found = (found as unknown[])[0];
    assert(isDeepStrictEqual(found, others), "deep");
  }
});

Deno.test("encode() takes an array that a getter shortens meanwhile as one with holes", () => {
  const value: unknown[] = [
    {
      get a() {
        value.length = 1;
        return 1;
      },
    },
    2,
    3,
  ];
  const copy = pass(value);
  assertEquals([copy.length, Object.keys(copy)], [3, ["0"]]);
});

Deno.test("encode() refuses an ArrayBuffer that has been transferred away", () => {
  const buffer = new ArrayBuffer(8);
  const view = new Uint8Array(buffer);
  buffer.transfer();
  assertThrows(() => encode({ a: [view] }, reduce), TypeError, "Cannot encode value.a[0]");
  assertThrows(() => encode(buffer, reduce), TypeError, "Cannot encode value:");
});

Deno.test("encode() and decode() keep random values", () => {
  const random = randoms(1);
  for (let i = 0; i < 3000; i++) assertPasses(randomValue(random, 5), `value ${i}`);
});

function randomValue(random: (below: number) => number, depth: number): unknown {
  const many = <T>(make: (i: number) => T) => Array.from({ length: random(5) }, (_, i) => make(i));
  const inner = () => randomValue(random, depth - 1);
  switch (random(depth > 0 ? 16 : 10)) {
    case 0:
      return random(300) - 150;
    case 1:
      return (random(2 ** 32) - 2 ** 31) * (random(2) ? 1 : 1.5);
    case 2:
      return many(() => String.fromCharCode(random(random(2) ? 128 : 65536))).join("");
    case 3:
      return "xyz".repeat(random(100));
    case 4:
      return [null, undefined, true, false][random(4)];
    case 5:
      return (BigInt(random(2 ** 32)) - 2n ** 31n) ** BigInt(random(5));
    case 6:
      return new Date(random(2 ** 40));
    case 7:
      return new Uint16Array(many(() => random(65536)));
    case 8:
      return new Point(random(100), random(100));
    case 9:
      return /x/g;
    case 10:
      return new Map(many(() => [inner(), inner()]));
    case 11:
      return new Set(many(inner));
    case 12:
      return Object.assign(new Array(random(3) * 4), many(inner));
    case 13:
      return many(inner);
    default:
      return Object.fromEntries(many((i) => [`key${i}`, inner()]));
  }
}

// Identity

Deno.test("decode() gives one object for one object, however many there are", () => {
  for (const count of [1, 2, 14, 15, 16, 17, 18, 40, 1000]) {
    const objects = Array.from({ length: count }, (_, i) => ({ i }));
    const copies = pass([...objects, ...objects.toReversed()]);
    assertEquals(copies.length, 2 * count);
    for (let i = 0; i < count; i++) assertStrictEquals(copies[i], copies[2 * count - 1 - i]);
    assertEquals(new Set(copies).size, count);
  }
});

Deno.test("decode() gives one object for one object of every class", () => {
  const values = [
    {},
    [],
    new Map(),
    new Set(),
    new Date(0),
    /a/,
    new ArrayBuffer(3),
    new Int8Array(2),
  ];
  values.push(
    Object.create(null),
    [,],
    new DataView(new ArrayBuffer(1)),
    new Point(1),
    new Lock(1),
  );
  values.push(new Error("e"), double);
  const copy = pass({ first: values, again: [...values] });
  copy.first.forEach((value, i) => assertStrictEquals(value, copy.again[i], `${i}`));
});

Deno.test("decode() ties cycles", () => {
  const value: Record<string, unknown> = { list: [], map: new Map(), set: new Set() };
  value.self = value;
  (value.list as unknown[]).push(value, value.list);
  (value.map as Map<unknown, unknown>).set(value.map, value).set("v", value.set);
  (value.set as Set<unknown>).add(value.set).add(value);
  const copy = pass(value) as typeof value;
  const { self, list, map, set } = copy as typeof value & {
    list: unknown[];
    map: Map<unknown, unknown>;
    set: Set<unknown>;
  };
  assertStrictEquals(self, copy);
  assertStrictEquals(list[0], copy);
  assertStrictEquals(list[1], list);
  assertStrictEquals(map.get(map), copy);
  assertStrictEquals(map.get("v"), set);
  assert(set.has(set) && set.has(copy));
});

// Hooks

Deno.test("decode() makes targets and shared objects by finish()", () => {
  const lock = new Lock(7);
  const copy = pass({ f: double, a: lock, b: new Map([["k", lock]]) });
  assertStrictEquals(copy.f, double);
  assertEquals(copy.a.id, 7);
  assertStrictEquals(copy.b.get("k"), copy.a);
});

Deno.test("decode() ties cycles through instances and errors", () => {
  const point = new Point(1);
  const error = new TypeError("bad", { cause: point });
  point.other = { point, error, list: [point] };
  const copy = pass(point) as Point & { other: { point: Point; error: TypeError; list: Point[] } };
  assert(copy instanceof Point && copy.other.error instanceof TypeError);
  assertStrictEquals(copy.other.point, copy);
  assertStrictEquals(copy.other.list[0], copy);
  assertStrictEquals(copy.other.error.cause, copy);
  assertEquals(copy.other.error.message, "bad");
});

Deno.test("decode() refuses a cycle through what has no shell", () => {
  const around: Reduce = (value) => ({ kind: "share", module: HERE, name: "x", state: [value] });
  assertThrows(() => decode(encode(new Lock(1), around), revive), TypeError, "made from its state");
});

Deno.test("encode() reduces a value once, and symbols as well", () => {
  const reduced: unknown[] = [];
  const note: Reduce = (value) => {
    reduced.push(value);
    return { kind: "target", module: HERE, name: "double", state: null };
  };
  const symbol = Symbol("s");
  const copy = decode(encode([double, symbol, double, symbol], note), revive);
  assertEquals(reduced, [double, symbol]);
  assertEquals(copy, [double, double, double, double]);
});

Deno.test("encode() hands all that is not plain data to reduce(), with its place", () => {
  const refused: [unknown, string][] = [
    [new WeakMap(), "value"],
    [{ a: { "b c": [0, () => 1] } }, 'value.a["b c"][1]'],
    [[new Map([["k", { lock: Promise.resolve() }]])], 'value[0].get("k").lock'],
    [new Map([[1, new WeakSet()]]), "value.get(1)"],
    [new Map([[{}, new Map([[new WeakRef({}), 1]])]]), "value.get(…).keys()"],
    [{ s: new Set([[Symbol("s")]]) }, "value.s.values()[0]"],
    [new Map([["x".repeat(99), Symbol("s")]]), `value.get("${"x".repeat(60)}…")`],
    [[new Point(1, { deep: [new Number(1)] })], "value[0].other.deep[0]"],
    [Object.assign([, 1], { 5: new String("s") }), "value[5]"],
    [[new SharedArrayBuffer(4)], "value[0]"],
    [[new Int32Array(new SharedArrayBuffer(4))], "value[0]"],
    [[new (class Sub extends Array {})()], "value[0]"],
    [[new (class Sub extends Map {})()], "value[0]"],
    [[new (class Sub extends Uint8Array {})()], "value[0]"],
    [[new (class {})()], "value[0]"],
    [[Object.create({})], "value[0]"],
    [[new Boolean(false)], "value[0]"],
    [[new AbortController().signal], "value[0]"],
    [{ "日本": { $a1: { "1a": class {} } } }, 'value.日本.$a1["1a"]'],
  ];
  for (const [value, place] of refused) {
    const error = assertThrows(() => encode(value, reduce), Refused);
    assertEquals(error.message, place);
  }
  const error = assertThrows(() => encode([{ lock: Symbol() }], reduce, "args"), Refused);
  assertEquals(error.message, "args[0].lock");
});

Deno.test("encode() shortens the place of what lies deep", () => {
  let value: unknown = { lock: Symbol() };
  for (let i = 0; i < 100; i++) value = { next: value };
  const next = ".next".repeat(20);
  assertEquals(
    assertThrows(() => encode(value, reduce), Refused).message,
    `value${next}…${next.slice(5)}.lock`,
  );
  for (let i = 0; i < 1000; i++) value = [value];
  const { message } = assertThrows(() => encode(value, reduce), Refused);
  assert(message.startsWith("value…") && message.endsWith(".next.lock"), message);
});

Deno.test("encode() works within reduce() and getters, and after either threw", () => {
  const nest: Reduce = (value, place) => {
    const before = place();
    const state = encode({ inner: [(value as Point).x, { a: 1 }] }, reduce);
    assertThrows(() => encode({ deep: [Symbol()] }, reduce, "inner"), Refused, "inner.deep[0]");
    assertEquals(place(), before);
    return { kind: "instance", module: HERE, name: "Point", state: { x: state, other: 1 } };
  };
  const shared = { k: 1 };
  const value = [shared, new Point(5), {
    get got() {
      return encode([shared, "x".repeat(50_000)], reduce);
    },
  }, shared] as const;
  const copy = decode(encode(value, nest), {
    ...revive,
    finish(_kind, _module, _name, state, shell) { // decodes within decode()
      const x = decode((state as { x: Uint8Array }).x, revive);
      return Object.assign(shell!, { x });
    },
  }) as [unknown, Point, { got: Uint8Array }, unknown];
  assertEquals(copy[1].x as unknown, { inner: [5, { a: 1 }] });
  assertStrictEquals(copy[0], copy[3]);
  assertEquals(decode(copy[2].got, revive), [shared, "x".repeat(50_000)]);
  const thrown = new Error("getter");
  assertThrows(
    () =>
      encode([shared, {
        get a() {
          throw thrown;
        },
      }], reduce),
    Error,
    "getter",
  );
  assertPasses([shared, shared]);
});

Deno.test("encode() refuses an unknown kind of reduction", () => {
  const wrong = () => ({ kind: "pickle", module: "", name: "", state: 0 }) as unknown as Reduction;
  assertThrows(() => encode([double], wrong), TypeError, "Cannot encode value[0]: unknown kind");
});

Deno.test("modulesOf() lists each module once, without decoding", () => {
  assertEquals(modulesOf(encode({ a: [1] }, reduce)), []);
  assertEquals(modulesOf(encode(new Error("built-in"), reduce)), []);
  const value = [new Lock(1), double, new Point(1, new Lock(2)), new Error("e"), new Point(2)];
  assertEquals(modulesOf(encode(value, reduce)), ["file:///lock.ts", HERE]);
  assertPasses(value.slice(2, 3).concat(new Point(1)));
  const long: Reduce = (value) => ({
    kind: "target",
    module: `data:text/javascript,${"x".repeat(100_000)}${typeof value}`,
    name: "日本".repeat(100),
    state: null,
  });
  assertEquals(
    modulesOf(encode([() => 1, Symbol(), () => 2], long)).map((module) => module.length),
    [
      100_029,
      100_027,
    ],
  );
});

// Depth

Deno.test("encode() and decode() take 100,000 levels of containers", () => {
  type Nest = [wrap: (inner: unknown) => unknown, unwrap: (outer: never) => unknown];
  const nests: Nest[] = [
    [(inner) => [inner], ([inner]: unknown[]) => inner],
    [(inner) => ({ inner, side: [1] }), ({ inner }: { inner: unknown }) => inner],
    [(inner) => new Map([["k", inner]]), (map: Map<string, unknown>) => map.get("k")],
    [(inner) => new Map([[inner, 1]]), (map: Map<unknown, number>) => [...map.keys()][0]],
    [(inner) => new Set([inner]), ([inner]: Set<unknown>) => inner],
    [(inner) => [, inner], ([, inner]: unknown[]) => inner],
    [(inner) => Object.assign(Object.create(null), { inner }), ({ inner }) => inner],
  ];
  for (const [wrap, unwrap] of nests) {
    let value: unknown = "bottom";
    for (let i = 0; i < 100_000; i++) value = wrap(value);
    let copy = pass(value);
    for (let i = 0; i < 100_000; i++) copy = unwrap(copy as never);
    assertStrictEquals(copy, "bottom");
  }
});

Deno.test("decode() completes a deep state before finish()", () => {
  let state: unknown = "bottom";
  for (let i = 0; i < 5000; i++) state = [state];
  for (const levels of [0, 250, 300]) {
    let value: unknown = new Point(1, state);
    for (let i = 0; i < levels; i++) value = [value];
    let depth = 0;
    decode(encode(value, reduce), {
      ...revive,
      finish(_kind, _module, _name, state) {
        for (let at = (state as Point).other; Array.isArray(at); at = at[0]) depth++;
      },
    });
    assertEquals(depth, 5000);
  }
});

Deno.test("encode() and decode() take 100,000 levels of instances and errors", () => {
  const shared = { k: 1 };
  let value: unknown = "bottom";
  for (let i = 0; i < 100_000; i++) {
    value = i % 7 === 0
      ? new Error(`${i}`, { cause: value })
      : new Point(i, i % 3 === 0 ? [value] : { value, shared });
  }
  let finished = 0;
  let copy = decode(encode(value, reduce), {
    ...revive,
    finish(kind, module, name, state, shell) { // the inner ones are complete when the outer ones come
      const inner = (state as { cause: unknown }).cause;
      if (inner instanceof Point) assert(Object.hasOwn(inner, "x"));
      finished++;
      return revive.finish(kind, module, name, state, shell);
    },
  });
  const shares = new Set();
  let length = 0;
  for (; copy !== "bottom"; length++) {
    if (copy instanceof Error) copy = copy.cause;
    else {
      const { other } = copy as Point;
      if (Array.isArray(other)) copy = other[0];
      else {
        const { value, shared } = other as { value: unknown; shared: unknown };
        shares.add(shared);
        copy = value;
      }
    }
  }
  assertEquals([length, finished, shares.size], [100_000, 100_000, 1]);
});

Deno.test("encode() refuses what has no shell too deep, with a RangeError", () => {
  let value: unknown = new Lock(1);
  for (let i = 0; i < 100_000; i++) value = [value];
  assertEquals(encode(value, reduce).length > 100_000, true);
  const endless: Reduce = () => ({ kind: "target", module: "", name: "", state: () => 1 });
  assertThrows(
    () => encode(double, endless),
    RangeError,
    "nests too deeply for a value of kind target",
  );
});

Deno.test("decode() refuses another object than the shell where it lies deep", () => {
  let value: unknown = null;
  for (let i = 0; i < 1000; i++) value = new Point(i, value);
  const other: Revive = { ...revive, finish: () => ({}) };
  assertThrows(
    () => decode(encode(value, reduce), other),
    TypeError,
    "must give the shell of Point",
  );
  const none: Revive = { ...revive, shell: () => undefined };
  assertThrows(() => decode(encode(value, reduce), none), TypeError, "has no shell");
});

Deno.test("decode() takes whatever depth encode() lets pass", () => {
  class Box {
    constructor(readonly inner: unknown) {}
  }
  const boxing: Reduce = (value, place) =>
    value instanceof Box
      ? { kind: "share", module: HERE, name: "Box", state: value.inner }
      : reduce(value, place);
  const unboxing: Revive = {
    ...revive,
    finish: (kind, module, name, state, shell) =>
      kind === "share" ? new Box(state) : revive.finish(kind, module, name, state, shell),
  };
  const wraps: ((inner: unknown) => unknown)[] = [
    (inner) => new Box(inner),
    (inner) => [inner],
    (inner) => new Point(1, inner),
    (inner) => ({ inner }),
  ];
  for (const pattern of [[0], [0, 1], [0, 1, 2], [0, 0, 0, 3, 2], [2, 0, 2, 2, 1], [1, 0, 0]]) {
    let passed = 0;
    for (let levels = 0; levels < 600; levels++) {
      let value: unknown = [[["bottom"]]];
      for (let i = 0; i < levels; i++) value = wraps[pattern[i % pattern.length]](value);
      let bytes: Uint8Array;
      try {
        bytes = encode(value, boxing);
      } catch (error) {
        assert(error instanceof RangeError, `${error}`);
        continue;
      }
      decode(bytes, unboxing);
      passed++;
    }
    assert(passed > 250, `${pattern}: ${passed}`);
  }
});

// Buffers

Deno.test("encode() gives bytes that later messages leave alone", () => {
  const random = randoms(2);
  const kept: [unknown, Uint8Array][] = [];
  for (let i = 0; i < 3000; i++) {
    const value = ["x".repeat(random(i % 100 === 0 ? 200_000 : 60)), { i }, random(2 ** 31)];
    kept.push([value, encode(value, reduce)]);
  }
  for (const [value, bytes] of kept) assertEquals(decode(bytes, revive), value);
  for (const size of [1e6, 2 ** 20, 2 ** 20 + 1, 3e6]) {
    const bytes = encode(new Uint8Array(size).fill(7), reduce);
    assert(bytes.byteLength < size + 16 && bytes.buffer.byteLength <= 1.34 * size + 16);
    assertPasses(new Uint8Array(size).fill(9), `${size} bytes`);
    assertEquals((decode(bytes, revive) as Uint8Array).every((byte) => byte === 7), true);
  }
});

Deno.test("encodeInto() writes what encode() gives, or -1 if it does not fit", () => {
  const random = randoms(3);
  const simple = [0, 127, 128, -1, 2 ** 31, 0.5, -0, NaN, true, false, null, undefined];
  const chosen: unknown[] = [
    ["日本".repeat(100), "x".repeat(100), new Point(1)],
    ...simple,
    simple,
    simple.slice(0, 11),
    [],
    [...simple, "x"],
    [1, [2]],
    new Array(3),
    ...[15, 16, 17].flatMap((length) => [0, 0.5].map((it) => new Array(length).fill(it))),
  ];
  for (let i = 0; i < 300; i++) {
    const value = i < chosen.length ? chosen[i] : randomValue(random, 3);
    const bytes = encode(value, reduce);
    for (const target of [new Uint8Array(50_000), new Uint8Array(new SharedArrayBuffer(50_000))]) {
      assertEquals(encodeInto(target, 5, value, reduce), bytes.length);
      assertEquals(target.slice(5, 5 + bytes.length), bytes);
      assertEquals(target[5 + bytes.length], 0);
      assert(isDeepStrictEqual(decode(target.subarray(5, 5 + bytes.length), revive), value));
    }
    for (let size = 0; size < Math.min(bytes.length + 8, 600); size++) {
      const target = new Uint8Array(size + 20);
      const written = encodeInto(target.subarray(0, size + 10), 10, value, reduce);
      if (written !== bytes.length) {
        assertEquals(written, -1);
        assert(size < bytes.length + 8);
      } else assert(size >= bytes.length);
      assertEquals(target.slice(size + 10), new Uint8Array(10));
    }
    assertPasses(value);
  }
});

// Malformed bytes

Deno.test("decode() says what is wrong and where", () => {
  const far = [0xff, 0xff, 0xff, 0xff, 0x0f];
  const wrong: [number[], typeof Error, string][] = [
    [[], RangeError, "1 bytes expected, 0 left, at offset 0"],
    [[0x7b], TypeError, "unknown format 0x7b, at offset 0"],
    [[FORMAT], RangeError, "at offset 1"],
    [[FORMAT, 0x3f], TypeError, "unknown tag 0x3f, at offset 1"],
    [[FORMAT, 0x00], TypeError, "unknown tag 0x00, at offset 1"],
    [[FORMAT, 0x81, 0x82], TypeError, "1 bytes follow its end, at offset 2"],
    [[FORMAT, 0x45, 0x61], RangeError, "5 bytes expected, 1 left, at offset 2"],
    [[FORMAT, OBJECT, 0x81, 0x81, 0], TypeError, "a string expected, tag 0x81 found, at offset 2"],
    [[FORMAT, OBJECT, AGAIN, 0x81, 0], TypeError, "a string expected, tag 0x19"],
    [
      [FORMAT, ARRAY, 1, OBJECT, AGAIN, 0x81, 0],
      TypeError,
      "no key stood here before, at offset 4",
    ],
    [[FORMAT, ARRAY, ...far], TypeError, "an array of 4294967295 elements in 0 bytes"],
    [[FORMAT, SPARSE, 0xff, 0xff, 0xff, 0xff, 0x1f], TypeError, "an array of 8589934591 elements"],
    [[FORMAT, SPARSE, 3, HOLES, 4], TypeError, "more holes than the array is long"],
    [[FORMAT, ARRAY, 1, HOLES], TypeError, "unknown tag 0x13"],
    [[FORMAT, INT32S, 2, 1, 0, 0, 0], RangeError, "8 bytes expected, 4 left"],
    [[FORMAT, FLOAT64S, ...far], RangeError, "34359738360 bytes expected, 0 left"],
    [[FORMAT, 0x0d, ...far], RangeError, "4294967295 bytes expected, 0 left"],
    [[FORMAT, 0x0e, 99, 0], TypeError, "unknown kind of view 99"],
    [[FORMAT, 0x0e, 4, 3, 0, 0, 0], TypeError, "no whole number of elements of Int16Array"],
    [[FORMAT, 0x09, 0xff, 0xff, 0xff, 0xff], RangeError, "4294967295 bytes expected"],
    [[FORMAT, 0x09, 1, 0, 0, 0, 0xff], TypeError, "a string is not UTF-8"],
    [[FORMAT, 0x08, 0x42, 0x2d, 0x78], TypeError, "a bigint has other characters than digits"],
    [[FORMAT, 0x08, 0x40], TypeError, "a bigint has other characters than digits"],
    [[FORMAT, 0x0c, 0x41, 0x28, 0x40], TypeError, "a RegExp does not parse"],
    [[FORMAT, 0x0d, ...new Array(9).fill(0xff), 0], TypeError, "number too l"],
    [[FORMAT, 0x16, 0], TypeError, "no object has the number 0"],
    [[FORMAT | 1, 0x16, 0], TypeError, "no object has the number 0"],
    [[FORMAT, 0x17, 0x81], TypeError, "tag 0x81 cannot be put off, at offset 1"],
    [[FORMAT, 0x17, ARRAY, OBJECT, 0], TypeError, "another container's contents"],
    [[FORMAT, 0x17, ARRAY], RangeError, "1 bytes expected, 0 left"],
    [[FORMAT, 0x18, 9, 0, 0x41, 0x61, 0x01], TypeError, "unknown kind of reduction 9"],
    [[FORMAT, 0x18, 0, 0, 0x41, 0x61, 0x01], TypeError, "no module has the number 0"],
    [[FORMAT | 2, 0x01], RangeError, "4 bytes expected"],
    [[FORMAT | 2, 0x01, 99, 0, 0, 0], TypeError, "a table of modules of 99 bytes"],
    [[FORMAT | 2, 0x01, 9, 1, 0, 0, 0], TypeError, "9 modules in 1 bytes"],
    [[FORMAT | 2, 0x01, 0, 0, 2, 0, 0, 0], TypeError, "the table of modules has another length"],
  ];
  for (const [bytes, Class, message] of wrong) {
    const error = assertThrows(() => decode(bytesOf(...bytes), revive), Class, message);
    assert(error.message.startsWith("Cannot decode the value: "), error.message);
  }
});

Deno.test("decode() ends nesting that encode() would not write", () => {
  for (const tag of [ARRAY, 0x15, 0x14]) {
    const bytes = new Uint8Array(200_000).fill(tag);
    if (tag === ARRAY) bytes.forEach((_, i) => i % 2 === 0 && (bytes[i] = 1));
    bytes[0] = FORMAT;
    assertThrows(() => decode(bytes, revive), TypeError, "nested too deeply");
  }
});

Deno.test("decode() does not make room for more than the bytes can fill", () => {
  const nested: number[] = [FORMAT]; // 500 arrays, each as long as the input allows
  for (let i = 0; i < 500; i++) nested.push(ARRAY, 0x80, 0xa0, 0x03); // 53,248 elements
  const dense = new Uint8Array(60_000);
  dense.set(nested);
  const sparse: number[] = [FORMAT, ARRAY, 0xd0, 0x0f]; // 2,000 arrays, each with a million holes
  for (let i = 0; i < 2000; i++) sparse.push(SPARSE, 0xc0, 0x84, 0x3d, HOLES, 0xc0, 0x84, 0x3d);
  const before = Deno.memoryUsage().heapUsed;
  assertThrows(() => decode(dense, revive), TypeError, "unknown tag 0x00");
  const arrays = decode(bytesOf(...sparse), revive) as unknown[][];
  assert(Deno.memoryUsage().heapUsed - before < 32e6);
  assert(arrays.length === 2000 && arrays.every((array) => array.length === 1e6));
});

Deno.test("decode() gives a value or a clear error for 100,000 mutated inputs", async () => {
  const random = randoms(4);
  const point = new Point(1, [double, new Lock(3)]);
  const corpus = [
    { id: 123, s: "hello" },
    [point, { point, e: new Error("e", { cause: point }) }, double],
    [
      "日本".repeat(20),
      "x".repeat(99),
      "é\ud800",
      1.5,
      -0,
      1e9,
      5n,
      2n ** 100n,
      /a(b)/g,
      new Date(5),
    ],
    [{ a: 1, b: { c: 2 } }, { a: 3, b: { c: 4 } }, new Map([[1, new Set([2])]]), [1, , 3, , ,]],
    [new Uint8Array(9), new Float64Array(2), new DataView(new ArrayBuffer(3)), new ArrayBuffer(5)],
    Array.from({ length: 12 }, (_, i) => randomValue(random, i % 4)),
  ];
  let deep: unknown = { end: 1 };
  for (let i = 0; i < 300; i++) deep = i % 5 ? [deep] : { deep };
  const inputs = [...corpus, deep].map((value) => encode(value, reduce));
  let values = 0;
  const look = (i: number) => {
    const bytes = mutate(inputs[i % inputs.length], inputs[random(inputs.length)], random);
    try {
      modulesOf(bytes);
      const value = decode(bytes, revive);
      values++;
      const size = weigh(value);
      assert(size <= 2 * bytes.length, `${bytes.length} bytes make ${size}: ${bytes}`);
    } catch (error) {
      const clear = (error instanceof TypeError || error instanceof RangeError) &&
        /^Cannot decode the value: .*, at offset \d+$/s.test(error.message);
      if (!clear) throw new Error(`input ${i}: ${bytes}`, { cause: error });
    }
  };
  await withoutStacks(() => {
    for (let i = 0; i < 100_000; i++) look(i);
  });
  assert(values > 1000, `only ${values} of them were values`);
});

function mutate(
  bytes: Uint8Array,
  other: Uint8Array,
  random: (below: number) => number,
): Uint8Array {
  let list = [...bytes];
  for (let changes = 1 + random(3); changes > 0; changes--) {
    const at = random(list.length);
    switch (random(7)) {
      case 0:
        list[at] = random(256);
        break;
      case 1:
        list[at] ^= 1 << random(8);
        break;
      case 2:
        list.length = at;
        break;
      case 3:
        list.splice(at, 1 + random(4));
        break;
      case 4:
        list.splice(at, 0, ...Array.from({ length: 1 + random(4) }, () => random(256)));
        break;
      case 5: // a huge number where a length may stand
        list.splice(at, 1, 0xff, 0xff, 0xff, 0xff, random(128));
        break;
      case 6:
        list = [...list.slice(0, at), ...other.slice(random(other.length))];
    }
  }
  return Uint8Array.from(list);
}

/** Counts what a value holds: elements, entries, bytes and units, each object once. */
function weigh(value: unknown): number {
  const seen = new Set<object>();
  const todo = [value];
  let size = 0;
  while (todo.length > 0) {
    const next = todo.pop();
    size++;
    if (typeof next === "string") size += next.length;
    if (typeof next !== "object" || next === null || seen.has(next)) continue;
    seen.add(next);
    if (ArrayBuffer.isView(next) || next instanceof ArrayBuffer) size += next.byteLength;
    else if (next instanceof Map) todo.push(...next.keys(), ...next.values());
    else if (next instanceof Set) todo.push(...next);
    else todo.push(...Object.values(next));
  }
  return size;
}
