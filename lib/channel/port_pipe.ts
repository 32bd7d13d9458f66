/**
 * Pipes between threads, over a MessageChannel.
 *
 * Each end has a few shared words, so that a thread can wait for it without listening on its port:
 * a port that is listened on cannot be read while the thread is blocked.
 *
 * - `SENT`, `RECEIVED`: how many messages were sent to this end, and received at it. A message is
 *   sent first and counted then: one that is counted is there.
 * - `BELL` counts what the end's reader has to know; it parks on it.
 * - `STATE`: 0 -> {@linkcode CLOSED}.
 * - `SLOT`, `IDENT`: the thread that has the end; `IDENT` is 0 while it is on its way to one.
 *
 * Who dies when: a thread that ends, however it does, closes the ends that it has: the other side
 * sees in the roster that it is gone, at the latest after a slice, and gets EOFError once all is
 * received. An end given to a new thread is that thread's as soon as it is started, so it is closed
 * with it even if the thread never came to unpack it. An end on a queue stays open as long as it is
 * there.
 *
 * @module
 */
import { checkArray, checkBoolean, checkOptions, checkTimeout, show } from "../core/checks.ts";
import { EOFError, ShareError, TimeoutError } from "../core/errors.ts";
import { recorder } from "../core/hooks.ts";
import { INSPECT, shown } from "../core/inspect.ts";
import { post, prepareTake, take } from "../core/ports.ts";
import { takeUntil } from "../core/promises.ts";
import { HeapRegion } from "../memory/heap_region.ts";
import { self } from "../memory/this_thread.ts";
import { checkWait, type WaitOptions, type WaitSyncOptions } from "../sync/options.ts";
import { SpinBudget } from "../sync/spin.ts";
import { ALL, checkCancelled, type Park, runAsync, runSync, type Steps } from "../sync/steps.ts";
import { noteMadeIn } from "../sync/traps.ts";
import {
  type Destination,
  handOver,
  onHandOver,
  type Packed,
  uncloneable,
} from "../transfer/pack.ts";
import { SHARE, type World } from "../transfer/shareable.ts";
import {
  checkBytes,
  type Connection,
  type PipeOptions,
  roomIn,
  type SendOptions,
  type SendSyncOptions,
  tooLong,
} from "./connection.ts";
import { box, Boxed, missing, open, ready } from "./item.ts";
import { READY } from "./connection_wait.ts";

const SENT = 0;
const RECEIVED = 1;
const BELL = 2;
const STATE = 3;
const SLOT = 4;
const IDENT = 5;
const END_WORDS = 6;

/** `STATE`; it is 0 before. */
const CLOSED = 1;

const SEND = "send the value";
const RECEIVE = "receive a value";

/** An end as it is sent to another thread. */
export interface SentPortEnd {
  port: MessagePort;
  memory: SharedArrayBuffer;
  end: 0 | 1;
  receives: boolean;
  sends: boolean;
  head: { value: unknown } | undefined;
}

export class PortConnection<T> implements Connection<T> {
  static {
    // The name that it has outside.
    Object.defineProperty(this, "name", { value: "Connection" });
  }

  readonly #port: MessagePort;
  readonly #region: HeapRegion;
  readonly #words: Int32Array<SharedArrayBuffer>;
  readonly #end: 0 | 1;
  readonly #mine: number;
  readonly #other: number;
  readonly #receives: boolean;
  readonly #sends: boolean;
  /** A message that was taken from the port and could not be given out. */
  #head: Boxed | undefined;
  readonly #spin = new SpinBudget();
  #isClosed = false;
  #isMoved = false;

  constructor({ port, memory, end, receives, sends, head }: SentPortEnd) {
    prepareTake();
    this.#port = port;
    this.#region = new HeapRegion(memory);
    this.#words = this.#region.words;
    this.#end = end;
    this.#mine = end * END_WORDS;
    this.#other = (1 - end) * END_WORDS;
    this.#receives = receives;
    this.#sends = sends;
    this.#head = head && new Boxed(head, []);
    this.#own(self());
    onHandOver(port, (to) => {
      this.#isClosed = this.#isMoved = true;
      this.#own(to);
      this.#ring(this.#mine);
    });
  }

  #own(to: Destination | undefined): void {
    const words = this.#words;
    const mine = this.#mine;
    Atomics.store(words, mine + IDENT, 0);
    if (to === undefined) return;
    Atomics.store(words, mine + SLOT, to.slot);
    Atomics.store(words, mine + IDENT, to.ident);
  }

  #ring(end: number): void {
    Atomics.add(this.#words, end + BELL, 1);
    this.#region.wake(end + BELL, ALL);
  }

  /** True if nobody has the other end any more. */
  get #isAlone(): boolean {
    const words = this.#words;
    const other = this.#other;
    if (Atomics.load(words, other + STATE) === CLOSED) return true;
    const ident = Atomics.load(words, other + IDENT);
    const slot = Atomics.load(words, other + SLOT);
    return ident !== 0 && self().roster.hasEnded(slot, ident) &&
      Atomics.load(words, other + IDENT) === ident;
  }

  get #has(): boolean {
    const words = this.#words;
    return this.#head !== undefined ||
      Atomics.load(words, this.#mine + SENT) !== Atomics.load(words, this.#mine + RECEIVED);
  }

  get closed(): boolean {
    return this.#isClosed;
  }

  #checkUsable(action: string, may: boolean): void {
    checkCancelled();
    if (this.#isClosed) {
      const why = this.#isMoved ? "this end was given to another thread" : "this end is closed";
      throw new Error(`Cannot ${action}: ${why}`);
    }
    if (may) return;
    throw new Error(
      `Cannot ${action}: this end of the pipe only ${this.#receives ? "receives" : "sends"}`,
    );
  }

  #send(value: unknown, options: SendOptions | undefined): void {
    checkWait(options, SEND);
    const transfer = options?.transfer;
    checkArray(transfer, "transfer", SEND);
    options?.signal?.throwIfAborted();
    this.#checkUsable(SEND, this.#sends);
    const boxed = box(value, transfer, "value");
    if (boxed.moved?.includes(this.#port)) {
      throw new ShareError(`Cannot ${SEND}: a pipe's end cannot go through itself`, "value");
    }
    if (this.#isAlone) throw new EOFError(`Cannot ${SEND}: the other end of the pipe is closed`);
    try {
      const { value, stands } = boxed;
      post(this.#port, stands === undefined ? { value } : { value, stands }, boxed.transfer);
    } catch (cause) {
      throw uncloneable(cause, "value");
    }
    const other = this.#other;
    const words = this.#words;
    handOver(boxed, { slot: words[other + SLOT]!, ident: words[other + IDENT]! });
    Atomics.add(words, other + SENT, 1);
    recorder?.moves("put", "Pipe");
    this.#ring(other);
  }

  // deno-lint-ignore require-await -- what it throws is a rejection
  async send(value: T, options?: SendOptions): Promise<void> {
    this.#send(value, options);
  }

  sendSync(value: T, options?: SendSyncOptions): void {
    this.#send(value, options);
  }

  // deno-lint-ignore require-await -- as above
  async sendBytes(bytes: Uint8Array, options?: WaitOptions): Promise<void> {
    checkBytes(bytes);
    this.#send(bytes, options);
  }

  /** Waits until there is something to receive; false when it is the end. */
  *#await(): Steps<boolean> {
    const index = this.#mine + BELL;
    const park: Park = { region: this.#region, index, value: 0, on: 0, spin: this.#spin };
    for (;;) {
      park.value = Atomics.load(this.#words, index);
      this.#checkUsable(RECEIVE, this.#receives);
      if (this.#has) return true;
      // What was sent before the other end was closed is counted by now.
      if (this.#isAlone) return this.#has;
      yield park;
    }
  }

  #take(): Boxed {
    if (this.#head === undefined) {
      this.#head = new Boxed(take(this.#port) as Packed, []);
      const words = this.#words;
      Atomics.add(words, this.#mine + RECEIVED, 1);
      if (Atomics.load(words, this.#other + STATE) === CLOSED) {
        Atomics.notify(words, this.#mine + RECEIVED);
      }
    }
    return this.#head;
  }

  #next(found: boolean | undefined, timeout: number): Boxed {
    if (found === undefined) throw new TimeoutError(`No value came within ${timeout} ms`);
    if (!found) throw new EOFError(`Cannot ${RECEIVE}: the other end of the pipe is closed`);
    return this.#take();
  }

  /** Takes the next message, that many may wait for; a blocked thread must be able to open it. */
  *#recv(sync: boolean, bytes: boolean, room = Infinity): Steps<Boxed | false> {
    if (!(yield* this.#await())) return false;
    const next = this.#take();
    const [module] = sync ? missing(next) : [];
    if (module !== undefined) {
      throw new TypeError(
        `Cannot receive the value without waiting: it needs ${module}, which this thread has ` +
          "not imported; import it first, or use await recv()",
      );
    }
    if (bytes && !(next.value instanceof Uint8Array)) {
      throw new TypeError(`Cannot receive bytes: the next value is ${show(next.value)}`);
    }
    if (room !== Infinity) {
      const { length } = next.value as Uint8Array;
      if (length > room) throw tooLong(length, room);
    }
    this.#head = undefined;
    recorder?.moves("get", "Pipe");
    return next;
  }

  #received(next: Boxed | false | undefined, timeout: number): Boxed {
    return next || this.#next(next, timeout);
  }

  async recv(options?: WaitOptions): Promise<T> {
    return await this.#receive(options, false) as T;
  }

  async recvBytes(options?: WaitOptions): Promise<Uint8Array> {
    return await this.#receive(options, true) as Uint8Array;
  }

  async recvBytesInto(
    buffer: ArrayBufferView | ArrayBufferLike,
    offset?: number,
    options?: WaitOptions,
  ): Promise<number> {
    const room = roomIn(buffer, offset);
    const bytes = await this.#receive(options, true, room.length) as Uint8Array;
    room.set(bytes);
    return bytes.length;
  }

  async #receive(
    options: WaitOptions | undefined,
    bytes: boolean,
    room = Infinity,
  ): Promise<unknown> {
    const timeout = checkWait(options, RECEIVE);
    const signal = options?.signal;
    const found = await runAsync(this.#recv(false, bytes, room), { timeout, signal });
    const next = this.#received(found, timeout);
    await ready(next);
    return open(next);
  }

  recvSync(options?: WaitSyncOptions): T {
    const timeout = checkWait(options, RECEIVE);
    return open(this.#received(runSync(this.#recv(true, false), timeout), timeout)) as T;
  }

  async poll(timeout?: number): Promise<boolean> {
    const limit = checkPoll(timeout);
    return await runAsync(this.#await(), { timeout: limit }) !== undefined;
  }

  pollSync(timeout?: number): boolean {
    return runSync(this.#await(), checkPoll(timeout)) !== undefined;
  }

  /** @ignore */
  async [READY](signal: AbortSignal): Promise<unknown> {
    return await runAsync(this.#await(), { signal });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    Atomics.store(this.#words, this.#mine + STATE, CLOSED);
    this.#ring(this.#other);
    this.#ring(this.#mine);
    // The other end may wait with its port for this.
    Atomics.notify(this.#words, this.#mine + RECEIVED);
    this.#closePort();
  }

  /** Closes the port once all is received: closing one drops what its other side has not read. */
  #closePort(): void {
    const words = this.#words;
    const index = this.#other + RECEIVED;
    const received = Atomics.load(words, index);
    if (this.#isAlone || received === Atomics.load(words, this.#other + SENT)) {
      return this.#port.close();
    }
    const parked = Atomics.waitAsync(words, index, received);
    if (parked.async) parked.value.then(() => this.#closePort());
    else queueMicrotask(() => this.#closePort());
  }

  [Symbol.dispose](): void {
    this.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close();
    return Promise.resolve();
  }

  [Symbol.asyncIterator](): AsyncIterator<T> {
    return takeUntil(() => this.recv(), EOFError);
  }

  [INSPECT](): string {
    return shown(
      "Connection",
      () => [this.#isMoved ? "moved" : this.#isClosed ? "closed" : "open"],
    );
  }

  [SHARE](world: World, place: () => string): SentPortEnd {
    if (world !== "thread") {
      throw new ShareError(
        `Cannot share ${place()} with a process: a connection of threading.pipe() lives in one ` +
          "process; use multiprocessing.pipe()",
        place(),
      );
    }
    if (this.#isClosed) {
      const why = this.#isMoved ? "was given to another thread" : "is closed";
      throw new ShareError(`Cannot share ${place()}: this end of the pipe ${why}`, place());
    }
    return {
      port: this.#port,
      memory: this.#words.buffer,
      end: this.#end,
      receives: this.#receives,
      sends: this.#sends,
      head: this.#head && { value: this.#head.value },
    };
  }
}

function checkPoll(timeout: number | undefined): number {
  return timeout === undefined ? 0 : checkTimeout(timeout, "poll the connection");
}

/**
 * Makes a pipe between threads: what is sent at one end is received at the other.
 *
 * Reach for it where two threads talk. Giving an end to another thread, as an argument or through a
 * queue or pipe, moves it there: here it is closed then. Sending never waits: what is not received
 * yet is kept. Values are copied as by `postMessage()`;
 * `send(value, { transfer })` moves buffers instead.
 *
 * When an end is closed, or the thread that has it ends in whatever way, the other one receives
 * what was sent, and then `EOFError`.
 *
 * *Memory*: what was written before `send()` is seen after the `recv()`. *Cancellation*: an abort
 * or the end of a timeout receives nothing.
 *
 * @typeParam T What is sent.
 * @returns The two ends. With `duplex: false` the first receives and the second sends.
 * @throws {TypeError} Bad options.
 *
 * @example Ask and answer
 * ```ts
 * import { pipe } from "@switchyard/switchyard/threading";
 *
 * const [here, there] = pipe<string>();
 * await here.send("How are you?");
 * await there.recv(); // "How are you?"
 * here.close();
 * there.close();
 * ```
 */
export function pipe<T = unknown>(options?: PipeOptions): [Connection<T>, Connection<T>];
export function pipe<T = unknown>(options: PipeOptions = {}): [Connection<T>, Connection<T>] {
  checkOptions(options, "make a pipe");
  checkBoolean(options.duplex, "duplex", "make a pipe");
  const duplex = options.duplex ?? true;
  const memory = new SharedArrayBuffer(2 * END_WORDS * 4);
  const { port1, port2 } = new MessageChannel();
  const end = (port: MessagePort, end: 0 | 1) => {
    const connection = new PortConnection<T>({
      port,
      memory,
      end,
      receives: duplex || end === 0,
      sends: duplex || end === 1,
      head: undefined,
    });
    noteMadeIn(connection, "thread");
    return connection;
  };
  return [end(port1, 0), end(port2, 1)];
}
