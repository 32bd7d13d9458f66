/**
 * Memory that the threads of one process share: SharedArrayBuffers, waited on with `Atomics`.
 *
 * @module
 */
import { holdProgram } from "../core/promises.ts";
import type { Parties, Region } from "./region.ts";
import { self } from "./this_thread.ts";

/** The threads of this process. */
const threads: Parties = {
  get roster() {
    return self().roster;
  },
  get slot() {
    return self().slot;
  },
  get me() {
    return self().ident;
  },
  isDead(ident) {
    return self().roster.isDead(ident);
  },
};

/** A region in a SharedArrayBuffer. */
export class HeapRegion implements Region {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly parties = threads;

  constructor(buffer: SharedArrayBuffer) {
    this.words = new Int32Array(buffer);
  }

  waitSync(index: number, value: number, timeout: number): void {
    Atomics.wait(this.words, index, value, timeout);
  }

  async wait(index: number, value: number, timeout: number): Promise<void> {
    const parked = Atomics.waitAsync(this.words, index, value, timeout);
    if (!parked.async) return;
    // `Atomics.waitAsync` keeps no program alive, and its timeout never fires when nothing else is
    // pending.
    const letGo = holdProgram();
    try {
      await parked.value;
    } finally {
      letGo();
    }
  }

  wake(index: number, count: number): void {
    Atomics.notify(this.words, index, count);
  }
}
