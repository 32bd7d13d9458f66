/**
 * Who can get at something in the family's memory (an end of a pipe, a queue): a table of one word
 * for each copy.
 *
 * ```text
 *   0 --claim--> ident of the holder --release, or the holder is gone--> 0
 *   0 --send---> FLIGHT | ident of the sender --land--> ident of the receiver
 *                  |                          \--the receiver has ended, lose--> 0
 *                  board
 *                  |
 *                  v
 *                FLIGHT | CARRIED | carrier --land--> ident of the receiver
 *                                          \--nobody is left who could get it--> 0
 *   FLIGHT | ident of the sender --attend--> FLIGHT | ATTENDED | ident of the sender, then as above
 *   0 --move---> FLIGHT | MOVING | ident of who has it: the sender, then the receiver if it is
 *                known, else 0 --land--> ident of the receiver, or that one is gone--> 0
 * ```
 *
 * Who dies when:
 *
 * - a holder, at any time: whoever looks thoroughly finds that it is gone and clears its word;
 * - the receiver of a copy before it has landed: whoever started it clears the word
 *   (`transfer/flight.ts`), which says ATTENDED: as long as that one lives the copy is on its way,
 *   however long a child takes to start;
 * - all who could receive a copy that waits in a pipe or queue: the word names the table of those,
 *   the *carrier*, and whoever looks thoroughly finds nobody there, nor in what carries a copy of
 *   the carrier, and so on. Who takes the message lands what is in it before the message is gone
 *   (`message.ts`);
 * - the receiver of a copy that went another way (through a Manager, or beside values of classes
 *   that are still to be loaded): the copy is held to be lost when the looker has been alone in the
 *   family for {@linkcode ALONE} ms.
 *
 * @module
 */
import type { Region } from "../../memory/region.ts";

/** The most copies at a time. */
const COPIES = 126;
/** Set when there were more: then nobody can tell any more, and it counts as held. */
const OVERFLOW = 126;
/** Changes when the words of the table are used anew. */
const GENERATION = 127;
/** The words of a table. It begins at a multiple of {@linkcode LINE}. */
export const HOLDERS_WORDS = 128;
const LINE = 16;

const FLIGHT = 1 << 30;
const CARRIED = 1 << 29;
const ATTENDED = 1 << 28;
/** Between threads: a copy that takes the place of the one that was sent. Not with CARRIED. */
const MOVING = 1 << 27;
/** An ident. */
const IDENT_MASK = (1 << 24) - 1;
// In the word of a carried copy: the line of the carrier's table, and above it some of its
// generation.
const LINE_BITS = 20;
const LINE_MASK = (1 << LINE_BITS) - 1;
const GENERATION_MASK = 0xff;

/** The time that one is alone in the family before copies that never landed are given up, in ms. */
const ALONE = 1000;

/** True if a number is one of an entry. */
export function isEntry(entry: number): boolean {
  return Number.isInteger(entry) && entry >= 0 && entry < COPIES;
}

/** The holders of one thing. */
export class Holders {
  readonly #region: Region;
  readonly #words: Int32Array<ArrayBufferLike>;
  readonly #base: number;
  /** An entry that was taken at the last look. */
  #hint = 0;
  /** Since when this thread has been alone. */
  #aloneSince = Infinity;

  constructor(region: Region, base: number) {
    this.#region = region;
    this.#words = region.words;
    this.#base = base;
  }

  /**
   * Enters this thread as a holder; gives its entry.
   *
   * @throws {RangeError} There are too many copies.
   */
  claim(): number {
    return this.#take(this.#region.parties.me);
  }

  /** Enters a copy that is sent. */
  send(): number {
    return this.#take(FLIGHT | this.#region.parties.me);
  }

  /** As {@linkcode send}, but never fails; -1 when there is no room. */
  sendOrNot(): number {
    const entry = this.#find(FLIGHT | this.#region.parties.me);
    if (entry < 0) Atomics.store(this.#words, this.#base + OVERFLOW, 1);
    return entry;
  }

  /** Enters a copy in the place of one of this thread's, which it still has. */
  move(): number {
    return this.#take(FLIGHT | MOVING | this.#region.parties.me);
  }

  /** Notes who has a copy that moves; 0 while it waits in a message. */
  moveTo(entry: number, ident: number): void {
    const mine = FLIGHT | MOVING | this.#region.parties.me;
    Atomics.compareExchange(this.#words, this.#base + entry, mine, FLIGHT | MOVING | ident);
  }

  /** Enters this thread, once, instead of a copy that was sent (-1: of none); it never fails. */
  landOnce(entry: number): void {
    this.#enterOnce();
    if (entry >= 0) this.lose(entry);
  }

  /**
   * The carrier that copies of other things are told which wait where these holders can get them.
   */
  get carrier(): number {
    const generation = Atomics.load(this.#words, this.#base + GENERATION) & GENERATION_MASK;
    return generation << LINE_BITS | this.#base / LINE;
  }

  /** Notes what carries a copy that was sent. */
  board(entry: number, carrier: number): void {
    const mine = FLIGHT | this.#region.parties.me;
    Atomics.compareExchange(this.#words, this.#base + entry, mine, FLIGHT | CARRIED | carrier);
  }

  /** Notes that its sender will tell when a copy that was sent can land no more. */
  attend(entry: number): void {
    const mine = FLIGHT | this.#region.parties.me;
    Atomics.compareExchange(this.#words, this.#base + entry, mine, mine | ATTENDED);
  }

  /** Begins anew: what waits where these holders could get it is lost. */
  renew(): void {
    Atomics.add(this.#words, this.#base + GENERATION, 1);
  }

  /** Takes over a copy that was sent, or is one more where that has been taken over before. */
  land(entry: number): number {
    const words = this.#words;
    const { me } = this.#region.parties;
    const seen = Atomics.load(words, this.#base + entry);
    const isThere = (seen & FLIGHT) !== 0 &&
      Atomics.compareExchange(words, this.#base + entry, seen, me) === seen;
    return isThere ? entry : this.#take(me);
  }

  /** Gives up a copy that was sent and has not landed. */
  lose(entry: number): void {
    const seen = Atomics.load(this.#words, this.#base + entry);
    if ((seen & FLIGHT) !== 0) {
      Atomics.compareExchange(this.#words, this.#base + entry, seen, 0);
    }
  }

  /** Leaves. */
  release(entry: number): void {
    Atomics.compareExchange(this.#words, this.#base + entry, this.#region.parties.me, 0);
  }

  /** True if there is any, by a glance; one that was killed still counts. */
  get seemHeld(): boolean {
    return Atomics.load(this.#words, this.#base + this.#hint) !== 0 || this.#scan(false);
  }

  /** True if there is any that lives. */
  get areHeld(): boolean {
    return this.#scan(true);
  }

  /** True if nobody has it, or will have it, but so many handles of this thread. */
  areOnly(own: number): boolean {
    // What the dead have left is cleared.
    if (this.#scan(true) && this.#words[this.#base + OVERFLOW] !== 0) return false;
    const { me } = this.#region.parties;
    const held = this.#words.subarray(this.#base, this.#base + COPIES).filter((seen) => seen !== 0);
    return held.length === own && held.every((seen) => seen === me);
  }

  #take(value: number): number {
    const entry = this.#find(value);
    if (entry >= 0) return entry;
    throw new RangeError(`Cannot share a connection: one end has ${COPIES} copies already`);
  }

  /** Writes into a free entry; -1 where there is none. */
  #find(value: number): number {
    for (let tries = 0; tries < 2; tries++) {
      for (let entry = 0; entry < COPIES; entry++) {
        if (Atomics.compareExchange(this.#words, this.#base + entry, 0, value) === 0) return entry;
      }
      // Free what the dead have left, and try again.
      this.#scan(true);
    }
    return -1;
  }

  #enterOnce(): void {
    const { me } = this.#region.parties;
    const entries = this.#words.subarray(this.#base, this.#base + COPIES);
    if (entries.includes(me) || this.#find(me) >= 0) return;
    Atomics.store(this.#words, this.#base + OVERFLOW, 1);
  }

  #scan(isThorough: boolean): boolean {
    const words = this.#words;
    let isHeld = words[this.#base + OVERFLOW] !== 0;
    for (let entry = 0; entry < COPIES; entry++) {
      const seen = Atomics.load(words, this.#base + entry);
      if (seen === 0) continue;
      if (isThorough && this.#isLost(seen, [this.#base])) {
        Atomics.compareExchange(words, this.#base + entry, seen, 0);
      } else {
        this.#hint = entry;
        isHeld = true;
        if (!isThorough) break;
      }
    }
    return isHeld;
  }

  /**
   * True if nobody has, or will have, the copy of an entry. `visited` are the tables that are being
   * looked at.
   */
  #isLost(seen: number, visited: number[]): boolean {
    if ((seen & FLIGHT) === 0) return this.#isGone(seen);
    if ((seen & CARRIED) === 0 && (seen & MOVING) !== 0) {
      const ident = seen & IDENT_MASK;
      return ident !== 0 && this.#isGone(ident);
    }
    if ((seen & ATTENDED) !== 0 && (seen & CARRIED) === 0 && !this.#isGone(seen & IDENT_MASK)) {
      return false;
    }
    if ((seen & CARRIED) === 0) return this.#isAlone();
    const base = (seen & LINE_MASK) * LINE;
    const generation = Atomics.load(this.#words, base + GENERATION) & GENERATION_MASK;
    if ((seen >>> LINE_BITS & GENERATION_MASK) !== generation) return true;
    return visited.includes(base) || !this.#isInReach(base, visited);
  }

  /** True if somebody can get at what the table at `base` stands for. */
  #isInReach(base: number, visited: number[]): boolean {
    visited.push(base);
    const words = this.#words;
    if (words[base + OVERFLOW] !== 0) return true;
    for (let entry = 0; entry < COPIES; entry++) {
      const seen = Atomics.load(words, base + entry);
      if (seen !== 0 && !this.#isLost(seen, visited)) return true;
    }
    return false;
  }

  #isGone(ident: number): boolean {
    const { parties } = this.#region;
    if (ident === parties.me) return false;
    return parties.isDead(ident) || parties.roster.slotOf(ident) < 0;
  }

  /** True if nobody else is left, and has not been for a while. */
  #isAlone(): boolean {
    const { parties } = this.#region;
    const isAlone = parties.roster.list().every(({ ident }) =>
      ident === parties.me || parties.isDead(ident)
    );
    const now = performance.now();
    this.#aloneSince = isAlone ? Math.min(this.#aloneSince, now) : Infinity;
    return now - this.#aloneSince >= ALONE;
  }
}
