/**
 * The output of one of a child's streams so far.
 *
 * Nothing is copied at the end, when somebody waits for it and there may be a gigabyte: text is
 * decoded as it comes, and bytes, once they are many, go to a buffer that grows where it is. What
 * does not fit is read, so that the child goes on, and thrown away.
 *
 * @module
 */
import type { Bytes } from "./stdio/stdio.ts";
import { type Inbox, TimeSlice } from "./stdio/inbox.ts";
import { GrowingText, join, LineCutter, type Output, type TextMode, UTF_8 } from "./text.ts";

/** The most that is kept of one stream, in bytes. */
const MOST = 2 ** 31;
/** From how many bytes on they are in a buffer that grows. */
const MANY = 1 << 24;
/** By how much it grows at least, in bytes, and by which part of itself. */
const STEP = 1 << 22;
const PART = 8;
/** The most that a blocked thread reads at once, in bytes. */
const PIECE = 1 << 16;

/** The instructions on what a stream gives. */
export interface Collecting {
  /** The decoding; undefined for bytes. */
  mode: TextMode | undefined;
  /** True if it is kept. Default: true. */
  isKept?: boolean;
  /** The most bytes that it may be. Default: as many as can be kept. */
  most?: number | undefined;
  /** Is told each line. */
  onLine?: ((line: string) => unknown) | undefined;
}

/** Bytes that grow. */
class GrowingBytes {
  #chunks: Bytes[] = [];
  #size = 0;
  #buffer: ArrayBuffer | undefined;

  /** Adds bytes; false when they do not fit. */
  add(chunk: Bytes): boolean {
    if (this.#buffer === undefined && this.#size + chunk.length <= MANY) {
      // A few bytes may come in a buffer with room for many.
      this.#chunks.push(2 * chunk.length < chunk.buffer.byteLength ? chunk.slice() : chunk);
      this.#size += chunk.length;
      return true;
    }
    const piece = chunk.subarray(0, MOST - this.#size);
    if (!this.#makeRoom(piece.length)) return false;
    new Uint8Array(this.#buffer!, this.#size, piece.length).set(piece);
    this.#size += piece.length;
    return piece.length === chunk.length;
  }

  soFar(): Bytes {
    if (this.#buffer !== undefined) {
      this.#buffer.resize(this.#size);
      return new Uint8Array(this.#buffer, 0, this.#size);
    }
    const whole = join(this.#chunks);
    this.#chunks = [whole];
    return whole;
  }

  #makeRoom(more: number): boolean {
    try {
      if (this.#buffer === undefined) {
        const whole = join(this.#chunks);
        this.#buffer = new ArrayBuffer(0, { maxByteLength: MOST });
        this.#buffer.resize(this.#size + more);
        new Uint8Array(this.#buffer).set(whole);
        this.#chunks = [];
      }
      const needed = this.#size + more;
      if (needed > this.#buffer.byteLength) {
        this.#buffer.resize(Math.min(MOST, Math.ceil(needed + Math.max(STEP, needed / PART))));
      }
      return true;
    } catch {
      return false; // There is no memory for it.
    }
  }
}

/** The output of one stream so far. */
export class Collected {
  readonly inbox: Inbox;
  isEnded = false;
  readonly #kept: GrowingText | GrowingBytes | undefined;
  readonly #lines: LineCutter | undefined;
  readonly #onLine: ((line: string) => unknown) | undefined;
  readonly #most: number;
  readonly #slice = new TimeSlice();
  #size = 0;
  #isOver = false;
  #room: Bytes | undefined;

  constructor(inbox: Inbox, { mode, isKept = true, most = Infinity, onLine }: Collecting) {
    this.inbox = inbox;
    if (isKept) this.#kept = mode === undefined ? new GrowingBytes() : new GrowingText(mode);
    if (onLine !== undefined) this.#lines = new LineCutter(mode ?? UTF_8);
    this.#onLine = onLine;
    this.#most = most;
  }

  /** True if there was more than may be, or can be kept. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** True if there was more than may be. */
  get isTooMuch(): boolean {
    return this.#isOver && this.#size > this.#most;
  }

  /** Reads to the end, or to where it is too much. */
  async collect(): Promise<void> {
    for (let chunk; (chunk = await this.inbox.read()) !== null;) {
      await this.#tell(this.#add(chunk));
      if (this.isTooMuch) return;
    }
    await this.#tell(this.#end());
  }

  /** Where a blocked thread may read to. */
  room(): Bytes {
    return this.#room ??= new Uint8Array(PIECE);
  }

  /** Adds bytes, which are its own from now on, in a blocked thread. */
  take(chunk: Bytes): void {
    for (const line of this.#add(chunk)) this.#onLine!(line);
  }

  /** Notes that the end has been read, in a blocked thread. */
  end(): void {
    for (const line of this.#end()) this.#onLine!(line);
  }

  /**
   * The output; null where that is not kept.
   *
   * @param isPart True if there may be more: then what is no text is no error.
   */
  output(isPart: boolean): Output | null {
    if (!isPart && this.#kept instanceof GrowingText) this.#kept.end();
    return this.#kept?.soFar() ?? null;
  }

  async #tell(lines: string[]): Promise<void> {
    for (const line of lines) {
      if (this.#slice.isOver) await this.#slice.next();
      const told = this.#onLine!(line);
      // To await what is no promise would take longer than all the rest, in a flood.
      if (typeof (told as PromiseLike<unknown> | undefined)?.then === "function") await told;
    }
  }

  /** Adds bytes; gives the lines that they complete. */
  #add(chunk: Bytes): string[] {
    const fitting = chunk.subarray(0, Math.max(0, this.#most - this.#size));
    this.#size += chunk.length;
    if (fitting.length < chunk.length) this.#isOver = true;
    if (fitting.length === 0) return [];
    if (this.#kept?.add(fitting) === false) this.#isOver = true;
    return this.#lines?.cut(fitting) ?? [];
  }

  /** Notes the end; gives the line that was left. */
  #end(): string[] {
    this.isEnded = true;
    return this.#lines?.rest() ?? [];
  }
}
