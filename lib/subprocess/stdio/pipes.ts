/**
 * All pipes to one child: their ends as the user has them, and the one conversation over them.
 *
 * @module
 */
import { show } from "../../core/checks.ts";
import type { Outputs } from "../../core/errors.ts";
import { Collected } from "../collected.ts";
import type { SpawnedProgram } from "./stdio.ts";
import type { Hold } from "../hold.ts";
import { checkInput, type Input } from "../options.ts";
import { inboxOf, PipeReader } from "./pipe_reader.ts";
import { PipeWriter } from "./pipe_writer.ts";
import { Communication } from "../communication.ts";
import type { TextMode } from "../text.ts";

/** The pipes to a child. */
export class Pipes {
  readonly stdin: PipeWriter | null;
  readonly stdout: PipeReader | null;
  readonly stderr: PipeReader | null;
  readonly #child: SpawnedProgram;
  readonly #mode: TextMode | undefined;
  #communication: Communication | undefined;

  constructor(child: SpawnedProgram, mode: TextMode | undefined, hold: Hold) {
    this.stdin = child.stdin && new PipeWriter(child.stdin, hold);
    this.stdout = child.stdout && new PipeReader(child.stdout, hold, mode);
    this.stderr = child.stderr && new PipeReader(child.stderr, hold, mode);
    this.#child = child;
    this.#mode = mode;
  }

  /** The child has ended: nobody reads its input, and what it has left is read ahead. */
  settle(): void {
    this.#child.stdin?.close();
    for (const reader of this.#readers()) inboxOf(reader).drain().catch(() => {});
  }

  /** Closes them; what has not been read is lost. */
  close(): void {
    this.#child.stdin?.close();
    for (const reader of this.#readers()) reader.close();
  }

  /**
   * The conversation: begun with `input`, or gone on with, without.
   *
   * @param status Settles when the child has ended.
   */
  communicate(input: Input | undefined, status: Promise<unknown>): Communication {
    const action = "communicate";
    checkInput(input, action);
    const { stdin } = this.#child;
    if (input !== undefined && this.#communication !== undefined) {
      throw new Error(`Cannot ${action}: the input has been given already`);
    }
    if (input !== undefined && stdin === null) {
      throw new TypeError(
        `Cannot ${action}: stdin must be PIPE to give input, received ${show(input)}`,
      );
    }
    const mode = this.#mode;
    const collected = (reader: PipeReader | null) =>
      reader && new Collected(inboxOf(reader), { mode });
    return this.#communication ??= new Communication({
      stdin,
      stdout: collected(this.stdout),
      stderr: collected(this.stderr),
      status,
    }, input);
  }

  /** The stream that has said more than can be kept. */
  get overflow(): "stdout" | "stderr" | undefined {
    return this.#communication?.overflow;
  }

  /** The outputs; all of it, or what there is so far. */
  said(isPart = false): Outputs {
    return this.#communication?.outputs(isPart) ?? { stdout: null, stderr: null };
  }

  #readers(): PipeReader[] {
    return [this.stdout, this.stderr].filter((reader) => reader !== null);
  }
}
