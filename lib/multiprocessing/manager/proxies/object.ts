/**
 * The proxy of an object of a class of the user's.
 *
 * @module
 */
import { SHARE, shareable } from "../../../transfer/shareable.ts";
import { ShareError } from "../../../core/errors.ts";
import type { Server } from "../client.ts";
import { unwrap, type ValueBytes, wrap } from "../protocol.ts";
import { checkSent, Proxied, type SentProxy } from "./proxy.ts";

/** The methods of a class as its proxies have them: each gives a Promise. */
// deno-lint-ignore no-explicit-any -- the class of an object that nobody named has any methods
export type ObjectProxy<T> = 0 extends (1 & T) ? any : {
  readonly [
    // deno-lint-ignore no-explicit-any -- any method at all
    K in keyof T as T[K] extends (...args: any[]) => unknown ? K : never
  ]: T[K] extends (...args: infer A) => infer R ? (...args: A) => Promise<Awaited<R>> : never;
};

interface SentObject extends SentProxy {
  methods: string[];
}

/** An object of a registered class; its methods are those of the class. */
export class RegisteredProxy extends Proxied {
  readonly #methods: string[];

  /** Gives it a method for each of the object's. */
  constructor(server: Server, object: string, methods: string[]) {
    super(server, object);
    this.#methods = methods;
    for (const name of methods) {
      const value = async (...args: unknown[]) => {
        const bytes = await server.call(object, "apply", [name, wrap(args, "args")]);
        return await unwrap(bytes as ValueBytes, server.level);
      };
      Object.defineProperty(this, name, { value });
    }
  }

  /** @ignore */
  override [SHARE](): unknown {
    return { ...super[SHARE]() as SentProxy, methods: this.#methods } satisfies SentObject;
  }
}

shareable(import.meta, "Object", RegisteredProxy, (sent, source) => {
  const { server, object } = checkSent(sent, source);
  const { methods } = sent as SentObject;
  if (!Array.isArray(methods) || !methods.every(isMethod)) {
    throw new ShareError("Cannot use a manager's object: its methods must be names", "");
  }
  return new RegisteredProxy(server, object, methods);
});

/**
 * True if a name can be a method's: what acts by itself, as `then` does when it is awaited, cannot.
 */
function isMethod(name: unknown): boolean {
  return typeof name === "string" && !(name in Proxied.prototype) &&
    !["then", "toJSON", "__proto__"].includes(name);
}
