/**
 * Ending a thread, a child or the program.
 *
 * @module
 */
import { exitCode } from "../child/run.ts";
import { checkInteger } from "../core/checks.ts";
import { SystemExit } from "../core/errors.ts";
import { platform } from "../memory/platform/mod.ts";
import { self } from "../memory/this_thread.ts";
import { mainModule } from "../transfer/task.ts";

if (self().isMain && mainModule() === Deno.mainModule) {
  // In the program itself nobody catches a SystemExit.
  const end = (event: Event, reason: unknown) => {
    if (!(reason instanceof SystemExit)) return;
    event.preventDefault();
    Deno.exit(exitCode(reason));
  };
  addEventListener("error", (event) => end(event, event.error));
  addEventListener("unhandledrejection", (event) => end(event, event.reason));
}

/**
 * Ends the thread, the child or the program that calls, by throwing {@linkcode SystemExit}:
 * `finally` blocks run on its way up.
 *
 * @param status The exit code, 0 to 255; anything but a number is printed on stderr, with code 1.
 *   Default: 0.
 * @throws {SystemExit} Always.
 *
 * @example End a child, and tidy up
 * ```ts
 * import { Process } from "@switchyard/switchyard/multiprocessing";
 * import { exit } from "@switchyard/switchyard/os";
 *
 * export function work() {
 *   try {
 *     exit(3);
 *   } finally {
 *     console.log("tidied up");
 *   }
 * }
 *
 * if (import.meta.main) {
 *   const child = new Process(work).start();
 *   await child.join();
 *   console.log(child.exitcode); // 3
 * }
 * ```
 */
export function exit(status?: unknown): never {
  throw new SystemExit(status);
}

/**
 * Ends the whole process at once: no `finally` block runs, no other thread is waited for.
 *
 * @param status The exit code, 0 to 255.
 * @throws {Deno.errors.NotCapable} In a thread other than the main one, without `--allow-ffi`.
 */
export function _exit(status: number): never {
  checkInteger(status, 0, "status", "end the process");
  return self().isMain ? Deno.exit(status) : platform().exit(status);
}
