/**
 * The end of a program: the result, or the error.
 *
 * @module
 */
import { show } from "../core/checks.ts";
import { INSPECT, shown } from "../core/inspect.ts";
import {
  CalledProcessError,
  type Outputs,
  type ProgramOutput,
  TimeoutExpired,
} from "../core/errors.ts";
import { signalName } from "../core/signals.ts";
import type { Args } from "./command.ts";
import { asText } from "./text.ts";

/** The length of stderr's end in an error's message, in characters. */
const TAIL = 500;

/**
 * A program that has ended.
 *
 * @typeParam Out What `stdout` is: bytes, text, or null when it was not captured.
 * @typeParam Err What `stderr` is.
 */
export class CompletedProcess<
  Out extends ProgramOutput = ProgramOutput,
  Err extends ProgramOutput = ProgramOutput,
> {
  /** The program and its arguments, as they were given. */
  readonly args: string | string[];
  /** Its exit code, or `-SIG` when a signal killed it. */
  readonly returncode: number;
  /** Its standard output, or null. */
  readonly stdout: Out;
  /** Its standard error, or null. */
  readonly stderr: Err;

  /** Made by {@linkcode run}. */
  constructor(args: Args, returncode: number, stdout: Out, stderr: Err) {
    this.args = copyOf(args);
    this.returncode = returncode;
    this.stdout = stdout;
    this.stderr = stderr;
  }

  /**
   * Throws unless it ended with code 0.
   *
   * @throws {CalledProcessError} It ended with another code, or was killed.
   */
  checkReturncode(): void {
    if (this.returncode !== 0) throw failure(this.args, this.returncode, this);
  }

  /** @ignore */
  [INSPECT](): string {
    return shown(this, () => [
      show(this.args),
      `returncode ${this.returncode}`,
      saidBy("stdout", this.stdout),
      saidBy("stderr", this.stderr),
    ]);
  }
}

/** The length of an output that is shown, in characters. */
const SHOWN = 60;

/** The output of a stream, in short. */
function saidBy(stream: string, output: ProgramOutput): string {
  if (output === null) return "";
  const unit = typeof output === "string" ? "characters" : "bytes";
  const text = typeof output === "string" ? output.slice(0, SHOWN + 1) : undefined;
  if (text === undefined || text.length > SHOWN) return `${stream} ${output.length} ${unit}`;
  return `${stream} ${JSON.stringify(text)}`;
}

/** The arguments as an error or a result keeps them. */
export function copyOf(args: Args): string | string[] {
  return typeof args === "string" ? args : [...args];
}

/** The error of a program that failed. */
export function failure(args: Args, returncode: number, outputs: Outputs): CalledProcessError {
  const how = returncode < 0
    ? `was killed by ${signalName(-returncode)}`
    : `ended with exit code ${returncode}`;
  const said = asText(outputs.stderr).trim().slice(-TAIL);
  const message = `Command ${show(args)} ${how}${said === "" ? "" : `: ${said}`}`;
  return new CalledProcessError(message, copyOf(args), returncode, outputs);
}

/**
 * The error of a program that wrote more than it may, or than can be kept.
 *
 * @param most The most that it may write, in bytes, if that was said.
 */
export function overflowed(
  args: Args,
  stream: "stdout" | "stderr",
  most: number | undefined,
  outputs: Outputs,
): RangeError & Outputs {
  const limit = most === undefined ? "can be kept" : `${most} bytes`;
  const error = new RangeError(`Command ${show(args)} wrote more than ${limit} to ${stream}`);
  // Not to be printed with the error: it may be gigabytes.
  return Object.defineProperties(error, {
    stdout: { value: outputs.stdout },
    stderr: { value: outputs.stderr },
  }) as RangeError & Outputs;
}

/** The error of a program that took too long. */
export function expired(args: Args, timeout: number, outputs?: Outputs): TimeoutExpired {
  const message = `Command ${show(args)} took over ${timeout} ms`;
  return new TimeoutExpired(message, copyOf(args), timeout, outputs);
}
