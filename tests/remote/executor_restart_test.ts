import { assertEquals } from "@std/assert";
import { RemoteExecutor, RemoteWorker } from "../../lib/remote.ts";
import { until } from "../_help/until.ts";
import { within } from "../_help/within.ts";
import { hasRabbitMQ, RabbitMQ } from "./_broker.ts";
import { square, stay } from "./_call_targets.ts";

Deno.test({
  name: "remote calls outlive the broker: each has one outcome, and none is lost [amqp]",
  ignore: !hasRabbitMQ,
  fn: () => within(200_000, outlive()),
});

async function outlive(): Promise<void> {
  const broker = new RabbitMQ();
  try {
    await broker.ready();
    const { url } = broker;
    const worker = new RemoteWorker("restarts", { url, workers: 2, patience: Infinity });
    const served = worker.run();
    const executor = new RemoteExecutor("restarts", { url, patience: Infinity });
    assertEquals(await executor.submit(square, 3).result(), 9);
    const begun = Promise.withResolvers<unknown>();
    const running = executor.submitWith({ onReport: begun.resolve }, stay);
    await begun.promise;
    const calls = 500;
    const futures = Array.from({ length: calls }, (_, k) => executor.submit(square, k));
    await until(() => executor.stats().completed > 20);
    broker.kill();
    // What is asked for meanwhile waits.
    const meanwhile = Array.from({ length: 50 }, (_, k) => executor.submit(square, k));
    broker.start();
    await broker.ready();
    const results = await Promise.all([...futures, ...meanwhile].map((future) => future.result()));
    assertEquals(results, [
      ...Array.from({ length: calls }, (_, k) => k * k),
      ...Array.from({ length: 50 }, (_, k) => k * k),
    ]);
    // What ran through all of it runs still, and hears that it is cancelled.
    assertEquals(running.done(), false);
    assertEquals(running.cancel({ running: true }), true);
    await executor.shutdown();
    await worker.stop();
    await served;
  } finally {
    broker.stop();
  }
}
