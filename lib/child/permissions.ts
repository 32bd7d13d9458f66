/**
 * The permissions of a child process: never more than its parent's.
 *
 * A full grant passes on. One that is limited or has denials cannot be read back from Deno, so it
 * passes on only as far as the caller names it and a query confirms it.
 *
 * @module
 */
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { show } from "../core/checks.ts";
import type { Source } from "../transfer/reduction.ts";

/** A kind of permission. */
export type PermissionKind = "read" | "write" | "net" | "env" | "run" | "ffi" | "sys" | "import";

const KINDS: PermissionKind[] = ["read", "write", "net", "env", "run", "ffi", "sys", "import"];

/** What a child may do; see `ProcessOptions.permissions`. */
export type Permissions =
  | "inherit"
  | "none"
  | {
    [kind in PermissionKind]?: boolean | "inherit" | readonly (string | URL)[];
  };

const DETAIL: Partial<Record<PermissionKind, string>> = {
  read: "path",
  write: "path",
  net: "host",
  env: "variable",
  run: "command",
  ffi: "path",
  sys: "kind",
  import: "host",
};

function holds(kind: PermissionKind, item?: string): boolean {
  const descriptor = { name: kind, ...(item === undefined ? {} : { [DETAIL[kind]!]: item }) };
  const status = Deno.permissions.querySync(descriptor as Deno.PermissionDescriptor);
  return status.state === "granted" && !status.partial;
}

/**
 * What a child with these permissions is to its parent: equal only if it gets all that the parent has. What
 * the parent holds in part counts as held back, as nobody can read how much that is.
 */
export function levelOf(wanted: Permissions | undefined): Source {
  if (wanted === "none") return "below";
  const named = typeof wanted === "object" && wanted !== null ? wanted : {};
  const isEqual = KINDS.every((kind) => {
    const { state, partial } = Deno.permissions.querySync({ name: kind });
    if (state === "denied") return true;
    if (state !== "granted" || partial) return false;
    const asked = named[kind];
    return asked === undefined || asked === true || asked === "inherit";
  });
  return isEqual ? "equal" : "below";
}

function refuse(what: string): never {
  throw new Deno.errors.NotCapable(
    `Cannot start a process: its parent does not have the permission ${what}, so it cannot pass it on`,
  );
}

/**
 * How an item of a list is written in a flag. A path is made absolute: the child may be given another
 * working directory, and there a relative one would name something else.
 *
 * @throws {TypeError} No flag can name it.
 */
function spell(kind: PermissionKind, item: unknown, argument: string): string {
  const isPath = DETAIL[kind] === "path" || kind === "run" && /[/\\]/.test(String(item));
  const isFile = item instanceof URL && item.protocol === "file:";
  const text = !(item instanceof URL) ? item : isFile ? fileURLToPath(item) : item.host;
  if (typeof text !== "string" || text === "" || item instanceof URL && isFile !== isPath) {
    throw new TypeError(
      `Cannot start a process: ${argument} must name a ${DETAIL[kind]}, received ${show(item)}`,
    );
  }
  const spelt = isPath ? resolve(text) : text;
  // Deno splits the flag's value at commas and knows no way to quote one.
  if (spelt.includes(",")) {
    throw new TypeError(
      `Cannot start a process: ${argument} must be without commas, received ${show(spelt)}`,
    );
  }
  return spelt;
}

/** What the child itself needs, whatever the task may do: all of it the parent has. */
export interface Needs {
  /** The folder where it meets its parent. */
  folder: string;
  /** The folders of further sockets, to which its arguments lead. */
  sockets?: string[];
  /** The modules that it imports. */
  modules: string[];
}

/**
 * The flags for `deno run`.
 *
 * @throws {Deno.errors.NotCapable} More is asked for than the parent has.
 * @throws {TypeError} A permission of another name or type.
 */
export function permissionFlags(wanted: Permissions | undefined, needs: Needs): string[] {
  const named = wanted === undefined || wanted === "inherit" || wanted === "none" ? {} : wanted;
  if (typeof named !== "object" || named === null) {
    throw new TypeError(
      `Cannot start a process: permissions must be an object, "inherit" or "none", received ${
        show(wanted)
      }`,
    );
  }
  for (const [kind, value] of Object.entries(named)) {
    if (!KINDS.includes(kind as PermissionKind)) {
      throw new TypeError(`Cannot start a process: there is no permission ${show(kind)}`);
    }
    if (value === undefined || value === "inherit" || typeof value === "boolean") continue;
    if (!Array.isArray(value)) {
      throw new TypeError(
        `Cannot start a process: permissions.${kind} must be true, false, "inherit" or an array, ` +
          `received ${show(value)}`,
      );
    }
  }
  const lists: Partial<Record<PermissionKind, string[] | true>> = {};
  for (const kind of KINDS) {
    const asked = named[kind];
    if (asked === false || wanted === "none") continue;
    if (Array.isArray(asked)) {
      lists[kind] = asked.map((item, k) => {
        const text = spell(kind, item, `permissions.${kind}[${k}]`);
        return holds(kind, text) ? text : refuse(`${kind}=${text}`);
      });
    } else if (holds(kind)) lists[kind] = true;
    else if (asked === true) refuse(kind);
  }
  if (KINDS.every((kind) => lists[kind] === true)) return ["--allow-all"];
  for (const folder of [needs.folder, ...needs.sockets ?? []]) {
    add(lists, "read", folder);
    add(lists, "write", folder);
    add(lists, "net", `unix:${folder}/socket`);
  }
  for (const module of needs.modules) {
    const url = new URL(module);
    if (url.protocol === "file:") {
      const path = fileURLToPath(url);
      if (!path.includes(",") && holds("read", path)) add(lists, "read", path);
    } else if (url.host !== "" && holds("import", url.host)) add(lists, "import", url.host);
  }
  return KINDS.flatMap((kind) => {
    const list = lists[kind];
    if (list === true) return [`--allow-${kind}`];
    return list === undefined || list.length === 0 ? [] : [`--allow-${kind}=${list.join(",")}`];
  });
}

function add(
  lists: Partial<Record<PermissionKind, string[] | true>>,
  kind: PermissionKind,
  item: string,
): void {
  const list = lists[kind] ??= [];
  if (list !== true) list.push(item);
}
