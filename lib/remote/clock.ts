/**
 * Everything here that happens after a time, on one timer. It keeps no program alive: who awaits
 * what is to happen does. A thread that blocks in a wait of the toolkit goes on with it between two
 * parks, so a delay ends there too.
 *
 * @module
 */
import { services } from "../core/hooks.ts";
import { Countdown } from "../core/promises.ts";

interface Due {
  at: number;
  fn: () => void;
}

/** A list of what is due when. */
export class Clock {
  /** The last is due first. */
  readonly #list: Due[] = [];
  #timer: Countdown | undefined;
  #timedFor = Infinity;

  /**
   * Calls `fn` after `ms`, at least; with Infinity never.
   *
   * @returns What calls it off; later it does nothing.
   */
  after(ms: number, fn: () => void): () => void {
    if (ms === Infinity) return () => {};
    const due: Due = { at: performance.now() + ms, fn };
    this.#list.splice(this.#placeOf(due.at), 0, due);
    services.add(this.tick);
    this.#wind();
    return () => this.#remove(due);
  }

  /** The index before which all is due later; what is due at the same time comes in turn. */
  #placeOf(at: number): number {
    let [low, high] = [0, this.#list.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#list[middle]!.at > at) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #remove(due: Due): void {
    for (let k = this.#placeOf(due.at); this.#list[k]?.at === due.at; k++) {
      if (this.#list[k] !== due) continue;
      this.#list.splice(k, 1);
      return this.#wind();
    }
  }

  #wind(): void {
    const next = this.#list.at(-1);
    if (next === undefined) {
      this.#timer?.cancel();
      this.#timer = undefined;
      this.#timedFor = Infinity;
      services.delete(this.tick);
    } else if (next.at < this.#timedFor) {
      this.#timer?.cancel();
      this.#timedFor = next.at;
      this.#timer = new Countdown(next.at - performance.now(), this.#ring).unref();
    }
  }

  readonly #ring = (): void => {
    this.#timer = undefined;
    this.#timedFor = Infinity;
    this.tick();
    this.#wind();
  };

  /** Does what is due; whether there was something. */
  readonly tick = (): boolean => {
    const now = performance.now();
    let any = false;
    for (let next = this.#list.at(-1); next !== undefined && next.at <= now;) {
      this.#list.pop();
      any = true;
      next.fn();
      next = this.#list.at(-1);
    }
    if (any) this.#wind();
    return any;
  };
}
