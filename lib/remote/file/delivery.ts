/**
 * A message that is held from a file.
 *
 *     HELD -> over       by ack(), back(), bury(), or the end of its consumer
 *
 * It is over at once for its holder; in the file with the next transaction.
 *
 * @module
 */
import type { Delivery } from "../broker.ts";
import { triedOf } from "./message.ts";
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
export class FileDelivery implements Delivery {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly headers: Delivery["headers"];
  readonly type: string;
  readonly id: string;
  readonly format: string;
  readonly replyTo?: string;
  readonly expires?: number;
  readonly attempt: number;
  readonly redelivered: boolean;
  /** Its number in the file. */
  readonly number: number;
  /** By which credit of its consumer it came. */
  readonly credit: number;
  readonly #borrower: Borrower;
  #isHeld = true;

  constructor(borrower: Borrower, { id, message, tries }: TakenMessage, credit: number) {
    this.body = message.body;
    this.headers = message.headers;
    this.type = message.type;
    this.id = message.id;
    this.format = message.format;
    if (message.replyTo !== undefined) this.replyTo = message.replyTo;
    if (message.expires !== undefined) this.expires = message.expires;
    this.attempt = triedOf(message) + tries;
    this.redelivered = tries > 1;
    this.number = id;
    this.credit = credit;
    this.#borrower = borrower;
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Ends the lease; whether there was one. */
  end(): boolean {
    const isHeld = this.#isHeld;
    this.#isHeld = false;
    return isHeld;
  }

  ack(): void {
    if (this.end()) this.#borrower.settle(this, "acknowledge", (store) => store.ack(this.number));
  }

  async back({ delay = 0 }: { delay?: number } = {}): Promise<void> {
    if (!this.end()) return;
    const isDurable = delay > 0;
    const back = "give back";
    await this.#borrower.settle(this, back, (store) => store.back(this.number, delay), isDurable);
  }

  async bury(reason: string): Promise<void> {
    if (!this.end()) return;
    await this.#borrower.settle(this, "bury", (store) => store.bury(this.number, reason), true);
  }
}
