/**
 * The process, as its parent sees it.
 *
 * Life of a process: `new` -> `start()` makes a rendezvous with the boot in it and spawns the child
 * -> the child takes the boot and connects -> it sends its end -> it exits, and Deno reaps it. Who
 * dies when:
 *
 * - the child, at any point: its status arrives, the link ends; without an end message it is lost;
 * - the parent, at any point: the link's end makes the child exit; one that never pauses is killed,
 *   by the kernel where it may use FFI, else by a watchdog; a child that finds no parent at the
 *   rendezvous removes it.
 *
 * @module
 */
import { checkBoolean, checkFunction, checkOptions, checkString, show } from "../core/checks.ts";
import { ShareError, TimeoutError, WorkerLostError } from "../core/errors.ts";
import { INSPECT, shown } from "../core/inspect.ts";
import { held, heldStream, reached, reachedUnheld } from "../core/promises.ts";
import { exitcodeOf, signalName, statusOf } from "../core/signals.ts";
import { adopt, type Adopted } from "../child/ended_children.ts";
import { type End, IMPORTS, QUIET, SERVICE, TOLD } from "../child/job.ts";
import { type Link, MOST_FROM_BELOW } from "../channel/socket/link.ts";
import { errorOf, type Outcome, settle } from "../child/outcome.ts";
import { givesFfi, levelOf, type Permissions } from "../child/process/permissions.ts";
import { configPlace, spawn, type Spawned, type Stdio, usualStdin } from "../child/process/host.ts";
import {
  fromBytes,
  type FromProcess,
  type ProcessBoot,
  readWord,
  toBytes,
} from "../child/process/protocol.ts";
import { KEY_VARIABLE } from "../child/process/rendezvous.ts";
import { childrenFirst, thisProcess } from "../child/process/this_process.ts";
import { arenaForChild } from "../memory/arena.ts";
import { mayMap, platform } from "../memory/platform/mod.ts";
import { self } from "../memory/this_thread.ts";
import { checkWait } from "../sync/options.ts";
import { checkCancelled } from "../sync/steps.ts";
import { watchWait } from "../sync/traps.ts";
import { modulesOf } from "../transfer/codec/codec.ts";
import { gatherFlights, loseAll, type Lost, packFor } from "../transfer/flight.ts";
import { hasPrivates } from "../transfer/reduce.ts";
import type { TrustLevel } from "../transfer/reduction.ts";
import {
  admit,
  checkBootstrap,
  inFile,
  mainModule,
  type Reference,
  referTo,
  referToClass,
  type Target,
} from "../transfer/task.ts";

/** How long the last words of an ended child may take to arrive, in ms. */
const LAST_WORDS = 1000;
/** How often a blocked thread looks whether a child has ended, in ms. */
const LOOK = 2;

/** Options of a {@linkcode Process} whose target takes no arguments, or that subclasses it. */
export interface ProcessOptions {
  /** Its name. Default: Process-1, Process-2, … */
  name?: string;
  /**
   * Whether it is stopped when its parent's own code has ended, before other processes are waited
   * for; it may then start no children. Default: false.
   */
  daemon?: boolean;
  /**
   * What it may do, never more than its parent. Default: what the parent has in full; of a
   * permission that is limited or has denials, only what is named here and a query confirms. So
   * patterns (`S*`) and ranges (`10.0.0.0/8`) pass on only where the parent has all of that kind,
   * and where it is denied some addresses only `IP:PORT` does.
   *
   * `import`: by default what the parent has, Deno's usual hosts among it. A list names hosts, and
   * `"npm:"` for npm packages; `false` leaves nothing but files, and the toolkit's and the target's
   * own hosts.
   */
  permissions?: Permissions;
  /** Variables added to its environment. `SWITCHYARD_KEY` is the toolkit's own. */
  env?: Record<string, string>;
  /** Its working directory. Default: the parent's. */
  cwd?: string | URL;
  /**
   * Its standard input. Default: `"inherit"`; for a child with fewer permissions than its parent
   * `"null"`, as what is typed may be a password.
   */
  stdin?: Stdio;
  /** Its standard output. Default: `"inherit"`. */
  stdout?: Stdio;
  /** Its standard error. Default: `"inherit"`. */
  stderr?: Stdio;
  /** `"keep"`: it lives on when its parent dies. Default: it ends within 2 s. */
  orphan?: "keep" | "end";
  /**
   * Its deno.json. Default: the one that applies to the main module; which one that is, is found
   * out once, before the program's first child starts. One that appears later is not used; one that
   * changes is read as it then is.
   */
  config?: string | URL;
  /** Called with each value that the task gives to `context().report()`. */
  // deno-lint-ignore no-explicit-any -- a report can be anything
  onReport?: (value: any) => void;
}

/** Options of a {@linkcode Process} whose target takes arguments. */
export interface ProcessOptionsWithArgs<A extends unknown[]> extends ProcessOptions {
  /**
   * What the target is called with. What Python has in `kwargs` is one options object, the last.
   */
  args: A;
}

/** The options after a target: required when it takes arguments. */
export type ProcessRest<A extends unknown[]> = [] extends A
  ? [options?: ProcessOptions & { args?: A }]
  : [options: ProcessOptionsWithArgs<A>];

/** Options of `joinSync()` and its like. */
export interface JoinSyncOptions {
  /** The time to wait in ms, at least; 0 does not wait. Default: without limit. */
  timeout?: number;
}

/** Options of `join()` and `result()`. */
export interface JoinOptions extends JoinSyncOptions {
  /** Abandons the wait: the promise is rejected with `signal.reason`. The process runs on. */
  signal?: AbortSignal;
}

interface Plan {
  target: Reference;
  args: unknown[] | undefined;
  options: ProcessOptions;
}

const ATTACH = Symbol("attach");
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
 * ```ts ignore
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
  readonly #plan: Plan | undefined;
  #name: string;
  #daemon: boolean;
  #isClosed = false;
  #pid: number | null = null;
  #child: Deno.ChildProcess | undefined;
  /** Where `os.wait()` learns of its end. */
  #adopted: Adopted | undefined;
  #link: Link | undefined;
  /** What the child is to this process, and so from whom its words are. */
  #level: TrustLevel = "equal";
  readonly #streams: Partial<Record<"stdout" | "stderr", ReadableStream<Uint8Array<ArrayBuffer>>>> =
    {};
  /** Where the child leaves its end, when FFI is granted. */
  #box: number | undefined;
  #exitcode: number | null = null;
  /** Told of its end: what it has not unpacked by then, it never will. */
  #flights: Lost[] = [];
  #end: End<Uint8Array> | undefined;
  #outcome: Outcome | undefined;
  /** Settles with the end message, or when it can no longer come. */
  readonly #told = Promise.withResolvers<void>();
  /** Settles when the child has been reaped and has said all. */
  readonly #gone = Promise.withResolvers<void>();

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
    checkProcessOptions(options, action);
    const subclass = typeof target === "object" && new.target !== Process;
    if (subclass && typeof (target as ImportMeta | null)?.url !== "string") {
      throw new TypeError(`Cannot ${action}: meta must be import.meta, received ${show(target)}`);
    }
    const reference = subclass
      ? referToClass(new.target, target as ImportMeta)
      : referTo(target as Target);
    this.#plan = {
      target: inFile(reference),
      args: subclass ? undefined : options.args ?? [],
      options,
    };
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
    const plan = this.#plan;
    this.#checkOpen("start");
    if (plan === undefined || this.#pid !== null) {
      throw new Error(`Cannot start ${this.#title()}: it has been started already`);
    }
    checkBootstrap("a process");
    checkCancelled();
    const mine = thisProcess();
    if (mine.daemon) {
      throw new Error(`Cannot start ${this.#title()}: daemonic processes may have no children`);
    }
    const { options, target } = plan;
    const subclass = plan.args === undefined;
    if (subclass && hasPrivates(this.constructor as Target, Process)) {
      throw new ShareError(
        `Cannot start ${this.#title()}: the #private fields of ${this.constructor.name} do not travel`,
        "this",
      );
    }
    const level = this.#level = levelOf(options.permissions);
    const pack = () => toBytes(subclass ? { ...this } : plan.args, subclass ? "this" : "args");
    const { packed: args, flights } = packFor(
      level,
      () => gatherFlights(pack),
      givesFfi(options.permissions),
    );
    this.#flights = flights;
    const boot: ProcessBoot = {
      type: "boot",
      me: { name: this.#name, daemon: this.#daemon, parent: { pid: Deno.pid, name: mine.name } },
      orphan: options.orphan === "keep",
      watched: self().isMain,
      config: configPlace(),
      arena: arenaForChild(),
      box: this.#makeBox(),
      quiet: (options as { [QUIET]?: boolean })[QUIET] === true,
      main: mainModule(),
      argv: Deno.args,
      target,
      subclass,
      args,
    };
    const { child, rendezvous, watchdog } = this.#spawn(
      toBytes(boot, "boot"),
      [
        target.module,
        ...modulesOf(args),
        ...(options as { [IMPORTS]?: string[] })[IMPORTS] ?? [],
      ],
      {
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
      flights.flatMap(({ socket }) => socket ?? []),
    );
    this.#pid = child.pid;
    this.#child = child;
    children.add(this as unknown as Process);
    const status = statusOf(child.status);
    if (!services.has(this as unknown as Process)) this.#adopted = adopt(child.pid, status);
    // Where a report may wake up the program's own code it is to be waited for as that is.
    const keepsAlive = !this.#daemon && options.onReport !== undefined;
    if (!keepsAlive) {
      child.unref();
      rendezvous.unref();
    }
    // Last of all who listen: others may have more to do.
    removeEventListener("beforeunload", atEnd);
    addEventListener("beforeunload", atEnd);
    const heard = this.#listen(rendezvous, keepsAlive);
    this.#reap(status, { rendezvous, watchdog }, heard);
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
    return watchWait(this, "process.join()", this.#join(options));
  }

  async #join(options: JoinOptions): Promise<boolean> {
    const timeout = checkWait(options, "join the process");
    this.#checkJoinable("join");
    if (!await reached(this.#gone.promise, timeout, options.signal)) return false;
    this.#adopted?.collect();
    return true;
  }

  /**
   * As {@linkcode join}, but blocks the calling thread. Deno reaps children on its event loop, so
   * this asks the kernel instead, which needs `--allow-ffi`.
   */
  joinSync(options?: JoinSyncOptions): boolean;
  joinSync(options: JoinSyncOptions = {}): boolean {
    const timeout = checkWait(options, "join the process");
    this.#checkJoinable("join");
    const deadline = performance.now() + timeout;
    const idle = new Int32Array(new SharedArrayBuffer(4));
    while (this.#code() === null) {
      checkCancelled();
      const left = deadline - performance.now();
      if (left <= 0) return false;
      if (!mayMap()) throw needsFfi("join");
      if (platform().isReaped(this.#pid!)) throw this.#reaped();
      Atomics.wait(idle, 0, 0, Math.min(LOOK, left));
    }
    this.#adopted?.collect();
    return true;
  }

  /**
   * Waits for what the target returns.
   *
   * @throws
   *   {unknown} What the target threw: same class, with the stack of the process and of this call.
   * @throws {WorkerLostError} It was killed, or ended by `exit()`, before it gave a result.
   * @throws {TimeoutError} The timeout ended first.
   */
  result(options?: JoinOptions): Promise<R>;
  async result(options: JoinOptions = {}): Promise<R> {
    const here = new Error().stack;
    const timeout = checkWait(options, "get the process's result");
    this.#checkJoinable("get the result of");
    if (!await reached(this.#told.promise, timeout, options.signal)) {
      throw new TimeoutError(`${this.#name} gave no result within ${timeout} ms`);
    }
    if (this.#outcome === undefined) await held(this.#gone.promise);
    return settle(this.#outcome!, this.#name, here) as R;
  }

  /**
   * As {@linkcode result}, but blocks the calling thread until the process has ended. Needs
   * `--allow-ffi`, as {@linkcode joinSync} does, in the child too.
   */
  resultSync(options?: JoinSyncOptions): R;
  resultSync(options: JoinSyncOptions = {}): R {
    const here = new Error().stack;
    const timeout = checkWait(options, "get the process's result");
    this.#checkJoinable("get the result of");
    if (this.#outcome === undefined && !this.joinSync(options)) {
      throw new TimeoutError(`${this.#name} gave no result within ${timeout} ms`);
    }
    if (this.#outcome === undefined) {
      const end = this.#openBox();
      if (end === undefined && this.#exitcode === 0) throw needsFfi("get the result of");
      if (end !== undefined) this.#end = end;
      this.#outcome = this.#outcomeOf(end);
    }
    return settle(this.#outcome, this.#name, here) as R;
  }

  /** The error that ended the process, or null. Known once it has been joined. */
  get error(): Error | null {
    return errorOf(this.#outcome);
  }

  /** Its process number; null before the start. */
  get pid(): number | null {
    this.#checkOpen("get the pid of");
    return this.#pid;
  }

  /**
   * How it ended: null while it runs, 0, 1 for an uncaught error, n for `exit(n)`, -SIG when killed
   * by a signal.
   */
  get exitcode(): number | null {
    this.#checkOpen("get the exit code of");
    return this.#code();
  }

  #code(): number | null {
    if (this.#exitcode === null && this.#child !== undefined && mayMap()) {
      // Blocked code cannot be told by the event loop: look.
      const ended = platform().ended(this.#child.pid);
      if (ended !== undefined) this.#exitcode = ended.signal === 0 ? ended.code : -ended.signal;
    }
    return this.#exitcode;
  }

  /** Asks the process to end, with SIGTERM. Its `finally` blocks do not run. */
  terminate(): void {
    this.#checkOpen("terminate");
    this.#kill("SIGTERM");
  }

  /** Ends the process at once, with SIGKILL. */
  kill(): void {
    this.#checkOpen("kill");
    this.#kill("SIGKILL");
  }

  /**
   * Lets go of the process that has ended: it cannot be joined or asked any more. A second call
   * does nothing.
   *
   * @throws {Error} It is still running.
   */
  close(): void {
    if (this.#isAlive()) throw new Error(`Cannot close ${this.#title()}: it is still running`);
    this.#isClosed = true;
    children.delete(this as unknown as Process);
  }

  /** @ignore */
  get [TOLD](): Promise<void> {
    return this.#gone.promise;
  }

  /**
   * Whether the process has been started and has not ended.
   *
   * @throws {Error} It was closed.
   */
  isAlive(): boolean {
    this.#checkOpen("ask");
    return this.#isAlive();
  }

  #isAlive(): boolean {
    if (this.#pid === null) return false;
    if (this.#plan === undefined) return this.#pid === Deno.pid || this.#pid === Deno.ppid;
    return this.#code() === null;
  }

  /** Its name; need not be unique. It can be set before the start, else there is an Error. */
  get name(): string {
    return #name in this ? this.#name : thisProcess().name;
  }

  set name(name: string) {
    checkString(name ?? null, "name", "name the process");
    this.#checkNew("name");
    this.#name = name;
  }

  /**
   * Whether it is stopped when its parent's own code has ended; it may then start no children. It
   * can be set before the start, else there is an Error.
   */
  get daemon(): boolean {
    return #name in this ? this.#daemon : thisProcess().daemon;
  }

  set daemon(daemon: boolean) {
    checkBoolean(daemon ?? null, "daemon", "make the process a daemon");
    this.#checkNew("daemon");
    this.#daemon = daemon;
  }

  /** Its standard input, when `stdin: "piped"`. */
  get stdin(): WritableStream<Uint8Array<ArrayBuffer>> {
    return this.#stream("stdin");
  }

  /** Its standard output, when `stdout: "piped"`. */
  get stdout(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#stream("stdout");
  }

  /** Its standard error, when `stderr: "piped"`. */
  get stderr(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#stream("stderr");
  }

  /** Waits for the end of the process, if it was started. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#pid !== null && !this.#isClosed) await this.join();
  }

  /** As the async form, but blocks. */
  [Symbol.dispose](): void {
    if (this.#pid !== null && !this.#isClosed) this.joinSync();
  }

  /** @ignore */
  [INSPECT](): string {
    return shown(this, () => {
      if (!(#name in this)) return [thisProcess().name, `pid ${Deno.pid}`, "running"];
      if (this.#pid === null) return [this.#name, "new"];
      // Of a process that is no child of this one no exit code is known.
      const exitcode = this.#code();
      const ended = exitcode === null ? "ended" : `exitcode ${exitcode}`;
      return [this.#name, `pid ${this.#pid}`, this.#isAlive() ? "running" : ended];
    });
  }

  #title(): string {
    return `process ${show(this.#name)}`;
  }

  #stream<K extends "stdin" | "stdout" | "stderr">(name: K): Deno.ChildProcess[K] {
    this.#checkOpen(`get ${name} of`);
    if (this.#plan?.options[name] !== "piped") {
      throw new TypeError(`Cannot get ${name} of ${this.#title()}: it is not "piped"`);
    }
    if (this.#child === undefined) {
      throw new TypeError(`Cannot get ${name} of ${this.#title()}: it was not started`);
    }
    if (name === "stdin") return this.#child[name];
    // The child keeps no program alive, and with it none of its streams.
    const output = name as "stdout" | "stderr";
    const stream = this.#streams[output] ??= heldStream(this.#child[output]);
    return stream as Deno.ChildProcess[K];
  }

  #checkOpen(action: string): void {
    if (this.#isClosed) throw new Error(`Cannot ${action} ${this.#title()}: it was closed`);
  }

  #checkNew(what: string): void {
    if (#name in this && this.#plan !== undefined && this.#pid === null) return;
    throw new Error(
      `Cannot set the ${what} of ${show(this.name)}: the process has been started already`,
    );
  }

  /** The event loop has reaped the child, and had no time yet to say so. */
  #reaped(): Error {
    return new Error(
      `Cannot join ${this.#title()} and block: it has just ended, and how it did is known once ` +
        "the event loop goes on; use await join()",
    );
  }

  #checkJoinable(action: string): void {
    this.#checkOpen(action);
    if (this.#pid === null) {
      throw new Error(`Cannot ${action} ${this.#title()}: it was not started`);
    }
    if (this.#plan === undefined) {
      throw new Error(`Cannot ${action} ${this.#title()}: it is no child of this process`);
    }
  }

  #kill(signal: Deno.Signal): void {
    if (this.#pid === null) throw new Error(`Cannot end ${this.#title()}: it was not started`);
    if (this.#plan === undefined) return Deno.kill(this.#pid, signal);
    try {
      if (this.#code() === null) this.#child!.kill(signal);
    } catch (cause) {
      // It has ended meanwhile.
      if (!(cause instanceof TypeError || cause instanceof Deno.errors.NotFound)) throw cause;
    }
  }

  #spawn(...how: Parameters<typeof spawn>): ReturnType<typeof spawn> {
    try {
      return spawn(...how);
    } catch (cause) {
      loseAll(this.#flights);
      this.#closeBox();
      throw cause;
    }
  }

  /** Meets the child, and hears what it says until its end of the link closes. */
  async #listen(rendezvous: Spawned["rendezvous"], keepsAlive: boolean): Promise<void> {
    const link = await rendezvous.meet();
    if (link === undefined) return;
    this.#link = link;
    if (this.#level === "below") link.longest = MOST_FROM_BELOW;
    if (!keepsAlive) link.unref();
    try {
      for await (const frame of link.frames()) await this.#receive(readWord(frame));
    } catch (error) {
      // No words of ours: whoever it is, it is no longer listened to.
      this.#outcome ??= { ok: false, error };
      if (this.#level === "below") this.#kill("SIGKILL");
    }
  }

  async #receive(message: FromProcess): Promise<void> {
    if (message.type === "report") {
      const { onReport } = this.#plan!.options;
      if (onReport === undefined) return;
      await admit(modulesOf(message.value), this.#level);
      onReport(fromBytes(message.value, this.#level));
      return;
    }
    const end = message.type === "boxed" ? this.#openBox() : message;
    if (this.#outcome === undefined && end !== undefined) {
      this.#end = end;
      if (end.type !== "exit") {
        // A module that cannot be imported here costs an error its class, and a value its
        // unpacking.
        const bytes = end.type === "done" ? end.value : end.error;
        await admit(modulesOf(bytes), this.#level).catch(() => {});
        this.#outcome ??= this.#outcomeOf(end);
      }
    }
    this.#told.resolve();
  }

  /** Waits for the end of the child and of what it said. */
  async #reap(
    status: Promise<Deno.CommandStatus>,
    { rendezvous, watchdog }: Omit<Spawned, "child">,
    heard: Promise<void>,
  ): Promise<void> {
    this.#exitcode = exitcodeOf(await status);
    const unwatched = watchdog?.end();
    // While this thread was blocked the child may have come, spoken and gone: then it is still to
    // be met.
    if (!rendezvous.isVisited) rendezvous.end();
    await reachedUnheld(heard, LAST_WORDS);
    rendezvous.end();
    this.#link?.close();
    if (this.#outcome === undefined && this.#box !== undefined) {
      await this.#receive({ type: "boxed" }).catch((error) => {
        this.#outcome ??= { ok: false, error };
      });
    }
    this.#outcome ??= { ok: false, error: this.#lost() };
    await Promise.all(this.#flights.map((lost) => lost()));
    this.#closeBox();
    await unwatched;
    children.delete(this as unknown as Process);
    this.#told.resolve();
    this.#gone.resolve();
  }

  #makeBox(): string | undefined {
    if (!mayMap()) return undefined;
    this.#box = platform().createBox();
    return platform().path(this.#box);
  }

  #closeBox(): void {
    if (this.#box !== undefined) platform().close(this.#box);
    this.#box = undefined;
  }

  /** What the child has left, if it has. */
  #openBox(): End<Uint8Array> | undefined {
    if (this.#box === undefined) return undefined;
    const bytes = platform().readBox(this.#box);
    return bytes.length === 0 ? undefined : readWord(bytes) as End<Uint8Array>;
  }

  #outcomeOf(end: End<Uint8Array> | undefined): Outcome {
    try {
      if (end?.type === "done") return { ok: true, value: fromBytes(end.value, this.#level) };
      if (end?.type === "failed") return { ok: false, error: fromBytes(end.error, this.#level) };
    } catch (error) {
      return { ok: false, error };
    }
    return { ok: false, error: this.#lost() };
  }

  #lost(): WorkerLostError {
    const exitcode = this.#exitcode!;
    const signal = exitcode < 0 ? signalName(-exitcode) : null;
    const how = signal !== null
      ? `was killed by ${signal}`
      : this.#end?.type === "exit"
      ? `ended by exit(${exitcode})`
      : `ended with exit code ${exitcode}`;
    const { name } = this.#plan!.target;
    return new WorkerLostError(
      `${this.#title()} (pid ${this.#pid}) ${how} before it gave the result of ${show(name)}`,
      { exitcode, signal },
    );
  }
}

function needsFfi(action: string): Error {
  return new Deno.errors.NotCapable(
    `Cannot ${action} a process and block: Deno reaps children on the event loop; ` +
      `run again with --allow-ffi, or use await ${action}()`,
  );
}

function checkProcessOptions(options: ProcessOptions & { args?: unknown }, action: string): void {
  checkOptions(options, action);
  checkString(options.name, "name", action);
  checkBoolean(options.daemon, "daemon", action);
  checkFunction(options.onReport, "onReport", action);
  checkEnv(options.env, action);
  if (options.args !== undefined && !Array.isArray(options.args)) {
    throw new TypeError(
      `Cannot ${action}: args must be an array, received one ${typeof options.args}`,
    );
  }
  for (const name of ["stdin", "stdout", "stderr"] as const) {
    const value = options[name];
    if (value !== undefined && !["inherit", "piped", "null"].includes(value)) {
      throw new TypeError(
        `Cannot ${action}: ${name} must be "inherit", "piped" or "null", received ${show(value)}`,
      );
    }
  }
  if (options.orphan !== undefined && !["keep", "end"].includes(options.orphan)) {
    throw new TypeError(
      `Cannot ${action}: orphan must be "keep" or "end", received ${show(options.orphan)}`,
    );
  }
}

/** Checks variables. Messages name them, and never show a value: it may be a secret. */
function checkEnv(env: unknown, action: string): void {
  if (env === undefined) return;
  const refuse = (why: string): never => {
    throw new TypeError(`Cannot ${action}: ${why}`);
  };
  if (typeof env !== "object" || env === null || Array.isArray(env)) {
    return refuse("env must be an object of strings");
  }
  for (const [name, value] of Object.entries(env)) {
    const [before] = name.split("=");
    if (name === "") refuse("a name in env must not be empty");
    if (before !== name) {
      refuse(`a name in env must be without "=", one begins with ${show(before)}`);
    }
    if (name.includes("\0")) refuse(`a name in env must be without NUL, received ${show(name)}`);
    if (name === KEY_VARIABLE) refuse(`env.${name} is what the toolkit gives each child itself`);
    if (typeof value !== "string") refuse(`env.${name} must be a string, received ${typeof value}`);
    if (value.includes("\0")) refuse(`env.${name} must be without NUL`);
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
