/**
 * A consumer that comes back: each has a channel of its own, so that an error of its queue costs
 * nobody else, and a credit.
 *
 * ```text
 *   OPENING -> ON <-> OFF (credit 0)       ON, OFF -> LOST -> OPENING ...         OVER
 * ```
 *
 * - A new credit is a new consumer on the same channel: what the old one was given stays held, and
 *   does not count any more.
 * - LOST: the broker has cancelled the consumer (its queue is gone, or moves) or closed the channel
 *   (it was held for too long). The queue is declared again, if it was declared here, and consumed
 *   anew, at once and then after growing times. With the connection all come back together.
 * - OVER: cancelled, or the queue is not there and was not declared here, or the session has ended.
 *
 * WHO DIES WHEN. A lease is its channel: when that has ended, nothing of it is held here any more,
 * and what is said about it is dropped, since it is with somebody else. The steps of one
 * subscription go one after the other.
 *
 * @module
 */
import { Countdown } from "../core/promises.ts";
import type { Delivered } from "./assembly.ts";
import type { AmqpChannel } from "./channel.ts";
import type { AmqpConnection } from "./connection.ts";
import { AmqpError } from "./errors.ts";
import { backoff } from "./lifeline.ts";
import { REPLY } from "./codec/table.ts";
import { declare, type QueueDeclaration } from "./topology.ts";

/** The most credit that AMQP has room for. */
const MOST_PREFETCH = 0xffff;
/** What ends a subscription: its queue is not there, or is another one. */
const ENDING: readonly number[] = [REPLY.notFound, REPLY.failed];

/** What a subscription needs of its session. */
export interface SubscriptionHost {
  /** The connection that is up, or undefined: then `resume` follows when there is one. */
  connection(): AmqpConnection | undefined;
  /** The queue as it was declared here, if it was. */
  declared(queue: string): QueueDeclaration | undefined;
  /** The subscription is over. */
  forget(subscription: Subscription): void;
}

/** What a subscription does. */
export interface SubscriptionActions {
  /** Takes a message. What it throws gives that message back. */
  on(lease: Lease): void;
  /** What `on` has thrown. */
  onFault(error: unknown): void;
  /** It is over without cancel(). */
  onEnd(error: AmqpError): void;
}

/** A message that is held. */
export class Lease {
  readonly delivered: Delivered;
  readonly #channel: AmqpChannel;
  #isSettled = false;

  constructor(delivered: Delivered, channel: AmqpChannel) {
    this.delivered = delivered;
    this.#channel = channel;
  }

  /** False once it is settled, and when its channel has ended: it is with somebody else then. */
  get isHeld(): boolean {
    return !this.#isSettled && this.#channel.isOpen;
  }

  /** It is done with. Gives whether it was still held. */
  ack(): boolean {
    const isHeld = this.isHeld && this.#channel.ack(this.delivered.tag);
    this.#isSettled = true;
    return isHeld;
  }

  /** It goes back, or where its queue's dead go. Gives whether it was still held. */
  nack(isRequeued: boolean): boolean {
    const isHeld = this.isHeld && this.#channel.nack(this.delivered.tag, isRequeued);
    this.#isSettled = true;
    return isHeld;
  }
}

/** A consumer over connections that come and go. */
export class Subscription {
  readonly queue: string;
  readonly #host: SubscriptionHost;
  readonly #actions: SubscriptionActions;
  #prefetch: number;
  #channel: AmqpChannel | undefined;
  #tag: string | undefined;
  #isOver = false;
  #turn: Promise<unknown> = Promise.resolve();
  #attempts = 0;
  #pause: Countdown | undefined;

  constructor(
    host: SubscriptionHost,
    queue: string,
    prefetch: number,
    actions: SubscriptionActions,
  ) {
    this.#host = host;
    this.queue = queue;
    this.#prefetch = prefetch;
    this.#actions = actions;
  }

  /** Does a step when those before it are done. */
  #inTurn<T>(step: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(step);
    this.#turn = done.catch(() => {});
    return done;
  }

  /**
   * Consumes on a connection, anew if it did before.
   *
   * @throws {AmqpError} There is no such queue, or it may not be consumed.
   */
  resume(connection: AmqpConnection): Promise<void> {
    return this.#inTurn(() => this.#open(connection));
  }

  async #open(connection: AmqpConnection): Promise<void> {
    if (this.#isOver || !connection.isOpen) return;
    this.#pause?.cancel();
    const channel = await connection.openChannel();
    this.#channel = channel;
    this.#tag = undefined;
    try {
      await this.#declare(channel);
      await this.#consume(channel);
    } catch (error) {
      this.#channel = undefined;
      channel.close();
      throw error;
    }
    channel.onEnd = () => this.#lost(channel);
    // It may have ended before anybody could hear of it.
    if (!channel.isOpen) this.#lost(channel);
    this.#attempts = 0;
  }

  /** Makes the queue if it is ours; else looks whether it is there, for what has no credit yet. */
  async #declare(channel: AmqpChannel): Promise<void> {
    const declared = this.#host.declared(this.queue);
    if (declared !== undefined) return await declare(channel, declared);
    await channel.call("queue.declare", [0, this.queue, true, false, false, false, false, {}]);
  }

  async #consume(channel: AmqpChannel): Promise<void> {
    if (this.#prefetch === 0) return;
    await channel.call("basic.qos", [0, Math.min(this.#prefetch, MOST_PREFETCH), false]);
    this.#tag = await channel.consume(this.queue, {
      on: (delivered) => this.#actions.on(new Lease(delivered, channel)),
      onFault: (error) => this.#actions.onFault(error),
      onEnd: () => {
        this.#tag = undefined;
        // When the channel has ended as well, its own end follows.
        if (channel.isOpen) this.#lost(channel);
      },
    });
  }

  /** Gives it new credit; settles when all that came by the old one has been handed over. */
  setPrefetch(prefetch: number): Promise<void> {
    this.#prefetch = prefetch;
    return this.#inTurn(async () => {
      const channel = this.#channel;
      if (this.#isOver || !channel?.isOpen) return;
      try {
        await this.#stop(channel);
        await this.#consume(channel);
      } catch {
        // The channel's end is handled where it is told.
      }
    });
  }

  async #stop(channel: AmqpChannel): Promise<void> {
    const tag = this.#tag;
    this.#tag = undefined;
    if (tag !== undefined) await channel.cancel(tag);
  }

  /** The channel is gone, or its consumer is. */
  #lost(channel: AmqpChannel): void {
    if (this.#channel !== channel) return;
    this.#channel = undefined;
    if (channel.isOpen) channel.close();
    const connection = this.#host.connection();
    if (!this.#isOver && connection?.isOpen) this.#again(connection);
  }

  #again(connection: AmqpConnection): void {
    this.#inTurn(async () => {
      if (this.#channel === undefined) await this.#open(connection);
    }).catch((error) => {
      if (this.#isOver || !connection.isOpen) return;
      if (error instanceof AmqpError && (error.isLasting || ENDING.includes(error.code))) {
        return this.end(error);
      }
      this.#pause?.cancel();
      const delay = backoff(this.#attempts++);
      this.#pause = new Countdown(delay, () => this.#again(connection)).unref();
    });
  }

  /**
   * Ends it; what it holds goes back. It settles when everything that the broker had given it has
   * been handed over.
   */
  async cancel(): Promise<void> {
    if (this.#isOver) return;
    this.#over();
    await this.#inTurn(async () => {
      const channel = this.#channel;
      this.#channel = undefined;
      if (channel === undefined) return;
      await this.#stop(channel).catch(() => {});
      await channel.close();
    });
  }

  #over(): void {
    this.#isOver = true;
    this.#pause?.cancel();
    this.#host.forget(this);
  }

  /** It is over, with an error. */
  end(error: AmqpError): void {
    if (this.#isOver) return;
    this.#over();
    this.#actions.onEnd(error);
  }
}
