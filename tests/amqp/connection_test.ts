/**
 * Connections against a broker that plays scripts: how they open, live and end.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { AmqpConnection } from "../../lib/amqp/connection.ts";
import { dial } from "../../lib/amqp/dial.ts";
import { AmqpError } from "../../lib/amqp/errors.ts";
import { Heartbeat } from "../../lib/amqp/heartbeat.ts";
import { limited, within } from "../_help/within.ts";
import { until } from "../_help/until.ts";
import { CA, CERTIFICATE, KEY } from "./_certificates.ts";
import { joined, method, Peer, Script } from "./_script.ts";

Deno.test("connection: it says who it is, and what it understands", () =>
  limited(async () => {
    await using script = new Script(async (peer) => {
      const { startOk, open } = await peer.open();
      const [about, mechanism, proof, language] = startOk as [Record<string, unknown>, ...string[]];
      assertEquals([mechanism, proof, language], ["PLAIN", "\0user\0p@:/%", "en_US"]);
      assertEquals([about.product, about.connection_name], ["Switchyard", "a test"]);
      assertEquals(Object.keys(about.capabilities as object), [
        "publisher_confirms",
        "basic.nack",
        "consumer_cancel_notify",
        "connection.blocked",
        "authentication_failure_close",
      ]);
      assertEquals(open, ["/", "", false]);
      await peer.closed();
    });
    const connection = await script.connect({ name: "a test" });
    assertEquals(connection.properties, { product: "Script", version: "3.10.8" });
    await connection.close();
    assert(!Deno.inspect(connection, { depth: 9 }).includes("p@:/%"));
  }));

const REFUSALS: [what: string, when: number, code: number, text: string, isLasting: boolean][] = [
  ["a wrong password", 1, 403, "ACCESS_REFUSED - Login was refused", true],
  ["a vhost that is not there", 2, 530, "NOT_ALLOWED - vhost x not found", true],
  ["a broker that is starting", 2, 541, "INTERNAL_ERROR - vhost is down", false],
  ["a broker that is ending", 2, 320, "CONNECTION_FORCED - shutdown", false],
];

for (const [what, when, code, text, isLasting] of REFUSALS) {
  Deno.test(`connection: ${what} is an error that says who and where, without password`, () =>
    limited(async () => {
      await using script = new Script(async (peer) => {
        await peer.raw(joined(method(0, "connection.start", [0, 9, {}, "PLAIN", "en_US"])));
        await peer.expect("connection.start-ok");
        if (when === 2) {
          await peer.send(0, "connection.tune", [0, 0, 0]);
          await peer.expect("connection.tune-ok");
          await peer.expect("connection.open");
        }
        await peer.send(0, "connection.close", [code, text, 0, 0]);
        await peer.expect("connection.close-ok");
        await peer.expectEnd();
      });
      const error = await assertRejects(() => script.connect(), AmqpError);
      assertEquals([error.code, error.isLasting], [code, isLasting]);
      assertEquals(
        error.message,
        `Cannot connect to 127.0.0.1:${script.port} as user in vhost /: 127.0.0.1:${script.port} has ` +
          `closed the connection: ${code} ${text}`,
      );
      assert(!Deno.inspect(error, { depth: 9 }).includes("p@:/%"));
    }));
}

Deno.test("connection: a broker that takes no passwords is refused", () =>
  limited(async () => {
    await using script = new Script(async (peer) => {
      await peer.send(0, "connection.start", [0, 9, {}, "EXTERNAL", "en_US"]);
      await peer.expectEnd();
    });
    const error = await assertRejects(() => script.connect(), AmqpError, "only EXTERNAL");
    assertEquals(error.isLasting, true);
  }));

const SILENCES: [state: string, script: (peer: Peer) => Promise<void>][] = [
  ["START", () => Promise.resolve()],
  ["TUNE", async (peer) => {
    await peer.send(0, "connection.start", [0, 9, {}, "PLAIN", "en_US"]);
    await peer.expect("connection.start-ok");
  }],
  ["OPENING", async (peer) => {
    await peer.send(0, "connection.start", [0, 9, {}, "PLAIN", "en_US"]);
    await peer.expect("connection.start-ok");
    await peer.send(0, "connection.tune", [0, 0, 0]);
    await peer.expect("connection.tune-ok");
    await peer.expect("connection.open");
  }],
];

Deno.test("connection: a broker that falls silent while it opens is given up", () =>
  limited(async () => {
    await Promise.all(SILENCES.map(async ([state, silence]) => {
      await using script = new Script(async (peer) => {
        await silence(peer);
        await peer.expectEnd();
      });
      // Long enough for the steps that are answered, on a slow machine too.
      const error = await assertRejects(() => script.connect({ deadline: 1_500 }), AmqpError);
      assert(error.message.endsWith(`no answer within 1500 ms, in state ${state}`), error.message);
      assertEquals(error.isLasting, false);
    }));
  }));

for (const [state, silence] of SILENCES) {
  Deno.test(`connection: a broker that goes away in ${state} is told by its state`, () =>
    limited(async () => {
      await using script = new Script(silence);
      await assertRejects(() => script.connect(), AmqpError, `has ended in state ${state}`);
    }));
}

Deno.test("connection: an address that does not answer is given up, and closed when it does", () =>
  limited(async () => {
    let isClosed = false;
    const late = Promise.withResolvers<void>();
    const dial = async () => {
      await late.promise;
      return {
        read: () => Promise.resolve(null),
        write: () => Promise.resolve(1),
        close: () => void (isClosed = true),
      };
    };
    await using script = new Script(() => Promise.resolve());
    const connecting = script.connect({ dial, deadline: 50 });
    await assertRejects(() => connecting, AmqpError, "no answer within 50 ms, in state TCP");
    late.resolve();
    await until(() => isClosed);
  }));

Deno.test("connection: nobody listens there", () =>
  limited(async () => {
    const script = new Script(() => Promise.resolve());
    const options = script.options();
    await script[Symbol.asyncDispose]();
    const error = await assertRejects(() => AmqpConnection.open(options), AmqpError, "refused");
    assertEquals(error.isLasting, false);
  }));

Deno.test("connection: what waits for the broker fails with what ended the connection", () =>
  limited(async () => {
    await using script = new Script(async (peer) => {
      await peer.open();
      await peer.openChannel(1);
      await peer.openChannel(2);
      await peer.expect("queue.purge");
      await peer.expect("queue.purge");
      await peer.send(0, "connection.close", [320, "CONNECTION_FORCED - restart", 0, 0]);
      await peer.expect("connection.close-ok");
      await peer.expectEnd();
    });
    const connection = await script.connect();
    const channels = [await connection.openChannel(), await connection.openChannel()];
    const ends: number[] = [];
    for (const channel of channels) channel.onEnd = ({ code }) => ends.push(code);
    const calls = channels.map((channel) => channel.call("queue.purge", [0, "q", false]));
    for (const call of calls) await assertRejects(() => call, AmqpError, "320 CONNECTION_FORCED");
    assertEquals((await connection.ended).code, 320);
    assertEquals([ends, connection.isOpen], [[320, 320], false]);
    await assertRejects(() => connection.openChannel(), AmqpError, "is not open");
    await connection.close();
  }));

Deno.test("connection: blocked and free again are told with the reason", () =>
  limited(async () => {
    const told: (string | undefined)[] = [];
    await using script = new Script(async (peer) => {
      await peer.open();
      await peer.send(0, "connection.blocked", ["low on memory"]);
      await peer.openChannel();
      await peer.send(0, "connection.unblocked");
      await peer.closed();
    });
    const connection = await script.connect();
    connection.onBlocked = (reason) => told.push(reason);
    await connection.openChannel();
    await until(() => told.at(-1) === undefined && told.length > 0);
    assertEquals(connection.blocked, undefined);
    assert(told.length === 1 || told[0] === "low on memory");
    await connection.close();
  }));

Deno.test("connection: one that is blocked can be closed", () =>
  limited(async () => {
    await using script = new Script(async (peer) => {
      await peer.open();
      await peer.send(0, "connection.blocked", ["low on disk"]);
      // A blocked broker reads nothing.
      await peer.expect("connection.close");
      await peer.expectEnd();
    });
    const connection = await script.connect();
    await until(() => connection.blocked === "low on disk");
    await within(2000, Promise.all([connection.close(), connection.close()]));
    assertEquals(connection.isOpen, false);
  }));

Deno.test("connection: a broker that is silent for two heartbeats is lost, one that beats is not", () =>
  limited(async () => {
    let isOver = false;
    await using script = new Script(async (peer) => {
      await peer.open({ heartbeat: 1 });
      await peer.expectEnd();
      assert(peer.heartbeats >= 2, `${peer.heartbeats} heartbeats`);
    }, async (peer) => {
      await peer.open({ heartbeat: 1 });
      while (!isOver) {
        await peer.heartbeat();
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      assert(peer.heartbeats >= 2, `${peer.heartbeats} heartbeats`);
      await peer.closed();
    });
    const silent = await script.connect();
    const beating = await script.connect();
    const error = await silent.ended;
    assert(/no sign of life from 127.0.0.1:\d+ for \d+\.\d s/.test(error.message), error.message);
    assertEquals([error.isLasting, beating.isOpen], [false, true]);
    isOver = true;
    await beating.close();
  }));

/** A heartbeat of 100 ms over a socket of which only this is known. */
function watched() {
  const signs = { lastRead: performance.now(), lastWritten: performance.now(), isWriting: false };
  const seen = { beats: 0, silences: 0 };
  const heartbeat = new Heartbeat(0.1, signs, {
    beat: () => {
      seen.beats++;
      signs.lastWritten = performance.now();
    },
    silent: () => seen.silences++,
  });
  return { signs, seen, heartbeat };
}

Deno.test("heartbeat: who only reads sends some, who writes sends none", () =>
  limited(async () => {
    const { signs, seen, heartbeat } = watched();
    const other = watched();
    const writing = setInterval(() => {
      signs.lastRead = performance.now();
      Object.assign(other.signs, { lastRead: performance.now(), lastWritten: performance.now() });
    }, 5);
    await until(() => seen.beats >= 3);
    clearInterval(writing);
    heartbeat.stop();
    other.heartbeat.stop();
    assertEquals([seen.silences, other.seen.silences], [0, 0]);
    assert(other.seen.beats <= seen.beats);
  }));

Deno.test("heartbeat: who was held up itself judges nobody before it has read", () =>
  limited(async () => {
    const { signs, seen, heartbeat } = watched();
    const began = performance.now();
    while (performance.now() - began < 400);
    // The tick comes first, then what lies in the socket.
    await new Promise((resolve) => setTimeout(resolve, 0));
    assertEquals(seen.silences, 0);
    signs.lastRead = performance.now();
    await until(() => seen.beats >= 1);
    await until(() => seen.silences >= 1);
    heartbeat.stop();
  }));

Deno.test("connection: over TLS to an address, with a certificate for it", () =>
  limited(async () => {
    const listener = Deno.listenTls({
      hostname: "127.0.0.1",
      port: 0,
      cert: CERTIFICATE,
      key: KEY,
    });
    const { port } = listener.addr as Deno.NetAddr;
    const playing = (async () => {
      for await (const conn of listener) {
        const peer = new Peer(conn);
        try {
          await peer.open();
          await peer.closed();
        } catch {
          // A client that trusts no such certificate has not opened it.
        } finally {
          peer.close();
          await peer.done;
        }
      }
    })();
    await using script = new Script(() => Promise.resolve());
    const to = (caCerts: string[], hostname = "127.0.0.1") =>
      script.connect({
        host: { name: hostname, port },
        dial: (host) => dial(host, true, { caCerts }),
      });
    const connection = await to([CA]);
    assertEquals(connection.isOpen, true);
    await connection.close();
    const error = await assertRejects(() => to([]), AmqpError, "invalid peer certificate");
    assertEquals(error.isLasting, true);
    listener.close();
    await playing;
  }));
