/**
 * A queue as one thread uses it: at home directly, elsewhere over the thread's line.
 *
 * *Putting*: room is taken in the shared words (`ledger.ts`), then the item goes to home.
 * *Getting*: home hands out, or lets the thread have (`home.ts`). Every wait parks on the thread's
 * `BELL`, on the queue's `ROOM` or on its `UNFINISHED`, and looks again when it is woken, or after
 * a slice.
 *
 * @module
 */
import { checkFunction, show } from "../core/checks.ts";
import { ShareError, ShutDown } from "../core/errors.ts";
import { self } from "../memory/this_thread.ts";
import { checkCancelled, type Steps } from "../sync/steps.ts";
import { handOver } from "../transfer/pack.ts";
import type { World } from "../transfer/shareable.ts";
import { referTo } from "../transfer/task.ts";
import type { HomeQueue } from "./home.ts";
import { findAtHome, homePark, makeAtHome, readLines, register, ringAll } from "./home_lines.ts";
import { Boxed, type Item, keep, missing } from "./item.ts";
import { CLOSED, DRAINING, Ledger, OPEN } from "./ledger.ts";
import { type QueueUser, type TakenItem, theLine } from "./line.ts";
import type { Order } from "./line_protocol.ts";
import type { Compare } from "./natural_order.ts";

/** The most items that a queue can be bound to. */
const MOST_ITEMS = 0x7fffffff;

/** A queue as another thread finds it. */
interface Shared {
  id: string;
  words: SharedArrayBuffer;
  order: Order;
}

/** The other queues that a thread has made so far. */
let made = 0;

/** One queue, in one thread. */
export class Core {
  readonly ledger: Ledger;
  readonly #id: string;
  readonly #order: Order;
  readonly #home: HomeQueue | undefined;
  readonly #user: QueueUser | undefined;

  private constructor(
    id: string,
    order: Order,
    ledger: Ledger,
    home: HomeQueue | undefined,
    user: QueueUser | undefined,
  ) {
    this.#id = id;
    this.#order = order;
    this.ledger = ledger;
    this.#home = home;
    this.#user = user;
  }

  /**
   * Makes a queue.
   *
   * @throws {TypeError |
   *   RangeError}
   *   `maxsize` is no integer below 2^31; `compare` is no function, or no target where it is made
   *   in another thread than home.
   */
  static make(order: Order, maxsize: unknown, compare?: Compare): Core {
    const action = "create a queue";
    if (typeof maxsize !== "number") {
      throw new TypeError(`Cannot ${action}: maxsize must be a number, received ${show(maxsize)}`);
    }
    if (!Number.isInteger(maxsize) || maxsize > MOST_ITEMS) {
      throw new RangeError(
        `Cannot ${action}: maxsize must be an integer up to ${MOST_ITEMS}, received ${maxsize}`,
      );
    }
    checkFunction(compare, "compare", action);
    const ledger = new Ledger(Math.max(0, maxsize));
    const words = ledger.buffer;
    if (self().isMain) {
      const home = makeAtHome({ order, words }, compare);
      return new Core(home.id, order, ledger, home, undefined);
    }
    const id = `${self().ident}.${++made}`;
    const plan = { order, words, compare: compare && referTo(compare) };
    const line = theLine();
    line.post({ type: "make", q: id, plan });
    return new Core(id, order, ledger, undefined, line.use(id, ledger));
  }

  /** Makes the handle of a queue that another thread speaks of. */
  static find(shared: unknown): Core {
    const { id, words, order } = shared as Shared;
    const ledger = new Ledger(words);
    if (!self().isMain) {
      return new Core(id, order, ledger, undefined, theLine().use(id, ledger));
    }
    const home = findAtHome(id);
    return new Core(id, order, home.ledger, home, undefined);
  }

  /** The state that a handle elsewhere is made from. */
  share(world: World, place: () => string, name: string): Shared {
    if (world !== "thread") {
      throw new ShareError(
        `Cannot share ${place()} with a process: a queue.${name} lives in one process; ` +
          `use multiprocessing.${name}`,
        place(),
      );
    }
    if (this.#home !== undefined) register(this.#home);
    return { id: this.#id, words: this.ledger.buffer, order: this.#order };
  }

  /** Puts an item in, if that takes no wait. */
  tryPut(item: Item): boolean {
    checkCancelled();
    if (this.#order === "priority" && this.#user !== undefined) {
      this.#checkOpen();
      return false;
    }
    if (!this.#reserve()) return false;
    this.#send(item);
    return true;
  }

  /**
   * Takes room for an item, if there is any and the queue takes items. That is looked at again once
   * room is taken: who gets and has seen the queue shut and empty does not come back.
   */
  #reserve(): boolean {
    this.#checkOpen();
    if (!this.ledger.reserve()) return false;
    if (this.ledger.shut === OPEN) return true;
    this.ledger.writeOff(1);
    this.#tellShut();
    this.#checkOpen();
    return false;
  }

  #checkOpen(): void {
    if (this.ledger.shut !== OPEN) {
      throw new ShutDown("Cannot put the item: the queue has been shut down");
    }
  }

  #send(item: Item): void {
    const home = this.#home;
    if (home === undefined) return this.#user!.put(item);
    let kept = item;
    if (item instanceof Boxed) {
      try {
        kept = keep(item);
      } catch (error) {
        this.ledger.writeOff(1);
        throw error;
      }
      handOver(item);
    }
    home.arrive(kept);
    home.serve();
    ringAll();
  }

  /** Puts an item in, waiting for room. */
  *put(item: Item): Steps<true> {
    const { ledger } = this;
    if (!this.#reserve()) {
      ledger.await(1);
      let has = false;
      try {
        for (;;) {
          const park = ledger.roomPark;
          has = this.#reserve();
          if (has) break;
          yield park;
        }
      } finally {
        ledger.await(-1);
        if (!has) ledger.passOn();
      }
    }
    const user = this.#user;
    if (user === undefined || this.#order !== "priority") {
      this.#send(item);
      return true;
    }
    // Whether it can be compared is known at home alone.
    const reply = user.putForReply(item);
    for (;;) {
      const park = user.park;
      if (user.replied(reply)) return true;
      park.isRepair = true;
      yield park;
    }
  }

  /**
   * Takes an item, if there is one at hand.
   *
   * @param sync True if it must be possible to open it at once.
   */
  takeNow(sync: boolean): TakenItem | undefined {
    checkCancelled();
    this.#checkDrained();
    const user = this.#user;
    if (user !== undefined) {
      const next = sync ? user.peek() : undefined;
      if (next?.item instanceof Boxed) checkLoaded(next);
      return user.take(false);
    }
    const home = this.#home!;
    const taken = home.take() ?? (readLines() ? home.take() : undefined);
    return taken === undefined ? undefined : this.#handOut(taken, sync);
  }

  #handOut(taken: TakenItem, sync: boolean): TakenItem {
    const home = this.#home!;
    if (sync) {
      try {
        checkLoaded(taken);
      } catch (error) {
        home.giveBack(taken.item);
        throw error;
      }
    }
    if (this.ledger.handedOut()) {
      home.shut();
      ringAll();
    }
    return taken;
  }

  /** Throws when nothing will ever come out any more. */
  #checkDrained(): void {
    const { shut, size } = this.ledger;
    if (shut === CLOSED || shut === DRAINING && size === 0) {
      throw new ShutDown("Cannot get an item: the queue has been shut down");
    }
  }

  /**
   * Takes an item, waiting for one.
   *
   * @param asks True to give up when home says that there is none.
   */
  get(sync: boolean, asks = false): Steps<TakenItem | "none"> {
    return this.#user === undefined ? this.#getAtHome(sync, asks) : this.#getByLine(sync, asks);
  }

  *#getAtHome(sync: boolean, asks: boolean): Steps<TakenItem | "none"> {
    const home = this.#home!;
    let waits = false;
    try {
      for (;;) {
        const park = homePark();
        readLines();
        const taken = waits ? home.given() : home.take();
        if (taken !== undefined) return this.#handOut(taken, sync);
        this.#checkDrained();
        if (asks && home.inFlight === 0) return "none";
        if (!waits) {
          waits = true;
          home.beginWait();
          ringAll();
        } else yield park;
      }
    } finally {
      if (waits) {
        home.endWait();
        ringAll();
      }
    }
  }

  *#getByLine(sync: boolean, asks: boolean): Steps<TakenItem | "none"> {
    const user = this.#user!;
    let waits = false;
    let question = 0;
    try {
      for (;;) {
        const park = user.park;
        // A thread that is asked to stop takes nothing any more, though it may just have been let.
        checkCancelled();
        if (sync) checkLoaded(user.peek());
        const taken = user.take(waits);
        if (taken !== undefined) {
          waits = false;
          return taken;
        }
        this.#checkDrained();
        if (!waits) {
          waits = true;
          question = user.beginWait(asks);
        } else {
          user.renew();
          if (asks && user.isRefused(question)) return "none";
          yield park;
        }
      }
    } finally {
      if (waits) user.endWait();
    }
  }

  /** Waits until all tasks are done. */
  *join(): Steps<true> {
    for (;;) {
      const park = this.ledger.donePark;
      if (park.value === 0) return true;
      yield park;
    }
  }

  /** Shuts the queue. */
  shutdown(immediate: boolean): void {
    if (!this.ledger.close(immediate ? CLOSED : DRAINING)) return;
    this.ledger.wakePutters();
    this.#tellShut();
  }

  /** Has home tell all who wait that the queue is shut, or that it is empty now. */
  #tellShut(): void {
    if (this.#home === undefined) return this.#user!.shut();
    this.#home.shut();
    ringAll();
  }
}

/** A blocked thread cannot import what an item needs. */
function checkLoaded(next: TakenItem | undefined): void {
  if (!(next?.item instanceof Boxed)) return;
  const [module] = missing(next.item);
  if (module === undefined) return;
  throw new TypeError(
    `Cannot get the item without waiting: it needs ${module}, which this thread has not ` +
      "imported; import it first, or use await get()",
  );
}
