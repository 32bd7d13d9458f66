/**
 * Running a program to its end.
 *
 * @module
 */
import type { Outputs, ProgramOutput } from "../core/errors.ts";
import { reached } from "../core/promises.ts";
import { type Args, checkArgs, planOf } from "./command.ts";
import type { Spawned } from "./ends.ts";
import { Inbox } from "./inbox.ts";
import {
  type CapturedOf,
  checkRun,
  type Input,
  PIPE,
  type ProgramOptions,
  type RunOptions,
  textModeOf,
} from "./options.ts";
import { CompletedProcess, expired, failure, returncodeOf } from "./result.ts";
import { start } from "./start.ts";
import { Talk } from "./talk.ts";
import { checkTree, killDescendants } from "./tree.ts";

/** How long a killed program's last output may take, when a descendant keeps the pipe open, in ms. */
export const LAST_WORDS = 50;

/** What is tried, for messages. */
export const ACTION = "run a program";
/** Of a program that has no pipes. */
export const NO_OUTPUTS: Outputs = { stdout: null, stderr: null };

/** No options. */
export type None = Record<never, never>;

/** What {@linkcode run} gives for options. */
export type Completed<O> = CompletedProcess<CapturedOf<O, "stdout">, CapturedOf<O, "stderr">>;

/**
 * Runs a program to its end.
 *
 * Reach for it first: it feeds the program, collects what it writes, and kills it when it takes too long,
 * and no full pipe can stop it. Arguments are handed over as they are: no shell looks at them. To talk
 * with a program while it runs, see {@linkcode Popen}.
 *
 * The timeout kills (SIGKILL) and reaps the program; its descendants live on, unless `tree`.
 *
 * *Permissions*: `--allow-run`; `stderr: STDOUT` needs it for `/bin/sh`, `tree` without a list.
 *
 * *Cancellation*: an abort kills the program as the timeout does.
 *
 * @param args The program and its arguments; a string is the name of the program alone, or with `shell`
 * the script.
 * @throws {CalledProcessError} `check`, and it ended with another code than 0.
 * @throws {TimeoutExpired} It took too long; with what it had written.
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
 */
export async function run<const O extends RunOptions = None>(
  args: Args,
  options?: O,
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
    const returncode = returncodeOf(await child.status);
    return completed(args, returncode, NO_OUTPUTS, given) as Completed<O>;
  }
  const talk = talkOf([child], given.input);
  await attend([child], talk, timeout, given, args);
  const returncode = returncodeOf(await child.status);
  return completed(args, returncode, talk.outputs(textModeOf(given)), given) as Completed<O>;
}

/** The conversation with children that are joined: the first is fed, the last is read. */
export function talkOf(children: Spawned[], input: Input | undefined): Talk {
  const first = children[0]!;
  const last = children.at(-1)!;
  return new Talk({
    stdin: first.stdin,
    stdout: last.stdout && new Inbox(last.stdout),
    stderr: last.stderr && new Inbox(last.stderr),
    status: last.status,
  }, input);
}

/**
 * Waits for the end of children and of what they say; kills them when their time is up.
 *
 * @throws {TimeoutExpired} Their time was up.
 * @throws {unknown} The reason of the abort, or what the stream of the input threw.
 */
export async function attend(
  children: Spawned[],
  talk: Talk,
  timeout: number,
  options: RunOptions,
  args: Args,
): Promise<void> {
  const { signal } = options;
  const isPatient = timeout === Infinity && signal === undefined;
  const statuses = children.map(({ status }) => status);
  const said = talk.run(isPatient);
  let error: unknown;
  try {
    if (await reached(Promise.all([said, ...statuses]), timeout, signal)) return;
  } catch (cause) {
    error = cause;
  }
  end(children, options);
  await Promise.all(statuses);
  await reached(said.catch(() => {}), LAST_WORDS);
  const outputs = talk.outputs(textModeOf(options), true);
  talk.cancel();
  throw error ?? expired(args, timeout, outputs);
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

/** The options with the streams that `input` and `captureOutput` ask for. */
export function streamsOf(options: RunOptions): ProgramOptions {
  return {
    ...options,
    ...(options.input === undefined ? {} : { stdin: PIPE }),
    ...(options.captureOutput ? { stdout: PIPE, stderr: PIPE } : {}),
  };
}

/** Kills children, and their descendants if that is asked for. */
export function end(children: Spawned[], { tree, detached }: RunOptions): void {
  for (const child of children) {
    if (tree) killDescendants(child.pid, detached ?? false);
    child.kill("SIGKILL");
  }
}

/** Whether there is anything to write or read. */
export function hasPipes({ stdin, stdout, stderr }: Spawned): boolean {
  return stdin !== null || stdout !== null || stderr !== null;
}
