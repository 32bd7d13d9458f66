/**
 * A chain carries frames of bytes between processes (and threads of them): it is a stream over
 * blocks of shared memory, which grows by a block when it needs one and gives each back when it has
 * been read.
 *
 * ```text
 *   HEAD                                                TAIL
 *    |  frame  frame  ...  -> next block: frame  ...  frame |  free
 *   read under the readers' mutex              written under the writers' mutex
 * ```
 *
 * A frame is its length in bytes, one word, and the bytes, padded to words. One of up to
 * {@linkcode WHOLE} bytes lies in one block (`SKIP` stands where it did not fit); a longer one goes
 * on in the next blocks. A block's first word is the index of the next.
 *
 * Each side's state is several words (position, count, bytes). They are kept twice, and `TURN` says
 * which copy counts: a change writes the other copy, then `TURN`, in one store. So a frame is in
 * the chain whole or not at all, however long it is, and is out of it or not, whenever somebody is
 * killed:
 *
 * - a writer before its store: the frame was never there; what it had written is written over;
 * - a writer after it: the frame is there; the mutex passes on; parked readers look after a slice;
 * - a reader before its store: the frame is still there, for the next; after it: that reader had
 *   it;
 * - a reader before it gave a block back: that block is lost to the family, until it ends.
 *
 * Waiting: a reader that finds nothing counts itself in `SLEEPERS`, looks again, and parks on the
 * writers' `TURN`. A writer wakes all who are parked if there are more than at its last wake-up; so
 * no wake-up is lost, and a busy writer does not wake the same sleeper many times. For room
 * likewise, the other way round.
 *
 * Shutting down is one compare-and-swap of `SHUT`:
 *
 * ```text
 *   OPEN -- shutDown(false) --> DRAINING -- shutDown(true) --> CLOSED
 *     \------------------------ shutDown(true) ---------------^
 * ```
 *
 * Who puts or gets looks at it when it has the mutex. A put that looked before and counts after
 * would bring an item that nobody expects any more. So behind `SHUT` comes a *fence*: `TURN` goes
 * on by two. The same copy counts as before, but the store by which a frame counts is a
 * compare-and-swap, and that fails. Who parks on `TURN` is woken by the same word. A get that
 * looked before the end still gets its frame: it came first.
 *
 * - killed before the swap, a shutdown has done nothing; behind it, all: who finds the chain shut
 *   and empty sets the fence anew before it says so, and parked ones look after a slice;
 * - frames that were dropped are passed over, and their blocks given back, by whoever has the
 *   readers' mutex next: `shutDown()` itself, a get, or a join. `FRAMES` of the readers stays: what
 *   was got was got.
 *
 * @module
 */
import { ShutDown } from "../../core/errors.ts";
import { BLOCK_WORDS, type Blocks } from "../../memory/blocks.ts";
import { AT, type Placement } from "../../memory/placement.ts";
import { isCancelled } from "../../memory/this_thread.ts";
import { Cell, type NameOptions, title } from "../../sync/cell.ts";
import { ASYNC, Mutex, MUTEX_WORDS } from "../../sync/mutex.ts";
import { SpinBudget, spinWhile } from "../../sync/spin.ts";
import { ALL, checkCancelled, type Park, runAsync, runSync, type Steps } from "../../sync/steps.ts";
import type { WaitOptions } from "../../sync/options.ts";

// Each side has a cache line of its own: a mutex, and its state.
const LINE = 16;
const WRITERS = 0;
const READERS = LINE;
/** How many sleepers of the other side had counted themselves at the last wake-up. */
const SERVED = MUTEX_WORDS + 1;
const COPIES = MUTEX_WORDS + 2;
const COPY_WORDS = 3;
// In a copy: how far it is, how many frames, how many bytes. The numbers wrap around.
const POSITION = 0;
const FRAMES = 1;
const BYTES = 2;
// Words that both sides use.
const SLEEPING_READERS = 2 * LINE;
const SLEEPING_WRITERS = 3 * LINE;
/** Where the first frame was written. */
const FIRST = 3 * LINE + 1;
/** Words that are left to the owner of the chain. */
export const CHAIN_EXTRA: number = 3 * LINE + 2;
/**
 * From the beginning of a side to its `TURN`, which lies on a line of its own: those who spin on it
 * do not take the other words away from who is at work.
 */
const TURN = 4 * LINE;
/** Whether it is shut; hardly ever written, and read at each call: on a line of its own. */
const SHUT = 6 * LINE;
/** The words that a chain takes. */
export const CHAIN_WORDS: number = 7 * LINE;

/** `SHUT`: it takes frames. */
const OPEN = 0;
/** `SHUT`: it takes none, and gives those that it has. */
const DRAINING = 1;
/** `SHUT`: it neither takes nor gives any. */
const CLOSED = 2;

/** The longest frame that lies in one block, in bytes. */
export const WHOLE: number = BLOCK_WORDS * 2;
const SKIP = -1;
/** How many pauses are between two looks of {@linkcode Chain.spinForFrame}: some 0.1 µs. */
const PAUSES = 4;
/**
 * How long a call that does not wait waits for those who are at work on the chain: they take
 * microseconds.
 */
const AT_WORK = 1000;
/** Below this many bytes a loop is quicker than a call that copies. */
const LOOP_LIMIT = 64;

/**
 * Reads a frame where it lies: `length` bytes from `start`. Called under the readers' mutex: it
 * runs no user's code.
 */
export type Read<T> = (bytes: Uint8Array<ArrayBuffer>, start: number, length: number) => T;

/**
 * Writes a frame where it will lie, at `start` of `bytes`; gives its length. Called under the
 * writers' mutex: it runs no user's code.
 */
export type Fill = (bytes: Uint8Array<ArrayBuffer>, start: number) => number;

/** How much a chain may hold, and what reports call it. */
export interface ChainOptions extends NameOptions {
  /** What it is part of. Default: Queue. */
  kind?: "Queue" | "Pipe";
  /** Frames. Default: any number. */
  frames?: number;
  /** Bytes; one longer frame goes alone. Default: any number. */
  bytes?: number;
  /** Called before frames are dropped; more than once if somebody is killed meanwhile. */
  onDrop?: () => void;
}

// How a write ended.
const DONE = 0;
const NO_ROOM = 1;
const NO_MEMORY = 2;

/** What {@linkcode Chain.tryGet} gives when there is no frame. */
export const NOTHING: unique symbol = Symbol("nothing");

const now = () => true;

let fault: ((point: string) => void) | undefined;

/** Has a function called at each point where a death matters; for tests. */
export function setFault(hook: ((point: string) => void) | undefined): void {
  fault = hook;
}

/** One side's state, read out. */
interface Side {
  position: number;
  frames: number;
  bytes: number;
}

/** A stream of frames in shared memory. */
export class Chain {
  readonly #placement: Placement;
  readonly #words: Int32Array<ArrayBufferLike>;
  readonly #base: number;
  readonly #blocks: Blocks;
  readonly #id: number;
  readonly #writers: Mutex;
  readonly #readers: Mutex;
  readonly #mostFrames: number;
  readonly #mostBytes: number;
  readonly #name: string | undefined;
  readonly #onDrop: (() => void) | undefined;
  readonly #itemSpin = new SpinBudget();
  readonly #roomSpin = new SpinBudget();
  // What the other side had when this handle last looked: it can only have more now.
  #puts = 0;
  #gets = 0;
  /** How long the frame was that was filled in last. */
  #filled = 0;
  #gotBytes = 0;

  /** Lays a chain over `CHAIN_WORDS` words. */
  constructor(placement: Placement, blocks: Blocks, options: ChainOptions) {
    const { region, base } = placement;
    this.#placement = placement;
    this.#words = region.words;
    this.#base = base;
    this.#blocks = blocks;
    this.#mostFrames = options.frames ?? Infinity;
    this.#mostBytes = options.bytes ?? Infinity;
    this.#onDrop = options.onDrop;
    const { kind = "Queue", name } = options;
    this.#name = name;
    const side = (at: number) =>
      new Cell(kind, MUTEX_WORDS, { name, [AT]: { ...placement, base: base + at } });
    const writers = side(WRITERS);
    this.#id = writers.id;
    this.#writers = new Mutex(writers);
    this.#readers = new Mutex(side(READERS));
  }

  /** What reports know it by. */
  get id(): number {
    return this.#id;
  }

  /** How many frames there are, at this moment. */
  get frames(): number {
    if (this.#shut === CLOSED) return 0;
    // In this order: what is read later can only be further.
    const gets = this.#side(READERS).frames;
    return Math.max(0, this.#side(WRITERS).frames - gets | 0);
  }

  /** How many frames were ever put and not dropped, modulo 2^32. */
  get puts(): number {
    return this.#side(this.#shut === CLOSED ? READERS : WRITERS).frames;
  }

  /** Whether it has been shut down. */
  get isShut(): boolean {
    return this.#shut !== OPEN;
  }

  get #shut(): number {
    return Atomics.load(this.#words, this.#base + SHUT);
  }

  /** Whether there is room for a frame of `length` bytes, at this moment. */
  hasRoom(length: number): boolean {
    const { frames, bytes } = this.#side(WRITERS);
    return this.#isRoom(frames, bytes, length, true);
  }

  /**
   * Puts the first `length` bytes of `frame`, or what `frame` writes, of `length` bytes at most,
   * and at most
   * {@linkcode WHOLE}; false when there is no room or others are writing.
   *
   * @throws {ShutDown} The chain has been shut down.
   */
  tryPut(frame: Uint8Array | Fill, length: number): boolean {
    const mutex = this.#writers;
    if (!mutex.tryTake(mutex.me)) return false;
    const turn = mutex.enter(mutex.me);
    try {
      return this.#write(frame, length) === DONE;
    } finally {
      mutex.leave(turn);
    }
  }

  /**
   * Takes the next frame, or gives {@linkcode NOTHING} when there is none or others are reading.
   *
   * @throws {ShutDown} The chain has been shut down, and nothing is left in it.
   */
  tryGet<T>(read: Read<T>): T | typeof NOTHING {
    const mutex = this.#readers;
    if (!mutex.tryTake(mutex.me)) return NOTHING;
    const turn = mutex.enter(mutex.me);
    try {
      return this.#read(read);
    } finally {
      mutex.leave(turn);
    }
  }

  /** Puts a frame, waiting for room; false when the time was up. */
  async put(frame: Uint8Array, options: WaitOptions = {}): Promise<boolean> {
    const isNow = options.timeout === 0;
    const steps = this.putting(frame, frame.length, ASYNC, isNow ? now : undefined);
    return await runAsync(steps, isNow ? { ...options, timeout: AT_WORK } : options) ?? false;
  }

  /** As {@linkcode put}, but blocks. */
  putSync(frame: Uint8Array, timeout: number): boolean {
    const isNow = timeout === 0;
    const steps = this.putting(frame, frame.length, 0, isNow ? now : undefined);
    return runSync(steps, isNow ? AT_WORK : timeout) ?? false;
  }

  /** Takes the next frame, waiting for one; `NOTHING` when the time was up. */
  async get<T>(read: Read<T>, options: WaitOptions = {}): Promise<T | typeof NOTHING> {
    const isNow = options.timeout === 0;
    const steps = this.getting(read, ASYNC, isNow ? now : undefined);
    const found = await runAsync(steps, isNow ? { ...options, timeout: AT_WORK } : options);
    return found === undefined ? NOTHING : found.value;
  }

  /** As {@linkcode get}, but blocks. */
  getSync<T>(read: Read<T>, timeout: number): T | typeof NOTHING {
    const isNow = timeout === 0;
    const steps = this.getting(read, 0, isNow ? now : undefined);
    const found = runSync(steps, isNow ? AT_WORK : timeout);
    return found === undefined ? NOTHING : found.value;
  }

  /** The steps of {@linkcode tryPut}; false when `isOver` has said so before there was room. */
  *putting(
    frame: Uint8Array | Fill,
    length: number,
    kind: number,
    isOver?: () => boolean,
  ): Steps<boolean> {
    const mutex = this.#writers;
    const mine = mutex.me | kind;
    const park = this.#park(READERS, this.#roomSpin);
    for (;;) {
      if (!mutex.tryTake(mine)) yield* mutex.take(mine, Infinity);
      const turn = mutex.enter(mine);
      let how: number;
      try {
        how = this.#write(frame, length);
      } finally {
        mutex.leave(turn);
      }
      if (how === DONE) return true;
      Atomics.add(this.#words, this.#base + SLEEPING_WRITERS, 1);
      park.value = this.#turn(READERS);
      // Memory that is short may come back from other chains: then a slice is waited.
      if (how === NO_ROOM && this.hasRoom(length) || this.isShut) continue;
      if (isOver?.()) return false;
      yield park;
    }
  }

  /** The steps of a get; undefined when `isOver` has said so and there is no frame. */
  *getting<T>(
    read: Read<T>,
    kind: number,
    isOver?: () => boolean,
  ): Steps<{ value: T } | undefined> {
    const mutex = this.#readers;
    const mine = mutex.me | kind;
    const park = this.#park(WRITERS, this.#itemSpin);
    for (;;) {
      if (!mutex.tryTake(mine)) yield* mutex.take(mine, Infinity);
      const turn = mutex.enter(mine);
      let value: T | typeof NOTHING;
      try {
        value = this.#read(read);
      } finally {
        mutex.leave(turn);
      }
      if (value !== NOTHING) return { value };
      Atomics.add(this.#words, this.#base + SLEEPING_READERS, 1);
      park.value = this.#turn(WRITERS);
      if (this.frames > 0 || this.isShut) continue;
      if (isOver?.()) {
        // The last frame may have come just before.
        if (this.frames > 0) continue;
        return undefined;
      }
      yield park;
    }
  }

  /** The steps of waiting until there is a frame, which is left where it is. */
  *waiting(until: () => boolean): Steps<true> {
    const park = this.#park(WRITERS, this.#itemSpin);
    for (;;) {
      Atomics.add(this.#words, this.#base + SLEEPING_READERS, 1);
      park.value = this.#turn(WRITERS);
      if (this.frames > 0 || until()) return true;
      yield park;
    }
  }

  /**
   * Spins for a frame, as long as that has paid lately; false when it did not come. Who spins is no
   * sleeper: the writer need not wake it.
   */
  spinForFrame(spin: SpinBudget): boolean {
    return this.#spinFor(WRITERS, spin);
  }

  /** As {@linkcode spinForFrame}, for room. */
  spinForRoom(spin: SpinBudget): boolean {
    return this.#spinFor(READERS, spin);
  }

  #spinFor(side: number, spin: SpinBudget): boolean {
    const words = this.#words;
    const index = this.#base + side + TURN;
    const value = Atomics.load(words, index);
    if (side === WRITERS && this.frames > 0) return true;
    return spinWhile(words, index, value, spin, PAUSES);
  }

  /** Blocks for a frame, for so short a time that an event loop can bear it; whether it came. */
  napForFrame(ms: number): boolean {
    const { region, base } = this.#placement;
    const value = this.#turn(WRITERS);
    Atomics.add(this.#words, base + SLEEPING_READERS, 1);
    if (this.frames === 0) region.waitSync(base + WRITERS + TURN, value, ms);
    return this.#turn(WRITERS) !== value || this.frames > 0;
  }

  /**
   * Shuts the chain down: nothing goes in any more. What is in it can still be taken, or is dropped
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
    this.#fence(WRITERS);
    this.#fence(READERS);
    fault?.("shutdown: before the wake-up");
    this.wakeAll();
    const mutex = this.#readers;
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
    const mutex = this.#readers;
    if (!mutex.tryTake(mutex.me)) yield* mutex.take(mutex.me, Infinity);
    const turn = mutex.enter(mutex.me);
    try {
      this.#drop();
    } finally {
      mutex.leave(turn);
    }
  }

  /** Has everybody who waits look again. */
  wakeAll(): void {
    const { region, base } = this.#placement;
    region.wake(base + WRITERS + TURN, ALL);
    region.wake(base + READERS + TURN, ALL);
  }

  #park(side: number, spin: SpinBudget): Park {
    const { region, base } = this.#placement;
    return { region, index: base + side + TURN, value: 0, on: this.#id, spin };
  }

  #turn(side: number): number {
    return Atomics.load(this.#words, this.#base + side + TURN);
  }

  /** Reads a side's state; also while it changes. */
  #side(side: number): Side {
    const words = this.#words;
    for (;;) {
      const turn = this.#turn(side);
      const copy = this.#base + side + COPIES + (turn & 1) * COPY_WORDS;
      const position = Atomics.load(words, copy + POSITION);
      const frames = Atomics.load(words, copy + FRAMES);
      const bytes = Atomics.load(words, copy + BYTES);
      if (this.#turn(side) === turn) return { position, frames, bytes };
    }
  }

  #shutDownError(action: string): ShutDown {
    return new ShutDown(`Cannot ${action}: ${title("queue", this.#name)} has been shut down`);
  }

  /**
   * Has no frame count that was begun before `SHUT` was set; the copy that counts stays the same.
   */
  #fence(side: number): void {
    Atomics.add(this.#words, this.#base + side + TURN, 2);
  }

  /** Has a side's other copy count, fences or not; that side's mutex is held. */
  #count(side: number, turn: number): void {
    const index = this.#base + side + TURN;
    for (let seen = turn;;) {
      const found = Atomics.compareExchange(this.#words, index, seen, seen + 1 | 0);
      if (found === seen) return;
      // A thread that was cut off in between no longer has the mutex.
      if ((found - turn & 1) !== 0) checkCancelled();
      seen = found;
    }
  }

  #isRoom(puts: number, putBytes: number, length: number, fresh: boolean): boolean {
    if (fresh) {
      const { frames, bytes } = this.#side(READERS);
      this.#gets = frames;
      this.#gotBytes = bytes;
    }
    const frames = puts - this.#gets | 0;
    if (frames >= this.#mostFrames) return false;
    return frames === 0 || (putBytes - this.#gotBytes | 0) + length <= this.#mostBytes;
  }

  /** Writes a frame, or says why not; the writers' mutex is held. */
  #write(frame: Uint8Array | Fill, length: number): number {
    const words = this.#words;
    const line = this.#base + WRITERS;
    // In this order: see #fence(). What is read plainly behind an atomic operation is no older than
    // that.
    const turn = this.#turn(WRITERS);
    if (words[this.#base + SHUT] !== OPEN) throw this.#shutDownError("put");
    const copy = line + COPIES + (turn & 1) * COPY_WORDS;
    const puts = words[copy + FRAMES]!;
    const bytes = words[copy + BYTES]!;
    if (!this.#isRoom(puts, bytes, length, false) && !this.#isRoom(puts, bytes, length, true)) {
      return NO_ROOM;
    }
    fault?.("put: before the bytes");
    const position = this.#lay(words[copy + POSITION]!, frame, length);
    if (position < 0) return NO_MEMORY;
    if (typeof frame === "function") length = this.#filled;
    fault?.("put: before it counts");
    const other = line + COPIES + (~turn & 1) * COPY_WORDS;
    words[other + POSITION] = position;
    words[other + FRAMES] = puts + 1;
    words[other + BYTES] = bytes + length;
    if (Atomics.compareExchange(words, line + TURN, turn, turn + 1 | 0) !== turn) {
      checkCancelled();
      throw this.#shutDownError("put");
    }
    fault?.("put: before the wake-up");
    this.#wake(WRITERS, SLEEPING_READERS);
    return DONE;
  }

  /**
   * Lays the bytes from `position` on; gives where the next frame goes, or -1 when memory is short.
   */
  #lay(position: number, frame: Uint8Array | Fill, length: number): number {
    const { words, bytes } = this.#blocks;
    if (position === 0) {
      // After a death here the block of the first try is used.
      const known = this.#words[this.#base + FIRST]!;
      const first = known !== 0 ? known : this.#blocks.take();
      if (first === 0) return -1;
      this.#words[this.#base + FIRST] = first;
      position = first + 1;
    }
    if ((position & BLOCK_WORDS - 1) === 0) {
      const next = this.#next(position - 1);
      if (next === 0) return -1;
      position = next + 1;
    }
    const size = length + 3 >> 2;
    let room = BLOCK_WORDS - (position & BLOCK_WORDS - 1) - 1;
    if (size > room && length <= WHOLE) {
      const next = this.#next(position);
      if (next === 0) return -1;
      words[position] = SKIP;
      position = next + 1;
      room = BLOCK_WORDS - 2;
    }
    let at = position + 1 << 2;
    if (typeof frame === "function") {
      const filled = this.#filled = words[position] = frame(bytes, at);
      return position + 1 + (filled + 3 >> 2);
    }
    words[position] = length;
    if (size <= room) {
      if (length < LOOP_LIMIT) { for (let k = 0; k < length; k++) bytes[at + k] = frame[k]!; }
      else bytes.set(length === frame.length ? frame : frame.subarray(0, length), at);
      return position + 1 + size;
    }
    for (let done = 0;;) {
      const part = Math.min(length - done, room << 2);
      bytes.set(frame.subarray(done, done + part), at);
      done += part;
      if (done === length) return (at >> 2) + (part + 3 >> 2);
      const next = this.#next((at >> 2) - 1);
      if (next === 0) return -1;
      at = next + 1 << 2;
      room = BLOCK_WORDS - 1;
    }
  }

  /**
   * The block after the one that `position` is in; one that was added and never used serves as
   * well.
   */
  #next(position: number): number {
    const { words } = this.#blocks;
    const block = position & ~(BLOCK_WORDS - 1);
    const known = words[block]!;
    if (known !== 0) return known;
    const next = this.#blocks.take();
    words[block] = next;
    return next;
  }

  /** Takes the next frame; the readers' mutex is held. */
  #read<T>(read: Read<T>): T | typeof NOTHING {
    const words = this.#words;
    const line = this.#base + READERS;
    const turn = words[line + TURN]!;
    if (words[this.#base + SHUT] === CLOSED) {
      this.#drop();
      throw this.#shutDownError("get");
    }
    const copy = line + COPIES + (turn & 1) * COPY_WORDS;
    const gets = words[copy + FRAMES]!;
    if (!this.#hasPuts(gets)) {
      if (!this.isShut) return NOTHING;
      // From here on nothing comes, whoever was killed while it shut the chain.
      this.#fence(WRITERS);
      if (!this.#hasPuts(gets)) throw this.#shutDownError("get");
    }
    const { words: memory, bytes } = this.#blocks;
    const before = words[copy + POSITION]!;
    let position = before === 0 ? words[this.#base + FIRST]! + 1 : before;
    if ((position & BLOCK_WORDS - 1) === 0) position = memory[position - BLOCK_WORDS]! + 1;
    if (memory[position] === SKIP) position = memory[position & ~(BLOCK_WORDS - 1)]! + 1;
    const length = memory[position]!;
    const size = length + 3 >> 2;
    const room = BLOCK_WORDS - (position & BLOCK_WORDS - 1) - 1;
    let value: T;
    if (size <= room) {
      value = read(bytes, position + 1 << 2, length);
      position += 1 + size;
    } else {
      const whole = new Uint8Array(length);
      let from = position + 1;
      let left = room;
      for (let done = 0;;) {
        const part = Math.min(length - done, left << 2);
        whole.set(bytes.subarray(from << 2, (from << 2) + part), done);
        done += part;
        position = from + (part + 3 >> 2);
        if (done === length) break;
        from = memory[from - 1 & ~(BLOCK_WORDS - 1)]! + 1;
        left = BLOCK_WORDS - 1;
      }
      value = read(whole, 0, length);
    }
    fault?.("get: before it counts");
    const other = line + COPIES + (~turn & 1) * COPY_WORDS;
    words[other + POSITION] = position;
    words[other + FRAMES] = gets + 1;
    words[other + BYTES] = words[copy + BYTES]! + length;
    this.#count(READERS, turn);
    fault?.("get: before the wake-up");
    this.#free(before, position);
    if (this.#isWorthWaking(words[other + BYTES]!)) this.#wake(READERS, SLEEPING_WRITERS);
    return value;
  }

  /** Whether there are more puts than `gets`. */
  #hasPuts(gets: number): boolean {
    if ((this.#puts - gets | 0) > 0) return true;
    this.#puts = this.#side(WRITERS).frames;
    return (this.#puts - gets | 0) > 0;
  }

  /**
   * Passes over the frames that nobody will get; the readers' mutex is held, and the chain is
   * closed.
   */
  #drop(): void {
    const words = this.#words;
    const line = this.#base + READERS;
    this.#fence(WRITERS);
    const { position, bytes } = this.#side(WRITERS);
    const turn = this.#turn(READERS);
    const copy = line + COPIES + (turn & 1) * COPY_WORDS;
    const before = words[copy + POSITION]!;
    if (before === position) return;
    this.#onDrop?.();
    fault?.("drop: before it counts");
    const other = line + COPIES + (~turn & 1) * COPY_WORDS;
    words[other + POSITION] = position;
    words[other + FRAMES] = words[copy + FRAMES]!;
    words[other + BYTES] = bytes;
    this.#count(READERS, turn);
    fault?.("drop: before the blocks");
    this.#free(before, position);
  }

  /** Gives back the blocks that lie wholly before `position`. */
  #free(before: number, position: number): void {
    if (before === 0) before = this.#words[this.#base + FIRST]! + 1;
    const { words } = this.#blocks;
    // Where the position is a block's end, that block is still needed to find the next.
    const last = position - 1 & ~(BLOCK_WORDS - 1);
    let block = before - 1 & ~(BLOCK_WORDS - 1);
    while (block !== last) {
      const next = words[block]!;
      this.#blocks.give(block);
      block = next;
    }
  }

  /**
   * Whether writers that wait are woken: where bytes are counted, when half of the room is free, so
   * that a stream of messages costs a wake-up now and then, and not one each. Whoever waits looks
   * after a slice anyway.
   */
  #isWorthWaking(gotBytes: number): boolean {
    const most = this.#mostBytes;
    if (most === Infinity) return true;
    const words = this.#words;
    const sleepers = Atomics.load(words, this.#base + SLEEPING_WRITERS);
    if (words[this.#base + READERS + SERVED] === sleepers) return false;
    return (this.#side(WRITERS).bytes - gotBytes | 0) <= most / 2;
  }

  /**
   * Wakes the other side's sleepers, if some came since the last time; this side's mutex is held.
   */
  #wake(side: number, sleeping: number): void {
    const words = this.#words;
    const sleepers = Atomics.load(words, this.#base + sleeping);
    const served = this.#base + side + SERVED;
    if (words[served] === sleepers) return;
    words[served] = sleepers;
    this.#placement.region.wake(this.#base + side + TURN, ALL);
  }
}
