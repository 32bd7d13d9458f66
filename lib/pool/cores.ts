/**
 * How many workers a pool has that is not told.
 *
 * @module
 */

/** The number of cores that this program may use. */
export function cores(): number {
  return navigator.hardwareConcurrency;
}
