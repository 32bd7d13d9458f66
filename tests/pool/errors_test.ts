/**
 * How what a task throws arrives, and what cannot be sent.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { ShareError } from "../../lib/errors.ts";
import * as queue from "../../lib/queue.ts";
import * as threading from "../../lib/threading.ts";
import {
  echo,
  fail,
  failAtSeven,
  failLater,
  type Failure,
  giveDeep,
  giveFunction,
  giveOdd,
  PlainError,
  report,
  reportFunction,
  square,
  TicketError,
} from "./_targets.ts";
import { collect, endOf, Input, listen, test, type World } from "./_world.ts";

/** The error that a task ends with. */
async function errorOf(world: World, kind: Failure): Promise<Error> {
  const error = await world.executor(1).submit(fail, kind).exception();
  assertInstanceOf(error, Error, `${kind}: ${error}`);
  return error;
}

test("error of a class that is a task arrives as one, with its fields", async (world) => {
  const error = await errorOf(world, "ticket");
  assertInstanceOf(error, TicketError);
  assertInstanceOf(error, RangeError);
  assertEquals([error.name, error.message, error.seat], ["TicketError", "no such seat", 7]);
});

test("error of a class that the task's module only exports arrives as one", async (world) => {
  const error = await errorOf(world, "plain");
  assertInstanceOf(error, PlainError);
  assertEquals([error.name, error.message], ["PlainError", "plainly"]);
  assertEquals(error.detail, { list: [1, new Date(0)] });
});

test("error of a class that nobody exports arrives as its ancestor, with its name", async (world) => {
  const error = await errorOf(world, "hidden");
  assertInstanceOf(error, RangeError);
  assertEquals([error.name, error.message], ["HiddenError", "nobody exports it"]);
});

test("error of a built-in class arrives as one", async (world) => {
  const syntax = await errorOf(world, "builtin");
  assertInstanceOf(syntax, SyntaxError);
  assertEquals(syntax.message, "built in");
  assertInstanceOf(await errorOf(world, "deno"), Deno.errors.NotFound);
  const dom = await errorOf(world, "dom");
  assertInstanceOf(dom, DOMException);
  assertEquals([dom.name, dom.message], ["DataError", "no such key"]);
});

test("error arrives with its cause, its errors and its fields", async (world) => {
  const outer = await errorOf(world, "cause");
  assertInstanceOf(outer.cause, TicketError);
  assertEquals([outer.message, outer.cause.seat], ["outer", 3]);
  const both = await errorOf(world, "aggregate");
  assertInstanceOf(both, AggregateError);
  assertInstanceOf(both.errors[0], TypeError);
  assertInstanceOf(both.errors[1], PlainError);
  const coded = await errorOf(world, "code") as Error & { code: string; at: Map<number, string> };
  assertEquals([coded.code, coded.at], ["ENOENT", new Map([[1, "x"]])]);
});

test("error that holds what cannot be sent still arrives", async (world) => {
  const error = await errorOf(world, "unsendable");
  assertEquals([error.name, error.message], ["Error", "with a secret"]);
});

test("what is thrown and is no error arrives, too", async (world) => {
  const executor = world.executor(1);
  const thrown = await executor.submit(fail, "text").result().then(
    () => "value",
    (thrown) => thrown,
  );
  assertEquals(thrown, "no error at all");
  assertEquals(await executor.submit(square, 3).result(), 9);
});

test("error's stack shows the task's frames, then those of the call", async (world) => {
  const executor = world.executor(1);
  async function askHere() {
    return await executor.submit(fail, "ticket").result();
  }
  const { stack } = await assertRejects(askHere, TicketError);
  assertMatch(stack!, /^TicketError: no such seat\n/);
  assertMatch(stack!, /at fail .*_targets\.ts.*[^]*at .*askHere .*errors_test\.ts/);
  const library = new URL("../../lib/", import.meta.url).href;
  assert(!stack!.includes(library), `it shows frames of the library:\n${stack}`);
});

test("errors of maps show the task's frames, too", async (world) => {
  const pool = world.pool(1);
  const maps = [
    () => pool.map(failAtSeven, new Input()),
    () => collect(pool.imap(failAtSeven, new Input())),
    () => collect(world.executor(1).map(failAtSeven, new Input())),
    () => pool.apply(fail, ["ticket"]),
    () => pool.applyAsync(failLater, ["late"]).get(),
  ];
  for (const map of maps) {
    const { stack } = await assertRejects(map, Error);
    assertMatch(stack!, /at .*fail.*_targets\.ts/i);
    assertStringIncludes(stack!, "errors_test.ts", `of ${map}`);
  }
});

// What cannot be sent

/** A class that is no target. */
class Secret {
  #secret = 1;
  get secret() {
    return this.#secret;
  }
}

const UNSENDABLE: [place: string, value: () => unknown][] = [
  ["args[0]", () => () => 1],
  ["args[0].a[1].f", () => ({ a: [0, { f() {} }] })],
  ['args[0].get("k")', () => new Map([["k", Symbol("s")]])],
  ["args[0].signal", () => ({ signal: new AbortController().signal })],
  ["args[0]", () => new WeakMap()],
  ["args[0].r", () => ({ r: new Response() })],
  ["args[0]", () => Promise.resolve()],
  ["args[0][0]", () => [new Secret()]],
];

test("argument that cannot be sent is a ShareError with its place", async (world) => {
  const executor = world.executor(1);
  const pool = world.pool(1);
  for (const [place, value] of UNSENDABLE) {
    const calls = [
      async () => await executor.submit(echo, value()).result(),
      async () => await pool.apply(echo, [value()]),
      async () => await pool.applyAsync(echo, [value()]).get(),
    ];
    for (const call of calls) {
      const error = await assertRejects(call, ShareError, place);
      assertEquals(error.place, place);
    }
  }
  assertEquals(await executor.submit(square, 3).result(), 9);
  assertEquals(await pool.apply(square, [3]), 9);
  assertEquals([executor.stats().queued, executor.stats().running], [0, 0]);
});

test("argument that cannot be sent harms none of its neighbours", async (world) => {
  const executor = world.executor(2);
  const ends: Promise<unknown>[] = [];
  for (let k = 0; k < 30; k++) {
    const call = async () =>
      await endOf(k % 10 === 5 ? executor.submit(echo, { f() {} }) : executor.submit(square, k));
    ends.push(call().catch((error) => (error as Error).name));
  }
  assertEquals(
    await Promise.all(ends),
    Array.from({ length: 30 }, (_, k) => k % 10 === 5 ? "ShareError" : k * k),
  );
});

test("item that cannot be sent is a ShareError, and closes the input", async (world) => {
  const pool = world.pool(2);
  const executor = world.executor(2);
  let closed = 0;
  function* input() {
    try {
      yield 1;
      yield { f() {} };
      for (;;) yield 2;
    } finally {
      closed++;
    }
  }
  const maps = [
    () => pool.map(echo, input()),
    () => collect(pool.imap(echo, input())),
    () => collect(pool.imapUnordered(echo, input())),
    () => collect(executor.map(echo, input())),
  ];
  for (const [k, map] of maps.entries()) {
    const error = await assertRejects(map, ShareError);
    assert(error.place !== "", "without a place");
    assertEquals(closed, k + 1, "the input was not closed");
  }
  assertEquals(await pool.map(square, [1, 2]), [1, 4]);
  assertEquals(await collect(executor.map(square, [1, 2])), [1, 4]);
});

test("result that cannot be sent is a ShareError with its place", async (world) => {
  const executor = world.executor(1);
  const neighbour = executor.submit(square, 2);
  const plain = await assertRejects(() => executor.submit(giveFunction).result(), ShareError);
  assertEquals(plain.place, "result");
  const deep = await assertRejects(() => executor.submit(giveDeep).result(), ShareError);
  assertEquals(deep.place, "result.a[1].f");
  assertEquals([await neighbour.result(), await executor.submit(square, 3).result()], [4, 9]);
});

test("result of a map that cannot be sent is a ShareError", async (world) => {
  const pool = world.pool(1);
  for (const chunksize of [1, 10]) {
    await assertRejects(() => pool.map(giveOdd, new Input(10), { chunksize }), ShareError);
    await assertRejects(
      () => collect(world.executor(1).map(giveOdd, new Input(10), { chunksize })),
      ShareError,
    );
  }
  assertEquals(await pool.map(square, [3]), [9]);
});

test("report that cannot be sent is the task's error, and the pool goes on", async (world) => {
  const executor = world.executor(1);
  const future = executor.submitWith({ onReport: () => {} }, reportFunction);
  await assertRejects(() => future.result(), ShareError);
  assertEquals(await executor.submit(square, 3).result(), 9);
});

test("onReport that throws breaks neither its task nor the pool", async (world) => {
  using log = listen();
  const executor = world.executor(1);
  let calls = 0;
  const onReport = () => {
    calls++;
    throw new RangeError("the callback's own");
  };
  assertEquals(await executor.submitWith({ onReport }, report, [1, 2, 3]).result(), 3);
  assertEquals(await executor.submit(square, 3).result(), 9);
  assertEquals(calls, 3);
  assert(log.told.some((text) => text.includes("the callback's own")), "nobody was told");
});

test("threading's objects given to a process name the class to use", async (world) => {
  const executor = world.executor(1);
  const cases: [place: string, value: unknown, word: string][] = [
    ["args[0].lock", { lock: new threading.Lock() }, "multiprocessing.Lock"],
    ["args[0][1]", [0, new threading.Value("i32")], "multiprocessing.Value"],
    ["args[0]", new queue.Queue(), "multiprocessing.Queue"],
  ];
  for (const [place, value, word] of cases) {
    const call = async () => await executor.submit(echo, value).result();
    const error = await assertRejects(call, ShareError, word);
    assertEquals(error.place, place);
  }
  assertEquals(await executor.submit(square, 3).result(), 9);
}, { skip: { threads: "threads take them" } });
