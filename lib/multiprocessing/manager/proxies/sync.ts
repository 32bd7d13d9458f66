/**
 * The proxies of a manager's semaphores, events and barriers.
 *
 * @module
 */
import { checkFunction, checkInteger } from "../../../core/checks.ts";
import { held } from "../../../core/promises.ts";
import {
  type AcquireOptions,
  type Bounded,
  checkAcquire,
  checkWait,
  type WaitOptions,
} from "../../../sync/options.ts";
import { isWatched, watch, watchWait } from "../../../sync/traps.ts";
import { SHARE, shareable } from "../../../transfer/shareable.ts";
import type { Server } from "../client.ts";
import { ManagerGuard } from "./locks.ts";
import { checkSent, Proxied, restore, sent, type SentProxy } from "./proxy.ts";

/**
 * A semaphore at a manager's server; as threading.Semaphore. Who waits gets a permit in the order
 * of the calls.
 *
 * *Owner death*: the permits of a client that crashed are free again; one that ended by itself has
 * used them up, as in Python.
 *
 * @example Two at a time
 * ```ts
 * import { Manager } from "@switchyard/switchyard/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * await using manager = await Manager.start();
 * const seats = await manager.Semaphore(2);
 * await using _seat = await seats.acquire();
 * assertEquals(await seats.value(), 1);
 * ```
 */
export class SemaphoreProxy extends Proxied {
  /**
   * Takes a permit, waiting until one is free.
   *
   * *Cancellation*: an abort or the end of the timeout leaves the semaphore as if the call had
   * never been made.
   *
   * @returns A guard that releases the permit; `undefined` when the timeout ended first or
   *   `blocking` is false.
   */
  acquire(options?: { signal?: AbortSignal }): Promise<ManagerGuard>;
  /** Takes a permit if one becomes free in time. */
  acquire(options: AcquireOptions & Bounded): Promise<ManagerGuard | undefined>;
  /** Takes a permit, with options known only when it runs. */
  acquire(options?: AcquireOptions): Promise<ManagerGuard | undefined>;
  acquire(options?: AcquireOptions): Promise<ManagerGuard | undefined> {
    return isWatched() ? watch(this, this.#acquire(options)) : this.#acquire(options);
  }

  async #acquire(options?: AcquireOptions): Promise<ManagerGuard | undefined> {
    const timeout = checkAcquire(options, "acquire the semaphore");
    const { server, object } = this;
    const got = await server.call(object, "acquire", [sent(timeout)], options?.signal);
    if (got !== true) return undefined;
    return new ManagerGuard(() => server.tell(object, "release", [1]), false);
  }

  /**
   * Gives back `n` permits. A guard's `release()` is safer.
   *
   * @throws {TypeError | RangeError} `n` is no integer >= 1, or there would be too many permits;
   * nothing is released then.
   */
  release(n?: number): Promise<void>;
  async release(n = 1): Promise<void> {
    checkInteger(n, 1, "n", "release the semaphore");
    await this.server.tell(this.object, "release", [n]);
  }

  /** The number of free permits, at this moment. */
  async value(): Promise<number> {
    return await this.ask("value") as number;
  }
}

/** As {@linkcode SemaphoreProxy}, but one permit too many is an error. */
export class BoundedSemaphoreProxy extends SemaphoreProxy {}

/**
 * A flag at a manager's server that clients wait for; as threading.Event.
 *
 * @example Wait for a flag
 * ```ts
 * import { Manager } from "@switchyard/switchyard/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * await using manager = await Manager.start();
 * const ready = await manager.Event();
 * await ready.set();
 * assertEquals(await ready.wait(), true);
 * ```
 */
export class EventProxy extends Proxied {
  /** Sets the flag: all who wait go on. */
  async set(): Promise<void> {
    await this.ask("set");
  }

  /** Clears the flag: who waits from now on waits for the next `set()`. */
  async clear(): Promise<void> {
    await this.ask("clear");
  }

  /** True if the flag is set, at this moment. */
  async isSet(): Promise<boolean> {
    return await this.ask("isSet") as boolean;
  }

  /**
   * Waits until the flag is set; at once when it is.
   *
   * *Cancellation*: an abort or the end of the timeout ends this wait alone.
   *
   * @returns false when the timeout ended first.
   */
  wait(options?: WaitOptions): Promise<boolean> {
    return watchWait(this, "event.wait()", this.#wait(options));
  }

  async #wait(options: WaitOptions | undefined): Promise<boolean> {
    const timeout = sent(checkWait(options, "wait for the event"));
    return await this.server.call(this.object, "wait", [timeout], options?.signal) as boolean;
  }
}

interface SentBarrierProxy extends SentProxy {
  parties: number;
  action: (() => unknown) | undefined;
}

/**
 * A barrier at a manager's server; as threading.Barrier. Its action runs in the client that came
 * last. A client that ends while it waits breaks the barrier.
 *
 * @example Go on together
 * ```ts
 * import { Manager } from "@switchyard/switchyard/multiprocessing";
 * import { assertEquals } from "@std/assert";
 *
 * await using manager = await Manager.start();
 * const line = await manager.Barrier(2);
 * const indexes = await Promise.all([line.wait(), line.wait()]);
 * assertEquals(indexes.sort(), [0, 1]);
 * ```
 */
export class BarrierProxy extends Proxied {
  /** The number of parties. */
  readonly parties: number;
  readonly #action: (() => unknown) | undefined;

  /** Managers create proxies. */
  constructor(
    server: Server,
    object: string,
    parties: number,
    action: (() => unknown) | undefined,
  ) {
    super(server, object);
    this.parties = parties;
    this.#action = action;
  }

  /**
   * Waits until all have come.
   *
   * *Cancellation*: an aborted arrival is withdrawn, and the others wait on, unless all have come
   * already; the end of the timeout breaks the barrier.
   *
   * @returns Its index in this round, 0 to `parties` - 1; each is given to one.
   * @throws {BrokenBarrierError} The barrier is broken, or was broken or reset meanwhile.
   * @throws {unknown} What the action threw, for the one that ran it.
   */
  wait(options?: WaitOptions): Promise<number> {
    return watchWait(this, "barrier.wait()", this.#wait(options));
  }

  async #wait(options: WaitOptions | undefined): Promise<number> {
    const timeout = checkWait(options, "wait at the barrier");
    // Without a timeout it is the barrier's own.
    const args = options?.timeout === undefined ? [] : [sent(timeout) ?? null];
    const { server, object } = this;
    const got = await server.call(object, "wait", args, options?.signal);
    const [index, round] = got as [number, number | undefined];
    if (round === undefined) return index;
    let isDone = false;
    try {
      await held(Promise.resolve(this.#action!()));
      isDone = true;
    } finally {
      const finished = server.tell(object, "finish", [round, isDone]);
      if (isDone) await finished;
      else await finished.catch(() => {});
    }
    return index;
  }

  /** Makes it as new: who waits gets a BrokenBarrierError. */
  async reset(): Promise<void> {
    await this.ask("reset");
  }

  /** Breaks it: who waits, and who comes, gets a BrokenBarrierError until {@linkcode reset}. */
  async abort(): Promise<void> {
    await this.ask("abort");
  }

  /** The number of those that wait, at this moment. */
  async nWaiting(): Promise<number> {
    return await this.ask("nWaiting") as number;
  }

  /** True if it is broken: every `wait()` fails until {@linkcode reset}. */
  async broken(): Promise<boolean> {
    return await this.ask("broken") as boolean;
  }

  /** @ignore */
  override [SHARE](): unknown {
    return {
      ...super[SHARE]() as SentProxy,
      parties: this.parties,
      action: this.#action,
    } satisfies SentBarrierProxy;
  }
}

shareable(import.meta, "Semaphore", SemaphoreProxy, restore(SemaphoreProxy));
shareable(
  import.meta,
  "BoundedSemaphore",
  BoundedSemaphoreProxy,
  restore(BoundedSemaphoreProxy),
);
shareable(import.meta, "Event", EventProxy, restore(EventProxy));
shareable(import.meta, "Barrier", BarrierProxy, (sent, source) => {
  const { server, object } = checkSent(sent, source);
  const { parties, action } = sent as SentBarrierProxy;
  checkInteger(parties, 1, "parties", "use a manager's barrier");
  checkFunction(action, "action", "use a manager's barrier");
  return new BarrierProxy(server, object, parties, action);
});
