/**
 * The synchronizers between processes: those of threads, in the family's memory.
 *
 * @module
 */
import { show } from "../core/checks.ts";
import { theArena } from "../memory/arena.ts";
import { AT, type Placed } from "../memory/placement.ts";
import { checkState, shareable } from "../transfer/shareable.ts";
import {
  arrayWords,
  checkSource,
  type SentArray,
  SharedArray as ThreadArray,
} from "../sync/array.ts";
import {
  Barrier as ThreadBarrier,
  type BarrierOptions,
  barrierWords,
  checkParties,
  type SentBarrier,
} from "../sync/barrier.ts";
import type { NameOptions, SentCell } from "../sync/cell.ts";
import {
  Condition as ThreadCondition,
  CONDITION_WORDS,
  type SentCondition,
} from "../sync/condition.ts";
import { Event as ThreadEvent, EVENT_WORDS } from "../sync/event.ts";
import { Lock as ThreadLock, LOCK_WORDS } from "../sync/lock.ts";
import type { NonBigType, NumberOf, NumericType } from "../sync/numeric.ts";
import { RLock as ThreadRLock, RLOCK_WORDS } from "../sync/rlock.ts";
import {
  BoundedSemaphore as ThreadBoundedSemaphore,
  Semaphore as ThreadSemaphore,
  SEMAPHORE_WORDS,
} from "../sync/semaphore.ts";
import { LOCK, type SentValue, Value as ThreadValue, VALUE_WORDS } from "../sync/value.ts";

/** The options, with a place in the family's memory. */
function placed<O extends Placed>(options: O, words: number): O {
  // Checked by the constructor to come; what is no object must reach it as it is.
  if (Object(options).constructor !== Object) return options;
  return { ...options, [AT]: options?.[AT] ?? theArena().allocate(words) } as O;
}

/** The options of a handle to words that the family has. */
function found(sent: unknown, words: number): NameOptions & Placed {
  const shape = { at: "number", name: "string?" } as const;
  const { at, name } = checkState<SentCell>(sent, "a synchronizer", shape);
  return { name, [AT]: theArena().place(at, words) };
}

/**
 * A mutual exclusion lock for processes, and for threads of several processes.
 *
 * A process that dies while it holds the lock, by SIGKILL too, hangs nobody: the next one to
 * acquire it has it within a second, and its guard says `abandoned`.
 *
 * *Permissions*: `--allow-ffi`.
 *
 * @example A holder that is killed
 * ```ts
 * import { Lock, Process } from "@switchyard/switchyard/multiprocessing";
 *
 * export function crash(lock: Lock) {
 *   lock.acquireSync();
 *   Deno.kill(Deno.pid, "SIGKILL"); // no finally block, no goodbye
 * }
 *
 * if (import.meta.main) {
 *   const lock = new Lock();
 *   const child = new Process(crash, { args: [lock] }).start();
 *   await child.join();
 *   console.log(child.exitcode); // -9
 *   using guard = await lock.acquire();
 *   console.log(guard.abandoned); // true: look at what the lock protects
 * }
 * ```
 */
export class Lock extends ThreadLock {
  /**
   * Creates a lock that is free.
   *
   * @throws {Deno.errors.NotCapable} Without `--allow-ffi`.
   */
  constructor(options?: NameOptions & Placed);
  constructor(options: NameOptions & Placed = {}) {
    super(placed(options, LOCK_WORDS));
  }
}

/**
 * As threading.RLock, for processes: its owner is one thread of one process.
 *
 * *Permissions*: `--allow-ffi`.
 *
 * @example Acquire it twice
 * ```ts
 * import { RLock } from "@switchyard/switchyard/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * const lock = new RLock();
 * {
 *   using _outer = await lock.acquire();
 *   using _inner = await lock.acquire(); // it is this thread's already
 * }
 * assertEquals(lock.locked(), false);
 * ```
 */
export class RLock extends ThreadRLock {
  /**
   * Creates a lock that is free.
   *
   * @throws {Deno.errors.NotCapable} Without `--allow-ffi`.
   */
  constructor(options?: NameOptions & Placed);
  constructor(options: NameOptions & Placed = {}) {
    super(placed(options, RLOCK_WORDS));
  }
}

/**
 * As threading.Semaphore, for processes.
 *
 * *Permissions*: `--allow-ffi`.
 *
 * @example Two at a time
 * ```ts
 * import { Semaphore } from "@switchyard/switchyard/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * const seats = new Semaphore(2);
 * using _first = await seats.acquire();
 * using _second = await seats.acquire();
 * assertEquals(await seats.acquire({ blocking: false }), undefined);
 * ```
 */
export class Semaphore extends ThreadSemaphore {
  /**
   * Creates a semaphore with `value` free permits.
   *
   * @throws {Deno.errors.NotCapable} Without `--allow-ffi`.
   */
  constructor(value?: number, options?: NameOptions & Placed);
  constructor(value = 1, options: NameOptions & Placed = {}) {
    super(value, placed(options, SEMAPHORE_WORDS));
  }
}

/**
 * As threading.BoundedSemaphore, for processes.
 *
 * *Permissions*: `--allow-ffi`.
 *
 * @example One release too many
 * ```ts
 * import { BoundedSemaphore } from "@switchyard/switchyard/multiprocessing";
 * import { assertThrows } from "@std/assert";
 *
 * const seats = new BoundedSemaphore(2);
 * assertThrows(() => seats.release());
 * ```
 */
export class BoundedSemaphore extends ThreadBoundedSemaphore {
  /**
   * Creates a semaphore of `value` permits; releasing more than were taken is an error.
   *
   * @throws {Deno.errors.NotCapable} Without `--allow-ffi`.
   */
  constructor(value?: number, options?: NameOptions & Placed);
  constructor(value = 1, options: NameOptions & Placed = {}) {
    super(value, placed(options, SEMAPHORE_WORDS));
  }
}

/**
 * As threading.Event, for processes.
 *
 * *Permissions*: `--allow-ffi`.
 *
 * @example Wait until a child is ready
 * ```ts
 * import { Event, Process } from "@switchyard/switchyard/multiprocessing";
 *
 * export function serve(ready: Event) {
 *   ready.set();
 * }
 *
 * if (import.meta.main) {
 *   const ready = new Event();
 *   const child = new Process(serve, { args: [ready] }).start();
 *   console.log(await ready.wait({ timeout: 10_000 })); // true
 *   await child.join();
 * }
 * ```
 */
export class Event extends ThreadEvent {
  /**
   * Creates an event that is not set.
   *
   * @throws {Deno.errors.NotCapable} Without `--allow-ffi`.
   */
  constructor(options?: NameOptions & Placed);
  constructor(options: NameOptions & Placed = {}) {
    super(placed(options, EVENT_WORDS));
  }
}

/**
 * As threading.Condition, for processes.
 *
 * *Permissions*: `--allow-ffi`.
 *
 * @example Wait for what a child does
 * ```ts
 * import { Condition, Process, Value } from "@switchyard/switchyard/multiprocessing";
 *
 * export function deliver(condition: Condition, parcels: Value<"i32">) {
 *   using _guard = condition.acquireSync();
 *   parcels.value = 3;
 *   condition.notify();
 * }
 *
 * if (import.meta.main) {
 *   const condition = new Condition();
 *   const parcels = new Value("i32");
 *   const child = new Process(deliver, { args: [condition, parcels] }).start();
 *   {
 *     using _guard = await condition.acquire();
 *     await condition.waitFor(() => parcels.value > 0);
 *     console.log(parcels.value); // 3
 *   }
 *   await child.join();
 * }
 * ```
 */
export class Condition extends ThreadCondition {
  /**
   * Creates a condition over a lock.
   *
   * @param lock A Lock or RLock for processes. Default: an RLock of its own.
   * @throws {Deno.errors.NotCapable} Without `--allow-ffi`.
   */
  constructor(lock?: ThreadLock | ThreadRLock, options?: NameOptions & Placed);
  constructor(lock: ThreadLock | ThreadRLock = new RLock(), options: NameOptions & Placed = {}) {
    super(lock, placed(options, CONDITION_WORDS));
  }
}

/**
 * As threading.Barrier, for processes.
 *
 * *Permissions*: `--allow-ffi`.
 *
 * @example Start together
 * ```ts
 * import { Barrier, Process } from "@switchyard/switchyard/multiprocessing";
 *
 * export function run(line: Barrier) {
 *   return line.waitSync(); // nobody runs before all are at the line
 * }
 *
 * if (import.meta.main) {
 *   const line = new Barrier(3);
 *   const runners = [1, 2, 3].map(() => new Process(run, { args: [line] }).start());
 *   const indexes = await Promise.all(runners.map((runner) => runner.result()));
 *   console.log(indexes.sort()); // [ 0, 1, 2 ]
 * }
 * ```
 */
export class Barrier extends ThreadBarrier {
  /**
   * Creates a barrier.
   *
   * @param parties The number of parties, 1 to 4096.
   * @throws {Deno.errors.NotCapable} Without `--allow-ffi`.
   */
  constructor(parties: number, options?: BarrierOptions & Placed);
  constructor(parties: number, options: BarrierOptions & Placed = {}) {
    checkParties(parties);
    super(parties, placed(options, barrierWords(parties)));
  }
}

/**
 * As threading.Value, for processes.
 *
 * *Permissions*: `--allow-ffi`.
 *
 * @example Count together, without a lock
 * ```ts
 * import { Process, Value } from "@switchyard/switchyard/multiprocessing";
 *
 * export function count(votes: Value<"i32">) {
 *   for (let k = 0; k < 1000; k++) votes.add(1);
 * }
 *
 * if (import.meta.main) {
 *   const votes = new Value("i32");
 *   const clerks = [1, 2].map(() => new Process(count, { args: [votes] }).start());
 *   for (const clerk of clerks) await clerk.join();
 *   console.log(votes.value); // 2000
 * }
 * ```
 */
export class Value<T extends NumericType = NonBigType> extends ThreadValue<T> {
  /**
   * Creates a value.
   *
   * @param type Its type, as in `"i32"` or `"f64"`.
   * @param initial Its number at first. Default: 0.
   * @throws {Deno.errors.NotCapable} Without `--allow-ffi`.
   */
  constructor(type: T, initial?: NumberOf<T>, options?: NameOptions & Placed);
  constructor(type: T, initial?: NumberOf<T>, options: NameOptions & Placed = {}) {
    super(type, initial, { ...placed(options, VALUE_WORDS), [LOCK]: RLock });
  }
}

/**
 * As threading.Array, for processes.
 *
 * *Permissions*: `--allow-ffi`.
 *
 * @example Fill one together
 * ```ts
 * import { Array as SharedArray, Process } from "@switchyard/switchyard/multiprocessing";
 *
 * export function fill(squares: SharedArray<"i32">, index: number) {
 *   squares.set(index, index * index);
 * }
 *
 * if (import.meta.main) {
 *   const squares = new SharedArray("i32", 3);
 *   const children = [0, 1, 2].map((k) => new Process(fill, { args: [squares, k] }).start());
 *   for (const child of children) await child.join();
 *   console.log(squares.toArray()); // [ 0, 1, 4 ]
 * }
 * ```
 */
export class SharedArray<T extends NumericType = NonBigType> extends ThreadArray<T> {
  static {
    // The name that it has outside.
    Object.defineProperty(this, "name", { value: "Array" });
  }

  /**
   * Creates an array.
   *
   * @param type The type of its numbers, as in `"i32"` or `"f64"`.
   * @param source The number of zeros, or the numbers.
   * @throws {Deno.errors.NotCapable} Without `--allow-ffi`.
   */
  constructor(type: T, source: number | Iterable<NumberOf<T>>, options?: NameOptions & Placed);
  constructor(
    type: T,
    source: number | Iterable<NumberOf<T>>,
    options: NameOptions & Placed = {},
  ) {
    const { length, values } = checkSource(type, source);
    const given = (values ?? length) as number | NumberOf<T>[];
    super(type, given, { ...placed(options, arrayWords(type, length)), [LOCK]: RLock });
  }
}

shareable(import.meta, "Lock", Lock, (sent) => new Lock(found(sent, LOCK_WORDS)));
shareable(import.meta, "RLock", RLock, (sent) => new RLock(found(sent, RLOCK_WORDS)));
shareable(
  import.meta,
  "Semaphore",
  Semaphore,
  (sent) => new Semaphore(0, found(sent, SEMAPHORE_WORDS)),
);
shareable(
  import.meta,
  "BoundedSemaphore",
  BoundedSemaphore,
  (sent) => new BoundedSemaphore(0, found(sent, SEMAPHORE_WORDS)),
);
shareable(import.meta, "Event", Event, (sent) => new Event(found(sent, EVENT_WORDS)));
shareable(import.meta, "Condition", Condition, (sent) => {
  const { lock } = checkState<SentCondition>(sent, "a condition", { lock: "object" });
  if (!(lock instanceof ThreadLock || lock instanceof ThreadRLock)) {
    throw new TypeError(`Cannot decode a condition: its lock is none, but ${show(lock)}`);
  }
  return new Condition(lock, found(sent, CONDITION_WORDS));
});
shareable(import.meta, "Barrier", Barrier, (sent) => {
  const shape = { parties: "number", action: "function?", timeout: "number?" } as const;
  const { parties, action, timeout } = checkState<SentBarrier>(sent, "a barrier", shape);
  checkParties(parties);
  const options = found(sent, barrierWords(parties));
  return new Barrier(parties, { ...options, action, timeout });
});
shareable(import.meta, "Value", Value, (sent) => {
  const { type } = checkState<SentValue>(sent, "a value", { type: "string" });
  return new Value(type, undefined, found(sent, VALUE_WORDS));
});
shareable(import.meta, "Array", SharedArray, (sent) => {
  const shape = { type: "string", length: "number" } as const;
  const { type, length } = checkState<SentArray>(sent, "an array", shape);
  return new SharedArray(type, length, found(sent, arrayWords(type, length)));
});
