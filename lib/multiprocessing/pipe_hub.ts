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
 * Who dies when: a party, at any time: it is as if it had closed. A message that it had been given goes with it.
 *
 * @module
 */

/** A handle to an end, as its hub sees it. */
export interface Party {
  /** How many messages it wants. */
  demand: number;
  /** Whom it has asked to be told, by the number of the question. */
  readonly asks: Set<number>;
  /** Gives it a message. */
  deliver(message: Uint8Array): void;
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
  message: Uint8Array;
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

  /** `spent` is called when both ends are over. */
  constructor(spent: () => void) {
    this.#spent = spent;
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

  /** Takes a party out. */
  leave(end: 0 | 1, party: Party): void {
    if (!this.#ends[end].parties.delete(party)) return;
    party.demand = 0;
    party.asks.clear();
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
  send(end: 0 | 1, from: Party, message: Uint8Array): void {
    const other = this.#ends[1 - end as 0 | 1];
    // Nobody will receive it: its sender is told so, not that it was taken.
    if (other.isOver) return;
    other.box.push({ message, from });
    this.#pump(1 - end as 0 | 1);
  }

  /** Takes back what a party was given and has not received; the next gets it first. */
  takeBack(end: 0 | 1, message: Uint8Array): void {
    this.#ends[end].box.unshift({ message, from: undefined });
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
        const { message, from } = box.shift()!;
        party.demand--;
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
    mine.box.length = 0;
    this.#tell(1 - end as 0 | 1);
    if (this.isBroken(end)) this.#spent();
  }
}
