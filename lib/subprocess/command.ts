/**
 * From what the caller names to what is started, and why it could not be.
 *
 * @module
 */
import { show } from "../core/checks.ts";
import type { Plan, Stdio } from "./ends.ts";
import { DEVNULL, PIPE, type ProgramOptions, type Redirect, STDOUT } from "./options.ts";
import { inboxOf, PipeReader } from "./pipe_reader.ts";

const SHELL = "/bin/sh";
/** Where programs are looked for when the environment has no PATH, as in Python. */
const DEFAULT_PATH = ["/bin", "/usr/bin"];
/** Runs its arguments, which it does not look at, with stderr leading where stdout leads. */
const JOINED = 'exec "$@" 2>&1';

/** The exit codes by which a shell says that it could not run a program. */
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;
/** Looks for the program that its argument names, as `exec` does. */
const LOOK_UP = `set -f
case $1 in */*) [ -e "$1" ] || exit ${NOT_FOUND}; [ -f "$1" ] && [ -x "$1" ] || exit ${NOT_EXECUTABLE}; exit 0 ;; esac
IFS=:
for d in $PATH; do [ -f "\${d:-.}/$1" ] && [ -x "\${d:-.}/$1" ] && exit 0; done
exit ${NOT_FOUND}`;

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
export function planOf(list: string[], options: ProgramOptions, action: string): Plan {
  const [program, ...args] = options.shell ? [SHELL, "-c", ...list] : list;
  const isJoined = options.stderr === STDOUT;
  checkStdout(options.stdin, "stdin", action);
  checkStdout(options.stdout, "stdout", action);
  if (options.shell && Deno.build.os === "windows") {
    throw new Deno.errors.NotSupported(`Cannot ${action}: shell needs ${SHELL}`);
  }
  const plan: Plan = {
    name: program!,
    program: program!,
    args,
    cwd: options.cwd,
    env: options.env,
    stdin: stdioOf(options.stdin, "stdin", action),
    stdout: stdioOf(options.stdout, "stdout", action),
    stderr: isJoined ? "inherit" : stdioOf(options.stderr, "stderr", action),
    detached: options.detached ?? false,
  };
  return isJoined ? joined(plan, options.shell ?? false) : plan;
}

/** The paths under which the program of a plan is to be tried. */
export function candidatesOf({ program, env }: Plan): string[] {
  if (program.includes("/") || env === undefined || env.PATH !== undefined) return [program];
  return DEFAULT_PATH.map((folder) => `${folder}/${program}`);
}

/** What the failure of a start means. */
export function explain(cause: unknown, { name, program, cwd }: Plan): unknown {
  if (!(cause instanceof Error)) return cause;
  const what = `Cannot run ${show(name)}`;
  if (cause instanceof Deno.errors.NotFound) {
    if (/cwd/.test(cause.message)) {
      return new Deno.errors.NotFound(`${what}: cwd is no folder, received ${show(cwd)}`, {
        cause,
      });
    }
    const where = name.includes("/")
      ? "there is no such file, or it names an interpreter that is not there"
      : "there is no program of that name in PATH";
    return new Deno.errors.NotFound(`${what}: ${where}`, { cause });
  }
  if (cause instanceof Deno.errors.NotCapable) {
    const isVariable = /environment variable/.test(cause.message);
    const need = isVariable ? cause.message : `it needs --allow-run=${program}`;
    return new Deno.errors.NotCapable(`${what}: ${need}`, { cause });
  }
  if (cause instanceof Deno.errors.PermissionDenied) {
    return new Deno.errors.PermissionDenied(`${what}: it may not be executed`, { cause });
  }
  return new Error(`${what}: ${cause.message}`, { cause });
}

function stdioOf(redirect: Redirect | undefined, stream: string, action: string): Stdio {
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

/**
 * Both outputs in one pipe keep their order only if they are one pipe. Deno.Command cannot make the
 * two streams one; a shell can, which then becomes the program, and never sees its arguments as text.
 */
function joined(plan: Plan, isShell: boolean): Plan {
  if (plan.stdout === "null") return { ...plan, stderr: "null" };
  if (typeof plan.stdout === "number") return { ...plan, stderr: plan.stdout };
  if (!isShell) mustExist(plan);
  return { ...plan, program: SHELL, args: ["-c", JOINED, "sh", plan.program, ...plan.args] };
}

/** The shell would start, and only then miss the program: so it is asked first. */
function mustExist(plan: Plan): void {
  const { program, cwd, env } = plan;
  let code: number;
  try {
    ({ code } = new Deno.Command(SHELL, {
      args: ["-c", LOOK_UP, "sh", program],
      ...(cwd === undefined ? {} : { cwd }),
      ...(env === undefined ? {} : { env, clearEnv: true }),
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).outputSync());
  } catch (cause) {
    throw explain(cause, { ...plan, program: SHELL });
  }
  if (code === NOT_FOUND) throw explain(new Deno.errors.NotFound("not found"), plan);
  if (code === NOT_EXECUTABLE) throw explain(new Deno.errors.PermissionDenied("denied"), plan);
}
