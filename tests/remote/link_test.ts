/**
 * The link between a thread and that of a broker: what goes over it in batches comes in its order,
 * once, and whoever waits hears of its end.
 *
 * @module
 */
import { assertEquals, assertRejects } from "@std/assert";
import { BrokerLostError } from "../../lib/errors.ts";
import { RemoteQueue } from "../../lib/remote.ts";
import { Thread } from "../../lib/threading.ts";
import { limited } from "../_help/within.ts";
import { registerSlow } from "./_slow_broker.ts";
import { putAll } from "./_targets.ts";

registerSlow();

const test = (name: string, fn: () => Promise<void>) => Deno.test(name, () => limited(fn));

test("RemoteQueue: what is asked for in one turn is done in its order", async () => {
  await using queue = new RemoteQueue<number>("turn", { url: "slow:link" });
  const count = 300;
  const puts = Array.from({ length: count }, (_, k) => queue.put(k));
  const gets = Array.from({ length: count }, () => queue.get());
  await Promise.all(puts);
  assertEquals(await Promise.all(gets), Array.from({ length: count }, (_, k) => k));
  await queue.remove();
});

test("RemoteQueue: a put that nobody awaits is sent before its thread blocks", async () => {
  await using queue = new RemoteQueue<number>("blocks", { url: "slow:link" });
  const puts = [1, 2, 3].map((k) => queue.put(k));
  assertEquals([queue.getSync(), queue.getSync(), queue.getSync()], [1, 2, 3]);
  await Promise.all(puts);
  await queue.remove();
});

test("RemoteQueue: one of a thousand gets that is given up takes nothing", async () => {
  await using queue = new RemoteQueue<number>("given up", { url: "slow:link" });
  const controllers = Array.from({ length: 300 }, () => new AbortController());
  const gets = controllers.map(({ signal }) => queue.get({ signal }).catch(() => -1));
  await queue.put(0);
  for (const [k, controller] of controllers.entries()) if (k % 2 === 1) controller.abort();
  for (let k = 1; k < 150; k++) await queue.put(k);
  const got = (await Promise.all(gets)).filter((k) => k >= 0);
  assertEquals(got, Array.from({ length: 150 }, (_, k) => k));
  await queue.remove();
});

test("RemoteQueue: all who wait hear that the link's thread has ended; the next use has another", async () => {
  const url = "slow:link.dies";
  await using queue = new RemoteQueue<number>("waits", { url });
  await using dies = new RemoteQueue<number>("die", { url });
  const gets = Array.from({ length: 200 }, () => assertRejects(() => queue.get(), BrokerLostError));
  await queue.size();
  const put = assertRejects(() => dies.put(1), BrokerLostError);
  await Promise.all([...gets, put]);
  await queue.put(7);
  assertEquals(await queue.get(), 7);
});

test("RemoteQueue: threads that put at once keep each its order", async () => {
  await using queue = new RemoteQueue<number>("threads", { url: "slow:link" });
  const threads = Array.from({ length: 3 }, () => new Thread(putAll, { args: [queue, 30] }));
  for (const thread of threads) thread.start();
  const got = await Promise.all(Array.from({ length: 90 }, () => queue.get()));
  for (const thread of threads) await thread.join();
  assertEquals(got.toSorted((a, b) => a - b), Array.from({ length: 90 }, (_, k) => k / 3 | 0));
  await queue.remove();
});
