/**
 * Acks, as few as will do: those of one turn are sent together, and where all messages up to a
 * number have been acked or given back, one ack says so for all of them. It never speaks for a
 * message that somebody still has.
 *
 * @module
 */
import type { Argument } from "./codec/methods.ts";

/** How acks are sent. */
type SendAck = (name: "basic.ack" | "basic.nack", args: Argument[]) => void;

/** The acks of one channel. */
export class Acks {
  readonly #send: SendAck;
  /** The numbers that are with somebody, or acked in this turn; ascending. */
  readonly #open = new Set<number>();
  /** Those that were acked in this turn. */
  readonly #acked = new Set<number>();
  #isSoon = false;

  constructor(send: SendAck) {
    this.#send = send;
  }

  /** A message has come. */
  came(tag: number): void {
    this.#open.add(tag);
  }

  /** A message is done with. */
  ack(tag: number): void {
    if (!this.#open.has(tag)) return;
    this.#acked.add(tag);
    if (this.#isSoon) return;
    this.#isSoon = true;
    queueMicrotask(() => this.flush());
  }

  /** A message goes back, or is buried. */
  nack(tag: number, isRequeued: boolean): void {
    if (this.#acked.has(tag) || !this.#open.delete(tag)) return;
    this.#send("basic.nack", [tag, false, isRequeued]);
  }

  /** Sends the acks of this turn. */
  flush(): void {
    this.#isSoon = false;
    let upTo = 0;
    for (const tag of this.#open) {
      if (!this.#acked.delete(tag)) break;
      this.#open.delete(tag);
      upTo = tag;
    }
    if (upTo > 0) this.#send("basic.ack", [upTo, true]);
    for (const tag of this.#acked) {
      this.#open.delete(tag);
      this.#send("basic.ack", [tag, false]);
    }
    this.#acked.clear();
  }
}
