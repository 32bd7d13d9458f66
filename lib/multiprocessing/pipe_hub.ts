/**
 * What a pipe without shared memory is at its home, in the thread that made it: two boxes of messages, one
 * for each end, and who has each end open.
 *
 * A party is one handle to one end: in this thread or behind a socket. It *wants* so many messages; a message
 * goes to one that wants it, and stays here until then. So nothing is underway to a party that is not
 * receiving, and an end can be handed on at any time.
 *
 * States of an end: held, by parties and by tickets (copies that were sent and have not come yet) -> over,
 * when there are neither. An end whose other end is over is *broken*: sends fail; and it is *drained* when
 * its box is empty besides: receives end.
 *
 * A message may have ends of other pipes in it, its *cargo*. Where nobody will open it they are given up: when
 * nobody is left who could receive it, and when who was given it dies. (Who had opened them by then has entered
 * itself at their home, where it does no harm that the same copy is given up once more.)
 *
 * Who dies when: a party, at any time: it is as if it had closed. A message that it had been given goes with it.
 *
 * @module
 */

/** A message as it travels: the length of its cargo (4 bytes), the cargo, as JSON, and what the receiver reads. */
export type Parcel = Uint8Array;

const HEAD = 4;
const NO_CARGO: unknown[] = [];

/** Packs a message and the addresses of the ends in it. */
export function parcelOf(message: Uint8Array, cargo: unknown[]): Parcel {
  const list = cargo.length === 0
    ? new Uint8Array()
    : new TextEncoder().encode(JSON.stringify(cargo));
  const parcel = new Uint8Array(HEAD + list.length + message.length);
  new DataView(parcel.buffer).setUint32(0, list.length);
  parcel.set(list, HEAD);
  parcel.set(message, HEAD + list.length);
  return parcel;
}

/** How long the cargo is. */
function cargoLength(parcel: Parcel): number {
  const { buffer, byteOffset, length } = parcel;
  const size = length < HEAD ? Infinity : new DataView(buffer, byteOffset).getUint32(0);
  if (size > length - HEAD) throw new TypeError("Cannot read the pipe: a message has no end");
  return size;
}

/** What the receiver reads. */
export function contentOf(parcel: Parcel): Uint8Array {
  return parcel.subarray(HEAD + cargoLength(parcel));
}

/** The addresses of the ends in a message. */
function cargoOf(parcel: Parcel): unknown[] {
  const size = cargoLength(parcel);
  if (size === 0) return NO_CARGO;
  const list: unknown = JSON.parse(new TextDecoder().decode(parcel.subarray(HEAD, HEAD + size)));
  if (!Array.isArray(list)) throw new TypeError("Cannot read the pipe: a cargo must be a list");
  return list;
}

/** A handle to an end, as its hub sees it. */
export interface Party {
  /** How many messages it wants. */
  demand: number;
  /** Whom it has asked to be told, by the number of the question. */
  readonly asks: Set<number>;
  /** The cargo of what it was given. Absent: it lives as long as its hub. */
  readonly cargo?: unknown[];
  /** Gives it a message. */
  deliver(message: Parcel): void;
  /** Says that `bytes` of what it sent have been received. */
  taken(bytes: number): void;
  /** Says that the other end is over: sends fail from now on. */
  broken(): void;
  /** Says that no message will come any more. */
  drained(): void;
  /** Answers whether there is something to receive. */
  answer(ask: number, isReady: boolean): void;
}

interface Waiting {
  message: Parcel;
  cargo: unknown[];
  from: Party | undefined;
}

class End {
  readonly parties = new Set<Party>();
  readonly tickets = new Set<string>();
  /** Tickets that have been used: word of one may come after its holder. */
  readonly used = new Map<string, Party>();
  readonly box: Waiting[] = [];

  get isOver(): boolean {
    return this.parties.size === 0 && this.tickets.size === 0;
  }
}

/** A pipe at its home. */
export class Hub {
  readonly #ends = [new End(), new End()] as const;
  readonly #spent: () => void;
  readonly #giveUp: (address: unknown) => void;

  /** `spent` is called when both ends are over, `giveUp` for an end in a message that nobody will open. */
  constructor(spent: () => void, giveUp: (address: unknown) => void) {
    this.#spent = spent;
    this.#giveUp = giveUp;
  }

  /** Enters a party, by a ticket if it has one. */
  join(end: 0 | 1, party: Party, ticket?: string): void {
    const mine = this.#ends[end];
    mine.parties.add(party);
    if (ticket === undefined) return;
    mine.tickets.delete(ticket);
    mine.used.set(ticket, party);
    this.#tell(end);
  }

  /** Takes a party out; `isDead` says that it did not leave by itself. */
  leave(end: 0 | 1, party: Party, isDead = false): void {
    if (!this.#ends[end].parties.delete(party)) return;
    party.demand = 0;
    party.asks.clear();
    if (isDead) party.cargo?.forEach(this.#giveUp);
    this.#look(end);
  }

  /** Notes a copy that is sent. */
  issue(end: 0 | 1, ticket: string): void {
    const mine = this.#ends[end];
    if (!mine.used.has(ticket)) mine.tickets.add(ticket);
  }

  /** Gives up a copy that has not come; gives the party that it has become, if it has. */
  revoke(end: 0 | 1, ticket: string): Party | undefined {
    const mine = this.#ends[end];
    if (mine.tickets.delete(ticket)) this.#look(end);
    const party = mine.used.get(ticket);
    return party !== undefined && mine.parties.has(party) ? party : undefined;
  }

  /** Whether the other end is over. */
  isBroken(end: 0 | 1): boolean {
    return this.#ends[1 - end as 0 | 1].isOver;
  }

  /** Whether there is something to receive, or the end. */
  isReady(end: 0 | 1): boolean {
    return this.#ends[end].box.length > 0 || this.isBroken(end);
  }

  /** Takes a message from a party of an end to the other. */
  send(end: 0 | 1, from: Party, message: Parcel): void {
    const cargo = cargoOf(message);
    const other = this.#ends[1 - end as 0 | 1];
    // Nobody will receive it: its sender is told so, not that it was taken.
    if (other.isOver) return cargo.forEach(this.#giveUp);
    other.box.push({ message, cargo, from });
    this.#pump(1 - end as 0 | 1);
  }

  /** Takes back what a party was given and has not received; the next gets it first. */
  takeBack(end: 0 | 1, party: Party, message: Parcel): void {
    const cargo = cargoOf(message);
    // It was given last what it gives back.
    if (party.cargo !== undefined) party.cargo.length -= Math.min(party.cargo.length, cargo.length);
    this.#ends[end].box.unshift({ message, cargo, from: undefined });
    this.#pump(end);
  }

  /** Has a party be given one message more. */
  want(end: 0 | 1, party: Party): void {
    party.demand++;
    this.#pump(end);
    this.#tell(end);
  }

  /** Has it be given one less; false when that one is on its way already. */
  unwant(party: Party): boolean {
    if (party.demand === 0) return false;
    party.demand--;
    return true;
  }

  /** Answers whether there is something to receive: now, or when there is. */
  ask(end: 0 | 1, party: Party, ask: number, isNow: boolean): void {
    const isReady = this.isReady(end);
    if (isReady || isNow) party.answer(ask, isReady);
    else party.asks.add(ask);
  }

  #pump(end: 0 | 1): void {
    const { box, parties } = this.#ends[end];
    for (const party of parties) {
      while (party.demand > 0 && box.length > 0) {
        const { message, cargo, from } = box.shift()!;
        party.demand--;
        party.cargo?.push(...cargo);
        party.deliver(message);
        from?.taken(message.length);
      }
    }
    if (box.length > 0) this.#answer(end);
    else this.#tell(end);
  }

  #answer(end: 0 | 1): void {
    for (const party of this.#ends[end].parties) {
      for (const ask of party.asks) party.answer(ask, true);
      party.asks.clear();
    }
  }

  /** Tells the parties of an end how it stands with the other one. */
  #tell(end: 0 | 1): void {
    if (!this.isBroken(end)) return;
    const { box, parties } = this.#ends[end];
    for (const party of parties) {
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
    for (const { cargo } of mine.box.splice(0)) cargo.forEach(this.#giveUp);
    this.#tell(1 - end as 0 | 1);
    if (this.isBroken(end)) this.#spent();
  }
}
