/**
 * What goes over a port, in batches: a message by itself costs some 30 us on both sides, one of
 * many a tenth of that. What is sent in one turn goes out together, in its order.
 *
 * @module
 */
import { post, take } from "../../core/ports.ts";

/** The most messages that go as one: whoever reads them does other things between two of these. */
export const MOST_IN_A_BATCH = 64;

/** What is to be sent over a port. */
export class BatchWriter<T> {
  readonly #port: MessagePort;
  #batch: T[] = [];

  constructor(port: MessagePort) {
    this.#port = port;
  }

  /** Adds a message; gives how many there are now. */
  add(message: T): number {
    return this.#batch.push(message);
  }

  /** Sends what there is; whether there was something. */
  flush(): boolean {
    if (this.#batch.length === 0) return false;
    const batch = this.#batch;
    this.#batch = [];
    post(this.#port, batch);
    return true;
  }
}

/** What has come over a port. Each message is given once, though reading one reads others. */
export class BatchReader<T> {
  readonly #port: MessagePort;
  #batch: T[] = [];
  #next = 0;

  constructor(port: MessagePort) {
    this.#port = port;
  }

  /** The next message; undefined when there is none. */
  take(): T | undefined {
    if (this.#next === this.#batch.length) {
      this.#next = 0;
      this.#batch = take(this.#port) as T[] | undefined ?? [];
    }
    const message = this.#batch[this.#next];
    if (message !== undefined) this.#next++;
    return message;
  }
}
