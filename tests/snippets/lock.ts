import { Lock, Thread } from "@switchyard/switchyard/threading";

export function count(lock: Lock, memory: SharedArrayBuffer) {
  const total = new Int32Array(memory);
  for (let k = 0; k < 1000; k++) {
    using _guard = lock.acquireSync(); // or: await lock.acquire()
    total[0] = total[0] + 1;
  }
}

if (import.meta.main) {
  const lock = new Lock();
  const memory = new SharedArrayBuffer(4);
  const threads = [1, 2, 3, 4].map(() => new Thread(count, { args: [lock, memory] }).start());
  for (const thread of threads) await thread.join();
  console.log(new Int32Array(memory)[0]); // 4000
}
