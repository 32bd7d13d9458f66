/**
 * Processes as a tree.
 *
 * @module
 */
import { checkInteger } from "../core/checks.ts";
import { type ProcessInfo, ps } from "./ps.ts";

/**
 * The processes of this machine as a tree of parents and children, as text: a line for each, with
 * its number, its state where that is not sleep, and its command.
 *
 * *Permissions*: as {@linkcode ps}.
 *
 * @param root The process at the top. Default: all that have no parent.
 * @throws {Deno.errors.NotFound} There is no such process.
 *
 * @example Me and mine
 * ```ts
 * import { getpid, pstree } from "@switchyard/switchyard/os";
 *
 * console.log(pstree(getpid()));
 * ```
 */
export function pstree(root?: number): string {
  if (root !== undefined) checkInteger(root, 0, "root", "draw the tree of processes");
  return draw(ps(), root);
}

/** Draws the tree of a list. */
export function draw(processes: ProcessInfo[], root?: number): string {
  const known = new Set(processes.map(({ pid }) => pid));
  const isTop = ({ pid, ppid }: ProcessInfo) =>
    root === undefined ? !known.has(ppid) || ppid === pid : pid === root;
  const tops = processes.filter(isTop);
  if (root !== undefined && tops.length === 0) {
    throw new Deno.errors.NotFound(
      `Cannot draw the tree of processes: there is no such process, received ${root}`,
    );
  }
  const children = Map.groupBy(processes.filter(({ pid, ppid }) => pid !== ppid), (p) => p.ppid);
  return tops.flatMap((top) => linesOf(top, children)).join("\n");
}

function linesOf(process: ProcessInfo, children: Map<number, ProcessInfo[]>): string[] {
  const { pid, state, command } = process;
  const lines = [`${pid}${state === "S" ? "" : ` ${state}`} ${command}`];
  const below = children.get(pid) ?? [];
  below.forEach((child, k) => {
    const isLast = k === below.length - 1;
    const [first, ...rest] = linesOf(child, children);
    lines.push(`${isLast ? "└─ " : "├─ "}${first}`);
    lines.push(...rest.map((line) => `${isLast ? "   " : "│  "}${line}`));
  });
  return lines;
}
