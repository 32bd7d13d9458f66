/**
 * Memory that processes share: mapped by FFI, waited on by futex. `Atomics` on it are exact between
 * processes; `Atomics.wait` refuses it, hence the futex.
 *
 * @module
 */
import { Doorbell } from "./doorbell.ts";
import type { Platform } from "./platform/platform.ts";
import type { Parties, Region } from "./region.ts";

/** A region in mapped memory. */
export class MappedRegion implements Region {
  readonly words: Int32Array<ArrayBuffer>;
  readonly parties: Parties;
  readonly #platform: Platform;
  readonly #address: bigint;
  readonly #doorbell: Doorbell;

  /** `bell` is a word of this thread's own. */
  constructor(
    platform: Platform,
    address: bigint,
    words: Int32Array<ArrayBuffer>,
    parties: Parties,
    bell: number,
  ) {
    this.#platform = platform;
    this.#address = address;
    this.words = words;
    this.parties = parties;
    this.#doorbell = new Doorbell(platform, words, address, bell);
  }

  waitSync(index: number, value: number, timeout: number): void {
    this.#platform.waitSync(this.#address + BigInt(index * 4), value, timeout);
  }

  wait(index: number, value: number, timeout: number): Promise<void> {
    return this.#doorbell.wait(index, value, timeout);
  }

  wake(index: number, count: number): void {
    this.#platform.wake(this.#address + BigInt(index * 4), count);
  }
}
