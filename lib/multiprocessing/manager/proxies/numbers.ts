/**
 * The proxies of a manager's numbers.
 *
 * @module
 */
import type { NonBigType, NumberOf, NumericType } from "../../../sync/numeric.ts";
import { ShareError } from "../../../core/errors.ts";
import { type Restore, SHARE, shareable } from "../../../transfer/shareable.ts";
import type { Server } from "../client.ts";
import { RLockProxy } from "./locks.ts";
import { isId } from "../protocol.ts";
import { checkSent, Proxied, type SentProxy } from "./proxy.ts";

interface SentNumbers extends SentProxy {
  lock: string;
}

/** The base of the numbers of a manager: a lock beside them. */
export abstract class NumbersProxy extends Proxied {
  /** Excludes other clients while a change takes several steps. */
  readonly lock: RLockProxy;
  readonly #lock: string;

  /** Managers create proxies. */
  constructor(server: Server, object: string, lock: string) {
    super(server, object);
    this.#lock = lock;
    this.lock = new RLockProxy(server, lock);
  }

  /** @ignore */
  override [SHARE](): unknown {
    return { ...super[SHARE]() as SentProxy, lock: this.#lock } satisfies SentNumbers;
  }
}

/**
 * A number at a manager's server; as threading.Value. Each call is one step; for several, hold the
 * {@linkcode lock}.
 *
 * @typeParam T The type of the number: `"i64"` and `"u64"` are bigints, all others numbers.
 *
 * @example Count together
 * ```ts
 * import { Manager } from "@switchyard/switchyard/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * await using manager = await Manager.start();
 * const votes = await manager.Value("i32");
 * await votes.add(2);
 * assertEquals(await votes.get(), 2);
 * ```
 */
export class ValueProxy<T extends NumericType = NonBigType> extends NumbersProxy {
  /** The number. */
  async get(): Promise<NumberOf<T>> {
    return await this.ask("get") as NumberOf<T>;
  }

  /**
   * Sets the number.
   *
   * @throws {TypeError | RangeError} The type cannot hold it.
   */
  async set(value: NumberOf<T>): Promise<void> {
    await this.ask("set", value);
  }

  /**
   * Adds to the number, in one step. Integers wrap around at the ends of their range.
   *
   * @returns The number before.
   */
  async add(n: NumberOf<T>): Promise<NumberOf<T>> {
    return await this.ask("add", n) as NumberOf<T>;
  }

  /**
   * Writes `next` if the number is `expected`, in one step.
   *
   * @returns The number before: `expected` when it has been written.
   */
  async compareExchange(expected: NumberOf<T>, next: NumberOf<T>): Promise<NumberOf<T>> {
    return await this.ask("compareExchange", expected, next) as NumberOf<T>;
  }
}

/**
 * Numbers at a manager's server; as threading.Array. Each call is one step.
 *
 * @typeParam T The type of the numbers: `"i64"` and `"u64"` are bigints, all others numbers.
 *
 * @example Share three numbers
 * ```ts
 * import { Manager } from "@switchyard/switchyard/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * await using manager = await Manager.start();
 * const scores = await manager.Array("i32", [1, 2, 3]);
 * await scores.set(0, 10);
 * assertEquals(await scores.toArray(), [10, 2, 3]);
 * ```
 */
export class ArrayProxy<T extends NumericType = NonBigType> extends NumbersProxy {
  /** The number of elements. */
  async length(): Promise<number> {
    return await this.ask("length") as number;
  }

  /**
   * Reads a number.
   *
   * @throws {TypeError | RangeError} There is no such place.
   */
  async at(index: number): Promise<NumberOf<T>> {
    return await this.ask("at", index) as NumberOf<T>;
  }

  /**
   * Writes a number.
   *
   * @throws {TypeError | RangeError} There is no such place, or the type cannot hold the number.
   */
  async set(index: number, value: NumberOf<T>): Promise<void> {
    await this.ask("set", index, value);
  }

  /** A copy of the numbers from place `from` up to `to`, which may be negative. */
  async slice(from?: number, to?: number): Promise<NumberOf<T>[]> {
    return await this.ask("slice", from, to) as NumberOf<T>[];
  }

  /** A copy of all numbers. */
  async toArray(): Promise<NumberOf<T>[]> {
    return await this.slice();
  }

  /** The numbers, of a copy made at the beginning. */
  async *[Symbol.asyncIterator](): AsyncIterableIterator<NumberOf<T>> {
    yield* await this.slice();
  }
}

type NumbersClass = new (server: Server, object: string, lock: string) => NumbersProxy;

const restore = (type: NumbersClass): Restore => (sent, source) => {
  const { server, object } = checkSent(sent, source);
  const { lock } = sent as SentNumbers;
  if (!isId(lock)) throw new ShareError("Cannot use a manager's numbers: lock must be an id", "");
  return new type(server, object, lock);
};
shareable(import.meta, "Value", ValueProxy, restore(ValueProxy));
shareable(import.meta, "Array", ArrayProxy, restore(ArrayProxy));
