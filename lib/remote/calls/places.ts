/**
 * Where modules are. A `file:` URL means nothing on another machine, so a module inside the `root`
 * travels as `root:PATH`, and each machine has a root of its own; `http:` and `https:` URLs travel
 * as they are.
 *
 * It is also the list of what may be imported: what lies in the root, and what lies below one of
 * the URLs that are allowed. A name is held against it before anything is decoded or imported.
 *
 * @module
 */
import { show } from "../../core/checks.ts";
import { LIBRARY } from "../../core/environment.ts";
import { mainModule } from "../../transfer/task.ts";

const PREFIX = "root:";
const CONFIGS = ["deno.json", "deno.jsonc"];

/** Where modules are, and which may be imported. */
export class Places {
  /** The URL of the folder; undefined where the main module is no file. */
  readonly root: string | undefined;
  /** The URLs below which modules are allowed. */
  readonly allow: readonly string[];
  /** The names that were found to lie in the root, with links followed. */
  readonly #known = new Map<string, string | undefined>();

  constructor(root: string | undefined, allow: readonly string[]) {
    this.root = root;
    this.allow = allow;
  }

  /**
   * The name by which a module is known elsewhere; undefined if there is none.
   */
  nameOf(module: string): string | undefined {
    if (/^https?:/.test(module)) return module;
    const { root } = this;
    if (root === undefined || !module.startsWith(root)) return undefined;
    return PREFIX + module.slice(root.length);
  }

  /**
   * As {@linkcode nameOf}, for what has to have one.
   *
   * @param what What is in the module, as in `"square"`.
   * @throws {TypeError} It has none; the message names the remedies.
   */
  checkedNameOf(module: string, what: string): string {
    const name = this.nameOf(module);
    if (name !== undefined) return name;
    const where = this.root === undefined ? "there is no root" : `the root is ${this.root}`;
    throw new TypeError(
      `Cannot run ${what} on another machine: ${
        module.slice(0, 200)
      } is not there, as ${where}; put ` +
        "the module in the root, name a root that holds it (option root), or import it by http(s)",
    );
  }

  /** The URL of a name here, if it may be imported; undefined if not. */
  moduleOf(name: string): string | undefined {
    if (this.#known.has(name)) return this.#known.get(name);
    const module = this.#find(name);
    // Names come from anybody who can write to the broker.
    if (this.#known.size > 10_000) this.#known.clear();
    this.#known.set(name, module);
    return module;
  }

  #find(name: string): string | undefined {
    let url: URL;
    const isInRoot = name.startsWith(PREFIX);
    try {
      if (isInRoot && this.root === undefined) return undefined;
      // What looks like a URL or an absolute path leads out of the root, and is seen by that.
      url = isInRoot ? new URL(`./${name.slice(PREFIX.length)}`, this.root) : new URL(name);
    } catch {
      return undefined;
    }
    const { href } = url;
    // The toolkit's own modules are no tasks of the user's, wherever they are.
    if (href.startsWith(LIBRARY)) return undefined;
    if (!isInRoot) {
      const isAllowed = /^https?:$/.test(url.protocol) && this.allow.some((a) => isBelow(href, a));
      return isAllowed ? href : undefined;
    }
    return isBelow(href, this.root!) && this.#isReallyInRoot(url) ? href : undefined;
  }

  /** Whether a file lies in the root when links are followed; one that is not there, does. */
  #isReallyInRoot(url: URL): boolean {
    const root = new URL(this.root!);
    // Without the permission to read nothing can be imported either.
    if (Deno.permissions.querySync({ name: "read", path: root }).state !== "granted") return true;
    try {
      const folder = Deno.realPathSync(root);
      return Deno.realPathSync(url).startsWith(folder.endsWith("/") ? folder : `${folder}/`);
    } catch (error) {
      return error instanceof Deno.errors.NotFound;
    }
  }
}

function isBelow(href: string, folder: string): boolean {
  return href === folder || href.startsWith(folder.endsWith("/") ? folder : `${folder}/`);
}

/**
 * The URL of a root, as a caller or worker gives it.
 *
 * @param root A folder: a path or a `file:` URL. Default: the folder of the nearest deno.json above
 * the main module, if it may be read, else the main module's folder.
 * @throws {TypeError} It is none.
 */
export function rootOf(root: unknown, action: string): string | undefined {
  if (root === undefined) return defaultRoot();
  if (!(root instanceof URL) && typeof root !== "string") {
    throw new TypeError(`Cannot ${action}: root must be a string or a URL, received ${show(root)}`);
  }
  const text = String(root);
  let url: URL;
  if (text.startsWith("file:")) url = new URL(text);
  else if (/^[a-z][a-z0-9+.-]+:/i.test(text) || text === "") {
    throw new TypeError(`Cannot ${action}: root must be a folder, received ${show(text)}`);
  } else {
    const path = text.startsWith("/") ? text : `${Deno.cwd()}/${text}`;
    url = new URL(`file://${path.split("/").map(encodeURIComponent).join("/")}`);
  }
  return url.href.endsWith("/") ? url.href : `${url.href}/`;
}

let found: string | undefined;

function defaultRoot(): string | undefined {
  const main = mainModule();
  if (!main.startsWith("file:")) return undefined;
  return found ??= rootAround(new URL(".", main));
}

/** The folder of the nearest deno.json, from a folder upwards; that folder if there is none. */
export function rootAround(start: URL): string {
  for (let folder = start;; folder = new URL("..", folder)) {
    if (CONFIGS.some((name) => isFile(new URL(name, folder)))) return folder.href;
    if (folder.href === new URL("..", folder).href) return start.href;
  }
}

function isFile(url: URL): boolean {
  try {
    const { state } = Deno.permissions.querySync({ name: "read", path: url });
    return state === "granted" && Deno.statSync(url).isFile;
  } catch {
    return false;
  }
}

/**
 * The URLs below which modules are allowed.
 *
 * @throws {TypeError} One is no http(s) URL.
 */
export function checkAllow(allow: unknown, action: string): string[] {
  if (allow === undefined) return [];
  if (!Array.isArray(allow)) {
    throw new TypeError(`Cannot ${action}: allow must be an array, received ${show(allow)}`);
  }
  return allow.map((each) => {
    try {
      const { protocol, href } = new URL(String(each));
      if (/^https?:$/.test(protocol)) return href;
    } catch {
      // It is told below.
    }
    throw new TypeError(
      `Cannot ${action}: allow must hold http(s) URLs, received ${
        show(each)
      }; files are allowed by ` +
        "the option root",
    );
  });
}
