/**
 * What map, imap and imapUnordered promise of an executor and of a pool: order, laziness, failure.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertLess,
  assertLessOrEqual,
  assertRejects,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { delay } from "@std/async";
import { ShareError } from "../../lib/errors.ts";
import { TimeoutError } from "../../lib/futures.ts";
import {
  add,
  countHere,
  countRun,
  echo,
  failAt,
  failAtSeven,
  idle,
  meet,
  passFirst,
  square,
  squareLater,
  TicketError,
} from "./_targets.ts";
import {
  type AnyPool,
  collect,
  Input,
  LONG,
  SHARING,
  SHORT,
  test as testIn,
  type TestOptions,
  type World,
} from "./_world.ts";

/** How many items a lazy map may have taken beyond what it gave, with a chunksize of 1. */
const AHEAD = 200;

type Target = (item: never) => unknown;
/** The options that all of the three have. */
interface MapOptions {
  chunksize?: number;
  timeout?: number;
  signal?: AbortSignal;
  onProgress?: (progress: { done: number; total?: number }) => void;
}

/** One of the calls that map, as an async iterable. */
interface Mapping {
  name: string;
  /** Whether the results come in the order of the input. */
  ordered: boolean;
  /** Whether it gives results before all are there. */
  lazy: boolean;
  map: (
    world: World,
    target: Target,
    input: Iterable<unknown>,
    options?: MapOptions,
  ) => AsyncIterable<unknown>;
}

const pools = new WeakMap<World, AnyPool>();
/** The pool of a test. */
function poolOf(world: World): AnyPool {
  let pool = pools.get(world);
  if (pool === undefined) pools.set(world, pool = world.pool(2));
  return pool;
}
const executors = new WeakMap<World, ReturnType<World["executor"]>>();
/** The executor of a test. */
function executorOf(world: World): ReturnType<World["executor"]> {
  let executor = executors.get(world);
  if (executor === undefined) executors.set(world, executor = world.executor(2));
  return executor;
}

const MAPPINGS: Mapping[] = [
  {
    name: "Executor.map()",
    ordered: true,
    lazy: true,
    map: (world, target, input, options) =>
      executorOf(world).map(target as never, input as Iterable<never>, options),
  },
  {
    name: "Pool.map()",
    ordered: true,
    lazy: false,
    map: async function* (world, target, input, options) {
      yield* await poolOf(world).map(target as never, input as Iterable<never>, options);
    },
  },
  {
    name: "Pool.mapAsync()",
    ordered: true,
    lazy: false,
    map: async function* (world, target, input, options) {
      const result = poolOf(world).mapAsync(target as never, input as Iterable<never>, options);
      yield* await result.get() as unknown[];
    },
  },
  {
    name: "Pool.imap()",
    ordered: true,
    lazy: true,
    map: (world, target, input, options) =>
      poolOf(world).imap(target as never, input as Iterable<never>, options),
  },
  {
    name: "Pool.imapUnordered()",
    ordered: false,
    lazy: true,
    map: (world, target, input, options) =>
      poolOf(world).imapUnordered(target as never, input as Iterable<never>, options),
  },
];

/** A test of each of the calls. */
function test(
  name: string,
  fn: (world: World, mapping: Mapping) => Promise<void>,
  only: (mapping: Mapping) => boolean = () => true,
  options: TestOptions = {},
): void {
  for (const mapping of MAPPINGS.filter(only)) {
    testIn(`${mapping.name} ${name}`, (world) => fn(world, mapping), options);
  }
}
const isLazy = ({ lazy }: Mapping) => lazy;

test("gives the result for each item", async (world, { map, ordered }) => {
  for (const options of [{}, { chunksize: 1 }, { chunksize: 7 }, { chunksize: 1_000 }]) {
    const results = await collect(map(world, square, new Input(100), options)) as number[];
    if (!ordered) results.sort((a, b) => a - b);
    assertEquals(results, Array.from({ length: 100 }, (_, k) => k * k));
  }
});

test("gives the results of chunks of any size", async (world, { map, ordered }) => {
  // Results of 1 byte or of 9 each: of some KiB to some 100 KiB in a chunk.
  for (const chunksize of [500, 4_000, 8_000, 20_000]) {
    const results = await collect(map(world, square, new Input(60_000), { chunksize })) as number[];
    if (!ordered) results.sort((a, b) => a - b);
    assertEquals(results.findIndex((each, k) => each !== k * k), -1);
    assertEquals(results.length, 60_000);
  }
});

test("takes arrays, generators, Sets and strings, and none", async (world, { map, ordered }) => {
  const sorted = (results: unknown[]) => ordered ? results : results.sort();
  function* generator() {
    yield "a";
    yield "b";
  }
  assertEquals(sorted(await collect(map(world, echo, ["a", "b"]))), ["a", "b"]);
  assertEquals(sorted(await collect(map(world, echo, generator()))), ["a", "b"]);
  assertEquals(sorted(await collect(map(world, echo, new Set(["a", "b"])))), ["a", "b"]);
  assertEquals(sorted(await collect(map(world, echo, "ab"))), ["a", "b"]);
  assertEquals(await collect(map(world, echo, [])), []);
  assertEquals(await collect(map(world, echo, new Input(0), { chunksize: 5 })), []);
  assertEquals(await collect(map(world, echo, [undefined])), [undefined]);
  assertEquals(await collect(map(world, echo, [, 1] as unknown[], { chunksize: 1 })).then(sorted), [
    ...sorted([undefined, 1]),
  ]);
});

test("gives results in the order of the input", async (world, { map }) => {
  const numbers = Array.from({ length: 300 }, (_, k) => k);
  const results = await collect(map(world, squareLater, numbers, { chunksize: 2 }));
  assertEquals(results, numbers.map((k) => k * k));
  const many = Array.from({ length: 5_000 }, (_, k) => k);
  assertEquals(await collect(map(world, square, many)), many.map((k) => k * k));
}, ({ ordered }) => ordered);

testIn("Pool.imapUnordered() gives results as they come", async (world) => {
  const gate = world.gate();
  const items = Array.from({ length: 20 }, (_, k): [number, typeof gate] => [k, gate]);
  const results = world.pool(2).imapUnordered(passFirst, items, { chunksize: 1 });
  const seen: number[] = [];
  for await (const k of results) {
    seen.push(k);
    if (seen.length === 19) gate.set();
  }
  assertEquals(seen.at(-1), 0);
  assertEquals(seen.slice(0, -1).sort((a, b) => a - b), items.slice(1).map(([k]) => k));
});

test("gives a result before the next item is there", async (world, { map }) => {
  let given = 0;
  function* input() {
    for (let k = 0; k < 6; k++) yield k;
    // The end of the input comes late: what is done by then has been given.
    given = -1;
  }
  const iterator = map(world, square, input(), { chunksize: 1 })[Symbol.asyncIterator]();
  for (let k = 0; k < 6; k++) assertEquals((await iterator.next()).done, false);
  assertEquals((await iterator.next()).done, true);
  assertEquals((await iterator.next()).done, true);
  assertEquals(given, -1);
}, isLazy);

test(
  "spreads items over all workers",
  async (world, { map }) => {
    const barrier = new world.face.Barrier(2);
    const items = [barrier, barrier, barrier, barrier];
    assertEquals(await collect(map(world, meet, items, { chunksize: 1 })), Array(4).fill("met"));
  },
  undefined,
  SHARING,
);

test("takes of an infinite input no more than it needs", async (world, { map }) => {
  const input = new Input();
  let given = 0;
  let most = 0;
  for await (const _ of map(world, square, input, { chunksize: 1 })) {
    given++;
    most = Math.max(most, input.taken - given);
    if (given === 1_000) break;
  }
  assertLessOrEqual(most, AHEAD, `it took ${most} items more than it gave`);
  assertEquals(input.closed, 1, "the input was not closed");
  const { taken } = input;
  await delay(SHORT);
  assertEquals(input.taken, taken, "it took more after the end");
}, isLazy);

test(
  "takes of an infinite input no more than it needs, whatever its chunks",
  async (world, { map }) => {
    const input = new Input();
    let given = 0;
    let most = 0;
    for await (const _ of map(world, square, input)) {
      given++;
      most = Math.max(most, input.taken - given);
      if (given === 20_000) break;
    }
    assertLess(most, 20_000, `it took ${most} items more than it gave`);
    assertEquals(input.closed, 1, "the input was not closed");
  },
  isLazy,
);

test("stops taking while nobody takes its results", async (world, { map }) => {
  const input = new Input();
  const iterator = map(world, square, input, { chunksize: 1 })[Symbol.asyncIterator]();
  await iterator.next();
  let before = -1;
  while (input.taken !== before) {
    before = input.taken;
    await delay(SHORT);
  }
  assertLessOrEqual(input.taken, AHEAD, `it took ${input.taken} items for one result`);
  await iterator.return?.();
  assertEquals(input.closed, 1, "the input was not closed");
}, isLazy);

test(
  "rejects with the first error, closes the input and cancels the rest",
  async (world, { map }) => {
    const input = new Input();
    const error = await assertRejects(
      () => collect(map(world, failAtSeven, input, { chunksize: 1 })),
      TicketError,
      "failed at 7",
    );
    assertEquals(error.seat, 7);
    assertEquals(input.closed, 1, "the input was not closed");
    const { taken } = input;
    assertLess(taken, 10_000, "it took on and on");
    await delay(SHORT);
    assertEquals(input.taken, taken, "it took more after the error");
    assertEquals(await collect(map(world, square, [3])), [9]);
  },
);

test("gives what comes before the error in the input", async (world, { map }) => {
  const seen: unknown[] = [];
  await assertRejects(async () => {
    for await (const k of map(world, failAtSeven, new Input(), { chunksize: 1 })) seen.push(k);
  }, TicketError);
  assertEquals(seen, [0, 1, 2, 3, 4, 5, 6]);
}, ({ lazy, ordered }) => lazy && ordered);

test(
  "cancels what has not begun when one fails",
  async (world, { map }) => {
    const runs = new world.face.Value("i32");
    function* input() {
      yield "no value";
      for (let k = 0; k < 5_000; k++) yield runs;
    }
    await assertRejects(() => collect(map(world, countRun, input(), { chunksize: 1 })), TypeError);
    const after = runs.value;
    assertLess(after, 5_000, "all of them ran");
    await delay(SHORT);
    assertLessOrEqual(runs.value, after + AHEAD, "they ran on");
  },
  undefined,
  SHARING,
);

test("passes on what the input throws", async (world, { map }) => {
  const reason = new RangeError("the input's own");
  function* input() {
    yield 1;
    yield 2;
    throw reason;
  }
  const error = await assertRejects(() => collect(map(world, square, input())));
  assertStrictEquals(error, reason);
  const broken = {
    [Symbol.iterator]() {
      throw reason;
    },
  };
  const early = async () => await collect(map(world, square, broken));
  assertStrictEquals(await assertRejects(early), reason);
  assertEquals(await collect(map(world, square, [3])), [9]);
});

test("closes the input when it is left early", async (world, { map }) => {
  let closed = 0;
  function* input() {
    try {
      for (let k = 0;; k++) yield k;
    } finally {
      closed++;
    }
  }
  for await (const _ of map(world, square, input(), { chunksize: 1 })) break;
  assertEquals(closed, 1);
  assertEquals(await collect(map(world, square, [3])), [9]);
}, isLazy);

test(
  "rejects with TimeoutError when time runs out, and closes the input",
  async (world, { map }) => {
    const input = new Input();
    const options = { timeout: SHORT, chunksize: 1 };
    await assertRejects(() => collect(map(world, idle as Target, input, options)), TimeoutError);
    assertEquals(input.closed, 1, "the input was not closed");
    assertEquals(await collect(map(world, square, [3], { timeout: LONG })), [9]);
  },
);

test("rejects with the signal's reason, and closes the input", async (world, { map }) => {
  const reason = new Error("enough");
  const already = { signal: AbortSignal.abort(reason) };
  const unused = new Input();
  assertStrictEquals(
    await assertRejects(() => collect(map(world, square, unused, already))),
    reason,
  );
  assertEquals(unused.taken, 0);
  const controller = new AbortController();
  const input = new Input();
  const options = { signal: controller.signal, chunksize: 1 };
  const waiting = assertRejects(() => collect(map(world, idle as Target, input, options)));
  setTimeout(() => controller.abort(reason), SHORT);
  assertStrictEquals(await waiting, reason);
  assertEquals(input.closed, 1, "the input was not closed");
  assertEquals(await collect(map(world, square, [3])), [9]);
});

test("tells of its progress", async (world, { map }) => {
  for (const chunksize of [undefined, 1, 7]) {
    const told: { done: number; total?: number }[] = [];
    const options = {
      onProgress: (progress: { done: number; total?: number }) => told.push(progress),
      ...(chunksize === undefined ? {} : { chunksize }),
    };
    await collect(map(world, square, Array.from({ length: 50 }, (_, k) => k), options));
    const done = told.map((progress) => progress.done);
    assertEquals(done, done.toSorted((a, b) => a - b), "it went backwards");
    assertEquals([told.at(-1)?.done, told.at(-1)?.total], [50, 50]);
    assert(done.length >= (chunksize === 1 ? 50 : 1), `told only ${done}`);
    told.length = 0;
    await collect(map(world, square, new Input(20), options));
    assertEquals([told.at(-1)?.done, told[0].total], [20, undefined]);
  }
});

test("of several at once keeps them apart", async (world, { map, ordered }) => {
  const all = await Promise.all(
    [0, 1, 2, 3].map((n) => collect(map(world, square, [n, n + 1, n + 2], { chunksize: 1 }))),
  );
  const results = all.map((each) => ordered ? each : (each as number[]).sort((a, b) => a - b));
  assertEquals(results, [[0, 1, 4], [1, 4, 9], [4, 9, 16], [9, 16, 25]]);
});

test("refuses arguments of a wrong kind", async (world, { map }) => {
  const rejects = (...args: [target: unknown, input?: unknown, options?: unknown]) => async () =>
    await collect(map(world, args[0] as Target, (args[1] ?? []) as never, args[2] as never));
  await assertRejects(rejects(() => 1), TypeError, "Cannot");
  await assertRejects(rejects(square, 5), TypeError, "5");
  await assertRejects(rejects(square, {}), TypeError, "iterable");
  await assertRejects(rejects(square, [1], { chunksize: 0 }), RangeError, "chunksize");
  await assertRejects(rejects(square, [1], { chunksize: 1.5 }), RangeError, "1.5");
  await assertRejects(rejects(square, [1], { chunksize: "1" }), TypeError, '"1"');
  await assertRejects(rejects(square, [1], { timeout: -1 }), RangeError, "timeout");
  await assertRejects(rejects(square, [1], { timeout: "1" }), TypeError, '"1"');
  await assertRejects(rejects(square, [1], { signal: {} }), TypeError, "signal");
  await assertRejects(rejects(square, [1], { onProgress: 5 }), TypeError, "onProgress");
  await assertRejects(rejects(square, [1], 5), TypeError, "5");
});

// What is each one's own

testIn("Executor.map() with maxQueue takes its time, and throws no Full", async (world) => {
  const executor = world.executor(1, { maxQueue: 2 });
  const results = await collect(executor.map(square, new Input(50), { chunksize: 1 }));
  assertEquals(results.length, 50);
});

testIn("Executor.map() refuses bad arguments at the call", (world) => {
  const executor = world.executor(1);
  assertThrows(() => executor.map((() => 1) as never, []), TypeError, "Cannot");
  assertThrows(() => executor.map(square, 5 as never), TypeError, "5");
  assertThrows(() => executor.map(square, [], { chunksize: 0 }), RangeError, "chunksize");
});

testIn("Executor.map() goes through while other tasks are submitted", async (world) => {
  const executor = world.executor(2);
  const singles = Array.from({ length: 50 }, (_, k) => executor.submit(square, k));
  const results = await collect(executor.map(square, new Input(500)));
  assertEquals(results.length, 500);
  assertEquals(await singles[49].result(), 49 * 49);
});

testIn("Pool.starmap() spreads each item over the arguments", async (world) => {
  const pool = world.pool(2);
  assertEquals(await pool.starmap(add, [[1, 2], [3, 4]]), [3, 7]);
  assertEquals(await pool.starmap(add, new Map([[1, 2], [3, 4]]), { chunksize: 1 }), [3, 7]);
  assertEquals(await pool.starmapAsync(add, [[1, 2]]).get(), [3]);
  assertEquals(await pool.starmap(add, []), []);
  await assertRejects(async () => await pool.starmap(add, [5] as never), TypeError, "5");
  await assertRejects(
    () => pool.starmap(failAt, [[[1, 2]], [[3, 3]]]),
    TicketError,
    "failed at 3",
  );
});

testIn("Pool.map() with chunksize gives each chunk to one worker", async (world) => {
  const counts = await world.pool(2).map(countHere as (k: number) => number, new Input(40), {
    chunksize: 20,
  });
  for (const start of [0, 20]) {
    const chunk = counts.slice(start, start + 20);
    assertEquals(chunk, Array.from({ length: 20 }, (_, k) => chunk[0] + k));
  }
});

/** How an input can fail, and what it is then. */
const FAILING: Record<string, (count: number, reason: Error) => Iterable<unknown>> = {
  "a generator": function* (count, reason) {
    for (let k = 1; k <= count; k++) yield k;
    throw reason;
  },
  "a mapped iterator": (count, reason) =>
    Array.from({ length: count + 1 }, (_, k) => k + 1).values().map((k) => {
      if (k > count) throw reason;
      return k;
    }),
  "an async generator": async function* (count: number, reason: Error) {
    for (let k = 1; k <= count; k++) yield k;
    await undefined;
    throw reason;
  } as never,
};

for (const [kind, input] of Object.entries(FAILING)) {
  test(`gives first what comes before the error of ${kind}`, async (world, { map, ordered }) => {
    const reason = new RangeError("the input's own");
    for (const [count, chunksize] of [[2, 1], [2, undefined], [5, 3], [40, 7], [0, 1]]) {
      const seen: number[] = [];
      const error = await assertRejects(async () => {
        const options = chunksize === undefined ? {} : { chunksize };
        for await (const k of map(world, square, input(count!, reason), options)) {
          seen.push(k as number);
        }
      });
      assertStrictEquals(error, reason);
      if (!ordered) seen.sort((a, b) => a - b);
      assertEquals(seen, Array.from({ length: count! }, (_, k) => (k + 1) ** 2));
    }
    assertEquals(await collect(map(world, square, [3])), [9]);
  }, isLazy);
}

test(
  "gives first what comes before an item that cannot be sent",
  async (world, { map, ordered }) => {
    for (const chunksize of [1, 2, 5]) {
      const input = new Input();
      const items = {
        *[Symbol.iterator]() {
          for (const k of input) yield k === 3 ? () => k : k;
        },
      };
      const seen: number[] = [];
      const error = await assertRejects(async () => {
        for await (const k of map(world, square, items, { chunksize })) seen.push(k as number);
      }, ShareError);
      assertEquals(error.message.includes("iterable[3]"), true, error.message);
      if (!ordered) seen.sort((a, b) => a - b);
      assertEquals(seen, [0, 1, 4]);
      assertEquals(input.closed, 1, "the input was not closed");
    }
  },
  isLazy,
);

/** Inputs whose end throws, each in its own way. */
const UNCLOSEABLE: Record<string, () => Iterable<number>> = {
  "that throws": () =>
    iteratorOf(() => {
      throw new RangeError("not to be closed");
    }),
  "that rejects": () => iteratorOf(() => Promise.reject(new RangeError("not to be closed"))),
  "that gives a thenable that rejects": () =>
    iteratorOf(() => ({
      then: (_: unknown, reject: (error: Error) => void) => reject(new RangeError("not closed")),
    })),
  "that cannot be looked at": () => {
    const iterator = iteratorOf(() => {});
    return Object.defineProperty(iterator, "return", {
      get() {
        throw new RangeError("not to be looked at");
      },
    });
  },
};

function iteratorOf(close: () => unknown): Iterable<number> {
  let k = 0;
  const iterator = {
    next: () => ({ done: false, value: k++ }),
    return: close,
    [Symbol.iterator]: () => iterator,
  };
  return iterator as unknown as Iterable<number>;
}

for (const [kind, input] of Object.entries(UNCLOSEABLE)) {
  test(`survives an input with a return() ${kind}`, async (world, { map, lazy }) => {
    await assertRejects(() => collect(map(world, failAtSeven, input())), TicketError);
    if (lazy) { for await (const _ of map(world, square, input())) break; }
    const asynchronous = {
      [Symbol.asyncIterator]: () => (input() as Iterator<number> & Iterable<number>),
    };
    const items = asynchronous as unknown as Iterable<number>;
    await assertRejects(() => collect(map(world, failAtSeven, items)), TicketError);
    assertEquals(await collect(map(world, square, [3])), [9]);
  });
}

test("survives an onProgress that throws", async (world, { map }) => {
  const { error } = console;
  const told: unknown[] = [];
  console.error = (...args: unknown[]) => told.push(args);
  try {
    const onProgress = () => {
      throw new RangeError("no bar");
    };
    assertEquals(await collect(map(world, square, [3], { onProgress })), [9]);
    assertEquals(told.length > 0, true, "it was not told");
  } finally {
    console.error = error;
  }
});

testIn("Executor.starmap() spreads each item over the arguments", async (world) => {
  const executor = world.executor(2);
  assertEquals(await collect(executor.starmap(add, [[1, 2], [3, 4]])), [3, 7]);
  assertEquals(await collect(executor.starmap(add, new Map([[1, 2], [3, 4]]))), [3, 7]);
  assertEquals(await collect(executor.starmap(add, [], { chunksize: 2 })), []);
  function* endless(): Generator<[number, number]> {
    for (let k = 0;; k++) yield [k, 1];
  }
  const seen: number[] = [];
  for await (const sum of executor.starmap(add, endless(), { chunksize: 1 })) {
    if (seen.push(sum) === 300) break;
  }
  assertEquals(seen, Array.from({ length: 300 }, (_, k) => k + 1));
  const failing = executor.starmap(failAt, [[[1, 2]], [[3, 3]], [[4, 5]]], { chunksize: 1 });
  assertEquals((await failing.next()).value, 1);
  await assertRejects(() => failing.next(), TicketError, "failed at 3");
  const odd = executor.starmap(add, [5] as never);
  await assertRejects(
    () => odd.next(),
    TypeError,
    "an item must be a list of arguments, received 5",
  );
  assertThrows(() => executor.starmap(add, 5 as never), TypeError, "iterable");
});
