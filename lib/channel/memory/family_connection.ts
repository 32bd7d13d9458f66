/**
 * An end of a pipe in the family's memory. It can be given to several, who have copies of it.
 *
 * States of a pipe: in use -> spent, when both ends are over, or when it has gone over to a socket
 * (`pipe.ts`): then this end goes on as another connection. Spent words are used for another pipe
 * of the thread that made it, which gives them a new `GENERATION`.
 *
 * @module
 */
import { ShareError } from "../../core/errors.ts";
import type { WaitOptions, WaitSyncOptions } from "../../sync/options.ts";
import type { Placement } from "../../memory/placement.ts";
import { boardAll, inFlight, packedFor, receiverMaps } from "../../transfer/flight.ts";
import { Instead, SHARE, type World } from "../../transfer/shareable.ts";
import { checkNoTransfer, roomIn, type SendOptions, type SendSyncOptions } from "../connection.ts";
import { READY } from "../connection_wait.ts";
import {
  messageOf,
  readBytes,
  readerInto,
  readerOf,
  readLoaded,
  type WhoseMessage,
} from "../message.ts";
import type { Chain } from "./chain.ts";
import { MemoryConnection } from "./connection.ts";
import type { Crossing, Successor } from "./crossing.ts";
import type { PipeDialect } from "./dialect.ts";
import { BELOW, holdersOf, markBelow, type Side } from "./pipe_words.ts";

/** One end of a pipe in the family's memory. */
export class RingConnection<T = unknown> extends MemoryConnection<T> {
  static {
    // The name that it has outside.
    Object.defineProperty(this, "name", { value: "Connection" });
  }

  /** The way in which its pipe goes over to a socket, where it was made. */
  #crossing: Crossing | undefined;
  /** The connection that it has become, or becomes when it is next used. */
  #successor: Successor<T> | undefined;

  /** `pipe()` makes connections. */
  constructor(
    placement: Placement,
    side: Side,
    chains: (Chain | undefined)[],
    sent?: { generation: number; entry: number },
  ) {
    super({ placement, side, chains, dialect: dialectOf(placement, side), sent });
  }

  override send(value: T, options?: SendOptions): Promise<void> {
    const over = this.#over();
    return over === undefined ? super.send(value, options) : over.send(value, options);
  }

  override sendSync(value: T, options?: SendSyncOptions): void {
    const over = this.#over();
    return over === undefined ? super.sendSync(value, options) : over.sendSync(value, options);
  }

  override sendBytes(bytes: Uint8Array, options?: WaitOptions): Promise<void> {
    const over = this.#over();
    return over === undefined ? super.sendBytes(bytes, options) : over.sendBytes(bytes, options);
  }

  override sendBytesSync(bytes: Uint8Array, options?: WaitSyncOptions): void {
    // Over a socket nothing is sent so: that is said.
    this.#over()?.sendSync(bytes as T);
    super.sendBytesSync(bytes, options);
  }

  override recv(options?: WaitOptions): Promise<T> {
    const over = this.#over();
    return over === undefined ? super.recv(options) : over.recv(options);
  }

  override recvSync(options?: WaitSyncOptions): T {
    const over = this.#over();
    return over === undefined ? super.recvSync(options) : over.recvSync(options);
  }

  override recvBytes(options?: WaitOptions): Promise<Uint8Array> {
    const over = this.#over();
    return over === undefined ? super.recvBytes(options) : over.recvBytes(options);
  }

  override recvBytesSync(options?: WaitSyncOptions): Uint8Array {
    this.#over()?.recvSync();
    return super.recvBytesSync(options);
  }

  override recvBytesInto(
    buffer: ArrayBufferView | ArrayBufferLike,
    offset?: number,
    options?: WaitOptions,
  ): Promise<number> {
    const over = this.#over();
    return over === undefined
      ? super.recvBytesInto(buffer, offset, options)
      : over.recvBytesInto(buffer, offset, options);
  }

  override recvBytesIntoSync(
    buffer: ArrayBufferView | ArrayBufferLike,
    offset?: number,
    options?: WaitSyncOptions,
  ): number {
    roomIn(buffer, offset);
    this.#over()?.recvSync();
    return super.recvBytesIntoSync(buffer, offset, options);
  }

  override poll(timeout?: number): Promise<boolean> {
    const over = this.#over();
    return over === undefined ? super.poll(timeout) : over.poll(timeout);
  }

  override pollSync(timeout?: number): boolean {
    const over = this.#over();
    return over === undefined ? super.pollSync(timeout) : over.pollSync(timeout);
  }

  override close(): void {
    if (!this.closed) this.#over()?.close();
    super.close();
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.#successor?.[Symbol.asyncDispose]();
  }

  /** @ignore */
  override [READY](signal: AbortSignal): Promise<unknown> {
    const over = this.#over();
    return over === undefined ? super[READY](signal) : over[READY](signal);
  }

  /** @ignore */
  [SHARE](world: World, place: () => string): unknown {
    if (this.closed) {
      throw new ShareError(`Cannot share ${place()}: the connection is closed`, place());
    }
    if (this.#successor !== undefined) return new Instead(this.#successor);
    if (world === "process" && !receiverMaps() && this.#crossing !== undefined) {
      return new Instead(this.#crossing.begin(this.side.end, place));
    }
    if (packedFor() === "below") markBelow(this.placement, this.side.end);
    const { holders } = this;
    const entry = holders.send();
    inFlight(() => this.lose(entry), {
      board: (carrier) => holders.board(entry, carrier),
      attend: () => holders.attend(entry),
    });
    return this.sentEnd(this.placement.share("process", place, "pipe"), entry);
  }

  /** Says how its pipe can go over to a socket. @ignore */
  mayCross(crossing: Crossing): void {
    this.#crossing = crossing;
  }

  /** Has it become another when it is next used; undefined: not after all. @ignore */
  become(successor: Successor<T> | undefined): void {
    this.#successor = successor;
  }

  /** Leaves the memory: its successor has come into its place. @ignore */
  hasCrossed(): void {
    if (this.closed) this.#successor!.close();
    else super.leave();
  }

  protected override get isElsewhere(): boolean {
    return this.#successor !== undefined;
  }

  protected override leave(): void {
    if (this.#successor === undefined) super.leave();
  }

  /** The connection that it has become, which it is from now on at the latest. */
  #over(): Successor<T> | undefined {
    if (this.#successor !== undefined) this.#crossing!.end();
    return this.#successor;
  }
}

function dialectOf(placement: Placement, { end }: Side): PipeDialect {
  const { region, base } = placement;
  const isBelow = base + BELOW + 1 - end;
  const receivers = holdersOf(placement, 1 - end);
  const whose: WhoseMessage = () => region.words[isBelow] === 0 ? "equal" : "below";
  return {
    write: (value) => messageOf(value, undefined, whose),
    board: ({ flights }) => boardAll(flights, receivers.carrier),
    read: readerOf(whose),
    readNow: readLoaded("receive", "the value", "recv", whose),
    readBytes,
    readerInto,
    checkTransfer: checkNoTransfer,
  };
}
