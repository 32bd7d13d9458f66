/**
 * Where the calling thread leaves and fetches parcels: at the office, or by its line to it; and the
 * messages that speak of them.
 *
 * @module
 */
import { self } from "../../memory/this_thread.ts";
import type { Steps } from "../../sync/steps.ts";
import { type Apart, type Found, type Message, notBytes, Wanted } from "../message.ts";
import { untilRung } from "./bell.ts";
import { Branch } from "./branch.ts";
import { clear, drop, find, keep } from "./office.ts";
import { missing, open, own, type Parcel, ready, type Stand } from "./parcel.ts";

/** The first byte of a message that speaks of a parcel; no other message begins so. */
const PARCEL = 2;
/**
 * The bytes of such a message: its first one, whether the parcel is unique, and its number. Of a
 * unique one follows, as JSON, what it needs to be opened.
 */
const BYTES = 10;

/** The time after which a parcel that does not come is lost, in ms: some thread died oddly. */
const LOST_AFTER = 5_000;
const NO_BYTES = new Uint8Array();

let branch: Branch | undefined;
let left = 0;

function theBranch(): Branch | undefined {
  return self().isMain ? undefined : branch ??= new Branch();
}

/** Gives up all parcels of a queue: its messages have been dropped. */
export function clearParcels(queue: number): void {
  const line = theBranch();
  if (line === undefined) clear(queue);
  else line.clear(queue);
}

function dropParcel(id: string): void {
  const line = theBranch();
  if (line === undefined) drop(id);
  else line.drop(id);
}

function leave(id: string, queue: number, parcel: Parcel): void {
  const line = theBranch();
  if (line !== undefined) return line.leave(id, queue, parcel);
  keep(id, queue, own(parcel));
  parcel.handOver();
}

/**
 * The steps of fetching a parcel; undefined when it is not there. Where a thread has just announced
 * its line, what it left may come a moment later: so this takes that moment then.
 */
function* fetch(id: string): Steps<Parcel | undefined> {
  const line = theBranch();
  const park = untilRung();
  const parcel = line === undefined ? find(id) : yield* line.fetch(id);
  if (parcel === undefined) yield park;
  return parcel;
}

/** The steps of fetching a parcel whose message was taken. */
function* fetchUnique(id: string): Steps<Parcel | undefined> {
  const began = performance.now();
  for (;;) {
    const parcel = yield* fetch(id);
    if (parcel !== undefined || performance.now() - began > LOST_AFTER) return parcel;
  }
}

/**
 * The message for a parcel. What is copied is left at the office now, what is moved when the
 * message counts.
 */
export function messageOfParcel(parcel: Parcel, queue: number): Message {
  const { ident } = self();
  const number = ++left;
  const id = `${ident}.${number}`;
  const { isUnique } = parcel;
  const needs = isUnique ? new TextEncoder().encode(JSON.stringify(parcel.parts)) : NO_BYTES;
  const bytes = new Uint8Array(BYTES + needs.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = PARCEL;
  bytes[1] = Number(isUnique);
  view.setUint32(2, ident);
  view.setUint32(6, number);
  bytes.set(needs, BYTES);
  const { isMoved } = parcel;
  if (!isMoved) leave(id, queue, parcel);
  return {
    bytes,
    length: bytes.length,
    flights: [() => dropParcel(id), ...parcel.flights],
    before: isMoved ? () => leave(id, queue, parcel) : undefined,
  };
}

/** Reads messages that speak of parcels, for one handle. */
export class ParcelReader {
  readonly #action: string;
  readonly #remedy: string;
  /** The parcel that was fetched last, and not taken so far. */
  #id = "";
  #parcel: Parcel | undefined;
  /** One that the office did not have, and since when that has been so. */
  #missing = "";
  #missingSince = 0;

  /** @param action What is done, for the errors; `remedy` is the call that would load a module. */
  constructor(action: string, remedy: string) {
    this.#action = action;
    this.#remedy = remedy;
  }

  /** True if a message speaks of a parcel. */
  isParcel(bytes: Uint8Array, start: number): boolean {
    return bytes[start] === PARCEL;
  }

  /**
   * Reads such a message.
   *
   * @param isNow True for a thread that blocks, and can load nothing.
   * @throws {Wanted} The parcel must be here before.
   * @throws {TypeError} It needs a module that is not loaded; it stays.
   */
  read(bytes: Uint8Array, start: number, length: number, isNow: boolean): Found {
    const view = new DataView(bytes.buffer, bytes.byteOffset + start, BYTES);
    const id = `${view.getUint32(2)}.${view.getUint32(6)}`;
    if (view.getUint8(1) === 1) {
      if (isNow) this.#checkLoaded(needsIn(bytes.slice(start + BYTES, start + length)));
      return { apart: new Taken(undefined, fetchUnique(id)) };
    }
    if (this.#missing === id && performance.now() - this.#missingSince > LOST_AFTER) {
      return { apart: new Taken(undefined, letGo(id)) };
    }
    if (this.#id !== id || this.#parcel === undefined) throw new Wanted(() => this.#fetching(id));
    const parcel = this.#parcel;
    if (isNow) this.#checkLoaded(parcel.parts);
    this.#parcel = undefined;
    return { apart: new Taken(parcel, letGo(id)) };
  }

  /**
   * Reads such a message for what `take` makes of its bytes.
   *
   * @throws {TypeError | RangeError} It holds something else, or `take` threw: it stays.
   */
  readBytes(
    bytes: Uint8Array,
    start: number,
    length: number,
    take: (bytes: Uint8Array) => unknown,
  ): Found {
    const { apart } = this.read(bytes, start, length, false);
    const value = take((apart as Taken).bytes);
    return { apart: { come: () => apart!.come(), load: () => apart!.load(), open: () => value } };
  }

  *#fetching(id: string): Steps<void> {
    const parcel = yield* fetch(id);
    this.#id = id;
    this.#parcel = parcel;
    // Who takes it lets it go afterwards: if its message stays, it is late, or was lost.
    if (parcel !== undefined || this.#missing === id) return;
    this.#missing = id;
    this.#missingSince = performance.now();
  }

  #checkLoaded(stands: Stand[]): void {
    const [module] = missing(stands);
    if (module === undefined) return;
    throw new TypeError(
      `Cannot ${this.#action} and block: it needs ${module}, which this thread has not ` +
        `imported; use await ${this.#remedy}(), which does, or import it`,
    );
  }
}

function needsIn(bytes: Uint8Array): Stand[] {
  return JSON.parse(new TextDecoder().decode(bytes));
}

// deno-lint-ignore require-yield -- steps that need no waiting
function* letGo(id: string): Steps<undefined> {
  dropParcel(id);
}

/** A parcel whose message was taken. */
class Taken implements Apart {
  #parcel: Parcel | undefined;
  readonly #steps: Steps<Parcel | undefined>;

  constructor(parcel: Parcel | undefined, steps: Steps<Parcel | undefined>) {
    this.#parcel = parcel;
    this.#steps = steps;
  }

  /** The bytes that it is, before it is taken. */
  get bytes(): Uint8Array {
    const value = this.#parcel?.value;
    if (value instanceof Uint8Array) return value;
    throw notBytes(value);
  }

  *come(): Steps<void> {
    this.#parcel = (yield* this.#steps) ?? this.#parcel;
    if (this.#parcel === undefined) {
      throw new Error("Cannot give the item: it was lost with the thread that it came from");
    }
  }

  async load(): Promise<void> {
    await ready(this.#parcel!);
  }

  open(): unknown {
    return open(this.#parcel!);
  }
}
