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
 */
export class Barrier extends ThreadBarrier {
  /**
   * Creates a barrier.
   *
   * @param parties How many it is for, 1 to 4096.
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
   * @param source How many zeros, or the numbers.
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
