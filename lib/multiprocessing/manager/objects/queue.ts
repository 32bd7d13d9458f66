/**
 * Queues at a manager's server. An item is given until its client has confirmed that it has come:
 *
 * ```text
 *   in the queue -- get() --> given -- confirmed --> gone
 *        ^------- the client ends -----/
 * ```
 *
 * @module
 */
import { Empty, Full, ShutDown } from "../../../core/errors.ts";
import { Deque } from "../../../core/deque.ts";
import { checkBytes, checkTime, type ManagerCall, PARKED, Served } from "../session.ts";
import type { ValueBytes } from "../protocol.ts";

/** One that waits for room. */
interface Putter {
  call: ManagerCall;
  item: ValueBytes;
}

/** A queue. */
export class QueueObject extends Served {
  override readonly methods = QUEUE;
  readonly #maxsize: number;
  readonly #items = new Deque<ValueBytes>();
  readonly #getting = new Set<ManagerCall>();
  readonly #putting = new Set<Putter>();
  readonly #joining = new Set<ManagerCall>();
  #unfinished = 0;
  #isShutDown = false;
  /** True if what was in it has been dropped. */
  #isDropped = false;

  constructor(maxsize: number) {
    super();
    this.#maxsize = maxsize;
  }

  put(call: ManagerCall, timeout: number | undefined, item: ValueBytes): unknown {
    checkTime(timeout);
    checkBytes(item);
    this.#checkOpen("put into");
    if (!this.full()) return this.#add(item);
    const full = () => new Full(`Cannot put into the queue: it is full (${this.#maxsize} items)`);
    if (timeout === 0) throw full();
    const putter = { call, item };
    this.#putting.add(putter);
    return call.park(timeout, (why) => {
      this.#putting.delete(putter);
      if (why === "late") call.fail(full());
      else if (why === "cancelled") call.withdrawn();
    });
  }

  get(call: ManagerCall, timeout?: number): unknown {
    checkTime(timeout);
    if (this.qsize() > 0) {
      this.#give(call);
      return PARKED;
    }
    this.#checkOpen("get from");
    const empty = () => new Empty("Cannot get from the queue: it is empty");
    if (timeout === 0) throw empty();
    this.#getting.add(call);
    return call.park(timeout, (why) => {
      this.#getting.delete(call);
      if (why === "late") call.fail(empty());
      else if (why === "cancelled") call.withdrawn();
    });
  }

  qsize(): number {
    return this.#items.length;
  }

  full(): boolean {
    return this.#maxsize > 0 && this.qsize() >= this.#maxsize;
  }

  taskDone(): void {
    if (this.#unfinished === 0) {
      throw new RangeError("Cannot end a task of the queue: taskDone() was called too often");
    }
    this.#finish(1);
  }

  join(call: ManagerCall, timeout?: number): unknown {
    checkTime(timeout);
    if (this.#unfinished === 0) return true;
    if (timeout === 0) return false;
    this.#joining.add(call);
    return call.park(timeout, (why) => {
      this.#joining.delete(call);
      if (why === "late") call.done(false);
      else if (why === "cancelled") call.withdrawn();
    });
  }

  shutdown(_call: ManagerCall, immediate: boolean): void {
    this.#isShutDown = true;
    if (immediate) {
      this.#isDropped = true;
      const dropped = this.qsize();
      while (this.#items.length > 0) this.#items.pop();
      this.#finish(Math.min(dropped, this.#unfinished));
    }
    for (const { call } of this.#putting) call.fail(this.#shutDown("put into"));
    this.#putting.clear();
    for (const call of this.#getting) call.fail(this.#shutDown("get from"));
    this.#getting.clear();
  }

  #shutDown(action: string): ShutDown {
    return new ShutDown(`Cannot ${action} the queue: it has been shut down`);
  }

  #checkOpen(action: string): void {
    if (this.#isShutDown) throw this.#shutDown(action);
  }

  #add(item: ValueBytes): void {
    this.#unfinished++;
    this.#items.push(item);
    this.#pass();
  }

  /** Gives items to those who wait for one. */
  #pass(): void {
    for (const call of this.#getting) {
      if (this.qsize() === 0) return;
      this.#getting.delete(call);
      this.#give(call);
    }
  }

  #give(call: ManagerCall): void {
    const item = this.#items.pop();
    call.done(item, () => this.#putBack(item));
    const [putter] = this.#putting;
    if (putter === undefined || this.full()) return;
    this.#putting.delete(putter);
    this.#add(putter.item);
    putter.call.done(undefined);
  }

  /** Puts an item back in front that never reached whom it was given to. */
  #putBack(item: ValueBytes): void {
    if (this.#isDropped) return this.#finish(Math.min(1, this.#unfinished));
    this.#items.putBack([item]);
    this.#pass();
  }

  #finish(tasks: number): void {
    this.#unfinished -= tasks;
    if (this.#unfinished > 0) return;
    for (const call of this.#joining) call.done(true);
    this.#joining.clear();
  }
}

const QUEUE: ReadonlySet<string> = new Set([
  ...["put", "get", "qsize", "full", "taskDone", "join", "shutdown"],
]);
