/**
 * The base of all proxies. A proxy stands for an object at a manager's server; it is the
 * server's address and the object's number, so it can be given to any thread or process, and put
 * into other objects.
 *
 * @module
 */
import { show } from "../../../core/checks.ts";
import { ShareError } from "../../../core/errors.ts";
import { INSPECT, shown } from "../../../core/inspect.ts";
import { faultOf } from "../../../channel/socket/private_folder.ts";
import { TOKEN_BYTES } from "../../../channel/socket/private_socket.ts";
import { inFlight, packedFor } from "../../../transfer/flight.ts";
import type { TrustLevel } from "../../../transfer/reduction.ts";
import { type Restore, SHARE } from "../../../transfer/shareable.ts";
import { inFile, referTo } from "../../../transfer/task.ts";
import { type Server, serverAt, trusted } from "../client.ts";
import { isId, type ManagerAddress, unwrap, type ValueBytes, wrap } from "../protocol.ts";

/** A proxy as it is sent. */
export interface SentProxy {
  /** Where the server is. */
  address: ManagerAddress;
  /** The object's id. */
  object: string;
}

/**
 * A function that makes a new value of the old one at the server; a target, as the functions that
 * processes run are.
 *
 * The old value is undefined where there is none.
 */
export type Updater<V, A extends unknown[]> = {
  // A method, so that a function that expects a value is taken where there may be none.
  update(value: V | undefined, ...args: A): V | PromiseLike<V>;
}["update"];

/** The key of the method that says where a proxy's object is. */
export const IN: unique symbol = Symbol("in");

/** The base of all proxies. */
export abstract class Proxied {
  // Private, so that nothing that prints a proxy prints the token.
  readonly #server: Server;
  readonly #object: string;

  /** Managers create proxies; scripts get them from `await manager.dict()` and its like. */
  constructor(server: Server, object: string) {
    this.#server = server;
    this.#object = object;
  }

  /** @ignore */
  protected get server(): Server {
    return this.#server;
  }

  /** @ignore */
  protected get object(): string {
    return this.#object;
  }

  /** @ignore */
  [INSPECT](): string {
    return shown(this, () => [`of ${this.#server.address.name}`]);
  }

  /** @ignore */
  [SHARE](): unknown {
    const { address } = this.server;
    // Who uses it must be let to the socket, but not where somebody with fewer permissions wants
    // it. There is nothing to be done if it never comes to be used.
    inFlight(() => {}, trusted.has(address.folder) ? { socket: address.folder } : {});
    const sent = packedFor() === "below" ? { ...address, rank: undefined } : address;
    return { address: sent, object: this.object } satisfies SentProxy;
  }

  /** @ignore */
  [IN](): { server: Server; object: string } {
    return { server: this.server, object: this.object };
  }

  /** @ignore */
  protected ask(method: string, ...args: unknown[]): Promise<unknown> {
    return this.server.call(this.object, method, args);
  }
}

/**
 * The server and the object of a proxy that was sent; who sent it may have made up anything.
 *
 * @throws {ShareError} It is no proxy.
 */
export function checkSent(sent: unknown, level: TrustLevel): { server: Server; object: string } {
  const refuse = (what: string): never => {
    throw new ShareError(`Cannot use a manager's object: its address is none of ours: ${what}`, "");
  };
  const { address, object } = (sent ?? {}) as Partial<SentProxy>;
  if (!isId(object)) return refuse(`object must be an id, received ${show(object)}`);
  if (typeof address !== "object" || address === null) return refuse(`received ${show(address)}`);
  const { folder, token, name, rank, isBelow } = address;
  const fault = faultOf(folder);
  if (fault !== undefined) return refuse(`the folder ${show(folder)}: ${fault}`);
  if (!isKey(token) || rank !== undefined && !isKey(rank)) {
    return refuse(`token and rank must have ${TOKEN_BYTES} bytes`);
  }
  if (typeof name !== "string") return refuse(`name must be a string, received ${show(name)}`);
  if (typeof isBelow !== "boolean") return refuse("isBelow must be a boolean");
  if (level === "equal") trusted.add(folder);
  const known = { folder, token, name, rank, isBelow: isBelow || level === "below" };
  return { server: serverAt(known), object };
}

function isKey(value: unknown): value is Uint8Array {
  return value instanceof Uint8Array && value.length === TOKEN_BYTES;
}

/** The function that makes a proxy that needs nothing else from what was sent. */
export function restore<T>(type: new (server: Server, object: string) => T): Restore {
  return (sent, level) => {
    const { server, object } = checkSent(sent, level);
    return new type(server, object);
  };
}

/** Decodes what there may be; nothing is undefined. */
export async function unwrapSome(bytes: unknown, level: TrustLevel): Promise<unknown> {
  return bytes === undefined ? undefined : await unwrap(bytes as ValueBytes, level);
}

/** Decodes a list of values. */
export async function unwrapAll(list: unknown, level: TrustLevel): Promise<unknown[]> {
  const values: unknown[] = [];
  for (const bytes of list as ValueBytes[]) values.push(await unwrap(bytes, level));
  return values;
}

/** The arguments of an update. */
export function updateArgs(target: unknown, args: unknown[]): unknown[] {
  const { module, name, print } = inFile(referTo(target));
  return [module, name, print, wrap(args, "args")];
}

/** A time to wait as it is sent: undefined for one without limit. */
export function sent(timeout: number): number | undefined {
  return timeout === Infinity ? undefined : timeout;
}
