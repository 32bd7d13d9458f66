/**
 * All waits of one thread that must not block its event loop share one parked call: each call that
 * does not block occupies a thread of Deno's pool, and there are about 32 of them.
 *
 * The call waits on every word that somebody here waits on, and on a word of this thread's own, the
 * bell. A new wait rings the bell, so that the call comes back and is made again with one word
 * more.
 *
 * @module
 */
import type { Platform } from "./platform/platform.ts";

interface Waiter {
  index: number;
  value: number;
  /** When it is to look again, by `performance.now()`. */
  until: number;
  wake: () => void;
}

/** The one parked call of this thread. */
export class Doorbell {
  readonly #platform: Platform;
  readonly #words: Int32Array<ArrayBufferLike>;
  readonly #address: bigint;
  readonly #bell: number;
  #waiters: Waiter[] = [];
  #parked = false;

  constructor(
    platform: Platform,
    words: Int32Array<ArrayBufferLike>,
    address: bigint,
    bell: number,
  ) {
    this.#platform = platform;
    this.#words = words;
    this.#address = address;
    this.#bell = bell;
  }

  /** Settles when the word is woken or is not `value`, or after `timeout` ms. */
  wait(index: number, value: number, timeout: number): Promise<void> {
    if (Atomics.load(this.#words, index) !== value) return Promise.resolve();
    return new Promise((wake) => {
      this.#waiters.push({ index, value, until: performance.now() + timeout, wake });
      if (this.#parked) this.#ring();
      else this.#park();
    });
  }

  #ring(): void {
    Atomics.add(this.#words, this.#bell, 1);
    this.#platform.wake(this.#address + BigInt(this.#bell * 4), 1);
  }

  async #park(): Promise<void> {
    this.#parked = true;
    while (this.#waiters.length > 0) {
      const bell = Atomics.load(this.#words, this.#bell);
      const values = new Map<number, number>([[this.#bell, bell]]);
      let until = Infinity;
      for (const waiter of this.#waiters) {
        values.set(waiter.index, waiter.value);
        until = Math.min(until, waiter.until);
      }
      const indexes = [...values.keys()];
      await this.#platform.waitAny(
        indexes.map((index) => this.#address + BigInt(index * 4)),
        [...values.values()],
        Math.max(0, until - performance.now()),
      );
      // Which of the words woke the call is not asked: unless it was the bell, all look again. A
      // wake-up taken here so always reaches every waiter of this thread that it may concern.
      const rung = Atomics.load(this.#words, this.#bell) !== bell;
      const now = performance.now();
      const staying: Waiter[] = [];
      for (const waiter of this.#waiters) {
        const same = Atomics.load(this.#words, waiter.index) === waiter.value;
        if (rung && same && now < waiter.until) staying.push(waiter);
        else waiter.wake();
      }
      this.#waiters = staying;
      // Let those woken run: they may wait again, and then join the next call.
      await null;
    }
    this.#parked = false;
  }
}
