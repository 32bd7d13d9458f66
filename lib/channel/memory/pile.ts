/**
 * A pile carries frames of bytes between processes, as a chain does, and gives them out in another
 * order: the newest first, or the least first.
 *
 * Frames are nodes (`cells.ts`) of a leftist heap (C. A. Crane, 1972): a binary tree in which a
 * node comes before those below it, and whose way to the right is short. A stack is one that has
 * only left children.
 *
 * One mutex is for all. The state (root, counts, free cells) changes in one store (`side.ts`), and
 * what it leads to is never changed: a put or get makes new nodes for those on its way to the right
 * (as J. R. Driscoll et al., "Making Data Structures Persistent", 1989), and those that they
 * replace are free afterwards. So whoever is killed, at whatever point, has changed nothing, or
 * all.
 *
 * Waiting: who finds nothing, or no room, counts itself as a sleeper, and parks unless the state
 * has changed since. Shutting down is as in a chain (`chain.ts`), and so are its fences.
 *
 * @module
 */
import type { Blocks } from "../../memory/blocks.ts";
import type { Placement } from "../../memory/placement.ts";
import type { NameOptions } from "../../sync/cell.ts";
import { SpinBudget } from "../../sync/spin.ts";
import { checkCancelled, type Steps } from "../../sync/steps.ts";
import { Change, KEY, LEFT, LENGTH, NO_MEMORY, NUMBER, RANK, readNode, RIGHT } from "./cells.ts";
import { type BeforeCount, SHUT } from "./chain.ts";
import { fault } from "./fault.ts";
import { NOTHING, type Read } from "./frames.ts";
import { CLOSED, DRAINING, OPEN, Shutdown } from "./shutdown.ts";
import { ChainSide } from "./side.ts";

/** Where the sleepers count themselves: on a line that nothing else is on. */
const SLEEPING = 40;

// The state, from the beginning of a copy.
const ROOT = 0;
const COUNT = 1;
/** The number of puts that were not dropped, modulo 2^32. */
const PUTS = 2;
/** The first free cell; 0 for none. */
const FREE = 3;
/** The first word of the newest block that was never used; 0 where there is no block. */
const UNUSED = 4;
const STATE_WORDS = 5;

/** The order in which a pile gives frames out. Called under the mutex. */
export interface PileOrder {
  /** The number of bytes, from a frame's beginning on, that its key is read from. */
  keyLength(frame: Uint8Array, length: number): number;
  /** Reads a key. */
  read(bytes: Uint8Array<ArrayBuffer>): unknown;
  /** Compares two keys: negative when `a` is to be given out first. */
  compare(a: unknown, b: unknown): number;
}

/** How much a pile may hold, and in which order. */
export interface PileOptions extends NameOptions {
  /** Frames. Default: any number. */
  frames?: number;
  /** Its order. Default: the newest first. */
  order?: PileOrder | undefined;
  /** Called before frames are dropped; more than once if somebody is killed meanwhile. */
  onDrop?: () => void;
}

/** What a put or get gives when it has to wait. */
const WAIT: unique symbol = Symbol("wait");

/** A pile of frames in shared memory. */
export class Pile {
  readonly #words: Int32Array<ArrayBufferLike>;
  readonly #blocks: Blocks;
  readonly #cells: Int32Array<ArrayBufferLike>;
  readonly #side: ChainSide;
  readonly #most: number;
  readonly #order: PileOrder | undefined;
  readonly #shutdown: Shutdown;
  readonly #onDrop: (() => void) | undefined;
  readonly #spin = new SpinBudget();
  readonly #count = (copy: number) => Atomics.load(this.#words, copy + COUNT);
  /** True while user's code compares. */
  #isComparing = false;

  /** Lays a pile over `CHAIN_WORDS` words; `CHAIN_EXTRA` are its owner's, as in a chain. */
  constructor(placement: Placement, blocks: Blocks, options: PileOptions) {
    const { region, base } = placement;
    this.#words = region.words;
    this.#blocks = blocks;
    this.#cells = blocks.words;
    this.#most = options.frames ?? Infinity;
    this.#order = options.order;
    this.#onDrop = options.onDrop;
    const { name } = options;
    this.#side = new ChainSide(placement, "Queue", name, base + SLEEPING, STATE_WORDS);
    this.#shutdown = new Shutdown(
      this.#words,
      base + SHUT,
      [this.#side],
      () => this.#drop(),
      name,
    );
  }

  /** The number that reports know it by. */
  get id(): number {
    return this.#side.id;
  }

  /** The number of frames, at this moment. */
  get frames(): number {
    return this.#shutdown.state === CLOSED ? 0 : this.#side.read(this.#count);
  }

  /** The number of frames that were ever put and not dropped, modulo 2^32. */
  get puts(): number {
    const words = this.#words;
    return this.#side.read((copy) => {
      const puts = Atomics.load(words, copy + PUTS);
      return this.#shutdown.state === CLOSED ? puts - this.#count(copy) | 0 : puts;
    });
  }

  /** True if it has been shut down. */
  get isShut(): boolean {
    return this.#shutdown.state !== OPEN;
  }

  /**
   * Puts the first `length` bytes of `frame`; false when there is no room or others are at work.
   *
   * @throws {ShutDown} The pile has been shut down.
   * @throws {unknown} What comparing it throws; it is not in then.
   */
  tryPut(frame: Uint8Array, length: number, before?: BeforeCount): boolean {
    const { mutex } = this.#side;
    this.#checkIdle();
    if (!mutex.tryTake(mutex.me)) return false;
    const turn = mutex.enter(mutex.me);
    try {
      return this.#put(frame, length, before) !== WAIT;
    } finally {
      mutex.leave(turn);
    }
  }

  /**
   * Takes the next frame, or gives {@linkcode NOTHING} when there is none or others are at work.
   *
   * @throws {ShutDown} The pile has been shut down, and nothing is left in it.
   */
  tryGet<T>(read: Read<T>): T | typeof NOTHING {
    const { mutex } = this.#side;
    this.#checkIdle();
    if (!mutex.tryTake(mutex.me)) return NOTHING;
    const turn = mutex.enter(mutex.me);
    try {
      const found = this.#get(read);
      return found === WAIT ? NOTHING : found.value;
    } finally {
      mutex.leave(turn);
    }
  }

  /** The steps of a put; false when `isOver` has said so before there was room. */
  *putting(
    frame: Uint8Array,
    length: number,
    kind: number,
    isOver?: () => boolean,
    before?: BeforeCount,
  ): Steps<boolean> {
    const put = () => this.#put(frame, length, before);
    return (yield* this.#changing(kind, put, isOver)) ?? false;
  }

  /** The steps of a get; undefined when `isOver` has said so and there is no frame. */
  getting<T>(
    read: Read<T>,
    kind: number,
    isOver?: () => boolean,
  ): Steps<{ value: T } | undefined> {
    return this.#changing(kind, () => this.#get(read), isOver);
  }

  /** Makes a change when it can be made; undefined when `isOver` has said so before. */
  *#changing<T>(
    kind: number,
    change: () => T | typeof WAIT,
    isOver?: () => boolean,
  ): Steps<T | undefined> {
    const side = this.#side;
    const { mutex } = side;
    const mine = mutex.me | kind;
    const park = side.park(this.#spin);
    this.#checkIdle();
    for (;;) {
      if (!mutex.tryTake(mine)) yield* side.taking(mine);
      const turn = mutex.enter(mine);
      let result: T | typeof WAIT;
      let seen: number;
      try {
        seen = side.turn;
        result = change();
      } finally {
        mutex.leave(turn);
      }
      if (result !== WAIT) return result;
      park.value = side.sleep();
      if (park.value !== seen) continue;
      if (isOver?.()) return undefined;
      yield park;
    }
  }

  /**
   * Shuts the pile down: nothing goes in any more. What is in it can still be taken, or is dropped
   * when it is `immediate`. Who waits is woken.
   */
  shutDown(immediate: boolean): void {
    this.#shutdown.begin(immediate ? CLOSED : DRAINING);
  }

  /** The steps after which {@linkcode puts} is final, if frames have been dropped. */
  settling(): Steps<void> {
    return this.#shutdown.settling();
  }

  #checkIdle(): void {
    if (this.#isComparing) throw new Error("Cannot use the queue: this thread compares its items");
  }

  /** Puts a frame; the mutex is held. */
  #put(frame: Uint8Array, length: number, before?: BeforeCount): true | typeof WAIT {
    const words = this.#words;
    const side = this.#side;
    const { turn } = side;
    if (this.#shutdown.stateNow !== OPEN) throw this.#shutdown.error("put");
    const copy = side.copy(turn);
    const count = words[copy + COUNT]!;
    if (count >= this.#most) return WAIT;
    fault?.("put: before the bytes");
    side.checkTurn();
    const change = this.#begin(copy);
    const puts = words[copy + PUTS]! + 1 | 0;
    const root = words[copy + ROOT]!;
    let next: number;
    try {
      const node = change.lay(frame, length);
      const cells = this.#cells;
      cells[node + NUMBER] = puts;
      cells[node + KEY] = this.#order?.keyLength(frame, length) ?? 0;
      cells[node + RANK] = 1;
      cells[node + LEFT] = this.#order === undefined ? root : 0;
      cells[node + RIGHT] = 0;
      next = this.#order === undefined
        ? node
        : this.#merge(new Comparing(change, true), root, node);
      before?.();
    } catch (error) {
      change.undo();
      if (error === NO_MEMORY) return WAIT;
      throw error;
    }
    fault?.("put: before it counts");
    this.#prepare(turn, next, count + 1, puts, change);
    if (!side.tryCount(turn)) {
      change.undo();
      checkCancelled();
      throw this.#shutdown.error("put");
    }
    fault?.("put: before the wake-up");
    side.wake();
    return true;
  }

  /** Takes the next frame; the mutex is held. */
  #get<T>(read: Read<T>): { value: T } | typeof WAIT {
    const words = this.#words;
    const side = this.#side;
    const { turn } = side;
    if (this.#shutdown.stateNow === CLOSED) {
      this.#drop();
      throw this.#shutdown.error("get");
    }
    const copy = side.copy(turn);
    const count = words[copy + COUNT]!;
    if (count === 0) {
      if (this.isShut) throw this.#shutdown.error("get");
      return WAIT;
    }
    const root = words[copy + ROOT]!;
    const cells = this.#cells;
    const length = cells[root + LENGTH]!;
    const value = read(readNode(this.#blocks, root, length), 0, length);
    const change = this.#begin(copy);
    change.release(root);
    let next = cells[root + LEFT]!;
    try {
      if (this.#order !== undefined) {
        next = this.#merge(new Comparing(change, false), next, cells[root + RIGHT]!);
      }
    } catch (error) {
      change.undo();
      if (error === NO_MEMORY) return WAIT;
      throw error;
    }
    fault?.("get: before it counts");
    if (count === 1) change.clear();
    this.#prepare(turn, next, count - 1, words[copy + PUTS]!, change);
    side.count(turn);
    fault?.("get: before the wake-up");
    change.done();
    side.wake();
    return { value };
  }

  /** Drops the frames that nobody will get; the mutex is held, and the pile is closed. */
  #drop(): void {
    const words = this.#words;
    const side = this.#side;
    const { turn } = side;
    const copy = side.copy(turn);
    const count = words[copy + COUNT]!;
    if (count === 0) return;
    this.#onDrop?.();
    fault?.("drop: before it counts");
    const change = this.#begin(copy);
    for (const rest = [words[copy + ROOT]!]; rest.length > 0;) {
      const node = rest.pop()!;
      if (node === 0) continue;
      change.release(node);
      rest.push(this.#cells[node + LEFT]!, this.#cells[node + RIGHT]!);
    }
    change.clear();
    this.#prepare(turn, 0, 0, words[copy + PUTS]! - count | 0, change);
    side.count(turn);
    fault?.("drop: before the blocks");
    change.done();
  }

  #begin(copy: number): Change {
    return new Change(this.#blocks, this.#words[copy + FREE]!, this.#words[copy + UNUSED]!);
  }

  /** Writes the state that will count. */
  #prepare(turn: number, root: number, count: number, puts: number, change: Change): void {
    const words = this.#words;
    const other = this.#side.prepare(turn);
    words[other + ROOT] = root;
    words[other + COUNT] = count;
    words[other + PUTS] = puts;
    words[other + FREE] = change.linkFree();
    words[other + UNUSED] = change.unused;
  }

  /** Merges two heaps; gives the root of both. */
  #merge(comparing: Comparing, a: number, b: number): number {
    if (a === 0) return b;
    if (b === 0) return a;
    const [first, second] = this.#isBefore(comparing, b, a) ? [b, a] : [a, b];
    const cells = this.#cells;
    const below = this.#merge(comparing, cells[first + RIGHT]!, second);
    const node = comparing.change.own(first);
    const left = cells[node + LEFT]!;
    const isShort = left === 0 || cells[left + RANK]! < cells[below + RANK]!;
    cells[node + LEFT] = isShort ? below : left;
    cells[node + RIGHT] = isShort ? left : below;
    const right = cells[node + RIGHT]!;
    cells[node + RANK] = 1 + (right === 0 ? 0 : cells[right + RANK]!);
    return node;
  }

  /** True if `a` is to be given out before `b`. */
  #isBefore(comparing: Comparing, a: number, b: number): boolean {
    let order = 0;
    this.#isComparing = true;
    try {
      order = this.#order!.compare(this.#keyOf(comparing, a), this.#keyOf(comparing, b));
    } catch (error) {
      // In what was put in already, two without an order are given out in the order of put.
      if (comparing.isStrict) throw error;
    } finally {
      this.#isComparing = false;
    }
    if (order !== 0) return order < 0;
    return (this.#cells[a + NUMBER]! - this.#cells[b + NUMBER]! | 0) < 0;
  }

  #keyOf({ keys }: Comparing, node: number): unknown {
    if (keys.has(node)) return keys.get(node);
    const key = this.#order!.read(readNode(this.#blocks, node, this.#cells[node + KEY]!));
    keys.set(node, key);
    return key;
  }
}

/** A change for which nodes are compared. */
class Comparing {
  /** The keys that were read for it. */
  readonly keys = new Map<number, unknown>();

  /** @param isStrict True if keys without an order are an error. */
  constructor(readonly change: Change, readonly isStrict: boolean) {}
}
