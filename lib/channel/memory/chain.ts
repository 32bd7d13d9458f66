/**
 * A chain carries frames of bytes between processes (and threads of them): it is a queue over the
 * stream of blocks in `frames.ts`. Readers have one mutex, writers another.
 *
 * Each side's state changes in one store (`side.ts`). So a frame is in the chain whole or not at
 * all, however long it is, and is out of it or not, whenever somebody is killed:
 *
 * - a writer before its store: the frame was never there; what it had written is written over;
 * - a writer after it: the frame is there; the mutex passes on; parked readers look after a slice;
 * - a reader before its store: the frame is still there, for the next; after it: that reader had
 *   it;
 * - a reader before it gave a block back: that block is lost to the family, until it ends.
 *
 * Waiting: a reader that finds nothing counts itself as a sleeper, looks again, and parks until the
 * writers' state changes. For room likewise, the other way round.
 *
 * Shutting down: `shutdown.ts`. Frames that were dropped are passed over; the readers' count stays:
 * what was got was got.
 *
 * @module
 */
import type { Blocks } from "../../memory/blocks.ts";
import type { Placement } from "../../memory/placement.ts";
import type { NameOptions } from "../../sync/cell.ts";
import { SpinBudget } from "../../sync/spin.ts";
import { checkCancelled, type Steps } from "../../sync/steps.ts";
import { fault } from "./fault.ts";
import { type Fill, FrameStream, NOTHING, type Read } from "./frames.ts";
import { CLOSED, DRAINING, OPEN, Shutdown } from "./shutdown.ts";
import { ChainSide, LINE } from "./side.ts";

// The state of a side, from the beginning of a copy. The numbers wrap around.
/** Where the side is in the stream. */
const POSITION = 0;
/** The number of frames that it has put or got. */
const FRAMES = 1;
/** The number of bytes that those had. */
const BYTES = 2;
const STATE_WORDS = 3;

// Where the sides begin, and the words that both use.
const WRITERS = 0;
const READERS = LINE;
const SLEEPING_READERS = 2 * LINE;
const SLEEPING_WRITERS = 3 * LINE;
/** Where the first frame was written. */
const FIRST = 3 * LINE + 1;
/** Words that are left to the owner of the chain. */
export const CHAIN_EXTRA: number = 3 * LINE + 2;
/** True if it is shut; hardly ever written, and read at each call: on a line of its own. */
export const SHUT: number = 6 * LINE;
/** The words that a chain takes. */
export const CHAIN_WORDS: number = 7 * LINE;

/** The number of pauses between two looks of {@linkcode Chain.spinForFrame}: some 0.1 µs. */
const PAUSES = 4;
/**
 * The time that a call that does not wait waits for those who are at work on the chain: they take
 * microseconds.
 */
export const AT_WORK = 1000;
/** The capacity of a chain, and its name in reports. */
export interface ChainOptions extends NameOptions {
  /** The kind of object that it is part of. Default: Queue. */
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

/** The state of a side, read out. */
interface SideState {
  position: number;
  frames: number;
  bytes: number;
}

/** Called when a frame is about to count, under the mutex; when it throws the frame does not. */
export type BeforeCount = () => void;

/** A queue of frames in shared memory. */
export class Chain {
  readonly #words: Int32Array<ArrayBufferLike>;
  readonly #stream: FrameStream;
  readonly #writers: ChainSide;
  readonly #readers: ChainSide;
  readonly #mostFrames: number;
  readonly #mostBytes: number;
  readonly #shutdown: Shutdown;
  readonly #onDrop: (() => void) | undefined;
  readonly #itemSpin = new SpinBudget();
  readonly #roomSpin = new SpinBudget();
  readonly #frames = (copy: number) => Atomics.load(this.#words, copy + FRAMES);
  // What the other side had when this handle last looked: it can only have more now.
  #puts = 0;
  #gets = 0;
  #gotBytes = 0;

  /** Lays a chain over `CHAIN_WORDS` words. */
  constructor(placement: Placement, blocks: Blocks, options: ChainOptions) {
    const { region, base } = placement;
    this.#words = region.words;
    this.#stream = new FrameStream(blocks, this.#words, base + FIRST);
    this.#mostFrames = options.frames ?? Infinity;
    this.#mostBytes = options.bytes ?? Infinity;
    this.#onDrop = options.onDrop;
    const { kind = "Queue", name } = options;
    const side = (at: number, sleeping: number) =>
      new ChainSide({ ...placement, base: base + at }, kind, name, base + sleeping, STATE_WORDS);
    this.#writers = side(WRITERS, SLEEPING_READERS);
    this.#readers = side(READERS, SLEEPING_WRITERS);
    const sides = [this.#writers, this.#readers] as const;
    this.#shutdown = new Shutdown(this.#words, base + SHUT, sides, () => this.#drop(), name);
  }

  /** The id that reports know it by. */
  get id(): number {
    return this.#writers.id;
  }

  /** The number of frames, at this moment. */
  get frames(): number {
    if (this.#shutdown.state === CLOSED) return 0;
    // In this order: what is read later can only be further.
    const gets = this.#framesOf(this.#readers);
    return Math.max(0, this.#framesOf(this.#writers) - gets | 0);
  }

  /** The number of frames that were ever put and not dropped, modulo 2^32. */
  get puts(): number {
    return this.#framesOf(this.#shutdown.state === CLOSED ? this.#readers : this.#writers);
  }

  /** True if it has been shut down. */
  get isShut(): boolean {
    return this.#shutdown.state !== OPEN;
  }

  #stateOf(side: ChainSide): SideState {
    const words = this.#words;
    return side.read((copy) => ({
      position: Atomics.load(words, copy + POSITION),
      frames: Atomics.load(words, copy + FRAMES),
      bytes: Atomics.load(words, copy + BYTES),
    }));
  }

  #framesOf(side: ChainSide): number {
    return side.read(this.#frames);
  }

  /** True if there is room for a frame of `length` bytes, at this moment. */
  hasRoom(length: number): boolean {
    const { frames, bytes } = this.#stateOf(this.#writers);
    return this.#isRoom(frames, bytes, length, true);
  }

  /**
   * Puts the first `length` bytes of `frame`, or what `frame` writes, of `length` bytes at most,
   * and at most
   * {@linkcode WHOLE}; false when there is no room or others are writing.
   *
   * @throws {ShutDown} The chain has been shut down.
   */
  tryPut(frame: Uint8Array | Fill, length: number, before?: BeforeCount): boolean {
    const { mutex } = this.#writers;
    if (!mutex.tryTake(mutex.me)) return false;
    const turn = mutex.enter(mutex.me);
    try {
      return this.#write(frame, length, before) === DONE;
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
    const { mutex } = this.#readers;
    if (!mutex.tryTake(mutex.me)) return NOTHING;
    const turn = mutex.enter(mutex.me);
    try {
      return this.#read(read);
    } finally {
      mutex.leave(turn);
    }
  }

  /** The steps of {@linkcode tryPut}; false when `isOver` has said so before there was room. */
  *putting(
    frame: Uint8Array | Fill,
    length: number,
    kind: number,
    isOver?: () => boolean,
    before?: BeforeCount,
  ): Steps<boolean> {
    const { mutex } = this.#writers;
    const mine = mutex.me | kind;
    const park = this.#readers.park(this.#roomSpin);
    for (;;) {
      if (!mutex.tryTake(mine)) yield* this.#writers.taking(mine);
      const turn = mutex.enter(mine);
      let how: number;
      try {
        how = this.#write(frame, length, before);
      } finally {
        mutex.leave(turn);
      }
      if (how === DONE) return true;
      park.value = this.#readers.sleep();
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
    const { mutex } = this.#readers;
    const mine = mutex.me | kind;
    const park = this.#writers.park(this.#itemSpin);
    for (;;) {
      if (!mutex.tryTake(mine)) yield* this.#readers.taking(mine);
      const turn = mutex.enter(mine);
      let value: T | typeof NOTHING;
      try {
        value = this.#read(read);
      } finally {
        mutex.leave(turn);
      }
      if (value !== NOTHING) return { value };
      park.value = this.#writers.sleep();
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
    const park = this.#writers.park(this.#itemSpin);
    for (;;) {
      park.value = this.#writers.sleep();
      if (this.frames > 0 || until()) return true;
      yield park;
    }
  }

  /**
   * Spins for a frame, as long as that has paid lately; false when it did not come. Who spins is no
   * sleeper: the writer need not wake it.
   */
  spinForFrame(spin: SpinBudget): boolean {
    const { turn } = this.#writers;
    return this.frames > 0 || this.#writers.spin(turn, spin, PAUSES);
  }

  /** As {@linkcode spinForFrame}, for room. */
  spinForRoom(spin: SpinBudget): boolean {
    return this.#readers.spin(this.#readers.turn, spin, PAUSES);
  }

  /** Blocks for a frame, for so short a time that an event loop can bear it; whether it came. */
  napForFrame(ms: number): boolean {
    const turn = this.#writers.sleep();
    if (this.frames === 0) this.#writers.parkSync(turn, ms);
    return this.#writers.turn !== turn || this.frames > 0;
  }

  /**
   * Shuts the chain down: nothing goes in any more. What is in it can still be taken, or is dropped
   * when it is `immediate`. Who waits is woken.
   */
  shutDown(immediate: boolean): void {
    this.#shutdown.begin(immediate ? CLOSED : DRAINING);
  }

  /** The steps after which {@linkcode puts} is final, if frames have been dropped. */
  settling(): Steps<void> {
    return this.#shutdown.settling();
  }

  /** Has everybody who waits look again. */
  wakeAll(): void {
    this.#writers.wakeAll();
    this.#readers.wakeAll();
  }

  #isRoom(puts: number, putBytes: number, length: number, fresh: boolean): boolean {
    if (fresh) {
      const { frames, bytes } = this.#stateOf(this.#readers);
      this.#gets = frames;
      this.#gotBytes = bytes;
    }
    const frames = puts - this.#gets | 0;
    if (frames >= this.#mostFrames) return false;
    return frames === 0 || (putBytes - this.#gotBytes | 0) + length <= this.#mostBytes;
  }

  /** Writes a frame, or says why not; the writers' mutex is held. */
  #write(frame: Uint8Array | Fill, length: number, before?: BeforeCount): number {
    const words = this.#words;
    const writers = this.#writers;
    // In this order: see `ChainSide.fence()`.
    const { turn } = writers;
    if (this.#shutdown.stateNow !== OPEN) throw this.#shutdown.error("put");
    const copy = writers.copy(turn);
    const puts = words[copy + FRAMES]!;
    const bytes = words[copy + BYTES]!;
    if (!this.#isRoom(puts, bytes, length, false) && !this.#isRoom(puts, bytes, length, true)) {
      return NO_ROOM;
    }
    fault?.("put: before the bytes");
    writers.checkTurn();
    const stream = this.#stream;
    if (!stream.write(words[copy + POSITION]!, frame, length)) return NO_MEMORY;
    before?.();
    fault?.("put: before it counts");
    this.#prepare(writers, turn, stream.position, puts + 1, bytes + stream.length);
    if (!writers.tryCount(turn)) {
      checkCancelled();
      throw this.#shutdown.error("put");
    }
    fault?.("put: before the wake-up");
    writers.wake();
    return DONE;
  }

  /** Writes the state of a side that will count; its mutex is held. */
  #prepare(side: ChainSide, turn: number, position: number, frames: number, bytes: number): void {
    const words = this.#words;
    const copy = side.prepare(turn);
    words[copy + POSITION] = position;
    words[copy + FRAMES] = frames;
    words[copy + BYTES] = bytes;
  }

  /** Takes the next frame; the readers' mutex is held. */
  #read<T>(read: Read<T>): T | typeof NOTHING {
    const words = this.#words;
    const readers = this.#readers;
    const { turn } = readers;
    if (this.#shutdown.stateNow === CLOSED) {
      this.#drop();
      throw this.#shutdown.error("get");
    }
    const copy = readers.copy(turn);
    const gets = words[copy + FRAMES]!;
    if (!this.#hasPuts(gets)) {
      if (!this.isShut) return NOTHING;
      // From here on nothing comes, whoever was killed while it shut the chain.
      this.#writers.fence();
      if (!this.#hasPuts(gets)) throw this.#shutdown.error("get");
    }
    const stream = this.#stream;
    const before = words[copy + POSITION]!;
    const value = stream.read(before, read);
    const { position, length } = stream;
    fault?.("get: before it counts");
    const bytes = words[copy + BYTES]! + length;
    this.#prepare(readers, turn, position, gets + 1, bytes);
    readers.count(turn);
    fault?.("get: before the wake-up");
    stream.free(before, position);
    if (this.#isWorthWaking(bytes)) readers.wake();
    return value;
  }

  /** True if there are more puts than `gets`. */
  #hasPuts(gets: number): boolean {
    if ((this.#puts - gets | 0) > 0) return true;
    this.#puts = this.#framesOf(this.#writers);
    return (this.#puts - gets | 0) > 0;
  }

  /**
   * Passes over the frames that nobody will get; the readers' mutex is held, and the chain is
   * closed.
   */
  #drop(): void {
    const readers = this.#readers;
    this.#writers.fence();
    const { position, bytes } = this.#stateOf(this.#writers);
    const { turn } = readers;
    const { position: before, frames } = this.#stateOf(readers);
    if (before === position) return;
    this.#onDrop?.();
    fault?.("drop: before it counts");
    this.#prepare(readers, turn, position, frames, bytes);
    readers.count(turn);
    fault?.("drop: before the blocks");
    this.#stream.free(before, position);
  }

  /**
   * True if writers that wait are woken: where bytes are counted, when half of the room is free, so
   * that a stream of messages costs a wake-up now and then, and not one each. Whoever waits looks
   * after a slice anyway.
   */
  #isWorthWaking(gotBytes: number): boolean {
    const most = this.#mostBytes;
    if (most === Infinity) return true;
    if (!this.#readers.hasSleepers) return false;
    return (this.#stateOf(this.#writers).bytes - gotBytes | 0) <= most / 2;
  }
}
