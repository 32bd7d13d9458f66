/**
 * Who takes messages of one queue in a file, with its credit.
 *
 * @module
 */
import type { Consumer, Delivery } from "../broker.ts";
import { type Borrower, FileDelivery } from "./delivery.ts";
import type { Ledger } from "./ledger.ts";
import type { FileStore, TakenMessage } from "./store.ts";

/** How long a message rests whose handler threw, in ms: thrown at once again, it would spin. */
const AFTER_THROW = 20;

/** Somebody to whom a queue gives its messages. */
export class FileConsumer implements Consumer, Borrower {
  /** Its queue. */
  readonly queue: string;
  readonly #ledger: Ledger;
  /** Its number in the file. */
  readonly #number: number;
  readonly #on: (delivery: Delivery) => void;
  readonly #left: (consumer: FileConsumer) => void;
  readonly #held = new Set<FileDelivery>();
  /** Which credit it has: what was given by an older one does not count. */
  #credit = 0;
  #prefetch: number;
  #given = 0;
  #isOver = false;

  /** @param left Called when it is cancelled. */
  constructor(
    ledger: Ledger,
    { queue, number, prefetch }: { queue: string; number: number; prefetch: number },
    on: (delivery: Delivery) => void,
    left: (consumer: FileConsumer) => void,
  ) {
    this.#ledger = ledger;
    this.queue = queue;
    this.#number = number;
    this.#prefetch = prefetch;
    this.#on = on;
    this.#left = left;
  }

  /** How many messages it would take now. */
  get free(): number {
    return this.#isOver ? 0 : Math.max(0, this.#prefetch - this.#given);
  }

  /** It is given a message, which it has taken. */
  give(taken: TakenMessage): void {
    const delivery = new FileDelivery(this, taken, this.#credit);
    this.#held.add(delivery);
    this.#given++;
    // A handler before it, in the same turn, may have ended it: then this goes back with the rest.
    if (this.#isOver) return void delivery.back();
    try {
      this.#on(delivery);
    } catch (error) {
      reportError(error);
      this.#ledger.clock.after(AFTER_THROW, () => void delivery.back());
    }
  }

  /** Does in the file what becomes of a message. */
  async settle(
    delivery: FileDelivery,
    action: string,
    work: (store: FileStore) => void,
    isDurable = false,
  ): Promise<void> {
    this.#held.delete(delivery);
    if (delivery.credit === this.#credit) this.#given--;
    try {
      await this.#ledger.run(`${action} a message of ${this.queue}`, work, { isDurable });
    } catch {
      // The file is closed: what was held comes back.
    }
  }

  setPrefetch(n: number): Promise<void> {
    if (!this.#isOver) {
      this.#credit++;
      this.#given = 0;
      this.#prefetch = n;
      if (n > 0) this.#ledger.schedule();
    }
    // Nothing is on its way: what was taken was handed over in the same turn.
    return Promise.resolve();
  }

  async cancel(): Promise<void> {
    if (this.#isOver) return;
    const held = this.end();
    this.#left(this);
    try {
      await this.#ledger.run(
        `cancel a consumer of ${this.queue}`,
        (store) => store.cancel(this.#number, this.queue, held),
      );
    } catch {
      // The file is closed, and with it this.
    }
  }

  /** It is over; gives the numbers of what it held, in their order. */
  end(): number[] {
    this.#isOver = true;
    const held = [...this.#held].filter((delivery) => delivery.end());
    this.#held.clear();
    return held.map(({ number }) => number).sort((a, b) => a - b);
  }
}
