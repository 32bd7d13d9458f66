/** Targets of children_test.ts, and of the scripts that it runs. */
import { context, task } from "../lib/task.ts";
import { currentThread, enumerate, Thread } from "../lib/threading.ts";
import { currentProcess, parentProcess, Process } from "../lib/multiprocessing.ts";
import { exit } from "../lib/os.ts";

export class TicketError extends RangeError {
  override name = "TicketError";
  constructor(message: string, public seat: number) {
    super(message);
  }
}
task(import.meta, TicketError);

export class Point {
  constructor(public x: number, public y: number) {}
  get length() {
    return Math.hypot(this.x, this.y);
  }
}
task(import.meta, Point);

export const square = task(import.meta, (x: number) => x * x);
export const echo = task(import.meta, (value: unknown) => value);
export const lengthOf = task(import.meta, (point: Point) => point.length);
export const fail = task(import.meta, function fail() {
  throw new TicketError("no such seat", 7);
});
export const failTwice = task(import.meta, () => {
  throw new AggregateError([new TypeError("a"), new TicketError("b", 1)], "both", {
    cause: new Error("why"),
  });
});
export const giveFunction = task(import.meta, () => () => 1);
export const report = task(import.meta, function report() {
  for (let k = 0; k < 3; k++) context().report({ k });
  return "reported";
});
export const leave = task(import.meta, function leave(code: number) {
  try {
    exit(code);
  } finally {
    context().report("finally");
  }
});
export const quit = task(import.meta, () => Deno.exit(5));
export const throwLater = task(import.meta, () => {
  setTimeout(() => {
    throw new Error("later");
  }, 1);
  return new Promise(() => {});
});
export const idle = task(import.meta, () => new Promise(() => setInterval(() => {}, 1_000)));
export const nested = task(import.meta, function nested() {
  return new Thread(square, { args: [5] }).start().resultSync();
});
export const names = task(import.meta, () => {
  return [currentThread().name, ...enumerate().map((thread) => thread.name)];
});
export const family = task(import.meta, () => [currentProcess().name, parentProcess()!.name]);
export const place = task(import.meta, () => [Deno.cwd(), Deno.env.get("SWITCHYARD_TEST")]);
export const permissions = task(import.meta, async () => {
  const { state } = await Deno.permissions.query({ name: "net" });
  return state;
});
export const beParent = task(import.meta, () => new Process(square, { args: [1] }).start());

export class Greeter extends Thread<string> {
  constructor(public who: string) {
    super(import.meta, { name: `greet-${who}` });
  }
  override run(): string {
    return `${this.name} greets ${this.who}`;
  }
}

export class Adder extends Process<number> {
  constructor(public a: number, public b: number) {
    super(import.meta);
  }
  override run(): number {
    return this.a + this.b;
  }
}

/** What an object says of itself in its own `run()`, and to what of that it is right. */
async function ofItself(it: Thread<unknown> | Process<unknown>): Promise<Record<string, unknown>> {
  const refused = async (call: () => unknown) => {
    try {
      return await call();
    } catch (error) {
      return String(error);
    }
  };
  return {
    name: it.name,
    daemon: it.daemon,
    isAlive: it.isAlive(),
    error: it.error,
    shown: Deno.inspect(it),
    start: await refused(() => it.start()),
    setDaemon: await refused(() => it.daemon = true),
    join: await refused(() => it.join()),
    joinSync: await refused(() => it.joinSync()),
    result: await refused(() => it.result()),
    ...it instanceof Thread
      ? { ident: it.ident === currentThread().ident, state: it.state }
      : { pid: it.pid === Deno.pid, exitcode: it.exitcode },
  };
}

export class AskedThread extends Thread<Record<string, unknown>> {
  constructor() {
    super(import.meta, { name: "asked" });
  }
  override run(): Promise<Record<string, unknown>> {
    return ofItself(this);
  }
}

export class AskedProcess extends Process<Record<string, unknown>> {
  constructor() {
    super(import.meta, { name: "asked" });
  }
  override run(): Promise<Record<string, unknown>> {
    return ofItself(this);
  }
}

export class Secretive extends Thread<number> {
  #secret = 1;
  constructor() {
    super(import.meta);
  }
  override run(): number {
    return this.#secret;
  }
}
export const amDaemon = task(import.meta, () => currentThread().daemon);
export const whoAmI = task(import.meta, () => [currentProcess().name, currentProcess().daemon]);
