/**
 * What spare threads and processes change: nothing but how soon one is there.
 *
 * @module
 */
import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import * as multiprocessing from "../../lib/multiprocessing.ts";
import { Process } from "../../lib/multiprocessing.ts";
import * as threading from "../../lib/threading.ts";
import { Thread } from "../../lib/threading.ts";
import {
  countHere,
  die,
  fail,
  idle,
  nameOf,
  report,
  square,
  squareInThread,
  surroundings,
  TicketError,
  workerId,
} from "./_targets.ts";
import { test, type World } from "./_world.ts";

/** Spares of the world's kind. */
function prewarm(world: World, n?: number): Promise<AsyncDisposable> {
  const face = world.name === "threads" ? threading : multiprocessing;
  return n === undefined ? face.prewarm() : face.prewarm(n);
}

type Target = (...args: never[]) => unknown;
interface Options {
  args?: unknown[];
  name?: string;
  onReport?: (value: unknown) => void;
}

/** A child of the world's kind. */
function start(world: World, target: Target, options: Options = {}): Thread | Process {
  const child = world.name === "threads"
    ? new Thread(target, options as never)
    : new Process(target, { stderr: "null", ...options } as never);
  return child.start() as Thread | Process;
}

/** Runs a target in a child, to the child's end. */
async function run(world: World, target: Target, options: Options = {}): Promise<unknown> {
  await using child = start(world, target, options);
  return await child.result();
}

test("prewarm() changes nothing for those that are started", async (world) => {
  await using _spares = await prewarm(world, 2);
  for (let round = 0; round < 2; round++) {
    assertEquals(await run(world, square, { args: [12] }), 144);
    assertEquals(await run(world, nameOf, { name: "clerk" }), "clerk");
    const reports: unknown[] = [];
    const onReport = (value: unknown) => void reports.push(value);
    assertEquals(await run(world, report, { args: [[1, { k: 2 }]], onReport }), 2);
    assertEquals(reports, [1, { k: 2 }]);
    const before = threading.setExcepthook(() => {});
    await assertRejects(() => run(world, fail, { args: ["ticket"] }), TicketError, "no such seat");
    await assertRejects(() => run(world, die, { args: ["exit"] }), Error, "3");
    threading.setExcepthook(before);
  }
});

test("prewarm() gives each child a worker of its own", async (world) => {
  await using _spares = await prewarm(world, 2);
  const ids: unknown[] = [];
  for (let k = 0; k < 5; k++) ids.push(await run(world, workerId));
  assertEquals(new Set(ids).size, 5);
  assertEquals(await run(world, countHere), 1, "its variables are not its own");
});

test("prewarm() is for more children than there are spares, too", async (world) => {
  await using _spares = await prewarm(world, 1);
  const children = [1, 2, 3, 4].map((k) => start(world, square, { args: [k] }));
  assertEquals(await Promise.all(children.map((child) => child.result())), [1, 4, 9, 16]);
  for (const child of children) await child.join();
});

test("prewarm() shows in no list, and lets all go at its end", async (world) => {
  {
    await using _one = await prewarm(world);
    await using _more = await prewarm(world, 2);
    assertEquals(threading.enumerate().length, 1);
    assertEquals([threading.activeCount(), multiprocessing.activeChildren()], [1, []]);
  }
  assertEquals(await run(world, square, { args: [3] }), 9);
});

test("prewarm() that ends while children run leaves them alone", async (world) => {
  const spares = await prewarm(world, 1);
  const started = Promise.withResolvers<unknown>();
  const child = start(world, idle, { onReport: started.resolve });
  await started.promise;
  await spares[Symbol.asyncDispose]();
  await spares[Symbol.asyncDispose]();
  assertEquals(child.isAlive(), true);
  child.terminate();
  assertEquals(await child.join({ timeout: 2_000 }), true);
});

test("prewarm() lends itself to no child that is to be otherwise", async (world) => {
  await using _spares = await prewarm(world, 1);
  const options = { cwd: "/", env: { SWITCHYARD_PREWARM: "yes" }, permissions: { net: false } };
  await using child = new Process(surroundings, options).start();
  assertEquals(await child.result(), ["/", "yes", "prompt"]);
  await using plain = new Process(surroundings).start();
  assertEquals(await plain.result(), [Deno.cwd(), undefined, "granted"]);
}, { skip: { threads: "threads are all alike" } });

test("prewarm() knows the environment of the moment when a child starts", async (world) => {
  await using _spares = await prewarm(world, 1);
  Deno.env.set("SWITCHYARD_PREWARM", "now");
  try {
    assertEquals((await run(world, surroundings) as unknown[])[1], "now");
  } finally {
    Deno.env.delete("SWITCHYARD_PREWARM");
  }
}, { skip: { threads: "threads have the program's environment" } });

test("prewarm() outlives a start that fails", async (world) => {
  await using _spares = await prewarm(world, 1);
  const { port1, port2 } = new MessageChannel();
  port1.close();
  port2.close();
  const gone = new ArrayBuffer(8);
  structuredClone(gone, { transfer: [gone] });
  const options = { args: [port2 as never] as [number], transfer: [gone] };
  assertThrows(() => new Thread(square, options).start());
  assertEquals(threading.activeCount(), 1);
  assertEquals(await run(world, square, { args: [5] }), 25);
}, { skip: { processes: "nothing is moved to a process" } });

test("prewarm() serves a thread that starts another", async (world) => {
  await using _spares = await prewarm(world, 2);
  for (let round = 0; round < 2; round++) {
    assertEquals(await run(world, squareInThread, { args: [6] }), 36);
  }
});

test("prewarm() helps pools, and pools leave it alone", async (world) => {
  await using _spares = await prewarm(world, 2);
  const executor = world.executor(2);
  assertEquals(await executor.submit(square, 3).result(), 9);
  await executor.shutdown();
  assertEquals(await run(world, square, { args: [4] }), 16);
});

test("prewarm() refuses what is no number of spares", async (world) => {
  for (const bad of [0, -1, 1.5, NaN]) {
    await assertRejects(() => prewarm(world, bad), RangeError, String(bad));
  }
  await assertRejects(() => prewarm(world, "2" as never), TypeError, '"2"');
});
