/**
 * The notes of a party on itself in the roster, for reports: which locks it holds, and what it
 * waits for. Only the party itself writes its notes (but see {@linkcode Roster.disown}), so they
 * cost a few plain stores; others read them, and read them twice where it matters.
 *
 * @module
 */
import type { Parties } from "./region.ts";
import {
  HELD,
  KIND_BITS,
  MOST_HELD,
  MOST_WAITS,
  type Roster,
  WAIT_NOTES,
  WAIT_WORDS,
  WAITS,
} from "./roster.ts";

/** The kinds of things to hold and to wait for; an id ends in one. */
export const KINDS = [
  "Lock",
  "RLock",
  "Semaphore",
  "Event",
  "Condition",
  "Barrier",
  "Queue",
  "Pipe",
  "end",
] as const;

/** One of {@linkcode KINDS}. */
export type Kind = typeof KINDS[number];

/** The number of a kind. */
export function kindNumber(kind: Kind): number {
  return KINDS.indexOf(kind);
}

/** The id for the end of a party. */
export function endOf(ident: number): number {
  return ident << KIND_BITS | kindNumber("end");
}

// Words of the note of a wait.
const ID = 0;
const HOLDER = 1;
const SINCE = 2;
const SEEN = 3;
const MODE = 4;

/** `MODE`: the thread is blocked, so that nothing else happens in it. */
export const BLOCKS = 1;
/** `MODE`: the waiter wants to be told of a deadlock. */
export const DETECTS = 2;

/** The note of a wait, kept by the one that waits. */
export class WaitNote {
  readonly #words: Int32Array<ArrayBufferLike>;
  readonly #slot: number;
  readonly #mode: number;
  readonly #entry: number;
  #id = 0;

  /** Begins a wait; where all notes are in use it is only counted. */
  constructor({ roster, slot }: Parties, mode: number) {
    const { words } = roster;
    this.#words = words;
    this.#slot = slot;
    this.#mode = mode;
    words[slot + WAITS]++;
    for (let k = 0; k < MOST_WAITS; k++) {
      const entry = slot + WAIT_NOTES + k * WAIT_WORDS;
      if (words[entry + MODE] !== 0) continue;
      words[entry + MODE] = mode | TAKEN;
      this.#entry = entry;
      return;
    }
    this.#entry = 0;
  }

  /** Notes a look: what is waited for, and who had it at that time (0: nobody). */
  saw(id: number, holder: number, detects: boolean): void {
    const words = this.#words;
    const entry = this.#entry;
    if (entry === 0) return;
    const now = Date.now() | 0;
    if (id !== this.#id) {
      Atomics.store(words, entry + ID, 0);
      words[entry + MODE] = this.#mode | TAKEN | (detects ? DETECTS : 0);
      words[entry + SINCE] = now;
      this.#id = id;
    }
    words[entry + HOLDER] = holder;
    words[entry + SEEN] = now;
    Atomics.store(words, entry + ID, id);
  }

  /** Ends the wait. */
  end(): void {
    const words = this.#words;
    words[this.#slot + WAITS]--;
    if (this.#entry === 0) return;
    Atomics.store(words, this.#entry + ID, 0);
    words[this.#entry + MODE] = 0;
  }
}

/** `MODE`: the note is in use. */
const TAKEN = 4;

/** The note of a wait, as others read it. */
export interface Waiting {
  /** The thing that is waited for. */
  id: number;
  /** Who had it at the last look, 0 for nobody. */
  holder: number;
  /** When the wait began, in ms of `Date.now()`, lower 32 bits. */
  since: number;
  /** When the last look was, likewise. */
  seen: number;
  /** True if the thread is blocked. */
  blocks: boolean;
  /** True if the waiter wants to be told of a deadlock. */
  detects: boolean;
}

/** The waits of the party in a slot; `unnoted` waits have no note. */
export function waitsOf(roster: Roster, slot: number): { noted: Waiting[]; unnoted: number } {
  const { words } = roster;
  const noted: Waiting[] = [];
  for (let k = 0; k < MOST_WAITS; k++) {
    const entry = slot + WAIT_NOTES + k * WAIT_WORDS;
    const id = Atomics.load(words, entry + ID);
    if (id === 0) continue;
    const mode = words[entry + MODE]!;
    noted.push({
      id,
      holder: words[entry + HOLDER]!,
      since: words[entry + SINCE]!,
      seen: words[entry + SEEN]!,
      blocks: (mode & BLOCKS) !== 0,
      detects: (mode & DETECTS) !== 0,
    });
  }
  return { noted, unnoted: Math.max(0, words[slot + WAITS]! - noted.length) };
}

/** The ids of the locks that the party in a slot holds, as far as they are noted. */
export function locksOf(roster: Roster, slot: number): number[] {
  return [...roster.words.subarray(slot + HELD, slot + HELD + MOST_HELD)].filter((id) => id !== 0)
    .sort((a, b) => a - b);
}

/** Where the note of a lock that a party holds is, if nothing else is there. */
export function heldEntry(slot: number, id: number): number {
  return slot + HELD + ((id >>> KIND_BITS) & MOST_HELD - 1);
}

/** Notes a lock whose own entry is in use; beyond {@linkcode MOST_HELD} there is no note. */
export function noteElsewhere(words: Int32Array<ArrayBufferLike>, slot: number, id: number): void {
  const entry = words.subarray(slot + HELD, slot + HELD + MOST_HELD).indexOf(0);
  if (entry >= 0) words[slot + HELD + entry] = id;
}

/** Takes back what {@linkcode noteElsewhere} noted. */
export function unnoteElsewhere(
  words: Int32Array<ArrayBufferLike>,
  slot: number,
  id: number,
): void {
  const entry = words.subarray(slot + HELD, slot + HELD + MOST_HELD).indexOf(id);
  if (entry >= 0) words[slot + HELD + entry] = 0;
}
