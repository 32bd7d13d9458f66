import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
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
  TimeoutError,
} from "../../lib/signal.ts";
import { setExcepthook, Thread } from "../../lib/threading.ts";
import { isWindows, LACKS, unless } from "../_help/lacks.ts";
import * as targets from "./_targets.ts";
import { Program, run, test, testAlarm } from "./_program.ts";

test("signal() calls the handler with the signal's name, and gives the previous one", async () => {
  const seen: string[] = [];
  const first = (name: string) => seen.push(`first ${name}`);
  const second = (name: string) => seen.push(`second ${name}`);
  assertEquals(signal("SIGUSR2", first), SIG_DFL);
  raiseSignal("SIGUSR2");
  assertEquals(await pause(), "SIGUSR2");
  assertEquals(signal(Signals.SIGUSR2, second), first);
  assertEquals(getsignal("SIGUSR2"), second);
  raiseSignal(Signals.SIGUSR2);
  assertEquals(await pause(), "SIGUSR2");
  assertEquals(seen, ["first SIGUSR2", "second SIGUSR2"]);
  assertEquals(signal("SIGUSR2", SIG_IGN), second);
  assertEquals(signal("SIGUSR2", SIG_DFL), SIG_IGN);
  assertEquals(getsignal("SIGUSR2"), SIG_DFL);
});

test("signal() takes no handler for what cannot be handled", () => {
  for (const sig of ["SIGKILL", "SIGSTOP"] as const) {
    assertThrows(() => signal(sig, () => {}), TypeError, `Cannot set the handler of ${sig}`);
    assertThrows(() => signal(sig, SIG_DFL), TypeError, "lets nobody handle it");
    assertEquals(getsignal(sig), SIG_DFL);
  }
  assertThrows(() => signal("SIGSEGV", () => {}), TypeError, "Deno keeps it for itself");
  assertEquals(getsignal("SIGSEGV"), SIG_DFL);
});

test("signal() ignores, and does the default again", async () => {
  const { stdout, signal } = await run(`
    import { raiseSignal, SIG_DFL, SIG_IGN, signal } from "LIB/signal.ts";
    signal("SIGTERM", SIG_IGN);
    raiseSignal("SIGTERM");
    await new Promise((next) => setTimeout(next, 50));
    console.log("still here");
    signal("SIGTERM", SIG_DFL);
    raiseSignal("SIGTERM");
    await new Promise((next) => setTimeout(next, 5_000));
    console.log("not here");`);
  assertEquals([stdout, signal], ["still here\n", "SIGTERM"]);
});

test("signal() lets what was raised before meet what was set then", async () => {
  const { stdout, signal } = await run(`
    import { getsignal, raiseSignal, SIG_DFL, SIG_IGN, signal } from "LIB/signal.ts";
    for (let k = 0; k < 50; k++) {
      for (const handler of [SIG_IGN, () => {}]) {
        signal("SIGUSR2", handler);
        raiseSignal("SIGUSR2");
        signal("SIGUSR2", SIG_DFL);
      }
    }
    console.log("still here");
    raiseSignal("SIGUSR2");
    await new Promise((next) => setTimeout(next, 5_000));
    console.log("not here");`);
  assertEquals([stdout, signal], ["still here\n", "SIGUSR2"]);
});

test("signal() keeps no program alive, and needs no permission", async () => {
  const { code, stdout, stderr } = await run(
    `
    import { alarm, signal } from "LIB/signal.ts";
    signal("SIGTERM", () => console.log("handled"));
    alarm(60_000);
    console.log("end");`,
    ["--no-prompt"],
  );
  assertEquals([code, stdout, stderr], [0, "end\n", ""]);
});

test("signal() has the handler called for what was raised before the program ends", async () => {
  const { code, stdout } = await run(`
    import { raiseSignal, signal } from "LIB/signal.ts";
    signal("SIGUSR2", () => console.log("handled"));
    raiseSignal("SIGUSR2");`);
  assertEquals([code, stdout], [0, "handled\n"]);
});

Deno.test({
  ...unless(LACKS.signals, "raiseSignal() holds the event loop open until the handler is called"),
  async fn() {
    const called = Promise.withResolvers<void>();
    signal("SIGUSR2", () => called.resolve());
    raiseSignal("SIGUSR2");
    // Nothing else is pending in this test.
    await called.promise;
    signal("SIGUSR2", SIG_DFL);
  },
});

test("signal() warns once of SIGUSR1", async () => {
  const { code, stderr } = await run(`
    import { SIG_DFL, signal } from "LIB/signal.ts";
    for (let k = 0; k < 2; k++) {
      signal("SIGUSR1", () => {});
      signal("SIGUSR1", SIG_DFL);
    }`);
  assertEquals([code, stderr.match(/SIGUSR1 opens/g)?.length], [0, 1]);
});

test("signal() is told of an error that its handler throws: uncaught, and the program ends", async () => {
  const { code, stdout, stderr } = await run(`
    import { raiseSignal, signal } from "LIB/signal.ts";
    signal("SIGUSR2", () => { throw new RangeError("handled badly"); });
    raiseSignal("SIGUSR2");
    await new Promise((next) => setTimeout(next, 5_000));
    console.log("not here");`);
  assertEquals([code, stdout], [1, ""]);
  assertStringIncludes(stderr, "RangeError: handled badly");
});

test("signal() goes on after an error of its handler that somebody has caught", async () => {
  const { code, stdout } = await run(`
    import { pause, raiseSignal, signal } from "LIB/signal.ts";
    addEventListener("error", (event) => {
      event.preventDefault();
      console.log(event.error.message);
    });
    let count = 0;
    signal("SIGUSR2", () => { if (++count === 1) throw new RangeError("handled badly"); });
    raiseSignal("SIGUSR2");
    while (count === 0) await new Promise((next) => setTimeout(next, 5));
    raiseSignal("SIGUSR2");
    console.log(await pause());`);
  assertEquals([code, stdout], [0, "handled badly\nSIGUSR2\n"]);
});

test("a handler may end the program with exit()", async () => {
  const { code, stdout } = await run(`
    import { exit } from "LIB/os.ts";
    import { raiseSignal, signal } from "LIB/signal.ts";
    signal("SIGTERM", () => exit(7));
    raiseSignal("SIGTERM");
    await new Promise((next) => setTimeout(next, 5_000));
    console.log("not here");`);
  assertEquals([code, stdout], [7, ""]);
});

test("a thread that is blocked hears of the signal afterwards", async () => {
  let count = 0;
  signal("SIGUSR2", () => count++);
  raiseSignal("SIGUSR2");
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
  assertEquals(count, 0);
  assertEquals(await pause(), "SIGUSR2");
  assertEquals(count, 1);
});

test("pause() gives the signal to all who wait, after the handler", async () => {
  const order: string[] = [];
  signal("SIGUSR2", () => order.push("handler"));
  const waits = [1, 2].map(async (k) => order.push(`${k} ${await pause()}`));
  raiseSignal("SIGUSR2");
  await Promise.all(waits);
  assertEquals(order, ["handler", "1 SIGUSR2", "2 SIGUSR2"]);
});

test("pause() throws what the handler throws", async () => {
  signal("SIGUSR2", () => {
    throw new RangeError("handled badly");
  });
  raiseSignal("SIGUSR2");
  await assertRejects(() => pause(), RangeError, "handled badly");
  signal("SIGUSR2", () => {});
  raiseSignal("SIGUSR2");
  assertEquals(await pause(), "SIGUSR2");
});

test("pause() ends by its signal or its timeout, and leaves nothing behind", async () => {
  const reason = new Error("enough");
  await assertRejects(() => pause({ signal: AbortSignal.abort(reason) }), Error, "enough");
  const controller = new AbortController();
  const wait = pause({ signal: controller.signal });
  controller.abort(reason);
  assertEquals(await wait.catch((error) => error), reason);
  await assertRejects(() => pause({ timeout: 5 }), TimeoutError, "within 5 ms");
  await assertRejects(() => pause({ timeout: -1 }), RangeError, "timeout must be >= 0 ms");
  await assertRejects(() => pause({ signal: 5 as never }), TypeError, "AbortSignal");
});

test("pause() takes no notice of an ignored signal", async () => {
  signal("SIGUSR2", SIG_IGN);
  signal("SIGHUP", () => {});
  const wait = pause();
  raiseSignal("SIGUSR2");
  raiseSignal("SIGHUP");
  assertEquals(await wait, "SIGHUP");
});

test("pause() holds the program open, until a signal without a handler ends it", async () => {
  await using program = new Program(`
    import { pause } from "LIB/signal.ts";
    console.log("ready");
    await pause();
    console.log("not here");`);
  await program.said("ready");
  program.child.kill("SIGTERM");
  const { stdout, signal } = await program.ended();
  assertEquals([stdout, signal], ["ready\n", "SIGTERM"]);
});

/** The signal and the code of a program that its alarm has ended. */
const BY_ALARM = [isWindows ? null : "SIGALRM", 142] as const;

const CLOCKS: [clock: string, flags: string[]][] = [
  ["the kernel's clock", ["--allow-ffi", "--allow-read"]],
  ["the main thread's clock", ["--allow-read"]],
];

for (const [clock, flags] of CLOCKS) {
  testAlarm(`alarm() gives what was left, replaces and calls off [${clock}]`, async () => {
    const { code, stdout, stderr } = await run(
      `
      import { alarm, pause, signal } from "LIB/signal.ts";
      let rang = 0;
      signal("SIGALRM", () => rang++);
      console.log(alarm(60_000));
      const began = performance.now();
      const left = alarm(30);
      console.log(left > 50_000 && left <= 60_000);
      console.log(await pause(), performance.now() - began >= 29, rang);
      console.log(alarm(0));
      alarm(200);
      const rest = alarm(0);
      console.log(rest > 0 && rest <= 200, alarm(0));
      await new Promise((next) => setTimeout(next, 250));
      console.log(rang);
      alarm(0.4);
      console.log(await pause());`,
      flags,
    );
    assertEquals(stderr, "");
    assertEquals(stdout, "0\ntrue\nSIGALRM true 1\n0\ntrue 0\n1\nSIGALRM\n");
    assertEquals(code, 0);
  });

  testAlarm(`alarm() without a handler ends the process as SIGALRM does [${clock}]`, async () => {
    const { signal, code, stdout } = await run(
      `
      import { alarm, pause } from "LIB/signal.ts";
      alarm(300);
      console.log("set");
      await pause();
      console.log("not here");`,
      flags,
    );
    assertEquals([stdout, signal, code], ["set\n", ...BY_ALARM]);
  });

  testAlarm(`alarm() of a thread replaces main's, which hears of it [${clock}]`, async () => {
    const { code, stdout, stderr } = await run(
      `
      import { alarm, pause, signal } from "LIB/signal.ts";
      import { Thread } from "LIB/threading.ts";
      export function hurry(ms: number) { return alarm(ms); }
      if (import.meta.main) {
        signal("SIGALRM", () => {});
        alarm(60_000);
        const heard = pause();
        const left = await new Thread(hurry, { args: [20] }).start().result();
        console.log(left > 50_000 && left <= 60_000);
        console.log(await heard);
        await new Thread(hurry, { args: [60_000] }).start().result();
        const rest = alarm(0);
        console.log(rest > 50_000 && rest <= 60_000);
      }`,
      flags,
    );
    assertEquals([code, stdout, stderr], [0, "true\nSIGALRM\ntrue\n", ""]);
  });

  testAlarm(
    `alarm() ends a program that is blocked in a wait of the toolkit [${clock}]`,
    async () => {
      const { signal, code, stdout } = await run(
        `
      import { alarm } from "LIB/signal.ts";
      import { Event } from "LIB/threading.ts";
      alarm(50);
      console.log("blocked");
      new Event().waitSync();
      console.log("not here");`,
        flags,
      );
      assertEquals([stdout, signal, code], ["blocked\n", ...BY_ALARM]);
    },
  );
}

test("alarm() ends a program whose code never pauses [the kernel's clock]", async () => {
  const { signal } = await run(
    `
    import { alarm } from "LIB/signal.ts";
    alarm(50);
    for (;;);`,
    ["--allow-ffi"],
  );
  assertEquals(signal, "SIGALRM");
});

testAlarm("alarm() without a handler ends a child, and its exitcode says so", async () => {
  await using child = new Process(targets.dieByAlarm, { args: [10] }).start();
  await child.join();
  assertEquals(child.exitcode, isWindows ? BY_ALARM[1] : -Signals.SIGALRM);
});

testAlarm("alarm() is one for all threads of the process", async () => {
  alarm(50_000);
  const inThread = await new Thread(targets.setAlarm, { args: [40_000] }).start().result();
  assertGreater(inThread, 40_000);
  assertLess(inThread, 50_000.001);
  const left = alarm(0);
  assertGreater(left, 30_000);
  assertLess(left, 40_000.001);
});

test("signal() and alarm() work in threads", async () => {
  assertEquals(
    await new Thread(targets.awaitAlarm, { args: [10] }).start().result(),
    "SIGALRM",
  );
  for (const killable of [false, true]) {
    const reports: string[] = [];
    const ready = Promise.withResolvers<void>();
    const thread = new Thread(targets.handleOnce, {
      args: ["SIGUSR2"],
      killable,
      onReport: (report: string) => (reports.push(report), ready.resolve()),
    }).start();
    await ready.promise;
    raiseSignal("SIGUSR2");
    assertEquals(await thread.result(), "SIGUSR2");
    await thread.join();
    assertEquals(reports, ["ready", "SIGUSR2"]);
  }
});

test("a signal is told to every thread that handles it", async () => {
  let here = 0;
  const ready = Promise.withResolvers<void>();
  signal("SIGUSR2", () => here++);
  const thread = new Thread(targets.handleOnce, {
    args: ["SIGUSR2"],
    onReport: () => ready.resolve(),
  }).start();
  await ready.promise;
  const mine = pause();
  raiseSignal("SIGUSR2");
  assertEquals([await mine, await thread.result()], ["SIGUSR2", "SIGUSR2"]);
  assertEquals(here, 1);
});

test("a thread's handler that throws ends that thread alone", async () => {
  const before = setExcepthook(() => {});
  const ready = Promise.withResolvers<void>();
  const thread = new Thread(targets.throwing, { onReport: () => ready.resolve() }).start();
  await ready.promise;
  // Once the thread has ended nobody else might handle it.
  signal("SIGUSR2", () => {});
  raiseSignal("SIGUSR2");
  await assertRejects(() => thread.result(), RangeError, "handled badly");
  setExcepthook(before);
});

test("kill() reaches a process, and says how it failed", async () => {
  const ready = Promise.withResolvers<void>();
  await using child = new Process(targets.handleOnce, {
    args: ["SIGUSR2"],
    onReport: () => ready.resolve(),
  }).start();
  await ready.promise;
  kill(child.pid!, 0);
  kill(child.pid!, "SIGUSR2");
  assertEquals(await child.result(), "SIGUSR2");
  await child.join();
  assertThrows(() => kill(child.pid!, "SIGTERM"), Deno.errors.NotFound, "no such process");
  assertThrows(() => kill(child.pid!, 0), Deno.errors.NotFound, "no such process");
});

test("kill() refuses what is no process or no signal", () => {
  assertThrows(() => kill("1" as never, "SIGTERM"), TypeError, 'received "1"');
  assertThrows(() => kill(1.5, "SIGTERM"), RangeError, "received 1.5");
  assertThrows(() => kill(2 ** 40, "SIGTERM"), RangeError, "32 bits");
  assertThrows(() => kill(Deno.pid, "SIGNO" as never), TypeError, 'received "SIGNO"');
  assertThrows(() => kill(Deno.pid, undefined as never), TypeError, "received undefined");
  assertThrows(() => kill(Deno.pid, 4242), RangeError, "received 4242");
  assertThrows(() => kill(Deno.pid, -1), RangeError, "received -1");
});

test("kill() of another process needs --allow-run, which the error names", async () => {
  const { stdout } = await run(
    `
    import { kill } from "LIB/signal.ts";
    try { kill(Deno.ppid, 0); } catch (error) { console.log(error.name, error.message); }`,
    ["--allow-read"],
  );
  assertStringIncludes(stdout, "NotCapable");
  assertStringIncludes(stdout, "run again with --allow-run");
});

testAlarm("alarm() refuses what is no time", () => {
  assertThrows(() => alarm("1" as never), TypeError, 'ms must be a number, received "1"');
  assertThrows(() => alarm(NaN), TypeError, "received NaN");
  assertThrows(() => alarm(-1), RangeError, "ms must be >= 0 and finite, received -1");
  assertThrows(() => alarm(Infinity), RangeError, "received Infinity");
  assertEquals(alarm(0), 0);
});

test("Signals and strsignal() know the usual ones", () => {
  assertEquals([Signals.SIGINT, Signals.SIGKILL, Signals.SIGTERM], [2, 9, 15]);
  assertEquals(strsignal("SIGALRM"), "Alarm clock");
  assertEquals(strsignal(9), "Killed");
  for (const name of Object.keys(Signals)) assert(strsignal(name as Deno.Signal).length > 3, name);
  assertThrows(() => strsignal("SIGNO" as never), TypeError);
  assertThrows(() => strsignal("toString" as never), TypeError);
  assertThrows(() => strsignal(0), RangeError);
});

for (const timeout of [2 ** 31, 2 ** 40]) {
  test(`pause() with a timeout of 2^${Math.log2(timeout)} ms waits for a signal`, async () => {
    let hasCome = false;
    signal("SIGUSR2", () => {});
    const paused = pause({ timeout });
    setTimeout(() => {
      hasCome = true;
      raiseSignal("SIGUSR2");
    }, 50);
    assertEquals([await paused, hasCome], ["SIGUSR2", true]);
  });

  testAlarm(`alarm() of 2^${Math.log2(timeout)} ms does not ring at once`, async () => {
    let rang = false;
    signal("SIGALRM", () => rang = true);
    alarm(timeout);
    await delay(50);
    assertEquals([rang, alarm(0) > timeout - 60_000], [false, true]);
  });
}
