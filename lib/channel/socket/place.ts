/**
 * The place of a socket: in a private folder. Where the system has Unix sockets it is one, under
 * the name {@linkcode SOCKET}. On Windows, where Deno has none, a TCP socket of the loopback at a
 * port that the system chooses, and the file of that name holds the port's number: who may not look
 * into the folder does not know where to go, and whoever finds the port all the same has no token.
 *
 * Which of the two a family uses its first process decides, and each child sees it in the folder
 * where it meets its parent.
 *
 * @module
 */
import { FAMILY_SOCKETS } from "../../memory/roster.ts";
import { self } from "../../memory/this_thread.ts";

/** The socket's name in its folder. */
export const SOCKET = "socket";
const HOST = "127.0.0.1";
/** The word {@linkcode FAMILY_SOCKETS}: Unix sockets where there are some. */
const USUAL = 0;
const LOOPBACK = 1;
/** More bytes than a port's number has. */
const MOST_DIGITS = 5;

/** The listener of a private socket. */
export type PrivateListener = Deno.Listener<Deno.UnixConn> | Deno.Listener<Deno.TcpConn>;
/** A connection to a private socket. */
export type PrivateConn = Deno.UnixConn | Deno.TcpConn;

/** True if this family's sockets are those of the loopback. */
export function usesLoopback(): boolean {
  return Deno.build.os === "windows" || Atomics.load(self().words, FAMILY_SOCKETS) !== USUAL;
}

/** Has this family use sockets of the loopback, also where there are Unix sockets. */
export function useLoopback(): void {
  Atomics.store(self().words, FAMILY_SOCKETS, LOOPBACK);
}

/** Has this process use the kind of sockets that its parent does, as a folder of its shows. */
export function useSocketsOf(folder: string): void {
  if (Deno.build.os !== "windows" && Deno.lstatSync(at(folder)).isFile) useLoopback();
}

/** Listens in a folder. */
export function listenIn(folder: string): PrivateListener {
  if (!usesLoopback()) return Deno.listen({ transport: "unix", path: at(folder) });
  const listener = Deno.listen({ hostname: HOST, port: 0 });
  try {
    Deno.writeTextFileSync(at(folder), String(listener.addr.port), {
      mode: 0o600,
      createNew: true,
    });
  } catch (cause) {
    listener.close();
    throw cause;
  }
  return listener;
}

/**
 * Goes to where a folder's socket is.
 *
 * @throws {Deno.errors.NotCapable} This process may not go there.
 * @throws {Error} Nobody is there.
 */
export async function connectTo(folder: string): Promise<PrivateConn> {
  if (!usesLoopback()) return await Deno.connect({ transport: "unix", path: at(folder) });
  const conn = await Deno.connect({ hostname: HOST, port: portIn(folder) });
  conn.setNoDelay(true);
  return conn;
}

/** Prepares a connection that has come in: nothing that is said waits for more. */
export function prepare(conn: PrivateConn): void {
  if ("setNoDelay" in conn) conn.setNoDelay(true);
}

/** The net permission of whoever goes to a folder's socket. */
export function addressOf(folder: string): string {
  return usesLoopback() ? `${HOST}:${portIn(folder)}` : `unix:${at(folder)}`;
}

/** The net permission of whoever listens in a folder. */
export function listeningAddress(folder: string): string {
  return usesLoopback() ? `${HOST}:0` : `unix:${at(folder)}`;
}

/** What speaks against the socket in a folder being one of the family's; undefined if nothing. */
export function socketFault(folder: string): string | undefined {
  const { isSocket, isFile } = Deno.lstatSync(at(folder));
  if (!usesLoopback()) return isSocket === false ? "there is no socket in it" : undefined;
  return isFile ? undefined : "there is no port in it";
}

function at(folder: string): string {
  return `${folder}/${SOCKET}`;
}

/** The port that is noted in a folder. */
function portIn(folder: string): number {
  const text = Deno.readTextFileSync(at(folder));
  const port = text.length <= MOST_DIGITS && /^\d+$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 0xffff) throw new Error(`Cannot go to the socket in ${folder}: no port`);
  return port;
}
