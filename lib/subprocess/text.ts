/**
 * From bytes to text: as they come, line by line, and the whole.
 *
 * @module
 */
import type { ProgramOutput } from "../core/errors.ts";

/** The output of a program, in one of the two forms. */
export type Output = Uint8Array<ArrayBuffer> | string;

/** The way in which output is turned into text; undefined leaves it bytes. */
export interface TextMode {
  /** The encoding's label. */
  encoding: string;
  /** True if what is no text in that encoding is an error; else it becomes U+FFFD. */
  isStrict: boolean;
}

/** The decoding of lines when the program was not started in text mode. */
export const UTF_8: TextMode = { encoding: "utf-8", isStrict: false };

/** The most characters that V8 puts in one string. */
const LONGEST = 2 ** 29 - 24;
const LF = 10;
const CR = 13;

/** A decoder that keeps what a chunk begins for the next one. */
export function decoderOf({ encoding, isStrict }: TextMode): TextDecoder {
  return new TextDecoder(encoding, { fatal: isStrict, ignoreBOM: true });
}

/** Joins chunks. */
export function join(chunks: Uint8Array<ArrayBuffer>[]): Uint8Array<ArrayBuffer> {
  if (chunks.length === 1) return chunks[0]!;
  const whole = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** The text of an output, for messages. */
export function asText(output: ProgramOutput): string {
  if (typeof output === "string") return output;
  return output === null ? "" : new TextDecoder().decode(output);
}

/**
 * Text that grows by bytes. As in Python, it has no ends of lines but `\n`.
 *
 * It is decoded as it comes: at the end, when there may be hundreds of megabytes of it, somebody
 * waits.
 */
export class GrowingText {
  readonly #decoder: TextDecoder;
  /** Of strict text: sees whether it is text at all. */
  readonly #check: TextDecoder | undefined;
  #text = "";
  /** A `\r` at the end, of which is not yet known whether a `\n` follows. */
  #tail = "";
  #fault: unknown;

  constructor(mode: TextMode) {
    this.#decoder = decoderOf({ ...mode, isStrict: false });
    this.#check = mode.isStrict ? decoderOf(mode) : undefined;
  }

  /** Adds what the bytes say; false when it does not fit. */
  add(bytes: Uint8Array<ArrayBuffer>): boolean {
    this.#examine(bytes);
    return this.#append(this.#decoder.decode(bytes, { stream: true }));
  }

  /**
   * Says that no more comes.
   *
   * @throws {TypeError} It is no text, and was to be strict.
   */
  end(): void {
    this.#examine();
    this.#append(this.#decoder.decode());
    this.#text += this.#tail.replace("\r", "\n");
    this.#tail = "";
    if (this.#fault !== undefined) throw this.#fault;
  }

  /** The text so far; without a character that has only begun. */
  soFar(): string {
    return this.#text;
  }

  #append(piece: string): boolean {
    let text = this.#tail + piece;
    this.#tail = "";
    if (text.includes("\r")) {
      if (text.endsWith("\r")) {
        this.#tail = "\r";
        text = text.slice(0, -1);
      }
      text = text.replaceAll(/\r\n?/g, "\n");
    }
    const room = LONGEST - 1 - this.#text.length;
    const fits = text.length <= room;
    this.#text += fits ? text : text.slice(0, room);
    return fits;
  }

  #examine(bytes?: Uint8Array<ArrayBuffer>): void {
    if (this.#check === undefined || this.#fault !== undefined) return;
    try {
      this.#check.decode(bytes, { stream: bytes !== undefined });
    } catch (fault) {
      this.#fault = fault;
    }
  }
}

/** Cuts text into lines as it comes. */
export class LineCutter {
  readonly #decoder: TextDecoder;
  #rest = "";

  constructor(mode: TextMode) {
    this.#decoder = decoderOf(mode);
  }

  /**
   * The lines that the bytes complete, without their ends.
   *
   * @throws {TypeError} It is no text, and was to be strict.
   * @throws {RangeError} A line is longer than a string can be.
   */
  cut(bytes: Uint8Array<ArrayBuffer>): string[] {
    const text = this.#decoder.decode(bytes, { stream: true });
    if (!text.includes("\n")) {
      this.#rest += text;
      return [];
    }
    const lines = text.split("\n");
    lines[0] = this.#rest + lines[0];
    this.#rest = lines.pop()!;
    return lines.map((line) => line.endsWith("\r") ? line.slice(0, -1) : line);
  }

  /** The rest at the end, if there is any: a line without an end. */
  rest(): string[] {
    const rest = this.#rest + this.#decoder.decode();
    this.#rest = "";
    return rest === "" ? [] : [rest];
  }
}

/** Where lines end in bytes of an encoding. */
export class LineEnds {
  /**
   * The number of bytes of an end of line: an odd number of bytes is half a character of UTF-16.
   */
  readonly width: number;
  readonly #isBigEndian: boolean;

  constructor({ encoding }: TextMode) {
    const name = new TextDecoder(encoding).encoding;
    this.width = name.startsWith("utf-16") ? 2 : 1;
    this.#isBigEndian = name === "utf-16be";
  }

  /** Where the first line of the bytes ends, and its end does; -1 if it does not. */
  next(bytes: Uint8Array<ArrayBuffer>): number {
    if (this.width === 1) return bytes.indexOf(LF);
    const [low, high] = this.#isBigEndian ? [1, 0] : [0, 1];
    for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) {
      if (at % 2 === low && bytes[at - low + high] === 0) return at - low;
    }
    return -1;
  }

  /** A line without the `\r` that it may end with. */
  trim(line: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const last = line.subarray(-this.width);
    const isReturn = this.width === 1
      ? last[0] === CR
      : last[this.#isBigEndian ? 1 : 0] === CR && last[this.#isBigEndian ? 0 : 1] === 0;
    return isReturn ? line.subarray(0, -this.width) : line;
  }
}
