/**
 * From what the caller names to what is started.
 *
 * @module
 */
import { show } from "../core/checks.ts";
import type { CommandPlan, StdioTarget } from "./stdio/stdio.ts";
import { joined, SHELL } from "./stdio/joined.ts";
import { DEVNULL, PIPE, type ProgramOptions, type Redirect, STDOUT } from "./options.ts";
import { inboxOf, PipeReader } from "./stdio/pipe_reader.ts";

const isWindows = Deno.build.os === "windows";
/** The shell of Windows. */
const CMD = "cmd.exe";

/** The program and its arguments, or the name or script alone. */
export type Args = string | readonly string[];

/** Checks the program and its arguments, and gives them as a list. */
export function checkArgs(args: unknown, action: string): string[] {
  const list = typeof args === "string" ? [args] : args;
  if (!Array.isArray(list)) {
    throw new TypeError(
      `Cannot ${action}: args must be a string or an array of strings, received ${show(args)}`,
    );
  }
  if (list.length === 0 || list[0] === "") {
    throw new TypeError(`Cannot ${action}: args must name a program, received ${show(args)}`);
  }
  for (const [index, item] of list.entries()) {
    if (typeof item !== "string" || item.includes("\0")) {
      throw new TypeError(
        `Cannot ${action}: args[${index}] must be a string without NUL, received ${show(item)}`,
      );
    }
  }
  return [...list];
}

/**
 * Makes the plan of a start.
 *
 * @throws {TypeError} A stream cannot lead where it is to lead.
 */
export function planOf(list: string[], options: ProgramOptions, action: string): CommandPlan {
  const isRaw = options.shell === true && isWindows;
  const [program, ...args] = !options.shell ? list : isRaw ? cmd(list) : [SHELL, "-c", ...list];
  const isJoined = options.stderr === STDOUT;
  checkStdout(options.stdin, "stdin", action);
  checkStdout(options.stdout, "stdout", action);
  if (isWindows && isJoined) {
    throw new Deno.errors.NotSupported(
      `Cannot ${action}: stderr cannot be STDOUT on Windows; use shell, and 2>&1 in the script`,
    );
  }
  const plan: CommandPlan = {
    name: program!,
    program: program!,
    args,
    isRaw,
    cwd: options.cwd,
    env: options.env,
    extendsEnv: options.extendEnv ?? false,
    stdin: stdioOf(options.stdin, "stdin", action),
    stdout: stdioOf(options.stdout, "stdout", action),
    stderr: isJoined ? "inherit" : stdioOf(options.stderr, "stderr", action),
    detached: options.detached ?? false,
  };
  return isJoined ? joined(plan, options.shell ?? false) : plan;
}

/**
 * The command by which Windows' shell runs a script as it is written: it takes the quotation marks
 * around it off, and reads no registry keys of the user's before.
 */
function cmd([script]: string[]): string[] {
  return [CMD, "/d", "/s", "/c", `"${script}"`];
}

function stdioOf(redirect: Redirect | undefined, stream: string, action: string): StdioTarget {
  if (redirect === undefined || redirect === "inherit") return "inherit";
  if (redirect === PIPE) return "piped";
  if (redirect === DEVNULL) return "null";
  if (redirect instanceof PipeReader && stream === "stdin") return inboxOf(redirect);
  if (typeof redirect === "number" && Number.isInteger(redirect) && redirect >= 0) return redirect;
  throw new TypeError(
    `Cannot ${action}: ${stream} must be PIPE, DEVNULL, ${
      stream === "stderr" ? "STDOUT, " : stream === "stdin" ? "a Popen's stdout, " : ""
    }"inherit" or a file descriptor, received ${show(redirect)}`,
  );
}

function checkStdout(redirect: Redirect | undefined, stream: string, action: string): void {
  if (redirect !== STDOUT) return;
  throw new TypeError(`Cannot ${action}: STDOUT is for stderr, received as ${stream}`);
}
