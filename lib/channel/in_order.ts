/**
 * Calls that go one after the other, in the order in which they were made: sends that have to wait.
 *
 * @module
 */

import { reached } from "../core/promises.ts";

/** The calls of one connection. */
export class Turns {
  #last: Promise<unknown> | undefined;
  #count = 0;

  /** True if no call is under way or waits. */
  get isFree(): boolean {
    return this.#count === 0;
  }

  /**
   * Runs a call when those before it are done.
   *
   * @param call Told how much of the timeout is left.
   * @returns What it gives, or undefined when the timeout ended before its turn.
   */
  async run<R>(
    call: (left: number) => Promise<R>,
    timeout: number,
    signal: AbortSignal | undefined,
  ): Promise<R | undefined> {
    const deadline = performance.now() + timeout;
    const before = this.#last;
    const mine = Promise.withResolvers<void>();
    this.#last = before === undefined ? mine.promise : before.then(() => mine.promise);
    this.#count++;
    try {
      if (before !== undefined && !await reached(before, timeout, signal)) return undefined;
      return await call(
        timeout === Infinity ? Infinity : Math.max(0, deadline - performance.now()),
      );
    } finally {
      mine.resolve();
      if (--this.#count === 0) this.#last = undefined;
    }
  }
}
