/**
 * The proxies of a manager's locks, and of the condition over one.
 *
 * @module
 */
import { checkFunction, checkInteger } from "../../../core/checks.ts";
import { WorkerLostError } from "../../../core/errors.ts";
import { INSPECT, shown } from "../../../core/inspect.ts";
import { GIVE_BACK, Guard } from "../../../sync/guard.ts";
import {
  type AcquireOptions,
  type Bounded,
  checkAcquire,
  checkWait,
  type DetectOptions,
  type WaitOptions,
} from "../../../sync/options.ts";
import { isWatched, watch, watchWait } from "../../../sync/traps.ts";
import { shareable } from "../../../transfer/shareable.ts";
import { Proxied, restore, sent } from "./proxy.ts";

const LOCK = "acquire the lock";

/**
 * One acquisition of a manager's lock or permit.
 *
 * `using _ = await lock.acquire()` releases it at the end of the block; `await using` also waits
 * until the server has been told.
 */
export class ManagerGuard extends Guard implements AsyncDisposable {
  readonly #giveBack: () => Promise<unknown>;
  #released: Promise<void> | undefined;

  /** Locks create guards; scripts get them from `acquire()`. */
  constructor(giveBack: () => Promise<unknown>, abandoned: boolean) {
    super({ [GIVE_BACK]() {} }, 0, abandoned);
    this.#giveBack = giveBack;
  }

  /**
   * Ends this acquisition, and no other: a second call does nothing. Whatever this thread asks of
   * the manager afterwards, awaited or not, comes after it.
   */
  override release(): Promise<void> {
    this.#released ??= this.#giveBack().then(() => {});
    this.#released.catch(() => {});
    return this.#released;
  }

  /** @ignore */
  override [INSPECT](): string {
    return shown(
      this,
      () => [this.#released === undefined ? "held" : "released", this.abandoned ? "abandoned" : ""],
    );
  }

  /** As {@linkcode release}; where the server has ended there is nothing to release. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.release();
    } catch (error) {
      if (!(error instanceof WorkerLostError)) throw error;
    }
  }
}

/** The base of the locks of a manager. */
export abstract class LockingProxy extends Proxied {
  /**
   * Takes the lock, waiting while another holds it.
   *
   * *Cancellation*: an abort or the end of the timeout leaves the lock as if the call had never
   * been made.
   *
   * @returns Its guard; `undefined` when the timeout ended first or `blocking` is false.
   * @throws {TypeError | RangeError} Bad options.
   * @throws {DeadlockError} With `detectDeadlock`: this wait is part of a deadlock among the
   *   manager's clients that has lasted for half a second.
   * @throws {WorkerLostError} The manager's server has ended.
   */
  acquire(options?: { signal?: AbortSignal } & DetectOptions): Promise<ManagerGuard>;
  /** Takes the lock if it becomes free in time. */
  acquire(options: AcquireOptions & DetectOptions & Bounded): Promise<ManagerGuard | undefined>;
  /** Takes the lock, with options known only when it runs. */
  acquire(options?: AcquireOptions & DetectOptions): Promise<ManagerGuard | undefined>;
  acquire(options?: AcquireOptions & DetectOptions): Promise<ManagerGuard | undefined> {
    return isWatched() ? watch(this, this.#acquire(options)) : this.#acquire(options);
  }

  async #acquire(options?: AcquireOptions & DetectOptions): Promise<ManagerGuard | undefined> {
    const timeout = checkAcquire(options, LOCK);
    const { server, object } = this;
    const args = [sent(timeout), options?.detectDeadlock === true];
    const got = await server.call(object, "acquire", args, options?.signal);
    if (got === undefined) return undefined;
    const [turn, abandoned] = got as [number, boolean];
    return new ManagerGuard(() => server.tell(object, "giveBack", [turn]), abandoned);
  }

  /**
   * Releases the lock. A guard's `release()` is safer.
   *
   * @throws {Error} It is not held; or, with one that belongs to its thread, not by this thread.
   */
  async release(): Promise<void> {
    await this.server.tell(this.object, "release");
  }

  /** True if somebody holds the lock, at this moment. */
  async locked(): Promise<boolean> {
    return await this.ask("locked") as boolean;
  }
}

/**
 * A lock at a manager's server: of all clients, one holds it at a time. As threading.Lock, any
 * client may release it; who waits gets it in the order of the calls.
 *
 * *Owner death*: a client that ends, by any means, releases it, and the next guard says
 * `abandoned`.
 *
 * @example One client at a time
 * ```ts
 * import { Manager } from "@switchyard/switchyard/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * await using manager = await Manager.start();
 * const lock = await manager.Lock();
 * {
 *   await using _guard = await lock.acquire();
 *   assertEquals(await lock.locked(), true);
 * }
 * assertEquals(await lock.locked(), false);
 * ```
 */
export class LockProxy extends LockingProxy {}

/**
 * A lock at a manager's server that its thread may acquire again; as threading.RLock.
 *
 * @example Acquire it twice
 * ```ts
 * import { Manager } from "@switchyard/switchyard/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * await using manager = await Manager.start();
 * const lock = await manager.RLock();
 * await using _outer = await lock.acquire();
 * await using _inner = await lock.acquire();
 * assertEquals(await lock.locked(), true);
 * ```
 */
export class RLockProxy extends LockingProxy {}

const CONDITION = "wait for the condition";

/**
 * A condition at a manager's server; as threading.Condition. It belongs to the thread that holds
 * its lock.
 *
 * @example Give up after a while
 * ```ts
 * import { Manager } from "@switchyard/switchyard/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * await using manager = await Manager.start();
 * const condition = await manager.Condition();
 * await using _guard = await condition.acquire();
 * assertEquals(await condition.wait({ timeout: 10 }), false); // nobody notified it
 * ```
 */
export class ConditionProxy extends LockingProxy {
  /**
   * Releases the lock (all levels of it), waits until it is notified, and takes the lock again.
   *
   * *Cancellation*: also after an abort or the end of the timeout the lock is taken again before
   * the call ends.
   *
   * @returns false when the timeout ended first.
   * @throws {Error} This thread does not hold the lock.
   */
  wait(options?: WaitOptions): Promise<boolean> {
    return watchWait(this, "condition.wait()", this.#wait(options));
  }

  async #wait(options: WaitOptions | undefined): Promise<boolean> {
    const timeout = sent(checkWait(options, CONDITION));
    return await this.server.call(this.object, "wait", [timeout], options?.signal) as boolean;
  }

  /**
   * Waits until `predicate` gives something true. It is called here, with the lock held, at first
   * and after each notification; it may be async, to ask the manager.
   *
   * @returns What it gave last: something false when the timeout ended first.
   * @throws {Error} This thread does not hold the lock.
   */
  waitFor<T>(predicate: () => T | PromiseLike<T>, options?: WaitOptions): Promise<T> {
    const met = this.#waitUntil(predicate, options);
    return watchWait(this, "condition.waitFor(predicate)", met);
  }

  async #waitUntil<T>(
    predicate: () => T | PromiseLike<T>,
    options: WaitOptions | undefined,
  ): Promise<T> {
    const timeout = checkWait(options, CONDITION);
    if (predicate === undefined) {
      throw new TypeError(`Cannot ${CONDITION}: predicate must be a function, received undefined`);
    }
    checkFunction(predicate, "predicate", CONDITION);
    options?.signal?.throwIfAborted();
    await this.ask("check");
    const until = performance.now() + timeout;
    for (;;) {
      const value = await predicate();
      const left = until - performance.now();
      if (value || left <= 0) return value;
      await this.wait({ ...options, timeout: left });
    }
  }

  /**
   * Lets `n` of those go on that wait, the longest waiting first; all if they are fewer.
   *
   * @throws {Error} This thread does not hold the lock.
   * @throws {TypeError | RangeError} `n` is no integer >= 0.
   */
  notify(n?: number): Promise<void>;
  async notify(n = 1): Promise<void> {
    checkInteger(n, 0, "n", "notify the condition");
    await this.ask("notify", n);
  }

  /**
   * Lets all go on that wait.
   *
   * @throws {Error} This thread does not hold the lock.
   */
  async notifyAll(): Promise<void> {
    await this.ask("notify", undefined);
  }
}

shareable(import.meta, "Lock", LockProxy, restore(LockProxy));
shareable(import.meta, "RLock", RLockProxy, restore(RLockProxy));
shareable(import.meta, "Condition", ConditionProxy, restore(ConditionProxy));
