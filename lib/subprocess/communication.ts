/**
 * Feeding a child and collecting what it writes, all at once, so that no full pipe stops anybody.
 *
 * A stream is *open* -> (its end is read) -> *ended*; the input is *being written* -> *closed*,
 * when all of it is written, or when the child has closed its end (EPIPE is no error here, as in
 * Python), or when the child has ended. What was collected stays when a wait is given up, and a
 * later wait goes on from there.
 *
 * @module
 */
import type { Outputs } from "../core/errors.ts";
import type { Collected } from "./collected.ts";
import type { Bytes, WriteEnd } from "./stdio/stdio.ts";
import { type Input, streamOf } from "./options.ts";
import { toBytes } from "./stdio/pipe_writer.ts";

/** The mark that is thrown when a stream has given more than it may. */
export const TOO_MUCH: unique symbol = Symbol("too much");

/** The ends of a child's pipes. */
export interface Ends {
  stdin: WriteEnd | null;
  stdout: Collected | null;
  stderr: Collected | null;
  /** Settles when the child has been reaped. */
  status: Promise<unknown>;
}

/** One conversation with a child, from the input to the end of the outputs. */
export class Communication {
  readonly stdin: WriteEnd | null;
  readonly stdout: Collected | null;
  readonly stderr: Collected | null;
  /**
   * The input that is not yet written; undefined once the input is closed, or when it is a stream.
   */
  pending: Bytes | undefined;
  readonly #stream: ReadableStream<Uint8Array | string> | undefined;
  readonly #status: Promise<unknown>;
  #running: Promise<void> | undefined;

  constructor(ends: Ends, input: Input | undefined) {
    this.stdin = ends.stdin;
    this.stdout = ends.stdout;
    this.stderr = ends.stderr;
    this.#status = ends.status;
    this.#stream = streamOf(input);
    if (this.#stream === undefined && ends.stdin !== null) {
      this.pending = toBytes(input ?? "", "communicate");
    }
  }

  /** True if the event loop is at work on it. */
  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** True if the input is a stream, which only the event loop can read. */
  get isStreamed(): boolean {
    return this.#stream !== undefined;
  }

  /** The stream that has given more than it may, or than can be kept. */
  get overflow(): "stdout" | "stderr" | undefined {
    return this.stdout?.isOver ? "stdout" : this.stderr?.isOver ? "stderr" : undefined;
  }

  /**
   * Lets it go on until all is written and read.
   *
   * @throws {typeof TOO_MUCH} A stream has given more than it may.
   * @throws {unknown} What the stream of the input throws, or who is told the lines.
   */
  run(): Promise<void> {
    return this.#running ??= this.#run();
  }

  /** The output that has been collected; all of it, or what there is so far. */
  outputs(isPart = false): Outputs {
    return {
      stdout: this.stdout?.output(isPart) ?? null,
      stderr: this.stderr?.output(isPart) ?? null,
    };
  }

  /** Closes all: what has not been read is lost. */
  cancel(): void {
    this.pending = undefined;
    this.stdin?.close();
    this.stdout?.inbox.cancel();
    this.stderr?.inbox.cancel();
  }

  async #run(): Promise<void> {
    const broken = Promise.withResolvers<void>();
    const collect = async (output: Collected | null) => {
      await output?.collect();
      if (output?.isTooMuch) throw TOO_MUCH;
    };
    const read = [this.stdout, this.stderr].map(collect);
    // A stream that is not read any more may hold up the program: then nobody waits for the rest.
    for (const reading of read) reading.catch(broken.reject);
    const all = Promise.allSettled([this.#feed(), ...read]).then(([fed]) => {
      if (fed!.status === "rejected") throw fed!.reason;
    });
    await Promise.race([broken.promise, all]);
  }

  async #feed(): Promise<void> {
    if (this.stdin === null) return;
    try {
      if (this.#stream !== undefined) await this.#feedStream(this.#stream, this.stdin);
      else if (this.pending !== undefined && this.pending.length > 0) {
        await this.stdin.write(this.pending);
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.BrokenPipe)) throw error;
    } finally {
      this.pending = undefined;
      await this.stdin.close();
    }
  }

  async #feedStream(stream: ReadableStream<Uint8Array | string>, stdin: WriteEnd): Promise<void> {
    const reader = stream.getReader();
    let isOver = false;
    // A stream that gives nothing more must not hold up the end of a child that wants nothing more.
    this.#status.then(() => isOver = true).then(() => reader.cancel()).catch(() => {});
    try {
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        await stdin.write(toBytes(value, "write the input"));
      }
    } catch (error) {
      if (!isOver) {
        reader.cancel(error).catch(() => {});
        throw error;
      }
    } finally {
      isOver = true;
    }
  }
}
