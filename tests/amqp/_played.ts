/**
 * A session that a broker might have had with a client, and the client that has it: opens, confirms,
 * declares, publishes, consumes. It is played whole, cut, and mutated.
 *
 * @module
 */
import type { AmqpChannel } from "../../lib/amqp/channel.ts";
import { AmqpConnection } from "../../lib/amqp/connection.ts";
import { writeContent, writeHeartbeat } from "../../lib/amqp/codec/frames.ts";
import { Credentials } from "../../lib/amqp/url.ts";
import { ByteWriter } from "../../lib/amqp/codec/writer.ts";
import { delivery, joined, method, start, tuneArgs } from "./_script.ts";
import type { PlayedStream } from "./_stream.ts";

const LONGEST = 4096;
/** A body of several frames. */
const LONG = new Uint8Array(3 * LONGEST).map((_, k) => k);

function heartbeat(): Uint8Array {
  const out = new ByteWriter();
  writeHeartbeat(out);
  return out.written();
}

function returned(id: string): Uint8Array {
  const out = new ByteWriter();
  const content = { properties: { messageId: id }, body: Uint8Array.of(1) };
  writeContent(out, 1, LONGEST, "basic.return", [312, "NO_ROUTE", "", "q"], content);
  return out.written();
}

/** What the broker says; each piece answers what the client has said to the one before. */
export function pieces(): Uint8Array[] {
  const capabilities = { "basic.nack": true, deep: [1, [2, { three: null }]], big: 2 ** 40 };
  return [
    start({ product: "Script", version: "3.10.8", capabilities }),
    method(0, "connection.tune", tuneArgs({ longest: LONGEST, heartbeat: 0 })),
    method(0, "connection.open-ok", [""]),
    method(1, "channel.open-ok", [""]),
    method(1, "confirm.select-ok"),
    method(1, "queue.declare-ok", ["q", 3, 0]),
    method(1, "basic.qos-ok"),
    joined(
      method(1, "basic.consume-ok", ["c1"]),
      delivery(1, "one", { messageId: "m1", headers: { tries: 2, tags: ["a", null] } }),
      heartbeat(),
      delivery(2, LONG, { contentType: "application/json" }, 1, LONGEST),
      delivery(3, "", { replyTo: "r", expiration: "1000", timestamp: 1_700_000_000 }),
    ),
    joined(
      method(1, "basic.ack", [2, true]),
      returned("p3"),
      method(0, "connection.blocked", ["low on memory"]),
      method(1, "basic.ack", [3, false]),
      method(0, "connection.unblocked"),
      method(1, "basic.nack", [4, false, false]),
    ),
    joined(
      method(1, "basic.cancel", ["c1", true]),
      method(1, "channel.close", [406, "no", 60, 80]),
    ),
    method(0, "connection.close", [320, "CONNECTION_FORCED", 0, 0]),
  ];
}

/** What the client has seen when all is played. */
export const SEEN: string[] = [
  "open 3.10.8",
  "declared q,3,0",
  "got 1 3 m1",
  `got 2 ${LONG.length} ${LONG.reduce((sum, byte) => sum + byte, 0)}`,
  "got 3 0 1000",
  "taken",
  "taken",
  "blocked low on memory",
  "unroutable",
  "blocked undefined",
  "refused",
  "consumer 404",
  "channel 406",
  "ended 320",
];

/** Plays the client; gives what it has seen, errors among it. */
export async function play(stream: PlayedStream): Promise<string[]> {
  const seen: string[] = [];
  let connection: AmqpConnection | undefined;
  try {
    connection = await AmqpConnection.open({
      host: { name: "nowhere", port: 1 },
      vhost: "/",
      credentials: new Credentials("user", "secret"),
      heartbeat: 0,
      mark: "",
      dial: () => Promise.resolve(stream),
    });
    seen.push(`open ${connection.properties.version}`);
    connection.onBlocked = (reason) => seen.push(`blocked ${reason}`);
    await converse(connection, seen);
    seen.push(`ended ${(await connection.ended).code}`);
  } catch (error) {
    seen.push(String(error));
    await connection?.close();
  }
  return seen;
}

async function converse(connection: AmqpConnection, seen: string[]): Promise<void> {
  const channel = await connection.openChannel();
  channel.onEnd = ({ code }) => seen.push(`channel ${code}`);
  await channel.call("confirm.select", [false]);
  const declared = await channel.call("queue.declare", [
    0,
    "q",
    false,
    true,
    false,
    false,
    false,
    {},
  ]);
  seen.push(`declared ${declared}`);
  await channel.call("basic.qos", [0, 10, false]);
  publish(channel, seen);
  await channel.consume("q", {
    on({ tag, body, properties }) {
      const text = properties.messageId ?? properties.expiration ??
        body.reduce((sum, byte) => sum + byte, 0);
      seen.push(`got ${tag} ${body.length} ${text}`);
      channel.ack(tag);
    },
    onFault: (error) => seen.push(`fault ${error}`),
    onEnd: ({ code }) => seen.push(`consumer ${code}`),
  });
}

function publish(channel: AmqpChannel, seen: string[]): void {
  for (let k = 1; k <= 4; k++) {
    const content = { properties: { messageId: `p${k}` }, body: Uint8Array.of(k) };
    channel.publish("", true, content, {
      id: `p${k}`,
      key: "q",
      settled: (verdict) => seen.push(verdict),
      failed: (error) => seen.push(`failed ${error}`),
    });
  }
}
