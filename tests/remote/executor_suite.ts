/**
 * What a RemoteExecutor and its workers promise, over any broker.
 *
 * @module
 */
import { assert, assertEquals, assertInstanceOf, assertMatch, assertRejects } from "@std/assert";
import {
  CancelledError,
  Full,
  ShareError,
  TaskRefusedError,
  TimeoutError,
  WorkerLostError,
} from "../../lib/errors.ts";
import { asCompleted, wait } from "../../lib/futures.ts";
import {
  RemoteExecutor,
  type RemoteExecutorOptions,
  RemoteQueue,
  RemoteWorker,
  type RemoteWorkerOptions,
} from "../../lib/remote.ts";
import { holdProgram } from "../../lib/core/promises.ts";
import { LONGEST_RUN } from "../../lib/remote/calls/options.ts";
import { callMessage } from "../../lib/remote/calls/messages.ts";
import { callSpec, deadSpec, LEVELS } from "../../lib/remote/calls/names.ts";
import { CALL } from "../../lib/pool/transport/frames.ts";
import { knownReference } from "../../lib/pool/call.ts";
import { Places, rootOf } from "../../lib/remote/calls/places.ts";
import { CallWire } from "../../lib/remote/calls/wire.ts";
import { openAccess } from "../../lib/remote/link/access.ts";
import { addressOf } from "../../lib/remote/address.ts";
import { Event } from "../../lib/threading.ts";
import { task } from "../../lib/task.ts";
import { until } from "../_help/until.ts";
import { limited } from "../_help/within.ts";
import {
  about,
  add,
  deaf,
  dies,
  echo,
  fail,
  largeOf,
  meets,
  notes,
  Odd,
  reports,
  square,
  stay,
} from "./_call_targets.ts";

/** A broker, for the suite. */
export interface ExecutorWorld {
  name: string;
  ignore?: boolean;
  url: () => string;
  /** How long a test may take, in ms. */
  limit?: number;
  /** True if its queues are on several machines, so that bounds are not exact. */
  isReplicated?: boolean;
}

/** What a test uses; all of it is ended with the test. */
class Stage {
  readonly url: string;
  readonly queue = `suite.${crypto.randomUUID()}`;
  readonly #stack = new AsyncDisposableStack();

  constructor(url: string) {
    this.url = url;
  }

  executor(options: RemoteExecutorOptions = {}): RemoteExecutor {
    const executor = new RemoteExecutor(this.queue, { url: this.url, ...options });
    this.#stack.defer(() => executor.shutdown({ cancelFutures: true }));
    return executor;
  }

  /** A worker that serves. */
  worker(options: RemoteWorkerOptions = {}): RemoteWorker {
    const worker = new RemoteWorker(this.queue, { url: this.url, workers: 2, ...options });
    const served = worker.run();
    served.catch(() => {});
    this.#stack.defer(async () => void await worker.stop({ drain: 0 }).catch(() => {}));
    return worker;
  }

  /** A queue of items. */
  items<T>(): RemoteQueue<T> {
    const items = new RemoteQueue<T>(`items.${crypto.randomUUID()}`, { url: this.url });
    this.#stack.defer(() => items.close());
    this.#stack.defer(() => items.remove());
    return items;
  }

  /** The broker itself. */
  access() {
    const access = openAccess(addressOf(this.url, "test"));
    // It holds nothing by itself.
    this.#stack.defer(holdProgram());
    this.#stack.defer(async () => await access.close());
    return access;
  }

  /** A call that nobody's executor has made. */
  async forged(
    call: { target: (...args: never[]) => unknown; args: unknown[]; module?: string },
    { replyTo, isKept = true }: { replyTo?: string; isKept?: boolean } = {},
  ): Promise<void> {
    const places = new Places(rootOf(undefined, "test"), []);
    const { body, hasQueue } = new CallWire(places).write(call.args, "args");
    const { name, print, module } = knownReference(call.target);
    const facts = {
      call: `forged:${crypto.randomUUID()}`,
      module: call.module ?? places.nameOf(module)!,
      name,
      print,
      isMain: true,
      kind: CALL as typeof CALL,
      size: 1,
      retries: 3,
      timeout: undefined,
      grace: undefined,
      isKept,
      key: undefined,
      hasQueue,
      deno: Deno.version.deno,
    };
    const message = callMessage(facts, body, { replyTo });
    await this.access().publish(`t.${this.queue}.mid`, message);
  }

  async end(): Promise<void> {
    try {
      await this.#stack.disposeAsync();
    } finally {
      const letGo = holdProgram();
      const access = openAccess(addressOf(this.url, "test"));
      for (const level of [...LEVELS, "dead"]) await access.remove(`t.${this.queue}.${level}`);
      await access.close();
      letGo();
    }
  }
}

const raised = (future: { exception(): Promise<Error | null> }) => future.exception();

/** Defines the suite for a broker. */
export function executorSuite(
  { name: world, ignore = false, url, limit, isReplicated = false }: ExecutorWorld,
): void {
  const test = (name: string, fn: (stage: Stage) => Promise<void>) =>
    Deno.test({
      name: `${name} [${world}]`,
      ignore,
      fn: () =>
        limited(async () => {
          const stage = new Stage(url());
          try {
            await fn(stage);
          } finally {
            await stage.end();
          }
        }, limit),
    });

  test("RemoteExecutor.submit() gives the result, and the error with its class", async (stage) => {
    const executor = stage.executor();
    stage.worker();
    assertEquals(await executor.submit(square, 12).result(), 144);
    const error = await raised(executor.submit(fail, 3));
    assertInstanceOf(error, Odd);
    assertEquals([error.message, error.number], ["3 is odd", 3]);
    const value = { a: [1, "ü", new Date(0), new Uint8Array([1, 2])], b: new Map([[1, null]]) };
    assertEquals(await executor.submit(echo, value).result(), value);
  });

  test("RemoteExecutor futures work in wait(), asCompleted() and blocking", async (stage) => {
    const executor = stage.executor();
    stage.worker();
    const futures = [1, 2, 3].map((x) => executor.submit(square, x));
    const { done, notDone } = await wait(futures);
    assertEquals([done.size, notDone.size], [3, 0]);
    let sum = 0;
    for await (const future of asCompleted(futures)) sum += await future.result();
    assertEquals(sum, 14);
    assertEquals(executor.submit(add, 2, 3).resultSync(), 5);
  });

  test("RemoteExecutor.map() gives results in order, and the first error", async (stage) => {
    const executor = stage.executor();
    stage.worker();
    const numbers = Array.from({ length: 500 }, (_, k) => k);
    assertEquals(
      await Array.fromAsync(executor.map(square, numbers)),
      numbers.map((x) => x * x),
    );
    assertEquals(await Array.fromAsync(executor.starmap(add, [[1, 2], [3, 4]])), [3, 7]);
    await assertRejects(() => Array.fromAsync(executor.map(fail, [1])), Odd);
    const endless = (function* () {
      for (let k = 0;; k++) yield k;
    })();
    for await (const result of executor.map(square, endless)) if (result > 100) break;
  });

  test("RemoteExecutor.submitWith() hears reports in their order, before the result", async (stage) => {
    const executor = stage.executor();
    stage.worker();
    const heard: number[] = [];
    const onReport = ({ k }: { k: number }) => heard.push(k);
    assertEquals(await executor.submitWith({ onReport }, reports, 5).result(), 5);
    assertEquals(heard, [0, 1, 2, 3, 4]);
  });

  test("context() of a remote task knows its attempt, id, key and worker", async (stage) => {
    const executor = stage.executor();
    stage.worker();
    const seen = await executor.submitWith({ key: "k1" }, about).result();
    assertEquals([seen.attempt, seen.key], [1, "k1"]);
    assertMatch(seen.id!, /^[0-9a-f-]{36}:\d+$/);
    assertMatch(seen.worker!, /^\S+:\d+:[0-9a-f]{8}$/);
    // The next call of the same thread has a context of its own.
    assertEquals((await executor.submit(about).result()).key, undefined);
  });

  test("RemoteExecutor.submitWith() with a key is answered by what it came to before", async (stage) => {
    const executor = stage.executor();
    const runs = stage.items<string>();
    stage.worker();
    const results = await Promise.all(
      ["a", "b"].map((name) => executor.submitWith({ key: "once" }, notes, runs, name).result()),
    );
    assertEquals(new Set(results).size, 1);
    assertEquals(await executor.submitWith({ key: "once" }, notes, runs, "c").result(), results[0]);
    assertEquals(await runs.size(), 1);
  });

  test("RemoteExecutor: a call whose thread dies goes on as the next attempt", async (stage) => {
    const executor = stage.executor();
    const tries = stage.items<number>();
    stage.worker();
    assertEquals(await executor.submit(dies, tries, 3).result(), 3);
    assertEquals([await tries.get(), await tries.get(), await tries.get()], [1, 2, 3]);
    assertEquals(executor.stats().retried, 2);
  });

  test("RemoteExecutor: a call that always kills ends with WorkerLostError, and lies with the dead", async (stage) => {
    const executor = stage.executor();
    const tries = stage.items<number>();
    stage.worker();
    const error = await raised(executor.submitWith({ retries: 1 }, dies, tries, 100));
    assertInstanceOf(error, WorkerLostError);
    assertMatch(
      error.message,
      /^The call of "dies" has killed its worker 2 times, the last time: /,
    );
    assertEquals(await tries.size(), 2);
    const access = stage.access();
    const dead = await until(async () => (await access.depth(`t.${stage.queue}.dead`))?.ready);
    assertEquals(dead, 1);
  });

  test("RemoteExecutor: with retries 0 a call runs at most once", async (stage) => {
    const executor = stage.executor();
    const tries = stage.items<number>();
    stage.worker();
    const error = await raised(executor.submitWith({ retries: 0 }, dies, tries, 100));
    assertInstanceOf(error, WorkerLostError);
    assertMatch(error.message, /^"dies" was lost: its worker /);
    assertEquals(await tries.size(), 1);
  });

  test("RemoteExecutor: a call that nobody has begun never runs once cancel() has said true", async (stage) => {
    const executor = stage.executor();
    const runs = stage.items<string>();
    const [here, go] = [stage.items<string>(), stage.items<string>()];
    stage.worker({ workers: 1 });
    const first = executor.submit(meets, here, go, "first");
    await here.get();
    const second = executor.submit(notes, runs, "second");
    assertEquals([second.cancel(), second.cancelled(), second.cancel()], [true, true, true]);
    await assertRejects(() => second.result(), CancelledError);
    await until(() => first.running());
    assertEquals(first.cancel(), false);
    await go.put("");
    assertEquals(await first.result(), "first");
    // What comes behind it has run, so it was passed over.
    assertEquals(await executor.submit(notes, runs, "third").result(), "third");
    assertEquals(await runs.get(), "third");
  });

  test("RemoteExecutor: what was cancelled before its worker came does not run", async (stage) => {
    // Where it is served from the first, nobody comes later.
    const holder = stage.worker({ workers: 1 });
    const executor = stage.executor();
    const runs = stage.items<string>();
    const [here, go] = [stage.items<string>(), stage.items<string>()];
    const first = executor.submit(meets, here, go, "first");
    await here.get();
    const cancelled = executor.submit(notes, runs, "cancelled");
    const kept = executor.submit(notes, runs, "kept");
    assert(cancelled.cancel());
    stage.worker({ workers: 1 });
    assertEquals(await kept.result(), "kept");
    await go.put("");
    await first.result();
    await holder.stop();
    assertEquals(await executor.submit(square, 2).result(), 4);
    assertEquals([await runs.get(), await runs.size()], ["kept", 0]);
  });

  test("RemoteExecutor: a running call is cancelled by its signal, its timeout and cancel()", async (stage) => {
    const executor = stage.executor({ grace: 100 });
    stage.worker({ workers: 1 });
    const begun = () => {
      const { promise, resolve } = Promise.withResolvers<unknown>();
      return { promise, onReport: resolve };
    };
    const controller = new AbortController();
    const one = begun();
    const byWish = executor.submitWith({ signal: controller.signal, ...one }, stay);
    await one.promise;
    controller.abort(new RangeError("enough"));
    assertEquals((await raised(byWish))?.message, "enough");
    const late = await raised(executor.submitWith({ timeout: 150 }, stay));
    assertInstanceOf(late, TimeoutError);
    assertEquals(late.message, '"stay" has run for longer than 150 ms');
    const two = begun();
    const deafOne = executor.submitWith(two, deaf);
    await two.promise;
    assert(deafOne.cancel({ running: true }));
    // Its thread is stopped and replaced: the worker goes on.
    assertEquals(await executor.submit(square, 4).result(), 16);
  });

  test("RemoteExecutor: higher priorities go first", async (stage) => {
    const executor = stage.executor();
    const order = stage.items<string>();
    const [here, go] = [stage.items<string>(), stage.items<string>()];
    stage.worker({ workers: 1, ahead: 0 });
    const first = executor.submit(meets, here, go, "first");
    await here.get();
    const futures = [-1, 0, 1].map((priority) =>
      executor.submitWith({ priority }, notes, order, String(priority))
    );
    const access = stage.access();
    const ready = async (level: string) =>
      (await access.depth(`t.${stage.queue}.${level}`))?.ready ?? 0;
    // They are with the broker, or have come here.
    await until(async () =>
      executor.stats().queued === 3 && await ready("low") + await ready("high") >= 0
    );
    await new Promise((resolve) => setTimeout(resolve, 100));
    await go.put("");
    await first.result();
    await wait(futures);
    assertEquals([await order.get(), await order.get(), await order.get()], ["1", "0", "-1"]);
  });

  test("RemoteExecutor: a delay waits at the broker; what has expired does not run", async (stage) => {
    const executor = stage.executor();
    const [here, go] = [stage.items<string>(), stage.items<string>()];
    const runs = stage.items<string>();
    stage.worker({ workers: 1 });
    const start = performance.now();
    assertEquals(await executor.submitWith({ delay: 200 }, square, 3).result(), 9);
    assert(performance.now() - start >= 200);
    const first = executor.submit(meets, here, go, "first");
    await here.get();
    const error = await raised(executor.submitWith({ expires: 60 }, notes, runs, "late"));
    assertInstanceOf(error, TimeoutError);
    assertEquals(error.message, 'No worker has begun "notes" within 60 ms');
    await go.put("");
    await first.result();
    assertEquals(await executor.submit(square, 2).result(), 4);
    assertEquals(await runs.size(), 0);
  });

  test("RemoteExecutor.send() settles with the id when the broker has it, and it runs", async (stage) => {
    const executor = stage.executor();
    const runs = stage.items<string>();
    stage.worker();
    assertMatch(await executor.send({}, notes, runs, "sent"), /:\d+$/);
    assertEquals(await executor.send({ key: "k" }, notes, runs, "keyed"), "k");
    assertEquals([await runs.get(), await runs.get()].sort(), ["keyed", "sent"]);
    await assertRejects(
      () => executor.send({ onReport: () => {} } as never, square, 1),
      TypeError,
      "Cannot send a call: nobody waits for its outcome, so it has no onReport",
    );
  });

  test("RemoteExecutor: what cannot go to another machine is refused at submit()", async (stage) => {
    const executor = stage.executor();
    stage.worker();
    for (
      const [value, message] of [
        [new Event(), "Cannot share args[0]: a Event stays on its machine; use a RemoteQueue"],
        [() => {}, "Cannot share args[0]: the function (anonymous) cannot cross to a child"],
        [new WeakMap(), "Cannot share args[0]: an object of class WeakMap cannot cross to a child"],
      ] as const
    ) {
      const error = assertThrowsAny(() => executor.submit(echo, value));
      assertInstanceOf(error, ShareError);
      assert(error.message.startsWith(message), error.message);
    }
    const elsewhere = task({ url: "file:///elsewhere/tasks.ts" } as ImportMeta, function far() {});
    const error = assertThrowsAny(() => executor.submit(elsewhere));
    assertMatch(String(error), /^TypeError: Cannot run "far" on another machine: .* root/);
    assertEquals(await executor.submit(square, 1).result(), 1);
  });

  test("RemoteExecutor: targets that the worker does not have are refused, with both versions", async (stage) => {
    const executor = stage.executor();
    stage.worker({ skew: 0 });
    const meta = { url: new URL("_call_targets.ts", import.meta.url).href } as ImportMeta;
    // As another release of the same module has it.
    const other = task(
      meta,
      {
        square(_x: number) {
          return "another text";
        },
      }.square,
    );
    const error = await raised(executor.submit(other, 1));
    assertInstanceOf(error, TaskRefusedError);
    assertMatch(
      error.message,
      /^The call of "square" was refused: the text of "square" in .* differs/,
    );
    assertMatch(error.here, /^text [0-9a-f]{8}, Deno \d/);
    assertMatch(error.there, /^text [0-9a-f]{8}, Deno \d/);
    assert(error.here !== error.there);
    const gone = task(
      { url: new URL("_gone.ts", import.meta.url).href } as ImportMeta,
      {
        gone() {},
      }.gone,
    );
    const missing = await raised(executor.submit(gone));
    assertMatch(String(missing), /^TaskRefusedError: .* importing .*_gone\.ts failed: /);
    assertEquals(executor.stats().refused, 2);
    assertEquals(await executor.submit(square, 3).result(), 9);
  });

  test("RemoteExecutor: a target that another worker has waits for it", async (stage) => {
    const root = await Deno.makeTempDir();
    try {
      const source = `import { task } from ${
        JSON.stringify(new URL("../../lib/task.ts", import.meta.url).href)
      };\nexport const late = task(import.meta, function late() {\n  return "here";\n});\n`;
      await Deno.writeTextFile(`${root}/mine.ts`, source);
      await Deno.mkdir(`${root}/theirs`);
      const { late } = await import(`file://${root}/mine.ts`);
      const executor = stage.executor({ root });
      const without = stage.worker({ root: `${root}/theirs`, skew: 60_000 });
      const future = executor.submit(late as () => string);
      await until(() => without.stats().passed > 0);
      await Deno.copyFile(`${root}/mine.ts`, `${root}/theirs/mine.ts`);
      // A module that could not be imported is remembered as such by a thread: so, another worker.
      stage.worker({ root: `${root}/theirs` });
      assertEquals(await future.result(), "here");
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  });

  test("RemoteWorker: what lies outside its root is refused before it is imported", async (stage) => {
    const [root, outside] = [await Deno.makeTempDir(), await Deno.makeTempDir()];
    try {
      await Deno.writeTextFile(
        `${outside}/evil.ts`,
        `Deno.writeTextFileSync(${
          JSON.stringify(`${outside}/ran`)
        }, "");\nexport function f() {}\n`,
      );
      await Deno.symlink(outside, `${root}/link`);
      stage.worker({ root, skew: 0 });
      const executor = stage.executor({ root: new URL("/", import.meta.url) });
      for (const path of [`${outside}/evil.ts`, `${root}/link/evil.ts`]) {
        const evil = task({ url: `file://${path}` } as ImportMeta, { f() {} }.f);
        const error = await raised(executor.submit(evil));
        assertInstanceOf(error, TaskRefusedError);
      }
      const modules = [
        "root:link/evil.ts",
        `root:../${outside.split("/").at(-1)}/evil.ts`,
        `root:/${outside}/evil.ts`,
        `root:file://${outside}/evil.ts`,
        `file://${outside}/evil.ts`,
        "data:text/javascript,export function f() {}",
        "https://example.com/evil.ts",
        "root:%2e%2e/evil.ts",
      ];
      for (const module of modules) await stage.forged({ target: square, args: [1], module });
      const access = stage.access();
      const dead = async () => (await access.depth(`t.${stage.queue}.dead`))?.ready;
      await until(async () => await dead() === 10);
      await assertRejects(() => Deno.stat(`${outside}/ran`), Deno.errors.NotFound);
    } finally {
      await Deno.remove(root, { recursive: true });
      await Deno.remove(outside, { recursive: true });
    }
  });

  test("RemoteExecutor with a secret: only what is signed by it runs, and is believed", async (stage) => {
    stage.worker({ secret: "s3cret", skew: 0 });
    const knows = stage.executor({ secret: "s3cret" });
    assertEquals(await knows.submit(square, 5).result(), 25);
    const stranger = stage.executor({ secret: "guess" });
    const future = stranger.submit(square, 5);
    // Its answer is signed by a secret that the stranger does not have, so it hears nothing.
    const access = stage.access();
    await until(async () => (await access.depth(`t.${stage.queue}.dead`))?.ready === 1);
    future.cancel();
    assertEquals(await knows.submit(add, 1, 1).result(), 2);
  });

  test("RemoteExecutor with maxQueue: a call too many fails with Full", async (stage) => {
    const [here, go] = [stage.items<string>(), stage.items<string>()];
    // Who calls says how much the queue takes; who serves takes it as it is.
    const access = stage.access();
    await access.declare(deadSpec(stage.queue));
    for (const level of LEVELS) {
      await access.declare(callSpec(stage.queue, level, { maxQueue: 2, longest: LONGEST_RUN }));
    }
    stage.worker({ workers: 1, ahead: 0 });
    const executor = stage.executor({ maxQueue: 2 });
    const first = executor.submit(meets, here, go, "first");
    await here.get();
    const errors = Promise.all([1, 2, 3, 4, 5].map((x) => raised(executor.submit(square, x))));
    await go.put("");
    await first.result();
    for (const error of await errors) {
      if (error === null) continue;
      assertInstanceOf(error, Full);
      assertMatch(error.message, /^Cannot submit a call: 2 calls wait in the queue "suite\./);
    }
    // The count of a replicated queue comes late.
    if (!isReplicated) assert((await errors).some((error) => error !== null));
  });

  test("RemoteWorker.stop() gives back what has not begun, and finishes what runs", async (stage) => {
    const executor = stage.executor();
    const [here, go] = [stage.items<string>(), stage.items<string>()];
    const worker = stage.worker({ workers: 1, ahead: 5 });
    const first = executor.submit(meets, here, go, "first");
    await here.get();
    const others = [1, 2, 3].map(() => executor.submit(about));
    await until(() => worker.stats().held === 3);
    const stopped = worker.stop();
    const other = stage.worker({ workers: 1 });
    // They run elsewhere, and have used up no try.
    for (const future of others) assertEquals((await future.result()).attempt, 1);
    await go.put("");
    assertEquals(await first.result(), "first");
    assertEquals(await stopped, { done: 1, failed: 0, back: 3 });
    assertEquals(other.stats().done, 3);
  });

  test("RemoteWorker.stop() cancels and gives back what does not end in time", async (stage) => {
    const executor = stage.executor();
    const worker = stage.worker({ workers: 1 });
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const future = executor.submitWith({ onReport: resolve }, stay);
    await promise;
    const tally = await worker.stop({ drain: 50 });
    assertEquals(tally, { done: 0, failed: 0, back: 1 });
    assertEquals(future.done(), false);
    future.cancel({ running: true });
  });

  test("RemoteWorker: a call whose caller has gone is dropped, or kept", async (stage) => {
    const runs = stage.items<string>();
    const worker = stage.worker({ workers: 1 });
    const executor = stage.executor();
    assertEquals(await executor.submit(square, 2).result(), 4);
    const replyTo = `c.${crypto.randomUUID()}`;
    const gone = { target: notes, args: [runs, "gone"] };
    const kept = { target: notes, args: [runs, "kept"] };
    await stage.forged(gone, { replyTo, isKept: false });
    await stage.forged(kept, { replyTo });
    await stage.forged({ target: notes, args: [runs, "sent"] });
    assertEquals([await runs.get(), await runs.get()], ["kept", "sent"]);
    await until(() => worker.stats().done === 3);
    assertEquals([worker.stats().dropped, await runs.size()], [1, 0]);
  });

  test("RemoteExecutor: a large result comes through", async (stage) => {
    const executor = stage.executor();
    stage.worker();
    assertEquals((await executor.submit(largeOf, 3 << 20).result()).length, 3 << 20);
  });

  test("RemoteExecutor.shutdown() waits for the calls, or cancels what has not begun", async (stage) => {
    const executor = stage.executor();
    stage.worker();
    const future = executor.submit(square, 3);
    await executor.shutdown();
    assertEquals([future.done(), await future.result()], [true, 9]);
    const error = assertThrowsAny(() => executor.submit(square, 1));
    assertEquals(String(error), "Error: Cannot submit a call: the executor has been shut down");
  });
}

function assertThrowsAny(fn: () => unknown): unknown {
  try {
    fn();
  } catch (error) {
    return error;
  }
  throw new Error("it throws nothing");
}
