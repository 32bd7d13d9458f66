/**
 * The bounds on what values that are read may do to who reads them.
 *
 * They may run nothing: a function never stands where the engine would call it unasked.
 *
 * What comes from below may not cost much more than its bytes. Two bytes are an empty Map, which
 * takes a hundred times as much; and integers can be chosen so that each collides with all before
 * it in the engine's tables. So containers and strings are charged with what they take, against a
 * budget that the bytes give; and long Maps and Sets are watched while they are filled.
 *
 * @module
 */
import { ShareError } from "../core/errors.ts";
import { builtin } from "../core/node.ts";

/**
 * Under these names the engine calls what it finds: when a value is awaited, made JSON or text, or
 * calculated with.
 */
const CALLED = new Set(["then", "toJSON", "toString", "valueOf"]);

/**
 * Checks that a function may stand under a key.
 *
 * @throws {ShareError} The engine would call it unasked.
 */
export function checkPlaced(key: unknown, value: unknown, what: string): void {
  if (typeof value !== "function" || typeof key !== "string" || !CALLED.has(key)) return;
  throw new ShareError(
    `Cannot decode ${what}: the function ${value.name || "(anonymous)"} stands under ${key}, ` +
      "where it would be called unasked; send it under another name",
    key,
  );
}

/** The most that honest data takes, some 32 bytes for each of its own: `[{}, {}, …]`. */
const FACTOR = 32;
/** The room that is granted besides, in bytes: short messages need not be thrifty. */
const ALLOWANCE = 64 << 20;
/** From so many bytes on it matters how much memory there is. */
const LONG = 1 << 20;

// What things take, in bytes, on 64 bits.
export const OBJECT_COST = 56;
export const BARE_COST = 200;
/** A key that was not among the last ones: its text, and a new shape of its object. */
export const KEY_COST = 64;
export const ARRAY_COST = 32;
export const SLOT_COST = 8;
/** An element of an array with holes, which may be a table. */
export const SPARSE_COST = 64;
export const MAP_COST = 200;
export const ENTRY_COST = 40;
export const SET_COST = 168;
export const ITEM_COST = 28;
export const STRING_COST = 24;
export const DATE_COST = 104;
export const REGEXP_COST = 168;
// With what lies beside the heap, and what is thrown away on the way.
export const BUFFER_COST = 400;
export const VIEW_COST = 400;
/** An instance, a target: what stands for it. */
export const REDUCTION_COST = 64;
/** An error: its stack. */
export const ERROR_COST = 1024;
/** A shared object. */
export const SHARE_COST = 2048;

/** The most bytes of memory that a message from below may become. */
export function budgetOf(length: number): number {
  const budget = ALLOWANCE + FACTOR * length;
  return length < LONG ? budget : Math.min(budget, heapLeft() / 2);
}

/**
 * The number of bytes that this thread's heap can still take before the engine ends the program.
 */
function heapLeft(): number {
  const { heap_size_limit: limit, used_heap_size: used } = builtin("v8").getHeapStatistics();
  return limit - used;
}

/** The most entries between two looks. */
export const WATCHED = 4096;
/**
 * The time that an entry takes when something may be wrong, in ms: ten times as long as it should.
 */
const SLOW = 0.001;
/** The time that it takes to find a key that collides with some thousand others, in ms. */
const CROWDED = 0.002;
/** The factor by which it then takes longer than in a table of few keys, besides. */
const MANY = 8;
/** The number of keys that are kept to try, and of the tries of each. */
const SAMPLES = 16;
const TRIES = 5;

/**
 * Watches a Map or Set while it is filled. When that takes long it tries how long finding some of
 * the keys takes, each several times: the shortest is not the fault of a busy machine.
 */
export class Watch {
  readonly #table: { has(key: unknown): boolean };
  readonly #samples: unknown[] = [];
  #lookedAt = performance.now();
  #count = 0;

  constructor(table: { has(key: unknown): boolean }) {
    this.#table = table;
  }

  /**
   * Looks at a table that has got its `count`th entry; gives when to look again, which nobody can
   * foresee.
   *
   * @throws {RangeError} Its keys collide.
   */
  look(key: unknown, count: number): number {
    const now = performance.now();
    const place = this.#samples.length < SAMPLES ? this.#samples.length : random(SAMPLES);
    this.#samples[place] = key;
    if (now - this.#lookedAt > SLOW * (count - this.#count) && this.#isCrowded()) {
      throw new RangeError(
        `Cannot decode the value: the keys of a table of ${count} entries or more collide, ` +
          "so that reading it would take too long",
      );
    }
    this.#lookedAt = performance.now();
    this.#count = count;
    return count + 1 + random(WATCHED);
  }

  #isCrowded(): boolean {
    // On a busy machine asking takes as long as this alone: so it is held against a table of a few
    // keys.
    const few = new Set<unknown>();
    return this.#samples.some((key) => {
      few.add(key);
      return timeOf(this.#table, key) > CROWDED + MANY * timeOf(few, key);
    });
  }
}

/** The time that it takes to find a key, at best. */
function timeOf(table: { has(key: unknown): boolean }, key: unknown): number {
  let least = Infinity;
  for (let k = 0; k < TRIES; k++) {
    const began = performance.now();
    table.has(key);
    least = Math.min(least, performance.now() - began);
  }
  return least;
}

function random(below: number): number {
  return Math.floor(Math.random() * below);
}
