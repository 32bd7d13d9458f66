/**
 * Niceness: how readily a process lets others go first.
 *
 * The calls are those of `node:os`, which know every platform. On Linux niceness is each kernel
 * thread's own, so all threads of the process are set where they can be listed.
 *
 * @module
 */
import { show } from "../core/checks.ts";
import { builtin } from "../core/node.ts";

/** The least nice, and the most nice. */
const FIRST = -20;
const LAST = 19;

function checkWhole(value: unknown, argument: string, action: string): asserts value is number {
  if (typeof value !== "number") {
    throw new TypeError(`Cannot ${action}: ${argument} must be a number, received ${show(value)}`);
  }
  if (!Number.isInteger(value)) {
    throw new RangeError(`Cannot ${action}: ${argument} must be an integer, received ${value}`);
  }
}

function checkPid(pid: unknown, action: string): asserts pid is number {
  checkWhole(pid, "pid", action);
  if (pid < 0 || pid > 0x7fffffff) {
    throw new RangeError(`Cannot ${action}: pid must be an integer >= 0, received ${pid}`);
  }
}

/**
 * Adds to the niceness of this process, or tells it.
 *
 * Reach for it so that long work lets everything else go first: a niceness of 19 takes what nobody
 * else wants. What this process starts afterwards begins with the same. Only a privileged user may
 * lower it, also not back to what it was.
 *
 * *Permissions*: `--allow-sys=getPriority,setPriority`. On Linux all threads of the process are set
 * if `--allow-all` lets them be listed, else the calling one alone.
 *
 * @param increment What to add; the result is kept from -20 to 19. Default: 0, which only tells.
 * @returns The niceness that now applies.
 * @throws {Deno.errors.PermissionDenied} The system does not let this user lower it.
 * @throws {Deno.errors.NotCapable} `--allow-sys` is missing.
 * @throws {TypeError | RangeError} `increment` is no integer.
 *
 * @example How nice am I?
 * ```ts
 * import { nice } from "@switchyard/switchyard/os";
 *
 * console.log(nice()); // 0, as a rule
 * ```
 */
export function nice(increment?: number): number {
  increment ??= 0;
  checkWhole(increment, "increment", "change the niceness");
  const before = getpriority(0);
  if (increment === 0) return before;
  renice(Deno.pid, before + increment);
  return getpriority(0);
}

/**
 * The niceness of a process, from -20 (goes first) to 19 (lets others go first).
 *
 * *Permissions*: `--allow-sys=getPriority`.
 *
 * @param pid The process; 0 for this one.
 * @throws {Deno.errors.NotFound} There is no such process.
 * @throws {Deno.errors.NotCapable} `--allow-sys` is missing.
 * @throws {TypeError | RangeError} `pid` is no integer >= 0.
 */
export function getpriority(pid: number): number {
  const action = `get the niceness of ${show(pid)}`;
  checkPid(pid, action);
  try {
    return builtin("os").getPriority(pid);
  } catch (cause) {
    throw explain(cause, action, "getPriority");
  }
}

/**
 * Sets the niceness of a process. Otherwise as {@linkcode nice}.
 *
 * @param pid The process; 0 for this one.
 * @param n Its niceness from now on; kept from -20 to 19.
 * @throws {Deno.errors.NotFound} There is no such process.
 * @throws {Deno.errors.PermissionDenied} It belongs to another user, or the system does not let
 *   this one lower it.
 * @throws {Deno.errors.NotCapable} `--allow-sys` is missing.
 * @throws {TypeError | RangeError} An argument is no integer.
 */
export function renice(pid: number, n: number): void {
  const action = `set the niceness of ${show(pid)} to ${show(n)}`;
  checkPid(pid, action);
  checkWhole(n, "n", action);
  const priority = Math.min(Math.max(n, FIRST), LAST);
  const threads = pid === 0 ? threadsOf(Deno.pid) : threadsOf(pid);
  try {
    builtin("os").setPriority(pid, priority);
  } catch (cause) {
    throw explain(cause, action, "setPriority");
  }
  for (const thread of threads) {
    try {
      builtin("os").setPriority(thread, priority);
    } catch {
      // It has ended meanwhile.
    }
  }
}

/** The kernel's numbers of a process's threads, where they can be listed. */
function threadsOf(pid: number): number[] {
  if (Deno.build.os !== "linux") return [];
  try {
    return [...Deno.readDirSync(`/proc/${pid}/task`)].map(({ name }) => Number(name));
  } catch {
    return [];
  }
}

/** The error of a call that failed, in the toolkit's words. */
function explain(cause: unknown, action: string, permission: string): unknown {
  const say = (why: string) => [`Cannot ${action}: ${why}`, { cause }] as const;
  if (cause instanceof Deno.errors.NotCapable) {
    return new Deno.errors.NotCapable(...say(`run again with --allow-sys=${permission}`));
  }
  const text = String(cause);
  if (/ESRCH/.test(text)) return new Deno.errors.NotFound(...say("there is no such process"));
  if (/EACCES|EPERM/.test(text)) {
    const why = "only its owner may raise a niceness, and only a privileged user lower one";
    return new Deno.errors.PermissionDenied(...say(why));
  }
  return cause;
}
