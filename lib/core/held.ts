/**
 * Waits that the program must not end in.
 *
 * @module
 */

/** Longer than any wait; a timer may not last longer. */
const LONG = 0x7fffffff;

/** Keeps the program alive until the promise settles, though nothing else does. */
export async function held<T>(promise: Promise<T>): Promise<T> {
  const hold = setInterval(() => {}, LONG);
  try {
    return await promise;
  } finally {
    clearInterval(hold);
  }
}
