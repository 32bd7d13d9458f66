/**
 * A client, as a manager's server sees it: what it has asked and not been told, what it holds, and
 * what is on its way to it.
 *
 * @module
 */
import { Countdown } from "../../core/promises.ts";
import type { Link } from "../../channel/socket/link.ts";
import type { TrustLevel } from "../../transfer/reduction.ts";
import { errorToBytes } from "../../child/process/protocol.ts";
import type { Contended } from "./objects/deadlock.ts";
import { DONE, FAILED, LONGEST_BELOW, toFrame, type ValueBytes, WITHDRAWN } from "./protocol.ts";

/** Why a wait ends before what it was for has come. */
export type Why = "late" | "cancelled" | "gone";

/** The answer of a method that answers later. */
export const PARKED: unique symbol = Symbol("parked");

/** Something that a client can hold. */
export interface Holdable {
  /** The client has ended; `ended` says whether by itself. */
  holderGone(guest: Guest, ended: boolean): void;
}

let guests = 0;
/** True if a client below has called: any value may be its. */
let hasCalledBelow = false;

/** From whom the values are that the server holds. */
export function sourceOfValues(): TrustLevel {
  return hasCalledBelow ? "below" : "equal";
}

/** A client. */
export class Guest {
  /** Its calls that wait. */
  readonly calls: Map<number, ManagerCall> = new Map();
  /** The objects that it holds. */
  readonly held: Set<Holdable> = new Set();
  /** The ways to take back what it has been given and has not confirmed. */
  readonly unconfirmed: Map<number, () => void> = new Map();
  /** The locks that it waits for, one for each wait. */
  readonly waitsFor: Contended[] = [];
  /** Its name in reports. */
  name = "a client";
  /** Its number among the clients. */
  readonly number = ++guests;
  /** True if it has said that it ends by itself. */
  hasSaidBye = false;
  /** Its relation to the owner. */
  level: TrustLevel = "below";
  readonly #link: Link;

  constructor(link: Link) {
    this.#link = link;
    link.longest = LONGEST_BELOW;
  }

  /** It has shown that it is no child with fewer permissions. */
  isEqual(longest: number): void {
    this.level = "equal";
    this.#link.longest = longest;
  }

  /** It calls. */
  calling(): void {
    if (this.level === "below") hasCalledBelow = true;
  }

  /** Sends a frame. */
  send(message: unknown[]): void {
    this.#link.send(toFrame(message));
  }

  /** Settles when all that was sent is written. */
  flushed(): Promise<void> {
    return this.#link.flushed();
  }

  /** Takes back what it held and what it was to get: it is gone. */
  leave(): void {
    for (const call of [...this.calls.values()]) call.end("gone");
    for (const takeBack of [...this.unconfirmed.values()].reverse()) takeBack();
    this.unconfirmed.clear();
    for (const holdable of [...this.held]) holdable.holderGone(this, this.hasSaidBye);
    this.held.clear();
  }
}

/** A call of a client's; it is answered once. */
export class ManagerCall {
  /** Who calls. */
  readonly guest: Guest;
  /** True if it was cancelled because its thread is being stopped. */
  isStopped = false;
  readonly #id: number;
  #onEnd: ((why: Why) => void) | undefined;
  #timer: Countdown | undefined;

  constructor(guest: Guest, id: number) {
    this.guest = guest;
    this.#id = id;
  }

  /**
   * Waits: the call is answered later.
   *
   * @param timeout The time to wait in ms; undefined is without limit.
   * @param onEnd Called when it ends before it was answered: takes it out of where it waits, and
   *   answers it if somebody is there to hear it.
   */
  park(timeout: number | undefined, onEnd: (why: Why) => void): typeof PARKED {
    this.#timer?.cancel();
    this.#onEnd = onEnd;
    this.guest.calls.set(this.#id, this);
    if (timeout !== undefined) this.#timer = new Countdown(timeout, () => this.end("late"));
    return PARKED;
  }

  /** Ends the wait before what it was for has come. It happens once. */
  end(why: Why): void {
    this.#timer?.cancel();
    const onEnd = this.#onEnd;
    this.#onEnd = undefined;
    if (why === "gone") this.#forget();
    onEnd?.(why);
  }

  /**
   * Ends the wait for a client that no longer wants it; `isStopped` says that its thread is
   * stopped.
   */
  cancel(isStopped: boolean): void {
    this.isStopped = isStopped;
    this.end("cancelled");
  }

  /**
   * Waits on after {@linkcode end} has been called: nothing but the death of the client ends it
   * now.
   */
  waitOn(onEnd: (why: Why) => void): void {
    this.#onEnd = onEnd;
  }

  /** Answers with a result; with `takeBack`, it is called if the client dies before it has come. */
  done(value: unknown, takeBack?: () => void): void {
    this.#forget();
    if (takeBack !== undefined) this.guest.unconfirmed.set(this.#id, takeBack);
    this.guest.send([this.#id, DONE, value, takeBack !== undefined, hasCalledBelow]);
  }

  /** Answers with an error. */
  fail(error: unknown): void {
    this.#forget();
    this.guest.send([this.#id, FAILED, errorToBytes(error), false, hasCalledBelow]);
  }

  /** Says that the call was cancelled and has had no effect. */
  withdrawn(): void {
    this.#forget();
    this.guest.send([this.#id, WITHDRAWN]);
  }

  #forget(): void {
    this.#timer?.cancel();
    this.#onEnd = undefined;
    this.guest.calls.delete(this.#id);
  }
}

/** An object at the server. */
export abstract class Served {
  /** The methods that clients may call. */
  abstract readonly methods: ReadonlySet<string>;
  /** True if a step is under way that others wait for. */
  #busy = false;
  readonly #queue: (() => void)[] = [];

  /** Calls `step` when no other step is under way: at once, usually. */
  whenFree(step: () => void): void {
    if (this.#busy) this.#queue.push(step);
    else step();
  }

  /** Lets nothing else happen to the object until `step` has ended. */
  protected async alone<T>(step: () => Promise<T>): Promise<T> {
    this.#busy = true;
    try {
      return await step();
    } finally {
      this.#busy = false;
      while (!this.#busy && this.#queue.length > 0) this.#queue.shift()!();
    }
  }
}

/** Checks that an argument is a value in bytes. */
export function checkBytes(value: unknown): asserts value is ValueBytes {
  if (!(value instanceof Uint8Array)) {
    throw new TypeError("Cannot call the manager: an argument must be an encoded value");
  }
}

/** Checks that an argument is a list of values in bytes. */
export function checkList(list: unknown): asserts list is ValueBytes[] {
  if (!Array.isArray(list)) {
    throw new TypeError("Cannot call the manager: an argument must be a list of encoded values");
  }
  for (const value of list) checkBytes(value);
}

/** Checks a time to wait. */
export function checkTime(timeout: unknown): asserts timeout is number | undefined {
  if (timeout === undefined || typeof timeout === "number" && timeout >= 0) return;
  throw new TypeError("Cannot call the manager: a time to wait must be a number >= 0");
}

/** Checks that an argument is an integer. */
export function checkWhole(value: unknown): asserts value is number {
  if (!Number.isInteger(value)) {
    throw new TypeError("Cannot call the manager: an index or a count must be an integer");
  }
}
