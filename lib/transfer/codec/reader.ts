/**
 * The codec's reading half: bytes to values. codec.ts explains the format.
 *
 * The bytes may be corrupt or hostile. So every length is held against the bytes that are left
 * before anything of that length is made; whatever is read takes at least one byte, so that no loop
 * is longer than the input; recursion ends at a fixed depth; and an array gets its room in advance
 * only while all such arrays together could still be filled by the bytes that are left. What comes
 * from below has a budget besides; see bounds.ts.
 *
 * A function never stands where the engine would call it unasked: an object with a `then` of the
 * receiver's own would run when it is awaited. Only a target is a function, so this is looked at
 * where one is placed.
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
  DEEPEST,
  END,
  FALSE,
  FLAGS,
  FLOAT64,
  FLOAT64S,
  FORMAT,
  HAS_MODULES,
  HAS_REFERENCES,
  hasShell,
  HOLES,
  INT32,
  INT32S,
  LATER,
  LOOP_LIMIT,
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
  SMALL,
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
import {
  ARRAY_COST,
  BARE_COST,
  budgetOf,
  BUFFER_COST,
  checkPlaced,
  DATE_COST,
  ENTRY_COST,
  ERROR_COST,
  ITEM_COST,
  KEY_COST,
  MAP_COST,
  OBJECT_COST,
  REDUCTION_COST,
  REGEXP_COST,
  SET_COST,
  SHARE_COST,
  SLOT_COST,
  SPARSE_COST,
  STRING_COST,
  VIEW_COST,
  Watch,
  WATCHED,
} from "../bounds.ts";
import { decodeFlat, NOT_FLAT } from "./flat.ts";
import type { Reduction, Revive } from "../reduction.ts";

/**
 * Short strings, keys above all, repeat: those of up to this length are looked up before they are
 * made.
 */
const CACHED_LIMIT = 16;
const CACHE_SIZE = 1024; // a power of two
/** An array longer than this grows as it fills. */
const PREALLOCATED = 1 << 16;
/** The number of UTF-16 units that become a string at once: they are arguments on the stack. */
const UNITS_AT_ONCE = 4096;
const MAX_ARRAY_LENGTH = 2 ** 32 - 1;

/** Strings made before, by a hash of their characters. Values don't push keys out. */
const keys: (string | undefined)[] = new Array(CACHE_SIZE).fill(undefined);
const values: (string | undefined)[] = new Array(CACHE_SIZE).fill(undefined);

// Without `fatal` it is four times as fast; #utf8() looks for what it replaces. A BOM is a
// character.
const UTF8_DECODER = new TextDecoder("utf-8", { ignoreBOM: true });
const UTF8_CHECKER = new TextDecoder("utf-8", { ignoreBOM: true, fatal: true });
const REPLACEMENT = "\ufffd";

const NOTHING = new Uint8Array(0);
/** Stands among the objects for a reduction without a shell whose state is being read. */
const UNFINISHED = Symbol("unfinished");

const noRevive: Revive = {
  shell: () => undefined,
  finish() {
    throw new Error("Cannot revive a value: the reader is idle");
  },
};

/** A reduction, of which all but the state is known. */
class Header {
  state: unknown;

  constructor(
    readonly kind: Reduction["kind"],
    readonly module: string,
    readonly name: string,
    readonly shell: object | undefined,
  ) {}
}

class Reader {
  #bytes: Uint8Array = NOTHING;
  #at = 0;
  #end = 0;
  #revive: Revive = noRevive;
  /** The objects by number, kept only if the message refers to any. */
  readonly #objects: unknown[] = [];
  #referred = false;
  /** The containers whose contents, and the reductions whose states, are still to come. */
  readonly #later: object[] = [];
  #depth = 0;
  #modules: string[] = [];
  /** The last key read in full in each slot, the message it was in, and this message's number. */
  readonly #keys: string[] = new Array(SLOTS).fill("");
  readonly #keyMessages: number[] = new Array(SLOTS).fill(0);
  #message = 0;
  /** The number of elements that the open arrays got room for in advance. */
  #promised = 0;
  /** The number of elements of room that sparse arrays may still get. */
  #spare = 0;
  /** The number of bytes of memory that the values may still take. */
  #budget = Infinity;
  #isBelow = false;

  decode(bytes: Uint8Array, revive: Revive): unknown {
    this.#open(bytes);
    this.#revive = revive;
    this.#isBelow = revive.level === "below";
    this.#budget = this.#isBelow ? budgetOf(bytes.length) : Infinity;
    const value = this.#value();
    if (this.#later.length > 0) this.#settle(0);
    if (this.#at !== this.#end) {
      this.#fail(`${this.#end - this.#at} bytes follow its end`, this.#at);
    }
    if (this.#referred) this.#objects.length = 0;
    this.#bytes = NOTHING;
    this.#revive = noRevive;
    return value;
  }

  modules(bytes: Uint8Array): string[] {
    this.#open(bytes);
    this.#bytes = NOTHING;
    return [...new Set(this.#modules)].filter((module) => module !== "");
  }

  #open(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#message++;
    this.#at = 0;
    this.#end = this.#spare = bytes.length;
    const first = this.#byte();
    if ((first & ~FLAGS) !== FORMAT) this.#fail(`unknown format ${hex(first)}`, 0);
    this.#referred = (first & HAS_REFERENCES) !== 0;
    if ((first & HAS_MODULES) !== 0) this.#table();
    else if (this.#modules.length > 0) this.#modules = [];
  }

  // Bounds

  #fail(what: string, offset: number, cause?: unknown): never {
    const message = `Cannot decode the value: ${what}, at offset ${offset}`;
    throw cause === undefined ? new TypeError(message) : new TypeError(message, { cause });
  }

  /**
   * Checks that `size` more bytes are there, and gives the offset of the first, stepping over them.
   */
  #take(size: number): number {
    const at = this.#at;
    if (size > this.#end - at) {
      throw new RangeError(
        `Cannot decode the value: ${size} bytes expected, ${this.#end - at} left, at offset ${at}`,
      );
    }
    this.#at = at + size;
    return at;
  }

  /** Charges what a value takes. */
  #spend(cost: number): void {
    if ((this.#budget -= cost) < 0) this.#overspent();
  }

  #overspent(): never {
    const { length } = this.#bytes;
    throw new RangeError(
      `Cannot decode the value: its ${length} bytes would become more than ${
        Math.round(budgetOf(length) / (1 << 20))
      } MiB of objects, too much of a process with fewer permissions`,
    );
  }

  #byte(): number {
    return this.#bytes[this.#take(1)];
  }

  /**
   * True if another item follows in a container that runs to an END, which is then stepped over.
   */
  #more(): boolean {
    if (this.#at < this.#end && this.#bytes[this.#at] !== END) return true;
    this.#take(1);
    return false;
  }

  #varint(): number {
    const start = this.#at;
    let value = 0, scale = 1;
    for (;;) {
      const byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (value > Number.MAX_SAFE_INTEGER) this.#fail("number too large", start);
      if (byte < 0x80) return value;
      scale *= 0x80;
      if (scale > Number.MAX_SAFE_INTEGER) this.#fail("number too long", start);
    }
  }

  #int32(): number {
    const at = this.#take(4), bytes = this.#bytes;
    return bytes[at] | bytes[at + 1] << 8 | bytes[at + 2] << 16 | bytes[at + 3] << 24;
  }

  /** Reads eight bytes into the shared {@linkcode WORD}. */
  #word(): void {
    const at = this.#take(8), bytes = this.#bytes;
    for (let i = 0; i < 8; i++) WORD[i] = bytes[at + i];
  }

  /** Gives a copy of the next bytes, on a buffer of its own. */
  #copy(size: number): Uint8Array<ArrayBuffer> {
    const at = this.#take(size), bytes = this.#bytes;
    const copy = new Uint8Array(size);
    if (size < LOOP_LIMIT) { for (let i = 0; i < size; i++) copy[i] = bytes[at + i]; }
    else copy.set(bytes.subarray(at, at + size));
    return copy;
  }

  // Values

  #value(): unknown {
    const offset = this.#take(1);
    const tag = this.#bytes[offset];
    if (tag >= SMALL) return tag - SMALL;
    if (tag >= SHORT) return this.#latin1(tag - SHORT, values);
    switch (tag) {
      case NULL:
        return null;
      case UNDEFINED:
        return undefined;
      case FALSE:
        return false;
      case TRUE:
        return true;
      case INT32:
        return this.#int32();
      case FLOAT64:
        this.#word();
        return WORD_F64[0];
      case OBJECT:
        return this.#properties(this.#noted({}));
      case ARRAY:
        return this.#array(undefined);
      case SPARSE:
        return this.#sparse(undefined);
      case INT32S:
      case FLOAT64S:
        return this.#numbers(tag, undefined);
      case UTF8:
        return this.#utf8();
      case UTF16:
        return this.#utf16();
      case REFERENCE:
        return this.#reference(offset);
      case MAP:
        return this.#map(this.#noted(new Map()));
      case SET:
        return this.#set(this.#noted(new Set()));
      case BARE:
        this.#spend(BARE_COST);
        return this.#properties(this.#noted(Object.create(null)));
      case BIGINT64:
        this.#word();
        return WORD_I64[0];
      case BIGINT:
        return this.#bigint(offset);
      case DATE:
        this.#word();
        this.#spend(DATE_COST);
        return this.#noted(new Date(WORD_F64[0]));
      case REGEXP:
        return this.#regexp(offset);
      case BUFFER:
        this.#spend(BUFFER_COST);
        return this.#noted(this.#copy(this.#varint()).buffer);
      case VIEW:
        return this.#view(offset);
      case LATER:
        return this.#putOff(offset);
      case REDUCTION:
        return this.#reduction(offset);
      default:
        return this.#fail(`unknown tag ${hex(tag)}`, offset);
    }
  }

  /** Gives the next object its number. */
  #noted<T extends object>(value: T): T {
    if (this.#referred) this.#objects.push(value);
    return value;
  }

  #reference(offset: number): unknown {
    const number = this.#varint();
    if (number >= this.#objects.length) this.#fail(`no object has the number ${number}`, offset);
    const value = this.#objects[number];
    if (value === UNFINISHED) {
      this.#fail("a value that is made from its state occurs within that state", offset);
    }
    return value;
  }

  #bigint(offset: number): bigint {
    const text = this.#string(values);
    const negative = text.startsWith("-");
    const digits = negative ? text.slice(1) : text;
    if (/[^0-9a-f]|^$/.test(digits)) {
      this.#fail("a bigint has other characters than digits", offset);
    }
    let value: bigint;
    try {
      value = BigInt(`0x${digits}`);
    } catch (error) {
      return this.#fail("a bigint is too large", offset, error);
    }
    return negative ? -value : value;
  }

  #regexp(offset: number): RegExp {
    const source = this.#string(values), flags = this.#string(values);
    this.#spend(REGEXP_COST);
    let value: RegExp;
    try {
      value = new RegExp(source, flags);
    } catch (error) {
      return this.#fail("a RegExp does not parse", offset, error);
    }
    return this.#noted(value);
  }

  #view(offset: number): ArrayBufferView {
    const kind = this.#byte();
    if (kind >= VIEWS.length) this.#fail(`unknown kind of view ${kind}`, offset);
    this.#spend(VIEW_COST);
    const bytes = this.#copy(this.#varint());
    const View = VIEWS[kind];
    if (View === Uint8Array) return this.#noted(bytes);
    if (View !== DataView && bytes.length % elementSize(View) !== 0) {
      this.#fail(`${bytes.length} bytes are no whole number of elements of ${View.name}`, offset);
    }
    return this.#noted(new View(bytes.buffer));
  }

  // Strings

  /** Reads a string where nothing else may be. */
  #string(cache: (string | undefined)[]): string {
    const offset = this.#take(1);
    const tag = this.#bytes[offset];
    if (tag >= SHORT && tag < SHORT + SHORT_LIMIT) return this.#latin1(tag - SHORT, cache);
    if (tag === UTF8) return this.#utf8();
    if (tag === UTF16) return this.#utf16();
    return this.#fail(`a string expected, tag ${hex(tag)} found`, offset);
  }

  #latin1(length: number, cache: (string | undefined)[]): string {
    const at = this.#take(length), bytes = this.#bytes;
    if (length > CACHED_LIMIT) {
      this.#spend(STRING_COST + length);
      return latin1(bytes, at, length);
    }
    let hash = length;
    for (let i = 0; i < length; i++) hash = Math.imul(hash, 31) + bytes[at + i] | 0;
    const slot = (hash ^ hash >>> 10) & CACHE_SIZE - 1;
    const cached = cache[slot];
    if (cached !== undefined && cached.length === length) {
      let i = 0;
      while (i < length && cached.charCodeAt(i) === bytes[at + i]) i++;
      if (i === length) return cached;
    }
    this.#spend(STRING_COST + length);
    const made = latin1(bytes, at, length);
    // The engine has one copy of a name, which is the quickest to find properties by.
    return cache[slot] = cache === keys ? Object.keys({ [made]: 0 })[0] ?? made : made;
  }

  #utf8(): string {
    const size = this.#int32() >>> 0;
    const at = this.#take(size), all = this.#bytes;
    this.#spend(STRING_COST + size);
    // A TextDecoder refuses shared memory.
    const bytes = all.buffer instanceof SharedArrayBuffer
      ? all.slice(at, at + size)
      : all.subarray(at, at + size);
    try {
      const text = UTF8_DECODER.decode(bytes);
      if (text.includes(REPLACEMENT)) UTF8_CHECKER.decode(bytes);
      return text;
    } catch (error) {
      return this.#fail("a string is not UTF-8, or too long", at, error);
    }
  }

  #utf16(): string {
    const length = this.#varint();
    let at = this.#take(2 * length);
    this.#spend(STRING_COST + 2 * length);
    const bytes = this.#bytes;
    const parts: string[] = [];
    for (let rest = length; rest > 0;) {
      const count = Math.min(rest, UNITS_AT_ONCE);
      const units: number[] = new Array(count);
      for (let i = 0; i < count; i++, at += 2) units[i] = bytes[at] | bytes[at + 1] << 8;
      parts.push(String.fromCharCode.apply(null, units));
      rest -= count;
    }
    try {
      return parts.length === 1 ? parts[0] : parts.join("");
    } catch (error) {
      return this.#fail("a string is too long", at, error);
    }
  }

  // Containers

  #enter(): void {
    // Beyond the writer's limit only the contents of what was put off there follow.
    if (++this.#depth > DEEPEST + 2) this.#fail("nested too deeply", this.#at);
  }

  #properties(into: Record<string, unknown>): Record<string, unknown> {
    this.#enter();
    this.#spend(OBJECT_COST);
    for (let position = 0; this.#more(); position++) {
      const key = this.#key(position);
      const value = this.#value();
      if (typeof value === "function") checkPlaced(key, value, "the value");
      if (key === "__proto__") define(into, key, value);
      else into[key] = value;
    }
    this.#depth--;
    return into;
  }

  #key(position: number): string {
    if (this.#depth === 1) {
      this.#spend(KEY_COST);
      return this.#string(keys);
    }
    const slot = slotOf(this.#depth, position);
    if (this.#bytes[this.#at] !== AGAIN) {
      this.#spend(KEY_COST);
      const key = this.#string(keys);
      if (key.length < SHORT_LIMIT) {
        this.#keys[slot] = key;
        this.#keyMessages[slot] = this.#message;
      }
      return key;
    }
    if (this.#keyMessages[slot] !== this.#message) this.#fail("no key stood here before", this.#at);
    this.#at++;
    return this.#keys[slot];
  }

  #map(into: Map<unknown, unknown>): Map<unknown, unknown> {
    this.#enter();
    this.#spend(MAP_COST);
    let watch: Watch | undefined;
    for (let count = 0, look = WATCHED; this.#more();) {
      this.#spend(ENTRY_COST);
      const key = this.#value();
      into.set(key, this.#value());
      if (++count === look && this.#isBelow) look = (watch ??= new Watch(into)).look(key, count);
    }
    this.#depth--;
    return into;
  }

  #set(into: Set<unknown>): Set<unknown> {
    this.#enter();
    this.#spend(SET_COST);
    let watch: Watch | undefined;
    for (let count = 0, look = WATCHED; this.#more();) {
      this.#spend(ITEM_COST);
      const item = this.#value();
      into.add(item);
      if (++count === look && this.#isBelow) look = (watch ??= new Watch(into)).look(item, count);
    }
    this.#depth--;
    return into;
  }

  #array(shell: unknown[] | undefined): unknown[] {
    const length = this.#varint();
    const left = this.#end - this.#at;
    if (length > left) {
      this.#fail(`an array of ${length} elements in ${left} bytes`, this.#at);
    }
    this.#enter();
    this.#spend(ARRAY_COST + SLOT_COST * length);
    const inAdvance = shell === undefined && length <= PREALLOCATED &&
        this.#promised + length <= left
      ? length
      : 0;
    this.#promised += inAdvance;
    const into = shell ?? this.#noted(inAdvance > 0 ? new Array<unknown>(inAdvance) : []);
    for (let i = 0; i < length; i++) into[i] = this.#value();
    this.#promised -= inAdvance;
    this.#depth--;
    return into;
  }

  #numbers(tag: number, shell: unknown[] | undefined): unknown[] {
    const { buffer } = this.#copy(this.#varint() * (tag === INT32S ? 4 : 8));
    const numbers = tag === INT32S ? new Int32Array(buffer) : new Float64Array(buffer);
    this.#spend(ARRAY_COST + SLOT_COST * numbers.length);
    const into = shell ?? this.#noted([]);
    for (let i = 0; i < numbers.length; i++) into.push(numbers[i]);
    return into;
  }

  #sparse(shell: unknown[] | undefined): unknown[] {
    const start = this.#at;
    const length = this.#varint();
    if (length > MAX_ARRAY_LENGTH) this.#fail(`an array of ${length} elements`, start);
    this.#enter();
    this.#spend(ARRAY_COST);
    const into = shell ?? this.#noted([]);
    if (length <= this.#spare) this.#spare -= length;
    else into.length = MAX_ARRAY_LENGTH; // makes the engine keep only the elements that there are
    into.length = length;
    for (let i = 0; i < length;) {
      if (this.#at < this.#end && this.#bytes[this.#at] === HOLES) {
        this.#at++;
        i += this.#varint();
        if (i > length) this.#fail("more holes than the array is long", start);
      } else {
        this.#spend(SPARSE_COST);
        into[i++] = this.#value();
      }
    }
    this.#depth--;
    return into;
  }

  #putOff(offset: number): object {
    const tag = this.#byte();
    if (tag === REDUCTION) {
      const value = this.#header(offset);
      if (!hasShell(value.kind) || value.shell === undefined) {
        this.#fail(`a value of kind ${value.kind} was put off, but has no shell`, offset);
      }
      this.#later.push(value);
      return this.#noted(value.shell);
    }
    this.#spend(
      tag === MAP ? MAP_COST : tag === SET ? SET_COST : tag === BARE ? BARE_COST : OBJECT_COST,
    );
    const shell = tag === ARRAY
      ? []
      : tag === OBJECT
      ? {}
      : tag === BARE
      ? Object.create(null)
      : tag === MAP
      ? new Map()
      : tag === SET
      ? new Set()
      : this.#fail(`tag ${hex(tag)} cannot be put off`, offset);
    this.#later.push(shell);
    return this.#noted(shell);
  }

  /**
   * Reads the contents of what has been put off, from number `from` on, and of what is put off
   * meanwhile. Then all states are complete, and are finished: the inner ones, which came later,
   * before the outer ones.
   */
  #settle(from: number): void {
    const later = this.#later;
    this.#enter();
    for (let i = from; i < later.length; i++) {
      const put = later[i];
      if (put instanceof Header) put.state = this.#value();
      else this.#fill(put);
    }
    for (let i = later.length - 1; i >= from; i--) {
      const put = later[i];
      if (!(put instanceof Header)) continue;
      const { kind, module, name, state, shell } = put;
      if (this.#revive.finish(kind, module, name, state, shell) !== shell) {
        throw new TypeError(
          `Cannot decode the value: finish() must give the shell of ${name}, which lies deep`,
        );
      }
    }
    later.length = from;
    this.#depth--;
  }

  #fill(shell: object): void {
    const tag = this.#byte();
    if (Array.isArray(shell)) {
      if (tag === ARRAY) return void this.#array(shell);
      if (tag === SPARSE) return void this.#sparse(shell);
      if (tag === INT32S || tag === FLOAT64S) return void this.#numbers(tag, shell);
    } else if (shell instanceof Map) {
      if (tag === MAP) return void this.#map(shell);
    } else if (shell instanceof Set) {
      if (tag === SET) return void this.#set(shell);
    } else if (tag === OBJECT || tag === BARE) {
      return void this.#properties(shell as Record<string, unknown>);
    }
    this.#fail(`tag ${hex(tag)} where another container's contents were expected`, this.#at - 1);
  }

  // Reductions

  #header(offset: number): Header {
    const code = this.#byte();
    if (code >= REDUCTION_KINDS.length) this.#fail(`unknown kind of reduction ${code}`, offset);
    const kind = REDUCTION_KINDS[code];
    const number = this.#varint();
    if (number >= this.#modules.length) this.#fail(`no module has the number ${number}`, offset);
    const module = this.#modules[number];
    const name = this.#string(values);
    this.#spend(kind === "error" ? ERROR_COST : kind === "share" ? SHARE_COST : REDUCTION_COST);
    return new Header(kind, module, name, this.#revive.shell(kind, module, name));
  }

  #reduction(offset: number): unknown {
    const { kind, module, name, shell } = this.#header(offset);
    const number = this.#objects.length;
    if (this.#referred) this.#objects.push(shell ?? UNFINISHED);
    this.#enter();
    const pending = this.#later.length;
    const state = this.#value();
    if (this.#later.length > pending) this.#settle(pending);
    this.#depth--;
    const value = this.#revive.finish(kind, module, name, state, shell);
    if (this.#referred) this.#objects[number] = value;
    return value;
  }

  /** Reads the table of modules at the end, and puts the end before it. */
  #table(): void {
    const first = this.#at;
    this.#at = this.#end;
    if (this.#end < first + 4) this.#take(4);
    this.#at = this.#end - 4;
    const end = this.#at;
    const size = this.#int32() >>> 0;
    if (size > end - first) this.#fail(`a table of modules of ${size} bytes`, end);
    this.#end = end;
    const start = this.#at = end - size;
    const count = this.#varint();
    if (count > size) this.#fail(`${count} modules in ${size} bytes`, start);
    this.#modules = [];
    for (let i = 0; i < count; i++) this.#modules.push(this.#string(values));
    if (this.#at !== end) this.#fail("the table of modules has another length", start);
    this.#end = start;
    this.#at = first;
  }
}

function elementSize(View: unknown): number {
  return (View as { BYTES_PER_ELEMENT: number }).BYTES_PER_ELEMENT;
}

function latin1(bytes: Uint8Array, at: number, length: number): string {
  const units: number[] = new Array(length);
  for (let i = 0; i < length; i++) units[i] = bytes[at + i];
  return String.fromCharCode.apply(null, units);
}

/** Makes an own property where an assignment would change the prototype. */
function define(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

function hex(byte: number): string {
  return `0x${byte.toString(16).padStart(2, "0")}`;
}

let idle: Reader | undefined;

function take(): Reader {
  const reader = idle ?? new Reader();
  idle = undefined; // a reader that throws is dropped; hooks that decode meanwhile get another
  return reader;
}

/**
 * Decodes what `encode()` made.
 *
 * @param bytes The bytes, all of them and no more. Nothing in the result refers to them. While they
 *   are read they must not change.
 * @param revive Makes what is not plain data. The modules of {@linkcode modulesOf} are imported
 *   before.
 * @returns A value of its own.
 * @throws {TypeError} If the bytes are malformed; the message says where.
 * @throws {RangeError} If the bytes end too early.
 */
export function decode(bytes: Uint8Array, revive: Revive): unknown {
  const flat = decodeFlat(bytes);
  if (flat !== NOT_FLAT) return flat;
  const reader = take();
  const value = reader.decode(bytes, revive);
  idle = reader;
  return value;
}

/**
 * Lists the modules that an encoded value's reductions name, which must be imported before it is
 * decoded.
 *
 * @param bytes The encoded value. Only its table of modules is read.
 * @returns Each module once; `""`, which stands for none, is left out.
 * @throws {TypeError} If the table is malformed.
 * @throws {RangeError} If the bytes end too early.
 */
export function modulesOf(bytes: Uint8Array): string[] {
  const reader = take();
  const modules = reader.modules(bytes);
  idle = reader;
  return modules;
}
