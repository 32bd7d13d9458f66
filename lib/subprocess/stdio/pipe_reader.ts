/**
 * A child's output, as its parent reads it.
 *
 * @module
 */
import { INSPECT, shown } from "../../core/inspect.ts";
import { Collected } from "../collected.ts";
import type { Bytes, ReadEnd } from "./stdio.ts";
import type { Hold } from "../hold.ts";
import { Inbox } from "./inbox.ts";
import { decoderOf, join, LineEnds, type Output, type TextMode, UTF_8 } from "../text.ts";

const INBOX = Symbol("inbox");

/** The inbox behind a reader. */
export function inboxOf(reader: PipeReader): Inbox {
  return reader[INBOX];
}

/**
 * The output of a running program: a ReadableStream of its bytes, and a few calls for text.
 *
 * Reach for {@linkcode lines} to follow what it says, and for `communicate()` to have it all at the
 * end. All of them take from the same pipe, so each byte is given once. A program that is not read
 * stops when the pipe is full (64 KiB): read, close, or do not make it a pipe.
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
  readonly #ends: LineEnds;
  readonly #hold: Hold;
  #last: Promise<unknown> = Promise.resolve();

  /** Made by Popen. */
  constructor(end: ReadEnd, hold: Hold, mode?: TextMode) {
    const inbox = new Inbox(end);
    super({
      async pull(controller) {
        const chunk = await hold.during(inbox.read());
        if (chunk === null) controller.close();
        else controller.enqueue(chunk);
      },
      cancel: () => inbox.cancel(),
    }, { highWaterMark: 0 });
    this[INBOX] = inbox;
    this.#mode = mode;
    this.#hold = hold;
    this.#decoder = decoderOf(mode ?? UTF_8);
    this.#ends = new LineEnds(mode ?? UTF_8);
  }

  /**
   * The lines as they come, without their ends (`\n` or `\r\n`); the last one also when it has
   * none. A character that is split between two chunks is kept whole. What is left when the loop is
   * left early can still be read.
   */
  async *lines(): AsyncIterableIterator<string> {
    for (let line; (line = await this.readline()) !== undefined;) yield line;
  }

  /** The next line, without its end; undefined when there is none any more. */
  readline(): Promise<string | undefined> {
    const line = this.#hold.during(this.#last.then(() => this.#nextLine()));
    this.#last = line.catch(() => {});
    return line;
  }

  /**
   * All that is left, as text in text mode.
   *
   * @throws {RangeError} It is more than can be kept: 2 GiB, or in text 2^29 - 24 characters.
   */
  async read(): Promise<T> {
    const all = new Collected(this[INBOX], { mode: this.#mode });
    await this.#hold.during(all.collect());
    if (all.isOver) {
      throw new RangeError("Cannot read all that is left: it is more than can be kept");
    }
    return all.output(false) as T;
  }

  /** Closes this end: the program's next write fails, which ends most programs. */
  close(): void {
    this[INBOX].cancel();
  }

  /** @ignore */
  [INSPECT](): string {
    return shown(this, () => [this.locked ? "locked" : ""]);
  }

  async #nextLine(): Promise<string | undefined> {
    const { width } = this.#ends;
    const parts: Bytes[] = [];
    let half: Bytes | undefined;
    for (let chunk; (chunk = await this[INBOX].read()) !== null;) {
      if (half !== undefined) chunk = join([half, chunk]);
      const odd = chunk.length % width;
      half = odd === 0 ? undefined : chunk.slice(-odd);
      const whole = chunk.subarray(0, chunk.length - odd);
      const end = this.#ends.next(whole);
      parts.push(end < 0 ? whole : whole.subarray(0, end));
      if (end < 0) continue;
      this[INBOX].unread(chunk.subarray(end + width));
      return this.#decoder.decode(this.#ends.trim(join(parts)));
    }
    if (half !== undefined) parts.push(half);
    const line = join(parts);
    return line.length === 0 ? undefined : this.#decoder.decode(line);
  }
}
