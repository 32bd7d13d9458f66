/**
 * The calls that no worker has yet: higher priorities first, those of one in the order in which
 * they came. Ended ones are left in it and skipped.
 *
 * @module
 */
import { type Call, QUEUED } from "./call.ts";

/** A list that is filled behind and emptied in front; what comes back goes in front. */
class Line {
  #calls: Call[] = [];
  #next = 0;

  constructor(readonly priority: number) {}

  push(call: Call): void {
    this.#calls.push(call);
  }

  /** What {@linkcode shift} would give. */
  get first(): Call | undefined {
    while (this.#next < this.#calls.length && this.#calls[this.#next]!.state !== QUEUED) {
      this.#next++;
    }
    return this.#calls[this.#next];
  }

  unshift(calls: Call[]): void {
    this.#calls = [...calls, ...this.#calls.slice(this.#next)];
    this.#next = 0;
  }

  /** The next call that still waits. */
  shift(): Call | undefined {
    while (this.#next < this.#calls.length) {
      const call = this.#calls[this.#next++]!;
      if (this.#next > 1024 && this.#next * 2 > this.#calls.length) {
        this.#calls = this.#calls.slice(this.#next);
        this.#next = 0;
      }
      if (call.state === QUEUED) return call;
    }
    this.#calls = [];
    this.#next = 0;
    return undefined;
  }

  *[Symbol.iterator](): Iterator<Call> {
    for (let k = this.#next; k < this.#calls.length; k++) yield this.#calls[k]!;
  }
}

/** Calls that wait. */
export class Backlog {
  /** One for each priority that there was, the highest first. */
  readonly #lines: Line[] = [new Line(0)];
  #size = 0;

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  /** Adds a call. */
  push(call: Call): void {
    this.#size++;
    this.#lineOf(call).push(call);
  }

  /** Puts calls back that came out last, in front of all of their priority. */
  putBack(calls: Call[]): void {
    for (let k = calls.length - 1; k >= 0; k--) {
      this.#size++;
      this.#lineOf(calls[k]!).unshift([calls[k]!]);
    }
  }

  /** What {@linkcode shift} would give. */
  get first(): Call | undefined {
    if (this.#size === 0) return undefined;
    for (const line of this.#lines) {
      const { first } = line;
      if (first !== undefined) return first;
    }
    return undefined;
  }

  /** Takes the next call. */
  shift(): Call | undefined {
    if (this.#size === 0) return undefined;
    for (const line of this.#lines) {
      const call = line.shift();
      if (call === undefined) continue;
      this.#size--;
      return call;
    }
    return undefined;
  }

  /** Notes that a call which waited has ended. */
  dropped(): void {
    this.#size--;
  }

  /** All that wait. */
  waiting(): Call[] {
    return this.#lines.flatMap((line) => [...line]).filter((call) => call.state === QUEUED);
  }

  #lineOf({ options: { priority = 0 } }: Call): Line {
    const lines = this.#lines;
    let at = 0;
    while (at < lines.length && lines[at]!.priority > priority) at++;
    if (lines[at]?.priority !== priority) lines.splice(at, 0, new Line(priority));
    return lines[at]!;
  }
}
