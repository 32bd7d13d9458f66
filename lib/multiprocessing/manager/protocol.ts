/**
 * The protocol of a manager's server and its clients: frames over a local socket.
 *
 * A client begins with the token, in bare bytes; whoever shows another is no client. Then:
 *
 * ```text
 *   [CALL, id, object, method, ...arguments] -->  <-- [id, DONE, value]
 *                                                     [id, FAILED, error in bytes]
 *   [CANCEL, id, is the thread stopped?]     -->  <-- [id, WITHDRAWN]  unless it has been answered
 *   [CONFIRM, id]                            -->      what was given has arrived, so it stays given
 *   [HELLO, name, rank]                      -->      what reports call the client, and what it is
 *   [BYE]                                    -->      the client is about to end by itself
 * ```
 *
 * Frames are plain data. A user's value stands in one as bytes that the server keeps as they are:
 * it imports a module of the user's only to run a target or a registered class.
 *
 * What a client may do goes by what it knows. The *token* lets it in. An object's id, of 128 random
 * bits, lets it use that object: it has those that it was given. The manager itself, which makes
 * objects, registers targets and ends the server, is such an object, and its id the owner's alone.
 * The *rank* says that a client is no child with fewer permissions: without it the client is
 * *below*, and has the server run registered targets only. What a client below may have put in is
 * read as coming from there: so all is, once one has called.
 *
 * @module
 */
import { fromBytes, toBytes } from "../../child/process/protocol.ts";
import { decode, encode, modulesOf } from "../../transfer/codec/codec.ts";
import { packFor } from "../../transfer/flight.ts";
import type { Revive, TrustLevel } from "../../transfer/reduction.ts";
import { admit } from "../../transfer/task.ts";

// What a client sends.
/** A call of a method. */
export const CALL = 0;
/** A call is not to be waited for any longer. */
export const CANCEL = 1;
/** The notice that what an answer gave has arrived. */
export const CONFIRM = 2;
/** The client ends by itself. */
export const BYE = 3;
/** The client says its name. */
export const HELLO = 4;

// How the server answers.
/** With the result. */
export const DONE = 0;
/** With an error, encoded by itself. */
export const FAILED = 1;
/** The call was cancelled and has had no effect. */
export const WITHDRAWN = 2;

/** The number of bytes of an object's id. */
const ID_BYTES = 16;

/** Makes the id of an object, which nobody guesses. */
export function newId(): string {
  return crypto.getRandomValues(new Uint8Array(ID_BYTES)).toHex();
}

/** True if something is the id of an object. */
export function isId(id: unknown): id is string {
  return typeof id === "string" && /^[0-9a-f]{32}$/.test(id);
}

/** Where a server is, and what opens it. */
export interface ManagerAddress {
  /** Its private folder. */
  folder: string;
  /** The token. */
  token: Uint8Array;
  /** Its name. */
  name: string;
  /** The proof that a client is no child with fewer permissions; such a child does not have it. */
  rank: Uint8Array | undefined;
  /**
   * True if the server itself has fewer permissions than its owner, or the address came from
   * somebody who has.
   */
  isBelow: boolean;
}

/** The longest frame that is taken from a client below, in bytes. */
export const LONGEST_BELOW: number = 64 << 20;

/** The bytes of a value of the user's. */
export type ValueBytes = Uint8Array;

const PLAIN: Revive = {
  shell(kind) {
    throw new TypeError(`Cannot read a frame: a ${kind} has no place in it`);
  },
  finish(kind) {
    throw new TypeError(`Cannot read a frame: a ${kind} has no place in it`);
  },
};

function refuse(value: object | symbol): never {
  throw new TypeError(`Cannot write a frame: it is no place for ${String(value)}`);
}

/** Encodes a frame. */
export function toFrame(message: unknown[]): Uint8Array {
  return encode(message, refuse, "frame");
}

/**
 * Decodes a frame.
 *
 * @throws {TypeError | RangeError} It is none.
 */
export function fromFrame(bytes: Uint8Array): unknown[] {
  const message = decode(bytes, PLAIN);
  if (!Array.isArray(message)) throw new TypeError("Cannot read a frame: it is no list");
  return message;
}

/**
 * Encodes a value of the user's; `root` is what errors call it. Clients below may come to read it.
 */
export function wrap(value: unknown, root: string): ValueBytes {
  return packFor("below", () => toBytes(value, root));
}

/** Encodes a key: those that look the same are the same. */
export function wrapKey(key: unknown): ValueBytes {
  return toBytes(key === 0 ? 0 : Number.isNaN(key) ? NaN : key, "key");
}

/**
 * Decodes a value of the user's, importing the modules that it needs as far as its source may have
 * that done.
 */
export async function unwrap(bytes: ValueBytes, level: TrustLevel): Promise<unknown> {
  await admit(modulesOf(bytes), level);
  return fromBytes(bytes, level);
}

/** Decodes an error; a module that cannot be imported here costs it its class. */
export async function unwrapError(bytes: ValueBytes, level: TrustLevel): Promise<unknown> {
  await admit(modulesOf(bytes), level).catch(() => {});
  return fromBytes(bytes, level);
}
