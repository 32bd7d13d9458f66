// deno-lint-ignore-file switchyard/no-floating-wait -- it is made to forget
/**
 * The program of traps_test.ts that forgets to await. Its lines are marked with what is told of
 * them.
 */
import * as multiprocessing from "../../lib/multiprocessing.ts";
import type { LockProxy, SemaphoreProxy } from "../../lib/multiprocessing.ts";
import * as threading from "../../lib/threading.ts";

type Acquirable = threading.Lock | threading.RLock | threading.Semaphore | threading.Condition;

export async function forget(lock: threading.Lock) {
  for (let k = 0; k < 3; k++) {
    lock.acquire(); // told: Lock(A)
    await null;
    lock.release();
  }
}

export async function forgetInProcess(lock: threading.Lock) {
  lock.acquire(); // told: Lock(B)
  await null;
  lock.release();
}

export async function forgetAtManager(lock: LockProxy, seats: SemaphoreProxy) {
  lock.acquire(); // told: LockProxy
  seats.acquire(); // told: SemaphoreProxy
  await lock.release();
}

/** Is told while it goes on, and before the program ends. */
export async function goOn(lock: threading.Lock) {
  lock.acquire(); // told: Lock(C)
  await new Promise((next) => setTimeout(next, 2_000));
  console.error("it went on");
}

/** One that is forgotten among many that are not, and late. */
export async function often(lock: threading.Lock, forgotten: threading.Semaphore) {
  for (let k = 0; k < 20_000; k++) {
    await lock.acquire();
    lock.release();
    if (k < 10_000) continue;
    forgotten.acquire(); // told: Semaphore(D)
    forgotten.release();
  }
}

async function forgetHere() {
  const rlock = new threading.RLock({ name: "E" });
  rlock.acquire(); // told: RLock(E)
  const condition = new threading.Condition(new threading.Lock({ name: "F" }));
  condition.acquire({ timeout: 5 }); // told: Lock(F)
  new threading.BoundedSemaphore(2).acquire(); // told: BoundedSemaphore
  const late = new threading.Lock({ name: "G" });
  await late.acquire();
  late.acquire(); // told: Lock(G)
  late.release();
}

/** What is in order: nothing is told of it. */
export async function awaitAll(lock: Acquirable) {
  {
    using _guard = await lock.acquire();
  }
  await lock.acquire();
  lock.release();
  await lock.acquire({ timeout: 10 });
  lock.release();
  lock.acquire().then((guard) => guard.release());
  await Promise.all([lock.acquire().then(() => lock.release())]);
  (await (() => lock.acquire())()).release();
  (await (async () => await lock.acquire())()).release();
  // deno-lint-ignore require-await -- to return a promise from an async function
  (await (async () => lock.acquire())()).release();
  const first = lock.acquire();
  await new Promise((next) => setTimeout(next, 1));
  (await first).release();
  const [one] = await Promise.all([lock.acquire()]);
  lock.acquire({ timeout: 0 }).then((guard) => guard?.release());
  await null;
  one.release();
  (await Promise.race([lock.acquire()])).release();
  const signal = AbortSignal.abort();
  await lock.acquire({ signal }).catch(() => {});
  lock.acquireSync().release();
}

async function main(mode: string) {
  const { Thread } = threading;
  const { Process } = multiprocessing;
  if (mode === "threads") {
    const lock = new threading.Lock({ name: "A" });
    for (const killable of [false, true]) {
      await new Thread(forget, { args: [lock], killable }).start().result();
    }
  } else if (mode === "processes") {
    const lock = new multiprocessing.Lock({ name: "B" });
    for (let k = 0; k < 2; k++) {
      await new Process(forgetInProcess, { args: [lock] }).start().result();
    }
  } else if (mode === "manager") {
    await using manager = await multiprocessing.Manager.start();
    const args: [LockProxy, SemaphoreProxy] = [await manager.Lock(), await manager.Semaphore()];
    await new Process(forgetAtManager, { args }).start().result();
  } else if (mode === "going on") await goOn(new threading.Lock({ name: "C" }));
  else if (mode === "often") {
    await often(new threading.Lock(), new threading.Semaphore(1, { name: "D" }));
  } else if (mode === "here") await forgetHere();
  else {
    for (const { Lock, Semaphore, Condition } of [threading, multiprocessing]) {
      await awaitAll(new Lock());
      await awaitAll(new Condition(new Lock()));
      await awaitAll(new Semaphore(1));
      await new Thread(awaitAll, { args: [new Lock()] }).start().result();
    }
    await new Process(awaitAll, { args: [new multiprocessing.Lock()] }).start().result();
  }
}

if (import.meta.main) await main(Deno.args[0]!);
