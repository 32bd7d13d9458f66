/**
 * How a handle to an end of a pipe speaks with the pipe's home: directly where it is at home, over a socket
 * elsewhere.
 *
 * @module
 */
import type { Link } from "../child/link.ts";
import {
  type Address,
  ASK,
  ASK_NOW,
  BACK,
  BROKEN,
  bury,
  BYE,
  DRAINED,
  frameOf,
  type HomePipe,
  ITEM,
  KEPT,
  NOT_READY,
  numberFrame,
  numberIn,
  READY,
  REVOKE,
  SEND,
  TAKEN,
  TICKET,
  UNASK,
  UNWANT,
  UNWANTED,
  visit,
  WANT,
} from "./pipe_broker.ts";
import type { Party } from "./pipe_hub.ts";

/** What a handle is told. */
export interface WireEnd {
  /** A message. */
  onItem(message: Uint8Array): void;
  /** So many bytes of what it sent have been received. */
  onTaken(bytes: number): void;
  /** Sends fail from now on. */
  onBroken(): void;
  /** No message will come any more. */
  onDrained(): void;
  /** The answer to a question. */
  onAnswer(ask: number, isReady: boolean): void;
  /** The home is out of reach; `fault` says why if that is no end of it. */
  onLost(fault: unknown): void;
  /** Whether the program must go on for it. */
  readonly isWaiting: boolean;
}

/** What a handle says. */
export interface Wire {
  send(message: Uint8Array): void;
  want(): void;
  /** Wants one message less; `done` is called when it is known that none comes for it. */
  unwant(done?: () => void): void;
  ask(ask: number, isNow: boolean): void;
  unask(ask: number): void;
  /** Gives an address for one copy more. */
  copy(): Address;
  /** Gives up a copy whose receiver has ended. */
  lose(ticket: string): void | Promise<void>;
  /** Looks whether the program must go on. */
  look(): void;
  /** Settles when all that was said is out. */
  flushed(): Promise<void>;
  /** Leaves, and gives back what was not received. */
  close(unread: Uint8Array[]): void;
}

/** The wire of a handle at the pipe's home. */
export class HomeWire implements Wire, Party {
  demand = 0;
  readonly asks = new Set<number>();
  readonly #home: HomePipe;
  readonly #end: 0 | 1;
  readonly #handle: WireEnd;
  #keepAlive: ReturnType<typeof setInterval> | undefined;

  constructor(home: HomePipe, end: 0 | 1, handle: WireEnd) {
    this.#home = home;
    this.#end = end;
    this.#handle = handle;
    home.hub.join(end, this);
  }

  // What the hub says.

  deliver(message: Uint8Array): void {
    this.#handle.onItem(message);
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

  send(message: Uint8Array): void {
    this.#home.hub.send(this.#end, this, message);
  }

  want(): void {
    this.#home.hub.want(this.#end, this);
  }

  unwant(done?: () => void): void {
    this.#home.hub.unwant(this);
    done?.();
  }

  ask(ask: number, isNow: boolean): void {
    this.#home.hub.ask(this.#end, this, ask, isNow);
  }

  unask(ask: number): void {
    this.asks.delete(ask);
  }

  copy(): Address {
    return this.#home.addressOf(this.#end);
  }

  lose(ticket: string): Promise<void> {
    return this.#home.lose(this.#end, ticket);
  }

  look(): void {
    // Nothing else might hold the program while others are to send.
    if (!this.#handle.isWaiting) {
      clearInterval(this.#keepAlive);
      this.#keepAlive = undefined;
    } else this.#keepAlive ??= setInterval(() => {}, 1 << 30);
  }

  flushed(): Promise<void> {
    return Promise.resolve();
  }

  close(unread: Uint8Array[]): void {
    for (const message of unread.reverse()) this.#home.hub.takeBack(this.#end, this, message);
    this.#home.hub.leave(this.#end, this);
    this.look();
  }
}

/** The wire of a handle elsewhere. */
export class SocketWire implements Wire {
  readonly #address: Address;
  readonly #handle: WireEnd;
  /** What was said before the socket was there. */
  #unsaid: Uint8Array[] | undefined = [];
  readonly #unwanting: (() => void)[] = [];
  readonly #met: Promise<void>;
  #conn: Deno.UnixConn | undefined;
  #link: Link | undefined;
  #isClosed = false;

  constructor(address: Address, handle: WireEnd) {
    this.#address = address;
    this.#handle = handle;
    this.#met = this.#meet();
  }

  async #meet(): Promise<void> {
    let visited: Awaited<ReturnType<typeof visit>>;
    try {
      visited = await visit(this.#address);
    } catch (fault) {
      return this.#lost(fault);
    }
    if (visited === undefined) return this.#lost(undefined);
    const { conn, link } = visited;
    this.#conn = conn;
    this.#link = link;
    for (const frame of this.#unsaid!) link.send(frame);
    this.#unsaid = undefined;
    this.#hear(link);
    this.look();
    if (this.#isClosed) await this.#end();
  }

  async #hear(link: Link): Promise<void> {
    let fault: unknown;
    try {
      for await (const frame of link.frames()) this.#take(frame);
    } catch (error) {
      fault = error;
    }
    if (this.#isClosed) return;
    this.#lost(fault);
    if (fault === undefined) await bury(this.#address);
  }

  #take(frame: Uint8Array): void {
    const handle = this.#handle;
    switch (frame[0]) {
      case ITEM:
        return handle.onItem(frame.subarray(1));
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
      default:
        throw new TypeError(`Cannot read the pipe: there is no word ${frame[0]}`);
    }
  }

  #lost(fault: unknown): void {
    this.#unsaid = undefined;
    this.#link?.close();
    this.#handle.onLost(fault);
  }

  #say(frame: Uint8Array): void {
    if (this.#unsaid !== undefined) this.#unsaid.push(frame);
    else this.#link?.send(frame);
  }

  send(message: Uint8Array): void {
    this.#say(frameOf(SEND, message));
  }

  want(): void {
    this.#say(frameOf(WANT));
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

  copy(): Address {
    const ticket = crypto.randomUUID();
    this.#say(frameOf(TICKET, new TextEncoder().encode(ticket)));
    return { ...this.#address, ticket };
  }

  lose(ticket: string): void {
    this.#say(frameOf(REVOKE, new TextEncoder().encode(ticket)));
  }

  look(): void {
    if (this.#isClosed) return;
    if (this.#handle.isWaiting) this.#conn?.ref();
    else this.#conn?.unref();
  }

  async flushed(): Promise<void> {
    await this.#met;
    await this.#link?.flushed();
  }

  close(unread: Uint8Array[]): void {
    for (const message of unread.reverse()) this.#say(frameOf(BACK, message));
    this.#say(frameOf(BYE));
    this.#isClosed = true;
    if (this.#link !== undefined) this.#end();
  }

  async #end(): Promise<void> {
    await this.#link!.flushed();
    this.#link!.close();
  }
}
