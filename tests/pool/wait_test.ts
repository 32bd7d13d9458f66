/**
 * What wait() and asCompleted() give, and when.
 *
 * @module
 */
import { assertEquals, assertRejects, assertStrictEquals, assertThrows } from "@std/assert";
import {
  asCompleted,
  type Executor,
  type Future,
  ThreadPoolExecutor,
  TimeoutError,
  wait,
} from "../../lib/futures.ts";
import { fail, pass, passAndFail, square } from "./_targets.ts";
import { collect, LONG, SHORT, test, type World } from "./_world.ts";

/** Futures that end when their gate is opened, each with a worker of its own. */
function gated(world: World, count: number, executor?: Executor) {
  const own = executor ?? world.executor(count);
  const gates = Array.from({ length: count }, () => world.gate());
  const futures = gates.map((gate, k) => own.submit(pass, gate, k) as Future<unknown>);
  return { executor: own, gates, futures };
}

/** What wait() gave, as places in the list. */
function places(
  futures: Future<unknown>[],
  { done, notDone }: { done: Iterable<Future<unknown>>; notDone: Iterable<Future<unknown>> },
): [done: number[], notDone: number[]] {
  const at = (some: Iterable<Future<unknown>>) =>
    [...some].map((future) => futures.indexOf(future)).sort();
  return [at(done), at(notDone)];
}

test("wait() settles when all have ended, however they ended", async (world) => {
  const { executor, gates, futures } = gated(world, 2);
  const failed = executor.submit(fail, "ticket");
  const queued = executor.submit(square, 1);
  queued.cancel();
  const all = [...futures, failed, queued];
  let isSettled = false;
  const waiting = wait(all).then((both) => {
    isSettled = true;
    return both;
  });
  gates[0].set();
  await futures[0].result();
  await failed.exception();
  assertEquals(isSettled, false);
  gates[1].set();
  assertEquals(places(all, await waiting), [[0, 1, 2, 3], []]);
});

test("wait({ returnWhen: 'first' }) settles with the first", async (world) => {
  const { gates, futures } = gated(world, 3);
  const waiting = wait(futures, { returnWhen: "first" });
  gates[1].set();
  assertEquals(places(futures, await waiting), [[1], [0, 2]]);
  // One that has ended before is enough.
  assertEquals(places(futures, await wait(futures, { returnWhen: "first" })), [[1], [0, 2]]);
});

test("wait({ returnWhen: 'firstException' }) settles with the first failure", async (world) => {
  const executor = world.executor(3);
  const gates = [1, 2, 3].map(() => world.gate());
  const futures: Future<unknown>[] = [
    executor.submit(pass, gates[0], 0),
    executor.submit(passAndFail, gates[1]),
    executor.submit(pass, gates[2], 2),
  ];
  let isSettled = false;
  const waiting = wait(futures, { returnWhen: "firstException" }).then((both) => {
    isSettled = true;
    return both;
  });
  gates[0].set();
  await futures[0].result();
  assertEquals(isSettled, false);
  gates[1].set();
  assertEquals(places(futures, await waiting), [[0, 1], [2]]);
  gates[2].set();
});

test("wait({ returnWhen: 'firstException' }) without a failure waits for all", async (world) => {
  const { executor, gates, futures } = gated(world, 2);
  const cancelled = executor.submit(square, 3);
  // As in Python, one that was cancelled is no failure.
  cancelled.cancel();
  const all = [...futures, cancelled];
  const waiting = wait(all, { returnWhen: "firstException" });
  for (const gate of gates) gate.set();
  assertEquals(places(all, await waiting), [[0, 1, 2], []]);
});

test("wait({ timeout }) gives what has ended by then", async (world) => {
  const { gates, futures } = gated(world, 2);
  gates[1].set();
  await futures[1].result();
  for (const timeout of [0, SHORT]) {
    assertEquals(places(futures, await wait(futures, { timeout })), [[1], [0]]);
  }
  gates[0].set();
  assertEquals(places(futures, await wait(futures, { timeout: LONG })), [[0, 1], []]);
});

test("wait({ signal }) rejects with its reason", async (world) => {
  const { gates, futures } = gated(world, 1);
  const reason = new Error("enough");
  const options = { signal: AbortSignal.abort(reason) };
  assertStrictEquals(await assertRejects(() => wait(futures, options)), reason);
  const controller = new AbortController();
  const waiting = assertRejects(() => wait(futures, { signal: controller.signal }));
  controller.abort(reason);
  assertStrictEquals(await waiting, reason);
  gates[0].set();
  assertEquals(await futures[0].result(), 0);
});

test("wait() takes none, the same twice, any iterable, and those of other executors", async (world) => {
  assertEquals(places([], await wait([])), [[], []]);
  assertEquals(places([], await wait([], { returnWhen: "first" })), [[], []]);
  const { executor, gates, futures } = gated(world, 1);
  await using threads = new ThreadPoolExecutor(1);
  const elsewhere = threads.submit(square, 3);
  const all = [futures[0], elsewhere as Future<unknown>];
  function* twice() {
    yield* all;
    yield* all;
  }
  const waiting = wait(twice());
  gates[0].set();
  assertEquals(places(all, await waiting), [[0, 1], []]);
  assertEquals(executor.stats().completed, 1);
});

// asCompleted

test("asCompleted() yields futures as they end", async (world) => {
  const { gates, futures } = gated(world, 3);
  const order: unknown[] = [];
  const opening = [2, 0, 1];
  gates[opening[0]].set();
  for await (const future of asCompleted(futures)) {
    order.push(await future.result({ timeout: 0 }));
    gates[opening[order.length]]?.set();
  }
  assertEquals(order, opening);
});

test("asCompleted() yields first what had ended before, and each once", async (world) => {
  const { executor, gates, futures } = gated(world, 2);
  const cancelled = executor.submit(square, 1);
  cancelled.cancel();
  gates[1].set();
  await futures[1].result();
  const all: Future<unknown>[] = [...futures, cancelled, ...futures];
  const seen: number[] = [];
  for await (const future of asCompleted(all)) {
    seen.push(all.indexOf(future));
    if (seen.length === 2) gates[0].set();
  }
  assertEquals([seen.slice(0, 2).sort(), seen.slice(2)], [[1, 2], [0]]);
});

test("asCompleted() yields those that fail, too", async (world) => {
  const executor = world.executor(2);
  const futures: Future<unknown>[] = [executor.submit(fail, "ticket"), executor.submit(square, 3)];
  const errors = new Map<Future<unknown>, string | undefined>();
  for await (const future of asCompleted(futures)) {
    errors.set(future, (await future.exception() as Error | null)?.name);
  }
  assertEquals(futures.map((future) => errors.get(future)), ["TicketError", undefined]);
});

test("asCompleted() of none yields none", async () => {
  assertEquals(await collect(asCompleted([])), []);
});

test("asCompleted({ timeout }) throws TimeoutError, after what ended in time", async (world) => {
  const { gates, futures } = gated(world, 2);
  gates[1].set();
  await futures[1].result();
  const seen: Future<unknown>[] = [];
  await assertRejects(async () => {
    for await (const future of asCompleted(futures, { timeout: SHORT })) seen.push(future);
  }, TimeoutError);
  assertEquals(seen, [futures[1]]);
  await assertRejects(() => collect(asCompleted([futures[0]], { timeout: 0 })), TimeoutError);
  gates[0].set();
  assertEquals((await collect(asCompleted(futures, { timeout: LONG }))).length, 2);
});

test("asCompleted() that is left early leaves the futures alone", async (world) => {
  const { gates, futures } = gated(world, 2);
  gates[0].set();
  for await (const future of asCompleted(futures, { timeout: LONG })) {
    assertStrictEquals(future, futures[0]);
    break;
  }
  assertEquals(futures[1].done(), false);
  gates[1].set();
  assertEquals(await futures[1].result(), 1);
});

test("wait() and asCompleted() refuse what is no list of futures", async (world) => {
  const future = world.executor(1).submit(square, 3);
  for (const call of [wait, asCompleted]) {
    const settled = async (...args: unknown[]) => {
      const given = (call as (...args: unknown[]) => unknown)(...args);
      return Symbol.asyncIterator in (given as object)
        ? await collect(given as AsyncIterable<unknown>)
        : await given;
    };
    for (const bad of [5, null, undefined, future]) {
      await assertRejects(() => settled(bad), TypeError, "Cannot");
    }
    await assertRejects(() => settled([future, 5]), TypeError, "5");
    await assertRejects(() => settled([future], { timeout: -1 }), RangeError, "-1");
    await assertRejects(() => settled([future], { timeout: "1" }), TypeError, '"1"');
  }
  const when = { returnWhen: "sometime" as never };
  const error = await assertRejects(() => wait([future], when), Error, "sometime");
  assertThrows(() => {
    if (error instanceof TypeError || error instanceof RangeError) throw error;
  });
  await future.result();
});
