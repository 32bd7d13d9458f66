/**
 * A child with fewer permissions says what it likes, and its parent imports nothing, runs nothing,
 * and says what was wrong.
 *
 * @module
 */
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { makePrivateFolder, removeFolder } from "../../lib/channel/socket/private_folder.ts";
import { ProcessPoolExecutor } from "../../lib/futures.ts";
import { type Connection, pipe, Pool, Process, Queue } from "../../lib/multiprocessing.ts";
import { ShareError } from "../../lib/errors.ts";
import { task } from "../../lib/task.ts";
import { encode } from "../../lib/transfer/codec/codec.ts";
import { packFor } from "../../lib/transfer/flight.ts";
import { reducer } from "../../lib/transfer/reduce.ts";
import { referTo } from "../../lib/transfer/task.ts";
import { QUIET } from "../../lib/child/plan.ts";
import { within } from "../_help/within.ts";
import {
  answer,
  answerReport,
  carry,
  carryInner,
  done,
  echo,
  error,
  failed,
  Forged,
  forged,
  instance,
  LEAST,
  makePipe,
  makeQueue,
  MAPPED,
  report,
  say,
  shared,
  target,
  withTable,
} from "./_forge.ts";
import { evil, runsNothing } from "./_watch.ts";

const LIMIT = 20_000;
const place = () => "value";
const mayMap = Deno.build.os === "linux";

/** What a child that says these frames gives. */
async function resultOf(frames: Uint8Array[], onReport?: (value: unknown) => void) {
  const child = new Process(say, {
    args: [frames],
    permissions: LEAST,
    ...(onReport === undefined ? {} : { onReport }),
  });
  child.start();
  const result = await within(
    LIMIT,
    child.result().then((value) => ({ value }), (error) => ({ error })),
  );
  await within(LIMIT, child.join());
  return result as { value?: unknown; error?: unknown };
}

/** The parent's own. */
let calls: string[] = [];
export const wipe = task(import.meta, function wipe() {
  calls.push("wipe");
});
const own = () => {
  const { module, name, print } = referTo(wipe);
  return target(module, name, print);
};

export class Sleeper {
  seconds = 0;
  set alarm(value: unknown) {
    calls.push(`alarm ${value}`);
  }
}
task(import.meta, Sleeper);

export class Query {
  sql = "";
  then() {
    calls.push(this.sql);
  }
}
task(import.meta, Query);

export class Alarm extends Error {
  seconds = 0;
  set alarm(value: unknown) {
    calls.push(`alarm ${value}`);
  }
}
task(import.meta, Alarm);

export class Awaited extends Error {
  then() {
    calls.push(this.message);
  }
}
task(import.meta, Awaited);

/** Exported by the main module, and not marked. */
export class Point {
  constructor(public x = 0, public y = 0) {}
}
export class Refused extends Error {
  override name = "Refused";
  constructor(message: string, readonly code = 0) {
    super(message);
  }
}
export function givePoint() {
  return new Point(1, 2);
}
export function refuse() {
  throw new Refused("no", 7);
}

const MODULES: Record<string, () => string> = {
  "a data: URL": evil,
  "an npm: package": () => "npm:left-pad@1.3.0",
  "a jsr: package": () => "jsr:@std/ulid@1.0.0",
  "a file": () => new URL("./_marks.ts", import.meta.url).href,
  "a module of the library that shares nothing": () =>
    new URL("../../lib/subprocess/run.ts", import.meta.url).href,
};

const WAYS: Record<string, (module: string) => Uint8Array[]> = {
  "a function in a result": (module) => [done(forged({ deep: [target(module, "run")] }))],
  "an object of a class in a result": (module) => [done(forged(instance(module, "Bad", 0, {})))],
  "a shared object in a result": (module) => [
    done(forged(new Forged({ kind: "share", module, name: "Lock", state: 1 }))),
  ],
  "the table alone of a result": (module) => [done(withTable(5, [module]))],
  "the class of an error": (module) => [failed(forged(error(module, "Bad")))],
  "a field of an error": (module) => [
    failed(forged(error("", "TypeError", { fields: [["why", target(module, "run"), true]] }))),
  ],
  "the cause of an error": (module) => [
    failed(forged(error("", "Error", { fields: [["cause", error(module, "Bad"), false]] }))),
  ],
  "a report": (module) => [report(forged([target(module, "run")])), done(forged(1))],
};

for (const [what, make] of Object.entries(MODULES)) {
  for (const [way, frames] of Object.entries(WAYS)) {
    Deno.test(`a child below its parent cannot have it import ${what} by ${way}`, async () => {
      await runsNothing(async () => {
        const module = make();
        const { value, error } = await resultOf(frames(module), () => {});
        if (way === "the table alone of a result") return assertEquals(value, 5);
        assertInstanceOf(error, Error);
        if (way === "the class of an error") {
          assertEquals([error.name, error.message], ["Bad", "forged"]);
        } else if (way === "the cause of an error") {
          assertEquals((error.cause as Error).name, "Bad");
        } else assertInstanceOf(error, ShareError);
      });
    });
  }
}

Deno.test("a child below its parent cannot have it ask a server", async () => {
  const asked: string[] = [];
  await using server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, ({ url }) => {
    asked.push(url);
    return new Response("export class Bad extends Error {}", {
      headers: { "content-type": "text/javascript" },
    });
  });
  const module = `http://127.0.0.1:${server.addr.port}/bad.js`;
  for (const frames of Object.values(WAYS)) await resultOf(frames(module), () => {});
  assertEquals(asked, []);
});

const ACTING: Record<string, () => unknown> = {
  then: () => ({ then: own() }),
  "then, deep": () => [{ rows: [{ then: own() }] }],
  toJSON: () => ({ toJSON: own() }),
  toString: () => ({ toString: own() }),
  valueOf: () => ({ valueOf: own() }),
  "then of an error": () => error("", "Error", { fields: [["then", own(), true]] }),
  "a function": () => ({ any: own() }),
};

for (const [what, value] of Object.entries(ACTING)) {
  Deno.test(`a child below its parent cannot name the parent's own function: ${what}`, async () => {
    calls = [];
    const { error } = await resultOf([done(forged(value()))]);
    assertInstanceOf(error, ShareError);
    assertEquals(calls, []);
  });
}

Deno.test("an object of a class whose accessors would run arrives without running them", async () => {
  calls = [];
  const { module, name, print } = referTo(Sleeper);
  const fields = { seconds: 5, alarm: "rings" };
  const { value } = await resultOf([done(forged(instance(module, name, print, fields)))]);
  assertInstanceOf(value, Sleeper);
  assertEquals(Object.entries(value), [["seconds", 5], ["alarm", "rings"]]);
  assertEquals(calls, []);
});

Deno.test("an error of a class whose accessors would run arrives without running them", async () => {
  calls = [];
  const { module, name, print } = referTo(Alarm);
  const fields = [["alarm", "rings", true]];
  const { error: thrown } = await resultOf([
    failed(forged(error(module, name, { print, fields }))),
  ]);
  assertInstanceOf(thrown, Alarm);
  assertEquals(Object.entries(thrown), [["alarm", "rings"]]);
  assertEquals(calls, []);
});

for (const type of [Sleeper, Query, Awaited]) {
  Deno.test(`an error from below is of no class that is none of errors, or has a then(): ${type.name}`, async () => {
    calls = [];
    const { module, name, print } = referTo(type);
    // A value: who awaits the result would call its then().
    const { value } = await resultOf([done(forged(error(module, name, { print })))]);
    assertInstanceOf(value, Error);
    assertEquals([Object.getPrototypeOf(value), value.name], [Error.prototype, name]);
    assertEquals(calls, []);
  });
}

Deno.test("an object of a class with a then() of its own is refused from below", async () => {
  calls = [];
  const { module, name, print } = referTo(Query);
  const bytes = done(forged(instance(module, name, print, { sql: "DROP TABLE users" })));
  const { error } = await resultOf([bytes]);
  assertInstanceOf(error, ShareError);
  assertEquals(calls, []);
});

Deno.test("an object of an unknown class from below is a ShareError that names class and module", async () => {
  const { error } = await resultOf([done(forged(instance("file:///gone.ts", "Ghost", 1, {})))]);
  assertInstanceOf(error, ShareError);
  assert(/Ghost/.test(error.message) && /file:\/\/\/gone\.ts/.test(error.message), error.message);
});

Deno.test("an error of an unknown class from below keeps name, message, stack, fields and cause", async () => {
  const inner = error("", "RangeError", { message: "inner" });
  const fields = [["code", 42, true], ["cause", inner, false]];
  const bytes = forged(error("file:///gone.ts", "GhostError", { message: "boo", fields }));
  const { error: thrown } = await resultOf([failed(bytes)]);
  assertInstanceOf(thrown, Error);
  assertEquals(Object.getPrototypeOf(thrown), Error.prototype);
  assertEquals([thrown.name, thrown.message, (thrown as never as { code: number }).code], [
    "GhostError",
    "boo",
    42,
  ]);
  assertInstanceOf(thrown.cause, RangeError);
  assertEquals(thrown.stack?.includes("at forge"), true);
});

for (const [level, permissions] of [["below", { net: false }], ["equal", undefined]] as const) {
  const options = permissions === undefined ? {} : { permissions };
  Deno.test(`classes of the main module arrive from a child that is ${level}`, async () => {
    await using child = new Process(givePoint, options).start();
    const point = await within(LIMIT, child.result());
    assertInstanceOf(point, Point);
    assertEquals(point, new Point(1, 2));
    const failing = new Process(refuse, { ...options, ...{ [QUIET]: true } }).start();
    const thrown = await assertRejects(() => within(LIMIT, failing.result()), Refused);
    assertEquals([thrown.message, thrown.code], ["no", 7]);
    await failing.join();
  });
}

Deno.test("between equals a value brings its module along, and functions cross", async () => {
  const module = `data:application/typescript,${
    encodeURIComponent(`export class Extra extends Error { extra = true }`)
  }`;
  const { Extra } = await import(module);
  await using echoing = new Process(echo, { args: [{ call: wipe }] }).start();
  const fn = await within(LIMIT, echoing.result()) as { call: () => void };
  assertEquals(fn.call, wipe);
  await using child = new Process(say, {
    args: [[failed(forged(error(module, "Extra", { print: printOf(Extra) })))]],
  }).start();
  const thrown = await child.result().then(() => undefined, (error) => error);
  assertInstanceOf(thrown, Extra);
});

/** The fingerprint of a class's text, as the toolkit takes it. */
function printOf(type: new () => unknown): number {
  return referTo(type).print;
}

Deno.test("a function under then, toJSON, toString or valueOf is refused between equals, too", async () => {
  for (const key of ["then", "toJSON", "toString", "valueOf"]) {
    calls = [];
    const child = new Process(say, { args: [[done(forged({ [key]: own() }))]] }).start();
    await assertRejects(() => within(LIMIT, child.result()), ShareError, key);
    await child.join();
    assertEquals(calls, []);
    assertThrows(() => encode({ [key]: wipe }, reducer("process")), ShareError, key);
  }
});

Deno.test("an error from below does not end its receiver as exit() would", async () => {
  for (const name of ["SystemExit", "ThreadTerminated"]) {
    const { error: thrown } = await resultOf([
      failed(forged(error("", name, { fields: [["code", 0, true]] }))),
    ]);
    assertEquals([Object.getPrototypeOf(thrown), (thrown as Error).name], [Error.prototype, name]);
  }
});

Deno.test("a shared object from below has no then() that an await would call", async () => {
  const folder = makePrivateFolder();
  const token = new Uint8Array(32);
  const address = { folder, token, name: "m", rank: undefined, isBelow: true };
  for (const method of ["then", "toJSON", "get"]) {
    const proxy = shared("multiprocessing/manager/proxies/object.ts", "Object", {
      address,
      object: "0".repeat(32),
      methods: [method],
    });
    const { value, error } = await resultOf([done(forged(proxy))]);
    // The last is as it should be: so it was the method that was wrong.
    if (method === "get") assertEquals(typeof (value as { get: unknown }).get, "function");
    else assertInstanceOf(error, ShareError);
  }
  removeFolder(folder);
});

Deno.test("what is no shareable of processes is none from below", async () => {
  const heap = { buffer: new Uint8Array(64).buffer, base: 0 };
  for (
    const value of [
      shared("sync/lock.ts", "Lock", { at: heap, name: undefined }),
      shared("channel/shareables.ts", "Broadcast", "any"),
      shared("channel/shareables.ts", "Queue", { id: 1, words: new Uint8Array(4), order: "fifo" }),
    ]
  ) {
    const { error } = await resultOf([done(forged(value))]);
    assertInstanceOf(error, ShareError);
  }
});

const STATES: [module: string, name: string, state: unknown][] = [
  ["multiprocessing/sync.ts", "Lock", undefined],
  ["multiprocessing/sync.ts", "Lock", { at: -1, name: undefined }],
  ["multiprocessing/sync.ts", "Lock", { at: 17, name: undefined }],
  ["multiprocessing/sync.ts", "Lock", { at: 2 ** 40, name: undefined }],
  ["multiprocessing/sync.ts", "Condition", { at: 1, name: "c", lock: { acquire: 1 } }],
  ["multiprocessing/sync.ts", "Barrier", { at: 1, name: "c", parties: NaN }],
  ["multiprocessing/sync.ts", "Value", { at: 1, name: "c", type: {} }],
  ["multiprocessing/sync.ts", "Array", { at: 1, name: "c", type: "i32", length: [1, 2] }],
  ["multiprocessing/queue.ts", "Queue", { at: {}, maxsize: 0, entry: 1e9 }],
  ["channel/memory/pipe.ts", "RingConnection", {
    at: 1,
    end: 7,
    duplex: true,
    generation: 0,
    entry: -5,
  }],
  ["multiprocessing/shared_memory.ts", "SharedMemory", { name: "x", id: "y", pid: "../1", fd: 0 }],
  ["multiprocessing/shareable_list.ts", "ShareableList", []],
];

for (const [module, name, state] of STATES) {
  const shown = Deno.inspect(state, { breakLength: Infinity });
  Deno.test({
    name: `a forged state is a clear error: ${name} ${shown}`,
    ignore: !mayMap,
    fn: async () => {
      const { error } = await resultOf([done(forged(shared(module, name, state)))]);
      assertInstanceOf(error, Error);
      assert(/^Cannot (decode|open|create) /.test(error.message), error.message);
    },
  });
}

Deno.test({
  name: "what comes through memory from below names nothing",
  ignore: !mayMap,
  fn: async () => {
    const messages = () => {
      const module = evil();
      return [
        forged([target(module, "run")]),
        forged(instance(module, "Bad", 0, {})),
        withTable("fine", [module]),
        forged(error(module, "Bad")),
        forged({ then: own() }),
      ];
    };
    const check = async (take: () => Promise<unknown>) => {
      await assertRejects(take, ShareError);
      await assertRejects(take, ShareError);
      assertEquals(await take(), "fine");
      assertEquals(((await take()) as Error).name, "Bad");
      await assertRejects(take, ShareError);
    };
    await runsNothing(async () => {
      calls = [];
      const [here, there] = pipe();
      const sender = new Process(carry, {
        args: [there as never, messages()],
        permissions: MAPPED,
      }).start();
      there.close();
      await check(() => within(LIMIT, here.recv()));
      await sender.join();
      here.close();

      using queue = new Queue<unknown>();
      const putter = new Process(carry, {
        args: [queue as never, messages()],
        permissions: MAPPED,
      }).start();
      await check(() => within(LIMIT, queue.get()));
      await putter.join();
      assertEquals(calls, []);
    });
  },
});

Deno.test({
  name:
    "what a pipe or queue from below brings, and what is put into one that is given there, is below",
  ignore: !mayMap,
  fn: async () => {
    await runsNothing(async () => {
      // Given to a child as an argument, one queue carries another to it.
      using outer = new Queue<unknown>();
      using inner = new Queue<unknown>();
      const child = new Process(carryInner, {
        args: [outer, [forged([target(evil(), "run")])]],
        permissions: MAPPED,
      }).start();
      await outer.put(inner);
      await assertRejects(() => within(LIMIT, inner.get()), ShareError);
      await child.join();
      // Made by the child, and given to its parent.
      const maker = new Process(makeQueue, {
        args: [[forged([target(evil(), "run")])]],
        permissions: MAPPED,
      }).start();
      const made = await within(LIMIT, maker.result()) as Queue<unknown>;
      await assertRejects(() => within(LIMIT, made.get()), ShareError);
      await maker.join();
      made.close();
      const piper = new Process(makePipe, {
        args: [[forged([target(evil(), "run")])]],
        permissions: MAPPED,
      }).start();
      const end = await within(LIMIT, piper.result()) as Connection<unknown>;
      await assertRejects(() => within(LIMIT, end.recv()), ShareError);
      await piper.join();
      end.close();
    });
  },
});

Deno.test({
  name: "what goes through a queue or pipe to somebody below is theirs from then on",
  ignore: !mayMap,
  fn: async () => {
    await runsNothing(async () => {
      const messages = () => [forged([target(evil(), "run")])];
      const [here, there] = pipe<unknown>();
      using outer = new Queue<unknown>();
      const held = packFor(
        "below",
        () => [outer, there].map((it) => reducer("process")(it, place)),
      );
      assertEquals(held.length, 2);
      for (const send of [(it: unknown) => outer.put(it), (it: unknown) => here.send(it)]) {
        // In their stead, as they need not restore it as the toolkit does.
        using inner = new Queue<unknown>();
        await send(inner);
        carry(inner, messages());
        await assertRejects(() => within(LIMIT, inner.get()), ShareError);
        const [mine, theirs] = pipe<unknown>();
        await send(theirs);
        carry(theirs as never, messages());
        await assertRejects(() => within(LIMIT, mine.recv()), ShareError);
        for (const end of [mine, theirs]) end.close();
      }
      for (const end of [here, there]) end.close();
    });
  },
});

Deno.test({
  name: "what a pool's worker below its pool gives names nothing",
  ignore: !mayMap,
  fn: async () => {
    await runsNothing(async () => {
      calls = [];
      await using pool = new Pool(1, { permissions: MAPPED });
      const values = [
        forged([target(evil(), "run")]),
        forged(instance(evil(), "Bad", 0, {})),
        forged({ then: own() }),
        forged([own()]),
      ];
      for (const value of values) {
        await assertRejects(() => within(LIMIT, pool.apply(answer, [value])), ShareError);
      }
      const heard: unknown[] = [];
      await using executor = new ProcessPoolExecutor(1, { permissions: MAPPED });
      const onReport = (value: unknown) => heard.push(value);
      for (const value of values) {
        assertEquals(await executor.submitWith({ onReport }, answerReport, value).result(), "said");
      }
      assertEquals(heard, []);
      assertEquals(await pool.apply(answer, [withTable("fine", [evil()])]), "fine" as never);
      assertEquals(calls, []);
    });
  },
});

Deno.test("what a child below its parent was given still comes back", async () => {
  const child = new Process(echo, {
    args: [{ big: new Map([[1, new Set([2n])]]) }],
    permissions: LEAST,
  });
  child.start();
  assertEquals(await within(LIMIT, child.result()), { big: new Map([[1, new Set([2n])]]) });
  await child.join();
});
