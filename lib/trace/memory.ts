/**
 * The memory of a trace: a row for each thread and process, and in each row a ring of events.
 *
 * There are two such memories, alike: one for the threads of the process that started the trace (a
 * SharedArrayBuffer), and one that its child processes map, and their threads (where FFI is
 * allowed; it has no name, and goes with its last user). Both are sparse: a page that nobody has
 * written takes no memory.
 *
 * ```text
 *   ON | CAPACITY | ROWS | row 0 | row 1 | ...        a row:  who | ring of records | ring of names
 *
 *   a row:  claimed by the starter of a party (CLAIMED) -> the party has come (JOINED)
 *           -> ENDED or DIED, by compare-and-swap of whoever hears of its end first
 * ```
 *
 * Who writes: a row's records, names and counts are its party's alone, so they cost plain stores;
 * who it is, its starter writes before the party is there; its end, the party itself, or whoever
 * finds it dead. `ON` and the rest of the header are the starter's of the trace: `ON` is the
 * number of the trace while that records, and 0 otherwise, and each write begins with a look at
 * it. So one memory serves all traces of a process, one after the other.
 *
 * Who reads: the one that started the trace, when it stops it or before. A record is counted
 * (`COUNT`) when it is whole, so what a killed party was just writing is not there; a ring has one
 * record more than is read, for that. How many were overwritten follows from the count. The end of
 * a wait or hold is written into its record, if that is still there, and is 0 until then: so what
 * was going on when its party was killed is seen to have begun.
 *
 * Names are words of a second ring, found by the position at which they were written: who finds
 * that position overwritten does without the name. A party writes a name again before it is.
 *
 * @module
 */

/** The size of a memory: so much of it at most is ever touched. */
export const MEMORY_BYTES = 256 << 20;
/** The most rows; fewer with large rings. */
const MOST_ROWS = 1024;

// Words of the header.
/** The number of the trace that records, or 0. */
export const ON = 0;
const CAPACITY = 1;
/** Rows that were asked for: more than there are when there was no room. */
const ROWS = 2;
const HEADER = 16;

// Words of a row. Times are two words each: ms of the clock, as a 64-bit float.
/** One of {@linkcode CLAIMED} ... {@linkcode DIED}. */
export const STATE = 0;
/** Its ident in the roster of its process's threads; 0 until it is known. */
export const IDENT = 1;
/** Its process; 0 until it is known. */
export const PID = 2;
/** 1 for the main thread of a process. */
export const IS_PROCESS = 3;
/** The exit code of a process, plus {@linkcode CODE_ZERO}; 0 until it is known. */
export const CODE = 4;
/** The records that were ever written: the lower 32 bits, and the rest. */
export const COUNT = 6;
export const COUNT_HIGH = 7;
/** The words of names that were ever written. */
export const NAMES = 8;
const NAME_LENGTH = 9;
/** When it was started, when it came, and when it ended; 0 before. */
export const BORN = 10;
export const JOINED_AT = 12;
export const OVER = 14;
const NAME = 16;
const NAME_BYTES = 128;
const ROW_HEADER = NAME + NAME_BYTES / 4;

/** `STATE`: a place for a party that has not come yet. */
export const CLAIMED = 1;
/** `STATE`: it has come, and records. */
export const JOINED = 2;
/** `STATE`: it has ended normally. */
export const ENDED = 3;
/** `STATE`: it was stopped or killed, or an error ended it. */
export const DIED = 4;

// Words of a record.
/** The number of its kind, and flags. */
export const WHAT = 0;
/** The positions of its name and of the holder's, or 0. */
export const TITLE = 1;
export const BY = 2;
/** Which lock or queue it is, for the same name may be given twice. */
export const THING = 3;
/** When it began, and when it ended: 0 while it goes on. */
export const FROM = 4;
export const TO = 6;
/** The words of a record. */
export const RECORD = 8;

/** `CODE`: what is added to an exit code, which may be 0, or negative. */
export const CODE_ZERO = 1 << 16;

/** The kinds of records, by number. */
export const WHATS = [
  "",
  "task",
  "call",
  "wait",
  "hold",
  "put",
  "get",
  "mark",
  "freed",
] as const;
/** `WHAT`, beside the kind: it failed. */
export const FAILED = 1 << 8;
/** `WHAT`: the thing is shared between processes. */
export const IS_SHARED = 1 << 9;
/** The bits of `WHAT` that are the kind. */
export const KIND = 0xff;

/** The longest name, in bytes of UTF-8: what is longer is cut. */
export const NAME_MOST = 120;
/** The words of names per record: so names of 12 bytes, each another, last as long as records. */
const NAMES_PER_RECORD = 4;
const NAMES_LEAST = 1024;

/** A party that is to have a row. */
export interface Seated {
  name: string;
  ident: number;
  pid: number;
  isProcess: boolean;
}

const encoder = new TextEncoder();

/** The memory of a trace, as one thread sees it. */
export class TraceMemory {
  readonly words: Int32Array<ArrayBufferLike>;
  readonly times: Float64Array<ArrayBufferLike>;
  readonly bytes: Uint8Array<ArrayBufferLike>;

  constructor(buffer: ArrayBufferLike) {
    this.words = new Int32Array(buffer);
    this.times = new Float64Array(buffer);
    this.bytes = new Uint8Array(buffer);
  }

  /** Has the memory ready for a trace: no row is left of the one before. */
  begin(number: number, capacity: number): void {
    const { words } = this;
    for (let row = 0; row < this.rows; row++) {
      const base = this.baseOf(row);
      words.fill(0, base, base + ROW_HEADER);
    }
    words[CAPACITY] = capacity;
    words[ROWS] = 0;
    Atomics.store(words, ON, number);
  }

  /** Has nothing recorded any more. */
  stop(): void {
    Atomics.store(this.words, ON, 0);
  }

  /** The number of records that a ring holds. */
  get capacity(): number {
    return this.words[CAPACITY]!;
  }

  /** The records that a ring has room for: one more, which may just be written. */
  get slots(): number {
    return this.capacity + 1;
  }

  /** The words of names that a row holds. */
  get nameWords(): number {
    return Math.max(NAMES_LEAST, this.capacity * NAMES_PER_RECORD);
  }

  get #rowWords(): number {
    // Even, as times are 64 bits.
    return ROW_HEADER + this.slots * RECORD + this.nameWords;
  }

  /** The number of rows that there is room for. */
  get #most(): number {
    return Math.min(MOST_ROWS, Math.floor((this.words.length - HEADER) / this.#rowWords));
  }

  /** The number of rows. */
  get rows(): number {
    return Math.min(Atomics.load(this.words, ROWS), this.#most);
  }

  /** The number of parties for which there was no row. */
  get refused(): number {
    return Math.max(0, Atomics.load(this.words, ROWS) - this.#most);
  }

  /** The first word of a row. */
  baseOf(row: number): number {
    return HEADER + row * this.#rowWords;
  }

  /** The first word of a row's records. */
  recordsOf(row: number): number {
    return this.baseOf(row) + ROW_HEADER;
  }

  /** The first word of a row's names. */
  namesOf(row: number): number {
    return this.recordsOf(row) + this.slots * RECORD;
  }

  /** Makes a row for a party that is about to start; -1 when there is no room. */
  claim({ name, ident, pid, isProcess }: Seated, at: number): number {
    const { words } = this;
    const row = Atomics.add(words, ROWS, 1);
    if (row >= this.#most) return -1;
    const base = this.baseOf(row);
    words[base + IDENT] = ident;
    words[base + PID] = pid;
    words[base + IS_PROCESS] = isProcess ? 1 : 0;
    this.times[(base + BORN) / 2] = at;
    const room = this.bytes.subarray((base + NAME) * 4, (base + NAME) * 4 + NAME_BYTES);
    words[base + NAME_LENGTH] = write(name, room);
    Atomics.store(words, base + STATE, CLAIMED);
    return row;
  }

  /** Notes the end of a party; the first to say so is right. */
  end(row: number, dead: boolean, at: number): void {
    const { words } = this;
    const base = this.baseOf(row);
    for (const state of [CLAIMED, JOINED]) {
      const now = dead ? DIED : ENDED;
      if (Atomics.compareExchange(words, base + STATE, state, now) !== state) continue;
      this.times[(base + OVER) / 2] = at;
      return;
    }
  }

  /** The name of a row's party. */
  nameOf(row: number): string {
    const start = (this.baseOf(row) + NAME) * 4;
    const length = this.words[this.baseOf(row) + NAME_LENGTH]!;
    return read(this.bytes, start, Math.min(length, NAME_BYTES));
  }
}

/** Writes a text, as far as there is room; gives the number of bytes. */
export function write(text: string, room: Uint8Array<ArrayBufferLike>): number {
  // A view of shared memory is no place to encode into.
  const bytes = new Uint8Array(room.length);
  const { written } = encoder.encodeInto(text, bytes);
  room.set(bytes.subarray(0, written));
  return written;
}

/** Reads a text. */
export function read(bytes: Uint8Array<ArrayBufferLike>, start: number, length: number): string {
  return new TextDecoder().decode(bytes.slice(start, start + length));
}
