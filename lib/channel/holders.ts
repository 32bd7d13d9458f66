/**
 * Who has an end of a pipe open: a table in the family's memory, of one word for each copy.
 *
 * ```text
 *   0 --claim--> ident of the holder --release, or the holder is gone--> 0
 *   0 --send---> FLIGHT | ident of the sender --land--> ident of the receiver
 *                                             \--the receiver has ended--> 0
 * ```
 *
 * Who dies when:
 *
 * - a holder, at any time: whoever looks thoroughly finds that it is gone and clears its word;
 * - the receiver of a copy before it has landed: whoever started it clears the word (`transfer/flight.ts`). A
 *   copy that was sent another way, through a queue say, has no known receiver: it is held to be lost
 *   when nobody is left who could have received it, that is when the looker has been alone in the
 *   family for {@linkcode ALONE} ms.
 *
 * @module
 */
import type { Region } from "../memory/region.ts";

/** How many copies an end can have at a time. */
const COPIES = 126;
/** The words of a table. */
export const HOLDERS_WORDS = 128;

const FLIGHT = 1 << 30;
/** How long one is alone in the family before copies that never landed are given up, in ms. */
const ALONE = 1000;

/** The holders of one end. */
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

  /** Whether there is any, by a glance; one that was killed still counts. */
  get seemHeld(): boolean {
    return Atomics.load(this.#words, this.#base + this.#hint) !== 0 || this.#scan(false);
  }

  /** Whether there is any that lives. */
  get areHeld(): boolean {
    return this.#scan(true);
  }

  #take(value: number): number {
    for (let tries = 0; tries < 2; tries++) {
      for (let entry = 0; entry < COPIES; entry++) {
        if (Atomics.compareExchange(this.#words, this.#base + entry, 0, value) === 0) return entry;
      }
      // Free what the dead have left, and try again.
      this.#scan(true);
    }
    throw new RangeError(`Cannot share a connection: one end has ${COPIES} copies already`);
  }

  #scan(isThorough: boolean): boolean {
    const words = this.#words;
    let isHeld = false;
    for (let entry = 0; entry < COPIES; entry++) {
      const seen = Atomics.load(words, this.#base + entry);
      if (seen === 0) continue;
      const isGone = isThorough &&
        ((seen & FLIGHT) !== 0 ? this.#isAlone() : this.#isGone(seen));
      if (isGone) Atomics.compareExchange(words, this.#base + entry, seen, 0);
      else {
        this.#hint = entry;
        isHeld = true;
        if (!isThorough) break;
      }
    }
    return isHeld;
  }

  #isGone(ident: number): boolean {
    const { parties } = this.#region;
    if (ident === parties.me) return false;
    return parties.isDead(ident) || parties.roster.slotOf(ident) < 0;
  }

  /** Whether nobody else is left, and has not been for a while. */
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
