/**
 * A call in the hands of a worker. It lives from its delivery until its answer is with the broker.
 *
 * ```text
 *   HELD -> CLAIMED -> RUNNING -> ended        CLAIMED: its caller is looked for, and told
 *      \________\_________\-> given back       HELD, CLAIMED: it is no try that counts
 * ```
 *
 * @module
 */
import { TimeoutError, WorkerLostError } from "../../core/errors.ts";
import type { Call } from "../../pool/call.ts";
import type { BrokerMessage, Delivery } from "../broker.ts";
import type { CallFacts } from "../calls/messages.ts";
import type { Level } from "../calls/names.ts";

export const HELD = 0;
export const CLAIMED = 1;
export const RUNNING = 2;
export const OVER = 3;

/** Why a call that runs is stopped. */
export type Stop = "cancelled" | "orphan" | "drain";

/** A call in the hands of a worker. */
export class HeldCall {
  state: typeof HELD | typeof CLAIMED | typeof RUNNING | typeof OVER = HELD;
  /** All of its deliveries: it may come again while it runs. */
  readonly deliveries: [Delivery, ...Delivery[]];
  readonly facts: CallFacts;
  readonly level: Level;
  /** Which try it is. */
  readonly attempt: number;
  /** When it came. */
  readonly since: number = performance.now();
  /** True if it may have been cancelled before this worker could hear of that. */
  readonly isOld: boolean;
  /** The call of the pool, once it runs. */
  call: Call | undefined;
  /** When it was begun; 0 while it waits for a thread or process, or before. */
  began = 0;
  stop: Stop | undefined;
  /** Headers that it gets when it is given back. */
  more: BrokerMessage["headers"] = {};
  /** Called when its caller has said that it may run. */
  go: (() => void) | undefined;
  /** Tells its caller that it has begun; undefined once that is done. */
  tellBegin: (() => void) | undefined;
  /** True if its caller has gone. */
  isOrphan = false;

  constructor(delivery: Delivery, facts: CallFacts, level: Level, isOld: boolean) {
    this.deliveries = [delivery];
    this.facts = facts;
    this.level = level;
    this.attempt = Math.max(1, delivery.attempt);
    this.isOld = isOld;
  }

  /** The id that is one for all tries, and for all calls with one key. */
  get id(): string {
    return this.deliveries[0].id;
  }

  /** False once the broker has given it to another: its connection was lost meanwhile. */
  get isHeld(): boolean {
    return this.deliveries.some(({ isHeld }) => isHeld);
  }

  /** True if it is this call of a caller. */
  isOf(call: string): boolean {
    return this.deliveries.some((delivery) => delivery.headers.call === call);
  }

  /** Somebody wants it no more; false if there is nobody else. */
  leave(call: string): boolean {
    const left = this.deliveries.filter((delivery) => delivery.headers.call !== call);
    if (left.length === 0) return false;
    for (const delivery of this.deliveries) if (!left.includes(delivery)) delivery.ack();
    this.deliveries.splice(0, Infinity, ...left);
    return true;
  }

  /** The inbox of its caller, if that wants an answer. */
  get replyTo(): string | undefined {
    return this.deliveries[0].replyTo;
  }
}

/** An error of the engine's, as one of the call that was asked for. */
export function ofCall(
  error: unknown,
  { name, timeout }: CallFacts,
  isCancelled: boolean,
): unknown {
  const shown = JSON.stringify(name);
  if (error instanceof WorkerLostError) {
    return new WorkerLostError(error.message.replaceAll('"runCall"', () => shown), error);
  }
  return isCancelled && error instanceof TimeoutError
    ? new TimeoutError(`${shown} has run for longer than ${timeout} ms`)
    : error;
}
