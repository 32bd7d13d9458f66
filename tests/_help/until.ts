/**
 * A wait for what nobody announces.
 *
 * @module
 */
import { delay } from "@std/async";

/** How often is looked, in ms. */
const LOOK = 2;
/** How long is looked, in ms: less than a test may take. */
const LOOKING = 10_000;

/**
 * Looks until there is something.
 *
 * @param look What gives it; anything falsy when there is nothing yet.
 * @returns What it gave in the end.
 */
export async function until<T>(look: () => T): Promise<NonNullable<Awaited<T>>> {
  const deadline = performance.now() + LOOKING;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (performance.now() > deadline) throw new Error(`never came: ${look}`);
    await delay(LOOK);
  }
}
