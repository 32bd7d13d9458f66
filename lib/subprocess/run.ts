/**
 * Running a program to its end.
 *
 * @module
 */
import type { Outputs, ProgramOutput } from "../core/errors.ts";
import { reached } from "../core/promises.ts";
import { exitcodeOf } from "../core/signals.ts";
import { type Args, checkArgs, planOf } from "./command.ts";
import { Collected } from "./collected.ts";
import { endAll, endingOf } from "./ending.ts";
import type { SpawnedProgram } from "./stdio/stdio.ts";
import { Inbox } from "./stdio/inbox.ts";
import {
  type CapturedOf,
  checkRun,
  PIPE,
  type ProgramOptions,
  type RunOptions,
  textModeOf,
} from "./options.ts";
import { CompletedProcess, expired, failure, overflowed } from "./result.ts";
import { start } from "./spawn/spawn.ts";
import { Communication, TOO_MUCH } from "./communication.ts";
import { checkTree } from "./tree.ts";

/**
 * The time that a killed program's last output may take, when a descendant keeps the pipe open, in
 * ms.
 */
export const LAST_WORDS = 50;

/** The action, for messages. */
export const ACTION = "run a program";
/** Of a program that has no pipes. */
export const NO_OUTPUTS: Outputs = { stdout: null, stderr: null };

/** No options. */
export type None = Record<never, never>;

/** The result of {@linkcode run} for options. */
export type Completed<O> = CompletedProcess<CapturedOf<O, "stdout">, CapturedOf<O, "stderr">>;

/**
 * Runs a program to its end.
 *
 * Reach for it first: it feeds the program, collects what it writes, and kills it when it takes too
 * long, and no full pipe can stop it. Arguments are handed over as they are: no shell looks at
 * them. To talk with a program while it runs, see {@linkcode Popen}.
 *
 * The timeout kills (SIGKILL) and reaps the program, or asks it to end and then kills it
 * (`killSignal`, `grace`); its descendants live on, unless `tree`.
 *
 * *Permissions*: `--allow-run`; `stderr: STDOUT` needs it for `/bin/sh`, `tree` without a list.
 *
 * *Cancellation*: an abort ends the program as the timeout does, and rejects once it has ended. To
 * have Ctrl-C do that, give `signal.abortOn()`.
 *
 * @param args The program and its arguments; a string is the name of the program alone, or with
 * `shell` the script.
 * @throws {CalledProcessError} `check`, and it ended with another code than 0.
 * @throws {TimeoutExpired} It took too long; with what it had written.
 * @throws {RangeError} It wrote more than `maxOutput`, or than can be kept; with what fitted, as
 * `stdout` and `stderr`.
 * @throws {Deno.errors.NotFound} There is no such program, or no such folder.
 * @throws {Deno.errors.NotCapable} A permission is missing; the message names the flag.
 *
 * @example Capture what it says
 * ```ts
 * import { run } from "@switchyard/switchyard/subprocess";
 *
 * const { returncode, stdout } = await run(["sort"], {
 *   input: "b\na\n",
 *   captureOutput: true,
 *   text: true,
 * });
 * console.log(returncode, stdout.split("\n")); // 0 [ "a", "b", "" ]
 * ```
 *
 * @example Follow it
 * ```ts
 * import { run } from "@switchyard/switchyard/subprocess";
 *
 * await run(["seq", "3"], { onLine: (line, stream) => console.log(`${stream}: ${line}`) });
 * ```
 */
export async function run<const O extends RunOptions = None>(
  args: Args,
  options?: O | RunOptions,
): Promise<Completed<O>> {
  const given: RunOptions = options ?? {};
  const list = checkArgs(args, ACTION);
  const timeout = checkRun(given, ACTION);
  if (given.tree) checkTree(ACTION);
  given.signal?.throwIfAborted();
  const plan = planOf(list, streamsOf(given), ACTION);
  const mayWait = timeout === Infinity && given.signal === undefined;
  const child = start(plan);
  if (!hasPipes(child) && mayWait) {
    // With nothing to do but wait.
    const returncode = exitcodeOf(await child.status);
    return completed(args, returncode, NO_OUTPUTS, given) as Completed<O>;
  }
  const communication = communicationOf([child], given, capturesOf(given));
  const outputs = await finish([child], communication, timeout, given, args);
  return completed(args, exitcodeOf(await child.status), outputs, given) as Completed<O>;
}

/** True if each stream is in the result. */
export interface Captures {
  stdout: boolean;
  stderr: boolean;
}

/** Which streams are to be in the result. */
export function capturesOf({ captureOutput, stdout, stderr }: RunOptions): Captures {
  return {
    stdout: captureOutput === true || stdout === PIPE,
    stderr: captureOutput === true || stderr === PIPE,
  };
}

/** The conversation with children that are joined: the first is fed, the last is read. */
export function communicationOf(
  children: SpawnedProgram[],
  options: RunOptions,
  captures: Captures,
): Communication {
  const { onLine } = options;
  const last = children.at(-1)!;
  const collected = (stream: "stdout" | "stderr") =>
    last[stream] && new Collected(new Inbox(last[stream]), {
      mode: textModeOf(options),
      isKept: captures[stream],
      most: options.maxOutput,
      onLine: onLine && ((line) => onLine(line, stream)),
    });
  const ends = { stdin: children[0]!.stdin, status: last.status };
  return new Communication(
    { ...ends, stdout: collected("stdout"), stderr: collected("stderr") },
    options.input,
  );
}

/**
 * Waits for the end of children and of what they say; ends them when their time is up, or they say
 * too much.
 *
 * @returns What the last one has said.
 * @throws {TimeoutExpired} Their time was up.
 * @throws {RangeError} They said too much.
 * @throws {unknown} The reason of the abort, or what the stream of the input threw, or who was told
 * the lines.
 */
export async function finish(
  children: SpawnedProgram[],
  communication: Communication,
  timeout: number,
  options: RunOptions,
  args: Args,
): Promise<Outputs> {
  const said = communication.run();
  let error: unknown = TOO_LATE;
  try {
    const all = Promise.all([said, ...children.map(({ status }) => status)]);
    if (await reached(all, timeout, options.signal)) return outputsOf(communication, options, args);
  } catch (cause) {
    error = cause;
  }
  await endAll(children, endingOf(options, ACTION));
  await reached(said.catch(() => {}), LAST_WORDS);
  throw givenUp(communication, error, timeout, options, args);
}

/** Why a run is given up when its time is over. */
export const TOO_LATE: unique symbol = Symbol("too late");

/** Closes the conversation of a run that is given up; gives its error. */
export function givenUp(
  communication: Communication,
  error: unknown,
  timeout: number,
  options: RunOptions,
  args: Args,
): unknown {
  const outputs = communication.outputs(true);
  communication.cancel();
  if (error === TOO_LATE) return expired(args, timeout, outputs);
  return error === TOO_MUCH
    ? overflowed(args, communication.overflow!, options.maxOutput, outputs)
    : error;
}

/**
 * The outputs, when all has been said.
 *
 * @throws {RangeError} It is more than can be kept.
 */
export function outputsOf(communication: Communication, options: RunOptions, args: Args): Outputs {
  if (communication.overflow === undefined) return communication.outputs();
  throw overflowed(args, communication.overflow, options.maxOutput, communication.outputs(true));
}

/** The result of a run, or its error. */
export function completed(
  args: Args,
  returncode: number,
  outputs: Outputs,
  options: RunOptions,
): CompletedProcess {
  if (options.check && returncode !== 0) throw failure(args, returncode, outputs);
  return new CompletedProcess<ProgramOutput, ProgramOutput>(
    args,
    returncode,
    outputs.stdout,
    outputs.stderr,
  );
}

/** The options with the streams that `input`, `captureOutput` and `onLine` ask for. */
export function streamsOf(options: RunOptions): ProgramOptions {
  const { stdout, stderr } = options;
  return {
    ...options,
    ...(options.input === undefined ? {} : { stdin: PIPE }),
    ...(options.captureOutput ? { stdout: PIPE, stderr: PIPE } : {}),
    ...(options.onLine ? { stdout: stdout ?? PIPE, stderr: stderr ?? PIPE } : {}),
  };
}

/** True if there is anything to write or read. */
export function hasPipes({ stdin, stdout, stderr }: SpawnedProgram): boolean {
  return stdin !== null || stdout !== null || stderr !== null;
}
