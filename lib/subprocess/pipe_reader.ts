/**
 * A child's output, as its parent reads it.
 *
 * @module
 */
import type { Bytes, Source } from "./ends.ts";
import { Inbox } from "./inbox.ts";
import { decoderOf, finish, join, type Output, type TextMode, UTF_8 } from "./text.ts";

const LF = 10;
const CR = 13;
const INBOX = Symbol("inbox");

/** The inbox behind a reader. */
export function inboxOf(reader: PipeReader): Inbox {
  return reader[INBOX];
}

/**
 * The output of a running program: a ReadableStream of its bytes, and a few calls for text.
 *
 * Reach for {@linkcode lines} to follow what it says, and for `communicate()` to have it all at the end.
 * All of them take from the same pipe, so each byte is given once. A program that is not read stops when
 * the pipe is full (64 KiB): read, close, or do not make it a pipe.
 *
 * @typeParam T What {@linkcode read} gives: text in text mode, else bytes.
 *
 * @example Follow a program
 * ```ts
 * import { PIPE, Popen } from "@switchyard/switchyard/subprocess";
 *
 * await using child = new Popen(["seq", "3"], { stdout: PIPE });
 * for await (const line of child.stdout.lines()) console.log(line); // 1, 2, 3
 * ```
 */
export class PipeReader<T extends Output = Output> extends ReadableStream<Uint8Array<ArrayBuffer>> {
  /** @ignore */
  readonly [INBOX]: Inbox;
  readonly #mode: TextMode | undefined;
  readonly #decoder: TextDecoder;
  #last: Promise<unknown> = Promise.resolve();

  /** Made by Popen. */
  constructor(source: Source, mode?: TextMode) {
    const inbox = new Inbox(source);
    super({
      async pull(controller) {
        const chunk = await inbox.read();
        if (chunk === null) controller.close();
        else controller.enqueue(chunk);
      },
      cancel: () => inbox.cancel(),
    }, { highWaterMark: 0 });
    this[INBOX] = inbox;
    this.#mode = mode;
    this.#decoder = decoderOf(mode ?? UTF_8);
  }

  /**
   * The lines as they come, without their ends (`\n` or `\r\n`); the last one also when it has none. A
   * character that is split between two chunks is kept whole. What is left when the loop is left early
   * can still be read.
   */
  async *lines(): AsyncIterableIterator<string> {
    for (let line; (line = await this.readline()) !== undefined;) yield line;
  }

  /** The next line, without its end; undefined when there is none any more. */
  readline(): Promise<string | undefined> {
    const line = this.#last.then(() => this.#nextLine());
    this.#last = line.catch(() => {});
    return line;
  }

  /** All that is left, as text in text mode. */
  async read(): Promise<T> {
    return finish(await this[INBOX].readAll(), this.#mode) as T;
  }

  /** Closes this end: the program's next write fails, which ends most programs. */
  close(): void {
    this[INBOX].cancel();
  }

  async #nextLine(): Promise<string | undefined> {
    const parts: Bytes[] = [];
    for (let chunk; (chunk = await this[INBOX].read()) !== null;) {
      const end = chunk.indexOf(LF);
      parts.push(end < 0 ? chunk : chunk.subarray(0, end));
      if (end < 0) continue;
      this[INBOX].unread(chunk.subarray(end + 1));
      const line = join(parts);
      return this.#decoder.decode(line.at(-1) === CR ? line.subarray(0, -1) : line);
    }
    return parts.length === 0 ? undefined : this.#decoder.decode(join(parts));
  }
}
