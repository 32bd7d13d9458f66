/**
 * The broker `file:`: queues in one file, for all programs of a machine, with no server. SQLite
 * keeps the file; this is a connection to it, which is in the thread of a link.
 *
 *     broker.ts      what the parts above see      ledger.ts      transactions, states, news
 *     consumer.ts    credit, deliveries            store.ts       queues and messages, as SQL
 *     presence.ts    who is alive                  database.ts    the file
 *
 * **What is beside the file.** SQLite's `PATH-wal` and `PATH-shm`, and the folder `PATH-users` with
 * a file for each open connection. When the last one closes they are gone.
 *
 * **Who dies when.** What a process held is READY again as soon as another one that waits looks, at
 * most 100 ms after its death. Killed between any two steps it leaves nothing half done: each is a
 * transaction. The file itself outlives them all.
 *
 * @module
 */
import type { BrokerLostError } from "../../core/errors.ts";
import { show } from "../../core/checks.ts";
import type {
  Broker,
  BrokerMessage,
  BrokerState,
  ConsumeOptions,
  Consumer,
  Delivery,
  Depth,
  Outage,
  PublishOptions,
  QueueSpec,
} from "../broker.ts";
import { FileConsumer } from "./consumer.ts";
import { Ledger } from "./ledger.ts";
import { LONGEST } from "./message.ts";
import type { FileStore, TakenMessage } from "./store.ts";
import { parseFileUrl } from "./url.ts";

/** How many messages of a topic may be on their way to a listener, and wait for one that hangs. */
const LISTENING = 100;
const MOST_TOLD = 10_000;

/** A connection to the queues in a file. */
export class FileBroker implements Broker {
  readonly isNear = false;
  readonly isExact = true;
  readonly place: string;
  readonly #ledger: Ledger;
  readonly #consumers = new Map<FileConsumer, ((error: Error) => void) | undefined>();
  readonly #watchers = new Set<(state: BrokerState) => void>();
  /** The consumer that is served first next time. */
  #next = 0;

  /**
   * Makes a connection; the file is opened by the first call.
   *
   * @param url Where it is, as in `file:/var/lib/jobs.db?prefix=sy`.
   * @throws {TypeError} It is no such URL.
   */
  constructor(url: string) {
    const address = parseFileUrl(url);
    this.place = address.place;
    const consumers = this.#consumers;
    this.#ledger = new Ledger(address, {
      get isTaking() {
        return consumers.size > 0;
      },
      hungry: () => this.#hungry(),
      serve: (store) => this.#serve(store),
      changed: (state) => {
        for (const fn of [...this.#watchers]) fn(state);
      },
      ended: (error) => this.#ended(error),
    });
  }

  get state(): BrokerState {
    return this.#ledger.state;
  }

  get loss(): Outage | undefined {
    return this.#ledger.loss;
  }

  get blockedBy(): string {
    return this.#ledger.blockedBy;
  }

  onState(fn: (state: BrokerState) => void): () => void {
    this.#watchers.add(fn);
    return () => this.#watchers.delete(fn);
  }

  declare(spec: QueueSpec): Promise<void> {
    const action = `declare the queue ${show(spec.name)}`;
    return this.#ledger.run(action, (store) => store.declare(spec), { isDurable: true });
  }

  publish(
    queue: string,
    message: BrokerMessage,
    { delay = 0, signal }: PublishOptions = {},
  ): Promise<void> {
    const action = `publish to ${queue}`;
    if (message.body.length > LONGEST) {
      const size = message.body.length;
      const error = `Cannot ${action}: the message has ${size} bytes, and a file takes ${LONGEST}`;
      return Promise.reject(new RangeError(`${error}; keep it elsewhere and send its path`));
    }
    const work = (store: FileStore) => store.publish(queue, message, delay);
    return this.#ledger.run(action, work, { isDurable: true, signal });
  }

  async consume(
    queue: string,
    { prefetch, onEnd }: ConsumeOptions,
    on: (delivery: Delivery) => void,
  ): Promise<Consumer> {
    const number = await this.#ledger.run(`consume ${queue}`, (store) => {
      this.#ledger.tidy(store);
      return store.consume(queue);
    });
    return this.#enlist(queue, number, prefetch, on, onEnd);
  }

  #enlist(
    queue: string,
    number: number,
    prefetch: number,
    on: (delivery: Delivery) => void,
    onEnd?: (error: Error) => void,
  ): FileConsumer {
    const left = (consumer: FileConsumer) => void this.#consumers.delete(consumer);
    const consumer = new FileConsumer(this.#ledger, { queue, number, prefetch }, on, left);
    this.#consumers.set(consumer, onEnd);
    this.#ledger.schedule();
    return consumer;
  }

  #hungry(): string[] {
    const names = new Set<string>();
    for (const consumer of this.#consumers.keys()) {
      if (consumer.free > 0) names.add(consumer.queue);
    }
    return [...names];
  }

  /** Takes what the consumers here want; each gets one in turn. */
  #serve(store: FileStore): () => void {
    const given: [FileConsumer, TakenMessage][] = [];
    const all = [...this.#consumers.keys()];
    const first = this.#next++ % Math.max(1, all.length);
    const inTurn = [...all.slice(first), ...all.slice(0, first)];
    for (const name of this.#hungry()) {
      let takers = inTurn.filter(({ queue, free }) => queue === name && free > 0)
        .map((consumer) => ({ consumer, free: consumer.free }));
      const taken = store.take(name, takers.reduce((sum, { free }) => sum + free, 0));
      for (let k = 0; k < taken.length; takers = takers.filter(({ free }) => free > 0)) {
        for (const taker of takers) {
          if (k === taken.length) break;
          given.push([taker.consumer, taken[k++]!]);
          taker.free--;
        }
      }
    }
    return () => given.forEach(([consumer, taken]) => consumer.give(taken));
  }

  depth(queue: string): Promise<Depth | undefined> {
    return this.#ledger.run("ask for the depth of a queue", (store) => {
      this.#ledger.tidy(store);
      return store.depth(queue);
    });
  }

  purge(queue: string): Promise<void> {
    return this.#ledger.run("purge a queue", (store) => store.purge(queue), { isDurable: true });
  }

  remove(queue: string): Promise<void> {
    return this.#ledger.run("remove a queue", (store) => store.remove(queue), { isDurable: true });
  }

  broadcast(topic: string, message: BrokerMessage): Promise<void> {
    return this.#ledger.run("broadcast", (store) => {
      this.#ledger.tidy(store);
      store.broadcast(topic, message);
    });
  }

  async listen(topic: string, on: (message: BrokerMessage) => void): Promise<() => Promise<void>> {
    const name = `listen.${crypto.randomUUID()}`;
    const spec: QueueSpec = {
      name,
      kind: "plain",
      exclusive: true,
      max: MOST_TOLD,
      overflow: "drop",
    };
    const number = await this.#ledger.run("listen", (store) => {
      store.declare(spec, topic);
      return store.consume(name);
    });
    const consumer = this.#enlist(name, number, LISTENING, (delivery) => {
      delivery.ack();
      on(delivery);
    });
    return async () => {
      await consumer.cancel();
      await this.remove(name).catch(() => {});
    };
  }

  close(): Promise<void> {
    // What they hold is given back by the last transaction, and nothing more is taken.
    for (const consumer of this.#consumers.keys()) consumer.end();
    return this.#ledger.close();
  }

  #ended(error: BrokerLostError): void {
    const consumers = [...this.#consumers];
    this.#consumers.clear();
    for (const [consumer] of consumers) consumer.end();
    for (const [, onEnd] of consumers) onEnd?.(error);
  }
}

/** Opens a connection to a file. */
export function open(url: string): Broker {
  return new FileBroker(url);
}
