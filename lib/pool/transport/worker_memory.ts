/**
 * The memory that a pool shares with a worker: the claims, the ring of what the worker says, and
 * who waits. Between threads it is a SharedArrayBuffer, between processes the family's memory.
 *
 * What does not fit into the ring goes beside it, by a port or a pipe. Until the pool has taken all
 * that went there nothing more goes into the ring: so order is kept.
 *
 * @module
 */
import { LARGEST, type Payload, Span } from "../payload.ts";
import { Claims, CLAIMS_WORDS } from "./claims.ts";
import { HEAD, ReplyHead } from "./frames.ts";
import { Ring, RING_WORDS } from "./ring.ts";
import type { Hear } from "./transport.ts";

/** The word that says if the pool is to be woken: 0 or 1. */
const SLEEPS = 0;
/** The number of messages that the worker has sent beside the ring, and that the pool has taken. */
const ASIDES_SENT = 16;
const ASIDES_TAKEN = 17;
const CLAIMS_AT = 32;
const RING_AT = CLAIMS_AT + CLAIMS_WORDS;
const RING_START = RING_AT + RING_WORDS;
/** The bytes of a ring. */
const ROOM = 1 << 17;
/** The words of all of it. */
export const MEMORY_WORDS: number = RING_START + (ROOM >> 2);

/** A message beside the ring, on a worker's second port: the words of a head, and the value. */
export type SentAside = [kind: number, id: number, micros: number, items: number, value: unknown];

/** The record that is being read; whoever keeps its value copies it. */
const inbox = new Uint8Array(ROOM);
const inboxWords = new Int32Array(inbox.buffer);
const views: Uint8Array[] = [];
/** So long are values whose views are kept. */
const KEPT = 1 << 10;

function valueIn(length: number): Uint8Array {
  if (length > KEPT) return inbox.subarray(HEAD, length);
  return views[length] ??= inbox.subarray(HEAD, length);
}

/** The memory, as one of its sides sees it. */
export class WorkerMemory {
  readonly claims: Claims;
  readonly #words: Int32Array<ArrayBufferLike>;
  readonly #base: number;
  readonly #ring: Ring;
  readonly #reply = new ReplyHead();

  /** Lays it over `MEMORY_WORDS` words. */
  constructor(words: Int32Array<ArrayBufferLike>, base: number) {
    this.#words = words;
    this.#base = base;
    this.claims = new Claims(words, base + CLAIMS_AT);
    this.#ring = new Ring(words, base + RING_AT, base + RING_START, ROOM);
  }

  /** Has it be as new: another worker may have used it, which is gone. */
  clear(): void {
    this.#words.fill(0, this.#base, this.#base + RING_START);
  }

  // The worker's side

  /** Says something through the ring; false when it has to go beside it. */
  say(reply: ReplyHead, payload: Payload): payload is Span {
    // Where the ring is full its reader is late: nobody waits for that.
    return payload instanceof Span && payload.length <= LARGEST &&
      this.asidesSent === this.#asidesTaken && this.#ring.push(reply, payload);
  }

  /** Notes that something has been sent beside the ring. */
  sentAside(): void {
    Atomics.add(this.#words, this.#base + ASIDES_SENT, 1);
  }

  /** True if the pool sleeps: then it is to be woken, once. */
  isToWake(): boolean {
    return Atomics.exchange(this.#words, this.#base + SLEEPS, 0) === 1;
  }

  // The pool's side

  /** Says that the pool sleeps: what is said from here on wakes it. */
  sleep(): void {
    Atomics.store(this.#words, this.#base + SLEEPS, 1);
  }

  /** The number of messages that were sent beside the ring, modulo 2^32. */
  get asidesSent(): number {
    return Atomics.load(this.#words, this.#base + ASIDES_SENT);
  }

  get #asidesTaken(): number {
    return Atomics.load(this.#words, this.#base + ASIDES_TAKEN);
  }

  /** Notes that another of them was taken; gives how many were. */
  tookAside(): number {
    return Atomics.add(this.#words, this.#base + ASIDES_TAKEN, 1) + 1 | 0;
  }

  /**
   * Hears all that is in the ring; whether there was something.
   *
   * @throws {BadFrame} The memory has been spoilt.
   */
  hearRing(hear: Hear): boolean {
    let any = false;
    const ring = this.#ring;
    for (let length = ring.shift(inbox); length >= 0; length = ring.shift(inbox)) {
      any = true;
      this.#reply.readFrom(inboxWords, 0);
      hear(this.#reply, valueIn(length));
    }
    return any;
  }
}
