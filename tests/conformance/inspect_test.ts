/**
 * How the toolkit's objects show themselves in `console.log()`.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { LACKS, unless } from "../_help/lacks.ts";
import { within } from "../_help/within.ts";
import * as errors from "../../lib/errors.ts";
import * as futures from "../../lib/futures.ts";
import * as multiprocessing from "../../lib/multiprocessing.ts";
import { socketPipe } from "../../lib/multiprocessing/socket_pipe.ts";
import * as os from "../../lib/os.ts";
import * as queue from "../../lib/queue.ts";
import * as signal from "../../lib/signal.ts";
import * as subprocess from "../../lib/subprocess.ts";
import { task } from "../../lib/task.ts";
import * as threading from "../../lib/threading.ts";

const LIMIT = 20_000;
const FACES = { errors, futures, multiprocessing, os, queue, signal, subprocess, threading };
const INSPECT = Symbol.for("Deno.customInspect");

function test(name: string, fn: () => Promise<void> | void, lack?: string): void {
  Deno.test(unless(lack, name), () => within(LIMIT, fn(), name));
}

/** What `console.log()` prints. */
function text(value: unknown): string {
  return Deno.inspect(value, { colors: false });
}

/** A target that does nothing. */
export const nothing = task(import.meta, () => {});
/** A target that ends when it is told. */
export const stay = task(import.meta, async (until: threading.Event) => {
  await until.wait();
});
/** A target that holds a lock until it is told. */
export const hold = task(
  import.meta,
  async (lock: threading.Lock, isHeld: threading.Event, until: threading.Event) => {
    using _guard = await lock.acquire();
    isHeld.set();
    await until.wait();
  },
);

/** Classes that say in their own folder's tests how they show themselves. */
const ELSEWHERE = [
  multiprocessing.AsyncResult,
  multiprocessing.BasePool,
  multiprocessing.Pool,
  multiprocessing.ThreadPool,
  ...Object.values(futures),
  ...Object.values(subprocess),
] as unknown[];

/** What is made here is released by `end`, at the end. */
type Sample = [value: object, shown: string | RegExp];

function* samples(end: DisposableStack): Generator<Sample> {
  for (const world of [threading, multiprocessing]) {
    const held = new world.Lock({ name: "A" });
    end.use(held.acquireSync());
    yield [held, /^Lock\(A, held by Main\w+\)$/];
    yield [new world.Lock(), "Lock(free)"];
    const twice = new world.RLock({ name: "R" });
    end.use(twice.acquireSync());
    end.use(twice.acquireSync());
    yield [twice, /^RLock\(R, held by Main\w+, 2 times\)$/];
    yield [new world.RLock(), "RLock(free)"];
    yield [new world.Semaphore(3), "Semaphore(3 free)"];
    const bounded = new world.BoundedSemaphore(3, { name: "seats" });
    end.use(bounded.acquireSync());
    yield [bounded, "BoundedSemaphore(seats, 2 of 3 free)"];
    const event = new world.Event({ name: "go" });
    yield [event, "Event(go, not set)"];
    const happened = new world.Event();
    happened.set();
    yield [happened, "Event(set)"];
    yield [new world.Condition(undefined, { name: "C" }), "Condition(C, RLock(free), 0 waiting)"];
    yield [new world.Barrier(3), "Barrier(0 of 3 waiting)"];
    const broken = new world.Barrier(2, { name: "B" });
    broken.abort();
    yield [broken, "Barrier(B, 0 of 2 waiting, broken)"];
    yield [new world.Value("i32", 5), "Value(i32, 5)"];
    yield [new world.Value("u64", 5n, { name: "V" }), "Value(V, u64, 5n)"];
    yield [new world.Value("f64", 0.5), "Value(f64, 0.5)"];
    yield [new world.Array("i32", [1, 2, 3]), "Array(i32, [1, 2, 3])"];
    yield [new world.Array("i64", [1n]), "Array(i64, [1n])"];
    yield [new world.Array("u8", 100), "Array(u8, [0, 0, 0, 0, 0, 0, 0, 0, 92 more])"];
    const guard = new world.Lock().acquireSync();
    yield [guard, "Guard(held)"];
    const released = new world.Lock().acquireSync();
    released.release();
    yield [released, "Guard(released)"];
    yield [new world.Lock({ name: "a\n\x1b[2J" }), "Lock(a\\n\\u001b[2J, free)"];
  }
  for (const Kind of [queue.Queue, queue.LifoQueue, queue.PriorityQueue]) {
    const three = new Kind<number>(3);
    three.putSync(1);
    three.putSync(2);
    yield [three, `${Kind.name}(2 of 3)`];
    yield [new Kind(), `${Kind.name}(0)`];
    three.shutdown();
    yield [three, `${Kind.name}(2 of 3, shut down)`];
  }
  yield [new queue.SimpleQueue(), "SimpleQueue(0)"];
  for (const Kind of [multiprocessing.Queue, multiprocessing.JoinableQueue]) {
    const three = new Kind<number>(3, { name: "Q" });
    three.putSync(1);
    three.putSync(2);
    yield [three, `${Kind.name}(Q, 2 of 3)`];
    three.close();
    yield [three, `${Kind.name}(Q, 2 of 3, closed)`];
    yield [new Kind(), `${Kind.name}(0)`];
  }
  yield [new multiprocessing.SimpleQueue(), "SimpleQueue(0)"];
  for (const ends of [threading.pipe(), multiprocessing.pipe(), socketPipe(true)]) {
    yield [ends[0], "Connection(open)"];
    ends[0].close();
    yield [ends[0], "Connection(closed)"];
    end.use(ends[1]);
  }
  const broadcast = end.use(new threading.Broadcast("news"));
  yield [broadcast, "Broadcast(news, open)"];
  broadcast.close();
  yield [broadcast, "Broadcast(news, closed)"];
  const memory = end.use(new multiprocessing.SharedMemory({ create: true, size: 64 }));
  yield [memory, `SharedMemory(${memory.name}, 64 bytes)`];
  const closed = new multiprocessing.SharedMemory({ name: memory.name });
  closed.close();
  yield [closed, `SharedMemory(${memory.name}, 64 bytes, closed)`];
  const list = end.use(new multiprocessing.ShareableList([1, "two", null]));
  yield [list, `ShareableList(${list.shm.name}, [1, "two", null])`];
  list.shm.close();
  yield [list, `ShareableList(${list.shm.name}, closed)`];
  const own = threading.local<{ count: number }>();
  yield [own, "local({})"];
  own.count = 1;
  yield [own, "local({ count: 1 })"];
  yield [new threading.Thread(nothing, { name: "worker-1" }), "Thread(worker-1, new)"];
  yield [new threading.Timer(10, nothing, { name: "tea" }), "Timer(tea, new)"];
  yield [threading.currentThread(), "Thread(MainThread, 1, running)"];
  yield [new multiprocessing.Process(nothing, { name: "child" }), "Process(child, new)"];
  yield [multiprocessing.currentProcess(), `Process(MainProcess, pid ${Deno.pid}, running)`];
}

test("Objects show class, name and state", () => {
  using end = new DisposableStack();
  for (const [value, shown] of samples(end)) {
    if (typeof shown === "string") assertEquals(text(value), shown);
    else assertMatch(text(value), shown);
  }
}, LACKS.memory);

test("Proxies of a manager show class and manager, and neither token nor folder", async () => {
  await using manager = await multiprocessing.Manager.start({ name: "desk" });
  assertEquals(text(manager), `Manager(desk, pid ${manager.pid}, running)`);
  const lock = await manager.Lock({ name: "A" });
  const proxies = {
    DictProxy: await manager.dict(),
    ListProxy: await manager.list(),
    NamespaceProxy: await manager.Namespace(),
    QueueProxy: await manager.Queue(),
    LockProxy: lock,
    RLockProxy: await manager.RLock(),
    SemaphoreProxy: await manager.Semaphore(),
    BoundedSemaphoreProxy: await manager.BoundedSemaphore(),
    EventProxy: await manager.Event(),
    ConditionProxy: await manager.Condition(),
    BarrierProxy: await manager.Barrier(2),
    ValueProxy: await manager.Value("i32"),
    ArrayProxy: await manager.Array("i32", 2),
  };
  for (const [name, proxy] of Object.entries(proxies)) {
    assertMatch(text(proxy), new RegExp(`^${name}\\(of desk\\)$`));
  }
  {
    await using guard = await lock.acquire();
    assertEquals(text(guard), "ManagerGuard(held)");
    await guard.release();
    assertEquals(text(guard), "ManagerGuard(released)");
  }
  await manager.shutdown();
  assertEquals(text(manager), `Manager(desk, pid ${manager.pid}, shut down)`);
  assertMatch(text(lock), /^LockProxy\(of desk\)$/);
});

test("Threads and processes show where they are in life", async () => {
  const until = new threading.Event();
  const thread = new threading.Thread(stay, { args: [until], name: "worker-1" }).start();
  const pattern = /^Thread\(worker-1, \d+, (running|waiting)\)$/;
  assertMatch(text(thread), pattern);
  assertStringIncludes(text(threading.enumerate()), "Thread(worker-1, ");
  assertMatch(text({ a: [thread] }), /^\{ a: \[ Thread\(worker-1, \d+, \w+\) \] \}$/);
  until.set();
  await thread.join();
  assertMatch(text(thread), /^Thread\(worker-1, \d+, ended\)$/);

  const free = new multiprocessing.Event();
  const child = new multiprocessing.Process(stay, { args: [free], name: "child" }).start();
  assertEquals(text(child), `Process(child, pid ${child.pid}, running)`);
  child.kill();
  await child.join();
  assertEquals(text(child), `Process(child, pid ${child.pid}, exitcode -9)`);
}, LACKS.memory);

test("Lock shows which thread holds it, and that it has ended", async () => {
  const lock = new threading.Lock({ name: "A" });
  const [isHeld, until] = [new threading.Event(), new threading.Event()];
  const options = { args: [lock, isHeld, until], name: "worker-1" } as const;
  const thread = new threading.Thread(hold, { ...options, args: [lock, isHeld, until] }).start();
  await isHeld.wait();
  assertEquals(text(lock), "Lock(A, held by worker-1)");
  until.set();
  await thread.join();
  assertEquals(text(lock), "Lock(A, free)");
});

test("Subclasses show their own name, and objects never throw when shown", () => {
  class Mutex extends threading.Lock {}
  class Grid extends threading.Array<"u8"> {}
  assertEquals(text(new Mutex()), "Mutex(free)");
  assertEquals(text(new Grid("u8", 1)), "Grid(u8, [0])");
  for (const Kind of [threading.Lock, threading.Thread, multiprocessing.Process, queue.Queue]) {
    const unborn = Object.create(Kind.prototype);
    assertStringIncludes(text(unborn), Kind.name);
  }
});

test("Showing an object takes no lock and waits for nothing", () => {
  const lock = new threading.Lock();
  const condition = new threading.Condition(lock);
  using _guard = lock.acquireSync();
  assertEquals(text(condition), "Condition(Lock(held by MainThread), 0 waiting)");
  assertEquals(lock.locked(), true);
});

test("Every exported class shows its objects", () => {
  const seen = new Set<string>();
  for (const [face, exported] of Object.entries(FACES)) {
    for (const [name, type] of Object.entries(exported) as [string, unknown][]) {
      if (typeof type !== "function" || !/^class\b/.test(Function.prototype.toString.call(type))) {
        continue;
      }
      if (type.prototype instanceof Error || ELSEWHERE.includes(type)) continue;
      assert(INSPECT in type.prototype, `${face}.${name} has no custom inspect`);
      seen.add(`${face}.${name}`);
    }
  }
  assert(seen.size >= 29, `only ${[...seen]}`);
  assert(seen.has("threading.Lock") && seen.has("multiprocessing.Manager"), [...seen].join());
});
