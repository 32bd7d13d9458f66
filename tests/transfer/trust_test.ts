/**
 * What may be loaded, found and made when bytes are read, and what that may cost.
 *
 * @module
 */
import { assert, assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { ShareError } from "../../lib/errors.ts";
import { RemoteQueue } from "../../lib/remote.ts";
import { task } from "../../lib/task.ts";
import { theArena } from "../../lib/memory/arena.ts";
import { decode, encode } from "../../lib/transfer/codec/codec.ts";
import {
  BARE,
  BUFFER,
  END,
  LATER,
  MAP,
  REGEXP,
  SET,
  SHORT,
  VIEW,
} from "../../lib/transfer/codec/format.ts";
import { packedFor, packFor } from "../../lib/transfer/flight.ts";
import { pack, unpack } from "../../lib/transfer/pack.ts";
import { reducer, revive, reviveBelow, reviveFrom } from "../../lib/transfer/reduce.ts";
import type { TrustLevel } from "../../lib/transfer/reduction.ts";
import { checkState, kindOf, restoreShareable, SHAREABLES } from "../../lib/transfer/shareable.ts";
import {
  admit,
  find,
  findErrorClass,
  findExport,
  load,
  referTo,
  toLoad,
} from "../../lib/transfer/task.ts";
import { LACKS, unless } from "../_help/lacks.ts";
import { memoryOf } from "../_help/memory.ts";
import { within } from "../_help/within.ts";
import { error, forged, instance, target } from "../security/_forge.ts";

const SOURCES: TrustLevel[] = ["equal", "below"];
const reduce = reducer("process");

function moduleOf(code: string): string {
  return `data:application/typescript,${encodeURIComponent(`${code}// ${crypto.randomUUID()}`)}`;
}

// What may be loaded

Deno.test("toLoad() from below gives what is here and has not been loaded, and nothing else", async () => {
  const strange = moduleOf("");
  const tasks = moduleOf("");
  task({ url: tasks } as ImportMeta, () => {});
  const ours = [...SHAREABLES][0]!;
  const modules = [strange, "npm:x", "https://example.com/x.ts", tasks, ours, Deno.mainModule];
  assertEquals(toLoad(modules, "equal"), modules);
  assertEquals(toLoad(modules, "below"), [tasks, ours, Deno.mainModule]);
  await admit([strange, tasks], "below");
  assertEquals(toLoad([strange, tasks], "below"), []);
  assertEquals(toLoad([strange, tasks], "equal"), [strange]);
});

Deno.test("admit() loads what it can, and throws the first error, for an equal", async () => {
  const bad = moduleOf("throw new RangeError('bad');");
  const good = moduleOf("export function good() {}");
  const thrown = await admit([bad, good], "equal").catch((error) => error);
  assertInstanceOf(thrown, RangeError);
  assertEquals(toLoad([bad, good], "equal"), [bad]);
});

Deno.test("SHAREABLES are the modules whose objects cross between processes", async () => {
  // Those of threads; and a RemoteQueue, which goes down only: see below.
  const others = /^(?:sync\/|channel\/shareables\.ts$|remote\/queue\.ts$)/;
  const root = new URL("../../lib/", import.meta.url);
  const found: string[] = [];
  const look = async (folder: URL) => {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      const url = new URL(isDirectory ? `${name}/` : name, folder);
      if (isDirectory) await look(url);
      else if (/^shareable\($|^shareable\(import\.meta/m.test(await Deno.readTextFile(url))) {
        const path = url.href.slice(root.href.length);
        if (!others.test(path)) found.push(url.href);
      }
    }
  };
  await look(root);
  assertEquals([...SHAREABLES].sort(), found.sort());
});

Deno.test("a RemoteQueue from below is refused: its URL is where this process would go", () => {
  const { module, name } = kindOf(new RemoteQueue("jobs", { url: "memory:" }))!;
  const state = { name: "jobs", options: { url: "amqp://elsewhere/" } };
  assertThrows(() => restoreShareable(module, name, state, "below"), ShareError, "no shareable");
  assertInstanceOf(restoreShareable(module, name, state, "equal"), RemoteQueue);
});

// What may be found

Deno.test("find() takes tasks and exports of the main module, and no other export", async () => {
  const module = moduleOf(
    `export { exec } from "node:child_process";
     export class Bad extends Error {}
     export class Worker {}
     export function run() {}`,
  );
  await load(module);
  const { Bad, Worker, run } = await import(module);
  const { exec } = await import("node:child_process");
  for (const found of [exec, Bad, Worker, run]) {
    const reference = { module, name: found.name, print: printOf(found) };
    assertThrows(() => find(reference), TypeError, "has no export of that name");
  }
  assertEquals(findExport({ module, name: "Worker", print: printOf(Worker) }), Worker);
  assertEquals(findErrorClass({ module, name: "Bad", print: printOf(Bad) }), Bad);
  assertThrows(() => findErrorClass({ module, name: "Worker", print: printOf(Worker) }), TypeError);
  const marked = task({ url: module } as ImportMeta, run);
  assertEquals(find(referTo(marked)), marked);
});

/** A fingerprint (FNV-1a), as task.ts takes it. */
function printOf(target: unknown): number {
  let hash = 0x811c9dc5;
  for (const char of Function.prototype.toString.call(target)) {
    hash = Math.imul(hash ^ char.charCodeAt(0), 0x01000193);
  }
  return hash >>> 0;
}

Deno.test("packFor() tells who will receive what is packed, and only meanwhile", () => {
  const seen: TrustLevel[] = [packedFor()];
  packFor("below", () => {
    seen.push(packedFor());
    packFor("equal", () => seen.push(packedFor()));
    assertThrows(() =>
      packFor("equal", () => {
        throw new Error("in the midst");
      })
    );
    seen.push(packedFor());
  });
  seen.push(packedFor());
  assertEquals(seen, ["equal", "below", "equal", "below", "equal"]);
});

Deno.test("a module whose top level waits for its own task's error is given it", async () => {
  const module = new URL("./_waits_for_itself.ts", import.meta.url).href;
  const code = `if (import.meta.main) await import(${JSON.stringify(module)});`;
  const program = `data:text/javascript,${encodeURIComponent(code)}`;
  const { stdout, stderr } = await within(
    60_000,
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--quiet", "--no-check", program, "wait"],
      env: { NO_COLOR: "1" },
    }).output(),
  );
  const text = new TextDecoder();
  assertEquals(text.decode(stdout), "Oops: no\nOops: no\n", text.decode(stderr));
});

// What may be made

const call = task(import.meta, function call() {});
class Counted {
  static set = 0;
  n = 0;
  get double() {
    return 2 * this.n;
  }
  set double(_: number) {
    Counted.set++;
  }
}
task(import.meta, Counted);

for (const key of ["then", "toJSON", "toString", "valueOf"]) {
  Deno.test(`a function stands nowhere under ${key}`, () => {
    const { module, name, print } = referTo(call);
    const fn = target(module, name, print);
    let deep: unknown = { [key]: fn };
    for (let k = 0; k < 600; k++) deep = [deep];
    const fields = [[key, fn, true]];
    const { print: known } = referTo(Counted);
    const values: unknown[] = [
      { [key]: fn },
      { first: fn, again: { [key]: fn } },
      Object.assign(Object.create(null), { [key]: fn }),
      new Map([["k", { [key]: fn }]]),
      deep,
      error("", "Error", { fields }),
      instance(referTo(Counted).module, "Counted", known, { [key]: fn }),
    ];
    for (const value of values) {
      for (const source of SOURCES) {
        assertThrows(() => decode(forged(value), reviveFrom(source)), ShareError);
      }
    }
    // One that is met again is known by its number.
    const twice = { first: fn, [key]: fn };
    assertThrows(() => decode(forged(twice), revive), ShareError, key);
    // Data is data.
    assertEquals(decode(encode({ [key]: 1 }, reduce), revive), { [key]: 1 });
    assertEquals(decode(encode(new Map([[key, call]]), reduce), revive), new Map([[key, call]]));
    // Between threads likewise.
    const empty = {};
    const packed = {
      value: { [key]: empty },
      stands: [[empty, { kind: "target", module, name, state: print }]],
    };
    assertThrows(() => unpack(structuredClone(packed) as never, revive), ShareError, key);
    assertThrows(() => pack({ [key]: call }, reducer("thread"), "args"), ShareError, key);
    assertThrows(() => encode({ [key]: call }, reduce), ShareError, key);
  });
}

Deno.test("an instance is filled by fields of its own, whatever they are called", () => {
  const { module, name, print } = referTo(Counted);
  const fields = JSON.parse(
    `{ "n": 1, "double": 5, "constructor": 7, "__proto__": { "evil": 1 } }`,
  );
  for (const source of SOURCES) {
    Counted.set = 0;
    const made = decode(forged(instance(module, name, print, fields)), reviveFrom(source));
    assertInstanceOf(made, Counted);
    assertEquals(Object.getPrototypeOf(made), Counted.prototype);
    assertEquals(Object.keys(made), ["n", "double", "constructor", "__proto__"]);
    assertEquals([Counted.set, (made as unknown as { evil: unknown }).evil], [0, undefined]);
  }
});

Deno.test("checkState() names the part that is wrong", () => {
  const shape = { at: "any", name: "string?", n: "number" } as const;
  assertEquals(checkState({ at: 1, name: undefined, n: 2 }, "a thing", shape), {
    at: 1,
    name: undefined,
    n: 2,
  });
  const wrong: [unknown, string][] = [
    [undefined, "Cannot decode a thing: its state must be an object, received undefined"],
    [null, "Cannot decode a thing: its state must be an object, received null"],
    [{ n: 1 }, "Cannot decode a thing: its at must be of type any, received undefined"],
    [
      { at: 1, name: 5, n: 1 },
      "Cannot decode a thing: its name must be of type string, received 5",
    ],
    [{ at: 1, n: null }, "Cannot decode a thing: its n must be of type number, received null"],
    [Object.create({ at: 1, n: 1 }), "its at must be of type any, received undefined"],
  ];
  for (const [state, message] of wrong) {
    assertThrows(() => checkState(state, "a thing", shape), TypeError, message);
  }
});

Deno.test({
  ...unless(LACKS.memory, "a place in the family's memory is one that was allocated"),
  fn() {
    const arena = theArena();
    const base = arena.allocate(32).share("process", () => "", "") as number;
    assertEquals(arena.place(base, 32).base, base);
    for (const at of [base + 1, base - 1, -base, base + 0.5, base + (1 << 20), NaN, "0", {}]) {
      assertThrows(() => arena.place(at, 16), RangeError, "is not a place in it");
    }
    for (const count of [1 << 20, NaN, Infinity]) {
      assertThrows(() => arena.place(base, count), RangeError, "is not a place in it");
    }
  },
});

// What it may cost

const MIB = 1 << 20;

/** A list of so many values that are all these bytes. */
function listOf(count: number, item: number[]): Uint8Array {
  const length: number[] = [];
  for (let rest = count; rest > 0; rest = Math.floor(rest / 128)) {
    length.push(rest % 128 | (rest >= 128 ? 128 : 0));
  }
  const bytes = new Uint8Array(2 + length.length + count * item.length);
  bytes.set([...encode([], reduce).subarray(0, 2), ...length]);
  for (let k = 0; k < count; k++) bytes.set(item, 2 + length.length + k * item.length);
  return bytes;
}

const BOMBS: Record<string, number[]> = {
  "Map": [MAP, END],
  "Set": [SET, END],
  "objects without a prototype": [BARE, END],
  "RegExp": [REGEXP, SHORT, SHORT],
  "ArrayBuffer": [BUFFER, 0],
  "Uint8Array": [VIEW, 2, 0],
};

for (const [what, item] of Object.entries(BOMBS)) {
  Deno.test(`4 MiB of empty ${what} from below are a RangeError`, () => {
    const bytes = listOf(Math.floor(4 * MIB / item.length), item);
    const before = memoryOf();
    assertThrows(
      () => decode(bytes, reviveBelow),
      RangeError,
      `Cannot decode the value: its ${bytes.length} bytes would become more than`,
    );
    assert(memoryOf() - before < 640 * MIB);
  });
}

Deno.test("2 MiB of Maps that are put off are a RangeError from below", () => {
  const item = [LATER, MAP];
  const list = listOf(MIB, item);
  let deep = list;
  const wrap = encode([[]], reduce).subarray(1, 3);
  for (let k = 0; k < 3; k++) deep = new Uint8Array([deep[0]!, ...wrap, ...deep.subarray(1)]);
  assertThrows(() => decode(deep, reviveBelow), RangeError, "would become more than");
});

Deno.test("errors from below are charged for what they hold", () => {
  const empty = { message: "", stack: "" };
  const errors = forged(Array.from({ length: 150_000 }, () => error("", "", empty)));
  assertThrows(() => decode(errors, reviveBelow), RangeError, "would become more than");
});

const HONEST: Record<string, () => unknown> = {
  "a million empty objects": () => Array.from({ length: 1_000_000 }, () => ({})),
  "a million empty lists": () => Array.from({ length: 1_000_000 }, () => []),
  "100,000 records": () =>
    Array.from({ length: 100_000 }, (_, id) => ({ id, name: `item ${id}`, tags: ["a"], ok: true })),
  "a Map of 100,000 names": () =>
    new Map(Array.from({ length: 100_000 }, (_, k) => [`name ${k}`, { k }])),
  "an object of 100,000 keys": () =>
    Object.fromEntries(Array.from({ length: 100_000 }, (_, k) => [`key ${k}`, k])),
  "a Set of 400,000 integers": () =>
    new Set(Array.from({ length: 400_000 }, (_, k) => Math.imul(k, 2654435761))),
  "a Set of 400,000 other numbers": () =>
    new Set(Array.from({ length: 400_000 }, (_, k) => k * 0.37)),
  "100,000 Dates": () => Array.from({ length: 100_000 }, (_, k) => new Date(k)),
  "100,000 small Maps": () => Array.from({ length: 100_000 }, (_, k) => new Map([[k, k]])),
  "a million numbers": () => Array.from({ length: 1_000_000 }, (_, k) => k / 3),
  "32 MiB of text": () => "x".repeat(32 * MIB),
  "32 MiB of bytes": () => new Uint8Array(32 * MIB),
  "a list with large holes": () => Object.assign([], { 4_000_000_000: 1 }),
};

for (const [what, make] of Object.entries(HONEST)) {
  Deno.test(`honest data from below is read: ${what}`, () => {
    const value = make();
    assertEquals(sizeOf(decode(encode(value, reduce), reviveBelow)), sizeOf(value));
  });
}

function sizeOf(value: unknown): number {
  if (typeof value !== "object") return String(value).length;
  if (value instanceof Map || value instanceof Set) return value.size;
  return ArrayBuffer.isView(value) ? value.byteLength : Object.keys(value!).length;
}

Deno.test("an equal's Maps are not counted", () => {
  const list = decode(listOf(600_000, [MAP, END]), revive) as unknown[];
  assertEquals(list.length, 600_000);
});

// Keys that collide

/** The odd number that undoes a multiplication by `a` (mod 2^32). */
function inverse(a: number): number {
  let x = a;
  for (let k = 0; k < 5; k++) x = Math.imul(x, 2 - Math.imul(a, x));
  return x;
}

function unshift(hash: number, by: number): number {
  let x = hash;
  for (let k = by; k < 32; k += by) x = hash ^ (x >>> by);
  return x;
}

/** The integer that V8 gives this hash, which has no seed (`ComputeUnseededHash`). */
function keyOf(hash: number): number {
  let h = Math.imul(unshift(hash, 16), inverse(2057));
  h = Math.imul(unshift(h, 4), inverse(5));
  return Math.imul(unshift(h, 12) + 1, inverse(32767)) | 0;
}

const COLLIDING: Record<string, (k: number) => unknown> = {
  integers: (k) => keyOf(k << 14),
  bigints: (k) => BigInt(k) << 64n,
};

for (const [what, key] of Object.entries(COLLIDING)) {
  Deno.test(`a Set or Map of ${what} that collide is given up early`, () => {
    const count = 40_000;
    const keys = Array.from({ length: count }, (_, k) => key(k));
    for (const [open, more] of [[SET, []], [MAP, [0x80]]] as const) {
      const parts = keys.map((key) => [...encode(key, reduce).subarray(1), ...more]);
      const bytes = new Uint8Array([encode(0, reduce)[0]!, open, ...parts.flat(), END]);
      const error = assertThrows(() => decode(bytes, reviveBelow), RangeError, "collide");
      const [, after] = /of (\d+) entries/.exec(error.message)!;
      assert(Number(after) < count, `${after} entries were read`);
    }
  });
}
