/**
 * How a child finds its parent: a private folder (0700) with a socket and the boot (0600), made for
 * this one child. Its name is the child's only argument. The boot begins with a token; who knows it is
 * the child. It waits in a file and not in the link, so that the child gets it while its parent blocks.
 *
 * The child removes the folder as soon as it has connected, and also when it finds nobody there: so it is
 * enough that either of the two lives. Only a signal that kills both before they have met leaves it, until
 * the next program sweeps it away.
 *
 * @module
 */
import { Link } from "./link.ts";
import { makePrivateFolder, removeFolder } from "./private_folder.ts";

const SOCKET = "socket";
const BOOT = "boot";
const TOKEN_BYTES = 32;

/** Fills `bytes`; false when the stream ends before that. */
async function readExactly(conn: Deno.Conn, bytes: Uint8Array): Promise<boolean> {
  for (let at = 0; at < bytes.length;) {
    const count = await conn.read(bytes.subarray(at));
    if (count === null) return false;
    at += count;
  }
  return true;
}

/** Compares without telling by its time how much is right. */
function same(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let k = 0; k < a.length; k++) difference |= a[k]! ^ b[k]!;
  return difference === 0;
}

/** Whether who connects begins with the token. */
export async function showsToken(conn: Deno.Conn, token: Uint8Array): Promise<boolean> {
  const shown = new Uint8Array(token.length);
  const said = await readExactly(conn, shown).catch(() => false);
  return said && same(shown, token);
}

/** Those where nobody has come yet. */
const open = new Set<Rendezvous>();
addEventListener("unload", () => {
  for (const rendezvous of open) rendezvous.end();
});

/** The parent's side. */
export class Rendezvous {
  /** The folder's path, for the child. */
  readonly folder: string;
  readonly #token = crypto.getRandomValues(new Uint8Array(TOKEN_BYTES));
  readonly #listener: Deno.UnixListener;
  /** Makes the folder, leaves the boot there, and begins to listen. */
  constructor(boot: Uint8Array) {
    this.folder = makePrivateFolder();
    try {
      const bytes = new Uint8Array(TOKEN_BYTES + boot.length);
      bytes.set(this.#token);
      bytes.set(boot, TOKEN_BYTES);
      Deno.writeFileSync(`${this.folder}/${BOOT}`, bytes, { mode: 0o600 });
      this.#listener = Deno.listen({ transport: "unix", path: `${this.folder}/${SOCKET}` });
    } catch (cause) {
      removeFolder(this.folder);
      throw cause;
    }
    open.add(this);
  }

  /** Whether the child has been here: it removes the folder when it has connected. */
  get isVisited(): boolean {
    try {
      Deno.statSync(this.folder);
      return false;
    } catch {
      return true;
    }
  }

  /** Waits for the child; undefined when {@linkcode end} comes first. */
  async meet(): Promise<Link | undefined> {
    const met = Promise.withResolvers<Link | undefined>();
    const guests = new Set<Deno.Conn>();
    // Whoever comes is asked by itself, so that one who says nothing keeps nobody out.
    const ask = async (conn: Deno.Conn) => {
      const isChild = await showsToken(conn, this.#token);
      if (!guests.delete(conn)) return; // It was turned away meanwhile.
      if (isChild && open.has(this)) met.resolve(new Link(conn));
      else conn.close();
    };
    const receive = async () => {
      for (;;) {
        const conn = await this.#listener.accept().catch(() => undefined);
        if (conn === undefined) return met.resolve(undefined);
        guests.add(conn);
        ask(conn);
      }
    };
    receive();
    const link = await met.promise;
    this.end();
    for (const conn of guests) conn.close();
    guests.clear();
    return link;
  }

  /** Keeps no program alive from now on. */
  unref(): void {
    this.#listener.unref();
  }

  /** Stops listening and removes the folder. */
  end(): void {
    if (!open.delete(this)) return;
    this.#listener.close();
    removeFolder(this.folder);
  }
}

/** The child's side: takes the boot and connects to the parent. */
export async function meetParent(folder: string): Promise<{ link: Link; boot: Uint8Array }> {
  try {
    const bytes = Deno.readFileSync(`${folder}/${BOOT}`);
    const conn = await Deno.connect({ transport: "unix", path: `${folder}/${SOCKET}` });
    await conn.write(bytes.subarray(0, TOKEN_BYTES));
    return { link: new Link(conn), boot: bytes.subarray(TOKEN_BYTES) };
  } finally {
    removeFolder(folder);
  }
}
