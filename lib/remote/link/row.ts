/**
 * How the items of a queue are handed out. Who wants one stands in a row. There is one consumer for
 * the row; it has credit for as many messages as wait there:
 *
 *     no consumer -> has credit <-> is paused            credit 0: it is given nothing
 *
 * A broker that is near gives exactly that credit, at each change. One that is far would need a
 * round trip each time; so credit comes in {@linkcode STEPS}, and what comes while nobody waits is
 * kept ready for {@linkcode LINGER} ms (the hoard), then goes back, and the consumer pauses. So a
 * loop that gets one item after the other always finds the next one here.
 *
 * While it is paused all that was on its way has arrived: only then what is READY at
 * the broker, and the hoard, are all that there is.
 *
 * @module
 */
import { Empty } from "../../core/errors.ts";
import { type Consumer, type Delivery, Unroutable } from "../broker.ts";
import type { Holding, Op } from "./handle.ts";
import type { Fate, Granted } from "./protocol.ts";
import type { Site } from "./site.ts";
import { type Course, settled, start } from "./soon.ts";

/** The amounts of credit at a broker that is far. */
const STEPS = [1, 4, 16, 64, 256];
/** How long a message that nobody waits for is kept ready, in ms. */
const LINGER = 100;
/** How long credit may be used up until there is more, in ms: some may be on its way back. */
const USED_UP = 5;
/**
 * How long it may take until what was given back is READY at a broker that is far, in ms: usually,
 * and where a wrong answer would be final.
 */
const SETTLING = 50;
const SETTLED = 500;
/** How long a message that was READY may be on its way, in ms. */
const ON_ITS_WAY = 500;

/** The row of those who want items of one queue, and its consumer. */
export class Row {
  readonly #site: Site;
  readonly #onShut: () => void;
  readonly #row: Op[] = [];
  #hoard: Holding[] = [];
  #consumer: Consumer | undefined;
  /** The number of the credit, its size, and how many messages of it are not settled. */
  #credit = 0;
  #size = 0;
  #given = 0;
  /** How many of all credits were settled. */
  #settled = 0;
  #isWatching = false;
  #isToPause = false;
  #adjusting: Promise<void> | undefined;
  #isAdjusting = false;
  #stopLinger: (() => void) | undefined;
  #served = 0;
  /** When something was given back for the last time. */
  #backAt = -Infinity;

  /** @param onShut Called when somebody enters the row of a queue that is shut down. */
  constructor(site: Site, onShut: () => void) {
    this.#site = site;
    this.#onShut = onShut;
  }

  /** Those who wait. */
  get waiting(): readonly Op[] {
    return this.#row;
  }

  /** The number of messages that are kept ready. */
  get kept(): number {
    return this.#hoard.filter(({ delivery }) => delivery.isHeld).length;
  }

  /** True if a message may be on its way here, and nobody waits for it. */
  get isAhead(): boolean {
    return this.#size > 0 && this.#row.length === 0;
  }

  /** Takes the next item. */
  take(op: Op): void {
    start(this.#site.prepare(op.handle), () => this.#enter(op), (error) => op.fail(error));
    if (op.timeout === 0 || op.timeout === Infinity || !op.isOpen) return;
    op.atEnd(this.#site.clock.after(op.timeout, () => op.fail(this.#empty(op))));
  }

  #empty({ timeout }: Op): Empty {
    const { state } = this.#site.broker;
    const isAway = state === "down" || state === "connecting";
    const where = isAway ? "; the broker is out of reach" : "";
    const how = timeout === 0 ? "it is empty" : `none came in ${timeout} ms${where}`;
    return new Empty(`Cannot get an item from ${this.#site.shown}: ${how}`);
  }

  /** Enters the row. */
  #enter(op: Op): void {
    if (!op.isOpen) return;
    this.#served++;
    if (this.#grantFromHoard(op)) return;
    if (op.timeout > 0 || this.#site.broker.isNear) {
      this.#stand(op);
      if (op.timeout === 0 && op.isOpen && !this.#site.isShut) op.fail(this.#empty(op));
      return;
    }
    // Whether there is one is asked before the consumer takes it.
    start(settled(this.#site.broker.depth(this.#site.queue)), (depth) => {
      if (!op.isOpen || this.#grantFromHoard(op)) return;
      if ((depth?.ready ?? 0) === 0 && !this.#site.isShut) return op.fail(this.#empty(op));
      this.#stand(op);
      op.atEnd(this.#site.clock.after(ON_ITS_WAY, () => op.fail(this.#empty(op))));
    }, (error) => op.fail(error));
  }

  #stand(op: Op): void {
    this.#row.push(op);
    op.atEnd(() => {
      const at = this.#row.indexOf(op);
      if (at >= 0) this.#row.splice(at, 1);
      if (this.#site.broker.isNear) this.#adjust();
      else if (this.#row.length === 0) this.linger();
    });
    this.#adjust();
    if (this.#site.isShut && op.isOpen) this.#onShut();
  }

  #grantFromHoard(op: Op): boolean {
    for (let lease = this.#hoard.shift(); lease !== undefined; lease = this.#hoard.shift()) {
      if (!lease.delivery.isHeld) {
        // Lost with its connection: it comes again.
        if (lease.credit === this.#credit) this.#given--;
        continue;
      }
      this.#grant(op, lease);
      return true;
    }
    return false;
  }

  #grant(op: Op, lease: Holding): void {
    const { body, headers, id, format, attempt } = lease.delivery;
    op.handle.holdings.set(op.n, lease);
    op.settle({ body, headers, id, format, attempt } satisfies Granted);
  }

  readonly #on = (delivery: Delivery): void => {
    const lease = { delivery, credit: this.#credit };
    this.#given++;
    const op = this.#row.shift();
    if (op === undefined) {
      this.#hoard.push(lease);
      return this.linger();
    }
    this.#grant(op, lease);
    if (this.#given >= this.#size && !this.#site.broker.isNear) this.#watchCredit();
  };

  /** The credit is used up: if none comes back for a while, those who wait need more. */
  #watchCredit(): void {
    if (this.#row.length === 0 || this.#isWatching) return;
    this.#isWatching = true;
    const before = this.#settled;
    this.#site.clock.after(USED_UP, () => {
      this.#isWatching = false;
      if (this.#given < this.#size) return;
      if (this.#settled === before) this.#adjust();
      else this.#watchCredit();
    });
  }

  /** The credit that the consumer is to have from now on; undefined when it is right. */
  #wanted(): number | undefined {
    const waiting = this.#row.length;
    const free = this.#size - this.#given;
    if (this.#isToPause) return this.#size === 0 ? undefined : 0;
    if (this.#site.broker.isNear) return waiting === free ? undefined : waiting;
    if (waiting <= free) return undefined;
    const step = STEPS.find((step) => step >= waiting) ?? STEPS.at(-1)!;
    // It comes back with each item that is done with: a new one would stop what comes meanwhile.
    return this.#size >= step && free > 0 ? undefined : step;
  }

  /** Gives the consumer the credit that is wanted. */
  #adjust(): void {
    if (this.#isAdjusting || this.#wanted() === undefined) return;
    this.#isAdjusting = true;
    let isOver = false;
    let end = () => {};
    start(this.#adjustAll(), () => {
      isOver = true;
      this.#isAdjusting = false;
      this.#adjusting = undefined;
      end();
    }, (error) => {
      isOver = true;
      this.#isAdjusting = false;
      this.#adjusting = undefined;
      for (const op of [...this.#row]) op.fail(error);
      end();
    });
    if (!isOver) this.#adjusting = new Promise<void>((resolve) => end = resolve);
  }

  *#adjustAll(): Course<void> {
    for (let wanted = this.#wanted(); wanted !== undefined; wanted = this.#wanted()) {
      this.#credit++;
      this.#given = 0;
      this.#size = wanted;
      if (this.#consumer !== undefined) yield* settled(this.#consumer.setPrefetch(wanted));
      else this.#consumer = yield* this.#consume(wanted);
    }
  }

  *#consume(prefetch: number): Course<Consumer> {
    for (let attempt = 1;; attempt++) {
      try {
        return yield* settled(this.#site.broker.consume(this.#site.queue, { prefetch }, this.#on));
      } catch (error) {
        const [handle] = this.#site.handles;
        if (!(error instanceof Unroutable) || attempt > 2 || handle === undefined) throw error;
        for (const each of this.#site.handles) each.isReady = false;
        yield* this.#site.prepare(handle);
      }
    }
  }

  /** Looks after a while whether what is kept ready is still wanted. */
  linger(): void {
    if (this.#stopLinger !== undefined) return;
    const before = this.#served;
    // The last items of a queue that is shut down are not to travel to and fro.
    const linger = this.#site.isShut ? SETTLED : LINGER;
    this.#stopLinger = this.#site.clock.after(linger, () => {
      this.#stopLinger = undefined;
      // Its end begins this anew.
      if (this.#row.length > 0) return;
      if (this.#served !== before) return this.linger();
      start(this.pause(), () => {
        if (this.#row.length === 0) this.#giveBack();
        this.resume();
      }, () => {});
    });
  }

  /** Stops what comes; all that was on its way is here then. */
  *pause(): Course<void> {
    this.#isToPause = true;
    this.#adjust();
    while (this.#adjusting !== undefined) yield this.#adjusting;
  }

  /** Lets it come again, if it is wanted. */
  resume(): void {
    this.#isToPause = false;
    while (this.#row.length > 0 && this.#hoard.length > 0) {
      const op = this.#row[0]!;
      if (!this.#grantFromHoard(op)) break;
      const at = this.#row.indexOf(op);
      if (at >= 0) this.#row.splice(at, 1);
    }
    this.#adjust();
  }

  #giveBack(): void {
    this.noteBack();
    const hoard = this.#hoard;
    this.#hoard = [];
    for (const { delivery } of hoard) start(settled(delivery.back()), () => {}, () => {});
  }

  /** Settles a message that was handed out. */
  *end(lease: Holding, fate: Fate, delay = 0, reason = ""): Course<void> {
    const { delivery, credit } = lease;
    this.#settled++;
    if (credit === this.#credit) {
      this.#given--;
      // Before it is settled, so that its credit does not bring another at once.
      if (this.#site.broker.isNear) this.#adjust();
    }
    if (fate === "ack") return delivery.ack();
    if (fate === "bury") return yield* settled(delivery.bury(reason));
    // With nobody in the row it would come here again, and be counted once more.
    const isToPause = this.isAhead;
    if (isToPause) yield* this.pause();
    this.noteBack();
    yield* settled(delivery.back(delay > 0 ? { delay } : {}));
    if (isToPause) this.resume();
  }

  /** Something goes back, or went back of late. */
  noteBack(): void {
    if (!this.#site.broker.isExact) this.#backAt = performance.now();
  }

  /** Waits until what has just gone back is READY: the broker does not say when it is. */
  *settle(isFinal = false): Course<void> {
    for (;;) {
      const time = isFinal ? SETTLED : SETTLING;
      const left = this.#backAt + time - performance.now();
      if (left <= 0) return;
      yield new Promise<void>((resolve) => this.#site.clock.after(left, resolve));
    }
  }

  /** Drops what is kept ready; it is paused. */
  drop(): void {
    const hoard = this.#hoard;
    this.#hoard = [];
    for (const { delivery } of hoard) delivery.ack();
  }

  /** Ends the consumer: what it holds goes back, in its order. It is paused. */
  *close(): Course<void> {
    this.#hoard = [];
    this.#stopLinger?.();
    this.#stopLinger = undefined;
    const consumer = this.#consumer;
    this.#consumer = undefined;
    if (consumer !== undefined) yield* settled(consumer.cancel());
  }
}
