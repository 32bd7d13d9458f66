/**
 * Tickets: the right to open one end of one pipe, once. Whoever has an end has nothing but its
 * ticket, and what can be made of that: tickets for further copies of the same end.
 *
 * A ticket is a name and a key. The pipe's home makes both at random. For a copy that somebody
 * gives away who has the end by a ticket, both are made out of that one's, without asking, as
 * `start()` does not wait: the n-th copy of `ID` is `ID/n`, its key is derived, and home can derive
 * it too. A copy for a process with fewer permissions is `ID/nb`, whose key is another: nobody can
 * strike out the `b`.
 *
 * ```text
 *   issued -- its holder comes --> used -- the holder leaves --> over
 *      \-- nobody will come ---------------------------------/
 * ```
 *
 * An end is held by issued tickets as by those who have come. So each has somebody who answers for
 * it, and says when nobody will come:
 *
 * - home, for those that it issued: it hears of the end of a child that it gave one to;
 * - who has *announced* a copy; when its connection ends, what it announced has {@linkcode GRACE}
 *   ms left;
 * - a *keeper*, for one in a message that waits in another pipe (`pipe_broker.ts`): it keeps what
 *   would be over otherwise, and when its own connection ends without a word, the same time is
 *   left.
 *
 * A copy may come before home has heard of it (it is *early*), while the one that it was made from
 * is issued or used. Copies are announced in order, so that each number serves once, however long
 * one lives.
 *
 * @module
 */
import { ShareError } from "../core/errors.ts";
import { show } from "../core/checks.ts";
import { deriveKey, KEY_BYTES, same } from "../core/seal.ts";
import { faultOf } from "../channel/socket/private_folder.ts";
import { TOKEN_BYTES } from "../channel/socket/private_socket.ts";
import type { Hub, PipeParty } from "./pipe_hub.ts";

/** The time that a ticket is good for which nobody answers any more, in ms. */
const GRACE = 1_000;
/** The most tickets that may be alive and go back to one of home's. */
const MOST = 1_000;
/** The most copies of one that may be early. */
const MOST_EARLY = 100;
const ID_BYTES = 16;
/**
 * The purpose that a key is derived for: a copy for an equal, or for somebody with fewer
 * permissions.
 */
const FOR_EQUAL = 2;
const FOR_BELOW = 3;

const PATH = /^[0-9a-f]{32}(?:\/[1-9]\d{0,8}b?){0,16}$/;

/** Where a pipe's end is to be found, and what opens it. */
export interface PipeAddress {
  /** The folder of its home's socket. */
  folder: string;
  /** The token that opens that, in hexadecimal digits. */
  token: string;
  /** The ticket's name. */
  ticket: string;
  /** Its key, in hexadecimal digits. */
  key: string;
  /**
   * Which end it is, and whether both receive and send: what it is told by itself. Home goes by the
   * ticket.
   */
  end: 0 | 1;
  duplex: boolean;
  /** True if it has come from somebody with fewer permissions. */
  isBelow: boolean;
}

/**
 * Checks an address that somebody has sent.
 *
 * @throws {ShareError} It is none.
 */
export function checkAddress(sent: unknown): PipeAddress {
  const refuse = (what: string): never => {
    throw new ShareError(
      `Cannot open a connection: its address is none of ours: ${what}`,
      "address",
    );
  };
  if (typeof sent !== "object" || sent === null) return refuse(`received ${show(sent)}`);
  const { folder, token, ticket, key, end, duplex, isBelow } = sent as Partial<PipeAddress>;
  const fault = faultOf(folder);
  if (fault !== undefined) return refuse(`the folder ${show(folder)}: ${fault}`);
  if (!isHex(token, TOKEN_BYTES)) return refuse("token must have 64 hexadecimal digits");
  if (!isPath(ticket)) return refuse(`ticket must be a ticket's name, received ${show(ticket)}`);
  if (!isHex(key, KEY_BYTES)) return refuse("key must have 64 hexadecimal digits");
  if (end !== 0 && end !== 1) return refuse(`end must be 0 or 1, received ${show(end)}`);
  if (typeof duplex !== "boolean" || typeof isBelow !== "boolean") {
    return refuse("duplex and isBelow must be booleans");
  }
  return { folder: folder!, token: token!, ticket: ticket!, key: key!, end, duplex, isBelow };
}

/** True if something is the name of a ticket. */
export function isPath(text: unknown): text is string {
  return typeof text === "string" && PATH.test(text);
}

/** True if something is so many bytes in hexadecimal digits. */
export function isHex(text: unknown, bytes: number): text is string {
  return typeof text === "string" && text.length === 2 * bytes && /^[0-9a-f]*$/.test(text);
}

/** Copies made from a ticket, by who has it. */
export class Copier {
  readonly #path: string;
  readonly #key: Uint8Array;
  #copies = 0;

  /** Makes copies of a ticket. */
  constructor(path: string, key: Uint8Array) {
    this.#path = path;
    this.#key = key;
  }

  /** Makes the next one. */
  next(isBelow: boolean): { ticket: string; key: string } {
    const step = `${++this.#copies}${isBelow ? "b" : ""}`;
    return { ticket: `${this.#path}/${step}`, key: keyOf(this.#key, step).toHex() };
  }
}

function keyOf(key: Uint8Array, step: string): Uint8Array {
  const isBelow = step.endsWith("b");
  return deriveKey(key, numberOf(step), isBelow ? FOR_BELOW : FOR_EQUAL);
}

function numberOf(step: string): number {
  return parseInt(step, 10);
}

function split(path: string): [parent: string, step: string] | undefined {
  const cut = path.lastIndexOf("/");
  return cut < 0 ? undefined : [path.slice(0, cut), path.slice(cut + 1)];
}

/** A ticket, at its pipe's home. */
export class Ticket {
  readonly path: string;
  readonly key: Uint8Array;
  readonly hub: Hub;
  readonly end: 0 | 1;
  /** True if it is for somebody with fewer permissions. */
  isBelow: boolean;
  state: "issued" | "used" | "over" = "issued";
  /** Who has come with it. */
  party: PipeParty | undefined;
  /** The number of its keepers. */
  keepers = 0;
  /** Called when it is used, or over. */
  readonly onSettled: Set<() => void> = new Set();
  /** The ticket that it was made from, as long as it is early. */
  parent: Ticket | undefined;
  /** The number of its copies that have been announced. */
  announced = 0;
  /** Those that have come before. */
  readonly early: Map<number, Ticket> = new Map();
  readonly family: { size: number };
  timer: ReturnType<typeof setTimeout> | undefined;

  /** Use {@linkcode Tickets}. */
  constructor(
    path: string,
    key: Uint8Array,
    { hub, end, isBelow }: { hub: Hub; end: 0 | 1; isBelow: boolean },
    family: { size: number },
  ) {
    this.path = path;
    this.key = key;
    this.hub = hub;
    this.end = end;
    this.isBelow = isBelow;
    this.family = family;
  }
}

/** The tickets for the pipes of one home. */
export class Tickets {
  readonly #known = new Map<string, Ticket>();
  readonly #settled: () => Promise<void>;

  /** `settled` settles when all who had connected before have been let in. */
  constructor(settled: () => Promise<void>) {
    this.#settled = settled;
  }

  /** Issues a ticket. */
  issue(hub: Hub, end: 0 | 1, isBelow: boolean, family: { size: number } = { size: 0 }): Ticket {
    const bytes = crypto.getRandomValues(new Uint8Array(ID_BYTES + KEY_BYTES));
    const path = bytes.subarray(0, ID_BYTES).toHex();
    return this.#enter(
      new Ticket(path, bytes.slice(ID_BYTES), { hub, end, isBelow }, family),
    );
  }

  /** Issues one to a party that has come with another: what it makes copies from, from now on. */
  issueBase(ticket: Ticket): Ticket {
    const base = this.issue(ticket.hub, ticket.end, ticket.isBelow, ticket.family);
    this.use(base, ticket.party!);
    return base;
  }

  /**
   * Notes that a copy was given away.
   *
   * @throws {TypeError} It is not the next of this ticket's, or there are too many.
   */
  announce(parent: Ticket, path: string): Ticket {
    const [, step] = split(path)!;
    const number = numberOf(step);
    if (number !== parent.announced + 1) {
      throw new TypeError("Cannot read the pipe: a copy is announced out of turn");
    }
    parent.announced = number;
    const early = parent.early.get(number);
    parent.early.delete(number);
    if (early === undefined) return this.#derive(parent, step);
    early.parent = undefined;
    if (early.state === "over") this.#known.delete(early.path);
    return early;
  }

  /** Gives the ticket of a name, if this is its key and it has not been used. */
  open(path: string, key: Uint8Array): Ticket | undefined {
    const steps: string[] = [];
    let known = this.#known.get(path);
    for (let at = path; known === undefined;) {
      const parts = split(at);
      if (parts === undefined) return undefined;
      at = parts[0];
      steps.unshift(parts[1]);
      known = this.#known.get(at);
    }
    let derived = known.key;
    for (const step of steps) derived = keyOf(derived, step);
    if (!same(derived, key)) return undefined;
    let ticket: Ticket | undefined = known;
    for (const step of steps) {
      ticket = this.#early(ticket, step);
      if (ticket === undefined) return undefined;
    }
    return ticket.state === "issued" ? ticket : undefined;
  }

  /** Its holder has come. */
  use(ticket: Ticket, party: PipeParty): void {
    ticket.state = "used";
    ticket.party = party;
    ticket.hub.join(ticket.end, party, ticket);
    this.#tell(ticket);
  }

  /** Its holder has left. */
  leave(ticket: Ticket): void {
    if (ticket.state === "used") this.#end(ticket);
  }

  /** Nobody will come any more. */
  lose(ticket: Ticket): void {
    if (ticket.state !== "issued") return;
    this.#end(ticket);
    ticket.hub.revoke(ticket.end, ticket);
    this.#tell(ticket);
  }

  /** The same, but who had it may have connected, and not been let in yet. */
  async loseSoon(ticket: Ticket): Promise<void> {
    if (ticket.state !== "issued") return;
    await this.#settled();
    this.lose(ticket);
  }

  /** Nobody answers for it any more: it is over soon, unless somebody comes or it has a keeper. */
  expire(ticket: Ticket): void {
    if (ticket.state !== "issued" || ticket.timer !== undefined) return;
    ticket.timer = setTimeout(() => {
      ticket.timer = undefined;
      if (ticket.keepers === 0) this.loseSoon(ticket);
    }, GRACE);
    ticket.timer.unref();
  }

  #enter(ticket: Ticket): Ticket {
    ticket.family.size++;
    this.#known.set(ticket.path, ticket);
    ticket.hub.issue(ticket.end, ticket);
    return ticket;
  }

  #derive(parent: Ticket, step: string): Ticket {
    if (parent.family.size >= MOST) {
      throw new TypeError(`Cannot read the pipe: one end has more than ${MOST} copies`);
    }
    const { hub, end } = parent;
    const isBelow = parent.isBelow || step.endsWith("b");
    const key = keyOf(parent.key, step);
    const path = `${parent.path}/${step}`;
    return this.#enter(new Ticket(path, key, { hub, end, isBelow }, parent.family));
  }

  /** A copy that comes before it was announced. */
  #early(parent: Ticket, step: string): Ticket | undefined {
    const number = numberOf(step);
    const { state, early, announced, family } = parent;
    const isFull = early.size >= MOST_EARLY || family.size >= MOST;
    if (state === "over" || number <= announced || early.has(number) || isFull) return undefined;
    const ticket = this.#derive(parent, step);
    ticket.parent = parent;
    early.set(number, ticket);
    return ticket;
  }

  #end(ticket: Ticket): void {
    ticket.state = "over";
    ticket.family.size--;
    clearTimeout(ticket.timer);
    // As long as it is early its name must be known, so that it serves once.
    if (ticket.parent === undefined) this.#known.delete(ticket.path);
    for (const early of ticket.early.values()) {
      early.parent = undefined;
      if (early.state === "over") this.#known.delete(early.path);
      else if (early.keepers === 0) this.lose(early);
    }
    ticket.early.clear();
  }

  #tell(ticket: Ticket): void {
    clearTimeout(ticket.timer);
    for (const told of ticket.onSettled) told();
    ticket.onSettled.clear();
  }
}
