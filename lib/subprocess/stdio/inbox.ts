/**
 * A read end with what was read from it ahead, or given back.
 *
 * Who reads takes turns. When the child ends, what it has left in its pipe is read ahead, so that
 * the pipe is closed although nobody may ever ask for it.
 *
 * @module
 */
import { builtin } from "../../core/node.ts";
import type { Bytes, ReadEnd } from "./stdio.ts";

/** The most that is read ahead of what an ended child left in its pipe, in bytes. */
const KEPT = 1 << 20;

/** How long a reader goes on before it gives way to what else there is to do, in ms. */
const SLICE = 20;

/**
 * A reader's time before others get their turn: of a child that writes faster than is read, each
 * read is there at once, and no timer would fire.
 */
export class TimeSlice {
  #began = performance.now();

  get isOver(): boolean {
    return performance.now() - this.#began >= SLICE;
  }

  /** Settles when whatever else was ready has had its turn: then a new one begins. */
  async next(): Promise<void> {
    await new Promise((next) => builtin("timers").setImmediate(next));
    this.#began = performance.now();
  }
}

/** A read end that things can be given back to. */
export class Inbox implements ReadEnd {
  readonly #end: ReadEnd;
  readonly #queue: Bytes[] = [];
  #last: Promise<unknown> = Promise.resolve();
  readonly #slice = new TimeSlice();

  /** Puts itself before `end`. */
  constructor(end: ReadEnd) {
    this.#end = end;
  }

  get fd(): number | undefined {
    return this.#end.fd;
  }

  /** Only while nothing has been read ahead can the pipe be handed to another child. */
  get stream(): unknown {
    return this.#queue.length > 0 ? undefined : this.#end.stream;
  }

  readNow(): Bytes | null {
    return this.#queue.shift() ?? this.#end.readNow?.() ?? null;
  }

  read(): Promise<Bytes | null> {
    return this.#inTurn(async () => {
      if (this.#slice.isOver) await this.#slice.next();
      return this.#queue.shift() ?? await this.#end.read();
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
        const chunk = await this.#end.read();
        if (chunk !== null) this.#queue.push(chunk);
        size += chunk?.length ?? 0;
        return chunk === null;
      });
    }
  }

  cancel(): void {
    this.#queue.length = 0;
    this.#end.cancel();
  }

  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    const result = this.#last.then(step);
    this.#last = result.catch(() => {});
    return result;
  }
}
