/**
 * What threads and processes have in common, run for both, and what is each one's own.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { delay } from "@std/async";
import { ensureDir } from "@std/fs";
import { ShareError, ThreadTerminated, TimeoutError, WorkerLostError } from "../lib/errors.ts";
import { activeChildren, currentProcess, parentProcess, Process } from "../lib/multiprocessing.ts";
import {
  activeCount,
  currentThread,
  Lock,
  mainThread,
  setExcepthook,
  Thread,
} from "../lib/threading.ts";
import { TOLD } from "../lib/child/plan.ts";
import { held } from "../lib/core/promises.ts";
import { isWindows, LACKS, temporaryIn, unless } from "./_help/lacks.ts";
import { isAlive } from "./_help/alive.ts";
import { LIMIT, within } from "./_help/within.ts";
import * as targets from "./_children_targets.ts";

/** A test with a time limit of its own. */
function test(name: string, fn: () => Promise<void>, lack?: string): void {
  Deno.test(unless(lack, name), async () => {
    const before = setExcepthook(() => {});
    try {
      await within(LIMIT, fn());
    } finally {
      setExcepthook(before);
    }
  });
}

type Target = (...args: never[]) => unknown;
interface Options {
  args?: unknown[];
  name?: string;
  onReport?: (value: unknown) => void;
}
type Child = Thread | Process;

const worlds: [world: string, make: (target: Target, options?: Options) => Child][] = [
  ["threads", (target, options) => new Thread(target, options as never) as Thread],
  [
    "processes",
    (target, options) => new Process(target, { stderr: "null", ...options } as never) as Process,
  ],
];

for (const [world, make] of worlds) {
  /** Why a thread cannot block for one here. */
  const sync = world === "processes" ? LACKS.memory : undefined;
  /** Runs a target to its end. */
  const run = async (target: Target, options: Options = {}): Promise<unknown> => {
    await using child = make(target, options).start();
    return await child.result();
  };

  test(`result() gives what the target returns [${world}]`, async () => {
    assertEquals(await run(targets.square, { args: [12] }), 144);
  });

  test(`resultSync() gives what the target returns [${world}]`, async () => {
    await using child = make(targets.square, { args: [12] }).start();
    assertEquals(child.resultSync(), 144);
    assertEquals(child.joinSync(), true);
    assertEquals(child.isAlive(), false);
  }, sync);

  test(`values arrive as they were sent [${world}]`, async () => {
    const cyclic: Record<string, unknown> = { n: 1 };
    cyclic.self = cyclic;
    const values = [
      ...[undefined, null, NaN, -0, 1n, "ü\ud800", new Date(0), /x/g],
      ...[new Map([[1, new Set([2])]]), new Uint8Array([1, 2]), [{ a: [] }]],
    ];
    assertEquals(await run(targets.echo, { args: [values] }), values);
    const back = await run(targets.echo, { args: [cyclic] }) as typeof cyclic;
    assert(back.self === back);
  });

  test(`an instance of a target class arrives as one [${world}]`, async () => {
    assertEquals(await run(targets.lengthOf, { args: [new targets.Point(3, 4)] }), 5);
    const back = await run(targets.echo, { args: [new targets.Point(3, 4)] });
    assertInstanceOf(back, targets.Point);
  });

  test(`an error arrives with class, fields and both stacks [${world}]`, async () => {
    const error = await assertRejects(() => run(targets.fail), targets.TicketError, "no such seat");
    assertEquals(error.seat, 7);
    assertStringIncludes(error.stack!, "_children_targets.ts");
    assertStringIncludes(error.stack!, "children_test.ts");
    const both = await assertRejects(() => run(targets.failTwice), AggregateError, "both");
    assertInstanceOf(both.errors[0], TypeError);
    assertInstanceOf(both.errors[1], targets.TicketError);
    assertEquals((both.cause as Error).message, "why");
  });

  test(`an error outside of the task ends the child [${world}]`, async () => {
    await assertRejects(() => run(targets.throwLater), Error, "later");
  });

  test(`what cannot cross is a ShareError with its place [${world}]`, async () => {
    const secret = new class Secret {
      #secret = 1;
      get secret() {
        return this.#secret;
      }
    }();
    const cases: [place: string, value: unknown][] = [
      ["args[0]", () => 1],
      ["args[0].a[1].f", { a: [0, { f() {} }] }],
      ['args[0].get("k")', new Map([["k", Symbol("s")]])],
      ["args[0].signal", { signal: new AbortController().signal }],
      ["args[0]", new WeakMap()],
      ["args[0].r", { r: new Response() }],
      ["args[0]", Promise.resolve()],
      ["args[0][0]", [secret]],
    ];
    for (const [place, value] of cases) {
      const child = make(targets.echo, { args: [value] });
      const error = assertThrows(() => child.start(), ShareError);
      assertEquals(error.place, place);
      assertEquals(child.isAlive(), false);
    }
    await assertRejects(() => run(targets.giveFunction), ShareError, "result");
  });

  test(`what is no target is refused at the call [${world}]`, async () => {
    for (const bad of [() => 1, targets.square.bind(null), 5, null, "square"]) {
      assertThrows(() => make(bad as never), TypeError, "Cannot run");
    }
    await assertRejects(() => run(unexported), TypeError, "unexported");
  });

  test(`reports come in order, before the result [${world}]`, async () => {
    const seen: unknown[] = [];
    const result = await run(targets.report, { onReport: (value) => seen.push(value) });
    assertEquals([...seen, result], [{ k: 0 }, { k: 1 }, { k: 2 }, "reported"]);
  });

  test(`exit(n) runs finally blocks and loses the result [${world}]`, async () => {
    const seen: unknown[] = [];
    const error = await assertRejects(
      () => run(targets.leave, { args: [3], onReport: (value) => seen.push(value) }),
      WorkerLostError,
    );
    assertEquals(error.exitcode, 3);
    assertEquals(seen, ["finally"]);
  });

  test(`Deno.exit() in the task is no hang [${world}]`, async () => {
    await assertRejects(() => run(targets.quit), WorkerLostError);
  });

  test(`timeouts and signals end the wait, not the child [${world}]`, async () => {
    await using child = make(targets.idle).start();
    assertEquals(await child.join({ timeout: 10 }), false);
    assertEquals(child.joinSync({ timeout: 10 }), false);
    await assertRejects(() => child.result({ timeout: 10 }), TimeoutError);
    const reason = new Error("enough");
    const error = await assertRejects(() => child.join({ signal: AbortSignal.abort(reason) }));
    assertEquals(error, reason);
    assertEquals(child.isAlive(), true);
    child.terminate();
  }, sync);

  test(`misuse is refused with its reason [${world}]`, async () => {
    await assertRejects(() => make(targets.idle).join(), Error, "not started");
    await using child = make(targets.square, { args: [1] }).start();
    assertThrows(() => child.start(), Error, "started already");
    await assertRejects(() => child.join({ timeout: -1 }), RangeError, "-1");
    await assertRejects(() => child.join({ timeout: "1" as never }), TypeError, '"1"');
    assertThrows(() => make(targets.idle, { name: 5 as never }), TypeError, "name");
  });
}

function unexported() {}

test("Thread.terminate() ends a thread between two awaits", async () => {
  const thread = new Thread(targets.idle).start();
  while (!thread.isAlive()) await Promise.resolve();
  thread.terminate();
  assertEquals(await thread.join({ timeout: 1_000 }), true);
  assertInstanceOf(thread.error, ThreadTerminated);
  assertEquals(thread.state, "ended");
});

test("Thread starts threads of its own, also while the main thread blocks", async () => {
  await using thread = new Thread(targets.nested).start();
  assertEquals(await thread.result(), 25);
  assertEquals(new Thread(targets.nested).start().resultSync(), 25);
});

test("Thread names are seen by every thread", async () => {
  await using thread = new Thread(targets.names, { name: "reader" }).start();
  assertEquals(await thread.result(), ["reader", "MainThread", "reader"]);
  assertEquals([currentThread().name, mainThread().name, activeCount()], [
    "MainThread",
    "MainThread",
    1,
  ]);
});

test("Thread subclasses carry their public fields, and no private ones", async () => {
  await using greeter = new targets.Greeter("Ada").start();
  assertEquals(await greeter.result(), "greet-Ada greets Ada");
  assertThrows(() => new targets.Secretive().start(), ShareError, "#private");
});

test("an object knows the thread that its run() runs in", async () => {
  await using child = new targets.AskedThread().start();
  const asked = await child.result();
  const ident = (asked.shown as string).match(/\d+/)![0];
  assertEquals(asked, {
    name: "asked",
    daemon: false,
    isAlive: true,
    error: null,
    shown: `AskedThread(asked, ${ident}, running)`,
    start: 'Error: Cannot start thread "asked": it has been started already',
    setDaemon: 'Error: Cannot set daemon of "asked": the thread has been started already',
    join: 'Error: Cannot join thread "asked": it is the calling thread',
    joinSync: 'Error: Cannot join thread "asked": it is the calling thread',
    result: 'Error: Cannot get the result of thread "asked": it is the calling thread',
    ident: true,
    state: "running",
  });
});

test("setExcepthook() is told of uncaught errors, once each", async () => {
  const told: string[] = [];
  setExcepthook(({ error, thread }) => told.push(`${thread.name}: ${(error as Error).message}`));
  const thread = new Thread(targets.fail, { name: "unlucky" }).start();
  await thread.join();
  assertEquals(told, ["unlucky: no such seat"]);
});

test("threading.Lock given to a process names the class to use", async () => {
  const process = new Process(targets.echo, { args: [{ lock: new Lock() }] });
  const error = assertThrows(() => process.start(), ShareError, "multiprocessing.Lock");
  assertEquals(error.place, "args[0].lock");
  await Promise.resolve();
});

test("Process.exitcode is 0, 1, n or -SIG", async () => {
  const code = async (target: Target, args: unknown[], end?: (p: Process) => void) => {
    const process = new Process(target, { args, stderr: "null" } as never) as Process;
    assertEquals(process.exitcode, null);
    process.start();
    assert(process.pid! > 0);
    end?.(process);
    await process.join();
    return process.exitcode;
  };
  assertEquals(await code(targets.square, [1]), 0);
  assertEquals(await code(targets.fail, []), 1);
  assertEquals(await code(targets.leave, [3]), 3);
  assertEquals(await code(targets.idle, [], (process) => process.kill()), isWindows ? -15 : -9);
  assertEquals(await code(targets.idle, [], (process) => process.terminate()), -15);
});

test("Process that is killed says so", async () => {
  const process = new Process(targets.idle).start();
  process.kill();
  // Windows ends it, and knows no signals: as Python, it then counts as ended by SIGTERM.
  const by = isWindows ? "SIGTERM" : "SIGKILL";
  const error = await assertRejects(() => process.result(), WorkerLostError, by);
  assertEquals([error.exitcode, error.signal], [isWindows ? -15 : -9, by]);
  await process.join();
  assertEquals(activeChildren(), []);
});

test("Process prints its uncaught error on its stderr", async () => {
  await using process = new Process(targets.fail, { name: "unlucky", stderr: "piped" }).start();
  const text = await new Response(process.stderr).text();
  assertStringIncludes(text, "Process unlucky:\nTicketError: no such seat\n    at fail");
});

test("Process knows its family, its folder and its environment", async () => {
  assertEquals([currentProcess().name, parentProcess()], ["MainProcess", null]);
  await using child = new Process(targets.family, { name: "kid" }).start();
  assertEquals(await child.result(), ["kid", "MainProcess"]);
  const options = { cwd: "/", env: { SWITCHYARD_TEST: "yes" } };
  await using placed = new Process(targets.place, options).start();
  assertEquals(await placed.result(), ["/", "yes"]);
});

test("Process subclasses carry their public fields", async () => {
  await using adder = new targets.Adder(2, 3).start();
  assertEquals(await adder.result(), 5);
});

test("an object knows the process that its run() runs in", async () => {
  await using child = new targets.AskedProcess().start();
  const asked = await child.result();
  const pid = (asked.shown as string).match(/\d+/)![0];
  assertEquals(asked, {
    name: "asked",
    daemon: false,
    isAlive: true,
    error: null,
    shown: `AskedProcess(asked, pid ${pid}, running)`,
    start: 'Error: Cannot start process "asked": it has been started already',
    setDaemon: 'Error: Cannot set the daemon of "asked": the process has been started already',
    join: 'Error: Cannot join process "asked": it is no child of this process',
    joinSync: 'Error: Cannot join process "asked": it is no child of this process',
    result: 'Error: Cannot get the result of process "asked": it is no child of this process',
    pid: true,
    exitcode: null,
  });
});

test("Process gets no permission that is withheld or that its parent lacks", async () => {
  await using child = new Process(targets.permissions, { permissions: { net: false } }).start();
  assertEquals(await child.result(), "prompt");
  const odd = new Process(targets.idle, { permissions: { nothing: true } as never });
  assertThrows(() => odd.start(), TypeError, "nothing");
});

test("Process that is a daemon may start none", async () => {
  await using child = new Process(targets.beParent, { daemon: true, stderr: "null" }).start();
  await assertRejects(() => child.result(), Error, "daemonic");
});

/** Runs a main script in a folder of its own, with a private folder for temporary files. */
async function script(
  text: string,
  flags: string[],
  during?: (child: Deno.ChildProcess, lines: ReadableStreamDefaultReader<string>) => Promise<void>,
): Promise<{ code: number; stdout: string; stderr: string; left: string[] }> {
  const folder = await Deno.makeTempDir();
  try {
    await ensureDir(`${folder}/tmp`);
    const lib = new URL("../lib/", import.meta.url).href;
    await Deno.writeTextFile(`${folder}/main.ts`, text.replaceAll("LIB/", lib));
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--quiet", "--no-prompt", ...flags, `${folder}/main.ts`],
      env: { ...temporaryIn(`${folder}/tmp`), NO_COLOR: "1" },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
      signal: AbortSignal.timeout(LIMIT - 1_000),
    }).spawn();
    const stderr = new Response(child.stderr).text();
    let stdout = "";
    if (during === undefined) stdout = await new Response(child.stdout).text();
    else {
      const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
      await during(child, lines);
    }
    const { code } = await child.status;
    const left = [...Deno.readDirSync(`${folder}/tmp`)].map(({ name }) => name);
    return { code, stdout, stderr: await stderr, left };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

for (const [kind, face] of [["Thread", "threading"], ["Process", "multiprocessing"]]) {
  test(`${kind} started without the import.meta.main guard: BootstrapError`, async () => {
    const { code, stderr, left } = await script(
      `
      import { ${kind} } from "LIB/${face}.ts";
      export function target() {}
      await new ${kind}(target).start().result();`,
      ["-A"],
    );
    assertEquals([code, left], [1, []]);
    assertStringIncludes(stderr, "BootstrapError");
    assertStringIncludes(stderr, "import.meta.main");
  });
}

test("Thread that is killable and never pauses is cut off, and the program ends", async () => {
  const { code, stdout, stderr } = await script(
    `
    import { Thread } from "LIB/threading.ts";
    import { context } from "LIB/task.ts";
    export function spin() { context().report("spins"); for (;;); }
    if (import.meta.main) {
      const spins = Promise.withResolvers<void>();
      const thread = new Thread(spin, { killable: true, onReport: () => spins.resolve() }).start();
      await spins.promise;
      const began = performance.now();
      thread.terminate();
      console.log(await thread.join({ timeout: 5000 }), performance.now() - began < 1000);
      new Thread(spin, { daemon: true }).start();
    }`,
    ["-A"],
  );
  assertEquals([code, stdout, stderr], [0, "true true\n", ""]);
});

test("an uncaught error in a thread is printed, and ends that thread alone", async () => {
  const { code, stdout, stderr } = await script(
    `
    import { Thread } from "LIB/threading.ts";
    export function fail() { throw new TypeError("oh"); }
    if (import.meta.main) {
      new Thread(fail, { name: "unlucky" }).start();
      setTimeout(() => console.log("still here"), 100);
    }`,
    ["-A"],
  );
  assertEquals([code, stdout], [0, "still here\n"]);
  assertStringIncludes(stderr, "Exception in thread unlucky:\nTypeError: oh\n    at fail");
});

test("exit(n) ends the program with its code, finally blocks first", async () => {
  const { code, stdout } = await script(
    `
    import { exit } from "LIB/os.ts";
    try { exit(7); } finally { console.log("finally"); }`,
    ["-A"],
  );
  assertEquals([code, stdout], [7, "finally\n"]);
});

test("a limited parent's child goes without what is not named", async () => {
  const { code, stdout, stderr } = await script(
    `
    import { Process } from "LIB/multiprocessing.ts";
    export async function look() {
      const { state } = await Deno.permissions.query({ name: "env" });
      return state;
    }
    if (import.meta.main) {
      console.log(await new Process(look).start().result());
      const named = new Process(look, { permissions: { env: ["HOME"] } });
      await named.start().result();
      try {
        new Process(look, { permissions: { ffi: true } }).start();
      } catch (error) {
        console.log((error as Error).name);
      }
    }`,
    ["--allow-run", "--allow-read", "--allow-write", "--allow-net", "--allow-env=HOME,TMPDIR"],
  );
  assertEquals([code, stdout, stderr], [0, "prompt\nNotCapable\n", ""]);
});

Deno.test({
  ...unless(LACKS.memory, "when the parent is killed, its descendants end and nothing is left"),
  async fn() {
    const pids: number[] = [];
    const { left } = await script(
      `
      import { Lock, Process } from "LIB/multiprocessing.ts";
      import { context } from "LIB/task.ts";
      export function spin() { context().report(Deno.pid); setTimeout(() => { for (;;); }, 50); return new Promise(() => {}); }
      export async function parent() {
        new Process(spin, { onReport: (pid) => context().report(pid) }).start();
        context().report(Deno.pid);
        await new Promise(() => setInterval(() => {}, 1000));
      }
      if (import.meta.main) {
        new Lock();
        for (const target of [spin, parent]) {
          new Process(target, { onReport: (pid) => console.log(pid) }).start();
        }
      }`,
      ["-A"],
      async (child, lines) => {
        let text = "";
        while (pids.length < 3) {
          const { value, done } = await lines.read();
          if (done) break;
          text += value;
          pids.splice(0, 9, ...text.trimEnd().split("\n").map(Number));
        }
        child.kill("SIGKILL");
        await lines.cancel();
        const deadline = performance.now() + 2_000;
        while (pids.some(isAlive) && performance.now() < deadline) {
          await delay(20);
        }
        assertEquals([pids.length, pids.filter(isAlive)], [3, []]);
      },
    );
    assertEquals(left, []);
  },
});

for (const [world, make] of worlds) {
  test(`daemon can be set before the start, and then no more [${world}]`, async () => {
    await using child = make(targets.square, { args: [2] });
    assertEquals(child.daemon, false);
    child.daemon = true;
    assertEquals(child.daemon, true);
    for (const bad of [1, "yes", null, undefined]) {
      assertThrows(() => child.daemon = bad as never, TypeError, "daemon");
    }
    child.start();
    assertThrows(() => child.daemon = false, Error, "started already");
    assertEquals([child.daemon, await child.result()], [true, 4]);
  });
}

test("Thread that is made a daemon is one for all threads", async () => {
  const thread = new Thread(targets.amDaemon);
  thread.daemon = true;
  await using _thread = thread.start();
  assertEquals(await thread.result(), true);
  assertThrows(() => currentThread().daemon = true, Error, "started already");
});

test("Process that is made a daemon, or named, before its start is told so", async () => {
  const process = new Process(targets.whoAmI, { name: "nobody" });
  process.daemon = true;
  process.name = "somebody";
  for (const bad of [1, null, undefined]) {
    assertThrows(() => process.name = bad as never, TypeError, "name");
  }
  await using _process = process.start();
  assertEquals([process.name, await process.result()], ["somebody", ["somebody", true]]);
  assertThrows(() => process.name = "other", Error, "started already");
  assertThrows(() => currentProcess().name = "other", Error, "started already");
  assertEquals([process.name, currentProcess().name], ["somebody", "MainProcess"]);
});

test("Process that is closed can be asked nothing, and disposed of", async () => {
  await using process = new Process(targets.square, { args: [2], stdout: "piped" }).start();
  assertThrows(() => process.close(), Error, "still running");
  await process.stdout.cancel();
  await process.join();
  process.close();
  process.close();
  const closed = `"${process.name}": it was closed`;
  await assertRejects(() => process.join(), Error, closed);
  await assertRejects(() => process.result(), Error, closed);
  const calls: (() => unknown)[] = [
    () => process.joinSync(),
    () => process.resultSync(),
    () => process.terminate(),
    () => process.kill(),
    () => process.isAlive(),
    () => process.start(),
    () => process.pid,
    () => process.exitcode,
    () => process.stdout,
  ];
  for (const call of calls) assertThrows(call, Error, closed);
  assertStringIncludes(Deno.inspect(process), "exitcode 0");
  process[Symbol.dispose]();
  const never = new Process(targets.square, { args: [2] });
  never.close();
  assertThrows(() => never.start(), Error, "it was closed");
});

test("Process.close() of one that the event loop has not heard of leaves nothing", async () => {
  const process = new Process(targets.square, { args: [2] }).start();
  process.joinSync();
  process.close();
  assertEquals(activeChildren(), []);
  await held(process[TOLD]);
}, LACKS.memory);

Deno.test({
  ...unless(LACKS.proc, "Process.exitcode is that of a signal without a name"),
  // A plain Deno.Command leaks here too: its `status` is rejected ("Invalid signal: 34"), and Deno
  // closes the resource of a child only with a status that it can tell.
  sanitizeResources: false,
  async fn() {
    const killed = async (process: Process) => {
      process.start();
      await new Deno.Command("kill", { args: ["-34", `${process.pid}`] }).output();
      return process;
    };
    const process = await killed(new Process(targets.idle, { stderr: "null" }) as Process);
    assertEquals([await within(LIMIT, process.join()), process.exitcode], [true, -34]);
    const error = await assertRejects(() => process.result(), WorkerLostError, "SIG34");
    assertEquals([error.exitcode, error.signal as string], [-34, "SIG34"]);
    const blocked = await killed(new Process(targets.idle, { stderr: "null" }) as Process);
    assertEquals([blocked.joinSync(), blocked.exitcode], [true, -34]);
    await within(LIMIT, blocked.join());
  },
});

test("Process.joinSync() of one that Deno has reaped and not told of does not hang", async () => {
  const told = Promise.withResolvers<Deno.CommandStatus>();
  const spawn = Deno.Command.prototype.spawn;
  let child: Deno.ChildProcess;
  Deno.Command.prototype.spawn = function () {
    child = spawn.call(this);
    status = child.status;
    // What the event loop would tell in its next turn.
    return Object.defineProperty(child, "status", { value: told.promise });
  };
  let status: Promise<Deno.CommandStatus>;
  let process: Process<number>;
  try {
    process = new Process(targets.square, { args: [2] }).start() as Process<number>;
  } finally {
    Deno.Command.prototype.spawn = spawn;
  }
  await held(status!);
  assertThrows(() => process.joinSync(), Error, "use await join()");
  told.resolve(await status!);
  assertEquals(await process.join(), true);
}, LACKS.memory);
