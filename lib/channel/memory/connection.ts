/**
 * An end of a pipe in shared memory, between threads or between processes: a chain of frames for
 * each direction, and a table of holders for each end. Nobody stands between the two ends, and no
 * system call is made while both are running: who waits spins for a moment, as long as that pays,
 * and then parks. Which memory that is, how a value becomes a message, and how an end is given to
 * others, its two kinds say (`family_connection.ts`, `thread_connection.ts`).
 *
 * States of an end: held (by one or several handles, or on its way to one) -> over, when no holder
 * is left.
 *
 * Who dies when:
 *
 * - a sender, in `send()`: the message is there whole or not at all (`chain.ts`);
 * - a receiver, in `recv()`: it had the message or it is there for the next; then its entry among
 *   the holders is cleared by whoever waits for it, after a slice at most, or sends to it;
 * - the maker: nothing changes for the others.
 * - whoever an end was sent to, before it has it: see `holders.ts`.
 *
 * @module
 */
import { EOFError, TimeoutError } from "../../core/errors.ts";
import { recorder } from "../../core/hooks.ts";
import { INSPECT, shown } from "../../core/inspect.ts";
import { takeUntil } from "../../core/promises.ts";
import type { Placement } from "../../memory/placement.ts";
import { checkWait, type WaitOptions, type WaitSyncOptions } from "../../sync/options.ts";
import { ASYNC } from "../../sync/mutex.ts";
import { CAN_SPIN, NapBudget, SpinBudget } from "../../sync/spin.ts";
import { asLongAs, checkCancelled, runAsync, runSync, type Steps } from "../../sync/steps.ts";
import { loseAll } from "../../transfer/flight.ts";
import type { BeforeCount, Chain } from "./chain.ts";
import { type Fill, NOTHING, type Read } from "./frames.ts";
import {
  checkBytes,
  type Connection,
  roomIn,
  type SendOptions,
  type SendSyncOptions,
} from "../connection.ts";
import type { PipeDialect } from "./dialect.ts";
import type { Holders } from "./holders.ts";
import { GENERATION, holdersOf, type SentMemoryEnd, type Side } from "./pipe_words.ts";
import {
  fillOf,
  type Found,
  keep,
  loadFor,
  type Message,
  messageOfBytes,
  takeNow,
  taking,
  unwrap,
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

/** A pipe's end, as its kind makes it. */
export interface EndParts {
  placement: Placement;
  side: Side;
  /** Each known by the end that it leads to. */
  chains: (Chain | undefined)[];
  dialect: PipeDialect;
  /** What was sent, where it was. */
  sent?: { generation: number; entry: number } | undefined;
}

/** One end of a pipe in shared memory. */
export abstract class MemoryConnection<T = unknown> implements Connection<T> {
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
  readonly #isHere = () => !this.#closed && !this.isElsewhere;
  readonly #dialect: PipeDialect;
  readonly #itemSpin = new SpinBudget(SPINS);
  readonly #roomSpin = new SpinBudget(SPINS);
  readonly #naps = new NapBudget();
  /** This handle's entry among the holders; -1 for one that came after the end of its pipe. */
  readonly #entry: number;
  #lookedAt = 0;
  #closed = false;

  /** `pipe()` makes connections. */
  constructor({ placement, side, chains, dialect, sent }: EndParts) {
    const { region, base } = placement;
    const { end } = side;
    this.#dialect = dialect;
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
    const timeout = this.#patience(options, SEND);
    options?.signal?.throwIfAborted();
    const chain = this.#open(this.#outbound, SEND);
    const message = this.#messageOf(value, options?.transfer);
    if (this.#turns.isFree) {
      if (this.#tryPut(chain, message)) return;
      if (this.#spinForRoom(chain, timeout) && this.#tryPut(chain, message)) return;
    }
    await this.#sendLater(chain, message, timeout, options?.signal);
  }

  sendSync(value: T, options?: SendSyncOptions): void {
    const timeout = options === undefined ? Infinity : this.#patience(options, SEND);
    const chain = this.#open(this.#outbound, SEND);
    const message = this.#messageOf(value, options?.transfer);
    if (this.#tryPut(chain, message)) return;
    const { flights, before } = message;
    try {
      this.#sendBlocking(chain, keep(message), message.length, timeout, before);
    } catch (error) {
      loseAll(flights);
      throw error;
    }
  }

  async sendBytes(bytes: Uint8Array, options?: WaitOptions): Promise<void> {
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
    const timeout = this.#patience(options, SEND);
    const chain = this.#open(this.#outbound, SEND);
    checkBytes(bytes);
    if (this.#tryBytes(chain, bytes)) return;
    // While this thread blocks the bytes stay as they are.
    const large = fillOf(bytes);
    if (large !== undefined) return this.#sendBlocking(chain, large.fill, large.length, timeout);
    const frame = keep(messageOfBytes(bytes));
    this.#sendBlocking(chain, frame, frame.length, timeout);
  }

  async recv(options?: WaitOptions): Promise<T> {
    return unwrap(await this.#receive(this.#dialect.read, options, (left) => this.recv(left))) as T;
  }

  recvSync(options?: WaitSyncOptions): T {
    return unwrap(this.#receiveSync(this.#dialect.readNow, options)) as T;
  }

  async recvBytes(options?: WaitOptions): Promise<Uint8Array> {
    const again = (left: WaitOptions) => this.recvBytes(left);
    return unwrap(await this.#receive(this.#dialect.readBytes, options, again)) as Uint8Array;
  }

  /** As {@linkcode recvBytes}, but blocks the thread. */
  recvBytesSync(options?: WaitSyncOptions): Uint8Array {
    return unwrap(this.#receiveSync(this.#dialect.readBytes, options)) as Uint8Array;
  }

  async recvBytesInto(
    buffer: ArrayBufferView | ArrayBufferLike,
    offset?: number,
    options?: WaitOptions,
  ): Promise<number> {
    const room = roomIn(buffer, offset);
    const again = (left: WaitOptions) => this.recvBytesInto(buffer, offset, left);
    return unwrap(await this.#receive(this.#dialect.readerInto(room), options, again)) as number;
  }

  /** As {@linkcode recvBytesInto}, but blocks the thread. */
  recvBytesIntoSync(
    buffer: ArrayBufferView | ArrayBufferLike,
    offset?: number,
    options?: WaitSyncOptions,
  ): number {
    const room = roomIn(buffer, offset);
    return unwrap(this.#receiveSync(this.#dialect.readerInto(room), options)) as number;
  }

  async poll(timeout = 0): Promise<boolean> {
    const wait = checkWait({ timeout }, POLL);
    const chain = this.#open(this.#inbound, POLL);
    if (chain.frames > 0) return true;
    if (wait === 0) return this.#isOver();
    const deadline = performance.now() + wait;
    const came = await runAsync(chain.waiting(this.#whenOver()), { timeout: wait }) ?? false;
    return this.isElsewhere ? await this.poll(leftUntil(deadline)) : came;
  }

  pollSync(timeout = 0): boolean {
    const wait = checkWait({ timeout }, POLL);
    const chain = this.#open(this.#inbound, POLL);
    if (chain.frames > 0) return true;
    if (wait === 0) return this.#isOver();
    return runSync(chain.waiting(this.#whenOver()), wait) ?? false;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.leave();
  }

  /** Holds the end no more. @ignore */
  protected leave(): void {
    if (this.#entry >= 0) this.#mine.release(this.#entry);
    this.wakeAll();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  /** Gives what comes, until the other end is closed. */
  [Symbol.asyncIterator](): AsyncIterator<T> {
    return takeUntil(() => this.recv(), EOFError);
  }

  /** @ignore */
  async [READY](signal: AbortSignal): Promise<unknown> {
    const chain = this.#open(this.#inbound, POLL);
    const came = await runAsync(chain.waiting(this.#whenOver()), { signal });
    return this.isElsewhere ? await this[READY](signal) : came;
  }

  /** @ignore */
  [INSPECT](): string {
    return shown(this, () => [this.#closed ? "closed" : "open"]);
  }

  /** True if it goes on as another connection. @ignore */
  protected get isElsewhere(): boolean {
    return false;
  }

  /** Why it cannot be used any more. @ignore */
  protected get why(): string {
    return "the connection is closed";
  }

  /** Where its pipe lies. @ignore */
  protected get placement(): Placement {
    return this.#placement;
  }

  /** Which end it is. @ignore */
  protected get side(): Side {
    return this.#side;
  }

  /** Who holds its end. @ignore */
  protected get holders(): Holders {
    return this.#mine;
  }

  /** What it is known by over there, for an entry among the holders. @ignore */
  protected sentEnd(at: unknown, entry: number): SentMemoryEnd {
    return { ...this.#side, at, generation: this.#generation, entry };
  }

  /** Gives up a copy that was sent and has not landed. @ignore */
  protected lose(entry: number): void {
    // Its words may be another pipe's by now.
    const { region: { words }, base } = this.#placement;
    if (Atomics.load(words, base + GENERATION) !== this.#generation) return;
    this.#mine.lose(entry);
    this.wakeAll();
  }

  /** Has all who wait look again. @ignore */
  protected wakeAll(): void {
    this.#inbound?.wakeAll();
    this.#outbound?.wakeAll();
  }

  /** True if sends of this handle wait. @ignore */
  get isSending(): boolean {
    return !this.#turns.isFree;
  }

  #patience(options: SendOptions | undefined, action: string): number {
    const timeout = checkWait(options, action);
    this.#dialect.checkTransfer(options?.transfer, action);
    return timeout;
  }

  /** The chain, if this handle can use it now. */
  #open(chain: Chain | undefined, action: string): Chain {
    checkCancelled();
    if (this.#closed) throw new Error(`Cannot ${action}: ${this.why}`);
    if (chain === undefined) {
      const way = action === SEND ? "receives" : "sends";
      throw new Error(`Cannot ${action}: this end of a one-way pipe only ${way}`);
    }
    if (action !== SEND) return chain;
    if (this.#isOver()) throw ended(action);
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
      if (this.#closed || this.#entry < 0 || this.isElsewhere) return true;
      return !(looks++ === 0 ? this.#others.seemHeld : this.#others.areHeld);
    };
  }

  /** Receives; `again` is called instead if the pipe goes on elsewhere meanwhile. */
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
      if (this.#naps.take((ms) => chain.napForFrame(ms))) now = takeNow(chain, read);
    }
    const found = now !== NOTHING
      ? now
      : await this.#receiveLater(chain, read, timeout, signal, again);
    const checked = this.#check(found, RECEIVE, timeout);
    if (checked.apart !== undefined) await runAsync(checked.apart.come());
    if (checked.bytes !== undefined || checked.apart !== undefined) await loadFor(checked);
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
    if (found !== OVER || !this.isElsewhere) return found;
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
    const got = now !== NOTHING ? now : runSync(this.#receiving(chain, read, 0), timeout);
    const found = this.#check(got, RECEIVE, timeout);
    if (found.apart !== undefined) runSync(found.apart.come());
    return found;
  }

  /** Takes a message if it is there, or comes within a moment. */
  #tryGet(chain: Chain, read: Read<Found>, timeout: number): Found | typeof NOTHING {
    const now = takeNow(chain, read);
    if (now !== NOTHING || timeout === 0) return now;
    return chain.spinForFrame(this.#itemSpin) ? takeNow(chain, read) : now;
  }

  *#receiving(chain: Chain, read: Read<Found>, kind: number): Steps<Found | typeof OVER> {
    const found = yield* taking(() =>
      asLongAs(this.#isHere, chain.getting(read, kind, this.#whenOver()))
    );
    return found === undefined ? OVER : found.value;
  }

  *#sending(
    chain: Chain,
    frame: Uint8Array | Fill,
    length: number,
    kind: number,
    before?: BeforeCount,
  ): Steps<true | typeof OVER> {
    const steps = chain.putting(frame, length, kind, this.#whenOver(), before);
    return (yield* asLongAs(this.#isHere, steps)) || OVER;
  }

  /** Spins for room, where that may be waited for: before anything is copied to be kept. */
  #spinForRoom(chain: Chain, timeout: number): boolean {
    return timeout > 0 && chain.spinForRoom(this.#roomSpin);
  }

  /** A value as a message; ends of pipes and queues in it know from then on who can receive it. */
  #messageOf(value: T, transfer: Transferable[] | undefined): Message {
    const message = this.#dialect.write(value, transfer);
    if (message.flights.length > 0) this.#dialect.board?.(message);
    return message;
  }

  #tryPut(chain: Chain, { bytes, length, flights, before }: Message): boolean {
    try {
      return recorded(chain.tryPut(bytes, length, before));
    } catch (error) {
      loseAll(flights);
      throw error;
    }
  }

  #tryBytes(chain: Chain, bytes: Uint8Array): boolean {
    const large = fillOf(bytes);
    if (large !== undefined) return recorded(chain.tryPut(large.fill, large.length));
    const message = messageOfBytes(bytes);
    return recorded(chain.tryPut(message.bytes, message.length));
  }

  async #sendLater(
    chain: Chain,
    message: Message,
    timeout: number,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const frame = keep(message);
    const { flights, before } = message;
    try {
      const how = await this.#turns.run(
        (left) => {
          const steps = this.#sending(chain, frame, frame.length, ASYNC, before);
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

  #sendBlocking(
    chain: Chain,
    frame: Uint8Array | Fill,
    length: number,
    timeout: number,
    before?: BeforeCount,
  ): void {
    const steps = this.#sending(chain, frame, length, 0, before);
    this.#check(runSync(steps, timeout), SEND, timeout);
  }

  /** Gives what a wait has brought, or throws why it brought nothing. */
  #check<R>(result: R | typeof OVER | undefined, action: string, timeout: number): R {
    if (result === undefined) {
      const why = action === SEND ? "no room" : "nothing came";
      throw new TimeoutError(`Cannot ${action}: ${why} within ${timeout} ms`);
    }
    if (result !== OVER) {
      recorder?.moves(action === SEND ? "put" : "get", "Pipe");
      return result as R;
    }
    if (this.#closed) throw new Error(`Cannot ${action}: the connection was closed meanwhile`);
    throw ended(action);
  }
}

const SEND = "send";
const RECEIVE = "receive";
const POLL = "poll";

/** Gives whether a message was sent, and has a trace know. */
function recorded(isSent: boolean): boolean {
  if (isSent) recorder?.moves("put", "Pipe");
  return isSent;
}

function leftUntil(deadline: number): number {
  return Math.max(0, deadline - performance.now());
}

function ended(action: string): EOFError {
  return new EOFError(`Cannot ${action}: the other end of the pipe is closed`);
}
