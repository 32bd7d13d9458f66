/**
 * Folders for sockets: in the temporary folder, private (0700), named by the process that made them
 * and by the namespace of its number: `switchyard-PID-NAMESPACE-RANDOM`. The namespace is 0 where
 * it cannot be known: Deno lets only programs with all permissions look into /proc. Only Linux has
 * more than one.
 *
 * Whoever makes one removes it. A signal that kills it first, and whoever else would have done so,
 * leaves it: so the next program to make one removes those of processes that are gone, where it may
 * see that: on Linux with all permissions, elsewhere with `--allow-run` without a list.
 *
 * What is removed, and by whom: a folder that this thread has made; one that somebody else has made
 * only when all says that it is a dead one of ours. Never more than the files we put there, so that
 * whoever names another folder loses nothing by it.
 *
 * On Windows each user has a temporary folder that others may not look into: what is in it is
 * private by that.
 *
 * The path of a socket is short: some hundred bytes. Where the temporary folder's own takes too
 * many of them (CI systems and tests like to nest theirs), the folder is made in /tmp.
 *
 * @module
 */
import { show } from "../../core/checks.ts";
import { resolve } from "../../core/node.ts";
import { SOCKET, socketFault } from "./place.ts";

/** The name of the file that a child finds there. */
export const BOOT = "boot";

const isLinux = Deno.build.os === "linux";
const isWindows = Deno.build.os === "windows";
const NAME = /^switchyard-(\d+)-(\d+)-[0-9A-Za-z]+$/;
const UNKNOWN = "0";
/** Where there are no namespaces. */
const ONLY = "1";
/**
 * The longest path that a socket can have, in bytes: the system's `sun_path`, less the zero at its
 * end.
 */
const LONGEST = isLinux ? 107 : 103;
const SHORT = "/tmp";
const PRIVATE = 0o700;
/** The variable that says where the temporary folder is. */
const TEMPORARY = isWindows ? "TMP" : "TMPDIR";
let isSwept = false;

/** The folders that this thread has made, and may remove. */
const made = new Set<string>();

/**
 * Where the folders of this family are, whose they are, and the namespace of its process numbers.
 */
interface Ground {
  base: string;
  uid: number | null;
  namespace: string;
}

let ground: Ground | undefined;

/** The namespace of this process's number. */
function namespace(): string {
  if (!isLinux) return ONLY;
  try {
    return String(Deno.statSync("/proc/self/ns/pid").ino ?? UNKNOWN);
  } catch {
    return UNKNOWN;
  }
}

/** A path of ours in two; each child does it, and `node:path` would cost it 10 ms. */
function split(folder: string): { base: string; name: string } {
  const at = Math.max(folder.lastIndexOf("/"), isWindows ? folder.lastIndexOf("\\") : -1);
  return { base: folder.slice(0, at), name: folder.slice(at + 1) };
}

/** Makes a folder. */
export function makePrivateFolder(): string {
  const name = ground?.namespace ?? namespace();
  const folder = makeIn(ground?.base, `switchyard-${Deno.pid}-${name}-`);
  made.add(folder);
  ground ??= { base: split(folder).base, uid: ownerOf(folder), namespace: name };
  // When whoever is being started is on the way: dead folders can wait.
  if (!isSwept) queueMicrotask(() => sweep(ground!));
  isSwept = true;
  return folder;
}

/** Who owns a folder that was just made. */
function ownerOf(folder: string): number | null {
  try {
    return Deno.lstatSync(folder).uid;
  } catch (cause) {
    // Without the permission to look it is of no use.
    removeFolder(folder);
    throw cause;
  }
}

/** A child makes its folders where its parent does, whatever its environment says, if it may. */
function makeIn(dir: string | undefined, prefix: string): string {
  if (dir === undefined) return makeShortFolder(prefix);
  let folder: string;
  try {
    folder = Deno.makeTempDirSync({ dir, prefix });
  } catch {
    return makeShortFolder(prefix);
  }
  if (excessOf(folder) <= 0) return folder;
  Deno.removeSync(folder);
  return makeShortFolder(prefix);
}

/** By how many bytes the path of a socket in a folder is too long. */
function excessOf(folder: string): number {
  if (isWindows) return 0;
  return new TextEncoder().encode(`${folder}/${SOCKET}`).length - LONGEST;
}

/**
 * Gives the path of a folder that is not there, for a child that makes it with
 * {@linkcode makeFolderAt}. This thread may remove it as one of its own.
 */
export function reserveFolder(): string {
  const folder = makePrivateFolder();
  Deno.removeSync(folder);
  return folder;
}

/**
 * Makes a folder that the parent has reserved; it fails where somebody else has made it meanwhile.
 */
export function makeFolderAt(folder: string): void {
  Deno.mkdirSync(folder, { mode: PRIVATE });
  adoptFolder(folder);
}

/**
 * Takes over a folder that another thread of this process has made, or the parent for this process
 * alone: it may be removed here. From the parent's this process also learns where the family's
 * folders are.
 */
export function adoptFolder(folder: string): void {
  const { base, name } = split(folder);
  const parts = NAME.exec(name);
  if (parts === null) return;
  made.add(folder);
  try {
    const { uid } = Deno.lstatSync(folder);
    ground ??= { base, uid, namespace: parts[2]! };
  } catch {
    // It is gone, or out of reach.
  }
}

/** Removes a folder that this thread has made or adopted, if it is still there. */
export function removeFolder(folder: string): void {
  if (made.delete(folder)) remove(folder);
}

/** Removes a folder where nobody answers, if it is a dead one of ours. */
export function removeDeadFolder(folder: string): void {
  if (made.has(folder)) return removeFolder(folder);
  const [, pid, itsNamespace] = NAME.exec(split(folder).name) ?? [];
  if (pid === undefined || faultOf(folder) !== undefined || !isHere(itsNamespace!)) return;
  // Of this process: of a thread that was ended. Nobody answers there any more.
  if (Number(pid) === Deno.pid || isGone(pid)) remove(folder);
}

/**
 * The fault that speaks against a folder, named by somebody else, being one of the family's;
 * undefined if nothing does, or if it is there no more.
 */
export function faultOf(folder: unknown): string | undefined {
  if (typeof folder !== "string") return "it is no path";
  // A comma would split the flag that lets a child use it.
  const { base, name } = split(folder);
  if (!NAME.test(name) || folder.includes(",")) return "it has no name of ours";
  if (resolve(folder) !== folder) return "it is no plain path";
  const here = ground ?? lookAround();
  if (here !== undefined && ![here.base, SHORT].includes(base)) return "it is elsewhere";
  try {
    const { isDirectory, mode, uid } = Deno.lstatSync(folder);
    if (!isDirectory) return "it is none";
    if (!isWindows && mode !== null && (mode & 0o777) !== PRIVATE) return "it is not private";
    if (here !== undefined && uid !== here.uid) return "it is another user's";
    return socketFault(folder);
  } catch {
    // It is gone; or out of reach, and then so is its socket.
  }
  return undefined;
}

/** A thread of a program that has made no folder makes one, to see where. */
function lookAround(): Ground | undefined {
  try {
    removeFolder(makePrivateFolder());
  } catch {
    // Who may make none goes nowhere but where it was sent.
  }
  return ground;
}

function remove(folder: string): void {
  for (const path of [`${folder}/${SOCKET}`, `${folder}/${BOOT}`, folder]) {
    try {
      Deno.removeSync(path);
    } catch {
      // It is not there, somebody else has removed it, or there is more in it than we put there.
    }
  }
}

function sweep({ base, namespace }: Ground): void {
  if (namespace === UNKNOWN) return;
  try {
    for (const { name } of Deno.readDirSync(base)) {
      const [, pid, itsNamespace] = NAME.exec(name) ?? [];
      if (pid === undefined || !isHere(itsNamespace!) || !isGone(pid)) continue;
      const folder = `${base}/${name}`;
      if (faultOf(folder) === undefined) remove(folder);
    }
  } catch {
    // It may not be read: then others sweep.
  }
}

/** True if a number in that namespace says something here. */
function isHere(itsNamespace: string): boolean {
  return itsNamespace !== UNKNOWN && itsNamespace === ground?.namespace;
}

/** True if a process is gone, as far as that may be seen. */
function isGone(pid: string): boolean {
  try {
    // One that has ended and that nobody has asked for counts as gone.
    if (isLinux) {
      return /^[ZX]/.test(Deno.readTextFileSync(`/proc/${pid}/stat`).split(") ").at(-1)!);
    }
    // Signal 0, which Deno's types do not know, looks whether there is such a process.
    if (maySignal()) Deno.kill(Number(pid), 0 as never);
    return false;
  } catch (error) {
    return error instanceof Deno.errors.NotFound;
  }
}

function maySignal(): boolean {
  return Deno.permissions.querySync({ name: "run" }).state === "granted";
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
      `Cannot make a folder for a socket in the temporary folder${named()}: ${reason}; set ${TEMPORARY} to ` +
        "a folder that is there and can be written",
      { cause },
    );
  }
  const excess = excessOf(folder);
  if (excess <= 0) return folder;
  Deno.removeSync(folder);
  try {
    return Deno.makeTempDirSync({ dir: SHORT, prefix });
  } catch (cause) {
    throw new Error(
      `Cannot make a folder for a socket: the path of a socket has at most ${LONGEST} bytes, TMPDIR ` +
        `(${
          show(split(folder).base)
        }) is ${excess} bytes too long for that, and ${SHORT} cannot be ` +
        "written; set TMPDIR to a shorter path",
      { cause },
    );
  }
}

/** The temporary folder, if this program may ask for it. */
function named(): string {
  try {
    return ` (${TEMPORARY} is ${show(Deno.env.get(TEMPORARY))})`;
  } catch {
    return "";
  }
}
