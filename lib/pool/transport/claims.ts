/**
 * Who has a call: the pool, which may still want it back, or the worker that has begun it.
 *
 * A worker is given several calls ahead, so that it need not wait for each. Each has a claim, a
 * word in memory that both see: GIVEN -> TAKEN by the worker that begins the call, or GIVEN ->
 * WITHDRAWN by the pool that wants it back (for an idle worker, or because it was cancelled): one
 * of the two wins. So no long call keeps others from a worker that is free, and when a worker dies
 * the pool knows which call it had begun.
 *
 * A claim's number grows without end; the word holds it too, so that an old one is not taken for a
 * new one. As at most {@linkcode MOST_CLAIMS} are out at a time, no two share a word.
 *
 * @module
 */

/** The most calls that a worker may be given ahead. */
export const MOST_CLAIMS = 1024;
/** The number of words that claims take: those of the newest call, and one for each. */
export const CLAIMS_WORDS: number = 16 + MOST_CLAIMS;

/** The id of the call that is asked to end, for code that never pauses. */
const CANCELLED = 0;
/** When the newest call began, in ms of the clock that all share, modulo 2^31. */
const BEGAN = 1;
const FIRST = 16;

const GIVEN = 1;
const TAKEN = 2;
const WITHDRAWN = 3;
const BITS = 2;

/** The claims of one worker. */
export class Claims {
  readonly #words: Int32Array<ArrayBufferLike>;
  readonly #base: number;

  constructor(words: Int32Array<ArrayBufferLike>, base: number) {
    this.#words = words;
    this.#base = base;
  }

  #index(number: number): number {
    return this.#base + FIRST + number % MOST_CLAIMS;
  }

  /** Makes a claim, before its call is sent. */
  give(number: number): void {
    Atomics.store(this.#words, this.#index(number), number << BITS | GIVEN);
  }

  /** The worker's side: whether it may begin. */
  take(number: number): boolean {
    const given = number << BITS | GIVEN;
    const index = this.#index(number);
    return Atomics.compareExchange(this.#words, index, given, number << BITS | TAKEN) === given;
  }

  /** The pool's side: whether it has the call back. */
  withdraw(number: number): boolean {
    const given = number << BITS | GIVEN;
    const index = this.#index(number);
    return Atomics.compareExchange(this.#words, index, given, number << BITS | WITHDRAWN) === given;
  }

  /** True if the call has been begun. */
  isTaken(number: number): boolean {
    return Atomics.load(this.#words, this.#index(number)) === (number << BITS | TAKEN);
  }

  /** Says that a call which has been begun is to end. */
  cancel(id: number): void {
    Atomics.store(this.#words, this.#base + CANCELLED, id);
  }

  /** True if the call is to end. */
  isCancelled(id: number): boolean {
    return Atomics.load(this.#words, this.#base + CANCELLED) === id;
  }

  /** Says that a call begins now. */
  begin(now: number): void {
    Atomics.store(this.#words, this.#base + BEGAN, now | 0);
  }

  /** For how long the newest call has been running, in ms. */
  ranFor(now: number): number {
    return (now | 0) - Atomics.load(this.#words, this.#base + BEGAN) | 0;
  }
}
