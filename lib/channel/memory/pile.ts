/**
 * A pile carries frames of bytes between processes, as a chain does, and gives them out in another
 * order: the newest first, or the least first.
 *
 * Its memory are cells of {@linkcode CELL} words, in blocks. A frame is a node, with its first
 * bytes, and as many cells behind it as it needs. The nodes are a leftist heap (C. A. Crane, 1972):
 * a binary tree in which a node comes before those below it, and whose way to the right is short;
 * a stack is one that has only left children.
 *
 * One mutex is for all. The state (root, count of frames and of puts, free cells) changes in one
 * store (`side.ts`), and what it leads to is never changed: a put or get makes new nodes for those
 * on its way to the right (as J. R. Driscoll et al., "Making Data Structures Persistent", 1989),
 * and those that they replace are free afterwards. Whether a cell is free is said by a word in it
 * that is used for nothing else. So whoever is killed, at whatever point, has changed nothing, or
 * all; a block that it had just taken is lost to the family.
 *
 * Waiting: who finds nothing, or no room, counts itself as a sleeper, and parks unless the state has
 * changed since. Shutting down is as in a chain (`chain.ts`), and so are its fences.
 *
 * @module
 */
import { ShutDown } from "../../core/errors.ts";
import { BLOCK_WORDS, type Blocks } from "../../memory/blocks.ts";
import type { Placement } from "../../memory/placement.ts";
import { isCancelled } from "../../memory/this_thread.ts";
import { type NameOptions, title } from "../../sync/cell.ts";
import { ASYNC } from "../../sync/mutex.ts";
import type { WaitOptions } from "../../sync/options.ts";
import { SpinBudget } from "../../sync/spin.ts";
import { checkCancelled, runAsync, runSync, type Steps } from "../../sync/steps.ts";
import { AT_WORK, CLOSED, DRAINING, fault, NOTHING, OPEN, SHUT } from "./chain.ts";
import type { Read } from "./frames.ts";
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

/** The words of a cell. The first cell of a block is not used, but for the block's {@linkcode OLDER}. */
const CELL = 16;
/** The first word of a block: the one that was taken before it. */
const OLDER = 0;
// Words of any cell.
const NEXT = 0;
/** The next free cell; nothing else is ever written here. */
const NEXT_FREE = 1;
const CELL_HEAD = 2;
// Further words of a node.
const LEFT = 2;
const RIGHT = 3;
/** The length of the way to the right, in nodes. */
const RANK = 4;
/** The number of its put. */
const NUMBER = 5;
/** The length of the frame, and of what its key is read from, in bytes. */
const LENGTH = 6;
const KEY = 7;
const NODE_HEAD = 8;

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

/** A change that is being made; it counts as a whole or not at all. */
interface Change {
  free: number;
  unused: number;
  /** The nodes that were made for it. */
  fresh: Set<number>;
  /** The cells that are free after it. */
  freed: number[];
  /** The blocks that were taken for it. */
  taken: number[];
  /** The keys that were read for it. */
  keys: Map<number, unknown>;
  /** True if keys without an order are an error. */
  isStrict: boolean;
}

/** What a put or get gives when it has to wait. */
const WAIT: unique symbol = Symbol("wait");
/** Thrown where memory is short. */
const NO_MEMORY: unique symbol = Symbol("no memory");

/** A pile of frames in shared memory. */
export class Pile {
  readonly #words: Int32Array<ArrayBufferLike>;
  readonly #base: number;
  readonly #blocks: Blocks;
  readonly #cells: Int32Array<ArrayBuffer>;
  readonly #bytes: Uint8Array<ArrayBuffer>;
  readonly #side: ChainSide;
  readonly #most: number;
  readonly #order: PileOrder | undefined;
  readonly #name: string | undefined;
  readonly #onDrop: (() => void) | undefined;
  readonly #spin = new SpinBudget();
  /** True while user's code compares. */
  #isComparing = false;

  /** Lays a pile over `CHAIN_WORDS` words; `CHAIN_EXTRA` are its owner's, as in a chain. */
  constructor(placement: Placement, blocks: Blocks, options: PileOptions) {
    const { region, base } = placement;
    this.#words = region.words;
    this.#base = base;
    this.#blocks = blocks;
    this.#cells = blocks.words;
    this.#bytes = blocks.bytes;
    this.#most = options.frames ?? Infinity;
    this.#order = options.order;
    this.#name = options.name;
    this.#onDrop = options.onDrop;
    this.#side = new ChainSide(placement, "Queue", options.name, base + SLEEPING, STATE_WORDS);
  }

  /** The number that reports know it by. */
  get id(): number {
    return this.#side.id;
  }

  /** The number of frames, at this moment. */
  get frames(): number {
    return this.#shut === CLOSED ? 0 : this.#count;
  }

  /** The number of frames that were ever put and not dropped, modulo 2^32. */
  get puts(): number {
    for (;;) {
      const { turn } = this.#side;
      const copy = this.#side.copy(turn);
      const puts = Atomics.load(this.#words, copy + PUTS);
      const count = Atomics.load(this.#words, copy + COUNT);
      if (this.#side.turn === turn) return this.#shut === CLOSED ? puts - count | 0 : puts;
    }
  }

  /** True if it has been shut down. */
  get isShut(): boolean {
    return this.#shut !== OPEN;
  }

  get #shut(): number {
    return Atomics.load(this.#words, this.#base + SHUT);
  }

  get #count(): number {
    for (;;) {
      const { turn } = this.#side;
      const count = Atomics.load(this.#words, this.#side.copy(turn) + COUNT);
      if (this.#side.turn === turn) return count;
    }
  }

  /**
   * Puts the first `length` bytes of `frame`; false when there is no room or others are at work.
   *
   * @throws {ShutDown} The pile has been shut down.
   * @throws {unknown} What comparing it throws; it is not in then.
   */
  tryPut(frame: Uint8Array, length: number): boolean {
    const { mutex } = this.#side;
    this.#checkIdle();
    if (!mutex.tryTake(mutex.me)) return false;
    const turn = mutex.enter(mutex.me);
    try {
      return this.#put(frame, length) !== WAIT;
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

  /** Puts a frame, waiting for room; false when the time was up. */
  async put(frame: Uint8Array, options: WaitOptions = {}): Promise<boolean> {
    const put = () => this.#put(frame, frame.length);
    const [steps, limit] = this.#limited(ASYNC, put, options.timeout);
    return await runAsync(steps, { ...options, timeout: limit }) ?? false;
  }

  /** As {@linkcode put}, but blocks. */
  putSync(frame: Uint8Array, timeout: number): boolean {
    const [steps, limit] = this.#limited(0, () => this.#put(frame, frame.length), timeout);
    return runSync(steps, limit) ?? false;
  }

  /** Takes the next frame, waiting for one; `NOTHING` when the time was up. */
  async get<T>(read: Read<T>, options: WaitOptions = {}): Promise<T | typeof NOTHING> {
    const [steps, limit] = this.#limited(ASYNC, () => this.#get(read), options.timeout);
    const found = await runAsync(steps, { ...options, timeout: limit });
    return found === undefined ? NOTHING : found.value;
  }

  /** As {@linkcode get}, but blocks. */
  getSync<T>(read: Read<T>, timeout: number): T | typeof NOTHING {
    const [steps, limit] = this.#limited(0, () => this.#get(read), timeout);
    const found = runSync(steps, limit);
    return found === undefined ? NOTHING : found.value;
  }

  /** The steps of a call, and their time: at 0 it waits only for those who are at work. */
  #limited<T>(
    kind: number,
    change: () => T | typeof WAIT,
    timeout = Infinity,
  ): [steps: Steps<T | undefined>, limit: number] {
    const isNow = timeout === 0;
    return [this.changing(kind, change, isNow ? now : undefined), isNow ? AT_WORK : timeout];
  }

  /** The steps of a put, for a driver of its own. */
  putting(frame: Uint8Array, length: number, kind: number): Steps<true | undefined> {
    return this.changing(kind, () => this.#put(frame, length));
  }

  /** The steps of a get, likewise. */
  getting<T>(read: Read<T>, kind: number): Steps<{ value: T } | undefined> {
    return this.changing(kind, () => this.#get(read));
  }

  /** Makes a change when it can be made; undefined when `isOver` has said so before. */
  *changing<T>(
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
      if (!mutex.tryTake(mine)) yield* mutex.take(mine, Infinity);
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
    const words = this.#words;
    const goal = immediate ? CLOSED : DRAINING;
    fault?.("shutdown: before it counts");
    for (let seen = this.#shut; seen < goal;) {
      const found = Atomics.compareExchange(words, this.#base + SHUT, seen, goal);
      if (found === seen) break;
      seen = found;
    }
    fault?.("shutdown: before the fence");
    this.#side.fence();
    fault?.("shutdown: before the wake-up");
    this.#side.wakeAll();
    const { mutex } = this.#side;
    if (!immediate || isCancelled() || !mutex.tryTake(mutex.me)) return;
    const turn = mutex.enter(mutex.me);
    try {
      this.#drop();
    } finally {
      mutex.leave(turn);
    }
  }

  /** The steps after which {@linkcode puts} is final, if frames have been dropped. */
  *settling(): Steps<void> {
    if (this.#shut !== CLOSED) return;
    const { mutex } = this.#side;
    if (!mutex.tryTake(mutex.me)) yield* mutex.take(mutex.me, Infinity);
    const turn = mutex.enter(mutex.me);
    try {
      this.#drop();
    } finally {
      mutex.leave(turn);
    }
  }

  #checkIdle(): void {
    if (this.#isComparing) throw new Error("Cannot use the queue: this thread compares its items");
  }

  #shutDownError(action: string): ShutDown {
    return new ShutDown(`Cannot ${action}: ${title("queue", this.#name)} has been shut down`);
  }

  /** Puts a frame; the mutex is held. */
  #put(frame: Uint8Array, length: number): true | typeof WAIT {
    const words = this.#words;
    const side = this.#side;
    const { turn } = side;
    if (words[this.#base + SHUT] !== OPEN) throw this.#shutDownError("put");
    const copy = side.copy(turn);
    const count = words[copy + COUNT]!;
    if (count >= this.#most) return WAIT;
    fault?.("put: before the bytes");
    const change = this.#begin(copy, true);
    const puts = words[copy + PUTS]! + 1 | 0;
    const root = words[copy + ROOT]!;
    let next: number;
    try {
      const node = this.#lay(change, frame, length);
      const cells = this.#cells;
      cells[node + NUMBER] = puts;
      cells[node + LENGTH] = length;
      cells[node + KEY] = this.#order?.keyLength(frame, length) ?? 0;
      cells[node + RANK] = 1;
      cells[node + LEFT] = this.#order === undefined ? root : 0;
      cells[node + RIGHT] = 0;
      next = this.#order === undefined ? node : this.#merge(change, root, node);
    } catch (error) {
      for (const block of change.taken) this.#blocks.give(block);
      if (error === NO_MEMORY) return WAIT;
      throw error;
    }
    fault?.("put: before it counts");
    this.#prepare(turn, next, count + 1, puts, change);
    if (!side.tryCount(turn)) {
      for (const block of change.taken) this.#blocks.give(block);
      checkCancelled();
      throw this.#shutDownError("put");
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
    if (words[this.#base + SHUT] === CLOSED) {
      this.#drop();
      throw this.#shutDownError("get");
    }
    const copy = side.copy(turn);
    const count = words[copy + COUNT]!;
    if (count === 0) {
      if (this.isShut) throw this.#shutDownError("get");
      return WAIT;
    }
    const root = words[copy + ROOT]!;
    const cells = this.#cells;
    const length = cells[root + LENGTH]!;
    const value = read(this.#read(root, length), 0, length);
    const change = this.#begin(copy, false);
    for (let cell = root; cell !== 0; cell = cells[cell + NEXT]!) change.freed.push(cell);
    let next = cells[root + LEFT]!;
    try {
      if (this.#order !== undefined) next = this.#merge(change, next, cells[root + RIGHT]!);
    } catch (error) {
      for (const block of change.taken) this.#blocks.give(block);
      if (error === NO_MEMORY) return WAIT;
      throw error;
    }
    fault?.("get: before it counts");
    let emptied = 0;
    if (count === 1) {
      // The oldest block is kept; there is nothing in it now.
      emptied = change.unused - 1 & ~(BLOCK_WORDS - 1);
      change.unused = this.#oldest(emptied) + CELL;
      change.free = 0;
      change.freed.length = 0;
    }
    this.#prepare(turn, next, count - 1, words[copy + PUTS]!, change);
    side.count(turn);
    fault?.("get: before the wake-up");
    this.#giveBlocks(emptied);
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
    const change = this.#begin(copy, false);
    const newest = change.unused - 1 & ~(BLOCK_WORDS - 1);
    change.unused = this.#oldest(newest) + CELL;
    change.free = 0;
    this.#prepare(turn, 0, 0, words[copy + PUTS]! - count | 0, change);
    side.count(turn);
    fault?.("drop: before the blocks");
    this.#giveBlocks(newest);
  }

  #begin(copy: number, isStrict: boolean): Change {
    return {
      free: this.#words[copy + FREE]!,
      unused: this.#words[copy + UNUSED]!,
      fresh: new Set(),
      freed: [],
      taken: [],
      keys: new Map(),
      isStrict,
    };
  }

  /** Writes the state that will count. */
  #prepare(turn: number, root: number, count: number, puts: number, change: Change): void {
    const cells = this.#cells;
    let { free } = change;
    for (const cell of change.freed) {
      cells[cell + NEXT_FREE] = free;
      free = cell;
    }
    const words = this.#words;
    const other = this.#side.copy(~turn);
    words[other + ROOT] = root;
    words[other + COUNT] = count;
    words[other + PUTS] = puts;
    words[other + FREE] = free;
    words[other + UNUSED] = change.unused;
  }

  /** Gives a cell that nothing is in. */
  #take(change: Change): number {
    const cells = this.#cells;
    const { free } = change;
    if (free !== 0) {
      change.free = cells[free + NEXT_FREE]!;
      return free;
    }
    if ((change.unused & BLOCK_WORDS - 1) === 0) {
      const block = this.#blocks.take();
      if (block === 0) throw NO_MEMORY;
      change.taken.push(block);
      cells[block + OLDER] = change.unused === 0 ? 0 : change.unused - BLOCK_WORDS;
      change.unused = block + CELL;
    }
    const cell = change.unused;
    change.unused += CELL;
    return cell;
  }

  /** Writes a frame into a new node and the cells behind it. */
  #lay(change: Change, frame: Uint8Array, length: number): number {
    const cells = this.#cells;
    const node = this.#take(change);
    change.fresh.add(node);
    let cell = node;
    let head = NODE_HEAD;
    for (let done = 0;;) {
      const room = CELL - head << 2;
      const part = Math.min(room, length - done);
      const at = cell + head << 2;
      for (let k = 0; k < part; k++) this.#bytes[at + k] = frame[done + k]!;
      done += part;
      if (done === length) break;
      const next = this.#take(change);
      cells[cell + NEXT] = next;
      cell = next;
      head = CELL_HEAD;
    }
    cells[cell + NEXT] = 0;
    return node;
  }

  /** The first `length` bytes of a frame. */
  #read(node: number, length: number): Uint8Array<ArrayBuffer> {
    const whole = new Uint8Array(length);
    let cell = node;
    let head = NODE_HEAD;
    for (let done = 0;;) {
      const part = Math.min(CELL - head << 2, length - done);
      const at = cell + head << 2;
      for (let k = 0; k < part; k++) whole[done + k] = this.#bytes[at + k]!;
      done += part;
      if (done === length) return whole;
      cell = this.#cells[cell + NEXT]!;
      head = CELL_HEAD;
    }
  }

  /** Merges two heaps; gives the root of both. */
  #merge(change: Change, a: number, b: number): number {
    if (a === 0) return b;
    if (b === 0) return a;
    const [first, second] = this.#isBefore(change, b, a) ? [b, a] : [a, b];
    const cells = this.#cells;
    const below = this.#merge(change, cells[first + RIGHT]!, second);
    const node = this.#own(change, first);
    const left = cells[node + LEFT]!;
    const isShort = left === 0 || cells[left + RANK]! < cells[below + RANK]!;
    cells[node + LEFT] = isShort ? below : left;
    cells[node + RIGHT] = isShort ? left : below;
    const right = cells[node + RIGHT]!;
    cells[node + RANK] = 1 + (right === 0 ? 0 : cells[right + RANK]!);
    return node;
  }

  /** A node that may be changed: one of this change's own, or a copy. */
  #own(change: Change, node: number): number {
    if (change.fresh.has(node)) return node;
    const cells = this.#cells;
    const copy = this.#take(change);
    for (let k = 0; k < CELL; k++) if (k !== NEXT_FREE) cells[copy + k] = cells[node + k]!;
    change.fresh.add(copy);
    change.freed.push(node);
    return copy;
  }

  /** True if `a` is to be given out before `b`. */
  #isBefore(change: Change, a: number, b: number): boolean {
    let order = 0;
    this.#isComparing = true;
    try {
      order = this.#order!.compare(this.#keyOf(change, a), this.#keyOf(change, b));
    } catch (error) {
      // In what was put in already, two without an order are given out in the order of put.
      if (change.isStrict) throw error;
    } finally {
      this.#isComparing = false;
    }
    if (order !== 0) return order < 0;
    return (this.#cells[a + NUMBER]! - this.#cells[b + NUMBER]! | 0) < 0;
  }

  #keyOf(change: Change, node: number): unknown {
    const { keys } = change;
    if (keys.has(node)) return keys.get(node);
    const key = this.#order!.read(this.#read(node, this.#cells[node + KEY]!));
    keys.set(node, key);
    return key;
  }

  #oldest(block: number): number {
    for (let older = block; older !== 0; older = this.#cells[block + OLDER]!) block = older;
    return block;
  }

  /** Gives back the blocks from `newest` on, but for the oldest. */
  #giveBlocks(newest: number): void {
    const cells = this.#cells;
    for (let block = newest; block !== 0;) {
      const older = cells[block + OLDER]!;
      if (older !== 0) this.#blocks.give(block);
      block = older;
    }
  }
}

const now = () => true;
