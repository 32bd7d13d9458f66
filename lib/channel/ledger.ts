/**
 * The shared words of a queue, which every thread that uses it changes for itself: so room, the
 * size and the count of unfinished tasks are known everywhere at once, without asking home.
 *
 * - `SIZE`: how many items were put, or are about to be, and have not been handed out.
 * - `MOST`: how many there may be, 0 for any number. Whoever puts takes room first, by
 *   compare-and-swap.
 * - `UNFINISHED`: how many were put and not yet marked as done; who joins parks on it.
 * - `SHUT`: {@linkcode OPEN} -> {@linkcode DRAINING} -> {@linkcode CLOSED}.
 * - `PUTTERS`: how many wait for room, or more when some were stopped: who hands out must wake.
 * - `ROOM` counts what makes room; who waits for it parks on it.
 *
 * Each thread also has a few words of its own for each queue that it uses, shared with home:
 *
 * - `GRANT`: two numbers of 16 bits that run round: how many items home has let the thread have, in
 *   all, and how many of these the thread has handed out. The thread hands one out by a
 *   compare-and-swap that adds to the second; home takes back all others by one that sets the
 *   second to the first. So an item is handed out or taken back, never both, whatever either of
 *   them is doing.
 * - `PUTS`: how many items the thread has put, times two; odd when home takes no more of them.
 * - `ANSWER`: the last of the thread's questions that home has answered with no.
 *
 * @module
 */
import { HeapRegion } from "../memory/heap_region.ts";
import { ALL, type Park } from "../sync/steps.ts";

const SIZE = 0;
const MOST = 1;
const UNFINISHED = 2;
const SHUT = 3;
const PUTTERS = 4;
const ROOM = 5;
const WORDS = 6;

/** `SHUT`: the queue takes items. */
export const OPEN = 0;
/** `SHUT`: it takes none, and gives out what it has. */
export const DRAINING = 1;
/** `SHUT`: it neither takes nor gives any. */
export const CLOSED = 2;

/** Words of a thread that uses the queue. */
export const GRANT = 0;
/** As above. */
export const PUTS = 1;
/** As above. */
export const ANSWER = 2;
/** Their number. */
export const USER_WORDS = 3;
/** `PUTS`: home takes no more. */
export const ENDED = 1;

/** The most items that can be granted and not handed out. */
export const MOST_GRANTED = 30_000;

/** The shared words of one queue. */
export class Ledger {
  /** The memory. */
  readonly buffer: SharedArrayBuffer;
  /** The most items that there may be; 0 for any number. */
  readonly most: number;
  readonly #region: HeapRegion;
  readonly #words: Int32Array<SharedArrayBuffer>;

  /** New words for a queue of at most `most` items, or those that another thread speaks of. */
  constructor(from: number | SharedArrayBuffer) {
    this.buffer = typeof from === "number" ? new SharedArrayBuffer(WORDS * 4) : from;
    this.#region = new HeapRegion(this.buffer);
    this.#words = this.#region.words;
    if (typeof from === "number") this.#words[MOST] = from;
    this.most = this.#words[MOST]!;
  }

  /** The number of items. */
  get size(): number {
    return Atomics.load(this.#words, SIZE);
  }

  /** The number of unfinished tasks. */
  get unfinished(): number {
    return Atomics.load(this.#words, UNFINISHED);
  }

  /** One of {@linkcode OPEN}, {@linkcode DRAINING}, {@linkcode CLOSED}. */
  get shut(): number {
    return Atomics.load(this.#words, SHUT);
  }

  /** Takes room for one item, if there is any. */
  reserve(): boolean {
    const words = this.#words;
    if (this.most === 0) Atomics.add(words, SIZE, 1);
    else {
      for (;;) {
        const size = Atomics.load(words, SIZE);
        if (size >= this.most) return false;
        if (Atomics.compareExchange(words, SIZE, size, size + 1) === size) break;
      }
    }
    Atomics.add(words, UNFINISHED, 1);
    return true;
  }

  /** Notes that an item was handed out; whether it was the last of a queue that is shut. */
  handedOut(): boolean {
    const words = this.#words;
    const left = Atomics.sub(words, SIZE, 1) - 1;
    this.#makeRoom(1);
    return left === 0 && Atomics.load(words, SHUT) !== OPEN;
  }

  /** Takes items off the books that are gone. */
  writeOff(count: number): void {
    if (count === 0) return;
    const words = this.#words;
    Atomics.sub(words, SIZE, count);
    this.#makeRoom(count);
    for (let k = 0; k < count && this.finish(); k++);
  }

  #makeRoom(count: number): void {
    const words = this.#words;
    if (this.most === 0 || Atomics.load(words, PUTTERS) === 0) return;
    Atomics.add(words, ROOM, 1);
    Atomics.notify(words, ROOM, count);
  }

  /** Marks a task as done; false when all are. */
  finish(): boolean {
    const words = this.#words;
    for (;;) {
      const left = Atomics.load(words, UNFINISHED);
      if (left === 0) return false;
      if (Atomics.compareExchange(words, UNFINISHED, left, left - 1) !== left) continue;
      if (left === 1) Atomics.notify(words, UNFINISHED);
      return true;
    }
  }

  /** Shuts the queue; false when it was as far. */
  close(shut: number): boolean {
    const words = this.#words;
    for (;;) {
      const seen = Atomics.load(words, SHUT);
      if (seen >= shut) return false;
      if (Atomics.compareExchange(words, SHUT, seen, shut) === seen) break;
    }
    Atomics.add(words, ROOM, 1);
    Atomics.notify(words, ROOM);
    return true;
  }

  /** Begins or ends to wait for room. */
  await(change: 1 | -1): void {
    Atomics.add(this.#words, PUTTERS, change);
  }

  /** Wakes another who waits for room, when one that was woken leaves. */
  passOn(): void {
    if (this.size < this.most) this.#makeRoom(1);
  }

  /** The park of who waits for room; `value` is to be set before each look. */
  get roomPark(): Park {
    return { region: this.#region, index: ROOM, value: Atomics.load(this.#words, ROOM), on: 0 };
  }

  /** The park of who joins. */
  get donePark(): Park {
    return { region: this.#region, index: UNFINISHED, value: this.unfinished, on: 0 };
  }

  /** Wakes all who wait for room. */
  wakePutters(): void {
    Atomics.add(this.#words, ROOM, 1);
    Atomics.notify(this.#words, ROOM, ALL);
  }
}
