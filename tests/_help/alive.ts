/**
 * Whether other processes live.
 *
 * @module
 */

/** Whether a process runs: it is there, and not only as a zombie. Linux only. */
export function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(Deno.readTextFileSync(`/proc/${pid}/stat`));
  } catch {
    return false;
  }
}
