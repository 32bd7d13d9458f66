/**
 * A broker that plays a script: a TCP server which expects what a client must send, and sends what
 * a broker might.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { reached } from "../../lib/core/promises.ts";
import { AmqpConnection, type AmqpConnectionOptions } from "../../lib/amqp/connection.ts";
import type { FieldTable } from "../../lib/amqp/codec/fields.ts";
import {
  type Content,
  FrameSplitter,
  PROTOCOL,
  writeContent,
  writeHeartbeat,
  writeMethodFrame,
} from "../../lib/amqp/codec/frames.ts";
import { type Argument, type Properties, readMethod } from "../../lib/amqp/codec/methods.ts";
import { FRAME, type MethodName } from "../../lib/amqp/codec/table.ts";
import { Credentials } from "../../lib/amqp/url.ts";
import { ByteWriter } from "../../lib/amqp/codec/writer.ts";

/** A frame that a client has sent. */
export interface Seen {
  kind: number;
  channel: number;
  name?: MethodName;
  args: Argument[];
  payload: Uint8Array;
}

/** What the broker proposes. */
export interface Tune {
  channels?: number;
  longest?: number;
  heartbeat?: number;
  properties?: FieldTable;
}

/** The broker's end of one connection. */
export class Peer {
  readonly conn: Deno.Conn;
  /** How many heartbeats have come. */
  heartbeats = 0;
  readonly #frames: Seen[] = [];
  #wake: (() => void) | undefined;
  #isEnded = false;
  #skip = PROTOCOL.length;
  readonly #splitter = new FrameSplitter(2 ** 31, (kind, channel, payload) => {
    if (kind === FRAME.heartbeat) this.heartbeats++;
    const bytes = payload.copy(payload.left);
    payload.at -= bytes.length;
    if (kind === FRAME.method) {
      const { name, args } = readMethod(payload);
      this.#frames.push({ kind, channel, name, args, payload: bytes });
    } else if (kind !== FRAME.heartbeat) {
      this.#frames.push({ kind, channel, args: [], payload: bytes });
    }
  });
  readonly done: Promise<void>;

  constructor(conn: Deno.Conn) {
    this.conn = conn;
    this.done = this.#read();
  }

  async #read(): Promise<void> {
    const bytes = new Uint8Array(1 << 16);
    for (;;) {
      const count = await this.conn.read(bytes).catch(() => null);
      if (count === null) break;
      const skipped = Math.min(this.#skip, count);
      this.#skip -= skipped;
      for (let at = skipped; at < count;) {
        const room = this.#splitter.room();
        const part = bytes.subarray(at, Math.min(count, at + room.length));
        room.set(part);
        this.#splitter.took(part.length);
        at += part.length;
      }
      this.#wake?.();
    }
    this.#isEnded = true;
    this.#wake?.();
  }

  /** The next frame, or undefined at the end. */
  async next(): Promise<Seen | undefined> {
    while (this.#frames.length === 0 && !this.#isEnded) {
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    return this.#frames.shift();
  }

  /** How many frames have come and were not asked for. */
  get waiting(): number {
    return this.#frames.length;
  }

  /** The next frame, which must be this method; gives its arguments. */
  async expect(name: MethodName): Promise<Argument[]> {
    const seen = await this.next();
    assertEquals(seen?.name, name);
    return seen!.args;
  }

  /** The end of the stream: the client must have closed it, with nothing before. */
  async expectEnd(): Promise<void> {
    assertEquals(await this.next(), undefined);
  }

  raw(bytes: Uint8Array): Promise<void> {
    return write(this.conn, bytes);
  }

  send(channel: number, name: MethodName, args: Argument[] = []): Promise<void> {
    return this.raw(method(channel, name, args));
  }

  deliver(tag: number, body: Uint8Array | string, properties: Properties = {}, channel = 1) {
    return this.raw(delivery(tag, body, properties, channel));
  }

  heartbeat(): Promise<void> {
    const out = new ByteWriter();
    writeHeartbeat(out);
    return this.raw(out.written());
  }

  /** Plays the handshake; gives what the client has answered to it. */
  async open(
    tune: Tune = {},
  ): Promise<{ startOk: Argument[]; tuneOk: Argument[]; open: Argument[] }> {
    await this.raw(start(tune.properties));
    const startOk = await this.expect("connection.start-ok");
    await this.send(0, "connection.tune", tuneArgs(tune));
    const tuneOk = await this.expect("connection.tune-ok");
    const open = await this.expect("connection.open");
    await this.send(0, "connection.open-ok", [""]);
    return { startOk, tuneOk, open };
  }

  /** Answers the next method, which must be `name`. */
  async answer(name: MethodName, channel = 1, args: Argument[] = []): Promise<Argument[]> {
    const asked = await this.expect(name);
    await this.send(channel, `${name}-ok` as MethodName, args);
    return asked;
  }

  async openChannel(channel = 1): Promise<void> {
    await this.answer("channel.open", channel, [""]);
  }

  /** Answers the client's close, and waits for its end. */
  async closed(): Promise<void> {
    await this.answer("connection.close", 0);
    await this.expectEnd();
  }

  close(): void {
    try {
      this.conn.close();
    } catch {
      // It is closed.
    }
  }
}

async function write(conn: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await conn.write(bytes.subarray(at));
}

/** The bytes of a method's frame. */
export function method(channel: number, name: MethodName, args: Argument[] = []): Uint8Array {
  const out = new ByteWriter();
  writeMethodFrame(out, channel, 2 ** 31, name, args);
  return out.written();
}

/** The bytes of `connection.start`. */
export function start(properties: FieldTable = { product: "Script", version: "3.10.8" }) {
  return method(0, "connection.start", [0, 9, properties, "PLAIN AMQPLAIN", "en_US"]);
}

export function tuneArgs({ channels = 2047, longest = 131072, heartbeat = 60 }: Tune): number[] {
  return [channels, longest, heartbeat];
}

/** The bytes of a message that is delivered to the first consumer of a channel. */
export function delivery(
  tag: number,
  body: Uint8Array | string,
  properties: Properties = {},
  channel = 1,
  longest = 131072,
): Uint8Array {
  const bytes = typeof body === "string" ? new TextEncoder().encode(body) : body;
  const content: Content = { properties, body: bytes };
  const out = new ByteWriter();
  writeContent(out, channel, longest, "basic.deliver", ["c1", tag, false, "", "q"], content);
  return out.written();
}

/** Several pieces of bytes as one. */
export function joined(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new ByteWriter();
  for (const part of parts) out.raw(part);
  return out.written().slice();
}

/** A broker that plays; what its scripts throw, disposal throws. */
export class Script implements AsyncDisposable {
  readonly port: number;
  readonly peers: Peer[] = [];
  readonly #listener: Deno.Listener;
  readonly #played: Promise<unknown>[] = [];
  readonly #accepting: Promise<void>;

  /** Plays the scripts in turn, one for each connection; the last one again and again. */
  constructor(...scripts: ((peer: Peer) => Promise<void>)[]) {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = (this.#listener.addr as Deno.NetAddr).port;
    this.#accepting = this.#accept(scripts);
  }

  async #accept(scripts: ((peer: Peer) => Promise<void>)[]): Promise<void> {
    for await (const conn of this.#listener) {
      const peer = new Peer(conn);
      const script = scripts[Math.min(this.peers.push(peer), scripts.length) - 1]!;
      const played = script(peer).finally(() => peer.close());
      played.catch(() => {});
      this.#played.push(played);
    }
  }

  /** What a client is told. */
  options(more: Partial<AmqpConnectionOptions> = {}): AmqpConnectionOptions {
    return {
      host: { name: "127.0.0.1", port: this.port },
      vhost: "/",
      mark: "",
      credentials: new Credentials("user", "p@:/%"),
      dial: ({ name, port }) => Deno.connect({ hostname: name, port }),
      ...more,
    };
  }

  connect(more: Partial<AmqpConnectionOptions> = {}): Promise<AmqpConnection> {
    return AmqpConnection.open(this.options(more));
  }

  /** Settles when all scripts have been played. */
  async done(): Promise<void> {
    await Promise.all(this.#played);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#accepting.catch(() => {});
    // A test that has failed leaves scripts that never end.
    await reached(Promise.allSettled(this.#played), 1000);
    for (const peer of this.peers) peer.close();
    await Promise.allSettled(this.#played);
    await Promise.all(this.peers.map(({ done }) => done));
    await this.done();
  }
}
