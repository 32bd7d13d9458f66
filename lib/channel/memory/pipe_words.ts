/**
 * The words of a pipe in the family's memory, and an end of it as it is sent.
 *
 * ```text
 *   GENERATION | BELOW, one for each end | ROOM | ... | CHAINS: two | holders of the two ends
 * ```
 *
 * @module
 */
import type { Placement } from "../../memory/placement.ts";
import { CHAIN_WORDS } from "./chain.ts";
import { Holders, HOLDERS_WORDS } from "./holders.ts";

/** The word that says how often the words have been used anew. */
export const GENERATION = 0;
/** For each end, whether it was given to somebody with fewer permissions, or came from there. */
export const BELOW = 1;
/** How many bytes one direction holds. */
export const ROOM = 3;
/** The words of the two chains, one for each direction. */
export const CHAINS = 16;
const HOLDERS = CHAINS + 2 * CHAIN_WORDS;
/** The number of words that a pipe takes. */
export const PIPE_WORDS: number = HOLDERS + 2 * HOLDERS_WORDS;

/** Which end of a pipe, and which of its directions there are. */
export interface Side {
  end: 0 | 1;
  duplex: boolean;
}

/** An end as it is sent. */
export interface SentMemoryEnd extends Side {
  at: unknown;
  generation: number;
  entry: number;
}

/** Notes that somebody with fewer permissions has an end: what is sent there is from below. */
export function markBelow({ region: { words }, base }: Placement, end: 0 | 1): void {
  words[base + BELOW + end] = 1;
}

/** The holders of an end. */
export function holdersOf({ region, base }: Placement, end: number): Holders {
  return new Holders(region, base + HOLDERS + end * HOLDERS_WORDS);
}
