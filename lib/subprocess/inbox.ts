/**
 * A source with what was read from it ahead, or given back.
 *
 * Who reads takes turns. When the child ends, what it has left in its pipe is read ahead, so that the pipe
 * is closed although nobody may ever ask for it.
 *
 * @module
 */
import type { Bytes, Source } from "./ends.ts";
import { join } from "./text.ts";

/** How much of what an ended child left in its pipe is read ahead, in bytes. */
const KEPT = 1 << 20;

/** A source that things can be given back to. */
export class Inbox implements Source {
  readonly #source: Source;
  readonly #queue: Bytes[] = [];
  #last: Promise<unknown> = Promise.resolve();
  #isRead = false;
  #isWhole = false;

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

  /** Whether all that is left can be read in one step, which then cannot be broken off. */
  get canReadAll(): boolean {
    return !this.#isRead && this.#source.readAll !== undefined;
  }

  readNow(): Bytes | null {
    return this.#queue.shift() ?? this.#source.readNow?.() ?? null;
  }

  read(): Promise<Bytes | null> {
    return this.#inTurn(async () => this.#queue.shift() ?? await this.#source.read());
  }

  async readAll(): Promise<Bytes> {
    if (this.canReadAll) {
      this.#isRead = this.#isWhole = true;
      return await this.#source.readAll!();
    }
    const chunks: Bytes[] = [];
    for (let chunk; (chunk = await this.read()) !== null;) chunks.push(chunk);
    return join(chunks);
  }

  /** Gives back what is not taken. */
  unread(bytes: Bytes): void {
    if (bytes.length > 0) this.#queue.unshift(bytes);
  }

  /** Reads ahead what an ended child has left. */
  async drain(): Promise<void> {
    if (this.#isWhole) return;
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
    this.#isRead = true;
    const result = this.#last.then(step);
    this.#last = result.catch(() => {});
    return result;
  }
}
