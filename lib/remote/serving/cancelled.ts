/**
 * The calls that were cancelled before they came to a worker, which then does not run them.
 *
 * @module
 */

/** How many are remembered. */
const MOST = 10_000;

/** The calls that were cancelled of late, and did not come yet. */
export class CancelledCalls {
  /** The latest last. */
  readonly #calls = new Set<string>();

  /** Remembers one. */
  add(call: string): void {
    this.#calls.add(call);
    if (this.#calls.size <= MOST) return;
    for (const oldest of this.#calls) {
      this.#calls.delete(oldest);
      break;
    }
  }

  /** One has come; whether it was cancelled. */
  take(call: string): boolean {
    return this.#calls.delete(call);
  }
}
