/**
 * The broker: how handles in other processes (and threads) reach the pipes that were made here. One for each
 * thread that has made a pipe and given an end away: a socket in a private folder (0700). Who connects
 * shows a token that only those know to whom an end was given; then it says which end it is a handle to.
 *
 * Words on the socket, frames of `child/link.ts`: the first byte says what it is. A frame that is none of
 * these ends that connection, and nothing else.
 *
 * Who dies when:
 *
 * - a client, at any time: its connection ends, and it has left its end;
 * - the broker: its sockets close, and both ends of its pipes are over. Its folder is removed when it has no
 *   pipe left that others use, when its program ends, and by clients who find it dead; what a signal that kills
 *   all of them at the same time leaves, the next program sweeps away.
 *
 * @module
 */
import { reached } from "../core/promises.ts";
import { Link } from "../child/link.ts";
import { makePrivateFolder, removeDeadFolder, SOCKET } from "../child/private_folder.ts";
import { connect, newToken, PrivateSocket } from "../child/private_socket.ts";
import { lastWords } from "../child/this_process.ts";
import { Hub, type Party } from "./pipe_hub.ts";

/** How long the socket of a process that has ended may take to close, in ms. */
const LEAVING = 1000;

// What a client says.
export const HELLO = 1;
export const SEND = 2;
export const WANT = 3;
export const UNWANT = 4;
export const BACK = 5;
export const ASK = 6;
export const ASK_NOW = 7;
export const UNASK = 8;
export const TICKET = 9;
export const REVOKE = 10;
export const BYE = 19;
// What the broker says.
export const ITEM = 11;
export const TAKEN = 12;
export const BROKEN = 13;
export const DRAINED = 14;
export const READY = 15;
export const NOT_READY = 16;
export const UNWANTED = 17;
export const KEPT = 18;

/** Where a pipe's end is to be found. */
export interface Address {
  folder: string;
  token: string;
  pipe: string;
  end: 0 | 1;
  ticket: string;
}

/** A frame of a word and bytes. */
export function frameOf(word: number, bytes: Uint8Array = new Uint8Array()): Uint8Array {
  const frame = new Uint8Array(1 + bytes.length);
  frame[0] = word;
  frame.set(bytes, 1);
  return frame;
}

/** A frame of a word and a number. */
export function numberFrame(word: number, number: number): Uint8Array {
  const frame = new Uint8Array(5);
  frame[0] = word;
  new DataView(frame.buffer).setUint32(1, number);
  return frame;
}

/** The number in a frame. */
export function numberIn(frame: Uint8Array): number {
  if (frame.length !== 5) throw new TypeError("Cannot read the pipe: a number must have 4 bytes");
  return new DataView(frame.buffer, frame.byteOffset).getUint32(1);
}

/** A handle behind a socket. */
class Guest implements Party {
  demand = 0;
  readonly asks = new Set<number>();
  readonly cargo: unknown[] = [];
  readonly link: Link;
  readonly #gone = Promise.withResolvers<void>();
  #isBroken = false;
  #isDrained = false;
  #hasLeft = false;

  constructor(link: Link) {
    this.link = link;
  }

  /** Settles when it has left. */
  get gone(): Promise<void> {
    return this.#gone.promise;
  }

  deliver(message: Uint8Array): void {
    this.link.send(frameOf(ITEM, message));
  }

  taken(bytes: number): void {
    this.link.send(numberFrame(TAKEN, bytes));
  }

  broken(): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    this.link.send(frameOf(BROKEN));
  }

  drained(): void {
    if (this.#isDrained) return;
    this.#isDrained = true;
    this.link.send(frameOf(DRAINED));
  }

  answer(ask: number, isReady: boolean): void {
    this.link.send(numberFrame(isReady ? READY : NOT_READY, ask));
  }

  /** Serves it until it is gone. */
  async serve(frames: AsyncGenerator<Uint8Array>, hub: Hub, end: 0 | 1): Promise<void> {
    try {
      for await (const frame of frames) this.#hear(frame, hub, end);
    } catch {
      // It spoke no words of ours: it is no longer listened to.
    } finally {
      hub.leave(end, this, !this.#hasLeft);
      this.link.close();
      this.#gone.resolve();
    }
  }

  #hear(frame: Uint8Array, hub: Hub, end: 0 | 1): void {
    switch (frame[0]) {
      case SEND:
        return hub.send(end, this, frame.subarray(1));
      case WANT:
        return hub.want(end, this);
      case UNWANT:
        return this.link.send(frameOf(hub.unwant(this) ? UNWANTED : KEPT));
      case BACK:
        return hub.takeBack(end, this, frame.subarray(1));
      case ASK:
      case ASK_NOW:
        return hub.ask(end, this, numberIn(frame), frame[0] === ASK_NOW);
      case UNASK:
        return void this.asks.delete(numberIn(frame));
      case TICKET:
        return hub.issue(end, text(frame));
      case REVOKE:
        return void hub.revoke(end, text(frame));
      case BYE:
        this.#hasLeft = true;
        return;
      default:
        throw new TypeError(`Cannot read the pipe: there is no word ${frame[0]}`);
    }
  }
}

function text(frame: Uint8Array): string {
  return new TextDecoder().decode(frame.subarray(1));
}

/** The broker of this thread, while others use pipes of it. */
class Broker {
  readonly token = newToken();
  readonly #socket: PrivateSocket;
  readonly #hubs = new Map<string, Hub>();

  constructor() {
    this.#socket = new PrivateSocket(makePrivateFolder(), this.token, (conn) => this.#ask(conn));
    this.#socket.unref();
  }

  get folder(): string {
    return this.#socket.folder;
  }

  /** Makes a pipe known. */
  add(id: string, hub: Hub): void {
    this.#hubs.set(id, hub);
  }

  /** Forgets a pipe; with the last one the broker ends. */
  delete(id: string): void {
    this.#hubs.delete(id);
    if (this.#hubs.size === 0) this.end();
  }

  end(): void {
    if (broker !== this) return;
    broker = undefined;
    this.#socket.end();
  }

  /** A pipe of this home. */
  hub(id: string): Hub | undefined {
    return this.#hubs.get(id);
  }

  /** Settles when all who had connected before have been let in, or turned away. */
  settled(): Promise<void> {
    return this.#socket.settled();
  }

  async #ask(conn: Deno.Conn): Promise<void> {
    const link = new Link(conn);
    const frames = link.frames();
    const { value: hello } = await frames.next();
    if (hello === undefined || hello[0] !== HELLO) throw new Error("no hello");
    const { pipe, end, ticket } = JSON.parse(text(hello)) as Address;
    const hub = this.#hubs.get(pipe);
    if (hub === undefined || end !== 0 && end !== 1) throw new Error("no such pipe");
    const guest = new Guest(link);
    hub.join(end, guest, String(ticket));
    guest.serve(frames, hub, end).catch(() => {});
  }
}

let broker: Broker | undefined;
lastWords.add(() => broker?.end());

/** A pipe that this thread has made, and where others find it. */
export class HomePipe {
  readonly hub = new Hub(() => this.#known?.delete(this.#id), giveUp);
  readonly #id = crypto.randomUUID();
  #known: Broker | undefined;

  /** Gives an address of an end; whoever goes there has one copy more of it. */
  addressOf(end: 0 | 1): Address {
    if (this.#known === undefined) {
      this.#known = broker ??= new Broker();
      this.#known.add(this.#id, this.hub);
    }
    const ticket = crypto.randomUUID();
    this.hub.issue(end, ticket);
    const { folder, token } = this.#known;
    return { folder, token: token.toHex(), pipe: this.#id, end, ticket };
  }

  /** Waits until a copy has left whose holder has ended. */
  async lose(end: 0 | 1, ticket: string): Promise<void> {
    // It may have connected, and sent, and not been let in yet.
    await this.#known?.settled();
    const party = this.hub.revoke(end, ticket);
    // Its socket closes with its process; another to whom it went on may have it still.
    if (party instanceof Guest) await reached(party.gone, LEAVING);
  }
}

/** Goes to the address of an end; undefined when nobody is there any more. */
export async function visit(
  address: Address,
): Promise<{ conn: Deno.UnixConn; link: Link } | undefined> {
  const { folder, token, ...end } = address;
  let conn: Deno.UnixConn;
  try {
    conn = await connect(folder, Uint8Array.fromHex(token));
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) throw cause;
    removeDeadFolder(folder);
    return undefined;
  }
  const link = new Link(conn);
  link.send(frameOf(HELLO, new TextEncoder().encode(JSON.stringify(end))));
  return { conn, link };
}

/** Gives up a copy that nobody will open: at home, or by going there in the receiver's stead and leaving again. */
export async function giveUp(sent: unknown): Promise<void> {
  const address = sent as Address;
  try {
    if (address.folder === broker?.folder) {
      const home = broker;
      // Who had it may have connected, and not been let in yet.
      await home.settled();
      home.hub(address.pipe)?.revoke(address.end, address.ticket);
    } else {
      const visited = await visit(address);
      await visited?.link.flushed();
      visited?.link.close();
    }
  } catch {
    // No address of ours, or one out of reach.
  }
}

/** Removes the folder of a broker that has died; one that lives keeps it. */
export async function bury({ folder }: Address): Promise<void> {
  try {
    Deno.statSync(folder);
  } catch {
    // It has done so itself.
    return;
  }
  try {
    (await Deno.connect({ transport: "unix", path: `${folder}/${SOCKET}` })).close();
  } catch {
    removeDeadFolder(folder);
  }
}
