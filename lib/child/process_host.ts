/**
 * Starts child processes: `deno run` of the entry, with the flags that the parent may pass on.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { mainModule } from "../transfer/task.ts";
import { permissionFlags, type Permissions } from "./permissions.ts";
import { Rendezvous } from "./rendezvous.ts";

const ENTRY = new URL("./process_entry.ts", import.meta.url).href;

/** How a child's standard streams are connected. */
export type Stdio = "inherit" | "piped" | "null";

/** What the caller of a process chooses. */
export interface SpawnOptions {
  permissions: Permissions | undefined;
  env: Record<string, string>;
  cwd: string | URL | undefined;
  stdin: Stdio;
  stdout: Stdio;
  stderr: Stdio;
  config: string | URL | undefined;
}

/** The deno.json that applies to the main module, if it has one that can be looked up. */
function findConfig(): string | undefined {
  const main = new URL(mainModule());
  if (main.protocol !== "file:") return undefined;
  for (let folder = new URL("./", main);; folder = new URL("../", folder)) {
    for (const name of ["deno.json", "deno.jsonc"]) {
      const path = fileURLToPath(new URL(name, folder));
      try {
        if (Deno.statSync(path).isFile) return path;
      } catch {
        // Not there, or not to be looked at.
      }
    }
    if (folder.pathname === "/" || folder.href === new URL("../", folder).href) return undefined;
  }
}

/** Starts a child; it then comes to the rendezvous. */
export function spawn(
  boot: Uint8Array,
  modules: string[],
  options: SpawnOptions,
  sockets: string[] = [],
): { child: Deno.ChildProcess; rendezvous: Rendezvous } {
  if (Deno.build.standalone) {
    throw new Deno.errors.NotSupported(
      "Cannot start a process from a compiled program: its executable is the program itself",
    );
  }
  const config = options.config ?? findConfig();
  const path = config instanceof URL ? fileURLToPath(config) : config;
  const rendezvous = new Rendezvous(boot);
  try {
    const { folder } = rendezvous;
    const needs = { folder, sockets, modules: [ENTRY, ...modules] };
    const flags = permissionFlags(options.permissions, needs);
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--quiet", "--no-prompt", "--no-check"],
        path === undefined ? "--no-config" : `--config=${path}`,
        ...flags,
        ENTRY,
        folder,
      ],
      env: { DENO_NO_UPDATE_CHECK: "1", ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      stdin: options.stdin,
      stdout: options.stdout,
      stderr: options.stderr,
    }).spawn();
    return { child, rendezvous };
  } catch (cause) {
    rendezvous.end();
    throw cause;
  }
}
