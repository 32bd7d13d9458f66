/**
 * The broker `amqp:` and `amqps:`, RabbitMQ 3.10 to 4.3: the interface of `broker.ts` over a
 * session of `lib/amqp/`. Names in the broker begin with a prefix, `sy` or the URL's `?prefix=`.
 *
 * ```text
 *   sy.NAME            a queue: kind "counted" is a quorum queue, "plain" a classic one on disk
 *   sy.later.NAME.MS   what waits for a time        sy.due.NAME   what has waited, but NAME is full
 *   sy.TOPIC           an exchange of kind fanout   sy.listen.ID  one listener's own queue
 * ```
 *
 * **Who dies when.** That is the session's matter (`lib/amqp/session.ts`): a passing loss ends
 * nothing, a lasting one or close() everything, with a `BrokerLostError`.
 *
 * @module
 */
import { AmqpError } from "../amqp/errors.ts";
import { Session, type SessionOptions } from "../amqp/session.ts";
import type { Lease, Subscription } from "../amqp/subscription.ts";
import { REPLY } from "../amqp/codec/table.ts";
import { type BrokerAddress, hostText, parseUrl } from "../amqp/url.ts";
import { show } from "../core/checks.ts";
import { BrokerLostError, Full } from "../core/errors.ts";
import type { AbortNotice } from "../core/promises.ts";
import { Delays } from "./amqp_delay.ts";
import { AmqpDelivery, type DeliveryHost } from "./amqp_delivery.ts";
import { contentOf, messageOf } from "./amqp_message.ts";
import { declarationOf } from "./amqp_queue.ts";
import {
  type Broker,
  type BrokerMessage,
  type BrokerState,
  type ConsumeOptions,
  type Consumer,
  type Delivery,
  type Depth,
  type Outage,
  type PublishOptions,
  type QueueSpec,
  Unroutable,
} from "./broker.ts";

/** How long a message rests whose handler threw, in ms: thrown at once again, it would spin. */
const AFTER_THROW = 20;
/** How many messages of a topic may be on their way to a listener. */
const LISTENING = 100;
/** The longest message, by the broker's version, in bytes. */
const LONGEST = 128 << 20;
const LONGEST_FROM_4 = 16 << 20;
/** The options of a URL. */
const OPTIONS = ["heartbeat", "prefix"];

/** A connection to RabbitMQ. */
export class AmqpBroker implements Broker {
  readonly isNear = false;
  readonly isExact = false;
  readonly place: string;
  readonly #session: Session;
  readonly #prefix: string;
  readonly #delays: Delays;
  readonly #specs = new Map<string, QueueSpec>();
  readonly #topics = new Set<string>();
  readonly #watchers = new Set<(state: BrokerState) => void>();
  #isClosed = false;

  /**
   * Begins to connect.
   *
   * @param url Where it is, as in `amqp://user:password@host/vhost?heartbeat=10&prefix=sy`.
   * @throws {TypeError} It is no such URL.
   */
  constructor(url: string, options: SessionOptions = {}) {
    const address = parseUrl(url);
    this.place = placeOf(address);
    const { heartbeat, prefix } = optionsOf(address, this.place);
    this.#prefix = prefix;
    this.#session = new Session(address, { heartbeat, ...options });
    this.#session.onState = (state) => {
      for (const fn of [...this.#watchers]) fn(state);
    };
    this.#delays = new Delays(this.#session, prefix);
  }

  get state(): BrokerState {
    return this.#session.state;
  }

  get loss(): Outage | undefined {
    const { loss } = this.#session;
    return this.#isClosed || loss === undefined ? undefined : loss;
  }

  get blockedBy(): string {
    return this.#session.blockedBy;
  }

  onState(fn: (state: BrokerState) => void): () => void {
    this.#watchers.add(fn);
    return () => this.#watchers.delete(fn);
  }

  #full(name: string): string {
    return `${this.#prefix}.${name}`;
  }

  /** Does something; an end of the session is told as what it is. */
  async #do<T>(action: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof AmqpError && this.state === "ended") throw this.#lost(action, error);
      throw error;
    }
  }

  #lost(action: string, error: AmqpError): BrokerLostError {
    const { host = this.place, attempts = 0 } = this.#session.loss ?? {};
    const reason = this.#isClosed ? `${this.place} was closed` : error.message;
    return new BrokerLostError(`Cannot ${action}: ${reason}`, {
      host,
      attempts,
      ...this.#isClosed ? {} : { cause: error },
    });
  }

  declare(spec: QueueSpec, isKept = true): Promise<void> {
    return this.#do("declare a queue", async () => {
      try {
        await this.#session.declare(declarationOf(spec, this.#prefix), isKept);
      } catch (error) {
        throw error instanceof AmqpError && error.code === REPLY.failed
          ? differs(spec.name, error)
          : error;
      }
      this.#specs.set(spec.name, spec);
    });
  }

  publish(queue: string, message: BrokerMessage, options: PublishOptions = {}): Promise<void> {
    return this.#do(`publish to ${queue}`, async () => {
      const { delay = 0, signal } = options;
      if (delay > 0) return await this.#publishLater(queue, message, delay, signal);
      await this.#publishTo(this.#full(queue), queue, message, signal);
    });
  }

  /** Whether a queue refuses what is too much. */
  #isBounded(queue: string): boolean {
    const { max, overflow } = this.#specs.get(queue) ?? {};
    return max !== undefined && overflow !== "drop";
  }

  async #publishLater(
    queue: string,
    message: BrokerMessage,
    delay: number,
    signal?: AbortNotice,
  ): Promise<void> {
    // Nobody would hear of it later that there is no such queue.
    if (!this.#specs.has(queue) && await this.depth(queue) === undefined) {
      throw new Unroutable(queue);
    }
    // In the waiting room `expires` would count, and bring it too early.
    const { expires: _, ...lasting } = message;
    for (let isFirst = true;; isFirst = false) {
      const room = await this.#delays.room(queue, delay, this.#isBounded(queue));
      try {
        return await this.#publishTo(room, queue, lasting, signal);
      } catch (error) {
        if (!isFirst || !(error instanceof Unroutable)) throw error;
        this.#delays.lost(room);
      }
    }
  }

  async #publishTo(
    key: string,
    queue: string,
    message: BrokerMessage,
    signal?: AbortNotice,
  ): Promise<void> {
    this.#checkSize(queue, message);
    const request = { exchange: "", key, isMandatory: true, ...contentOf(message), signal };
    let verdict = await this.#session.publish(request).catch((error) => {
      // Of another version than the size was checked for: the broker says how much it takes.
      const isSize = error instanceof AmqpError && error.code === REPLY.failed;
      throw isSize ? new RangeError(`Cannot publish to ${queue}: ${error.message}`) : error;
    });
    // It was declared here, and others have removed it.
    const declared = this.#session.declared(key);
    if (verdict === "unroutable" && declared !== undefined) {
      await this.#session.declare(declared);
      verdict = await this.#session.publish(request);
    }
    if (verdict === "unroutable") throw new Unroutable(queue);
    if (verdict === "refused") {
      const max = this.#specs.get(queue)?.max;
      const reason = max === undefined ? "the broker refuses it" : `it holds ${max} messages`;
      throw new Full(`Cannot publish to ${queue}: ${reason}`);
    }
  }

  /** Does not wait, or calls would get out of order: before the broker is known, it lets all go. */
  #checkSize(queue: string, { body }: BrokerMessage): void {
    const { version } = this.#session;
    if (body.length <= LONGEST_FROM_4 || version === "") return;
    const longest = parseInt(version) >= 4 ? LONGEST_FROM_4 : LONGEST;
    if (body.length <= longest) return;
    throw new RangeError(
      `Cannot publish to ${queue}: the message has ${body.length} bytes, and RabbitMQ ${version} ` +
        `takes ${longest}; keep it elsewhere and send its address`,
    );
  }

  consume(
    queue: string,
    { prefetch, onEnd }: ConsumeOptions,
    on: (delivery: Delivery) => void,
  ): Promise<Consumer> {
    const action = `consume ${queue}`;
    return this.#do(action, async () => {
      if (this.#isBounded(queue)) await this.#delays.move(queue);
      const host = this.#deliveryHost(queue);
      const subscription = await this.#subscribe(queue, prefetch, {
        on: (lease) => this.#hand(new AmqpDelivery(lease, queue, host), on),
        onFault: reportError,
        onEnd: (error) => {
          if (this.state === "ended" || this.#isClosed) return onEnd?.(this.#lost(action, error));
          onEnd?.(error.code === REPLY.notFound ? new Unroutable(queue) : error);
        },
      });
      return {
        setPrefetch: (n) => subscription.setPrefetch(n),
        cancel: () => subscription.cancel(),
      };
    });
  }

  async #subscribe(
    queue: string,
    prefetch: number,
    actions: Parameters<Session["consume"]>[2],
  ): Promise<Subscription> {
    try {
      return await this.#session.consume(this.#full(queue), prefetch, actions);
    } catch (error) {
      if (error instanceof AmqpError && error.code === REPLY.notFound) throw new Unroutable(queue);
      throw error;
    }
  }

  #hand(delivery: AmqpDelivery, on: (delivery: Delivery) => void): void {
    try {
      on(delivery);
    } catch (error) {
      reportError(error);
      Deno.unrefTimer(setTimeout(() => delivery.back(), AFTER_THROW));
    }
  }

  #deliveryHost(queue: string): DeliveryHost {
    return {
      later: (message, delay) => this.#publishLater(queue, message, delay),
      bury: async (message) => {
        const deadTo = this.#specs.get(queue)?.deadTo;
        if (deadTo === undefined) return false;
        try {
          await this.#publishTo(this.#full(deadTo), deadTo, message);
        } catch (error) {
          if (error instanceof Unroutable) return false;
          throw error;
        }
        return true;
      },
    };
  }

  depth(queue: string): Promise<Depth | undefined> {
    const action = "ask for the depth of a queue";
    return this.#do(action, () => this.#session.depth(this.#full(queue)));
  }

  purge(queue: string): Promise<void> {
    return this.#do("purge a queue", () => this.#session.purge(this.#full(queue)));
  }

  remove(queue: string): Promise<void> {
    return this.#do("remove a queue", async () => {
      const isBounded = this.#isBounded(queue);
      this.#specs.delete(queue);
      if (isBounded) await this.#delays.forget(queue);
      await this.#session.remove(this.#full(queue));
    });
  }

  broadcast(topic: string, message: BrokerMessage): Promise<void> {
    return this.#do("broadcast", async () => {
      const exchange = this.#full(topic);
      if (!this.#topics.has(topic)) await this.#session.declareFanout(exchange);
      this.#topics.add(topic);
      const content = contentOf(message);
      await this.#session.publish({ exchange, key: "", isMandatory: false, ...content });
    });
  }

  listen(topic: string, on: (message: BrokerMessage) => void): Promise<() => Promise<void>> {
    return this.#do("listen", async () => {
      const name = this.#full(`listen.${crypto.randomUUID()}`);
      const boundTo = this.#full(topic);
      await this.#session.declare({ name, isDurable: false, isExclusive: true, boundTo });
      const subscription = await this.#session.consume(name, LISTENING, {
        on: (lease: Lease) => {
          lease.ack();
          on(messageOf(lease.delivered));
        },
        onFault: reportError,
        onEnd: () => {},
      });
      return async () => {
        await subscription.cancel();
        await this.#session.remove(name).catch(() => {});
      };
    });
  }

  async close(): Promise<void> {
    this.#isClosed ||= this.state !== "ended";
    await this.#session.close();
  }
}

/** Opens a connection to RabbitMQ. */
export function open(url: string, options?: SessionOptions): Broker {
  return new AmqpBroker(url, options);
}

function placeOf({ isTls, hosts, vhost }: BrokerAddress): string {
  const names = hosts.map(hostText).join(",");
  return `${isTls ? "amqps" : "amqp"}://${names}/${vhost === "/" ? "" : encodeURIComponent(vhost)}`;
}

function optionsOf({ options }: BrokerAddress, place: string) {
  const unknown = [...options.keys()].find((name) => !OPTIONS.includes(name));
  if (unknown !== undefined) {
    throw new TypeError(
      `Cannot connect to ${place}: the URL's options are ${OPTIONS.join(" and ")}, received ` +
        show(unknown),
    );
  }
  return {
    heartbeat: Number(options.get("heartbeat") ?? 10),
    prefix: options.get("prefix") ?? "sy",
  };
}

function differs(name: string, cause: AmqpError): Error {
  return new Error(
    `Cannot declare the queue ${JSON.stringify(name)}: it is there with other properties ` +
      `(${cause.message}); use the same options everywhere, or remove() it first`,
    { cause },
  );
}
