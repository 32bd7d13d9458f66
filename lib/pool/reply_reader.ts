/**
 * Reading what workers reply, in order: a value that needs modules which this thread has not loaded
 * waits for them, and those behind it wait with it.
 *
 * @module
 */
import type { Outcome } from "../child/outcome.ts";
import type { Packed } from "../transfer/pack.ts";
import type { TrustLevel } from "../transfer/reduction.ts";
import { admit } from "../transfer/task.ts";
import { missingModules, readPayload } from "./payload.ts";
import { DONE } from "./transport/frames.ts";

/** Reads the replies to one pool. */
export class ReplyReader {
  readonly #level: TrustLevel;
  /** Settles when the modules are loaded that what was heard so far needs. */
  #loading: Promise<void> | undefined;

  /** @param level What the workers are to this process. */
  constructor(level: TrustLevel) {
    this.#level = level;
  }

  /**
   * The modules that are to be loaded before a value is read.
   *
   * @throws {Error} It is no value.
   */
  needsOf(value: Uint8Array | Packed): string[] {
    return missingModules(value, this.#level);
  }

  /** True if a value that needs these modules can be read at once. */
  isReady(needs: string[]): boolean {
    return needs.length === 0 && this.#loading === undefined;
  }

  /** Does something with a value once the modules are there; what comes first is done first. */
  whenReady(
    needs: string[],
    value: Uint8Array | Packed,
    fn: (value: Uint8Array | Packed) => void,
  ): void {
    if (this.isReady(needs)) return fn(value);
    const kept = value instanceof Uint8Array ? value.slice() : value;
    // A module that cannot be imported here costs an error its class, and a value its unpacking.
    const loading = (this.#loading ?? Promise.resolve()).then(() => admit(needs, this.#level))
      .catch(() => {}).then(() => fn(kept)).then(() => {
        if (this.#loading === loading) this.#loading = undefined;
      });
    this.#loading = loading;
  }

  /** The value that is reported. */
  report(value: Uint8Array | Packed): unknown {
    return readPayload(value, this.#level);
  }

  /** The error that is told; or that with which reading it fails. */
  error(value: Uint8Array | Packed): unknown {
    try {
      return readPayload(value, this.#level);
    } catch (error) {
      return error;
    }
  }

  /** The outcome of a call, as a reply of this kind tells it. */
  outcome(kind: number, value: Uint8Array | Packed): Outcome {
    try {
      const it = readPayload(value, this.#level);
      return kind === DONE ? { ok: true, value: it } : { ok: false, error: it };
    } catch (error) {
      return { ok: false, error };
    }
  }
}
