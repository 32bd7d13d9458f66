/**
 * The arena: the one memory that a family of processes shares for its locks, counters and queues'
 * heads. The first process that needs it makes it (a memory file without a name, so that nothing is
 * left behind after a crash); its children are told where to open it, and so on down.
 *
 * Layout: `NEXT` and the words about blocks, the roster of all threads of all processes that use
 * the arena, what {@linkcode Arena.allocate} gave out (for as long as the family lives), and the
 * blocks, which come back.
 *
 * @module
 */
import { show } from "../core/checks.ts";
import { ShareError } from "../core/errors.ts";
import { receiverMaps } from "../transfer/flight.ts";
import { Blocks } from "./blocks.ts";
import { MappedRegion } from "./mapped_region.ts";
import type { Placement } from "./placement.ts";
import { mayMap, platform } from "./platform/mod.ts";
import type { Mapping, Platform } from "./platform/platform.ts";
import type { Parties } from "./region.ts";
import { BELL, FAMILY, type Listed, MAIN, PID, Roster, ROSTER_WORDS, TWIN } from "./roster.ts";
import { self, twins } from "./this_thread.ts";

/** The arena's size. Only what is used takes memory. */
const BYTES = 1 << 30;
/** The part of it that holds the roster and what is allocated; the rest are blocks. */
const WORD_BYTES = 64 << 20;
const NEXT = 0;
/** The two words about the blocks. */
const BLOCKS = 2;
const ROSTER = 16;
const FIRST = ROSTER + ROSTER_WORDS;
/** Primitives lie one cache line apart, so that they do not slow each other down. */
const LINE = 16;

// Where a process's threads tell each other about its arena, in the header of their roster.
const FAMILY_STATE = FAMILY;
const FAMILY_FD = FAMILY + 1;
const FAMILY_LOW = FAMILY + 2;
const FAMILY_HIGH = FAMILY + 3;
const NONE = 0;
const OPENING = 1;
const OPEN = 2;

let arena: Arena | undefined;

function view(address: bigint, bytes: number): ArrayBuffer {
  return Deno.UnsafePointerView.getArrayBuffer(Deno.UnsafePointer.create(address)!, bytes);
}

/** The family's memory, as one thread sees it. */
export class Arena {
  readonly region: MappedRegion;
  readonly #roster: Roster;
  readonly #me: Listed;
  readonly #platform: Platform;
  readonly #fd: number;
  readonly #address: bigint;
  #blocks: Blocks | undefined;

  constructor(platform: Platform, { fd, address }: Mapping) {
    this.#platform = platform;
    this.#fd = fd;
    this.#address = address;
    const words = new Int32Array(view(address, WORD_BYTES));
    this.#roster = new Roster(words, ROSTER);
    const mine = self();
    const daemon = false;
    const name = mine.isMain ? twins.process : `${this.#process()}/${mine.roster.name(mine.slot)}`;
    this.#me = this.#join({ name, daemon, starter: 0, pid: Deno.pid });
    Atomics.store(mine.words, mine.slot + TWIN, this.#me.ident);
    this.region = new MappedRegion(platform, address, words, this.#parties(), this.#me.slot + BELL);
  }

  /** The name of this process from a thread of it. */
  #process(): string {
    const { roster, words } = self();
    const main = roster.slotOf(MAIN);
    const slot = main < 0 ? -1 : this.#roster.slotOf(words[main + TWIN]!);
    return slot < 0 ? `process ${Deno.pid}` : this.#roster.name(slot);
  }

  /** Enters this thread; where no slot is free, those of dead processes are freed first. */
  #join(entry: Parameters<Roster["join"]>[0]): Listed {
    const hold = (slot: number) => this.#platform.hold(this.#fd, slot);
    try {
      return this.#roster.join(entry, hold);
    } catch {
      for (const { ident } of this.#roster.list()) this.#isDead(ident);
      return this.#roster.join(entry, hold);
    }
  }

  #parties(): Parties {
    const { ident, slot } = this.#me;
    return { roster: this.#roster, slot, me: ident, isDead: (ident) => this.#isDead(ident) };
  }

  #isDead(ident: number): boolean {
    const roster = this.#roster;
    if (roster.isDead(ident)) return true;
    const slot = roster.slotOf(ident);
    // A process sees no marks of its own; its threads are buried by those who end them.
    if (slot < 0 || roster.words[slot + PID] === Deno.pid) return false;
    if (this.#platform.isHeld(this.#fd, slot)) return false;
    // It may have left, and another be in its slot.
    if (Atomics.load(roster.words, slot) !== ident) return roster.isDead(ident);
    roster.leave(slot, ident, true);
    return true;
  }

  /** Gives `count` words, all 0, on cache lines of their own. */
  allocate(count: number): Placement {
    const { words } = this.region;
    const lines = Math.ceil(count / LINE) * LINE;
    const base = FIRST + Atomics.add(words, NEXT, lines);
    if (base + lines > words.length) {
      throw new RangeError(
        `Cannot share more memory between processes: ${WORD_BYTES} bytes are in use`,
      );
    }
    return { region: this.region, base, fresh: true, share: sharer(base) };
  }

  /** The place that another member of the family speaks of. */
  place(sent: unknown, count: number): Placement {
    const base = sent as number;
    const end = FIRST + Atomics.load(this.region.words, NEXT);
    // What was allocated begins on a line of its own.
    const isPlace = Number.isInteger(base) && base >= FIRST && (base - FIRST) % LINE === 0;
    if (!isPlace || !(base + count <= end)) {
      throw new RangeError(`Cannot open shared memory: ${show(sent)} is not a place in it`);
    }
    return { region: this.region, base, fresh: false, share: sharer(base) };
  }

  /** The blocks that the family shares. */
  get blocks(): Blocks {
    return this.#blocks ??= new Blocks(
      view(this.#address + BigInt(WORD_BYTES), BYTES - WORD_BYTES),
      this.region.words,
      BLOCKS,
    );
  }

  /** Takes a thread of this process out of the family's roster. */
  leave(ident: number, dead: boolean): void {
    const slot = this.#roster.slotOf(ident);
    if (slot < 0) return;
    this.#platform.drop(this.#fd, slot);
    this.#roster.leave(slot, ident, dead);
  }

  /** Where a child opens the arena. */
  get path(): string {
    return this.#platform.path(this.#fd);
  }
}

/**
 * The family's arena; made, opened or taken from another thread of this process at the first call.
 *
 * @throws {Deno.errors.NotCapable} Without `--allow-ffi`.
 */
export function theArena(): Arena {
  if (arena !== undefined) return arena;
  const calls = platform();
  const { words } = self();
  for (;;) {
    const state = Atomics.compareExchange(words, FAMILY_STATE, NONE, OPENING);
    if (state === OPENING) {
      Atomics.wait(words as Int32Array<SharedArrayBuffer>, FAMILY_STATE, OPENING, 10);
      continue;
    }
    if (state === OPEN) break;
    let done = false;
    try {
      const { fd, address } = twins.inherited === undefined
        ? calls.create(BYTES)
        : calls.open(twins.inherited, BYTES);
      words[FAMILY_FD] = fd;
      words[FAMILY_LOW] = Number(address & 0xffffffffn) | 0;
      words[FAMILY_HIGH] = Number(address >> 32n);
      done = true;
    } finally {
      Atomics.store(words, FAMILY_STATE, done ? OPEN : NONE);
      Atomics.notify(words as Int32Array<SharedArrayBuffer>, FAMILY_STATE);
    }
  }
  const low = BigInt(words[FAMILY_LOW]! >>> 0);
  const address = BigInt(words[FAMILY_HIGH]!) << 32n | low;
  arena = new Arena(calls, { fd: words[FAMILY_FD]!, address });
  twins.leave = (ident, dead) => theArena().leave(ident, dead);
  twins.parties = arena.region.parties;
  return arena;
}

/**
 * The form in which a place is told to others: a child that may not use the memory cannot be told.
 */
function sharer(base: number): Placement["share"] {
  return (_world, place, name) => {
    if (receiverMaps()) return base;
    throw new ShareError(
      `Cannot share ${place()}: a ${name} between processes is shared memory, for which the child needs ` +
        `--allow-ffi; ${name === "pipe" ? PIPE_REMEDY : REMEDY}`,
      place(),
    );
  };
}

// Only who made a pipe can have it go over to a socket.
const PIPE_REMEDY = "have it made with pipe({ memory: false })";
const REMEDY = "give it that permission, or use a multiprocessing.Manager";

/** Where a child finds the arena; undefined where this process may not use one. */
export function arenaForChild(): string | undefined {
  return mayMap() ? theArena().path : undefined;
}

/** The family's arena, if there is one and this process may use it. */
export function familyArena(): Arena | undefined {
  const known = twins.inherited !== undefined || self().words[FAMILY_STATE] === OPEN;
  return arena ?? (known && mayMap() ? theArena() : undefined);
}
