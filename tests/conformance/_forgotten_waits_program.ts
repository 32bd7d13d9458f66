// deno-lint-ignore-file switchyard/no-floating-wait -- it is made to forget
/**
 * The program of traps_test.ts that forgets to await joins, waits and puts. Its lines are marked
 * with the modes that tell of them, what is waited for, and how it is written.
 */
import * as futures from "../../lib/futures.ts";
import * as multiprocessing from "../../lib/multiprocessing.ts";
import type {
  BarrierProxy,
  ConditionProxy,
  EventProxy,
  QueueProxy,
} from "../../lib/multiprocessing.ts";
import * as queues from "../../lib/queue.ts";
import * as threading from "../../lib/threading.ts";

type TaskQueue = queues.Queue<number> | multiprocessing.JoinableQueue<number>;

/** What is waited for: of threads, or of processes. */
type Things = [
  event: threading.Event,
  condition: threading.Condition,
  other: threading.Condition,
  barrier: threading.Barrier,
  queue: TaskQueue,
];

function things(face: typeof threading | typeof multiprocessing): Things {
  return [
    new face.Event({ name: "E" }),
    new face.Condition(new face.Lock(), { name: "C" }),
    new face.Condition(new face.Lock(), { name: "O" }),
    new face.Barrier(2, { name: "B" }),
    face === threading
      ? new queues.Queue<number>(1)
      : new multiprocessing.JoinableQueue<number>(1, { name: "Q" }),
  ];
}

export async function forget(...[event, condition, other, barrier, queue]: Things) {
  event.wait(); // script thread process: Event(E) event.wait()
  await condition.acquire();
  condition.wait(); // script thread process: Condition(C) condition.wait()
  await other.acquire();
  other.waitFor(() => event.isSet()); // script thread process: Condition(O) condition.waitFor(predicate)
  barrier.wait(); // script thread process: Barrier(B) barrier.wait()
  await queue.put(1);
  queue.put(2); // script thread process: Queue queue.put(item)
  queue.join(); // script thread process: Queue queue.join()
  // All of them come to their end, and nobody has to wait.
  event.set();
  for (const one of [condition, other]) {
    await one.acquire();
    one.notify();
    one.release();
  }
  await barrier.wait();
  for (let k = 0; k < 2; k++) {
    await queue.get();
    queue.taskDone();
  }
}

export function nothing() {}

async function forgetHere() {
  const thread = new threading.Thread(nothing, { name: "T" }).start();
  thread.join(); // script: Thread(T) thread.join()
  const ended = new threading.Thread(nothing, { name: "U" }).start();
  await ended.result();
  ended.join(); // script: Thread(U) thread.join()
  new threading.Timer(1, nothing, { name: "R" }).start().join(); // script: Timer(R) thread.join()
  const process = new multiprocessing.Process(nothing, { name: "P" }).start();
  process.join(); // script: Process(P) process.join()
  const pool = new multiprocessing.ThreadPool(1);
  await pool.apply(nothing);
  pool.close();
  pool.join(); // script: ThreadPool pool.join()
}

async function forgetAtManager(
  event: EventProxy,
  condition: ConditionProxy,
  other: ConditionProxy,
  barrier: BarrierProxy,
  queue: QueueProxy<number>,
) {
  event.wait(); // manager: EventProxy event.wait()
  await condition.acquire();
  condition.wait(); // manager: ConditionProxy condition.wait()
  await other.acquire();
  other.waitFor(() => event.isSet()); // manager: ConditionProxy condition.waitFor(predicate)
  barrier.wait(); // manager: BarrierProxy barrier.wait()
  await queue.put(1);
  queue.join(); // manager: QueueProxy queue.join()
  await event.set();
  for (const one of [condition, other]) {
    await one.acquire();
    await one.notify();
    await one.release();
  }
  await barrier.wait();
  await queue.get();
  await queue.taskDone();
}

/** So many at one place that not all can be kept in mind, and later one at another. */
async function forgetMany() {
  const queue = new queues.Queue();
  for (let k = 0; k < 300_000; k++) {
    queue.join(); // many: Queue queue.join()
    if (k % 1000 === 0) await null;
  }
  await new Promise((next) => setTimeout(next, 1_500));
  queue.join(); // many: Queue queue.join()
}

/** What is in order: nothing is told of it. */
export async function awaitAll(...[event, condition, , barrier, queue]: Things) {
  // Done at once.
  await queue.put(0);
  await queue.get();
  queue.taskDone();
  queue.put(1);
  event.set();
  event.wait();
  await condition.acquire();
  condition.waitFor(() => true);
  condition.release();
  const first = barrier.wait();
  barrier.wait();
  // Awaited: now, later, together, by others.
  event.clear();
  setTimeout(() => event.set(), 20);
  const later = event.wait();
  const left = event.wait({ timeout: 5 }).then((isSet) => isSet);
  event.wait().catch(() => {});
  event.wait().finally(() => {});
  await Promise.race([event.wait(), first]);
  await Promise.all([event.wait(), first]);
  await Promise.allSettled([event.wait()]);
  await Promise.any([event.wait()]);
  await (() => event.wait())();
  // deno-lint-ignore require-await -- to return a promise from an async function
  await (async () => event.wait())();
  await (async () => await event.wait())();
  await new Promise((resolve) => resolve(event.wait()));
  await later;
  await left;
  const put = queue.put(2);
  const joined = queue.join();
  for (let k = 0; k < 2; k++) {
    await queue.get();
    queue.taskDone();
  }
  await put;
  await joined;
  await condition.acquire();
  const notified = condition.wait();
  await condition.acquire();
  condition.notify();
  condition.release();
  await notified;
  condition.release();
}

async function awaitChildren() {
  {
    await using _thread = new threading.Thread(nothing).start();
    await using _process = new multiprocessing.Process(nothing).start();
    await using _pool = new multiprocessing.ThreadPool(1);
    await using executor = new futures.ThreadPoolExecutor(1);
    await executor.submit(nothing).result();
    using _blocking = new threading.Thread(nothing).start();
    const timer = new threading.Timer(1, nothing).start();
    await timer.join();
  }
  await using manager = await multiprocessing.Manager.start();
  const event = await manager.Event();
  const waiting = event.wait();
  await event.set();
  await waiting;
  const threads = [1, 2].map(() => new threading.Thread(nothing).start());
  await Promise.all(threads.map((thread) => thread.join()));
}

/** Fails before it comes to its await. */
export async function fail(event: threading.Event) {
  const later = event.wait();
  await null;
  if (!event.isSet()) throw new RangeError("on its way");
  await later;
}

async function main(mode: string) {
  const { Thread } = threading;
  const { Process } = multiprocessing;
  if (mode === "script") {
    await forget(...things(threading));
    await forgetHere();
  } else if (mode === "thread") {
    for (const killable of [false, true]) {
      await new Thread(forget, { args: things(threading), killable }).start().result();
    }
  } else if (mode === "process") {
    for (let k = 0; k < 2; k++) {
      await new Process(forget, { args: things(multiprocessing) }).start().result();
    }
  } else if (mode === "manager") {
    await using manager = await multiprocessing.Manager.start();
    await forgetAtManager(
      await manager.Event(),
      await manager.Condition(),
      await manager.Condition(),
      await manager.Barrier(2),
      await manager.Queue<number>(),
    );
  } else if (mode === "many") await forgetMany();
  else if (mode === "failed") {
    await new Process(fail, { args: [new multiprocessing.Event()] }).start().join();
    await new Thread(fail, { args: [new threading.Event()] }).start().join();
    new threading.Event().wait();
    Deno.exit(3);
  } else {
    for (const face of [threading, multiprocessing]) {
      await awaitAll(...things(face));
      await new Thread(awaitAll, { args: things(face) }).start().result();
    }
    await new Process(awaitAll, { args: things(multiprocessing) }).start().result();
    await awaitChildren();
  }
}

if (import.meta.main) await main(Deno.args[0]!);
