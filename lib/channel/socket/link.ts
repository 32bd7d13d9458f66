/**
 * The link between a process and its child: frames over a local socket. A frame is its length in
 * four bytes and then its bytes. The stream's end tells each that the other is gone. Where others
 * could come between the two, each frame is sealed.
 *
 * @module
 */
import type { Seal } from "../../core/seal.ts";
import type { PrivateConn } from "./place.ts";

const HEAD = 4;
/** The room at first, in bytes. */
const CHUNK = 1 << 16;
/** The room that is kept when a longer frame is through. */
const MOST_KEPT = 1 << 21;
/** No frame is longer; a length above it is no frame of ours. */
export const LONGEST: number = 0x7fffffff;
/** No longer frame is taken from a process with fewer permissions, in bytes. */
export const MOST_FROM_BELOW: number = 64 << 20;

/** The keys by which the frames of a link are sealed, in both directions. */
export interface Seals {
  mine: Seal;
  theirs: Seal;
}

/** One end of a link. */
export class Link {
  /** The longest frame that is taken, in bytes. */
  longest: number = LONGEST;
  readonly #conn: Deno.Conn;
  readonly #seals: Seals | undefined;
  #writing: Promise<void> = Promise.resolve();
  #unwritten = 0;
  #isBroken = false;
  #closed = false;
  #frames: AsyncGenerator<Uint8Array> | undefined;

  constructor(conn: Deno.Conn, seals?: Seals) {
    this.#conn = conn;
    this.#seals = seals;
  }

  /** Sends a frame; frames arrive in the order of the calls. One for a dead receiver is dropped. */
  send(message: Uint8Array): void {
    const bytes = this.#seals?.mine.close(message) ?? message;
    const frame = new Uint8Array(HEAD + bytes.length);
    new DataView(frame.buffer).setUint32(0, bytes.length);
    frame.set(bytes, HEAD);
    // With nothing before it, it is on its way when this call ends: the thread may block next.
    const written = this.#unwritten++ === 0
      ? this.#write(frame)
      : this.#writing.then(() => this.#write(frame));
    this.#writing = written.catch(() => void (this.#isBroken = true))
      .finally(() => this.#unwritten--);
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length;) at += await this.#conn.write(bytes.subarray(at));
  }

  /** True if something that was sent could not be written. */
  get isBroken(): boolean {
    return this.#isBroken;
  }

  /** The number of frames that were sent and are not written yet. */
  get unwritten(): number {
    return this.#unwritten;
  }

  /** Settles when all that was sent is written, or can never be. */
  flushed(): Promise<void> {
    return this.#writing;
  }

  /**
   * Gives the frames as they come, until the other end is gone. Every call gives the same
   * generator.
   *
   * @throws {TypeError} The bytes are no frames, or not those of the other end; the link is closed.
   * @throws {RangeError} A frame is longer than {@linkcode longest}; the link is closed.
   */
  frames(): AsyncGenerator<Uint8Array> {
    return this.#frames ??= this.#read();
  }

  async *#read(): AsyncGenerator<Uint8Array> {
    let buffer = new Uint8Array(CHUNK);
    let filled = 0;
    try {
      for (;;) {
        let start = 0;
        while (filled - start >= HEAD) {
          const length = new DataView(buffer.buffer).getUint32(start);
          if (length > LONGEST) throw new TypeError(`Cannot read the link: ${length} is no length`);
          if (length > this.longest) throw tooLong(length, this.longest);
          if (filled - start < HEAD + length) break;
          yield this.#open(buffer.slice(start + HEAD, start + HEAD + length));
          start += HEAD + length;
        }
        if (buffer.length > MOST_KEPT && filled - start < CHUNK) {
          const usual = new Uint8Array(CHUNK);
          usual.set(buffer.subarray(start, filled));
          buffer = usual;
        } else buffer.copyWithin(0, start, filled);
        filled -= start;
        // Room grows as bytes arrive, not by what a length claims.
        if (filled === buffer.length) {
          const larger = new Uint8Array(buffer.length * 2);
          larger.set(buffer);
          buffer = larger;
        }
        const count = await this.#conn.read(buffer.subarray(filled)).catch(() => null);
        if (count === null) return;
        filled += count;
      }
    } finally {
      this.close();
    }
  }

  #open(frame: Uint8Array): Uint8Array {
    if (this.#seals === undefined) return frame;
    const message = this.#seals.theirs.open(frame);
    if (message !== undefined) return message;
    throw new TypeError("Cannot read the link: somebody has come between its two ends");
  }

  /** Keeps no program alive from now on. */
  unref(): void {
    (this.#conn as PrivateConn).unref();
  }

  /** Keeps the program alive while it is read. */
  ref(): void {
    (this.#conn as PrivateConn).ref();
  }

  /** Closes the link. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#conn.close();
  }
}

function tooLong(length: number, longest: number): RangeError {
  return new RangeError(
    `Cannot read the link: a message has ${length} bytes, and at most ${longest} are taken from this process`,
  );
}
