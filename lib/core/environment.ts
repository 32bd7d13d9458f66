/**
 * Where the program runs: the library's own folder, the cores of the machine, and the clock that
 * its threads and processes have in common.
 *
 * @module
 */

/** The folder of the library's modules. */
export const LIBRARY: string = new URL("../", import.meta.url).href;

/** The number of cores that this process may use. */
export function cpuCount(): number {
  return navigator.hardwareConcurrency;
}

/** Now, by a clock that threads and processes share, in ms. */
export function now(): number {
  return performance.timeOrigin + performance.now();
}
