/**
 * The thread, and the handles of threads that others started.
 *
 * Life of a thread: `new` -> `start()` enters it in the roster and has its worker made -> it runs
 * -> it says how its task ended, leaves the roster, and its worker closes. Who dies when:
 *
 * - the task throws, or the worker ends itself: its entry reports that as its end, and leaves as
 *   dead;
 * - it is terminated in a wait, or idle: the same, with ThreadTerminated;
 * - it is terminated and never pauses: after {@linkcode GRACE} the starter takes it out of the
 *   roster (its slot is not used again) and ends its worker; nothing it does is noticed any more;
 * - its starter ends first: it runs on; an uncaught error is then printed by itself.
 *
 * @module
 */
import { checkBoolean, checkFunction, checkOptions, checkString, show } from "../core/checks.ts";
import { ShareError, ThreadTerminated, TimeoutError, WorkerLostError } from "../core/errors.ts";
import { flushes, services } from "../core/hooks.ts";
import { INSPECT, shown } from "../core/inspect.ts";
import { held, reached } from "../core/promises.ts";
import { take, unref } from "../core/ports.ts";
import { errorOf, type Outcome, settle, traceOf } from "../child/outcome.ts";
import { DUE, type Due } from "../child/thread/delayed.ts";
import { now } from "../core/machine.ts";
import { type End, QUIET, TOLD } from "../child/job.ts";
import type { FromThread, ThreadPorts } from "../child/thread/protocol.ts";
import "../channel/home_lines.ts";
import { checkReadable, endWorker, startWorker } from "../child/thread/host.ts";
import { HeapRegion } from "../memory/heap_region.ts";
import { endOf } from "../memory/wait_notes.ts";
import { CANCEL, CUT, type Listed, STATE, STOP, WAITING } from "../memory/roster.ts";
import { leave, self } from "../memory/this_thread.ts";
import { checkWait } from "../sync/options.ts";
import { type Park, runAsync, runSync, type Steps } from "../sync/steps.ts";
import { watchWait } from "../sync/traps.ts";
import {
  handOver,
  modulesOfPacked,
  pack,
  type Packed,
  uncloneable,
  unpack,
} from "../transfer/pack.ts";
import { gatherFlights, loseAll, type Lost } from "../transfer/flight.ts";
import { hasPrivates, reducer, revive } from "../transfer/reduce.ts";
import {
  checkBootstrap,
  load,
  mainModule,
  type Reference,
  referTo,
  referToClass,
  type Target,
} from "../transfer/task.ts";

/** How long a terminated thread has to end by itself, in ms. */
const GRACE = 500;

/** What becomes of a thread: see {@linkcode Thread.state}. */
export type ThreadState = "new" | "running" | "waiting" | "ended";

/** Options of a {@linkcode Thread} whose target takes no arguments, or that subclasses it. */
export interface ThreadOptions {
  /** Its name. Default: Thread-1, Thread-2, … */
  name?: string;
  /** Whether the program may end while it still runs. Default: false. */
  daemon?: boolean;
  /**
   * Whether `terminate()` frees the program from it even when its code never pauses. It then takes
   * about 30 ms longer to start. Default: false, and true for a daemon.
   */
  killable?: boolean;
  /** Objects in the arguments that are moved instead of copied, as in `postMessage()`. */
  transfer?: Transferable[];
  /** Called with each value that the task gives to `context().report()`. */
  // deno-lint-ignore no-explicit-any -- a report can be anything
  onReport?: (value: any) => void;
}

/** Options of a {@linkcode Thread} whose target takes arguments. */
export interface ThreadOptionsWithArgs<A extends unknown[]> extends ThreadOptions {
  /**
   * What the target is called with. What Python has in `kwargs` is one options object, the last.
   */
  args: A;
}

/** The options after a target: required when it takes arguments. */
export type ThreadRest<A extends unknown[]> = [] extends A
  ? [options?: ThreadOptions & { args?: A }]
  : [options: ThreadOptionsWithArgs<A>];

/** Options of `join()` and its like. */
export interface JoinSyncOptions {
  /** The time to wait in ms, at least; 0 does not wait. Default: without limit. */
  timeout?: number;
}

/** Options of `result()`. */
export interface JoinOptions extends JoinSyncOptions {
  /** Abandons the wait: the promise is rejected with `signal.reason`. The thread runs on. */
  signal?: AbortSignal;
}

/** What an excepthook is told. */
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
  console.error(`Exception in thread ${thread.name}:\n${traceOf(error)}`);
}

/**
 * Sets what is done with the uncaught errors of the threads that this thread starts. At first they
 * are printed on stderr, as `Exception in thread NAME:` and the stack.
 *
 * @returns The function that was set before.
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
let rosterRegion: HeapRegion | undefined;
/** The live threads that this thread started. */
const started = new Map<number, Thread>();
const ATTACH = Symbol("attach");
/** How often it is looked for a thread that has said nothing at its end, in ms. */
const LOOK = 250;

/** The ports of threads that are to be told to stop. */
const stopping = new Set<MessagePort>();

/**
 * Has a thread told to stop at the end of this turn, or before this thread waits: of several that
 * are terminated in one turn, none takes what another one leaves.
 */
function tellToStop(port: MessagePort): void {
  if (stopping.size === 0) {
    queueMicrotask(stopAll);
    flushes.add(stopAll);
  }
  stopping.add(port);
}

function stopAll(): void {
  for (const port of stopping) port.postMessage({ type: "stop" });
  stopping.clear();
  flushes.delete(stopAll);
}

/** What `new Thread()` was given. */
interface Plan {
  target: Reference;
  args: unknown[] | undefined;
  options: ThreadOptions;
}

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
 * ```ts ignore
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
  readonly #plan: Plan | undefined;
  #name: string;
  #daemon: boolean;
  #me: Listed | undefined;
  #port: MessagePort | undefined;
  #ends: MessagePort | undefined;
  /** Told of its end: what it has not unpacked by then, it never will. */
  #flights: Lost[] = [];
  #landed: (void | Promise<void>)[] = [];
  /** Settles when the thread has said its last word on its port. */
  readonly #told = Promise.withResolvers<void>();
  #ended = false;
  #end: End<Packed> | undefined;
  #outcome: Outcome | undefined;
  #stopped = false;
  #cutAt = Infinity;
  #cutTimer: ReturnType<typeof setTimeout> | undefined;
  readonly #cutService = (): boolean => {
    this.#cutIfOverdue();
    return false;
  };

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
      this.#me = me;
      this.#name = me.name;
      this.#daemon = me.daemon;
      return;
    }
    const action = "create a thread";
    checkOptions(options, action);
    checkString(options.name, "name", action);
    checkBoolean(options.daemon, "daemon", action);
    checkBoolean(options.killable, "killable", action);
    checkFunction(options.onReport, "onReport", action);
    if (options.args !== undefined && !Array.isArray(options.args)) {
      throw new TypeError(
        `Cannot ${action}: args must be an array, received ${show(options.args)}`,
      );
    }
    if (options.transfer !== undefined && !Array.isArray(options.transfer)) {
      const given = show(options.transfer);
      throw new TypeError(`Cannot ${action}: transfer must be an array, received ${given}`);
    }
    const subclass = typeof target === "object" && new.target !== Thread;
    if (subclass && typeof (target as ImportMeta | null)?.url !== "string") {
      throw new TypeError(`Cannot ${action}: meta must be import.meta, received ${show(target)}`);
    }
    const reference = subclass
      ? referToClass(new.target, target as ImportMeta)
      : referTo(target as Target);
    this.#plan = { target: reference, args: subclass ? undefined : options.args ?? [], options };
    this.#name = options.name ?? `Thread-${self().roster.nextNumber()}`;
    this.#daemon = options.daemon ?? false;
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
    const plan = this.#plan;
    if (plan === undefined || this.#me !== undefined) {
      throw new Error(`Cannot start thread ${show(this.name)}: it has been started already`);
    }
    checkBootstrap("a thread");
    const { options, target } = plan;
    checkReadable(target.module, this.#name);
    const subclass = plan.args === undefined;
    if (subclass && hasPrivates(this.constructor as Target, Thread)) {
      throw new ShareError(
        `Cannot start thread ${show(this.name)}: the #private fields of ` +
          `${this.constructor.name} do not travel`,
        "this",
      );
    }
    const given = options.transfer ?? [];
    const root = subclass ? "this" : "args";
    const { packed: args, flights } = gatherFlights(() =>
      pack(subclass ? { ...this } : plan.args, reduce, root, given)
    );
    const transfer = args.moved === undefined ? given : [...given, ...args.moved];
    this.#flights = flights;
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
        subclass,
        args,
        transfer,
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
    this.#me = me;
    this.#port = ports.port;
    this.#ends = ports.ends;
    started.set(me.ident, this);
    ports.port.onmessage = ({ data }) => this.#receive(data);
    if (daemon) unref(ports.port);
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
    return watchWait(this, "thread.join()", this.#join(options));
  }

  async #join(options: JoinOptions): Promise<boolean> {
    const timeout = checkWait(options, "join the thread");
    this.#checkJoinable("join");
    const done = await runAsync(this.#wait(), { timeout, signal: options.signal });
    if (done === undefined) return false;
    await this.#collect();
    return true;
  }

  /** As {@linkcode join}, but blocks the calling thread. */
  joinSync(options?: JoinSyncOptions): boolean;
  joinSync(options: JoinSyncOptions = {}): boolean {
    const timeout = checkWait(options, "join the thread");
    this.#checkJoinable("join");
    if (runSync(this.#wait(), timeout) === undefined) return false;
    this.#collectSync();
    return true;
  }

  /**
   * Waits for what the target returns.
   *
   * @throws
   *   {unknown} What the target threw: same class, with the stack of the thread and of this call.
   * @throws {ThreadTerminated} The thread was terminated.
   * @throws {WorkerLostError} It ended without a result, by `os.exit()` for one.
   * @throws {TimeoutError} The timeout ended first.
   */
  result(options?: JoinOptions): Promise<R>;
  async result(options: JoinOptions = {}): Promise<R> {
    const here = new Error().stack;
    const timeout = checkWait(options, "get the thread's result");
    this.#checkJoinable("get the result of");
    const done = await runAsync(this.#wait(), { timeout, signal: options.signal });
    if (done === undefined) throw this.#late(timeout);
    await this.#collect();
    return settle(this.#outcome!, this.name, here) as R;
  }

  /** As {@linkcode result}, but blocks the calling thread. */
  resultSync(options?: JoinSyncOptions): R;
  resultSync(options: JoinSyncOptions = {}): R {
    const here = new Error().stack;
    const timeout = checkWait(options, "get the thread's result");
    this.#checkJoinable("get the result of");
    if (runSync(this.#wait(), timeout) === undefined) throw this.#late(timeout);
    this.#collectSync();
    return settle(this.#outcome!, this.name, here) as R;
  }

  /** The error that ended the thread, or null. Known once it has been joined. */
  get error(): Error | null {
    return errorOf(this.#outcome);
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
    const me = this.#me;
    if (me === undefined) throw new Error(`Cannot terminate ${this.#title()}: it was not started`);
    if (this.#hasEnded() || this.#stopped) return;
    this.#stopped = true;
    Atomics.compareExchange(self().words, me.slot + CANCEL, 0, STOP);
    if (this.#port !== undefined) tellToStop(this.#port);
    this.#cutAt = performance.now() + GRACE;
    this.#cutTimer = setTimeout(() => this.#cutIfOverdue(), GRACE);
    // Also while this thread is blocked, perhaps waiting for what the other holds.
    services.add(this.#cutService);
  }

  /** @ignore */
  [INSPECT](): string {
    return shown(this, () => {
      const { name, ident, state } = #name in this ? this : currentThread();
      return [name, ident ?? undefined, state];
    });
  }

  /** @ignore */
  get [TOLD](): Promise<void> {
    const timer = setInterval(() => {
      if (this.#hasEnded()) this.#told.resolve();
    }, LOOK);
    timer.unref();
    return this.#told.promise.finally(() => clearInterval(timer));
  }

  /** Whether the thread has been started and has not ended. */
  isAlive(): boolean {
    return this.#me !== undefined && !this.#hasEnded();
  }

  /** Its name; need not be unique. Every thread sees a change. */
  get name(): string {
    if (!(#name in this)) return currentThread().name;
    const me = this.#me;
    const live = me !== undefined && !self().roster.hasEnded(me.slot, me.ident);
    return live ? self().roster.name(me.slot) : this.#name;
  }

  set name(name: string) {
    checkString(name ?? null, "name", "name the thread");
    if (!(#name in this)) {
      currentThread().name = name;
      return;
    }
    this.#name = name;
    const me = this.#me;
    if (me !== undefined && !self().roster.hasEnded(me.slot, me.ident)) {
      self().roster.rename(me.slot, name);
    }
  }

  /** The number that no other thread of the program gets; null before the start. */
  get ident(): number | null {
    return #name in this ? this.#me?.ident ?? null : currentThread().ident;
  }

  /**
   * Whether the program may end while the thread still runs. It can be set before the start, else
   * there is an Error.
   */
  get daemon(): boolean {
    return #name in this ? this.#daemon : currentThread().daemon;
  }

  set daemon(daemon: boolean) {
    checkBoolean(daemon ?? null, "daemon", "make the thread a daemon");
    if (!(#name in this) || this.#plan === undefined || this.#me !== undefined) {
      throw new Error(
        `Cannot set daemon of ${show(this.name)}: the thread has been started already`,
      );
    }
    this.#daemon = daemon;
  }

  /** `"waiting"` while it waits in a call of the toolkit. */
  get state(): ThreadState {
    const me = this.#me;
    if (me === undefined) return "new";
    if (this.#hasEnded()) return "ended";
    return Atomics.load(self().words, me.slot + STATE) === WAITING ? "waiting" : "running";
  }

  /** Waits for the end of the thread, if it was started. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#me !== undefined) await this.join();
  }

  /** As the async form, but blocks. */
  [Symbol.dispose](): void {
    if (this.#me !== undefined) this.joinSync();
  }

  #title(): string {
    return `thread ${show(this.#name)}`;
  }

  #late(timeout: number): TimeoutError {
    return new TimeoutError(`${this.name} gave no result within ${timeout} ms`);
  }

  #checkJoinable(action: string): void {
    const me = this.#me;
    if (me === undefined) throw new Error(`Cannot ${action} ${this.#title()}: it was not started`);
    if (me.ident === self().ident) {
      throw new Error(`Cannot ${action} ${this.#title()}: it is the calling thread`);
    }
    if (this.#plan === undefined && action.includes("result")) {
      throw new Error(`Cannot ${action} ${this.#title()}: another thread started it`);
    }
  }

  #hasEnded(): boolean {
    this.#cutIfOverdue();
    const me = this.#me!;
    return this.#ended || self().roster.hasEnded(me.slot, me.ident);
  }

  /** Waits on the word of its state, which its end wakes. */
  *#wait(): Steps<true> {
    const { slot, ident } = this.#me!;
    const { words, memory } = self();
    const region = rosterRegion ??= new HeapRegion(memory);
    const park: Park = {
      region,
      index: slot + STATE,
      value: 0,
      on: endOf(ident),
      holder: ident,
    };
    for (;;) {
      park.value = Atomics.load(words, slot + STATE);
      if (this.#hasEnded()) return true;
      yield park;
    }
  }

  #cutIfOverdue(): void {
    if (performance.now() < this.#cutAt) return;
    this.#cutAt = Infinity;
    const { slot, ident } = this.#me!;
    if (self().roster.hasEnded(slot, ident)) return;
    Atomics.store(self().words, slot + CANCEL, CUT);
    leave(slot, ident, true, false);
    this.#finish();
    this.#close();
  }

  #receive(message: FromThread): void {
    if (message.type === "ended") {
      const { slot, ident } = this.#me!;
      leave(slot, ident, message.dead, true);
      this.#finish();
      this.#close();
      return;
    }
    const { onReport } = this.#plan!.options;
    if (onReport === undefined) return;
    const modules = modulesOfPacked(message.value);
    if (modules.length === 0) onReport(unpack(message.value, revive));
    else Promise.all(modules.map(load)).then(() => onReport(unpack(message.value, revive)));
  }

  /** Takes the end that the thread left, if it left one. */
  #finish(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#cutTimer);
    services.delete(this.#cutService);
    started.delete(this.#me!.ident);
    this.#landed = this.#flights.splice(0).map((lost) => lost());
    if (this.#ends === undefined) return;
    const end = this.#end = take(this.#ends) as End<Packed> | undefined;
    this.#ends.close();
    // An uncaught error is told even if nobody ever asks.
    if (end?.type === "failed" && !end.terminated) this.#collect();
  }

  /** Closes the port: nothing more will come on it. What is left of the worker goes as well. */
  #close(): void {
    if (this.#port === undefined) return;
    this.#port.close();
    endWorker(this.#me!.ident);
    this.#port = undefined;
    this.#told.resolve();
  }

  async #collect(): Promise<void> {
    if (this.#plan === undefined) return;
    this.#finish();
    const end = this.#end;
    // Its reports come first, and what it put on queues: the roster is quicker than the event loop.
    // A worker that fell over may not have said that it ended.
    await reached(this.#told.promise, GRACE);
    this.#close();
    if (this.#landed.length > 0) await held(Promise.all(this.#landed));
    if (this.#outcome === undefined && end !== undefined && end.type !== "exit") {
      const packed = end.type === "done" ? end.value : end.error;
      // A module that cannot be imported here costs an error its class, and a value its unpacking.
      for (const module of modulesOfPacked(packed)) await load(module).catch(() => {});
    }
    this.#conclude();
  }

  #collectSync(): void {
    if (this.#plan === undefined) return;
    for (let port = this.#port; port !== undefined; port = this.#port) {
      const message = take(port);
      if (message === undefined) break;
      this.#receive(message as FromThread);
    }
    this.#finish();
    this.#conclude();
  }

  #conclude(): void {
    // Threads that this one started have said their last words to the main thread by now.
    for (const serve of services) serve();
    if (this.#outcome !== undefined) return;
    const end = this.#end;
    this.#outcome = this.#outcomeOf(end);
    const isQuiet = (this.#plan!.options as { [QUIET]?: boolean })[QUIET] === true;
    if (end?.type === "failed" && !end.terminated && !this.#outcome.ok && !isQuiet) {
      hook({ error: this.#outcome.error, thread: this as unknown as Thread });
    }
  }

  #outcomeOf(end: End<Packed> | undefined): Outcome {
    try {
      if (end?.type === "done") return { ok: true, value: unpack(end.value, revive) };
      if (end?.type === "failed") return { ok: false, error: unpack(end.error, revive) };
    } catch (error) {
      return { ok: false, error };
    }
    if (end?.type === "exit") {
      const message = `${this.#title()} ended by exit(${end.code}) before it gave a result`;
      const loss = { exitcode: end.code, signal: null };
      return { ok: false, error: new WorkerLostError(message, loss) };
    }
    const error = this.#stopped
      ? new ThreadTerminated(`Thread ${show(this.#name)} was terminated`)
      : new WorkerLostError(`${this.#title()} ended without a result`);
    return { ok: false, error };
  }
}

const attached = new Map<number, WeakRef<Thread>>();

/** The handle of a live thread: the one that started it here, or one made for it. */
function handleOf(listed: Listed): Thread {
  const known = started.get(listed.ident) ?? attached.get(listed.ident)?.deref();
  if (known !== undefined) return known;
  const handle = new Thread(ATTACH as never, listed as never) as unknown as Thread;
  attached.set(listed.ident, new WeakRef(handle));
  for (const [ident, ref] of attached) if (ref.deref() === undefined) attached.delete(ident);
  return handle;
}

let current: Thread | undefined;

/** The thread that calls. */
export function currentThread(): Thread {
  const { roster, slot, ident, words } = self();
  return current ??= handleOf(
    roster.list().find((listed) => listed.ident === ident) ??
      { ident, slot, name: roster.name(slot), daemon: false, starter: 0, pid: words[0]! },
  );
}

/** The program's main thread, named MainThread. */
export function mainThread(): Thread {
  return enumerate().find((thread) => thread.ident === 1) ?? currentThread();
}

/** All threads that live, also those that other threads started. */
export function enumerate(): Thread[] {
  return self().roster.list().map(handleOf);
}

/** How many threads live. */
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
 */
export function local<T extends object = Record<string, unknown>>(): Partial<T> {
  const fields: Partial<T> = Object.create(null);
  const text = () => shown("local", () => [show({ ...fields })]);
  return Object.defineProperty(fields, INSPECT, { value: text });
}
