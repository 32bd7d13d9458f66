/**
 * What the threads and processes of a worker run: it finds the target that a call names, reads its
 * arguments, and writes down what comes of it. So nothing of the user's is imported beside the
 * connection, and a target that ends its thread ends nothing else.
 *
 * @module
 */
import { context, setContext } from "../../child/context.ts";
import { isTermination } from "../../child/run.ts";
import { show } from "../../core/checks.ts";
import { SystemExit } from "../../core/errors.ts";
import { CALL, MAP } from "../../pool/transport/frames.ts";
import { messageOf, tame } from "../../transfer/failure.ts";
import {
  find,
  findExport,
  isLoaded,
  load,
  printsOf,
  type Reference,
  task,
} from "../../transfer/task.ts";
import { versionText } from "../calls/messages.ts";
import { Places } from "../calls/places.ts";
import { CallWire, type RestoreQueue } from "../calls/wire.ts";

/** What each thread or process of a worker is told before its first call. */
export interface Setup {
  root: string | undefined;
  allow: string[];
  /** Where queues are that come in arguments. */
  url: string;
  /** The worker's name. */
  worker: string;
  /** What is imported at once. */
  modules: string[];
  /** Called then. */
  initializer: Reference | undefined;
  initArgs: unknown[];
}

/** A call, for a thread or process of a worker. */
export interface Order {
  module: string;
  name: string;
  print: number;
  /** True if it may be any export of its module, which is the caller's main one. */
  isMain: boolean;
  kind: number;
  body: Uint8Array<ArrayBuffer>;
  /** True if there is a RemoteQueue in it. */
  hasQueue: boolean;
  attempt: number;
  id: string;
  key: string | undefined;
}

/** What is reported when a call begins; all that its target reports is bytes. */
export const BEGUN_HERE = 1;

/** What came of a call. */
export type CallVerdict =
  | { type: "done" | "failed"; body: Uint8Array<ArrayBuffer>; micros: number; items: number }
  | { type: "refused"; reason: string; there: string };

type AnyFunction = (...args: unknown[]) => unknown;

let setup: Setup | undefined;
let wire: CallWire | undefined;
let restore: ((state: unknown, url: string) => unknown) | undefined;
const found = new Map<string, AnyFunction>();

/** Prepares a thread or process of a worker. */
export const prepare: (setup: Setup) => Promise<void> = task(
  import.meta,
  async function prepare(given: Setup): Promise<void> {
    setup = given;
    const places = new Places(given.root, given.allow);
    wire = new CallWire(places, (): RestoreQueue | undefined => {
      const make = restore;
      return make && ((state) => make(state, given.url));
    });
    for (const module of given.modules) await load(module);
    const { initializer, initArgs } = given;
    if (initializer === undefined) return;
    await load(initializer.module);
    await (find(initializer) as AnyFunction)(...initArgs);
  },
);

/** Runs a call. */
export const runCall: (order: Order) => CallVerdict | Promise<CallVerdict> = task(
  import.meta,
  function runCall(order: Order): CallVerdict | Promise<CallVerdict> {
    const fn = found.get(keyOf(order));
    if (fn === undefined || order.hasQueue || !wire!.modules(order.body).every(isLoaded)) {
      return fetch(order);
    }
    return apply(order, fn);
  },
);

function keyOf({ module, name, print, isMain }: Order): string {
  return `${isMain} ${print} ${name} ${module}`;
}

async function fetch(order: Order): Promise<CallVerdict> {
  const { module, name, print, isMain, hasQueue } = order;
  const refused = (reason: string, there = ""): CallVerdict => ({ type: "refused", reason, there });
  for (const needed of [module, ...wire!.modules(order.body)]) {
    try {
      await load(needed);
    } catch (error) {
      return refused(`importing ${needed} failed: ${messageOf(error)}`);
    }
  }
  if (hasQueue) restore ??= (await import("../queue.ts")).restoreQueue;
  let fn: AnyFunction;
  try {
    fn = (isMain ? findExport : find)({ module, name, print }) as AnyFunction;
  } catch {
    const [there] = printsOf(module, name);
    return there === undefined
      ? refused(`${module} has no target ${show(name)}`)
      : refused(`the text of ${show(name)} in ${module} differs`, versionText(there));
  }
  found.set(keyOf(order), fn);
  return await apply(order, fn);
}

/** How far a call has come. */
interface Progress {
  began: number;
  items: number;
}

function apply(order: Order, fn: AnyFunction): CallVerdict | Promise<CallVerdict> {
  enter(order);
  const progress: Progress = { began: performance.now(), items: 0 };
  try {
    const args = wire!.readArgs(order.body) as unknown[];
    const value = order.kind === CALL ? fn(...args) : mapped(order.kind, fn, args, progress);
    if (typeof (value as PromiseLike<unknown> | undefined)?.then !== "function") {
      return done(value, order, progress);
    }
    return finish(value as PromiseLike<unknown>, order, progress);
  } catch (thrown) {
    return failed(thrown, progress);
  }
}

async function finish(
  value: PromiseLike<unknown>,
  order: Order,
  progress: Progress,
): Promise<CallVerdict> {
  try {
    return done(await value, order, progress);
  } catch (thrown) {
    return failed(thrown, progress);
  }
}

function mapped(kind: number, fn: AnyFunction, items: unknown[], progress: Progress): unknown {
  const one = (item: unknown) => kind === MAP ? fn(item) : fn(...item as unknown[]);
  const results: unknown[] = [];
  const { signal } = context();
  const rest = async (first: unknown): Promise<unknown[]> => {
    results.push(await first);
    progress.items++;
    while (results.length < items.length) {
      signal.throwIfAborted();
      results.push(await one(items[results.length]));
      progress.items++;
    }
    return results;
  };
  for (const item of items) {
    const result = one(item);
    if (typeof (result as PromiseLike<unknown> | undefined)?.then === "function") {
      return rest(result);
    }
    results.push(result);
    progress.items++;
  }
  return results;
}

function done(value: unknown, { kind }: Order, { began, items }: Progress): CallVerdict {
  const { body } = wire!.write(value, "result");
  return { type: "done", body, micros: sinceMicros(began), items: kind === CALL ? 1 : items };
}

function failed(thrown: unknown, { began, items }: Progress): CallVerdict {
  const error = tame(thrown);
  if (error instanceof SystemExit || isTermination(error)) throw error;
  const body = wire!.writeError(error);
  return { type: "failed", body, micros: sinceMicros(began), items };
}

function sinceMicros(began: number): number {
  return Math.max(1, Math.round((performance.now() - began) * 1000));
}

/** Says that the call has begun, and lets the target learn of it. */
function enter({ attempt, id, key }: Order): void {
  const outer = context();
  outer.report(BEGUN_HERE);
  setContext({
    get signal() {
      return outer.signal;
    },
    report: (value) => outer.report(wire!.write(value, "report").body),
    name: outer.name,
    attempt,
    id,
    ...key === undefined ? {} : { key },
    worker: setup!.worker,
  });
}
