/**
 * The start and the end of a manager's server, by the thread that owns it.
 *
 * @module
 */
import { checkOptions, checkString } from "../../core/checks.ts";
import { TimeoutError, type WorkerLoss, WorkerLostError } from "../../core/errors.ts";
import { fileURLToPath } from "../../core/node.ts";
import { signalName } from "../../core/signals.ts";
import { SERVICE, TOLD } from "../../child/plan.ts";
import {
  levelOf,
  PERMISSION_KINDS,
  type PermissionKind,
  type Permissions,
} from "../../child/process/permissions.ts";
import { type Watchdog, watchOver } from "../../child/process/watchdog.ts";
import { reached } from "../../core/promises.ts";
import { LIBRARY } from "../../core/environment.ts";
import { listeningAddress } from "../../channel/socket/place.ts";
import { removeFolder, reserveFolder } from "../../channel/socket/private_folder.ts";
import { newToken } from "../../channel/socket/private_socket.ts";
import type { NameOptions } from "../../sync/cell.ts";
import { type Server, serverAt, trusted } from "./client.ts";
import { newId } from "./protocol.ts";
import { LISTENING, serve } from "./server.ts";
import { Process } from "../process.ts";

/** The time that the server may take to start, in ms. */
const START = 30_000;
/** The time that it may take to end by itself, in ms. */
const GRACE = 1_500;

/** Options of {@linkcode Manager.start}. */
export interface ManagerOptions extends NameOptions {
  /**
   * The permissions of targets and registered classes at the server; as of a process. Default: read
   * and import, as far as a process gets that, and nothing else. Where `--allow-read` is limited,
   * name the folders of their modules here.
   */
  permissions?: Permissions;
}

/** A server that runs, and the connection to it. */
export interface Started {
  /** Its process. */
  process: Process;
  /** The server, as this thread sees it. */
  server: Server;
  /** The id of the manager itself. */
  id: string;
  /** Ends it. */
  stop(): Promise<void>;
}

let named = 0;

/** Servers that this thread has started and that have not ended. */
const open = new Map<string, Process>();
addEventListener("unload", () => {
  for (const [folder, process] of open) {
    process.kill();
    removeFolder(folder);
  }
});

const OWN = new URL(LIBRARY);

/**
 * The permissions that were asked for, and those that the server needs itself: its folder, its
 * socket, its own modules.
 */
function withNeeds(wanted: Permissions | undefined, folder: string): Permissions {
  if (typeof wanted === "string" && wanted !== "inherit" && wanted !== "none") return wanted;
  const named: Partial<Record<PermissionKind, boolean | "inherit" | readonly (string | URL)[]>> =
    typeof wanted === "object" && wanted !== null ? { ...wanted } : {};
  for (const kind of PERMISSION_KINDS) {
    const isUsual = wanted === undefined && kind !== "read" && kind !== "import";
    if (isUsual || wanted === "none") named[kind] = false;
  }
  const needs: [PermissionKind, string][] = [
    ["read", folder],
    ["write", folder],
    ["net", listeningAddress(folder)],
  ];
  if (OWN.protocol === "file:") needs.push(["read", fileURLToPath(OWN)]);
  else if (OWN.host !== "") needs.push(["import", OWN.host]);
  for (const [kind, item] of needs) {
    const asked = named[kind];
    const { state, partial } = Deno.permissions.querySync({ name: kind });
    const isLimited = state !== "granted" || partial;
    if (Array.isArray(asked)) named[kind] = [...asked, item];
    else if (asked === false || asked !== true && isLimited) named[kind] = [item];
  }
  return named;
}

/** Starts a server, and connects to it as its owner. */
export async function startServer(options: ManagerOptions): Promise<Started> {
  const action = "start a manager";
  checkOptions(options, action);
  checkString(options.name, "name", action);
  const name = options.name ?? `Manager-${++named}`;
  // The server makes it: so if this process dies meanwhile, there is no folder, or one whose server
  // removes it; killed both, it is swept away as all such folders are.
  const folder = reserveFolder();
  const token = newToken();
  const rank = newToken();
  const id = newId();
  const permissions = withNeeds(options.permissions, folder);
  const isBelow = levelOf(permissions) === "below";
  const listening = Promise.withResolvers<void>();
  let process: Process | undefined;
  let watchdog: Watchdog | undefined;
  try {
    const how = {
      args: [{ folder, token, rank, id, parent: Deno.pid }] as Parameters<typeof serve>,
      name,
      daemon: true,
      orphan: "keep" as const,
      stdin: "null" as const,
      permissions,
      onReport: (said: unknown) => said === LISTENING && listening.resolve(),
      [SERVICE]: true,
    };
    process = new Process(serve, how);
    process.start();
    open.set(folder, process);
    watchdog = watchOver(process.pid!, folder);
    process[TOLD].then(() => watchdog?.end());
    const late = setTimeout(() => {
      listening.reject(new TimeoutError(`${name} did not start within ${START} ms`));
    }, START);
    // Waiting for the result would keep the program alive until the server has ended.
    const failed = process[TOLD].then(() => process!.result()).then(() => {
      throw new WorkerLostError(`${name} ended before it listened`);
    });
    try {
      await Promise.race([listening.promise, failed]);
    } finally {
      clearTimeout(late);
      failed.catch(() => {});
    }
    const server = serverAt({ folder, token, name, rank, isBelow });
    trusted.add(folder);
    server.whenLost = () => whenLost(process!, folder, watchdog);
    await server.call(id, "own", []);
    return { process, server, id, stop: () => stopServer(process!, server, id) };
  } catch (cause) {
    open.delete(folder);
    if (process?.isAlive()) process.kill();
    await watchdog?.end();
    removeFolder(folder);
    throw cause;
  }
}

async function stopServer(process: Process, server: Server, id: string): Promise<void> {
  const asked = server.tell(id, "shutdown").catch(() => {});
  await reached(asked, GRACE);
  if (!await process.join({ timeout: GRACE })) process.kill();
  await process.join({ timeout: GRACE });
  server.close();
  await server.whenLost?.();
}

/** The end of a server that this thread has started; removes what it may have left. */
async function whenLost(
  process: Process,
  folder: string,
  watchdog: Watchdog | undefined,
): Promise<WorkerLoss | undefined> {
  const hasEnded = await process.join({ timeout: GRACE });
  removeFolder(folder);
  open.delete(folder);
  if (!hasEnded) return undefined;
  await watchdog?.end();
  const exitcode = process.exitcode!;
  return { exitcode, signal: exitcode < 0 ? signalName(-exitcode) : null };
}
