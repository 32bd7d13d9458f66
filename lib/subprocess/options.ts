/**
 * The request for a program: options, their types and their checks.
 *
 * @module
 */
import {
  checkBoolean,
  checkFunction,
  checkInteger,
  checkOptions,
  checkSignal,
  checkString,
  checkTimeout,
  show,
} from "../core/checks.ts";
import { endingOf } from "./ending.ts";
import type { PipeReader } from "./stdio/pipe_reader.ts";
import { type Output, type TextMode, UTF_8 } from "./text.ts";

/** A pipe between the program and this one. */
export const PIPE: -1 = -1;
/** For `stderr`: the same as `stdout`, in the order of the writes. */
export const STDOUT: -2 = -2;
/** Nothing to read, and what is written is thrown away. */
export const DEVNULL: -3 = -3;

/**
 * Where a standard stream leads: {@linkcode PIPE}, {@linkcode DEVNULL}, {@linkcode STDOUT} (for
 * stderr), `"inherit"`, another Popen's stdout (for stdin), or a file descriptor of `node:fs`
 * (`openSync()`).
 */
export type Redirect = "inherit" | number | PipeReader;

/** Options that every way of running a program has. */
export interface ProgramOptions {
  /** Its standard input. Default: `"inherit"`. */
  stdin?: Redirect;
  /** Its standard output. Default: `"inherit"`. */
  stdout?: Redirect;
  /** Its standard error. Default: `"inherit"`. */
  stderr?: Redirect;
  /** Text instead of bytes. Default: false. */
  text?: boolean;
  /** The encoding of the text, as TextDecoder names it; implies `text`. Default: `"utf-8"`. */
  encoding?: string;
  /** The fate of bytes that are no text: U+FFFD, or a TypeError. Default: `"replace"`. */
  errors?: "replace" | "strict";
  /** Its working directory. Default: this program's. */
  cwd?: string | URL;
  /** Its whole environment, as in Python; see {@linkcode extendEnv}. Default: this program's. */
  env?: Record<string, string>;
  /** Have `env` add to this program's environment, not stand for it. Default: false. */
  extendEnv?: boolean;
  /**
   * Have `/bin/sh`, on Windows `cmd.exe`, run the string, untouched: whoever has a word in it has
   * the shell. Default: false.
   */
  shell?: boolean;
  /** Start it in a session of its own, so that Ctrl-C does not reach it. Default: false. */
  detached?: boolean;
}

/**
 * The input that {@linkcode run} can give a program to read. A stream, and a file's, is read to its
 * end, and the file is closed then.
 */
export type Input = string | Uint8Array | ArrayBuffer | ReadableStream<Uint8Array | string> | {
  /** A file's stream, as Deno.FsFile has it. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
};

/** Options of {@linkcode runSync}. */
export interface RunSyncOptions extends ProgramOptions {
  /** The content of its standard input: text, bytes, a stream or an open Deno.FsFile. */
  input?: Input;
  /** Give its stdout and stderr in the result. Default: false. */
  captureOutput?: boolean;
  /** Throw CalledProcessError when it ends with another code than 0. Default: false. */
  check?: boolean;
  /** When it is ended, in ms. Default: never. */
  timeout?: number;
  /** End its descendants too, when it is ended. Default: false. */
  tree?: boolean;
  /**
   * Called with each line as it comes, without its end (`\n` or `\r\n`), and the stream that it
   * came from. Both streams become pipes for it, unless they are told to lead elsewhere; the result
   * has what was said only where that is captured, too. What it returns is awaited before more is
   * read. When it throws, the program is ended, and that is the error of the run. Default: none.
   */
  onLine?: (line: string, stream: "stdout" | "stderr") => unknown;
  /**
   * The most bytes that each of stdout and stderr may give, if it is captured or read by `onLine`.
   * With more, the program is ended, and a RangeError has what fitted, as `stdout` and `stderr`.
   * Default: no limit; but of more than 2 GiB, or in text of more than 2^29 - 24 characters, the
   * rest is thrown away, and there is the same RangeError once the program has ended.
   */
  maxOutput?: number;
  /**
   * The signal by which it is ended at the timeout, an abort and so on. Default: `"SIGKILL"`;
   * `"SIGTERM"` with `grace`.
   */
  killSignal?: Deno.Signal;
  /** The time after which SIGKILL follows another signal, in ms. Default: 5000. */
  grace?: number;
}

/** Options of {@linkcode run}. */
export interface RunOptions extends RunSyncOptions {
  /** Kills the program; the promise is rejected with `signal.reason`. */
  signal?: AbortSignal;
}

/** Options of {@linkcode Popen}. */
export type PopenOptions = ProgramOptions;

/** Options of {@linkcode Popen.stop}. */
export interface StopOptions {
  /** The time that it has to end by itself, in ms; then it is killed. Default: 5000. */
  grace?: number;
  /** The signal that asks it to. Default: `"SIGTERM"`. */
  signal?: Deno.Signal;
  /** End its descendants too; needs `--allow-run` without a list. Default: false. */
  tree?: boolean;
}

/** Options of `waitSync()` and `communicateSync()`. */
export interface PopenWaitSyncOptions {
  /** The time to wait in ms, at least; 0 does not wait. Default: without limit. */
  timeout?: number;
}

/** Options of `wait()` and `communicate()`. */
export interface PopenWaitOptions extends PopenWaitSyncOptions {
  /** Abandons the wait: the promise is rejected with `signal.reason`. The program runs on. */
  signal?: AbortSignal;
}

/** Options of {@linkcode Popen.kill}. */
export interface KillOptions {
  /** Kill its descendants too; needs `--allow-run` without a list. Default: false. */
  tree?: boolean;
}

/** Bytes or text, as the options ask for. */
export type OutputOf<O> = 0 extends 1 & O ? string & Uint8Array<ArrayBuffer>
  : OptionIn<O, "encoding"> extends string ? string
  : OptionIn<O, "text"> extends true ? string
  : OptionIn<O, "text" | "encoding"> extends false | undefined ? Uint8Array<ArrayBuffer>
  : Output;

/** The type of an option that may not be there. */
export type OptionIn<O, Name extends string> = Name extends keyof O ? O[Name] : undefined;

/** The field of a run's result for one stream. */
export type CapturedOf<O, Name extends "stdout" | "stderr"> = OptionIn<O, "captureOutput"> extends
  true ? OutputOf<O>
  : OptionIn<O, Name> extends typeof PIPE ? OutputOf<O>
  : OptionIn<O, "captureOutput"> extends false | undefined ? EndOf<O, Name, OutputOf<O>>
  : OutputOf<O> | null;

/** The field of a stream: the end of a pipe, if it was asked for. */
export type EndOf<O, Name extends "stdin" | "stdout" | "stderr", End> = 0 extends 1 & O ? End
  : OptionIn<O, Name> extends typeof PIPE ? End
  : OptionIn<O, Name> extends "inherit" | -2 | -3 | ReadableStream | undefined ? null
  : End | null;

/** Checks what every way of running a program has. */
export function checkProgram(options: ProgramOptions, action: string): void {
  checkOptions(options, action);
  checkBoolean(options.text, "text", action);
  checkString(options.encoding, "encoding", action);
  checkBoolean(options.shell, "shell", action);
  checkBoolean(options.detached, "detached", action);
  checkEncoding(options, action);
  checkEnv(options.env, action);
  checkBoolean(options.extendEnv, "extendEnv", action);
  const { cwd } = options;
  if (cwd !== undefined && typeof cwd !== "string" && !(cwd instanceof URL)) {
    throw new TypeError(`Cannot ${action}: cwd must be a string or URL, received ${show(cwd)}`);
  }
}

/** Checks the options of a run, and gives the time it has in ms. */
export function checkRun(options: RunOptions, action: string): number {
  checkProgram(options, action);
  checkBoolean(options.captureOutput, "captureOutput", action);
  checkBoolean(options.check, "check", action);
  checkBoolean(options.tree, "tree", action);
  checkSignal(options.signal, action);
  const { input, captureOutput, stdin, stdout, stderr } = options;
  if (input !== undefined && stdin !== undefined) {
    throw new TypeError(
      `Cannot ${action}: input is given through a pipe, stdin must not be given too, ` +
        `received ${show(stdin)}`,
    );
  }
  if (captureOutput === true && (stdout !== undefined || stderr !== undefined)) {
    throw new TypeError(
      `Cannot ${action}: captureOutput makes pipes of stdout and stderr, they must not be given too, ` +
        `received ${show(stdout ?? stderr)}`,
    );
  }
  checkInput(input, action);
  checkFunction(options.onLine, "onLine", action);
  if (options.maxOutput !== undefined) checkInteger(options.maxOutput, 0, "maxOutput", action);
  endingOf(options, action);
  return checkTimeout(options.timeout, action);
}

/** The decoding of the output; undefined for bytes. */
export function textModeOf(options: ProgramOptions): TextMode | undefined {
  if (options.text !== true && options.encoding === undefined) return undefined;
  return {
    encoding: options.encoding ?? UTF_8.encoding,
    isStrict: options.errors === "strict",
  };
}

/** Checks what a program is to read. */
export function checkInput(input: unknown, action: string): void {
  const isInput = input === undefined || typeof input === "string" ||
    input instanceof Uint8Array || input instanceof ArrayBuffer || streamOf(input) !== undefined;
  if (isInput) return;
  throw new TypeError(
    `Cannot ${action}: input must be a string, bytes, a ReadableStream or a file, received ${
      show(input)
    }`,
  );
}

/** The stream of an input that is one, or has one. */
export function streamOf(input: unknown): ReadableStream<Uint8Array | string> | undefined {
  if (input instanceof ReadableStream) return input;
  if (typeof input !== "object" || input === null || !("readable" in input)) return undefined;
  return input.readable instanceof ReadableStream ? input.readable : undefined;
}

function checkEncoding({ encoding, errors }: ProgramOptions, action: string): void {
  if (errors !== undefined && !["replace", "strict"].includes(errors)) {
    throw new TypeError(
      `Cannot ${action}: errors must be "replace" or "strict", received ${show(errors)}`,
    );
  }
  if (encoding === undefined) return;
  try {
    new TextDecoder(encoding);
  } catch {
    throw new RangeError(
      `Cannot ${action}: encoding must be one that TextDecoder knows, received ${show(encoding)}`,
    );
  }
}

function checkEnv(env: unknown, action: string): void {
  if (env === undefined) return;
  if (typeof env !== "object" || env === null || Array.isArray(env)) {
    throw new TypeError(`Cannot ${action}: env must be an object, received ${show(env)}`);
  }
  for (const [name, value] of Object.entries(env)) {
    // A value may be a secret: it is in no message, nor is what follows a "=" in a name.
    const [shown] = name.split(/[=\0]/, 1);
    if (name === "" || shown !== name) {
      throw new TypeError(
        `Cannot ${action}: a name in env must not be empty or have "=" or NUL in it, received ${
          show(shown)
        }${name === "" ? "" : " and more"}`,
      );
    }
    if (typeof value !== "string") {
      throw new TypeError(
        `Cannot ${action}: env.${name} must be a string, received ${typeNameOf(value)}`,
      );
    }
    if (value.includes("\0")) {
      throw new TypeError(`Cannot ${action}: env.${name} must be a string without NUL`);
    }
  }
}

function typeNameOf(value: unknown): string {
  return value === null ? "null" : `a ${typeof value}`;
}
