/**
 * The future: what a call will give.
 *
 * @module
 */
import { checkBoolean, checkFunction, checkOptions, show } from "../core/checks.ts";
import { INSPECT, shown } from "../core/inspect.ts";
import { CancelledError, TimeoutError } from "../core/errors.ts";
import { errorOf } from "../child/outcome.ts";
import { briefly, callSafely } from "../pool/async_result.ts";
import { type Call, type Caller, ENDED } from "../pool/call.ts";
import { blockUntil, ended, unwrap } from "../pool/completion.ts";
import { checkWait, type WaitOptions, type WaitSyncOptions } from "../sync/options.ts";

/** Options of `Future.cancel()`. */
export interface CancelOptions {
  /** True if a call that runs is cancelled too: its `context().signal` aborts. Default: false. */
  running?: boolean;
}

/** The key of a future's call, for those that wait for several. */
export const BEHIND: unique symbol = Symbol("behind");

/**
 * The result that a call will give. An executor's `submit()` makes it.
 *
 * It is not thenable, so that it can be returned and kept in lists: `await future.result()`.
 *
 * @typeParam T What the call returns.
 *
 * @example What a call returned, and what one threw
 * ```ts
 * import { ThreadPoolExecutor } from "@switchyard/switchyard/futures";
 *
 * export function divide(a: number, b: number) {
 *   if (b === 0) throw new RangeError("Cannot divide by zero");
 *   return a / b;
 * }
 *
 * if (import.meta.main) {
 *   await using executor = new ThreadPoolExecutor(2);
 *   const good = executor.submit(divide, 6, 3);
 *   const bad = executor.submit(divide, 6, 0);
 *   console.log(await good.result()); // 2
 *   console.log((await bad.exception())?.message); // Cannot divide by zero
 * }
 * ```
 */
export class Future<T = unknown> {
  readonly #engine: Caller;
  readonly #call: Call;

  /** An executor makes futures. */
  constructor(engine: Caller, call: Call) {
    this.#engine = engine;
    this.#call = call;
  }

  /** @ignore */
  get [BEHIND](): { engine: Caller; call: Call } {
    return { engine: this.#engine, call: this.#call };
  }

  /**
   * Waits for what the call returns.
   *
   * *Cancellation*: an abort or the end of the timeout ends the wait, not the call.
   *
   * @throws {unknown} What the call threw: same class, with the stack of the worker and of this
   *   call.
   * @throws {CancelledError} The call was cancelled.
   * @throws {WorkerLostError} Its worker died.
   * @throws {TimeoutError} The timeout ended first, here or that of the call.
   */
  result(options?: WaitOptions): Promise<T> {
    return (options === undefined ? this.#call.value() : this.#resultWithin(options)) as Promise<T>;
  }

  /** As {@linkcode result}, but blocks the thread. */
  resultSync(options?: WaitSyncOptions): T {
    this.#block(options);
    return unwrap(this.#call) as T;
  }

  /**
   * Waits for what the call throws; null when it returns.
   *
   * @throws {CancelledError} The call was cancelled.
   * @throws {TimeoutError} The timeout ended first.
   */
  async exception(options?: WaitOptions): Promise<Error | null> {
    await this.#end(options);
    if (this.#call.told !== undefined) await this.#call.told;
    return this.#thrown();
  }

  /** As {@linkcode exception}, but blocks the thread. */
  exceptionSync(options?: WaitSyncOptions): Error | null {
    this.#block(options);
    return this.#thrown();
  }

  /**
   * Cancels the call, if it has not begun.
   *
   * @returns True if it is cancelled.
   */
  cancel(options?: CancelOptions): boolean {
    checkOptions(options, "cancel the call");
    const { running = false } = options ?? {};
    checkBoolean(running, "running", "cancel the call");
    if (this.cancelled()) return true;
    const name = JSON.stringify(this.#call.target.name);
    const reason = new CancelledError(`The call of ${name} was cancelled`);
    return this.#engine.cancel(this.#call, reason, running);
  }

  /** True if the call was cancelled before it gave something. */
  cancelled(): boolean {
    return this.#call.isCancelled && this.#call.outcome?.ok === false &&
      this.#call.outcome.error instanceof CancelledError;
  }

  /** True if the call runs just now. */
  running(): boolean {
    return this.#engine.isRunning(this.#call);
  }

  /** True if the call has ended, however it ended. */
  done(): boolean {
    return this.#call.state === ENDED;
  }

  /**
   * Calls `fn` with this future once the call has ended; at once if it has. What it throws is
   * printed on stderr.
   */
  addDoneCallback(fn: (future: Future<T>) => void): void {
    if (fn === undefined || fn === null) fn = null as never;
    checkFunction(fn, "fn", "add a callback");
    this.#call.whenEnded(() => callSafely(() => fn(this)));
  }

  /** @ignore */
  [INSPECT](): string {
    return shown(this, () => {
      const { outcome } = this.#call;
      if (outcome === undefined) return [this.running() ? "running" : "pending"];
      if (this.cancelled()) return ["cancelled"];
      return outcome.ok ? ["finished", show(outcome.value)] : ["failed", briefly(outcome.error)];
    });
  }

  async #resultWithin(options: WaitOptions): Promise<unknown> {
    await this.#end(options);
    return await this.#call.value();
  }

  async #end(options: WaitOptions | undefined): Promise<void> {
    if (options === undefined) return void await ended(this.#call);
    const timeout = checkWait(options, ACTION);
    if (!await ended(this.#call, timeout, options.signal)) throw this.#late(timeout);
  }

  #block(options: WaitSyncOptions | undefined): void {
    const timeout = checkWait(options, ACTION);
    if (!blockUntil(() => this.done(), [this.#engine], timeout)) throw this.#late(timeout);
  }

  #late(timeout: number): TimeoutError {
    const name = JSON.stringify(this.#call.target.name);
    return new TimeoutError(`${name} gave no result within ${timeout} ms`);
  }

  #thrown(): Error | null {
    const { outcome } = this.#call;
    if (this.cancelled()) throw (outcome as { error: unknown }).error;
    return errorOf(outcome);
  }
}

const ACTION = "get the result";
