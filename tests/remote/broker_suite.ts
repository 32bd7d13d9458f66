/**
 * What every broker must do, whatever it is made of. `brokerSuite(world)` registers the tests for
 * one.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { BrokerLostError, Full } from "../../lib/errors.ts";
import {
  type Broker,
  type BrokerMessage,
  type Consumer,
  type Delivery,
  type QueueSpec,
  Unroutable,
} from "../../lib/remote/broker.ts";
import { held } from "../../lib/core/promises.ts";
import { limited, within } from "../_help/within.ts";

/** A kind of broker, and how its connections are made and ended. */
export interface BrokerWorld {
  /** What it is called in the names of the tests. */
  name: string;
  /** Opens a connection; all of them see the same queues. */
  open(): Broker | Promise<Broker>;
  /** Ends a connection as its program's death would. Default: `close()`. */
  kill?(broker: Broker): void | Promise<void>;
  /** True if the world is not at hand. */
  ignore?: boolean;
}

const text = (message: BrokerMessage) => new TextDecoder().decode(message.body);
let ids = 0;

/** A message with a text. */
function messageOf(body: string, more: Partial<BrokerMessage> = {}): BrokerMessage {
  return {
    body: new TextEncoder().encode(body),
    headers: {},
    type: "item",
    id: `id-${++ids}`,
    format: "text/plain",
    ...more,
  };
}

/** Deliveries as they come, to be taken one by one. */
class Inbox {
  readonly all: Delivery[] = [];
  #taken = 0;
  #wake = () => {};
  readonly on = (delivery: Delivery) => {
    this.all.push(delivery);
    this.#wake();
  };

  /** The next; it must come within 5 s. */
  async next(): Promise<Delivery> {
    while (this.#taken === this.all.length) {
      const came = held(new Promise<void>((resolve) => this.#wake = resolve));
      await within(5000, came, "no delivery");
    }
    return this.all[this.#taken++]!;
  }
}

/** Waits until something is so. */
async function until(is: () => Promise<boolean> | boolean, what: string): Promise<void> {
  const start = performance.now();
  while (!await is()) {
    assert(performance.now() - start < 5000, `not within 5 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** What a test has: connections, and queues that are removed at its end. */
class Bench {
  readonly #world: BrokerWorld;
  readonly #brokers: Broker[] = [];
  readonly #names: string[] = [];

  constructor(world: BrokerWorld) {
    this.#world = world;
  }

  async open(): Promise<Broker> {
    const broker = await this.#world.open();
    this.#brokers.push(broker);
    return broker;
  }

  async kill(broker: Broker): Promise<void> {
    await (this.#world.kill?.(broker) ?? broker.close());
  }

  /** The spec of a queue with a name of its own. */
  spec(more: Partial<QueueSpec> = {}): QueueSpec {
    const name = `suite.${crypto.randomUUID()}`;
    this.#names.push(name);
    return { name, kind: "counted", ...more };
  }

  /** A queue. */
  async queue(broker: Broker, more: Partial<QueueSpec> = {}): Promise<string> {
    const spec = this.spec(more);
    await broker.declare(spec);
    return spec.name;
  }

  async clean(): Promise<void> {
    const last = await this.#world.open();
    for (const name of this.#names) await last.remove(name);
    for (const broker of [...this.#brokers, last]) await broker.close();
  }
}

/** Registers the tests for one kind of broker. */
export function brokerSuite(world: BrokerWorld): void {
  const test = (name: string, fn: (bench: Bench) => Promise<void>) => {
    Deno.test({
      name: `${name} [${world.name}]`,
      ignore: world.ignore === true,
      fn: () =>
        limited(async () => {
          const bench = new Bench(world);
          try {
            await fn(bench);
          } finally {
            await bench.clean();
          }
        }, 30_000),
    });
  };

  test("Broker.declare() twice is one queue; with other properties it says both", async (bench) => {
    const [a, b] = [await bench.open(), await bench.open()];
    const spec = bench.spec({ kind: "plain", max: 3, overflow: "reject" });
    await a.declare(spec);
    await a.declare(spec);
    await b.declare(spec);
    await a.publish(spec.name, messageOf("1"));
    assertEquals((await b.depth(spec.name))?.ready, 1);
    const error = await assertRejects(async () => await b.declare({ ...spec, max: 4 }), Error);
    assertMatch(error.message, /\b3\b/);
    assertMatch(error.message, /\b4\b/);
    assertEquals((await b.depth(spec.name))?.ready, 1);
  });

  test("Broker.publish() has settled when the message can be taken, whole", async (bench) => {
    const [a, b] = [await bench.open(), await bench.open()];
    const queue = await bench.queue(a);
    const sent = messageOf("hello", {
      headers: { truth: true, lies: false, count: 7, half: 0.5, far: -(2 ** 40), word: "ü ☃" },
      replyTo: "somewhere",
    });
    await a.publish(queue, sent);
    assertEquals(await b.depth(queue), { ready: 1, consumers: 0 });
    const inbox = new Inbox();
    await b.consume(queue, { prefetch: 1 }, inbox.on);
    const { body, headers, type, id, format, replyTo, attempt, redelivered, isHeld } = await inbox
      .next();
    assertEquals(
      { body, headers: { ...headers }, type, id, format, replyTo },
      { ...sent } as unknown,
    );
    assertEquals({ attempt, redelivered, isHeld }, {
      attempt: 1,
      redelivered: false,
      isHeld: true,
    });
  });

  test("Broker.publish() takes bodies of no byte, and of megabytes", async (bench) => {
    const broker = await bench.open();
    const queue = await bench.queue(broker);
    const sizes = [0, 1, 4087, 4088, 4089, 131_064, 131_065, 3_000_000];
    for (const size of sizes) {
      const body = new Uint8Array(size).map((_, k) => k * 31);
      await broker.publish(queue, { ...messageOf(""), body });
    }
    const inbox = new Inbox();
    await broker.consume(queue, { prefetch: 1 }, inbox.on);
    for (const size of sizes) {
      const delivery = await inbox.next();
      assertEquals(delivery.body.length, size);
      assert(delivery.body.every((byte, k) => byte === (k * 31 & 0xff)), `${size} bytes`);
      delivery.ack();
    }
  });

  test("Broker.publish() to a queue that is not there is Unroutable", async (bench) => {
    const broker = await bench.open();
    const { name } = bench.spec();
    const error = await assertRejects(
      async () => await broker.publish(name, messageOf("1")),
      Unroutable,
    );
    assertEquals(error.queue, name);
    await assertRejects(
      async () => await broker.consume(name, { prefetch: 1 }, () => {}),
      Unroutable,
    );
    assertEquals(await broker.depth(name), undefined);
    await broker.remove(name);
    await broker.purge(await bench.queue(broker));
  });

  test("Broker.publish() of an aborted signal rejects with its reason", async (bench) => {
    const broker = await bench.open();
    const queue = await bench.queue(broker);
    const reason = new Error("no more");
    const signal = AbortSignal.abort(reason);
    const error = await assertRejects(async () =>
      await broker.publish(queue, messageOf("1"), { signal })
    );
    assertEquals(error, reason);
    assertEquals((await broker.depth(queue))?.ready, 0);
  });

  test("Broker: what one publishes comes in its order", async (bench) => {
    const [a, b] = [await bench.open(), await bench.open()];
    const queue = await bench.queue(a);
    const inbox = new Inbox();
    await b.consume(queue, { prefetch: 10 }, inbox.on);
    const sent = Array.from({ length: 300 }, (_, k) => String(k));
    await Promise.all(sent.map((body) => a.publish(queue, messageOf(body))));
    const seen: string[] = [];
    for (let k = 0; k < sent.length; k++) {
      const delivery = await inbox.next();
      seen.push(text(delivery));
      delivery.ack();
    }
    assertEquals(seen, sent);
  });

  test("Broker.consume() gives no more than prefetch, and the next for each ack", async (bench) => {
    const broker = await bench.open();
    const queue = await bench.queue(broker);
    for (const body of "12345") await broker.publish(queue, messageOf(body));
    const inbox = new Inbox();
    const consumer = await broker.consume(queue, { prefetch: 2 }, inbox.on);
    const first = await inbox.next();
    await inbox.next();
    assertEquals(await broker.depth(queue), { ready: 3, consumers: 1 });
    assertEquals(inbox.all.length, 2);
    first.ack();
    assertEquals(first.isHeld, false);
    assertEquals(text(await inbox.next()), "3");
    assertEquals((await broker.depth(queue))?.ready, 2);
    await consumer.cancel();
    await until(async () => (await broker.depth(queue))?.ready === 4, "what was held is back");
  });

  test("Broker.consume(): two share what comes", async (bench) => {
    const [a, b] = [await bench.open(), await bench.open()];
    const queue = await bench.queue(a);
    const inboxes = [new Inbox(), new Inbox()];
    await a.consume(queue, { prefetch: 1 }, inboxes[0]!.on);
    await b.consume(queue, { prefetch: 1 }, inboxes[1]!.on);
    await a.publish(queue, messageOf("1"));
    await a.publish(queue, messageOf("2"));
    const both = await Promise.all(inboxes.map((inbox) => inbox.next()));
    assertEquals(both.map(text).sort(), ["1", "2"]);
  });

  test("Consumer.setPrefetch(0) stops what comes; what it holds stays its own", async (bench) => {
    const broker = await bench.open();
    const queue = await bench.queue(broker);
    for (const body of "1234") await broker.publish(queue, messageOf(body));
    const inbox = new Inbox();
    const consumer = await broker.consume(queue, { prefetch: 1 }, inbox.on);
    const first = await inbox.next();
    await consumer.setPrefetch(0);
    assert(first.isHeld);
    assertEquals((await broker.depth(queue))?.ready, 3);
    // What is held from before does not count.
    await consumer.setPrefetch(2);
    const [second, third] = [await inbox.next(), await inbox.next()];
    assertEquals([first, second, third].map(text), ["1", "2", "3"]);
    first.ack();
    assertEquals((await broker.depth(queue))?.ready, 1);
    assertEquals(inbox.all.length, 3);
    await consumer.setPrefetch(0);
    second.ack();
    third.ack();
    assertEquals((await broker.depth(queue))?.ready, 1);
    assertEquals(inbox.all.length, 3);
  });

  test("Delivery.back() makes it ready again, with the attempts counted", async (bench) => {
    const broker = await bench.open();
    const queue = await bench.queue(broker);
    await broker.publish(queue, messageOf("1"));
    const inbox = new Inbox();
    await broker.consume(queue, { prefetch: 1 }, inbox.on);
    for (let attempt = 1; attempt <= 3; attempt++) {
      const delivery = await inbox.next();
      assertEquals([text(delivery), delivery.attempt], ["1", attempt]);
      assertEquals(delivery.redelivered, attempt > 1);
      await delivery.back();
      assertEquals(delivery.isHeld, false);
    }
    (await inbox.next()).ack();
    await until(async () => (await broker.depth(queue))?.ready === 0, "it is gone");
  });

  test("Delivery.back({ delay }) brings it later, behind the others", async (bench) => {
    const broker = await bench.open();
    const queue = await bench.queue(broker);
    await broker.publish(queue, messageOf("1"));
    const inbox = new Inbox();
    await broker.consume(queue, { prefetch: 1 }, inbox.on);
    const first = await inbox.next();
    const start = performance.now();
    await first.back({ delay: 200 });
    await broker.publish(queue, messageOf("2"));
    const second = await inbox.next();
    assertEquals(text(second), "2");
    second.ack();
    const again = await inbox.next();
    assertEquals([text(again), again.attempt, again.id], ["1", 2, first.id]);
    assert(performance.now() - start >= 190, "too early");
    again.ack();
  });

  test("Delivery: what is settled twice is settled once", async (bench) => {
    const broker = await bench.open();
    const queue = await bench.queue(broker);
    await broker.publish(queue, messageOf("1"));
    const inbox = new Inbox();
    await broker.consume(queue, { prefetch: 5 }, inbox.on);
    const delivery = await inbox.next();
    delivery.ack();
    delivery.ack();
    await delivery.back();
    await delivery.bury("late");
    await broker.publish(queue, messageOf("2"));
    assertEquals(text(await inbox.next()), "2");
    assertEquals((await broker.depth(queue))?.ready, 0);
  });

  test("Delivery.bury() puts it where the dead are, with the reason", async (bench) => {
    const broker = await bench.open();
    const dead = await bench.queue(broker, { kind: "plain" });
    const queue = await bench.queue(broker, { deadTo: dead });
    const sent = messageOf("1", { headers: { colour: "red" } });
    await broker.publish(queue, sent);
    const inbox = new Inbox();
    await broker.consume(queue, { prefetch: 1 }, inbox.on);
    await (await inbox.next()).bury("cannot be read");
    assertEquals((await broker.depth(queue))?.ready, 0);
    const buried = new Inbox();
    await broker.consume(dead, { prefetch: 1 }, buried.on);
    const { headers, id, body, format } = await buried.next();
    assertEquals([id, body, format], [sent.id, sent.body, sent.format]);
    const { colour, reason, from, tried } = headers;
    assertEquals({ colour, reason, from, tried } as unknown, {
      colour: "red",
      reason: "cannot be read",
      from: queue,
      tried: 1,
    });
  });

  test("Broker: a message that comes back more often than limit goes to the dead", async (bench) => {
    const broker = await bench.open();
    const dead = await bench.queue(broker, { kind: "plain" });
    const queue = await bench.queue(broker, { deadTo: dead, limit: 2 });
    await broker.publish(queue, messageOf("poison"));
    const inbox = new Inbox();
    await broker.consume(queue, { prefetch: 1 }, inbox.on);
    const buried = new Inbox();
    await broker.consume(dead, { prefetch: 1 }, buried.on);
    for (let k = 0; k < 3; k++) await (await inbox.next()).back();
    assertEquals(text(await buried.next()), "poison");
    assertEquals(inbox.all.length, 3);
  });

  test("Broker: a message is dropped after its ttl, or goes to the dead", async (bench) => {
    const broker = await bench.open();
    const dead = await bench.queue(broker, { kind: "plain" });
    const short = await bench.queue(broker, { ttl: 100, deadTo: dead });
    const long = await bench.queue(broker, { deadTo: dead });
    await broker.publish(short, messageOf("by the queue"));
    await broker.publish(long, messageOf("by itself", { expires: 100 }));
    await broker.publish(long, messageOf("stays"));
    const buried = new Inbox();
    await broker.consume(dead, { prefetch: 2 }, buried.on);
    const both = [await buried.next(), await buried.next()];
    assertEquals(both.map(text).sort(), ["by itself", "by the queue"]);
    assertEquals((await broker.depth(short))?.ready, 0);
    assertEquals((await broker.depth(long))?.ready, 1);
  });

  test("Broker.publish({ delay }) is ready then, and not before", async (bench) => {
    const broker = await bench.open();
    const queue = await bench.queue(broker);
    const inbox = new Inbox();
    await broker.consume(queue, { prefetch: 9 }, inbox.on);
    const start = performance.now();
    await broker.publish(queue, messageOf("late"), { delay: 300 });
    await broker.publish(queue, messageOf("earlier"), { delay: 100 });
    await broker.publish(queue, messageOf("now"));
    assertEquals(text(await inbox.next()), "now");
    const earlier = await inbox.next();
    assertEquals([text(earlier), earlier.attempt], ["earlier", 1]);
    assert(performance.now() - start >= 90, "too early");
    assertEquals(text(await inbox.next()), "late");
    assert(performance.now() - start >= 290, "too early");
  });

  test("Broker: a full queue rejects with Full, exactly; what is delayed waits", async (bench) => {
    const broker = await bench.open();
    const queue = await bench.queue(broker, { kind: "plain", max: 3, overflow: "reject" });
    const puts = await Promise.allSettled(
      Array.from({ length: 10 }, async (_, k) => await broker.publish(queue, messageOf(`${k}`))),
    );
    assertEquals(puts.filter(({ status }) => status === "fulfilled").length, 3);
    for (const put of puts) if (put.status === "rejected") assert(put.reason instanceof Full);
    await broker.publish(queue, messageOf("delayed"), { delay: 50 });
    await new Promise((resolve) => setTimeout(resolve, 150));
    assertEquals((await broker.depth(queue))?.ready, 3);
    const inbox = new Inbox();
    await broker.consume(queue, { prefetch: 1 }, inbox.on);
    const seen: string[] = [];
    for (let k = 0; k < 4; k++) {
      const delivery = await inbox.next();
      seen.push(text(delivery));
      delivery.ack();
    }
    assertEquals(seen.at(-1), "delayed");
    await until(async () => (await broker.depth(queue))?.ready === 0, "all were taken");
    await broker.publish(queue, messageOf("there is room"));
  });

  test("Broker: a queue that drops has the newest", async (bench) => {
    const broker = await bench.open();
    const queue = await bench.queue(broker, { kind: "plain", max: 2, overflow: "drop" });
    for (const body of "12345") await broker.publish(queue, messageOf(body));
    const inbox = new Inbox();
    await broker.consume(queue, { prefetch: 5 }, inbox.on);
    assertEquals([text(await inbox.next()), text(await inbox.next())], ["4", "5"]);
  });

  test("Broker.depth(), purge(), remove() are of what is ready", async (bench) => {
    const broker = await bench.open();
    const queue = await bench.queue(broker);
    for (const body of "1234") await broker.publish(queue, messageOf(body));
    const inbox = new Inbox();
    const consumer = await broker.consume(queue, { prefetch: 1 }, inbox.on);
    const held = await inbox.next();
    await consumer.setPrefetch(0);
    assertEquals((await broker.depth(queue))?.ready, 3);
    await broker.purge(queue);
    assertEquals((await broker.depth(queue))?.ready, 0);
    await held.back();
    await until(async () => (await broker.depth(queue))?.ready === 1, "what was held is back");
    await consumer.cancel();
    await broker.remove(queue);
    assertEquals(await broker.depth(queue), undefined);
  });

  test("Broker: a queue nobody uses is removed after expires", async (bench) => {
    const broker = await bench.open();
    const queue = await bench.queue(broker, { kind: "plain", expires: 200 });
    assertEquals((await broker.depth(queue))?.ready, 0);
    await new Promise((resolve) => setTimeout(resolve, 600));
    await until(async () => (await broker.depth(queue)) === undefined, "it is removed");
  });

  test("Broker.broadcast() reaches who listens, until they stop", async (bench) => {
    const [a, b] = [await bench.open(), await bench.open()];
    const topic = `suite.${crypto.randomUUID()}`;
    await a.broadcast(topic, messageOf("nobody hears"));
    const heard: string[] = [];
    const stops: (() => unknown)[] = [];
    for (const [name, broker] of [["a", a], ["b", b]] as const) {
      stops.push(await broker.listen(topic, (message) => heard.push(name + text(message))));
    }
    await a.broadcast(topic, messageOf("1"));
    await until(() => heard.length === 2, "both hear it");
    await stops[1]!();
    await b.broadcast(topic, messageOf("2"));
    await until(() => heard.length === 3, "the other hears it");
    assertEquals(heard.sort(), ["a1", "a2", "b1"]);
    await stops[0]!();
  });

  test("Broker: what a consumer held that has died goes to another, in order", async (bench) => {
    const [a, b] = [await bench.open(), await bench.open()];
    const queue = await bench.queue(a);
    for (const body of "123") await a.publish(queue, messageOf(body));
    const dying = new Inbox();
    await b.consume(queue, { prefetch: 3 }, dying.on);
    const lost: Delivery[] = [];
    for (let k = 0; k < 3; k++) lost.push(await dying.next());
    await bench.kill(b);
    const inbox = new Inbox();
    await a.consume(queue, { prefetch: 3 }, inbox.on);
    const seen: Delivery[] = [];
    for (let k = 0; k < 3; k++) seen.push(await inbox.next());
    assertEquals(seen.map(text), ["1", "2", "3"]);
    assertEquals(seen.map(({ attempt }) => attempt), [2, 2, 2]);
    // What the dead one says of them is of no account.
    assertEquals(lost.map(({ isHeld }) => isHeld), [false, false, false]);
    lost[0]!.ack();
    await lost[1]!.back();
    for (const delivery of seen) delivery.ack();
    await until(async () => (await a.depth(queue))?.ready === 0, "all are gone");
    assertEquals(inbox.all.length, 3);
  });

  test("Broker: a handler that throws gives its message back", async (bench) => {
    const broker = await bench.open();
    const queue = await bench.queue(broker);
    const inbox = new Inbox();
    let throws = true;
    const heard = (event: ErrorEvent) => event.preventDefault();
    addEventListener("error", heard);
    try {
      await broker.consume(queue, { prefetch: 1 }, (delivery) => {
        if (throws) {
          throws = false;
          throw new Error("a handler's fault");
        }
        inbox.on(delivery);
      });
      await broker.publish(queue, messageOf("1"));
      const delivery = await inbox.next();
      assertEquals([text(delivery), delivery.attempt], ["1", 2]);
      delivery.ack();
    } finally {
      removeEventListener("error", heard);
    }
  });

  test("Broker.remove() by another: a consumer goes on with a queue made anew", async (bench) => {
    const [a, b] = [await bench.open(), await bench.open()];
    const queue = await bench.queue(a);
    const inbox = new Inbox();
    await a.consume(queue, { prefetch: 1 }, inbox.on);
    await b.publish(queue, messageOf("before"));
    (await inbox.next()).ack();
    await b.remove(queue);
    await until(async () => (await a.depth(queue))?.consumers === 1, "it consumes again");
    await b.publish(queue, messageOf("after"));
    assertEquals(text(await inbox.next()), "after");
  });

  test("Broker.close() ends it: consumers hear of it, what comes after is rejected", async (bench) => {
    const broker = await bench.open();
    const queue = await bench.queue(broker);
    const inbox = new Inbox();
    const { promise, resolve } = Promise.withResolvers<Error>();
    let consumer: Consumer | undefined;
    consumer = await broker.consume(queue, { prefetch: 1, onEnd: resolve }, inbox.on);
    await broker.publish(queue, messageOf("1"));
    const held = await inbox.next();
    const states: string[] = [];
    broker.onState((state) => states.push(state));
    await broker.close();
    await broker.close();
    assertEquals([broker.state, states.at(-1)], ["ended", "ended"]);
    assert(await within(2000, promise) instanceof BrokerLostError);
    assertEquals(held.isHeld, false);
    held.ack();
    await consumer.cancel();
    consumer = undefined;
    const calls = [
      () => broker.publish(queue, messageOf("2")),
      () => broker.declare(bench.spec()),
      () => broker.consume(queue, { prefetch: 1 }, inbox.on),
      () => broker.depth(queue),
      () => broker.broadcast("x", messageOf("3")),
    ];
    for (const call of calls) await assertRejects(async () => await call(), BrokerLostError);
    const other = await bench.open();
    assertEquals((await other.depth(queue))?.ready, 1);
  });
}
