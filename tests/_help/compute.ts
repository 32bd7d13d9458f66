/**
 * Code that never pauses.
 *
 * @module
 */

/**
 * Computes for so many ms and does not pause meanwhile. No worker can be stopped in that: without an
 * end it would take a core from all tests that come after.
 */
export function compute(ms: number): void {
  for (const end = performance.now() + ms; performance.now() < end;);
}
