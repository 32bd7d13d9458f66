/** What an attacker at the sockets of pipes makes: addresses, tickets and frames of its own. */
import { connect } from "../../lib/channel/socket/private_socket.ts";
import { Link } from "../../lib/channel/socket/link.ts";
import type { PrivateConn } from "../../lib/channel/socket/place.ts";
import { HELLO, REFUSED, textFrame, WELCOME } from "../../lib/multiprocessing/pipe_protocol.ts";
import { packetOf } from "../../lib/multiprocessing/pipe_hub.ts";
import type { PipeAddress } from "../../lib/multiprocessing/pipe_tickets.ts";
import type { Connection, Permissions } from "../../lib/multiprocessing.ts";
import { messageOf } from "../../lib/channel/message.ts";
import { SHARE } from "../../lib/transfer/shareable.ts";

/** A child that may read the library and the tests, and nothing else. */
export const LEAST: Permissions = {
  read: [new URL("../../", import.meta.url)],
  write: false,
  net: false,
  env: false,
  run: false,
  ffi: false,
  sys: false,
  import: false,
};

/** What would be sent for a copy of an end. */
export function addressOf(end: Connection<never> | Connection<unknown>): PipeAddress {
  const shared = end as unknown as { [SHARE]: (world: string, place: () => string) => PipeAddress };
  return shared[SHARE]("process", () => "end");
}

/** A value as a pipe carries it. */
export function parcel(value: unknown, cargo: unknown[] = []): Uint8Array {
  const { bytes, length } = messageOf(value);
  return packetOf(bytes.slice(0, length), cargo);
}

/** Somebody at a pipe's home who says what it likes. */
export class Peer {
  readonly link: Link;
  readonly conn: PrivateConn;
  /** The words that were said to it. */
  readonly heard: number[] = [];
  readonly frames: Uint8Array[] = [];
  /** Settles when its connection has ended. */
  readonly ended: Promise<void>;
  /** Settles with whether it was let in. */
  readonly isIn: Promise<boolean>;
  readonly #waiting: { word: number; told: (frame: Uint8Array) => void }[] = [];

  private constructor(conn: PrivateConn) {
    this.conn = conn;
    const link = this.link = new Link(conn);
    const isIn = Promise.withResolvers<boolean>();
    this.isIn = isIn.promise;
    this.ended = (async () => {
      try {
        for await (const frame of link.frames()) {
          this.heard.push(frame[0]!);
          this.frames.push(frame);
          if (frame[0] === WELCOME) isIn.resolve(true);
          if (frame[0] === REFUSED) isIn.resolve(false);
          for (const { word, told } of this.#waiting) if (word === frame[0]) told(frame);
        }
      } catch {
        // It is over.
      }
      isIn.resolve(false);
    })();
  }

  /** Goes to a home and says what a handle would: with another ticket, if one is given. */
  static async at(address: PipeAddress, hello: object = address): Promise<Peer> {
    const peer = new Peer(await connect(address.folder, Uint8Array.fromHex(address.token)));
    peer.say(textFrame(HELLO, JSON.stringify(hello)));
    return peer;
  }

  say(...frames: Uint8Array[]): void {
    for (const frame of frames) this.link.send(frame);
  }

  /** Settles with the next frame of a word. */
  hear(word: number): Promise<Uint8Array> {
    const known = this.frames.find(([first]) => first === word);
    return known !== undefined
      ? Promise.resolve(known)
      : new Promise((told) => this.#waiting.push({ word, told }));
  }

  /** Ends its connection; settles when home has seen that. */
  async close(): Promise<void> {
    await this.link.flushed();
    await this.conn.closeWrite().catch(() => {});
    await this.ended;
    this.link.close();
  }
}
