/**
 * A message that is held from a file.
 *
 *     HELD -> over       by ack(), back(), bury(), or the end of its consumer
 *
 * It is over at once for its holder; in the file with the next transaction.
 *
 * @module
 */
import { HeldMessage, triedOf } from "../held_message.ts";
import type { FileStore, TakenMessage } from "./store.ts";

/** Who was lent a message. */
export interface Borrower {
  /** Does in the file what becomes of it; never rejects. */
  settle(
    delivery: FileDelivery,
    action: string,
    work: (store: FileStore) => void,
    isDurable?: boolean,
  ): Promise<void>;
}

/** A message that a consumer holds. */
export class FileDelivery extends HeldMessage {
  /** Its number in the file. */
  readonly number: number;
  /** By which credit of its consumer it came. */
  readonly credit: number;
  readonly #borrower: Borrower;

  constructor(borrower: Borrower, { id, message, tries }: TakenMessage, credit: number) {
    super(message, triedOf(message) + tries, tries > 1);
    this.number = id;
    this.credit = credit;
    this.#borrower = borrower;
  }

  protected toAck(): void {
    this.#borrower.settle(this, "acknowledge", (store) => store.ack(this.number));
  }

  protected toBack(delay: number): Promise<void> {
    const isDurable = delay > 0;
    const back = "give back";
    return this.#borrower.settle(this, back, (store) => store.back(this.number, delay), isDurable);
  }

  protected toBury(reason: string): Promise<void> {
    return this.#borrower.settle(this, "bury", (store) => store.bury(this.number, reason), true);
  }
}
