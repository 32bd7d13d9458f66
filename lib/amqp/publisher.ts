/**
 * What is published, until the broker has it.
 *
 * ```text
 *   WAITING -> SENT -> settled: taken, refused, unroutable
 *      \  ^______/       the channel or the connection has ended: sent again, in the same order
 *       \______\_______> given up by its signal, or the session has ended
 * ```
 *
 * At most 1,000 messages or 16 MiB are SENT; others wait, in the order of the calls. Who awaits
 * each call, or some hundreds at a time, is so held back by the broker.
 *
 * An error of one message (an exchange that is not there) closes the channel with all that is SENT,
 * and does not say whose it is. So those are sent again one at a time: the one that closes the
 * channel alone is rejected with the error, and it is whole again behind it.
 *
 * How long a message may wait is said by its signal, and by nothing else: a queue without a
 * majority of its replicas confirms late, and to send the message again would only double it.
 *
 * WHO DIES WHEN. Nothing is lost with a connection: what is SENT goes before what is WAITING, and
 * may so come twice, with the same id. `fail` rejects all.
 *
 * @module
 */
import { Deque } from "../core/deque.ts";
import { type AbortNotice, Countdown } from "../core/promises.ts";
import type { AmqpChannel } from "./channel.ts";
import type { Unconfirmed, Verdict } from "./confirms.ts";
import type { AmqpConnection } from "./connection.ts";
import type { AmqpError } from "./errors.ts";
import type { Content } from "./codec/frames.ts";

/** How many messages may be on their way to the broker. */
const WINDOW = 1_000;
/** How many bytes of them, unless there is only one. */
const WINDOW_BYTES = 16 << 20;

/** What is published, where, and how. */
export interface PublishRequest extends Content {
  /** The exchange; "" sends to the queue of the name `key`. */
  exchange: string;
  key: string;
  /** Whether it must reach a queue; else its verdict is `unroutable`. */
  isMandatory: boolean;
  /** Gives it up: it is not sent, or not again. */
  signal?: AbortNotice | undefined;
}

/** A message that is WAITING or SENT. */
class Outgoing implements Unconfirmed {
  readonly id: string;
  readonly key: string;
  readonly request: PublishRequest;
  readonly result = Promise.withResolvers<Verdict>();
  isOver = false;
  readonly #publisher: OutgoingOwner;
  readonly #abort: (() => void) | undefined;

  constructor(request: PublishRequest, owner: OutgoingOwner) {
    this.request = request;
    this.key = request.key;
    this.id = request.properties.messageId ?? "";
    this.#publisher = owner;
    const { signal } = request;
    if (signal === undefined) return;
    this.#abort = () => this.reject(signal.reason);
    signal.addEventListener("abort", this.#abort);
  }

  #end(): void {
    this.isOver = true;
    if (this.#abort !== undefined) this.request.signal!.removeEventListener("abort", this.#abort);
  }

  settled(verdict: Verdict): void {
    this.#end();
    this.result.resolve(verdict);
    this.#publisher.settled(this);
  }

  failed(): void {
    this.#publisher.failed(this);
  }

  reject(error: unknown): void {
    this.#end();
    this.result.reject(error);
  }
}

interface OutgoingOwner {
  settled(message: Outgoing): void;
  failed(message: Outgoing): void;
}

/** Publishes over connections that come and go. */
export class Publisher {
  readonly #waiting = new Deque<Outgoing>();
  #channel: AmqpChannel | undefined;
  #error: AmqpError | undefined;
  #sent = 0;
  #bytes = 0;
  /** What an ended channel has not settled. */
  #again: Outgoing[] = [];
  /** How many are yet to be sent one at a time. */
  #careful = 0;
  #drained: PromiseWithResolvers<void> | undefined;
  readonly #owner: OutgoingOwner = {
    settled: (message) => this.#settled(message),
    failed: (message) => this.#again.push(message),
  };

  /**
   * Publishes a message, and gives what became of it.
   *
   * @throws {RangeError} Its properties are too long.
   * @throws {AmqpError} It has closed the channel, or the session has ended.
   */
  publish(request: PublishRequest): Promise<Verdict> {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (request.signal?.aborted) return Promise.reject(request.signal.reason);
    const message = new Outgoing(request, this.#owner);
    this.#waiting.push(message);
    this.#pump();
    return message.result.promise;
  }

  #hasRoom({ request }: Outgoing): boolean {
    if (this.#sent === 0) return true;
    if (this.#careful > 0 || this.#sent >= WINDOW) return false;
    return this.#bytes + request.body.length <= WINDOW_BYTES;
  }

  #pump(): void {
    const channel = this.#channel;
    while (channel?.isOpen && this.#waiting.length > 0 && this.#hasRoom(this.#waiting.peek())) {
      const message = this.#waiting.pop();
      if (message.isOver) {
        if (this.#careful > 0) this.#careful--;
        continue;
      }
      const { exchange, isMandatory } = message.request;
      try {
        channel.publish(exchange, isMandatory, message.request, message);
        this.#sent++;
        this.#bytes += message.request.body.length;
      } catch (error) {
        if (this.#careful > 0) this.#careful--;
        message.reject(error);
      }
    }
    if (this.#sent === 0 && this.#waiting.length === 0) this.#drained?.resolve();
  }

  #settled({ request }: Outgoing): void {
    this.#sent--;
    this.#bytes -= request.body.length;
    if (this.#careful > 0) this.#careful--;
    this.#pump();
  }

  /** Goes on over a new connection: what was SENT is sent again. */
  async restore(connection: AmqpConnection): Promise<void> {
    const channel = await connection.openChannel();
    channel.onEnd = (error) => this.#ended(channel, connection, error);
    this.#channel = channel;
    await channel.call("confirm.select", [false]);
    this.#pump();
  }

  #ended(channel: AmqpChannel, connection: AmqpConnection, error: AmqpError): void {
    const again = this.#again.filter(({ isOver }) => !isOver);
    this.#again = [];
    this.#sent = this.#bytes = 0;
    if (this.#channel === channel) this.#channel = undefined;
    const isMessages = connection.isOpen && error.code > 0;
    if (isMessages && again.length === 1) again.pop()!.reject(error);
    this.#waiting.putBack(again);
    this.#careful = isMessages ? again.length : Math.min(this.#careful, this.#waiting.length);
    if (!connection.isOpen || this.#error !== undefined) return;
    this.restore(connection).catch((error) => connection.abort(error));
  }

  /** Waits until all is settled, for `ms` at most. */
  async drain(ms: number): Promise<void> {
    if (this.#sent === 0 && this.#waiting.length === 0) return;
    const { promise, resolve } = this.#drained = Promise.withResolvers<void>();
    const late = new Countdown(ms, resolve).unref();
    await promise;
    late.cancel();
  }

  /** Rejects everything, now and from now on. */
  fail(error: AmqpError): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    const lost = [...this.#again, ...this.#waiting];
    this.#again = [];
    while (this.#waiting.length > 0) this.#waiting.pop();
    for (const message of lost) if (!message.isOver) message.reject(error);
    this.#drained?.resolve();
  }
}
