/**
 * The objects that clients hold at a manager's server: locks and semaphores.
 *
 * Everything happens in one thread, so that a step needs no care; who waits stands in a list, and
 * gets its turn in that order. A lock's owner is a client, that is one thread of one process.
 *
 * ```text
 *   lock:   free -- acquire --> owned -- released --> free, or at once the next one's
 *                                 \---- the owner ends --> the next guard says `abandoned`
 * ```
 *
 * @module
 */
import { checkInteger } from "../../../core/checks.ts";
import { title } from "../../../sync/cell.ts";
import { type Contended, watchFor } from "./deadlock.ts";
import { checkTime, type Guest, type Holdable, type ManagerCall, Served } from "../session.ts";

/** One that waits for a lock. */
interface Entry {
  guest: Guest;
  /** True if it can share the lock with another acquisition of its client's. */
  joins: boolean;
  /** Its turn has come: it takes the lock. */
  come(): void;
}

/** Takes an item out of a list. */
export function remove<T>(list: T[], item: T): void {
  const place = list.indexOf(item);
  if (place >= 0) list.splice(place, 1);
}

/** A lock that was given away for a time. */
interface Suspended {
  depth: number;
  turn: number;
}

/** A Lock or RLock. */
export class LockObject extends Served implements Contended, Holdable {
  override readonly methods = LOCK;
  readonly #isReentrant: boolean;
  readonly #name: string | undefined;
  readonly #waiting: Entry[] = [];
  #owner: Guest | undefined;
  #depth = 0;
  #turn = 0;
  #lastTurn = 0;
  #isAbandoned = false;

  constructor(isReentrant: boolean, name: string | undefined) {
    super();
    this.#isReentrant = isReentrant;
    this.#name = name;
  }

  /** Who holds it. */
  get owner(): Guest | undefined {
    return this.#owner;
  }

  /** The number of its acquisition. */
  get turn(): number {
    return this.#turn;
  }

  /** True if its owner may acquire it again. */
  get isReentrant(): boolean {
    return this.#isReentrant;
  }

  /** Its name in reports. */
  get label(): string {
    if (this.#name !== undefined) return `'${this.#name}'`;
    return this.#isReentrant ? "an RLock" : "a Lock";
  }

  acquire(call: ManagerCall, timeout?: number, detects?: boolean): unknown {
    checkTime(timeout);
    const { guest } = call;
    if (this.#isReentrant && this.#owner === guest) return this.#join();
    if (this.#owner === undefined) return this.#take(guest);
    if (timeout === 0) return undefined;
    const entry: Entry = {
      guest,
      joins: this.#isReentrant,
      come: () => {
        stop();
        call.done(this.#owner === guest ? this.#join() : this.#take(guest));
      },
    };
    const leave = () => {
      remove(this.#waiting, entry);
      stop();
    };
    const stop = this.#watch(guest, detects === true, (error) => {
      leave();
      call.fail(error);
    });
    this.#waiting.push(entry);
    return call.park(timeout, (why) => {
      leave();
      if (why === "late") call.done(undefined);
      else if (why === "cancelled") call.withdrawn();
    });
  }

  /** Ends one acquisition, if it has not ended. */
  giveBack({ guest }: ManagerCall, turn: number): void {
    if (this.#owner === undefined || this.#turn !== turn) return;
    if (!this.#isReentrant || this.#owner === guest) this.#unnest();
  }

  release({ guest }: ManagerCall): void {
    if (this.#isReentrant && this.#owner !== guest) {
      throw new Error(
        `Cannot release ${title("RLock", this.#name)}: this thread does not hold it`,
      );
    }
    if (this.#owner === undefined) {
      throw new Error(`Cannot release ${title("lock", this.#name)}: it is not held`);
    }
    this.#unnest();
  }

  locked(): boolean {
    return this.#owner !== undefined;
  }

  /** True if a client holds it. */
  isHeldBy(guest: Guest): boolean {
    return this.#owner === guest;
  }

  /** Gives the lock away, all levels of it. */
  suspend(): Suspended {
    const suspended = { depth: this.#depth, turn: this.#turn };
    this.#leave();
    return suspended;
  }

  /**
   * Takes back what was given away, when it is free; then calls `come`.
   *
   * @returns Stops waiting for it.
   */
  resume(guest: Guest, { depth, turn }: Suspended, come: () => void): () => void {
    const entry: Entry = {
      guest,
      joins: false,
      come: () => {
        this.#own(guest, turn, depth);
        come();
      },
    };
    if (this.#owner === undefined) entry.come();
    else this.#waiting.push(entry);
    return () => remove(this.#waiting, entry);
  }

  /** @ignore */
  holderGone(guest: Guest): void {
    if (this.#owner !== guest) return;
    this.#isAbandoned = true;
    this.#leave();
  }

  /** Notes that a client waits, and tells it of a deadlock if it wants; gives what ends that. */
  #watch(guest: Guest, detects: boolean, tell: (error: Error) => void): () => void {
    guest.waitsFor.push(this);
    const stop = detects ? watchFor(guest, this, tell) : undefined;
    return () => {
      remove<Contended>(guest.waitsFor, this);
      stop?.();
    };
  }

  #take(guest: Guest): [turn: number, abandoned: boolean] {
    const isAbandoned = this.#isAbandoned;
    this.#isAbandoned = false;
    this.#own(guest, ++this.#lastTurn, 1);
    return [this.#turn, isAbandoned];
  }

  #join(): [turn: number, abandoned: boolean] {
    this.#depth++;
    return [this.#turn, false];
  }

  #own(guest: Guest, turn: number, depth: number): void {
    this.#owner = guest;
    this.#turn = turn;
    this.#depth = depth;
    guest.held.add(this);
  }

  #unnest(): void {
    if (--this.#depth === 0) this.#leave();
  }

  #leave(): void {
    this.#owner!.held.delete(this);
    this.#owner = undefined;
    this.#depth = 0;
    const next = this.#waiting.shift();
    if (next === undefined) return;
    next.come();
    // All async functions of a thread are one owner.
    for (const entry of this.#waiting.filter((e) => e.joins && e.guest === next.guest)) {
      remove(this.#waiting, entry);
      entry.come();
    }
  }
}

const LOCK: ReadonlySet<string> = new Set(["acquire", "giveBack", "release", "locked"]);

/** A Semaphore or BoundedSemaphore. */
export class SemaphoreObject extends Served implements Holdable {
  override readonly methods = SEMAPHORE;
  readonly #bound: number;
  readonly #name: string | undefined;
  readonly #waiting: ManagerCall[] = [];
  /** The number of permits that each client has taken and not given back. */
  readonly #taken = new Map<Guest, number>();
  #permits: number;

  constructor(permits: number, isBounded: boolean, name: string | undefined) {
    super();
    this.#permits = permits;
    this.#bound = isBounded ? permits : 0x7fffffff;
    this.#name = name;
  }

  acquire(call: ManagerCall, timeout?: number): unknown {
    checkTime(timeout);
    if (this.#permits > 0) return this.#take(call.guest);
    if (timeout === 0) return false;
    this.#waiting.push(call);
    return call.park(timeout, (why) => {
      remove(this.#waiting, call);
      if (why === "late") call.done(false);
      else if (why === "cancelled") call.withdrawn();
    });
  }

  release({ guest }: ManagerCall, n: number): void {
    checkInteger(n, 1, "n", "release the semaphore");
    if (this.#permits + n > this.#bound) {
      throw new RangeError(
        `Cannot release ${title("semaphore", this.#name)}: it would have ${this.#permits + n} of ` +
          `${this.#bound} permits`,
      );
    }
    this.#count(guest, -n);
    this.#add(n);
  }

  value(): number {
    return this.#permits;
  }

  /** @ignore */
  holderGone(guest: Guest, ended: boolean): void {
    const taken = this.#taken.get(guest) ?? 0;
    this.#taken.delete(guest);
    if (!ended) this.#add(Math.min(taken, this.#bound - this.#permits));
  }

  #take(guest: Guest): true {
    this.#permits--;
    this.#count(guest, 1);
    return true;
  }

  #add(n: number): void {
    this.#permits += n;
    while (this.#permits > 0 && this.#waiting.length > 0) {
      const call = this.#waiting.shift()!;
      call.done(this.#take(call.guest));
    }
  }

  #count(guest: Guest, change: number): void {
    const taken = (this.#taken.get(guest) ?? 0) + change;
    if (taken > 0) {
      this.#taken.set(guest, taken);
      guest.held.add(this);
    } else {
      this.#taken.delete(guest);
      guest.held.delete(this);
    }
  }
}

const SEMAPHORE: ReadonlySet<string> = new Set(["acquire", "release", "value"]);
