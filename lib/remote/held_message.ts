/**
 * A message in the hands of a consumer: the part of it that is the same for every broker.
 *
 *     HELD -> over       by the first of ack(), back() and bury(), or the end of its consumer
 *
 * @module
 */
import type { BrokerMessage, Delivery, Soon } from "./broker.ts";

/** A message that a consumer holds. */
export abstract class HeldMessage implements Delivery {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly headers: BrokerMessage["headers"];
  readonly type: string;
  readonly id: string;
  readonly format: string;
  readonly replyTo?: string;
  readonly expires?: number;
  readonly attempt: number;
  readonly redelivered: boolean;
  #isHeld = true;

  constructor(message: BrokerMessage, attempt: number, redelivered: boolean) {
    this.body = message.body;
    this.headers = message.headers;
    this.type = message.type;
    this.id = message.id;
    this.format = message.format;
    if (message.replyTo !== undefined) this.replyTo = message.replyTo;
    if (message.expires !== undefined) this.expires = message.expires;
    this.attempt = attempt;
    this.redelivered = redelivered;
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Ends the lease; whether there was one. */
  end(): boolean {
    const { isHeld } = this;
    this.#isHeld = false;
    return isHeld;
  }

  ack(): void {
    if (this.end()) this.toAck();
  }

  back({ delay = 0 }: { delay?: number } = {}): Soon<void> {
    return this.end() ? this.toBack(delay) : undefined;
  }

  bury(reason: string): Soon<void> {
    return this.end() ? this.toBury(reason) : undefined;
  }

  /** Has the broker drop it; the lease has just ended. */
  protected abstract toAck(): void;
  /** Has the broker make it READY again; the lease has just ended. */
  protected abstract toBack(delay: number): Soon<void>;
  /** Has the broker put it aside; the lease has just ended. */
  protected abstract toBury(reason: string): Soon<void>;
}

/** How often a message was tried before, as its header says. */
export function triedOf({ headers }: Pick<BrokerMessage, "headers">): number {
  return typeof headers.tried === "number" ? headers.tried : 0;
}
