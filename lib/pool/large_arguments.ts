/**
 * Shared memory that is lent to workers for large arguments, and used again.
 *
 * Fresh memory costs more than the copy: each of its pages is made when it is first touched. So a
 * large buffer is copied into memory that has been used before, when a worker is given the call and
 * not earlier: what waits takes no memory. The worker makes its own copy when it begins; by the
 * result at the latest the loan is back.
 *
 * A loan to a worker that has died is not used again: a thread that was cut off may still read it.
 *
 * @module
 */

/** Smaller buffers are no loans. */
export const LENT = 1 << 15;
/** The number of free loans of one size that are kept. */
const KEPT = 32;

/** A large argument as it is sent. */
export interface Lent {
  /** Which argument it is. */
  index: number;
  /** Its length in bytes. */
  length: number;
  /** True if it is a Uint8Array; else an ArrayBuffer. */
  isView: boolean;
}

/** Memory to lend, by its size. */
export class Lender {
  readonly #free = new Map<number, SharedArrayBuffer[]>();

  /** Lends memory with a copy of some bytes. */
  lend(bytes: Uint8Array): SharedArrayBuffer {
    const size = 2 ** Math.ceil(Math.log2(bytes.length));
    const memory = this.#free.get(size)?.pop() ?? new SharedArrayBuffer(size);
    new Uint8Array(memory).set(bytes);
    return memory;
  }

  /** Takes loans back. */
  takeBack(loans: SharedArrayBuffer[]): void {
    for (const memory of loans.splice(0)) {
      const free = this.#free.get(memory.byteLength) ?? [];
      this.#free.set(memory.byteLength, free);
      if (free.length < KEPT) free.push(memory);
    }
  }

  /** Lets go of all that is free. */
  clear(): void {
    this.#free.clear();
  }
}
