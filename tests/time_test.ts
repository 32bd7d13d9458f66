/**
 * What `time` promises: sleeping in both forms, in threads and in processes.
 *
 * @module
 */
import { assertEquals, assertGreaterOrEqual, assertRejects, assertThrows } from "@std/assert";
import { within } from "./_help/within.ts";
import { ThreadTerminated } from "../lib/errors.ts";
import { Process } from "../lib/multiprocessing.ts";
import { waitpid } from "../lib/os.ts";
import { type Target, task } from "../lib/task.ts";
import { Thread } from "../lib/threading.ts";
import { sleep, sleepSync } from "../lib/time.ts";

const LIMIT = 20_000;
/** Longer than any test. */
const LATE = 600_000;

function test(name: string, fn: () => Promise<void> | void): void {
  Deno.test(name, () => within(LIMIT, fn(), name));
}

/** Sleeps, and reports that it woke in its `finally` block. */
export const dream: Target = task(import.meta, async function dream(memory: SharedArrayBuffer) {
  try {
    await sleep(LATE);
  } finally {
    Atomics.store(new Int32Array(memory), 0, 1);
  }
});

test("sleep() waits for its time, and lets other code run", async () => {
  let others = 0;
  const timer = setInterval(() => others++, 1);
  const began = performance.now();
  await sleep(50);
  assertGreaterOrEqual(performance.now() - began, 50);
  clearInterval(timer);
  assertGreaterOrEqual(others, 1);
});

test("sleepSync() blocks for its time", () => {
  const began = performance.now();
  sleepSync(30);
  assertGreaterOrEqual(performance.now() - began, 30);
});

test("sleep() and sleepSync() of 0 ms come back at once; of sleep() other code has its turn", async () => {
  sleepSync(0);
  let had = false;
  setTimeout(() => had = true, 0);
  while (!had) await sleep(0);
});

test("sleep() ends with the reason of its signal", async () => {
  const late = new AbortController();
  setTimeout(() => late.abort("enough"), 10);
  assertEquals(await sleep(LATE, { signal: late.signal }).catch((reason) => reason), "enough");
  const early = AbortSignal.abort("never");
  assertEquals(await sleep(LATE, { signal: early }).catch((reason) => reason), "never");
});

test("sleep() of more than 2^31 ms does not end early", async () => {
  const signal = AbortSignal.timeout(50);
  const error = await assertRejects(() => sleep(2 ** 40, { signal }), DOMException);
  assertEquals(error.name, "TimeoutError");
});

test("sleep() and sleepSync() refuse what is no time", async () => {
  for (const ms of ["1", undefined, null, NaN, 1n] as unknown as number[]) {
    await assertRejects(() => sleep(ms), TypeError, "Cannot sleep: ms must be a number, received");
    assertThrows(() => sleepSync(ms), TypeError, "Cannot sleep: ms must be a number, received");
  }
  for (const ms of [-1, Infinity, -Infinity]) {
    const message = `Cannot sleep: ms must be a finite number >= 0, received ${ms}`;
    await assertRejects(() => sleep(ms), RangeError, message);
    assertThrows(() => sleepSync(ms), RangeError, message);
  }
  await assertRejects(() => sleep(1, 2 as never), TypeError, "options must be an object");
  await assertRejects(() => sleep(1, { signal: 2 } as never), TypeError, "signal must be an Abort");
});

for (const target of [sleep, sleepSync]) {
  test(`${target.name}() is a target of threads: "waiting", and woken by terminate()`, async () => {
    const short = new Thread(target, { args: [1] }).start();
    assertEquals(await short.result(), undefined);
    const long = new Thread(target, { args: [LATE] }).start();
    while (long.state !== "waiting") await sleep(1);
    long.terminate();
    assertEquals(await long.join(), true);
    await assertRejects(() => long.result(), ThreadTerminated);
  });

  test(`${target.name}() is a target of processes`, async () => {
    const short = new Process(target, { args: [1] }).start();
    assertEquals(await short.result(), undefined);
    await short.join();
    const long = new Process(target, { args: [LATE] }).start();
    long.terminate();
    await long.join();
    assertEquals(long.exitcode, -15);
  });
}

test("sleep() in a process is a child that os.waitpid() knows", async () => {
  const child = new Process(sleep, { args: [1] }).start();
  assertEquals((await waitpid(child.pid!))[0], child.pid);
});

test("sleep() that terminate() wakes runs its finally blocks", async () => {
  const memory = new SharedArrayBuffer(4);
  const thread = new Thread(dream, { args: [memory] }).start();
  while (thread.state !== "waiting") await sleep(1);
  thread.terminate();
  await thread.join();
  assertEquals(new Int32Array(memory)[0], 1);
});
