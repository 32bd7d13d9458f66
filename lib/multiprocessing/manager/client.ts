/**
 * A manager's server, as a thread sees it: one connection for all proxies in the thread.
 *
 * ```text
 *   new -- the first call --> connecting --> open -- the link ends --> lost
 *                                 \-------- nobody there ------------/
 * ```
 *
 * Calls are sent in the order in which they are made, and answered in any. Who dies when:
 *
 * - the server, at any point: the link ends, and every call, under way or later, fails with a
 *   `WorkerLostError`;
 * - this thread or process, at any point: the server sees the link end, releases what this client
 *   held and withdraws what it waited for. An item that was on its way here goes back to its queue:
 *   the server keeps it until this side has confirmed that it has come.
 *
 * A call that is aborted is cancelled at the server, and ends when the server has said whether the
 * cancel came in time: so what the call was to give is neither lost nor left behind.
 *
 * The connection keeps the program alive only while a call is under way.
 *
 * @module
 */
import { ThreadTerminated, type WorkerLoss, WorkerLostError } from "../../core/errors.ts";
import { Link } from "../../channel/socket/link.ts";
import type { PrivateConn } from "../../channel/socket/place.ts";
import { connect } from "../../channel/socket/private_socket.ts";
import { fromBytes } from "../../child/process/protocol.ts";
import { thisProcess } from "../../child/context.ts";
import { beforeEnd } from "../../core/hooks.ts";
import { HeapRegion } from "../../memory/heap_region.ts";
import type { Region } from "../../memory/region.ts";
import { self } from "../../memory/this_thread.ts";
import { checkCancelled, type Park, runAsync, type Steps } from "../../sync/steps.ts";
import { withLocalStack } from "../../transfer/failure.ts";
import type { TrustLevel } from "../../transfer/reduction.ts";
import {
  BYE,
  CALL,
  CANCEL,
  CONFIRM,
  DONE,
  FAILED,
  fromFrame,
  HELLO,
  type ManagerAddress,
  toFrame,
  unwrapError,
  type ValueBytes,
  WITHDRAWN,
} from "./protocol.ts";

const { parties } = new HeapRegion(new SharedArrayBuffer(4));

const ANSWERED = 1;
/** In place of a call's number: it concerns the connection. */
const NOBODY = 0;

/** The answer to a call: a place to park until it comes. */
class Answer implements Region {
  readonly words = new Int32Array(1);
  readonly parties = parties;
  status = DONE;
  value: unknown;
  isCancelled = false;
  /** Settles when the answer is there. */
  #come: (() => void) | undefined;

  /** Tells the answer; a second one is ignored. */
  tell(status: number, value: unknown): void {
    if (this.words[0] === ANSWERED) return;
    this.status = status;
    this.value = value;
    this.words[0] = ANSWERED;
    this.#come?.();
  }

  waitSync(): void {
    throw new TypeError("Cannot block for a manager's server: its methods are to be awaited");
  }

  wait(): Promise<void> {
    return new Promise((come) => this.words[0] === ANSWERED ? come() : this.#come = come);
  }

  wake(): void {
    this.#come?.();
  }
}

/** The servers that this thread knows, by all that their addresses say. */
const servers = new Map<string, Server>();

beforeEnd.add(async (hasFailed) => {
  // A task that failed gives its permits back, as one that was killed does.
  if (!hasFailed) await Promise.all([...servers.values()].map((server) => server.bye()));
});

/** The server at an address, as this thread sees it. */
export function serverAt(address: ManagerAddress): Server {
  const { folder, token, rank, isBelow } = address;
  const key = [folder, token.toHex(), rank?.toHex(), isBelow].join(" ");
  let server = servers.get(key);
  if (server === undefined) servers.set(key, server = new Server(address));
  return server;
}

/**
 * The folders of servers that nobody below has named: who is given a proxy is let into no other.
 */
export const trusted: Set<string> = new Set();

/** The name of this thread in reports. */
function nameOfThread(): string {
  const { isMain, roster, slot } = self();
  return isMain ? thisProcess().name : roster.name(slot);
}

/** A manager's server. */
export class Server {
  /** Where it is. */
  readonly address: ManagerAddress;
  /** Finds out how the server ended; set by the one that started it. */
  whenLost: (() => Promise<WorkerLoss | undefined>) | undefined;
  readonly #calls = new Map<number, Answer>();
  #outbox: Uint8Array[] | undefined;
  #link: Link | undefined;
  #conn: PrivateConn | undefined;
  #lost: WorkerLostError | undefined;
  #calling = 0;
  #last = 0;
  /** True if clients below have called there. */
  #isShared = false;

  /** Use {@linkcode serverAt}. */
  constructor(address: ManagerAddress) {
    this.address = address;
  }

  /** From whom what it says is: with the server, or any of its clients, below, from there. */
  get level(): TrustLevel {
    return this.address.isBelow || this.#isShared ? "below" : "equal";
  }

  /**
   * Calls a method of an object at the server.
   *
   * @param signal Withdraws the call when aborted.
   * @throws {WorkerLostError} The server has ended.
   * @throws {unknown} What was thrown there: same class, with the stack of the server and of this
   *   call.
   */
  async call(
    object: string,
    method: string,
    args: unknown[],
    signal?: AbortSignal,
  ): Promise<unknown> {
    signal?.throwIfAborted();
    checkCancelled();
    const here = new Error();
    const answer = new Answer();
    const id = this.#send(answer, object, method, args);
    // Sent at the abort itself: what this thread asks for afterwards must come after it.
    const cancel = () => this.#cancel(id, answer, false);
    signal?.addEventListener("abort", cancel);
    try {
      await runAsync(this.#answered(id, answer), { signal });
    } finally {
      signal?.removeEventListener("abort", cancel);
      this.#ended(id);
    }
    if (answer.status === DONE) return answer.value;
    throw await this.#errorOf(answer, here);
  }

  /**
   * As {@linkcode call}, also for a thread that is being stopped. The promise need not be awaited.
   */
  tell(object: string, method: string, args: unknown[] = []): Promise<unknown> {
    const here = new Error();
    const answer = new Answer();
    const id = this.#send(answer, object, method, args);
    const done = (async () => {
      try {
        while (answer.words[0] !== ANSWERED) await answer.wait();
      } finally {
        this.#ended(id);
      }
      if (answer.status === DONE) return answer.value;
      throw await this.#errorOf(answer, here);
    })();
    done.catch(() => {});
    return done;
  }

  /** Says that this client ends by itself. */
  async bye(): Promise<void> {
    this.#link?.send(toFrame([BYE]));
    await this.#link?.flushed();
  }

  /** Ends the connection: the server is known to be gone. */
  close(): void {
    this.#link?.close();
  }

  *#answered(id: number, answer: Answer): Steps<void> {
    const park: Park = { region: answer, index: 0, value: 0, on: 0 };
    try {
      while (answer.words[0] !== ANSWERED) yield park;
    } catch (reason) {
      this.#cancel(id, answer, reason instanceof ThreadTerminated);
      park.isRepair = true;
      while (answer.words[0] !== ANSWERED) yield park;
      if (answer.status === WITHDRAWN) throw reason;
    }
  }

  #cancel(id: number, answer: Answer, isStopped: boolean): void {
    if (answer.words[0] === ANSWERED || answer.isCancelled) return;
    answer.isCancelled = true;
    this.#post(toFrame([CANCEL, id, isStopped]));
  }

  #send(answer: Answer, object: string, method: string, args: unknown[]): number {
    const id = ++this.#last;
    const frame = toFrame([CALL, id, object, method, ...args]);
    this.#calls.set(id, answer);
    if (++this.#calling === 1) this.#conn?.ref();
    this.#post(frame);
    return id;
  }

  #ended(id: number): void {
    this.#calls.delete(id);
    if (--this.#calling === 0) this.#conn?.unref();
  }

  #post(frame: Uint8Array): void {
    if (this.#lost !== undefined) this.#tellAll();
    else if (this.#link !== undefined) this.#link.send(frame);
    else if (this.#outbox !== undefined) this.#outbox.push(frame);
    else {
      this.#outbox = [frame];
      this.#connect();
    }
  }

  async #connect(): Promise<void> {
    const { folder, token, rank } = this.address;
    try {
      const conn = this.#conn = await connect(folder, token);
      if (this.#calling === 0) conn.unref();
      const link = this.#link = new Link(conn);
      link.send(toFrame([HELLO, nameOfThread(), rank]));
      for (const frame of this.#outbox!) link.send(frame);
      this.#outbox = undefined;
    } catch (cause) {
      // Without the permission it fails again, and says so each time; nobody there is a lost
      // server.
      const refused = cause instanceof Deno.errors.NotCapable;
      if (!refused) return await this.#lose(cause);
      this.#outbox = undefined;
      for (const answer of this.#calls.values()) answer.tell(FAILED, cause);
      return;
    }
    let cause: unknown;
    try {
      for await (const frame of this.#link.frames()) this.#receive(frame);
    } catch (error) {
      cause = error;
    }
    await this.#lose(cause);
  }

  #receive(frame: Uint8Array): void {
    const [id, status, value, isToConfirm, isShared] = fromFrame(frame);
    if (isShared === true) this.#isShared = true;
    // The server closes the connection after it has said so.
    if (id === NOBODY) throw fromBytes(value as ValueBytes, this.level);
    const answer = this.#calls.get(id as number);
    if (answer === undefined) return;
    // Before anybody sees what has come: so the server gives it to nobody else if this thread dies.
    if (isToConfirm === true) this.#link!.send(toFrame([CONFIRM, id]));
    answer.tell(status as number, value);
  }

  async #lose(cause: unknown): Promise<void> {
    const loss = await this.whenLost?.();
    const { name } = this.address;
    const how = loss === undefined
      ? ""
      : loss.signal !== null
      ? `: it was killed by ${loss.signal}`
      : `: it ended with exit code ${loss.exitcode}`;
    this.#lost = new WorkerLostError(
      `Cannot reach the manager's server ${JSON.stringify(name)}: it has ended${how}`,
      loss,
    );
    if (cause !== undefined) this.#lost.cause = cause;
    this.#tellAll();
  }

  #tellAll(): void {
    for (const answer of this.#calls.values()) answer.tell(FAILED, this.#lost);
  }

  async #errorOf({ value }: Answer, here: Error): Promise<unknown> {
    if (value === this.#lost && this.#lost !== undefined) {
      const { message, exitcode, signal, cause } = this.#lost;
      const error = new WorkerLostError(message, { exitcode, signal });
      if (cause !== undefined) error.cause = cause;
      return withLocalStack(error, this.address.name, here.stack);
    }
    if (!(value instanceof Uint8Array)) return value;
    return withLocalStack(
      await unwrapError(value as ValueBytes, this.level),
      this.address.name,
      here.stack,
    );
  }
}
