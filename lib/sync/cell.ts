/**
 * The base of every synchronizer: its words, its id, and its name in reports.
 *
 * The first word of each is its id, given out by the roster; what follows is the synchronizer's
 * own.
 *
 * @module
 */
import { checkOptions, checkString } from "../core/checks.ts";
import { type Kind, kindNumber } from "../memory/wait_notes.ts";
import { AT, onHeap, type Placed, type Placement } from "../memory/placement.ts";
import type { Region } from "../memory/region.ts";
import type { World } from "../transfer/shareable.ts";

const ID = 0;
/** The words before a synchronizer's own. */
export const CELL_WORDS = 1;

/** Options of every synchronizer. */
export interface NameOptions {
  /** Its name in reports. Default: none. */
  name?: string;
}

/** A synchronizer as it is sent. */
export interface SentCell {
  /** Where its words are. */
  at: unknown;
  /** Its name. */
  name: string | undefined;
}

/** The words of one synchronizer. */
export class Cell {
  /** The memory. */
  readonly region: Region;
  /** The memory's words. */
  readonly words: Int32Array<ArrayBufferLike>;
  /** The index of its first word. */
  readonly base: number;
  /** True if it is new: its words are to be set. */
  readonly fresh: boolean;
  /** Its id in reports. */
  readonly id: number;
  /** Its name in reports. */
  readonly name: string | undefined;
  readonly #placement: Placement;

  /** Takes the place in the options, or `count` new words on the heap. */
  constructor(kind: Kind, count: number, options: NameOptions & Placed) {
    const action = `create a ${kind}`;
    checkOptions(options, action);
    checkString(options.name, "name", action);
    this.name = options.name;
    const placement = this.#placement = options[AT] ?? onHeap(count);
    const { region, base, fresh } = placement;
    this.region = region;
    this.words = region.words;
    this.base = base;
    this.fresh = fresh;
    if (fresh) this.words[base + ID] = region.parties.roster.enroll(kindNumber(kind), options.name);
    this.id = this.words[base + ID]!;
  }

  /** The ident of the calling thread among those who share the words. */
  get me(): number {
    return this.region.parties.me;
  }

  /** The state that a handle elsewhere is made from. */
  share(world: World, place: () => string, kind: string): SentCell {
    return { at: this.#placement.share(world, place, kind), name: this.name };
  }

  /** Reads a word. */
  at(word: number): number {
    return Atomics.load(this.words, this.base + word);
  }

  /** Changes a word that is waited on, and wakes up to `count` of those who do. */
  ring(word: number, count: number): void {
    Atomics.add(this.words, this.base + word, 1);
    this.region.wake(this.base + word, count);
  }

  /** Its name in errors. */
  title(kind: string): string {
    return title(kind, this.name);
  }
}

/** The name in errors of a thing that may have one. */
export function title(kind: string, name: string | undefined): string {
  return name === undefined ? `the ${kind}` : `the ${kind} ${JSON.stringify(name)}`;
}
