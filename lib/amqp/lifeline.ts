/**
 * A connection that comes back.
 *
 * ```text
 *   CONNECTING -> RESTORING -> UP -> DOWN -> CONNECTING ...        ENDED
 *        \____________\________> DOWN          from anywhere, by end(), and by a lasting error
 * ```
 *
 * RESTORING is its owner's part: it makes again on the new connection what was on the old one. A
 * failure in it is a failure of the attempt, and the connection is given up: all or nothing.
 *
 * Before attempt n it waits a random time up to 100 ms · 2^n, 30 s at most, so that many clients do
 * not come back at once; 1 s at most where nobody listens, since that costs a broker nothing, and
 * it is found soon after its start. n begins anew after 10 s of a good connection. Of several hosts
 * the next one is tried at each attempt, in an order that is random for each client.
 *
 * WHO DIES WHEN. Passing errors (a broker that restarts, a network that is cut) end a connection
 * and never the lifeline: how long is too long is for those to say who wait. Lasting ones (a wrong
 * password, a vhost that is not there, a certificate that nobody trusts) end it: who waits for it
 * is rejected with that error.
 *
 * @module
 */
import { Countdown } from "../core/promises.ts";
import type { AmqpConnection } from "./connection.ts";
import { AmqpError } from "./errors.ts";
import { type Host, hostText } from "./url.ts";

/** What a lifeline needs of its owner. */
export interface LifelineActions {
  /** Connects. */
  connect(host: Host, signal: AbortSignal): Promise<AmqpConnection>;
  /** Makes on a new connection what was on the old one. */
  restore(connection: AmqpConnection): Promise<void>;
  /** Its state has changed, or its `loss`. */
  changed(): void;
}

/** Whether there is a connection. */
export type LifelineState = "connecting" | "up" | "down" | "ended";

/** Since when, and why, there is none. */
export interface LifelineLoss {
  host: string;
  /** How many attempts have failed since. */
  attempts: number;
  /** When it was lost, by `performance.now()`. */
  since: number;
  cause: AmqpError;
}

/** The least and the most that is waited before an attempt, in ms. */
const FIRST_DELAY = 100;
const LAST_DELAY = 30_000;
const LAST_DELAY_REFUSED = 1_000;
/** After how long a connection is good, in ms. */
const GOOD = 10_000;

/** The time before an attempt, from 0, in ms: random, twice as long each time up to `last`. */
export function backoff(attempt: number, last = LAST_DELAY, random = Math.random): number {
  return random() * Math.min(last, FIRST_DELAY * 2 ** attempt);
}

/** Keeps a connection to one of several hosts. */
export class Lifeline {
  readonly #hosts: Host[];
  readonly #actions: LifelineActions;
  #state: LifelineState = "connecting";
  #connection: AmqpConnection | undefined;
  /** One that is being restored. */
  #coming: AmqpConnection | undefined;
  #giveUp: AbortController | undefined;
  readonly #ran: Promise<void>;
  #loss: LifelineLoss | undefined;
  #error: AmqpError | undefined;
  #next = Promise.withResolvers<AmqpConnection>();
  #wake: (() => void) | undefined;
  /** How many attempts found nobody, and how many somebody who failed, since it was good. */
  #refusals = 0;
  #failures = 0;

  /** Begins to connect. */
  constructor(hosts: readonly Host[], actions: LifelineActions) {
    this.#hosts = shuffled(hosts);
    this.#actions = actions;
    this.#next.promise.catch(() => {});
    this.#ran = this.#run();
  }

  get state(): LifelineState {
    return this.#state;
  }

  /** Why there is no connection, or why it has ended. */
  get loss(): LifelineLoss | undefined {
    return this.#loss;
  }

  /** The connection, if it is up. */
  get connection(): AmqpConnection | undefined {
    return this.#connection;
  }

  /**
   * Waits for a connection that is up.
   *
   * @throws {AmqpError} It has ended.
   */
  up(): Promise<AmqpConnection> {
    if (this.#error !== undefined) return Promise.reject(this.#error);
    if (this.#connection?.isOpen) return Promise.resolve(this.#connection);
    return this.#next.promise;
  }

  async #run(): Promise<void> {
    for (let turn = 0; this.#error === undefined; turn++) {
      const host = this.#hosts[turn % this.#hosts.length]!;
      const since = performance.now();
      const error = await this.#attempt(host);
      if (this.#error !== undefined) return;
      const isGood = this.#connection !== undefined;
      this.#connection = undefined;
      if (isGood && performance.now() - since > GOOD) this.#refusals = this.#failures = 0;
      const attempts = isGood ? 0 : (this.#loss?.attempts ?? 0) + 1;
      const began = isGood ? performance.now() : this.#loss?.since ?? since;
      this.#loss = { host: hostText(host), attempts, since: began, cause: error };
      if (error.isLasting) return void this.end(error);
      this.#become("down");
      const isRefused = error.cause instanceof Deno.errors.ConnectionRefused;
      const last = isRefused ? LAST_DELAY_REFUSED : LAST_DELAY;
      await this.#pause(backoff(isRefused ? this.#refusals++ : this.#failures++, last));
    }
  }

  /** Connects, and gives what ended that, soon or late. */
  async #attempt(host: Host): Promise<AmqpError> {
    let connection: AmqpConnection | undefined;
    try {
      this.#giveUp = new AbortController();
      connection = await this.#actions.connect(host, this.#giveUp.signal);
      this.#giveUp = undefined;
      this.#coming = connection;
      if (this.#error === undefined) await this.#actions.restore(connection);
      if (!connection.isOpen) return await connection.ended;
    } catch (error) {
      const reason = error instanceof AmqpError
        ? error
        : new AmqpError(`Cannot restore what was on the connection: ${error}`, { cause: error });
      connection?.abort(reason);
      return reason;
    } finally {
      this.#coming = undefined;
    }
    if (this.#error !== undefined) {
      connection.abort(this.#error);
      return this.#error;
    }
    this.#connection = connection;
    this.#loss = undefined;
    this.#next.resolve(connection);
    this.#next = Promise.withResolvers();
    this.#next.promise.catch(() => {});
    this.#become("up");
    return await connection.ended;
  }

  async #pause(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const countdown = new Countdown(ms, resolve).unref();
    this.#wake = resolve;
    await promise;
    countdown.cancel();
    this.#wake = undefined;
  }

  /** Tries at once: others have reached the broker. */
  hurry(): void {
    this.#wake?.();
  }

  #become(state: LifelineState): void {
    this.#state = state;
    this.#actions.changed();
  }

  /** Ends it at once: who waits is rejected with `error`. */
  end(error: AmqpError): void {
    const connection = this.#connection;
    this.#over(error);
    connection?.abort(error);
  }

  /** Ends it in peace: the broker is told. */
  async close(error: AmqpError): Promise<void> {
    const connection = this.#connection;
    this.#over(error);
    await connection?.close();
    await this.#ran;
  }

  #over(error: AmqpError): void {
    if (this.#error !== undefined) return;
    this.#error = error;
    this.#connection = undefined;
    this.#coming?.abort(error);
    this.#giveUp?.abort();
    this.#next.reject(error);
    this.#wake?.();
    this.#become("ended");
  }
}

function shuffled(hosts: readonly Host[]): Host[] {
  const order = hosts.map((host) => ({ host, at: Math.random() }));
  return order.sort((a, b) => a.at - b.at).map(({ host }) => host);
}
