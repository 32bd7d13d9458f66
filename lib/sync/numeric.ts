/**
 * Numbers in shared memory: the types that Value and Array know.
 *
 * @module
 */
import { show } from "../core/checks.ts";

/** The name of a type of numbers: signed, unsigned or floating, and its bits. */
export type NumericType =
  | "i8"
  | "u8"
  | "i16"
  | "u16"
  | "i32"
  | "u32"
  | "i64"
  | "u64"
  | "f32"
  | "f64";

/** The types whose numbers are numbers, and not bigints. */
export type NonBigType = Exclude<NumericType, "i64" | "u64">;

/** The numbers of a type: bigints for 64-bit integers. */
export type NumberOf<T extends NumericType> = T extends "i64" | "u64" ? bigint : number;

/** A typed array of numbers of a type. */
export type NumericArray = { [index: number]: number | bigint; readonly length: number };

/** The integers as `Atomics` takes them. */
export type IntegerArray = Int32Array<ArrayBufferLike> & BigInt64Array<ArrayBufferLike>;

/** One type of numbers. */
export interface Numeric {
  /** Its name. */
  type: NumericType;
  /** The size of one. */
  bytes: number;
  /** The least and the most, for integers. */
  range: [least: number | bigint, most: number | bigint] | undefined;
  /** True if its numbers are bigints. */
  isBig: boolean;
  /** Views memory as numbers of the type. */
  view(buffer: ArrayBufferLike, offset: number, length: number): NumericArray;
  /** Views memory as integers of the same size, for `Atomics`. */
  integers(buffer: ArrayBufferLike, offset: number, length: number): IntegerArray;
}

type View = new (buffer: ArrayBufferLike, offset: number, length: number) => unknown;

function integer(type: NumericType, bits: number, isSigned: boolean, view: View): Numeric {
  const isBig = bits === 64;
  const half = 2n ** BigInt(bits - 1);
  const [least, most] = isSigned ? [-half, half - 1n] : [0n, 2n * half - 1n];
  const make = (buffer: ArrayBufferLike, offset: number, length: number) =>
    new view(buffer, offset, length);
  return {
    type,
    bytes: bits / 8,
    range: isBig ? [least, most] : [Number(least), Number(most)],
    isBig,
    view: make as Numeric["view"],
    integers: make as Numeric["integers"],
  };
}

function float(type: NumericType, bits: number, view: View, integers: View): Numeric {
  return {
    type,
    bytes: bits / 8,
    range: undefined,
    isBig: false,
    view: (buffer, offset, length) => new view(buffer, offset, length) as NumericArray,
    integers: (buffer, offset, length) => new integers(buffer, offset, length) as IntegerArray,
  };
}

const TYPES = new Map<unknown, Numeric>([
  integer("i8", 8, true, Int8Array),
  integer("u8", 8, false, Uint8Array),
  integer("i16", 16, true, Int16Array),
  integer("u16", 16, false, Uint16Array),
  integer("i32", 32, true, Int32Array),
  integer("u32", 32, false, Uint32Array),
  integer("i64", 64, true, BigInt64Array),
  integer("u64", 64, false, BigUint64Array),
  float("f32", 32, Float32Array, Int32Array),
  float("f64", 64, Float64Array, BigInt64Array),
].map((numeric) => [numeric.type, numeric]));

/**
 * Finds a type by its name.
 *
 * @throws {TypeError} There is no such type.
 */
export function numericOf(type: unknown, action: string): Numeric {
  const numeric = TYPES.get(type);
  if (numeric !== undefined) return numeric;
  const names = [...TYPES.keys()].join(", ");
  throw new TypeError(`Cannot ${action}: type must be one of ${names}, received ${show(type)}`);
}

/**
 * Checks that a value is a number of the type.
 *
 * @throws {TypeError | RangeError} It is none, or one that the type cannot hold.
 */
export function checkNumber(
  { type, range, isBig }: Numeric,
  value: unknown,
  argument: string,
  action: string,
): void {
  if (isBig ? typeof value !== "bigint" : typeof value !== "number") {
    const kind = isBig ? "a bigint" : "a number";
    throw new TypeError(`Cannot ${action}: ${argument} must be ${kind}, received ${show(value)}`);
  }
  if (range === undefined) return;
  const number = value as number;
  const isWhole = isBig || Number.isInteger(number);
  if (isWhole && number >= range[0] && number <= range[1]) return;
  throw new RangeError(
    `Cannot ${action}: ${argument} must be an integer from ${range[0]} to ${range[1]} (${type}), ` +
      `received ${show(value)}`,
  );
}
