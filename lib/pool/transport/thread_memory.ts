/**
 * The memory that a pool shares with a worker that is a thread: a few words, the claims, and the
 * ring of what the worker says.
 *
 * @module
 */
import { Ring, RING_WORDS } from "./ring.ts";
import { Claims, CLAIMS_WORDS } from "./claims.ts";

/** The word that says if the pool is to be woken: 0 or 1. */
export const SLEEPS = 0;
/** The number of messages that the worker has sent on its second port. */
export const ASIDES_SENT = 16;
/**
 * The number of those that the pool has taken: until it has all, nothing more goes into the ring.
 * So order is kept.
 */
export const ASIDES_TAKEN = 17;
const CLAIMS_AT = 32;
const RING_AT = CLAIMS_AT + CLAIMS_WORDS;
const RING_START = (RING_AT + RING_WORDS) * 4;
/** The bytes of a ring. */
const ROOM = 1 << 17;
/** All of it, in bytes. */
export const MEMORY_BYTES: number = RING_START + ROOM;

/** The memory, as both of its sides see it. */
export function layOut(memory: SharedArrayBuffer): {
  words: Int32Array<SharedArrayBuffer>;
  claims: Claims;
  ring: Ring;
} {
  const words = new Int32Array(memory, 0, RING_START >> 2);
  return {
    words,
    claims: new Claims(words, CLAIMS_AT),
    ring: new Ring(memory, RING_AT, RING_START, ROOM),
  };
}

/** A message beside the ring, on a worker's second port: the words of a head, and the value. */
export type SentAside = [kind: number, id: number, micros: number, items: number, value: unknown];
