/**
 * Where a death matters: tests have somebody killed at such a point.
 *
 * @module
 */

/** Called at each point where a death matters; for tests. */
export let fault: ((point: string) => void) | undefined;

/** Has a function called at each point where a death matters; for tests. */
export function setFault(hook: ((point: string) => void) | undefined): void {
  fault = hook;
}
