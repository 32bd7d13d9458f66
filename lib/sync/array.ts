/**
 * Numbers in shared memory, with a lock beside them.
 *
 * @module
 */
import { checkInteger, show } from "../core/checks.ts";
import { INSPECT, listed, shown } from "../core/inspect.ts";
import { AT, foundOnHeap, onHeap, type Placed, type Placement } from "../memory/placement.ts";
import { SHARE, shareable, type World } from "../transfer/shareable.ts";
import type { NameOptions, SentCell } from "./cell.ts";
import {
  checkNumber,
  type NonBigType,
  type NumberOf,
  type Numeric,
  type NumericArray,
  numericOf,
  type NumericType,
} from "./numeric.ts";
import { RLock, RLOCK_WORDS } from "./rlock.ts";
import { noteMade } from "./traps.ts";
import { LOCK, type Locked } from "./value.ts";

/** An array as it is sent. */
export interface SentArray extends SentCell {
  /** The type of its numbers. */
  type: NumericType;
  /** Their number. */
  length: number;
}

/** The words that an array takes. */
export function arrayWords(type: NumericType, length: number): number {
  return RLOCK_WORDS + Math.ceil(numericOf(type, "create an array").bytes * length / 8) * 2;
}

/** Checks what an array is made from, and gives its length. */
export function checkSource(
  type: unknown,
  source: unknown,
): { length: number; values?: unknown[] } {
  const action = "create an array";
  const numeric = numericOf(type, action);
  if (typeof source === "number") {
    checkInteger(source, 0, "length", action);
    return { length: source };
  }
  if (typeof (source as Iterable<unknown> | null)?.[Symbol.iterator] !== "function") {
    throw new TypeError(
      `Cannot ${action}: it is made from a length or from values, received ${show(source)}`,
    );
  }
  const values = [...source as Iterable<unknown>];
  values.forEach((value, k) => checkNumber(numeric, value, `values[${k}]`, action));
  return { length: values.length, values };
}

/**
 * Numbers that threads share.
 *
 * Reading one and writing one are single steps; for a change that reads and then writes, hold the
 * {@linkcode lock}.
 *
 * *Memory*: what was written under the lock is seen by the next one who holds it.
 *
 * @typeParam T The type of the numbers: `"i64"` and `"u64"` are bigints, all others numbers.
 *
 * @example Share three numbers
 * ```ts
 * import { Array } from "@switchyard/switchyard/threading";
 *
 * const scores = new Array("i32", [1, 2, 3]);
 * scores.set(0, 10);
 * console.log(scores.toArray()); // [ 10, 2, 3 ]
 * ```
 */
export class SharedArray<T extends NumericType = NonBigType> {
  static {
    // The name that it has outside.
    Object.defineProperty(this, "name", { value: "Array" });
  }

  /** Excludes other threads while a change takes several steps. */
  readonly lock: RLock;
  readonly #placement: Placement;
  readonly #numeric: Numeric;
  readonly #numbers: NumericArray;

  /**
   * Creates an array.
   *
   * @param type The type of its numbers, as in `"i32"` or `"f64"`.
   * @param source The number of zeros, or the numbers.
   * @throws {TypeError | RangeError} There is no such type, or it cannot hold a number.
   */
  constructor(
    type: T,
    source: number | Iterable<NumberOf<T>>,
    options?: NameOptions & Placed & Locked,
  );
  constructor(
    type: T,
    source: number | Iterable<NumberOf<T>>,
    options: NameOptions & Placed & Locked = {},
  ) {
    const { length, values } = checkSource(type, source);
    const numeric = this.#numeric = numericOf(type, "create an array");
    const placement = this.#placement = options?.[AT] ?? onHeap(arrayWords(type, length));
    this.lock = new (options?.[LOCK] ?? RLock)({ ...options, [AT]: placement });
    const { region: { words }, base } = placement;
    const offset = words.byteOffset + (base + RLOCK_WORDS) * 4;
    this.#numbers = numeric.view(words.buffer, offset, length);
    values?.forEach((value, k) => this.#numbers[k] = value as number);
    noteMade(this, placement);
  }

  /** The type of its numbers. */
  get type(): T {
    return this.#numeric.type as T;
  }

  /** The number of elements. */
  get length(): number {
    return this.#numbers.length;
  }

  /**
   * Reads a number.
   *
   * @param index Its place from 0, or from the end when negative.
   * @throws {TypeError | RangeError} There is no such place.
   */
  at(index: number): NumberOf<T> {
    return this.#numbers[this.#place(index, "read")] as NumberOf<T>;
  }

  /**
   * Writes a number.
   *
   * @param index Its place from 0, or from the end when negative.
   * @throws {TypeError | RangeError} There is no such place, or the type cannot hold the number.
   */
  set(index: number, value: NumberOf<T>): void {
    const place = this.#place(index, "write");
    checkNumber(this.#numeric, value, "value", "write to the array");
    this.#numbers[place] = value;
  }

  /** The numbers, one after the other, each read when its turn comes. */
  *[Symbol.iterator](): IterableIterator<NumberOf<T>> {
    for (let k = 0; k < this.length; k++) yield this.#numbers[k] as NumberOf<T>;
  }

  /**
   * A copy of the numbers from place `from` up to `to`, which may be negative, as of a JavaScript
   * array.
   */
  slice(from?: number, to?: number): NumberOf<T>[] {
    return this.toArray().slice(from, to);
  }

  /** A copy of all numbers. */
  toArray(): NumberOf<T>[] {
    return [...this];
  }

  /** @ignore */
  [INSPECT](): string {
    return shown(this, () => [this.lock.name, this.type, listed(this.length, (k) => this.at(k))]);
  }

  /** @ignore */
  [SHARE](world: World, place: () => string): unknown {
    return {
      at: this.#placement.share(world, place, "Array"),
      name: this.lock.name,
      type: this.type,
      length: this.length,
    } satisfies SentArray;
  }

  #place(index: number, action: string): number {
    if (typeof index !== "number") {
      throw new TypeError(
        `Cannot ${action} the array: index must be a number, received ${show(index)}`,
      );
    }
    const place = index < 0 ? index + this.length : index;
    if (Number.isInteger(place) && place >= 0 && place < this.length) return place;
    throw new RangeError(
      `Cannot ${action} the array: index must be an integer from -${this.length} to ` +
        `${this.length - 1}, received ${index}`,
    );
  }
}

shareable(import.meta, "Array", SharedArray, (sent) => {
  const { at, name, type, length } = sent as SentArray;
  return new SharedArray(type, length, { name, [AT]: foundOnHeap(at) });
});
