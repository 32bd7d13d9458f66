/**
 * Spare threads.
 *
 * @module
 */
import { holdSpares } from "../child/thread/host.ts";
import { checkInteger } from "../core/checks.ts";

/** Most targets import them. */
const FACES = ["../threading.ts", "../task.ts"].map((face) => new URL(face, import.meta.url).href);

/**
 * Keeps `n` spare workers ready, so that the next `start()` takes less than a millisecond.
 *
 * Reach for it where threads are started again and again, or where the first answer must come soon.
 * One that has been taken is replaced in an idle moment. Spares keep no program alive. A thread
 * that runs in one is `killable`.
 *
 * @param n Their number, 1 or more. Each takes some 13 MB.
 * @returns Lets them go when it is disposed of. Settles when they stand ready.
 * @throws {TypeError | RangeError} Bad `n`.
 *
 * @example Be ready
 * ```ts
 * import { prewarm } from "@switchyard/switchyard/threading";
 *
 * await using _spares = await prewarm(2);
 * ```
 */
export function prewarm(n?: number): Promise<AsyncDisposable>;
export async function prewarm(n: number = 1): Promise<AsyncDisposable> {
  checkInteger(n, 1, "n", "prewarm threads");
  return await holdSpares(n, FACES);
}
