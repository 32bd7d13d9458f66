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
import type { BrokerMessage } from "./broker.ts";
import { HeldMessage } from "./held_message.ts";

/** What a delivery needs of its broker. */
export interface DeliveryHost {
  /** Publishes a copy into its queue, after a time. */
  later(message: BrokerMessage, delay: number): Promise<void>;
  /** Publishes a copy where its queue's dead are; false if there is no such queue. */
  bury(message: BrokerMessage): Promise<boolean>;
}

/** A message that a consumer holds. */
export class AmqpDelivery extends HeldMessage {
  readonly #lease: Lease;
  readonly #queue: string;
  readonly #host: DeliveryHost;

  constructor(lease: Lease, queue: string, host: DeliveryHost) {
    const { delivered } = lease;
    const attempt = attemptOf(delivered);
    super(messageOf(delivered), attempt, delivered.isRedelivered || attempt > 1);
    this.#lease = lease;
    this.#queue = queue;
    this.#host = host;
  }

  override get isHeld(): boolean {
    return super.isHeld && this.#lease.isHeld;
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

  protected toAck(): void {
    this.#lease.ack();
  }

  protected async toBack(delay: number): Promise<void> {
    if (delay > 0) await this.#after(this.#host.later(this.#copy({ tried: this.attempt }), delay));
    else this.#lease.nack(true);
  }

  protected async toBury(reason: string): Promise<void> {
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
