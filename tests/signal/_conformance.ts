/**
 * What of CPython's test_signal applies here, by the names of its tests.
 *
 * Not here, and why: wakeup file descriptors, siginterrupt(), masks and sigwait() (a handler runs
 * on the event loop, not in the midst of a system call, so there is nothing to interrupt or to put
 * off), setitimer() (setInterval()), pidfd_send_signal(), default_int_handler() (SIGINT ends a Deno
 * as it ends any program).
 */
import { constants } from "node:os";
import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { delay } from "@std/async";
import { Process } from "../../lib/multiprocessing.ts";
import {
  alarm,
  getsignal,
  kill,
  pause,
  raiseSignal,
  SIG_DFL,
  SIG_IGN,
  signal,
  Signals,
  strsignal,
} from "../../lib/signal.ts";
import * as targets from "./_targets.ts";
import { Program, run, test } from "./_program.ts";

const SENT = 1_000;

test("test_functions_module_attr, test_enums: names have numbers, SIG_DFL is not SIG_IGN", () => {
  for (const [name, number] of Object.entries(Signals)) {
    assert(/^SIG[A-Z\d]+$/.test(name) && Number.isInteger(number) && number > 0, name);
  }
  assertEquals({ ...Signals } as Record<string, number>, { ...constants.signals });
  assert((SIG_DFL as unknown) !== SIG_IGN);
  assert(Object.isFrozen(Signals));
});

test("test_out_of_range_signal_number_raises_error", () => {
  assertThrows(() => getsignal(4242), RangeError, "received 4242");
  assertThrows(() => signal(4242, () => {}), RangeError, "received 4242");
  assertThrows(() => strsignal(4242), RangeError, "received 4242");
  assertThrows(() => raiseSignal(4242), RangeError, "received 4242");
  assertThrows(() => signal(0, () => {}), RangeError, "received 0");
  assertThrows(() => signal(-1, () => {}), RangeError, "received -1");
  assertThrows(() => signal(1.5, () => {}), RangeError, "received 1.5");
});

test("test_setting_signal_handler_to_none_raises_error", () => {
  for (const none of [null, undefined, 0, 1, "SIG_IGN", {}]) {
    assertThrows(() => signal("SIGUSR2", none as never), TypeError, "handler must be a function");
  }
  assertEquals(getsignal("SIGUSR2"), SIG_DFL);
});

test("test_getsignal", () => {
  const handler = () => {};
  const hup = signal("SIGHUP", handler);
  assertEquals(getsignal("SIGHUP"), handler);
  assertEquals(signal("SIGHUP", hup), handler);
  assertEquals(getsignal("SIGHUP"), hup);
});

test("test_strsignal", () => {
  assertStringIncludes(strsignal("SIGINT"), "Interrupt");
  assertStringIncludes(strsignal("SIGTERM"), "Terminated");
  assertStringIncludes(strsignal("SIGHUP"), "Hangup");
});

test("test_interprocess_signal: a child's signals reach the parent's handlers", async () => {
  const got: string[] = [];
  for (const sig of ["SIGHUP", "SIGUSR2"] as const) {
    signal(sig, (name) => got.push(name));
    const heard = pause();
    await using child = new Process(targets.send, { args: [Deno.pid, sig] }).start();
    await child.result();
    assertEquals(await heard, sig);
  }
  assertEquals(got, ["SIGHUP", "SIGUSR2"]);
});

test("test_keyboard_interrupt_exit_code: a process that SIGINT ends says so", async () => {
  await using program = new Program(`
    console.log("ready");
    setInterval(() => {}, 1_000);`);
  await program.said("ready");
  program.child.kill("SIGINT");
  assertEquals((await program.ended()).signal, "SIGINT");
  const ready = Promise.withResolvers<void>();
  await using child = new Process(targets.sleep, { onReport: () => ready.resolve() }).start();
  await ready.promise;
  kill(child.pid!, "SIGINT");
  await child.join();
  assertEquals(child.exitcode, -Signals.SIGINT);
});

test("test_sigint (RaiseSignalTest): raiseSignal() without a handler ends the process", async () => {
  const { signal, stdout } = await run(`
    import { raiseSignal } from "LIB/signal.ts";
    raiseSignal("SIGINT");
    await new Promise((next) => setTimeout(next, 5_000));
    console.log("not here");`);
  assertEquals([signal, stdout], ["SIGINT", ""]);
});

test("test_handler (RaiseSignalTest)", async () => {
  let isOk = false;
  signal("SIGUSR2", () => isOk = true);
  raiseSignal("SIGUSR2");
  await pause();
  assert(isOk);
});

test("test_itimer_real: the alarm's signal comes once, when it is due", async () => {
  const began = performance.now();
  let count = 0;
  signal("SIGALRM", () => count++);
  alarm(20);
  assertEquals(await pause(), "SIGALRM");
  assert(performance.now() - began >= 19);
  assertEquals([alarm(0), count], [0, 1]);
});

test("test_setitimer_tiny: the shortest alarm is one too", async () => {
  signal("SIGALRM", () => {});
  const heard = pause();
  alarm(0.001);
  assertEquals(await heard, "SIGALRM");
});

test("test_stress_delivery_dependent: each signal sends the next, none is lost", async () => {
  let count = 0;
  const done = Promise.withResolvers<void>();
  signal("SIGUSR2", () => ++count < SENT ? raiseSignal("SIGUSR2") : done.resolve());
  const hold = setInterval(() => {}, 1_000);
  raiseSignal("SIGUSR2");
  await done.promise;
  clearInterval(hold);
  assertEquals(count, SENT);
});

test("test_stress_delivery_simultaneous: two kinds at once, neither swallows the other", async () => {
  const counts = { SIGUSR2: 0, SIGALRM: 0 };
  const count = (name: Deno.Signal) => counts[name as keyof typeof counts]++;
  signal("SIGUSR2", count);
  signal("SIGALRM", count);
  for (let k = 1; k <= 100; k++) {
    alarm(0.01);
    raiseSignal("SIGUSR2");
    while (counts.SIGUSR2 < k || counts.SIGALRM < k) await pause({ timeout: 5 }).catch(() => {});
  }
  assertEquals(counts, { SIGUSR2: 100, SIGALRM: 100 });
});

test("test_stress_modifying_handlers: changed while signals come, no call goes astray", async () => {
  let [calls, sent] = [0, 0];
  const handler = (name: string) => {
    assertEquals(name, "SIGUSR2");
    calls++;
  };
  signal("SIGUSR2", SIG_IGN);
  for (let k = 0; k < 500; k++) {
    raiseSignal("SIGUSR2");
    sent++;
    signal("SIGUSR2", handler);
    if (k % 50 === 0) await delay(0);
    signal("SIGUSR2", SIG_IGN);
  }
  signal("SIGUSR2", handler);
  raiseSignal("SIGUSR2");
  await pause();
  assert(calls >= 1 && calls <= sent + 1, `${calls} of ${sent + 1}`);
});

test("SIGCHLD can be handled: it comes when a child ends", async () => {
  signal("SIGCHLD", () => {});
  const heard = pause();
  await using child = new Process(targets.send, { args: [Deno.pid, "SIGCONT"] }).start();
  await child.result();
  assertEquals(await heard, "SIGCHLD");
});
