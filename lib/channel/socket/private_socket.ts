/**
 * Sockets that only those use who know a token: in a private folder, for a child that comes to its
 * parent, a pipe's other end, a manager's client.
 *
 * Whoever connects is a stranger. It shows the token, in bare bytes -> it is a guest, if `onGuest`
 * lets it in. A stranger has one of {@linkcode PLACES} for {@linkcode PATIENCE} ms; when all are
 * taken, the one that has been there longest goes. No more of it is read than the token's bytes.
 *
 * An error ends no socket: at the limit of open files the stranger that has been there longest
 * goes, and a moment later the next is received.
 *
 * @module
 */
import { reachedUnheld } from "../../core/promises.ts";
import { same } from "../../core/seal.ts";
import { connectTo, listenIn, prepare, type PrivateConn, type PrivateListener } from "./place.ts";
import { removeFolder } from "./private_folder.ts";

/** The length of a token, in bytes. */
export const TOKEN_BYTES = 32;
/** The most strangers at a time. */
const PLACES = 32;
/** The time that one may take to become a guest, in ms. */
const PATIENCE = 5_000;
/** The time for which nobody is received after an error, in ms. */
const PAUSE = 100;
/** The time for which those who are being received are waited for, in ms. */
const RECEIVING = 1_000;

/** Makes a token. */
export function newToken(): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(TOKEN_BYTES));
}

/** Fills `bytes`; false when the stream ends before that. */
async function readExactly(conn: Deno.Conn, bytes: Uint8Array): Promise<boolean> {
  for (let at = 0; at < bytes.length;) {
    const count = await conn.read(bytes.subarray(at));
    if (count === null) return false;
    at += count;
  }
  return true;
}

/** Those of this thread that are open. */
const open = new Set<PrivateSocket>();
addEventListener("unload", () => {
  for (const socket of open) socket.end();
});

/**
 * Who has shown the token; it keeps its place as long as what is given takes, and is let in unless
 * that fails.
 */
export type OnGuest = (conn: PrivateConn) => void | Promise<void>;

/** A socket that is listened at. */
export class PrivateSocket {
  /** Its folder. */
  readonly folder: string;
  readonly #token: Uint8Array;
  readonly #onGuest: OnGuest;
  readonly #listener: PrivateListener;
  readonly #strangers = new Map<PrivateConn, ReturnType<typeof setTimeout>>();
  /** One for each stranger. */
  readonly #asking = new Set<Promise<void>>();
  #isHolding = true;
  #settling: Promise<void> | undefined;
  #settlingNext: Promise<void> | undefined;

  /** Listens in a folder of this thread's, which is removed when that ends. */
  constructor(folder: string, token: Uint8Array, onGuest: OnGuest) {
    this.folder = folder;
    this.#token = token;
    this.#onGuest = onGuest;
    try {
      this.#listener = listenIn(folder);
    } catch (cause) {
      removeFolder(folder);
      throw cause;
    }
    open.add(this);
    // Not at once: a start that throws ends it before, and nothing of it is left then.
    queueMicrotask(() => this.#receive());
  }

  /** Keeps no program alive from now on. */
  unref(): void {
    this.#isHolding = false;
    this.#listener.unref();
  }

  /** Stops listening, turns strangers away and removes the folder. Guests stay. */
  end(): void {
    if (!open.delete(this)) return;
    this.#listener.close();
    for (const conn of this.#strangers.keys()) this.#turnAway(conn);
    removeFolder(this.folder);
  }

  /** Settles when all who had connected before have been let in, or turned away. */
  settled(): Promise<void> {
    if (this.#settling === undefined) {
      return this.#settling = this.#settle().finally(() => this.#settling = undefined);
    }
    // One look serves all who ask while another is under way.
    return this.#settlingNext ??= this.#settling.then(() => {
      this.#settlingNext = undefined;
      return this.settled();
    });
  }

  async #settle(): Promise<void> {
    if (!open.has(this)) return;
    // They come in one after the other: when this one, which shows no token, has been turned away,
    // those before it are at least being asked.
    const probe = await connect(this.folder, new Uint8Array(TOKEN_BYTES)).catch(() => undefined);
    if (probe === undefined) return;
    await reachedUnheld(probe.read(new Uint8Array(1)).catch(() => null), RECEIVING);
    probe.close();
    await reachedUnheld(Promise.all(this.#asking), RECEIVING);
  }

  async #receive(): Promise<void> {
    while (open.has(this)) {
      let conn: PrivateConn;
      try {
        conn = await this.#listener.accept();
      } catch (error) {
        if (error instanceof Deno.errors.BadResource) return;
        this.#turnOldestAway();
        await this.#pause();
        continue;
      }
      prepare(conn);
      if (!this.#isHolding) conn.unref();
      if (this.#strangers.size >= PLACES) this.#turnOldestAway();
      const asked = this.#ask(conn);
      this.#asking.add(asked);
      asked.then(() => this.#asking.delete(asked));
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, PAUSE);
      if (!this.#isHolding) timer.unref();
    });
  }

  async #ask(conn: PrivateConn): Promise<void> {
    const late = setTimeout(() => this.#turnAway(conn), PATIENCE);
    late.unref();
    this.#strangers.set(conn, late);
    try {
      const shown = new Uint8Array(TOKEN_BYTES);
      const isGuest = await readExactly(conn, shown) && same(shown, this.#token);
      if (!isGuest || !this.#strangers.has(conn)) return this.#turnAway(conn);
      const letIn = this.#onGuest(conn);
      if (letIn !== undefined) await letIn;
      clearTimeout(late);
      this.#strangers.delete(conn);
    } catch {
      this.#turnAway(conn);
    }
  }

  #turnOldestAway(): void {
    for (const conn of this.#strangers.keys()) return this.#turnAway(conn);
  }

  #turnAway(conn: PrivateConn): void {
    const late = this.#strangers.get(conn);
    if (late === undefined) return;
    clearTimeout(late);
    this.#strangers.delete(conn);
    try {
      conn.close();
    } catch {
      // It has gone by itself.
    }
  }
}

/**
 * Goes to a socket and shows the token. Nobody says whether that was the right one, as who listens
 * may block.
 *
 * @throws {Deno.errors.NotCapable} This process may not go there.
 * @throws {Error} Nobody is there.
 */
export async function connect(folder: string, token: Uint8Array): Promise<PrivateConn> {
  const conn = await connectTo(folder);
  try {
    for (let at = 0; at < token.length;) at += await conn.write(token.subarray(at));
  } catch (cause) {
    conn.close();
    throw cause;
  }
  return conn;
}
