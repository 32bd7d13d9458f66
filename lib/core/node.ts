/**
 * Node's built-in modules, each loaded when it is first used. The first `import` of any of them would
 * cost every thread and process that starts some 10 ms, most of which never need one.
 *
 * @module
 */

/** A built-in module, by its name without `node:`. */
interface Builtins {
  child_process: typeof import("node:child_process");
  os: typeof import("node:os");
  path: typeof import("node:path");
  process: typeof import("node:process");
  timers: typeof import("node:timers");
  url: typeof import("node:url");
  v8: typeof import("node:v8");
  worker_threads: typeof import("node:worker_threads");
}

const loaded: Partial<Builtins> = {};

/** Gives a built-in module of Node. */
export function builtin<Name extends keyof Builtins>(name: Name): Builtins[Name] {
  // deno-lint-ignore no-process-global -- to import it is what this saves
  return loaded[name] ??= process.getBuiltinModule(`node:${name}`) as Builtins[Name];
}

/** The path of a `file:` URL. */
export function fileURLToPath(url: string | URL): string {
  return builtin("url").fileURLToPath(url);
}
