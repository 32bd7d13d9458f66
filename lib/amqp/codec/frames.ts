/**
 * Frames: what every byte between client and broker is in.
 *
 * ```text
 *   frame    kind u8 | channel u16 | size u32 | payload | 0xCE
 *   method   class u16 | method u16 | arguments
 *   header   class u16 | 0 u16 | size of the body u64 | flags u16 | properties
 *   body     a part of a message's body
 * ```
 *
 * A message is a method frame, a header frame and as many body frames as its size takes; an empty
 * one has none. No frame is longer than both sides have agreed to.
 *
 * @module
 */
import { AmqpError, malformed } from "../errors.ts";
import { type Argument, type Properties, writeMethod, writeProperties } from "./methods.ts";
import { ByteReader } from "./reader.ts";
import { BASIC, FRAME, FRAME_END, FRAME_EXTRA, type MethodName, REPLY } from "./table.ts";
import type { ByteWriter } from "./writer.ts";

/** Kind, channel and size, in bytes. */
const HEAD = 7;
/** The room at first, in bytes. */
const ROOM = 1 << 16;

/** What a client says first: the protocol and its version. */
export const PROTOCOL: Uint8Array = Uint8Array.of(0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1);

/** A message as it is sent. */
export interface Content {
  properties: Properties;
  body: Uint8Array;
}

/** Writes a heartbeat. */
export function writeHeartbeat(out: ByteWriter): void {
  const start = begin(out, FRAME.heartbeat, 0);
  end(out, start);
}

/**
 * Writes a method in its frame.
 *
 * @throws {RangeError} It is longer than a frame may be; nothing is written then.
 */
export function writeMethodFrame(
  out: ByteWriter,
  channel: number,
  longest: number,
  name: MethodName,
  args: readonly Argument[],
): void {
  whole(out, () => {
    const start = begin(out, FRAME.method, channel);
    writeMethod(out, name, args);
    end(out, start);
    checkSize(out.length - start, longest, `the arguments of ${name}`);
  });
}

/**
 * Writes a method that has a message, and the message.
 *
 * @throws {RangeError} Its properties are longer than a frame may be; nothing is written then.
 */
export function writeContent(
  out: ByteWriter,
  channel: number,
  longest: number,
  name: MethodName,
  args: readonly Argument[],
  { properties, body }: Content,
): void {
  whole(out, () => {
    writeMethodFrame(out, channel, longest, name, args);
    const start = begin(out, FRAME.header, channel);
    out.short(BASIC);
    out.short(0);
    out.longlong(body.length);
    writeProperties(out, properties);
    end(out, start);
    checkSize(out.length - start, longest, "the headers of a message");
    const part = longest - FRAME_EXTRA;
    for (let at = 0; at < body.length; at += part) {
      const start = begin(out, FRAME.body, channel);
      out.raw(at === 0 && body.length <= part ? body : body.subarray(at, at + part));
      end(out, start);
    }
  });
}

function begin(out: ByteWriter, kind: number, channel: number): number {
  const start = out.length;
  out.octet(kind);
  out.short(channel);
  out.long(0);
  return start;
}

function end(out: ByteWriter, start: number): void {
  out.patchLong(start + 3, out.length - start - HEAD);
  out.octet(FRAME_END);
}

/** Writes all or nothing. */
function whole(out: ByteWriter, write: () => void): void {
  const start = out.length;
  try {
    write();
  } catch (error) {
    out.length = start;
    throw error;
  }
}

function checkSize(size: number, longest: number, what: string): void {
  if (size <= longest) return;
  throw new RangeError(
    `Cannot send ${what}: they take ${size} bytes, and the broker takes ${longest}`,
  );
}

/** What a splitter does with a frame; the reader is over its payload, until this returns. */
export type OnFrame = (kind: number, channel: number, payload: ByteReader) => void;

/**
 * Splits a stream of bytes into frames, whatever pieces it comes in. Its buffer grows with what has
 * arrived, never by what a size claims.
 */
export class FrameSplitter {
  /** The longest frame that is taken, in bytes. */
  longest: number;
  readonly #onFrame: OnFrame;
  readonly #reader = new ByteReader();
  #buffer = new Uint8Array(ROOM);
  #view = new DataView(this.#buffer.buffer);
  #filled = 0;
  #isStopped = false;
  #isFirst = true;

  constructor(longest: number, onFrame: OnFrame) {
    this.longest = longest;
    this.#onFrame = onFrame;
  }

  /** Where the next bytes go; there is always room for some. */
  room(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(this.#filled);
  }

  /**
   * Splits what `count` new bytes in the room complete.
   *
   * @throws {AmqpError} They are no frames.
   */
  took(count: number): void {
    if (this.#isStopped) return;
    this.#filled += count;
    let start = 0;
    if (this.#isFirst && this.#filled > 0) this.#checkProtocol();
    while (!this.#isStopped && this.#filled - start >= HEAD) {
      const size = this.#view.getUint32(start + 3);
      const length = size + FRAME_EXTRA;
      if (length > this.longest) {
        throw malformed(
          `a frame of ${length} bytes, where ${this.longest} are allowed`,
          REPLY.frame,
        );
      }
      if (this.#filled - start < length) break;
      const end = start + HEAD + size;
      if (this.#buffer[end] !== FRAME_END) {
        throw malformed("a frame without its end", REPLY.frame);
      }
      const reader = this.#reader.over(this.#buffer, start + HEAD, end);
      this.#isFirst = false;
      this.#onFrame(this.#buffer[start]!, this.#view.getUint16(start + 1), reader);
      start += length;
    }
    this.#keep(start);
  }

  /** A broker that speaks something else says so by a header of its own. */
  #checkProtocol(): void {
    const first = this.#buffer[0]!;
    if (first === FRAME.method) return;
    if (first === PROTOCOL[0] && this.#filled < PROTOCOL.length) return;
    const seen = Array.from(this.#buffer.subarray(0, Math.min(8, this.#filled)));
    const isAmqp = PROTOCOL.subarray(0, 4).every((byte, k) => seen[k] === byte);
    const what = isAmqp
      ? `it speaks AMQP ${seen.slice(5).join("-")}`
      : `it begins with ${seen.map((byte) => byte.toString(16).padStart(2, "0")).join(" ")}`;
    throw new AmqpError(`Cannot talk to it: this is no AMQP 0-9-1 broker, ${what}`, {
      code: REPLY.frame,
    });
  }

  /** Moves what is not complete to the begin, and makes room behind it. */
  #keep(start: number): void {
    if (start > 0) {
      this.#buffer.copyWithin(0, start, this.#filled);
      this.#filled -= start;
    }
    if (this.#filled < this.#buffer.length) return;
    const larger = new Uint8Array(this.#buffer.length * 2);
    larger.set(this.#buffer);
    this.#buffer = larger;
    this.#view = new DataView(larger.buffer);
  }

  /** No frame is split any more: for one that ends while it handles a frame. */
  stop(): void {
    this.#isStopped = true;
  }
}
