/**
 * The processes of this machine: on Linux as `/proc` tells of them, on Windows as the system does,
 * elsewhere as the program `ps` does.
 *
 * @module
 */
import { isWatchdog } from "../child/process/watchdog.ts";
import { NICE, pidsOf, PPID, STATE, statOf } from "../core/proc.ts";
import { windowsProcesses } from "../core/toolhelp.ts";

/** A process of this machine, at the moment when it was looked at. */
export interface ProcessInfo {
  /** Its number. */
  pid: number;
  /** The number of its parent; 0 when it has none. */
  ppid: number;
  /**
   * Its state: R runs or could, S sleeps, D sleeps and cannot be woken (it waits for a device),
   * T is stopped by a signal, Z has ended and its parent has not asked how (a zombie), I is an idle
   * thread of the kernel.
   */
  state: string;
  /** Its niceness, from -20 to 19. */
  nice: number;
  /** Who runs it. */
  user: string;
  /**
   * The program that was started, with its arguments; in brackets its name where these cannot be
   * read.
   */
  command: string;
}

/**
 * The processes of this machine, in the order of their numbers.
 *
 * Reach for it to watch what becomes of children, and of theirs: which sleep, which are zombies,
 * who took over the orphans. What it gives was true a moment ago. The toolkit's own watchdogs are
 * left out.
 *
 * On Windows it tells the numbers and the program's name; the state is always R, the niceness 0,
 * and the user is not told.
 *
 * *Permissions*: on Linux `--allow-all`, which reading `/proc` takes; on Windows `--allow-ffi`;
 * elsewhere, and on Linux without it, `--allow-run=ps`.
 *
 * @throws {Deno.errors.NotCapable} `--allow-run=ps` is missing; on Windows `--allow-ffi`.
 * @throws {Deno.errors.NotFound} There is no program `ps`.
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
  if (Deno.build.os === "windows") return askWindows();
  return (readProc() ?? readPs()).filter(({ command }) => !isWatchdog(command));
}

function askWindows(): ProcessInfo[] {
  if (Deno.permissions.querySync({ name: "ffi" }).state !== "granted") {
    throw new Deno.errors.NotCapable("Cannot list the processes: run again with --allow-ffi");
  }
  return windowsProcesses().sort((a, b) => a.pid - b.pid).map(({ pid, ppid, name }) => (
    { pid, ppid, state: "R", nice: 0, user: "", command: `[${name}]` }
  ));
}

/** All processes; undefined where `/proc` is not to be read. */
function readProc(): ProcessInfo[] | undefined {
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

/** The content of a file of `/proc`; nothing if its process has just been reaped. */
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

/** The columns: those of POSIX, and the state, which Linux, macOS and the BSDs have. */
const COLUMNS = ["pid=", "ppid=", "state=", "nice=", "user=", "args="];
const LINE = /^\s*(\d+)\s+(\d+)\s+(\S)\S*\s+(-?\d+|-)\s+(\S+)\s+(.*)$/;

/**
 * All processes but `ps` itself.
 *
 * @throws {Deno.errors.NotCapable} `--allow-run=ps` is missing.
 * @throws {Deno.errors.NotFound} There is no such program.
 */
function readPs(): ProcessInfo[] {
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
