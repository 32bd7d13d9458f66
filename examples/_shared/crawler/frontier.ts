/**
 * What the main thread of examples/crawler.ts keeps: the pages, and what became of them.
 *
 * @module
 */
import { Queue } from "../../../lib/queue.ts";
import type { Job } from "./stages.ts";

/** Which pages were seen, which were taken on, and what became of them. */
export class Frontier {
  readonly #seen: Job[] = [];
  readonly #queue = new Queue<Job>();
  readonly #open = new Set<number>();
  #isClosed = false;
  /** How many were handed to the fetchers. */
  taken = 0;
  /** How many came out of the last stage, and how many never will. */
  saved = 0;
  missing = 0;
  lost = 0;

  /** Adds a page, unless it was seen before. */
  add(path: string): void {
    if (this.#isClosed || this.#seen.some((job) => job.path === path)) return;
    const job = { number: this.#seen.length, path };
    this.#seen.push(job);
    this.#open.add(job.number);
    this.#queue.putNowait(job);
  }

  /** The page of a number. */
  at(number: number): Job | undefined {
    return this.#seen[number];
  }

  /** How many were seen, but not taken on. */
  get left(): number {
    return this.#seen.length - this.taken;
  }

  /** Puts the pages on a queue, as it has room for them, until there will be no more. */
  async feed(urls: Queue<Job>): Promise<void> {
    for await (const job of this.#queue) {
      this.taken++;
      await urls.put(job);
    }
    urls.shutdown();
  }

  /** Says what became of a page. When nothing is open there will be no more. */
  settle(number: number, what: "saved" | "missing" | "lost"): void {
    if (!this.#open.delete(number)) throw new Error(`page ${number} has come out twice`);
    this[what]++;
    if (this.#open.size === 0) this.close();
  }

  /** Gives out no more pages. */
  close(): void {
    this.#isClosed = true;
    this.#queue.shutdown({ immediate: true });
  }
}
