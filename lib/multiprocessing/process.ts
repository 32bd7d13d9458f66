/**
 * The process, as its parent sees it.
 *
 * Life of a process: `new` -> `start()` spawns the child, with all that it is told -> it runs -> it
 * has ended and been reaped -> `close()`. What is known of it from its start on is a
 * `StartedProcess`.
 *
 * @module
 */
import { checkArray, checkBoolean, checkString, show } from "../core/checks.ts";
import { childrenFirst, recorder } from "../core/hooks.ts";
import { INSPECT, shown } from "../core/inspect.ts";
import { held, heldStream, reached } from "../core/promises.ts";
import { errorOf, settle } from "../child/outcome.ts";
import {
  ATTACH,
  cargoOf,
  checkChildOptions,
  type ChildPlan,
  IMPORTS,
  type JoinOptions,
  type JoinSyncOptions,
  lateError,
  planOf,
  QUIET,
  SERVICE,
  TOLD,
} from "../child/plan.ts";
import { checkSpawnOptions, configPlace, usualStdin } from "../child/process/host.ts";
import { givesFfi, levelOf } from "../child/process/permissions.ts";
import { toBytes } from "../child/process/protocol.ts";
import { StartedProcess } from "../child/process/started.ts";
import { thisProcess } from "../child/context.ts";
import { arenaForChild } from "../memory/arena.ts";
import { self } from "../memory/this_thread.ts";
import { checkWait } from "../sync/options.ts";
import { checkCancelled } from "../sync/steps.ts";
import { watchWait } from "../sync/traps.ts";
import { modulesOf } from "../transfer/codec/codec.ts";
import { gatherFlights, packFor } from "../transfer/flight.ts";
import { checkBootstrap, inFile, mainModule } from "../transfer/task.ts";
import type { ProcessOptions, ProcessRest } from "./options.ts";

/** The live children of this process that this thread started. */
const children = new Set<Process>();
/** Those that the toolkit runs for itself, as a manager's server: others may still need them. */
const services = new WeakSet<Process>();
let named = 0;

/** Ends the daemons, and then waits for the others: what starts them has come to its end. */
async function endChildren(): Promise<void> {
  stopDaemons((child) => !services.has(child));
  for (let plain; (plain = plainChildren()).length > 0;) {
    await held(Promise.all(plain.map((child) => child[TOLD])));
  }
}

function plainChildren(): Process[] {
  return [...children].filter((child) => !child.daemon);
}

function stopDaemons(which: (child: Process) => boolean = () => true): void {
  for (const child of children) if (child.daemon && which(child)) child.terminate();
}

/**
 * The program's own code has ended: nothing is left to do, as its children do not count. Whoever
 * else has listened may know better.
 */
function atEnd(event: Event): void {
  if (event.defaultPrevented || plainChildren().length === 0) return;
  event.preventDefault();
  endChildren();
}

childrenFirst.add(endChildren);
addEventListener("unload", () => stopDaemons());

/**
 * A process: a function that runs in a Deno of its own.
 *
 * Reach for it when work must be isolated (its own memory, its own permissions), must survive a
 * crash of its kind, or must be stoppable at any moment. Nothing is shared but what is given as an
 * argument and made for it, such as `multiprocessing.Lock`.
 *
 * Its target is an exported function of the main module or a `task()` of any module. A subclass
 * calls `super(import.meta)` and overrides {@linkcode run}; its public fields travel.
 *
 * When the code of a program has come to its end, with no timer left and nothing that is awaited,
 * its daemons are stopped, and then its other processes are waited for; so it is when the task of a
 * process or of a thread has ended that has started some. `Deno.exit()` waits for none.
 *
 * *Permissions*: `--allow-run` (Deno itself, and `/bin/sh`: a shell ends a child without FFI that
 * outlives its parent), `--allow-read`, `--allow-write` and `--allow-net` for the socket in the
 * temporary folder.
 *
 * @typeParam R What the target returns.
 * @typeParam A The target's arguments.
 *
 * @example Run a function in a process
 * ```ts
 * import { Process } from "@switchyard/switchyard/multiprocessing";
 *
 * export function square(x: number) {
 *   return x * x;
 * }
 *
 * if (import.meta.main) {
 *   const process = new Process(square, { args: [12] });
 *   process.start();
 *   console.log(await process.result()); // 144
 * }
 * ```
 */
// deno-lint-ignore no-explicit-any -- the contract's default: any arguments
export class Process<R = unknown, A extends unknown[] = any[]>
  implements Disposable, AsyncDisposable {
  readonly #plan: ChildPlan<ProcessOptions> | undefined;
  #name: string;
  #daemon: boolean;
  #isClosed = false;
  #pid: number | null = null;
  #started: StartedProcess | undefined;
  readonly #streams: Partial<Record<"stdout" | "stderr", ReadableStream<Uint8Array<ArrayBuffer>>>> =
    {};

  /**
   * Creates a process that will run `target`; {@linkcode start} starts it.
   *
   * @throws {TypeError} The target can be found by no child, or an option is of the wrong type.
   */
  constructor(target: (...args: A) => R | PromiseLike<R>, ...options: ProcessRest<NoInfer<A>>);
  /** For subclasses: the module that exports the class. */
  constructor(meta: ImportMeta, options?: ProcessOptions);
  constructor(target: unknown, options: ProcessOptions & { args?: unknown[] } = {}) {
    if (target === ATTACH) {
      const { name, pid, daemon } = options as unknown as {
        name: string;
        pid: number;
        daemon: boolean;
      };
      this.#name = name;
      this.#pid = pid;
      this.#daemon = daemon;
      return;
    }
    const action = "create a process";
    checkChildOptions(options, action);
    // Arguments and variables may be secrets: no message shows them.
    checkArray(options.args, "args", action, true);
    checkSpawnOptions(options, action);
    const plan = planOf(target, options, new.target, Process, action);
    this.#plan = { ...plan, target: inFile(plan.target) };
    const mine = thisProcess();
    const prefix = mine.parent === undefined ? "Process-" : `${mine.name}:`;
    this.#name = options.name ?? `${prefix}${++named}`;
    this.#daemon = options.daemon ?? false;
    const isService = (options as { [SERVICE]?: boolean })[SERVICE] === true;
    if (isService) services.add(this as unknown as Process);
  }

  /** The work of a subclass, called in the new process. */
  run(): R | PromiseLike<R> {
    throw new TypeError("Cannot run the process: its class does not override run()");
  }

  /**
   * Starts the process.
   *
   * @returns The process itself.
   * @throws {Error} It was started before, or a daemon process tries to start it.
   * @throws {ShareError} An argument cannot cross; nothing has been started.
   * @throws {BootstrapError} The script's main part lacks its `import.meta.main` guard.
   * @throws {Deno.errors.NotCapable} A permission is missing, or more is asked for than there is.
   */
  start(): this {
    const handle = Process.#handle(this);
    const plan = handle.#plan;
    handle.#checkOpen("start");
    if (plan === undefined || handle.#pid !== null) {
      throw new Error(`Cannot start ${handle.#title()}: it has been started already`);
    }
    checkBootstrap("a process");
    checkCancelled();
    const mine = thisProcess();
    if (mine.daemon) {
      throw new Error(`Cannot start ${this.#title()}: daemonic processes may have no children`);
    }
    const { options, target } = plan;
    const { cargo, root } = cargoOf(this, plan, Process, this.#title());
    const level = levelOf(options.permissions);
    const { packed: args, flights } = packFor(
      level,
      () => gatherFlights(() => toBytes(cargo, root)),
      givesFfi(options.permissions),
    );
    const isService = services.has(this as unknown as Process);
    const started = this.#started = new StartedProcess({
      boot: {
        type: "boot",
        me: { name: this.#name, daemon: this.#daemon, parent: { pid: Deno.pid, name: mine.name } },
        orphan: options.orphan === "keep",
        watched: self().isMain,
        config: configPlace(),
        arena: arenaForChild(),
        trace: recorder?.seatProcess(this.#name),
        quiet: (options as { [QUIET]?: boolean })[QUIET] === true,
        main: mainModule(),
        argv: Deno.args,
        target,
        subclass: root === "this",
        args,
      },
      modules: [
        target.module,
        ...modulesOf(args),
        ...(options as { [IMPORTS]?: string[] })[IMPORTS] ?? [],
      ],
      options: {
        permissions: options.permissions,
        env: options.env ?? {},
        cwd: options.cwd,
        stdin: options.stdin ?? usualStdin(level),
        stdout: options.stdout ?? "inherit",
        stderr: options.stderr ?? "inherit",
        config: options.config,
        orphan: options.orphan ?? "end",
        level,
      },
      flights,
      onReport: options.onReport,
      isService,
      onGone: () => children.delete(this as unknown as Process),
    });
    this.#pid = started.child.pid;
    children.add(this as unknown as Process);
    // Last of all who listen: others may have more to do.
    removeEventListener("beforeunload", atEnd);
    addEventListener("beforeunload", atEnd);
    return this;
  }

  /**
   * Waits until the process has ended, however it ends.
   *
   * @returns false when the timeout ended first.
   * @throws {Error} It has not been started, or was closed.
   */
  join(options?: JoinOptions): Promise<boolean>;
  join(options: JoinOptions = {}): Promise<boolean> {
    return watchWait(this, "process.join()", Process.#handle(this).#join(options));
  }

  async #join(options: JoinOptions): Promise<boolean> {
    const timeout = checkWait(options, "join the process");
    const started = this.#joinable("join");
    if (!await reached(started.gone, timeout, options.signal)) return false;
    started.collect();
    return true;
  }

  /**
   * As {@linkcode join}, but blocks the calling thread. Deno reaps children on its event loop, so
   * this asks the kernel instead, which needs `--allow-ffi`.
   */
  joinSync(options?: JoinSyncOptions): boolean;
  joinSync(options: JoinSyncOptions = {}): boolean {
    const timeout = checkWait(options, "join the process");
    return Process.#handle(this).#joinable("join").waitSync(timeout);
  }

  /**
   * Waits for what the target returns.
   *
   * @throws {unknown} What the target threw: same class, with the stack of the process and of this
   *   call.
   * @throws {WorkerLostError} It was killed, or ended by `exit()`, before it gave a result.
   * @throws {TimeoutError} The timeout ended first.
   */
  result(options?: JoinOptions): Promise<R>;
  async result(options: JoinOptions = {}): Promise<R> {
    const here = new Error();
    const timeout = checkWait(options, "get the process's result");
    const started = Process.#handle(this).#joinable("get the result of");
    if (!await reached(started.told, timeout, options.signal)) throw lateError(this.name, timeout);
    if (started.outcome === undefined) await held(started.gone);
    return settle(started.outcome!, this.name, here) as R;
  }

  /**
   * As {@linkcode result}, but blocks the calling thread until the process has ended. Needs
   * `--allow-ffi`, as {@linkcode joinSync} does, in the child too.
   */
  resultSync(options?: JoinSyncOptions): R;
  resultSync(options: JoinSyncOptions = {}): R {
    const here = new Error();
    const timeout = checkWait(options, "get the process's result");
    const started = Process.#handle(this).#joinable("get the result of");
    if (started.outcome === undefined && !this.joinSync(options)) {
      throw lateError(this.name, timeout);
    }
    return settle(started.outcomeSync(), this.name, here) as R;
  }

  /** The error that ended the process, or null. Known once it has been joined. */
  get error(): Error | null {
    return errorOf(Process.#handle(this).#started?.outcome);
  }

  /** Its process number; null before the start. */
  get pid(): number | null {
    const me = Process.#handle(this);
    me.#checkOpen("get the pid of");
    return me.#pid;
  }

  /**
   * Its end: null while it runs, 0, 1 for an uncaught error, n for `exit(n)`, -SIG when killed
   * by a signal.
   */
  get exitcode(): number | null {
    const me = Process.#handle(this);
    me.#checkOpen("get the exit code of");
    return me.#started?.exitcode ?? null;
  }

  /** Asks the process to end, with SIGTERM. Its `finally` blocks do not run. */
  terminate(): void {
    Process.#handle(this).#kill("SIGTERM", "terminate");
  }

  /** Ends the process at once, with SIGKILL. */
  kill(): void {
    Process.#handle(this).#kill("SIGKILL", "kill");
  }

  /**
   * Lets go of the process that has ended: it cannot be joined or asked any more. A second call
   * does nothing.
   *
   * @throws {Error} It is still running.
   */
  close(): void {
    const me = Process.#handle(this);
    if (me.#isAlive()) throw new Error(`Cannot close ${me.#title()}: it is still running`);
    me.#isClosed = true;
    children.delete(me as unknown as Process);
  }

  /** @ignore */
  get [TOLD](): Promise<void> {
    return this.#started!.gone;
  }

  /**
   * True if the process has been started and has not ended.
   *
   * @throws {Error} It was closed.
   */
  isAlive(): boolean {
    const me = Process.#handle(this);
    me.#checkOpen("ask");
    return me.#isAlive();
  }

  #isAlive(): boolean {
    if (this.#pid === null) return false;
    if (this.#plan === undefined) return this.#pid === Deno.pid || this.#pid === Deno.ppid;
    return this.#started!.exitcode === null;
  }

  /** Its name; need not be unique. It can be set before the start, else there is an Error. */
  get name(): string {
    return Process.#handle(this).#name;
  }

  set name(name: string) {
    checkString(name ?? null, "name", "name the process");
    const handle = Process.#handle(this);
    handle.#checkNew("name");
    handle.#name = name;
  }

  /**
   * True if it is stopped when its parent's own code has ended; it may then start no children. It
   * can be set before the start, else there is an Error.
   */
  get daemon(): boolean {
    return Process.#handle(this).#daemon;
  }

  set daemon(daemon: boolean) {
    checkBoolean(daemon ?? null, "daemon", "make the process a daemon");
    const handle = Process.#handle(this);
    handle.#checkNew("daemon");
    handle.#daemon = daemon;
  }

  /** Its standard input, when `stdin: "piped"`. */
  get stdin(): WritableStream<Uint8Array<ArrayBuffer>> {
    return Process.#handle(this).#stream("stdin");
  }

  /** Its standard output, when `stdout: "piped"`. */
  get stdout(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return Process.#handle(this).#stream("stdout");
  }

  /** Its standard error, when `stderr: "piped"`. */
  get stderr(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return Process.#handle(this).#stream("stderr");
  }

  /** Waits for the end of the process, if it was started. */
  async [Symbol.asyncDispose](): Promise<void> {
    const me = Process.#handle(this);
    if (me.#pid !== null && !me.#isClosed) await this.join();
  }

  /** As the async form, but blocks. */
  [Symbol.dispose](): void {
    const me = Process.#handle(this);
    if (me.#pid !== null && !me.#isClosed) this.joinSync();
  }

  /** @ignore */
  [INSPECT](): string {
    return shown(this, () => {
      const me = Process.#handle(this);
      if (me.#pid === null) return [me.#name, "new"];
      // Of a process that is no child of this one no exit code is known.
      const exitcode = me.#started?.exitcode ?? null;
      const ended = exitcode === null ? "ended" : `exitcode ${exitcode}`;
      return [me.#name, `pid ${me.#pid}`, me.#isAlive() ? "running" : ended];
    });
  }

  /** Itself; or, for the object whose `run()` runs in the process, the handle of this process. */
  static #handle<R, A extends unknown[]>(it: Process<R, A>): Process<R, A> {
    return #name in it ? it : currentProcess() as unknown as Process<R, A>;
  }

  #title(): string {
    return `process ${show(this.#name)}`;
  }

  #stream<K extends "stdin" | "stdout" | "stderr">(name: K): Deno.ChildProcess[K] {
    this.#checkOpen(`get ${name} of`);
    if (this.#plan?.options[name] !== "piped") {
      throw new TypeError(`Cannot get ${name} of ${this.#title()}: it is not "piped"`);
    }
    if (this.#started === undefined) {
      throw new TypeError(`Cannot get ${name} of ${this.#title()}: it was not started`);
    }
    const { child } = this.#started;
    if (name === "stdin") return child[name];
    // The child keeps no program alive, and with it none of its streams.
    const output = name as "stdout" | "stderr";
    const stream = this.#streams[output] ??= heldStream(child[output]);
    return stream as Deno.ChildProcess[K];
  }

  #checkOpen(action: string): void {
    if (this.#isClosed) throw new Error(`Cannot ${action} ${this.#title()}: it was closed`);
  }

  #checkNew(what: string): void {
    if (this.#plan !== undefined && this.#pid === null) return;
    throw new Error(
      `Cannot set the ${what} of ${show(this.#name)}: the process has been started already`,
    );
  }

  /** The started process, where it can be waited for. */
  #joinable(action: string): StartedProcess {
    this.#checkOpen(action);
    if (this.#pid === null) {
      throw new Error(`Cannot ${action} ${this.#title()}: it was not started`);
    }
    if (this.#plan === undefined) {
      throw new Error(`Cannot ${action} ${this.#title()}: it is no child of this process`);
    }
    return this.#started!;
  }

  #kill(signal: Deno.Signal, action: string): void {
    this.#checkOpen(action);
    if (this.#pid === null) throw new Error(`Cannot end ${this.#title()}: it was not started`);
    if (this.#started === undefined) Deno.kill(this.#pid, signal);
    else this.#started.kill(signal);
  }
}

function attach(name: string, pid: number, daemon: boolean): Process {
  return new Process(ATTACH as never, { name, pid, daemon } as never) as unknown as Process;
}

let current: Process | undefined;
let parent: Process | null | undefined;

/** The process that calls: MainProcess, or a child as its parent named it. */
export function currentProcess(): Process {
  const { name, daemon } = thisProcess();
  return current ??= attach(name, Deno.pid, daemon);
}

/** The process that started this one; null in the main process. */
export function parentProcess(): Process | null {
  const known = thisProcess().parent;
  return parent ??= known === undefined ? null : attach(known.name, known.pid, false);
}

/** The live children that this thread started. */
export function activeChildren(): Process[] {
  return [...children].filter((child) => child.isAlive());
}
