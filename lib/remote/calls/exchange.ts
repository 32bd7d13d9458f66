/**
 * What a caller says to a broker, and over it to workers. It is opened by the first call.
 *
 * ```text
 *   NEW -> OPENING -> OPEN -> CLOSED        OPENING: queues are declared, the inbox is consumed
 *              \-> failed                   the queues are there with other properties
 * ```
 *
 * @module
 */
import { TimeoutError } from "../../core/errors.ts";
import { messageOf } from "../../transfer/failure.ts";
import type { Address } from "../address.ts";
import type { BrokerMessage, Delivery } from "../broker.ts";
import type { Clock } from "../clock.ts";
import { type Access, isUnroutable, openAccess, type Taker } from "../link/access.ts";
import { ask, type Course, run, settled, start } from "../link/soon.ts";
import { message } from "./messages.ts";
import { callQueue, callSpec, controlTopic, deadSpec, inboxSpec, LEVELS } from "./names.ts";
import type { Places } from "./places.ts";
import type { RemoteCall } from "./remote_call.ts";
import { sealed } from "./seal.ts";

/** What a caller is made of. */
export interface CallerOptions {
  address: Address;
  queue: string;
  places: Places;
  retries: number;
  maxQueue: number | undefined;
  maxInFlight: number;
  resultTtl: number;
  expires: number | undefined;
  orphan: "drop" | "keep";
  grace: number | undefined;
  patience: number;
  secret: string | undefined;
  longest: number;
  /** Starts somebody who serves the queue in this program. */
  embed: ((clock: Clock) => Embedded) | undefined;
}

/** Somebody who serves the queue in this program. */
export interface Embedded {
  /** Ends it. */
  stop(): Promise<unknown>;
}

/** What an exchange tells its caller. */
export interface Told {
  hear: (delivery: Delivery) => void;
  opened: () => void;
  failed: (error: unknown) => void;
  state: () => void;
}

/** How many answers may be on their way here. */
const PREFETCH = 1000;

/** A caller's way to a broker. */
export class Exchange {
  /** The caller's name, which is one of its kind. */
  readonly name: string = crypto.randomUUID();
  readonly inbox: string = `c.${this.name}`;
  readonly #options: CallerOptions;
  readonly #clock: Clock;
  readonly #told: Told;
  #access: Access | undefined;
  #taker: Taker | undefined;
  #embedded: Embedded | undefined;
  #isOpen = false;
  #opened: Promise<void> | undefined;
  #failure: unknown;

  constructor(options: CallerOptions, clock: Clock, told: Told) {
    this.#options = options;
    this.#clock = clock;
    this.#told = told;
  }

  /** The broker; undefined before the first call. */
  get access(): Access | undefined {
    return this.#access;
  }

  /** True if calls can be sent. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Opens it, if that was not done. If it fails all calls do, and the next one tries anew. */
  open(): void {
    if (this.#opened !== undefined) return;
    const opened = Promise.withResolvers<void>();
    opened.promise.catch(() => {});
    this.#opened = opened.promise;
    if (this.#access === undefined) {
      this.#access = openAccess(this.#options.address);
      this.#access.onState(() => this.#told.state());
    }
    start(this.#opening(this.#access), () => {
      this.#isOpen = true;
      opened.resolve();
      this.#told.opened();
    }, (error) => {
      this.#opened = undefined;
      this.#failure = error;
      opened.reject(error);
      this.#told.failed(error);
    });
  }

  *#opening(access: Access): Course<void> {
    yield* this.#declare(access);
    yield* settled(access.declare(inboxSpec(this.inbox, this.#options.resultTtl)));
    this.#taker = yield* settled(
      access.consume(this.inbox, { prefetch: PREFETCH }, (delivery) => this.#told.hear(delivery)),
    );
    const { embed } = this.#options;
    // Somebody else of this program may serve it.
    if (embed === undefined || (yield* this.consumers(access)) > 0) return;
    this.#embedded = embed(this.#clock);
  }

  *#declare(access: Access): Course<void> {
    const { queue, maxQueue, longest } = this.#options;
    yield* settled(access.declare(deadSpec(queue)));
    for (const level of LEVELS) {
      yield* settled(access.declare(callSpec(queue, level, { maxQueue, longest })));
    }
  }

  /** The number of consumers of all levels: 0 if nobody serves the queue. */
  *consumers(access: Access): Course<number> {
    let consumers = 0;
    for (const level of LEVELS) {
      const depth = yield* settled(access.depth(callQueue(this.#options.queue, level)));
      consumers += depth?.consumers ?? 0;
    }
    return consumers;
  }

  /** Waits until it is open, for as long as the caller's patience lasts. */
  async opening(action: string): Promise<void> {
    this.open();
    // It may have failed at once.
    if (this.#opened === undefined) throw this.#failure;
    await this.#within(this.#opened, action);
  }

  async #within<T>(promise: Promise<T>, action: string): Promise<T> {
    const { patience } = this.#options;
    const late = Promise.withResolvers<never>();
    const place = this.#access?.place;
    const stop = this.#clock.after(patience, () =>
      late.reject(
        new TimeoutError(`Cannot ${action}: ${place} did not take it within ${patience} ms`),
      ));
    try {
      return await Promise.race([promise, late.promise]);
    } finally {
      stop();
    }
  }

  /** A message, signed if there is a secret. */
  sealed(place: string, message: BrokerMessage): BrokerMessage {
    return sealed(this.#options.secret, place, message);
  }

  /** Sends a call; where its queue was removed, that is made again, once. */
  *publishing(call: RemoteCall): Course<void> {
    const access = this.#access!;
    const queue = callQueue(this.#options.queue, call.level);
    const delay = call.delay > 0 ? { delay: call.delay } : {};
    try {
      yield* settled(access.publish(queue, call.message, delay));
    } catch (error) {
      if (!isUnroutable(error) || call.isSentAgain) throw error;
      call.isSentAgain = true;
      yield* this.#declare(access);
      yield* settled(access.publish(queue, call.message, delay));
    }
  }

  /** Sends a call, for as long as the caller's patience lasts. */
  async publish(call: RemoteCall, action: string): Promise<void> {
    await this.#within(Promise.resolve(run(this.publishing(call))), action);
  }

  #say(inbox: string, message: BrokerMessage, failed?: (error: unknown) => void): void {
    ask(() => this.#access!.publish(inbox, this.sealed(inbox, message)), undefined, failed);
  }

  /** Tells a worker to leave a call. */
  cancel(inbox: string, call: string, reason: unknown): void {
    const name = reason instanceof Error ? reason.name : "";
    // Where that worker has gone another has it, or will.
    this.#say(inbox, message("cancel", { call, why: messageOf(reason), name }), (error) => {
      if (isUnroutable(error)) this.cancelAnywhere(call);
    });
  }

  /** Tells all workers to leave a call. */
  cancelAnywhere(call: string): void {
    const topic = controlTopic(this.#options.queue);
    const told = this.sealed(topic, message("cancel", { call }));
    ask(() => this.#access!.broadcast(topic, told));
  }

  /** Tells a worker that it may run a call. */
  go(inbox: string, call: string): void {
    this.#say(inbox, message("go", { call }));
  }

  /** Reads what has come, in a thread that blocks; whether there was something. */
  read(): boolean {
    return this.#access?.poll?.() ?? false;
  }

  /** Ends it. */
  async close(): Promise<void> {
    this.#isOpen = false;
    const access = this.#access;
    if (access === undefined) return;
    await this.#embedded?.stop();
    try {
      // A broker that is away removes the inbox by itself.
      const isUp = access.state === "up" || access.state === "blocked";
      if (isUp) await run(this.#leaving(access));
    } catch {
      // As above.
    }
    await access.close();
  }

  *#leaving(access: Access): Course<void> {
    if (this.#taker !== undefined) yield* settled(this.#taker.cancel());
    yield* settled(access.remove(this.inbox));
  }
}
