/**
 * Whether other processes live, and how they have ended.
 *
 * @module
 */
import { windowsProcesses } from "../../lib/core/toolhelp.ts";

/** Whether a process runs: it is there, and not only as a zombie, where that can be seen (Linux). */
export function isAlive(pid: number): boolean {
  try {
    switch (Deno.build.os) {
      case "linux":
        return !/\) [ZX] /.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
      case "windows":
        return windowsProcesses().some((process) => process.pid === pid);
      default:
        Deno.kill(pid, 0 as never);
        return true;
    }
  } catch {
    return false;
  }
}

/**
 * How a process ends that is sent SIGKILL by somebody else than who started it. Windows ends it
 * with the code 1, and tells of no signal.
 */
export const KILLED: { exitcode: number; signal: string | null; said: string } =
  Deno.build.os === "windows"
    ? { exitcode: 1, signal: null, said: "exit code 1" }
    : { exitcode: -9, signal: "SIGKILL", said: "SIGKILL" };
