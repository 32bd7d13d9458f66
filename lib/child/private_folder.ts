/**
 * Folders for sockets: in the temporary folder, private (0700), named by the process that made them.
 *
 * Whoever makes one removes it. A signal that kills it first, and whoever else would have done so, leaves it: so
 * the next program to make one removes those of processes that are gone.
 *
 * The path of a socket is short: some hundred bytes. Where the temporary folder's own takes too many of them
 * (CI systems and tests like to nest theirs), the folder is made in /tmp.
 *
 * @module
 */
import { dirname, join } from "node:path";
import { show } from "../core/checks.ts";

const NAME = /^switchyard-(\d+)-/;
/** The longest path that a socket can have, in bytes: the system's `sun_path`, less the zero at its end. */
const LONGEST = Deno.build.os === "linux" ? 107 : 103;
/** What comes behind the folder's name, in bytes. */
const SOCKET_BYTES = "/socket".length;
const SHORT = "/tmp";
let isSwept = Deno.build.os !== "linux"; // elsewhere there is no /proc to ask

/** Makes a folder. */
export function makePrivateFolder(): string {
  const folder = makeShortFolder(`switchyard-${Deno.pid}-`);
  if (!isSwept) sweep(dirname(folder));
  isSwept = true;
  return folder;
}

/** Removes a folder, if it is still there. */
export function removeFolder(folder: string): void {
  try {
    Deno.removeSync(folder, { recursive: true });
  } catch {
    // Somebody else has removed it.
  }
}

function sweep(parent: string): void {
  try {
    for (const { name } of Deno.readDirSync(parent)) {
      const pid = NAME.exec(name)?.[1];
      if (pid !== undefined && isGone(pid)) removeFolder(join(parent, name));
    }
  } catch {
    // It may not be read: then others sweep.
  }
}

function isGone(pid: string): boolean {
  try {
    Deno.statSync(`/proc/${pid}/stat`);
    return false;
  } catch (error) {
    return error instanceof Deno.errors.NotFound;
  }
}

/**
 * Makes a folder in the temporary folder, or in /tmp where that is too long a path for a socket.
 *
 * @throws {Error} There is no temporary folder, or it is too long and /tmp may not be written.
 */
function makeShortFolder(prefix: string): string {
  let folder: string;
  try {
    folder = Deno.makeTempDirSync({ prefix });
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `Cannot make a folder for a socket in the temporary folder${named()}: ${reason}; set TMPDIR to a ` +
        "folder that is there and can be written",
      { cause },
    );
  }
  const excess = new TextEncoder().encode(folder).length + SOCKET_BYTES - LONGEST;
  if (excess <= 0 || Deno.build.os === "windows") return folder;
  Deno.removeSync(folder);
  try {
    return Deno.makeTempDirSync({ dir: SHORT, prefix });
  } catch (cause) {
    throw new Error(
      `Cannot make a folder for a socket: the path of a socket has at most ${LONGEST} bytes, TMPDIR ` +
        `(${show(dirname(folder))}) is ${excess} bytes too long for that, and ${SHORT} cannot be ` +
        "written; set TMPDIR to a shorter path",
      { cause },
    );
  }
}

/** The temporary folder, if this program may ask for it. */
function named(): string {
  try {
    return ` (TMPDIR is ${show(Deno.env.get("TMPDIR"))})`;
  } catch {
    return "";
  }
}
