/**
 * The processes, as the program `ps` tells of them.
 *
 * @module
 */
import type { ProcessInfo } from "./processes.ts";

/** The columns: those of POSIX, and the state, which Linux, macOS and the BSDs have. */
const COLUMNS = ["pid=", "ppid=", "state=", "nice=", "user=", "args="];
const LINE = /^\s*(\d+)\s+(\d+)\s+(\S)\S*\s+(-?\d+|-)\s+(\S+)\s+(.*)$/;

/**
 * All processes but `ps` itself.
 *
 * @throws {Deno.errors.NotCapable} `--allow-run=ps` is missing.
 * @throws {Deno.errors.NotFound} There is no such program.
 */
export function readPs(): ProcessInfo[] {
  const action = "list the processes";
  try {
    const { stdout, stderr, success } = new Deno.Command("ps", {
      args: ["-A", "-ww", ...COLUMNS.flatMap((column) => ["-o", column])],
      stdin: "null",
    }).outputSync();
    const text = new TextDecoder();
    if (!success) throw new Error(`Cannot ${action}: ps says ${text.decode(stderr).trim()}`);
    return text.decode(stdout).split("\n").flatMap((line) => parseLine(line) ?? []);
  } catch (cause) {
    const say = (why: string) => [`Cannot ${action}: ${why}`, { cause }] as const;
    if (cause instanceof Deno.errors.NotCapable) {
      throw new Deno.errors.NotCapable(...say("run again with --allow-run=ps"));
    }
    if (cause instanceof Deno.errors.NotFound) {
      throw new Deno.errors.NotFound(...say("there is no program ps"));
    }
    throw cause;
  }
}

/** A line of what `ps` prints; undefined for one of another kind, and for `ps` itself. */
export function parseLine(line: string): ProcessInfo | undefined {
  const [, pid, ppid, state, nice, user, command] = LINE.exec(line) ?? [];
  if (pid === undefined) return undefined;
  if (Number(ppid) === Deno.pid && command.includes("-o pid= -o ppid=")) return undefined;
  return {
    pid: Number(pid),
    ppid: Number(ppid),
    state,
    nice: nice === "-" ? 0 : Number(nice),
    user,
    command,
  };
}
