/**
 * The guard: what `acquire()` gives, and what `using` releases.
 *
 * @module
 */
import { INSPECT, shown } from "../core/inspect.ts";

/** The key of {@linkcode Held.prototype[GIVE_BACK]}. */
export const GIVE_BACK: unique symbol = Symbol("giveBack");

/** The holder that a guard can give back to. */
export interface Held {
  /** Ends the acquisition `turn`; does nothing when it has ended already. */
  [GIVE_BACK](turn: number): void;
}

/**
 * One acquisition of a lock or permit.
 *
 * `using _ = await lock.acquire()` releases it at the end of the block, however the block ends.
 */
export class Guard implements Disposable {
  /**
   * True if the holder before was stopped, killed or ended by an uncaught error while it held the
   * lock: what the lock protects may be half changed, so check it.
   */
  readonly abandoned: boolean;
  /** Until it is released. */
  #held: Held | undefined;
  readonly #turn: number;

  /** Locks create guards; scripts get them from `acquire()`. */
  constructor(held: Held, turn: number, abandoned: boolean) {
    this.#held = held;
    this.#turn = turn;
    this.abandoned = abandoned;
  }

  /** Ends this acquisition, and no other: a second call does nothing. */
  release(): void {
    const held = this.#held;
    if (held === undefined) return;
    this.#held = undefined;
    held[GIVE_BACK](this.#turn);
  }

  /** @ignore */
  [INSPECT](): string {
    return shown(
      this,
      () => [this.#held === undefined ? "released" : "held", this.abandoned ? "abandoned" : ""],
    );
  }

  /** As {@linkcode release}. */
  [Symbol.dispose](): void {
    this.release();
  }
}
