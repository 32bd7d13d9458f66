/**
 * Stands in for `@std/fs`, which the npm package lacks: the functions that this project uses, with
 * the names, results and errors of the original.
 *
 * @module
 */

import { basename, join, normalize, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** Options of {@linkcode exists} and {@linkcode existsSync}. */
export interface ExistsOptions {
  /** Whether it must be readable, too. */
  isReadable?: boolean;
  /** Whether it must be a directory. */
  isDirectory?: boolean;
  /** Whether it must be a file. */
  isFile?: boolean;
}

/** Options of {@linkcode move} and {@linkcode moveSync}. */
export interface MoveOptions {
  /** Whether what is at the destination is replaced; by default it is an error. */
  overwrite?: boolean;
}

/** Options of {@linkcode walk} and {@linkcode walkSync}. */
export interface WalkOptions {
  /** How deep to go; without limit by default. */
  maxDepth?: number;
  /** Whether files are given; by default they are. */
  includeFiles?: boolean;
  /** Whether directories are given; by default they are. */
  includeDirs?: boolean;
  /** Whether symbolic links that are not followed are given; by default they are. */
  includeSymlinks?: boolean;
  /** Whether symbolic links are followed; by default they are not. */
  followSymlinks?: boolean;
  /** Only paths that end so are given. */
  exts?: string[];
  /** Only paths that match one of these are given. */
  match?: RegExp[];
  /** Paths that match one of these are left out, with all below them. */
  skip?: RegExp[];
}

/** What {@linkcode walk} gives. */
export interface WalkEntry extends Deno.DirEntry {
  /** The path, beginning with that of the root. */
  path: string;
}

/** Makes sure that there is a directory, and makes it with its parents if need be. */
export async function ensureDir(dir: string | URL): Promise<void> {
  try {
    return mustBeDirectory(await Deno.stat(dir));
  } catch (error) {
    unless(error, Deno.errors.NotFound);
  }
  try {
    await Deno.mkdir(dir, { recursive: true });
  } catch (error) {
    unless(error, Deno.errors.AlreadyExists);
    mustBeDirectory(await Deno.stat(dir));
  }
}

/** {@linkcode ensureDir}, blocking. */
export function ensureDirSync(dir: string | URL): void {
  try {
    return mustBeDirectory(Deno.statSync(dir));
  } catch (error) {
    unless(error, Deno.errors.NotFound);
  }
  try {
    Deno.mkdirSync(dir, { recursive: true });
  } catch (error) {
    unless(error, Deno.errors.AlreadyExists);
    mustBeDirectory(Deno.statSync(dir));
  }
}

/** Makes sure that there is an empty directory. */
export async function emptyDir(dir: string | URL): Promise<void> {
  try {
    const entries = await Array.fromAsync(Deno.readDir(dir));
    await Promise.all(
      entries.map(({ name }) => Deno.remove(join(toPath(dir), name), { recursive: true })),
    );
  } catch (error) {
    unless(error, Deno.errors.NotFound);
    await Deno.mkdir(dir, { recursive: true });
  }
}

/** {@linkcode emptyDir}, blocking. */
export function emptyDirSync(dir: string | URL): void {
  try {
    for (const { name } of [...Deno.readDirSync(dir)]) {
      Deno.removeSync(join(toPath(dir), name), { recursive: true });
    }
  } catch (error) {
    unless(error, Deno.errors.NotFound);
    Deno.mkdirSync(dir, { recursive: true });
  }
}

/** Whether there is something at the path. */
export async function exists(path: string | URL, options?: ExistsOptions): Promise<boolean> {
  try {
    return fits(await Deno.stat(path), options);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    unless(error, Deno.errors.PermissionDenied);
    const { state } = await Deno.permissions.query({ name: "read", path });
    if (state !== "granted") throw error;
    return !options?.isReadable;
  }
}

/** {@linkcode exists}, blocking. */
export function existsSync(path: string | URL, options?: ExistsOptions): boolean {
  try {
    return fits(Deno.statSync(path), options);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    unless(error, Deno.errors.PermissionDenied);
    const { state } = Deno.permissions.querySync({ name: "read", path });
    if (state !== "granted") throw error;
    return !options?.isReadable;
  }
}

/** Moves a file or a directory. */
export async function move(
  src: string | URL,
  dest: string | URL,
  options?: MoveOptions,
): Promise<void> {
  mustBeMovable(await Deno.stat(src), src, dest);
  if (!options?.overwrite) {
    if (await isThere(dest)) throw new Deno.errors.AlreadyExists("dest already exists.");
  } else {
    if (isSame(src, dest)) return;
    await Deno.remove(dest, { recursive: true })
      .catch((error) => unless(error, Deno.errors.NotFound));
  }
  await Deno.rename(src, dest);
}

/** {@linkcode move}, blocking. */
export function moveSync(src: string | URL, dest: string | URL, options?: MoveOptions): void {
  mustBeMovable(Deno.statSync(src), src, dest);
  if (!options?.overwrite) {
    if (isThereSync(dest)) throw new Deno.errors.AlreadyExists("dest already exists.");
  } else {
    if (isSame(src, dest)) return;
    try {
      Deno.removeSync(dest, { recursive: true });
    } catch (error) {
      unless(error, Deno.errors.NotFound);
    }
  }
  Deno.renameSync(src, dest);
}

/** Gives what is in a directory, and in those below it; each directory before what is in it. */
export async function* walk(
  root: string | URL,
  options: WalkOptions = {},
): AsyncIterableIterator<WalkEntry> {
  const { maxDepth = Infinity, followSymlinks = false } = options;
  if (maxDepth < 0) return;
  const top = toPath(root);
  if (isWanted("dir", top, options)) yield toEntry(top, await Deno.stat(top));
  if (maxDepth < 1 || isSkipped(top, options)) return;

  for await (const entry of Deno.readDir(top)) {
    let path = join(top, entry.name);
    let info: Pick<Deno.FileInfo, "isDirectory" | "isSymlink"> = entry;
    if (entry.isSymlink && followSymlinks) {
      path = await Deno.realPath(path);
      info = await Deno.lstat(path);
    }
    if (info.isDirectory) yield* walk(path, { ...options, maxDepth: maxDepth - 1 });
    else if (isWanted(info.isSymlink ? "link" : "file", path, options)) yield { path, ...entry };
  }
}

/** {@linkcode walk}, blocking. */
export function* walkSync(
  root: string | URL,
  options: WalkOptions = {},
): IterableIterator<WalkEntry> {
  const { maxDepth = Infinity, followSymlinks = false } = options;
  if (maxDepth < 0) return;
  const top = toPath(root);
  if (isWanted("dir", top, options)) yield toEntry(top, Deno.statSync(top));
  if (maxDepth < 1 || isSkipped(top, options)) return;

  for (const entry of Deno.readDirSync(top)) {
    let path = join(top, entry.name);
    let info: Pick<Deno.FileInfo, "isDirectory" | "isSymlink"> = entry;
    if (entry.isSymlink && followSymlinks) {
      path = Deno.realPathSync(path);
      info = Deno.lstatSync(path);
    }
    if (info.isDirectory) yield* walkSync(path, { ...options, maxDepth: maxDepth - 1 });
    else if (isWanted(info.isSymlink ? "link" : "file", path, options)) yield { path, ...entry };
  }
}

function isWanted(kind: "dir" | "file" | "link", path: string, options: WalkOptions): boolean {
  const { includeDirs = true, includeFiles = true, includeSymlinks = true } = options;
  if (!{ dir: includeDirs, file: includeFiles, link: includeSymlinks }[kind]) return false;
  const { exts, match } = options;
  const endings = exts?.map((ext) => ext.startsWith(".") ? ext : `.${ext}`);
  if (endings && !endings.some((ending) => path.endsWith(ending))) return false;
  if (match && !match.some((pattern) => path.match(pattern))) return false;
  return !isSkipped(path, options);
}

function isSkipped(path: string, { skip = [] }: WalkOptions): boolean {
  return skip.some((pattern) => path.match(pattern));
}

function toEntry(top: string, info: Deno.FileInfo): WalkEntry {
  const { isFile, isDirectory, isSymlink } = info;
  const path = normalize(top);
  return { path, name: basename(path), isFile, isDirectory, isSymlink };
}

function fits(info: Deno.FileInfo, options: ExistsOptions = {}): boolean {
  const { isReadable, isDirectory, isFile } = options;
  if (isDirectory && isFile) {
    throw new TypeError(
      "ExistsOptions.options.isDirectory and ExistsOptions.options.isFile must not be true together",
    );
  }
  if (isDirectory && !info.isDirectory || isFile && !info.isFile) return false;
  if (!isReadable || info.mode === null) return true;
  const bit = Deno.uid() === info.uid ? 0o400 : Deno.gid() === info.gid ? 0o040 : 0o004;
  return (info.mode & bit) === bit;
}

function mustBeDirectory(info: Deno.FileInfo): void {
  if (info.isDirectory) return;
  throw new Error("Failed to ensure directory exists: expected 'dir', got 'file'");
}

function mustBeMovable(info: Deno.FileInfo, src: string | URL, dest: string | URL): void {
  if (!info.isDirectory) return;
  const way = relative(toPath(src), toPath(dest));
  const isOutside = way === ".." || way.startsWith(`..${sep}`) || way === resolve(way);
  if (isOutside) return;
  throw new Deno.errors.NotSupported(
    `Cannot move '${src}' to a subdirectory of itself, '${dest}'.`,
  );
}

function isSame(a: string | URL, b: string | URL): boolean {
  return resolve(toPath(a)) === resolve(toPath(b));
}

async function isThere(path: string | URL): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

function isThereSync(path: string | URL): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

function toPath(path: string | URL): string {
  return path instanceof URL ? fileURLToPath(path) : path;
}

/** Throws the error unless it is of the class that the caller deals with. */
function unless(error: unknown, expected: new (message?: string) => Error): void {
  if (!(error instanceof expected)) throw error;
}
