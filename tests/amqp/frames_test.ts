/**
 * Frames, in whatever pieces they come and go.
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { AmqpError } from "../../lib/amqp/errors.ts";
import { FrameSplitter, writeContent, writeMethodFrame } from "../../lib/amqp/codec/frames.ts";
import { ByteSocket } from "../../lib/amqp/socket.ts";
import { ByteWriter } from "../../lib/amqp/codec/writer.ts";
import { randoms } from "../_help/random.ts";
import { limited } from "../_help/within.ts";
import { pieces, play, SEEN } from "./_played.ts";
import { Script } from "./_script.ts";
import { cut, PlayedStream, turns } from "./_stream.ts";

Deno.test("frames: a session is the same however it is cut", () =>
  limited(async () => {
    const whole = pieces();
    const length = whole.reduce((sum, piece) => sum + piece.length, 0);
    assertEquals(await play(new PlayedStream(whole)), SEEN);
    // The body of the long message is the same at each place.
    const places = Array.from({ length }, (_, k) => k).filter((k) => k < 700 || k > length - 900);
    for (const place of places) {
      assertEquals(await play(new PlayedStream(cut(whole, [place]))), SEEN, `cut at ${place}`);
    }
    const all = Array.from({ length }, (_, k) => k);
    assertEquals(await play(new PlayedStream(cut(whole, all))), SEEN, "byte by byte");
  }));

Deno.test("frames: what is written is not touched again while it is on its way", () =>
  limited(async () => {
    const random = randoms(7);
    const sent = new ByteWriter();
    const socket = new ByteSocket({
      read: () => Promise.resolve(null),
      close: () => {},
      async write(bytes) {
        await turns(random(20));
        const count = 1 + random(bytes.length);
        sent.raw(bytes.subarray(0, count));
        return count;
      },
    });
    const expected = new ByteWriter();
    for (let k = 0; k < 500; k++) {
      const args = [0, `queue ${k}`, random(2) === 0];
      writeMethodFrame(socket.out, 1, 4096, "queue.purge", args);
      writeMethodFrame(expected, 1, 4096, "queue.purge", args);
      socket.soon();
      await turns(random(8));
    }
    await socket.flushed();
    assertEquals(sent.written(), expected.written());
    socket.close();
  }));

/** The sizes of the body frames of a message. */
function bodyFrames(size: number, longest: number): number[] {
  const out = new ByteWriter();
  const content = { properties: {}, body: new Uint8Array(size).fill(7) };
  writeContent(out, 1, longest, "basic.publish", [0, "", "q", false, false], content);
  const sizes: number[] = [];
  const splitter = new FrameSplitter(longest, (kind, _channel, payload) => {
    if (kind === 3) sizes.push(payload.left);
    assert(payload.left <= longest - 8);
  });
  const bytes = out.written();
  for (let at = 0; at < bytes.length;) {
    const room = splitter.room();
    const part = bytes.subarray(at, at + room.length);
    room.set(part);
    splitter.took(part.length);
    at += part.length;
  }
  return sizes;
}

Deno.test("frames: bodies around the longest frame are split where they must be", () => {
  const longest = 4096;
  const most = longest - 8;
  for (let size = longest - 9; size <= longest + 9; size++) {
    assertEquals(bodyFrames(size, longest), size > most ? [most, size - most] : [size]);
  }
  assertEquals(bodyFrames(0, longest), []);
  assertEquals(bodyFrames(1, longest), [1]);
  assertEquals(bodyFrames(2 * most, longest), [most, most]);
  assertEquals(bodyFrames(8 << 20, 131072).length, Math.ceil((8 << 20) / 131064));
});

Deno.test("frames: headers longer than a frame are refused, and nothing of them is sent", () =>
  limited(async () => {
    await using script = new Script(async (peer) => {
      await peer.open({ longest: 4096 });
      await peer.openChannel();
      await peer.expect("basic.publish");
      await peer.next(); // its header
      await peer.next(); // its body
      await peer.closed();
    });
    const connection = await script.connect();
    const channel = await connection.openChannel();
    const publish = (headers: Record<string, string>) =>
      channel.publish("", false, { properties: { headers }, body: Uint8Array.of(1) }, {
        id: "",
        key: "q",
        settled: () => {},
        failed: () => {},
      });
    const error = assertThrows(() => publish({ long: "x".repeat(200_000) }), RangeError);
    assert(error.message.startsWith("Cannot send the headers of a message: they take 2000"));
    await assertRejects(
      () =>
        channel.call("queue.declare", [0, "q", false, true, false, false, false, {
          x: "x".repeat(5000),
        }]),
      RangeError,
      "Cannot send the arguments of queue.declare: they take 50",
    );
    publish({ short: "x" });
    await connection.close();
    await script.done();
  }));

for (
  const [what, tune, agreed] of [
    ["0 is no limit", { channels: 0, longest: 0, heartbeat: 0 }, [65535, 131072, 10]],
    ["the lower one counts", { channels: 3, longest: 8192, heartbeat: 5 }, [3, 8192, 5]],
    ["ours is the lower one", { channels: 65535, longest: 2 ** 31, heartbeat: 600 }, [
      65535,
      131072,
      10,
    ]],
  ] as const
) {
  Deno.test(`frames: what both sides agree to: ${what}`, () =>
    limited(async () => {
      await using script = new Script(async (peer) => {
        assertEquals((await peer.open(tune)).tuneOk, [...agreed]);
        await peer.openChannel();
        await peer.closed();
      });
      const connection = await script.connect();
      await connection.openChannel();
      await connection.close();
    }));
}

Deno.test("frames: more channels than the broker allows are refused here", () =>
  limited(async () => {
    await using script = new Script(async (peer) => {
      await peer.open({ channels: 2 });
      await peer.openChannel(1);
      await peer.openChannel(2);
      await peer.answer("channel.close", 1);
      await peer.openChannel(1);
      await peer.closed();
    });
    const connection = await script.connect();
    const [first] = [await connection.openChannel(), await connection.openChannel()];
    await assertRejects(() => connection.openChannel(), AmqpError, "allows 2");
    await first!.close();
    await connection.openChannel();
    await connection.close();
  }));

const BAD: [what: string, bytes: number[], message: string][] = [
  ["of another version", [...new TextEncoder().encode("AMQP"), 0, 1, 0, 0], "it speaks AMQP 1-0-0"],
  ["of another protocol", [...new TextEncoder().encode("HTTP/1.1 400")], "it begins with 48 54"],
  ["that sends a frame without end", [1, 0, 0, 0, 0, 0, 1, 0, 0], "a frame without its end"],
  ["that sends a frame too long", [1, 0, 0, 0xff, 0, 0, 0], "a frame of 4278190088 bytes"],
  [
    "that sends an unknown method",
    [1, 0, 0, 0, 0, 0, 4, 0, 99, 0, 1, 0xce],
    "unknown method, 99.1",
  ],
  ["that sends an unknown frame", [1, 0, 0, 0, 0, 0, 0, 0xce], "a value of 2 bytes"],
  ["that speaks of a channel", [1, 0, 9, 0, 0, 0, 4, 0, 60, 0, 80, 0xce], "for channel 9"],
  ["that says too early", [1, 0, 0, 0, 0, 0, 5, 0, 10, 0, 41, 0, 0xce], "open-ok in state START"],
];

for (const [what, bytes, message] of BAD) {
  Deno.test(`frames: a broker ${what} is refused`, () =>
    limited(async () => {
      await using script = new Script(async (peer) => {
        await peer.raw(Uint8Array.from(bytes));
        await peer.expectEnd();
      });
      const error = await assertRejects(() => script.connect(), AmqpError, message);
      assert(
        error.message.startsWith(`Cannot connect to 127.0.0.1:${script.port} as user in vhost /`),
      );
      assertEquals(error.isLasting, /no AMQP/.test(error.message));
    }));
}

Deno.test("frames: bytes that a broker sends on when all is lost are not kept", () => {
  const splitter = new FrameSplitter(4096, () => splitter.stop());
  const frame = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0xce);
  splitter.room().set(frame);
  splitter.took(frame.length);
  const before = splitter.room().length;
  for (let k = 0; k < 10; k++) splitter.took(splitter.room().length);
  assertEquals(splitter.room().length, before);
});
