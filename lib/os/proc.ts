/**
 * The processes of Linux, as `/proc` tells of them.
 *
 * @module
 */
import { NICE, pidsOf, PPID, STATE, statOf } from "../core/proc.ts";
import type { ProcessInfo } from "./processes.ts";

/** All processes; undefined where `/proc` is not to be read. */
export function readProc(): ProcessInfo[] | undefined {
  if (Deno.build.os !== "linux") return undefined;
  let pids: number[];
  try {
    pids = pidsOf();
    statOf("self");
  } catch {
    return undefined;
  }
  const users = readUsers();
  return pids.flatMap((pid) => readOne(pid, users) ?? []);
}

/** One process; undefined if it is gone. */
function readOne(pid: number, users: Map<string, string>): ProcessInfo | undefined {
  try {
    const { name, fields } = statOf(pid);
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
