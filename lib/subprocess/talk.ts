/**
 * Feeding a child and collecting what it writes, all at once, so that no full pipe stops anybody.
 *
 * A stream is *open* -> (its end is read) -> *ended*; the input is *being written* -> *closed*, when all of
 * it is written, or when the child has closed its end (EPIPE is no error here, as in Python), or when the
 * child has ended. What was collected stays when a wait is given up, and a later wait goes on from there.
 *
 * @module
 */
import type { Bytes, Sink } from "./ends.ts";
import type { Inbox } from "./inbox.ts";
import { type Input, streamOf } from "./options.ts";
import { toBytes } from "./pipe_writer.ts";
import { finish, join, type Output, type TextMode } from "./text.ts";

/** What one stream has given so far. */
export class Collected {
  readonly inbox: Inbox;
  isEnded = false;
  #chunks: Bytes[] = [];
  #room: Bytes = new Uint8Array();

  constructor(inbox: Inbox) {
    this.inbox = inbox;
  }

  add(chunk: Bytes): void {
    this.#chunks.push(chunk);
  }

  /** Where the next bytes may be written: at least one, of pieces of `size`. */
  room(size: number): Bytes {
    if (this.#room.length === 0) this.#room = new Uint8Array(size);
    return this.#room;
  }

  /** Adds what has been written to the room. */
  fill(count: number): void {
    this.add(this.#room.subarray(0, count));
    this.#room = this.#room.subarray(count);
  }

  /** Reads to the end; in one step, where it will not be asked for what there is before the end. */
  async collect(isInOneStep: boolean): Promise<void> {
    if (isInOneStep && this.inbox.canReadAll) {
      this.add(await this.inbox.readAll());
    } else {
      for (let chunk; (chunk = await this.inbox.read()) !== null;) this.add(chunk);
    }
    this.isEnded = true;
  }

  bytes(): Bytes {
    const whole = join(this.#chunks);
    this.#chunks = [whole];
    return whole;
  }
}

/** The ends of a child's pipes. */
export interface Ends {
  stdin: Sink | null;
  stdout: Inbox | null;
  stderr: Inbox | null;
  /** Settles when the child has been reaped. */
  status: Promise<unknown>;
}

/** One conversation with a child, from the input to the end of the outputs. */
export class Talk {
  readonly stdin: Sink | null;
  readonly stdout: Collected | null;
  readonly stderr: Collected | null;
  /** What is not yet written; undefined once the input is closed, or when it is a stream. */
  pending: Bytes | undefined;
  readonly #stream: ReadableStream<Uint8Array | string> | undefined;
  readonly #status: Promise<unknown>;
  #running: Promise<void> | undefined;

  constructor(ends: Ends, input: Input | undefined) {
    this.stdin = ends.stdin;
    this.stdout = ends.stdout && new Collected(ends.stdout);
    this.stderr = ends.stderr && new Collected(ends.stderr);
    this.#status = ends.status;
    this.#stream = streamOf(input);
    if (this.#stream === undefined && ends.stdin !== null) {
      this.pending = toBytes(input ?? "", "communicate");
    }
  }

  /** Whether the event loop is at work on it. */
  get isRunning(): boolean {
    return this.#running !== undefined;
  }

  /** Whether the input is a stream, which only the event loop can read. */
  get isStreamed(): boolean {
    return this.#stream !== undefined;
  }

  /**
   * Lets it go on until all is written and read.
   *
   * @param isPatient Whether it will be waited for to the end.
   * @throws {unknown} What the stream of the input throws.
   */
  run(isPatient: boolean): Promise<void> {
    return this.#running ??= this.#run(isPatient);
  }

  /** What has been collected; all of it, or what there is so far. */
  outputs(
    mode: TextMode | undefined,
    isPart = false,
  ): { stdout: Output | null; stderr: Output | null } {
    return {
      stdout: this.stdout && finish(this.stdout.bytes(), mode, isPart),
      stderr: this.stderr && finish(this.stderr.bytes(), mode, isPart),
    };
  }

  /** Closes all: what has not been read is lost. */
  cancel(): void {
    this.pending = undefined;
    this.stdin?.close();
    this.stdout?.inbox.cancel();
    this.stderr?.inbox.cancel();
  }

  async #run(isPatient: boolean): Promise<void> {
    const [fed, ...read] = await Promise.allSettled([
      this.#feed(),
      this.stdout?.collect(isPatient),
      this.stderr?.collect(isPatient),
    ]);
    for (const result of [...read, fed]) {
      if (result.status === "rejected") throw result.reason;
    }
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

  async #feedStream(stream: ReadableStream<Uint8Array | string>, stdin: Sink): Promise<void> {
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
