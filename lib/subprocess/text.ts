/**
 * From bytes to text: lines as they come, and the whole at the end.
 *
 * @module
 */
import type { ProgramOutput } from "../core/errors.ts";

/** What a program writes, in one of the two forms. */
export type Output = Uint8Array<ArrayBuffer> | string;

/** How output is turned into text; undefined leaves it bytes. */
export interface TextMode {
  /** The encoding's label. */
  encoding: string;
  /** Whether what is no text in that encoding is an error; else it becomes U+FFFD. */
  isStrict: boolean;
}

/** What `lines()` decodes with when the program was not started in text mode. */
export const UTF_8: TextMode = { encoding: "utf-8", isStrict: false };

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

/**
 * What was read, in the form that was asked for. As in Python, text has no ends of lines but `\n`.
 *
 * @param isPart Whether there may be more: then a character that is not whole is left out, and what is no
 * text is no error.
 */
export function finish(
  bytes: Uint8Array<ArrayBuffer>,
  mode: TextMode | undefined,
  isPart = false,
): Output {
  if (mode === undefined) return bytes;
  const decoder = decoderOf(isPart ? { ...mode, isStrict: false } : mode);
  const text = decoder.decode(bytes, { stream: isPart });
  return text.includes("\r") ? text.replaceAll(/\r\n?/g, "\n") : text;
}

/** The text of an output, for messages. */
export function asText(output: ProgramOutput): string {
  if (typeof output === "string") return output;
  return output === null ? "" : new TextDecoder().decode(output);
}
