/**
 * Numbers that look random, and that a seed repeats.
 *
 * @module
 */

/**
 * mulberry32, the generator of T. Ettinger: the same numbers in every run with the same seed.
 *
 * @returns What gives whole numbers from 0 on, below what it is given.
 */
export function randoms(seed: number): (below: number) => number {
  return (below) => {
    seed = seed + 0x6d2b79f5 | 0;
    let t = Math.imul(seed ^ seed >>> 15, 1 | seed);
    t = t + Math.imul(t ^ t >>> 7, 61 | t) ^ t;
    return Math.floor(((t ^ t >>> 14) >>> 0) / 2 ** 32 * below);
  };
}
