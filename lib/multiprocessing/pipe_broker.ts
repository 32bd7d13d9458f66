/**
 * The broker: how handles in other processes (and threads) reach the pipes that were made here. One
 * for each thread that has made a pipe and given an end away: a socket of
 * `channel/socket/private_socket.ts`. Who has shown its token shows a ticket (`pipe_tickets.ts`),
 * which says what it is let in to: nobody names a pipe or an end. A frame that is none of
 * `pipe_protocol.ts`, or that this guest may not say, ends that connection, and nothing else.
 *
 * Who dies when:
 *
 * - a guest, at any time: its connection ends, and it has left its end. What it gave away and
 *   nobody has opened is over soon after;
 * - a keeper, who has a message with such an end in it: the same;
 * - the broker: its sockets close, and both ends of its pipes are over. Its folder is removed when
 *   it has no pipe left that others use, when its program ends, and by clients who find it dead;
 *   what a signal that kills all of them at the same time leaves, the next program sweeps away.
 *
 * @module
 */
import { lastWords } from "../core/hooks.ts";
import { reachedUnheld } from "../core/promises.ts";
import { KEY_BYTES } from "../core/seal.ts";
import { Link } from "../channel/socket/link.ts";
import type { PrivateConn } from "../channel/socket/place.ts";
import { makePrivateFolder, removeDeadFolder } from "../channel/socket/private_folder.ts";
import { connect, newToken, PrivateSocket } from "../channel/socket/private_socket.ts";
import { receiverMaps } from "../transfer/flight.ts";
import { Hub, type Kept, LONGEST_FRAME, type PipeParty } from "./pipe_hub.ts";
import {
  ASK,
  ASK_NOW,
  BACK,
  BROKEN,
  BYE,
  DRAINED,
  frameOf,
  HELLO,
  itemFrame,
  KEPT,
  LOST,
  MARK,
  NEXT,
  NOT_READY,
  numberFrame,
  numberIn,
  READY,
  RECEIVED,
  REFUSED,
  REVOKE,
  SEND,
  SETTLED,
  TAKEN,
  textFrame,
  textIn,
  TICKET,
  UNASK,
  UNWANT,
  UNWANTED,
  WANT,
  WELCOME,
} from "./pipe_protocol.ts";
import {
  checkAddress,
  isHex,
  isPath,
  type PipeAddress,
  type Ticket,
  Tickets,
} from "./pipe_tickets.ts";

/** The time that the socket of a process that has ended may take to close, in ms. */
const LEAVING = 1_000;
/** The interval at which a guest that is not heard is looked after, in ms. */
const PULSE = 400;
/** The greatest length of a greeting, in bytes. */
const LONGEST_HELLO = 4_096;
/** The most copies of its end that a guest may have given away and nobody has opened. */
const MOST_COPIES = 500;
/** The most ends of pipes that were made elsewhere which are kept at a time. */
const MOST_KEPT = 64;
/** The most answers that may wait for a guest that does not read: then it is not heard either. */
const MOST_UNWRITTEN = 64;

/** A handle behind a socket. */
class Guest implements PipeParty {
  readonly isBelow: boolean;
  /** Settles when its connection has ended. */
  readonly gone: Promise<void>;
  readonly #link: Link;
  readonly #ticket: Ticket;
  readonly #hub: Hub;
  readonly #end: 0 | 1;
  readonly #tickets: Tickets;
  readonly #base: Ticket;
  /** The copies that it has given away and nobody has opened. */
  readonly #copies = new Map<string, Ticket>();
  readonly #gone = Promise.withResolvers<void>();
  #isBroken = false;
  #isDrained = false;
  #hasLeft = false;

  /** Lets it in, by its ticket. */
  constructor(link: Link, ticket: Ticket, tickets: Tickets) {
    this.isBelow = ticket.isBelow;
    this.gone = this.#gone.promise;
    this.#link = link;
    this.#ticket = ticket;
    this.#hub = ticket.hub;
    this.#end = ticket.end;
    this.#tickets = tickets;
    tickets.use(ticket, this);
    this.#base = tickets.issueBase(ticket);
    const { path, key } = this.#base;
    link.send(textFrame(WELCOME, path + key.toHex()));
  }

  deliver(number: number, message: Uint8Array, isBelow: boolean): void {
    this.#link.send(itemFrame(number, message, isBelow));
  }

  taken(bytes: number): void {
    this.#link.send(numberFrame(TAKEN, bytes));
  }

  broken(): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    this.#link.send(frameOf(BROKEN));
  }

  drained(): void {
    if (this.#isDrained) return;
    this.#isDrained = true;
    this.#link.send(frameOf(DRAINED));
  }

  answer(ask: number, isReady: boolean): void {
    this.#link.send(numberFrame(isReady ? READY : NOT_READY, ask));
  }

  /** Serves it until it is gone. */
  async serve(frames: AsyncGenerator<Uint8Array>): Promise<void> {
    try {
      for await (const frame of frames) {
        if (frame[0] === SEND) await this.#roomFor(frame.length - 1);
        this.#hear(frame);
        if (this.#link.unwritten > MOST_UNWRITTEN) await this.#link.flushed();
      }
    } catch (error) {
      // It spoke no words of ours: it is no longer listened to.
      if (!this.#link.isBroken) this.#hub.guard?.onFault(error);
    } finally {
      this.#leave(true);
      for (const copy of this.#copies.values()) this.#tickets.expire(copy);
      this.#link.close();
      this.#gone.resolve();
    }
  }

  /** Waits until there is room; meanwhile it is not heard. */
  async #roomFor(bytes: number): Promise<void> {
    if (this.#hub.roomFor(this.#end, this, bytes) === undefined) return;
    // Who is not heard is not heard to end either: so something is said to it now and then.
    const dead = Promise.withResolvers<never>();
    const pulse = setInterval(() => {
      if (this.#link.isBroken) dead.reject(new Error("it has ended"));
      else if (this.#link.unwritten === 0) this.taken(0);
    }, PULSE);
    pulse.unref();
    try {
      for (let room; (room = this.#hub.roomFor(this.#end, this, bytes)) !== undefined;) {
        await Promise.race([room, dead.promise]);
      }
    } finally {
      clearInterval(pulse);
    }
  }

  #leave(isDead: boolean): void {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#hub.leave(this.#end, this, isDead);
    this.#tickets.leave(this.#ticket);
    this.#tickets.leave(this.#base);
  }

  #hear(frame: Uint8Array): void {
    const [hub, end] = [this.#hub, this.#end];
    if (frame[0] === REVOKE) return this.#revoke(textIn(frame));
    if (this.#hasLeft) throw new TypeError("Cannot read the pipe: it has left");
    switch (frame[0]) {
      case SEND:
        return hub.send(end, this, frame.subarray(1));
      case WANT:
        return hub.want(end, this);
      case UNWANT:
        return this.#link.send(frameOf(hub.unwant(end, this) ? UNWANTED : KEPT));
      case RECEIVED:
        return hub.received(end, this, numberIn(frame));
      case NEXT:
        hub.received(end, this, numberIn(frame));
        return hub.want(end, this);
      case BACK:
        return hub.takeBack(end, this, numberIn(frame));
      case ASK:
      case ASK_NOW:
        return hub.ask(end, this, numberIn(frame), frame[0] === ASK_NOW);
      case UNASK:
        return hub.unask(end, this, numberIn(frame));
      case TICKET:
        return this.#announce(textIn(frame));
      case BYE:
        // It stays for what it has given away and nobody has opened; else nobody is told that it
        // has left before that is so.
        if (this.#copies.size === 0) this.#link.close();
        return this.#leave(false);
      default:
        throw new TypeError(`Cannot read the pipe: there is no word ${frame[0]}`);
    }
  }

  #announce(path: string): void {
    const parent = [this.#base, this.#ticket].find((mine) => path.startsWith(`${mine.path}/`));
    const isCopy = parent !== undefined && isPath(path) &&
      !path.slice(parent.path.length + 1).includes("/");
    if (!isCopy || this.#copies.size >= MOST_COPIES) {
      throw new TypeError("Cannot read the pipe: no copy of this end, or too many");
    }
    const copy = this.#tickets.announce(parent, path);
    const settle = () => {
      this.#copies.delete(path);
      this.#link.send(textFrame(SETTLED, path));
      if (this.#hasLeft && this.#copies.size === 0) this.#link.close();
    };
    if (copy.state !== "issued") return settle();
    this.#copies.set(path, copy);
    copy.onSettled.add(settle);
  }

  #revoke(path: string): void {
    const copy = this.#copies.get(path);
    if (copy !== undefined) this.#tickets.loseSoon(copy);
  }
}

/** The broker of this thread, while others use pipes of it. */
class Broker {
  readonly tickets = new Tickets(() => this.#socket.settled());
  readonly #token = newToken();
  readonly #socket: PrivateSocket;
  readonly #hubs = new Set<Hub>();

  constructor() {
    this.#socket = new PrivateSocket(makePrivateFolder(), this.#token, (conn) => this.#ask(conn));
    this.#socket.unref();
  }

  /** Where it is. */
  get place(): { folder: string; token: string } {
    return { folder: this.#socket.folder, token: this.#token.toHex() };
  }

  /** Makes a pipe known. */
  add(hub: Hub): void {
    this.#hubs.add(hub);
  }

  /** Forgets a pipe; with the last one the broker ends. */
  delete(hub: Hub): void {
    this.#hubs.delete(hub);
    if (this.#hubs.size === 0) this.end();
  }

  end(): void {
    if (broker !== this) return;
    broker = undefined;
    this.#socket.end();
  }

  /** Settles when all who had connected before have been let in, or turned away. */
  settled(): Promise<void> {
    return this.#socket.settled();
  }

  async #ask(conn: PrivateConn): Promise<void> {
    const link = new Link(conn);
    link.longest = LONGEST_HELLO;
    const frames = link.frames();
    const { value: hello } = await frames.next();
    if (hello === undefined || hello[0] !== HELLO) throw new Error("no hello");
    const { ticket: path, key, keeps } = JSON.parse(textIn(hello)) as Record<string, unknown>;
    if (!isPath(path) || !isHex(key, KEY_BYTES)) throw new Error("no ticket");
    const ticket = this.tickets.open(path, Uint8Array.fromHex(key));
    if (ticket === undefined) {
      link.send(frameOf(REFUSED));
      await link.flushed();
      throw new Error("no such ticket, or it was used");
    }
    if (keeps === true) return void keepFor(link, frames, ticket, this.tickets);
    link.longest = Math.min(LONGEST_FRAME, ticket.hub.guard?.longest ?? Infinity);
    new Guest(link, ticket, this.tickets).serve(frames);
  }
}

let broker: Broker | undefined;
lastWords.add(() => broker?.end());

/** A copy of an end, for somebody else. */
export interface Copy {
  /** Where it is to be found. */
  place: Pick<PipeAddress, "folder" | "token" | "ticket" | "key">;
  /** Gives it up: its receiver has ended. */
  lose: () => void | Promise<void>;
}

/** A pipe that this thread has made, and where others find it. */
export class HomePipe {
  readonly hub: Hub;
  #known: Broker | undefined;

  /** Makes it. */
  constructor(duplex: boolean) {
    this.hub = new Hub(duplex, () => this.#known?.delete(this.hub), keep);
  }

  /** Makes one copy more of an end, for whoever goes there. */
  copy(end: 0 | 1, isBelow: boolean): Copy {
    if (this.#known === undefined) {
      this.#known = broker ??= new Broker();
      this.#known.add(this.hub);
    }
    const { place, tickets } = this.#known;
    const ticket = tickets.issue(this.hub, end, isBelow);
    if (!receiverMaps()) this.hub.noteUnmapped(end);
    return {
      place: { ...place, ticket: ticket.path, key: ticket.key.toHex() },
      lose: () => this.#lose(ticket),
    };
  }

  /** Waits until a copy has left whose holder has ended. */
  async #lose(ticket: Ticket): Promise<void> {
    // It may have connected, and sent, and not been let in yet.
    await this.#known!.settled();
    this.#known!.tickets.lose(ticket);
    const { party } = ticket;
    if (!(party instanceof Guest)) return;
    // Its socket closes with its process.
    await reachedUnheld(party.gone, LEAVING);
  }
}

/** Serves somebody who keeps a ticket. */
async function keepFor(
  link: Link,
  frames: AsyncGenerator<Uint8Array>,
  ticket: Ticket,
  tickets: Tickets,
): Promise<void> {
  let isLost = false;
  const settle = () => link.close();
  ticket.keepers++;
  ticket.onSettled.add(settle);
  try {
    for await (const [word] of frames) {
      if (word === MARK) ticket.isBelow = true;
      else if (word === LOST) isLost = true;
      else throw new TypeError(`Cannot read the pipe: there is no word ${word}`);
    }
  } catch {
    // It spoke no words of ours.
  } finally {
    ticket.onSettled.delete(settle);
    ticket.keepers--;
    link.close();
    release(ticket, tickets, isLost);
  }
}

/** The fate of a ticket whose keeper keeps it no longer. */
function release(ticket: Ticket, tickets: Tickets, isLost: boolean): void {
  if (ticket.keepers > 0) return;
  if (isLost) tickets.loseSoon(ticket);
  else tickets.expire(ticket);
}

/** A ticket of this home in a message here. */
class KeptHere implements Kept {
  readonly #ticket: Ticket;
  readonly #tickets: Tickets;
  #isDropped = false;

  constructor(ticket: Ticket, tickets: Tickets) {
    this.#ticket = ticket;
    this.#tickets = tickets;
    ticket.keepers++;
  }

  get isSettled(): boolean {
    return this.#ticket.state !== "issued";
  }

  mark(): void {
    this.#ticket.isBelow = true;
  }

  drop(isLost: boolean): void {
    if (this.#isDropped) return;
    this.#isDropped = true;
    this.#ticket.keepers--;
    release(this.#ticket, this.#tickets, isLost);
  }
}

let keptElsewhere = 0;

/** A ticket of another home in a message here. */
class KeptElsewhere implements Kept {
  isSettled = false;
  readonly #met: Promise<Link | undefined>;

  constructor(address: PipeAddress) {
    keptElsewhere++;
    this.#met = this.#meet(address);
  }

  async #meet(address: PipeAddress): Promise<Link | undefined> {
    const visited = await visit(address, true).catch(() => undefined);
    if (visited === undefined) this.#end();
    else this.#listen(visited.link);
    return visited?.link;
  }

  async #listen(link: Link): Promise<void> {
    link.unref();
    try {
      // Its end says that somebody has opened it, or that nobody can.
      for await (const _ of link.frames());
    } catch {
      // Whoever it is, it keeps nothing.
    }
    this.#end();
  }

  #end(): void {
    if (this.isSettled) return;
    this.isSettled = true;
    keptElsewhere--;
  }

  mark(): void {
    this.#met.then((link) => link?.send(frameOf(MARK)));
  }

  async drop(isLost: boolean): Promise<void> {
    const link = await this.#met;
    if (isLost) link?.send(frameOf(LOST));
    await link?.flushed();
    link?.close();
  }
}

const NOT_KEPT: Kept = { isSettled: true, mark() {}, drop() {} };

/**
 * Keeps an end of another pipe that is in a message here, so that it lives as long as somebody
 * could still receive that. Where its address is none of ours nothing is kept, and whoever receives
 * it is told.
 */
function keep(sent: unknown): Kept {
  let address: PipeAddress;
  try {
    address = checkAddress(sent);
  } catch {
    return NOT_KEPT;
  }
  if (address.folder === broker?.place.folder) {
    const { tickets } = broker;
    const ticket = tickets.open(address.ticket, Uint8Array.fromHex(address.key));
    return ticket === undefined ? NOT_KEPT : new KeptHere(ticket, tickets);
  }
  return keptElsewhere < MOST_KEPT ? new KeptElsewhere(address) : NOT_KEPT;
}

/** Gives up a copy that nobody will open, at home or by going there. */
export function giveUp(address: unknown): void {
  keep(address).drop(true);
}

/**
 * Goes to the address of an end; undefined when nobody is there any more.
 *
 * @param keeps True to keep the ticket instead of using it.
 * @throws {Deno.errors.NotCapable} This process may not go there.
 * @throws {Deno.errors.BrokenPipe | Deno.errors.ConnectionReset} It was turned away.
 */
export async function visit(
  { folder, token, ticket, key }: PipeAddress,
  keeps: boolean,
): Promise<{ conn: PrivateConn; link: Link } | undefined> {
  let conn: PrivateConn;
  try {
    conn = await connect(folder, Uint8Array.fromHex(token));
  } catch (cause) {
    if (
      cause instanceof Deno.errors.NotCapable || cause instanceof Deno.errors.BrokenPipe ||
      cause instanceof Deno.errors.ConnectionReset
    ) throw cause;
    removeDeadFolder(folder);
    return undefined;
  }
  const link = new Link(conn);
  link.longest = LONGEST_FRAME;
  link.send(textFrame(HELLO, JSON.stringify({ ticket, key, keeps })));
  return { conn, link };
}

/** Removes the folder of a broker that has died; one that lives keeps it. */
export async function bury({ folder }: PipeAddress): Promise<void> {
  try {
    Deno.statSync(folder);
  } catch {
    // It has done so itself.
    return;
  }
  try {
    (await connect(folder, new Uint8Array())).close();
  } catch {
    removeDeadFolder(folder);
  }
}
