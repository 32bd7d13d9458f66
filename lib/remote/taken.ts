/**
 * An item in the hands of its taker.
 *
 *     HELD -> done        done(): it is gone
 *          -> READY       back(); disposed of; its handle was closed; its thread or program ended
 *          -> buried      bury()
 *
 * @module
 */
import { checkOptions, checkString } from "../core/checks.ts";
import { INSPECT, shown } from "../core/inspect.ts";
import { held } from "../core/promises.ts";
import { checkDelay } from "./options.ts";

/** Options of `back()`. */
export interface BackOptions {
  /** After how many ms it may be taken again, behind the others. Default: 0, at once, in front. */
  delay?: number;
}

/** Says what becomes of an item; gives whether it was still held. */
export type Settle = (
  fate: "ack" | "back" | "bury",
  more?: { delay?: number; reason?: string },
) => Promise<boolean>;

/**
 * An item that was taken from a `RemoteQueue`, and that nobody else is given meanwhile.
 *
 * Say `done()` when it has been dealt with. If you never do, since you have failed or died, it is
 * given to somebody else; so a `using` of it and a `done()` at the end are all that is needed. For
 * how long you hold it does not matter, as long as your program lives.
 *
 * @typeParam T The item.
 */
export class Taken<T> implements Disposable, AsyncDisposable {
  /** The item. */
  readonly item: T;
  /**
   * Which delivery this is, from 1. With more, somebody has had it before, and may have done a part
   * of the work. A queue with `maxsize` on RabbitMQ counts only to 2.
   */
  readonly attempt: number;
  /** The id that it was given when it was put: the same at each delivery. */
  readonly id: string;
  readonly #settle: Settle;
  #state = "held";

  /** Takes over an item. */
  constructor(item: T, { attempt, id }: { attempt: number; id: string }, settle: Settle) {
    this.item = item;
    this.attempt = attempt;
    this.id = id;
    this.#settle = settle;
  }

  #end(
    state: string,
    fate: "ack" | "back" | "bury",
    more?: { delay?: number; reason?: string },
  ): Promise<boolean> {
    if (this.#state !== "held") return Promise.resolve(false);
    this.#state = state;
    return held(this.#settle(fate, more));
  }

  /**
   * It has been dealt with, and is gone. After the first of `done()`, `back()` and `bury()` the
   * others do nothing.
   *
   * @returns Whether it was still held: false if the connection was lost meanwhile, so that
   * somebody else has it or will.
   */
  done(): Promise<boolean> {
    return this.#end("done", "ack");
  }

  /**
   * Gives it back, to be taken again.
   *
   * @returns Whether it was still held.
   * @throws {TypeError | RangeError} Bad options.
   */
  back(options?: BackOptions): Promise<boolean> {
    const action = "give the item back";
    checkOptions(options, action);
    const delay = checkDelay(options?.delay, action);
    return this.#end("given back", "back", { delay });
  }

  /**
   * Puts it aside, where no taker gets it, with the reason: for what will never work.
   *
   * @param reason Why, for whoever looks for it there.
   * @returns Whether it was still held.
   */
  bury(reason = ""): Promise<boolean> {
    checkString(reason, "reason", "bury the item");
    return this.#end("buried", "bury", { reason });
  }

  /** Gives it back, unless it was done with. */
  [Symbol.dispose](): void {
    this.back();
  }

  /** Gives it back, unless it was done with. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.back();
  }

  /** @ignore */
  [INSPECT](): string {
    return shown(this, () => [this.id, `attempt ${this.attempt}`, this.#state]);
  }
}
