/** Targets of owner_death_test.ts. */
import { context, task } from "../lib/task.ts";
import type { Lock } from "../lib/threading.ts";
import { theArena } from "../lib/memory/arena.ts";

/** Holds the lock for ever. */
export const hold = task(import.meta, async function hold(lock: Lock) {
  await lock.acquire();
  context().report("held");
  await new Promise(() => setInterval(() => {}, 1_000));
});

/** Counts under the lock, in memory of threads. */
export const countShared = task(
  import.meta,
  function countShared(lock: Lock, memory: SharedArrayBuffer, times: number) {
    const words = new Int32Array(memory);
    for (let k = 0; k < times; k++) {
      using _ = lock.acquireSync();
      words[0] = words[0] + 1;
    }
  },
);

/** Counts under the lock, in memory of processes. */
export const countMapped = task(
  import.meta,
  function countMapped(lock: Lock, base: number, times: number) {
    const { words } = theArena().place(base, 1).region;
    for (let k = 0; k < times; k++) {
      using _ = lock.acquireSync();
      words[base] = words[base] + 1;
    }
  },
);

/** Waits for the lock, blocking, and notes whether it ever got it. */
export const waitSync = task(
  import.meta,
  function waitSync(lock: Lock, memory: SharedArrayBuffer) {
    const words = new Int32Array(memory);
    try {
      lock.acquireSync();
      Atomics.add(words, 0, 1);
    } finally {
      Atomics.add(words, 1, 1);
    }
  },
);

/** As waitSync, awaiting. */
export const waitAsync = task(
  import.meta,
  async function waitAsync(lock: Lock, memory: SharedArrayBuffer) {
    const words = new Int32Array(memory);
    try {
      await lock.acquire();
      Atomics.add(words, 0, 1);
    } finally {
      Atomics.add(words, 1, 1);
    }
  },
);
