/**
 * The roster: a table in shared memory of all that take part in it. One party is one thread. There
 * is a roster for the threads of a process (in a SharedArrayBuffer) and one for the processes of a
 * family (in mapped memory); the layout and the code are the same.
 *
 * A party has an ident that is never given twice (a running number below 2^24), so that a lock word
 * can name its owner, and a slot while it lives. When it is stopped, or an error ends it, its bit
 * in the table of the dead is set: the locks that name it pass on. One that ends normally just
 * leaves.
 *
 * A slot's `IDENT`: `FREE` -> `CLAIMED`, by compare-and-swap -> the party's ident -> `GONE`, by
 * compare-and-swap of whoever takes it out -> `FREE`. The slot of a thread that was cut off (it may
 * run on, unstoppable) stays `GONE` for good: were it used again, the old thread would read its
 * successor's words. One that ends normally with locks in hand leaves its slot as an estate,
 * `-1 - ident`, until others have released them: so a report can name it.
 *
 * In its slot a party also notes what it holds and what it waits for, for reports: `wait_notes.ts`.
 *
 * @module
 */

/** The ident of a process's main thread. */
export const MAIN = 1;
/** The most parties that can live at a time. */
export const MAX_PARTIES = 4096;
/** The bits of an id that say what kind of thing has it. */
export const KIND_BITS = 4;
/** The bits of a lock word that hold an ident. */
export const IDENT_MASK = 0xffffff;

// Words of the header.
const LAST_IDENT = 0;
const NAMES_GIVEN = 1;
const HIGH_WATER = 2;
const LAST_ID = 3;
/** Where the words begin that say which mapped memory the process uses; see `arena.ts`. */
export const FAMILY = 4;
/** The two words that say when the process's alarm is due; see `alarm_clock.ts`. */
export const ALARM = 8;
/** The word that says where the program's deno.json is; see `child/process/host.ts`. */
export const CONFIG = 10;
/** The word that says what sockets the family uses; see `channel/socket/place.ts`. */
export const FAMILY_SOCKETS = 11;
/** The number of alarms that have gone off without a signal of the system's. */
export const RINGS = 12;
/** The number of threads that hear of those. */
export const HEARERS = 13;
/** Hashes of what a person has been told. */
const TOLD = 16;
const MOST_TOLD = 16;
const HEADER = TOLD + MOST_TOLD;

// Words of a slot.
/** The party's ident, {@linkcode FREE} or {@linkcode GONE}. */
const IDENT = 0;
/** One of {@linkcode RUNNING}, {@linkcode WAITING}, {@linkcode ENDED}. */
export const STATE = 1;
/** The request of `terminate()`: 0 nothing, {@linkcode STOP}, {@linkcode CUT}. */
export const CANCEL = 2;
/** A party's own word for anybody to wake it by. */
export const BELL = 3;
const FLAGS = 4;
/** The pid of the process that the party belongs to. */
export const PID = 5;
/** The same thread's ident in the roster of processes, or 0. */
export const TWIN = 6;
/** The ident of the party that started it. */
export const STARTER = 7;
/** Where the ids of the locks that the party holds are noted; 0 for none. */
export const HELD = 8;
/** The number of held locks that are noted; a power of 2. */
export const MOST_HELD = 16;
/** The number of waits that are under way in the party, noted or not. */
export const WAITS = HELD + MOST_HELD;
/** Where the notes of waits begin. */
export const WAIT_NOTES = WAITS + 1;
/** The words of one note. */
export const WAIT_WORDS = 5;
/** The number of waits that are noted. */
export const MOST_WAITS = 5;
const NAME_VERSION = WAIT_NOTES + MOST_WAITS * WAIT_WORDS;
const NAME_LENGTH = NAME_VERSION + 1;
const NAME = NAME_LENGTH + 1;
const SLOT = 80;
const NAME_BYTES = (SLOT - NAME) * 4;

/** `IDENT`: nobody's slot. */
const FREE = 0;
/** `IDENT`: of a party that leaves; it stays so when its thread may still run. */
const GONE = -1;
/** `IDENT`: of a party that is about to enter. */
const CLAIMED = -0x80000000;

/** `IDENT`: of a party that ended normally with locks in hand. */
function estateOf(ident: number): number {
  return -1 - ident;
}

/** The party runs. */
export const RUNNING = 1;
/** The party waits in a call of the toolkit. */
export const WAITING = 2;
/** The party has ended. */
export const ENDED = 3;

/** `CANCEL`: the party shall end at its next wait. */
export const STOP = 1;
/** `CANCEL`: the party counts as ended and takes nothing any more. */
export const CUT = 2;

const DAEMON = 1;

const DEAD = HEADER + MAX_PARTIES * SLOT;

// The names of locks and their like, found by id: the newest that have one. An entry is its id, the
// length of the name, and the name.
const TITLES = DEAD + ((IDENT_MASK + 1) >> 5);
const MAX_TITLES = 4096;
const TITLE_WORDS = 16;
const TITLE_BYTES = (TITLE_WORDS - 2) * 4;

/** The size of a roster in words. */
export const ROSTER_WORDS = TITLES + MAX_TITLES * TITLE_WORDS;

/** The facts about a party that are written when it joins. */
export interface Entry {
  /** Its name. */
  name: string;
  /** True if the program may end without it. */
  daemon: boolean;
  /** The ident of the party that started it, 0 for none. */
  starter: number;
  /** The process that it belongs to. */
  pid: number;
}

/** A live party, as read from the roster. */
export interface Listed extends Entry {
  /** Its ident. */
  ident: number;
  /** The index of its slot's first word. */
  slot: number;
}

/** A roster over words that start at `base`. */
export class Roster {
  readonly words: Int32Array<ArrayBufferLike>;
  readonly #base: number;
  readonly #bytes: Uint8Array<ArrayBufferLike>;

  constructor(words: Int32Array<ArrayBufferLike>, base = 0) {
    this.words = words;
    this.#base = base;
    this.#bytes = new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
  }

  /** Gives the next default name's number, from 1. */
  nextNumber(): number {
    return Atomics.add(this.words, this.#base + NAMES_GIVEN, 1) + 1;
  }

  /**
   * Enters a party.
   *
   * @param claim Called with the slot before anybody can see the party there.
   * @returns Its ident and the index of its slot's first word.
   * @throws {RangeError} When {@linkcode MAX_PARTIES} live at the same time.
   */
  join(entry: Entry, claim?: (slot: number) => void): Listed {
    const { words } = this;
    const ident = (Atomics.add(words, this.#base + LAST_IDENT, 1) >>> 0) % IDENT_MASK + 1;
    // After 2^24 parties the idents begin anew: forget how the one before ended.
    Atomics.and(words, this.#base + DEAD + (ident >>> 5), ~(1 << (ident & 31)));
    const listed = this.#enter(ident, entry, claim) ??
      (this.#clear() ? this.#enter(ident, entry, claim) : undefined);
    if (listed === undefined) {
      throw new RangeError(`Cannot start: ${MAX_PARTIES} threads run already`);
    }
    return listed;
  }

  #enter(ident: number, entry: Entry, claim?: (slot: number) => void): Listed | undefined {
    const { words } = this;
    for (let k = 0; k < MAX_PARTIES; k++) {
      const slot = this.#base + HEADER + k * SLOT;
      if (Atomics.compareExchange(words, slot + IDENT, FREE, CLAIMED) !== FREE) continue;
      words.fill(0, slot + STATE, slot + NAME_VERSION);
      words[slot + FLAGS] = entry.daemon ? DAEMON : 0;
      words[slot + PID] = entry.pid;
      words[slot + STARTER] = entry.starter;
      this.rename(slot, entry.name);
      Atomics.store(words, slot + STATE, RUNNING);
      try {
        claim?.(slot);
      } catch (error) {
        Atomics.store(words, slot + IDENT, FREE);
        throw error;
      }
      Atomics.store(words, slot + IDENT, ident);
      let high = Atomics.load(words, this.#base + HIGH_WATER);
      while (high <= k) {
        const seen = Atomics.compareExchange(words, this.#base + HIGH_WATER, high, k + 1);
        if (seen === high) break;
        high = seen;
      }
      return { ...entry, ident, slot };
    }
    return undefined;
  }

  /** Frees the slots of all estates. */
  #clear(): boolean {
    let any = false;
    for (let k = 0; k < MAX_PARTIES; k++) {
      const slot = this.#base + HEADER + k * SLOT;
      const seen = Atomics.load(this.words, slot + IDENT);
      if (seen >= GONE || seen === CLAIMED) continue;
      any = Atomics.compareExchange(this.words, slot + IDENT, seen, FREE) === seen || any;
    }
    return any;
  }

  /** True if the party `ident`, last seen in `slot`, has ended. */
  hasEnded(slot: number, ident: number): boolean {
    const { words } = this;
    return Atomics.load(words, slot + IDENT) !== ident;
  }

  /**
   * Takes a party out.
   *
   * @param dead True if what it holds passes on.
   * @param reuse True if its slot may be used again: not while its thread may still run.
   * @returns false when it was out already.
   */
  leave(slot: number, ident: number, dead: boolean, reuse = true): boolean {
    const { words } = this;
    // Several may say so at once (the thread, its starter, the main thread): one of them does it.
    // After the slot has been given to another party none may touch it.
    if (Atomics.compareExchange(words, slot + IDENT, ident, GONE) !== ident) return false;
    if (dead) this.bury(ident);
    Atomics.store(words, slot + STATE, ENDED);
    if (!reuse) return true;
    Atomics.store(words, slot + IDENT, !dead && this.#holdsAny(slot) ? estateOf(ident) : FREE);
    return true;
  }

  #holdsAny(slot: number): boolean {
    return this.words.subarray(slot + HELD, slot + HELD + MOST_HELD).some((id) => id !== 0);
  }

  /** Notes that a lock which the party `ident` holds was released by somebody else. */
  disown(ident: number, id: number): void {
    const { words } = this;
    const slot = this.slotOf(ident, true);
    if (slot < 0) return;
    for (let k = 0; k < MOST_HELD; k++) {
      if (Atomics.compareExchange(words, slot + HELD + k, id, 0) === id) break;
    }
    if (Atomics.load(words, slot + IDENT) === ident || this.#holdsAny(slot)) return;
    Atomics.compareExchange(words, slot + IDENT, estateOf(ident), FREE);
  }

  /** Gives a lock or its like an id, and keeps its name for reports. */
  enroll(kind: number, name: string | undefined): number {
    const { words } = this;
    const serial = Atomics.add(words, this.#base + LAST_ID, 1) + 1;
    const id = (serial << KIND_BITS | kind) & 0x7fffffff;
    if (name !== undefined) {
      const entry = this.#titleOf(id);
      const bytes = new Uint8Array(TITLE_BYTES);
      const { written } = new TextEncoder().encodeInto(name, bytes);
      Atomics.store(words, entry, 0);
      words[entry + 1] = written;
      this.#bytes.set(bytes, (entry + 2) * 4);
      Atomics.store(words, entry, id);
    }
    return id;
  }

  /** The name of what has the id, if it has one that is still kept. */
  title(id: number): string | undefined {
    const { words } = this;
    const entry = this.#titleOf(id);
    if (Atomics.load(words, entry) !== id) return undefined;
    const start = (entry + 2) * 4;
    const bytes = this.#bytes.slice(start, start + words[entry + 1]!);
    return Atomics.load(words, entry) === id ? new TextDecoder().decode(bytes) : undefined;
  }

  #titleOf(id: number): number {
    return this.#base + TITLES + (id >>> KIND_BITS) % MAX_TITLES * TITLE_WORDS;
  }

  /**
   * True if a text has not been told before by any party; false when they have told all that they
   * may.
   */
  isFirst(text: string): boolean {
    let hash = 0x811c9dc5;
    for (let k = 0; k < text.length; k++) hash = Math.imul(hash ^ text.charCodeAt(k), 0x01000193);
    hash ||= 1;
    for (let k = 0; k < MOST_TOLD; k++) {
      const seen = Atomics.compareExchange(this.words, this.#base + TOLD + k, 0, hash);
      if (seen === 0 || seen === hash) return seen === 0;
    }
    return false;
  }

  /** Marks a party as dead: what it holds passes on. */
  bury(ident: number): void {
    Atomics.or(this.words, this.#base + DEAD + (ident >>> 5), 1 << (ident & 31));
  }

  /** True if the party was stopped, or ended by an error. */
  isDead(ident: number): boolean {
    const word = Atomics.load(this.words, this.#base + DEAD + (ident >>> 5));
    return (word >>> (ident & 31) & 1) === 1;
  }

  /** The name of the party in a slot. */
  name(slot: number): string {
    const { words } = this;
    for (let tries = 0;; tries++) {
      const version = Atomics.load(words, slot + NAME_VERSION);
      const start = (slot + NAME) * 4;
      const bytes = this.#bytes.slice(start, start + words[slot + NAME_LENGTH]!);
      const torn = (version & 1) === 1 || Atomics.load(words, slot + NAME_VERSION) !== version;
      // A party that died while it wrote a name leaves an odd version: take what is there.
      if (!torn || tries === 100) return new TextDecoder().decode(bytes);
    }
  }

  /** Writes the name of the party in a slot; one that is too long is cut. */
  rename(slot: number, name: string): void {
    const { words } = this;
    const bytes = new Uint8Array(NAME_BYTES);
    const { written } = new TextEncoder().encodeInto(name, bytes);
    Atomics.add(words, slot + NAME_VERSION, 1);
    words[slot + NAME_LENGTH] = written;
    this.#bytes.set(bytes.subarray(0, written), (slot + NAME) * 4);
    Atomics.add(words, slot + NAME_VERSION, 1);
  }

  /** The slot of the live party `ident`, or of its estate if that will do; else -1. */
  slotOf(ident: number, orEstate = false): number {
    const high = Atomics.load(this.words, this.#base + HIGH_WATER);
    for (let k = 0; k < high; k++) {
      const slot = this.#base + HEADER + k * SLOT;
      const seen = Atomics.load(this.words, slot + IDENT);
      if (seen === ident || orEstate && seen === estateOf(ident)) return slot;
    }
    return -1;
  }

  /** True if it is a daemon. */
  isDaemon(slot: number): boolean {
    return (this.words[slot + FLAGS]! & DAEMON) !== 0;
  }

  /** All that live, in the order of their idents. */
  list(): Listed[] {
    const { words } = this;
    const found: Listed[] = [];
    const high = Atomics.load(words, this.#base + HIGH_WATER);
    for (let k = 0; k < high; k++) {
      const slot = this.#base + HEADER + k * SLOT;
      const ident = Atomics.load(words, slot + IDENT);
      const state = Atomics.load(words, slot + STATE);
      if (ident <= 0 || state === 0) continue;
      found.push({
        ident,
        slot,
        name: this.name(slot),
        daemon: this.isDaemon(slot),
        starter: words[slot + STARTER]!,
        pid: words[slot + PID]!,
      });
    }
    return found.sort((a, b) => a.ident - b.ident);
  }
}
