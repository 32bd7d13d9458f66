/**
 * The processes of this machine.
 *
 * @module
 */
import { isWatchdog } from "../child/watchdog.ts";
import { readProc } from "./proc.ts";
import { readPs } from "./ps_program.ts";

/** A process of this machine, at the moment when it was looked at. */
export interface ProcessInfo {
  /** Its number. */
  pid: number;
  /** The number of its parent; 0 when it has none. */
  ppid: number;
  /**
   * What it does: R runs or could, S sleeps, D sleeps and cannot be woken (it waits for a device),
   * T is stopped by a signal, Z has ended and its parent has not asked how (a zombie), I is an idle
   * thread of the kernel.
   */
  state: string;
  /** Its niceness, from -20 to 19. */
  nice: number;
  /** Who runs it. */
  user: string;
  /** What was started, with its arguments; in brackets its name where these cannot be read. */
  command: string;
}

/**
 * The processes of this machine, in the order of their numbers.
 *
 * Reach for it to watch what becomes of children, and of theirs: which sleep, which are zombies,
 * who took over the orphans. What it gives was true a moment ago. The toolkit's own watchdogs are left out.
 *
 * *Permissions*: on Linux `--allow-all`, which reading `/proc` takes; elsewhere, and on Linux
 * without it, `--allow-run=ps`.
 *
 * @throws {Deno.errors.NotCapable} `--allow-run=ps` is missing.
 * @throws {Deno.errors.NotFound} There is no program `ps`.
 * @throws {Deno.errors.NotSupported} On Windows.
 *
 * @example My children
 * ```ts
 * import { getpid, ps } from "@switchyard/switchyard/os";
 *
 * for (const { pid, ppid, state, command } of ps()) {
 *   if (ppid === getpid()) console.log(pid, state, command);
 * }
 * ```
 */
export function ps(): ProcessInfo[] {
  if (Deno.build.os === "windows") {
    throw new Deno.errors.NotSupported("Cannot list the processes: not supported on Windows");
  }
  return (readProc() ?? readPs()).filter(({ command }) => !isWatchdog(command));
}
