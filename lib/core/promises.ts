/**
 * Waiting for promises: for how long, and what keeps the program alive meanwhile.
 *
 * A promise alone keeps no program alive: with nothing else to do Deno ends it in the midst of an
 * `await`, with code 0. So whatever of the toolkit somebody may await is {@linkcode held}, or
 * waited for by {@linkcode reached}, until it settles.
 *
 * @module
 */

/** The longest time that one timer of Deno's can take, in ms; a longer one fires at once. */
const LONGEST = 0x7fffffff;

/** As much of an AbortSignal as it takes to hear that something is given up. */
export interface AbortNotice {
  /** True once it is. */
  readonly aborted: boolean;
  /** Why. */
  readonly reason: unknown;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

let holders = 0;
let hold: ReturnType<typeof setInterval> | undefined;

/**
 * Keeps the program alive until it is let go. All holders share one timer.
 *
 * @returns What lets it go; further calls of it do nothing.
 */
export function holdProgram(): () => void {
  if (holders++ === 0) hold = setInterval(() => {}, LONGEST);
  let isHeld = true;
  return () => {
    if (!isHeld) return;
    isHeld = false;
    if (--holders === 0) clearInterval(hold);
  };
}

/** Keeps the program alive until the promise settles, though nothing else does. */
export async function held<T>(promise: PromiseLike<T>): Promise<T> {
  const letGo = holdProgram();
  try {
    return await promise;
  } finally {
    letGo();
  }
}

/**
 * A timer for any finite time. It never fires early, and keeps the program alive unless told not
 * to.
 */
export class Countdown {
  readonly #deadline: number;
  readonly #fn: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #keepsAlive = true;

  /**
   * Starts it.
   *
   * @param ms After how long `fn` is called, in ms; Infinity: never.
   */
  constructor(ms: number, fn: () => void) {
    this.#deadline = performance.now() + ms;
    this.#fn = fn;
    if (ms !== Infinity) this.#wind();
  }

  #wind(): void {
    const left = Math.max(0, Math.ceil(this.#deadline - performance.now()));
    this.#timer = setTimeout(() => {
      if (performance.now() < this.#deadline) this.#wind();
      else this.#fn();
    }, Math.min(left, LONGEST));
    if (!this.#keepsAlive) this.#timer.unref();
  }

  /** From now on it keeps no program alive. */
  unref(): this {
    this.#keepsAlive = false;
    this.#timer?.unref();
    return this;
  }

  /** Stops it: `fn` is not called any more. */
  cancel(): void {
    clearTimeout(this.#timer);
  }
}

/**
 * Waits for a promise, and keeps the program alive meanwhile.
 *
 * @param timeout The time to wait in ms, at least; any finite number, or Infinity.
 * @param signal Abandons the wait: rejects with its reason.
 * @param isHeld True if it keeps the program alive; if not, the caller sees to that.
 * @returns false when the time was up first.
 * @throws {unknown} What the promise is rejected with.
 */
export async function reached(
  promise: PromiseLike<unknown>,
  timeout: number,
  signal?: AbortSignal,
  isHeld = true,
): Promise<boolean> {
  signal?.throwIfAborted();
  const letGo = isHeld ? holdProgram() : undefined;
  const { promise: early, resolve, reject } = Promise.withResolvers<boolean>();
  const abort = () => reject(signal!.reason);
  signal?.addEventListener("abort", abort);
  const late = timeout === Infinity ? undefined : new Countdown(timeout, () => resolve(false));
  if (!isHeld) late?.unref();
  try {
    if (late === undefined && signal === undefined) return await promise.then(() => true);
    return await Promise.race([promise.then(() => true), early]);
  } finally {
    letGo?.();
    late?.cancel();
    signal?.removeEventListener("abort", abort);
  }
}

/**
 * As {@linkcode reached}, but keeps no program alive: for what the toolkit does by itself, and
 * nobody awaits.
 */
export function reachedUnheld(promise: PromiseLike<unknown>, timeout: number): Promise<boolean> {
  return reached(promise, timeout, undefined, false);
}

/**
 * The same bytes, of which each that is waited for keeps the program alive, whatever they come
 * from.
 */
export function heldStream(
  source: ReadableStream<Uint8Array<ArrayBuffer>>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = source.getReader();
  return new ReadableStream({
    type: "bytes",
    async pull(controller) {
      const { done, value } = await held(reader.read());
      if (!done) return controller.enqueue(value);
      controller.close();
      controller.byobRequest?.respond(0);
    },
    async cancel(reason) {
      await held(reader.cancel(reason));
    },
  });
}

/** Gives what `take` gives, until it throws an `End`. */
export async function* takeUntil<T>(
  take: () => Promise<T>,
  End: abstract new (...args: never[]) => Error,
): AsyncGenerator<T, void, void> {
  for (;;) {
    let value: T;
    try {
      value = await take();
    } catch (error) {
      if (error instanceof End) return;
      throw error;
    }
    yield value;
  }
}
