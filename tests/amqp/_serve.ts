/**
 * A broker that answers what it is asked, notes it, and does otherwise where a test says so.
 *
 * @module
 */
import { writeContent } from "../../lib/amqp/codec/frames.ts";
import { ByteWriter } from "../../lib/amqp/codec/writer.ts";
import type { Argument } from "../../lib/amqp/codec/methods.ts";
import { readProperties } from "../../lib/amqp/codec/methods.ts";
import { ByteReader } from "../../lib/amqp/codec/reader.ts";
import { Session } from "../../lib/amqp/session.ts";
import type { FieldTable } from "../../lib/amqp/codec/fields.ts";
import type { MethodName } from "../../lib/amqp/codec/table.ts";
import { parseUrl } from "../../lib/amqp/url.ts";
import { holdProgram } from "../../lib/core/promises.ts";
import { type Peer, Script } from "./_script.ts";

/** Something that a client has asked, on one of its connections. */
export interface Asked {
  /** Which connection: `control 1`, `publishing 2`. */
  where: string;
  peer: Peer;
  channel: number;
  name: MethodName;
  args: Argument[];
  /** The message-id of what was published. */
  id: string;
}

/** What a test does instead of the usual answer; true if it did. */
export type Instead = (asked: Asked) => boolean | void | Promise<boolean | void>;

/** Where the bit that wants no answer is, in the arguments. */
const QUIET: Partial<Record<MethodName, number>> = {
  "queue.declare": 6,
  "exchange.declare": 7,
  "queue.bind": 4,
};

/** A broker for sessions. */
export class Broker implements AsyncDisposable {
  /** What was asked, in short. */
  readonly notes: string[] = [];
  /** What is done instead of the usual. */
  instead: Instead = () => false;
  /** The name of the consumer that came last. */
  consumer = "";
  readonly script: Script;
  readonly #connections: Record<string, number> = {};
  readonly #sessions: { session: Session; letGo: () => void }[] = [];
  readonly #numbers = new Map<Peer, number>();

  constructor() {
    this.script = new Script((peer) => this.#serve(peer));
  }

  /** A session with it, which keeps the program alive. */
  session(url = `amqp://user:secret@127.0.0.1:${this.script.port}/`): Session {
    const session = new Session(parseUrl(url));
    this.#sessions.push({ session, letGo: holdProgram() });
    return session;
  }

  /** Delivers a message to the consumer that came last, on the first of all connections or another. */
  async deliver(tag: number, channel: number, connection = 0): Promise<void> {
    const peer = this.script.peers[connection]!;
    const content = { properties: {}, body: Uint8Array.of(1) };
    const out = new ByteWriter();
    const args = [this.consumer, tag, false, "", "q"];
    writeContent(out, channel, 131072, "basic.deliver", args, content);
    await peer.raw(out.written());
  }

  async #serve(peer: Peer): Promise<void> {
    const { startOk } = await peer.open();
    const [, part] = /\((\w+)\)$/.exec(String((startOk[0] as FieldTable).connection_name))!;
    const number = this.#connections[part!] = (this.#connections[part!] ?? 0) + 1;
    const where = `${part} ${number}`;
    for (;;) {
      const seen = await peer.next();
      if (seen === undefined) return;
      const { channel, name, args } = seen;
      if (name === undefined) continue;
      const id = name === "basic.publish" ? await messageId(peer) : "";
      const text = args.find((arg) => typeof arg === "string" && arg !== "") ?? "";
      const what = id || String(text).replace(/^(c\d+)\..+$/, "$1");
      if (name === "basic.consume") this.consumer = String(args[2]);
      this.notes.push(`${where}: ${name} ${what}`.trim());
      const asked = { where, peer, channel, name, args, id };
      if (await this.instead(asked)) continue;
      await this.#answer(asked);
      if (name === "connection.close") return;
    }
  }

  async #answer({ peer, channel, name, args }: Asked): Promise<void> {
    if (args[QUIET[name] ?? -1] === true || /-ok$|^basic\.n?ack/.test(name)) return;
    const ok = `${name}-ok` as MethodName;
    switch (name) {
      case "basic.publish": {
        const number = (this.#numbers.get(peer) ?? 0) + 1;
        this.#numbers.set(peer, number);
        return await peer.send(channel, "basic.ack", [number, false]);
      }
      case "confirm.select":
        this.#numbers.delete(peer);
        return await peer.send(channel, ok);
      case "channel.open":
        return await peer.send(channel, ok, [""]);
      case "queue.declare":
        return await peer.send(channel, ok, [args[1]!, 0, 0]);
      case "basic.consume":
        return await peer.send(channel, ok, [args[2]!]);
      case "basic.cancel":
        return await peer.send(channel, ok, [args[0]!]);
      case "queue.purge":
      case "queue.delete":
        return await peer.send(channel, ok, [0]);
      default:
        return await peer.send(channel, ok);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { session, letGo } of this.#sessions) {
      await session.close();
      letGo();
    }
    await this.script[Symbol.asyncDispose]();
  }
}

/** The message-id in the header that follows. */
async function messageId(peer: Peer): Promise<string> {
  const header = (await peer.next())!;
  const reader = new ByteReader(header.payload);
  reader.at = 12;
  return readProperties(reader).messageId ?? "";
}
