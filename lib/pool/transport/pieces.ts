/**
 * Large values on their way between processes. They go in pieces: each lies in one block of the
 * pipe's memory, so that it is written there at once, and read from there to where the value is put
 * together; and one side reads while the other still writes.
 *
 * Large buffers are put together where they stay. Another value is decoded from where it is put
 * together, so that is memory which was used before, if there is some: fresh memory costs more than
 * the copy, as each of its pages is made when it is first touched.
 *
 * @module
 */
import { WHOLE } from "../../channel/memory/frames.ts";
import { HAS_MODULES } from "../../transfer/codec/format.ts";
import type { Packed } from "../../transfer/pack.ts";
import { Bulk, type BulkPlace, LARGEST, readPayload, type Span } from "../payload.ts";
import { BadFrame, BUFFERS_BESIDE, OBJECT_BESIDE } from "./frames.ts";

/** The length of a piece, in bytes: two of them fill a block. */
const PIECE = WHOLE - (1 << 12);
/** Larger rooms are not kept, nor more than so many. */
const LARGEST_KEPT = 1 << 22;
const KEPT = 4;

/** Rooms that are free. */
const free: Uint8Array<ArrayBuffer>[] = [];

/** Gives the pieces of what is beside the frame of a value. */
export function* piecesOf(value: Span | Bulk): Generator<Uint8Array<ArrayBuffer>> {
  const parts = value instanceof Bulk ? value.parts : value.length > LARGEST ? [value.view] : [];
  for (const part of parts) {
    for (let at = 0; at < part.length; at += PIECE) yield part.subarray(at, at + PIECE);
  }
}

/** Copies the next piece to the beginning of `into`; gives its length. */
export type ReadPiece = (into: Uint8Array<ArrayBuffer>) => number;

/** What is beside a frame, as it is put together. */
export abstract class Beside {
  /**
   * Begins with what a frame says.
   *
   * @param most The most bytes that it may have.
   * @throws {BadFrame} It says what no frame between processes says.
   */
  static of(value: Uint8Array | undefined, beside: number, most: number): Beside {
    if (beside === OBJECT_BESIDE) throw new BadFrame("a value that is no bytes");
    if (beside === BUFFERS_BESIDE) return new Buffers(value!, most);
    checkLength(beside, most);
    return new Encoded(beside);
  }

  /**
   * Takes the next piece.
   *
   * @returns The value, if that was the last.
   * @throws {RangeError} It is longer than what is left.
   */
  abstract take(read: ReadPiece): Uint8Array<ArrayBuffer> | Packed | undefined;
}

/** A value as the codec writes it. */
class Encoded extends Beside {
  readonly #room: Uint8Array<ArrayBuffer>;
  #taken = 0;

  constructor(readonly length: number) {
    super();
    const at = free.findIndex((room) => room.length >= length);
    this.#room = at < 0 ? newRoom(length) : free.splice(at, 1)[0]!;
  }

  take(read: ReadPiece): Uint8Array<ArrayBuffer> | undefined {
    this.#taken += read(this.#room.subarray(this.#taken, this.length));
    return this.#taken === this.length ? this.#room.subarray(0, this.length) : undefined;
  }
}

/** A value whose large buffers follow. */
class Buffers extends Beside {
  readonly #value: unknown;
  readonly #places: BulkPlace[];
  #buffer: Uint8Array<ArrayBuffer> | undefined;
  #at = 0;
  #taken = 0;

  constructor(written: Uint8Array, most: number) {
    super();
    const whole = (written[0]! & HAS_MODULES) === 0 ? tryRead(written) : undefined;
    if (!Array.isArray(whole) || !arePlaces(whole[1], whole[0])) {
      throw new BadFrame("a value that is none");
    }
    [this.#value, this.#places] = whole;
    checkLength(this.#places.reduce((sum, [, length]) => sum + length, 0), most);
  }

  take(read: ReadPiece): Packed | undefined {
    const [index, length, isView] = this.#places[this.#at]!;
    const bytes = this.#buffer ??= new Uint8Array(length);
    this.#taken += read(bytes.subarray(this.#taken));
    if (this.#taken < length) return undefined;
    const part = isView ? bytes : bytes.buffer;
    this.#buffer = undefined;
    this.#taken = 0;
    this.#at++;
    if (index < 0) return { value: part };
    (this.#value as unknown[])[index] = part;
    return this.#at === this.#places.length ? { value: this.#value } : undefined;
  }
}

function tryRead(written: Uint8Array): unknown {
  try {
    return readPayload(written, "below");
  } catch {
    return undefined;
  }
}

/** True if these are places in a value: of one buffer alone, or each in a list. */
function arePlaces(places: unknown, value: unknown): boolean {
  if (!Array.isArray(places) || places.length === 0) return false;
  const most = Array.isArray(value) ? value.length : 0;
  return places.every((place) => {
    if (!Array.isArray(place)) return false;
    const [index, length, isView] = place;
    const isPlace = most === 0 ? index === -1 && places.length === 1 : index >= 0 && index < most;
    return isPlace && Number.isInteger(index) && Number.isInteger(length) && length > 0 &&
      typeof isView === "boolean";
  });
}

/** @throws {BadFrame} A length is more than it may be. */
export function checkLength(length: number, most: number): void {
  if (length > most) throw new BadFrame(`${length} bytes, of at most ${most}`);
}

function newRoom(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(length > LARGEST_KEPT ? length : 2 ** Math.ceil(Math.log2(length)));
}

/** Gives back the room of a value that has been read. */
export function giveBack(value: Uint8Array | Packed): void {
  // One that was in its frame lies among others.
  if (!(value instanceof Uint8Array) || value.length <= LARGEST) return;
  const { buffer } = value as Uint8Array<ArrayBuffer>;
  if (buffer.byteLength > LARGEST_KEPT || free.length >= KEPT) return;
  if (free.every((room) => room.buffer !== buffer)) free.push(new Uint8Array(buffer));
}
