/**
 * The result of a call or a map that will be there: what `applyAsync()` and its like give.
 *
 * @module
 */
import { show } from "../core/checks.ts";
import { TimeoutError } from "../core/errors.ts";
import { INSPECT, shown } from "../core/inspect.ts";
import { checkWait, type WaitOptions, type WaitSyncOptions } from "../sync/options.ts";
import { bareError, isError, messageOf } from "../transfer/failure.ts";
import { type Audible, blockUntil, type Completion, ended, unwrap } from "./completion.ts";

/**
 * A result that will be there.
 *
 * @example Do something else meanwhile
 * ```ts
 * import { ThreadPool } from "@switchyard/switchyard/multiprocessing";
 *
 * export function square(x: number) {
 *   return x * x;
 * }
 *
 * if (import.meta.main) {
 *   await using pool = new ThreadPool(2);
 *   const result = pool.applyAsync(square, [12]);
 *   console.log("computing");
 *   console.log(await result.get()); // 144
 * }
 * ```
 */
export class AsyncResult<R> {
  readonly #completion: Completion;
  readonly #engine: Audible;

  /** A pool makes them. */
  constructor(
    completion: Completion,
    /** Hears what workers have said, in a thread that blocks. */
    engine: Audible,
    callbacks?: {
      callback?: ((value: R) => void) | undefined;
      errorCallback?: ((error: unknown) => void) | undefined;
    },
  ) {
    this.#completion = completion;
    this.#engine = engine;
    const { callback, errorCallback } = callbacks ?? {};
    if (callback === undefined && errorCallback === undefined) return;
    completion.whenEnded(() => {
      const outcome = completion.outcome!;
      callSafely(() =>
        outcome.ok ? callback?.(outcome.value as R) : errorCallback?.(outcome.error)
      );
    });
  }

  /**
   * Waits for the value.
   *
   * @throws {unknown} What the call threw.
   * @throws {TimeoutError} The timeout ended first; the call goes on.
   */
  async get(options?: WaitOptions): Promise<R> {
    if (options === undefined) return await this.#completion.value() as R;
    const timeout = checkWait(options, "get the result");
    if (!await ended(this.#completion, timeout, options.signal)) throw late(timeout);
    return await this.#completion.value() as R;
  }

  /** As {@linkcode get}, but blocks the thread. */
  getSync(options?: WaitSyncOptions): R {
    const timeout = checkWait(options, "get the result");
    if (!this.#block(timeout)) throw late(timeout);
    return unwrap(this.#completion) as R;
  }

  /** Waits until the call has ended, however it ends; false when the timeout ended first. */
  async wait(options?: WaitOptions): Promise<boolean> {
    const timeout = checkWait(options, "wait for the result");
    return await ended(this.#completion, timeout, options?.signal);
  }

  /** As {@linkcode wait}, but blocks the thread. */
  waitSync(options?: WaitSyncOptions): boolean {
    return this.#block(checkWait(options, "wait for the result"));
  }

  /** True if the call has ended. */
  ready(): boolean {
    return this.#completion.outcome !== undefined;
  }

  /**
   * True if the call has given a value.
   *
   * @throws {Error} It has not ended.
   */
  successful(): boolean {
    const { outcome } = this.#completion;
    if (outcome === undefined) {
      throw new Error("Cannot say whether the call was successful: it has not ended");
    }
    return outcome.ok;
  }

  /** @ignore */
  [INSPECT](): string {
    return shown(this, () => {
      const { outcome } = this.#completion;
      if (outcome === undefined) return ["pending"];
      return outcome.ok ? ["ready", show(outcome.value)] : ["failed", briefly(outcome.error)];
    });
  }

  #block(timeout: number): boolean {
    const completion = this.#completion;
    return blockUntil(() => completion.outcome !== undefined, [this.#engine], timeout);
  }
}

function late(timeout: number): TimeoutError {
  return new TimeoutError(`Cannot get the result: it was not there within ${timeout} ms`);
}

/** An error in a few words. */
export function briefly(error: unknown): string {
  return isError(error) ? `${bareError(error).name}: ${messageOf(error)}` : show(error);
}

/**
 * Calls a callback of the user's; what it throws, now or later, is printed, and changes nothing
 * else.
 */
export function callSafely(fn: () => unknown): void {
  try {
    const given = fn();
    if (given instanceof Promise) given.catch(tell);
  } catch (error) {
    tell(error);
  }
}

function tell(error: unknown): void {
  console.error("Exception in a callback:", error);
}
