/**
 * The messages that go through a pipe or queue in shared memory, or over a socket: a value, as the
 * codec writes it, or bytes behind a mark that no value begins with.
 *
 * @module
 */
import { show } from "../core/checks.ts";
import { decode, encode, encodeInto, modulesOf } from "../transfer/codec/codec.ts";
import { HAS_MODULES, VIEWS } from "../transfer/codec/format.ts";
import { tooLong } from "./connection.ts";
import { type Fill, NOTHING, type Read, WHOLE } from "./memory/frames.ts";
import { gatherIn, loseAll, type Lost, packedFor, packFor } from "../transfer/flight.ts";
import type { Steps } from "../sync/steps.ts";
import { reducer, reviveFrom } from "../transfer/reduce.ts";
import type { Reduce, TrustLevel } from "../transfer/reduction.ts";
import { hasShareables } from "../transfer/shareable.ts";
import { admit, isKnown, toLoad } from "../transfer/task.ts";

/** The first byte of a message that is bytes. */
const BYTES = 1;
/**
 * The first byte of a message that is a large view of a buffer, or large bytes; the second is its
 * kind. What it covers begins behind {@linkcode VIEW_HEAD} bytes, so that it is aligned where the
 * message is.
 */
const VIEW = 4;
const LOOP_LIMIT = 64;
/** From so many bytes on a copy counts. */
export const LARGE = 4096;
/** The length below which plain data becomes too little to do harm, in bytes. */
const LONG = 1 << 16;
/** The number of bytes before what a large view covers. */
const VIEW_HEAD = 8;
const BYTES_KIND = VIEWS.indexOf(Uint8Array);

const reduceForProcess = reducer("process");
/** Most messages are small: they are written and read here. */
const outbox = new Uint8Array(1 << 17);
const inbox = new Uint8Array(1 << 10);
const views: Uint8Array[] = [];

/**
 * A message as it was found: its value, or the error of reading it, or bytes whose modules are to
 * be loaded.
 */
export interface Found {
  value?: unknown;
  error?: unknown;
  bytes?: Uint8Array;
  /** From whom the bytes are. */
  level?: TrustLevel;
  /** What does not come in the message itself. */
  apart?: Apart;
}

/** A value that comes beside its message (`parcels/parcel.ts`). */
export interface Apart {
  /** The steps until it is there. */
  come(): Steps<void>;
  /** Loads what it needs. */
  load(): Promise<void>;
  /** Gives it. */
  open(): unknown;
}

/** Thrown by who reads a message that cannot be read before something else is there. */
export class Wanted {
  /** @param fetching The steps until it is there. */
  constructor(readonly fetching: () => Steps<void>) {}
}

/** Takes the next message of a carrier, if it is there, and all that it needs is. */
export function takeNow(
  carrier: { tryGet(read: Read<Found>): Found | typeof NOTHING },
  read: Read<Found>,
): Found | typeof NOTHING {
  try {
    return carrier.tryGet(read);
  } catch (error) {
    if (error instanceof Wanted) return NOTHING;
    throw error;
  }
}

/**
 * The steps of taking a message: `take` gives them, and gives them anew when what a message needs
 * has been fetched. Meanwhile somebody else may have taken it.
 */
export function* taking<T>(take: () => Steps<T>): Steps<T> {
  for (;;) {
    try {
      return yield* take();
    } catch (error) {
      if (!(error instanceof Wanted)) throw error;
      yield* error.fetching();
    }
  }
}

/**
 * Says from whom a message is. It is asked only about one that names modules or is long: no other
 * can do harm.
 */
export type WhoseMessage = () => TrustLevel;

const fromEqual: WhoseMessage = () => "equal";

/** A message on its way out: the first `length` bytes; to be used up before the next is made. */
export interface Message {
  bytes: Uint8Array;
  length: number;
  /** To be called when it is not sent after all. */
  flights: Lost[];
  /** Called when it is about to count; when it throws, it does not. */
  before?: (() => void) | undefined;
}

const gathered: Lost[] = [];
const message: Message = { bytes: outbox, length: 0, flights: [], before: undefined };

/**
 * Writes a value as a message. What it gives is overwritten by the next call.
 *
 * @param root What errors call the value.
 * @param whose Says who is at the other end. What the value shares with somebody below must know
 *   that.
 * @throws {ShareError} The value cannot cross.
 */
export function messageOf(
  value: unknown,
  root = "value",
  whose: WhoseMessage = fromEqual,
): Message {
  const made = write(value, root, reduceForProcess);
  const isPlain = (made.bytes[0]! & HAS_MODULES) === 0;
  if (isPlain || packedFor() === "below" || whose() === "equal") return made;
  loseAll(made.flights);
  return packFor("below", () => write(value, root, reduceForProcess));
}

/**
 * Writes a value as a message, as `reduce` has it. What it gives is overwritten by the next call.
 *
 * @param root What errors call the value.
 * @throws {ShareError} The value cannot cross.
 */
export function write(value: unknown, root: string, reduce: Reduce): Message {
  const kind = kindOfLarge(value);
  if (kind >= 0) return messageOfView(value as ArrayBufferView, kind);
  const before = gatherIn(gathered);
  try {
    message.bytes = outbox;
    message.length = encodeInto(outbox, 0, value, reduce, root);
    if (message.length < 0) {
      // What it began to send is sent anew.
      loseAll(gathered);
      message.bytes = encode(value, reduce, root);
      message.length = message.bytes.length;
    }
  } catch (error) {
    loseAll(gathered);
    throw error;
  } finally {
    gatherIn(before);
  }
  if (message.flights.length > 0 || gathered.length > 0) message.flights = gathered.splice(0);
  return message;
}

/** The kind of a large view that is copied as it lies; -1 for all else. */
function kindOfLarge(value: unknown): number {
  if (!ArrayBuffer.isView(value) || value.byteLength < LARGE) return -1;
  // Another thread may change what is shared meanwhile.
  if (!(value.buffer instanceof ArrayBuffer)) return -1;
  const proto = Object.getPrototypeOf(value);
  return VIEWS.findIndex((View) => View.prototype === proto);
}

function writeView(into: Uint8Array, start: number, view: ArrayBufferView, kind: number): number {
  into[start] = VIEW;
  into[start + 1] = kind;
  const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
  into.set(bytes, start + VIEW_HEAD);
  return VIEW_HEAD + bytes.length;
}

/** A large one waits where it is written: keep() need not copy it. */
function messageOfView(view: ArrayBufferView, kind: number): Message {
  if (message.flights.length > 0) message.flights = [];
  message.bytes = new Uint8Array(VIEW_HEAD + view.byteLength);
  message.length = writeView(message.bytes, 0, view, kind);
  return message;
}

/** Gives what writes a value as a message where it will lie, if it is a large view. */
export function fillOf(value: unknown): { fill: Fill; length: number } | undefined {
  const kind = kindOfLarge(value);
  const view = value as ArrayBufferView;
  if (kind < 0 || view.byteLength + VIEW_HEAD > WHOLE) return undefined;
  return {
    fill: (into, start) => writeView(into, start, view, kind),
    length: view.byteLength + VIEW_HEAD,
  };
}

/** Bytes as a message. What it gives is overwritten by the next call. */
export function messageOfBytes(bytes: Uint8Array): Message {
  if (bytes.length >= LARGE) return messageOfView(bytes, BYTES_KIND);
  if (message.flights.length > 0) message.flights = [];
  message.bytes = outbox;
  message.length = bytes.length + 1;
  outbox[0] = BYTES;
  if (bytes.length < LOOP_LIMIT) {
    for (let k = 0; k < bytes.length; k++) outbox[1 + k] = bytes[k]!;
  } else outbox.set(bytes, 1);
  return message;
}

/** A copy of a message, to keep. */
export function keep({ bytes, length }: Message): Uint8Array {
  return bytes === outbox ? bytes.slice(0, length) : bytes.subarray(0, length);
}

function viewOf(bytes: Uint8Array, start: number, length: number): Uint8Array {
  if (length > inbox.length) return bytes.subarray(start, start + length);
  if (length < LOOP_LIMIT) { for (let k = 0; k < length; k++) inbox[k] = bytes[start + k]!; }
  else inbox.set(bytes.subarray(start, start + length));
  return views[length] ??= inbox.subarray(0, length);
}

/**
 * A copy of some bytes. Made so, its memory is not filled with zeros first, as `slice()` does: 64
 * KiB take half the time.
 */
function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes.subarray(start, end));
}

/**
 * Reads a message where it lies. Plain data runs no code of anybody, and objects of ours no code of
 * the user's; who is killed meanwhile has them, or leaves them where they are.
 */
export function readValue(
  bytes: Uint8Array,
  start: number,
  length: number,
  whose: WhoseMessage = fromEqual,
): Found {
  if (bytes[start] === BYTES) return { value: copyOf(bytes, start + 1, start + length) };
  if (bytes[start] === VIEW) return readView(bytes, start, length);
  if ((bytes[start]! & HAS_MODULES) === 0) {
    return valueIn(viewOf(bytes, start, length), length < LONG ? "equal" : whose());
  }
  const copy = copyOf(bytes, start, start + length);
  const level = whose();
  return modulesOf(copy).every(hasShareables) ? valueIn(copy, level) : { bytes: copy, level };
}

function readView(bytes: Uint8Array, start: number, length: number): Found {
  const View = VIEWS[bytes[start + 1]!];
  const copy = copyOf(bytes, start + VIEW_HEAD, start + length);
  if (View === Uint8Array) return { value: copy };
  if (View === undefined || length < VIEW_HEAD) {
    return { error: new TypeError("Cannot read a message: it is no view of a buffer") };
  }
  try {
    return { value: new View(copy.buffer) };
  } catch (error) {
    return { error };
  }
}

/** The first byte of what a message of bytes holds; -1 for a message of something else. */
function bytesFrom(bytes: Uint8Array, start: number): number {
  if (bytes[start] === BYTES) return start + 1;
  return bytes[start] === VIEW && bytes[start + 1] === BYTES_KIND ? start + VIEW_HEAD : -1;
}

/** {@linkcode readValue} for messages of somebody. */
export function readerOf(whose: WhoseMessage): typeof readValue {
  return (bytes, start, length) => readValue(bytes, start, length, whose);
}

function valueIn(bytes: Uint8Array, level: TrustLevel): Found {
  try {
    return { value: decode(bytes, reviveFrom(level)) };
  } catch (error) {
    return { error };
  }
}

/**
 * Gives what reads as {@linkcode readValue} does, for a thread that blocks and can load nothing: it
 * throws a TypeError when the message needs a module that is not loaded, and the message stays
 * where it is.
 *
 * @param action What is done, for the error.
 * @param subject What needs the module.
 * @param remedy The call that would load it.
 */
export function readLoaded(
  action: string,
  subject: string,
  remedy: string,
  whose: WhoseMessage = fromEqual,
): typeof readValue {
  return (bytes, start, length) => {
    const found = readValue(bytes, start, length, whose);
    if (found.bytes === undefined) return found;
    const notLoaded = toLoad(modulesOf(found.bytes), found.level!);
    if (notLoaded.length === 0) return found;
    const unknown = notLoaded.filter((module) => !isKnown(module));
    if (unknown.length === 0) {
      // They run here, as the main module does, and may have marked what is named.
      const now = valueIn(found.bytes, found.level!);
      if (now.error === undefined) return now;
    }
    throw new TypeError(
      `Cannot ${action} and block: ${subject} needs ${
        [...unknown, ...notLoaded][0]
      }, which this thread has not ` +
        `imported; use await ${remedy}(), which does, or import it`,
    );
  };
}

/**
 * Reads a message of bytes where it lies.
 *
 * @throws {TypeError} It is a value; it stays where it is.
 */
export function readBytes(bytes: Uint8Array, start: number, length: number): Found {
  const from = bytesFrom(bytes, start);
  if (from >= 0) return { value: copyOf(bytes, from, start + length) };
  // What needs modules is not opened only to be left where it is.
  const hasModules = (bytes[start]! & HAS_MODULES) !== 0;
  const found = hasModules ? undefined : readValue(bytes, start, length);
  if (found?.value instanceof Uint8Array) return found;
  throw notBytes(found?.value);
}

/** The error of a message that is received as bytes and is none; it stays where it is. */
export function notBytes(value: unknown): TypeError {
  const what = value === undefined ? "another one" : show(value);
  return new TypeError(`Cannot receive bytes: the next value is ${what}; use recv()`);
}

/**
 * Gives what reads a message of bytes into `room`; the value is their number.
 *
 * @throws {TypeError | RangeError} It is a value, or too long; it stays where it is.
 */
export function readerInto(room: Uint8Array): typeof readBytes {
  return (bytes, start, length) => {
    const from = bytesFrom(bytes, start);
    const part = from >= 0
      ? bytes.subarray(from, start + length)
      : readBytes(bytes, start, length).value as Uint8Array;
    return { value: roomFor(part, room) };
  };
}

/**
 * Copies bytes that have come into `room`; gives their number.
 *
 * @throws {RangeError} They are too many.
 */
export function roomFor(bytes: Uint8Array, room: Uint8Array): number {
  if (bytes.length > room.length) throw tooLong(bytes.length, room.length);
  room.set(bytes);
  return bytes.length;
}

/** Loads what a message needs. */
export async function loadFor({ bytes, level = "equal", apart }: Found): Promise<void> {
  await apart?.load();
  if (bytes !== undefined) await admit(modulesOf(bytes), level);
}

/** The value, or the error of reading it. */
export function unwrap({ value, error, bytes, level = "equal", apart }: Found): unknown {
  if (apart !== undefined) return apart.open();
  if (bytes !== undefined) return decode(bytes, reviveFrom(level));
  if (error !== undefined) throw error;
  return value;
}
