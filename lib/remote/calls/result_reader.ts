/**
 * Reading what comes for calls, in order: a value that names a class of the main module waits until
 * that has been evaluated, and those behind it wait with it.
 *
 * @module
 */
import type { Outcome } from "../../child/outcome.ts";
import { admit } from "../../transfer/task.ts";
import type { CallWire } from "./wire.ts";

/** Reads what comes for the calls of one caller. */
export class ResultReader {
  readonly #wire: CallWire;
  #loading: Promise<void> | undefined;

  constructor(wire: CallWire) {
    this.#wire = wire;
  }

  /** Reads a value, and calls `fn` with what it is, or why it cannot be read. */
  read(body: Uint8Array<ArrayBuffer>, fn: (outcome: Outcome) => void): void {
    let needs: string[];
    try {
      needs = this.#wire.needs(body);
    } catch (error) {
      return fn({ ok: false, error });
    }
    if (needs.length === 0 && this.#loading === undefined) return fn(this.#outcome(body));
    const loading = (this.#loading ?? Promise.resolve()).then(() => admit(needs, "below"))
      .catch(() => {}).then(() => {
        if (this.#loading === loading) this.#loading = undefined;
        fn(this.#outcome(body));
      });
    this.#loading = loading;
  }

  #outcome(body: Uint8Array<ArrayBuffer>): Outcome {
    try {
      return { ok: true, value: this.#wire.readResult(body) };
    } catch (error) {
      return { ok: false, error };
    }
  }
}
