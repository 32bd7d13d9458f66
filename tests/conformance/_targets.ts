/**
 * What the children of the conformance suite run. The types are those of threading, which take the
 * classes of both worlds.
 *
 * @module
 */
import { DeadlockError } from "../../lib/errors.ts";
import { exit } from "../../lib/os/exit.ts";
import { context, task } from "../../lib/task.ts";
import type {
  Array as SharedArray,
  Barrier,
  Condition,
  Event,
  Guard,
  Lock,
  RLock,
  Semaphore,
  Value,
} from "../../lib/threading.ts";
import type { Face, WorldName } from "./_world.ts";

/** Whether a call blocks or awaits. */
export type Form = "sync" | "async";
/** Both forms, to loop over. */
export const FORMS: readonly Form[] = ["sync", "async"];
/** The other form. */
export const other = (form: Form): Form => form === "sync" ? "async" : "sync";

/** What can be acquired. */
export type Acquirable = Lock | RLock | Semaphore | Condition;

interface Patience {
  timeout?: number;
  signal?: AbortSignal;
  detectDeadlock?: boolean;
}

/** Acquires in either form. */
export async function take(
  lock: Acquirable,
  form: Form,
  options: Patience = {},
): Promise<Guard | undefined> {
  return form === "sync" ? lock.acquireSync(options) : await lock.acquire(options);
}

/** Waits for an event or for a condition, in either form. */
export async function wait(
  event: Event | Condition,
  form: Form,
  options: Patience = {},
): Promise<boolean> {
  return form === "sync" ? event.waitSync(options) : await event.wait(options);
}

/** Arrives at a barrier in either form. */
export async function arrive(
  barrier: Barrier,
  form: Form,
  options: Patience = {},
): Promise<number> {
  return form === "sync" ? barrier.waitSync(options) : await barrier.wait(options);
}

/** Reports. A process writes when its code pauses, and the target may block right after. */
async function tell(value: unknown): Promise<void> {
  context().report(value);
  await new Promise((next) => setTimeout(next, 0));
}

/** An error's name and message; null when the call throws nothing. */
async function errorOf(call: () => unknown): Promise<string | null> {
  try {
    await call();
    return null;
  } catch (error) {
    return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  }
}

// Locks

/** Takes the lock and ends without releasing it. */
export const keep = task(import.meta, async function keep(lock: Acquirable, form: Form) {
  await take(lock, form);
});

/** Takes the lock some times, one inside the other, and holds it until it is told to go on. */
export const hold = task(
  import.meta,
  async function hold(lock: Acquirable, go: Event, levels: number, form: Form) {
    for (let k = 0; k < levels; k++) await take(lock, form);
    await tell("held");
    await wait(go, form);
    for (let k = 0; k < levels; k++) lock.release();
  },
);

/** Whether the lock is free for the one that calls. */
export function isFree(lock: Acquirable): boolean {
  const guard = lock.acquireSync({ blocking: false });
  guard?.release();
  return guard !== undefined;
}

/** What {@linkcode answer} can be told to do, and what it can say. */
export const ANSWERS = { free: 1, held: 0, stop: -1 };

/** Says whether the lock is free for it, as often as it is asked. */
export const answer = task(
  import.meta,
  function answer(
    lock: Acquirable,
    asked: Semaphore,
    answered: Semaphore,
    word: Value<"i32">,
  ) {
    for (;;) {
      asked.acquireSync();
      if (word.value === ANSWERS.stop) return;
      word.value = isFree(lock) ? ANSWERS.free : ANSWERS.held;
      answered.release();
    }
  },
);

/** Whether the lock of a value or array is free for this child. */
export const lockIsFree = task(import.meta, function lockIsFree(shared: { lock: RLock }) {
  return isFree(shared.lock);
});

/** Takes the lock if it comes in time: whether it did. */
export const takeWithin = task(
  import.meta,
  async function takeWithin(lock: Acquirable, timeout: number, form: Form) {
    using guard = await take(lock, form, { timeout });
    return guard !== undefined;
  },
);

/** Takes the lock, says so, and releases it. */
export const takeAndTell = task(
  import.meta,
  async function takeAndTell(lock: Acquirable, form: Form) {
    using guard = await take(lock, form);
    context().report("got");
    return guard!.abandoned;
  },
);

/** Waits for the lock and aborts that wait: whether the reason came back. */
export const abortWait = task(import.meta, async function abortWait(lock: Acquirable) {
  const controller = new AbortController();
  const reason = new Error("enough");
  const wait = lock.acquire({ signal: controller.signal });
  controller.abort(reason);
  return await wait.then(() => false, (error) => error === reason);
});

/** Releases the lock. */
export const release = task(import.meta, function release(lock: Acquirable) {
  lock.release();
});

/** What the release of another's lock throws. */
export const releaseError = task(import.meta, function releaseError(lock: Acquirable) {
  return errorOf(() => lock.release());
});

/** Takes and releases until it is told to stop. */
export const hog = task(
  import.meta,
  async function hog(lock: Acquirable, stop: Event, form: Form) {
    while (!stop.isSet()) {
      using _ = await take(lock, form);
    }
  },
);

/** Waits for the lock, and gives up soon, many times: how often it was patient enough. */
export const takeOrLeave = task(
  import.meta,
  async function takeOrLeave(lock: Acquirable, times: number, form: Form) {
    let taken = 0;
    for (let k = 0; k < times; k++) {
      using guard = await take(lock, form, { timeout: k % 3 });
      if (guard !== undefined) taken++;
    }
    return taken;
  },
);

/** Adds to the value, reading and writing in two steps, under the lock. */
export const count = task(
  import.meta,
  async function count(
    lock: Acquirable,
    total: Value<"i32">,
    times: number,
    levels: number,
    form: Form,
  ) {
    for (let k = 0; k < times; k++) {
      for (let level = 1; level < levels; level++) await take(lock, form);
      using _ = await take(lock, form);
      total.value = total.value + 1;
      for (let level = 1; level < levels; level++) lock.release();
    }
  },
);

// Semaphores

/** Holds a permit for a moment, many times, and notes how many did so at once. */
export const crowd = task(
  import.meta,
  async function crowd(
    semaphore: Semaphore,
    inside: Value<"i32">,
    most: Value<"i32">,
    times: number,
    form: Form,
  ) {
    for (let k = 0; k < times; k++) {
      using _ = await take(semaphore, form);
      const now = inside.add(1) + 1;
      for (let seen = most.value; seen < now;) {
        const found = most.compareExchange(seen, now);
        if (found === seen) break;
        seen = found;
      }
      inside.add(-1);
    }
  },
);

/** Takes a permit for good, and notes it. */
export const consume = task(
  import.meta,
  async function consume(semaphore: Semaphore, taken: Value<"i32">, form: Form) {
    await take(semaphore, form);
    taken.add(1);
    context().report("got");
  },
);

/** Gives permits. */
export const give = task(import.meta, function give(semaphore: Semaphore, n: number) {
  semaphore.release(n);
});

// Events

/** Waits for the event. */
export const awaitEvent = task(
  import.meta,
  async function awaitEvent(event: Event, form: Form, timeout?: number) {
    return await wait(event, form, timeout === undefined ? {} : { timeout });
  },
);

/** Waits for the event and gives what the value is then. */
export const readAfter = task(
  import.meta,
  async function readAfter(event: Event, value: Value<"i32">, form: Form) {
    await wait(event, form);
    return value.value;
  },
);

/** Sets the event. */
export const setEvent = task(import.meta, function setEvent(event: Event) {
  event.set();
});

/** Waits for its own event, clears it and sets the next one's. */
export const passEvent = task(
  import.meta,
  async function passEvent(mine: Event, next: Event, times: number, form: Form) {
    for (let k = 0; k < times; k++) {
      await wait(mine, form);
      mine.clear();
      next.set();
    }
  },
);

// Conditions

/** Waits to be notified once, and gives the phase that it was woken in. */
export const awaitPhase = task(
  import.meta,
  async function awaitPhase(
    condition: Condition,
    entered: Semaphore,
    phase: Value<"i32">,
    form: Form,
  ) {
    using _ = await take(condition, form);
    entered.release();
    const notified = await wait(condition, form);
    context().report("woken");
    return notified ? phase.value : -1;
  },
);

/** Holds the condition on some levels, waits to be notified, and says how many levels are left. */
export const awaitNested = task(
  import.meta,
  async function awaitNested(
    condition: Condition,
    entered: Semaphore,
    levels: number,
    form: Form,
  ) {
    for (let k = 0; k < levels; k++) await take(condition, form);
    entered.release();
    await wait(condition, form);
    for (let k = 0; k < levels; k++) condition.release();
    return await errorOf(() => condition.release());
  },
);

/** Takes the condition and notifies. */
export const notify = task(
  import.meta,
  async function notify(condition: Condition, n: number, form: Form) {
    using _ = await take(condition, form);
    condition.notify(n);
  },
);

/** What wait, notify and notifyAll throw when another child holds the condition. */
export const conditionErrors = task(
  import.meta,
  async function conditionErrors(condition: Condition) {
    return [
      await errorOf(() => condition.notify()),
      await errorOf(() => condition.notifyAll()),
      await errorOf(() => condition.waitSync({ timeout: 0 })),
      await errorOf(() => condition.wait({ timeout: 0 })),
    ];
  },
);

/** Changes the value and notifies. */
export const change = task(
  import.meta,
  async function change(condition: Condition, value: Value<"i32">, to: number, form: Form) {
    using _ = await take(condition, form);
    value.value = to;
    condition.notifyAll();
  },
);

/** Waits until the value is as wanted. */
export const awaitValue = task(
  import.meta,
  async function awaitValue(
    condition: Condition,
    value: Value<"i32">,
    wanted: number,
    form: Form,
  ) {
    using _ = await take(condition, form);
    const reached = () => value.value === wanted;
    return form === "sync" ? condition.waitForSync(reached) : await condition.waitFor(reached);
  },
);

/** Takes its turn when the value says so, and gives it to the next. */
export const takeTurns = task(
  import.meta,
  async function takeTurns(
    condition: Condition,
    turn: Value<"i32">,
    mine: number,
    of: number,
    times: number,
    form: Form,
  ) {
    for (let k = 0; k < times; k++) {
      using _ = await take(condition, form);
      while (turn.value !== mine) await wait(condition, form);
      turn.value = (mine + 1) % of;
      condition.notify();
    }
  },
);

/** Waits for items and takes them, until there were enough. */
export const takeItems = task(
  import.meta,
  async function takeItems(
    notEmpty: Condition,
    notFull: Condition,
    items: Value<"i32">,
    times: number,
    form: Form,
  ) {
    for (let k = 0; k < times; k++) {
      using _ = await take(notEmpty, form);
      while (items.value === 0) await wait(notEmpty, form);
      items.value = items.value - 1;
      notFull.notify();
    }
  },
);

/** Puts items where there is room. */
export const putItems = task(
  import.meta,
  async function putItems(
    notEmpty: Condition,
    notFull: Condition,
    items: Value<"i32">,
    room: number,
    times: number,
    form: Form,
  ) {
    for (let k = 0; k < times; k++) {
      using _ = await take(notFull, form);
      while (items.value === room) await wait(notFull, form);
      items.value = items.value + 1;
      notEmpty.notify();
    }
  },
);

/** Waits for so short that most waits end by themselves; passes on what it was given. */
export const awaitBriefly = task(
  import.meta,
  async function awaitBriefly(condition: Condition, stop: Event, form: Form) {
    for (let k = 0; !stop.isSet(); k++) {
      using _ = await take(condition, form);
      if (await wait(condition, form, { timeout: k % 3 })) condition.notify();
    }
  },
);

// Barriers

/** Arrives many times: the indexes that it was given. */
export const arriveOften = task(
  import.meta,
  async function arriveOften(barrier: Barrier, times: number, form: Form) {
    const indexes: number[] = [];
    for (let k = 0; k < times; k++) indexes.push(await arrive(barrier, form));
    return indexes;
  },
);

/** Counts an arrival before each round, and gives the least count seen after it, per round. */
export const countRounds = task(
  import.meta,
  async function countRounds(
    barrier: Barrier,
    arrived: Value<"i32">,
    times: number,
    form: Form,
  ) {
    const seen: number[] = [];
    for (let k = 0; k < times; k++) {
      arrived.add(1);
      await arrive(barrier, form);
      seen.push(arrived.value);
      await arrive(barrier, form);
    }
    return seen;
  },
);

/** Arrives once: the index, or the error. */
export const arriveOrFail = task(
  import.meta,
  async function arriveOrFail(barrier: Barrier, form: Form, timeout?: number) {
    let index = -1;
    const error = await errorOf(async () => {
      index = await arrive(barrier, form, timeout === undefined ? {} : { timeout });
    });
    return error ?? index;
  },
);

/** Breaks the barrier. */
export const abortBarrier = task(import.meta, function abortBarrier(barrier: Barrier) {
  barrier.abort();
});

/** An action: tells of the round. */
export const tellRound = task(import.meta, function tellRound() {
  context().report("round");
});

/** An action that fails. */
export const failRound = task(import.meta, function failRound() {
  throw new RangeError("no round");
});

// Values and arrays

/** Adds one to each value, many times. */
export const addOften = task(
  import.meta,
  function addOften(
    numbers: Value<"i16" | "i32" | "u32" | "f32" | "f64">[],
    bigs: Value<"i64" | "u64">[],
    times: number,
  ) {
    for (let k = 0; k < times; k++) {
      for (const value of numbers) value.add(1);
      for (const value of bigs) value.add(1n);
    }
  },
);

/** Adds one by comparing and exchanging. */
export const exchangeOften = task(
  import.meta,
  function exchangeOften(value: Value<"i32"> | Value<"f64">, times: number) {
    for (let k = 0; k < times; k++) {
      for (let seen = value.value;;) {
        const found = value.compareExchange(seen, seen + 1);
        if (found === seen) break;
        seen = found;
      }
    }
  },
);

/** Sets a value and gives what it was. */
export const setValue = task(
  import.meta,
  function setValue<T extends number | bigint>(value: { value: T }, to: T) {
    const before = value.value;
    value.value = to;
    return before;
  },
);

/** Adds to all cells under the array's lock, reading and writing in two steps. */
export const addToCells = task(
  import.meta,
  async function addToCells(cells: SharedArray<"i32">, times: number, form: Form) {
    for (let k = 0; k < times; k++) {
      using _ = await take(cells.lock, form);
      for (let i = 0; i < cells.length; i++) cells.set(i, cells.at(i) + 1);
    }
  },
);

/** Squares every cell, and gives the sum. */
export const squareCells = task(import.meta, function squareCells(cells: SharedArray<"f64">) {
  for (let i = 0; i < cells.length; i++) cells.set(i, cells.at(i) ** 2);
  return [...cells].reduce((sum, cell) => sum + cell, 0);
});

// Timers

/** Gives its argument back. */
export const echo = task(import.meta, function echo<T>(value: T) {
  return value;
});

/** Says that it runs, and goes on when it is told to. */
export const runUntil = task(import.meta, function runUntil(started: Event, go: Event) {
  started.set();
  return go.waitSync();
});

/** Notes that it ran. */
export const mark = task(import.meta, function mark(value: Value<"i32">) {
  return value.add(1);
});

// Deadlocks

/** Takes one lock, meets the others, and takes the second: whether it came to a deadlock. */
export const takeBoth = task(
  import.meta,
  async function takeBoth(
    first: Acquirable,
    second: Acquirable,
    met: Barrier,
    detectDeadlock: boolean,
    form: Form,
  ) {
    using _first = await take(first, form);
    await arrive(met, form);
    try {
      using _second = await take(second, form, detectDeadlock ? { detectDeadlock } : {});
      return null;
    } catch (error) {
      if (!(error instanceof DeadlockError)) throw error;
      return error.message;
    }
  },
);

/** Takes the lock, watching for deadlocks. */
export const takeDetecting = task(
  import.meta,
  async function takeDetecting(lock: Acquirable, form: Form) {
    using guard = await take(lock, form, { detectDeadlock: true });
    return guard !== undefined;
  },
);

/** Takes two locks one after the other, watching for deadlocks. */
export const takeBothInRow = task(
  import.meta,
  async function takeBothInRow(first: Acquirable, second: Acquirable, form: Form) {
    using _first = await take(first, form);
    using guard = await take(second, form, { detectDeadlock: true });
    return guard !== undefined;
  },
);

/** As takeBothInRow, again and again. */
export const takeBothOften = task(
  import.meta,
  async function takeBothOften(first: Acquirable, second: Acquirable, times: number, form: Form) {
    for (let k = 0; k < times; k++) {
      using _first = await take(first, form, { detectDeadlock: true });
      using _second = await take(second, form, { detectDeadlock: true });
    }
  },
);

/** A lock, or what has one, by its kind. */
export function makeNamed(face: Face, kind: "RLock" | "Condition", name: string): Acquirable {
  return kind === "RLock"
    ? new face.RLock({ name })
    : new face.Condition(new face.RLock({ name }), { name });
}

// Owner death

/** Takes the lock some times, tells, and dies of an uncaught error when it is told to. */
export const holdAndFail = task(
  import.meta,
  async function holdAndFail(lock: Acquirable, go: Event, levels: number, form: Form) {
    for (let k = 0; k < levels; k++) await take(lock, form);
    await tell("held");
    await wait(go, form);
    throw new RangeError("dies with the lock");
  },
);

/** As holdAndFail, by exit(3). */
export const holdAndExit = task(
  import.meta,
  async function holdAndExit(lock: Acquirable, go: Event, levels: number, form: Form) {
    for (let k = 0; k < levels; k++) await take(lock, form);
    await tell("held");
    await wait(go, form);
    exit(3);
  },
);

// Sharing

/** The classes that are shared. */
export const KINDS = [
  "Lock",
  "RLock",
  "Semaphore",
  "BoundedSemaphore",
  "Event",
  "Condition",
  "Barrier",
  "Value",
  "Array",
] as const;
/** One of their names. */
export type Kind = typeof KINDS[number];
/** Any object of theirs. */
export type Synchronizer = InstanceType<Face[Kind]>;

/** Makes one of each kind, named after it. */
export function make(face: Face, kind: Kind, name: string): Synchronizer {
  switch (kind) {
    case "Lock":
      return new face.Lock({ name });
    case "RLock":
      return new face.RLock({ name });
    case "Semaphore":
      return new face.Semaphore(1, { name });
    case "BoundedSemaphore":
      return new face.BoundedSemaphore(1, { name });
    case "Event":
      return new face.Event({ name });
    case "Condition":
      return new face.Condition(undefined, { name });
    case "Barrier":
      return new face.Barrier(2, { name });
    case "Value":
      return new face.Value("i32", 0, { name });
    case "Array":
      return new face.Array("i32", 2, { name });
  }
}

/** Its name: of a value or array, that of its lock. */
export function nameOf(given: Synchronizer): string | undefined {
  return "name" in given ? given.name : given.lock.name;
}

/** Changes it in a way that others see. */
export function touch(kind: Kind, given: Synchronizer): void {
  switch (kind) {
    case "Lock":
    case "RLock":
    case "Semaphore":
    case "BoundedSemaphore":
    case "Condition":
      (given as Acquirable).acquireSync();
      break;
    case "Event":
      (given as Event).set();
      break;
    case "Barrier":
      (given as Barrier).abort();
      break;
    case "Value":
      (given as Value<"i32">).add(1);
      break;
    case "Array":
      (given as SharedArray<"i32">).set(-1, 1);
  }
}

/** Whether another has touched it. */
export function isTouched(kind: Kind, given: Synchronizer): boolean {
  switch (kind) {
    case "Lock":
    case "RLock":
    case "Semaphore":
    case "BoundedSemaphore":
    case "Condition": {
      const guard = (given as Acquirable).acquireSync({ blocking: false });
      guard?.release();
      return guard === undefined;
    }
    case "Event":
      return (given as Event).isSet();
    case "Barrier":
      return (given as Barrier).broken;
    case "Value":
      return (given as Value<"i32">).value === 1;
    case "Array":
      return (given as SharedArray<"i32">).at(1) === 1;
  }
}

/** One object of a kind in each of the places that arguments can have. */
export interface Nest {
  list: [number, Synchronizer];
  deep: { er: { still: Synchronizer } };
  map: Map<string, Synchronizer>;
  set: Set<Synchronizer>;
}

/** What is in a nest. */
export function contentOf({ list, deep, map, set }: Nest): Synchronizer[] {
  return [list[1], deep.er.still, map.get("key")!, ...set];
}

/** Touches all that is in a nest, and gives the names. */
export const touchNest = task(import.meta, function touchNest(kind: Kind, nest: Nest) {
  return contentOf(nest).map((given) => {
    touch(kind, given);
    return nameOf(given);
  });
});

/** Whether it is seen to be touched from there. */
export const isTouchedThere = task(
  import.meta,
  function isTouchedThere(kind: Kind, given: Synchronizer) {
    return isTouched(kind, given);
  },
);

/** Gives back what it was given, and whether both were one. */
export const giveBack = task(
  import.meta,
  function giveBack(first: Synchronizer, second: Synchronizer) {
    return { first, nested: [new Map([["same", first === second]])] };
  },
);

/** The module of a world, loaded only where it is used. */
async function faceOf(world: WorldName): Promise<Face> {
  return world === "threads"
    ? await import("../../lib/threading.ts")
    : await import("../../lib/multiprocessing.ts");
}

/** Makes an object over there. */
export const makeThere = task(
  import.meta,
  async function makeThere(world: WorldName, kind: Kind, name: string) {
    return make(await faceOf(world), kind, name);
  },
);

/** Touches the object in a child of this child. */
export const touchBelow = task(
  import.meta,
  async function touchBelow(below: WorldName, kind: Kind, nest: Nest) {
    if (below === "threads") {
      const { Thread } = await import("../../lib/threading.ts");
      await using thread = new Thread(touchNest, { args: [kind, nest] }).start();
      return await thread.result();
    }
    const { Process } = await import("../../lib/multiprocessing.ts");
    await using process = new Process(touchNest, { args: [kind, nest] }).start();
    return await process.result();
  },
);
