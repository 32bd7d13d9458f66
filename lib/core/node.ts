/**
 * Node's built-in modules, each loaded when it is first used: an import of one costs some 10 ms,
 * the first look at `process` 20 more, and most threads and processes never need one. For what
 * every program does with paths of the usual form there are functions here that need none.
 *
 * @module
 */

/** A built-in module, by its name without `node:`. */
interface Builtins {
  crypto: typeof import("node:crypto");
  child_process: typeof import("node:child_process");
  os: typeof import("node:os");
  path: typeof import("node:path");
  process: typeof import("node:process");
  sqlite: typeof import("node:sqlite");
  timers: typeof import("node:timers");
  url: typeof import("node:url");
  util: typeof import("node:util");
  v8: typeof import("node:v8");
  worker_threads: typeof import("node:worker_threads");
}

const loaded: Partial<Builtins> = {};

/** Gives a built-in module of Node. */
export function builtin<Name extends keyof Builtins>(name: Name): Builtins[Name] {
  // deno-lint-ignore no-process-global -- to import it is what this saves
  return loaded[name] ??= process.getBuiltinModule(`node:${name}`) as Builtins[Name];
}

const isWindows = Deno.build.os === "windows";
/** An absolute path without `.`, `..`, an empty part or a slash at its end. */
const PLAIN = /^(?:\/(?!\.{0,2}(?:\/|$))[^/]+)+$/;

/** The path of a `file:` URL. */
export function fileURLToPath(url: string | URL): string {
  const { protocol, host, pathname } = new URL(url);
  const isUsual = !isWindows && protocol === "file:" && host === "" && !/%2f/i.test(pathname);
  return isUsual ? decodeURIComponent(pathname) : builtin("url").fileURLToPath(url);
}

/** The absolute form of a path. */
export function resolve(path: string): string {
  return !isWindows && PLAIN.test(path) ? path : builtin("path").resolve(path);
}
