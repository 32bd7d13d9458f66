/**
 * Making pipes in the family's memory, and opening their ends elsewhere. `connection.ts` explains
 * them.
 *
 * A process that may not use that memory can be given an end all the same, as long as nobody else
 * has one: the thread that made the pipe has both ends to itself then, and no other has to be told
 * that they become those of a pipe over a socket.
 *
 * ```text
 *   in memory -- an end is packed for such a process --> promised -- see below --> gone over
 *      ^----------- it does not start after all ---------/
 * ```
 *
 * A start fails, if it does, in the call that packs. So a promised pipe goes over when one of its
 * ends is next used, or at the latest when the code that runs now has come to its end. What was
 * sent and not received moves on with it; until then the thread keeps it, to put it back. From
 * there on all is as `multiprocessing/pipe_hub.ts` says.
 *
 * Who dies when: the process that was to get an end, in whatever state: it was given a ticket, as
 * for any pipe over a socket; the thread that made the pipe: until the pipe has gone over nobody
 * else knew of it, then it is its home.
 *
 * @module
 */
import { theArena } from "../../memory/arena.ts";
import type { Placement } from "../../memory/placement.ts";
import { ShareError } from "../../core/errors.ts";
import { runSync } from "../../sync/steps.ts";
import { modulesOf } from "../../transfer/codec/codec.ts";
import { HAS_MODULES } from "../../transfer/codec/format.ts";
import { inFlight } from "../../transfer/flight.ts";
import { checkState, hasShareables, shareable } from "../../transfer/shareable.ts";
import { AT_WORK, Chain, CHAIN_WORDS } from "./chain.ts";
import type { Crossing, Successor } from "./crossing.ts";
import { NOTHING, type Read } from "./frames.ts";
import { type Holders, isEntry } from "./holders.ts";
import { RingConnection } from "./family_connection.ts";
import {
  BELOW,
  CHAINS,
  GENERATION,
  holdersOf,
  markBelow,
  PIPE_WORDS,
  ROOM,
  type SentMemoryEnd,
} from "./pipe_words.ts";

/** The number of bytes that one direction usually holds; a longer message goes alone. */
const USUAL_ROOM = 1 << 20;

function chainsOf(placement: Placement, duplex: boolean): (Chain | undefined)[] {
  const { blocks } = theArena();
  const bytes = placement.region.words[placement.base + ROOM]!;
  return [0, 1].map((end) => {
    if (end === 1 && !duplex) return undefined;
    const base = placement.base + CHAINS + end * CHAIN_WORDS;
    return new Chain({ ...placement, base }, blocks, { kind: "Pipe", bytes });
  });
}

/** The pipes that this thread has made: the words of a spent one serve again. */
const made: Placement[] = [];

/** Looks for a spent pipe among the oldest, and empties it. */
function spent(): Placement | undefined {
  for (let k = 0; k < Math.min(made.length, 4); k++) {
    const placement = made.shift()!;
    made.push(placement);
    const ends = [holdersOf(placement, 0), holdersOf(placement, 1)];
    if (ends.some((end) => end.areHeld)) continue;
    const { region, base } = placement;
    Atomics.add(region.words, base + GENERATION, 1);
    region.words.fill(0, base + BELOW, base + BELOW + 2);
    for (const end of ends) end.renew();
    // One that has landed just now sees the new generation, and leaves.
    if (ends.some((end) => end.seemHeld)) continue;
    if (!chainsOf(placement, true).every((chain) => isEmptied(chain!))) continue;
    made.pop();
    return placement;
  }
  return undefined;
}

/** Empties a chain; false when that cannot be done now. */
function isEmptied(chain: Chain): boolean {
  while (takeNext(chain, () => true) !== NOTHING);
  return chain.frames === 0;
}

/** Takes the next frame, also where somebody was killed while reading. */
function takeNext<T>(chain: Chain, read: Read<T>): T | typeof NOTHING {
  if (chain.frames === 0) return NOTHING;
  const found = runSync(chain.getting(read, 0, now), AT_WORK);
  return found === undefined ? NOTHING : found.value;
}

const now = () => true;

/** Makes a pipe over a socket. */
export type MakeSuccessors = (duplex: boolean) => [Successor, Successor];

/** The way in which a pipe goes over to a socket. */
class ToSocket implements Crossing {
  readonly #ends: readonly RingConnection[];
  readonly #holders: readonly Holders[];
  /** Each known by the end that it leads to. */
  readonly #chains: readonly (Chain | undefined)[];
  readonly #make: () => [Successor, Successor];
  #state: "in memory" | "promised" | "over" = "in memory";
  #successors: Successor[] = [];
  /** The frames that were in the chains. */
  #frames: Uint8Array[][] = [];

  constructor(
    ends: readonly RingConnection[],
    placement: Placement,
    chains: readonly (Chain | undefined)[],
    make: () => [Successor, Successor],
  ) {
    this.#ends = ends;
    this.#holders = [holdersOf(placement, 0), holdersOf(placement, 1)];
    this.#chains = chains;
    this.#make = make;
  }

  begin(end: 0 | 1, place: () => string): Successor {
    if (this.#state === "in memory") this.#promise(place);
    return this.#successors[end]!;
  }

  #promise(place: () => string): void {
    const ends = this.#ends;
    if (!this.#holders.every((held, k) => held.areOnly(ends[k]!.closed ? 0 : 1))) {
      refuse(place, "others have an end of it already; give it this end first, or");
    }
    if (ends.some((end) => end.isSending)) {
      refuse(place, "a send waits for room in it; wait for that, or");
    }
    this.#frames = this.#chains.map((chain) => chain === undefined ? [] : takeAll(chain));
    try {
      if (this.#frames.flat().some(isOfMemory)) {
        refuse(place, "messages in it have shared objects in them; receive them first, or");
      }
      this.#successors = this.#make();
      this.#forward(place);
    } catch (error) {
      this.#putBack();
      throw error;
    }
    this.#state = "promised";
    ends.forEach((one, k) => one.become(this.#successors[k]));
    inFlight(() => this.#break());
    queueMicrotask(() => this.end());
  }

  #forward(place: () => string): void {
    try {
      this.#frames.forEach((frames, k) => {
        for (const frame of frames) this.#successors[1 - k]!.forward(frame);
      });
    } catch (cause) {
      for (const successor of this.#successors) successor.close();
      if (!(cause instanceof RangeError)) throw cause;
      refuse(place, "a message in it is too long for a socket; receive it first, or");
    }
  }

  /** The process does not start. Once the pipe has gone over it stays so. */
  #break(): void {
    if (this.#state !== "promised") return;
    this.#state = "in memory";
    for (const end of this.#ends) end.become(undefined);
    for (const successor of this.#successors) successor.close();
    this.#putBack();
  }

  #putBack(): void {
    // They have been there: there is room. Who was killed while writing left a lock to take over.
    this.#chains.forEach((chain, k) => {
      for (const frame of this.#frames[k]!) {
        runSync(chain!.putting(frame, frame.length, 0), AT_WORK);
      }
    });
    this.#frames = [];
  }

  end(): void {
    if (this.#state !== "promised") return;
    this.#state = "over";
    this.#frames = [];
    for (const end of this.#ends) end.hasCrossed();
  }
}

function refuse(place: () => string, why: string): never {
  throw new ShareError(
    `Cannot share ${place()}: a pipe between processes is shared memory, for which the child needs --allow-ffi, ` +
      `and this one cannot go over to a socket any more: ${why} make it with pipe({ memory: false })`,
    place(),
  );
}

function takeAll(chain: Chain): Uint8Array[] {
  const frames: Uint8Array[] = [];
  for (;;) {
    const frame = takeNext(chain, (bytes, at, length) => bytes.slice(at, at + length));
    if (frame === NOTHING) return frames;
    frames.push(frame);
  }
}

/** True if a message has objects in it that were packed for who may use the memory. */
function isOfMemory(frame: Uint8Array): boolean {
  return (frame[0]! & HAS_MODULES) !== 0 && modulesOf(frame).some(hasShareables);
}

/**
 * Makes a pipe.
 *
 * @param make Makes a pipe over a socket, for it to become one. Default: it never does.
 * @param room How many bytes one direction holds.
 * @throws {Deno.errors.NotCapable} Without `--allow-ffi`.
 */
export function ringPipe<T>(
  duplex: boolean,
  make?: MakeSuccessors,
  room = USUAL_ROOM,
): [RingConnection<T>, RingConnection<T>] {
  const old = spent();
  const placement = old ?? theArena().allocate(PIPE_WORDS);
  placement.region.words[placement.base + ROOM] = room;
  // A one-way pipe leads from the second end to the first. Both chains are laid out in any case.
  const chains = chainsOf(placement, true);
  if (!duplex) chains[1] = undefined;
  made.push({ ...placement, fresh: false });
  const ends: [RingConnection<T>, RingConnection<T>] = [
    new RingConnection<T>(placement, { end: 0, duplex }, chains),
    new RingConnection<T>(placement, { end: 1, duplex }, chains),
  ];
  if (make !== undefined) {
    const both = ends as RingConnection[];
    const crossing = new ToSocket(both, placement, chains, () => make(duplex));
    for (const end of both) end.mayCross(crossing);
  }
  return ends;
}

const STATE = {
  at: "any",
  end: "number",
  duplex: "boolean",
  generation: "number",
  entry: "number",
} as const;

shareable(import.meta, "RingConnection", RingConnection, (sent, source) => {
  const { at, end, duplex, generation, entry } = checkState<SentMemoryEnd>(
    sent,
    "a connection",
    STATE,
  );
  if (end !== 0 && end !== 1 || !isEntry(entry)) {
    throw new TypeError(`Cannot decode a connection: it has no end ${end} or entry ${entry}`);
  }
  const placement = theArena().place(at, PIPE_WORDS);
  const chains = chainsOf(placement, duplex);
  // Who sent it had this end, and may have made the pipe.
  if (source === "below") markBelow(placement, 0), markBelow(placement, 1);
  return new RingConnection(placement, { end, duplex }, chains, { generation, entry });
});
