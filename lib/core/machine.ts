/**
 * The facts that all threads and processes of a machine share: its cores, and its clock.
 *
 * @module
 */

/** The number of cores that this process may use. */
export function cpuCount(): number {
  return navigator.hardwareConcurrency;
}

/** Now, by a clock that threads and processes share, in ms. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
