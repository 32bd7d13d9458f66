/**
 * The permissions of a child process: never more than its parent's.
 *
 * A full grant passes on. One that is limited or has denials cannot be read back from Deno, so it
 * passes on only as far as the caller names it and a query confirms it. What a query cannot
 * confirm, as a range of addresses of which some are denied, is refused.
 *
 * The flags speak of all eight kinds: of one that they do not name Deno has its own mind, as it
 * lets everybody import from some hosts.
 *
 * @module
 */
import { show } from "../../core/checks.ts";
import { fileURLToPath, resolve } from "../../core/node.ts";
import { addressOf } from "../../channel/socket/place.ts";
import { faultOf } from "../../channel/socket/private_folder.ts";
import type { TrustLevel } from "../../transfer/reduction.ts";
import { KEY_VARIABLE } from "./rendezvous.ts";

/** A kind of permission. */
export type PermissionKind = "read" | "write" | "net" | "env" | "run" | "ffi" | "sys" | "import";

/** All kinds. */
export const PERMISSION_KINDS: readonly PermissionKind[] = [
  "read",
  "write",
  "net",
  "env",
  "run",
  "ffi",
  "sys",
  "import",
];

/** The permissions of a child; see `ProcessOptions.permissions`. */
export type Permissions =
  | "inherit"
  | "none"
  | {
    [kind in PermissionKind]?: boolean | "inherit" | readonly (string | URL)[];
  };

/** The grants that are passed on of each kind: all, or some items. */
type Lists = Partial<Record<PermissionKind, string[] | true>>;

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

/** Where Deno lets everybody import from who is told nothing else. */
const USUAL_HOSTS = [
  "deno.land:443",
  "jsr.io:443",
  "esm.sh:443",
  "raw.esm.sh:443",
  "cdn.jsdelivr.net:443",
  "raw.githubusercontent.com:443",
  "gist.githubusercontent.com:443",
];
/** There is no such host, and never will be: a list of it alone lets nothing be imported. */
const NO_HOST = "none.invalid";
/** The prefix that stands for npm packages among the hosts: Deno knows no permission for them. */
const NPM = "npm:";

function stateOf(kind: PermissionKind, item?: string): Deno.PermissionStatus {
  const descriptor = { name: kind, ...(item === undefined ? {} : { [DETAIL[kind]!]: item }) };
  return Deno.permissions.querySync(descriptor as Deno.PermissionDescriptor);
}

function holds(kind: PermissionKind, item?: string): boolean {
  const { state, partial } = stateOf(kind, item);
  return state === "granted" && !partial;
}

function refuse(what: string): never {
  const kind = PERMISSION_KINDS.find((one) => one === what);
  const status = kind === undefined ? undefined : stateOf(kind);
  const isLimited = status?.state === "prompt" || status?.partial === true;
  throw new Deno.errors.NotCapable(
    `Cannot start a process: its parent does not have the permission ${what}` +
      `${isLimited ? " in full" : ""}, so it cannot pass it on` +
      (isLimited
        ? `; name in permissions.${kind} what it does have, as in { ${kind}: ["…"] }`
        : ""),
  );
}

/**
 * The form in which an item of a list is written in a flag. A path is made absolute: the child may
 * be given another working directory, and there a relative one would name something else.
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
  return writable(isPath ? resolve(text) : text, argument);
}

/** Checks that a flag can name an item: Deno splits at commas, trims, and knows no way to quote. */
function writable(text: string, argument: string): string {
  const fault = text.includes(",")
    ? "be without commas"
    : /[\0\r\n]/.test(text)
    ? "be of one line, without NUL"
    : text.trim() !== text
    ? "neither begin nor end with a space"
    : undefined;
  if (fault === undefined) return text;
  throw new TypeError(`Cannot start a process: ${argument} must ${fault}, received ${show(text)}`);
}

const ADDRESS = /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]+\]):\d+$/i;

/**
 * Checks that the parent has an item, as far as a query can tell: one knows names, and not which
 * addresses they have, nor what a pattern covers, nor what is denied below it.
 *
 * @throws {Deno.errors.NotCapable} It has not, or nobody can say.
 */
function confirm(kind: PermissionKind, item: string, argument: string): void {
  const { state, partial } = stateOf(kind);
  const isFull = state === "granted" && !partial;
  const doubt = isFull
    ? undefined
    : item.includes("*")
    ? "a pattern may cover what its parent is denied"
    : kind !== "net" || item.startsWith("unix:")
    ? undefined
    : item.includes("/")
    ? "a range may cover what its parent is denied"
    : partial && !ADDRESS.test(item)
    ? "its parent is denied some addresses, so only IP:PORT can be told from them"
    : undefined;
  if (doubt !== undefined) {
    throw new Deno.errors.NotCapable(
      `Cannot start a process: ${argument} ${show(item)} cannot be passed on: ${doubt}`,
    );
  }
  // A pattern is no name that could be asked for.
  if (isFull && item.includes("*")) return;
  if (!holds(kind, item)) refuse(`${kind}=${item}`);
}

/** True if a child with these permissions may use FFI, and so memory between processes. */
export function givesFfi(wanted: Permissions | undefined): boolean {
  const asked = typeof wanted === "object" && wanted !== null ? wanted.ffi : undefined;
  const isAsked = asked === undefined || asked === true || asked === "inherit";
  return wanted !== "none" && isAsked && holds("ffi");
}

/**
 * The folders of further sockets that the child is let into: of ours, where its parent may go
 * itself.
 */
function socketsIn({ sockets = [] }: Needs): { folder: string; address: string }[] {
  return sockets.flatMap((folder) => {
    if (faultOf(folder) !== undefined || !holds("read", folder) || !holds("write", folder)) {
      return [];
    }
    try {
      const address = addressOf(folder);
      return holds("net", address) ? [{ folder, address }] : [];
    } catch {
      return []; // Nobody is there any more.
    }
  });
}

/**
 * The permissions that the child itself needs, whatever the task may do: all of it the parent has.
 */
export interface Needs {
  /** The folder where it meets its parent. */
  folder: string;
  /** The net permission for the socket there. */
  address: string;
  /** The folders of further sockets, to which its arguments lead. */
  sockets?: string[];
  /** The modules that it imports. */
  modules: string[];
}

/** The permissions that may be asked for, by kind. */
type Named = Exclude<Permissions, string>;

/**
 * The permissions that are asked for, by kind.
 *
 * @throws {TypeError} A permission of another name or type.
 */
function namedIn(wanted: Permissions | undefined): Named {
  if (wanted === undefined || wanted === "inherit") return {};
  if (wanted === "none") return Object.fromEntries(PERMISSION_KINDS.map((kind) => [kind, false]));
  if (typeof wanted !== "object" || wanted === null) {
    throw new TypeError(
      `Cannot start a process: permissions must be an object, "inherit" or "none", received ${
        show(wanted)
      }`,
    );
  }
  for (const [kind, value] of Object.entries(wanted)) {
    if (!PERMISSION_KINDS.includes(kind as PermissionKind)) {
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
  return wanted;
}

/**
 * The level of a child with these permissions: equal only if it gets all that the parent
 * has. What the parent holds in part counts as held back, as nobody can read how much that is.
 */
export function levelOf(wanted: Permissions | undefined): TrustLevel {
  if (wanted === "none") return "below";
  const named = typeof wanted === "object" && wanted !== null ? wanted : {};
  const isEqual = PERMISSION_KINDS.every((kind) => {
    const { state, partial } = Deno.permissions.querySync({ name: kind });
    if (state === "denied") return true;
    if (state !== "granted" || partial) return false;
    const asked = named[kind];
    return asked === undefined || asked === true || asked === "inherit";
  });
  return isEqual ? "equal" : "below";
}

/**
 * The flags for `deno run`.
 *
 * @throws {Deno.errors.NotCapable} More is asked for than the parent has, or than can be told.
 * @throws {TypeError} A permission of another name or type, or an item that no flag can name.
 */
export function permissionFlags(wanted: Permissions | undefined, needs: Needs): string[] {
  const named = namedIn(wanted);
  const lists: Lists = {};
  let hasNpm = true;
  for (const kind of PERMISSION_KINDS) {
    const asked = named[kind];
    const isImport = kind === "import";
    if (Array.isArray(asked)) {
      if (isImport) hasNpm = asked.includes(NPM);
      lists[kind] = asked.filter((item) => !isImport || item !== NPM).map((item, k) => {
        const argument = `permissions.${kind}[${k}]`;
        const text = spell(kind, item, argument);
        confirm(kind, text, argument);
        return text;
      });
    } else if (asked === false) {
      if (isImport) hasNpm = false;
    } else if (holds(kind)) lists[kind] = true;
    else if (asked === true) refuse(kind);
    else if (isImport) {
      lists.import = USUAL_HOSTS.filter((host) => holds("import", host));
      hasNpm = lists.import.length > 0;
    }
  }
  if (PERMISSION_KINDS.every((kind) => lists[kind] === true)) return ["--allow-all"];
  const meeting = { folder: needs.folder, address: needs.address };
  for (const { folder, address } of [meeting, ...socketsIn(needs)]) {
    add(lists, "read", folder, "the temporary folder");
    add(lists, "write", folder, "the temporary folder");
    add(lists, "net", address, "the temporary folder");
  }
  // Made for this child, which removes it before it imports anything: nothing of its parent's.
  if (lists.env !== true) lists.env = [...lists.env ?? [], KEY_VARIABLE];
  for (const module of needs.modules) addModule(lists, module);
  if (lists.import !== true && !lists.import?.length) lists.import = [NO_HOST];
  const flags = PERMISSION_KINDS.map((kind) => {
    const list = lists[kind] ?? [];
    if (list === true) return `--allow-${kind}`;
    return list.length === 0 ? `--deny-${kind}` : `--allow-${kind}=${list.join(",")}`;
  });
  return hasNpm ? flags : [...flags, "--no-npm"];
}

/** Adds an item that the child itself needs. */
function add(lists: Lists, kind: PermissionKind, item: string, argument: string): void {
  const list = lists[kind] ??= [];
  if (list === true) return;
  writable(item, argument);
  if (!holds(kind, item)) refuse(`${kind}=${item}`);
  list.push(item);
}

/** Adds a module that the child imports, if the parent may. */
function addModule(lists: Lists, module: string): void {
  const url = new URL(module);
  if (url.protocol === "file:") {
    const path = fileURLToPath(url);
    if (holds("read", path)) add(lists, "read", path, "the path of a module");
  } else if (url.host !== "") {
    const host = url.port === "" ? `${url.host}:${url.protocol === "http:" ? 80 : 443}` : url.host;
    if (holds("import", host)) add(lists, "import", host, "the host of a module");
  }
}
