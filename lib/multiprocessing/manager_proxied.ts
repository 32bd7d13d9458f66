/**
 * What all proxies have in common. A proxy stands for an object at a manager's server; it is the server's
 * address and the object's number, so it can be given to any thread or process, and put into other
 * objects.
 *
 * @module
 */
import { INSPECT, shown } from "../core/inspect.ts";
import { SHARE } from "../transfer/shareable.ts";
import { inFile, referTo } from "../transfer/task.ts";
import { type Server, serverAt } from "./manager_client.ts";
import { type Address, type Bytes, unwrap, wrap } from "./manager_protocol.ts";

/** A proxy as it is sent. */
export interface SentProxy {
  /** Where the server is. */
  address: Address;
  /** The object's number. */
  object: number;
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

/** What all proxies have in common. */
export abstract class Proxied {
  // Private, so that nothing that prints a proxy prints the token.
  readonly #server: Server;
  readonly #object: number;

  /** Managers create proxies; scripts get them from `await manager.dict()` and its like. */
  constructor(server: Server, object: number) {
    this.#server = server;
    this.#object = object;
  }

  /** @ignore */
  protected get server(): Server {
    return this.#server;
  }

  /** @ignore */
  protected get object(): number {
    return this.#object;
  }

  /** @ignore */
  [INSPECT](): string {
    return shown(this, () => [`object ${this.#object} of ${this.#server.address.name}`]);
  }

  /** @ignore */
  [SHARE](): unknown {
    return { address: this.server.address, object: this.object } satisfies SentProxy;
  }

  /** @ignore */
  [IN](): { server: Server; object: number } {
    return { server: this.server, object: this.object };
  }

  /** @ignore */
  protected ask(method: string, ...args: unknown[]): Promise<unknown> {
    return this.server.call(this.object, method, args);
  }
}

/** How a proxy that needs nothing else is made from what was sent. */
export function restore<T>(type: new (server: Server, object: number) => T): (sent: unknown) => T {
  return (sent) => {
    const { address, object } = sent as SentProxy;
    return new type(serverAt(address), object);
  };
}

/** Decodes what there may be; nothing is undefined. */
export async function unwrapSome(bytes: unknown): Promise<unknown> {
  return bytes === undefined ? undefined : await unwrap(bytes as Bytes);
}

/** Decodes a list of values. */
export async function unwrapAll(list: unknown): Promise<unknown[]> {
  const values: unknown[] = [];
  for (const bytes of list as Bytes[]) values.push(await unwrap(bytes));
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
