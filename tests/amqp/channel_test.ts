/**
 * Channels against a broker that plays scripts: calls, confirms, consumers, and how they end.
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { Delivered } from "../../lib/amqp/assembly.ts";
import type { AmqpChannel, ConsumerActions } from "../../lib/amqp/channel.ts";
import type { AmqpConnection } from "../../lib/amqp/connection.ts";
import { AmqpError } from "../../lib/amqp/errors.ts";
import { until } from "../_help/until.ts";
import { limited } from "../_help/within.ts";
import { joined, method, type Peer, Script } from "./_script.ts";

/** Runs a script and a client beside it: the broker with one channel that is open. */
async function played(
  script: (peer: Peer) => Promise<void>,
  client: (channel: AmqpChannel, connection: AmqpConnection) => Promise<void>,
): Promise<void> {
  await limited(async () => {
    await using broker = new Script(async (peer) => {
      await peer.open();
      await peer.openChannel();
      await script(peer);
    });
    const connection = await broker.connect();
    try {
      await client(await connection.openChannel(), connection);
      await connection.close();
      await broker.done();
    } finally {
      connection.abort(new AmqpError("the test has ended"));
    }
  });
}

/** Publishes numbered messages; what becomes of each is put behind its number. */
function publisher(channel: AmqpChannel, fates: string[]): (id: number) => void {
  return (id) => {
    const content = { properties: { messageId: `m${id}` }, body: Uint8Array.of(id) };
    channel.publish("", true, content, {
      id: `m${id}`,
      key: "q",
      settled: (verdict) => fates.push(`${id} ${verdict}`),
      failed: () => fates.push(`${id} failed`),
    });
  };
}

/** A consumer that notes what it is told. */
function noting(notes: string[], on: (delivered: Delivered) => void = () => {}): ConsumerActions {
  return {
    on: (delivered) => {
      notes.push(`got ${delivered.tag}`);
      on(delivered);
    },
    onFault: (error) => notes.push(`fault ${error}`),
    onEnd: ({ code }) => notes.push(`end ${code}`),
  };
}

Deno.test("channel: each message settles once, by its confirm, by one of several, or by the end", async () => {
  const fates: string[] = [];
  await played(async (peer) => {
    await peer.answer("confirm.select");
    for (let k = 0; k < 30; k++) await peer.next();
    await peer.send(1, "basic.ack", [1, false]);
    await peer.send(1, "basic.ack", [5, true]);
    await peer.send(1, "basic.nack", [7, false, false]);
    await peer.send(1, "basic.return", [312, "NO_ROUTE", "", "q"]);
    await peer.raw(Uint8Array.of(
      ...[2, 0, 1, 0, 0, 0, 17, 0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x80, 2, 0x6d, 0x38, 0xce],
    ));
    await peer.send(1, "basic.ack", [8, false]);
    await peer.expect("connection.close");
    await peer.send(0, "connection.close-ok");
    await peer.expectEnd();
  }, async (channel) => {
    await channel.call("confirm.select", [false]);
    const publish = publisher(channel, fates);
    for (let id = 1; id <= 10; id++) publish(id);
    await until(() => fates.length === 7);
    assertEquals(channel.unconfirmed, 3);
  });
  assertEquals(fates, [
    "1 taken",
    "2 taken",
    "3 taken",
    "4 taken",
    "5 taken",
    "7 refused",
    "8 unroutable",
    "6 failed",
    "9 failed",
    "10 failed",
  ]);
});

Deno.test("channel: a confirm of what was never sent ends the connection", () =>
  played(async (peer) => {
    await peer.answer("confirm.select");
    await peer.send(1, "basic.ack", [1, false]);
    await peer.expectEnd();
  }, async (channel, connection) => {
    await channel.call("confirm.select", [false]);
    const error = await connection.ended;
    assert(error.message.includes("a confirm of message 1, where 0 were sent"), error.message);
  }));

Deno.test("channel: calls wait for each other, and each gets its own answer", () =>
  played(async (peer) => {
    for (let k = 0; k < 5; k++) {
      assertEquals(await peer.expect("queue.bind"), [0, `q${k}`, "x", "", false, {}]);
      assertEquals(peer.waiting, 0);
      await peer.send(1, "queue.bind-ok");
      await peer.answer("queue.declare", 1, [`q${k}`, k, 0]);
    }
    await peer.closed();
  }, async (channel) => {
    const calls = Array.from({ length: 5 }, (_, k) => [
      channel.call("queue.bind", [0, `q${k}`, "x", "", false, {}]),
      channel.call("queue.declare", [0, `q${k}`, true, false, false, false, false, {}]),
    ]);
    assertEquals(
      await Promise.all(calls.flat()),
      Array.from({ length: 5 }, (_, k) => [[], [`q${k}`, k, 0]]).flat(),
    );
  }));

Deno.test("channel: an answer to nothing ends the connection", () =>
  played(async (peer) => {
    await peer.send(1, "queue.bind-ok");
    await peer.expectEnd();
  }, async (channel, connection) => {
    assert((await connection.ended).message.includes("queue.bind-ok, which answers nothing"));
    await assertRejects(() => channel.call("basic.qos", [0, 1, false]), AmqpError);
  }));

Deno.test("channel: a call that is not answered ends the channel, and nothing else", () =>
  played(async (peer) => {
    await peer.expect("queue.declare");
    await peer.expect("channel.close");
    // It comes late, and answers no other call.
    await peer.send(1, "queue.declare-ok", ["q", 0, 0]);
    await peer.send(1, "channel.close-ok");
    await peer.openChannel(2);
    await peer.closed();
  }, async (channel, connection) => {
    // For these calls alone: the others are to be answered, however slow the machine is.
    const { deadline } = connection;
    Object.assign(connection, { deadline: 50 });
    const calls = [
      channel.call("queue.declare", [0, "q", false, true, false, false, false, {}]),
      channel.call("queue.purge", [0, "q", false]),
    ];
    for (const call of calls) {
      await assertRejects(() => call, AmqpError, "has not answered queue.declare within 50 ms");
    }
    Object.assign(connection, { deadline });
    await connection.openChannel();
  }));

Deno.test("channel: an error of the broker costs this channel alone", () =>
  played(async (peer) => {
    await peer.expect("queue.declare");
    await peer.send(1, "channel.close", [406, "PRECONDITION_FAILED - inequivalent arg", 50, 10]);
    await peer.expect("channel.close-ok");
    await peer.openChannel(2);
    await peer.closed();
  }, async (channel, connection) => {
    const calls = [
      channel.call("queue.declare", [0, "q", false, true, false, false, false, {}]),
      channel.call("basic.qos", [0, 1, false]),
    ];
    for (const call of calls) {
      const error = await assertRejects(() => call, AmqpError, "406 PRECONDITION_FAILED");
      assertEquals([error.code, error.isLasting], [406, false]);
    }
    await assertRejects(() => channel.call("basic.qos", [0, 1, false]), AmqpError, "406");
    assertThrows(() => publisher(channel, [])(1), AmqpError, "406");
    assertEquals([channel.isOpen, channel.ack(1), channel.nack(1, true)], [false, false, false]);
    await connection.openChannel();
  }));

Deno.test("channel: one that is being closed sends nothing more", () =>
  played(async (peer) => {
    await peer.answer("basic.consume", 1, ["c1"]);
    await peer.deliver(1, "a");
    await peer.deliver(2, "b");
    await peer.expect("channel.close");
    await peer.deliver(3, "c");
    await peer.send(1, "channel.close-ok");
    await peer.closed();
  }, async (channel) => {
    const notes: string[] = [];
    await channel.consume("q", noting(notes));
    await until(() => notes.length === 2);
    const closed = channel.close();
    assertEquals([channel.ack(1), channel.nack(2, true)], [false, false]);
    await closed;
    assertEquals([channel.ack(1), channel.nack(2, true)], [false, false]);
    assertEquals(notes, ["got 1", "got 2", "end 0"]);
  }));

Deno.test("channel: both sides may close it at the same time", () =>
  played(async (peer) => {
    await peer.expect("channel.close");
    await peer.send(1, "channel.close", [404, "NOT_FOUND", 0, 0]);
    await peer.expect("channel.close-ok");
    await peer.closed();
  }, async (channel) => {
    await channel.close();
  }));

Deno.test("channel: a handler that throws gives back its message, and no other", () =>
  played(async (peer) => {
    await peer.expect("basic.consume");
    // The first messages may come with the answer.
    const bytes = [1, 2, 3].map((tag) => deliveryOf(tag));
    await peer.raw(joined(method(1, "basic.consume-ok", ["c1"]), ...bytes));
    assertEquals(await peer.expect("basic.nack"), [2, false, true]);
    assertEquals(await peer.expect("basic.ack"), [3, true]);
    await peer.closed();
  }, async (channel) => {
    const notes: string[] = [];
    const actions = noting(notes, ({ tag }) => {
      if (tag === 2) throw new Error("not this one");
      channel.ack(tag);
    });
    await channel.consume("q", actions);
    await until(() => notes.length === 4);
    assertEquals(notes, ["got 1", "got 2", "fault Error: not this one", "got 3"]);
  }));

function deliveryOf(tag: number): Uint8Array {
  const empty = [2, 0, 1, 0, 0, 0, 14, 0, 60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xce];
  return joined(method(1, "basic.deliver", ["c1", tag, false, "", "q"]), Uint8Array.from(empty));
}

Deno.test("channel: acks speak for several where all below are done with, and never for another", () =>
  played(async (peer) => {
    await peer.answer("basic.consume", 1, ["c1"]);
    for (let tag = 1; tag <= 9; tag++) await peer.raw(deliveryOf(tag));
    assertEquals(await peer.expect("basic.ack"), [2, true]);
    assertEquals(await peer.expect("basic.ack"), [4, false]);
    assertEquals(await peer.expect("basic.nack"), [3, false, false]);
    assertEquals(await peer.expect("basic.ack"), [6, true]);
    await peer.closed();
  }, async (channel) => {
    const notes: string[] = [];
    await channel.consume("q", noting(notes));
    await until(() => notes.length === 9);
    for (const tag of [4, 2, 1, 1]) channel.ack(tag);
    await null;
    channel.nack(3, false);
    channel.nack(4, true);
    for (const tag of [6, 5, 77]) channel.ack(tag);
  }));

Deno.test("channel: a consumer that the broker cancels ends, and its channel does not", () =>
  played(async (peer) => {
    await peer.answer("basic.consume", 1, ["c1"]);
    await peer.answer("basic.consume", 1, ["c2"]);
    await peer.send(1, "basic.cancel", ["c1", true]);
    await peer.send(1, "basic.cancel", ["c2", false]);
    assertEquals(await peer.expect("basic.cancel-ok"), ["c2"]);
    await peer.answer("basic.qos");
    await peer.closed();
  }, async (channel) => {
    const notes: string[] = [];
    await channel.consume("q", noting(notes));
    await channel.consume("q", noting(notes));
    await until(() => notes.length === 2);
    assertEquals(notes, ["end 404", "end 404"]);
    await channel.call("basic.qos", [0, 1, false]);
  }));

Deno.test("channel: what comes behind a consumer's end is handed over, what comes later goes back", async () => {
  const back = Promise.withResolvers<void>();
  await played(async (peer) => {
    await peer.answer("basic.consume", 1, ["c1"]);
    await peer.expect("basic.cancel");
    await peer.raw(joined(method(1, "basic.cancel-ok", ["c1"]), deliveryOf(1)));
    await peer.answer("basic.qos");
    await peer.expect("basic.qos");
    await peer.raw(joined(deliveryOf(2), method(1, "basic.qos-ok")));
    assertEquals(await peer.expect("basic.nack"), [2, false, true]);
    back.resolve();
    await peer.closed();
  }, async (channel) => {
    const notes: string[] = [];
    const tag = await channel.consume("q", noting(notes));
    await channel.cancel(tag);
    await channel.cancel(tag);
    assertEquals(notes, ["got 1"]);
    await channel.call("basic.qos", [0, 1, false]);
    await back.promise;
    assertEquals(notes, ["got 1"]);
  });
});

const ENDINGS: Record<string, (peer: Peer) => Promise<void>> = {
  "the channel is closed": async (peer) => {
    await peer.send(1, "channel.close", [405, "RESOURCE_LOCKED", 0, 0]);
    await peer.expect("channel.close-ok");
    await peer.expectEnd();
  },
  "the connection is closed": async (peer) => {
    await peer.send(0, "connection.close", [320, "CONNECTION_FORCED", 0, 0]);
    await peer.expect("connection.close-ok");
    await peer.expectEnd();
  },
  "the socket is gone": (peer) => Promise.resolve(peer.close()),
};

const STEPS = ["channel.open", "basic.qos", "basic.consume"] as const;

for (const [what, ending] of Object.entries(ENDINGS)) {
  for (let last = 0; last < STEPS.length; last++) {
    for (const isAnswered of [false, true]) {
      const when = isAnswered ? "just after the answer to" : "instead of an answer to";
      Deno.test(`channel: nothing hangs if ${what} ${when} ${STEPS[last]}`, () =>
        limited(async () => {
          await using broker = new Script(async (peer) => {
            await peer.open();
            for (let k = 0; k < last; k++) {
              await peer.answer(STEPS[k]!, 1, k === 0 ? [""] : []);
            }
            await peer.expect(STEPS[last]!);
            if (isAnswered) {
              const args = last === 0 ? [""] : last === 1 ? [] : ["c1"];
              await peer.send(1, `${STEPS[last]!}-ok`, args);
            }
            await ending(peer).catch(() => {});
          });
          const connection = await broker.connect();
          const ends: number[] = [];
          const setUp = async () => {
            const channel = await connection.openChannel();
            channel.onEnd = ({ code }) => ends.push(code);
            await channel.call("basic.qos", [0, 1, false]);
            const { promise, resolve } = Promise.withResolvers<AmqpError>();
            await channel.consume("q", { on() {}, onFault() {}, onEnd: resolve });
            throw await promise;
          };
          await assertRejects(setUp, AmqpError);
          await connection.close();
        }));
    }
  }
}
