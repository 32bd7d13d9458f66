/**
 * What a worker has answered of late, by the call's id or key: a call that comes again is answered
 * again and not run. Memory is bounded by time, number and bytes.
 *
 * @module
 */
import type { BrokerMessage } from "../broker.ts";

/** For how long an answer is kept, in ms. */
const KEPT = 600_000;
const MOST = 10_000;
const MOST_BYTES = 16 << 20;

/** An answer: everything but to which call. */
export interface Answered {
  type: "done" | "failed";
  body: Uint8Array<ArrayBuffer>;
  headers: BrokerMessage["headers"];
}

/** The answers of late. */
export class AnsweredCalls {
  readonly #answers = new Map<string, { answer: Answered; at: number }>();
  #bytes = 0;

  /** Keeps an answer. */
  add(id: string, answer: Answered): void {
    this.#remove(id);
    this.#answers.set(id, { answer, at: performance.now() });
    this.#bytes += answer.body.length;
    for (const [oldest, { at }] of this.#answers) {
      const isTooMuch = this.#answers.size > MOST || this.#bytes > MOST_BYTES;
      if (!isTooMuch && performance.now() - at < KEPT) break;
      this.#remove(oldest);
    }
  }

  /** The answer to a call, if it was given of late. */
  get(id: string): Answered | undefined {
    const found = this.#answers.get(id);
    return found !== undefined && performance.now() - found.at < KEPT ? found.answer : undefined;
  }

  #remove(id: string): void {
    const found = this.#answers.get(id);
    if (found === undefined) return;
    this.#answers.delete(id);
    this.#bytes -= found.answer.body.length;
  }
}
