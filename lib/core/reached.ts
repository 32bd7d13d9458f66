/**
 * Waiting for a promise, but not for ever.
 *
 * @module
 */

/**
 * Waits for a promise.
 *
 * @param timeout The time to wait in ms.
 * @param signal Abandons the wait: rejects with its reason.
 * @returns false when the time was up first.
 * @throws {unknown} What the promise is rejected with.
 */
export async function reached(
  promise: Promise<unknown>,
  timeout: number,
  signal?: AbortSignal,
): Promise<boolean> {
  signal?.throwIfAborted();
  if (timeout === Infinity && signal === undefined) return await promise.then(() => true);
  const { promise: early, resolve, reject } = Promise.withResolvers<boolean>();
  const abort = () => reject(signal!.reason);
  signal?.addEventListener("abort", abort);
  const timer = timeout === Infinity ? undefined : setTimeout(() => resolve(false), timeout);
  try {
    return await Promise.race([promise.then(() => true), early]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", abort);
  }
}
