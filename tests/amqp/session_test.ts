/**
 * Sessions: what survives a loss, and what ends them.
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { AmqpError } from "../../lib/amqp/errors.ts";
import { backoff } from "../../lib/amqp/lifeline.ts";
import type { PublishRequest } from "../../lib/amqp/publisher.ts";
import { Session } from "../../lib/amqp/session.ts";
import type { Lease, SubscriptionActions } from "../../lib/amqp/subscription.ts";
import { parseUrl } from "../../lib/amqp/url.ts";
import { until } from "../_help/until.ts";
import { limited, within } from "../_help/within.ts";
import { Script } from "./_script.ts";
import { Broker } from "./_serve.ts";

const QUEUE = { name: "q", isDurable: true };

function message(id: string, more: Partial<PublishRequest> = {}): PublishRequest {
  return {
    exchange: "",
    key: "q",
    isMandatory: true,
    properties: { messageId: id },
    body: Uint8Array.of(1),
    ...more,
  };
}

/** A consumer that keeps what it is given. */
class Taker implements SubscriptionActions {
  readonly leases: Lease[] = [];
  readonly ends: AmqpError[] = [];
  on(lease: Lease): void {
    this.leases.push(lease);
  }
  onFault(): void {}
  onEnd(error: AmqpError): void {
    this.ends.push(error);
  }
  readonly actions: SubscriptionActions = {
    on: (lease) => this.on(lease),
    onFault: () => {},
    onEnd: (error) => this.onEnd(error),
  };
}

function test(name: string, fn: (broker: Broker) => Promise<void>): void {
  Deno.test(`session: ${name}`, () =>
    limited(async () => {
      await using broker = new Broker();
      await fn(broker);
    }));
}

/** The states of a session as they come. */
function statesOf(session: Session): string[] {
  const states: string[] = [];
  session.onState = (state) => states.push(state);
  return states;
}

test("after a loss queues, consumers and what is not confirmed are there again", async (broker) => {
  const session = broker.session();
  const states = statesOf(session);
  await session.declare(QUEUE);
  await session.declare({ name: "second", isDurable: true });
  await session.declare({ name: "not kept", isDurable: true }, false);
  const taker = new Taker();
  await session.consume("q", 5, taker.actions);
  broker.instead = ({ name }) => name === "basic.publish";
  const ids = Array.from({ length: 20 }, (_, k) => `m${k}`);
  const published = ids.map((id) => session.publish(message(id)));
  await until(() => broker.notes.filter((note) => note.includes("basic.publish")).length === 20);
  broker.instead = () => false;
  broker.notes.length = 0;
  for (const peer of broker.script.peers) peer.close();
  assertEquals(await Promise.all(published), ids.map(() => "taken"));
  await until(() => session.state === "up");
  const control = broker.notes.filter((note) => note.startsWith("control 2"));
  assertEquals(control, [
    "control 2: channel.open",
    "control 2: queue.declare q",
    "control 2: queue.declare second",
    "control 2: basic.qos",
    "control 2: channel.open",
    "control 2: queue.declare q",
    "control 2: basic.qos",
    "control 2: basic.consume q",
  ]);
  assertEquals(broker.notes.filter((note) => note.startsWith("publishing 2")), [
    "publishing 2: channel.open",
    "publishing 2: confirm.select",
    ...ids.map((id) => `publishing 2: basic.publish ${id}`),
  ]);
  assertEquals([states[0], states.at(-1), taker.ends], ["up", "up", []]);
  assert(states.includes("down"));
});

test("calls wait while it is down, and are answered when it is up", async (broker) => {
  const session = broker.session();
  await session.ready();
  broker.script.peers[0]!.close();
  await until(() => session.state === "down");
  const calls = [
    session.declare(QUEUE),
    session.depth("q"),
    session.purge("q"),
    session.remove("q"),
    session.declareFanout("x"),
    session.publish(message("m")),
    session.consume("q", 1, new Taker().actions),
  ];
  await Promise.all(calls);
  assertEquals([session.state, session.loss], ["up", undefined]);
});

test("a call under way when the connection is lost is made again", async (broker) => {
  const session = broker.session();
  let isFirst = true;
  broker.instead = ({ name, peer }) => {
    if (name !== "queue.declare" || !isFirst) return false;
    isFirst = false;
    peer.close();
    return true;
  };
  assertEquals(await session.depth("q"), { ready: 0, consumers: 0 });
});

test("a failure in restoring is a failure of the attempt: all or nothing", async (broker) => {
  const session = broker.session();
  await session.declare(QUEUE);
  const taker = new Taker();
  await session.consume("q", 1, taker.actions);
  broker.instead = async ({ where, name, peer, channel }) => {
    if (where !== "control 2" || name !== "basic.consume") return false;
    await peer.send(channel, "channel.close", [541, "INTERNAL_ERROR", 0, 0]);
    return true;
  };
  const states = statesOf(session);
  broker.script.peers[0]!.close();
  await until(() => broker.notes.includes("control 3: basic.consume q"));
  await until(() => session.state === "up");
  assertEquals([states, taker.ends.length], [["down", "up"], 0]);
  assert(broker.notes.indexOf("control 2: basic.consume q") > 0);
});

test("what was held before a loss is held no more, and no ack of it is sent", async (broker) => {
  const session = broker.session();
  const taker = new Taker();
  await session.consume("q", 5, taker.actions);
  await broker.deliver(1, 2);
  await until(() => taker.leases.length === 1);
  assertEquals(taker.leases[0]!.isHeld, true);
  broker.script.peers[0]!.close();
  await until(() => session.state === "down");
  assertEquals([taker.leases[0]!.isHeld, taker.leases[0]!.ack()], [false, false]);
  await until(() => session.state === "up");
  await broker.deliver(1, 2, 1);
  await until(() => taker.leases.length === 2);
  assertEquals([taker.leases[0]!.isHeld, taker.leases[1]!.isHeld], [false, true]);
  assertEquals([taker.leases[0]!.nack(true), taker.leases[1]!.ack()], [false, true]);
  assertEquals([taker.leases[1]!.isHeld, taker.leases[1]!.ack()], [false, false]);
  await until(() => broker.notes.some((note) => note.includes("ack")));
  assertEquals(broker.notes.filter((note) => /n?ack$/.test(note)), ["control 2: basic.ack"]);
});

for (
  const [what, end, code] of [
    ["a wrong password", "connection.start-ok", 403],
    ["a vhost that is not there", "connection.open", 530],
  ] as const
) {
  Deno.test(`session: ${what} ends it at once, and no secret is told`, () =>
    limited(async () => {
      let connections = 0;
      await using broker = new Broker();
      await using script = new Script(async (peer) => {
        connections++;
        await peer.send(0, "connection.start", [0, 9, {}, "PLAIN", "en_US"]);
        await peer.expect("connection.start-ok");
        if (end === "connection.open") {
          await peer.send(0, "connection.tune", [0, 0, 0]);
          await peer.expect("connection.tune-ok");
          await peer.expect("connection.open");
        }
        await peer.send(0, "connection.close", [code, "no", 0, 0]);
        await peer.expect("connection.close-ok");
      });
      const session = broker.session(`amqp://user:secret@127.0.0.1:${script.port}/v`);
      const states = statesOf(session);
      const calls = [
        session.declare(QUEUE),
        session.depth("q"),
        session.publish(message("m")),
        session.consume("q", 1, new Taker().actions),
        session.ready(),
      ];
      for (const call of calls) {
        const error = await assertRejects(() => call, AmqpError, `as user in vhost v`);
        assertEquals(error.code, code);
        assert(!Deno.inspect(error, { depth: 9 }).includes("secret"));
      }
      await assertRejects(() => session.depth("q"), AmqpError);
      assertEquals([session.state, states], ["ended", ["ended"]]);
      assertEquals(session.loss?.attempts, 1);
      // Both connections were tried, each once.
      assert(connections <= 2);
      assert(!Deno.inspect(session, { depth: 9 }).includes("secret"));
    }));
}

test("the next host is tried when one is not there", async (broker) => {
  const { port } = broker.script;
  const dead = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const deadPort = (dead.addr as Deno.NetAddr).port;
  dead.close();
  for (let k = 0; k < 4; k++) {
    const session = broker.session(`amqp://127.0.0.1:${deadPort},127.0.0.1:${port}/`);
    await session.ready();
    assertEquals(session.state, "up");
  }
});

test("the time before an attempt is random, and twice as long each time", () => {
  const most = [0, 1, 2, 3, 8, 9, 50].map((attempt) => backoff(attempt, 30_000, () => 1));
  assertEquals(most, [100, 200, 400, 800, 25_600, 30_000, 30_000]);
  assertEquals(backoff(5, 30_000, () => 0), 0);
  return Promise.resolve();
});

test("one message that closes the channel costs no other", async (broker) => {
  const session = broker.session();
  broker.instead = async ({ name, id, peer, channel }) => {
    if (name !== "basic.publish" || id !== "m3") return false;
    await peer.send(channel, "channel.close", [404, "NOT_FOUND - no exchange 'x'", 60, 40]);
    return true;
  };
  const ids = Array.from({ length: 8 }, (_, k) => `m${k}`);
  const all = await Promise.allSettled(ids.map((id) => session.publish(message(id))));
  assertEquals(all.map(({ status }) => status === "fulfilled"), ids.map((id) => id !== "m3"));
  const { reason } = all[3] as PromiseRejectedResult;
  assert(reason instanceof AmqpError && reason.code === 404);
  assertEquals(session.state, "up");
  assertEquals(await session.publish(message("after")), "taken");
});

test("headers that no frame can hold are refused, and cost nobody else", async (broker) => {
  const session = broker.session();
  const properties = { messageId: "long", headers: { long: "x".repeat(200_000) } };
  const all = ["a", "b", "c"].map((id) =>
    session.publish(message(id, id === "b" ? { properties } : {}))
  );
  await assertRejects(() => all[1]!, RangeError, "Cannot send the headers of a message");
  assertEquals(await Promise.all([all[0], all[2]]), ["taken", "taken"]);
  assertEquals(broker.notes.filter((note) => /publishing.*open/.test(note)).length, 1);
});

test("what is given up is not sent again, and not sent if it was not", async (broker) => {
  const session = broker.session();
  const reason = new Error("no more");
  broker.instead = ({ name }) => name === "basic.publish";
  const [sent, unsent] = [new AbortController(), new AbortController()];
  const first = session.publish(message("first", { signal: sent.signal }));
  const second = session.publish(message("second"));
  await until(() => broker.notes.includes("publishing 1: basic.publish second"));
  sent.abort(reason);
  assertEquals(await assertRejects(() => first), reason);
  broker.instead = () => false;
  broker.script.peers.at(-1)!.close();
  await until(() => session.state === "down");
  const third = session.publish(message("third", { signal: unsent.signal }));
  unsent.abort(reason);
  assertEquals(await assertRejects(() => third), reason);
  assertEquals(await second, "taken");
  const again = broker.notes.filter((note) => note.startsWith("publishing 2: basic.publish"));
  assertEquals(again, ["publishing 2: basic.publish second"]);
});

test("at most 1,000 messages, or 16 MiB, are on their way", async (broker) => {
  const session = broker.session();
  let count = 0;
  let go = () => {};
  broker.instead = ({ name, peer, channel }) => {
    if (name !== "basic.publish") return false;
    if (++count === 1000) go = () => void peer.send(channel, "basic.ack", [1000, true]);
    return count <= 1000;
  };
  const some = Array.from({ length: 1500 }, (_, k) => session.publish(message(`m${k}`)));
  await until(() => count === 1000);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assertEquals(count, 1000);
  broker.instead = async ({ name, peer, channel }) => {
    if (name === "basic.publish") await peer.send(channel, "basic.ack", [++count, false]);
    return name === "basic.publish";
  };
  go();
  await Promise.all(some);
  const body = new Uint8Array(9 << 20);
  const sizes = [1, 2, 3].map((k) => session.publish(message(`long ${k}`, { body })));
  assertEquals(await Promise.all(sizes), ["taken", "taken", "taken"]);
});

test("a consumer whose queue is removed declares it again, and goes on", async (broker) => {
  const session = broker.session();
  await session.declare(QUEUE);
  const taker = new Taker();
  await session.consume("q", 1, taker.actions);
  broker.notes.length = 0;
  await broker.script.peers[0]!.send(2, "basic.cancel", [broker.consumer, true]);
  await until(() => broker.notes.includes("control 1: basic.consume q"));
  assertEquals(broker.notes, [
    "control 1: channel.close",
    "control 1: channel.open",
    "control 1: queue.declare q",
    "control 1: basic.qos",
    "control 1: basic.consume q",
  ]);
  assertEquals(taker.ends, []);
});

test("a consumer whose queue is not ours ends when that is gone", async (broker) => {
  const session = broker.session();
  const taker = new Taker();
  await session.consume("q", 1, taker.actions);
  broker.instead = async ({ name, peer, channel }) => {
    if (name === "queue.declare") {
      await peer.send(channel, "channel.close", [404, "no queue", 0, 0]);
    }
    return name === "queue.declare";
  };
  await broker.script.peers[0]!.send(2, "basic.cancel", [broker.consumer, true]);
  await until(() => taker.ends.length === 1);
  assertEquals([taker.ends[0]!.code, session.state], [404, "up"]);
  await assertRejects(() => session.consume("q", 1, new Taker().actions), AmqpError, "no queue");
});

test("a consumer whose channel is closed comes back, and what it held is lost", async (broker) => {
  const session = broker.session();
  const taker = new Taker();
  await session.consume("q", 1, taker.actions);
  await broker.deliver(1, 2);
  await until(() => taker.leases.length === 1);
  broker.notes.length = 0;
  await broker.script.peers[0]!.send(2, "channel.close", [406, "timed out", 0, 0]);
  await until(() => broker.notes.includes("control 1: basic.consume q"));
  assertEquals([taker.leases[0]!.isHeld, taker.leases[0]!.ack(), session.state], [
    false,
    false,
    "up",
  ]);
});

test("new credit is a new consumer; without credit there is none", async (broker) => {
  const session = broker.session();
  const subscription = await session.consume("q", 0, new Taker().actions);
  broker.notes.length = 0;
  await subscription.setPrefetch(0);
  await Promise.all([subscription.setPrefetch(2), subscription.setPrefetch(3)]);
  await subscription.setPrefetch(0);
  await subscription.cancel();
  await subscription.cancel();
  assertEquals(broker.notes.map((note) => note.slice("control 1: ".length)), [
    "basic.qos",
    "basic.consume q",
    "basic.cancel c1",
    "basic.qos",
    "basic.qos",
    "basic.consume q",
    "basic.cancel c2",
    "basic.qos",
    "channel.close",
  ]);
});

test("a question about what is not there costs no other question", async (broker) => {
  const session = broker.session();
  broker.instead = async ({ name, args, peer, channel }) => {
    if (name !== "queue.declare" || args[1] !== "missing") return false;
    await peer.send(channel, "channel.close", [404, "NOT_FOUND", 50, 10]);
    return true;
  };
  const answers = await Promise.all(["q", "missing", "q", "missing"].map((q) => session.depth(q)));
  const there = { ready: 0, consumers: 0 };
  assertEquals(answers, [there, undefined, there, undefined]);
});

test("blocked is a state with a reason; what is published waits, the rest goes on", async (broker) => {
  const session = broker.session();
  const states = statesOf(session);
  await session.publish(message("first"));
  broker.instead = async ({ name, peer }) => {
    if (name === "basic.publish") await peer.send(0, "connection.blocked", ["low on memory"]);
    return name === "basic.publish";
  };
  const waiting = session.publish(message("second"));
  await until(() => session.state === "blocked");
  assertEquals(session.blockedBy, "low on memory");
  assertEquals(await session.depth("q"), { ready: 0, consumers: 0 });
  const publisher = broker.script.peers.at(-1)!;
  await publisher.send(0, "connection.unblocked");
  await publisher.send(1, "basic.ack", [2, false]);
  assertEquals([await waiting, session.state, session.blockedBy], ["taken", "up", ""]);
  assertEquals(states, ["up", "blocked", "up"]);
});

test("one that is blocked closes within its time, and rejects what waits", async (broker) => {
  const session = broker.session();
  await session.publish(message("first"));
  broker.instead = async ({ where, name, peer }) => {
    if (name === "basic.publish") await peer.send(0, "connection.blocked", ["low on disk"]);
    // It reads nothing of those that publish.
    return where === "publishing 1";
  };
  const waiting = session.publish(message("second"));
  await until(() => session.state === "blocked");
  const closed = session.close();
  await assertRejects(() => waiting, AmqpError, "was closed");
  await within(3000, closed);
  assertEquals(session.state, "ended");
});

test("close() lets out what was published, and ends consumers", async (broker) => {
  const session = broker.session();
  const taker = new Taker();
  await session.consume("q", 1, taker.actions);
  const published = ["a", "b", "c"].map((id) => session.publish(message(id)));
  await Promise.all([session.close(), session.close()]);
  assertEquals(await Promise.all(published), ["taken", "taken", "taken"]);
  assertEquals([taker.ends.length, taker.ends[0]!.message.includes("secret")], [1, false]);
  assertEquals(broker.notes.filter((note) => note.endsWith("connection.close")).length, 2);
  await assertRejects(() => session.publish(message("d")), AmqpError, "was closed");
  await assertRejects(() => session.consume("q", 1, taker.actions), AmqpError, "was closed");
});

test("close() while it connects ends it", async (broker) => {
  const session = broker.session();
  const calls = [session.depth("q"), session.consume("q", 1, new Taker().actions)];
  const closed = session.close();
  for (const call of calls) await assertRejects(() => call, AmqpError, "was closed");
  await closed;
});

Deno.test("session: one that is closed while a broker hangs leaves nothing behind", () =>
  limited(async () => {
    const hangs = Promise.withResolvers<void>();
    await using broker = new Broker();
    await using script = new Script(async (peer) => {
      await peer.send(0, "connection.start", [0, 9, {}, "PLAIN", "en_US"]);
      await peer.expect("connection.start-ok");
      hangs.resolve();
      await peer.expectEnd();
    });
    const session = broker.session(`amqp://u:secret@127.0.0.1:${script.port}/`);
    await hangs.promise;
    await within(1000, session.close());
    assertEquals(session.state, "ended");
    await script.done();
  }));

Deno.test("session: heartbeat is checked at the call", () => {
  const address = parseUrl("amqp://u:secret@127.0.0.1:1");
  for (const heartbeat of [-1, 0.5, 65_536, NaN]) {
    assertThrows(() => new Session(address, { heartbeat }), RangeError, "heartbeat must be");
  }
});
