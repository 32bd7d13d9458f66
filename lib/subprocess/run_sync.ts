/**
 * Running a program to its end while the thread is blocked.
 *
 * @module
 */
import { show } from "../core/checks.ts";
import { checkBlocking, endSync, talkSync } from "./blocked.ts";
import { type Args, candidatesOf, checkArgs, explain, planOf } from "./command.ts";
import { commandOptions } from "./deno_child.ts";
import type { Plan } from "./ends.ts";
import { checkRun, type Input, type RunSyncOptions, streamOf, textModeOf } from "./options.ts";
import { type CompletedProcess, expired, returncodeOf } from "./result.ts";
import {
  ACTION,
  type Completed,
  completed,
  end,
  hasPipes,
  LAST_WORDS,
  type None,
  streamsOf,
  talkOf,
} from "./run.ts";
import { start } from "./start.ts";
import { finish } from "./text.ts";
import { checkTree } from "./tree.ts";

/**
 * As {@linkcode run}, but blocks the calling thread.
 *
 * *Permissions*: with `input` or `timeout` also `--allow-ffi` and `--allow-env`, and `--allow-run`
 * without a list, on Linux.
 *
 * @throws {TypeError} The input is a stream, which a blocked thread cannot read.
 */
export function runSync<const O extends RunSyncOptions = None>(
  args: Args,
  options?: O,
): Completed<O> {
  const given: RunSyncOptions = options ?? {};
  const list = checkArgs(args, ACTION);
  const timeout = checkRun(given, ACTION);
  if (given.tree) checkTree(ACTION);
  const input = readSync(given.input);
  const plan = planOf(list, streamsOf(given), ACTION);
  const isSimple = [plan.stdin, plan.stdout, plan.stderr].every((stdio) =>
    typeof stdio === "string"
  );
  if (isSimple && input === undefined && timeout === Infinity && !plan.detached) {
    return runSimply(plan, given, args) as Completed<O>;
  }
  checkBlocking("run");
  const child = start(plan, true);
  const mode = textModeOf(given);
  if (hasPipes(child) && !child.hasDescriptors) {
    child.kill("SIGKILL");
    checkBlocking("run", false);
  }
  const talk = talkOf([child], input);
  const deadline = performance.now() + timeout;
  const awaited = { pid: child.pid, known: () => null };
  const isDone = talkSync(talk, deadline);
  const returncode = isDone ? endSync(awaited, deadline) : null;
  if (returncode === null) {
    end([child], given);
    endSync(awaited, Infinity);
    talkSync(talk, performance.now() + LAST_WORDS);
    talk.cancel();
    throw expired(args, timeout, talk.outputs(mode, true));
  }
  return completed(args, returncode, talk.outputs(mode), given) as Completed<O>;
}

/** Deno can do this alone, with `--allow-run` only. */
function runSimply(plan: Plan, options: RunSyncOptions, args: Args): CompletedProcess {
  let failed: unknown;
  for (const program of candidatesOf(plan)) {
    try {
      const { stdin, ...rest } = commandOptions(plan);
      const ended = new Deno.Command(program, {
        ...rest,
        stdin: stdin === "piped" ? "null" : stdin ?? "null",
      }).outputSync();
      const mode = textModeOf(options);
      return completed(args, returncodeOf(ended), {
        stdout: plan.stdout === "piped" ? finish(ended.stdout, mode) : null,
        stderr: plan.stderr === "piped" ? finish(ended.stderr, mode) : null,
      }, options);
    } catch (cause) {
      failed = cause;
      if (!(cause instanceof Deno.errors.NotFound)) break;
    }
  }
  throw failed instanceof Error && failed.name === "CalledProcessError"
    ? failed
    : explain(failed, plan);
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
