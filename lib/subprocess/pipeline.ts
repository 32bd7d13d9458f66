/**
 * Programs in a row, each reading what the one before it writes.
 *
 * @module
 */
import { show } from "../core/checks.ts";
import type { ProgramOutput } from "../core/errors.ts";
import { exitcodeOf } from "../core/signals.ts";
import { type Args, checkArgs, planOf } from "./command.ts";
import type { SpawnedProgram } from "./stdio/stdio.ts";
import { Inbox } from "./stdio/inbox.ts";
import { checkRun, type OutputOf, PIPE, type ProgramOptions, type RunOptions } from "./options.ts";
import { CompletedProcess, failure } from "./result.ts";
import { type Captures, communicationOf, finish, streamsOf } from "./run.ts";
import { start } from "./spawn/spawn.ts";
import { checkTree } from "./tree.ts";

const ACTION = "run a pipeline";

/** A pipeline that has ended: the result of its last program, and the return codes of all. */
export class CompletedPipeline<
  Out extends ProgramOutput = ProgramOutput,
  Err extends ProgramOutput = ProgramOutput,
> extends CompletedProcess<Out, Err> {
  /** The return codes of all its programs, in their order. */
  readonly returncodes: number[];

  /** Made by {@linkcode pipeline}. */
  constructor(args: Args, returncodes: number[], stdout: Out, stderr: Err) {
    super(args, returncodes.at(-1)!, stdout, stderr);
    this.returncodes = returncodes;
  }
}

/** The last of a list, if it is options. */
export type OptionsIn<S extends readonly unknown[]> = S extends readonly [...unknown[], infer O]
  ? O extends Args ? Record<never, never> : O
  : Record<never, never>;

/** The output on the last program's stdout: it is captured unless it leads elsewhere. */
export type OutIn<O> = O extends { stdout: "inherit" | -3 } | { captureOutput: false } ? null
  : OutputOf<O>;
/** The output on the last program's stderr. */
export type ErrIn<O> = O extends { captureOutput: true } | { stderr: typeof PIPE } ? OutputOf<O>
  : null;

/** The result of {@linkcode pipeline}. */
export type Pipelined<S extends readonly unknown[]> = CompletedPipeline<
  OutIn<OptionsIn<S>>,
  ErrIn<OptionsIn<S>>
>;

/**
 * Runs programs joined: what one writes to stdout is read by the next, as with `|` in a shell, but
 * without one.
 *
 * The options are those of {@linkcode run}: `input` and `stdin` are for the first program, `stdout`
 * and a captured stderr for the last, which `onLine` is told of and `maxOutput` is for, everything
 * else for each. Unlike `run()`, it captures the last stdout unless told otherwise. `check` looks
 * at the last program: one whose reader has left is killed by SIGPIPE, and that is no failure. The
 * timeout and an abort kill all of them.
 *
 * @param stages The programs with their arguments, then the options.
 * @throws {CalledProcessError} `check`, and the last program ended with another code than 0.
 * @throws {TimeoutExpired} They took too long; with what the last had written.
 * @throws {Deno.errors.NotFound} There is no such program; those before it are killed.
 *
 * @example Count words
 * ```ts
 * import { pipeline } from "@switchyard/switchyard/subprocess";
 *
 * const count = ["wc", "-w"];
 * const { stdout, returncodes } = await pipeline(["echo", "one two"], count, { text: true });
 * console.log(stdout.trim(), returncodes); // 2 [ 0, 0 ]
 * ```
 */
export async function pipeline<const S extends readonly (Args | RunOptions)[]>(
  ...stages: S
): Promise<Pipelined<S>> {
  const [programs, options] = split(stages);
  const timeout = checkRun(options, ACTION);
  if (options.tree) checkTree(ACTION);
  options.signal?.throwIfAborted();
  const children: SpawnedProgram[] = [];
  try {
    startAll(programs, options, children);
  } catch (cause) {
    for (const child of children) abandon(child);
    await Promise.all(children.map(({ status }) => status));
    throw cause;
  }
  const communication = communicationOf(children, options, capturesOf(options));
  const args = programs.map((program) => program.join(" ")).join(" | ");
  const { stdout, stderr } = await finish(children, communication, timeout, options, args);
  const statuses = await Promise.all(children.map(({ status }) => status));
  const codes = statuses.map((status) => exitcodeOf(status));
  if (options.check && codes.at(-1) !== 0) {
    throw failure(programs.at(-1)!, codes.at(-1)!, { stdout, stderr });
  }
  return new CompletedPipeline(args, codes, stdout, stderr) as unknown as Pipelined<S>;
}

/** Which streams of the last program are to be in the result. */
function capturesOf({ captureOutput, stdout, stderr }: RunOptions): Captures {
  return {
    stdout: captureOutput !== false || stdout === PIPE,
    stderr: captureOutput === true || stderr === PIPE,
  };
}

function split(stages: readonly (Args | RunOptions)[]): [programs: string[][], RunOptions] {
  const last = stages.at(-1);
  const hasOptions = typeof last === "object" && !Array.isArray(last);
  const programs = hasOptions ? stages.slice(0, -1) : stages;
  if (programs.length === 0) {
    throw new TypeError(`Cannot ${ACTION}: it must have a program, received ${show(stages)}`);
  }
  return [
    programs.map((program) => checkArgs(program, ACTION)),
    hasOptions ? last as RunOptions : {},
  ];
}

function startAll(programs: string[][], options: RunOptions, children: SpawnedProgram[]): void {
  const plans = programs.map((program, index) =>
    planOf(program, stageOptions(options, index === 0, index === programs.length - 1), ACTION)
  );
  for (const [index, plan] of plans.entries()) {
    if (index > 0) plan.stdin = new Inbox(children.at(-1)!.stdout!);
    children.push(start(plan, index < plans.length - 1));
  }
}

function abandon(child: SpawnedProgram): void {
  child.kill("SIGKILL");
  child.stdin?.close();
  child.stdout?.cancel();
  child.stderr?.cancel();
}

/** The options of one program in the row. */
function stageOptions(options: RunOptions, isFirst: boolean, isLast: boolean): ProgramOptions {
  const streams = streamsOf(options);
  const { stdin, stdout, stderr, ...rest } = streams;
  const captures = options.captureOutput !== false;
  const last = stdout ?? (captures ? PIPE : "inherit");
  return {
    ...rest,
    stdin: isFirst ? stdin ?? "inherit" : PIPE,
    stdout: isLast ? last : PIPE,
    stderr: stderr === PIPE && !isLast ? "inherit" : stderr ?? "inherit",
  };
}
