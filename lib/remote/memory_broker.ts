/**
 * The broker of one process, `memory:` or `memory:NAME`: the same queues with nothing installed,
 * for tests and for a first run. Nothing of it outlives the process.
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
import { BrokerLostError } from "../core/errors.ts";
import type {
  Broker,
  BrokerMessage,
  BrokerState,
  ConsumeOptions,
  Consumer,
  Delivery,
  Depth,
  PublishOptions,
  QueueSpec,
} from "./broker.ts";
import { checkSame, MemoryConsumer, MemoryStore, StoredQueue } from "./memory_store.ts";

const stores = new Map<string, MemoryStore>();

/** A connection to the store of a name in this process. */
export class MemoryBroker implements Broker {
  readonly isNear = true;
  readonly isExact = true;
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
    const queue = new StoredQueue(this.#store, spec);
    queues.set(spec.name, queue);
    if (spec.exclusive) this.#exclusive.add(spec.name);
    for (const { consumer } of this.#consumers) {
      if (consumer.name === spec.name) consumer.move(queue);
    }
  }

  publish(queue: string, message: BrokerMessage, options: PublishOptions = {}): void {
    if (options.signal?.aborted) throw options.signal.reason;
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
    const queue = new StoredQueue(this.#store, removed.spec);
    queues.set(name, queue);
    for (const consumer of others) consumer.move(queue);
  }

  broadcast(topic: string, message: BrokerMessage): void {
    this.#check("broadcast");
    for (const on of [...this.#store.listeners.get(topic) ?? []]) on(message);
  }

  listen(topic: string, on: (message: BrokerMessage) => void): () => void {
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
