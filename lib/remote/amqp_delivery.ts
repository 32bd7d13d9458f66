/**
 * A message that is held from RabbitMQ.
 *
 * ```text
 *   HELD -> over       by ack(), back(), bury(), or the end of its channel
 * ```
 *
 * What needs a copy elsewhere first (`back` with a delay, `bury`) is over at once for its holder,
 * and acknowledged when the broker has the copy: until then it is lost by nobody's death.
 *
 * @module
 */
import type { Lease } from "../amqp/subscription.ts";
import { attemptOf, messageOf } from "./amqp_message.ts";
import type { BrokerMessage, Delivery } from "./broker.ts";

/** What a delivery needs of its broker. */
export interface DeliveryHost {
  /** Publishes a copy into its queue, after a time. */
  later(message: BrokerMessage, delay: number): Promise<void>;
  /** Publishes a copy where its queue's dead are; false if there is no such queue. */
  bury(message: BrokerMessage): Promise<boolean>;
}

/** A message that a consumer holds. */
export class AmqpDelivery implements Delivery {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly headers: BrokerMessage["headers"];
  readonly type: string;
  readonly id: string;
  readonly format: string;
  readonly replyTo?: string;
  readonly expires?: number;
  readonly attempt: number;
  readonly redelivered: boolean;
  readonly #lease: Lease;
  readonly #queue: string;
  readonly #host: DeliveryHost;
  #isOver = false;

  constructor(lease: Lease, queue: string, host: DeliveryHost) {
    const message = messageOf(lease.delivered);
    this.body = message.body;
    this.headers = message.headers;
    this.type = message.type;
    this.id = message.id;
    this.format = message.format;
    if (message.replyTo !== undefined) this.replyTo = message.replyTo;
    if (message.expires !== undefined) this.expires = message.expires;
    this.attempt = attemptOf(lease.delivered);
    this.redelivered = lease.delivered.isRedelivered || this.attempt > 1;
    this.#lease = lease;
    this.#queue = queue;
    this.#host = host;
  }

  get isHeld(): boolean {
    return !this.#isOver && this.#lease.isHeld;
  }

  /** The lease ends for its holder; whether there was one. */
  #end(): boolean {
    const isHeld = this.isHeld;
    this.#isOver = true;
    return isHeld;
  }

  /** Itself with other headers. */
  #copy(headers: BrokerMessage["headers"]): BrokerMessage {
    const { body, type, id, format, replyTo } = this;
    return {
      body,
      type,
      id,
      format,
      headers: { ...this.headers, ...headers },
      ...replyTo === undefined ? {} : { replyTo },
    };
  }

  ack(): void {
    if (this.#end()) this.#lease.ack();
  }

  async back({ delay = 0 }: { delay?: number } = {}): Promise<void> {
    if (!this.#end()) return;
    if (delay > 0) await this.#after(this.#host.later(this.#copy({ tried: this.attempt }), delay));
    else this.#lease.nack(true);
  }

  async bury(reason: string): Promise<void> {
    if (!this.#end()) return;
    const copy = this.#copy({ reason, from: this.#queue, tried: this.attempt });
    await this.#after(this.#host.bury(copy));
  }

  /** Done with when the copy is there; otherwise it goes back. */
  async #after(copied: Promise<unknown>): Promise<void> {
    try {
      await copied;
      this.#lease.ack();
    } catch {
      this.#lease.nack(true);
    }
  }
}
