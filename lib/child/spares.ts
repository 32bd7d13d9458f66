/**
 * Children made in advance, so that a start need not wait for one.
 *
 * A spare has done all of its start but the import of the target. Making one blocks its maker, and
 * takes time away from those that have begun: so none is made while starts come, and what was taken
 * is made anew, one after the other, when nobody has taken any for a while. Spares keep no program
 * alive, and one that dies is forgotten.
 *
 * @module
 */

import { held } from "../core/promises.ts";

/** A spare that is being made. */
export interface Making<S> {
  spare: S;
  /** Settles when it stands ready. */
  ready: Promise<void>;
  /** Settles when it has died. */
  dead: Promise<unknown>;
}

/** After how long without a start spares are made anew, in ms. */
const QUIET = 200;
/** After how many in a row that died before they stood ready no more are made. */
const TRIES = 3;

/** Spares of one kind. */
export class Spares<S> {
  readonly #make: () => Making<S>;
  readonly #discard: (spare: S) => Promise<unknown>;
  readonly #ready = new Set<S>();
  readonly #making = new Set<Making<S>>();
  readonly #quiet: number;
  #wanted = 0;
  /** The number that were ever taken. */
  #taken = 0;
  /** The number in a row that died before they stood ready. */
  #stillborn = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Spares that `make` makes and `discard` ends. */
  constructor(make: () => Making<S>, discard: (spare: S) => Promise<unknown>, quiet = QUIET) {
    this.#make = make;
    this.#discard = discard;
    this.#quiet = quiet;
  }

  /**
   * Keeps `count` more spares until it is disposed of; settles when they stand ready.
   *
   * @throws {Error} One after the other dies before it stands ready.
   */
  async hold(count: number): Promise<AsyncDisposable> {
    this.#wanted += count;
    this.#stillborn = 0;
    let isHeld = true;
    try {
      while (this.#ready.size < this.#wanted) {
        if (this.#stillborn >= TRIES) {
          throw new Error(`Cannot prewarm: ${TRIES} children died before they stood ready`);
        }
        while (this.#ready.size + this.#making.size < this.#wanted) this.#add();
        await this.#nextMade();
      }
    } catch (cause) {
      await this.#release(count);
      throw cause;
    }
    return {
      [Symbol.asyncDispose]: async () => {
        if (!isHeld) return;
        isHeld = false;
        await this.#release(count);
      },
    };
  }

  /** Takes a spare, the first that `fits`. */
  take(fits: (spare: S) => boolean = () => true): S | undefined {
    for (const spare of this.#ready) {
      if (!fits(spare)) continue;
      this.#ready.delete(spare);
      this.#taken++;
      // Not now: who takes one is in a hurry.
      queueMicrotask(() => this.#refillLater());
      return spare;
    }
    return undefined;
  }

  #add(): Making<S> {
    const making = this.#make();
    this.#making.add(making);
    const { spare, ready, dead } = making;
    ready.then(() => {
      if (!this.#making.delete(making)) return;
      this.#ready.add(spare);
      this.#stillborn = 0;
    });
    dead.then(() => {
      if (this.#making.delete(making)) this.#stillborn++;
      this.#ready.delete(spare);
    });
    return making;
  }

  async #release(count: number): Promise<void> {
    this.#wanted -= count;
    if (this.#wanted === 0) clearTimeout(this.#timer);
    const extra = () => this.#ready.size + this.#making.size > this.#wanted;
    while (extra() && this.#making.size > 0) {
      await this.#nextMade();
    }
    for (const spare of this.#ready) {
      if (!extra()) break;
      this.#ready.delete(spare);
      await held(this.#discard(spare));
    }
  }

  /** Settles when the next stands ready, or has died; spares themselves keep no program alive. */
  async #nextMade(): Promise<void> {
    const made = [...this.#making].map(({ ready, dead }) => Promise.race([ready, dead]));
    await held(Promise.race(made));
  }

  #refillLater(): void {
    clearTimeout(this.#timer);
    if (this.#wanted === 0) return;
    this.#timer = setTimeout(() => this.#refill(), this.#quiet);
    this.#timer.unref();
  }

  /** Makes one after the other, until there are enough, or a start comes. */
  #refill(): void {
    if (this.#ready.size + this.#making.size >= this.#wanted) return;
    if (this.#stillborn >= TRIES) return;
    const { ready, dead } = this.#add();
    const taken = this.#taken;
    Promise.race([ready, dead]).then(() => taken === this.#taken && this.#refill());
  }
}
