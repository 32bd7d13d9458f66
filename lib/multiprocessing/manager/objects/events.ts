/**
 * Where clients wait for each other at a manager's server: events and barriers.
 *
 * ```text
 *   barrier: filling -- the last arrives --> acting (with an action) -- done --> all go on, filling
 *               |  \--- late, a client ends, abort(), an action that throws --> all fail, broken
 *               |   \-- reset() ---------------------------------------------> all fail, filling
 *               \------ cancelled: that arrival is withdrawn
 * ```
 *
 * A round that runs its action lets nobody in: who comes then waits for its end first.
 *
 * @module
 */
import { checkBoolean } from "../../../core/checks.ts";
import { BrokenBarrierError } from "../../../core/errors.ts";
import {
  checkTime,
  type Guest,
  type Holdable,
  type ManagerCall,
  PARKED,
  Served,
  type Why,
} from "../session.ts";

/** An event. */
export class EventObject extends Served {
  override readonly methods = EVENT;
  readonly #waiting = new Set<ManagerCall>();
  #isSet = false;

  set(): void {
    this.#isSet = true;
    for (const call of this.#waiting) call.done(true);
    this.#waiting.clear();
  }

  clear(): void {
    this.#isSet = false;
  }

  isSet(): boolean {
    return this.#isSet;
  }

  wait(call: ManagerCall, timeout?: number): unknown {
    checkTime(timeout);
    if (this.#isSet) return true;
    if (timeout === 0) return false;
    this.#waiting.add(call);
    return call.park(timeout, (why) => {
      this.#waiting.delete(call);
      if (why === "late") call.done(false);
      else if (why === "cancelled") call.withdrawn();
    });
  }
}

const EVENT: ReadonlySet<string> = new Set(["set", "clear", "isSet", "wait"]);

const FAILED_ROUND = "somebody's time was up, or it was broken or reset meanwhile";

/** A barrier. */
export class BarrierObject extends Served implements Holdable {
  override readonly methods = BARRIER;
  readonly #parties: number;
  readonly #hasAction: boolean;
  readonly #timeout: number | undefined;
  readonly #name: string | undefined;
  /** Who has arrived in this round, by index. */
  #arrived: (ManagerCall | undefined)[] = [];
  /** Who has come while the round's action runs. */
  #early: (() => void)[] = [];
  #isBroken = false;
  /** Who runs the action, and in which round. */
  #actor: Guest | undefined;
  #round = 1;

  constructor(
    parties: number,
    hasAction: boolean,
    timeout: number | undefined,
    name: string | undefined,
  ) {
    super();
    this.#parties = parties;
    this.#hasAction = hasAction;
    this.#timeout = timeout;
    this.#name = name;
  }

  wait(call: ManagerCall, ...[given]: [timeout?: number | null]): unknown {
    const timeout = given === undefined ? this.#timeout : given ?? undefined;
    checkTime(timeout);
    if (this.#actor === undefined) return this.#arrive(call, timeout);
    const began = performance.now();
    const enter = () => {
      const left = timeout === undefined
        ? undefined
        : Math.max(0, timeout - (performance.now() - began));
      try {
        const answer = this.#arrive(call, left);
        if (answer !== PARKED) call.done(answer);
      } catch (error) {
        call.fail(error);
      }
    };
    this.#early.push(enter);
    return call.park(timeout, (why) => {
      this.#early = this.#early.filter((other) => other !== enter);
      if (why === "cancelled") call.withdrawn();
      if (why !== "late") return;
      this.#end(true);
      call.fail(this.#broken("its time was up before it could arrive"));
    });
  }

  /** Ends a round whose action has run. */
  finish({ guest }: ManagerCall, round: number, isDone: boolean): void {
    checkBoolean(isDone, "isDone", "end the round");
    if (this.#actor !== guest || round !== this.#round) {
      if (!isDone) return;
      throw this.#broken("it was broken or reset while its action ran");
    }
    this.#end(!isDone);
  }

  reset(): void {
    const isFilling = this.#count() > 0;
    this.#isBroken = false;
    if (isFilling || this.#actor !== undefined) this.#over(true);
  }

  abort(): void {
    this.#end(true);
  }

  nWaiting(): number {
    return this.#actor === undefined ? this.#count() : 0;
  }

  broken(): boolean {
    return this.#isBroken;
  }

  /** @ignore */
  holderGone(guest: Guest): void {
    if (this.#actor === guest) this.#end(true);
  }

  #count(): number {
    return this.#arrived.reduce((count, call) => call === undefined ? count : count + 1, 0);
  }

  #arrive(call: ManagerCall, timeout: number | undefined): unknown {
    if (this.#isBroken) throw this.#broken("it is broken");
    const free = this.#arrived.indexOf(undefined);
    const index = free < 0 ? this.#arrived.length : free;
    if (this.#count() + 1 < this.#parties) {
      this.#arrived[index] = call;
      const onEnd = (why: Why): void => {
        // All have come, and the action runs: too late.
        if (why === "cancelled" && this.#actor !== undefined) return call.waitOn(onEnd);
        this.#arrived[index] = undefined;
        if (why === "cancelled") call.withdrawn();
        // A thread that is stopped will not come again, as one that has ended.
        if (why === "cancelled" && !call.isStopped) return;
        this.#end(true);
        if (why === "late") call.fail(this.#broken(FAILED_ROUND));
      };
      return call.park(timeout, onEnd);
    }
    if (!this.#hasAction) {
      this.#over(false);
      return [index, undefined];
    }
    this.#actor = call.guest;
    call.guest.held.add(this);
    return [index, this.#round];
  }

  /** Ends the round. */
  #end(isBroken: boolean): void {
    if (isBroken) this.#isBroken = true;
    this.#over(isBroken);
  }

  #over(hasFailed: boolean): void {
    const arrived = this.#arrived;
    const early = this.#early;
    this.#arrived = [];
    this.#early = [];
    this.#actor?.held.delete(this);
    this.#actor = undefined;
    this.#round++;
    arrived.forEach((call, index) => {
      if (hasFailed) call?.fail(this.#broken(FAILED_ROUND));
      else call?.done([index, undefined]);
    });
    for (const enter of early) {
      if (this.#actor === undefined) enter();
      else this.#early.push(enter);
    }
  }

  #broken(why: string): BrokenBarrierError {
    const title = this.#name === undefined
      ? "the barrier"
      : `the barrier ${JSON.stringify(this.#name)}`;
    return new BrokenBarrierError(`Cannot pass ${title}: ${why}`);
  }
}

const BARRIER: ReadonlySet<string> = new Set([
  ...["wait", "finish", "reset", "abort", "nWaiting", "broken"],
]);
