/**
 * The processes of Linux, as `/proc` tells of them.
 *
 * @module
 */
import type { ProcessInfo } from "./processes.ts";

/** Fields of `/proc/PID/stat`, counted from the one after the name. */
const STATE = 0;
const PPID = 1;
const NICE = 16;

/** All processes; undefined where `/proc` is not to be read. */
export function readProc(): ProcessInfo[] | undefined {
  if (Deno.build.os !== "linux") return undefined;
  let pids: number[];
  try {
    pids = [...Deno.readDirSync("/proc")].map(({ name }) => Number(name)).filter((pid) => pid > 0);
    Deno.readTextFileSync("/proc/self/stat");
  } catch {
    return undefined;
  }
  const users = readUsers();
  return pids.sort((a, b) => a - b).flatMap((pid) => readOne(pid, users) ?? []);
}

/** One process; undefined if it is gone. */
function readOne(pid: number, users: Map<string, string>): ProcessInfo | undefined {
  try {
    const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
    // The name is in parentheses, and may hold some itself.
    const end = stat.lastIndexOf(")");
    const name = stat.slice(stat.indexOf("(") + 1, end);
    const fields = stat.slice(end + 2).split(" ");
    const [, uid = ""] = /^Uid:\s+\d+\s+(\d+)/m.exec(read(`/proc/${pid}/status`)) ?? [];
    const state = fields[STATE];
    const args = read(`/proc/${pid}/cmdline`).replace(/\0+$/, "").replaceAll("\0", " ");
    return {
      pid,
      ppid: Number(fields[PPID]),
      state,
      nice: Number(fields[NICE]),
      user: users.get(uid) ?? uid,
      command: args || `[${name}]${state === "Z" ? " <defunct>" : ""}`,
    };
  } catch {
    return undefined;
  }
}

/** What a file of `/proc` holds; nothing if its process has just been reaped. */
function read(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return "";
  }
}

/** The names of users by their numbers. */
function readUsers(): Map<string, string> {
  const lines = read("/etc/passwd").split("\n").map((line) => line.split(":"));
  return new Map(lines.filter((line) => line.length > 2).map(([name, , uid]) => [uid, name]));
}
