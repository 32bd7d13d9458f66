import { assert, assertEquals, assertMatch } from "@std/assert";
import { Process } from "../../lib/multiprocessing.ts";
import { RemoteQueue } from "../../lib/remote.ts";
import { Thread } from "../../lib/threading.ts";
import { limited } from "../_help/within.ts";
import { hasRabbitMQ, sharedBroker } from "./_broker.ts";
import { echoSync, takeAndStay } from "./_targets.ts";
import { queueSuite } from "./queue_suite.ts";

/** Its start takes long, and no test is to wait for it. */
const broker = hasRabbitMQ ? await sharedBroker() : "";
const url = `${broker}/?prefix=queues${Deno.pid}`;

queueSuite({ name: "amqp", ignore: !hasRabbitMQ, url: () => url });

function test(name: string, fn: (make: <T>() => RemoteQueue<T>) => Promise<void>): void {
  Deno.test({
    name: `${name} [amqp]`,
    ignore: !hasRabbitMQ,
    fn: () =>
      limited(async () => {
        await using stack = new AsyncDisposableStack();
        await fn(<T>() => {
          const queue = new RemoteQueue<T>(`test.${crypto.randomUUID()}`, { url });
          stack.defer(() => queue.close());
          stack.defer(() => queue.remove());
          return queue;
        });
      }, 60_000),
  });
}

test("RemoteQueue works in processes, and what a killed one has taken goes to another", async (make) => {
  const [queue, said] = [make<number>(), make<string>()];
  await queue.put(7);
  const child = new Process(takeAndStay, { args: [queue, said] }).start();
  assertEquals(await said.get(), "7.1");
  child.kill();
  const taken = await queue.take({ timeout: 20_000 });
  assertEquals(taken.item, 7);
  assert(taken.attempt > 1);
  await taken.done();
  await child.join();
});

test("RemoteQueue works in a process whose main thread blocks", async (make) => {
  const [from, to] = [make<number>(), make<number>()];
  const child = new Process(echoSync, { args: [from, to, 3] }).start();
  for (let k = 0; k < 3; k++) {
    await from.put(k);
    assertEquals(await to.get(), k);
  }
  await child.result();
});

test("RemoteQueue: threads go on while the main thread computes", async (make) => {
  const [from, to] = [make<number>(), make<number>()];
  const thread = new Thread(echoSync, { args: [from, to, 21] }).start();
  await from.put(0);
  assertEquals(await to.get(), 0);
  await Promise.all(Array.from({ length: 20 }, (_, k) => from.put(k)));
  // All of this needs no event loop of the main thread.
  const end = performance.now() + 1500;
  while (performance.now() < end);
  for (let k = 0; k < 20; k++) assertEquals(to.getNowait(), k);
  await thread.result();
});

test("RemoteQueue: what one program puts as JSON is JSON on the wire", async () => {
  const { AmqpBroker } = await import("../../lib/remote/amqp_broker.ts");
  const name = `test.${crypto.randomUUID()}`;
  await using queue = new RemoteQueue<unknown>(name, { url, format: "json" });
  await queue.put({ a: [1, "ü"] });
  const stranger = new AmqpBroker(url);
  try {
    const { promise, resolve } = Promise.withResolvers<[string, string]>();
    await stranger.consume(`q.${name}`, { prefetch: 1 }, (delivery) => {
      resolve([delivery.format, new TextDecoder().decode(delivery.body)]);
      delivery.ack();
    });
    // The stranger's own wait holds nothing.
    const letGo = setInterval(() => {}, 1000);
    const [format, text] = await promise.finally(() => clearInterval(letGo));
    assertEquals(format, "application/json");
    assertMatch(text, /^\{"a":\[1,"ü"\]\}$/);
  } finally {
    await stranger.close();
    await queue.remove();
  }
});
