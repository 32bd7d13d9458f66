/**
 * The timer: a thread that begins later, or not at all.
 *
 * Its worker starts at once and has all modules loaded when the time comes. One word decides: 0
 * while it waits, then by compare-and-swap `FIRED` by the thread or `CANCELLED` by `cancel()`.
 *
 * @module
 */
import { show } from "../core/checks.ts";
import { CANCELLED, DUE, type Due } from "../child/thread/delayed.ts";
import type { ThreadRest } from "./options.ts";
import { Thread } from "./thread.ts";

/**
 * A thread that runs its target some time after it was started, unless it is cancelled before.
 *
 * Reach for it for work that is to happen later even if this thread is blocked then; in an event
 * loop that is free, `setTimeout()` is simpler. It holds the program open until it has fired or is
 * cancelled, unless it is a daemon.
 *
 * Each is a thread of its own, as in Python, whose worker takes tens of milliseconds of CPU time to
 * start: of fifty that are started at once on two cores, the last may fire a second late. For so
 * many start one thread that sets timeouts, or `prewarm()` first.
 *
 * @typeParam R What the target returns.
 * @typeParam A The target's arguments.
 *
 * @example Say something in a while, or not
 * ```ts
 * import { Timer } from "@switchyard/switchyard/threading";
 *
 * export function remind() {
 *   console.log("tea is ready");
 * }
 *
 * if (import.meta.main) {
 *   const timer = new Timer(180_000, remind).start();
 *   timer.cancel();
 *   await timer.join();
 * }
 * ```
 */
// deno-lint-ignore no-explicit-any -- as Thread: any arguments
export class Timer<R = unknown, A extends unknown[] = any[]> extends Thread<R | undefined, A> {
  readonly #due: Due;

  /**
   * Creates a timer; `start()` starts it.
   *
   * @param ms The time after its start at which the target is run, in ms, at least.
   * @param target What is run, as for a Thread.
   * @throws {TypeError | RangeError} `ms` is no number >= 0; or as for a Thread.
   */
  constructor(
    ms: number,
    target: (...args: A) => R | PromiseLike<R>,
    ...rest: ThreadRest<NoInfer<A>>
  ) {
    if (typeof ms !== "number" || Number.isNaN(ms)) {
      throw new TypeError(`Cannot create a timer: ms must be a number, received ${show(ms)}`);
    }
    if (ms < 0) throw new RangeError(`Cannot create a timer: ms must be >= 0, received ${ms}`);
    const due: Due = { ms, state: new SharedArrayBuffer(4) };
    const options = { ...rest[0], [DUE]: due };
    super(target, ...[options] as unknown as ConstructorParameters<typeof Thread<R, A>> & never);
    this.#due = due;
  }

  /**
   * Cancels it, if it has not fired: the target is not run, and the thread ends with `undefined`.
   */
  cancel(): void {
    const state = new Int32Array(this.#due.state);
    if (Atomics.compareExchange(state, 0, 0, CANCELLED) === 0) Atomics.notify(state, 0);
  }
}
