/**
 * A time limit, so that a hang is a failure and not a stuck run.
 *
 * @module
 */

/**
 * How long a test may take that has no limit of its own, in ms. On Windows a child takes ten times
 * as long to start where the system is emulated.
 */
export const LIMIT = Deno.build.os === "windows" ? 60_000 : 15_000;

/**
 * Gives what a promise gives, within `limit` ms. The limit keeps nothing alive: when nothing else
 * does either, the test fails at once, as its promise can never settle.
 *
 * @param what What it is called when it takes longer.
 */
export async function within<T>(
  limit: number,
  promise: PromiseLike<T> | T,
  what = "hangs",
): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`${what}: over ${limit} ms`)), limit);
  Deno.unrefTimer(timer);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Runs `fn` with a time limit. */
export async function limited(fn: () => Promise<void>, limit = LIMIT): Promise<void> {
  await within(limit, fn());
}
