/**
 * The bytes by which the codec's two halves understand each other; codec.ts explains them.
 *
 * @module
 */
import type { Reduction } from "../reduction.ts";

// The first byte: what this is, with flags for what is rare.
export const FORMAT = 0x50;
export const HAS_REFERENCES = 0x01;
export const HAS_MODULES = 0x02;
export const FLAGS = HAS_REFERENCES | HAS_MODULES;

// Tags.
export const END = 0x00;
export const NULL = 0x01;
export const UNDEFINED = 0x02;
export const FALSE = 0x03;
export const TRUE = 0x04;
export const INT32 = 0x05;
export const FLOAT64 = 0x06;
export const BIGINT64 = 0x07;
export const BIGINT = 0x08;
export const UTF8 = 0x09;
export const UTF16 = 0x0a;
export const DATE = 0x0b;
export const REGEXP = 0x0c;
export const BUFFER = 0x0d;
export const VIEW = 0x0e;
export const OBJECT = 0x0f;
export const BARE = 0x10;
export const ARRAY = 0x11;
export const SPARSE = 0x12;
export const HOLES = 0x13;
export const MAP = 0x14;
export const SET = 0x15;
export const REFERENCE = 0x16;
export const LATER = 0x17;
export const REDUCTION = 0x18;
export const AGAIN = 0x19;
export const INT32S = 0x1a;
export const FLOAT64S = 0x1b;
/** 0x40 … 0x7f: a string of 0 … 63 Latin-1 characters. */
export const SHORT = 0x40;
/** 0x80 … 0xff: the integers 0 … 127. */
export const SMALL = 0x80;

/** From this many characters on a string is no longer a {@linkcode SHORT} one. */
export const SHORT_LIMIT = 0x40;

/** Below this many bytes a loop is quicker than a call that copies. */
export const LOOP_LIMIT = 64;

/** From this many elements on an array of numbers goes as a whole. */
export const MANY_NUMBERS = 17;

/** So deep what can be {@linkcode LATER} is written in place; below it is put off. */
export const DEEP = 256;
/**
 * So deep the rest may nest. Both sides' recursion, and with it their stack, ends a little below.
 */
export const DEEPEST = 512;

/** The number of keys that are remembered for {@linkcode AGAIN}. */
export const SLOTS = 128;

/** Where the key at this position of an object at this depth is remembered. */
export function slotOf(depth: number, position: number): number {
  return (16 * depth + position) & (SLOTS - 1);
}

/** The kinds of reduction by number. */
export const REDUCTION_KINDS: readonly Reduction["kind"][] = [
  "share",
  "target",
  "instance",
  "error",
];

/**
 * True if a reduction's value is there, empty, before its state is: then the state can be put off.
 */
export function hasShell(kind: Reduction["kind"]): boolean {
  return kind === "instance" || kind === "error";
}

type ViewClass = new (buffer: ArrayBuffer) => ArrayBufferView<ArrayBuffer>;

/** The kinds of view by number; one that an engine lacks comes last. */
export const VIEWS: readonly ViewClass[] = [
  DataView,
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  ...(typeof Float16Array === "undefined" ? [] : [Float16Array]),
];

const scratch = new ArrayBuffer(8);
/** Eight bytes seen three ways: quicker than a DataView per message. */
export const WORD: Uint8Array = new Uint8Array(scratch);
export const WORD_F64: Float64Array = new Float64Array(scratch);
export const WORD_I64: BigInt64Array = new BigInt64Array(scratch);
