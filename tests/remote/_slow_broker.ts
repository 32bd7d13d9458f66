/**
 * A broker that is far away: that in memory, with every answer and every delivery on its way for a
 * while. Its connection lives in a link's thread, so tests need no RabbitMQ for what is to be the
 * same over it. URLs: `slow:NAME`, `slow:NAME?down` (never reached), `slow:NAME?wrong` (ended),
 * `slow:NAME?blocked` (takes nothing), `slow:NAME?small` (takes no more than `SMALL` bytes). A
 * message to the queue `LOSE` has the connection lost, and made anew; one to the queue `DIE` ends the
 * link's thread.
 *
 * @module
 */
import { brokerModules } from "../../lib/remote/address.ts";
import process from "node:process";
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
} from "../../lib/remote/broker.ts";
import { MemoryBroker } from "../../lib/remote/memory_broker.ts";

/** Lets queues have URLs of this kind. */
export function registerSlow(): void {
  brokerModules.set("slow:", import.meta.url);
}

/** What a link's thread calls. */
export function open(url: string): Broker {
  const [, name = "", how] = /^slow:([^?]*)\??(.*)$/.exec(url)!;
  return new SlowBroker(name, how);
}

/** The queue that is none. */
export const LOSE = "lose";
/** The queue whose first message ends the thread of the link. */
export const DIE = "q.die";
/** The longest message of a broker that takes only small ones, in bytes. */
export const SMALL = 10_000;

const never = new Promise<never>(() => {});
const later = () => new Promise<void>((resolve) => setTimeout(resolve, 1));

class SlowBroker implements Broker {
  readonly isNear = false;
  readonly isExact = false;
  readonly place: string;
  readonly blockedBy: string;
  readonly loss: Outage | undefined;
  readonly #memory: MemoryBroker;
  readonly #how: string | undefined;
  readonly #watchers = new Set<(state: BrokerState) => void>();
  readonly #consumers = new Set<{ lose: () => void; restore: () => void }>();
  #isLost = false;
  #losses = 0;

  constructor(name: string, how?: string) {
    this.place = `slow:${name}`;
    this.#how = how;
    this.#memory = new MemoryBroker(name);
    this.blockedBy = how === "blocked" ? "low on memory" : "";
    if (how !== "down" && how !== "wrong") return;
    const cause = new Error(how === "down" ? "nobody listens" : "wrong password of user");
    this.loss = { host: "slow", attempts: 3, since: performance.now(), cause };
  }

  get state(): BrokerState {
    if (this.#how === "down") return "down";
    if (this.#how === "blocked") return "blocked";
    if (this.#isLost) return "down";
    return this.#how === "wrong" ? "ended" : this.#memory.state;
  }

  async #lose(): Promise<void> {
    this.#losses++;
    for (const { lose } of this.#consumers) lose();
    this.#isLost = true;
    for (const fn of this.#watchers) fn("down");
    await later();
    for (const { restore } of this.#consumers) restore();
    this.#isLost = false;
    for (const fn of this.#watchers) fn("up");
  }

  onState(fn: (state: BrokerState) => void): () => void {
    this.#watchers.add(fn);
    const stop = this.#memory.onState(fn);
    return () => {
      this.#watchers.delete(fn);
      stop();
    };
  }

  async #soon<T>(fn: () => T): Promise<T> {
    if (this.#how === "down") await never;
    if (this.#how === "wrong") throw this.loss!.cause;
    await later();
    const value = fn();
    await later();
    return value;
  }

  declare(spec: QueueSpec): Promise<void> {
    return this.#soon(() => this.#memory.declare(spec));
  }

  async publish(queue: string, message: BrokerMessage, options?: PublishOptions): Promise<void> {
    if (this.#how === "blocked") await never;
    if (this.#how === "small" && message.body.length > SMALL) {
      throw new RangeError(`Cannot publish to ${queue}: the message is too long`);
    }
    if (queue === DIE) process.exit();
    if (queue === LOSE) return await this.#lose();
    return await this.#soon(() => this.#memory.publish(queue, message, options));
  }

  async consume(
    queue: string,
    options: ConsumeOptions,
    on: (delivery: Delivery) => void,
  ): Promise<Consumer> {
    // What is delivered comes a while later, and in its order.
    let line: Promise<void> = Promise.resolve();
    const late = (delivery: Delivery) => {
      const losses = this.#losses;
      line = line.then(later).then(() => {
        // What is on its way is lost with the connection.
        if (losses === this.#losses) on(delivery);
      });
    };
    let { prefetch } = options;
    const consume = () => this.#memory.consume(queue, { ...options, prefetch }, late);
    let consumer = await this.#soon(consume);
    const part = { lose: () => void consumer.cancel(), restore: () => void (consumer = consume()) };
    this.#consumers.add(part);
    return {
      setPrefetch: async (n) => {
        prefetch = n;
        await this.#soon(() => consumer.setPrefetch(n));
        await line;
      },
      cancel: async () => {
        this.#consumers.delete(part);
        await this.#soon(() => consumer.cancel());
        await line;
      },
    };
  }

  depth(queue: string): Promise<Depth | undefined> {
    return this.#soon(() => this.#memory.depth(queue));
  }

  purge(queue: string): Promise<void> {
    return this.#soon(() => this.#memory.purge(queue));
  }

  remove(queue: string): Promise<void> {
    return this.#soon(() => this.#memory.remove(queue));
  }

  broadcast(topic: string, message: BrokerMessage): Promise<void> {
    return this.#soon(() => this.#memory.broadcast(topic, message));
  }

  listen(topic: string, on: (message: BrokerMessage) => void): Promise<() => void> {
    return this.#soon(() => this.#memory.listen(topic, on));
  }

  async close(): Promise<void> {
    await later();
    this.#memory.close();
  }
}
