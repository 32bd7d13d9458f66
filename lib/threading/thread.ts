/**
 * The thread, and the handles of threads that others started.
 *
 * Life of a thread: `new` -> `start()` enters it in the roster and has its worker made -> it runs
 * -> it says how its task ended, leaves the roster, and its worker closes. What is known of it from
 * its start on is a `StartedThread`.
 *
 * @module
 */
import { checkArray, checkBoolean, checkString, show } from "../core/checks.ts";
import { INSPECT, shown } from "../core/inspect.ts";
import { now } from "../core/environment.ts";
import { errorOf, printUncaught, settle } from "../child/outcome.ts";
import {
  ATTACH,
  cargoOf,
  checkChildOptions,
  type ChildPlan,
  type JoinOptions,
  type JoinSyncOptions,
  lateError,
  planOf,
  QUIET,
  TOLD,
} from "../child/plan.ts";
import { DUE, type Due } from "../child/thread/delayed.ts";
import { checkReadable, startWorker } from "../child/thread/host.ts";
import type { ThreadPorts } from "../child/thread/protocol.ts";
import { StartedThread } from "../child/thread/started.ts";
import "../channel/parcels/office.ts";
import { type Listed, MAIN, STATE, WAITING } from "../memory/roster.ts";
import { self } from "../memory/this_thread.ts";
import { checkWait } from "../sync/options.ts";
import { runAsync, runSync } from "../sync/steps.ts";
import { watchWait } from "../sync/traps.ts";
import { handOver, pack, uncloneable } from "../transfer/pack.ts";
import { gatherFlights, loseAll } from "../transfer/flight.ts";
import { reducer } from "../transfer/reduce.ts";
import { checkBootstrap, mainModule } from "../transfer/task.ts";
import type { ThreadOptions, ThreadRest, ThreadState } from "./options.ts";

/** The arguments of an excepthook. */
export interface ExceptHookArgs {
  /** The uncaught error. */
  error: unknown;
  /** The thread that it ended. */
  // deno-lint-ignore no-explicit-any -- any thread
  thread: Thread<any, any>;
}

/** Called with the uncaught errors of threads. */
export type ExceptHook = (args: ExceptHookArgs) => void;

let hook: ExceptHook = printException;

function printException({ error, thread }: ExceptHookArgs): void {
  printUncaught(`Exception in thread ${thread.name}`, error);
}

/**
 * Sets what is done with the uncaught errors of the threads that this thread starts. At first they
 * are printed on stderr, as `Exception in thread NAME:` and the stack.
 *
 * @returns The function that was set before.
 *
 * @example Report it in a way of one's own
 * ```ts
 * import { setExcepthook, Thread } from "@switchyard/switchyard/threading";
 *
 * export function fail() {
 *   throw new Error("no such page");
 * }
 *
 * if (import.meta.main) {
 *   setExcepthook(({ error, thread }) => console.log(`${thread.name}: ${error}`));
 *   await new Thread(fail, { name: "reader" }).start().join(); // reader: Error: no such page
 * }
 * ```
 */
export function setExcepthook(fn: ExceptHook): ExceptHook {
  if (typeof fn !== "function") {
    throw new TypeError(`Cannot set the excepthook: fn must be a function, received ${show(fn)}`);
  }
  const previous = hook;
  hook = fn;
  return previous;
}

const reduce = reducer("thread");
/** The live threads that this thread started. */
const startedHere = new Map<number, Thread>();

/**
 * A thread: a function that runs in a Web Worker of this process, on another core.
 *
 * Reach for it to compute in parallel, or to wait in code that blocks. Variables of a module are
 * each thread's own; what threads share are the objects of this module and SharedArrayBuffers.
 *
 * Its target is an exported function of the main module or a `task()` of any module. A subclass
 * calls `super(import.meta)` and overrides {@linkcode run}; its public fields travel.
 *
 * **Not as in Python**: processes that a thread has started are its own. It stops those that are
 * daemons when its task has ended, and ends when the others have; one that is terminated takes them
 * all with it.
 *
 * @typeParam R What the target returns.
 * @typeParam A The target's arguments.
 *
 * @example Run a function in a thread
 * ```ts
 * import { Thread } from "@switchyard/switchyard/threading";
 *
 * export function square(x: number) {
 *   return x * x;
 * }
 *
 * if (import.meta.main) {
 *   const thread = new Thread(square, { args: [12] });
 *   thread.start();
 *   console.log(await thread.result()); // 144
 * }
 * ```
 */
// deno-lint-ignore no-explicit-any -- the contract's default: any arguments
export class Thread<R = unknown, A extends unknown[] = any[]>
  implements Disposable, AsyncDisposable {
  readonly #plan: ChildPlan<ThreadOptions> | undefined;
  #name: string;
  #daemon: boolean;
  #started: StartedThread | undefined;

  /**
   * Creates a thread that will run `target`; {@linkcode start} starts it.
   *
   * @throws {TypeError} The target can be found by no child, or an option is of the wrong type.
   */
  constructor(target: (...args: A) => R | PromiseLike<R>, ...options: ThreadRest<NoInfer<A>>);
  /** For subclasses: the module that exports the class. */
  constructor(meta: ImportMeta, options?: ThreadOptions);
  constructor(target: unknown, options: ThreadOptions & { args?: unknown[] } = {}) {
    if (target === ATTACH) {
      const me = options as unknown as Listed;
      this.#started = new StartedThread(me);
      this.#name = me.name;
      this.#daemon = me.daemon;
      return;
    }
    const action = "create a thread";
    checkChildOptions(options, action);
    checkBoolean(options.killable, "killable", action);
    checkArray(options.args, "args", action);
    checkArray(options.transfer, "transfer", action);
    this.#plan = planOf(target, options, new.target, Thread, action);
    const { roster, slot } = self();
    this.#name = options.name ?? `Thread-${roster.nextNumber()}`;
    this.#daemon = options.daemon ?? roster.isDaemon(slot);
  }

  /** The work of a subclass, called in the new thread. */
  run(): R | PromiseLike<R> {
    throw new TypeError("Cannot run the thread: its class does not override run()");
  }

  /**
   * Starts the thread.
   *
   * @returns The thread itself.
   * @throws {Error} It was started before.
   * @throws {ShareError} An argument cannot cross; nothing has been started.
   * @throws {BootstrapError} The script's main part lacks its `import.meta.main` guard.
   * @throws {Deno.errors.NotCapable} The thread may not read its module.
   */
  start(): this {
    const handle = Thread.#handle(this);
    const plan = handle.#plan;
    if (plan === undefined || handle.#started !== undefined) {
      throw new Error(`Cannot start thread ${show(this.name)}: it has been started already`);
    }
    checkBootstrap("a thread");
    const { options, target } = plan;
    checkReadable(target.module, this.#name);
    const { cargo, root } = cargoOf(this, plan, Thread, this.#title());
    const given = options.transfer ?? [];
    const { packed: args, flights } = gatherFlights(() => pack(cargo, reduce, root, given));
    const mine = self();
    const daemon = this.#daemon;
    const me = mine.roster.join({ name: this.#name, daemon, starter: mine.ident, pid: Deno.pid });
    let ports: ThreadPorts;
    try {
      ports = startWorker({
        roster: mine.memory,
        me,
        main: mainModule(),
        argv: Deno.args,
        target,
        subclass: root === "this",
        args,
        transfer: given,
        due: (options as { [DUE]?: Due })[DUE],
        startedAt: now(),
        killable: options.killable ?? daemon,
        daemon,
      });
    } catch (cause) {
      mine.roster.leave(me.slot, me.ident, false);
      loseAll(flights);
      throw cause instanceof DOMException ? uncloneable(cause, root) : cause;
    }
    handOver(args, me);
    this.#started = new StartedThread(me, {
      ports,
      daemon,
      flights,
      name: () => this.#name,
      onReport: options.onReport,
      onEnd: () => startedHere.delete(me.ident),
      onUncaught: (error) => {
        const isQuiet = (options as { [QUIET]?: boolean })[QUIET] === true;
        if (!isQuiet) hook({ error, thread: this as unknown as Thread });
      },
    });
    startedHere.set(me.ident, this);
    return this;
  }

  /**
   * Waits until the thread has ended, however it ends.
   *
   * @returns false when the timeout ended first.
   * @throws {Error} It has not been started.
   */
  join(options?: JoinOptions): Promise<boolean>;
  join(options: JoinOptions = {}): Promise<boolean> {
    return watchWait(this, "thread.join()", Thread.#handle(this).#join(options));
  }

  async #join(options: JoinOptions): Promise<boolean> {
    const timeout = checkWait(options, "join the thread");
    const started = this.#joinable("join");
    const done = await runAsync(started.wait(), { timeout, signal: options.signal });
    if (done === undefined) return false;
    await started.collect();
    return true;
  }

  /** As {@linkcode join}, but blocks the calling thread. */
  joinSync(options?: JoinSyncOptions): boolean;
  joinSync(options: JoinSyncOptions = {}): boolean {
    const timeout = checkWait(options, "join the thread");
    const started = Thread.#handle(this).#joinable("join");
    if (runSync(started.wait(), timeout) === undefined) return false;
    started.collectSync();
    return true;
  }

  /**
   * Waits for what the target returns.
   *
   * @throws {unknown} What the target threw: same class, with the stack of the thread and of this
   *   call.
   * @throws {ThreadTerminated} The thread was terminated.
   * @throws {WorkerLostError} It ended without a result, by `os.exit()` for one.
   * @throws {TimeoutError} The timeout ended first.
   */
  result(options?: JoinOptions): Promise<R>;
  async result(options: JoinOptions = {}): Promise<R> {
    const here = new Error();
    const timeout = checkWait(options, "get the thread's result");
    const started = Thread.#handle(this).#joinable("get the result of");
    const done = await runAsync(started.wait(), { timeout, signal: options.signal });
    if (done === undefined) throw lateError(this.name, timeout);
    await started.collect();
    return settle(started.outcome!, this.name, here) as R;
  }

  /** As {@linkcode result}, but blocks the calling thread. */
  resultSync(options?: JoinSyncOptions): R;
  resultSync(options: JoinSyncOptions = {}): R {
    const here = new Error();
    const timeout = checkWait(options, "get the thread's result");
    const started = Thread.#handle(this).#joinable("get the result of");
    if (runSync(started.wait(), timeout) === undefined) throw lateError(this.name, timeout);
    started.collectSync();
    return settle(started.outcome!, this.name, here) as R;
  }

  /** The error that ended the thread, or null. Known once it has been joined. */
  get error(): Error | null {
    return errorOf(Thread.#handle(this).#started?.outcome);
  }

  /**
   * Stops the thread. It counts as ended within a second, and what it holds passes on.
   *
   * In a wait of the toolkit it gets `ThreadTerminated` there, so that its `finally` blocks run;
   * between two awaits it ends there. Code that never pauses cannot be stopped: it is cut off, and
   * may go on writing memory that it has. What must really stop at once belongs in a Process.
   *
   * @throws {Error} It has not been started.
   */
  terminate(): void {
    const me = Thread.#handle(this);
    if (me.#started === undefined) {
      throw new Error(`Cannot terminate ${me.#title()}: it was not started`);
    }
    me.#started.terminate();
  }

  /** @ignore */
  [INSPECT](): string {
    return shown(this, () => {
      const { name, ident, state } = this;
      return [name, ident ?? undefined, state];
    });
  }

  /** @ignore */
  get [TOLD](): Promise<void> {
    return this.#started!.told;
  }

  /** True if the thread has been started and has not ended. */
  isAlive(): boolean {
    return Thread.#handle(this).#started?.hasEnded() === false;
  }

  /** Its name; need not be unique. Every thread sees a change. */
  get name(): string {
    const handle = Thread.#handle(this);
    const me = handle.#listed();
    return me === undefined ? handle.#name : self().roster.name(me.slot);
  }

  set name(name: string) {
    checkString(name ?? null, "name", "name the thread");
    const handle = Thread.#handle(this);
    handle.#name = name;
    const me = handle.#listed();
    if (me !== undefined) self().roster.rename(me.slot, name);
  }

  /** The number that no other thread of the program gets; null before the start. */
  get ident(): number | null {
    return Thread.#handle(this).#started?.me.ident ?? null;
  }

  /**
   * True if the program may end while the thread still runs. It can be set before the start, else
   * there is an Error.
   */
  get daemon(): boolean {
    return Thread.#handle(this).#daemon;
  }

  set daemon(daemon: boolean) {
    checkBoolean(daemon ?? null, "daemon", "make the thread a daemon");
    const handle = Thread.#handle(this);
    if (handle.#plan === undefined || handle.#started !== undefined) {
      throw new Error(
        `Cannot set daemon of ${show(this.name)}: the thread has been started already`,
      );
    }
    handle.#daemon = daemon;
  }

  /** `"waiting"` while it waits in a call of the toolkit. */
  get state(): ThreadState {
    const started = Thread.#handle(this).#started;
    if (started === undefined) return "new";
    if (started.hasEnded()) return "ended";
    const state = Atomics.load(self().words, started.me.slot + STATE);
    return state === WAITING ? "waiting" : "running";
  }

  /** Waits for the end of the thread, if it was started. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (Thread.#handle(this).#started !== undefined) await this.join();
  }

  /** As the async form, but blocks. */
  [Symbol.dispose](): void {
    if (Thread.#handle(this).#started !== undefined) this.joinSync();
  }

  /** Itself; or, for the object whose `run()` runs in the thread, the handle of this thread. */
  static #handle<R, A extends unknown[]>(it: Thread<R, A>): Thread<R, A> {
    return #name in it ? it : currentThread() as unknown as Thread<R, A>;
  }

  #title(): string {
    return `thread ${show(this.#name)}`;
  }

  /** Its entry in the roster, while it lives. */
  #listed(): Listed | undefined {
    const me = this.#started?.me;
    return me === undefined || self().roster.hasEnded(me.slot, me.ident) ? undefined : me;
  }

  /** The started thread, where it can be waited for. */
  #joinable(action: string): StartedThread {
    const started = this.#started;
    if (started === undefined) {
      throw new Error(`Cannot ${action} ${this.#title()}: it was not started`);
    }
    if (started.me.ident === self().ident) {
      throw new Error(`Cannot ${action} ${this.#title()}: it is the calling thread`);
    }
    if (this.#plan === undefined && action.includes("result")) {
      throw new Error(`Cannot ${action} ${this.#title()}: another thread started it`);
    }
    return started;
  }
}

const attached = new Map<number, WeakRef<Thread>>();

/** The handle of a live thread: the one that started it here, or one made for it. */
function handleOf(listed: Listed): Thread {
  const known = startedHere.get(listed.ident) ?? attached.get(listed.ident)?.deref();
  if (known !== undefined) return known;
  const handle = new Thread(ATTACH as never, listed as never) as unknown as Thread;
  attached.set(listed.ident, new WeakRef(handle));
  for (const [ident, ref] of attached) if (ref.deref() === undefined) attached.delete(ident);
  return handle;
}

let current: Thread | undefined;

/**
 * The thread that calls.
 *
 * @example Who runs this
 * ```ts
 * import { currentThread } from "@switchyard/switchyard/threading";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(currentThread().name, "MainThread");
 * ```
 */
export function currentThread(): Thread {
  const { roster, slot, ident, words } = self();
  return current ??= handleOf(
    roster.list().find((listed) => listed.ident === ident) ??
      { ident, slot, name: roster.name(slot), daemon: false, starter: 0, pid: words[0]! },
  );
}

/** The program's main thread, named MainThread. */
export function mainThread(): Thread {
  return enumerate().find((thread) => thread.ident === MAIN) ?? currentThread();
}

/** All threads that live, also those that other threads started. */
export function enumerate(): Thread[] {
  return self().roster.list().map(handleOf);
}

/** The number of threads that live. */
export function activeCount(): number {
  return self().roster.list().length;
}

/** The ident of the calling thread. */
export function getIdent(): number {
  return self().ident;
}

/**
 * An object of the calling thread's own.
 *
 * Variables of a module are each thread's own already; this says so by name, and starts empty in
 * every thread that imports the module.
 *
 * @example What only this thread sees
 * ```ts
 * import { local } from "@switchyard/switchyard/threading";
 * import { assertEquals } from "@std/assert";
 *
 * const mine = local<{ request: number }>();
 * assertEquals(mine.request, undefined);
 * mine.request = 7;
 * assertEquals(mine.request, 7);
 * ```
 */
export function local<T extends object = Record<string, unknown>>(): Partial<T> {
  const fields: Partial<T> = Object.create(null);
  const text = () => shown("local", () => [show({ ...fields })]);
  return Object.defineProperty(fields, INSPECT, { value: text });
}
