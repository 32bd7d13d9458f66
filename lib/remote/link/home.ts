/**
 * The links of a program: which there are, and who uses them. The main thread starts and ends them;
 * another thread gives it the end of a port, which goes on to the link.
 *
 *     none -> STARTED -> none              the first handle of the URL; the last one was closed
 *
 * For `memory:` there is no thread: its service is in the main thread, which other threads reach in
 * the same way. It stays, as what is in its queues does.
 *
 * **Who dies when.** A thread that ends uses no link any more: that hears of it. A link's thread
 * that has ended by an error is left; the next use of the URL starts another. The process takes all
 * of them with it.
 *
 * @module
 */
import { hearers, tellHome } from "../../child/thread/host.ts";
import { threadsGone } from "../../core/hooks.ts";
import { loadPorts, post, prepareEarly } from "../../core/ports.ts";
import { self } from "../../memory/this_thread.ts";
import { Thread } from "../../threading/thread.ts";
import { type Address, brokerModules } from "../address.ts";
import { BELL_BYTES, type BrokerLink, LocalLink, PortLink, toll } from "./link.ts";
import { serveLink } from "./entry.ts";
import type { NewUser, ToLink } from "./protocol.ts";
import { MemoryBroker } from "../memory_broker.ts";
import { Reception, ring } from "./reception.ts";
import { Service } from "./service.ts";

await prepareEarly();

/** What another thread tells the main thread. */
type ToRemoteHome =
  | { type: "user"; address: Address; user: NewUser }
  | { type: "gone"; address: Address; ident: number };

/** A link, as the main thread keeps it. */
interface Hosted {
  readonly isDead: boolean;
  admit(user: NewUser): void;
  gone(ident: number): void;
  /** Ends it, if nobody uses it. */
  leave(): Promise<void>;
  /** A thread has ended: perhaps its own. */
  ended(ident: number): void;
  /** Its own thread has. */
  over(): void;
}

/** The service of `memory:` in the main thread. */
class LocalService implements Hosted {
  readonly isDead = false;
  readonly link: LocalLink;
  readonly #reception: Reception;

  constructor({ place, memory }: Address) {
    const bell = new SharedArrayBuffer(4);
    const service = new Service(new MemoryBroker(memory));
    this.link = new LocalLink(place, service, bell);
    this.#reception = new Reception(service, bell);
  }

  admit(user: NewUser): void {
    this.#reception.admit(user);
  }

  gone(ident: number): void {
    this.#reception.gone(ident);
  }

  leave(): Promise<void> {
    return Promise.resolve();
  }

  ended(): void {}

  over(): void {}
}

/** The thread of a link. */
class LinkThread implements Hosted {
  readonly #thread: Thread<void>;
  readonly #bell: Int32Array<SharedArrayBuffer>;
  readonly #control: MessagePort;
  /** Those who use it, by the ident of their thread, each with its bell. */
  readonly #users = new Map<number, SharedArrayBuffer>();
  readonly #forget: () => void;

  constructor({ url, place }: Address, forget: () => void) {
    const bell = new SharedArrayBuffer(4);
    this.#bell = new Int32Array(bell);
    this.#forget = forget;
    loadPorts();
    const { port1, port2 } = new MessageChannel();
    this.#control = port1;
    const module = brokerModules.get(/^[^:]*:/.exec(url)![0].toLowerCase())!;
    this.#thread = new Thread(serveLink, {
      args: [{ url, module, bell, control: port2 }],
      name: `link ${place}`,
      daemon: true,
      transfer: [port2],
    });
    this.#thread.start();
  }

  get isDead(): boolean {
    return !this.#thread.isAlive();
  }

  #say(message: ToLink, transfer: Transferable[] = []): void {
    post(this.#control, message, transfer);
    ring(this.#bell);
  }

  admit(user: NewUser): void {
    this.#users.set(user.ident, user.bell);
    this.#say({ type: "user", user }, [user.port]);
  }

  gone(ident: number): void {
    if (this.#users.delete(ident)) this.#say({ type: "gone", ident });
  }

  async leave(): Promise<void> {
    if (this.#users.size > 0) return;
    this.#forget();
    this.#say({ type: "stop" });
    await this.#thread.join();
    this.#control.close();
  }

  /** The ident of its thread. */
  get ident(): number {
    return this.#thread.ident!;
  }

  ended(ident: number): void {
    if (ident === this.ident) this.over();
  }

  over(): void {
    this.#forget();
    this.#control.close();
    for (const bell of this.#users.values()) toll(bell);
    this.#users.clear();
  }
}

const hosts = new Map<string, Hosted>();

/** At home: the link to an address. */
function hostOf(address: Address): Hosted {
  const { url, memory } = address;
  let host = hosts.get(url);
  if (host === undefined || host.isDead) {
    host?.over();
    host = memory === undefined
      ? new LinkThread(address, function forget() {
        if (hosts.get(url) === host) hosts.delete(url);
      })
      : new LocalService(address);
    hosts.set(url, host);
  }
  return host;
}

/** The calling thread's links, each with the number of its handles. */
const mine = new Map<string, { link: BrokerLink; handles: number }>();

/** The calling thread's link to an address, for one more handle. */
export function useLink(address: Address): BrokerLink {
  const { url } = address;
  let entry = mine.get(url);
  if (entry === undefined || entry.link.isDead) {
    if (entry?.link instanceof PortLink) entry.link.close();
    entry = { link: makeLink(address), handles: 0 };
    mine.set(url, entry);
  }
  entry.handles++;
  return entry.link;
}

function makeLink(address: Address): BrokerLink {
  const { isMain, ident } = self();
  if (isMain) {
    const host = hostOf(address);
    if (host instanceof LocalService) return host.link;
    const { link, user } = makePort(address, ident);
    host.admit(user);
    if (host instanceof LinkThread) link.watch(host.ident);
    return link;
  }
  const { link, user } = makePort(address, ident);
  tell({ type: "user", address, user }, [user.port]);
  return link;
}

function makePort({ place }: Address, ident: number): { link: PortLink; user: NewUser } {
  loadPorts();
  const { port1, port2 } = new MessageChannel();
  const bell = new SharedArrayBuffer(BELL_BYTES);
  return { link: new PortLink(place, port1, bell), user: { ident, port: port2, bell } };
}

function tell(message: ToRemoteHome, transfer: Transferable[] = []): void {
  tellHome(import.meta.url, message, transfer);
}

/** A handle uses the link no more; with the last one of the program its thread ends. */
export async function leaveLink(address: Address, link: BrokerLink): Promise<void> {
  const { url } = address;
  const entry = mine.get(url);
  if (entry?.link !== link || --entry.handles > 0) return;
  if (!(link instanceof PortLink)) return;
  mine.delete(url);
  link.flush();
  const { isMain, ident } = self();
  if (!isMain) tell({ type: "gone", address, ident });
  else {
    const host = hosts.get(url);
    host?.gone(ident);
    await host?.leave();
  }
  link.close();
}

hearers.set(import.meta.url, (told) => {
  const message = told as ToRemoteHome;
  if (message.type === "user") return hostOf(message.address).admit(message.user);
  const host = hosts.get(message.address.url);
  host?.gone(message.ident);
  host?.leave();
});

threadsGone.add((ident) => {
  for (const host of [...hosts.values()]) {
    host.ended(ident);
    host.gone(ident);
    host.leave();
  }
});
