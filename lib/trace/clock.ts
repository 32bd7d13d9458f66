/**
 * The clock of a trace, which threads and processes have in common.
 *
 * `performance.now()` is exact, but each thread has its own, which begins with the thread.
 * `performance.timeOrigin` says when that was: right to 2 µs, mostly; but where the thread was
 * paused in the midst of finding out, milliseconds wrong. `Date.now()` is the same for all, and
 * tells milliseconds alone: but when it changes, that is a time known exactly. So it is looked at
 * until it has changed, and the origin is moved to where it must then lie.
 *
 * @module
 */

/** How exactly the origin is to be known, in ms. */
const EXACT = 0.02;
/** How long is looked for that, in ms: on a busy machine a thread is paused often. */
const LONGEST = 5;

let origin: number | undefined;

/** Sets this thread's clock, once: it takes a millisecond or two. */
export function setClock(): void {
  if (origin !== undefined) return;
  let low = -Infinity;
  let high = Infinity;
  const began = performance.now();
  let after = began;
  while (high - low > EXACT && after - began < LONGEST) {
    const before = performance.now();
    const wall = Date.now();
    after = performance.now();
    low = Math.max(low, wall - after);
    high = Math.min(high, wall + 1 - before);
  }
  origin = Math.min(Math.max(performance.timeOrigin, low), high);
}

/** Now, in ms since 1970. */
export function now(): number {
  return (origin ?? performance.timeOrigin) + performance.now();
}
