/**
 * A stream without a network: it plays what a broker has said, piece by piece, and keeps what the
 * client says.
 *
 * @module
 */
import type { ByteStream } from "../../lib/amqp/socket.ts";
import { ByteWriter } from "../../lib/amqp/codec/writer.ts";

/** How many turns a client is given to answer what it has read. */
const TURNS = 40;

/** Waits until others have done what they can without the world outside. */
export async function turns(count: number = TURNS): Promise<void> {
  for (let k = 0; k < count; k++) await null;
}

/** A stream that gives pieces of bytes, and then ends. */
export class PlayedStream implements ByteStream {
  /** What the client has written. */
  readonly sent: ByteWriter = new ByteWriter();
  isClosed = false;
  readonly #pieces: Uint8Array[];
  #at = 0;

  constructor(pieces: Uint8Array[]) {
    this.#pieces = pieces.filter((piece) => piece.length > 0);
  }

  async read(into: Uint8Array): Promise<number | null> {
    await turns();
    const piece = this.#pieces[0];
    if (piece === undefined || this.isClosed) return null;
    const part = piece.subarray(this.#at, this.#at + into.length);
    into.set(part);
    this.#at += part.length;
    if (this.#at === piece.length) {
      this.#pieces.shift();
      this.#at = 0;
    }
    return part.length;
  }

  write(bytes: Uint8Array): Promise<number> {
    this.sent.raw(bytes);
    return Promise.resolve(bytes.length);
  }

  close(): void {
    this.isClosed = true;
  }
}

/** Cuts pieces at places counted from the begin of the first. */
export function cut(pieces: Uint8Array[], places: number[]): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let begin = 0;
  for (const piece of pieces) {
    let from = 0;
    for (const place of places) {
      if (place <= begin + from || place >= begin + piece.length) continue;
      parts.push(piece.subarray(from, place - begin));
      from = place - begin;
    }
    parts.push(piece.subarray(from));
    begin += piece.length;
  }
  return parts;
}
