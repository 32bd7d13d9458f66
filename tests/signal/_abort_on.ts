/**
 * abortOn(): signals as a reason to abort.
 *
 * @module
 */
import { assert, assertEquals, assertInstanceOf, assertRejects, assertThrows } from "@std/assert";
import { delay } from "@std/async";
import { KeyboardInterrupt } from "../../lib/errors.ts";
import {
  abortOn,
  getsignal,
  pause,
  raiseSignal,
  SIG_DFL,
  SIG_IGN,
  signal,
} from "../../lib/signal.ts";
import { Popen, run as runProgram } from "../../lib/subprocess.ts";
import { Program, run, test } from "./_program.ts";

/** Settles when a signal has been aborted. */
function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener("abort", () => resolve());
  });
}

test("abortOn() is aborted by the first of its signals, with a KeyboardInterrupt", async () => {
  using abort = abortOn("SIGHUP", "SIGUSR2", "SIGHUP");
  assertEquals([abort instanceof AbortSignal, abort.aborted], [true, false]);
  raiseSignal("SIGUSR2");
  await aborted(abort);
  const { reason } = abort;
  assertInstanceOf(reason, KeyboardInterrupt);
  assertEquals([reason.name, reason.signal], ["KeyboardInterrupt", "SIGUSR2"]);
  assertEquals(reason.message, "SIGUSR2 has come");
});

test("abortOn() abandons waits, and ends programs", async () => {
  {
    using abort = abortOn("SIGUSR2");
    const waits = [
      runProgram(["sleep", "60"], { signal: abort }),
      pause({ signal: abort }),
    ];
    raiseSignal("SIGUSR2");
    for (const ended of await Promise.allSettled(waits)) {
      assertEquals(ended.status === "rejected" && ended.reason, abort.reason);
    }
    assertInstanceOf(abort.reason, KeyboardInterrupt);
  }
  const child = new Popen(["sleep", "60"]);
  using abort = abortOn("SIGHUP");
  const wait = child.wait({ signal: abort });
  raiseSignal("SIGHUP");
  await assertRejects(() => wait, KeyboardInterrupt);
  assertEquals(await child.stop(), -15);
});

test("abortOn() leaves handlers and SIG_IGN as they are", async () => {
  const seen: string[] = [];
  const handler = (sig: string) => seen.push(sig);
  signal("SIGUSR2", handler);
  {
    using abort = abortOn("SIGUSR2");
    assertEquals(getsignal("SIGUSR2"), handler);
    const wait = pause();
    raiseSignal("SIGUSR2");
    assertEquals(await wait, "SIGUSR2");
    assertEquals([abort.aborted, seen], [true, ["SIGUSR2"]]);
    const next = pause();
    raiseSignal("SIGUSR2");
    await next;
    assertEquals(seen.length, 2);
  }
  assertEquals(signal("SIGUSR2", SIG_IGN), handler);
  {
    using abort = abortOn("SIGUSR2");
    raiseSignal("SIGUSR2");
    await aborted(abort);
    assertEquals(getsignal("SIGUSR2"), SIG_IGN);
  }
  raiseSignal("SIGUSR2"); // Would end the tests.
  assertEquals(signal("SIGUSR2", SIG_DFL), SIG_IGN);
});

test("abortOn(): a handler set meanwhile stays, and several abort at once", async () => {
  using first = abortOn("SIGUSR2");
  using second = abortOn("SIGUSR2", "SIGHUP");
  assertEquals(getsignal("SIGUSR2"), SIG_DFL);
  const seen: string[] = [];
  const handler = (sig: string) => seen.push(sig);
  assertEquals(signal("SIGUSR2", handler), SIG_DFL);
  raiseSignal("SIGUSR2");
  await Promise.all([aborted(first), aborted(second)]);
  await delay(0);
  assertEquals([getsignal("SIGUSR2"), seen], [handler, ["SIGUSR2"]]);
});

test("abortOn() is not aborted any more once it is disposed of", async () => {
  const abort = abortOn("SIGUSR2");
  using other = abortOn("SIGUSR2");
  abort[Symbol.dispose]();
  abort[Symbol.dispose]();
  raiseSignal("SIGUSR2");
  await aborted(other);
  assertEquals(abort.aborted, false);
});

test("abortOn() refuses what is no signal, and what nobody can handle", () => {
  assertThrows(() => abortOn("SIGKILL"), TypeError, "the system lets nobody handle SIGKILL");
  assertThrows(() => abortOn("SIGTERM", "SIGSTOP"), TypeError, "SIGSTOP");
  assertThrows(() => abortOn("SIGHUP", "SIGSEGV"), TypeError, "Deno keeps it for itself");
  assertThrows(() => abortOn("TERM" as never), TypeError, "Cannot abort on a signal");
  assertThrows(() => abortOn(4242), RangeError, "received 4242");
  assertEquals(getsignal("SIGHUP"), SIG_DFL);
});

test("abortOn() keeps no program alive, and takes numbers", async () => {
  const { code, stdout } = await run(`
    import { abortOn } from "LIB/signal.ts";
    abortOn(2, 15);
    abortOn();
    console.log("end");`);
  assertEquals([code, stdout], [0, "end\n"]);
});

test("abortOn(): Ctrl-C ends in good order, a second one at once", async () => {
  await using program = new Program(`
    import { abortOn } from "LIB/signal.ts";
    import { run } from "LIB/subprocess.ts";
    const signal = abortOn();
    try {
      console.log("ready");
      await run(["sleep", "60"], { signal });
    } catch (error) {
      console.log(error.name, error.signal);
    }
    console.log("still here");
    await new Promise((end) => setTimeout(end, 60_000));`);
  await program.said("ready");
  program.child.kill("SIGINT");
  const said = await program.said("still here");
  assert(said.includes("KeyboardInterrupt SIGINT\n"), said);
  program.child.kill("SIGINT");
  assertEquals((await program.ended()).signal, "SIGINT");
});

test("abortOn(): once it is disposed of, the default is done again", async () => {
  const { stdout, signal } = await run(`
    import { abortOn, raiseSignal } from "LIB/signal.ts";
    { using _ = abortOn("SIGTERM"); }
    console.log("before");
    raiseSignal("SIGTERM");
    await new Promise((next) => setTimeout(next, 5_000));
    console.log("after");`);
  assertEquals([stdout, signal], ["before\n", "SIGTERM"]);
});

test("abortOn(): a signal that a program sends itself is seen before it ends", async () => {
  const { stdout } = await run(
    `
    import { abortOn, raiseSignal } from "LIB/signal.ts";
    abortOn("SIGTERM").addEventListener("abort", ({ target }) => console.log(target.reason.signal));
    raiseSignal("SIGTERM");`,
    ["-A", "--no-check"],
  );
  assertEquals(stdout, "SIGTERM\n");
});
