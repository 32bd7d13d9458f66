/**
 * What a manager's server and its clients say to each other: frames over a local socket.
 *
 * A client begins with the token, in bare bytes; whoever shows another is no client. Then:
 *
 * ```text
 *   [CALL, id, object, method, ...arguments] -->   <-- [id, DONE, value]
 *                                                      [id, FAILED, error in bytes]
 *   [CANCEL, id, is the thread stopped?]     -->   <-- [id, WITHDRAWN]  unless it has been answered
 *   [CONFIRM, id]                            -->       what was given has arrived, so it stays given
 *   [HELLO, name]                            -->       what reports call the client
 *   [BYE]                                    -->       the client is about to end by itself
 * ```
 *
 * Frames are plain data. A user's value stands in one as bytes that the server keeps as they are: it
 * imports a module of the user's only to run a target or a registered class.
 *
 * @module
 */
import { fromBytes, toBytes } from "../child/process_protocol.ts";
import { decode, encode, modulesOf } from "../transfer/codec.ts";
import type { Revive } from "../transfer/reduction.ts";
import { isLoaded, load } from "../transfer/task.ts";

// What a client sends.
/** A call of a method. */
export const CALL = 0;
/** A call is not to be waited for any longer. */
export const CANCEL = 1;
/** What an answer gave has arrived. */
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

/** The object that makes all others: the manager itself. */
export const MANAGER = 0;

/** Where a server is, and what opens it. */
export interface Address {
  /** Its private folder. */
  folder: string;
  /** The token. */
  token: Uint8Array;
  /** Its name. */
  name: string;
}

/** The bytes of a value of the user's. */
export type Bytes = Uint8Array;

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

/** Encodes a value of the user's; `root` is what errors call it. */
export function wrap(value: unknown, root: string): Bytes {
  return toBytes(value, root);
}

/** Encodes a key: those that look the same are the same. */
export function wrapKey(key: unknown): Bytes {
  return toBytes(key === 0 ? 0 : Number.isNaN(key) ? NaN : key, "key");
}

/** Decodes a value of the user's, importing the modules that it needs. */
export async function unwrap(bytes: Bytes): Promise<unknown> {
  for (const module of modulesOf(bytes)) if (!isLoaded(module)) await load(module);
  return fromBytes(bytes);
}

/** Decodes an error; a module that cannot be imported here costs it its class. */
export async function unwrapError(bytes: Bytes): Promise<unknown> {
  for (const module of modulesOf(bytes)) await load(module).catch(() => {});
  return fromBytes(bytes);
}
