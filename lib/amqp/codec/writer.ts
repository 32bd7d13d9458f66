/**
 * Bytes on their way out: one growing buffer, and the simple types of AMQP in it. What they are
 * made of is checked by those who know its name.
 *
 * @module
 */

/** The room at first, in bytes. */
const ROOM = 1 << 14;
/** The room that is kept when more has been sent, in bytes. */
const MOST_KEPT = 1 << 20;
/** The longest text that is written letter by letter: for it that is quicker than a call. */
const SHORT = 40;
const MOST_IN_SHORTSTR = 255;

const encoder = new TextEncoder();

/** A buffer that is written from its begin. */
export class ByteWriter {
  /** How much is written, in bytes. */
  length = 0;
  #bytes: Uint8Array<ArrayBuffer> = new Uint8Array(ROOM);
  #view = new DataView(this.#bytes.buffer);

  #reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.#bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.length));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }

  octet(value: number): void {
    this.#reserve(1);
    this.#bytes[this.length++] = value;
  }

  short(value: number): void {
    this.#reserve(2);
    this.#view.setUint16(this.length, value);
    this.length += 2;
  }

  long(value: number): void {
    this.#reserve(4);
    this.#view.setUint32(this.length, value);
    this.length += 4;
  }

  /** A whole number from 0 to 2^53. */
  longlong(value: number): void {
    this.long(Math.floor(value / 2 ** 32));
    this.long(value >>> 0);
  }

  /** Any whole number of 64 bits, with its sign. */
  signedLonglong(value: bigint): void {
    this.#reserve(8);
    this.#view.setBigInt64(this.length, value);
    this.length += 8;
  }

  double(value: number): void {
    this.#reserve(8);
    this.#view.setFloat64(this.length, value);
    this.length += 8;
  }

  /**
   * A text of at most 255 bytes.
   *
   * @throws {RangeError} It is longer.
   */
  shortstr(text: string): void {
    const start = this.length;
    this.octet(0);
    this.#text(text);
    const size = this.length - start - 1;
    if (size > MOST_IN_SHORTSTR) {
      throw new RangeError(
        `Cannot send "${text.slice(0, 40)}...": it takes ${size} bytes, and AMQP has room for 255`,
      );
    }
    this.#bytes[start] = size;
  }

  /** A text or bytes of any length. */
  longstr(value: string | Uint8Array): void {
    const start = this.length;
    this.long(0);
    if (typeof value === "string") this.#text(value);
    else this.raw(value);
    this.patchLong(start, this.length - start - 4);
  }

  #text(text: string): void {
    this.#reserve(text.length * 3);
    if (text.length <= SHORT) {
      let at = this.length;
      for (let k = 0; k < text.length; k++) {
        const letter = text.charCodeAt(k);
        if (letter > 0x7f) return this.#encode(text);
        this.#bytes[at++] = letter;
      }
      this.length = at;
    } else this.#encode(text);
  }

  #encode(text: string): void {
    this.length += encoder.encodeInto(text, this.#bytes.subarray(this.length)).written;
  }

  /** Bytes as they are. */
  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Writes a number where room was left for it. */
  patchLong(at: number, value: number): void {
    this.#view.setUint32(at, value);
  }

  /** Writes a number where room was left for it. */
  patchShort(at: number, value: number): void {
    this.#view.setUint16(at, value);
  }

  /** What is written, until the next change. */
  written(): Uint8Array<ArrayBuffer> {
    return this.#bytes.subarray(0, this.length);
  }

  /** Empties it; much room is given back. */
  clear(): void {
    this.length = 0;
    if (this.#bytes.length <= MOST_KEPT) return;
    this.#bytes = new Uint8Array(ROOM);
    this.#view = new DataView(this.#bytes.buffer);
  }
}
