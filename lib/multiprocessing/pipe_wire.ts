/**
 * The way in which a handle to an end of a pipe speaks with the pipe's home: directly where it is
 * at home, over a socket elsewhere.
 *
 * @module
 */
import { holdProgram } from "../core/promises.ts";
import type { Link } from "../channel/socket/link.ts";
import type { PrivateConn } from "../channel/socket/place.ts";
import { KEY_BYTES } from "../core/seal.ts";
import { Copier, isHex, isPath, type PipeAddress } from "./pipe_tickets.ts";
import { bury, type Copy, type HomePipe, visit } from "./pipe_broker.ts";
import {
  ASK,
  ASK_NOW,
  BACK,
  BROKEN,
  BYE,
  DRAINED,
  frameOf,
  ITEM,
  itemIn,
  KEPT,
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
import type { PipeParty, Receiver } from "./pipe_hub.ts";

/** The number of times that a handle which is turned away goes to its pipe's home. */
const TRIES = 30;
/** The time that it waits before it does so again, in ms. */
const PAUSE = 20;
const HEX_OF_ID = 32;

/** The messages to a handle. */
export interface WireEnd {
  /** A message, by its number; `isBelow` says that somebody with fewer permissions has sent it. */
  onItem(number: number, message: Uint8Array, isBelow: boolean): void;
  /** The number of bytes of what it sent that have been received. */
  onTaken(bytes: number): void;
  /** Sends fail from now on. */
  onBroken(): void;
  /** No message will come any more. */
  onDrained(): void;
  /** The answer to a question. */
  onAnswer(ask: number, isReady: boolean): void;
  /** The home is out of reach; `fault` says why if that is no end of it. */
  onLost(fault: unknown): void;
  /** True if the program must go on for it. */
  readonly isWaiting: boolean;
}

/** The messages of a handle. */
export interface Wire {
  /** Who receives what it sends, as far as it knows. */
  readonly receiver: Receiver;
  send(message: Uint8Array): void;
  want(): void;
  /** Wants one message less; `done` is called when it is known that none comes for it. */
  unwant(done?: () => void): void;
  ask(ask: number, isNow: boolean): void;
  unask(ask: number): void;
  /** Says that a message was received. */
  received(number: number): void;
  /** Makes one copy more, for somebody with fewer permissions or not. */
  copy(isBelow: boolean): Copy;
  /** Looks whether the program must go on. */
  look(): void;
  /** Settles when all that was said is out. */
  flushed(): Promise<void>;
  /** Leaves, and gives back what was not received. */
  close(unread: number[]): void;
}

/** The wire of a handle at the pipe's home. */
export class HomeWire implements Wire, PipeParty {
  readonly isBelow = false;
  readonly #home: HomePipe;
  readonly #end: 0 | 1;
  readonly #handle: WireEnd;
  #letGo: (() => void) | undefined;

  constructor(home: HomePipe, end: 0 | 1, handle: WireEnd) {
    this.#home = home;
    this.#end = end;
    this.#handle = handle;
    home.hub.join(end, this);
  }

  // What the hub says.

  deliver(number: number, message: Uint8Array, isBelow: boolean): void {
    this.#handle.onItem(number, message, isBelow);
  }

  taken(bytes: number): void {
    this.#handle.onTaken(bytes);
  }

  broken(): void {
    this.#handle.onBroken();
  }

  drained(): void {
    this.#handle.onDrained();
  }

  answer(ask: number, isReady: boolean): void {
    this.#handle.onAnswer(ask, isReady);
  }

  // What the handle says.

  get receiver(): Receiver {
    return this.#home.hub.receiverOf(this.#end);
  }

  send(message: Uint8Array): void {
    this.#home.hub.send(this.#end, this, message);
  }

  want(): void {
    this.#home.hub.want(this.#end, this);
  }

  unwant(done?: () => void): void {
    this.#home.hub.unwant(this.#end, this);
    done?.();
  }

  ask(ask: number, isNow: boolean): void {
    this.#home.hub.ask(this.#end, this, ask, isNow);
  }

  unask(ask: number): void {
    this.#home.hub.unask(this.#end, this, ask);
  }

  received(number: number): void {
    this.#home.hub.received(this.#end, this, number);
  }

  copy(isBelow: boolean): Copy {
    return this.#home.copy(this.#end, isBelow);
  }

  look(): void {
    // Nothing else might hold the program while others are to send.
    if (!this.#handle.isWaiting) {
      this.#letGo?.();
      this.#letGo = undefined;
    } else this.#letGo ??= holdProgram();
  }

  flushed(): Promise<void> {
    return Promise.resolve();
  }

  close(unread: number[]): void {
    for (const number of unread.reverse()) this.#home.hub.takeBack(this.#end, this, number);
    this.#home.hub.leave(this.#end, this);
    this.look();
  }
}

/**
 * The wire of a handle elsewhere.
 *
 * ```text
 *   going -- the ticket is shown --> shown -- WELCOME --> met -- the socket ends --> lost
 *     \---- nobody is there, REFUSED ----\-----------------------------------------/
 * ```
 *
 * All is said as soon as the ticket is shown, since home may block. Should it be turned away before
 * it was welcome (as this thread may block for long before it shows its token), it goes again, and
 * says all again.
 */
export class SocketWire implements Wire {
  /** Home alone knows more. */
  readonly receiver: Receiver = { level: "equal", mayMap: true };
  readonly #address: PipeAddress;
  readonly #handle: WireEnd;
  /** The messages from before it was welcome. */
  #unsaid: Uint8Array[] | undefined = [];
  readonly #unwanting: (() => void)[] = [];
  /**
   * A message that was received, and home does not know it: it is said with the next word that can
   * say it.
   */
  #receipt: number | undefined;
  /** Copies that were given away and that nobody has opened. */
  readonly #copies = new Set<string>();
  #copier: Copier;
  /** Settles when the ticket is shown, or this try is over. */
  #shown = Promise.withResolvers<void>();
  /** Settles when this try is over. */
  #over = Promise.withResolvers<void>();
  #conn: PrivateConn | undefined;
  #link: Link | undefined;
  #isClosed = false;
  #isLost = false;

  constructor(address: PipeAddress, handle: WireEnd) {
    this.#address = address;
    this.#handle = handle;
    this.#copier = new Copier(address.ticket, Uint8Array.fromHex(address.key));
    this.#go();
  }

  async #go(): Promise<void> {
    for (let tries = 1;; tries++) {
      let fault: unknown;
      try {
        const visited = await visit(this.#address, false);
        if (visited === undefined) return this.#lose(undefined);
        this.#conn = visited.conn;
        this.#link = visited.link;
        for (const frame of this.#unsaid!) this.#link.send(frame);
        this.look();
        this.#shown.resolve();
        await this.#hear(this.#link);
      } catch (error) {
        fault = error;
      }
      this.#link?.close();
      // Once welcome it is not turned away.
      const wasTurnedAway = this.#unsaid !== undefined &&
        (fault === undefined || fault instanceof Deno.errors.BrokenPipe ||
          fault instanceof Deno.errors.ConnectionReset);
      const isOut = this.#isClosed && fault === undefined && !this.#link!.isBroken;
      if (!wasTurnedAway || isOut || tries >= TRIES) return await this.#lose(fault);
      this.#over.resolve();
      this.#over = Promise.withResolvers();
      this.#shown = Promise.withResolvers();
      await new Promise((resolve) => setTimeout(resolve, PAUSE * tries));
    }
  }

  async #hear(link: Link): Promise<void> {
    for await (const frame of link.frames()) this.#take(frame);
  }

  #take(frame: Uint8Array): void {
    const handle = this.#handle;
    switch (frame[0]) {
      case ITEM:
        return handle.onItem(...itemIn(frame));
      case TAKEN:
        return handle.onTaken(numberIn(frame));
      case BROKEN:
        return handle.onBroken();
      case DRAINED:
        return handle.onDrained();
      case READY:
      case NOT_READY:
        return handle.onAnswer(numberIn(frame), frame[0] === READY);
      case UNWANTED:
        return this.#unwanting.shift()?.();
      case KEPT:
        return void this.#unwanting.shift();
      case WELCOME: {
        const [id, key] = [textIn(frame).slice(0, HEX_OF_ID), textIn(frame).slice(HEX_OF_ID)];
        if (!isPath(id) || !isHex(key, KEY_BYTES)) {
          throw new TypeError("Cannot read the pipe: it gives no ticket");
        }
        this.#copier = new Copier(id, Uint8Array.fromHex(key));
        this.#unsaid = undefined;
        return;
      }
      case REFUSED:
        this.#unsaid = undefined;
        return this.#link!.close();
      case SETTLED:
        this.#copies.delete(textIn(frame));
        return void this.#endWhenSettled();
      default:
        throw new TypeError(`Cannot read the pipe: there is no word ${frame[0]}`);
    }
  }

  async #lose(fault: unknown): Promise<void> {
    this.#isLost = true;
    this.#unsaid = undefined;
    this.#over.resolve();
    this.#shown.resolve();
    if (this.#isClosed) return;
    this.#handle.onLost(fault);
    if (fault === undefined) await bury(this.#address);
  }

  #say(frame: Uint8Array): void {
    this.#unsaid?.push(frame);
    this.#link?.send(frame);
  }

  send(message: Uint8Array): void {
    this.#say(frameOf(SEND, message));
  }

  want(): void {
    if (this.#receipt === undefined) this.#say(frameOf(WANT));
    else this.#say(numberFrame(NEXT, this.#receipt));
    this.#receipt = undefined;
  }

  unwant(done: () => void = () => {}): void {
    this.#unwanting.push(done);
    this.#say(frameOf(UNWANT));
  }

  ask(ask: number, isNow: boolean): void {
    this.#say(numberFrame(isNow ? ASK_NOW : ASK, ask));
  }

  unask(ask: number): void {
    this.#say(numberFrame(UNASK, ask));
  }

  received(number: number): void {
    this.#sayReceipt();
    this.#receipt = number;
    // Who waits for more may have to wait for the room that this one takes.
    if (this.#handle.isWaiting) this.#sayReceipt();
  }

  #sayReceipt(): void {
    if (this.#receipt !== undefined) this.#say(numberFrame(RECEIVED, this.#receipt));
    this.#receipt = undefined;
  }

  copy(isBelow: boolean): Copy {
    const { ticket, key } = this.#copier.next(isBelow);
    this.#copies.add(ticket);
    this.#say(textFrame(TICKET, ticket));
    const { folder, token } = this.#address;
    return {
      place: { folder, token, ticket, key },
      lose: () => this.#say(textFrame(REVOKE, ticket)),
    };
  }

  look(): void {
    if (this.#isClosed) return;
    if (this.#handle.isWaiting) this.#conn?.ref();
    else this.#conn?.unref();
  }

  async flushed(): Promise<void> {
    for (;;) {
      const over = this.#over.promise;
      await this.#shown.promise;
      await this.#link?.flushed();
      const isOut = this.#isLost || this.#unsaid === undefined || !this.#link?.isBroken;
      if (isOut) return;
      await over;
    }
  }

  close(unread: number[]): void {
    this.#sayReceipt();
    for (const number of unread.reverse()) this.#say(numberFrame(BACK, number));
    this.#say(frameOf(BYE));
    this.#isClosed = true;
    this.#conn?.unref();
    this.#endWhenSettled();
  }

  /** Ends what was given away and nobody has opened, with this connection or little later. */
  async #endWhenSettled(): Promise<void> {
    if (!this.#isClosed || this.#copies.size > 0) return;
    await this.flushed();
    this.#link?.close();
  }
}
