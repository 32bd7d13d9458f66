/**
 * What a Timer promises. It is a thread, so it has no other world.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertGreaterOrEqual,
  assertRejects,
  assertThrows,
} from "@std/assert";
import { enumerate, Thread, Timer } from "../../lib/threading.ts";
import { echo, mark, runUntil } from "./_targets.ts";
import { test as testInAll, type World } from "./_world.ts";

/** Longer than any test. */
const LATE = 600_000;

function test(name: string, fn: (world: World) => Promise<void> | void): void {
  testInAll(name, fn, { skip: { processes: "a Timer is a thread" } });
}

test("Timer runs its target after its time, and not before", async () => {
  const began = performance.now();
  await using timer = new Timer(50, echo<number>, { args: [7] }).start();
  assertEquals(await timer.result(), 7);
  assertGreaterOrEqual(performance.now() - began, 49.9);
});

test("Timer of 0 ms runs its target", async () => {
  await using timer = new Timer(0, echo<string>, { args: ["now"] }).start();
  assertEquals(timer.resultSync(), "now");
  assertEquals(timer.state, "ended");
});

test("Timer is a thread, with a name", async () => {
  await using timer = new Timer(LATE, echo<number>, { args: [1], name: "tea", daemon: true });
  assert(timer instanceof Thread);
  assertEquals([timer.name, timer.daemon, timer.state, timer.isAlive()], [
    "tea",
    true,
    "new",
    false,
  ]);
  timer.start();
  assertEquals(timer.isAlive(), true);
  assert(enumerate().some(({ ident }) => ident === timer.ident));
  assertThrows(() => timer.start(), Error, "started already");
  timer.cancel();
});

test("Timer that is cancelled ends at once, and its target never runs", async ({ face }) => {
  const value = new face.Value("i32");
  await using timer = new Timer(LATE, mark, { args: [value] }).start();
  timer.cancel();
  assertEquals(await timer.join({ timeout: 5_000 }), true);
  assertEquals([await timer.result(), timer.error, value.value], [undefined, null, 0]);
});

test("Timer can be cancelled while another thread waits for it, blocked", async ({ face }) => {
  const value = new face.Value("i32");
  await using timer = new Timer(LATE, mark, { args: [value] }).start();
  timer.cancel();
  timer.cancel();
  assertEquals(timer.joinSync({ timeout: 5_000 }), true);
  assertEquals([timer.resultSync(), value.value], [undefined, 0]);
});

test("Timer that is cancelled before its start never runs its target", async ({ face }) => {
  const value = new face.Value("i32");
  await using timer = new Timer(0, mark, { args: [value] });
  timer.cancel();
  timer.start();
  assertEquals([await timer.result(), value.value], [undefined, 0]);
});

test("Timer.cancel() after its end changes nothing", async ({ face }) => {
  const value = new face.Value("i32", 5);
  await using timer = new Timer(1, mark, { args: [value] }).start();
  assertEquals(await timer.result(), 5);
  timer.cancel();
  assertEquals([await timer.result(), value.value], [5, 6]);
});

test("Timer.cancel() does not stop a target that runs already", async ({ face }) => {
  const [started, go] = [new face.Event(), new face.Event()];
  await using timer = new Timer(0, runUntil, { args: [started, go] }).start();
  await started.wait();
  timer.cancel();
  go.set();
  assertEquals(await timer.result(), true);
});

test("Timer waits for its result no longer than it is told", async () => {
  await using timer = new Timer(LATE, echo<number>, { args: [1] }).start();
  assertEquals(await timer.join({ timeout: 10 }), false);
  await assertRejects(() => timer.result({ timeout: 10 }), Error, "within 10 ms");
  timer.cancel();
});

test("Timer can be terminated", async () => {
  const timer = new Timer(LATE, echo<number>, { args: [1] }).start();
  timer.terminate();
  assertEquals(await timer.join({ timeout: 1_500 }), true);
  await assertRejects(() => timer.result(), Error, "terminated");
});

test("Timer refuses bad arguments", () => {
  for (const bad of [-1, NaN]) {
    const error = assertThrows(() => new Timer(bad, echo<number>, { args: [1] }));
    assert(error instanceof RangeError || error instanceof TypeError, `${error}`);
  }
  for (const bad of ["5", null, undefined]) {
    assertThrows(() => new Timer(bad as never, echo<number>, { args: [1] }), TypeError);
  }
  assertThrows(() => new Timer(5, (() => 1) as never), TypeError, "Cannot run");
  assertThrows(() => new Timer(5, echo<number>, { args: 1 as never }), TypeError, "args");
});
