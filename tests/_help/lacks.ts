/**
 * What a test takes for granted and not every system has. Where it is missing the test is left out,
 * and its name says why.
 *
 * @module
 */
import { mayMap } from "../../lib/memory/platform/mod.ts";

const { os } = Deno.build;

/** Why a test that needs this is left out here; undefined where the system has it. */
type Lack = string | undefined;

/** True on Windows: for a test that has another form there. */
export const isWindows: boolean = os === "windows";

const onLinux = (reason: string): Lack => os === "linux" ? undefined : reason;
const notOnWindows = (reason: string): Lack => isWindows ? reason : undefined;

/** What systems lack, each with the reason for which a test that needs it is left out. */
export const LACKS = {
  /** Locks, queues, values and memory that processes share, and all that blocks for a process. */
  memory: mayMap()
    ? undefined
    : "memory between processes is proven on Linux only, and takes --allow-ffi",
  /** `/proc`. */
  proc: onLinux("it looks into /proc"),
  /** Sockets that are files. */
  unixSockets: notOnWindows("Windows' Deno has no Unix sockets"),
  /** A program that presses Ctrl-C for another. */
  ctrlC: notOnWindows("on Windows no program presses Ctrl-C for another"),
  /** Signals that are sent and handled. */
  signals: notOnWindows("Windows has few signals, and sends none"),
  /** A shell, `sleep`, `cat` and the like. */
  posix: notOnWindows("its programs are those of POSIX"),
  /** Children that outlive their parent. */
  orphans: notOnWindows("Windows' Deno takes its children along when it ends"),
  /** A niceness of processes. */
  niceness: notOnWindows("Windows' processes have classes of priority, and no niceness"),
  /** Files that only some may read. */
  modes: notOnWindows("Windows' files have no modes"),
} as const;

/** A test's name, and whether it is left out. */
export function unless(lack: Lack, name: string): Pick<Deno.TestDefinition, "name" | "ignore"> {
  return lack === undefined ? { name } : { name: `${name} (skipped: ${lack})`, ignore: true };
}

/** The variables that have a program make its temporary files in a folder, on every system. */
export function temporaryIn(folder: string): Record<string, string> {
  return { TMPDIR: folder, TMP: folder, TEMP: folder };
}
