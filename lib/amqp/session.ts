/**
 * A session: what a program has with a broker, over as many connections as that takes.
 *
 * ```text
 *   connecting -> up <-> blocked        up, blocked -> down -> up ...        ended
 * ```
 *
 * It has two connections, each a {@linkcode Lifeline}: one consumes and declares, the other, made
 * when it is first needed, publishes alone. A broker that is low on memory or disk stops reading
 * from those that publish (`blocked`): so acks and questions still go through then.
 *
 * What survives a loss: the queues that were declared, the consumers, what is not confirmed. The
 * first connection is up again when the queues are declared and all consumers are there; the second
 * when what was not confirmed has been sent again, in its order and with the same ids. Calls wait
 * meanwhile. What was held when a connection was lost is held no more.
 *
 * A session keeps a program alive for no longer than a step of it takes: who waits sees to that.
 *
 * WHO DIES WHEN. A lasting error of either connection ends the session, as close() does: both
 * connections close, consumers end, whatever waits is rejected.
 *
 * @module
 */
import { checkInteger } from "../core/checks.ts";
import type { AmqpChannel } from "./channel.ts";
import type { Verdict } from "./confirms.ts";
import { AmqpConnection } from "./connection.ts";
import { dial, type TlsOptions } from "./dial.ts";
import { AmqpError } from "./errors.ts";
import { Lifeline, type LifelineLoss } from "./lifeline.ts";
import type { Argument } from "./codec/methods.ts";
import { Publisher, type PublishRequest } from "./publisher.ts";
import { Subscription, type SubscriptionActions, type SubscriptionHost } from "./subscription.ts";
import { REPLY } from "./codec/table.ts";
import { declare, declareAll, declareFanout, type QueueDeclaration } from "./topology.ts";
import type { BrokerAddress, Host } from "./url.ts";

/** How a session is had. */
export interface SessionOptions extends TlsOptions {
  /** The most seconds between two signs of life, from 0 (none are sent) to 65,535. Default: 10. */
  heartbeat?: number;
  /** How long each step and each call may take, in ms. Default: 10,000. */
  deadline?: number;
  /** The name that the broker shows. */
  name?: string;
}

/** Whether the broker can be reached. */
export type SessionState = "connecting" | "up" | "blocked" | "down" | "ended";

/** How long the last confirms are waited for, in ms. */
const DRAIN = 2_000;

/** A session with a broker. */
export class Session {
  /** Called at each change of `state`. */
  onState: ((state: SessionState) => void) | undefined;
  readonly #address: BrokerAddress;
  readonly #options: SessionOptions;
  readonly #control: Lifeline;
  #publishing: Lifeline | undefined;
  readonly #publisher = new Publisher();
  readonly #topology = new Map<string, QueueDeclaration>();
  readonly #subscriptions = new Set<Subscription>();
  readonly #host: SubscriptionHost;
  #ops: AmqpChannel | undefined;
  #turn: Promise<unknown> = Promise.resolve();
  #state: SessionState = "connecting";
  #blocked: string | undefined;
  #version = "";
  #closing: Promise<void> | undefined;
  #isClosing = false;

  /**
   * Begins to connect.
   *
   * @throws {RangeError} `heartbeat` is out of range.
   */
  constructor(address: BrokerAddress, options: SessionOptions = {}) {
    const { heartbeat = 10 } = options;
    checkInteger(heartbeat, 0, "heartbeat", "connect to a broker");
    if (heartbeat > 0xffff) {
      throw new RangeError(
        `Cannot connect to a broker: heartbeat must be <= 65535 s, received ${heartbeat}`,
      );
    }
    this.#address = address;
    this.#options = options;
    this.#host = {
      connection: () => this.#control.connection,
      declared: (name) => this.#topology.get(name),
      forget: (subscription) => this.#subscriptions.delete(subscription),
    };
    this.#control = new Lifeline(address.hosts, {
      connect: (host, signal) => this.#connect(host, "control", signal),
      restore: (connection) => this.#restore(connection),
      changed: () => this.#changed(),
    });
  }

  #connect(host: Host, part: string, signal: AbortSignal): Promise<AmqpConnection> {
    const { isTls, vhost, credentials } = this.#address;
    const { name = `Deno ${Deno.pid}`, heartbeat = 10, deadline = 10_000 } = this.#options;
    return AmqpConnection.open({
      host,
      vhost,
      credentials,
      heartbeat,
      deadline,
      name: `${name} (${part})`,
      dial: (host, signal) => dial(host, isTls, this.#options, signal),
      signal,
    });
  }

  async #restore(connection: AmqpConnection): Promise<void> {
    this.#version = String(connection.properties.version ?? "");
    const ops = await connection.openChannel();
    await declareAll(ops, this.#topology.values());
    this.#ops = ops;
    await Promise.all([...this.#subscriptions].map((one) => one.resume(connection)));
  }

  /** The connection that publishes, made when it is first needed. */
  #publishingLine(): Lifeline {
    return this.#publishing ??= new Lifeline(this.#address.hosts, {
      connect: async (host, signal) => {
        const connection = await this.#connect(host, "publishing", signal);
        connection.onBlocked = (reason) => {
          this.#blocked = reason;
          this.#changed();
        };
        this.#blocked = connection.blocked;
        return connection;
      },
      restore: (connection) => this.#publisher.restore(connection),
      changed: () => {
        if (this.#publishing?.state !== "up") this.#blocked = undefined;
        this.#changed();
      },
    });
  }

  /** Whether the broker can be reached. */
  get state(): SessionState {
    return this.#state;
  }

  /** Why the broker takes no messages, or "". */
  get blockedBy(): string {
    return this.#state === "blocked" ? this.#blocked ?? "" : "";
  }

  /** Why, and since when, it is not up. */
  get loss(): LifelineLoss | undefined {
    return this.#control.loss ?? this.#publishing?.loss;
  }

  /** The broker's version, as in `"3.10.8"`; "" before the first connection. */
  get version(): string {
    return this.#version;
  }

  /** Waits until there is a connection. */
  async ready(): Promise<void> {
    await this.#control.up();
  }

  #changed(): void {
    const lines = [this.#control, this.#publishing];
    const states = lines.map((line) => line?.state);
    if (states.includes("up")) { for (const line of lines) line?.hurry(); }
    const state = this.#stateOf(states);
    const isNew = state !== this.#state;
    // Set before anybody hears of the end, and looks.
    this.#state = state;
    if (state === "ended" && !this.#isClosing) {
      this.#end(this.loss?.cause ?? closedError(this.#address));
    }
    if (isNew) this.onState?.(state);
  }

  #stateOf(states: (string | undefined)[]): SessionState {
    if (states.includes("ended")) return "ended";
    if (states.includes("down")) return "down";
    if (states[0] === "connecting") return "connecting";
    return this.#blocked === undefined ? "up" : "blocked";
  }

  /** A connection has ended for ever: the other one ends, and what goes by them. */
  #end(error: AmqpError): void {
    this.#isClosing = true;
    this.#control.end(error);
    this.#publishing?.end(error);
    this.#endAll(error);
  }

  #endAll(error: AmqpError): void {
    this.#publisher.fail(error);
    for (const subscription of [...this.#subscriptions]) subscription.end(error);
  }

  /**
   * Does something on the channel for calls, again after a loss of the connection. One goes after
   * the other: what one does wrong closes the channel, and would reject the others.
   */
  #withOps<T>(use: (channel: AmqpChannel) => Promise<T>): Promise<T> {
    const done = this.#turn.then(() => this.#tryOps(use));
    this.#turn = done.catch(() => {});
    return done;
  }

  async #tryOps<T>(use: (channel: AmqpChannel) => Promise<T>): Promise<T> {
    for (;;) {
      const connection = await this.#control.up();
      try {
        return await use(await this.#opsChannel(connection));
      } catch (error) {
        if (connection.isOpen || !(error instanceof AmqpError)) throw error;
      }
    }
  }

  async #opsChannel(connection: AmqpConnection): Promise<AmqpChannel> {
    if (!this.#ops?.isOpen) this.#ops = await connection.openChannel();
    return this.#ops;
  }

  /**
   * Declares a queue.
   *
   * @param isKept Whether it is declared again after a loss.
   * @throws {AmqpError} It is there with other properties (code 406).
   */
  async declare(queue: QueueDeclaration, isKept = true): Promise<void> {
    await this.#withOps((ops) => declare(ops, queue));
    if (isKept) this.#topology.set(queue.name, queue);
  }

  /** Declares an exchange that gives everything to all that is bound to it. */
  declareFanout(name: string): Promise<void> {
    return this.#withOps((ops) => declareFanout(ops, name));
  }

  /** What was declared here and is kept, by its name. */
  declared(name: string): QueueDeclaration | undefined {
    return this.#topology.get(name);
  }

  /** How many messages are ready in a queue and who consumes it; undefined if it is not there. */
  async depth(name: string): Promise<{ ready: number; consumers: number } | undefined> {
    const args = [0, name, true, false, false, false, false, {}];
    const answer = await this.#unlessMissing("queue.declare", args);
    return answer && { ready: answer[1] as number, consumers: answer[2] as number };
  }

  /** Drops what is ready in a queue. */
  async purge(name: string): Promise<void> {
    await this.#unlessMissing("queue.purge", [0, name, false]);
  }

  /** Removes a queue; it is not made again. */
  async remove(name: string): Promise<void> {
    this.#topology.delete(name);
    await this.#unlessMissing("queue.delete", [0, name, false, false, false]);
  }

  #unlessMissing(
    method: "queue.declare" | "queue.purge" | "queue.delete",
    args: Argument[],
  ): Promise<Argument[] | undefined> {
    return this.#withOps(async (ops) => {
      try {
        return await ops.call(method, args);
      } catch (error) {
        if (error instanceof AmqpError && error.code === REPLY.notFound) return undefined;
        throw error;
      }
    });
  }

  /** Publishes a message; settles with what became of it. */
  publish(request: PublishRequest): Promise<Verdict> {
    this.#publishingLine();
    return this.#publisher.publish(request);
  }

  /**
   * Consumes a queue, again after each loss.
   *
   * @throws {AmqpError} There is no such queue (code 404), or it may not be consumed.
   */
  async consume(
    queue: string,
    prefetch: number,
    actions: SubscriptionActions,
  ): Promise<Subscription> {
    const subscription = new Subscription(this.#host, queue, prefetch, actions);
    for (;;) {
      const connection = await this.#control.up();
      try {
        await subscription.resume(connection);
      } catch (error) {
        if (connection.isOpen) throw error;
        continue;
      }
      if (!connection.isOpen || connection !== this.#control.connection) continue;
      this.#subscriptions.add(subscription);
      return subscription;
    }
  }

  /**
   * Ends the session: what was published goes out first, for 2 s at most. What is held goes back,
   * what waits is rejected.
   */
  close(): Promise<void> {
    return this.#closing ??= this.#close();
  }

  async #close(): Promise<void> {
    if (this.#state === "ended") return;
    await this.#publisher.drain(DRAIN);
    const error = closedError(this.#address);
    this.#isClosing = true;
    const closed = [this.#control.close(error), this.#publishing?.close(error)];
    this.#endAll(error);
    await Promise.all(closed);
  }
}

function closedError({ shown }: BrokerAddress): AmqpError {
  return new AmqpError(`The session with ${shown} was closed`);
}
