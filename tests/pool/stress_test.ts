/**
 * Many tasks, and workers that die all the time: each task is accounted for exactly once.
 * `SWITCHYARD_TIMES` sets how many there are.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async";
import { CancelledError, type Executor, type Future } from "../../lib/futures.ts";
import { WorkerLostError } from "../../lib/errors.ts";
import { countHere, die, heedBriefly, keepCells, square, tick } from "./_targets.ts";
import { isAlive } from "../_help/alive.ts";
import { collect, Input, SHARING, test as testIn, type TestOptions, type World } from "./_world.ts";

const TIMES = Number(Deno.env.get("SWITCHYARD_TIMES") ?? 5_000);
/** How often a worker is killed, in ms. */
const EVERY = 50;
/** How many tasks are out at a time: so that dying goes on from the first to the last. */
const OUT = 400;

function test(
  name: string,
  fn: (world: World) => Promise<void>,
  options: TestOptions = {},
): void {
  testIn(`${name}, ${TIMES}`, fn, { limit: 60_000 + TIMES, ...options });
}

/** What became of the tasks. */
interface Tally {
  /** How often each was told to have ended. */
  ends: Uint8Array;
  /** Whether each was done. */
  done: Uint8Array;
  lost: number;
  other: unknown[];
}

/** Submits tasks, never too many at a time, and tallies their ends. */
async function submitAll(
  times: number,
  submit: (k: number) => Future<[number, number]>,
  onDone: (pid: number) => void,
): Promise<Tally> {
  const tally: Tally = {
    ends: new Uint8Array(times),
    done: new Uint8Array(times),
    lost: 0,
    other: [],
  };
  let out = 0;
  let room = Promise.withResolvers<void>();
  for (let k = 0; k < times; k++) {
    while (out >= OUT) await room.promise;
    out++;
    submit(k).addDoneCallback(async (future) => {
      tally.ends[k]++;
      out--;
      room.resolve();
      room = Promise.withResolvers();
      try {
        const [back, pid] = await future.result();
        assertEquals(back, k);
        tally.done[k]++;
        onDone(pid);
      } catch (error) {
        if (error instanceof WorkerLostError) tally.lost++;
        else tally.other.push(error);
      }
    });
  }
  while (out > 0) await room.promise;
  // The callbacks' own awaits.
  await delay(0);
  return tally;
}

/** Ends a worker: whichever the last result came from, or by a task that dies. */
function reaper(
  world: World,
  executor: Executor,
): Disposable & { seen(pid: number): void; kills: number } {
  let pid = 0;
  let isDying = false;
  const all = {
    kills: 0,
    seen: (from: number) => void (pid = from),
    [Symbol.dispose]: () => clearInterval(timer),
  };
  const timer = setInterval(() => {
    if (world.name === "threads") {
      // One after the other: where starting a thread takes longer than this, the others go on.
      if (isDying) return;
      isDying = true;
      all.kills++;
      const dying = executor.submitWith({ priority: 1 }, die, "Deno.exit");
      dying.addDoneCallback(() => isDying = false);
    } else if (pid !== 0 && isAlive(pid)) {
      all.kills++;
      Deno.kill(pid, "SIGKILL");
    }
  }, EVERY);
  return all;
}

test("each task is done once or lost, while workers are killed", async (world) => {
  const cells = new world.face.Array("i32", TIMES);
  const executor = world.executor(3, { initializer: keepCells, initArgs: [cells] });
  using killer = reaper(world, executor);
  const { ends, done, lost, other } = await submitAll(
    TIMES,
    (k) => executor.submit(tick, k),
    killer.seen,
  );
  const runs = cells.toArray();
  assertEquals(other, [], "ended by something else");
  assertEquals(ends.findIndex((each) => each !== 1), -1, "not told exactly once");
  assertEquals(done.reduce((sum, each) => sum + each, 0) + lost, TIMES);
  assertEquals(done.findIndex((each, k) => each === 1 && runs[k] !== 1), -1, "done, not run once");
  assertEquals(runs.findIndex((each) => each > 1), -1, "run more than once");
  assert(lost <= killer.kills, `${lost} tasks were lost by ${killer.kills} kills`);
}, SHARING);

test("each task is done when it may be tried again, while workers are killed", async (world) => {
  const cells = new world.face.Array("i32", TIMES);
  const executor = world.executor(3, { initializer: keepCells, initArgs: [cells] });
  using killer = reaper(world, executor);
  const { ends, done, lost, other } = await submitAll(
    TIMES,
    (k) => executor.submitWith({ retries: 50 }, tick, k),
    killer.seen,
  );
  assertEquals([other, lost], [[], 0]);
  assertEquals(ends.findIndex((each) => each !== 1), -1, "not told exactly once");
  assertEquals(done.findIndex((each) => each !== 1), -1, "not done");
  const again = cells.toArray().reduce((sum, runs) => sum + runs, 0) - TIMES;
  assert(again <= killer.kills, `${again} second runs by ${killer.kills} kills`);
}, SHARING);

test("map gives every result in order", async (world) => {
  const executor = world.executor(3);
  let k = 0;
  for await (const each of executor.map(square, new Input(TIMES * 4))) {
    if (each !== k * k) assertEquals(each, k * k);
    k++;
  }
  assertEquals(k, TIMES * 4);
});

test("pool gives every result in order, with its workers replaced", async (world) => {
  const pool = world.pool(3, { maxTasksPerChild: Math.max(10, Math.ceil(TIMES / 20)) });
  const counts = await pool.map(countHere as (k: number) => number, new Input(TIMES), {
    chunksize: 5,
  });
  assertEquals(counts.length, TIMES);
  const squares = await collect(pool.imapUnordered(square, new Input(TIMES)));
  assertEquals(
    squares.sort((a, b) => a - b).findIndex((each, k) => each !== k * k),
    -1,
    "a result is missing or double",
  );
});

test("cancelling at random loses no task and no worker", async (world) => {
  const times = Math.ceil(TIMES / 20);
  const executor = world.executor(3, { grace: 2_000 });
  const cancelled: Future<unknown>[] = [];
  const kept: Future<number>[] = [];
  for (let k = 0; k < times; k++) {
    if (k % 3 === 0) {
      const future = executor.submit(heedBriefly, k % 2 === 0 ? "value" : "error");
      cancelled.push(future);
      setTimeout(() => future.cancel({ running: true }), k % 7);
    } else kept.push(executor.submit(square, k));
    if (k % 10 === 0) await delay(1);
  }
  for (const future of cancelled) {
    const error = await future.result().catch((error) => error);
    assert(error instanceof CancelledError, `ended with ${error}`);
  }
  const squares = await Promise.all(kept.map((future) => future.result()));
  assertEquals(squares.length, times - cancelled.length);
  const { queued, workers } = executor.stats();
  assertEquals(queued, 0);
  assert(workers <= 3, `${workers} workers`);
});
