/**
 * The bytes of a connection. What is written in one turn goes out in one write: frames are put into
 * one of two buffers while the other is on its way, and a buffer is touched again only when all of
 * it has been written.
 *
 * A socket keeps no program alive; who waits for something that comes by it does.
 *
 * @module
 */
import { Countdown } from "../core/promises.ts";
import { ByteWriter } from "./codec/writer.ts";

/** For how long is read what the other side has said before it stopped listening, in ms. */
const GRACE = 1_000;

/** A stream of bytes in both directions: a `Deno.Conn`, or a test's. */
export interface ByteStream {
  read(into: Uint8Array): Promise<number | null>;
  write(bytes: Uint8Array): Promise<number>;
  close(): void;
  unref?(): void;
}

/** Where read bytes go: a splitter of frames. */
interface Sink {
  room(): Uint8Array;
  took(count: number): void;
}

/** Both directions of a connection. */
export class ByteSocket {
  /** What is written next; {@linkcode soon} sends it. */
  out: ByteWriter = new ByteWriter();
  /** When something was read last, by `performance.now()`. */
  lastRead: number = performance.now();
  /** When something was written last. */
  lastWritten: number = performance.now();
  #other = new ByteWriter();
  readonly #stream: ByteStream;
  #isClosed = false;
  #isWriting = false;
  #isSoon = false;
  #written: PromiseWithResolvers<void> | undefined;
  #grace: Countdown | undefined;

  constructor(stream: ByteStream) {
    this.#stream = stream;
    stream.unref?.();
  }

  /** True while bytes wait for the other side to take them. */
  get isWriting(): boolean {
    return this.#isWriting;
  }

  /**
   * Reads until the end.
   *
   * @returns What ended it: undefined if the other side did, or this one.
   */
  async read(sink: Sink): Promise<unknown> {
    try {
      for (;;) {
        const count = await this.#stream.read(sink.room());
        if (count === null || this.#isClosed) return undefined;
        this.lastRead = performance.now();
        sink.took(count);
      }
    } catch (error) {
      return this.#isClosed ? undefined : error;
    }
  }

  /** Sends what is in {@linkcode out} at the end of this turn. */
  soon(): void {
    if (this.#isSoon || this.#isWriting || this.#isClosed || this.#grace !== undefined) return;
    this.#isSoon = true;
    queueMicrotask(() => this.#write());
  }

  async #write(): Promise<void> {
    this.#isSoon = false;
    this.#isWriting = true;
    try {
      while (this.out.length > 0 && !this.#isClosed) {
        const full = this.out;
        this.out = this.#other;
        this.#other = full;
        const bytes = full.written();
        for (let at = 0; at < bytes.length;) {
          at += await this.#stream.write(at === 0 ? bytes : bytes.subarray(at));
          this.lastWritten = performance.now();
        }
        full.clear();
      }
    } catch {
      // The reading side ends as well, and may find there why.
      if (!this.#isClosed) this.#grace = new Countdown(GRACE, () => this.close()).unref();
    }
    this.#isWriting = false;
    this.#written?.resolve();
    this.#written = undefined;
  }

  /** Settles when all is written, or can never be. */
  async flushed(): Promise<void> {
    if (!this.#isSoon && !this.#isWriting) return;
    this.#written ??= Promise.withResolvers();
    await this.#written.promise;
  }

  /** Closes it; what is not written is lost. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#grace?.cancel();
    this.#stream.close();
  }
}
