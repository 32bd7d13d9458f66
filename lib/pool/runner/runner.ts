/**
 * A worker's side of a pool: it takes calls in the order in which they come, runs one at a time,
 * and says how each ended before it begins the next. What carries the words is the outlet's
 * business.
 *
 * Who dies when: a worker that ends in the midst of a call has said how those before it ended, and
 * has not begun those behind it. `os.exit()`, a module that cannot be imported and an error that
 * nobody catches end it.
 *
 * @module
 */
import { show } from "../../core/checks.ts";
import { CancelledError, SystemExit } from "../../core/errors.ts";
import { recorder } from "../../core/hooks.ts";
import { setContext, type TaskContext } from "../../child/context.ts";
import { isTermination } from "../../child/run.ts";
import { messageOf, tame } from "../../transfer/failure.ts";
import type { Packed } from "../../transfer/pack.ts";
import type { World } from "../../transfer/shareable.ts";
import { find, load, type Reference } from "../../transfer/task.ts";
import {
  CALL,
  CANCEL,
  DONE,
  FAILED,
  MAP,
  NOTHING_BESIDE,
  readFrames,
  ReplyHead,
  REPORT,
  RequestHead,
  START_FAILED,
  STARTED,
  STOP,
  TARGET,
} from "../transport/frames.ts";
import {
  loadAll,
  missingModules,
  NO_VALUE,
  type Payload,
  readPayload,
  writeError,
  writePayload,
  writeResult,
} from "../payload.ts";
import type { Claims } from "../transport/claims.ts";

/** The way by which a runner speaks. */
export interface Outlet {
  world: World;
  claims: Claims | undefined;
  /** Says something; settles when it can no longer be lost with this worker. */
  say(reply: ReplyHead, payload: Payload): void | Promise<void>;
  /** Looks now for words from the pool, in the midst of code that does not pause. */
  look(): void;
  /** Called with the arguments of a call when they have been read: their memory serves again. */
  release?(value: Uint8Array | Packed): void;
}

/** The preparation of a worker, before its first call. */
export interface Preparation {
  /** Its name. */
  name: string;
  /** The modules that its first calls need. */
  modules: string[];
  /** Called once, with its arguments. */
  initializer: Reference | undefined;
  initArgs: Uint8Array | Packed;
}

type AnyFunction = (...args: unknown[]) => unknown;

/** A call that waits for its turn. */
interface Waiting {
  kind: number;
  id: number;
  target: number;
  claim: number;
  value: Uint8Array | Packed;
}

const ORIGIN = performance.timeOrigin;

/** The worker's side. */
export class Runner {
  readonly #outlet: Outlet;
  readonly #name: string;
  readonly #targets: { reference: Reference; fn: AnyFunction | undefined }[] = [];
  #waiting: Waiting[] = [];
  #next = 0;
  #isRunning = false;
  readonly #request = new RequestHead();
  /** The head of the words about the call that runs; its items are counted here. */
  readonly #reply = new ReplyHead();
  #current: CallContext | undefined;
  readonly #over = Promise.withResolvers<void>();

  constructor(outlet: Outlet, name: string) {
    this.#outlet = outlet;
    this.#name = name;
  }

  /** Settles when the pool has said that it is over; rejects with what ends the worker. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** Runs the initializer, and says that the worker is ready. */
  async prepare({ modules, initializer, initArgs }: Preparation): Promise<void> {
    await loadAll(modules);
    try {
      if (initializer !== undefined) {
        await load(initializer.module);
        await loadAll(missingModules(initArgs));
        const args = readPayload(initArgs) as unknown[];
        await (find(initializer) as AnyFunction)(...args);
      }
    } catch (thrown) {
      const error = tame(thrown);
      if (endsWorker(error)) throw error;
      const failed = new ReplyHead({ kind: START_FAILED });
      await this.#say(failed, writeError(error, this.#outlet.world));
      return;
    }
    await this.#say(new ReplyHead({ kind: STARTED }), NO_VALUE);
  }

  /** Takes what the pool has sent. */
  receive(bytes: Uint8Array, asides: (Uint8Array | Packed)[] = []): void {
    let aside = 0;
    readFrames(bytes, this.#request, (request, inFrame, beside) => {
      this.#take(request, beside === NOTHING_BESIDE ? inFrame! : asides[aside++]!);
    });
    if (!this.#isRunning && this.#next < this.#waiting.length) this.#run();
  }

  #take({ kind, id, target, claim }: RequestHead, value: Uint8Array | Packed): void {
    if (kind === TARGET) {
      this.#targets[target] = { reference: readPayload(value) as Reference, fn: undefined };
    } else if (kind === CANCEL) this.#cancel(id, value);
    else if (kind === STOP) this.#over.resolve();
    else this.#waiting.push({ kind, id, target, claim, value });
  }

  #cancel(id: number, reason: Uint8Array | Packed): void {
    if (this.#current?.call === id) this.#current.abort(readReason(reason));
    // Without claims one that was not begun is dropped here, and the pool is told.
    const at = this.#waiting.findIndex((call, k) => k >= this.#next && call.id === id);
    if (at < 0 || this.#outlet.claims !== undefined) return;
    this.#waiting.splice(at, 1);
    this.#say(new ReplyHead({ kind: FAILED, id }), NO_VALUE);
  }

  #run(): void {
    this.#isRunning = true;
    this.#runAll().catch((error) => this.#over.reject(error));
  }

  async #runAll(): Promise<void> {
    const reply = this.#reply;
    let began = performance.now();
    while (this.#next < this.#waiting.length) {
      const call = this.#waiting[this.#next]!;
      this.#waiting[this.#next++] = NOBODY;
      if (this.#next === this.#waiting.length) {
        this.#waiting = [];
        this.#next = 0;
      }
      const { claims } = this.#outlet;
      if (claims !== undefined && !claims.take(call.claim)) continue;
      claims?.begin(ORIGIN + began);
      const context = this.#current = new CallContext(call.id, this.#name, this.#outlet);
      setContext(context);
      reply.kind = DONE;
      reply.id = call.id;
      reply.items = 1;
      let payload: Payload;
      const over = recorder?.runs("call", this.#targets[call.target]!.reference.name);
      try {
        let value = this.#begin(call);
        if (isPromise(value)) value = await value;
        over?.(false);
        payload = writeResult(value, this.#outlet.world);
      } catch (thrown) {
        over?.(true, thrown);
        const error = tame(thrown);
        if (endsWorker(error)) throw error;
        reply.kind = FAILED;
        payload = writeError(error, this.#outlet.world);
      }
      this.#current = undefined;
      const ended = performance.now();
      reply.micros = (ended - began) * 1000;
      const said = this.#say(reply, payload);
      if (said !== undefined) await said;
      began = said === undefined ? ended : performance.now();
    }
    // In the same turn in which there was nothing left: else what comes next would find it running.
    this.#isRunning = false;
  }

  /** Begins a call: at once where all is there that it needs. */
  #begin(call: Waiting): unknown {
    const { fn } = this.#targets[call.target]!;
    if (fn === undefined || missingModules(call.value).length > 0) {
      return this.#fetch(call);
    }
    return apply(call.kind, fn, this.#argsOf(call), this.#reply, this.#current!);
  }

  #argsOf({ value }: Waiting): unknown[] {
    const args = readPayload(value) as unknown[];
    this.#outlet.release?.(value);
    return args;
  }

  async #fetch(call: Waiting): Promise<unknown> {
    const target = this.#targets[call.target]!;
    try {
      await loadAll([target.reference.module, ...missingModules(call.value)]);
    } catch (cause) {
      throw new ImportFailed(target.reference, cause);
    }
    target.fn ??= find(target.reference) as AnyFunction;
    const values = this.#argsOf(call);
    return apply(call.kind, target.fn, values, this.#reply, this.#current!);
  }

  #say(reply: ReplyHead, payload: Payload): void | Promise<void> {
    try {
      return this.#outlet.say(reply, payload);
    } catch (error) {
      const { kind } = reply;
      if (kind !== DONE && kind !== FAILED && kind !== START_FAILED) throw error;
      if (kind === DONE) reply.kind = FAILED;
      return this.#outlet.say(reply, writeError(error, this.#outlet.world));
    }
  }
}

const NOBODY: Waiting = { kind: 0, id: 0, target: 0, claim: 0, value: new Uint8Array(0) };

/**
 * A call's module cannot be imported: the worker ends, as what it has half loaded is good for
 * nothing.
 */
export class ImportFailed extends Error {
  /** The class's name. */
  override name = "ImportFailed";

  /** Creates the error. */
  constructor({ module }: Reference, cause: unknown) {
    super(`importing ${module} failed: ${messageOf(cause)}`, { cause });
  }
}

function endsWorker(error: unknown): boolean {
  return error instanceof SystemExit || error instanceof ImportFailed || isTermination(error);
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === "function";
}

function apply(
  kind: number,
  fn: AnyFunction,
  values: unknown[],
  reply: ReplyHead,
  context: CallContext,
): unknown {
  if (kind === CALL) return fn(...values);
  reply.items = 0;
  const results: unknown[] = [];
  for (let k = 0; k < values.length; k++) {
    const result = kind === MAP ? fn(values[k]) : fn(...argumentsOf(values[k]));
    if (isPromise(result)) return applyRest(kind, fn, values, results, result, reply, context);
    results.push(result);
    reply.items++;
  }
  return results;
}

async function applyRest(
  kind: number,
  fn: AnyFunction,
  values: unknown[],
  results: unknown[],
  first: PromiseLike<unknown>,
  reply: ReplyHead,
  context: CallContext,
): Promise<unknown[]> {
  results.push(await first);
  reply.items++;
  for (let k = results.length; k < values.length; k++) {
    context.throwIfCancelled();
    results.push(await (kind === MAP ? fn(values[k]) : fn(...argumentsOf(values[k]))));
    reply.items++;
  }
  return results;
}

/** An item of a starmap. */
function argumentsOf(item: unknown): Iterable<unknown> {
  if (
    typeof (item as Partial<Iterable<unknown>> | null | undefined)?.[Symbol.iterator] === "function"
  ) {
    return item as Iterable<unknown>;
  }
  throw new TypeError(
    `Cannot map a function: an item must be a list of arguments, received ${show(item)}`,
  );
}

function readReason(reason: Uint8Array | Packed): unknown {
  try {
    return readPayload(reason);
  } catch {
    return new CancelledError("The call was cancelled");
  }
}

/** The context of a running call: what it can learn of itself. */
class CallContext implements TaskContext {
  readonly call: number;
  readonly name: string;
  readonly #outlet: Outlet;
  #controller: AbortController | undefined;
  #isAborting = false;

  constructor(id: number, name: string, outlet: Outlet) {
    this.call = id;
    this.name = name;
    this.#outlet = outlet;
  }

  /** Aborts when the caller cancels the call; code that never pauses can look at `aborted`. */
  get signal(): AbortSignal {
    if (this.#controller !== undefined) return this.#controller.signal;
    const { signal } = this.#controller = new AbortController();
    const look = () => this.#look();
    const { get } = Object.getOwnPropertyDescriptor(AbortSignal.prototype, "aborted")!;
    Object.defineProperty(signal, "aborted", {
      configurable: true,
      get() {
        if (!get!.call(signal)) look();
        return get!.call(signal);
      },
    });
    signal.throwIfAborted = () => {
      if (signal.aborted) throw signal.reason;
    };
    return signal;
  }

  get report(): (value: unknown) => void {
    const reply = new ReplyHead({ kind: REPORT, id: this.call });
    return (value) => {
      const { world } = this.#outlet;
      this.#outlet.say(reply, writePayload(value, world, "report"));
    };
  }

  abort(reason: unknown): void {
    this.#isAborting = true;
    (this.#controller ??= new AbortController()).abort(reason);
  }

  throwIfCancelled(): void {
    if (this.#controller?.signal.aborted) throw this.#controller.signal.reason;
  }

  /** True if the pool has cancelled the call and the event loop could not say so yet. */
  #look(): void {
    if (this.#isAborting || !this.#outlet.claims?.isCancelled(this.call)) return;
    this.#outlet.look();
    if (!this.#isAborting) this.abort(new CancelledError("The call was cancelled"));
  }
}
