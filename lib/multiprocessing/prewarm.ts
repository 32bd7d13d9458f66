/**
 * Spare processes.
 *
 * @module
 */
import { holdSpares } from "../child/process/host.ts";
import { checkInteger } from "../core/checks.ts";

/** Most targets import them. */
const FACES = ["../multiprocessing.ts", "../task.ts"].map((face) =>
  new URL(face, import.meta.url).href
);

/**
 * Keeps `n` spare processes ready, so that a start takes a few milliseconds instead of some 60.
 *
 * Reach for it where processes are started again and again, or where the first answer must come
 * soon. One that has been taken is replaced in an idle moment. Spares keep no program alive, and
 * end with it. They serve processes with the usual permissions, environment, working directory and
 * standard streams; others are started as ever.
 *
 * *Permissions*: as `Process`.
 *
 * @param n Their number, 1 or more. Each takes some 34 MB, much of it shared.
 * @returns Lets them go when it is disposed of. Settles when they stand ready.
 * @throws {TypeError | RangeError} Bad `n`.
 *
 * @example Be ready
 * ```ts
 * import { prewarm } from "@switchyard/switchyard/multiprocessing";
 *
 * await using _spares = await prewarm(2);
 * ```
 */
export function prewarm(n?: number): Promise<AsyncDisposable>;
export async function prewarm(n: number = 1): Promise<AsyncDisposable> {
  checkInteger(n, 1, "n", "prewarm processes");
  return await holdSpares(n, FACES);
}
