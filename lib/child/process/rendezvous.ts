/**
 * The rendezvous of a child with its parent: a private folder (0700) with a socket and the boot
 * (0600), made for this one child. Its name is the child's only argument. The boot begins with a
 * token; who knows it is the child. It waits in a file and not in the link, so that the child gets
 * it while its parent blocks.
 *
 * Others of the same user may get at the folder, as other children that may read or write the
 * temporary folder. So the boot, and all that is said on the link, is sealed with a key that the
 * child has from its environment, which the system shows to nobody but what may do everything.
 * Whoever reads the file learns nothing; who replaces it, or comes between the two, can part them,
 * and can make neither believe a word.
 *
 * The child removes the folder as soon as it has connected, and also when it finds nobody there: so
 * it is enough that either of the two lives. Only a signal that kills both before they have met
 * leaves it, until the next program sweeps it away.
 *
 * @module
 */
import { KEY_BYTES, Seal } from "../../core/seal.ts";
import { Link } from "../../channel/socket/link.ts";
import { addressOf, useSocketsOf } from "../../channel/socket/place.ts";
import {
  adoptFolder,
  BOOT,
  makePrivateFolder,
  removeFolder,
} from "../../channel/socket/private_folder.ts";
import {
  connect,
  newToken,
  PrivateSocket,
  TOKEN_BYTES,
} from "../../channel/socket/private_socket.ts";

/**
 * The variable in which a child is given its key; it removes it before it imports anything of the
 * user's.
 */
export const KEY_VARIABLE = "SWITCHYARD_KEY";
const PARENT = 0;
const CHILD = 1;

/** The parent's side. */
export class Rendezvous {
  /** The folder's path, for the child. */
  readonly folder: string;
  /** The net permission that it takes to come there. */
  readonly address: string;
  readonly #key = crypto.getRandomValues(new Uint8Array(KEY_BYTES));
  readonly #socket: PrivateSocket;
  readonly #met = Promise.withResolvers<Link | undefined>();
  /** The seal of what this side says: first the boot, then all on the link. */
  readonly #seal = new Seal(this.#key, PARENT);

  /** Makes the folder, leaves the boot there, and begins to listen. */
  constructor(boot: Uint8Array) {
    this.folder = makePrivateFolder();
    const token = newToken();
    try {
      const bytes = new Uint8Array(TOKEN_BYTES + boot.length);
      bytes.set(token);
      bytes.set(boot, TOKEN_BYTES);
      const sealed = this.#seal.close(bytes);
      Deno.writeFileSync(`${this.folder}/${BOOT}`, sealed, { mode: 0o600, createNew: true });
    } catch (cause) {
      removeFolder(this.folder);
      throw cause;
    }
    this.#socket = new PrivateSocket(this.folder, token, (conn) => {
      this.#met.resolve(new Link(conn, { mine: this.#seal, theirs: new Seal(this.#key, CHILD) }));
      // There is one child. It is let in when this has returned.
      queueMicrotask(() => this.#socket.end());
    });
    this.address = addressOf(this.folder);
  }

  /**
   * The text that the child is given in {@linkcode KEY_VARIABLE}. Behind it stands what the user
   * has there: the child puts that back.
   *
   * @param shows True if the child may read its environment.
   */
  keyFor(shows: boolean): string {
    const hidden = shows && mayReadVariable() ? Deno.env.get(KEY_VARIABLE) : undefined;
    return this.#key.toHex() + (hidden ?? "");
  }

  /** True if the child has been here: it removes the folder when it has connected. */
  get isVisited(): boolean {
    try {
      Deno.statSync(this.folder);
      return false;
    } catch {
      return true;
    }
  }

  /** Waits for the child; undefined when {@linkcode end} comes first. */
  meet(): Promise<Link | undefined> {
    return this.#met.promise;
  }

  /** Keeps no program alive from now on. */
  unref(): void {
    this.#socket.unref();
  }

  /** Stops listening and removes the folder. */
  end(): void {
    this.#socket.end();
    this.#met.resolve(undefined);
  }
}

function mayReadVariable(): boolean {
  return Deno.permissions.querySync({ name: "env", variable: KEY_VARIABLE }).state === "granted";
}

/**
 * Takes the key out of the child's environment.
 *
 * @throws {Error} It is not there.
 */
export function takeKey(): Uint8Array {
  const given = Deno.env.get(KEY_VARIABLE) ?? "";
  const hidden = given.slice(2 * KEY_BYTES);
  if (hidden === "") Deno.env.delete(KEY_VARIABLE);
  else Deno.env.set(KEY_VARIABLE, hidden);
  const key = given.slice(0, 2 * KEY_BYTES);
  if (!/^[0-9a-f]{64}$/.test(key)) throw new Error(`its environment has no ${KEY_VARIABLE}`);
  return Uint8Array.fromHex(key);
}

/**
 * The child's side: takes the boot and connects to the parent.
 *
 * @throws {Error} The boot is not its parent's.
 */
export async function meetParent(
  folder: string,
  key: Uint8Array,
): Promise<{ link: Link; boot: Uint8Array }> {
  adoptFolder(folder);
  try {
    const theirs = new Seal(key, PARENT);
    const bytes = theirs.open(Deno.readFileSync(`${folder}/${BOOT}`));
    if (bytes === undefined) throw new Error("its boot was replaced or altered by somebody else");
    useSocketsOf(folder);
    const conn = await connect(folder, bytes.subarray(0, TOKEN_BYTES));
    const link = new Link(conn, { mine: new Seal(key, CHILD), theirs });
    return { link, boot: bytes.subarray(TOKEN_BYTES) };
  } finally {
    removeFolder(folder);
  }
}
