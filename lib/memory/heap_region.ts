/**
 * Memory that the threads of one process share: SharedArrayBuffers, waited on with `Atomics`.
 *
 * @module
 */
import type { Parties, Region } from "./region.ts";
import { self } from "./self.ts";

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

// `Atomics.waitAsync` does not keep a program alive, and its timeout never fires when nothing else
// is pending: one timer is held while anything waits.
let waiting = 0;
let keepAlive: ReturnType<typeof setInterval> | undefined;

function hold(): void {
  if (waiting++ === 0) keepAlive = setInterval(() => {}, 1 << 30);
}

function letGo(): void {
  if (--waiting === 0) clearInterval(keepAlive);
}

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
    hold();
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
