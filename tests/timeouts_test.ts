/**
 * Every finite timeout is a minimum wait, also one that is longer than a timer of Deno's can last
 * (2^31 ms and more act as 1 ms there): whoever waits gets what comes meanwhile.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async";
import {
  asCompleted,
  type Executor,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
  wait,
} from "../lib/futures.ts";
import * as multiprocessing from "../lib/multiprocessing.ts";
import { Manager, Process } from "../lib/multiprocessing.ts";
import { socketPipe } from "../lib/multiprocessing/socket_pipe.ts";
import * as os from "../lib/os.ts";
import * as queue from "../lib/queue.ts";
import * as threading from "../lib/threading.ts";
import { Thread } from "../lib/threading.ts";
import { LACKS, unless } from "./_help/lacks.ts";
import { within } from "./_help/within.ts";
import { reluctant, setSoon, soon } from "./_timeouts_targets.ts";

const LIMIT = 60_000;
/** What ends a wait comes after so many ms. */
const WHILE = 50;

for (const timeout of [2 ** 31, 2 ** 40]) {
  const test = (name: string, fn: () => Promise<void>) =>
    Deno.test({
      ...unless(
        LACKS.memory,
        `${name} with a timeout of 2^${Math.log2(timeout)} ms waits for what comes`,
      ),
      fn: () => within(LIMIT, fn()),
    });

  /** Runs a wait, and after a while what ends it; gives what the wait gives. */
  const during = async <T>(wait: Promise<T>, event: () => unknown): Promise<T> => {
    let hasCome = false;
    const early = wait.then(() => hasCome, () => hasCome);
    await delay(WHILE);
    hasCome = true;
    await event();
    const value = await wait;
    assert(await early, "the wait ended before what it was for");
    return value;
  };

  for (
    const [world, Child] of [["Thread", Thread], ["Process", Process]] as [string, typeof Thread][]
  ) {
    test(`${world}.join() and result()`, async () => {
      await using child = new Child(soon, { args: [1] }).start();
      assertEquals(await child.result({ timeout }), 1);
      assertEquals(await child.join({ timeout }), true);
      await using other = new Child(soon, { args: [1] }).start();
      assertEquals(await other.join({ timeout }), true);
    });

    test(`${world}.joinSync() and resultSync()`, async () => {
      await using child = new Child(soon, { args: [1] }).start();
      assertEquals(child.joinSync({ timeout }), true);
      assertEquals(child.resultSync({ timeout }), 1);
    });
  }

  for (
    const [world, face] of [["threading", threading], ["multiprocessing", multiprocessing]] as [
      string,
      typeof threading,
    ][]
  ) {
    test(`waits of ${world}`, async () => {
      const lock = new face.Lock();
      await lock.acquire();
      (await during(lock.acquire({ timeout }), () => lock.release()))!.release();
      const semaphore = new face.Semaphore(0);
      await during(semaphore.acquire({ timeout }), () => semaphore.release());
      const event = new face.Event();
      assertEquals(await during(event.wait({ timeout }), () => event.set()), true);
      const blocked = new face.Event();
      await using setter = new Thread(setSoon, { args: [blocked] }).start();
      assertEquals(blocked.waitSync({ timeout }), true);
      await setter.join();
      const condition = new face.Condition(new face.Lock());
      await condition.acquire();
      const notified = during(condition.wait({ timeout }), async () => {
        using _guard = await condition.acquire();
        condition.notify();
      });
      assertEquals(await notified, true);
      condition.release();
      const barrier = new face.Barrier(2, { timeout });
      const met = await during(barrier.wait({ timeout }), () => barrier.wait());
      assertEquals(met, 0);
    });

    test(`pipes of ${world}`, async () => {
      const [here, there] = face.pipe<number>();
      assertEquals(await during(here.recv({ timeout }), () => there.send(1, { timeout })), 1);
      assertEquals(await during(here.poll(timeout), () => there.send(2)), true);
      assertEquals(await here.recv(), 2);
      const ready = multiprocessing.connectionWait([here], { timeout });
      assertEquals((await during(ready, () => there.send(3))).length, 1);
      here.close();
      there.close();
    });
  }

  test("pipes without shared memory", async () => {
    const [here, there] = socketPipe<number | Uint8Array>(true);
    assertEquals(await during(here.recv({ timeout }), () => there.send(1)), 1);
    assertEquals(await during(here.poll(timeout), () => there.send(2)), true);
    assertEquals(await here.recv(), 2);
    const large = new Uint8Array(1 << 20);
    await there.send(large);
    await during(there.send(3, { timeout }), () => here.recv());
    here.close();
    there.close();
  });

  test("queues", async () => {
    const queues = [new queue.Queue<number>(1), new multiprocessing.Queue<number>(1)];
    for (const one of queues) {
      assertEquals(await during(one.get({ timeout }), () => one.put(1)), 1);
      await one.put(1);
      await during(one.put(2, { timeout }), () => one.get());
      await one.get();
    }
    const jobs = new queue.Queue<number>();
    await jobs.put(1);
    await jobs.get();
    assertEquals(await during(jobs.join({ timeout }), () => jobs.taskDone()), true);
  });

  test("manager's objects", async () => {
    await using manager = await Manager.start();
    const event = await manager.Event();
    assertEquals(await during(event.wait({ timeout }), () => event.set()), true);
    const items = await manager.Queue<number>();
    assertEquals(await during(items.get({ timeout }), () => items.put(1)), 1);
    const lock = await manager.Lock();
    const guard = await lock.acquire();
    const second = await during(lock.acquire({ timeout }), () => guard[Symbol.dispose]());
    second![Symbol.dispose]();
    const barrier = await manager.Barrier(2, { timeout });
    await during(barrier.wait({ timeout }), () => barrier.wait());
  });

  for (
    const [name, make] of [
      ["ThreadPoolExecutor", (options) => new ThreadPoolExecutor(1, options)],
      ["ProcessPoolExecutor", (options) => new ProcessPoolExecutor(1, options)],
    ] as [string, (options?: object) => Executor][]
  ) {
    test(`waits for a ${name}`, async () => {
      await using executor = make();
      const submit = () => executor.submitWith({ timeout }, soon, 1);
      assertEquals(await submit().result({ timeout }), 1);
      assertEquals(await submit().exception({ timeout }), null);
      assertEquals((await wait([submit()], { timeout })).done.size, 1);
      for await (const future of asCompleted([submit()], { timeout })) assert(future.done());
      assertEquals(submit().resultSync({ timeout }), 1);
      const mapped = [];
      for await (const value of executor.map(soon, [1, 2], { timeout })) mapped.push(value);
      assertEquals(mapped, [1, 2]);
    });

    test(`grace and idleTimeout of a ${name}`, async () => {
      await using executor = make({ grace: timeout, idleTimeout: timeout });
      const said: unknown[] = [];
      const begun = Promise.withResolvers<void>();
      const over = Promise.withResolvers<void>();
      const onReport = (what: unknown) => {
        said.push(what);
        (said.length === 1 ? begun : over).resolve();
      };
      const future = executor.submitWith({ onReport }, reluctant);
      await begun.promise;
      assertEquals(future.cancel({ running: true }), true);
      await over.promise;
      assertEquals(said, ["begun", "ends by itself"]);
      await executor.submit(soon, 1).result();
      await delay(WHILE);
      assertEquals(executor.stats().workers, 1);
    });
  }

  for (
    const [name, make] of [
      ["ThreadPool", () => new multiprocessing.ThreadPool(1)],
      ["Pool", () => new multiprocessing.Pool(1)],
    ] as [string, () => multiprocessing.Pool][]
  ) {
    test(`waits for a ${name}`, async () => {
      await using pool = make();
      assertEquals(await pool.map(soon, [1, 2], { timeout }), [1, 2]);
      assertEquals(await pool.applyAsync(soon, [1]).get({ timeout }), 1);
      assertEquals(await pool.applyAsync(soon, [1]).wait({ timeout }), true);
      assertEquals(pool.applyAsync(soon, [1]).getSync({ timeout }), 1);
      pool.close();
      assertEquals(await pool.join({ timeout }), true);
    });
  }

  test("os.wait()", async () => {
    const child = new Process(soon, { args: [1] }).start();
    assertEquals(await os.wait({ timeout }), [child.pid, 0]);
    await child.join();
  });

  test("Timer", async () => {
    await using timer = new threading.Timer(timeout, soon, { args: [1] }).start();
    await delay(WHILE);
    assertEquals(timer.isAlive(), true);
    timer.cancel();
    assertEquals(await timer.result(), undefined);
  });
}
