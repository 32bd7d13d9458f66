/**
 * Mutual exclusion, for threads and for processes: one text over a {@linkcode Region}. Lock and
 * RLock are its faces.
 *
 * Its state is one word: the ident of its owner (0: free) and three flags. Taking a free one and
 * releasing one that nobody waits for are one compare-and-swap each.
 *
 * ```text
 *             CAS by the taker                 CAS by anybody
 *   0 (free) ------------------> owner --------------------------> 0, and wake one
 *                                  |  \--- somebody starves ------> starving | HANDED, and wake all
 *                                  |
 *                                  owner dead: CAS by a waiter ---> waiter, its guard `abandoned`
 * ```
 *
 * - `WAITERS`: somebody is parked, or may be: the release must wake. A waiter sets it before it
 *   parks, and keeps it when it takes the lock after a park, since others may be parked too
 *   (U. Drepper, "Futexes Are Tricky", mutex 2).
 * - Fairness: running threads may overtake parked ones, which is many times faster than handing the
 *   lock on in order. But a waiter that starved for {@linkcode STARVED_AFTER} ms leaves its ident
 *   in `STARVING`, and the next release hands the lock to it (`HANDED`); as in Go's sync.Mutex.
 * - A lock handed on is anybody's when the one it was meant for has not come for it within a slice:
 *   it was busy, gave up or died. Nothing is lost but that turn.
 * - `BELL` counts releases that wake; waiters park on it. A waiter reads it before it makes sure
 *   that the lock is still held, so a release in between is seen: no wake-up is lost.
 * - `TURN` counts acquisitions, so that a guard releases its own one only. A condition gives its
 *   lock away in the midst of an acquisition and takes it back with the turn that it had; `SKIPPED`
 *   says how many there were between, so that none of their turns is given again.
 *
 * What a death leaves: killed before the CAS, nothing; after it, a lock whose owner is dead, which
 * the next one to look takes over; killed between a release and its wake-up, parked waiters, who
 * look again at the end of their slice.
 *
 * @module
 */
import { DeadlockError } from "../core/errors.ts";
import { recorder } from "../core/hooks.ts";
import { heldEntry, noteElsewhere, unnoteElsewhere } from "../memory/wait_notes.ts";
import { IDENT_MASK } from "../memory/roster.ts";
import { isCut, self } from "../memory/this_thread.ts";
import type { Cell } from "./cell.ts";
import { CELL_WORDS } from "./cell.ts";
import { deadlockOf } from "./deadlock.ts";
import { GIVE_BACK, type Held } from "./guard.ts";
import { CAN_SPIN, pause } from "./spin.ts";
import { ALL, checkCancelled, type Park, SLICE, type Steps } from "./steps.ts";

// Words after those of the cell.
const WORD = CELL_WORDS;
const BELL = CELL_WORDS + 1;
const TURN = CELL_WORDS + 2;
const SKIPPED = CELL_WORDS + 3;
const STARVING = CELL_WORDS + 4;
/** The words that a cell with a mutex takes. */
export const MUTEX_WORDS = CELL_WORDS + 5;

// Flags beside the owner's ident in WORD.
const WAITERS = 1 << 24;
/** The owner is an async function. */
export const ASYNC = 1 << 25;
const HANDED = 1 << 26;

/** The number of a waiter's looks before it parks, and its pause before the first. */
const LOOKS = 6;
const FIRST_PAUSES = 8;

/** The time that a waiter is overtaken before the lock is handed to it, in ms. */
const STARVED_AFTER = 5;

/** The ways in which {@linkcode Mutex.take} ended: with the lock, which was in order. */
export const TAKEN = 0;
/** With the lock, whose owner had died. */
export const ABANDONED = 1;
/** Its thread has the lock already (re-entrant only). */
export const JOINED = 2;

/** The options of {@linkcode Mutex.take}. */
export interface TakeOptions {
  /** True if the thread that has the lock may have it again. */
  reentrant?: boolean;
  /** True if a deadlock is to be thrown. */
  detects?: boolean | undefined;
  /** True if this wait is not to be ended early. */
  isRepair?: boolean;
}

/** An acquisition that a condition has interrupted. */
export interface Suspended {
  /** The owner's ident and whether it is async. */
  mine: number;
  /** Its turn. */
  turn: number;
}

/** A lock without its face. */
export class Mutex implements Held {
  /** The ident of the calling thread. */
  readonly me: number;
  readonly #cell: Cell;
  readonly #words: Int32Array<ArrayBufferLike>;
  readonly #word: number;
  readonly #turn: number;
  readonly #skipped: number;
  /** Where this thread notes that it holds the lock. */
  readonly #notes: Int32Array<ArrayBufferLike>;
  readonly #note: number;
  readonly #id: number;
  /** The word that says whether this thread is asked to stop. */
  readonly #mine: Int32Array<ArrayBufferLike>;
  readonly #cancel: number;

  /** Lays a mutex over the cell's first words. */
  constructor(cell: Cell) {
    const { words, base, id, region: { parties } } = cell;
    this.#cell = cell;
    this.#words = words;
    this.#word = base + WORD;
    this.#turn = base + TURN;
    this.#skipped = base + SKIPPED;
    this.#notes = parties.roster.words;
    this.#note = heldEntry(parties.slot, id);
    this.#id = id;
    const { words: mine, cancel } = self();
    this.#mine = mine;
    this.#cancel = cancel;
    this.me = parties.me;
  }

  /** Takes the lock for `mine`, an ident and perhaps `ASYNC`, if nobody has it. */
  tryTake(mine: number): boolean {
    return Atomics.compareExchange(this.#words, this.#word, 0, mine) === 0;
  }

  /**
   * Spins for the lock; false when it is time to park.
   *
   * It looks seldom, and ever more seldom: each look takes the word away from the owner's core.
   * With the pauses, four threads that do nothing else get twice as many turns a second as with a
   * look each time.
   */
  spinFor(mine: number): boolean {
    if (!CAN_SPIN) return false;
    const words = this.#words;
    const word = this.#word;
    for (let look = 0, pauses = FIRST_PAUSES; look < LOOKS; look++, pauses *= 2) {
      for (let k = 0; k < pauses; k++) pause();
      const seen = Atomics.load(words, word);
      if (seen === 0 && this.tryTake(mine)) return true;
      // Where others have parked already, one more of them does no harm.
      if ((seen & WAITERS) !== 0) return false;
    }
    return false;
  }

  /**
   * Takes the lock, waiting while another has it.
   *
   * @returns `TAKEN`, `ABANDONED` or `JOINED`.
   */
  *take(mine: number, timeout: number, options: TakeOptions = {}): Steps<number> {
    const { reentrant, detects, isRepair } = options;
    const { region, base, id } = this.#cell;
    const words = this.#words;
    const word = this.#word;
    const me = this.me;
    const index = base + BELL;
    const park: Park = { region, index, value: 0, on: id, holder: 0, detects, isRepair };
    const began = performance.now();
    let parks = 0;
    let starving = false;
    let handed = 0;
    let handedAt = 0;
    let taken = false;
    try {
      for (;;) {
        const seen = Atomics.load(words, word);
        const owner = seen & IDENT_MASK;
        if ((seen & HANDED) === 0) handed = 0;
        else if (handed !== seen) {
          handed = seen;
          handedAt = performance.now();
        }
        if (reentrant && owner === me && handed === 0) {
          taken = true;
          return JOINED;
        }
        const unclaimed = handed !== 0 && performance.now() - handedAt >= SLICE;
        const forMe = owner === 0 || handed !== 0 && owner === me || unclaimed;
        const isDead = !forMe && region.parties.isDead(owner);
        if (forMe || isDead) {
          if (isCut()) checkCancelled();
          // Others may be parked: the flag stays unless this call alone ever waited.
          const flags = parks > 0 ? WAITERS : seen & WAITERS;
          if (Atomics.compareExchange(words, word, seen, mine | flags) !== seen) continue;
          const isPassedOver = handed !== 0 && owner !== me;
          if (isPassedOver) Atomics.compareExchange(words, base + STARVING, owner, 0);
          taken = true;
          // To whom it was only handed, that one never had it, and left nothing half done.
          return isDead && handed === 0 ? ABANDONED : TAKEN;
        }
        if (timeout > 0 && (mine & ASYNC) === 0 && (seen & ASYNC) !== 0 && owner === me) {
          throw new DeadlockError(
            `Cannot acquire ${this.#cell.title("lock")}: an async function of this same thread ` +
              "holds it, and could not release it while the thread is blocked; use await acquire()",
          );
        }
        park.value = Atomics.load(words, index);
        park.holder = handed === 0 ? owner : 0;
        // From here on a release is seen, by the flag or by the bell.
        if (Atomics.compareExchange(words, word, seen, seen | WAITERS) !== seen) continue;
        yield park;
        parks++;
        if (detects) {
          const deadlock = deadlockOf(region.parties);
          if (deadlock !== undefined) throw new DeadlockError(deadlock.message);
        }
        if (!starving && performance.now() - began > STARVED_AFTER) {
          starving = Atomics.compareExchange(words, base + STARVING, 0, me) === 0;
        }
      }
    } finally {
      if (starving) Atomics.compareExchange(words, base + STARVING, me, 0);
      if (!taken) this.#pass();
    }
  }

  /**
   * Begins the acquisition of a lock that has just been taken, and notes it.
   *
   * @returns Its turn.
   */
  enter(mine: number, abandoned = false): number {
    // Read after the lock was taken, so plain is enough.
    if (this.#mine[this.#cancel] !== 0) this.#refuse(mine, abandoned);
    const words = this.#words;
    if (words[this.#skipped] !== 0) this.#skip();
    const turn = words[this.#turn]! + 1 | 0;
    words[this.#turn] = turn;
    this.#enterNote();
    return turn;
  }

  /**
   * This thread was stopped meanwhile: it takes nothing any more. An abandoned lock it does not
   * free, or the next one would not hear of that: the end of this thread leaves it abandoned again.
   */
  #refuse(mine: number, abandoned: boolean): void {
    const isMine = (Atomics.load(this.#words, this.#word) & ~WAITERS) === mine;
    if (isMine && !abandoned) this.#free();
    checkCancelled();
  }

  /** Begins anew after the turns that were given while an acquisition was suspended. */
  #skip(): void {
    const words = this.#words;
    words[this.#turn] += words[this.#skipped]!;
    words[this.#skipped] = 0;
  }

  /** The present acquisition. */
  get turn(): number {
    return this.#words[this.#turn]!;
  }

  /** Ends the acquisition `turn`, if it is still the present one. */
  leave(turn: number): void {
    if (this.#words[this.#turn] !== turn) return;
    if (!this.tryRelease() && this.isHeld) this.release();
  }

  /** As {@linkcode leave}, for guards. */
  [GIVE_BACK](turn: number): void {
    this.leave(turn);
  }

  /** Releases the lock in the usual cases: taken by this thread, and nobody waits. */
  tryRelease(): boolean {
    const words = this.#words;
    const word = this.#word;
    const me = this.me;
    // Before it is another's: so in a trace no two have it at a time.
    recorder?.frees(this.#cell.region.parties, this.#id, me);
    if (
      Atomics.compareExchange(words, word, me, 0) !== me &&
      Atomics.compareExchange(words, word, me | ASYNC, 0) !== (me | ASYNC)
    ) return false;
    this.#leaveNote();
    return true;
  }

  /** Releases the lock, whoever holds it; it is held. */
  release(): void {
    recorder?.frees(this.#cell.region.parties, this.#id, this.me);
    const owner = this.#free();
    if (owner === this.me) this.#leaveNote();
    else {
      recorder?.frees(this.#cell.region.parties, this.#id, owner);
      this.#cell.region.parties.roster.disown(owner, this.#id);
    }
  }

  /** True if somebody holds the lock, at this moment. */
  get isHeld(): boolean {
    return (Atomics.load(this.#words, this.#word) & IDENT_MASK) !== 0;
  }

  /** True if the calling thread holds the lock. */
  get isMine(): boolean {
    return (Atomics.load(this.#words, this.#word) & (IDENT_MASK | HANDED)) === this.me;
  }

  /** The text that a person is told of it: `free`, or by whom it is held. */
  get state(): string {
    const seen = Atomics.load(this.#words, this.#word);
    const owner = seen & IDENT_MASK;
    if (owner === 0) return "free";
    const { roster } = this.#cell.region.parties;
    const slot = roster.slotOf(owner, true);
    const name = slot < 0 ? "one that has ended" : roster.name(slot);
    return `${(seen & HANDED) === 0 ? "held by" : "handed to"} ${name}`;
  }

  /** Gives the lock away for a time; the calling thread holds it. */
  suspend(): Suspended {
    const mine = Atomics.load(this.#words, this.#word) & (IDENT_MASK | ASYNC);
    const turn = this.turn;
    this.release();
    return { mine, turn };
  }

  /**
   * Takes back what was given away, however long it takes; also when this thread is asked to stop.
   *
   * @returns `TAKEN` or `ABANDONED`.
   */
  *resume({ mine, turn }: Suspended): Steps<number> {
    const how = this.tryTake(mine) ? TAKEN : yield* this.take(mine, Infinity, { isRepair: true });
    const words = this.#words;
    words[this.#skipped] += words[this.#turn]! - turn | 0;
    words[this.#turn] = turn;
    this.#enterNote();
    return how;
  }

  /** Wakes all who wait, because something other than a release concerns them. */
  wakeAll(): void {
    this.#cell.ring(BELL, ALL);
  }

  #free(): number {
    const words = this.#words;
    const word = this.#word;
    let seen = Atomics.load(words, word);
    for (;;) {
      const starving = this.#cell.at(STARVING);
      const next = starving === 0 ? 0 : starving | HANDED | WAITERS;
      const found = Atomics.compareExchange(words, word, seen, next);
      if (found === seen) {
        if ((seen & WAITERS) !== 0) this.#cell.ring(BELL, starving === 0 ? 1 : ALL);
        return seen & IDENT_MASK;
      }
      seen = found;
    }
  }

  /** Leaves without the lock: what was meant for this waiter goes to the next. */
  #pass(): void {
    const words = this.#words;
    const word = this.#word;
    for (;;) {
      const seen = Atomics.load(words, word);
      if ((seen & IDENT_MASK) === 0) return this.#cell.ring(BELL, 1);
      if ((seen & HANDED) !== 0 && (seen & IDENT_MASK) === this.me) {
        if (Atomics.compareExchange(words, word, seen, 0) !== seen) continue;
        return this.#cell.ring(BELL, ALL);
      }
      // It may have been woken, and somebody else have the lock since: others are parked still.
      if ((seen & WAITERS) !== 0) return;
      if (Atomics.compareExchange(words, word, seen, seen | WAITERS) === seen) return;
    }
  }

  #enterNote(): void {
    const notes = this.#notes;
    if (notes[this.#note] === 0) notes[this.#note] = this.#id;
    else noteElsewhere(notes, this.#cell.region.parties.slot, this.#id);
    recorder?.takes(this.#cell.region.parties, this.#id);
  }

  #leaveNote(): void {
    const notes = this.#notes;
    if (notes[this.#note] === this.#id) notes[this.#note] = 0;
    else unnoteElsewhere(notes, this.#cell.region.parties.slot, this.#id);
  }
}
