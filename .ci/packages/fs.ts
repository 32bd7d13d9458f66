/**
 * Stands in for `@std/fs`, which the npm package lacks: the functions that this project uses, with
 * the names and results of the original.
 *
 * @module
 */

import { basename, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

/** Options of {@linkcode exists} and {@linkcode existsSync}. */
export interface ExistsOptions {
  /** Whether it must be a directory. */
  isDirectory?: boolean;
  /** Whether it must be a file. */
  isFile?: boolean;
}

/** Options of {@linkcode walk}. */
export interface WalkOptions {
  /** Whether directories are given; by default they are. */
  includeDirs?: boolean;
  /** Only paths that end so are given. */
  exts?: string[];
}

/** What {@linkcode walk} gives. */
export interface WalkEntry extends Deno.DirEntry {
  /** The path, beginning with that of the root. */
  path: string;
}

/** Makes sure that there is a directory, and makes it with its parents if need be. */
export async function ensureDir(dir: string | URL): Promise<void> {
  await Deno.mkdir(dir, { recursive: true });
}

/** Whether there is something at the path. */
export async function exists(path: string | URL, options?: ExistsOptions): Promise<boolean> {
  try {
    return fits(await Deno.stat(path), options);
  } catch (error) {
    return unlessNotFound(error);
  }
}

/** {@linkcode exists}, blocking. */
export function existsSync(path: string | URL, options?: ExistsOptions): boolean {
  try {
    return fits(Deno.statSync(path), options);
  } catch (error) {
    return unlessNotFound(error);
  }
}

function fits(info: Deno.FileInfo, options: ExistsOptions = {}): boolean {
  return !(options.isDirectory && !info.isDirectory || options.isFile && !info.isFile);
}

function unlessNotFound(error: unknown): false {
  if (error instanceof Deno.errors.NotFound) return false;
  throw error;
}

/** Gives what is in a directory, and in those below it; each directory before what is in it. */
export async function* walk(
  root: string | URL,
  options: WalkOptions = {},
): AsyncIterableIterator<WalkEntry> {
  const top = normalize(root instanceof URL ? fileURLToPath(root) : root);
  const { isFile, isDirectory, isSymlink } = await Deno.stat(top);
  const here = { path: top, name: basename(top), isFile, isDirectory, isSymlink };
  if (options.includeDirs !== false && hasExt(top, options)) yield here;
  for await (const entry of Deno.readDir(top)) {
    const path = join(top, entry.name);
    if (entry.isDirectory) yield* walk(path, options);
    else if (hasExt(path, options)) yield { path, ...entry };
  }
}

function hasExt(path: string, { exts }: WalkOptions): boolean {
  return exts?.some((ext) => path.endsWith(ext.startsWith(".") ? ext : `.${ext}`)) ?? true;
}
