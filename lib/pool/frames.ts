/**
 * What a pool and its workers say to each other, in bytes: the same for threads and processes.
 *
 * ```text
 *   pool                            worker
 *     TARGET  ---------------------->  a number for a function, before the first call of it
 *     CALL, MAP, STARMAP  ---------->  one call; one for each item of a chunk
 *     CANCEL, STOP  ---------------->
 *             <---------------- READY | BROKEN   once: the initializer is done, or has failed
 *             <---------------- REPORT           any number
 *             <---------------- DONE | FAILED    once for each call that was begun
 * ```
 *
 * A frame is a head of {@linkcode HEAD} bytes and then a value, as the codec writes it. Several frames go in one message.
 * A large value, and one between threads that the codec does not take, is not in the frame but beside it: then
 * its length is {@linkcode ASIDE}.
 *
 * | bytes | to the worker | to the pool |
 * | --- | --- | --- |
 * | 0 | kind | kind |
 * | 4 | the call's id | the call's id |
 * | 8 | number of its target | how long it ran, in µs |
 * | 12 | number of its ticket | how many of its items had run |
 * | 16 | length of the value | length of the value |
 *
 * @module
 */

// To a worker.
export const CALL = 1;
export const MAP = 2;
export const STARMAP = 3;
export const TARGET = 4;
export const CANCEL = 5;
export const STOP = 6;

// To the pool.
export const READY = 7;
export const BROKEN = 8;
export const REPORT = 9;
export const DONE = 10;
export const FAILED = 11;

/** The bytes of a frame before its value. */
export const HEAD = 20;
/** The length of a value that is not in the frame. */
export const ASIDE = -1;

/** How a call applies its target to what it is given: to arguments, or to each item of a chunk. */
export type CallKind = typeof CALL | typeof MAP | typeof STARMAP;

/** The head of a frame. */
export interface Head {
  kind: number;
  id: number;
  /** The number of the target, or how long the call ran. */
  third: number;
  /** The number of the ticket, or how many items have run. */
  fourth: number;
}

/** Writes frames one behind the other. */
export class FrameWriter {
  #bytes = new Uint8Array(1 << 12);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** How many bytes there are. */
  get length(): number {
    return this.#length;
  }

  /** Adds a frame. Without a value, that is aside. */
  add({ kind, id, third, fourth }: Head, value: Uint8Array | undefined): void {
    const size = HEAD + (value?.length ?? 0);
    if (this.#length + size > this.#bytes.length) this.#grow(size);
    const at = this.#length;
    const view = this.#view;
    view.setInt32(at, kind, true);
    view.setInt32(at + 4, id, true);
    view.setUint32(at + 8, third, true);
    view.setInt32(at + 12, fourth, true);
    view.setInt32(at + 16, value === undefined ? ASIDE : value.length, true);
    if (value !== undefined) copyBytes(value, this.#bytes, at + HEAD);
    this.#length = at + size;
  }

  /** Gives all of it, and begins anew. */
  take(): Uint8Array<ArrayBuffer> {
    const taken = new Uint8Array(this.#bytes.subarray(0, this.#length));
    this.#length = 0;
    return taken;
  }

  #grow(size: number): void {
    const larger = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + size));
    larger.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = larger;
    this.#view = new DataView(larger.buffer);
  }
}

/** Reads the frames of a message. */
export function readFrames(
  bytes: Uint8Array,
  each: (head: Head, value: Uint8Array | undefined) => void,
): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < bytes.length;) {
    const head = headAt(view, at);
    const length = view.getInt32(at + 16, true);
    at += HEAD;
    each(head, length === ASIDE ? undefined : bytes.subarray(at, at + length));
    if (length > 0) at += length;
  }
}

/** How many values of a message are beside it. */
export function countAsides(bytes: Uint8Array): number {
  let count = 0;
  readFrames(bytes, (_, value) => count += value === undefined ? 1 : 0);
  return count;
}

function headAt(view: DataView, at: number): Head {
  return {
    kind: view.getInt32(at, true),
    id: view.getInt32(at + 4, true),
    third: view.getUint32(at + 8, true),
    fourth: view.getInt32(at + 12, true),
  };
}

/** Short copies are quicker byte by byte. */
export const LOOP_LIMIT = 64;

/** Copies bytes. */
export function copyBytes(from: Uint8Array, into: Uint8Array, at: number): void {
  if (from.length < LOOP_LIMIT) { for (let k = 0; k < from.length; k++) into[at + k] = from[k]!; }
  else into.set(from, at);
}
