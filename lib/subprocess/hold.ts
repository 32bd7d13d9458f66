/**
 * The hold that keeps this program alive for one that it has started.
 *
 * The child itself, and every wait for it or for its pipes, until it settles; nothing after
 * `unref()`.
 *
 * @module
 */
import { holdProgram } from "../core/promises.ts";

/** Holds the program for what is waited for, unless it is told not to. */
export class Hold {
  #waits = 0;
  #isWanted = true;
  #letGo: (() => void) | undefined;

  /** Gives what a promise gives, and holds until it settles. */
  async during<T>(promise: PromiseLike<T>): Promise<T> {
    this.#waits++;
    this.#update();
    try {
      return await promise;
    } finally {
      this.#waits--;
      this.#update();
    }
  }

  /** From now on it holds nothing, waits that are going on included. */
  unref(): void {
    this.#isWanted = false;
    this.#update();
  }

  /** Undoes {@linkcode unref}. */
  ref(): void {
    this.#isWanted = true;
    this.#update();
  }

  #update(): void {
    if (this.#isWanted && this.#waits > 0) {
      this.#letGo ??= holdProgram();
    } else {
      this.#letGo?.();
      this.#letGo = undefined;
    }
  }
}
