/**
 * Remote calls when something of the broker's is lost: the connection, the queue, the room. The
 * broker is that in memory behind a link's thread.
 *
 * @module
 */
import { assert, assertEquals, assertInstanceOf, assertMatch } from "@std/assert";
import { TimeoutError } from "../../lib/errors.ts";
import { RemoteExecutor, RemoteQueue, RemoteWorker } from "../../lib/remote.ts";
import { holdProgram } from "../../lib/core/promises.ts";
import { addressOf } from "../../lib/remote/address.ts";
import { type Access, openAccess } from "../../lib/remote/link/access.ts";
import { until } from "../_help/until.ts";
import { limited } from "../_help/within.ts";
import { largeOf, meets, square } from "./_call_targets.ts";
import { LOSE, registerSlow, SMALL } from "./_slow_broker.ts";

registerSlow();

/** What a test has, at a broker of its own. */
interface Bench {
  url: string;
  access: Access;
  executor: RemoteExecutor;
  worker(): RemoteWorker;
  items(name: string): RemoteQueue<string>;
}

let benches = 0;

function test(name: string, fn: (bench: Bench) => Promise<void>, how = ""): void {
  Deno.test(name, () =>
    limited(async () => {
      const url = `slow:losses.${++benches}${how}`;
      const letGo = holdProgram();
      const access = openAccess(addressOf(url, "test"));
      await using stack = new AsyncDisposableStack();
      stack.defer(async () => {
        await access.close();
        letGo();
      });
      const executor = stack.use(new RemoteExecutor("q", { url }));
      await fn({
        url,
        access,
        executor,
        worker() {
          const worker = stack.use(new RemoteWorker("q", { url, workers: 2 }));
          worker.run();
          return worker;
        },
        items: (name) => stack.use(new RemoteQueue<string>(name, { url })),
      });
    }));
}

const MESSAGE = { body: new Uint8Array(0), headers: {}, type: "", id: "x", format: "" };

test("RemoteExecutor: a call that runs while the connection is lost runs once", async (bench) => {
  const { access, executor } = bench;
  const worker = bench.worker();
  const [here, go] = [bench.items("here"), bench.items("go")];
  const futures = ["a", "b"].map((name) => executor.submit(meets, here, go, name));
  const waiting = Array.from({ length: 20 }, (_, k) => executor.submit(square, k));
  assertEquals([await here.get(), await here.get()].toSorted(), ["a", "b"]);
  await access.publish(LOSE, MESSAGE);
  await go.put("");
  await go.put("");
  assertEquals(await Promise.all(futures.map((future) => future.result())), ["a", "b"]);
  const squares = await Promise.all(waiting.map((future) => future.result()));
  assertEquals(squares, Array.from({ length: 20 }, (_, k) => k * k));
  assertEquals(await here.size(), 0);
  assertEquals(worker.stats().done, 22);
});

test("RemoteExecutor: calls and answers go on over many losses of the connection", async (bench) => {
  const { access, executor } = bench;
  bench.worker();
  let lost = 0;
  const results = Array.from({ length: 100 }, async (_, k) => {
    // Each loss of what it holds is a try.
    const result = await executor.submitWith({ retries: 20 }, square, k).result();
    if (k % 25 === 24) {
      lost++;
      await access.publish(LOSE, MESSAGE);
    }
    return result;
  });
  assertEquals(await Promise.all(results), Array.from({ length: 100 }, (_, k) => k * k));
  assertEquals(lost, 4);
});

test("RemoteExecutor: a queue that is removed is made again, and served", async (bench) => {
  const { access, executor } = bench;
  bench.worker();
  assertEquals(await executor.submit(square, 2).result(), 4);
  for (let k = 3; k < 6; k++) {
    await access.remove("t.q.mid");
    assertEquals(await executor.submit(square, k).result(), k * k);
  }
});

test("RemoteExecutor: a queue with other properties fails its calls, and says both", async (bench) => {
  const { access, executor } = bench;
  await access.declare({ name: "t.q.mid", kind: "plain", max: 7 });
  const error = await executor.submit(square, 2).exception();
  assertMatch(
    String(error),
    /Cannot declare the queue "t.q.mid": it is there with kind plain, max 7.*wanted is kind counted/,
  );
  // Once it is as it should be, it goes.
  await access.remove("t.q.mid");
  bench.worker();
  assertEquals(await executor.submit(square, 3).result(), 9);
});

test(
  "RemoteExecutor: what is too long for the broker is a RangeError, there and back",
  async (bench) => {
    const { executor } = bench;
    bench.worker();
    assertInstanceOf(await executor.submit(largeOf, SMALL + 1).exception(), RangeError);
    const large = "x".repeat(SMALL + 1) as never;
    assertInstanceOf(await executor.submit(square, large).exception(), RangeError);
    assertEquals(await executor.submit(square, 3).result(), 9);
  },
  "?small",
);

test(
  "RemoteExecutor: calls wait for a broker that takes none, expire, and are cancelled",
  async (bench) => {
    const { executor } = bench;
    const [waits, other] = [executor.submit(square, 1), executor.submit(square, 2)];
    const expired = executor.submitWith({ expires: 50 }, square, 3);
    assertInstanceOf(await expired.exception(), TimeoutError);
    assert(!waits.done());
    assert(waits.cancel() && other.cancel());
    await until(() => waits.done() && other.done());
  },
  "?blocked",
);
