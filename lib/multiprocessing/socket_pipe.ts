/**
 * A pipe without shared memory: its messages are kept where it was made (`pipe_hub.ts`); a handle
 * elsewhere reaches them over a local socket (`pipe_broker.ts`). Here is the handle, the same for
 * both.
 *
 * A handle asks for as many messages as there are calls of `recv()`. One whose call was given up
 * meanwhile waits here for the next call, and goes back when the handle is closed.
 *
 * A sender may have {@linkcode ROOM} bytes on their way that nobody has received; then it waits.
 *
 * Who dies when:
 *
 * - the process of a handle: the hub hears of it by the socket's end; see there;
 * - the home: the socket ends; sends and receives throw EOFError, once what is here has been
 *   received. Ends of other pipes that were in messages there are given up by who sent them.
 *
 * @module
 */
import { EOFError, ShareError, TimeoutError } from "../core/errors.ts";
import { beforeEnd, recorder } from "../core/hooks.ts";
import { INSPECT, shown } from "../core/inspect.ts";
import { Countdown, reached, takeUntil } from "../core/promises.ts";
import {
  checkBytes,
  checkNoTransfer,
  type Connection,
  roomIn,
  type SendOptions,
} from "../channel/connection.ts";
import {
  loadFor,
  type Message,
  messageOf,
  messageOfBytes,
  readBytes,
  readerInto,
  readValue,
  unwrap,
} from "../channel/message.ts";
import { READY } from "../channel/connection_wait.ts";
import { Turns } from "../channel/in_order.ts";
import { checkCancelled } from "../sync/steps.ts";
import { checkWait, type WaitOptions } from "../sync/options.ts";
import { inFlight, loseAll, packedFor, packFor } from "../transfer/flight.ts";
import type { TrustLevel } from "../transfer/reduction.ts";
import { SHARE, shareable, type World } from "../transfer/shareable.ts";
import { giveUp, HomePipe } from "./pipe_broker.ts";
import {
  contentOf,
  type Packet,
  packetOf,
  type PipeGuard,
  type Receiver,
  ROOM,
} from "./pipe_hub.ts";
import { checkAddress, type PipeAddress } from "./pipe_tickets.ts";
import { HomeWire, SocketWire, type Wire, type WireEnd } from "./pipe_wire.ts";

/** The time that the home is given to answer a call whose time is up, in ms. */
const LAST_CALL = 500;

/** A message that has come. */
interface Come {
  number: number;
  packet: Packet;
  /** From whom it is. */
  level: TrustLevel;
}

interface Waiter {
  take: (message: Come) => void;
  fail: (error: unknown) => void;
}

interface Asker {
  tell: (isReady: boolean) => void;
  fail: (error: unknown) => void;
}

const BELOW: Receiver = { level: "below", mayMap: false };

/**
 * The open handles of this thread that speak over a socket: they finish speaking before it ends.
 */
const open = new Set<SocketConnection>();
beforeEnd.add(() => Promise.all([...open].map((connection) => connection.flushed())));

/** One end of a pipe whose messages are kept where it was made. */
export class SocketConnection<T = unknown> implements Connection<T>, WireEnd {
  static {
    // The name that it has outside.
    Object.defineProperty(this, "name", { value: "Connection" });
  }

  readonly #wire: Wire;
  readonly #end: 0 | 1;
  readonly #duplex: boolean;
  /**
   * True if it has come from somebody with fewer permissions: then so has all that comes through
   * it.
   */
  readonly #isBelow: boolean;
  readonly #turns = new Turns();
  /** Messages that came for calls which had been given up. */
  readonly #inbox: Come[] = [];
  readonly #waiters: Waiter[] = [];
  readonly #askers = new Map<number, Asker>();
  #asked = 0;
  #onTheirWay = 0;
  /**
   * Ends of other pipes in messages on their way, and how many bytes will have been received with
   * them.
   */
  #aboard: { until: number; cargo: unknown[] }[] = [];
  #sent = 0;
  #room = Promise.withResolvers<void>();
  #isBroken = false;
  #isDrained = false;
  /** Why the wire failed, if not because its home is gone. */
  #fault: unknown;
  #closed = false;

  /** `pipe()` makes connections. */
  constructor(home: HomePipe | PipeAddress, end: 0 | 1, duplex: boolean, isBelow = false) {
    this.#end = end;
    this.#duplex = duplex;
    this.#isBelow = isBelow;
    if (home instanceof HomePipe) this.#wire = new HomeWire(home, end, this);
    else {
      this.#wire = new SocketWire(home, this);
      open.add(this as SocketConnection);
    }
  }

  /** True if this end is closed here. */
  get closed(): boolean {
    return this.#closed;
  }

  async send(value: T, options?: SendOptions): Promise<void> {
    const timeout = this.#patience(options, "send");
    options?.signal?.throwIfAborted();
    this.#checkSend();
    // Who keeps a pipe's messages that has fewer permissions has no memory to keep them in.
    const { level, mayMap } = this.#isBelow ? BELOW : this.#wire.receiver;
    const message = packFor(level, () => messageOf(value), mayMap);
    await this.#sendMessage(message, timeout, options?.signal);
  }

  sendSync(): void {
    this.#checkSend();
    refuseSync("send");
  }

  async sendBytes(bytes: Uint8Array, options?: WaitOptions): Promise<void> {
    const timeout = this.#patience(options, "send");
    options?.signal?.throwIfAborted();
    this.#checkSend();
    checkBytes(bytes);
    await this.#sendMessage(messageOfBytes(bytes), timeout, options?.signal);
  }

  async recv(options?: WaitOptions): Promise<T> {
    const { number, packet, level } = await this.#receive(options);
    recorder?.moves("get", "Pipe");
    this.#wire.received(number);
    const message = contentOf(packet);
    const found = readValue(message, 0, message.length, () => level);
    await loadFor(found);
    return unwrap(found) as T;
  }

  recvSync(): T {
    this.#checkReceive("receive");
    refuseSync("recv");
  }

  async recvBytes(options?: WaitOptions): Promise<Uint8Array> {
    return await this.#receiveBytes(readBytes, options) as Uint8Array;
  }

  async recvBytesInto(
    buffer: ArrayBufferView | ArrayBufferLike,
    offset?: number,
    options?: WaitOptions,
  ): Promise<number> {
    return await this.#receiveBytes(readerInto(roomIn(buffer, offset)), options) as number;
  }

  /** Receives bytes; what cannot be read so stays. */
  async #receiveBytes(
    read: typeof readBytes,
    options: WaitOptions | undefined,
  ): Promise<unknown> {
    const come = await this.#receive(options);
    recorder?.moves("get", "Pipe");
    try {
      const message = contentOf(come.packet);
      const value = unwrap(read(message, 0, message.length));
      this.#wire.received(come.number);
      return value;
    } catch (error) {
      this.#inbox.unshift(come);
      throw error;
    }
  }

  async poll(timeout = 0): Promise<boolean> {
    const wait = checkWait({ timeout }, "poll");
    this.#checkReceive("poll");
    if (this.#inbox.length > 0 || this.#isDrained) return true;
    return await this.#ask(wait, undefined);
  }

  pollSync(): boolean {
    this.#checkReceive("poll");
    refuseSync("poll");
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    open.delete(this as SocketConnection);
    const error = new Error("Cannot receive: the connection was closed meanwhile");
    for (const waiter of this.#waiters.splice(0)) waiter.fail(error);
    for (const asker of this.#askers.values()) asker.fail(error);
    this.#askers.clear();
    this.#room.resolve();
    this.#wire.close(this.#inbox.splice(0).map(({ number }) => number));
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** As {@linkcode close}, and waits until what was sent is out. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.flushed();
  }

  /** Gives what comes, until the other end is closed. */
  [Symbol.asyncIterator](): AsyncIterator<T> {
    return takeUntil(() => this.recv(), EOFError);
  }

  /** Sends a message that was sent in memory, room or not. @ignore */
  forward(message: Uint8Array): void {
    this.#put(packetOf(message, []), []);
  }

  /** Settles when all that was sent is out. @ignore */
  flushed(): Promise<void> {
    return this.#wire.flushed();
  }

  /** @ignore */
  async [READY](signal: AbortSignal): Promise<unknown> {
    this.#checkReceive("poll");
    if (this.#inbox.length > 0 || this.#isDrained) return;
    return await this.#ask(Infinity, signal);
  }

  /** @ignore */
  [INSPECT](): string {
    return shown(this, () => [this.#closed ? "closed" : "open"]);
  }

  /** @ignore */
  [SHARE](_world: World, place: () => string): unknown {
    if (this.#closed) {
      throw new ShareError(`Cannot share ${place()}: the connection is closed`, place());
    }
    const { place: at, lose } = this.#wire.copy(packedFor() === "below");
    const address: PipeAddress = {
      ...at,
      end: this.#end,
      duplex: this.#duplex,
      isBelow: this.#isBelow,
    };
    // A child is let into no folder that somebody with fewer permissions has named.
    inFlight(lose, { ...(this.#isBelow ? {} : { socket: address.folder }), address });
    return address;
  }

  /** @ignore */
  onItem(number: number, packet: Packet, isBelow: boolean): void {
    const come: Come = { number, packet, level: isBelow || this.#isBelow ? "below" : "equal" };
    const waiter = this.#waiters.shift();
    if (waiter === undefined) this.#inbox.push(come);
    else waiter.take(come);
  }

  /** @ignore */
  onTaken(bytes: number): void {
    this.#onTheirWay -= bytes;
    const received = this.#sent - this.#onTheirWay;
    while (this.#aboard[0] && this.#aboard[0].until <= received) this.#aboard.shift();
    this.#room.resolve();
    this.#room = Promise.withResolvers();
  }

  /** @ignore */
  onBroken(): void {
    this.#isBroken = true;
    this.#room.resolve();
  }

  /** @ignore */
  onDrained(): void {
    this.#isDrained = true;
    for (const waiter of this.#waiters.splice(0)) waiter.fail(this.#ended("receive"));
    for (const asker of this.#askers.values()) asker.tell(true);
    this.#askers.clear();
  }

  /** @ignore */
  onAnswer(ask: number, isReady: boolean): void {
    this.#askers.get(ask)?.tell(isReady);
    this.#askers.delete(ask);
  }

  /** @ignore */
  onLost(fault: unknown): void {
    this.#fault = fault;
    open.delete(this as SocketConnection);
    for (const { cargo } of this.#aboard.splice(0)) cargo.forEach(giveUp);
    this.onBroken();
    this.onDrained();
  }

  /** True if this handle waits for something, so that the program must go on. @ignore */
  get isWaiting(): boolean {
    return this.#waiters.length > 0 || this.#askers.size > 0 || !this.#turns.isFree;
  }

  #patience(options: SendOptions | undefined, action: string): number {
    const timeout = checkWait(options, action);
    checkNoTransfer(options?.transfer, action);
    return timeout;
  }

  #checkSend(): void {
    checkCancelled();
    if (this.#closed) throw new Error("Cannot send: the connection is closed");
    if (!this.#duplex && this.#end === 0) {
      throw new Error("Cannot send: this end of a one-way pipe only receives");
    }
    if (this.#isBroken) throw this.#ended("send");
  }

  #checkReceive(action: string): void {
    checkCancelled();
    if (this.#closed) throw new Error(`Cannot ${action}: the connection is closed`);
    if (!this.#duplex && this.#end === 1) {
      throw new Error(`Cannot ${action}: this end of a one-way pipe only sends`);
    }
  }

  #ended(action: string): unknown {
    return this.#fault ??
      new EOFError(`Cannot ${action}: the other end of the pipe is closed`);
  }

  async #sendMessage(
    message: Message,
    timeout: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const { bytes, length, flights } = message;
    const cargo = flights.flatMap(({ address }) => address ?? []);
    const packet = packetOf(bytes.subarray(0, length), cargo);
    const send = async (left: number) => {
      const deadline = performance.now() + left;
      while (!this.#hasRoom(packet.length)) {
        const rest = deadline === Infinity ? Infinity : deadline - performance.now();
        if (rest <= 0) return undefined;
        this.#wire.look();
        if (!await reached(this.#room.promise, rest, signal)) return undefined;
      }
      this.#checkSend();
      this.#put(packet, cargo);
      flights.length = 0;
      this.#wire.look();
      await this.#wire.flushed();
      return true;
    };
    try {
      if (await this.#turns.run(send, timeout, signal) === undefined) {
        throw new TimeoutError(`Cannot send: no room within ${timeout} ms`);
      }
    } catch (error) {
      loseAll(flights);
      throw error;
    } finally {
      this.#wire.look();
    }
  }

  #put(packet: Packet, cargo: unknown[]): void {
    this.#onTheirWay += packet.length;
    this.#sent += packet.length;
    recorder?.moves("put", "Pipe");
    if (cargo.length > 0) this.#aboard.push({ until: this.#sent, cargo });
    this.#wire.send(packet);
  }

  #hasRoom(bytes: number): boolean {
    return this.#isBroken || this.#closed || this.#onTheirWay === 0 ||
      this.#onTheirWay + bytes <= ROOM;
  }

  async #receive(options: WaitOptions | undefined): Promise<Come> {
    const timeout = this.#patience(options, "receive");
    const signal = options?.signal;
    signal?.throwIfAborted();
    this.#checkReceive("receive");
    const kept = this.#inbox.shift();
    if (kept !== undefined) return kept;
    if (this.#isDrained) throw this.#ended("receive");
    const { promise, resolve: take, reject: fail } = Promise.withResolvers<Come>();
    const waiter: Waiter = { take, fail };
    this.#waiters.push(waiter);
    this.#wire.want();
    this.#wire.look();
    const giveUp = (error: unknown) => {
      const place = this.#waiters.indexOf(waiter);
      if (place >= 0) this.#waiters.splice(place, 1);
      fail(error);
      this.#wire.look();
    };
    const late = () =>
      giveUp(new TimeoutError(`Cannot receive: nothing came within ${timeout} ms`));
    const abort = () => {
      giveUp(signal!.reason);
      this.#wire.unwant();
    };
    signal?.addEventListener("abort", abort);
    let timer = new Countdown(timeout, () => {
      // What is on its way already comes before the answer.
      timer = new Countdown(LAST_CALL, late);
      this.#wire.unwant(() => {
        if (this.#waiters.includes(waiter)) late();
      });
    });
    try {
      return await promise;
    } finally {
      timer.cancel();
      signal?.removeEventListener("abort", abort);
      this.#wire.look();
    }
  }

  async #ask(timeout: number, signal: AbortSignal | undefined): Promise<boolean> {
    const { promise, resolve: tell, reject: fail } = Promise.withResolvers<boolean>();
    const ask = this.#asked = this.#asked + 1 >>> 0;
    this.#askers.set(ask, { tell, fail });
    this.#wire.ask(ask, timeout === 0);
    this.#wire.look();
    const leave = () => {
      this.#askers.delete(ask);
      this.#wire.unask(ask);
      tell(false);
    };
    signal?.addEventListener("abort", leave);
    // Without waiting there still is an answer to wait for.
    const timer = new Countdown(timeout === 0 ? LAST_CALL : timeout, leave);
    try {
      return await promise;
    } finally {
      timer.cancel();
      signal?.removeEventListener("abort", leave);
      this.#wire.look();
    }
  }
}

function refuseSync(action: string): never {
  throw new Deno.errors.NotCapable(
    `Cannot ${action} and block: a pipe without shared memory is served by the event loop; ` +
      `make it with --allow-ffi, and give its ends to processes that have that too, or use await ${action}()`,
  );
}

/** Makes a pipe. */
export function socketPipe<T>(
  duplex: boolean,
  guard?: PipeGuard,
): [SocketConnection<T>, SocketConnection<T>] {
  const home = new HomePipe(duplex);
  home.hub.guard = guard;
  return [
    new SocketConnection<T>(home, 0, duplex),
    new SocketConnection<T>(home, 1, duplex),
  ];
}

shareable(import.meta, "SocketConnection", SocketConnection, (sent, level) => {
  const address = checkAddress(sent);
  const isBelow = address.isBelow || level === "below";
  return new SocketConnection(address, address.end, address.duplex, isBelow);
});
