/**
 * A manager's server: a process that holds objects for its clients.
 *
 * Its life: it is started with a path and a token, makes the folder, listens on a socket in it, and
 * says that it does -> its owner connects and says so -> it serves -> the owner asks it to shut
 * down, or goes. Who dies when:
 *
 * - the owner, before it has come: the server has another parent then, sees it within half a
 *   second, and ends; later, by any means: its connection ends, and so does the server. It removes
 *   its folder first;
 * - the server, by SIGKILL: the owner removes the folder, and every client's connection ends;
 * - a client: what it held passes on, what it waited for is withdrawn (see session.ts).
 *
 * The kernel does not end the server with its parent, as it does other children: it could not
 * remove its folder then. One that is stuck in a user's code which never pauses is ended by the
 * owner's shutdown(); when the owner is gone too, by a watchdog (child/process/watchdog.ts), which
 * removes the folder too.
 *
 * A client whose bytes are no frames, or whose frames are no calls, is told so, and its connection
 * ends: that of no other.
 *
 * @module
 */
import { context } from "../../child/context.ts";
import { Link, LONGEST } from "../../channel/socket/link.ts";
import { makeFolderAt, removeFolder } from "../../channel/socket/private_folder.ts";
import { PrivateSocket } from "../../channel/socket/private_socket.ts";
import { errorToBytes } from "../../child/process/protocol.ts";
import { reached } from "../../core/promises.ts";
import { same } from "../../core/seal.ts";
import { task } from "../../transfer/task.ts";
import { Objects } from "./objects/factory.ts";
import { Guest, ManagerCall, PARKED, type Served } from "./session.ts";
import { BYE, CALL, CANCEL, CONFIRM, FAILED, fromFrame, HELLO } from "./protocol.ts";

/** The time that the last words to a client may take, in ms. */
const LAST_WORDS = 1_000;
/** The interval at which the server looks whether it still has its parent, in ms. */
const LOOK = 500;
/** The exit code of a server whose owner is gone. */
const ORPHANED = 1;
/** The report of a server that listens. */
export const LISTENING = "listening";

/** Does what a frame says. */
function obey(frame: unknown[], guest: Guest, objects: Objects, rank: Uint8Array): void {
  const [kind, id, object, method, ...args] = frame;
  if (kind === HELLO && typeof id === "string") {
    guest.name = id;
    if (object instanceof Uint8Array && same(object, rank)) guest.isEqual(LONGEST);
    return;
  }
  if (kind === BYE) {
    guest.hasSaidBye = true;
    return;
  }
  if (typeof id !== "number" || !Number.isSafeInteger(id) || id < 1) {
    throw new TypeError("Cannot read a frame: it is no call");
  }
  if (kind === CANCEL) return guest.calls.get(id)?.cancel(object === true);
  if (kind === CONFIRM) return void guest.unconfirmed.delete(id);
  if (kind !== CALL || typeof method !== "string") {
    throw new TypeError("Cannot read a frame: it is no call");
  }
  if (guest.calls.has(id)) throw new TypeError("Cannot read a frame: its number is in use");
  guest.calling();
  const call = new ManagerCall(guest, id);
  try {
    const served = objects.at(object);
    if (!served.methods.has(method)) {
      throw new TypeError(`Cannot call a method: the object has no ${JSON.stringify(method)}`);
    }
    served.whenFree(() => answer(call, served, method, args));
  } catch (error) {
    call.fail(error);
  }
}

/** Calls the method and answers, now or when it has ended. */
function answer(call: ManagerCall, served: Served, method: string, args: unknown[]): void {
  try {
    const methods = served as unknown as Record<string, (...args: unknown[]) => unknown>;
    const result = methods[method]!(call, ...args);
    if (result === PARKED) return;
    if (!(result instanceof Promise)) return call.done(result);
    result.then((value) => call.done(value), (error) => call.fail(error));
  } catch (error) {
    call.fail(error);
  }
}

/** Serves a client until it is gone. */
export async function attend(
  conn: Deno.Conn,
  objects: Objects,
  rank: Uint8Array,
): Promise<Guest> {
  const link = new Link(conn);
  const guest = new Guest(link);
  try {
    for await (const bytes of link.frames()) {
      try {
        obey(fromFrame(bytes), guest, objects, rank);
      } catch (error) {
        guest.send([0, FAILED, errorToBytes(error)]);
        await reached(guest.flushed(), LAST_WORDS);
        break;
      }
    }
  } catch {
    // The bytes are no frames; the link is closed.
  } finally {
    link.close();
    guest.leave();
  }
  return guest;
}

/** The boot of a server. */
export interface ServerBoot {
  /** The folder that it makes. */
  folder: string;
  /** The token that lets clients in. */
  token: Uint8Array;
  /** The proof that one is not below. */
  rank: Uint8Array;
  /** The id of the manager itself. */
  id: string;
  /** Its parent's process number. */
  parent: number;
}

/** The task of the server's process, until it is shut down. */
export const serve = task(
  import.meta,
  async function serve({ folder, token, rank, id, parent }: ServerBoot): Promise<void> {
    makeFolderAt(folder);
    const remove = () => removeFolder(folder);
    const quit = (code: number) => {
      remove();
      Deno.exit(code);
    };
    // Ctrl-C reaches the whole group of processes; the program decides what it means.
    Deno.addSignalListener("SIGINT", () => {});
    Deno.addSignalListener("SIGTERM", () => quit(128 + 15));
    Deno.addSignalListener("SIGHUP", () => quit(128 + 1));
    const look = setInterval(() => Deno.ppid !== parent && quit(ORPHANED), LOOK);
    let isOver = false;
    const over = Promise.withResolvers<void>();
    const objects = new Objects(id, () => {
      isOver = true;
      clearInterval(look);
      socket.end();
      over.resolve();
    });
    const socket = new PrivateSocket(folder, token, (conn) => {
      attend(conn, objects, rank).then((guest) => {
        if (guest === objects.owner && !isOver) quit(ORPHANED);
      });
    });
    context().report(LISTENING);
    await over.promise;
    if (objects.owner !== undefined) await reached(objects.owner.flushed(), LAST_WORDS);
  },
);
