/**
 * The manager, as the one who started it sees it.
 *
 * @module
 */
import {
  checkFunction,
  checkInteger,
  checkIterable,
  checkOptions,
  checkString,
  checkTimeout,
  show,
} from "../../core/checks.ts";
import { INSPECT, shown } from "../../core/inspect.ts";
import { checkSource } from "../../sync/array.ts";
import type { BarrierOptions } from "../../sync/barrier.ts";
import type { NameOptions } from "../../sync/cell.ts";
import type { NonBigType, NumberOf, NumericType } from "../../sync/numeric.ts";
import { inFile, type Reference, referTo } from "../../transfer/task.ts";
import type { Server } from "./client.ts";
import { ConditionProxy, LockProxy, RLockProxy } from "./proxies/locks.ts";
import { ArrayProxy, ValueProxy } from "./proxies/numbers.ts";
import { type ObjectProxy, RegisteredProxy } from "./proxies/object.ts";
import { wrap, wrapKey } from "./protocol.ts";
import { IN } from "./proxies/proxy.ts";
import { DictProxy, ListProxy, NamespaceProxy } from "./proxies/collections.ts";
import { QueueProxy } from "./proxies/queue.ts";
import type { ManagerOptions, Started } from "./start.ts";
import { BarrierProxy, BoundedSemaphoreProxy, EventProxy, SemaphoreProxy } from "./proxies/sync.ts";

const registered = new Map<string, Reference>();
/** Those of this thread that run: they hear what is registered later. */
const running = new Set<Started>();

/** Lets clients below have a target run at a server. */
async function makeKnown(
  { server, id }: Started,
  { module, name, print }: Reference,
): Promise<void> {
  await server.tell(id, "register", [module, name, print]);
}

/**
 * A process that holds objects for others: whoever has a proxy works with the same object.
 *
 * Reach for it when processes share more than numbers and queues, when `--allow-ffi` is not to be
 * had, or when an object must live in one place. Each call is a message there and back, so the
 * classes of `multiprocessing` that live in shared memory are many times faster.
 *
 * Proxies can be given to threads and processes, and be put into the manager's own objects; there
 * they connect by themselves. Their methods return Promises, and there are no blocking forms. An
 * object lives until the manager is shut down.
 *
 * *What a death leaves*: a client that ends, by any means, releases what it held and is no longer
 * waited for. When the server ends, every call fails with a `WorkerLostError`. The server ends with
 * the thread that started it.
 *
 * *Safety*: the server listens on a socket in a folder of its own that only this user can enter
 * (0700), and serves those that show a token, which the proxies carry. A client reaches the objects
 * whose proxies it was given, and no others. By default the server may only read and import, as
 * targets must be, and use its own folder; of what it, or a client with fewer permissions, says,
 * classes are found that the reader has loaded, and no function is taken. A client with fewer
 * permissions has `update()` run only what the owner has registered.
 *
 * *Permissions*: as {@linkcode Process}; no `--allow-ffi`. A child that is given a proxy as an
 * argument is let to the socket.
 *
 * @example Share a table
 * ```ts
 * import { Manager } from "@switchyard/switchyard/multiprocessing";
 *
 * await using manager = await Manager.start();
 * const scores = await manager.dict<string, number>();
 * await scores.set("ada", 3);
 * console.log(await scores.get("ada")); // 3
 * ```
 */
export class Manager implements AsyncDisposable {
  readonly #started: Started;
  readonly #server: Server;
  /** The id of the manager itself. */
  readonly #id: string;
  #ended: Promise<void> | undefined;

  private constructor(started: Started) {
    if (started === undefined) {
      throw new TypeError("Cannot make a manager with new: use await Manager.start()");
    }
    this.#started = started;
    this.#server = started.server;
    this.#id = started.id;
  }

  /**
   * Starts a manager.
   *
   * @throws {Error} A daemon process tries to start it.
   * @throws {BootstrapError} The script's main part lacks its `import.meta.main` guard.
   * @throws {Deno.errors.NotCapable} A permission is missing, or more is asked for than there is.
   */
  static start(options?: ManagerOptions): Promise<Manager>;
  static async start(options: ManagerOptions = {}): Promise<Manager> {
    // Whoever only imports this face, each child for one, does not load the server.
    const { startServer } = await import("./start.ts");
    const started = await startServer(options);
    running.add(started);
    for (const target of registered.values()) await makeKnown(started, target);
    return new Manager(started);
  }

  /**
   * Makes a class known, so that {@linkcode create} can make objects of it at a server; or a
   * function, so that also clients with fewer permissions can have it run by `update()`.
   *
   * @param name What `create()` calls it.
   * @param type A target, as the functions that processes run are: a class or function that the
   *   main module exports, or one marked with `task(import.meta, ...)`.
   * @throws {TypeError} It is none.
   */
  static register(
    name: string,
    // deno-lint-ignore no-explicit-any -- of any arguments
    type: (abstract new (...args: any[]) => unknown) | ((...args: any[]) => unknown),
  ): void {
    const action = "register a class";
    if (typeof name !== "string" || name === "") {
      throw new TypeError(`Cannot ${action}: name must be a string, received ${show(name)}`);
    }
    if (typeof type !== "function") {
      throw new TypeError(`Cannot ${action}: it must be a class, received ${show(type)}`);
    }
    const target = inFile(referTo(type));
    registered.set(name, target);
    for (const started of running) makeKnown(started, target).catch(() => {});
  }

  /**
   * Makes an object of a registered class at the server. Its methods run there one after the other,
   * as the calls come; between two awaits of an async one others may run.
   *
   * @typeParam T The class's type, for the type of the proxy.
   * @returns A proxy with its methods, each of which returns a Promise. Fields are out of reach.
   * @throws {TypeError} No class of that name is registered.
   * @throws {unknown} What its constructor threw.
   */
  // deno-lint-ignore no-explicit-any -- without a type the methods are not known
  async create<T = any>(name: string, ...args: unknown[]): Promise<ObjectProxy<T>> {
    const known = registered.get(name);
    if (known === undefined) {
      throw new TypeError(
        `Cannot create an object: no class is registered as ${show(name)}; ` +
          "use Manager.register(name, Class)",
      );
    }
    const what = [known.module, known.name, known.print, wrap(args, "args")];
    const made = await this.#server.call(this.#id, "create", what);
    const [object, methods] = made as [string, string[]];
    return new RegisteredProxy(this.#server, object, methods) as ObjectProxy<T>;
  }

  /** Makes a dictionary, with entries to begin with. */
  dict<K = unknown, V = unknown>(entries?: Iterable<readonly [K, V]>): Promise<DictProxy<K, V>>;
  async dict<K = unknown, V = unknown>(
    entries: Iterable<readonly [K, V]> = [],
  ): Promise<DictProxy<K, V>> {
    checkIterable(entries, "entries", "create a dictionary");
    const flat = [...entries].flatMap((entry, k) => {
      const [key, value] = entry as [unknown, unknown];
      return [wrapKey(key), wrap(value, `entries[${k}][1]`)];
    });
    return new DictProxy<K, V>(this.#server, await this.#make("dict", flat));
  }

  /** Makes a list, with values to begin with. */
  list<T = unknown>(values?: Iterable<T>): Promise<ListProxy<T>>;
  async list<T = unknown>(values: Iterable<T> = []): Promise<ListProxy<T>> {
    checkIterable(values, "values", "create a list");
    const given = [...values];
    const bytes = given.map((value, k) => wrap(value, `values[${k}]`));
    return new ListProxy<T>(this.#server, await this.#make("list", bytes));
  }

  /** Makes a namespace, with fields to begin with. */
  Namespace<F extends object = Record<string, unknown>>(
    fields?: Partial<F>,
  ): Promise<NamespaceProxy<F>>;
  async Namespace<F extends object = Record<string, unknown>>(
    fields: Partial<F> = {},
  ): Promise<NamespaceProxy<F>> {
    checkOptions(fields, "create a namespace");
    const flat = Object.entries(fields)
      .flatMap(([name, value]) => [wrapKey(name), wrap(value, name)]);
    return new NamespaceProxy<F>(this.#server, await this.#make("dict", flat));
  }

  /**
   * Makes a queue.
   *
   * @param maxsize The number of items that it has room for; 0 is without limit. Default: 0.
   */
  Queue<T = unknown>(maxsize?: number): Promise<QueueProxy<T>>;
  async Queue<T = unknown>(maxsize = 0): Promise<QueueProxy<T>> {
    checkInteger(maxsize, 0, "maxsize", "create a queue");
    return new QueueProxy<T>(this.#server, await this.#make("queue", maxsize));
  }

  /** Makes a lock. */
  Lock(options?: NameOptions): Promise<LockProxy>;
  async Lock(options: NameOptions = {}): Promise<LockProxy> {
    const name = nameOf(options, "create a Lock");
    return new LockProxy(this.#server, await this.#make("lock", false, name));
  }

  /** Makes a lock that its thread may acquire again. */
  RLock(options?: NameOptions): Promise<RLockProxy>;
  async RLock(options: NameOptions = {}): Promise<RLockProxy> {
    const name = nameOf(options, "create a RLock");
    return new RLockProxy(this.#server, await this.#make("lock", true, name));
  }

  /** Makes a semaphore with `value` free permits. */
  Semaphore(value?: number, options?: NameOptions): Promise<SemaphoreProxy>;
  async Semaphore(value = 1, options: NameOptions = {}): Promise<SemaphoreProxy> {
    const made = await this.#semaphore(value, false, options);
    return new SemaphoreProxy(this.#server, made);
  }

  /** Makes a semaphore of `value` permits; releasing more than were taken is an error. */
  BoundedSemaphore(value?: number, options?: NameOptions): Promise<BoundedSemaphoreProxy>;
  async BoundedSemaphore(value = 1, options: NameOptions = {}): Promise<BoundedSemaphoreProxy> {
    const made = await this.#semaphore(value, true, options);
    return new BoundedSemaphoreProxy(this.#server, made);
  }

  /** Makes an event that is not set. */
  Event(options?: NameOptions): Promise<EventProxy>;
  async Event(options: NameOptions = {}): Promise<EventProxy> {
    nameOf(options, "create an Event");
    return new EventProxy(this.#server, await this.#make("event"));
  }

  /**
   * Makes a condition.
   *
   * @param lock A Lock or RLock of this manager. Default: an RLock of its own.
   */
  Condition(lock?: LockProxy | RLockProxy, options?: NameOptions): Promise<ConditionProxy>;
  async Condition(
    lock?: LockProxy | RLockProxy,
    options: NameOptions = {},
  ): Promise<ConditionProxy> {
    const action = "create a Condition";
    const name = nameOf(options, action);
    if (lock === undefined) {
      return new ConditionProxy(this.#server, await this.#make("condition", undefined, name));
    }
    const isLock = lock instanceof LockProxy || lock instanceof RLockProxy;
    if (!isLock || lock[IN]().server !== this.#server) {
      throw new TypeError(
        `Cannot ${action}: lock must be a Lock or RLock of this manager, received ${show(lock)}`,
      );
    }
    const made = await this.#make("condition", lock[IN]().object, name);
    return new ConditionProxy(this.#server, made);
  }

  /** Makes a barrier for `parties` clients. */
  Barrier(parties: number, options?: BarrierOptions): Promise<BarrierProxy>;
  async Barrier(parties: number, options: BarrierOptions = {}): Promise<BarrierProxy> {
    const action = "create a barrier";
    checkInteger(parties, 1, "parties", action);
    const name = nameOf(options, action);
    checkFunction(options.action, "action", action);
    checkTimeout(options.timeout, action);
    const hasAction = options.action !== undefined;
    const made = await this.#make("barrier", parties, hasAction, options.timeout, name);
    return new BarrierProxy(this.#server, made, parties, options.action);
  }

  /**
   * Makes a number.
   *
   * @param type Its type, as in `"i32"` or `"f64"`.
   * @param initial Its number at first. Default: 0.
   */
  async Value<T extends NumericType = NonBigType>(
    type: T,
    initial?: NumberOf<T>,
  ): Promise<ValueProxy<T>> {
    const made = await this.#server.call(this.#id, "value", [type, initial]);
    return new ValueProxy<T>(this.#server, ...made as [string, string]);
  }

  /**
   * Makes numbers.
   *
   * @param type Their type, as in `"i32"` or `"f64"`.
   * @param source The number of zeros, or the numbers.
   */
  async Array<T extends NumericType = NonBigType>(
    type: T,
    source: number | Iterable<NumberOf<T>>,
  ): Promise<ArrayProxy<T>> {
    const { length, values } = checkSource(type, source);
    const made = await this.#server.call(this.#id, "array", [type, values ?? length]);
    return new ArrayProxy<T>(this.#server, ...made as [string, string]);
  }

  /** Its name. */
  get name(): string {
    return this.#server.address.name;
  }

  /** The server's process number. */
  get pid(): number {
    return this.#started.process.pid!;
  }

  /** Ends the server, and with it all its objects. A second call does nothing. */
  async shutdown(): Promise<void> {
    running.delete(this.#started);
    await (this.#ended ??= this.#started.stop());
  }

  /** As {@linkcode shutdown}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.shutdown();
  }

  /** @ignore */
  [INSPECT](): string {
    return shown(
      this,
      () => [this.name, `pid ${this.pid}`, this.#ended === undefined ? "running" : "shut down"],
    );
  }

  async #make(kind: string, ...args: unknown[]): Promise<string> {
    return await this.#server.call(this.#id, kind, args) as string;
  }

  async #semaphore(value: number, isBounded: boolean, options: NameOptions): Promise<string> {
    checkInteger(value, 0, "value", "create a semaphore");
    const name = nameOf(options, "create a semaphore");
    return await this.#make("semaphore", value, isBounded, name);
  }
}

function nameOf(options: NameOptions, action: string): string | undefined {
  checkOptions(options, action);
  checkString(options.name, "name", action);
  return options.name;
}
