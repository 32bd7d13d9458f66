/**
 * What a service knows of a handle of a queue somewhere, and of each request that it has made.
 *
 * @module
 */
import { Deque } from "../../core/deque.ts";
import type { AbortNotice } from "../../core/promises.ts";
import type { BrokerMessage, Delivery } from "../broker.ts";
import type { News, QueueWish } from "./protocol.ts";

/** A user of a service, as that answers it. */
export interface User {
  answer(n: number, value: unknown): void;
  refuse(n: number, error: unknown): void;
  /** Tells what has come for its agent `h`. */
  tell(h: number, news: News): void;
}

/** An item that somebody holds. */
export interface Holding {
  readonly delivery: Delivery;
  /** By which credit it came. */
  readonly credit: number;
}

/** An item that is to be put. */
export interface Put {
  readonly op: Op;
  readonly message: BrokerMessage;
  readonly delay: number;
}

/** A handle of a queue, in some thread of this process. */
export class Handle {
  readonly user: User;
  readonly wish: QueueWish;
  /** For how long its requests wait for a broker that is away, in ms. */
  readonly patience: number;
  /** Its requests under way, by their number. */
  readonly ops: Map<number, Op> = new Map();
  /** What it has taken, by the number of the request. */
  readonly holdings: Map<number, Holding> = new Map();
  /** What waits to be put, in its order. */
  readonly puts: Deque<Put> = new Deque();
  /** True while an item is on its way that those behind must not overtake. */
  isPutting = false;
  /** True while the first of `puts` waits for room. */
  needsRoom = false;
  /** True when its queue is known to be as it wished. */
  isReady = false;
  /** True once it was closed. */
  isClosed = false;

  constructor(user: User, wish: QueueWish, patience: number) {
    this.user = user;
    this.wish = wish;
    this.patience = patience;
  }
}

/**
 * A request under way: answered once, whatever happens first, and rid of its timers then. It tells
 * a broker itself when it is given up: an AbortSignal for each put costs a sixth of all of it.
 */
export class Op implements AbortNotice {
  readonly handle: Handle;
  readonly n: number;
  /** The time that it may take, in ms; 0 does not wait. */
  readonly timeout: number;
  /** True if it needs a broker that takes messages. */
  readonly isPut: boolean;
  readonly #ends: (() => void)[] = [];
  #isOpen = true;
  #onAbort: (() => void) | undefined;
  #isAborted = false;
  #reason: unknown;

  constructor(handle: Handle, n: number, { timeout = Infinity, isPut = false } = {}) {
    this.handle = handle;
    this.n = n;
    this.timeout = timeout;
    this.isPut = isPut;
    handle.ops.set(n, this);
    this.atEnd(() => handle.ops.delete(n));
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get aborted(): boolean {
    return this.#isAborted;
  }

  get reason(): unknown {
    return this.#reason;
  }

  /** Has one listener called when it has ended early. */
  addEventListener(_type: "abort", listener: () => void): void {
    this.#onAbort = listener;
  }

  removeEventListener(_type: "abort", listener: () => void): void {
    if (this.#onAbort === listener) this.#onAbort = undefined;
  }

  /** Calls `fn` at its end. */
  atEnd(fn: () => void): void {
    this.#ends.push(fn);
  }

  settle(value: unknown): void {
    if (this.#end()) this.handle.user.answer(this.n, value);
  }

  fail(error: unknown): void {
    if (!this.#end()) return;
    this.#abort(error);
    this.handle.user.refuse(this.n, error);
  }

  /** Nobody waits for it any more. */
  drop(): void {
    if (this.#end()) this.#abort(new DOMException("The request was given up", "AbortError"));
  }

  #abort(reason: unknown): void {
    this.#isAborted = true;
    this.#reason = reason;
    this.#onAbort?.();
  }

  #end(): boolean {
    if (!this.#isOpen) return false;
    this.#isOpen = false;
    for (const end of this.#ends) end();
    return true;
  }
}
