/**
 * An end of a pipe in the family's memory: a chain of frames for each direction, and a table of
 * holders for each end. Nobody stands between the two ends, and no system call is made while both
 * are running: who waits spins for a moment, as long as that pays, and then parks.
 *
 * States of an end: held (by one or several handles, or on its way to one) -> over, when no holder
 * is left. States of a pipe: in use -> spent, when both ends are over, or when it has gone over to
 * a socket (`pipe.ts`); its words are then used for another pipe of the thread that made it, which
 * gives them a new `GENERATION`.
 *
 * Who dies when:
 *
 * - a sender, in `send()`: the message is there whole or not at all (`chain.ts`);
 * - a receiver, in `recv()`: it had the message or it is there for the next; then its entry among
 *   the holders is cleared by whoever waits for it, after a slice at most, or sends to it;
 * - the maker: nothing changes for the others. The memory is the family's.
 * - whoever an end was sent to, before it has it: see `holders.ts`.
 *
 * @module
 */
import { EOFError, ShareError, TimeoutError } from "../../core/errors.ts";
import { recorder } from "../../core/hooks.ts";
import { INSPECT, shown } from "../../core/inspect.ts";
import { takeUntil } from "../../core/promises.ts";
import type { Placement } from "../../memory/placement.ts";
import { checkWait, type WaitOptions, type WaitSyncOptions } from "../../sync/options.ts";
import { ASYNC } from "../../sync/mutex.ts";
import { CAN_SPIN, NapBudget, SpinBudget } from "../../sync/spin.ts";
import { asLongAs, checkCancelled, runAsync, runSync, type Steps } from "../../sync/steps.ts";
import { boardAll, inFlight, loseAll, packedFor, receiverMaps } from "../../transfer/flight.ts";
import { Instead, SHARE, type World } from "../../transfer/shareable.ts";
import { type Chain, NOTHING } from "./chain.ts";
import type { Fill, Read } from "./frames.ts";
import {
  checkBytes,
  checkNoTransfer,
  type Connection,
  roomIn,
  type SendOptions,
  type SendSyncOptions,
} from "../connection.ts";
import type { Crossing, Successor } from "./crossing.ts";
import type { Holders } from "./holders.ts";
import {
  BELOW,
  GENERATION,
  holdersOf,
  markBelow,
  type SentMemoryEnd,
  type Side,
} from "./pipe_words.ts";
import {
  fillOf,
  type Found,
  isInPlace,
  keep,
  loadFor,
  type Message,
  messageOf,
  messageOfBytes,
  readBytes,
  readerInto,
  readerOf,
  readLoaded,
  type readValue,
  unwrap,
  type WhoseMessage,
} from "../message.ts";
import { READY } from "../connection_wait.ts";
import { Turns } from "../in_order.ts";

/** The interval at which a sender makes sure that the other end's holders live, in ms. */
const LOOK = 40;

/**
 * The length of a spin that is tried now and then, in looks: some 60 µs. Two who talk with each
 * other find to it so even when both have parked, which takes longer than either would spin.
 */
const SPINS = 200;

/** The outcome of a wait that brought nothing: the other end is over, or this handle closed. */
const OVER: unique symbol = Symbol("over");

/** One end of a pipe in the family's memory. */
export class RingConnection<T = unknown> implements Connection<T> {
  static {
    // The name that it has outside.
    Object.defineProperty(this, "name", { value: "Connection" });
  }

  readonly #placement: Placement;
  readonly #side: Side;
  readonly #generation: number;
  readonly #inbound: Chain | undefined;
  readonly #outbound: Chain | undefined;
  readonly #mine: Holders;
  readonly #others: Holders;
  readonly #turns = new Turns();
  /** Says if this handle is still in the memory: afterwards its words may be another pipe's. */
  readonly #isHere = () => !this.#closed && this.#successor === undefined;
  readonly #whose: WhoseMessage;
  readonly #readValue: typeof readValue;
  readonly #readNow: typeof readValue;
  readonly #itemSpin = new SpinBudget(SPINS);
  readonly #roomSpin = new SpinBudget(SPINS);
  readonly #naps = new NapBudget();
  /** This handle's entry among the holders; -1 for one that came after the end of its pipe. */
  readonly #entry: number;
  #lookedAt = 0;
  #closed = false;
  /** The way in which its pipe goes over to a socket, where it was made. */
  #crossing: Crossing | undefined;
  /** The connection that it has become, or becomes when it is next used. */
  #successor: Successor<T> | undefined;

  /** `pipe()` makes connections. */
  constructor(
    placement: Placement,
    side: Side,
    chains: (Chain | undefined)[],
    sent?: { generation: number; entry: number },
  ) {
    const { region, base } = placement;
    const { end } = side;
    const isBelow = base + BELOW + 1 - end;
    const whose = this.#whose = () => region.words[isBelow] === 0 ? "equal" : "below";
    this.#readValue = readerOf(whose);
    this.#readNow = readLoaded("receive", "the value", "recv", whose);
    this.#placement = placement;
    this.#side = side;
    // The chain of each direction is known by the end that it leads to.
    this.#inbound = chains[end];
    this.#outbound = chains[1 - end];
    this.#mine = holdersOf(placement, end);
    this.#others = holdersOf(placement, 1 - end);
    const entry = sent === undefined ? this.#mine.claim() : this.#mine.land(sent.entry);
    const generation = Atomics.load(region.words, base + GENERATION);
    this.#generation = sent?.generation ?? generation;
    if (this.#generation === generation) this.#entry = entry;
    else {
      this.#mine.release(entry);
      this.#entry = -1;
    }
  }

  /** True if this end is closed here. */
  get closed(): boolean {
    return this.#closed;
  }

  async send(value: T, options?: SendOptions): Promise<void> {
    if (this.#successor !== undefined) {
      return await this.#over(this.#successor).send(value, options);
    }
    const timeout = this.#patience(options, SEND);
    options?.signal?.throwIfAborted();
    const chain = this.#open(this.#outbound, SEND);
    const message = this.#messageOf(value);
    if (this.#turns.isFree) {
      if (chain.tryPut(message.bytes, message.length)) return;
      if (this.#spinForRoom(chain, timeout) && chain.tryPut(message.bytes, message.length)) return;
    }
    await this.#sendLater(chain, message, timeout, options?.signal);
  }

  sendSync(value: T, options?: SendSyncOptions): void {
    if (this.#successor !== undefined) return this.#over(this.#successor).sendSync(value, options);
    const timeout = options === undefined ? Infinity : this.#patience(options, SEND);
    const chain = this.#open(this.#outbound, SEND);
    const message = this.#messageOf(value);
    if (chain.tryPut(message.bytes, message.length)) return;
    const { flights } = message;
    try {
      this.#sendBlocking(chain, keep(message), message.length, timeout);
    } catch (error) {
      loseAll(flights);
      throw error;
    }
  }

  async sendBytes(bytes: Uint8Array, options?: WaitOptions): Promise<void> {
    if (this.#successor !== undefined) {
      return await this.#over(this.#successor).sendBytes(bytes, options);
    }
    const timeout = this.#patience(options, SEND);
    options?.signal?.throwIfAborted();
    const chain = this.#open(this.#outbound, SEND);
    checkBytes(bytes);
    if (this.#turns.isFree) {
      if (this.#tryBytes(chain, bytes)) return;
      if (this.#spinForRoom(chain, timeout) && this.#tryBytes(chain, bytes)) return;
    }
    await this.#sendLater(chain, messageOfBytes(bytes), timeout, options?.signal);
  }

  /** As {@linkcode sendBytes}, but blocks the thread. */
  sendBytesSync(bytes: Uint8Array, options?: WaitSyncOptions): void {
    // Over a socket nothing is sent so: that is said.
    if (this.#successor !== undefined) return this.#over(this.#successor).sendSync(bytes as T);
    const timeout = this.#patience(options, SEND);
    const chain = this.#open(this.#outbound, SEND);
    checkBytes(bytes);
    if (this.#tryBytes(chain, bytes)) return;
    // While this thread blocks the bytes stay as they are.
    const frame = isInPlace(bytes) ? fillOf(bytes) : keep(messageOfBytes(bytes));
    this.#sendBlocking(chain, frame, bytes.length + 1, timeout);
  }

  async recv(options?: WaitOptions): Promise<T> {
    if (this.#successor !== undefined) return await this.#over(this.#successor).recv(options);
    return unwrap(await this.#receive(this.#readValue, options, (left) => this.recv(left))) as T;
  }

  recvSync(options?: WaitSyncOptions): T {
    if (this.#successor !== undefined) return this.#over(this.#successor).recvSync(options);
    return unwrap(this.#receiveSync(this.#readNow, options)) as T;
  }

  async recvBytes(options?: WaitOptions): Promise<Uint8Array> {
    if (this.#successor !== undefined) return await this.#over(this.#successor).recvBytes(options);
    const again = (left: WaitOptions) => this.recvBytes(left);
    return unwrap(await this.#receive(readBytes, options, again)) as Uint8Array;
  }

  /** As {@linkcode recvBytes}, but blocks the thread. */
  recvBytesSync(options?: WaitSyncOptions): Uint8Array {
    if (this.#successor !== undefined) return this.#over(this.#successor).recvSync() as Uint8Array;
    return unwrap(this.#receiveSync(readBytes, options)) as Uint8Array;
  }

  async recvBytesInto(
    buffer: ArrayBufferView | ArrayBufferLike,
    offset?: number,
    options?: WaitOptions,
  ): Promise<number> {
    const room = roomIn(buffer, offset);
    const again = (left?: WaitOptions) =>
      this.#over(this.#successor!).recvBytesInto(buffer, offset, left);
    if (this.#successor !== undefined) return await again(options);
    return unwrap(await this.#receive(readerInto(room), options, again)) as number;
  }

  /** As {@linkcode recvBytesInto}, but blocks the thread. */
  recvBytesIntoSync(
    buffer: ArrayBufferView | ArrayBufferLike,
    offset?: number,
    options?: WaitSyncOptions,
  ): number {
    const room = roomIn(buffer, offset);
    if (this.#successor !== undefined) this.#over(this.#successor).recvSync();
    return unwrap(this.#receiveSync(readerInto(room), options)) as number;
  }

  async poll(timeout = 0): Promise<boolean> {
    if (this.#successor !== undefined) return await this.#over(this.#successor).poll(timeout);
    const wait = checkWait({ timeout }, POLL);
    const chain = this.#open(this.#inbound, POLL);
    if (chain.frames > 0) return true;
    if (wait === 0) return this.#isOver();
    const deadline = performance.now() + wait;
    const came = await runAsync(chain.waiting(this.#whenOver()), { timeout: wait }) ?? false;
    return this.#successor === undefined ? came : await this.poll(leftUntil(deadline));
  }

  pollSync(timeout = 0): boolean {
    if (this.#successor !== undefined) return this.#over(this.#successor).pollSync(timeout);
    const wait = checkWait({ timeout }, POLL);
    const chain = this.#open(this.#inbound, POLL);
    if (chain.frames > 0) return true;
    if (wait === 0) return this.#isOver();
    return runSync(chain.waiting(this.#whenOver()), wait) ?? false;
  }

  close(): void {
    if (this.#closed) return;
    if (this.#successor !== undefined) this.#over(this.#successor).close();
    else this.#leave();
    this.#closed = true;
  }

  #leave(): void {
    if (this.#entry >= 0) this.#mine.release(this.#entry);
    this.#inbound?.wakeAll();
    this.#outbound?.wakeAll();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.#successor?.[Symbol.asyncDispose]();
  }

  /** Gives what comes, until the other end is closed. */
  [Symbol.asyncIterator](): AsyncIterator<T> {
    return takeUntil(() => this.recv(), EOFError);
  }

  /** @ignore */
  async [READY](signal: AbortSignal): Promise<unknown> {
    if (this.#successor !== undefined) return await this.#over(this.#successor)[READY](signal);
    const chain = this.#open(this.#inbound, POLL);
    const came = await runAsync(chain.waiting(this.#whenOver()), { signal });
    return this.#successor === undefined ? came : await this[READY](signal);
  }

  /** @ignore */
  [INSPECT](): string {
    return shown(this, () => [this.#closed ? "closed" : "open"]);
  }

  /** @ignore */
  [SHARE](world: World, place: () => string): unknown {
    if (this.#closed) {
      throw new ShareError(`Cannot share ${place()}: the connection is closed`, place());
    }
    if (this.#successor !== undefined) return new Instead(this.#successor);
    if (world === "process" && !receiverMaps() && this.#crossing !== undefined) {
      return new Instead(this.#crossing.begin(this.#side.end, place));
    }
    if (packedFor() === "below") markBelow(this.#placement, this.#side.end);
    const entry = this.#mine.send();
    const lost = () => {
      // Its words may be another pipe's by now.
      const { region: { words }, base } = this.#placement;
      if (Atomics.load(words, base + GENERATION) !== this.#generation) return;
      this.#mine.lose(entry);
      this.#outbound?.wakeAll();
      this.#inbound?.wakeAll();
    };
    inFlight(lost, {
      board: (carrier) => this.#mine.board(entry, carrier),
      attend: () => this.#mine.attend(entry),
    });
    return {
      ...this.#side,
      at: this.#placement.share("process", place, "pipe"),
      generation: this.#generation,
      entry,
    } satisfies SentMemoryEnd;
  }

  /** Says how its pipe can go over to a socket. @ignore */
  mayCross(crossing: Crossing): void {
    this.#crossing = crossing;
  }

  /** Has it become another when it is next used; undefined: not after all. @ignore */
  become(successor: Successor<T> | undefined): void {
    this.#successor = successor;
  }

  /** Leaves the memory: its successor has come into its place. @ignore */
  hasCrossed(): void {
    if (this.#closed) this.#successor!.close();
    else this.#leave();
  }

  /** True if sends of this handle wait. @ignore */
  get isSending(): boolean {
    return !this.#turns.isFree;
  }

  #over(successor: Successor<T>): Successor<T> {
    this.#crossing!.end();
    return successor;
  }

  #patience(options: SendOptions | undefined, action: string): number {
    const timeout = checkWait(options, action);
    checkNoTransfer(options?.transfer, action);
    return timeout;
  }

  /** The chain, if this handle can use it now. */
  #open(chain: Chain | undefined, action: string): Chain {
    checkCancelled();
    if (this.#closed) throw new Error(`Cannot ${action}: the connection is closed`);
    if (chain === undefined) {
      const way = action === SEND ? "receives" : "sends";
      throw new Error(`Cannot ${action}: this end of a one-way pipe only ${way}`);
    }
    if (action === SEND && this.#isOver()) throw ended(action);
    if (action === SEND) recorder?.moves("put", "Pipe");
    return chain;
  }

  /** True if the other end is over: by a glance, and from time to time by a thorough look. */
  #isOver(): boolean {
    if (this.#entry < 0) return true;
    const now = Date.now();
    if (now - this.#lookedAt <= LOOK) return !this.#others.seemHeld;
    this.#lookedAt = now;
    return !this.#others.areHeld;
  }

  /** Says whether the other end is over: by a glance at first, as who asks has not waited yet. */
  #whenOver(): () => boolean {
    let looks = 0;
    return () => {
      if (this.#closed || this.#entry < 0 || this.#successor !== undefined) return true;
      return !(looks++ === 0 ? this.#others.seemHeld : this.#others.areHeld);
    };
  }

  /** Receives; `again` is called instead if the pipe goes over to a socket meanwhile. */
  async #receive(
    read: Read<Found>,
    options: WaitOptions | undefined,
    again: (left: WaitOptions) => Promise<unknown>,
  ): Promise<Found> {
    const timeout = this.#patience(options, RECEIVE);
    const signal = options?.signal;
    signal?.throwIfAborted();
    const chain = this.#open(this.#inbound, RECEIVE);
    let now = this.#tryGet(chain, read, timeout);
    if (now === NOTHING && !CAN_SPIN && timeout > 0) {
      if (this.#naps.take((ms) => chain.napForFrame(ms))) now = chain.tryGet(read);
    }
    const found = now !== NOTHING
      ? now
      : await this.#receiveLater(chain, read, timeout, signal, again);
    const checked = this.#check(found, RECEIVE, timeout);
    if (checked.bytes !== undefined) await loadFor(checked);
    return checked;
  }

  async #receiveLater(
    chain: Chain,
    read: Read<Found>,
    timeout: number,
    signal: AbortSignal | undefined,
    again: (left: WaitOptions) => Promise<unknown>,
  ): Promise<Found | typeof OVER | undefined> {
    const deadline = performance.now() + timeout;
    const found = await runAsync(this.#receiving(chain, read, ASYNC), { timeout, signal });
    if (found !== OVER || this.#successor === undefined) return found;
    // The pipe has gone over to a socket meanwhile.
    const options = { timeout: leftUntil(deadline), ...(signal && { signal }) };
    try {
      return { value: await again(options) };
    } catch (error) {
      if (error instanceof TimeoutError) return undefined;
      throw error;
    }
  }

  #receiveSync(read: Read<Found>, options: WaitSyncOptions | undefined): Found {
    const timeout = options === undefined ? Infinity : this.#patience(options, RECEIVE);
    const chain = this.#open(this.#inbound, RECEIVE);
    const now = this.#tryGet(chain, read, timeout);
    if (now !== NOTHING) return this.#check(now, RECEIVE, timeout);
    return this.#check(runSync(this.#receiving(chain, read, 0), timeout), RECEIVE, timeout);
  }

  /** Takes a message if it is there, or comes within a moment. */
  #tryGet(chain: Chain, read: Read<Found>, timeout: number): Found | typeof NOTHING {
    const now = chain.tryGet(read);
    if (now !== NOTHING || timeout === 0) return now;
    return chain.spinForFrame(this.#itemSpin) ? chain.tryGet(read) : now;
  }

  *#receiving(chain: Chain, read: Read<Found>, kind: number): Steps<Found | typeof OVER> {
    const steps = chain.getting(read, kind, this.#whenOver());
    const found = yield* asLongAs(this.#isHere, steps);
    return found === undefined ? OVER : found.value;
  }

  *#sending(
    chain: Chain,
    frame: Uint8Array | Fill,
    length: number,
    kind: number,
  ): Steps<true | typeof OVER> {
    const steps = chain.putting(frame, length, kind, this.#whenOver());
    return (yield* asLongAs(this.#isHere, steps)) || OVER;
  }

  /** Spins for room, where that may be waited for: before anything is copied to be kept. */
  #spinForRoom(chain: Chain, timeout: number): boolean {
    return timeout > 0 && chain.spinForRoom(this.#roomSpin);
  }

  /** A value as a message; ends of pipes and queues in it know from then on who can receive it. */
  #messageOf(value: T): Message {
    const message = messageOf(value, undefined, this.#whose);
    if (message.flights.length > 0) boardAll(message.flights, this.#others.carrier);
    return message;
  }

  #tryBytes(chain: Chain, bytes: Uint8Array): boolean {
    if (isInPlace(bytes)) return chain.tryPut(fillOf(bytes), bytes.length + 1);
    const message = messageOfBytes(bytes);
    return chain.tryPut(message.bytes, message.length);
  }

  async #sendLater(
    chain: Chain,
    message: Message,
    timeout: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const frame = keep(message);
    const { flights } = message;
    try {
      const how = await this.#turns.run(
        (left) => {
          const steps = this.#sending(chain, frame, frame.length, ASYNC);
          return runAsync(steps, { timeout: left, signal });
        },
        timeout,
        signal,
      );
      this.#check(how, SEND, timeout);
    } catch (error) {
      loseAll(flights);
      throw error;
    }
  }

  #sendBlocking(chain: Chain, frame: Uint8Array | Fill, length: number, timeout: number): void {
    this.#check(runSync(this.#sending(chain, frame, length, 0), timeout), SEND, timeout);
  }

  /** Gives what a wait has brought, or throws why it brought nothing. */
  #check<R>(result: R | typeof OVER | undefined, action: string, timeout: number): R {
    if (result === undefined) {
      const why = action === SEND ? "no room" : "nothing came";
      throw new TimeoutError(`Cannot ${action}: ${why} within ${timeout} ms`);
    }
    if (result !== OVER && action === RECEIVE) recorder?.moves("get", "Pipe");
    if (result !== OVER) return result as R;
    if (this.#closed) throw new Error(`Cannot ${action}: the connection was closed meanwhile`);
    throw ended(action);
  }
}

const SEND = "send";
const RECEIVE = "receive";
const POLL = "poll";

function leftUntil(deadline: number): number {
  return Math.max(0, deadline - performance.now());
}

function ended(action: string): EOFError {
  return new EOFError(`Cannot ${action}: the other end of the pipe is closed`);
}
