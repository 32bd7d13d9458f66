/**
 * A worker of a queue of calls: its consumers, its inbox, its end. What becomes of a call is the
 * desk's matter.
 *
 * ```text
 *   STARTING -> SERVING -> DRAINING -> over      stop(): takes no more, gives back what has not
 *        \__________\_________\_______-> over     begun, lets what runs end for a while
 *                                                 the broker has ended, or its engine is broken
 * ```
 *
 * @module
 */
import { BrokerLostError, CancelledError, TimeoutError } from "../../core/errors.ts";
import type { BrokerMessage, Delivery } from "../broker.ts";
import type { Clock } from "../clock.ts";
import { type Access, isUnroutable, type Taker } from "../link/access.ts";
import { ask, type Course, settled, start } from "../link/soon.ts";
import { Desk, type DeskOptions } from "./desk.ts";
import { message, pace, textOf } from "../calls/messages.ts";
import {
  callQueue,
  callSpec,
  controlTopic,
  deadSpec,
  type Level,
  LEVELS,
  workerSpec,
} from "../calls/names.ts";
import { isGenuine, sealed } from "../calls/seal.ts";

/** What a station is made of. */
export interface StationOptions extends DeskOptions {
  /** For how long a call may run, where the broker limits that, in ms. */
  longest: number;
  /** How many calls it holds beyond those that run; by default as many as are short. */
  ahead: number | undefined;
  /** For how long the broker may be away, in ms. */
  patience: number;
}

/** What a worker has done. */
export interface WorkerTally {
  /** Calls that gave a value. */
  done: number;
  /** Calls that threw, were cancelled or lost. */
  failed: number;
  /** Calls that were given back to the queue when it was stopped. */
  back: number;
}

/** How long it waits before it looks again for a queue that is gone, in ms. */
const AGAIN = 500;
/** By the mean time of a call, in µs: how many it holds ahead. */
const AHEAD: readonly [micros: number, ahead: number][] = [[1_000, 64], [10_000, 8]];
/** A call that takes so long keeps none ahead, in ms. */
const LONG = 100;

/** A worker of a queue of calls. */
export class Station {
  readonly desk: Desk;
  readonly #options: StationOptions;
  readonly #access: Access;
  readonly #clock: Clock;
  readonly #takers = new Map<Level, Taker>();
  #inboxTaker: Taker | undefined;
  /** How many calls of each level may have been there before it could hear of cancellations. */
  readonly #old: Record<Level, number> = { high: 0, mid: 0, low: 0 };
  readonly #over = Promise.withResolvers<WorkerTally>();
  readonly #ends: (() => void)[] = [];
  readonly #since = Date.now();
  #ahead: number;
  /** Ends the wait for what runs. */
  #cutShort: (() => void) | undefined;
  #state: "starting" | "serving" | "draining" | "over" = "starting";
  #whenIdle: (() => void) | undefined;

  constructor(access: Access, clock: Clock, options: StationOptions) {
    this.#access = access;
    this.#clock = clock;
    this.#options = options;
    this.#ahead = options.ahead ?? 1;
    this.desk = new Desk(access, clock, options);
    this.desk.ahead = this.#ahead;
    this.desk.changed = () => this.#changed();
    this.#over.promise.catch(() => {});
    this.#watchBroker();
  }

  /** Settles at its end, with what it has done. */
  get over(): Promise<WorkerTally> {
    return this.#over.promise;
  }

  /** Its state, as it is shown. */
  get state(): string {
    return this.#state;
  }

  get #prefetch(): number {
    return this.#options.slots + this.#ahead;
  }

  // --- its start

  /** Begins to serve. */
  start(): void {
    start(this.#open(), () => {
      if (this.#state === "starting") this.#state = "serving";
      this.#every(pace.alive, () => this.#sayAlive());
      this.#every(pace.pass, () => this.#passOn());
    }, (error) => this.#finish(error));
  }

  *#open(): Course<void> {
    const { queue, inbox } = this.#options;
    const access = this.#access;
    const stop = yield* settled(
      access.listen(controlTopic(queue), (message) => this.#hearControl(message)),
    );
    this.#ends.push(() => ask(stop));
    yield* settled(access.declare(workerSpec(inbox)));
    const hear = (delivery: Delivery) => {
      delivery.ack();
      this.#hear(delivery, inbox);
    };
    this.#inboxTaker = yield* settled(access.consume(inbox, { prefetch: 100 }, hear));
    yield* settled(access.declare(deadSpec(queue)));
    for (const level of LEVELS) yield* this.#attach(level);
  }

  *#attach(level: Level): Course<void> {
    const { queue, longest } = this.#options;
    const name = callQueue(queue, level);
    const depth = yield* settled(this.#access.depth(name));
    // Who calls says how many may wait; who serves takes the queue as it is.
    if (depth === undefined) {
      yield* settled(this.#access.declare(callSpec(queue, level, { longest })));
    }
    this.#old[level] = depth?.ready ?? 0;
    const taker = yield* settled(this.#access.consume(
      name,
      { prefetch: this.#prefetch, onEnd: () => this.#lose(level) },
      (delivery) => this.desk.receive(level, delivery, this.#old[level]-- > 0),
    ));
    this.#takers.set(level, taker);
    if (this.desk.isStopping) yield* settled(taker.setPrefetch(0));
  }

  /** The broker has ended a consumer: the queue was removed, or it has ended itself. */
  #lose(level: Level): void {
    this.#takers.delete(level);
    if (this.#state !== "serving" || this.#access.state === "ended") return;
    this.#clock.after(AGAIN, () => {
      if (this.#state !== "serving") return;
      start(this.#attach(level), () => {}, () => this.#lose(level));
    });
  }

  #watchBroker(): void {
    let since = performance.now();
    const look = () => {
      const { state, loss } = this.#access;
      if (state === "ended") this.#lost(loss?.cause.message ?? "it has ended");
      if (state === "up" || state === "blocked") since = performance.now();
      else if (performance.now() - since > this.#options.patience) {
        this.#lost(`it has been out of reach for ${this.#options.patience} ms`);
      }
    };
    this.#ends.push(this.#access.onState(look));
    this.#every(pace.sweep, look);
  }

  #lost(why: string): void {
    const { place, loss } = this.#access;
    const { host = place, attempts = 0, cause } = loss ?? {};
    this.#finish(
      new BrokerLostError(`Cannot reach the broker ${place}: ${why}`, { host, attempts, cause }),
    );
  }

  #every(ms: number, fn: () => void): void {
    let stop = () => {};
    const again = () => {
      stop = this.#clock.after(ms, () => {
        if (this.#state === "over") return;
        again();
        fn();
      });
    };
    again();
    this.#ends.push(() => stop());
  }

  // --- what it hears and says

  #hearControl(told: BrokerMessage): void {
    this.#hear(told, controlTopic(this.#options.queue));
  }

  #hear(told: BrokerMessage, place: string): void {
    if (!isGenuine(this.#options.secret, place, told)) return;
    if (told.type === "cancel") {
      const text = textOf(told, "why") || "The call was cancelled";
      const isLate = textOf(told, "name") === "TimeoutError";
      this.desk.cancel(
        textOf(told, "call"),
        isLate ? new TimeoutError(text) : new CancelledError(text),
      );
    } else if (told.type === "go") this.desk.go(textOf(told, "call"));
    else if (told.type === "who" && told.replyTo !== undefined) this.#sayWho(told.replyTo);
  }

  #say(queue: string, told: BrokerMessage): void {
    const message = sealed(this.#options.secret, queue, told);
    ask(() => this.#access.publish(queue, message), undefined, (error) => {
      if (isUnroutable(error)) this.desk.orphan(queue);
    });
  }

  #sayWho(inbox: string): void {
    const { queue, worker, slots } = this.#options;
    const { counts, running, held } = this.desk;
    const { heapUsed, rss } = Deno.memoryUsage();
    const about = {
      worker,
      queue,
      state: this.#state,
      slots,
      since: this.#since,
      ...counts,
      held: held.length,
      rss: rss > 0 ? rss : heapUsed,
      running: running.map(({ facts: { name, module, call }, began }) => ({
        name,
        module,
        call,
        ms: Math.round(performance.now() - began),
      })),
    };
    const body = new TextEncoder().encode(JSON.stringify(about));
    this.#say(inbox, message("worker", { worker }, { body }));
  }

  /** Says to each caller which of its calls run here. */
  #sayAlive(): void {
    const { worker, inbox: replyTo } = this.#options;
    const byCaller = Map.groupBy(this.desk.taken, (entry) => entry.replyTo);
    for (const [inbox, entries] of byCaller) {
      if (inbox === undefined) continue;
      const ids = entries.map(({ facts }) => facts.call);
      const body = new TextEncoder().encode(JSON.stringify(ids));
      this.#say(inbox, message("alive", { worker }, { body, replyTo }));
    }
  }

  // --- how much it holds

  #changed(): void {
    if (this.desk.engine.isBroken) {
      return this.#finish(
        new Error(`Cannot serve the queue ${this.#options.queue}: no worker starts`),
      );
    }
    this.#setAhead();
    if (this.desk.isIdle) this.#whenIdle?.();
  }

  #setAhead(): void {
    const { meanMicros } = this.desk;
    if (this.#options.ahead !== undefined || meanMicros < 0 || this.#state !== "serving") return;
    const ahead = AHEAD.find(([micros]) => meanMicros < micros)?.[1] ?? 0;
    // A narrow hedge, so that it does not go to and fro.
    if (ahead === this.#ahead || ahead > this.#ahead && this.desk.running.length === 0) return;
    this.#ahead = this.desk.ahead = ahead;
    for (const taker of this.#takers.values()) {
      ask(() => taker.setPrefetch(this.#prefetch));
    }
  }

  /** Gives others what waits here behind long calls. */
  #passOn(): void {
    const { held, taken, running } = this.desk;
    const now = performance.now();
    // As long as one of them is short, what waits has its turn soon.
    if (running.length < this.#options.slots || running.some((r) => now - r.began < LONG)) return;
    const waiting = [...held, ...taken.filter(({ began }) => began === 0)];
    const due = waiting.filter(({ since, deliveries: [{ headers }] }) => {
      const passes = Number(headers.passes ?? 0);
      return now - since > Math.min(pace.mostPass, pace.pass * 2 ** passes);
    });
    for (const [level, entries] of Map.groupBy(due, (entry) => entry.level)) {
      ask(() => this.#access.depth(callQueue(this.#options.queue, level)), (depth) => {
        // There is nobody else.
        if ((depth?.consumers ?? 0) < 2) return;
        for (const entry of entries) {
          const passes = Number(entry.deliveries[0].headers.passes ?? 0) + 1;
          this.desk.giveBackUnbegun(entry, { passes });
        }
      });
    }
  }

  // --- its end

  /** Takes no more, gives back what has not begun, and lets what runs end. */
  stop(drain: number): Promise<WorkerTally> {
    if (this.#state === "over") return this.over;
    if (this.#state === "draining") {
      // Again: at once.
      if (drain === 0) this.#cutShort?.();
      return this.over;
    }
    this.#state = "draining";
    this.desk.isStopping = true;
    start(this.#drain(drain), () => this.#finish(), (error) => this.#finish(error));
    return this.over;
  }

  *#drain(drain: number): Course<void> {
    for (const taker of this.#takers.values()) yield* settled(taker.setPrefetch(0));
    const { held, taken } = this.desk;
    for (const entry of [...held, ...taken]) {
      if (entry.began === 0) this.desk.giveBackUnbegun(entry);
    }
    if (!this.desk.isIdle) yield this.#idleWithin(drain);
    this.desk.stopRunning(new CancelledError("The call was stopped: its worker is shut down"));
    if (!this.desk.isIdle) yield this.#idleWithin(Infinity);
    for (const taker of this.#takers.values()) yield* settled(taker.cancel());
    if (this.#inboxTaker !== undefined) yield* settled(this.#inboxTaker.cancel());
    yield* settled(this.#access.remove(this.#options.inbox));
  }

  /** Waits until nothing is begun, for a while at most. */
  #idleWithin(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const stop = this.#clock.after(ms, resolve);
    this.#whenIdle = this.#cutShort = resolve;
    if (ms === Infinity) this.#cutShort = undefined;
    return promise.finally(() => {
      stop();
      this.#whenIdle = undefined;
    });
  }

  #finish(error?: unknown): void {
    if (this.#state === "over") return;
    this.#state = "over";
    this.desk.isStopping = true;
    for (const end of this.#ends) end();
    // What runs still is nobody's any more.
    this.desk.engine.terminate();
    const end = async () => {
      await this.desk.engine.gone();
      if (error !== undefined) throw error;
      const { done, failed, back } = this.desk.counts;
      return { done, failed, back };
    };
    this.#over.resolve(end());
  }
}
