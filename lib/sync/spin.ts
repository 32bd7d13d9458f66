/**
 * Spinning before parking: what is waited for often comes within a microsecond, and waking a
 * parked thread takes 45. How long to spin is learnt: the budget grows when spinning paid and
 * shrinks when it ended in a park. On one core nothing spins: the holder could not run meanwhile.
 * There a thread may nap.
 *
 * @module
 */
import { cpuCount } from "../core/environment.ts";

const MOST = 2000;
const LEAST = 16;
const PROBE_EVERY = 32;
const PROBE = 256;

/** Tells the core that this is a spin loop. */
export const pause: () => void =
  (Atomics as unknown as { pause?: () => void }).pause?.bind(Atomics) ?? (() => {});

/** True if another thread can run while this one spins. */
export const CAN_SPIN: boolean = cpuCount() > 1;

/** The time that one thread spins for one thing. */
export class SpinBudget {
  readonly #probe: number;
  #budget: number;
  #waits = 0;

  /** `probe` is how many looks are taken now and then, in case times have changed. */
  constructor(probe = PROBE) {
    this.#probe = this.#budget = probe;
  }

  /** The number of looks to take now; every 32nd wait tries a little. */
  next(): number {
    if (!CAN_SPIN) return 0;
    const isProbe = ++this.#waits % PROBE_EVERY === 0;
    return isProbe ? Math.max(this.#budget, this.#probe) : this.#budget;
  }

  /** Spinning succeeded at look number `looks`. */
  paid(looks: number): void {
    this.#budget = Math.min(MOST, Math.max(this.#budget, 2 * looks + LEAST));
  }

  /** Spinning ended in a park. */
  failed(): void {
    this.#budget = Math.max(LEAST, this.#budget >> 2);
  }
}

/**
 * Spins while the word is `value`, as long as the budget allows; whether it changed.
 *
 * @param pauses The number of pauses between two looks: each look takes the word away from the
 *   core that is to write it.
 */
export function spinWhile(
  words: Int32Array<ArrayBufferLike>,
  index: number,
  value: number,
  spin: SpinBudget,
  pauses = 1,
): boolean {
  const looks = spin.next();
  for (let k = 0; k < looks; k++) {
    if (Atomics.load(words, index) !== value) {
      spin.paid(k);
      return true;
    }
    for (let p = 0; p < pauses; p++) pause();
  }
  spin.failed();
  return false;
}

/**
 * The time of a nap, in ms. A much shorter one costs more: the kernel must set a timer for it.
 */
const NAP = 1;
/** The most waits that go by without a nap. */
const MOST_WITHOUT_NAP = 32;

/**
 * Which awaited waits begin with a nap, in which the thread blocks for a moment. On one core the
 * other side cannot run while this one spins, and an awaited wait goes by way of another thread; so
 * a nap is tried as long as that has paid lately. When one did not pay, the next is tried one wait
 * later, then three, and so on.
 */
export class NapBudget {
  #waitsLeft = 0;
  #gap = 0;

  /** Naps, if it is worth it. `nap` blocks for some ms, and says whether what is awaited came. */
  take(nap: (ms: number) => boolean): boolean {
    if (this.#waitsLeft > 0) {
      this.#waitsLeft--;
      return false;
    }
    const came = nap(NAP);
    this.#gap = came ? 0 : Math.min(MOST_WITHOUT_NAP, 2 * this.#gap + 1);
    this.#waitsLeft = this.#gap;
    return came;
  }
}
