/**
 * Items as messages, and back. A message may come from anybody who can write to the broker, so it
 * is held against what is allowed before anything of it is decoded:
 *
 *     message -> signed? -> its modules? -> decoded
 *                  |            |             \ not to be read: TypeError
 *                  |            \ a module that is not known here, or one of ours: TypeError
 *                  \ with a secret, and not signed by it: Unsigned
 *
 * An item is data. Of classes only those cross that have the same URL everywhere (`http:`,
 * `https:`) and that the receiver has loaded itself; an error arrives as the nearest built-in
 * class, with its name. Locks, events, pipes and queues of one machine do not cross. A RemoteQueue
 * does, without its URL: there it is the queue of that name at the receiver's own broker.
 *
 * The signature is made by `node:crypto` and not by Web Crypto, whose calls are all async: a
 * blocking get could not wait for them.
 *
 * @module
 */
import { LIBRARY } from "../core/environment.ts";
import { ShareError } from "../core/errors.ts";
import { builtin } from "../core/node.ts";
import { decode, encode, modulesOf } from "../transfer/codec/codec.ts";
import { messageOf } from "../transfer/failure.ts";
import { reducer, reviveBelow } from "../transfer/reduce.ts";
import type { Reduce, Revive } from "../transfer/reduction.ts";
import { kindOf } from "../transfer/shareable.ts";
import { isKnown } from "../transfer/task.ts";
import type { BrokerMessage } from "./broker.ts";
import { fromJson, toJson } from "./json.ts";
import type { Granted } from "./link/protocol.ts";

/** The content types of the two formats. */
const TYPES = { codec: "application/x-switchyard", json: "application/json" } as const;
/** The version of the headers, and of the codec with little-endian numbers. */
const VERSION = 1;
/** The name by which a queue goes into an item. */
export const QUEUE = "RemoteQueue";

/** The key of the method that gives what another machine may know of an object. */
export const MACHINE: unique symbol = Symbol("machine");

/** An object that goes to another machine, and is made anew there. */
export interface OfMachine {
  /** What it is made from; it holds no secret. */
  [MACHINE](): unknown;
}

/** A message that should have been signed by the secret, and is not. */
export class Unsigned extends Error {
  /** The class's name. */
  override name = "Unsigned";
}

const reduceProcess = reducer("process");

/** The rules for what goes to another machine. */
const reduce: Reduce = (value, place) => {
  if (typeof value === "symbol") return reduceProcess(value, place);
  if (MACHINE in value) {
    return { kind: "share", module: "", name: QUEUE, state: (value as OfMachine)[MACHINE]() };
  }
  const at = place();
  const kind = kindOf(value);
  if (kind !== undefined) {
    throw new ShareError(
      `Cannot share ${at}: a ${kind.name} stays on its machine; use a RemoteQueue`,
      at,
    );
  }
  if (typeof value === "function") {
    throw new ShareError(
      `Cannot share ${at}: the function ${value.name || "(anonymous)"} cannot be put on a remote ` +
        "queue; send the name of what is to be done",
      at,
    );
  }
  const reduction = reduceProcess(value, place);
  if (/^(?:https?:|$)/.test(reduction.module)) return reduction;
  if (reduction.kind === "error") return ofBuiltin(value as Error, reduction.state as ErrorFields);
  throw new ShareError(
    `Cannot share ${at}: an object of class ${reduction.name} cannot go to another machine, where ` +
      `${reduction.module.slice(0, 200)} may be something else; send plain data`,
    at,
  );
};

/** The part of the state of an error that says which fields it has. */
export interface ErrorFields {
  fields: [name: string, value: unknown, enumerable: boolean][];
}

/** An error of a class that is not known elsewhere: an Error with its name. */
export function ofBuiltin(error: Error, state: ErrorFields): ReturnType<Reduce> {
  const isNamed = state.fields.some(([name]) => name === "name");
  if (!isNamed) state.fields.push(["name", String(error.name), false]);
  return { kind: "error", module: "", name: "Error", state };
}

/** Writes the items of one queue, and reads them. */
export class ItemWire {
  readonly #name: string;
  readonly #format: keyof typeof TYPES;
  readonly #secret: string | undefined;
  readonly #revive: Revive;

  /**
   * Makes it.
   *
   * @param name The queue's name.
   * @param restore Makes a queue from what {@linkcode MACHINE} gave.
   */
  constructor(
    name: string,
    format: keyof typeof TYPES,
    secret: string | undefined,
    restore: (state: unknown) => unknown,
  ) {
    this.#name = name;
    this.#format = format;
    this.#secret = secret;
    this.#revive = {
      level: "below",
      shell: reviveBelow.shell,
      finish(kind, module, name, state, shell) {
        if (kind !== "share") return reviveBelow.finish(kind, module, name, state, shell);
        if (module === "" && name === QUEUE) return restore(state);
        throw new TypeError(`Cannot take a ${name} from another machine`);
      },
    };
  }

  /**
   * The message of an item.
   *
   * @throws {ShareError | TypeError} It cannot cross.
   */
  message(item: unknown): BrokerMessage {
    const isJson = this.#format === "json";
    let body = isJson ? toJson(item, "item") : encode(item, reduce, "item");
    // A part of something larger would be copied with all of that.
    if (body.length !== body.buffer.byteLength) body = body.slice();
    const id = crypto.randomUUID();
    const format = TYPES[this.#format];
    const headers: Record<string, string | number> = isJson ? {} : { sy: VERSION };
    if (this.#secret !== undefined) headers.sig = this.#sign(this.#secret, id, format, body);
    return { type: "item", body, headers, id, format };
  }

  #sign(secret: string, id: string, format: string, body: Uint8Array): string {
    const hmac = builtin("crypto").createHmac("sha256", secret);
    // None of the parts may hold what is between them.
    hmac.update(JSON.stringify([this.#name, id, format]));
    return hmac.update(body).digest("base64");
  }

  #isSigned(secret: string, { id, format, body, headers }: Granted): boolean {
    const wanted = new TextEncoder().encode(this.#sign(secret, id, format, body));
    const given = new TextEncoder().encode(String(headers.sig));
    return wanted.length === given.length && builtin("crypto").timingSafeEqual(wanted, given);
  }

  /**
   * The item of a message.
   *
   * @throws {Unsigned} It should have been signed.
   * @throws {TypeError} It cannot be read, or may not.
   */
  item(granted: Granted): unknown {
    const { body, format, headers, id } = granted;
    if (this.#secret !== undefined && !this.#isSigned(this.#secret, granted)) {
      throw new Unsigned("not signed by the secret");
    }
    try {
      const isJson = format === TYPES.json || format === "" && this.#format === "json";
      if (isJson) return fromJson(body);
      if (format !== TYPES.codec) {
        throw new TypeError(`its content type is ${JSON.stringify(format)}`);
      }
      if (headers.sy !== VERSION) throw new TypeError(`its version is ${headers.sy}`);
      for (const module of modulesOf(body)) {
        if (isKnown(module) && !module.startsWith(LIBRARY)) continue;
        throw new TypeError(`it names a module that is not allowed: ${module.slice(0, 200)}`);
      }
      return decode(body, this.#revive);
    } catch (cause) {
      throw new TypeError(
        `Cannot read the item ${JSON.stringify(id)} of the queue ${JSON.stringify(this.#name)}: ` +
          messageOf(cause),
        { cause },
      );
    }
  }
}
