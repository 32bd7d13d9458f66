/**
 * Waiting for whichever child ends.
 *
 * @module
 */
import { type Ended, hasChild, onEnded, takeEnded } from "../child/ended_children.ts";
import { checkBoolean, checkOptions, checkSignal, checkTimeout, show } from "../core/checks.ts";
import { ChildProcessError, TimeoutError } from "../core/errors.ts";
import { reached } from "../core/promises.ts";
import { encodeStatus } from "./status.ts";

/** Options of {@linkcode wait}. */
export interface ChildWaitOptions {
  /** The time to wait in ms, at least. Default: without limit. */
  timeout?: number;
  /** Abandons the wait: the promise is rejected with `signal.reason`, and no child is taken. */
  signal?: AbortSignal;
}

/** Options of {@linkcode waitpid}. */
export interface WaitpidOptions extends ChildWaitOptions {
  /** Does not wait: gives `[0, 0]` if the child has not ended. Default: false. */
  nohang?: boolean;
}

/**
 * Waits for a child that this thread has started, a `Process` or a `Popen`, whichever ends next.
 *
 * Each child is given once: here, by {@linkcode waitpid}, or by its own `join()` or `wait()`. One
 * that ended before the call is given at once, the first that ended first.
 *
 * **Not as in Python**: what ends is reaped by Deno in any case, so that no zombie is left if
 * nobody waits; and only children of the toolkit are known, not those of `Deno.Command`. While
 * SIGCHLD is ignored it waits until all children have ended, and then throws.
 *
 * *Cancellation*: an aborted wait takes no child.
 *
 * *Permissions*: none.
 *
 * @returns The child's pid, and its status: see {@linkcode WIFEXITED}.
 * @throws {ChildProcessError} There is no child, or none is left.
 * @throws {TimeoutError} The timeout ended first.
 *
 * @example Whoever is first
 * ```ts
 * import { Process } from "@switchyard/switchyard/multiprocessing";
 * import { wait, WEXITSTATUS } from "@switchyard/switchyard/os";
 *
 * export function run(_lane: number) {}
 *
 * if (import.meta.main) {
 *   for (const lane of [1, 2, 3]) new Process(run, { args: [lane] }).start();
 *   const [pid, status] = await wait();
 *   console.log(`${pid} has won, with code ${WEXITSTATUS(status)}`);
 * }
 * ```
 */
export async function wait(options?: ChildWaitOptions): Promise<[pid: number, status: number]> {
  return await waitFor(-1, options ?? {}, "wait for a child");
}

/**
 * Waits for one child, or asks whether it has ended. Otherwise as {@linkcode wait}.
 *
 * @param pid The child, -1 for any.
 * @returns Its pid and its status; `[0, 0]` with `nohang` if it has not ended.
 * @throws {ChildProcessError} There is no such child, or it has been given already.
 * @throws {TimeoutError} The timeout ended first.
 * @throws {RangeError} `pid` is neither -1 nor > 0: groups of processes are not supported.
 *
 * @example Ask how a child has ended
 * ```ts
 * import { Process } from "@switchyard/switchyard/multiprocessing";
 * import { waitpid, WEXITSTATUS, WIFEXITED } from "@switchyard/switchyard/os";
 * import { sleep } from "@switchyard/switchyard/time";
 * import { assertEquals } from "@std/assert";
 *
 * const child = new Process(sleep, { args: [1] }).start();
 * const [pid, status] = await waitpid(child.pid!);
 * assertEquals(pid, child.pid);
 * assertEquals(WIFEXITED(status) && WEXITSTATUS(status), 0);
 * ```
 */
export async function waitpid(
  pid: number,
  options?: WaitpidOptions,
): Promise<[pid: number, status: number]> {
  const action = "wait for the child";
  if (typeof pid !== "number") {
    throw new TypeError(`Cannot ${action}: pid must be a number, received ${show(pid)}`);
  }
  if (!Number.isInteger(pid) || pid !== -1 && pid <= 0) {
    throw new RangeError(`Cannot ${action}: pid must be -1 or an integer > 0, received ${pid}`);
  }
  checkOptions(options, action);
  checkBoolean(options?.nohang, "nohang", action);
  if (options?.nohang !== true) return await waitFor(pid, options ?? {}, `wait for child ${pid}`);
  if (!hasChild(pid)) throw noChild(`wait for child ${pid}`);
  let ended = takeEnded(pid);
  if (ended === undefined) {
    // Ends are heard of on the event loop: without a turn of it, who asks in a loop would never
    // hear.
    await new Promise((next) => setTimeout(next, 0));
    ended = takeEnded(pid);
  }
  if (ended !== undefined) return toPair(ended);
  if (hasChild(pid)) return [0, 0];
  throw noChild(`wait for child ${pid}`);
}

function toPair({ pid, status }: Ended): [pid: number, status: number] {
  return [pid, encodeStatus(status)];
}

function noChild(action: string): ChildProcessError {
  return new ChildProcessError(
    `Cannot ${action}: this thread has no such child that has not been waited for`,
  );
}

async function waitFor(
  pid: number,
  options: ChildWaitOptions,
  action: string,
): Promise<[pid: number, status: number]> {
  checkOptions(options, action);
  const timeout = checkTimeout(options.timeout, action);
  checkSignal(options.signal, action);
  options.signal?.throwIfAborted();
  const before = takeEnded(pid);
  if (before !== undefined) return toPair(before);
  if (!hasChild(pid)) throw noChild(action);
  const { promise, resolve, reject } = Promise.withResolvers<Ended | undefined>();
  const callOff = onEnded(pid, resolve);
  // Who is called off too late has been given a child, and keeps it.
  const abort = () => callOff() && reject(options.signal!.reason);
  options.signal?.addEventListener("abort", abort);
  try {
    if (!await reached(promise, timeout) && callOff()) {
      throw new TimeoutError(`Cannot ${action}: none ended within ${timeout} ms`);
    }
    const ended = await promise;
    if (ended !== undefined) return toPair(ended);
  } finally {
    options.signal?.removeEventListener("abort", abort);
  }
  throw noChild(action);
}
