/**
 * What a worker does with calls that it has, and has not begun, when something happens meanwhile: to
 * its connection, or to their callers. The broker is that in memory, some of whose answers the test
 * gives.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { held } from "../../lib/core/promises.ts";
import { RemoteExecutor, RemoteQueue, RemoteWorker } from "../../lib/remote.ts";
import { knownReference } from "../../lib/pool/call.ts";
import { CALL } from "../../lib/pool/transport/frames.ts";
import type { Depth } from "../../lib/remote/broker.ts";
import { callMessage } from "../../lib/remote/calls/messages.ts";
import { checkWorker } from "../../lib/remote/calls/options.ts";
import { Places, rootOf } from "../../lib/remote/calls/places.ts";
import { CallWire } from "../../lib/remote/calls/wire.ts";
import { Clock } from "../../lib/remote/clock.ts";
import { type Access, Pending, type Taker } from "../../lib/remote/link/access.ts";
import { MemoryBroker } from "../../lib/remote/memory_broker.ts";
import { makeStation, THREADS } from "../../lib/remote/serving/make_station.ts";
import { until } from "../_help/until.ts";
import { limited } from "../_help/within.ts";
import { about, meets, square } from "./_call_targets.ts";

const test = (name: string, fn: () => Promise<void>) => Deno.test(name, () => limited(fn));

/** A worker with one thread that holds one call ahead. */
class Worker {
  readonly memory: MemoryBroker;
  readonly station;
  /** The questions whether callers are there, to be answered by the test. */
  readonly asked: Pending<Depth | undefined>[] = [];
  #takers: Taker[] = [];

  /** @param isAsked True if the test answers the questions. */
  constructor(store: string, isAsked: boolean) {
    const memory = this.memory = new MemoryBroker(store);
    const access: Access = {
      isNear: true,
      place: memory.place,
      state: "up",
      loss: undefined,
      onState: (fn) => memory.onState(fn),
      declare: (spec) => memory.declare(spec),
      publish: (queue, message, options) => memory.publish(queue, message, options),
      consume: (queue, options, on) => {
        const taker = memory.consume(queue, options, on);
        if (queue.startsWith("t.")) this.#takers.push(taker);
        return taker;
      },
      depth: (queue) => {
        if (!isAsked || !queue.startsWith("c.")) return memory.depth(queue);
        const answer = new Pending<Depth | undefined>();
        this.asked.push(answer);
        return answer;
      },
      purge: (queue) => memory.purge(queue),
      remove: (queue) => memory.remove(queue),
      broadcast: (topic, message) => memory.broadcast(topic, message),
      listen: (topic, on) => memory.listen(topic, on),
      close: () => memory.close(),
    };
    const options = checkWorker("q", { url: memory.place, workers: 1, ahead: 1 });
    this.station = makeStation(access, new Clock(), options, THREADS);
    this.station.start();
  }

  /** Its connection is lost: what it holds is given to others. */
  async lose(): Promise<void> {
    for (const taker of this.#takers) await taker.cancel();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await held(this.station.stop(0));
    this.memory.close();
  }
}

/** Removes what is left in a store. */
function clear(store: string): void {
  const broker = new MemoryBroker(store);
  for (const level of ["high", "mid", "low", "dead"]) broker.remove(`t.q.${level}`);
  broker.close();
}

test("RemoteWorker: what it lost before it had begun it does not run any more", async () => {
  const store = "desk.lost";
  {
    await using cut = new Worker(store, true);
    await using executor = new RemoteExecutor("q", { url: `memory:${store}` });
    const future = executor.submit(about);
    // It has the call, and looks for the caller.
    await until(() => cut.asked.length > 0);
    await using other = new Worker(store, false);
    await cut.lose();
    assertEquals((await future.result()).attempt, 2);
    assertEquals(other.station.desk.counts.done, 1);
    cut.asked[0]!.settle({ ready: 0, consumers: 1 });
    await until(() => cut.station.desk.isIdle);
    const { done, failed } = cut.station.desk.counts;
    assertEquals({ done, failed }, { done: 0, failed: 0 });
  }
  clear(store);
});

test("RemoteWorker: behind a call that is dropped comes the next", async () => {
  const store = "desk.dropped";
  {
    await using worker = new Worker(store, true);
    const { memory } = worker;
    const places = new Places(rootOf(undefined, "test"), []);
    const { body } = new CallWire(places).write([2], "args");
    const { name, print, module } = knownReference(square);
    const facts = {
      call: "gone:1",
      module: places.nameOf(module)!,
      name,
      print,
      isMain: false,
      kind: CALL as typeof CALL,
      size: 1,
      retries: 3,
      timeout: undefined,
      grace: undefined,
      isKept: false,
      key: undefined,
      hasQueue: false,
      deno: Deno.version.deno,
    };
    memory.publish("t.q.mid", callMessage(facts, body, { replyTo: "c.gone" }));
    await until(() => worker.asked.length === 1);
    await using executor = new RemoteExecutor("q", { url: `memory:${store}` });
    const future = executor.submit(square, 3);
    await until(() => worker.station.desk.held.length === 1);
    // Its caller has gone.
    worker.asked[0]!.settle(undefined);
    await until(() => worker.asked.length === 2);
    worker.asked[1]!.settle({ ready: 0, consumers: 1 });
    assertEquals(await future.result(), 9);
    assertEquals(worker.station.desk.counts.dropped, 1);
  }
  clear(store);
});

test("RemoteWorker: what waits behind a long call goes to a worker that is idle", async () => {
  const url = "memory:desk.passed";
  {
    await using here = new RemoteQueue<string>("here", { url });
    await using go = new RemoteQueue<string>("go", { url });
    await using busy = new RemoteWorker("q", { url, workers: 1, ahead: 3 });
    void busy.run();
    await using executor = new RemoteExecutor("q", { url });
    assertEquals(await executor.submit(square, 1).result(), 1);
    const long = executor.submit(meets, here, go, "long");
    await here.get();
    const others = [2, 3].map((x) => executor.submit(square, x));
    // It has them all.
    const broker = new MemoryBroker("desk.passed");
    assertEquals(broker.depth("t.q.mid"), { ready: 0, consumers: 1 });
    broker.close();
    await using idle = new RemoteWorker("q", { url, workers: 1 });
    void idle.run();
    const results = await Promise.all(others.map((future) => future.result()));
    await go.put("");
    assertEquals([await long.result(), ...results], ["long", 4, 9]);
    // They may have come back once, in turn.
    assert(busy.stats().passed >= 2);
    assertEquals(idle.stats().done, 2);
    for (const queue of [here, go]) await queue.remove();
  }
  clear("desk.passed");
});
