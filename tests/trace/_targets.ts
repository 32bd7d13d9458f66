/** Targets of the tests of traces. */
import { exit } from "../../lib/os.ts";
import type * as multiprocessing from "../../lib/multiprocessing.ts";
import type { QueueLike } from "../../lib/queue.ts";
import { task } from "../../lib/task.ts";
import { type Event, type Lock, Thread } from "../../lib/threading.ts";
import { sleepSync } from "../../lib/time.ts";
import { mark, start } from "../../lib/trace.ts";
import { compute } from "../_help/compute.ts";

type Connection = ReturnType<typeof multiprocessing.pipe>[0];

/** Does something of each kind, while the caller holds the lock. */
export const everything = task(
  import.meta,
  function everything(lock: Lock, queue: QueueLike<number>, asks: Event) {
    mark("begin");
    asks.set();
    {
      using _guard = lock.acquireSync();
      mark("inside");
      sleepSync(1);
    }
    queue.putSync(queue.getSync() + 1);
  },
);

export const echo = task(import.meta, async function echo(connection: Connection) {
  await connection.send(await connection.recv());
});

/** Takes the lock and stays, for ever. */
export const stay = task(import.meta, function stay(lock: Lock, has: Event) {
  lock.acquireSync();
  mark("has it");
  has.set();
  sleepSync(1e9);
});

export const spin = task(import.meta, function spin(has: Event) {
  has.set();
  compute(10_000);
});

export const double = task(import.meta, function double(x: number) {
  if (x < 0) throw new RangeError("negative");
  return 2 * x;
});

/** Starts a thread here that takes the lock. */
export const nest = task(import.meta, async function nest(lock: Lock) {
  await new Thread(enter, { args: [lock], name: "inner" }).start().result();
});

export const enter = task(import.meta, function enter(lock: Lock) {
  using _guard = lock.acquireSync();
});

export const marks = task(import.meta, function marks(count: number) {
  for (let k = 1; k <= count; k++) mark(`mark ${k}`);
});

export const leave = task(import.meta, function leave(code: number) {
  exit(code);
});

export const free = task(import.meta, function free(lock: Lock) {
  lock.release();
});

/** The error of a start, if there is one. */
export const startThere = task(import.meta, function startThere() {
  try {
    start().stop();
  } catch (error) {
    return (error as Error).message;
  }
  return undefined;
});
