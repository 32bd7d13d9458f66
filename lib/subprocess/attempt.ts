/**
 * Trying to start a program, and why it could not be started.
 *
 * @module
 */
import { show } from "../core/checks.ts";
import { denoSpawn } from "./spawn/deno.ts";
import type { CommandPlan } from "./stdio/stdio.ts";

/** Where programs are looked for when the environment has no PATH, as in Python. */
const DEFAULT_PATH = ["/bin", "/usr/bin"];
/** The paths under which the program of a plan is to be tried. */
export function candidatesOf({ program, env, extendsEnv }: CommandPlan): string[] {
  const hasPath = env === undefined || extendsEnv || env.PATH !== undefined;
  if (program.includes("/") || hasPath) return [program];
  return DEFAULT_PATH.map((folder) => `${folder}/${program}`);
}

/**
 * Starts the program of a plan under the first path under which it can be.
 *
 * @throws {Deno.errors.NotFound} There is no such program, or no such folder.
 * @throws {Deno.errors.NotCapable} A permission is missing; the message names the flag.
 */
export function tryAll<T>(plan: CommandPlan, start: (plan: CommandPlan) => T): T {
  const failures: unknown[] = [];
  for (const program of candidatesOf(plan)) {
    try {
      return start({ ...plan, program });
    } catch (cause) {
      failures.push(cause);
      // The permission may be for another of the paths.
      const isElsewhere = cause instanceof Deno.errors.NotFound ||
        cause instanceof Deno.errors.NotCapable;
      if (!isElsewhere) break;
    }
  }
  const refused = failures.find((cause) => cause instanceof Deno.errors.NotCapable);
  throw explain(refused ?? failures.at(-1), plan);
}

/** The error that the failure of a start means. */
export function explain(failure: unknown, plan: CommandPlan): unknown {
  const cause = failure instanceof Deno.errors.NotCapable
    ? failure
    : missingFolder(plan) ?? failure;
  if (!(cause instanceof Error)) return cause;
  const { name, cwd } = plan;
  const what = `Cannot run ${show(name)}`;
  if (cause instanceof Deno.errors.NotFound) {
    if (isAboutFolder(cause)) {
      return new Deno.errors.NotFound(`${what}: cwd is no folder, received ${show(cwd)}`, {
        cause,
      });
    }
    return new Deno.errors.NotFound(`${what}: ${whyMissing(plan)}`, { cause });
  }
  if (cause instanceof Deno.errors.NotCapable) {
    const isVariable = /environment variable/.test(cause.message);
    const need = isVariable
      ? cause.message
      : `it needs --allow-run=${candidatesOf(plan).join(" or --allow-run=")}`;
    return new Deno.errors.NotCapable(`${what}: ${need}`, { cause });
  }
  if (cause instanceof Deno.errors.PermissionDenied) {
    return new Deno.errors.PermissionDenied(`${what}: it may not be executed`, { cause });
  }
  return new Error(`${what}: ${cause.message}`, { cause });
}

function whyMissing({ name, program, args }: CommandPlan): string {
  if (name === program && args.length === 0 && /\s/.test(name)) {
    const words = name.trim().split(/\s+/).map((word) => JSON.stringify(word)).join(", ");
    return "a string is the name of a program, not a line for a shell; " +
      `give an array, [${words}], or set shell: true`;
  }
  return name.includes("/")
    ? "there is no such file, or it names an interpreter that is not there"
    : "there is no program of that name in PATH";
}

/**
 * That the folder is missing, if it is: only Deno.Command's spawn() says so, all else blames the
 * program.
 */
function missingFolder(plan: CommandPlan): unknown {
  if (plan.cwd === undefined) return undefined;
  for (const program of candidatesOf(plan)) {
    try {
      denoSpawn({ ...plan, program, stdin: "null", stdout: "null", stderr: "null" })
        .kill("SIGKILL");
      return undefined;
    } catch (cause) {
      if (cause instanceof Deno.errors.NotFound && isAboutFolder(cause)) return cause;
    }
  }
  return undefined;
}

function isAboutFolder({ message }: Error): boolean {
  return /\bcwd\b/.test(message);
}
