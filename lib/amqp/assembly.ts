/**
 * A message that comes in pieces: its method, its header, the parts of its body. Nothing is made
 * larger by what a header claims: parts are kept as they come, and joined at the end.
 *
 * @module
 */
import { type AmqpError, malformed } from "./errors.ts";
import type { Content } from "./codec/frames.ts";
import { type Method, type Properties, readProperties } from "./codec/methods.ts";
import type { ByteReader } from "./codec/reader.ts";
import { BASIC, REPLY } from "./codec/table.ts";

/** A message that was delivered. */
export interface Delivered extends Content {
  body: Uint8Array<ArrayBuffer>;
  /** Its number on the channel, for acks. */
  tag: number;
  /** Whether somebody may have had it before. */
  isRedelivered: boolean;
  /** Where it was sent to. */
  exchange: string;
  key: string;
}

/** The longest body that there can be: no RabbitMQ takes a longer one, in bytes. */
const LONGEST = 2 ** 29;

/** Puts the messages of one channel together. */
export class Assembly {
  #method: Method | undefined;
  #properties: Properties | undefined;
  #parts: Uint8Array<ArrayBuffer>[] = [];
  #left = 0;

  /** Checks that a method may come now. */
  mayMethod(): void {
    if (this.#method !== undefined) throw unexpected("a method in the midst of a message");
  }

  /** A message begins. */
  begin(method: Method): void {
    this.#method = method;
  }

  /**
   * The header has come.
   *
   * @returns True if the message is complete.
   */
  header(from: ByteReader): boolean {
    if (this.#method === undefined || this.#properties !== undefined) {
      throw unexpected("a header without a message");
    }
    if (from.short() !== BASIC) throw malformed("a header of something else than a message");
    from.short();
    this.#left = from.longlong();
    if (this.#left > LONGEST) throw malformed(`a message of ${this.#left} bytes`, REPLY.frame);
    this.#properties = readProperties(from);
    return this.#left === 0;
  }

  /**
   * A part of the body has come.
   *
   * @returns True if the message is complete.
   */
  body(from: ByteReader): boolean {
    if (this.#properties === undefined) throw unexpected("a body without a header");
    if (from.left > this.#left) throw malformed("a body that is longer than its header says");
    this.#left -= from.left;
    this.#parts.push(from.copy(from.left));
    return this.#left === 0;
  }

  /** Gives the message that is complete, and begins anew. */
  end(): { method: Method; properties: Properties; body: Uint8Array<ArrayBuffer> } {
    const method = this.#method!;
    const properties = this.#properties!;
    const body = joined(this.#parts);
    this.#method = this.#properties = undefined;
    this.#parts = [];
    return { method, properties, body };
  }
}

function joined(parts: Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function unexpected(what: string): AmqpError {
  return malformed(what, REPLY.unexpected);
}
