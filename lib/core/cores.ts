/**
 * The default number of workers of a pool.
 *
 * @module
 */

/** The number of cores that this program may use. */
export function cores(): number {
  return navigator.hardwareConcurrency;
}
