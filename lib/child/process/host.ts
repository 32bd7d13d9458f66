/**
 * Starts child processes: `deno run` of the entry, with the flags that the parent may pass on.
 *
 * Which deno.json applies to the main module is found out once for the whole family, before its
 * first child starts: else a child that may write in a folder above could leave one there for the
 * next.
 *
 * @module
 */
import { show } from "../../core/checks.ts";
import { LIBRARY } from "../../core/environment.ts";
import { fileURLToPath, resolve } from "../../core/node.ts";
import { statusOf } from "../../core/signals.ts";
import { CONFIG } from "../../memory/roster.ts";
import { self } from "../../memory/this_thread.ts";
import type { TrustLevel } from "../../transfer/reduction.ts";
import { mainModule } from "../../transfer/task.ts";
import type { Link } from "../../channel/socket/link.ts";
import { levelOf, permissionFlags, type Permissions } from "./permissions.ts";
import { type SpareBoot, toBytes } from "./protocol.ts";
import { KEY_VARIABLE, Rendezvous } from "./rendezvous.ts";
import { Spares } from "../spares.ts";
import { type Watchdog, watchOver } from "./watchdog.ts";

const ENTRY = new URL("./entry.ts", import.meta.url).href;
/**
 * The modules that every child imports, whatever it may do: the entry, and of the library what its
 * task needs.
 */
const OURS = [ENTRY, LIBRARY];

/** The connection of a child's standard streams. */
export type Stdio = "inherit" | "piped" | "null";

/** The options that the caller of a process chooses. */
export interface SpawnOptions {
  permissions: Permissions | undefined;
  env: Record<string, string>;
  cwd: string | URL | undefined;
  stdin: Stdio;
  stdout: Stdio;
  stderr: Stdio;
  config: string | URL | undefined;
  orphan: "keep" | "end";
  /** The child's relation to this process, by its permissions. */
  level: TrustLevel;
}

/**
 * Checks what a caller chose.
 *
 * @param action What was asked for, as in `"create a process"`.
 */
export function checkSpawnOptions(
  options: Partial<Pick<SpawnOptions, "env" | "stdin" | "stdout" | "stderr" | "orphan">>,
  action: string,
): void {
  checkEnv(options.env, action);
  for (const name of ["stdin", "stdout", "stderr"] as const) {
    const value = options[name];
    if (value !== undefined && !["inherit", "piped", "null"].includes(value)) {
      throw new TypeError(
        `Cannot ${action}: ${name} must be "inherit", "piped" or "null", received ${show(value)}`,
      );
    }
  }
  if (options.orphan !== undefined && !["keep", "end"].includes(options.orphan)) {
    throw new TypeError(
      `Cannot ${action}: orphan must be "keep" or "end", received ${show(options.orphan)}`,
    );
  }
}

/** Checks variables. Messages name them, and never show a value: it may be a secret. */
function checkEnv(env: unknown, action: string): void {
  if (env === undefined) return;
  const refuse = (why: string): never => {
    throw new TypeError(`Cannot ${action}: ${why}`);
  };
  if (typeof env !== "object" || env === null || Array.isArray(env)) {
    return refuse("env must be an object of strings");
  }
  for (const [name, value] of Object.entries(env)) {
    const [before] = name.split("=");
    if (name === "") refuse("a name in env must not be empty");
    if (before !== name) {
      refuse(`a name in env must be without "=", one begins with ${show(before)}`);
    }
    if (name.includes("\0")) refuse(`a name in env must be without NUL, received ${show(name)}`);
    if (name === KEY_VARIABLE) refuse(`env.${name} is what the toolkit gives each child itself`);
    if (typeof value !== "string") refuse(`env.${name} must be a string, received ${typeof value}`);
    if (value.includes("\0")) refuse(`env.${name} must be without NUL`);
  }
}

/**
 * A child with fewer permissions reads nothing of what is typed for its parent, unless it is told
 * to.
 */
export function usualStdin(level: TrustLevel): Stdio {
  return level === "below" ? "null" : "inherit";
}

// Where the deno.json is, in a word that the process's threads share: 0 is not known yet, 1 none,
// then two for each folder from the main module's upwards.
const UNKNOWN = 0;
const NONE = 1;
const FIRST = 2;
const NAMES = ["deno.json", "deno.jsonc"];

/** Where the deno.json of the main module is, for a child to know too. */
export function configPlace(): number {
  const { words } = self();
  if (Atomics.load(words, CONFIG) === UNKNOWN) {
    Atomics.compareExchange(words, CONFIG, UNKNOWN, findConfig(mainModule()));
  }
  return Atomics.load(words, CONFIG);
}

function findConfig(main: string): number {
  if (!main.startsWith("file:")) return NONE;
  const seesAll = maySee();
  for (let place = FIRST;; place++) {
    const path = configAt(place, main);
    if (path === undefined) return NONE;
    // What may not be looked at is not there; Deno would ask the user.
    if (!seesAll && !maySee(path)) continue;
    try {
      if (Deno.statSync(path).isFile) return place;
    } catch {
      // It is not there.
    }
  }
}

function maySee(path?: string): boolean {
  const { state, partial } = Deno.permissions.querySync({ name: "read", path });
  return state === "granted" && (path !== undefined || !partial);
}

/** The path of a place; undefined where there is none, as above the root. */
function configAt(place: number, main: string): string | undefined {
  if (place === NONE) return undefined;
  let folder = new URL("./", main);
  for (let up = (place - FIRST) >> 1; up > 0; up--) {
    const above = new URL("../", folder);
    if (above.href === folder.href) return undefined;
    folder = above;
  }
  return fileURLToPath(new URL(NAMES[(place - FIRST) & 1]!, folder));
}

/** A child that was started, and how it is met. */
export interface Spawned {
  child: Deno.ChildProcess;
  rendezvous: Pick<Rendezvous, "meet" | "isVisited" | "end" | "unref">;
  /** The watchdog that ends it when this process ends first, where the kernel does not. */
  watchdog: Watchdog | undefined;
}

/** Starts a child, or takes a spare; it then comes to the rendezvous. */
export function spawn(
  boot: Uint8Array,
  modules: string[],
  options: SpawnOptions,
  sockets: string[] = [],
): Spawned {
  const needs = { sockets, modules: [...OURS, ...modules] };
  const spare = isUsual(options) ? spares.take((one) => suits(one, needs)) : undefined;
  if (spare === undefined) return spawnNew(boot, options, needs).spawned;
  const { child, link, watchdog } = spare;
  if (options.orphan === "keep") watchdog?.end();
  child.ref();
  link.ref();
  link.send(boot);
  return {
    child,
    watchdog,
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
): { spawned: Spawned & { rendezvous: Rendezvous }; flags: string[] } {
  if (Deno.build.standalone) {
    throw new Deno.errors.NotSupported(
      "Cannot start a process from a compiled program: its executable is the program itself",
    );
  }
  const config = options.config ?? configAt(configPlace(), mainModule());
  const path = config instanceof URL ? fileURLToPath(config) : config;
  const rendezvous = new Rendezvous(boot);
  try {
    const { folder, address } = rendezvous;
    const flags = permissionFlags(options.permissions, { folder, address, ...needs });
    const showsEnv = flags.includes("--allow-all") || flags.includes("--allow-env");
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        ...["run", "--quiet", "--no-prompt", "--no-check"],
        path === undefined ? "--no-config" : `--config=${resolve(path)}`,
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
    // Where both may use FFI, and this thread lives as long as the process, the kernel does it.
    const isWatched = self().isMain && flags.some((flag) => /^--allow-(?:all|ffi)$/.test(flag));
    const watchdog = options.orphan === "keep" || isWatched ? undefined : watchOver(child.pid);
    return { spawned: { child, rendezvous, watchdog }, flags };
  } catch (cause) {
    rendezvous.end();
    throw cause;
  }
}

/** A child that waits for its boot. */
interface ProcessSpare {
  child: Deno.ChildProcess;
  link: Link;
  watchdog: Watchdog | undefined;
  folder: string;
  address: string;
  /** Its permissions. */
  flags: string;
}

/** The options of spares, and of a child that they may stand for. */
function usual(level: TrustLevel): SpawnOptions {
  return {
    permissions: undefined,
    env: {},
    cwd: undefined,
    stdin: usualStdin(level),
    stdout: "inherit",
    stderr: "inherit",
    config: undefined,
    orphan: "end",
    level,
  };
}

/** True if a child is wanted as spares are. */
function isUsual({ env, orphan: _, ...options }: SpawnOptions): boolean {
  const wanted = usual(options.level);
  return Object.keys(env).length === 0 &&
    Object.entries(options).every(([name, value]) => value === wanted[name as keyof SpawnOptions]);
}

/** True if a spare may do just what a child made for the purpose could. */
function suits(
  { folder, address, flags }: ProcessSpare,
  needs: { sockets: string[]; modules: string[] },
): boolean {
  return permissionFlags(undefined, { folder, address, ...needs }).join() === flags;
}

let faces: string[] = [];

const spares = new Spares<ProcessSpare>(() => {
  const boot: SpareBoot = { type: "spare", main: mainModule(), faces };
  const { spawned, flags } = spawnNew(toBytes(boot, "boot"), usual(levelOf(undefined)), {
    sockets: [],
    modules: OURS,
  });
  const { child, rendezvous, watchdog } = spawned;
  child.unref();
  rendezvous.unref();
  const { folder } = rendezvous;
  const spare = { child, watchdog, folder, flags: flags.join() } as ProcessSpare;
  const meet = async () => {
    const link = await rendezvous.meet();
    if (link === undefined) return;
    link.unref();
    spare.link = link;
    await link.frames().next();
  };
  const dead = statusOf(child.status).finally(() => {
    rendezvous.end();
    spare.link?.close();
    watchdog?.end();
  });
  return { spare, ready: meet(), dead };
}, async ({ child, link, watchdog }) => {
  // It ends when nobody is at the other end any more.
  link.close();
  child.ref();
  await statusOf(child.status);
  await watchdog?.end();
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
