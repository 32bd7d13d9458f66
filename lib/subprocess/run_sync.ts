/**
 * Running a program to its end while the thread is blocked.
 *
 * @module
 */
import { show } from "../core/checks.ts";
import { exitcodeOf, killedBy, namelessSignal } from "../core/signals.ts";
import { tryAll } from "./attempt.ts";
import { checkBlocking, communicateSync, endSync } from "./sync_wait.ts";
import { type Args, checkArgs, planOf } from "./command.ts";
import { commandOptions } from "./spawn/deno.ts";
import { endAllSync, endingOf } from "./ending.ts";
import type { Bytes, CommandPlan } from "./stdio/stdio.ts";
import { checkRun, type Input, type RunSyncOptions, streamOf, textModeOf } from "./options.ts";
import type { CompletedProcess } from "./result.ts";
import {
  ACTION,
  capturesOf,
  communicationOf,
  type Completed,
  completed,
  givenUp,
  hasPipes,
  LAST_WORDS,
  type None,
  outputsOf,
  streamsOf,
  TOO_LATE,
} from "./run.ts";
import { start } from "./spawn/spawn.ts";
import { GrowingText, type Output, type TextMode } from "./text.ts";
import { checkTree } from "./tree.ts";

/** The time to read before it is looked whether the program has ended, in ms. */
const TURN = 10;
const NOTHING: Bytes = new Uint8Array();

/**
 * As {@linkcode run}, but blocks the calling thread.
 *
 * *Permissions*: with `input` or `timeout` also `--allow-ffi` and `--allow-env`, and `--allow-run`
 * without a list, on Linux.
 *
 * @throws {TypeError} The input is a stream, which a blocked thread cannot read.
 *
 * @example Have what it writes
 * ```ts
 * import { runSync } from "@switchyard/switchyard/subprocess";
 * import { assertEquals } from "@std/assert";
 *
 * const { stdout } = runSync(["echo", "hello"], { captureOutput: true, text: true });
 * assertEquals(stdout, "hello\n");
 * ```
 */
export function runSync<const O extends RunSyncOptions = None>(
  args: Args,
  options?: O | RunSyncOptions,
): Completed<O> {
  const given: RunSyncOptions = options ?? {};
  const list = checkArgs(args, ACTION);
  const timeout = checkRun(given, ACTION);
  if (given.tree) checkTree(ACTION);
  const input = readSync(given.input);
  const plan = planOf(list, streamsOf(given), ACTION);
  if (isSimple(plan, given, timeout)) return runSimply(plan, given, args) as Completed<O>;
  checkBlocking("run");
  const child = start(plan, true);
  if (hasPipes(child) && !child.hasDescriptors) {
    child.kill("SIGKILL");
    checkBlocking("run", false);
  }
  const communication = communicationOf([child], { ...given, input }, capturesOf(given));
  const awaited = { pid: child.pid, known: () => null };
  const deadline = performance.now() + timeout;
  let error: unknown = TOO_LATE;
  /** Reads until all is read, or to a point in time; whether there is more to read. */
  const read = (until: number): boolean => {
    if (error !== TOO_LATE) return false;
    try {
      return !communicateSync(communication, until);
    } catch (cause) {
      error = cause;
      return false;
    }
  };
  const hasMore = read(deadline);
  const isOver = hasMore || error !== TOO_LATE;
  const returncode = isOver ? null : endSync(awaited, deadline);
  if (returncode !== null) {
    return completed(args, returncode, outputsOf(communication, given, args), given) as Completed<
      O
    >;
  }
  endAllSync(child, endingOf(given, ACTION), (until) => {
    for (;;) {
      const now = performance.now();
      // Who is killed needs no reader; who ends by itself may have much to say.
      const isTalking = until !== Infinity && read(Math.min(until, now + TURN));
      if (endSync(awaited, isTalking ? now : until) !== null) return true;
      if (now >= until) return false;
    }
  });
  read(performance.now() + LAST_WORDS);
  throw givenUp(communication, error, timeout, given, args);
}

/** True if Deno can do this alone, with `--allow-run` only, and in half the time. */
function isSimple(plan: CommandPlan, options: RunSyncOptions, timeout: number): boolean {
  const { stdin, stdout, stderr, detached } = plan;
  return stdin !== "piped" && timeout === Infinity && !detached &&
    options.onLine === undefined && options.maxOutput === undefined &&
    [stdin, stdout, stderr].every((stream) => typeof stream === "string");
}

/** Has Deno do it alone. */
function runSimply(plan: CommandPlan, options: RunSyncOptions, args: Args): CompletedProcess {
  const ended = tryAll(plan, outputSync);
  const mode = textModeOf(options);
  const outputs = {
    stdout: plan.stdout === "piped" ? outputOf(ended.stdout, mode) : null,
    stderr: plan.stderr === "piped" ? outputOf(ended.stderr, mode) : null,
  };
  return completed(args, exitcodeOf(ended), outputs, options);
}

function outputSync(plan: CommandPlan): Deno.CommandStatus & { stdout: Bytes; stderr: Bytes } {
  const isRead = plan.stdout === "piped" || plan.stderr === "piped";
  try {
    const ended = new Deno.Command(plan.program, commandOptions(plan)).outputSync();
    return {
      code: ended.code,
      success: ended.success,
      signal: ended.signal,
      stdout: plan.stdout === "piped" ? ended.stdout : NOTHING,
      stderr: plan.stderr === "piped" ? ended.stderr : NOTHING,
    };
  } catch (cause) {
    const number = namelessSignal(cause);
    if (number === undefined) throw cause;
    if (!isRead) return { ...killedBy(number), stdout: NOTHING, stderr: NOTHING };
    throw new Error(
      `a signal without a name has killed it, ${number}, and Deno has lost its output`,
      {
        cause,
      },
    );
  }
}

function outputOf(bytes: Bytes, mode: TextMode | undefined): Output {
  if (mode === undefined) return bytes;
  const text = new GrowingText(mode);
  if (!text.add(bytes)) throw new RangeError("its output is longer than a string can be");
  text.end();
  return text.soFar();
}

/** An input that a blocked thread can give. */
function readSync(input: Input | undefined): string | Uint8Array | ArrayBuffer | undefined {
  if (input instanceof Deno.FsFile) return readFileSync(input);
  if (streamOf(input) !== undefined) {
    throw new TypeError(
      `Cannot run a program and block: input must be text, bytes or a file, received ${
        show(input)
      }`,
    );
  }
  return input as string | Uint8Array | ArrayBuffer | undefined;
}

function readFileSync(file: Deno.FsFile): Uint8Array {
  let bytes = new Uint8Array(1 << 16);
  let size = 0;
  for (let count; (count = file.readSync(bytes.subarray(size))) !== null;) {
    size += count;
    if (size < bytes.length) continue;
    const larger = new Uint8Array(2 * bytes.length);
    larger.set(bytes);
    bytes = larger;
  }
  return bytes.subarray(0, size);
}
