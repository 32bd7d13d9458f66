/**
 * A source with what was read from it ahead, or given back.
 *
 * Who reads takes turns. When the child ends, what it has left in its pipe is read ahead, so that
 * the pipe is closed although nobody may ever ask for it.
 *
 * @module
 */
import { builtin } from "../../core/node.ts";
import type { Bytes, Source } from "./stdio.ts";

/** How much of what an ended child left in its pipe is read ahead, in bytes. */
const KEPT = 1 << 20;

/** How often a reader gives way to what else there is to do, in ms. */
const TURN = 20;

/**
 * Sees to it that others get their turn: of a child that writes faster than is read, each read is
 * there at once, and no timer would fire.
 */
export class Turns {
  #began = performance.now();

  get isOver(): boolean {
    return performance.now() - this.#began >= TURN;
  }

  /** Settles when whatever else was ready has had its turn. */
  async next(): Promise<void> {
    await new Promise((next) => builtin("timers").setImmediate(next));
    this.#began = performance.now();
  }
}

/** A source that things can be given back to. */
export class Inbox implements Source {
  readonly #source: Source;
  readonly #queue: Bytes[] = [];
  #last: Promise<unknown> = Promise.resolve();
  readonly #turns = new Turns();

  /** Puts itself before `source`. */
  constructor(source: Source) {
    this.#source = source;
  }

  get fd(): number | undefined {
    return this.#source.fd;
  }

  /** Only while nothing has been read ahead can the pipe be handed to another child. */
  get stream(): unknown {
    return this.#queue.length > 0 ? undefined : this.#source.stream;
  }

  readNow(): Bytes | null {
    return this.#queue.shift() ?? this.#source.readNow?.() ?? null;
  }

  read(): Promise<Bytes | null> {
    return this.#inTurn(async () => {
      if (this.#turns.isOver) await this.#turns.next();
      return this.#queue.shift() ?? await this.#source.read();
    });
  }

  /** Gives back what is not taken. */
  unread(bytes: Bytes): void {
    if (bytes.length > 0) this.#queue.unshift(bytes);
  }

  /** Reads ahead what an ended child has left. */
  async drain(): Promise<void> {
    let size = 0;
    for (let isEnd = false; !isEnd && size < KEPT;) {
      isEnd = await this.#inTurn(async () => {
        const chunk = await this.#source.read();
        if (chunk !== null) this.#queue.push(chunk);
        size += chunk?.length ?? 0;
        return chunk === null;
      });
    }
  }

  cancel(): void {
    this.#queue.length = 0;
    this.#source.cancel();
  }

  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    const result = this.#last.then(step);
    this.#last = result.catch(() => {});
    return result;
  }
}
