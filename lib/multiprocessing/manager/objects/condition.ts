/**
 * Conditions at a manager's server.
 *
 * ```text
 *   wait of a condition:   waiting -- notified --> coming back --> it has the lock: true
 *                             |  \--- late -----> coming back --> it has the lock: false
 *                             |   \-- cancelled -> coming back --> it has the lock: withdrawn
 *                              \---- its client ends: gone; one that was notified passes that on
 * ```
 *
 * @module
 */
import { checkInteger } from "../../../core/checks.ts";
import { title } from "../../../sync/cell.ts";
import { ONE_OWNER } from "../../../sync/condition.ts";
import { checkTime, type ManagerCall, PARKED, Served } from "../session.ts";
import { type LockObject, remove } from "./locks.ts";

/** One that waits for a condition. */
interface Waiter {
  /** Comes back, and answers so. */
  notified(): void;
}

/** A condition. */
export class ConditionObject extends Served {
  override readonly methods = CONDITION;
  readonly #lock: LockObject;
  readonly #name: string | undefined;
  readonly #waiting: Waiter[] = [];

  constructor(lock: LockObject, name: string | undefined) {
    super();
    this.#lock = lock;
    this.#name = name;
  }

  acquire(call: ManagerCall, timeout?: number, detects?: boolean): unknown {
    return this.#lock.acquire(call, timeout, detects);
  }

  giveBack(call: ManagerCall, turn: number): void {
    this.#lock.giveBack(call, turn);
  }

  release(call: ManagerCall): void {
    this.#lock.release(call);
  }

  locked(): boolean {
    return this.#lock.locked();
  }

  check(call: ManagerCall): void {
    this.#checkMine(call, "wait for");
  }

  wait(call: ManagerCall, timeout?: number): typeof PARKED {
    checkTime(timeout);
    this.#checkMine(call, "wait for");
    const { guest } = call;
    const lock = this.#lock;
    let isNotified = false;
    let isCancelled = false;
    const comeBack = () => {
      const stop = lock.resume(guest, suspended, () => {
        isBack = true;
        if (isCancelled) call.withdrawn();
        else call.done(isNotified);
      });
      if (isBack) return;
      call.park(undefined, (why) => {
        // One that was notified and will not use it passes it on.
        if (isNotified && !isCancelled) this.#next();
        isCancelled = true;
        if (why === "gone") stop();
        else call.waitOn(stop);
      });
    };
    let isBack = false;
    const waiter: Waiter = {
      notified: () => {
        isNotified = true;
        comeBack();
      },
    };
    this.#waiting.push(waiter);
    call.park(timeout, (why) => {
      remove(this.#waiting, waiter);
      if (why === "gone") return;
      isCancelled = why === "cancelled";
      comeBack();
    });
    const suspended = lock.suspend();
    return PARKED;
  }

  notify(call: ManagerCall, n?: number): void {
    if (n !== undefined) checkInteger(n, 0, "n", "notify the condition");
    this.#checkMine(call, "notify");
    const all = this.#waiting.length;
    for (let k = Math.min(n ?? all, all); k > 0; k--) this.#next();
  }

  #next(): void {
    this.#waiting.shift()?.notified();
  }

  #checkMine({ guest }: ManagerCall, action: string): void {
    if (this.#lock.isHeldBy(guest)) return;
    throw new Error(
      `Cannot ${action} ${title("condition", this.#name)}: this thread does not hold its lock` +
        (this.#lock.isReentrant ? `${ONE_OWNER}manager.Condition(await manager.Lock())` : ""),
    );
  }
}

const CONDITION: ReadonlySet<string> = new Set([
  ...["acquire", "giveBack", "release", "locked", "check", "wait", "notify"],
]);
