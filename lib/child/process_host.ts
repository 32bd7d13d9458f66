/**
 * Starts child processes: `deno run` of the entry, with the flags that the parent may pass on.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { mainModule } from "../transfer/task.ts";
import type { Link } from "./link.ts";
import { permissionFlags, type Permissions } from "./permissions.ts";
import { type SpareBoot, toBytes } from "./process_protocol.ts";
import { KEY_VARIABLE, Rendezvous } from "./rendezvous.ts";
import { Spares } from "./spares.ts";

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

/** A child that was started, and how it is met. */
export interface Spawned {
  child: Deno.ChildProcess;
  rendezvous: Pick<Rendezvous, "meet" | "isVisited" | "end" | "unref">;
}

/** Starts a child, or takes a spare; it then comes to the rendezvous. */
export function spawn(
  boot: Uint8Array,
  modules: string[],
  options: SpawnOptions,
  sockets: string[] = [],
): Spawned {
  const needs = { sockets, modules: [ENTRY, ...modules] };
  const spare = isUsual(options) ? spares.take((one) => suits(one, needs)) : undefined;
  if (spare === undefined) return spawnNew(boot, options, needs).spawned;
  const { child, link } = spare;
  child.ref();
  link.ref();
  link.send(boot);
  return {
    child,
    rendezvous: {
      meet: () => Promise.resolve(link),
      isVisited: true,
      end: () => {},
      unref: () => link.unref(),
    },
  };
}

function spawnNew(
  boot: Uint8Array,
  options: SpawnOptions,
  needs: { sockets: string[]; modules: string[] },
): { spawned: { child: Deno.ChildProcess; rendezvous: Rendezvous }; flags: string[] } {
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
    const flags = permissionFlags(options.permissions, { folder, ...needs });
    const showsEnv = flags.includes("--allow-all") || flags.includes("--allow-env");
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--quiet", "--no-prompt", "--no-check"],
        path === undefined ? "--no-config" : `--config=${path}`,
        ...flags,
        ENTRY,
        folder,
      ],
      env: {
        DENO_NO_UPDATE_CHECK: "1",
        ...options.env,
        [KEY_VARIABLE]: rendezvous.keyFor(showsEnv),
      },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      stdin: options.stdin,
      stdout: options.stdout,
      stderr: options.stderr,
    }).spawn();
    return { spawned: { child, rendezvous }, flags };
  } catch (cause) {
    rendezvous.end();
    throw cause;
  }
}

/** A child that waits for its boot. */
interface ProcessSpare {
  child: Deno.ChildProcess;
  link: Link;
  folder: string;
  /** Its permissions. */
  flags: string;
}

const USUAL: SpawnOptions = {
  permissions: undefined,
  env: {},
  cwd: undefined,
  stdin: "inherit",
  stdout: "inherit",
  stderr: "inherit",
  config: undefined,
};

/** Whether a child is wanted as spares are. */
function isUsual({ env, ...options }: SpawnOptions): boolean {
  return Object.keys(env).length === 0 &&
    Object.entries(options).every(([name, value]) => value === USUAL[name as keyof SpawnOptions]);
}

/** Whether a spare may do just what a child made for the purpose could. */
function suits({ folder, flags }: ProcessSpare, needs: { sockets: string[]; modules: string[] }) {
  return permissionFlags(undefined, { folder, ...needs }).join() === flags;
}

let faces: string[] = [];

const spares = new Spares<ProcessSpare>(() => {
  const boot: SpareBoot = { type: "spare", main: mainModule(), faces };
  const { spawned, flags } = spawnNew(toBytes(boot, "boot"), USUAL, {
    sockets: [],
    modules: [ENTRY],
  });
  const { child, rendezvous } = spawned;
  child.unref();
  rendezvous.unref();
  const spare = { child, folder: rendezvous.folder, flags: flags.join() } as ProcessSpare;
  const meet = async () => {
    const link = await rendezvous.meet();
    if (link === undefined) return;
    link.unref();
    spare.link = link;
    await link.frames().next();
  };
  const dead = child.status.finally(() => {
    rendezvous.end();
    spare.link?.close();
  });
  return { spare, ready: meet(), dead };
}, async ({ child, link }) => {
  // It ends when nobody is at the other end any more.
  link.close();
  child.ref();
  await child.status;
});

/**
 * Keeps spare children; see `prewarm()`.
 *
 * @param modules What targets are likely to import: spares have loaded it.
 */
export async function holdSpares(count: number, modules: string[]): Promise<AsyncDisposable> {
  faces = modules;
  return await spares.hold(count);
}
