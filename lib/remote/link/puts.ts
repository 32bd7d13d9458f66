/**
 * How the items of a queue are put. Each handle's go in their order. Into a queue with a bound one
 * at a time goes, since one that is refused must not be overtaken by the next:
 *
 *     waits in the handle -> is published -> confirmed
 *              ^                  | Full, and it has time
 *              +---- for room ----+
 *
 * What was refused is tried again when an item was taken here, and by a timer, since others take
 * items elsewhere.
 *
 * @module
 */
import { Full, ShutDown, TimeoutError } from "../../core/errors.ts";
import { Unroutable } from "../broker.ts";
import type { Handle, Op, Put } from "./handle.ts";
import { FIRST_LOOK, LAST_LOOK, type Site } from "./site.ts";
import { type Course, settled, start } from "./soon.ts";

/** How long a call that does not wait may take to get its answer, in ms. */
const ROUND_TRIP = 5000;

/** How the items of one queue are put. */
export class Puts {
  readonly #site: Site;
  /** The handles whose first item waits for room. */
  readonly #roomless: Handle[] = [];
  #stopLook: (() => void) | undefined;
  #look = FIRST_LOOK;

  constructor(site: Site) {
    this.#site = site;
  }

  /** Puts an item in, behind those of the same handle. */
  put(put: Put): void {
    const { op } = put;
    const { handle, timeout } = op;
    if (timeout === 0 && handle.needsRoom) return op.fail(this.#full(op));
    handle.puts.push(put);
    if (timeout < Infinity) {
      op.atEnd(this.#site.clock.after(timeout, () => this.#putIsLate(op, true)));
    }
    this.#pump(handle);
  }

  /** The time for a put is over. */
  #putIsLate(op: Op, mayExtend: boolean): void {
    const { handle } = op;
    const { state, blockedBy, loss } = this.#site.broker;
    if (handle.needsRoom) return op.fail(this.#full(op));
    // Whether there is room is not known yet; it will be at once.
    if (mayExtend && (state === "up" || state === "connecting" && loss === undefined)) {
      return op.atEnd(this.#site.clock.after(ROUND_TRIP, () => this.#putIsLate(op, false)));
    }
    const why = state === "blocked"
      ? `the broker is blocked: ${blockedBy}`
      : state === "up"
      ? "the broker has not confirmed it"
      : `the broker is out of reach: ${loss?.cause.message ?? state}`;
    op.fail(
      new TimeoutError(`Cannot put the item in ${this.#site.shown} in ${op.timeout} ms: ${why}`),
    );
  }

  #full({ handle: { wish }, timeout }: Op): Full {
    const how = timeout === 0
      ? `it is full (${wish.maxsize})`
      : `no room in ${timeout} ms (${wish.maxsize} items)`;
    return new Full(`Cannot put the item in ${this.#site.shown}: ${how}`);
  }

  /** Sends what a handle has to put, as far as it may. */
  #pump(handle: Handle): void {
    const { puts, wish } = handle;
    while (puts.length > 0 && !handle.isPutting && !handle.needsRoom) {
      const put = puts.pop();
      const { op } = put;
      if (!op.isOpen) continue;
      const isAlone = wish.maxsize > 0 && put.delay === 0;
      handle.isPutting = isAlone;
      const next = () => {
        if (!isAlone) return;
        handle.isPutting = false;
        this.#pump(handle);
      };
      start(this.#publish(put), () => {
        this.#look = FIRST_LOOK;
        op.settle(undefined);
        next();
        this.tryRoom();
      }, (error) => {
        if (error instanceof Full && op.isOpen && op.timeout > 0 && isAlone) {
          puts.putBack([put]);
          handle.needsRoom = true;
          handle.isPutting = false;
          return this.#waitForRoom(handle);
        }
        op.fail(error instanceof Full ? this.#full(op) : error);
        next();
      });
    }
  }

  *#publish({ op, message, delay }: Put): Course<void> {
    const { handle } = op;
    for (let attempt = 1;; attempt++) {
      if (!handle.isReady) yield* this.#site.prepare(handle);
      if (this.#site.isShut) {
        throw new ShutDown(`Cannot put the item in ${this.#site.shown}: it was shut down`);
      }
      try {
        const options = this.#site.broker.isNear ? { delay } : { delay, signal: op };
        return yield* settled(this.#site.broker.publish(this.#site.queue, message, options));
      } catch (error) {
        if (!(error instanceof Unroutable) || attempt > 2) throw error;
        // Somebody has removed it.
        handle.isReady = false;
      }
    }
  }

  #waitForRoom(handle: Handle): void {
    this.#roomless.unshift(handle);
    this.#stopLook ??= this.#site.clock.after(this.#look, () => {
      this.#stopLook = undefined;
      this.#look = Math.min(LAST_LOOK, this.#look * 2);
      this.tryRoom();
    });
  }

  /** There may be room: the first who waits for it tries again. */
  tryRoom(): void {
    const handle = this.#roomless.shift();
    if (handle === undefined) return;
    if (this.#roomless.length === 0) {
      this.#stopLook?.();
      this.#stopLook = undefined;
    }
    handle.needsRoom = false;
    const { puts } = handle;
    while (puts.length > 0 && !puts.peek().op.isOpen) puts.pop();
    if (puts.length === 0) return this.tryRoom();
    this.#pump(handle);
  }

  /** All who wait for room try again, and find that the queue is shut down. */
  tryAll(): void {
    for (let k = this.#roomless.length; k > 0; k--) this.tryRoom();
  }

  /** A handle is no more. */
  leave(handle: Handle): void {
    const at = this.#roomless.indexOf(handle);
    if (at >= 0) this.#roomless.splice(at, 1);
  }

  /** Ends it. */
  close(): void {
    this.#stopLook?.();
  }
}
