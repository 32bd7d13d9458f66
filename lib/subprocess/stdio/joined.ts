/**
 * Having a program's stderr lead where its stdout leads.
 *
 * Both keep their order only in one pipe. Deno.Command cannot make two streams one; a shell can,
 * which then becomes the program, and never sees its arguments as text. But shells change the
 * environment: they add variables (PWD), set some (IFS), and lose those whose names are none to
 * them (`npm.config`). So the shell does not become the program at once, but `env`, which takes
 * those out, and has these as arguments: for that moment they are to be seen in the list of
 * processes, all others never.
 *
 * @module
 */
import { explain } from "../attempt.ts";
import { commandOptions } from "../spawn/deno.ts";
import type { CommandPlan } from "./stdio.ts";

/** The shell that runs scripts, too. */
export const SHELL = "/bin/sh";
const ENV = "/usr/bin/env";
/** Runs its arguments, which it does not look at, with stderr leading where stdout leads. */
const JOINED = 'exec "$@" 2>&1';
/** The same for a program whose name `env` would take for a variable. */
const JOINED_ALONE = 'unset PWD; exec "$@" 2>&1';

/** The exit codes by which a shell says that it could not run a program. */
const NOT_FOUND = 127;
const NOT_EXECUTABLE = 126;
/** Looks for the program that its argument names, as `exec` does. */
const LOOK_UP = `set -f
case $1 in */*) [ -e "$1" ] || exit ${NOT_FOUND}; [ -f "$1" ] && [ -x "$1" ] || exit ${NOT_EXECUTABLE}; exit 0 ;; esac
IFS=:
for d in $PATH; do [ -f "\${d:-.}/$1" ] && [ -x "\${d:-.}/$1" ] && exit 0; done
exit ${NOT_FOUND}`;

/** The variables that shells add of themselves. */
const ADDED = ["PWD", "OLDPWD", "SHLVL", "_"];
/** The variables that they set to what they like. */
const SET = new Set(
  [...ADDED, "IFS", "PPID", "PS1", "PS2", "PS4", "OPTIND", "OPTARG", "OPTERR", "LINENO", "RANDOM"]
    .concat(["SRANDOM", "SECONDS", "UID", "EUID", "GROUPS", "SHELLOPTS", "HISTCMD", "DIRSTACK"])
    .concat(["FUNCNAME", "PIPESTATUS", "COMP_WORDBREAKS", "EPOCHSECONDS", "EPOCHREALTIME"]),
);
const BASH = /^BASH/;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

/**
 * A plan whose stderr leads where its stdout leads.
 *
 * @param isShell True if it is a shell already.
 */
export function joined(plan: CommandPlan, isShell: boolean): CommandPlan {
  if (plan.stdout === "null") return { ...plan, stderr: "null" };
  if (typeof plan.stdout === "number") return { ...plan, stderr: plan.stdout };
  if (!isShell) mustExist(plan);
  const command = [plan.program, ...plan.args];
  const args = plan.program.includes("=")
    ? ["-c", JOINED_ALONE, "sh", ...command]
    : ["-c", JOINED, "sh", ENV, ...restored(plan), ...command];
  return { ...plan, program: SHELL, args };
}

/** The arguments by which `env` undoes what a shell does to the environment. */
function restored({ env, extendsEnv }: CommandPlan): string[] {
  const isWhole = env !== undefined && !extendsEnv;
  const mayRead = Deno.permissions.querySync({ name: "env" }).state === "granted";
  // Without the permission nobody knows what the shell has changed of this program's environment.
  const all = { ...(isWhole || !mayRead ? {} : Deno.env.toObject()), ...env };
  const added = isWhole || mayRead ? ADDED.filter((name) => !Object.hasOwn(all, name)) : [];
  const lost = Object.entries(all).filter(([name]) =>
    SET.has(name) || BASH.test(name) || !NAME.test(name)
  );
  return [
    ...added.flatMap((name) => ["-u", name]),
    "--",
    ...lost.map(([name, value]) => `${name}=${value}`),
  ];
}

/** The shell would start, and only then miss the program: so it is asked first. */
function mustExist(plan: CommandPlan): void {
  const shell: CommandPlan = {
    ...plan,
    program: SHELL,
    args: ["-c", LOOK_UP, "sh", plan.program],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  };
  let code: number;
  try {
    ({ code } = new Deno.Command(SHELL, commandOptions(shell)).outputSync());
  } catch (cause) {
    throw explain(cause, shell);
  }
  if (code === NOT_FOUND) throw explain(new Deno.errors.NotFound("not found"), plan);
  if (code === NOT_EXECUTABLE) throw explain(new Deno.errors.PermissionDenied("denied"), plan);
}
