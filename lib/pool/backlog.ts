/**
 * The calls that no worker has yet: higher priorities first, those of one in the order in which
 * they came. Ended ones are left in it and skipped.
 *
 * @module
 */
import { Deque } from "../core/deque.ts";
import { type Call, QUEUED } from "./call.ts";

/** The calls of one priority; those that came back are in front. */
class Line {
  readonly calls = new Deque<Call>();

  constructor(readonly priority: number) {}

  /** The next call that still waits, left where it is. */
  get first(): Call | undefined {
    const { calls } = this;
    while (calls.length > 0) {
      const call = calls.peek();
      if (call.state === QUEUED) return call;
      calls.pop();
    }
    return undefined;
  }
}

/** Calls that wait. */
export class Backlog {
  /** One for each priority that there was, the highest first. */
  readonly #lines: Line[] = [new Line(0)];
  #size = 0;

  /** The number of those that wait. */
  get size(): number {
    return this.#size;
  }

  /** Adds a call. */
  push(call: Call): void {
    this.#size++;
    this.#lineOf(call).calls.push(call);
  }

  /** Puts calls back that came out last, in front of all of their priority. */
  putBack(calls: Call[]): void {
    for (let k = calls.length - 1; k >= 0; k--) {
      this.#size++;
      this.#lineOf(calls[k]!).calls.putBack([calls[k]!]);
    }
  }

  /** The call that {@linkcode shift} would give. */
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
      if (line.first === undefined) continue;
      this.#size--;
      return line.calls.pop();
    }
    return undefined;
  }

  /** Notes that a call which waited has ended. */
  dropped(): void {
    this.#size--;
  }

  /** All that wait. */
  waiting(): Call[] {
    return this.#lines.flatMap((line) => [...line.calls]).filter((call) => call.state === QUEUED);
  }

  #lineOf({ options: { priority = 0 } }: Call): Line {
    const lines = this.#lines;
    let at = 0;
    while (at < lines.length && lines[at]!.priority > priority) at++;
    if (lines[at]?.priority !== priority) lines.splice(at, 0, new Line(priority));
    return lines[at]!;
  }
}
