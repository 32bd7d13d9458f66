/**
 * What the workers of the conformance suite run. The types are those of threading, which take the
 * classes of both worlds. Each worker loads this module: a face is loaded by the targets that need
 * it.
 *
 * @module
 */
import type { QueueLike } from "../../lib/multiprocessing.ts";
import { _exit, exit } from "../../lib/os/exit.ts";
import { context, task } from "../../lib/task.ts";
import type { Array as SharedArray, Barrier, Event, Lock, Value } from "../../lib/threading.ts";
import { compute } from "../_help/compute.ts";

const later = (ms: number) => new Promise<void>((next) => setTimeout(next, ms));

// Plain work

export const square = task(import.meta, (x: number) => x * x);
export const squareLater = task(import.meta, async (x: number) => {
  await later(1);
  return x * x;
});
/** Where a view begins, how long its buffer is, and what it shows. */
export const show = task(import.meta, (bytes: Uint8Array) => [
  bytes.byteOffset,
  bytes.buffer.byteLength,
  [...bytes],
]);
export const shareOne = task(
  import.meta,
  (one: Uint8Array, other: Uint8Array) => one.buffer === other.buffer,
);
export const squareInThread = task(import.meta, async (x: number) => {
  const { Thread } = await import("../../lib/threading.ts");
  return await new Thread(square, { args: [x] }).start().result();
});
export const add = task(import.meta, (a: number, b: number) => a + b);
export const echo = task(import.meta, (value: unknown) => value);
export const nothing = task(import.meta, () => {});
export const nameOf = task(import.meta, () => context().name);
export const pidOf = task(import.meta, () => Deno.pid);
/** Where it is. */
export const surroundings = task(import.meta, async () => {
  const { state } = await Deno.permissions.query({ name: "net" });
  return [Deno.cwd(), Deno.env.get("SWITCHYARD_PREWARM"), state];
});
export const sleep = task(import.meta, async function sleep(ms: number) {
  await later(ms);
  return ms;
});

/** An exported function that is no task, of a module that is not the main one. */
export function unmarked() {}

// What waits

/** Says that it runs, and waits for the gate. */
export const reported = task(import.meta, async function reported(gate: Event) {
  context().report("runs");
  await gate.wait();
  return "through";
});

/** Waits for the gate. */
export const pass = task(import.meta, async function pass(gate: Event, value: unknown) {
  await gate.wait();
  return value;
});

/** Waits for the gate and then fails. */
export const passAndFail = task(import.meta, async function passAndFail(gate: Event) {
  await gate.wait();
  throw new RangeError("behind the gate");
});

/** Waits for the gate in a call that blocks the worker. */
export const block = task(import.meta, async function block(gate: Event) {
  context().report("runs");
  await later(0);
  gate.waitSync();
  return "through";
});

/** Waits for the gate if it is the first item. */
export const passFirst = task(import.meta, async function passFirst([k, gate]: [number, Event]) {
  if (k === 0) await gate.wait();
  return k;
});

/** Meets the others. */
export const meet = task(import.meta, async function meet(barrier: Barrier) {
  await barrier.wait();
  return "met";
});

/** Opens the gate. */
export const open = task(import.meta, (gate: Event) => gate.set());

/** Counts that it has run. */
export const countRun = task(import.meta, (runs: Value<"i32">) => {
  runs.add(1);
});

/** Never ends, and lets go of its worker. */
export const idle = task(import.meta, function idle() {
  context().report(Deno.pid);
  return new Promise<void>(() => setInterval(() => {}, 1_000));
});

/** Says that it runs, and hears nothing. */
export const setAndIdle = task(import.meta, function setAndIdle(begun: Event) {
  begun.set();
  return new Promise<void>(() => setInterval(() => {}, 1_000));
});

/** Does not pause for longer than any test takes. */
export const spin = task(import.meta, async function spin() {
  context().report(Deno.pid);
  await later(0);
  compute(15_000);
});

/** Notes its number in the order of the calls. */
export const note = task(
  import.meta,
  function note(k: number, order: SharedArray<"i32">, next: Value<"i32">) {
    order.set(next.add(1), k);
  },
);

// Contexts

/** Waits for its signal, and says so. */
export const heed = task(import.meta, async function heed(ended: Event) {
  const { signal, report } = context();
  report("runs");
  if (!signal.aborted) {
    await new Promise<void>((aborted) => {
      const timer = setInterval(() => {}, 1_000);
      signal.addEventListener("abort", () => {
        clearInterval(timer);
        aborted();
      });
    });
  }
  ended.set();
  return "ended early";
});

/** Waits for its signal, and throws its reason. */
export const heedAndThrow = task(import.meta, async function heedAndThrow() {
  const { signal, report } = context();
  report("runs");
  while (!signal.aborted) await later(1);
  signal.throwIfAborted();
});

/** Ends some ms after it was cancelled, with a value or an error. */
export const heedBriefly = task(
  import.meta,
  async function heedBriefly(as: "value" | "error") {
    const { signal, report } = context();
    report("runs");
    while (!signal.aborted) await later(1);
    await later(10);
    if (as === "error") throw new RangeError("too late to be heard");
    return "too late to be had";
  },
);

/** Looks whether the signal is aborted that a task after another's cancel has. */
export const isAborted = task(import.meta, () => context().signal.aborted);

/** Reports some values. */
export const report = task(import.meta, async function report(values: unknown[]) {
  for (const [k, value] of values.entries()) {
    context().report(value);
    if (k === 1) await later(1);
  }
  return values.length;
});

/** Reports its argument. */
export const reportItem = task(import.meta, (item: number) => {
  context().report(item);
  return item;
});

// The worker's own variables

const id = crypto.randomUUID();
/** Which worker it is. */
export const workerId = task(import.meta, () => id);

let calls = 0;
/** How often this worker has been here. */
export const countHere = task(import.meta, () => ++calls);

/** Which of this worker's calls it is, while the others of the pool are in one too. */
export const countTogether = task(import.meta, async function countTogether(barrier: Barrier) {
  await barrier.wait();
  return ++calls;
});

let here: unknown[] = [];
export const setHere = task(import.meta, function setHere(...values: unknown[]) {
  here = [...here, ...values];
});
export const setHereLater = task(import.meta, async function setHereLater(value: unknown) {
  await later(5);
  here = [value];
});
export const getHere = task(import.meta, () => here);
export const failToStart = task(import.meta, function failToStart() {
  throw new RangeError("no such printer");
});
/** Dies in a worker, at its start. */
export const dieAtStart = task(import.meta, function dieAtStart(tries: Value<"i32">) {
  tries.add(1);
  Deno.exit(9);
});
/** Dies at the start of the first workers, and lets the next ones live. */
export const dieAtFirst = task(
  import.meta,
  function dieAtFirst(tries: Value<"i32">, times: number) {
    if (tries.add(1) < times) Deno.exit(9);
  },
);
export const openLate = task(import.meta, async function openLate(gate: Event, told: Event) {
  told.set();
  await gate.wait();
});

let queue: QueueLike<unknown> | undefined;
export const keepQueue = task(import.meta, function keepQueue(given: QueueLike<unknown>) {
  queue = given;
});
export const putKept = task(import.meta, async function putKept(item: unknown) {
  await queue!.put(item);
});

let kept: ArrayBufferLike | undefined;
/** Gives bytes, and keeps hold of them. */
export const giveBytes = task(import.meta, function giveBytes(length: number, wrapped: boolean) {
  const bytes = new Uint8Array(length).fill(7);
  kept = bytes.buffer;
  return wrapped ? { deep: [bytes] } : bytes.buffer;
});
/** Gives a view of some of the bytes. */
export const givePart = task(import.meta, function givePart(length: number) {
  const bytes = new Uint8Array(length).map((_, k) => k);
  return [bytes.subarray(3, 5), bytes.subarray(length - 2), bytes.buffer];
});
/** How many of the bytes that it gave away are still there. */
export const keptLength = task(import.meta, () => kept!.byteLength);
export const lengthOf = task(import.meta, (bytes: ArrayBuffer) => bytes.byteLength);
export const sumOf = task(import.meta, (bytes: ArrayBuffer) => {
  return new Uint8Array(bytes).reduce((sum, byte) => sum + byte, 0);
});

// What fails

/** An error class that is a task. */
export class TicketError extends RangeError {
  override name = "TicketError";
  constructor(message: string, public seat: number) {
    super(message);
  }
}
task(import.meta, TicketError);

/** An error class that its module only exports. */
export class PlainError extends Error {
  override name = "PlainError";
  detail = { list: [1, new Date(0)] };
}

class HiddenError extends RangeError {
  override name = "HiddenError";
}

/** What {@linkcode fail} can throw. */
export type Failure =
  | "ticket"
  | "plain"
  | "hidden"
  | "builtin"
  | "deno"
  | "dom"
  | "aggregate"
  | "cause"
  | "code"
  | "text"
  | "unsendable";

export const fail = task(import.meta, function fail(kind: Failure): never {
  switch (kind) {
    case "ticket":
      throw new TicketError("no such seat", 7);
    case "plain":
      throw new PlainError("plainly");
    case "hidden":
      throw new HiddenError("nobody exports it");
    case "builtin":
      throw new SyntaxError("built in");
    case "deno":
      throw new Deno.errors.NotFound("nowhere");
    case "dom":
      throw new DOMException("no such key", "DataError");
    case "aggregate":
      throw new AggregateError([new TypeError("a"), new PlainError("b")], "both");
    case "cause":
      throw new Error("outer", { cause: new TicketError("inner", 3) });
    case "code":
      throw Object.assign(new Error("coded"), { code: "ENOENT", at: new Map([[1, "x"]]) });
    case "text":
      // deno-lint-ignore no-throw-literal -- what others throw
      throw "no error at all";
    case "unsendable":
      throw Object.assign(new Error("with a secret"), { secret: new WeakMap(), fn() {} });
  }
});

export const failLater = task(import.meta, async function failLater(message: string) {
  await later(1);
  throw new TypeError(message);
});

/** Fails at one number. */
export const failAt = task(import.meta, function failAt([k, at]: [number, number]) {
  if (k === at) throw new TicketError(`failed at ${k}`, k);
  return k;
});
export const failAtSeven = task(import.meta, function failAtSeven(k: number) {
  if (k === 7) throw new TicketError("failed at 7", 7);
  return k;
});

/** What is odd to be thrown. */
export type Oddity =
  | "nothing"
  | "null"
  | "text"
  | "number"
  | "symbol"
  | "object"
  | "bare object"
  | "getters"
  | "proxy"
  | "revoked proxy"
  | "odd message"
  | "odd stack"
  | "throwing message"
  | "throwing cause"
  | "circular cause";

function odd(kind: Oddity): unknown {
  const fail = () => {
    throw new Error("do not look");
  };
  switch (kind) {
    case "nothing":
      return undefined;
    case "null":
      return null;
    case "text":
      return "just text";
    case "number":
      return 42;
    case "symbol":
      return Symbol("mark");
    case "object":
      return { code: 7 };
    case "bare object":
      return Object.assign(Object.create(null), { toString: fail });
    case "getters":
      return Object.defineProperties({}, {
        message: { get: fail, enumerable: true },
        stack: { get: fail, enumerable: true },
        then: { get: fail },
        [Symbol.toPrimitive]: { get: fail },
      });
    case "proxy":
      return new Proxy(new Error("hidden"), {
        get: fail,
        getPrototypeOf: fail,
        ownKeys: fail,
        has: fail,
        getOwnPropertyDescriptor: fail,
      });
    case "revoked proxy": {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return proxy;
    }
    case "odd message":
      return Object.assign(new Error(), { message: { is: "an object" } });
    case "odd stack":
      return Object.assign(new Error("with an odd stack"), { stack: 42 });
    case "throwing message":
      return Object.defineProperty(new Error(), "message", { get: fail });
    case "throwing cause":
      return Object.defineProperty(new Error("with a cause"), "cause", { get: fail });
    case "circular cause": {
      const error = new Error("in a circle");
      return Object.assign(error, { cause: new Error("within", { cause: error }) });
    }
  }
}

/**
 * Throws what is odd: as the call's error, out of a promise that nobody awaits, or out of a timer.
 */
export const throwOdd = task(
  import.meta,
  function throwOdd(kind: Oddity, how: "throw" | "rejection" | "timer"): Promise<never> {
    if (how === "throw") throw odd(kind);
    if (how === "rejection") Promise.reject(odd(kind));
    else {
      setTimeout(() => {
        throw odd(kind);
      }, 0);
    }
    return new Promise(() => setInterval(() => {}, 1_000));
  },
);

/** Lets its worker become ready, and end before it can be told anything. */
export const dieOnceReady = task(
  import.meta,
  function dieOnceReady(tries: Value<"i32">, how: "close" | "exit" | "rejection") {
    tries.add(1);
    const end = async () => {
      // What is said at the start is said by then, and the event loop has not gone on.
      for (let k = 0; k < 100; k++) await undefined;
      if (how === "close") (globalThis as { close?: () => void }).close?.();
      if (how === "rejection") throw new RangeError("once ready");
      Deno.exit(9);
    };
    end();
  },
);

// What cannot be sent

export const giveFunction = task(import.meta, () => () => 1);
export const giveDeep = task(import.meta, () => ({ a: [0, { f() {} }] }));
export const giveOdd = task(import.meta, (k: number) => k === 3 ? () => k : k);
export const reportFunction = task(import.meta, () => {
  context().report(() => 1);
  return "after";
});

// What dies

/** How {@linkcode die} ends its worker. */
export type Death = "exit" | "_exit" | "Deno.exit" | "SIGKILL" | "timer" | "rejection" | "memory";

function end(how: Death): unknown {
  switch (how) {
    case "exit":
      return exit(3);
    case "_exit":
      return _exit(4);
    case "Deno.exit":
      return Deno.exit(5);
    case "SIGKILL":
      Deno.kill(Deno.pid, "SIGKILL");
      break;
    case "timer":
      setTimeout(() => {
        throw new RangeError("out of a timer");
      }, 1);
      break;
    case "rejection":
      Promise.reject(new RangeError("out of a promise"));
      break;
    case "memory": {
      const all: unknown[] = [];
      for (;;) all.push(new Array(10_000).fill(all.length + 0.5));
    }
  }
  return new Promise(() => setInterval(() => {}, 1_000));
}

/** Ends its worker. */
export const die = task(import.meta, function die(how: Death): unknown {
  return end(how);
});

/** Says that it runs, waits for the gate, and ends its worker. */
export const dieBehind = task(import.meta, async function dieBehind(gate: Event, how: Death) {
  context().report("runs");
  await gate.wait();
  return await end(how);
});

/** Ends its worker the first times. */
export const dieOften = task(
  import.meta,
  function dieOften(tries: Value<"i32">, times: number, how: Death) {
    if (tries.add(1) < times) return end(how);
    return "at last";
  },
);

/** Ends its worker the first time for each even number. */
export const dieIfEven = task(
  import.meta,
  function dieIfEven([k, cells]: [number, SharedArray<"i32">]) {
    const before = cells.at(k);
    cells.set(k, before + 1);
    if (k % 2 === 0 && before === 0) return end("Deno.exit");
    return k;
  },
);

/** Ends its worker for one number. */
export const dieAtSeven = task(import.meta, function dieAtSeven(k: number) {
  return k === 7 ? end("Deno.exit") : k;
});

/** Fails, and counts its tries. */
export const failCounted = task(import.meta, function failCounted(tries: Value<"i32">) {
  tries.add(1);
  throw new RangeError("not retried");
});

/** Dies when it has long given its result. */
export const leaveBomb = task(import.meta, function leaveBomb(ms: number) {
  setTimeout(() => {
    throw new RangeError("left behind");
  }, ms);
  return "left";
});

// Stress

let cells: SharedArray<"i32"> | undefined;
export const keepCells = task(import.meta, function keepCells(given: SharedArray<"i32">) {
  cells = given;
});
/** Counts its run, and says who ran it. */
export const tick = task(import.meta, function tick(k: number): [number, number] {
  cells!.set(k, cells!.at(k) + 1);
  return [k, Deno.pid];
});

// What is shared

export const addUnder = task(
  import.meta,
  async function addUnder(lock: Lock, total: Value<"i32">, times: number) {
    for (let k = 0; k < times; k++) {
      using _guard = await lock.acquire();
      total.value = total.value + 1;
    }
  },
);
export const addUnderSync = task(
  import.meta,
  function addUnderSync(lock: Lock, total: Value<"i32">, times: number) {
    for (let k = 0; k < times; k++) {
      using _guard = lock.acquireSync();
      total.value = total.value + 1;
    }
  },
);
/** Ends its worker with the lock in its hand. */
export const dieHolding = task(import.meta, async function dieHolding(lock: Lock, how: Death) {
  await lock.acquire();
  return await end(how);
});
export const putOn = task(
  import.meta,
  async function putOn(queue: QueueLike<unknown>, item: unknown) {
    await queue.put(item);
  },
);
export const getFrom = task(import.meta, async function getFrom(queue: QueueLike<unknown>) {
  return await queue.get();
});
export const giveBack = task(import.meta, (lock: Lock) => ({ nested: [lock] }));

/** A class that travels. */
export class Point {
  constructor(public x: number, public y: number) {}
  get length() {
    return Math.hypot(this.x, this.y);
  }
}
task(import.meta, Point);
export const lengthOfPoint = task(import.meta, (point: Point) => point.length);
export const mirror = task(import.meta, ({ x, y }: Point) => new Point(y, x));

// Executors of its own

/** Maps with an executor of its own. */
export const mapBelow = task(import.meta, async function mapBelow(numbers: number[]) {
  const { ThreadPoolExecutor } = await import("../../lib/futures.ts");
  await using executor = new ThreadPoolExecutor(2);
  const squares: number[] = [];
  for await (const each of executor.map(square, numbers)) squares.push(each);
  return squares;
});

/** Maps with an executor of processes of its own. */
export const mapProcesses = task(import.meta, async function mapProcesses(numbers: number[]) {
  const { ProcessPoolExecutor } = await import("../../lib/futures.ts");
  await using executor = new ProcessPoolExecutor(1);
  const squares: number[] = [];
  for await (const each of executor.map(square, numbers)) squares.push(each);
  return squares;
});

/** Blocks in a worker for an executor of its own. */
export const resultSyncOf = task(import.meta, async function resultSyncOf(x: number) {
  const { ThreadPoolExecutor } = await import("../../lib/futures.ts");
  await using executor = new ThreadPoolExecutor(1);
  return executor.submit(square, x).resultSync();
});

/** Loses a worker of an executor of its own. */
export const dieBelow = task(import.meta, async function dieBelow() {
  const { ThreadPoolExecutor } = await import("../../lib/futures.ts");
  await using executor = new ThreadPoolExecutor(1);
  const lost = executor.submit(die, "Deno.exit");
  const next = executor.submit(square, 3);
  const error = await lost.exception() as Error;
  return [error.name, await next.result()];
});
