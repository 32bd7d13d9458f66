/**
 * Code that waits for a broker, near or far. It is written once, as a generator that yields what it
 * has to wait for. As long as all is there at once (see `Soon` in `broker.ts`) it runs through in
 * one go, so a blocked thread can use it; otherwise it goes on when the promise settles.
 *
 * @module
 */
import type { Soon } from "../broker.ts";

/** Such code; it yields promises, or what goes on in a callback as they do. */
export type Course<T> = Generator<PromiseLike<unknown>, T, unknown>;

/** What something is, or will be: `const depth = yield* settled(broker.depth(name))`. */
export function* settled<T>(soon: Soon<T> | PromiseLike<T>): Course<T> {
  const isLater = typeof (soon as Partial<PromiseLike<T>> | undefined)?.then === "function";
  return isLater ? (yield soon as PromiseLike<T>) as T : soon as T;
}

/**
 * Runs it, and calls one of the two at its end, before this returns if nothing had to be waited
 * for.
 */
export function start<T>(
  course: Course<T>,
  done: (value: T) => void,
  failed: (error: unknown) => void,
): void {
  const go = (next: () => IteratorResult<PromiseLike<unknown>, T>): void => {
    let step: IteratorResult<PromiseLike<unknown>, T>;
    try {
      step = next();
    } catch (error) {
      return failed(error);
    }
    if (step.done) return done(step.value);
    step.value.then(
      (value) => go(() => course.next(value)),
      (error) => go(() => course.throw(error)),
    );
  };
  go(() => course.next());
}

/** Does one thing that a broker is to be waited for, and calls one of the two at its end. */
export function ask<T>(
  make: () => Soon<T> | PromiseLike<T>,
  done: (value: T) => void = () => {},
  failed: (error: unknown) => void = () => {},
): void {
  function* asking(): Course<T> {
    return yield* settled(make());
  }
  start(asking(), done, failed);
}

/** Runs it; what it gives is there at once if nothing had to be waited for. */
export function run<T>(course: Course<T>): Soon<T> {
  let state: "open" | "done" | "failed" = "open";
  let result: unknown;
  let settle = () => {};
  const end = (how: "done" | "failed") => (value: unknown) => {
    state = how;
    result = value;
    settle();
  };
  const read = () => {
    if (state === "failed") throw result;
    return result as T;
  };
  start(course, end("done"), end("failed"));
  if (state !== "open") return read();
  return new Promise<void>((resolve) => settle = resolve).then(read);
}
