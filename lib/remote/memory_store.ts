/**
 * What the broker of one process keeps instead of a disk: the queues of one name, in arrays, and
 * who consumes from them. Two things wait for a time, on one clock: what is delayed, and what is
 * READY for too long. `memory_broker.ts` is a connection to it.
 *
 * @module
 */
import { Deque } from "../core/deque.ts";
import { Full } from "../core/errors.ts";
import {
  type BrokerMessage,
  type Consumer,
  type Delivery,
  type PublishOptions,
  type QueueSpec,
  Unroutable,
} from "./broker.ts";
import { Clock } from "./clock.ts";
import { HeldMessage, triedOf } from "./held_message.ts";

/** How long a message rests whose handler threw, in ms: thrown at once again, it would spin. */
const AFTER_THROW = 20;

/** A message in a queue. */
interface Stored {
  readonly message: BrokerMessage;
  /** Its place: what comes back goes before those with a higher number. */
  readonly number: number;
  /** How often it was delivered. */
  deliveries: number;
  /** Whether it is out of time, and only still in the list. */
  isGone: boolean;
  /** Calls off the end of its time. */
  stopTimer?: (() => void) | undefined;
}

/** The store of a name: its queues, and who listens. */
export class MemoryStore {
  readonly clock = new Clock();
  readonly queues = new Map<string, StoredQueue>();
  readonly listeners = new Map<string, Set<(message: BrokerMessage) => void>>();
  #numbers = 0;

  queue(name: string): StoredQueue {
    const queue = this.queues.get(name);
    if (queue === undefined) throw new Unroutable(name);
    return queue;
  }

  store(message: BrokerMessage): Stored {
    return { message, number: ++this.#numbers, deliveries: 0, isGone: false };
  }

  /** Puts what is out of place in its queue into that of the dead, if there is one. */
  lay(from: StoredQueue, stored: Stored, reason: string): void {
    const dead = this.queues.get(from.spec.deadTo ?? "");
    if (dead === undefined) return;
    const { expires: _, ...message } = stored.message;
    const tried = triedOf(message) + stored.deliveries;
    const headers = { ...message.headers, reason, from: from.spec.name, tried };
    dead.arrive(this.store({ ...message, headers }), true);
  }
}

/** A queue, with those it gives its messages to. */
export class StoredQueue {
  spec: QueueSpec;
  /** The number of messages that are READY. */
  ready = 0;
  readonly consumers: MemoryConsumer[] = [];
  readonly #store: MemoryStore;
  readonly #list = new Deque<Stored>();
  /** Those whose delay is over, and for which there is no room. */
  readonly #late = new Deque<Stored>();
  readonly #delays = new Set<() => void>();
  #isServing = false;
  #next = 0;
  #stopUnused = () => {};

  constructor(store: MemoryStore, spec: QueueSpec) {
    this.#store = store;
    this.spec = spec;
    this.watchUse();
  }

  /** Begins to count the time without use anew. */
  watchUse(): void {
    this.#stopUnused();
    const { name, expires } = this.spec;
    if (expires === undefined || this.consumers.length > 0) return;
    this.#stopUnused = this.#store.clock.after(expires, () => this.#store.queues.delete(name));
  }

  #hasRoom(): boolean {
    return this.ready < (this.spec.max ?? Infinity);
  }

  publish(message: BrokerMessage, { delay = 0 }: PublishOptions): void {
    const stored = this.#store.store(message);
    if (delay > 0) return this.#delay(stored, delay);
    if (!this.#hasRoom() && this.spec.overflow !== "drop") {
      throw new Full(`Cannot publish to ${this.spec.name}: it holds ${this.spec.max} messages`);
    }
    this.arrive(stored);
  }

  #delay(stored: Stored, delay: number): void {
    const stop = this.#store.clock.after(delay, () => {
      this.#delays.delete(stop);
      this.#late.push(stored);
      this.#admit();
    });
    this.#delays.add(stop);
  }

  /** Lets in what is late, as far as there is room. */
  #admit(): void {
    while (this.#late.length > 0 && this.#hasRoom()) this.arrive(this.#late.pop());
  }

  /** Makes a message READY, behind all others. */
  arrive(stored: Stored, isForced = false): void {
    while (!isForced && !this.#hasRoom()) {
      const oldest = this.#take();
      if (oldest === undefined) break;
      this.#store.lay(this, oldest, "maxlen");
    }
    this.#list.push(stored);
    this.#becomeReady(stored);
    this.serve();
  }

  #becomeReady(stored: Stored): void {
    this.ready++;
    const time = Math.min(this.spec.ttl ?? Infinity, stored.message.expires ?? Infinity);
    if (time === Infinity) return;
    stored.stopTimer = this.#store.clock.after(time, () => {
      stored.isGone = true;
      this.ready--;
      this.#store.lay(this, stored, "expired");
      while (this.#list.length > 0 && this.#list.peek().isGone) this.#list.pop();
      this.#admit();
    });
  }

  /** Puts a message that was given back where it was. */
  putBack(stored: Stored): void {
    if (this.#store.queues.get(this.spec.name) !== this) return;
    if (this.spec.kind === "counted" && stored.deliveries > (this.spec.limit ?? Infinity)) {
      return this.#store.lay(this, stored, "limit");
    }
    const before: Stored[] = [];
    while (this.#list.length > 0 && this.#list.peek().number < stored.number) {
      before.push(this.#list.pop());
    }
    this.#list.putBack([...before, stored]);
    this.#becomeReady(stored);
  }

  #take(): Stored | undefined {
    while (this.#list.length > 0) {
      const stored = this.#list.pop();
      if (stored.isGone) continue;
      stored.stopTimer?.();
      this.ready--;
      return stored;
    }
    return undefined;
  }

  /** Gives out what is READY, in turn, as far as somebody has credit. */
  serve(): void {
    // A handler may ask for more: the loop under way sees that.
    if (this.#isServing) return;
    this.#isServing = true;
    try {
      while (this.ready > 0) {
        const consumer = this.#nextConsumer();
        if (consumer === undefined) break;
        consumer.give(this.#take()!);
        this.#admit();
      }
    } finally {
      this.#isServing = false;
    }
  }

  #nextConsumer(): MemoryConsumer | undefined {
    const { consumers } = this;
    for (let k = 0; k < consumers.length; k++) {
      const at = (this.#next + k) % consumers.length;
      if (!consumers[at]!.hasCredit) continue;
      this.#next = at + 1;
      return consumers[at];
    }
    return undefined;
  }

  purge(): void {
    while (this.#take() !== undefined);
    this.#admit();
    this.serve();
  }

  /** Ends it; its consumers are told nothing more until it is declared again. */
  end(): void {
    this.#stopUnused();
    for (const stop of this.#delays) stop();
    while (this.#late.length > 0) this.#late.pop();
    while (this.#take() !== undefined);
  }
}

/** A message that a consumer holds. */
class MemoryDelivery extends HeldMessage {
  readonly credit: number;
  readonly stored: Stored;
  readonly queue: StoredQueue;
  readonly #consumer: MemoryConsumer;

  constructor(consumer: MemoryConsumer, stored: Stored, credit: number) {
    const { message } = stored;
    const before = stored.deliveries++;
    super(message, triedOf(message) + stored.deliveries, before > 0);
    this.credit = credit;
    this.stored = stored;
    this.queue = consumer.queue;
    this.#consumer = consumer;
  }

  protected toAck(): void {
    this.#consumer.settled(this);
  }

  protected toBack(delay: number): void {
    if (delay > 0) {
      const headers = { ...this.headers, tried: this.attempt };
      this.queue.publish({ ...this.stored.message, headers }, { delay });
    } else this.queue.putBack(this.stored);
    this.#consumer.settled(this);
  }

  protected toBury(reason: string): void {
    this.#consumer.bury(this, reason);
    this.#consumer.settled(this);
  }
}

export class MemoryConsumer implements Consumer {
  readonly owner: object;
  readonly #store: MemoryStore;
  readonly #name: string;
  readonly #on: (delivery: Delivery) => void;
  readonly #held = new Set<MemoryDelivery>();
  /** Its queue: another one of that name, once it was removed and declared anew. */
  queue: StoredQueue;
  /** Which credit it has: what was given by an older one does not count. */
  #credit = 0;
  #prefetch: number;
  #given = 0;
  #isOver = false;

  constructor(
    owner: object,
    store: MemoryStore,
    queue: StoredQueue,
    prefetch: number,
    on: (delivery: Delivery) => void,
  ) {
    this.owner = owner;
    this.#store = store;
    this.#name = queue.spec.name;
    this.queue = queue;
    this.#prefetch = prefetch;
    this.#on = on;
  }

  get hasCredit(): boolean {
    return this.#given < this.#prefetch;
  }

  give(stored: Stored): void {
    const delivery = new MemoryDelivery(this, stored, this.#credit);
    this.#held.add(delivery);
    this.#given++;
    try {
      this.#on(delivery);
    } catch (error) {
      reportError(error);
      this.#store.clock.after(AFTER_THROW, () => delivery.back());
    }
  }

  settled(delivery: MemoryDelivery): void {
    this.#held.delete(delivery);
    if (delivery.credit === this.#credit) this.#given--;
    this.queue.serve();
  }

  bury({ queue, stored }: MemoryDelivery, reason: string): void {
    this.#store.lay(queue, stored, reason);
  }

  setPrefetch(n: number): void {
    if (this.#isOver) return;
    this.#credit++;
    this.#given = 0;
    this.#prefetch = n;
    this.queue.serve();
  }

  /** The queue was declared anew. */
  move(queue: StoredQueue): void {
    this.queue = queue;
    queue.consumers.push(this);
  }

  get name(): string {
    return this.#name;
  }

  cancel(): void {
    if (this.#isOver) return;
    this.setPrefetch(0);
    this.#isOver = true;
    const { consumers } = this.queue;
    if (consumers.includes(this)) consumers.splice(consumers.indexOf(this), 1);
    // In their order, before anybody is given one of them.
    for (const delivery of this.#held) {
      if (delivery.end()) delivery.queue.putBack(delivery.stored);
    }
    this.#held.clear();
    this.queue.watchUse();
    this.queue.serve();
  }
}

/** The properties in which two declarations must agree. */
const PROPERTIES = ["kind", "max", "overflow", "ttl", "expires", "deadTo", "limit"] as const;

/**
 * Checks that a queue is as it is wanted.
 *
 * @throws {Error} It is not; the message shows both.
 */
export function checkSame(there: QueueSpec, wanted: QueueSpec): void {
  const different = PROPERTIES.filter((property) => there[property] !== wanted[property]);
  if (different.length === 0) return;
  const text = (spec: QueueSpec) =>
    different.map((property) => `${property} ${spec[property] ?? "none"}`).join(", ");
  throw new Error(
    `Cannot declare the queue ${JSON.stringify(wanted.name)}: it is there with ${text(there)}, ` +
      `wanted is ${text(wanted)}; use the same options everywhere, or remove() it first`,
  );
}
