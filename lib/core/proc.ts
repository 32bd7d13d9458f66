/**
 * The facts that Linux tells of its processes in `/proc`, which Deno shows to who may do all.
 *
 * @module
 */

// Fields of a stat, counted from the one after the name.
export const STATE = 0;
export const PPID = 1;
export const NICE = 16;

/** The content of a process's stat. */
export interface Stat {
  /** Its name. */
  name: string;
  /** The fields after that. */
  fields: string[];
}

/**
 * The numbers of all processes, in order.
 *
 * @throws {Deno.errors.NotCapable} It is not shown.
 */
export function pidsOf(): number[] {
  return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter((pid) => pid > 0)
    .sort((a, b) => a - b);
}

/**
 * A process's stat.
 *
 * @throws {Deno.errors.NotCapable} It is not shown.
 * @throws {Error} The process is gone.
 */
export function statOf(pid: number | "self"): Stat {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  // The name is in parentheses, and may hold some itself.
  const end = stat.lastIndexOf(")");
  return { name: stat.slice(stat.indexOf("(") + 1, end), fields: stat.slice(end + 2).split(" ") };
}
