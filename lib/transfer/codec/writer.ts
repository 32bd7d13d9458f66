/**
 * The codec's writing half: values to bytes. codec.ts explains the format.
 *
 * Where the bytes go. In Deno every new ArrayBuffer costs about 1 µs, several times what a small
 * message takes to encode. Small messages are therefore written one after another into a *slab* and
 * given out as views of it; a byte is written once and never again, so each view is its receiver's
 * own. A message that outgrows the slab moves to the *scratch*, which is kept, and leaves as a copy
 * of exact size, or, when it is large, leaves with the buffer itself.
 *
 * Which objects have been seen. A message rarely holds more than a few: they are compared one by
 * one, and only after {@linkcode FEW} of them a Map takes over.
 *
 * A hook or a getter may encode something else meanwhile: a writer at work is not in `idle`, so
 * that one gets a writer of its own. A writer that threw is dropped with whatever state it was in.
 *
 * @module
 */
import {
  AGAIN,
  ARRAY,
  BARE,
  BIGINT,
  BIGINT64,
  BUFFER,
  DATE,
  DEEP,
  DEEPEST,
  END,
  FALSE,
  FLOAT64S,
  FORMAT,
  HAS_MODULES,
  HAS_REFERENCES,
  hasShell,
  HOLES,
  INT32S,
  LATER,
  LOOP_LIMIT,
  MANY_NUMBERS,
  MAP,
  NULL,
  OBJECT,
  REDUCTION,
  REDUCTION_KINDS,
  REFERENCE,
  REGEXP,
  SET,
  SHORT,
  SHORT_LIMIT,
  slotOf,
  SLOTS,
  SPARSE,
  TRUE,
  UNDEFINED,
  UTF16,
  UTF8,
  VIEW,
  VIEWS,
  WORD,
  WORD_F64,
  WORD_I64,
} from "./format.ts";
import { encodeFlat, FLAT_ROOM, NUMBER_MAX, writeNumber } from "./flat.ts";
import type { Reduce } from "../reduction.ts";

const SLAB_SIZE = 32 * 1024;
/** A scratch of up to this size is kept for the next message. */
const KEEP = 1024 * 1024;
/** The number of objects that are compared one by one. */
const FEW = 16;
/** A path shows at most this many steps at either end. */
const STEPS_SHOWN = 20;
/** The most bytes that a length or an index takes. */
const VARINT_MAX = 8;

const UTF8_ENCODER = new TextEncoder();
const NOTHING = new Uint8Array(0);
const PLAIN = Object.prototype;
/** Numbers on their way into bytes: quicker than byte by byte. */
const INT32_BLOCK = new Int32Array(1024);
const FLOAT64_BLOCK = new Float64Array(1024);
const LIST = Array.prototype;

/**
 * The other objects with bytes of their own, by prototype: its tag, or its kind of view +
 * {@linkcode VIEW_KIND}.
 */
const LEAVES = new Map<unknown, number>([
  [Date.prototype, DATE],
  [RegExp.prototype, REGEXP],
  [Map.prototype, MAP],
  [Set.prototype, SET],
  [ArrayBuffer.prototype, BUFFER],
]);
const VIEW_KIND = 0x100;
VIEWS.forEach((view, kind) => LEAVES.set(view.prototype, VIEW_KIND + kind));

/** One step of the path to a value: a key, an index, or what writes another step when asked. */
type Step = string | number | (() => string);
const KEYS: Step = () => ".keys()";
const VALUES: Step = () => ".values()";
const STATE: Step = () => "";
const SKIPPED: Step = () => "…";

/** Thrown through a writer whose target is full. No Error: V8 reads a module again to make one. */
const FULL = Symbol("full");

const noReduce: Reduce = () => {
  throw new Error("Cannot reduce a value: the writer is idle");
};

/** The state of a reduction, put off. */
class State {
  constructor(readonly value: unknown) {}
}

class Writer {
  /** Where it writes, where this message began there, and where the next byte goes. */
  #bytes: Uint8Array<ArrayBufferLike> = NOTHING;
  #start = 0;
  #at = 0;
  #slab: Uint8Array<ArrayBuffer> = NOTHING;
  #slabAt = 0;
  #scratch: Uint8Array<ArrayBuffer> = NOTHING;
  /** Writing into a caller's array, which cannot grow. */
  #fixed = false;

  /** The objects seen, by their number; from the {@linkcode FEW}th on they are in the Map. */
  readonly #few: unknown[] = new Array(FEW).fill(undefined);
  #many: Map<unknown, number> | undefined;
  #count = 0;
  #referred = false;

  /** The containers whose contents, and the reductions whose states, are still to be written. */
  readonly #later: object[] = [];
  #depth = 0;
  /** The step taken at each depth, from 1 on. */
  readonly #path: Step[] = [];
  #root = "";
  readonly #place = (): string => this.#describe();

  /**
   * The last key written in full in each slot, the message it was in, and this message's number.
   */
  readonly #keys: string[] = new Array(SLOTS).fill("");
  readonly #keyMessages: number[] = new Array(SLOTS).fill(0);
  #message = 0;

  #reduce: Reduce = noReduce;
  #modules: Map<string, number> | undefined;
  /** True if Object.prototype has enumerable keys, which `for … in` would show. */
  #polluted = false;

  encode(value: unknown, reduce: Reduce, root: string): Uint8Array<ArrayBuffer> {
    this.#bytes = this.#slab;
    this.#start = this.#at = this.#slabAt;
    this.#write(value, reduce, root);
    const bytes = this.#bytes, at = this.#at;
    let result: Uint8Array<ArrayBuffer>;
    if (bytes === this.#slab) {
      result = this.#slab.subarray(this.#start, at);
      this.#slabAt = at;
    } else { // #grow() made it: it holds this message alone, from 0 on
      const own = bytes as Uint8Array<ArrayBuffer>;
      if (own.length <= KEEP) this.#scratch = own;
      result = own.length > KEEP && at >= own.length * 0.75
        ? own.subarray(0, at)
        : own.slice(0, at);
    }
    this.#clear();
    return result;
  }

  encodeInto(
    target: Uint8Array,
    offset: number,
    value: unknown,
    reduce: Reduce,
    root: string,
  ): number {
    this.#bytes = target;
    this.#start = this.#at = offset;
    this.#fixed = true;
    let written = -1;
    try {
      this.#write(value, reduce, root);
      written = this.#at - offset;
    } catch (error) {
      if (error !== FULL) throw error;
      this.#path.length = 0; // its steps may hold a Map's keys
    }
    this.#fixed = false;
    this.#clear();
    return written;
  }

  #write(value: unknown, reduce: Reduce, root: string): void {
    this.#reduce = reduce;
    this.#root = root;
    this.#message++;
    this.#polluted = false;
    for (const _ in PLAIN) this.#polluted = true;
    this.#tag(FORMAT);
    this.#value(value);
    if (this.#later.length > 0) this.#settle(0);
    if (this.#modules !== undefined) this.#table(this.#modules);
    if (this.#referred) this.#bytes[this.#start] |= HAS_REFERENCES;
  }

  /** Forgets the message, so that nothing of it is kept alive. */
  #clear(): void {
    const few = this.#few;
    for (let i = Math.min(this.#count, FEW) - 1; i >= 0; i--) few[i] = undefined;
    this.#many = undefined;
    this.#count = 0;
    this.#referred = false;
    if (this.#later.length > 0) this.#later.length = 0;
    this.#depth = 0;
    this.#reduce = noReduce;
    this.#modules = undefined;
    this.#bytes = NOTHING;
  }

  // Room

  /** Gives the array to write into, with at least `size` bytes free at `#at`. */
  #room(size: number): Uint8Array<ArrayBufferLike> {
    if (this.#at + size > this.#bytes.length) this.#grow(size);
    return this.#bytes;
  }

  #grow(size: number): void {
    if (this.#fixed) throw FULL;
    const written = this.#at - this.#start;
    const wanted = written + size;
    let bytes: Uint8Array<ArrayBuffer>;
    if (wanted <= SLAB_SIZE / 4) {
      bytes = this.#slab = new Uint8Array(SLAB_SIZE);
    } else if (wanted <= this.#scratch.length) {
      bytes = this.#scratch;
    } else { // exact for one huge item (with what may end a message), doubled for many small ones
      bytes = new Uint8Array(Math.max(2 * written, wanted + 256, 2 * SLAB_SIZE));
    }
    if (written > 0) bytes.set(this.#bytes.subarray(this.#start, this.#at));
    this.#bytes = bytes;
    this.#start = 0;
    this.#at = written;
  }

  #tag(tag: number): void {
    const bytes = this.#room(1);
    bytes[this.#at++] = tag;
  }

  #varint(value: number): void {
    const bytes = this.#room(VARINT_MAX);
    let at = this.#at;
    while (value >= 0x80) {
      bytes[at++] = (value % 0x80) | 0x80;
      value = Math.floor(value / 0x80);
    }
    bytes[at++] = value;
    this.#at = at;
  }

  #int32(value: number): void {
    const bytes = this.#room(4), at = this.#at;
    bytes[at] = value;
    bytes[at + 1] = value >> 8;
    bytes[at + 2] = value >> 16;
    bytes[at + 3] = value >> 24;
    this.#at = at + 4;
  }

  /** Writes what has been put into the shared {@linkcode WORD}. */
  #word(): void {
    const bytes = this.#room(8), at = this.#at;
    for (let i = 0; i < 8; i++) bytes[at + i] = WORD[i];
    this.#at = at + 8;
  }

  #copy(source: Uint8Array): void {
    const size = source.length;
    const bytes = this.#room(size), at = this.#at;
    if (size < LOOP_LIMIT) { for (let i = 0; i < size; i++) bytes[at + i] = source[i]; }
    else bytes.set(source, at);
    this.#at = at + size;
  }

  // Primitives

  #value(value: unknown): void {
    switch (typeof value) {
      case "string":
        return this.#string(value);
      case "number":
        return this.#number(value);
      case "boolean":
        return this.#tag(value ? TRUE : FALSE);
      case "undefined":
        return this.#tag(UNDEFINED);
      case "bigint":
        return this.#bigint(value);
      default:
        return value === null ? this.#tag(NULL) : this.#object(value as object | symbol);
    }
  }

  #number(value: number): void {
    this.#at = writeNumber(this.#room(NUMBER_MAX), this.#at, value);
  }

  #bigint(value: bigint): void {
    if (BigInt.asIntN(64, value) === value) {
      this.#tag(BIGINT64);
      WORD_I64[0] = value;
      return this.#word();
    }
    this.#tag(BIGINT);
    this.#string(value.toString(16));
  }

  #string(value: string): void {
    const length = value.length;
    if (length >= SHORT_LIMIT) {
      return value.isWellFormed() ? this.#utf8(value) : this.#utf16(value);
    }
    const bytes = this.#room(1 + length), at = this.#at;
    let all = 0;
    for (let i = 0; i < length; i++) {
      const unit = value.charCodeAt(i);
      all |= unit;
      bytes[at + 1 + i] = unit;
    }
    if (all > 0xff) return this.#utf16(value);
    bytes[at] = SHORT | length;
    this.#at = at + 1 + length;
  }

  #utf8(value: string): void {
    this.#tag(UTF8);
    const head = this.#at - this.#start;
    this.#int32(0);
    let rest = value;
    this.#room(rest.length); // enough for ASCII; what is left then takes at most three bytes a unit
    for (;;) {
      const { read, written } = UTF8_ENCODER.encodeInto(rest, this.#bytes.subarray(this.#at));
      this.#at += written;
      if (read === rest.length) break;
      rest = rest.slice(read);
      this.#room(3 * rest.length);
    }
    const end = this.#at;
    this.#at = this.#start + head;
    const size = end - this.#at - 4;
    this.#int32(size);
    this.#at = end;
  }

  #utf16(value: string): void {
    const length = value.length;
    this.#tag(UTF16);
    this.#varint(length);
    const bytes = this.#room(2 * length);
    let at = this.#at;
    for (let i = 0; i < length; i++) {
      const unit = value.charCodeAt(i);
      bytes[at++] = unit;
      bytes[at++] = unit >> 8;
    }
    this.#at = at;
  }

  // Objects

  /** Gives the number of an object seen before, or notes it and gives -1. */
  #seen(value: unknown): number {
    const count = this.#count;
    if (this.#many === undefined) {
      const few = this.#few;
      for (let i = 0; i < count; i++) if (few[i] === value) return i;
      if (count < FEW) few[count] = value;
      else this.#many = new Map(few.map((seen, i) => [seen, i]));
    }
    if (this.#many !== undefined) {
      const number = this.#many.get(value);
      if (number !== undefined) return number;
      this.#many.set(value, count);
    }
    this.#count = count + 1;
    return -1;
  }

  #object(value: object | symbol): void {
    const number = this.#seen(value);
    if (number >= 0) {
      this.#referred = true;
      this.#tag(REFERENCE);
      return this.#varint(number);
    }
    if (typeof value !== "object") return this.#reduction(value);
    const prototype: unknown = Object.getPrototypeOf(value);
    if (Array.isArray(value)) {
      return prototype === LIST ? this.#container(value, ARRAY) : this.#reduction(value);
    }
    if (prototype === PLAIN) return this.#container(value, OBJECT);
    if (prototype === null) return this.#container(value, BARE);
    const leaf = LEAVES.get(prototype);
    switch (leaf) {
      case undefined:
        return this.#reduction(value);
      case MAP:
      case SET:
        return this.#container(value, leaf);
      case DATE:
        this.#tag(DATE);
        WORD_F64[0] = (value as Date).getTime();
        return this.#word();
      case REGEXP:
        this.#tag(REGEXP);
        this.#string((value as RegExp).source);
        return this.#string((value as RegExp).flags);
      case BUFFER:
        return this.#buffer(value as ArrayBuffer);
      default:
        return this.#view(value as ArrayBufferView, leaf - VIEW_KIND);
    }
  }

  #buffer(value: ArrayBuffer): void {
    this.#attached(value);
    this.#tag(BUFFER);
    this.#varint(value.byteLength);
    this.#copy(new Uint8Array(value));
  }

  #view(value: ArrayBufferView, kind: number): void {
    const { buffer, byteLength } = value;
    // What is shared on purpose must not become a copy without a word.
    if (buffer instanceof SharedArrayBuffer) return this.#reduction(value);
    this.#attached(buffer);
    this.#tag(VIEW);
    this.#tag(kind);
    this.#varint(byteLength);
    this.#copy(
      value instanceof Uint8Array ? value : new Uint8Array(buffer, value.byteOffset, byteLength),
    );
  }

  #attached(buffer: ArrayBuffer): void {
    if (!buffer.detached) return;
    throw new TypeError(
      `Cannot encode ${this.#describe()}: its ArrayBuffer has been transferred away`,
    );
  }

  #container(value: object, tag: number): void {
    if (this.#depth < DEEP) return this.#contents(value, tag);
    this.#tag(LATER);
    this.#tag(tag);
    this.#later.push(value);
  }

  #contents(value: object, tag: number): void {
    this.#depth++;
    this.#tag(tag);
    switch (tag) {
      case ARRAY:
        this.#array(value as unknown[]);
        break;
      case MAP:
        this.#map(value as Map<unknown, unknown>);
        break;
      case SET:
        this.#path[this.#depth] = VALUES;
        for (const item of value as Set<unknown>) this.#value(item);
        this.#tag(END);
        break;
      default:
        this.#properties(value as Record<string, unknown>);
    }
    this.#depth--;
  }

  #properties(value: Record<string, unknown>): void {
    const path = this.#path, depth = this.#depth;
    let position = 0;
    for (const key in value) {
      if (this.#polluted && !Object.hasOwn(value, key)) continue;
      path[depth] = key;
      this.#key(key, position++);
      this.#value(value[key]);
    }
    this.#tag(END);
  }

  #key(key: string, position: number): void {
    // The outermost object's keys occur once, and long ones are not worth keeping.
    if (this.#depth > 1 && key.length < SHORT_LIMIT) {
      const slot = slotOf(this.#depth, position);
      if (this.#keyMessages[slot] === this.#message && this.#keys[slot] === key) {
        return this.#tag(AGAIN);
      }
      this.#keys[slot] = key;
      this.#keyMessages[slot] = this.#message;
    }
    this.#string(key);
  }

  #map(value: Map<unknown, unknown>): void {
    const path = this.#path, depth = this.#depth;
    for (const [key, item] of value) {
      path[depth] = KEYS;
      this.#value(key);
      path[depth] = () => `.get(${showKey(key)})`;
      this.#value(item);
    }
    path[depth] = KEYS; // lets go of the last key
    this.#tag(END);
  }

  #array(value: unknown[]): void {
    const length = value.length;
    const head = this.#at - this.#start - 1;
    const width = length < MANY_NUMBERS ? 0 : widthOf(value);
    if (width > 0) return this.#numbers(value as number[], length, head, width);
    this.#varint(length);
    for (let i = 0; i < length; i++) {
      const item = value[i];
      if (item === undefined && !Object.hasOwn(value, i)) {
        return this.#sparse(value, i, length, head);
      }
      this.#path[this.#depth] = i;
      this.#value(item);
    }
  }

  /** Writes an array of numbers, some at a time. */
  #numbers(value: number[], length: number, head: number, width: number): void {
    this.#bytes[this.#start + head] = width === 4 ? INT32S : FLOAT64S;
    this.#varint(length);
    const bytes = this.#room(length * width);
    const block = width === 4 ? INT32_BLOCK : FLOAT64_BLOCK;
    for (let i = 0; i < length;) {
      const count = Math.min(block.length, length - i);
      for (let k = 0; k < count; k++) block[k] = value[i + k];
      bytes.set(new Uint8Array(block.buffer, 0, count * width), this.#at);
      this.#at += count * width;
      i += count;
    }
  }

  /** Goes on from the first hole: by the keys that there are, as the length may be anything. */
  #sparse(value: unknown[], from: number, length: number, head: number): void {
    this.#bytes[this.#start + head] = SPARSE;
    let next = from;
    for (const key of Object.keys(value)) {
      const index = Number(key) >>> 0;
      if (String(index) !== key || index >= length) break; // the indexes come first, in order
      if (index < next || !Object.hasOwn(value, index)) continue;
      if (index > next) this.#holes(index - next);
      this.#path[this.#depth] = index;
      this.#value(value[index]);
      next = index + 1;
    }
    if (next < length) this.#holes(length - next);
  }

  #holes(count: number): void {
    this.#tag(HOLES);
    this.#varint(count);
  }

  #reduction(value: object | symbol): void {
    const { kind, module, name, state } = this.#reduce(value, this.#place);
    const code = REDUCTION_KINDS.indexOf(kind);
    if (code < 0) {
      throw new TypeError(`Cannot encode ${this.#describe()}: unknown kind of reduction, ${kind}`);
    }
    const later = this.#depth >= DEEP && hasShell(kind);
    if (!later && this.#depth >= DEEPEST) {
      throw new RangeError(
        `Cannot encode ${this.#describe()}: it nests too deeply for a value of kind ${kind}`,
      );
    }
    if (later) this.#tag(LATER);
    this.#tag(REDUCTION);
    this.#tag(code);
    this.#varint(this.#moduleNumber(module));
    this.#string(name);
    if (later) {
      this.#later.push(new State(state));
      return;
    }
    this.#path[++this.#depth] = STATE;
    const pending = this.#later.length;
    this.#value(state);
    if (this.#later.length > pending) this.#settle(pending); // finish() wants a complete state
    this.#depth--;
  }

  /**
   * Writes the contents of what has been put off, from number `from` on, and of what is put off
   * meanwhile.
   */
  #settle(from: number): void {
    const later = this.#later;
    this.#path[++this.#depth] = SKIPPED;
    for (let i = from; i < later.length; i++) {
      const put = later[i];
      if (put instanceof State) this.#value(put.value);
      else this.#contents(put, containerTag(put));
    }
    later.length = from;
    this.#depth--;
  }

  #moduleNumber(module: string): number {
    const modules = this.#modules ??= new Map();
    let number = modules.get(module);
    if (number === undefined) modules.set(module, number = modules.size);
    return number;
  }

  #table(modules: Map<string, number>): void {
    const start = this.#at - this.#start;
    this.#varint(modules.size);
    for (const module of modules.keys()) this.#string(module);
    this.#int32(this.#at - this.#start - start);
    this.#bytes[this.#start] |= HAS_MODULES;
  }

  // Places

  #describe(): string {
    const steps = this.#path.slice(1, this.#depth + 1);
    const shown = steps.length <= 2 * STEPS_SHOWN
      ? steps
      : [...steps.slice(0, STEPS_SHOWN), SKIPPED, ...steps.slice(-STEPS_SHOWN)];
    return this.#root + shown.map(showStep).join("");
  }
}

/** The number of bytes that each of an array's numbers takes; 0 when not all are numbers. */
function widthOf(value: unknown[]): number {
  let width = 4;
  for (let i = 0; i < value.length; i++) {
    const item = value[i];
    if (typeof item !== "number") return 0;
    if ((item | 0) !== item || item === 0 && 1 / item < 0) width = 8;
  }
  return width;
}

function containerTag(value: object): number {
  if (Array.isArray(value)) return ARRAY;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === PLAIN ? OBJECT : LEAVES.get(prototype) ?? BARE;
}

function showStep(step: Step): string {
  if (typeof step === "function") return step();
  if (typeof step === "number") return `[${step}]`;
  return /^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(step) ? `.${step}` : `[${showKey(step)}]`;
}

function showKey(key: unknown): string {
  if (typeof key === "string") {
    return JSON.stringify(key.length > 60 ? `${key.slice(0, 60)}…` : key);
  }
  return typeof key === "object" && key !== null || typeof key === "function" ? "…" : String(key);
}

let idle: Writer | undefined;

function take(): Writer {
  const writer = idle ?? new Writer();
  idle = undefined;
  return writer;
}

/**
 * Encodes a value.
 *
 * @param value Any value; `reduce` decides about what is not plain data.
 * @param reduce Reduces what is not plain data, or throws.
 * @param root The name of the value itself in {@linkcode Reduce}'s `place()`.
 * @returns The bytes, which are the caller's own. Their `buffer` is not: it may hold other
 *   messages, so send or copy the view, and never transfer `bytes.buffer`.
 * @throws {RangeError} If shared objects and targets nest some 200 levels deep in each other's
 *   states, or the value has more than 2^24 objects.
 * @throws {TypeError} If an ArrayBuffer within has been transferred away.
 */
export function encode(
  value: unknown,
  reduce: Reduce,
  root: string = "value",
): Uint8Array<ArrayBuffer> {
  const writer = take();
  const bytes = writer.encode(value, reduce, root);
  idle = writer;
  return bytes;
}

/**
 * Encodes a value straight into an array, which saves the copy: for rings.
 *
 * @param target Where to write; shared or mapped memory will do.
 * @param offset Where in it to begin.
 * @param value As for {@linkcode encode}.
 * @param reduce As for {@linkcode encode}.
 * @param root As for {@linkcode encode}.
 * @returns The number of bytes written, or -1 if the value does not fit: then the bytes from
 *   `offset` on are spoilt, and getters and `reduce` have been called for a part of it. A value
 *   that would leave fewer than eight bytes free may be refused as well.
 */
export function encodeInto(
  target: Uint8Array,
  offset: number,
  value: unknown,
  reduce: Reduce,
  root: string = "value",
): number {
  if (target.length - offset >= FLAT_ROOM) {
    const written = encodeFlat(target, offset, value);
    if (written >= 0) return written;
  }
  const writer = take();
  const written = writer.encodeInto(target, offset, value, reduce, root);
  idle = writer;
  return written;
}
