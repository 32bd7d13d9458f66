/**
 * Who dies when: clients of a manager, its server, its owner; and what is left.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { delay } from "@std/async";
import { BrokenBarrierError, WorkerLostError } from "../../lib/errors.ts";
import { activeChildren, Manager, Process } from "../../lib/multiprocessing.ts";
import { setExcepthook, Thread } from "../../lib/threading.ts";
import { isWindows, LACKS, temporaryIn, unless } from "../_help/lacks.ts";
import { isAlive, KILLED } from "../_help/alive.ts";
import { until } from "../_help/until.ts";
import { limited } from "../_help/within.ts";
import { exists, sentOf, test, watch } from "./_manager.ts";
import {
  Account,
  devour,
  dieActing,
  getOne,
  hold,
  meet,
  putOne,
  queueUp,
  spend,
  spendAndFail,
  stoppable,
  waitAtCondition,
} from "./_manager_targets.ts";

const SOON = 2_000;

/** A child that has reported once. */
async function started<A extends unknown[]>(
  target: (...args: A) => unknown,
  args: A,
  kind: typeof Process | typeof Thread = Process,
) {
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const options = { args, onReport: resolve, name: "client" };
  const child = kind === Process
    ? new Process(target as never, { ...options, stderr: "null" } as never)
    : new Thread(target as never, options as never);
  child.start();
  await promise;
  return child as Process | Thread;
}

async function end(child: Process | Thread): Promise<void> {
  if (child instanceof Process) child.kill();
  else child.terminate();
  await child.join();
}

// Clients

for (const kind of [Process, Thread]) {
  const world = kind === Process ? "process" : "thread";

  test(`a ${world} that is ended while it holds a lock hangs nobody`, async (manager) => {
    for (const lock of [await manager.Lock(), await manager.RLock(), await manager.Condition()]) {
      const child = await started(hold, [lock], kind);
      const waiting = lock.acquire({ timeout: SOON });
      await end(child);
      const guard = await waiting;
      assertEquals(guard?.abandoned, true);
      await guard!.release();
      assertEquals((await lock.acquire()).abandoned, false);
    }
  });

  test(`a ${world} that is ended while it holds a permit gives it back`, async (manager) => {
    const semaphore = await manager.BoundedSemaphore(1);
    const child = await started(hold, [semaphore], kind);
    const waiting = semaphore.acquire({ timeout: SOON });
    await end(child);
    assert(await waiting !== undefined);
    assertEquals(await semaphore.value(), 0);
    await semaphore.release();
    assertEquals(await semaphore.value(), 1);
  });

  test(`a ${world} that is ended while it waits for a lock takes nothing`, async (manager) => {
    const lock = await manager.Lock();
    const guard = await lock.acquire();
    const child = await started(stoppable, [lock], kind);
    await end(child);
    await guard.release();
    const next = await lock.acquire({ timeout: SOON });
    assertEquals(next?.abandoned, false);
  });

  test(`a ${world} that is ended while it waits at a barrier breaks it`, async (manager) => {
    const barrier = await manager.Barrier(3);
    const child = kind === Process
      ? new Process(meet, { args: [barrier], stderr: "null" })
      : new Thread(meet, { args: [barrier] });
    child.start();
    const waiting = assertRejects(() => barrier.wait(), BrokenBarrierError);
    await until(async () => await barrier.nWaiting() === 2);
    await end(child);
    await waiting;
  });

  test(`a ${world} that is ended while it waits for an item takes none`, async (manager) => {
    const queue = await manager.Queue<number>();
    const child = kind === Process
      ? new Process(getOne, { args: [queue], stderr: "null" })
      : new Thread(getOne, { args: [queue] });
    const other = await started(devour, [queue], kind);
    child.start();
    await end(other);
    await queue.put(1);
    assertEquals(await child.result(), 1);
    await child.join();
  });
}

test("a process that is ended while it waits in a condition does not swallow a notification", async (manager) => {
  const condition = await manager.Condition();
  const waiting = await manager.Value("i32");
  const start = async (n: number) => {
    const child = new Process(waitAtCondition, { args: [condition, waiting], stderr: "null" });
    child.start();
    await until(async () => await waiting.get() === n);
    return child;
  };
  const first = await start(1);
  const second = await start(2);
  // Notified, and ended before it could have the lock.
  {
    await using _guard = await condition.acquire();
    await condition.notify();
    first.kill();
    await first.join();
    // Its connection is gone when the server answers those who come later.
    await until(async () => await (await manager.Lock()).locked() === false);
  }
  assertEquals(await second.result(), true);
  await second.join();
});

test("a process that is killed while it runs a barrier's action breaks the barrier", async (manager) => {
  const barrier = await manager.Barrier(2, { action: dieActing });
  const waiting = assertRejects(() => barrier.wait(), BrokenBarrierError);
  await until(async () => await barrier.nWaiting() === 1);
  const child = new Process(meet, { args: [barrier], stderr: "null" }).start();
  await waiting;
  await child.join();
  assertEquals(await barrier.broken(), true);
});

for (const kind of [Process, Thread]) {
  const world = kind === Process ? "process" : "thread";

  test(`a ${world} that ends by itself has used its permit up`, async (manager) => {
    const semaphore = await manager.Semaphore(2);
    const options = { args: [semaphore] as [typeof semaphore] };
    const child = kind === Process ? new Process(spend, options) : new Thread(spend, options);
    child.start();
    await child.result();
    await child.join();
    assert(await semaphore.acquire({ timeout: 50 }) !== undefined);
    assertEquals(await semaphore.acquire({ timeout: 50 }), undefined);
  });

  test(`a ${world} that fails gives its permit back`, async (manager) => {
    const semaphore = await manager.Semaphore(1);
    const options = { args: [semaphore] as [typeof semaphore], stderr: "null" as const };
    const child = kind === Process
      ? new Process(spendAndFail, options)
      : new Thread(spendAndFail, { args: [semaphore] });
    child.start();
    await assertRejects(() => child.result(), RangeError);
    assert(await semaphore.acquire({ timeout: SOON }) !== undefined);
  });
}

test("a process that is killed while it waits for room puts nothing in", async (manager) => {
  const queue = await manager.Queue<number>(1);
  await queue.put(0);
  const child = new Process(putOne, { args: [queue, 1], stderr: "null" }).start();
  const waiting = watch(child.join());
  await delay(200);
  assertEquals(waiting.isSettled, false);
  child.kill();
  await child.join();
  assertEquals(await queue.get(), 0);
  await queue.put(2);
  assertEquals(await queue.get(), 2);
});

test("consumers that are killed at random lose at most the item that they had taken", async (manager) => {
  const queue = await manager.Queue<number>();
  const seen = new Map<number, number>();
  const note = (item: unknown) => {
    if (typeof item === "number") seen.set(item, (seen.get(item) ?? 0) + 1);
  };
  const rounds = 8;
  let next = 0;
  const feed = setInterval(() => {
    // No more than are taken soon, however long a child takes to start.
    if (next - seen.size > 2_000) return;
    for (let k = 0; k < 5; k++) queue.put(next++);
  }, 1);
  using _feed = { [Symbol.dispose]: () => clearInterval(feed) };
  for (let round = 0; round < rounds; round++) {
    let count = 0;
    const enough = Promise.withResolvers<void>();
    const child = new Process(devour, {
      args: [queue],
      stderr: "null",
      onReport: (value) => {
        note(value);
        if (++count > 20 + 7 * round) enough.resolve();
      },
    }).start();
    await enough.promise;
    child.kill();
    await child.join();
  }
  clearInterval(feed);
  await queue.shutdown();
  for await (const item of queue) note(item);
  const missing = Array.from({ length: next }, (_, k) => k).filter((k) => !seen.has(k));
  assertEquals([...seen.values()].filter((times) => times > 1), []);
  assert(missing.length <= rounds, `missing: ${missing}`);
});

test("a terminated thread's wait throws ThreadTerminated, and its finally runs", async (manager) => {
  const before = setExcepthook(() => {});
  try {
    const lock = await manager.Lock();
    const guard = await lock.acquire();
    const reports: unknown[] = [];
    const begun = Promise.withResolvers<void>();
    const thread = new Thread(stoppable, {
      args: [lock],
      onReport: (value) => {
        reports.push(value);
        begun.resolve();
      },
    }).start();
    await begun.promise;
    await delay(50);
    thread.terminate();
    await thread.join();
    await until(() => reports.length === 2);
    assertEquals(reports, ["begins", "ThreadTerminated"]);
    await guard.release();
    assertEquals(await lock.locked(), false);
  } finally {
    setExcepthook(before);
  }
});

test("who waits is served while others come and go", async (manager) => {
  const lock = await manager.Lock();
  const guard = await lock.acquire();
  const children = Array.from(
    { length: 4 },
    () => new Process(queueUp, { args: [lock], stderr: "null" }).start(),
  );
  const killed = children.splice(0, 2);
  for (const child of killed) child.kill();
  for (const child of killed) await child.join();
  await guard.release();
  for (const child of children) assertEquals(await child.result(), "got it");
  for (const child of children) await child.join();
});

// The server

Deno.test("every call fails with a WorkerLostError once the server is killed [manager]", async () => {
  await limited(async () => {
    await using manager = await Manager.start({ name: "registry" });
    const lock = await manager.Lock();
    const dict = await manager.dict();
    const { address: { folder } } = sentOf(dict);
    await lock.acquire();
    const child = new Process(queueUp, { args: [lock], stderr: "null" }).start();
    const pending = lock.acquire();
    const began = performance.now();
    Deno.kill(manager.pid, "SIGKILL");
    const error = await assertRejects(() => pending, WorkerLostError, "registry");
    assertEquals([error.exitcode, error.signal], [KILLED.exitcode, KILLED.signal]);
    await assertRejects(() => dict.get("x"), WorkerLostError, KILLED.said);
    await assertRejects(() => manager.dict(), WorkerLostError, KILLED.said);
    await assertRejects(() => child.result(), WorkerLostError);
    assert(performance.now() - began < SOON);
    await child.join();
    assertEquals(exists(folder), false);
  });
});

Deno.test("a server that its own object kills, or blocks for ever, is no hindrance [manager]", async () => {
  await limited(async () => {
    Manager.register("Account", Account);
    {
      await using manager = await Manager.start();
      const account = await manager.create<Account>("Account", "ada", 1);
      await assertRejects(() => account.die(), WorkerLostError, KILLED.said);
    }
    const manager = await Manager.start();
    const { address: { folder } } = sentOf(await manager.dict());
    const account = await manager.create<Account>("Account", "ada", 1);
    const stuck = assertRejects(() => account.stick(), WorkerLostError);
    await manager.shutdown();
    await stuck;
    assertEquals(exists(folder), false);
  });
  assertEquals(activeChildren(), []);
});

Deno.test("shutdown() ends the server, its calls and its folder, and can be called again [manager]", async () => {
  await limited(async () => {
    const manager = await Manager.start();
    assertEquals(activeChildren().map(({ pid }) => pid), [manager.pid]);
    const event = await manager.Event();
    const { address: { folder } } = sentOf(event);
    assertEquals(exists(folder), true);
    const waiting = assertRejects(() => event.wait(), WorkerLostError);
    await Promise.all([manager.shutdown(), manager.shutdown()]);
    await manager.shutdown();
    await waiting;
    await assertRejects(() => event.set(), WorkerLostError);
    assertEquals(exists(folder), false);
  });
  assertEquals(activeChildren(), []);
});

// The owner

const program = new URL("./_manager_program.ts", import.meta.url);

/** Runs a program that makes a private folder there, and so removes those of the dead. */
async function sweep(folder: string): Promise<void> {
  const module = new URL("../../lib/channel/socket/private_folder.ts", import.meta.url).href;
  const code = `import { makePrivateFolder, removeFolder } from "${module}";
    removeFolder(makePrivateFolder());`;
  const args = ["eval", "--no-config", code];
  await new Deno.Command(Deno.execPath(), { args, env: temporaryIn(folder) }).output();
}

/** Runs a program that owns a manager and prints the server's pid. */
async function own(how: string, flags = ["-A"]) {
  const folder = await Deno.makeTempDir();
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", ...flags, program.href, how],
    env: temporaryIn(folder),
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let said = "";
  while (!said.includes("\n")) {
    const { value, done } = await reader.read();
    if (done) break;
    said += value;
  }
  const pid = Number(said);
  return {
    child,
    pid,
    /** @param sweeps Whether it needs the next program to remove what it left. */
    async ended(sweeps = false) {
      const [{ code }, errors] = await Promise.all([
        child.status,
        new Response(child.stderr).text(),
        reader.cancel(),
      ]);
      const began = performance.now();
      await until(() => !isAlive(pid));
      if (sweeps) await sweep(folder);
      await until(() => [...Deno.readDirSync(folder)].length === 0);
      const ms = performance.now() - began;
      await Deno.remove(folder, { recursive: true });
      return { code, ms, errors };
    },
  };
}

for (
  const [how, signal] of [
    ["wait", "SIGKILL"],
    ["wait", "SIGTERM"],
    ["wait", "SIGINT"],
    ["block", "SIGKILL"],
    ["stick", "SIGKILL"],
    ["end", undefined],
    ["exit", undefined],
    ["throw", undefined],
    ["thread", undefined],
    ["idle", undefined],
  ] as const
) {
  const gets = signal === undefined ? "" : ` and gets ${signal}`;
  Deno.test({
    ...unless(
      signal === "SIGINT" ? LACKS.signals : undefined,
      `nothing is left of a manager when its program does "${how}"${gets} [manager]`,
    ),
    fn: () =>
      limited(async () => {
        const { child, pid, ended } = await own(how);
        assert(pid > 0);
        if (signal !== undefined) child.kill(signal);
        // Windows' Deno takes its children along at once, which then remove nothing.
        const sweeps = isWindows && (signal !== undefined || how === "thread");
        const { code, ms, errors } = await ended(sweeps);
        assert(sweeps || ms < (how === "stick" ? 2 * SOON : SOON), `${ms} ms`);
        if (how === "end" || how === "thread" || how === "idle") {
          assertEquals([code, errors], [0, ""]);
        }
      }),
  });
}

Deno.test({
  name: "a manager works without FFI and with no more permissions than it needs [manager]",
  fn: () =>
    limited(async () => {
      const flags = ["--allow-read", "--allow-write", "--allow-net", "--allow-run", "--allow-env"];
      const { ended } = await own("use", flags);
      const { code, errors } = await ended();
      assertEquals([code, errors], [0, ""]);
    }),
});
