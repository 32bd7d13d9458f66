/**
 * The broker of one process, `memory:` or `memory:NAME`: the same queues with nothing installed, for
 * tests and for a first run. Nothing of it outlives the process.
 *
 * What a broker keeps on its disk is here a {@linkcode MemoryStore}, one for each name, in arrays;
 * each {@linkcode MemoryBroker} is a connection to it. Everything answers at once. Two things wait
 * for a time, on one clock: what is delayed, and what is READY for too long.
 *
 * **Who dies when.** A consumer ends with cancel(), or with the close() of its connection; what it
 * held is READY again at that moment, at its old place. The store ends with the process. Threads of
 * the process use the connection of the main thread (see `link.ts`); one that ends gives back what
 * it was given there.
 *
 * @module
 */
import { Deque } from "../core/deque.ts";
import { BrokerLostError, Full } from "../core/errors.ts";
import type {
  Broker,
  BrokerState,
  ConsumeOptions,
  Consumer,
  Delivery,
  Depth,
  Message,
  PublishOptions,
  QueueSpec,
} from "./broker.ts";
import { Unroutable } from "./broker.ts";
import { Clock } from "./clock.ts";

/** How long a message rests whose handler threw, in ms: thrown at once again, it would spin. */
const AFTER_THROW = 20;

/** A message in a queue. */
interface Stored {
  readonly message: Message;
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
class MemoryStore {
  readonly clock = new Clock();
  readonly queues = new Map<string, MemoryQueue>();
  readonly listeners = new Map<string, Set<(message: Message) => void>>();
  #numbers = 0;

  queue(name: string): MemoryQueue {
    const queue = this.queues.get(name);
    if (queue === undefined) throw new Unroutable(name);
    return queue;
  }

  store(message: Message): Stored {
    return { message, number: ++this.#numbers, deliveries: 0, isGone: false };
  }

  /** Puts what is out of place in its queue into that of the dead, if there is one. */
  lay(from: MemoryQueue, stored: Stored, reason: string): void {
    const dead = this.queues.get(from.spec.deadTo ?? "");
    if (dead === undefined) return;
    const { expires: _, ...message } = stored.message;
    const tried = triedOf(message) + stored.deliveries;
    const headers = { ...message.headers, reason, from: from.spec.name, tried };
    dead.arrive(this.store({ ...message, headers }), true);
  }
}

function triedOf({ headers }: Message): number {
  return typeof headers.tried === "number" ? headers.tried : 0;
}

/** A queue, with those it gives its messages to. */
class MemoryQueue {
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

  publish(message: Message, { delay = 0 }: PublishOptions): void {
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
class MemoryDelivery implements Delivery {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly headers: Message["headers"];
  readonly type: string;
  readonly id: string;
  readonly format: string;
  readonly replyTo?: string;
  readonly expires?: number;
  readonly attempt: number;
  readonly redelivered: boolean;
  readonly credit: number;
  readonly stored: Stored;
  readonly queue: MemoryQueue;
  readonly #consumer: MemoryConsumer;
  #isHeld = true;

  constructor(consumer: MemoryConsumer, stored: Stored, credit: number) {
    const { message } = stored;
    this.body = message.body;
    this.headers = message.headers;
    this.type = message.type;
    this.id = message.id;
    this.format = message.format;
    if (message.replyTo !== undefined) this.replyTo = message.replyTo;
    if (message.expires !== undefined) this.expires = message.expires;
    this.redelivered = stored.deliveries > 0;
    this.attempt = triedOf(message) + ++stored.deliveries;
    this.credit = credit;
    this.stored = stored;
    this.queue = consumer.queue;
    this.#consumer = consumer;
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Ends the lease; whether there was one. */
  end(): boolean {
    if (!this.#isHeld) return false;
    this.#isHeld = false;
    return true;
  }

  ack(): void {
    if (this.end()) this.#consumer.settled(this);
  }

  back({ delay = 0 }: { delay?: number } = {}): void {
    if (!this.end()) return;
    if (delay > 0) {
      const headers = { ...this.headers, tried: this.attempt };
      this.queue.publish({ ...this.stored.message, headers }, { delay });
    } else this.queue.putBack(this.stored);
    this.#consumer.settled(this);
  }

  bury(reason: string): void {
    if (!this.end()) return;
    this.#consumer.bury(this, reason);
    this.#consumer.settled(this);
  }
}

class MemoryConsumer implements Consumer {
  readonly owner: MemoryBroker;
  readonly #store: MemoryStore;
  readonly #name: string;
  readonly #on: (delivery: Delivery) => void;
  readonly #held = new Set<MemoryDelivery>();
  /** Its queue: another one of that name, once it was removed and declared anew. */
  queue: MemoryQueue;
  /** Which credit it has: what was given by an older one does not count. */
  #credit = 0;
  #prefetch: number;
  #given = 0;
  #isOver = false;

  constructor(
    owner: MemoryBroker,
    store: MemoryStore,
    queue: MemoryQueue,
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
  move(queue: MemoryQueue): void {
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

const stores = new Map<string, MemoryStore>();

/** A connection to the store of a name in this process. */
export class MemoryBroker implements Broker {
  readonly isNear = true;
  readonly blockedBy = "";
  readonly loss = undefined;
  readonly place: string;
  readonly #store: MemoryStore;
  readonly #consumers = new Set<{ consumer: MemoryConsumer; onEnd?: (error: Error) => void }>();
  readonly #listeners = new Set<() => void>();
  readonly #watchers = new Set<(state: BrokerState) => void>();
  readonly #exclusive = new Set<string>();
  #isClosed = false;

  /**
   * Connects.
   *
   * @param name The name of the store; "" is the default one.
   */
  constructor(name = "") {
    this.place = `memory:${name}`;
    let store = stores.get(name);
    if (store === undefined) stores.set(name, store = new MemoryStore());
    this.#store = store;
  }

  get state(): BrokerState {
    return this.#isClosed ? "ended" : "up";
  }

  onState(fn: (state: BrokerState) => void): () => void {
    this.#watchers.add(fn);
    return () => this.#watchers.delete(fn);
  }

  #check(action: string): void {
    if (!this.#isClosed) return;
    const loss = { host: this.place, attempts: 0 };
    throw new BrokerLostError(`Cannot ${action}: ${this.place} was closed`, loss);
  }

  declare(spec: QueueSpec): void {
    this.#check("declare a queue");
    const { queues } = this.#store;
    const known = queues.get(spec.name);
    if (known !== undefined) {
      checkSame(known.spec, spec);
      return known.watchUse();
    }
    const queue = new MemoryQueue(this.#store, spec);
    queues.set(spec.name, queue);
    if (spec.exclusive) this.#exclusive.add(spec.name);
    for (const { consumer } of this.#consumers) {
      if (consumer.name === spec.name) consumer.move(queue);
    }
  }

  publish(queue: string, message: Message, options: PublishOptions = {}): void {
    options.signal?.throwIfAborted();
    this.#check("publish");
    this.#store.queue(queue).publish(message, options);
  }

  consume(
    name: string,
    { prefetch, onEnd }: ConsumeOptions,
    on: (delivery: Delivery) => void,
  ): Consumer {
    this.#check("consume");
    const queue = this.#store.queue(name);
    const consumer = new MemoryConsumer(this, this.#store, queue, prefetch, on);
    const entry = onEnd === undefined ? { consumer } : { consumer, onEnd };
    this.#consumers.add(entry);
    queue.consumers.push(consumer);
    queue.watchUse();
    queue.serve();
    return {
      setPrefetch: (n) => consumer.setPrefetch(n),
      cancel: () => {
        this.#consumers.delete(entry);
        consumer.cancel();
      },
    };
  }

  depth(name: string): Depth | undefined {
    this.#check("ask for the depth of a queue");
    const queue = this.#store.queues.get(name);
    return queue && { ready: queue.ready, consumers: queue.consumers.length };
  }

  purge(queue: string): void {
    this.#check("purge a queue");
    this.#store.queues.get(queue)?.purge();
  }

  remove(name: string): void {
    this.#check("remove a queue");
    const { queues } = this.#store;
    const removed = queues.get(name);
    if (removed === undefined) return;
    removed.end();
    queues.delete(name);
    // Those of others go on with a new one.
    const others = removed.consumers.filter(({ owner }) => owner !== this);
    if (others.length === 0) return;
    const queue = new MemoryQueue(this.#store, removed.spec);
    queues.set(name, queue);
    for (const consumer of others) consumer.move(queue);
  }

  broadcast(topic: string, message: Message): void {
    this.#check("broadcast");
    for (const on of [...this.#store.listeners.get(topic) ?? []]) on(message);
  }

  listen(topic: string, on: (message: Message) => void): () => void {
    this.#check("listen");
    const { listeners } = this.#store;
    const all = listeners.get(topic) ?? new Set();
    listeners.set(topic, all);
    all.add(on);
    const stop = () => {
      all.delete(on);
      if (all.size === 0 && listeners.get(topic) === all) listeners.delete(topic);
      this.#listeners.delete(stop);
    };
    this.#listeners.add(stop);
    return stop;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const consumers = [...this.#consumers];
    this.#consumers.clear();
    for (const { consumer } of consumers) consumer.cancel();
    for (const stop of this.#listeners) stop();
    for (const name of this.#exclusive) {
      this.#store.queues.get(name)?.end();
      this.#store.queues.delete(name);
    }
    for (const { onEnd } of consumers) {
      onEnd?.(
        new BrokerLostError(`Cannot consume: ${this.place} was closed`, {
          host: this.place,
          attempts: 0,
        }),
      );
    }
    for (const fn of this.#watchers) fn("ended");
  }
}

/** The properties in which two declarations must agree. */
const PROPERTIES = ["kind", "max", "overflow", "ttl", "expires", "deadTo", "limit"] as const;

function checkSame(there: QueueSpec, wanted: QueueSpec): void {
  const different = PROPERTIES.filter((property) => there[property] !== wanted[property]);
  if (different.length === 0) return;
  const text = (spec: QueueSpec) =>
    different.map((property) => `${property} ${spec[property] ?? "none"}`).join(", ");
  throw new Error(
    `Cannot declare the queue ${JSON.stringify(wanted.name)}: it is there with ${text(there)}, ` +
      `wanted is ${text(wanted)}; use the same options everywhere, or remove() it first`,
  );
}
