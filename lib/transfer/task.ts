/**
 * Targets: the functions and classes that another thread or process can find. One is known by its
 * module and its name, with a fingerprint of its text, so that the other side refuses one that is
 * not the same.
 *
 * @module
 */
import { show } from "../core/checks.ts";
import { BootstrapError } from "../core/errors.ts";
import { reached } from "../core/promises.ts";
import type { TrustLevel } from "./reduction.ts";
import { SHAREABLES } from "./shareable.ts";

/** The reference by which a target is known on the other side. */
export interface Reference {
  /** The module to import. */
  module: string;
  /** An export, a named task, or `#n` for the module's task number n. */
  name: string;
  /** The fingerprint of its text. */
  print: number;
}

/** Any function or class. */
export type Target =
  // deno-lint-ignore no-explicit-any -- a target's own type is kept
  | ((...args: any[]) => unknown)
  // deno-lint-ignore no-explicit-any -- as above
  | (abstract new (...args: any[]) => unknown);

const marks = new WeakMap<object, Reference>();
const tasks = new Map<string, Target[]>();
const namespaces = new Map<string, Record<string, unknown>>();

/**
 * The time that it may take to import a module that has been evaluated, in ms: far more than it
 * does.
 */
const HERE = 1000;

let main: string | undefined;
let importing = 0;

/**
 * Marks a function or class as a target: threads, processes and pools can run it wherever it is.
 *
 * Call it at the top level of a module, so that the module has the same tasks each time it is
 * imported. Exported functions of the main module are targets without it.
 *
 * @param meta The module's `import.meta`.
 * @param target The function (sync or async) or class.
 * @returns The target itself: it can still be called.
 * @throws {TypeError} `meta` is not an `import.meta`, or `target` no function.
 *
 * @example A function that threads and processes can run
 * ```ts
 * import { task } from "@switchyard/switchyard/task";
 *
 * export const square = task(import.meta, (x: number) => x * x);
 *
 * square(3); // 9
 * ```
 */
export function task<T extends Target>(meta: ImportMeta, target: T): T {
  if (typeof meta?.url !== "string") {
    throw new TypeError(`Cannot mark a task: meta must be import.meta, received ${show(meta)}`);
  }
  if (typeof target !== "function") {
    throw new TypeError(`Cannot mark a task: target must be a function, received ${show(target)}`);
  }
  if (marks.has(target)) return target;
  const module = meta.url;
  let list = tasks.get(module);
  if (list === undefined) tasks.set(module, list = []);
  const name = target.name === "" ? `#${list.length}` : target.name;
  list.push(target);
  marks.set(target, { module, name, print: fingerprint(target) });
  return target;
}

/** A hash of a function's text (FNV-1a, 32 bits). */
function fingerprint(target: Target): number {
  const text = Function.prototype.toString.call(target);
  let hash = 0x811c9dc5;
  for (let k = 0; k < text.length; k++) {
    hash = Math.imul(hash ^ text.charCodeAt(k), 0x01000193);
  }
  return hash >>> 0;
}

/** The remedies that errors about targets show. */
const REMEDIES =
  "export it as a named function (`export function f() { ... }`) from the main module, " +
  "or mark it with task(import.meta, ...) at the top level of its module";

/** The program's main module; in a child, that of its program. */
export function mainModule(): string {
  return main ??= Deno.mainModule;
}

/** Tells a child what its program's main module is. */
export function setMainModule(url: string): void {
  main = url;
}

/** True if the target was marked with `task()`. */
export function isMarked(target: object): boolean {
  return marks.has(target);
}

/** The kind of a function that no child can find by its name. */
function kindOfText(name: string, text: string): string {
  if (name.startsWith("bound ")) return "a bound function";
  if (/^(?:async\s*)?(?:\(|[\p{ID_Start}$_][\p{ID_Continue}$]*\s*=>)/u.test(text)) {
    return "an arrow function, which is no named function,";
  }
  return "no named function";
}

/**
 * The way in which a child finds a target.
 *
 * @throws {TypeError} No child could: an arrow function that is no task, a bound function.
 */
export function referTo(target: unknown): Reference {
  if (typeof target !== "function") {
    throw new TypeError(
      `Cannot run a target in a child: it must be a function, received ${show(target)}`,
    );
  }
  const marked = marks.get(target);
  if (marked !== undefined) return marked;
  const text = Function.prototype.toString.call(target);
  const named = target.name !== "" && /^(?:async\s+)?function\b|^class\b/.test(text);
  if (!named || /\{\s*\[native code\]\s*\}$/.test(text)) {
    const name = show(target.name || "(anonymous)");
    throw new TypeError(
      `Cannot run ${name} in a child: it is ${
        kindOfText(target.name, text)
      } and no task; ${REMEDIES}`,
    );
  }
  return { module: mainModule(), name: target.name, print: fingerprint(target as Target) };
}

/**
 * The names that Deno gives a main module that is no file: the text of stdin, of `deno eval`, of
 * the REPL.
 */
const FILELESS = /\/\$deno\$(stdin|eval|repl)\.\w+$/;
const FROM: Record<string, string> = {
  stdin: "standard input",
  eval: "`deno eval`",
  repl: "the REPL",
};

/**
 * Why no process can import a module, if none can. Threads share the program's modules, and can.
 */
export function fileless(module: string): string | undefined {
  const source = FILELESS.exec(module)?.[1];
  return source &&
    `the main module came from ${
        FROM[source]
      }, and has no file that a process could import; save it ` +
      "as a file, or import from one what the process needs";
}

/**
 * Gives back how a target is found, if a process can find it so.
 *
 * @throws {TypeError} Its module is the main one, and that is no file.
 */
export function inFile(reference: Reference): Reference {
  const why = fileless(reference.module);
  if (why === undefined) return reference;
  throw new TypeError(`Cannot run ${show(reference.name)} in a process: ${why}`);
}

/** The reference by which a subclass that calls `super(import.meta)` is found. */
export function referToClass(type: Target, meta: ImportMeta): Reference {
  return marks.get(type) ?? { module: meta.url, name: type.name, print: fingerprint(type) };
}

let watcher: ((module: string) => void) | undefined;

/** Has a function called with each module before it is imported; for tests. */
export function watchLoads(hook: ((module: string) => void) | undefined): void {
  watcher = hook;
}

/**
 * Imports a module for its targets.
 *
 * @throws {unknown} What the module throws.
 */
export async function load(module: string): Promise<void> {
  if (namespaces.has(module)) return;
  watcher?.(module);
  // A module that is imported during the first turn of its own top-level await never settles; from
  // the next turn on it does. In a child no module but its entry is at that.
  if (module === Deno.mainModule) await new Promise((next) => setTimeout(next, 0));
  importing++;
  try {
    namespaces.set(module, await import(module));
  } finally {
    importing--;
  }
}

/**
 * Those of the modules named by a value that are to be loaded before it is unpacked. What comes
 * from below has nothing loaded that is not here: the namespaces of modules that have been
 * evaluated in this thread (the main one, those with tasks) and the toolkit's own shareables, at
 * most.
 */
export function toLoad(modules: readonly string[], level: TrustLevel): string[] {
  return modules.filter((module) =>
    !namespaces.has(module) && (level === "equal" || isHere(module))
  );
}

/** True if importing the module runs no code that is not the toolkit's or has run before. */
function isHere(module: string): boolean {
  return module === Deno.mainModule || tasks.has(module) || SHAREABLES.has(module);
}

/**
 * Loads what a value needs that names these modules, as far as its source may have it loaded.
 *
 * @throws {unknown} What one of them throws; the others have been loaded nevertheless.
 */
export async function admit(modules: readonly string[], level: TrustLevel): Promise<void> {
  const errors: unknown[] = [];
  for (const module of toLoad(modules, level)) {
    const loading = load(module).catch((error) => errors.push(error));
    // One with tasks is here, or waits in its own top level for what is to be read, and is never
    // there.
    await reached(loading, tasks.has(module) ? HERE : Infinity);
  }
  if (errors.length > 0 && level === "equal") throw errors[0];
}

/** True if a module was loaded, so that its exports are known. */
export function isLoaded(module: string): boolean {
  return namespaces.has(module);
}

/** True if a module was loaded or has marked targets here. */
export function isKnown(module: string): boolean {
  return namespaces.has(module) || tasks.has(module);
}

/** The main module, while a child imports it or what its job needs. */
export function importedMain(): string | undefined {
  return importing === 0 || main === Deno.mainModule ? undefined : main;
}

/**
 * Throws while a child imports its program.
 *
 * @param what What was to be started, as in `a thread`.
 */
export function checkBootstrap(what: string): void {
  if (importedMain() === undefined) return;
  throw new BootstrapError(
    `Cannot start ${what} while a child imports ${main}: put the script's main part under ` +
      "`if (import.meta.main) { ... }`",
  );
}

/**
 * Finds a target in a module that has been loaded: a task, or an export of the main module. Other
 * exports are none: who names one shall not choose among all that a module imports and gives on.
 *
 * @throws {TypeError} There is no such target, or its text differs.
 */
export function find(reference: Reference): Target {
  const isMain = reference.module === mainModule();
  return findAmong(reference, isMain ? exportsOf(reference.module) : []);
}

/**
 * Finds what its own module exports: the class of a thread or process, or a target of the main
 * module of another program.
 *
 * @throws {TypeError} There is no such class, or its text differs.
 */
export function findExport(reference: Reference): Target {
  return findAmong(reference, exportsOf(reference.module));
}

/** The fingerprints of all that a loaded module has under a name; empty if it has nothing. */
export function printsOf(module: string, name: string): number[] {
  return [...tasks.get(module) ?? [], ...exportsOf(module)]
    .filter((found) => typeof found === "function" && found.name === name)
    .map((found) => fingerprint(found as Target));
}

/**
 * Finds the class of an error among the tasks and the exports of a module that was loaded.
 *
 * @throws {TypeError} There is no such class, or its text differs.
 */
export function findErrorClass(reference: Reference): Target {
  const found = findAmong(reference, exportsOf(reference.module).filter(isErrorClass));
  if (isErrorClass(found)) return found;
  throw new TypeError(`Cannot find the class of an error: ${show(reference.name)} is none`);
}

function isErrorClass(type: unknown): boolean {
  return typeof type === "function" && type.prototype instanceof Error;
}

function exportsOf(module: string): unknown[] {
  return Object.values(namespaces.get(module) ?? {});
}

function findAmong({ module, name, print }: Reference, exported: unknown[]): Target {
  const number = name.startsWith("#") ? Number(name.slice(1)) : -1;
  const listed = tasks.get(module) ?? [];
  const candidates = number >= 0 ? [listed[number]] : [...listed, ...exported];
  const targets = candidates.filter((found) =>
    typeof found === "function" && (number >= 0 || found.name === name)
  ) as Target[];
  const found = targets.find((target) => fingerprint(target) === print);
  if (found !== undefined) return found;
  throw new TypeError(
    targets.length > 0
      ? `Cannot run ${show(name)} in a child: its text in ${module} differs from the caller's`
      : `Cannot run ${show(name)} in a child: ${module} has no export of that name; ${REMEDIES}`,
  );
}

/**
 * The reference by which a class is known: a task, or an export of the main module, if that was
 * loaded.
 */
export function referenceOf(type: Target): Reference | undefined {
  const marked = marks.get(type);
  if (marked !== undefined) return marked;
  const module = mainModule();
  return exportsOf(module).includes(type) ? unmarked(type, module) : undefined;
}

/**
 * The reference by which the class of an error is known: as other classes, or as an export of a
 * module that was loaded.
 */
export function referenceOfError(type: Target): Reference | undefined {
  const known = referenceOf(type);
  if (known !== undefined) return known;
  for (const module of namespaces.keys()) {
    if (exportsOf(module).includes(type)) return unmarked(type, module);
  }
  return undefined;
}

function unmarked(type: Target, module: string): Reference {
  return { module, name: type.name, print: fingerprint(type) };
}

/** The main module's source; `""` where it cannot be read without asking anybody. */
let source: string | undefined;

function sourceOfMain(): string {
  const url = mainModule();
  try {
    if (url.startsWith("data:")) return textOfData(url);
    const { state } = Deno.permissions.querySync({ name: "read", path: new URL(url) });
    return state === "granted" ? Deno.readTextFileSync(new URL(url)) : "";
  } catch {
    return "";
  }
}

function textOfData(url: string): string {
  const [, head, data] = /^data:([^,]*),([^]*)$/.exec(url)!;
  return head!.endsWith(";base64") ? atob(data!) : decodeURIComponent(data!);
}

/**
 * The beginnings of an exported variable that is no class: a function, an instance, a value, a
 * task.
 */
const NO_CLASS = /^(?:async|function|new|task|true|false|null|undefined|[\d"'`([{/-])/;

/**
 * True if the main module may export a class, by its source: it cannot be imported while its top
 * level still runs. It may, unless the source can be read and has nothing in it that could be such
 * an export.
 */
export function mayBeExportOfMain(name: string): boolean {
  const text = source ??= sourceOfMain();
  if (text === "") return true;
  const word = `(?<![\\w$])${name.replaceAll("$", "\\$")}(?![\\w$])`;
  const may = [
    `export\\s+(?:default\\s+)?(?:abstract\\s+)?class\\s+${word}`,
    `export\\s*\\{[^}]*${word}`,
    "export\\s*\\*",
    "export\\s+(?:const|let|var)\\s*[{[]",
    "export\\s+default\\s+(?!class\\b|abstract\\b|function\\b|async\\b)",
  ];
  if (may.some((pattern) => new RegExp(pattern).test(text))) return true;
  for (
    const [, variable, rest] of text.matchAll(/export\s+(?:const|let|var)\s+([\w$]+)([^\n]*)/g)
  ) {
    // What follows its type, if it has one, and the `=`.
    const value = /(?:^|[^=!<>])=(?![=>])\s*(\S.*)$/.exec(rest!)?.[1];
    if (variable === name || value === undefined) return true;
    const inner = /^class\b(?:\s+([\w$]+))?/.exec(value);
    if (inner === null ? !NO_CLASS.test(value) : inner[1] === name) return true;
  }
  return false;
}
