/**
 * A list of fixed length in shared memory, as Python's `ShareableList`.
 *
 * Layout, in 32-bit words: `MAGIC`, the length, then for each place where its slot begins and how
 * many bytes of text it has room for; then the slots. A slot is `TURN` and twice a value: its type,
 * its length in bytes, and its bytes. `TURN` says which of both counts. A change writes the other,
 * then `TURN`, in one store:
 *
 * - who is killed before the store has changed nothing, who is killed after it all;
 * - a reader sees the old value or the new one; where `TURN` moved on meanwhile it reads again;
 * - two who change one place at the same time may mix their values: that takes a lock.
 *
 * @module
 */
import { checkIterable, checkOptions, checkString, show } from "../core/checks.ts";
import { INSPECT, listed, shown } from "../core/inspect.ts";
import { noteMadeIn } from "../sync/traps.ts";
import { SHARE, shareable, type World } from "../transfer/shareable.ts";
import { restoreMemory, SharedMemory } from "./shared_memory.ts";

/** The values that a {@linkcode ShareableList} can hold. */
export type ShareableListItem = number | bigint | boolean | string | Uint8Array | null;

/** Options of a {@linkcode ShareableList}. */
export interface ShareableListOptions {
  /** The name of its memory. Default, for a new list: one that no other has. */
  name?: string;
}

const MAGIC_WORD = 0x5cab1e;
const MAGIC = 0;
const LENGTH = 1;
const PLACES = 2;
const PLACE_WORDS = 2;
// Words of a slot.
const TURN = 0;
const VALUES = 2;
// Words of a value.
const TYPE = 0;
const SIZE = 1;
const BYTES = 2;
/** Numbers need this room, and whatever is shorter gets it: so any place can take a number. */
const LEAST = 8;

// Types.
const NULL = 0;
const FALSE = 1;
const TRUE = 2;
const FLOAT = 3;
const BIGINT = 4;
const STRING = 5;
const BINARY = 6;

/** The key under which a handle's options carry the memory. */
const WITHIN: unique symbol = Symbol("within");

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });
const scratch = new DataView(new ArrayBuffer(LEAST));
const scratchBytes = new Uint8Array(scratch.buffer);

interface Coded {
  type: number;
  bytes: Uint8Array;
}

const NO_BYTES = new Uint8Array(0);

function code(item: unknown, argument: string, action: string): Coded {
  switch (typeof item) {
    case "boolean":
      return { type: item ? TRUE : FALSE, bytes: NO_BYTES };
    case "number":
      scratch.setFloat64(0, item);
      return { type: FLOAT, bytes: scratchBytes };
    case "bigint":
      if (BigInt.asIntN(64, item) !== item) {
        throw new RangeError(`Cannot ${action}: ${argument} must have 64 bits, received ${item}`);
      }
      scratch.setBigInt64(0, item);
      return { type: BIGINT, bytes: scratchBytes };
    case "string":
      if (!item.isWellFormed()) {
        throw new TypeError(
          `Cannot ${action}: ${argument} must be without lone surrogates, received ${show(item)}`,
        );
      }
      return { type: STRING, bytes: encoder.encode(item) };
  }
  if (item === null) return { type: NULL, bytes: NO_BYTES };
  if (item instanceof Uint8Array) return { type: BINARY, bytes: item };
  throw new TypeError(
    `Cannot ${action}: ${argument} must be a number, bigint, boolean, string, Uint8Array or null, ` +
      `received ${show(item)}`,
  );
}

function aligned(bytes: number): number {
  return Math.max(LEAST, Math.ceil(bytes / 8) * 8);
}

/**
 * A list of fixed length that processes share: each place holds a number, bigint, boolean, string,
 * bytes or null, and can be given another.
 *
 * Reach for it for a handful of mixed values that several processes look at, such as a state with
 * its message. A text or bytes may become as long as the first value at its place was, rounded up
 * to 8 bytes of UTF-8; every place can take a number, a boolean or null.
 *
 * Each read and each change is whole, also when a process is killed in the midst of it. Two
 * processes that change the same place at the same time need a lock, and so does reading it and
 * then changing it.
 *
 * It stands on a {@linkcode SharedMemory}, {@linkcode shm}, which says whose it is and how long it
 * lives.
 *
 * *Permissions*: `--allow-ffi`.
 *
 * @typeParam T What it holds: some of the types of {@linkcode ShareableListItem}.
 *
 * @example A state that several processes see
 * ```ts
 * import { ShareableList } from "@switchyard/switchyard/multiprocessing";
 *
 * using state = new ShareableList(["starting", 0, null]);
 * state.set(0, "running");
 * state.set(1, 0.5);
 *
 * using same = new ShareableList(undefined, { name: state.shm.name }); // In any process.
 * console.log(same.toArray()); // [ "running", 0.5, null ]
 * ```
 */
export class ShareableList<T = ShareableListItem> implements Disposable, Iterable<T> {
  /** Its memory. */
  readonly shm: SharedMemory;
  readonly #words: Int32Array;

  /**
   * Creates a list, or opens the one of that name.
   *
   * @param items What it holds at first; without it the list of the name in the options is opened.
   * @throws {TypeError |
   *   RangeError} An item is of another type or too large, or the memory is no list.
   * @throws {Deno.errors.AlreadyExists} There is a memory of that name, with `items`.
   * @throws {Deno.errors.NotFound} There is none of that name, without `items`.
   * @throws {Deno.errors.NotCapable} Without `--allow-ffi`.
   */
  constructor(
    items?: Iterable<T> | null,
    options?: ShareableListOptions & { [WITHIN]?: SharedMemory },
  );
  constructor(
    items?: Iterable<T> | null,
    options: ShareableListOptions & { [WITHIN]?: SharedMemory } = {},
  ) {
    const within = options?.[WITHIN];
    if (within === undefined) {
      checkOptions(options, "create a list");
      checkString(options.name, "name", "create a list");
    }
    if (items === undefined || items === null) {
      this.shm = within ?? new SharedMemory(options);
      this.#words = wordsOf(this.shm);
      return;
    }
    checkIterable(items, "items", "create a list");
    const values = [...items];
    const rooms = values.map((item, k) =>
      aligned(code(item, `items[${k}]`, "create a list").bytes.length)
    );
    const first = PLACES + PLACE_WORDS * values.length + values.length % 2;
    const slots = rooms.map((room) => VALUES + 2 * (BYTES + room / 4));
    const words = first + slots.reduce((sum, slot) => sum + slot, 0);
    this.shm = new SharedMemory({ ...options, create: true, size: words * 4 });
    this.#words = new Int32Array(this.shm.buf.buffer);
    this.#words[LENGTH] = values.length;
    for (let k = 0, at = first; k < values.length; at += slots[k]!, k++) {
      this.#words[PLACES + PLACE_WORDS * k] = at;
      this.#words[PLACES + PLACE_WORDS * k + 1] = rooms[k]!;
      this.#write(k, code(values[k], "", ""));
    }
    // From now on it is a list.
    Atomics.store(this.#words, MAGIC, MAGIC_WORD);
    if (options.name === undefined) noteMadeIn(this, "process");
  }

  /** The number of places. */
  get length(): number {
    return this.#open()[LENGTH]!;
  }

  /**
   * Reads a value.
   *
   * @param index Its place from 0, or from the end when negative.
   * @throws {TypeError | RangeError} There is no such place.
   */
  at(index: number): T {
    const words = this.#open();
    const entry = PLACES + PLACE_WORDS * this.#place(index, "read");
    const slot = words[entry]!;
    const room = words[entry + 1]!;
    for (;;) {
      const turn = Atomics.load(words, slot + TURN);
      const value = slot + VALUES + (turn & 1) * (BYTES + room / 4);
      const type = words[value + TYPE]!;
      const size = Math.min(words[value + SIZE]!, room);
      // A copy: the bytes may change while they are read.
      const bytes = new Uint8Array(words.buffer, (value + BYTES) * 4, size).slice();
      if (Atomics.load(words, slot + TURN) === turn) return decoded(type, bytes) as T;
    }
  }

  /**
   * Gives a place another value.
   *
   * @param index The place from 0, or from the end when negative.
   * @throws {TypeError} The value is of a type that no place can take.
   * @throws {RangeError} There is no such place, or the value has more bytes than the place has
   *   room for.
   */
  set(index: number, value: T): void {
    const place = this.#place(index, "write");
    const coded = code(value, "value", "write to the list");
    const room = this.#open()[PLACES + PLACE_WORDS * place + 1]!;
    if (coded.bytes.length > room) {
      throw new RangeError(
        `Cannot write to the list: value must have at most ${room} bytes at place ${place}, ` +
          `received ${coded.bytes.length}`,
      );
    }
    this.#write(place, coded);
  }

  /** The number of places that hold the value. */
  count(value: T): number {
    return this.toArray().filter((item) => isSame(item, value)).length;
  }

  /**
   * The first place that holds the value.
   *
   * @throws {RangeError} No place does.
   */
  index(value: T): number {
    const place = this.toArray().findIndex((item) => isSame(item, value));
    if (place >= 0) return place;
    throw new RangeError(`Cannot find ${show(value)} in the list: no place holds it`);
  }

  /** The values, one after the other, each read when its turn comes. */
  *[Symbol.iterator](): IterableIterator<T> {
    for (let k = 0; k < this.length; k++) yield this.at(k);
  }

  /** A copy of all values. */
  toArray(): T[] {
    return [...this];
  }

  /** Closes its memory; the list that created it takes the name away too. */
  [Symbol.dispose](): void {
    this.shm[Symbol.dispose]();
  }

  /** @ignore */
  [INSPECT](): string {
    return shown(
      this,
      () => [
        this.shm.name,
        this.#words.length === 0 ? "closed" : listed(this.length, (k) => this.at(k)),
      ],
    );
  }

  /** @ignore */
  [SHARE](world: World, place: () => string): unknown {
    return this.shm[SHARE](world, place);
  }

  #open(): Int32Array {
    // The memory's own error, when it is closed.
    return this.#words.length === 0 ? new Int32Array(this.shm.buf.buffer) : this.#words;
  }

  /** Writes a value that there is room for. */
  #write(place: number, { type, bytes }: Coded): void {
    const words = this.#words;
    const entry = PLACES + PLACE_WORDS * place;
    const slot = words[entry]!;
    const turn = Atomics.load(words, slot + TURN);
    const value = slot + VALUES + (~turn & 1) * (BYTES + words[entry + 1]! / 4);
    words[value + TYPE] = type;
    words[value + SIZE] = bytes.length;
    new Uint8Array(words.buffer, (value + BYTES) * 4, bytes.length).set(bytes);
    Atomics.store(words, slot + TURN, turn + 1 | 0);
  }

  #place(index: number, action: string): number {
    if (typeof index !== "number") {
      throw new TypeError(
        `Cannot ${action} the list: index must be a number, received ${show(index)}`,
      );
    }
    const length = this.#open()[LENGTH]!;
    const place = index < 0 ? index + length : index;
    if (Number.isInteger(place) && place >= 0 && place < length) return place;
    throw new RangeError(
      `Cannot ${action} the list: index must be an integer from -${length} to ${length - 1}, ` +
        `received ${index}`,
    );
  }
}

/** The words of a memory that is a list. */
function wordsOf(memory: SharedMemory): Int32Array {
  const { buffer } = memory.buf;
  const words = new Int32Array(buffer, 0, buffer.byteLength >> 2);
  if (words.length < PLACES || Atomics.load(words, MAGIC) !== MAGIC_WORD || !isWhole(words)) {
    const name = show(memory.name);
    memory.close();
    throw new TypeError(`Cannot open a list: the shared memory ${name} holds none`);
  }
  return words;
}

/** True if every place lies within the memory. */
function isWhole(words: Int32Array): boolean {
  const length = words[LENGTH]!;
  if (length < 0 || PLACES + PLACE_WORDS * length > words.length) return false;
  for (let k = 0; k < length; k++) {
    const slot = words[PLACES + PLACE_WORDS * k]!;
    const room = words[PLACES + PLACE_WORDS * k + 1]!;
    if (slot < PLACES || room < LEAST || room % 8 !== 0) return false;
    if (slot + VALUES + 2 * (BYTES + room / 4) > words.length) return false;
  }
  return true;
}

function decoded(type: number, bytes: Uint8Array<ArrayBuffer>): ShareableListItem {
  switch (type) {
    case FALSE:
    case TRUE:
      return type === TRUE;
    case FLOAT:
      return new DataView(bytes.buffer).getFloat64(0);
    case BIGINT:
      return new DataView(bytes.buffer).getBigInt64(0);
    case STRING:
      return decoder.decode(bytes);
    case BINARY:
      return bytes;
    default:
      return null;
  }
}

function isSame(a: unknown, b: unknown): boolean {
  if (!(a instanceof Uint8Array && b instanceof Uint8Array)) return Object.is(a, b) || a === b;
  return a.length === b.length && a.every((byte, k) => byte === b[k]);
}

shareable(
  import.meta,
  "ShareableList",
  ShareableList,
  (sent) => new ShareableList(undefined, { [WITHIN]: restoreMemory(sent) }),
);
