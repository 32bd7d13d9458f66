/**
 * A number in shared memory, with a lock beside it.
 *
 * @module
 */
import { show } from "../core/checks.ts";
import { INSPECT, shown } from "../core/inspect.ts";
import { AT, foundOnHeap, onHeap, type Placed, type Placement } from "../memory/placement.ts";
import { SHARE, shareable, type World } from "../transfer/shareable.ts";
import type { NameOptions, SentCell } from "./cell.ts";
import {
  checkNumber,
  type IntegerArray,
  type NonBigType,
  type NumberOf,
  type Numeric,
  type NumericArray,
  numericOf,
  type NumericType,
} from "./numeric.ts";
import { RLock, RLOCK_WORDS } from "./rlock.ts";
import { noteMade } from "./traps.ts";

/** The words that a value takes. */
export const VALUE_WORDS = RLOCK_WORDS + 2;

/** The key under which the options carry the class of the lock. */
export const LOCK: unique symbol = Symbol("lock");

/** Options that say what the lock is. */
export interface Locked {
  /** The class of the lock. Default: RLock. */
  [LOCK]?: new (options: NameOptions & Placed) => RLock;
}

/** A value as it is sent. */
export interface SentValue extends SentCell {
  /** The type of its number. */
  type: NumericType;
}

/**
 * A number that threads share.
 *
 * Reading, writing, {@linkcode add} and {@linkcode compareExchange} are each one step that nobody
 * can come between. `value.value += 1` is two, a read and a write: hold the {@linkcode lock}, or
 * use `add()`.
 *
 * *Memory*: what was written before a number was is seen by those who read that number.
 *
 * @typeParam T The type of the number: `"i64"` and `"u64"` are bigints, all others numbers.
 *
 * @example Count without a lock
 * ```ts
 * import { Value } from "@switchyard/switchyard/threading";
 *
 * const count = new Value("i32");
 * count.add(1);
 * console.log(count.value); // 1
 * ```
 */
export class Value<T extends NumericType = NonBigType> {
  /** Excludes other threads while a change takes several steps. */
  readonly lock: RLock;
  readonly #placement: Placement;
  readonly #numeric: Numeric;
  readonly #view: NumericArray;
  readonly #integers: IntegerArray;

  /**
   * Creates a value.
   *
   * @param type Its type, as in `"i32"` or `"f64"`.
   * @param initial Its number at first. Default: 0.
   * @throws {TypeError | RangeError} There is no such type, or the type cannot hold the number.
   */
  constructor(type: T, initial?: NumberOf<T>, options?: NameOptions & Placed & Locked);
  constructor(type: T, initial?: NumberOf<T>, options: NameOptions & Placed & Locked = {}) {
    const numeric = this.#numeric = numericOf(type, "create a value");
    const first = initial ?? (numeric.isBig ? 0n : 0);
    checkNumber(numeric, first, "initial", "create a value");
    const placement = this.#placement = options?.[AT] ?? onHeap(VALUE_WORDS);
    this.lock = new (options?.[LOCK] ?? RLock)({ ...options, [AT]: placement });
    const { region: { words }, base, fresh } = placement;
    const offset = words.byteOffset + (base + RLOCK_WORDS) * 4;
    this.#view = numeric.view(words.buffer, offset, 1);
    this.#integers = numeric.integers(words.buffer, offset, 1);
    if (fresh) this.value = first as NumberOf<T>;
    noteMade(this, placement);
  }

  /** The type of its number. */
  get type(): T {
    return this.#numeric.type as T;
  }

  /** The number. */
  get value(): NumberOf<T> {
    const { range } = this.#numeric;
    if (range !== undefined) return Atomics.load(this.#integers, 0) as unknown as NumberOf<T>;
    return this.#view[0] as NumberOf<T>;
  }

  set value(next: NumberOf<T>) {
    const { range } = this.#numeric;
    checkNumber(this.#numeric, next, "value", "set the value");
    if (range !== undefined) Atomics.store(this.#integers, 0, next as never);
    else this.#view[0] = next;
  }

  /**
   * Adds to the number, in one step. Integers wrap around at the ends of their range.
   *
   * @returns The number before.
   * @throws {TypeError} `n` is no number of the kind.
   */
  add(n: NumberOf<T>): NumberOf<T> {
    const { isBig, range } = this.#numeric;
    const isRight = isBig
      ? typeof n === "bigint"
      : typeof n === "number" && (range === undefined || Number.isInteger(n));
    if (!isRight) {
      const kind = isBig ? "a bigint" : range === undefined ? "a number" : "an integer";
      throw new TypeError(`Cannot add to the value: n must be ${kind}, received ${show(n)}`);
    }
    if (range !== undefined) return Atomics.add(this.#integers, 0, n as never) as never;
    for (;;) {
      const old = this.value as number;
      if (this.#exchange(old, old + (n as number))) return old as NumberOf<T>;
    }
  }

  /**
   * Writes `next` if the number is `expected`, in one step.
   *
   * @returns The number before: `expected` when it has been written.
   * @throws {TypeError | RangeError} One of them is no number of the type.
   */
  compareExchange(expected: NumberOf<T>, next: NumberOf<T>): NumberOf<T> {
    const action = "compare and exchange the value";
    checkNumber(this.#numeric, expected, "expected", action);
    checkNumber(this.#numeric, next, "next", action);
    if (this.#numeric.range !== undefined) {
      const old = Atomics.compareExchange(this.#integers, 0, expected as never, next as never);
      return old as unknown as NumberOf<T>;
    }
    const numbers = new Float32Array(1);
    const rounded = this.#numeric.bytes === 4
      ? (numbers[0] = expected as number, numbers[0])
      : expected;
    for (;;) {
      const old = this.value;
      if (old !== rounded && !Object.is(old, rounded)) return old;
      if (this.#exchange(old as number, next as number)) return old;
    }
  }

  /** @ignore */
  [INSPECT](): string {
    return shown(this, () => [this.lock.name, this.type, show(this.value)]);
  }

  /** @ignore */
  [SHARE](world: World, place: () => string): unknown {
    return {
      at: this.#placement.share(world, place, "Value"),
      name: this.lock.name,
      type: this.type,
    } satisfies SentValue;
  }

  /** Exchanges a floating number, compared by its bits. */
  #exchange(old: number, next: number): boolean {
    const scratch = new ArrayBuffer(8);
    const numbers = this.#numeric.view(scratch, 0, 1);
    const bits = this.#numeric.integers(scratch, 0, 1);
    numbers[0] = old;
    const before = bits[0]!;
    numbers[0] = next;
    return Atomics.compareExchange(this.#integers, 0, before, bits[0]!) === before;
  }
}

shareable(import.meta, "Value", Value, (sent) => {
  const { at, name, type } = sent as SentValue;
  return new Value(type, undefined, { name, [AT]: foundOnHeap(at) });
});
