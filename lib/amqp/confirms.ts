/**
 * Publisher confirms. The messages of a channel are numbered 1, 2, ...; the broker says of each
 * number, or of all up to one, that it has them (ack) or does not take them (nack). What it could
 * route to no queue it sends back before it says so.
 *
 * @module
 */
import { type AmqpError, malformed } from "./errors.ts";

/** What became of a message: the broker has it, did not take it, or had no queue for it. */
export type Verdict = "taken" | "refused" | "unroutable";

/** A message that the broker has not spoken about. */
export interface Unconfirmed {
  /** The message's id and routing key: by them a returned one is known again. */
  readonly id: string;
  readonly key: string;
  /** The broker has spoken. */
  settled(verdict: Verdict): void;
  /** The channel has ended before: the broker may have it, or not. */
  failed(error: AmqpError): void;
}

/** The messages of one channel that the broker has not spoken about, in their order. */
export class Confirms {
  readonly #waiting = new Map<number, Unconfirmed>();
  readonly #returned = new Set<Unconfirmed>();
  #last = 0;

  /** How many there are. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Adds the next message. */
  add(message: Unconfirmed): void {
    this.#waiting.set(++this.#last, message);
  }

  /**
   * The broker speaks about a number, or about all up to it; 0 is all.
   *
   * @throws {AmqpError} No message had that number.
   */
  settle(number: number, isMultiple: boolean, verdict: Verdict): void {
    if (number > this.#last) {
      throw malformed(`a confirm of message ${number}, where ${this.#last} were sent`);
    }
    if (!isMultiple) return this.#settle(number, verdict);
    for (const waiting of this.#waiting.keys()) {
      if (number > 0 && waiting > number) return;
      this.#settle(waiting, verdict);
    }
  }

  #settle(number: number, verdict: Verdict): void {
    const message = this.#waiting.get(number);
    if (message === undefined) return;
    this.#waiting.delete(number);
    const isReturned = this.#returned.delete(message);
    message.settled(isReturned && verdict === "taken" ? "unroutable" : verdict);
  }

  /** A message has come back; its confirm follows. */
  returned(id: string | undefined, key: string): void {
    for (const message of this.#waiting.values()) {
      if (message.id !== id || message.key !== key || this.#returned.has(message)) continue;
      this.#returned.add(message);
      return;
    }
  }

  /** The channel has ended: all of them fail, in their order. */
  fail(error: AmqpError): void {
    const messages = [...this.#waiting.values()];
    this.#waiting.clear();
    this.#returned.clear();
    for (const message of messages) message.failed(error);
  }
}
