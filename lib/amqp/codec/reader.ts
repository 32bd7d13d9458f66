/**
 * Bytes that came: the simple types of AMQP out of a part of a buffer. Nothing is read beyond the
 * part's end, whatever the lengths in it claim, and nothing is made larger than what is there.
 *
 * @module
 */
import { malformed } from "../errors.ts";

/** The longest text that is read letter by letter: for it that is quicker than a call. */
const SHORT = 40;

const decoder = new TextDecoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Reads a part of a buffer from its begin; one reader serves many parts. */
export class ByteReader {
  /** Where the next value begins. */
  at = 0;
  /** Where the part ends. */
  end = 0;
  #bytes: Uint8Array = new Uint8Array();
  #view: DataView = new DataView(this.#bytes.buffer);

  constructor(bytes?: Uint8Array) {
    if (bytes !== undefined) this.over(bytes, 0, bytes.length);
  }

  /** Reads another part. */
  over(bytes: Uint8Array, at: number, end: number): this {
    if (bytes !== this.#bytes) {
      this.#bytes = bytes;
      this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    this.at = at;
    this.end = end;
    return this;
  }

  /** How much is left, in bytes. */
  get left(): number {
    return this.end - this.at;
  }

  #take(count: number): number {
    const { at } = this;
    if (count > this.end - at) {
      throw malformed(`a value of ${count} bytes where ${this.end - at} are left`);
    }
    this.at = at + count;
    return at;
  }

  octet(): number {
    return this.#bytes[this.#take(1)]!;
  }

  signedOctet(): number {
    return this.octet() << 24 >> 24;
  }

  short(): number {
    return this.#view.getUint16(this.#take(2));
  }

  signedShort(): number {
    return this.#view.getInt16(this.#take(2));
  }

  long(): number {
    return this.#view.getUint32(this.#take(4));
  }

  signedLong(): number {
    return this.#view.getInt32(this.#take(4));
  }

  /** A number without sign; above 2^53 it is rounded. */
  longlong(): number {
    const at = this.#take(8);
    return this.#view.getUint32(at) * 2 ** 32 + this.#view.getUint32(at + 4);
  }

  signedLonglong(): bigint {
    return this.#view.getBigInt64(this.#take(8));
  }

  float(): number {
    return this.#view.getFloat32(this.#take(4));
  }

  double(): number {
    return this.#view.getFloat64(this.#take(8));
  }

  shortstr(): string {
    const size = this.octet();
    const at = this.#take(size);
    if (size > SHORT) return decoder.decode(this.#bytes.subarray(at, at + size));
    let text = "";
    for (let k = at; k < at + size; k++) {
      const letter = this.#bytes[k]!;
      if (letter > 0x7f) return decoder.decode(this.#bytes.subarray(at, at + size));
      text += String.fromCharCode(letter);
    }
    return text;
  }

  /** The bytes of a longstr: a copy. */
  longstr(): Uint8Array<ArrayBuffer> {
    return this.copy(this.long());
  }

  /** A longstr as text, or as bytes where it is none. */
  text(): string | Uint8Array {
    const bytes = this.longstr();
    try {
      return strict.decode(bytes);
    } catch {
      return bytes;
    }
  }

  /** The next bytes: a copy. */
  copy(count: number): Uint8Array<ArrayBuffer> {
    const at = this.#take(count);
    return this.#bytes.slice(at, at + count) as Uint8Array<ArrayBuffer>;
  }
}
