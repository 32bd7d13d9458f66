/**
 * What nobody tells a caller: that the broker is away for too long, that nobody serves the queue,
 * that a worker is silent. It looks every now and then while there are calls.
 *
 * @module
 */
import {
  BrokenExecutor,
  BrokerLostError,
  TimeoutError,
  WorkerLostError,
} from "../../core/errors.ts";
import type { Clock } from "../clock.ts";
import type { Access } from "../link/access.ts";
import { start } from "../link/soon.ts";
import type { CallerOptions, Exchange } from "./exchange.ts";
import { pace } from "./messages.ts";
import { AT_BROKER, BEGUN, type RemoteCall } from "./remote_call.ts";

/** The calls of a caller, as they are watched. */
export interface Watched {
  /** True if there are none. */
  isIdle: () => boolean;
  /** Those with the broker, and those that wait here. */
  sent: () => RemoteCall[];
  unsent: () => RemoteCall[];
  /** Hears what has come. */
  poll: () => unknown;
  fail: (call: RemoteCall, error: unknown) => void;
  /** Tells whoever has it that nobody wants it. */
  leave: (call: RemoteCall, reason: unknown) => void;
}

/** Watches over the calls of one caller. */
export class CallWatch {
  readonly #options: CallerOptions;
  readonly #exchange: Exchange;
  readonly #clock: Clock;
  readonly #calls: Watched;
  #isOn = false;
  #stop = () => {};
  #lookedAt = 0;
  #awaySince: number | undefined;
  #unservedSince: number | undefined;
  #isAsking = false;

  constructor(options: CallerOptions, exchange: Exchange, clock: Clock, calls: Watched) {
    this.#options = options;
    this.#exchange = exchange;
    this.#clock = clock;
    this.#calls = calls;
  }

  /** Somebody was heard who serves the queue. */
  isServed(): void {
    this.#unservedSince = undefined;
  }

  /** Looks every now and then, as long as there are calls. */
  start(): void {
    if (this.#isOn) return;
    this.#isOn = true;
    this.#lookedAt = performance.now();
    this.#stop = this.#clock.after(pace.sweep, () => {
      this.#isOn = false;
      if (this.#calls.isIdle()) return;
      const wasLate = performance.now() - this.#lookedAt > 3 * pace.sweep;
      this.start();
      this.#calls.poll();
      this.look();
      // Who was stopped for a while hears first what has come meanwhile.
      if (!wasLate) this.#lookAtBegun();
    });
  }

  /** There are no calls any more. */
  stop(): void {
    this.#isOn = false;
    this.#stop();
  }

  /** Looks whether the broker is there, and somebody serves the queue. */
  look(): void {
    const { access } = this.#exchange;
    if (this.#calls.isIdle() || access === undefined) return;
    const { state } = access;
    const all = () => [...this.#calls.sent(), ...this.#calls.unsent()];
    if (state === "ended") {
      for (const call of all()) this.#calls.fail(call, lost(access, "it has ended"));
      return;
    }
    const now = performance.now();
    if (state === "up" || state === "blocked") {
      this.#awaySince = undefined;
      return this.#lookForWorkers(access, now);
    }
    const since = this.#awaySince ??= now;
    const { patience } = this.#options;
    for (const call of all()) {
      if (now - Math.max(since, call.since) <= patience) continue;
      this.#calls.fail(call, lost(access, `it has been out of reach for ${patience} ms`));
    }
  }

  /** Looks whether anybody serves the queue, as long as calls wait there. */
  #lookForWorkers(access: Access, now: number): void {
    const { patience, queue } = this.#options;
    if (patience === Infinity || this.#isAsking || !this.#exchange.isOpen) return;
    const waits = ({ phase, since, delay }: RemoteCall) =>
      phase === AT_BROKER && now > since + delay;
    if (!this.#calls.sent().some(waits)) {
      this.#unservedSince = undefined;
      return;
    }
    this.#isAsking = true;
    start(this.#exchange.consumers(access), (consumers) => {
      this.#isAsking = false;
      if (consumers > 0) {
        this.#unservedSince = undefined;
        return;
      }
      if (now - (this.#unservedSince ??= now) <= patience) return;
      this.#unservedSince = undefined;
      for (const call of this.#calls.sent().filter(waits)) {
        this.#calls.leave(call, undefined);
        const why = `no worker has served it for ${patience} ms`;
        this.#calls.fail(call, new BrokenExecutor(cannotRun(queue, why)));
      }
    }, () => this.#isAsking = false);
  }

  #lookAtBegun(): void {
    const now = performance.now();
    const grace = this.#options.grace ?? 0;
    for (const call of this.#calls.sent()) {
      if (call.phase !== BEGUN) continue;
      const { options: { timeout = Infinity, retries }, target } = call;
      const name = JSON.stringify(target.name);
      if (now - call.begunAt > timeout + grace + 2 * pace.alive) {
        const error = new TimeoutError(`${name} has run for longer than ${timeout} ms`);
        this.#calls.leave(call, error);
        this.#calls.fail(call, error);
      } else if (now - call.aliveAt > 3 * pace.alive) {
        if (retries !== 0) call.phase = AT_BROKER;
        else {
          const text = `${name} was lost: its worker ${call.worker} says nothing any more`;
          this.#calls.fail(call, new WorkerLostError(text));
        }
      }
    }
  }
}

function lost(access: Access, why: string): BrokerLostError {
  const { host = access.place, attempts = 0, cause } = access.loss ?? {};
  const reason = cause === undefined ? why : `${why} (${cause.message})`;
  const loss = { host, attempts, cause };
  return new BrokerLostError(`Cannot reach the broker ${access.place}: ${reason}`, loss);
}

/** What a call fails with that nobody can run. */
export function cannotRun(queue: string, why: string): string {
  return `Cannot run calls by the queue ${JSON.stringify(queue)}: ${why}`;
}
