/**
 * Chooses the platform.
 *
 * @module
 */
import { linux } from "./linux.ts";
import type { Platform } from "./platform.ts";

let chosen: Platform | undefined;

/** True if this program may use memory between processes without being asked. */
export function mayMap(): boolean {
  return Deno.build.os === "linux" &&
    Deno.permissions.querySync({ name: "ffi" }).state === "granted";
}

/**
 * The calls of this platform.
 *
 * @throws {Deno.errors.NotCapable} Without `--allow-ffi`; the message names the flag and Manager.
 * @throws {Deno.errors.NotSupported} On a platform other than Linux.
 */
export function platform(): Platform {
  if (chosen !== undefined) return chosen;
  if (Deno.build.os !== "linux") {
    throw new Deno.errors.NotSupported(
      `Cannot share memory between processes: not supported on ${Deno.build.os} yet; ` +
        "use a multiprocessing.Manager",
    );
  }
  if (Deno.permissions.querySync({ name: "ffi" }).state === "denied") throw notCapable();
  try {
    return chosen = linux();
  } catch (cause) {
    throw cause instanceof Deno.errors.NotCapable ? notCapable(cause) : cause;
  }
}

function notCapable(cause?: Error): Error {
  return new Deno.errors.NotCapable(
    "Cannot share memory between processes: it needs --allow-ffi; " +
      "without it use a multiprocessing.Manager",
    { cause },
  );
}
