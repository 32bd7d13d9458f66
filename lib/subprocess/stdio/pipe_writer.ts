/**
 * A child's input, as its parent writes it.
 *
 * @module
 */
import { show } from "../../core/checks.ts";
import { INSPECT, shown } from "../../core/inspect.ts";
import type { Bytes, WriteEnd } from "./stdio.ts";
import type { Hold } from "../hold.ts";

const encoder = new TextEncoder();

/** Text or bytes, as bytes. */
export function toBytes(data: unknown, action: string): Bytes {
  if (typeof data === "string") return encoder.encode(data);
  if (data instanceof Uint8Array) {
    return data.buffer instanceof ArrayBuffer ? data as Bytes : new Uint8Array(data);
  }
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  throw new TypeError(`Cannot ${action}: data must be text or bytes, received ${show(data)}`);
}

/**
 * The input of a running program: a WritableStream of text and bytes, and {@linkcode write} for
 * short.
 *
 * Reach for it in a dialogue: write, then read the answer. To give all of it at once, use
 * `communicate()`, which also reads meanwhile: a program whose output nobody reads stops, and then
 * takes no input either.
 *
 * @example A dialogue
 * ```ts
 * import { PIPE, Popen } from "@switchyard/switchyard/subprocess";
 * import { assertEquals } from "@std/assert";
 *
 * const cat = new Popen(["cat"], { stdin: PIPE, stdout: PIPE, text: true });
 * await cat.stdin.write("hello\n");
 * assertEquals(await cat.stdout.readline(), "hello");
 * await cat.stdin.close();
 * await cat.wait();
 * ```
 */
export class PipeWriter extends WritableStream<string | Uint8Array | ArrayBuffer> {
  readonly #end: WriteEnd;
  readonly #hold: Hold;

  /** Made by Popen. */
  constructor(end: WriteEnd, hold: Hold) {
    super({
      write: (data) => hold.during(end.write(toBytes(data, "write to the program"))),
      close: () => hold.during(end.close()),
      abort: () => end.close(),
    });
    this.#end = end;
    this.#hold = hold;
  }

  /**
   * Writes text or bytes; settles when the pipe has taken them.
   *
   * @throws {Deno.errors.BrokenPipe} The program has ended, or closed its input.
   */
  async write(data: string | Uint8Array | ArrayBuffer): Promise<void> {
    await this.#hold.during(this.#end.write(toBytes(data, "write to the program")));
  }

  /** Closes the input: the program reads to the end of what was written, and then sees the end. */
  override async close(): Promise<void> {
    await this.#hold.during(this.#end.close());
  }

  /** @ignore */
  [INSPECT](): string {
    return shown(this, () => [this.locked ? "locked" : ""]);
  }
}
