/**
 * The client with a real RabbitMQ: what a script can only claim that it does.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { AmqpError } from "../../lib/amqp/errors.ts";
import { Session } from "../../lib/amqp/session.ts";
import type { Lease } from "../../lib/amqp/subscription.ts";
import { parseUrl } from "../../lib/amqp/url.ts";
import { held, holdProgram } from "../../lib/core/promises.ts";
import { limited } from "../_help/within.ts";
import { hasRabbitMQ, sharedBroker } from "../remote/_broker.ts";

/** Its start takes long, and no test is to wait for it. */
const url = hasRabbitMQ ? await sharedBroker() : "";

function test(name: string, fn: (session: Session, queue: string) => Promise<void>): void {
  Deno.test({
    name: `session: ${name} [RabbitMQ]`,
    ignore: !hasRabbitMQ,
    fn: () =>
      limited(async () => {
        const letGo = holdProgram();
        const session = new Session(parseUrl(url), { heartbeat: 1 });
        const queue = `amqp.${crypto.randomUUID()}`;
        try {
          await fn(session, queue);
          if (session.state !== "ended") await session.remove(queue);
        } finally {
          await session.close();
          letGo();
        }
      }, 30_000),
  });
}

for (
  const [what, bad, code] of [
    ["a wrong password", "amqp://guest:wr%40ng@", 403],
    ["a vhost that is not there", "amqp://guest:guest@", 530],
  ] as const
) {
  test(`${what} ends it at once`, async () => {
    const where = url.replace(/^.*@/, bad) + (code === 530 ? "/nowhere" : "");
    const session = new Session(parseUrl(where));
    const error = await assertRejects(() => held(session.ready()), AmqpError);
    assertEquals([error.code, session.state, session.loss?.attempts], [code, "ended", 1]);
    assert(!Deno.inspect(error, { depth: 9 }).includes("wr@ng"));
    await session.close();
  });
}

test("long bodies come back whole", async (session, queue) => {
  await session.declare({ name: queue, isDurable: true });
  const sizes = [0, 1, 131_063, 131_064, 131_065, 20 << 20];
  const came: Lease[] = [];
  let wake = () => {};
  await session.consume(queue, 1, {
    on: (lease) => {
      came.push(lease);
      lease.ack();
      wake();
    },
    onFault: () => {},
    onEnd: () => {},
  });
  for (const size of sizes) {
    const body = new Uint8Array(size).map((_, k) => k * 31 + size);
    const got = new Promise<void>((resolve) => wake = resolve);
    const request = { exchange: "", key: queue, isMandatory: true, properties: {}, body };
    assertEquals(await session.publish(request), "taken");
    await got;
    assertEquals(came.at(-1)!.delivered.body, body);
  }
});

test("a queue with other properties is refused, and costs nothing else", async (session, queue) => {
  await session.declare({ name: queue, isDurable: true, args: { "x-max-length": 3 } });
  const other = { name: queue, isDurable: true, args: { "x-max-length": 4 } };
  const error = await assertRejects(() => session.declare(other), AmqpError, "'x-max-length'");
  assertEquals([error.code, (await session.depth(queue))?.ready], [406, 0]);
});

test(
  "a message without a queue is unroutable, among others that are taken",
  async (session, queue) => {
    await session.declare({ name: queue, isDurable: true });
    const keys = [queue, "amqp.nowhere", queue, "amqp.nowhere", queue];
    const verdicts = keys.map((key, k) =>
      session.publish({
        exchange: "",
        key,
        isMandatory: true,
        properties: { messageId: `${k}` },
        body: Uint8Array.of(k),
      })
    );
    assertEquals(
      await Promise.all(verdicts),
      keys.map((key) => key === queue ? "taken" : "unroutable"),
    );
    await assertRejects(
      () =>
        session.publish({
          exchange: "amqp.nowhere",
          key: "",
          isMandatory: true,
          properties: {},
          body: Uint8Array.of(1),
        }),
      AmqpError,
      "NOT_FOUND",
    );
    assertEquals((await session.depth(queue))?.ready, 3);
  },
);

test(
  "heartbeats keep a quiet session, whose thread is held up now and then",
  async (session, queue) => {
    await session.declare({ name: queue, isDurable: true });
    const states: string[] = [];
    session.onState = (state) => states.push(state);
    for (let k = 0; k < 3; k++) {
      const began = performance.now();
      // Under the two heartbeats after which the broker would give it up.
      while (performance.now() - began < 1_200);
      await held(new Promise((resolve) => setTimeout(resolve, 50)));
    }
    assertEquals([states, session.state], [[], "up"]);
  },
);
