/**
 * The home of a pipe without shared memory, in the thread that made it: two boxes of
 * messages, one for each end, and who has each end open.
 *
 * A party is one handle to one end: in this thread or behind a socket. It *wants* so many messages;
 * a message goes to one that wants it, and stays here until then. So nothing is underway to a party
 * that is not receiving, and an end can be handed on at any time. What a party was given is kept
 * until it says that it has received it; what it has not, when it leaves, goes back to its place,
 * and the next gets it.
 *
 * States of an end: held, by parties and by tickets (`pipe_tickets.ts`: copies that were sent and
 * have not come yet) -> over, when there are neither. An end whose other end is over is *broken*:
 * sends fail; and it is *drained* when its box is empty besides: receives end.
 *
 * A party may have {@linkcode ROOM} bytes in the box, or one message, and be given as much that it
 * has not received; a box holds {@linkcode MOST} of all. Who sends more is not heard until there is
 * room.
 *
 * A message may have ends of other pipes in it, its *cargo*: they are *kept* as long as the message
 * is here or with who received it, so that they live and end with it, whatever becomes of its
 * sender.
 *
 * Who dies when: a party, at any time: it is as if it had closed. A message that it had been given
 * goes with it.
 *
 * @module
 */
import type { TrustLevel } from "../transfer/reduction.ts";

/**
 * A message as it travels: the length of its cargo (4 bytes), the cargo, as JSON, and what the
 * receiver reads.
 */
export type Packet = Uint8Array;

/**
 * The most bytes that a party may have sent and nobody has received; a longer message goes alone.
 */
export const ROOM: number = 1 << 20;
/** The most bytes that a box holds of all parties together; a longer message goes alone. */
const MOST = 1 << 28;
/** The most ends of other pipes that a message may have in it. */
const MOST_CARGO = 256;
/** The most questions of a party that may be open. */
const MOST_ASKS = 4_096;

/** The greatest length of a message, in bytes: 64 MiB. */
export const LONGEST_MESSAGE: number = 1 << 26;
/** The greatest length of a frame: a message with what else is in it. */
export const LONGEST_FRAME: number = LONGEST_MESSAGE + 64;

const HEAD = 4;
const NO_CARGO: unknown[] = [];

/**
 * Packs a message and the addresses of the ends in it.
 *
 * @throws {RangeError} There are too many, or it is too long.
 */
export function packetOf(message: Uint8Array, cargo: unknown[]): Packet {
  if (cargo.length > MOST_CARGO) {
    throw new RangeError(
      `Cannot send: a message may have at most ${MOST_CARGO} connections in it, this has ${cargo.length}`,
    );
  }
  const list = cargo.length === 0
    ? new Uint8Array()
    : new TextEncoder().encode(JSON.stringify(cargo));
  if (list.length + message.length > LONGEST_MESSAGE) {
    throw new RangeError(
      `Cannot send ${message.length} bytes at once over a socket: at most ${LONGEST_MESSAGE} can be; ` +
        "send them in parts",
    );
  }
  const packet = new Uint8Array(HEAD + list.length + message.length);
  new DataView(packet.buffer).setUint32(0, list.length);
  packet.set(list, HEAD);
  packet.set(message, HEAD + list.length);
  return packet;
}

/** The length of the cargo. */
function cargoLength(packet: Packet): number {
  const { buffer, byteOffset, length } = packet;
  const size = length < HEAD ? Infinity : new DataView(buffer, byteOffset).getUint32(0);
  if (size > length - HEAD) throw new TypeError("Cannot read the pipe: a message has no end");
  return size;
}

/** The content that the receiver reads. */
export function contentOf(packet: Packet): Uint8Array {
  return packet.subarray(HEAD + cargoLength(packet));
}

/** The addresses of the ends in a message. */
function cargoOf(packet: Packet): unknown[] {
  const size = cargoLength(packet);
  if (size === 0) return NO_CARGO;
  const list: unknown = JSON.parse(new TextDecoder().decode(packet.subarray(HEAD, HEAD + size)));
  if (!Array.isArray(list) || list.length > MOST_CARGO) {
    throw new TypeError("Cannot read the pipe: a cargo must be a list");
  }
  return list;
}

/** An end of another pipe in a message, as who keeps it sees it. */
export interface Kept {
  /** True if somebody has opened it, or nobody can any more. */
  readonly isSettled: boolean;
  /** Says that it goes to somebody with fewer permissions. */
  mark(): void;
  /** Keeps it no longer; `isLost` says that nobody will open it. */
  drop(isLost: boolean): void;
}

/** Who has an end, or will have it. */
export interface Holder {
  /** True if it is somebody with fewer permissions than home. */
  readonly isBelow: boolean;
}

/** A handle to an end, as its hub sees it. */
export interface PipeParty extends Holder {
  /**
   * Gives it a message: by its number, with word whether a party with fewer permissions has sent
   * it.
   */
  deliver(number: number, message: Packet, isBelow: boolean): void;
  /** Says that `bytes` of what it sent have been received. */
  taken(bytes: number): void;
  /** Says that the other end is over: sends fail from now on. */
  broken(): void;
  /** Says that no message will come any more. */
  drained(): void;
  /** Answers whether there is something to receive. */
  answer(ask: number, isReady: boolean): void;
}

/** Who receives what is sent at an end. */
export interface Receiver {
  /** Their levels to home: the least of them counts. */
  level: TrustLevel;
  /** True if all of them may use memory between processes. */
  mayMap: boolean;
}

interface Item {
  /** Which it is of those that came to its box. */
  order: number;
  message: Packet;
  kept: Kept[];
  isBelow: boolean;
  from: Seat | undefined;
}

/** The facts that the hub knows of a party. */
class Seat {
  readonly party: PipeParty;
  /** The number of messages that it wants. */
  demand = 0;
  /** The questions that it wants to be answered. */
  readonly asks = new Set<number>();
  /** The items that it was given and has not received, by number. */
  readonly given = new Map<number, Item>();
  givenBytes = 0;
  /** The number of bytes that it has sent and nobody was given. */
  sentBytes = 0;
  /** The ends in what it has received. */
  kept: Kept[] = [];
  #last = 0;

  constructor(party: PipeParty) {
    this.party = party;
  }

  /** True if it may be given so much more. */
  mayTake({ message: { length } }: Item): boolean {
    return this.demand > 0 && (this.given.size === 0 || this.givenBytes + length <= ROOM);
  }

  give(item: Item): void {
    this.demand--;
    this.#last = this.#last % 0xffffffff + 1;
    this.given.set(this.#last, item);
    this.givenBytes += item.message.length;
    if (this.party.isBelow) { for (const kept of item.kept) kept.mark(); }
    this.party.deliver(this.#last, item.message, item.isBelow);
  }

  take(number: number): Item {
    const item = this.given.get(number);
    if (item === undefined) {
      throw new TypeError(`Cannot read the pipe: message ${number} was not given`);
    }
    this.given.delete(number);
    this.givenBytes -= item.message.length;
    return item;
  }
}

class End {
  readonly seats = new Map<PipeParty, Seat>();
  readonly tickets = new Set<Holder>();
  /** True if a copy was given to a process that may not use memory between processes. */
  isUnmapped = false;
  readonly box: Item[] = [];
  bytes = 0;
  /** The number of messages that have come. */
  come = 0;

  get isOver(): boolean {
    return this.seats.size === 0 && this.tickets.size === 0;
  }

  seat(party: PipeParty): Seat {
    const seat = this.seats.get(party);
    if (seat === undefined) throw new TypeError("Cannot use the pipe: the party has left");
    return seat;
  }
}

/** The events that are watched for at the home of a pipe. */
export interface PipeGuard {
  /** The most bytes that a frame from elsewhere may have. */
  longest: number;
  /** Called when something comes that is no word of ours, or too long. */
  onFault: (error: unknown) => void;
}

/** A pipe at its home. */
export class Hub {
  readonly #ends = [new End(), new End()] as const;
  readonly #duplex: boolean;
  readonly #spent: () => void;
  readonly #keep: (address: unknown) => Kept;
  /** Who watches what comes from elsewhere. */
  guard: PipeGuard | undefined;
  /** For those who wait for room. */
  #room: PromiseWithResolvers<void> | undefined;

  /** `spent` is called when both ends are over, `keep` for an end in a message. */
  constructor(duplex: boolean, spent: () => void, keep: (address: unknown) => Kept) {
    this.#duplex = duplex;
    this.#spent = spent;
    this.#keep = keep;
  }

  /** Enters a party, by a ticket if it has one. */
  join(end: 0 | 1, party: PipeParty, ticket?: Holder): void {
    const mine = this.#ends[end];
    if (!mine.seats.has(party)) mine.seats.set(party, new Seat(party));
    if (ticket === undefined) return;
    mine.tickets.delete(ticket);
    this.#tell(end);
  }

  /** Takes a party out; `isDead` says that it did not leave by itself. */
  leave(end: 0 | 1, party: PipeParty, isDead = false): void {
    const mine = this.#ends[end];
    const seat = mine.seats.get(party);
    if (seat === undefined) return;
    mine.seats.delete(party);
    for (const kept of seat.kept) kept.drop(isDead);
    for (const item of seat.given.values()) {
      if (isDead) item.kept.forEach((one) => one.drop(true));
      else this.#putBack(end, item);
    }
    this.#makeRoom();
    this.#look(end);
    this.#pump(end);
  }

  /** Notes a copy that is sent. */
  issue(end: 0 | 1, ticket: Holder): void {
    this.#ends[end].tickets.add(ticket);
  }

  /** Gives up a copy that has not come. */
  revoke(end: 0 | 1, ticket: Holder): void {
    if (this.#ends[end].tickets.delete(ticket)) this.#look(end);
  }

  /** Notes that a copy is for a process that may not use memory between processes. */
  noteUnmapped(end: 0 | 1): void {
    this.#ends[end].isUnmapped = true;
  }

  /** Who receives what is sent at an end. */
  receiverOf(end: 0 | 1): Receiver {
    const { seats, tickets, isUnmapped } = this.#ends[1 - end as 0 | 1];
    const isBelow = [...seats.keys(), ...tickets].some((holder) => holder.isBelow);
    return { level: isBelow ? "below" : "equal", mayMap: !isUnmapped };
  }

  /** True if the other end is over. */
  isBroken(end: 0 | 1): boolean {
    return this.#ends[1 - end as 0 | 1].isOver;
  }

  /** True if there is something to receive, or the end. */
  isReady(end: 0 | 1): boolean {
    return this.#ends[end].box.length > 0 || this.isBroken(end);
  }

  /** Settles when there may be room for a message of so many bytes; undefined when there is. */
  roomFor(end: 0 | 1, from: PipeParty, bytes: number): Promise<void> | undefined {
    const { box, bytes: held, isOver } = this.#ends[1 - end as 0 | 1];
    const seat = this.#ends[end].seats.get(from);
    if (seat === undefined || isOver || box.length === 0) return undefined;
    const isOwn = seat.sentBytes === 0 || seat.sentBytes + bytes <= ROOM;
    if (isOwn && held + bytes <= MOST) return undefined;
    return (this.#room ??= Promise.withResolvers()).promise;
  }

  /** Takes a message from a party of an end to the other. */
  send(end: 0 | 1, from: PipeParty, message: Packet): void {
    if (!this.#duplex && end === 0) throw new TypeError("Cannot send: this end only receives");
    if (message.length > LONGEST_MESSAGE + HEAD) throw new TypeError("Cannot send: it is too long");
    const seat = this.#ends[end].seat(from);
    const kept = cargoOf(message).map(this.#keep);
    const other = this.#ends[1 - end as 0 | 1];
    // Nobody will receive it: its sender is told so, not that it was taken.
    if (other.isOver) return kept.forEach((one) => one.drop(true));
    seat.sentBytes += message.length;
    other.bytes += message.length;
    other.box.push({ order: other.come++, message, kept, isBelow: from.isBelow, from: seat });
    this.#pump(1 - end as 0 | 1);
  }

  /** A party has received what it was given. */
  received(end: 0 | 1, party: PipeParty, number: number): void {
    const seat = this.#ends[end].seat(party);
    const { kept } = seat.take(number);
    if (kept.length > 0) seat.kept = [...seat.kept, ...kept].filter((one) => !one.isSettled);
    this.#pump(end);
  }

  /** Takes back what a party was given and has not received; the next gets it. */
  takeBack(end: 0 | 1, party: PipeParty, number: number): void {
    this.#putBack(end, this.#ends[end].seat(party).take(number));
    this.#pump(end);
  }

  /** Has a party be given one message more. */
  want(end: 0 | 1, party: PipeParty): void {
    this.#checkReceives(end);
    this.#ends[end].seat(party).demand++;
    this.#pump(end);
    this.#tell(end);
  }

  /** Has it be given one less; false when that one is on its way already. */
  unwant(end: 0 | 1, party: PipeParty): boolean {
    const seat = this.#ends[end].seat(party);
    if (seat.demand === 0) return false;
    seat.demand--;
    return true;
  }

  /** Answers whether there is something to receive: now, or when there is. */
  ask(end: 0 | 1, party: PipeParty, ask: number, isNow: boolean): void {
    this.#checkReceives(end);
    const { asks } = this.#ends[end].seat(party);
    const isReady = this.isReady(end);
    if (isReady || isNow) return party.answer(ask, isReady);
    if (asks.size >= MOST_ASKS) throw new TypeError("Cannot read the pipe: too many questions");
    asks.add(ask);
  }

  /** Forgets a question. */
  unask(end: 0 | 1, party: PipeParty, ask: number): void {
    this.#ends[end].seats.get(party)?.asks.delete(ask);
  }

  #checkReceives(end: 0 | 1): void {
    if (!this.#duplex && end === 1) throw new TypeError("Cannot receive: this end only sends");
  }

  #putBack(end: 0 | 1, item: Item): void {
    const mine = this.#ends[end];
    let place = 0;
    while (place < mine.box.length && mine.box[place]!.order < item.order) place++;
    mine.box.splice(place, 0, { ...item, from: undefined });
    mine.bytes += item.message.length;
  }

  #pump(end: 0 | 1): void {
    const mine = this.#ends[end];
    const { box, seats } = mine;
    for (const seat of seats.values()) {
      while (box.length > 0 && seat.mayTake(box[0]!)) {
        const item = box.shift()!;
        const { from, message: { length } } = item;
        mine.bytes -= length;
        if (from !== undefined) from.sentBytes -= length;
        seat.give(item);
        from?.party.taken(length);
        this.#makeRoom();
      }
    }
    if (box.length > 0) this.#answer(end);
    else this.#tell(end);
  }

  #makeRoom(): void {
    this.#room?.resolve();
    this.#room = undefined;
  }

  #answer(end: 0 | 1): void {
    for (const { party, asks } of this.#ends[end].seats.values()) {
      for (const ask of asks) party.answer(ask, true);
      asks.clear();
    }
  }

  /** Tells the parties of an end how it stands with the other one. */
  #tell(end: 0 | 1): void {
    if (!this.isBroken(end)) return;
    const { box, seats } = this.#ends[end];
    for (const party of seats.keys()) {
      party.broken();
      if (box.length === 0) party.drained();
    }
    this.#answer(end);
  }

  /** Looks whether an end is over, after somebody has left it. */
  #look(end: 0 | 1): void {
    const mine = this.#ends[end];
    if (!mine.isOver) return;
    // What was sent here will never be received; its senders need not wait for room.
    for (const { kept } of mine.box.splice(0)) for (const one of kept) one.drop(true);
    mine.bytes = 0;
    this.#makeRoom();
    this.#tell(1 - end as 0 | 1);
    if (this.isBroken(end)) this.#spent();
  }
}
