/**
 * A thread's end of its line to the office (`office.ts`).
 *
 * @module
 */
import { post, prepareTake, take } from "../../core/ports.ts";
import { MAIN } from "../../memory/roster.ts";
import { self } from "../../memory/this_thread.ts";
import type { Steps } from "../../sync/steps.ts";
import { uncloneable } from "../../transfer/pack.ts";
import { ring, untilRung } from "./bell.ts";
import { type FromOffice, lines, type SentParcel, type ToOffice } from "./lines.ts";
import { Parcel } from "./parcel.ts";

/** The calling thread's line. */
export class Branch {
  readonly #port: MessagePort;
  /** The main thread's slot. */
  readonly #office: number;
  /** The answers that have come, to questions that are still asked. */
  readonly #answers = new Map<number, SentParcel | undefined>();
  readonly #asking = new Set<number>();
  #questions = 0;

  constructor() {
    const { ident, slot, roster } = self();
    const { port1, port2 } = new MessageChannel();
    this.#port = port1;
    this.#office = roster.slotOf(MAIN);
    prepareTake();
    lines.announce!({ ident, slot, port: port2 });
  }

  /**
   * Leaves a parcel.
   *
   * @throws {ShareError} It cannot be cloned.
   */
  leave(id: string, queue: number, parcel: Parcel): void {
    const { value, stands, transfer } = parcel;
    const sent = { value, stands, transfer } as SentParcel;
    try {
      this.#post({ type: "leave", id, queue, parcel: sent }, transfer);
    } catch (cause) {
      throw uncloneable(cause, "item");
    }
    parcel.handOver();
  }

  /** Gives a parcel up. */
  drop(id: string): void {
    this.#post({ type: "drop", id });
  }

  /** Gives up all parcels of a queue. */
  clear(queue: number): void {
    this.#post({ type: "clear", queue });
  }

  /** The steps until a parcel has come; undefined when it has gone. */
  *fetch(id: string): Steps<Parcel | undefined> {
    const question = ++this.#questions;
    this.#asking.add(question);
    try {
      this.#post({ type: "fetch", id, question });
      for (;;) {
        const park = untilRung();
        this.#read();
        if (this.#answers.has(question)) break;
        yield park;
      }
      const parcel = this.#answers.get(question);
      return parcel && new Parcel(parcel, parcel.transfer);
    } finally {
      this.#asking.delete(question);
      this.#answers.delete(question);
    }
  }

  #read(): void {
    for (;;) {
      const answer = take(this.#port) as FromOffice | undefined;
      if (answer === undefined) return;
      if (this.#asking.has(answer.question)) this.#answers.set(answer.question, answer.parcel);
    }
  }

  #post(message: ToOffice, transfer: Transferable[] = []): void {
    post(this.#port, message, transfer);
    ring(this.#office);
  }
}
