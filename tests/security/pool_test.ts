/**
 * Workers of a pool that say what no worker says: each costs its own call, and nobody else's.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertLess,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { BrokenExecutor, ProcessPoolExecutor, WorkerLostError } from "../../lib/futures.ts";
import { pipe, Pool } from "../../lib/multiprocessing.ts";
import { memoryOf } from "../_help/memory.ts";
import { within } from "../_help/within.ts";
import { collect, type World } from "../pool/_world.ts";
import { test as testIn } from "../pool/_world.ts";
import {
  bytes,
  claim,
  failLong,
  flood,
  forge,
  forgeChunk,
  forgeReport,
  type Forgery,
  forgeStart,
  linger,
  mayRun,
  reportLong,
  square,
} from "./_pool_targets.ts";

const LIMIT = { limit: 60_000 };

/** What each costs its worker, in words; undefined: it is not worse than silence. */
const FORGERIES: Record<Forgery, RegExp> = {
  "ready again": /twice how its start ended/,
  "broken": /twice how its start ended/,
  "done for another's call": /the end of a call that it does not have/,
  "done for no call": /the end of a call that it does not have/,
  "failed for no call": /the end of a call that it does not have/,
  "too few items": /the end of 0 items, of 1/,
  "too many items": /the end of 1000000 items, of 1/,
  "minus one item": /the end of -1 items, of 1/,
  "an unknown word": /the word 99/,
  "a word to workers": /the word 1/,
  "a value that is none": /none/,
  "a length behind the end": /behind its message|that is none/,
  "a negative length": /behind its message|that is none/,
  "half a frame": /behind its message/,
};

/** A call of another worker, which runs until it is told to end, and its id. */
async function innocent(world: World): Promise<{
  executor: ReturnType<World["executor"]>;
  end: () => Promise<string>;
  id: number;
  /** What it has reported. */
  reports: unknown[];
}> {
  const executor = world.executor(2);
  const gate = world.gate();
  const started = Promise.withResolvers<void>();
  const reports: unknown[] = [];
  const onReport = (value: unknown) => {
    reports.push(value);
    started.resolve();
  };
  const future = executor.submitWith({ onReport }, linger, gate);
  await started.promise;
  const end = () => {
    gate.set();
    return future.result();
  };
  // Calls are numbered as they come: it is the one before the next.
  return { executor, end, id: numberOf(future), reports };
}

/** The number of a future's call, as its worker is told. */
function numberOf(future: object): number {
  const [behind] = Object.getOwnPropertySymbols(Object.getPrototypeOf(future))
    .filter((key) => key.description === "behind");
  return (future as Record<symbol, { call: { id: number } }>)[behind!]!.call.id;
}

testIn("a worker that says what no worker says loses its own call alone", async (world) => {
  // One executor and one innocent call for all: it outlives every forger.
  const { executor, end, id } = await innocent(world);
  for (const [what, said] of Object.entries(FORGERIES) as [Forgery, RegExp][]) {
    // A thread's ring has records, and no frames that could be cut.
    if (what === "half a frame" && world.name === "threads") continue;
    const other = what.includes("no call") ? 1 << 30 : id;
    const error = await assertRejects(
      () => executor.submit(forge, what, other).result(),
      WorkerLostError,
      undefined,
      what,
    );
    assertMatch(error.message, said);
    assertMatch(error.message, /"forge" was lost: its worker .* what no worker may say/);
    assertEquals(await executor.submit(square, 3).result(), 9, what);
  }
  assertEquals(await end(), "innocent");
}, LIMIT);

for (const what of ["more", "less", "no list", "sparse"] as const) {
  testIn(`a chunk's answer that is ${what} costs its map alone`, async (world) => {
    const pool = world.pool(2);
    const gate = world.gate();
    const innocent = pool.map(linger, [gate]);
    const items = [1, 2, 3].map((
      k,
    ): [number, "none" | typeof what] => [k, k === 2 ? what : "none"]);
    for (const chunksize of [1, 3]) {
      const behind = pool.map(square, [4, 5]);
      const error = await assertRejects(
        () => pool.map(forgeChunk, items, { chunksize }),
        WorkerLostError,
      );
      assertStringIncludes(error.message, "not one result for each item");
      const seen: unknown[] = [];
      await assertRejects(async () => {
        for await (const k of pool.imap(forgeChunk, items, { chunksize })) seen.push(k);
      }, WorkerLostError);
      assert(seen.every((k) => typeof k === "number"), `${seen}`);
      assertEquals(await behind, [16, 25]);
    }
    gate.set();
    assertEquals(await innocent, ["innocent"]);
    assertEquals(await pool.map(square, [1, 2, 3]), [1, 4, 9]);
  }, LIMIT);
}

testIn("a report for a call of another's reaches nobody", async (world) => {
  const { executor, end, id, reports } = await innocent(world);
  const told: unknown[] = [];
  const options = { onReport: (value: unknown) => told.push(value) };
  assertEquals(await executor.submitWith(options, forgeReport, id).result(), "honest");
  assertEquals(await end(), "innocent");
  assertEquals([told, reports], [[], ["runs"]]);
}, LIMIT);

for (const kind of ["done", "twice"] as const) {
  testIn(
    `workers that begin by what no worker says break their pool, by ${kind}`,
    async (world) => {
      const executor = world.executor(1, { initializer: forgeStart, initArgs: [kind] });
      const error = await assertRejects(() => executor.submit(square, 3).result(), BrokenExecutor);
      assertMatch(error.message, /what no worker may say/);
    },
    LIMIT,
  );
}

// How much a worker may say

/** What workers need to run at all, and no FFI: they speak over a socket. */
const LEAST = { permissions: "none" } as const;

function test(name: string, fn: () => Promise<void>): void {
  Deno.test({
    name: `${name} [processes]`,
    fn: () => within(LIMIT.limit, fn()),
  });
}

test("workers without any permission run calls, whatever their parent may do", async () => {
  await using executor = new ProcessPoolExecutor(2, LEAST);
  assertNotEquals(await executor.submit(mayRun).result(), "granted");
  assertEquals(await collect(executor.map(square, [1, 2, 3])), [1, 4, 9]);
  await using pool = new Pool(2, LEAST);
  assertEquals(await pool.map(square, [1, 2, 3]), [1, 4, 9]);
});

test("a result that is longer than maxMessage fails, where it was made", async () => {
  await using executor = new ProcessPoolExecutor(1, { ...LEAST, maxMessage: 1 << 20 });
  const error = await assertRejects(() => executor.submit(bytes, 2 << 20).result(), RangeError);
  assertMatch(
    error.message,
    /^Cannot send the result: it takes 20\d{5} bytes, .*maxMessage \(1048576\)/,
  );
  await assertRejects(
    () => executor.submit(failLong, 2 << 20).result(),
    RangeError,
    "Cannot send the error",
  );
  await assertRejects(
    () => executor.submit(reportLong, 2 << 20).result(),
    RangeError,
    "Cannot send the report",
  );
  assertEquals((await executor.submit(bytes, 900_000).result()).length, 900_000);
  assertEquals(executor.stats().workers, 1);
});

test("a result of over 64 MiB needs maxMessage of a worker that may do less", async () => {
  const length = (64 << 20) + 1;
  await using least = new ProcessPoolExecutor(1, LEAST);
  await assertRejects(() => least.submit(bytes, length).result(), RangeError, "maxMessage");
  assertEquals((await least.submit(bytes, 8 << 20).result()).length, 8 << 20);
  await using executor = new ProcessPoolExecutor(1);
  assertEquals((await executor.submit(bytes, length).result()).length, length);
});

const LONG = [
  ["says", flood, 4 << 20, LEAST, /a message has 4\d{6} bytes, and at most 2\d{6} are taken/],
  ["claims", claim, 0x7fffffff, LEAST, /a message has \d{10} bytes, and at most 2\d{6} are taken/],
  ["says in memory", flood, 4 << 20, {}, /4\d{6} bytes, of at most 1048576/],
] as const;

for (const [name, target, length, options, said] of LONG) {
  test(`a worker that ${name} a longer message than it may loses its own call alone`, async () => {
    await using executor = new ProcessPoolExecutor(2, { ...options, maxMessage: 1 << 20 });
    const started = Promise.withResolvers<unknown>();
    const [here, gate] = pipe<unknown>({ memory: false });
    const call = executor.submitWith({ onReport: started.resolve }, linger, gate);
    await started.promise;
    const before = memoryOf();
    const error = await executor.submit(target, length).exception();
    // In any case: nobody waits for the innocent one.
    await here.send("end");
    assertInstanceOf(error, WorkerLostError);
    assertMatch(error.message, /what no worker may say: /);
    assertMatch(error.message, said);
    assertLess(memoryOf() - before, 256 << 20);
    assertEquals(await call.result(), "innocent");
    for (const end of [here, gate]) end.close();
    assertEquals(await executor.submit(square, 3).result(), 9);
  });
}

Deno.test("Pool refuses a maxMessage that is none", async () => {
  for (const maxMessage of [0, -1, 1.5]) {
    await assertRejects(
      async () => await new Pool(1, { maxMessage })[Symbol.asyncDispose](),
      RangeError,
      "maxMessage",
    );
  }
  await assertRejects(
    async () => await new ProcessPoolExecutor(1, { maxMessage: "1" as never }).shutdown(),
    TypeError,
    "maxMessage",
  );
});
