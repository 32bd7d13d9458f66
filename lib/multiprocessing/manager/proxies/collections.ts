/**
 * The proxies of a manager's dictionaries, lists and namespaces.
 *
 * @module
 */
import { checkInteger, show } from "../../../core/checks.ts";
import { shareable } from "../../../transfer/shareable.ts";
import { unwrap, type ValueBytes, wrap, wrapKey } from "../protocol.ts";
import { Proxied, restore, unwrapAll, unwrapSome, updateArgs, type Updater } from "./proxy.ts";

/**
 * A dictionary at a manager's server.
 *
 * Reach for it when processes share a table. Each call is one step: no other client sees a half of
 * it. A `get()` and then a `set()` are two, and what others write in between is lost: use
 * {@linkcode update}. Values are copies: change what `get()` gave, and nothing changes at the
 * server.
 *
 * Keys can be any values that cross; two that look the same are the same key, so `["a", 1]` can be
 * one.
 *
 * @typeParam K The type of its keys.
 * @typeParam V The type of its values.
 *
 * @example Count together, in one step
 * ```ts
 * import { type DictProxy, Manager, Process } from "@switchyard/switchyard/multiprocessing";
 *
 * export function increase(n = 0) {
 *   return n + 1;
 * }
 *
 * export async function sell(stock: DictProxy<string, number>) {
 *   for (let k = 0; k < 10; k++) await stock.update("sold", increase);
 * }
 *
 * if (import.meta.main) {
 *   await using manager = await Manager.start();
 *   const stock = await manager.dict<string, number>();
 *   const clerks = [1, 2].map(() => new Process(sell, { args: [stock] }).start());
 *   for (const clerk of clerks) await clerk.join();
 *   console.log(await stock.get("sold")); // 20
 * }
 * ```
 */
export class DictProxy<K = unknown, V = unknown> extends Proxied {
  /** The value of a key; undefined if there is none. */
  async get(key: K): Promise<V | undefined> {
    return await unwrapSome(await this.ask("get", wrapKey(key)), this.server.level) as
      | V
      | undefined;
  }

  /**
   * Writes the value of a key.
   *
   * @throws {ShareError} Key or value cannot cross.
   */
  async set(key: K, value: V): Promise<void> {
    await this.ask("set", wrapKey(key), wrap(value, "value"));
  }

  /** True if there is such a key. */
  async has(key: K): Promise<boolean> {
    return await this.ask("has", wrapKey(key)) as boolean;
  }

  /** Takes a key out; whether it was there. */
  async delete(key: K): Promise<boolean> {
    return await this.ask("delete", wrapKey(key)) as boolean;
  }

  /** Takes all keys out. */
  async clear(): Promise<void> {
    await this.ask("clear");
  }

  /** The number of keys. */
  async size(): Promise<number> {
    return await this.ask("size") as number;
  }

  /** A copy of the keys, in the order in which they came. */
  async keys(): Promise<K[]> {
    return await unwrapAll(await this.ask("keys"), this.server.level) as K[];
  }

  /** A copy of the values, in the order of their keys. */
  async values(): Promise<V[]> {
    return await unwrapAll(await this.ask("values"), this.server.level) as V[];
  }

  /** A copy of keys and values. */
  async entries(): Promise<[K, V][]> {
    const flat = await unwrapAll(await this.ask("entries"), this.server.level);
    return Array.from({ length: flat.length / 2 }, (_, k) => [flat[2 * k], flat[2 * k + 1]]) as [
      K,
      V,
    ][];
  }

  /**
   * Replaces a value by what `target` makes of it, in one step: `target` runs at the server, and no
   * other call reaches the dictionary until it has ended.
   *
   * @param target Called with the value (undefined if there is none) and `args`: a target, as the
   * functions that processes run are. It may be async, but must not use this same dictionary.
   * @returns The new value.
   * @throws {unknown} What the target threw; nothing has changed then.
   */
  async update<A extends unknown[]>(key: K, target: Updater<V, A>, ...args: A): Promise<V> {
    const bytes = await this.ask("update", wrapKey(key), ...updateArgs(target, args));
    return await unwrap(bytes as ValueBytes, this.server.level) as V;
  }

  /** The entries, of a copy made at the beginning. */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<[K, V]> {
    yield* await this.entries();
  }
}

function checkIndex(index: unknown, action: string): void {
  if (typeof index !== "number") {
    throw new TypeError(
      `Cannot ${action} the list: index must be a number, received ${show(index)}`,
    );
  }
  if (!Number.isInteger(index)) {
    throw new RangeError(
      `Cannot ${action} the list: index must be an integer, received ${index}`,
    );
  }
}

/**
 * A list at a manager's server.
 *
 * Each call is one step. Values are copies, as those of {@linkcode DictProxy}. Indexes count from
 * the end when negative.
 *
 * @typeParam T The type of its values.
 *
 * @example Share a list
 * ```ts
 * import { Manager } from "@switchyard/switchyard/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * await using manager = await Manager.start();
 * const names = await manager.list(["ada", "grace"]);
 * await names.push("mary");
 * assertEquals(await names.at(-1), "mary");
 * assertEquals(await names.length(), 3);
 * ```
 */
export class ListProxy<T = unknown> extends Proxied {
  /** The number of values. */
  async length(): Promise<number> {
    return await this.ask("length") as number;
  }

  /** The value at a place; undefined if there is no such place. */
  async at(index: number): Promise<T | undefined> {
    checkIndex(index, "read");
    return await unwrapSome(await this.ask("at", index), this.server.level) as T | undefined;
  }

  /**
   * Writes the value at a place.
   *
   * @throws {RangeError} There is no such place.
   */
  async set(index: number, value: T): Promise<void> {
    checkIndex(index, "write");
    await this.ask("set", index, wrap(value, "value"));
  }

  /**
   * Adds values at the end.
   *
   * @returns Their number then.
   */
  async push(...values: T[]): Promise<number> {
    return await this.ask("push", values.map((value, k) => wrap(value, `values[${k}]`))) as number;
  }

  /** Takes the last value out; undefined if there is none. */
  async pop(): Promise<T | undefined> {
    return await unwrapSome(await this.ask("pop"), this.server.level) as T | undefined;
  }

  /**
   * Adds values at the beginning.
   *
   * @returns Their number then.
   */
  async unshift(...values: T[]): Promise<number> {
    const bytes = values.map((value, k) => wrap(value, `values[${k}]`));
    return await this.ask("unshift", bytes) as number;
  }

  /** Takes the first value out; undefined if there is none. */
  async shift(): Promise<T | undefined> {
    return await unwrapSome(await this.ask("shift"), this.server.level) as T | undefined;
  }

  /** Takes `count` values out from a place on and puts others there, as of a JavaScript array. */
  async splice(index: number, count: number, ...values: T[]): Promise<T[]> {
    checkIndex(index, "change");
    checkInteger(count, 0, "count", "change the list");
    const bytes = values.map((value, k) => wrap(value, `values[${k}]`));
    return await unwrapAll(
      await this.ask("splice", index, count, bytes),
      this.server.level,
    ) as T[];
  }

  /** The first place of a value that looks the same; -1 if there is none. */
  async indexOf(value: T): Promise<number> {
    return await this.ask("indexOf", wrap(value, "value")) as number;
  }

  /** True if a value that looks the same is there. */
  async includes(value: T): Promise<boolean> {
    return await this.indexOf(value) >= 0;
  }

  /** Takes all values out. */
  async clear(): Promise<void> {
    await this.ask("clear");
  }

  /** A copy of the values from place `from` up to `to`, as of a JavaScript array. */
  async slice(from?: number, to?: number): Promise<T[]> {
    if (from !== undefined) checkIndex(from, "read");
    if (to !== undefined) checkIndex(to, "read");
    return await unwrapAll(await this.ask("slice", from ?? 0, to), this.server.level) as T[];
  }

  /** A copy of all values. */
  async toArray(): Promise<T[]> {
    return await this.slice();
  }

  /**
   * Replaces the value at a place by what `target` makes of it, in one step, as
   * {@linkcode DictProxy.prototype.update} does.
   *
   * @returns The new value.
   * @throws {RangeError} There is no such place.
   */
  async update<A extends unknown[]>(
    index: number,
    target: Updater<T, A>,
    ...args: A
  ): Promise<T> {
    checkIndex(index, "change");
    const bytes = await this.ask("update", index, ...updateArgs(target, args));
    return await unwrap(bytes as ValueBytes, this.server.level) as T;
  }

  /** The values, of a copy made at the beginning. */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<T> {
    yield* await this.toArray();
  }
}

/**
 * Named values at a manager's server: a dictionary whose keys are known in advance.
 *
 * @typeParam F The names with the types of their values.
 *
 * @example Share settings
 * ```ts
 * import { Manager } from "@switchyard/switchyard/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * await using manager = await Manager.start();
 * const settings = await manager.Namespace<{ verbose: boolean; level: number }>({ level: 1 });
 * await settings.set("verbose", true);
 * assertEquals(await settings.toObject(), { level: 1, verbose: true });
 * ```
 */
export class NamespaceProxy<F extends object = Record<string, unknown>> extends Proxied {
  /** The value of a name; undefined if it was never set. */
  async get<N extends keyof F & string>(name: N): Promise<F[N]> {
    checkName(name);
    return await unwrapSome(await this.ask("get", wrapKey(name)), this.server.level) as F[N];
  }

  /** Sets the value of a name. */
  async set<N extends keyof F & string>(name: N, value: F[N]): Promise<void> {
    checkName(name);
    await this.ask("set", wrapKey(name), wrap(value, name));
  }

  /** True if a name is set. */
  async has(name: keyof F & string): Promise<boolean> {
    checkName(name);
    return await this.ask("has", wrapKey(name)) as boolean;
  }

  /** Takes a name out; whether it was set. */
  async delete(name: keyof F & string): Promise<boolean> {
    checkName(name);
    return await this.ask("delete", wrapKey(name)) as boolean;
  }

  /** Replaces a value in one step, as {@linkcode DictProxy.prototype.update} does. */
  async update<N extends keyof F & string, A extends unknown[]>(
    name: N,
    target: Updater<F[N], A>,
    ...args: A
  ): Promise<F[N]> {
    checkName(name);
    const bytes = await this.ask("update", wrapKey(name), ...updateArgs(target, args));
    return await unwrap(bytes as ValueBytes, this.server.level) as F[N];
  }

  /** A copy of all names and values, as a plain object. */
  async toObject(): Promise<Partial<F>> {
    const flat = await unwrapAll(await this.ask("entries"), this.server.level);
    const object: Record<string, unknown> = {};
    for (let k = 0; k < flat.length; k += 2) {
      Object.defineProperty(object, flat[k] as string, {
        value: flat[k + 1],
        enumerable: true,
        configurable: true,
        writable: true,
      });
    }
    return object as Partial<F>;
  }
}

function checkName(name: unknown): void {
  if (typeof name === "string") return;
  throw new TypeError(`Cannot use the namespace: name must be a string, received ${show(name)}`);
}

shareable(import.meta, "Dict", DictProxy, restore(DictProxy));
shareable(import.meta, "List", ListProxy, restore(ListProxy));
shareable(import.meta, "Namespace", NamespaceProxy, restore(NamespaceProxy));
