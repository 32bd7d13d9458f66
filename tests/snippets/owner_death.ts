import { Lock, Process } from "@switchyard/switchyard/multiprocessing";

export function crash(lock: Lock) {
  lock.acquireSync();
  Deno.kill(Deno.pid, "SIGKILL"); // no finally block, no goodbye
}

if (import.meta.main) {
  const lock = new Lock();
  const child = new Process(crash, { args: [lock] }).start();
  await child.join();
  console.log(child.exitcode); // -9
  using guard = await lock.acquire();
  console.log(guard.abandoned); // true: look at what the lock protects
}
