/** Targets of the tests of managers. */
import { context, task } from "../../lib/task.ts";
import type {
  BarrierProxy,
  ConditionProxy,
  DictProxy,
  EventProxy,
  ListProxy,
  LockingProxy,
  QueueProxy,
  SemaphoreProxy,
  ValueProxy,
} from "../../lib/multiprocessing.ts";

export const plus = task(
  import.meta,
  function plus(value: number | undefined, by: number) {
    return (value ?? 0) + by;
  },
);

/** Takes its time in the midst of a step. */
export const plusLater = task(import.meta, async function plusLater(value: number, by: number) {
  await new Promise((next) => setTimeout(next, 1));
  return value + by;
});

export class SeatError extends RangeError {
  override name = "SeatError";
  constructor(message: string, public seat: number) {
    super(message);
  }
}
task(import.meta, SeatError);

export const refuse = task(import.meta, function refuse(): never {
  throw new SeatError("no such seat", 7);
});

export class Point {
  constructor(public x: number, public y: number) {}
}
task(import.meta, Point);

export const mirror = task(import.meta, function mirror({ x, y }: Point) {
  return new Point(y, x);
});

export class Account {
  #owner: string;
  balance = 0;
  constructor(owner: string, balance: number) {
    if (balance < 0) throw new SeatError("overdrawn", balance);
    this.#owner = owner;
    this.balance = balance;
  }
  deposit(amount: number) {
    return this.balance += amount;
  }
  async owner() {
    await Promise.resolve();
    return this.#owner;
  }
  move(point: Point) {
    return new Point(point.x + this.balance, point.y);
  }
  fail() {
    throw new SeatError("no money", this.balance);
  }
  secret() {
    return () => 1;
  }
  die() {
    Deno.kill(Deno.pid, "SIGKILL");
  }
  stick() {
    for (;;);
  }
}
task(import.meta, Account);

export const count = task(
  import.meta,
  async function count(dict: DictProxy<string, number>, times: number) {
    for (let k = 0; k < times; k++) await dict.update("n", plus, 1);
  },
);

export const countLocked = task(
  import.meta,
  async function countLocked(lock: LockingProxy, dict: DictProxy<string, number>, times: number) {
    for (let k = 0; k < times; k++) {
      await using _ = await lock.acquire();
      await dict.set("n", (await dict.get("n") ?? 0) + 1);
    }
  },
);

export const fill = task(
  import.meta,
  async function fill({ nested: [list] }: { nested: ListProxy<string>[] }, what: string) {
    await list!.push(what);
    return list;
  },
);

const holdOn = () => new Promise<never>(() => setInterval(() => {}, 1_000));

/** Takes a lock, says so, and keeps it. */
export const hold = task(import.meta, async function hold(lock: LockingProxy | SemaphoreProxy) {
  const guard = await lock.acquire();
  context().report("holds");
  await holdOn();
  guard.release();
});

/** Takes a permit and fails. */
export const spendAndFail = task(
  import.meta,
  async function spendAndFail(semaphore: SemaphoreProxy) {
    await semaphore.acquire();
    throw new RangeError("it fails");
  },
);

/** Takes a permit and ends. */
export const spend = task(import.meta, async function spend(semaphore: SemaphoreProxy) {
  await semaphore.acquire();
});

/** Waits for a lock; for ever, if need be. */
export const queueUp = task(
  import.meta,
  async function queueUp(lock: LockingProxy | SemaphoreProxy) {
    await lock.acquire();
    return "got it";
  },
);

export const tryRelease = task(import.meta, async function tryRelease(lock: LockingProxy) {
  await lock.release();
});

export const waitForEvent = task(import.meta, (event: EventProxy) => event.wait());

export const waitAtCondition = task(
  import.meta,
  async function waitAtCondition(condition: ConditionProxy, waiting: ValueProxy<"i32">) {
    await using _ = await condition.acquire();
    await waiting.add(1);
    return await condition.wait();
  },
);

export const shout = task(import.meta, () => {
  context().report("action");
});

export const meet = task(import.meta, (barrier: BarrierProxy) => barrier.wait());

export const dieActing = task(import.meta, () => {
  Deno.kill(Deno.pid, "SIGKILL");
});

/** Gets items until there are no more. */
export const drain = task(import.meta, async function drain(queue: QueueProxy<number>) {
  const items: number[] = [];
  for await (const item of queue) items.push(item);
  return items;
});

/** Gets items and reports each. */
export const devour = task(import.meta, async function devour(queue: QueueProxy<number>) {
  context().report("begins");
  for await (const item of queue) context().report(item);
});

export const getOne = task(import.meta, (queue: QueueProxy<number>) => queue.get());

export const putOne = task(
  import.meta,
  (queue: QueueProxy<number>, item: number) => queue.put(item),
);

/** Is stopped in a wait; what its `finally` says comes through. */
export const stoppable = task(import.meta, async function stoppable(lock: LockingProxy) {
  context().report("begins");
  try {
    await lock.acquire();
  } catch (error) {
    context().report((error as Error).name);
    throw error;
  }
});

/** Takes one lock, says so, and takes the other when it is told to. */
export const takeBoth = task(
  import.meta,
  async function takeBoth(first: LockingProxy, second: LockingProxy, goOn: EventProxy) {
    await using _first = await first.acquire();
    context().report("holds");
    await goOn.wait();
    await using _second = await second.acquire();
    return "both";
  },
);
