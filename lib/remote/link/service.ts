/**
 * The service of one broker: it does what the handles of this process ask for, whichever thread
 * they are in. It lives beside the connection: for `memory:` in the main thread, else in the thread
 * of the link. Handles are of queues; code that calls functions has agents instead, which do at the
 * broker what they are told (`agent.ts`).
 *
 * **Patience.** A request under way while the broker is away ends with BrokerLostError when that
 * has lasted for the patience of its handle, counted from when the request was made or the
 * connection was lost, whichever is later. A put, which a broker that is blocked does not take
 * either, ends the same way.
 *
 * **Who dies when.** A thread that ends: its handles are closed. The broker ends: all that is under
 * way fails with its reason.
 *
 * @module
 */
import { BrokerLostError } from "../../core/errors.ts";
import type { Broker, BrokerMessage } from "../broker.ts";
import { Clock } from "../clock.ts";
import { Counter, TOPIC } from "./counter.ts";
import { Agent } from "./agent.ts";
import { Handle, Op, type User } from "./handle.ts";
import type { ToService } from "./protocol.ts";
import { type Course, run, settled, start } from "./soon.ts";

/** How long it may take until what a closed handle held can be taken elsewhere, in ms. */
const LEFT_FOR = 500;

/** The service of one broker. */
export class Service {
  readonly #broker: Broker;
  readonly #clock = new Clock();
  readonly #counters = new Map<string, Counter>();
  readonly #users = new Map<User, Map<number, Handle>>();
  readonly #agents = new Map<User, Map<number, Agent>>();
  /** What is under way, each with what calls off its patience, if that is running out. */
  readonly #ops = new Map<Op, (() => void) | undefined>();
  /** The queues whose last handle has been closed of late. */
  readonly #left = new Set<string>();
  #listening: "no" | "soon" | "yes" = "no";
  #wasLost = false;

  /** Begins to serve a broker, which is its own from now on. */
  constructor(broker: Broker) {
    this.#broker = broker;
    broker.onState(() => this.#stateChanged());
  }

  /** Takes a request. */
  receive(user: User, request: ToService): void {
    if (request.op === "agent" || request.op === "deal") return this.#deal(user, request);
    const handles = this.#users.get(user) ?? new Map<number, Handle>();
    this.#users.set(user, handles);
    if (request.op === "handle") {
      const handle = new Handle(user, request.wish, request.patience);
      handles.set(request.h, handle);
      this.#counterOf(handle).handles.add(handle);
      return;
    }
    const handle = handles.get(request.h);
    if (handle === undefined) return;
    const counter = this.#counterOf(handle);
    if (request.op === "cancel") return counter.cancel(handle, request.n);
    if (request.op === "close") {
      handles.delete(request.h);
      return start(
        this.#leave(counter, handle),
        () => user.answer(request.n, undefined),
        (error) => user.refuse(request.n, error),
      );
    }
    if (request.op === "put") {
      const { message, delay, timeout } = request;
      const op = this.#begin(handle, request.n, timeout, true);
      if (op.isOpen) counter.put({ op, message, delay });
      return;
    }
    const op = this.#begin(handle, request.n, request.op === "take" ? request.timeout : Infinity);
    if (!op.isOpen) return;
    if (request.op === "take") counter.take(op);
    else if (request.op === "ask") counter.ask(op, request.about);
    else counter.settle(op, request.taken, request.fate, request.delay, request.reason);
  }

  #deal(user: User, request: ToService & { op: "agent" | "deal" }): void {
    const agents = this.#agents.get(user) ?? new Map<number, Agent>();
    this.#agents.set(user, agents);
    const { h } = request;
    if (request.op === "agent") {
      agents.set(h, new Agent(this.#broker, (news) => user.tell(h, news)));
      return;
    }
    const agent = agents.get(h);
    if (agent === undefined) return;
    const { n, dealing } = request;
    if (dealing.what === "leave") agents.delete(h);
    start(
      agent.deal(dealing),
      (value) => user.answer(n, value),
      (error) => user.refuse(n, error),
    );
  }

  #counterOf({ wish: { name } }: Handle): Counter {
    let counter = this.#counters.get(name);
    if (counter === undefined) {
      const wasLeft = this.#left.has(name);
      this.#counters.set(name, counter = new Counter(this.#broker, this.#clock, name, wasLeft));
    }
    return counter;
  }

  *#leave(counter: Counter, handle: Handle): Course<void> {
    // With its last handle it ends; who comes meanwhile gets a new one.
    const isLast = counter.handles.size === 1 && counter.handles.has(handle);
    if (!isLast) return yield* counter.leave(handle);
    this.#counters.delete(counter.name);
    if (this.#broker.isExact) return yield* counter.leave(handle);
    this.#left.add(counter.name);
    yield* counter.leave(handle);
    this.#clock.after(LEFT_FOR, () => this.#left.delete(counter.name));
  }

  /** A thread has ended, or uses no queue any more: its handles are closed. */
  leave(user: User): void {
    const handles = this.#users.get(user);
    this.#users.delete(user);
    for (const agent of this.#agents.get(user)?.values() ?? []) {
      start(agent.close(), () => {}, () => {});
    }
    this.#agents.delete(user);
    for (const handle of handles?.values() ?? []) {
      start(this.#leave(this.#counterOf(handle), handle), () => {}, () => {});
    }
  }

  #begin(handle: Handle, n: number, timeout: number, isPut = false): Op {
    const op = new Op(handle, n, { timeout, isPut });
    this.#ops.set(op, undefined);
    op.atEnd(() => {
      this.#ops.get(op)?.();
      this.#ops.delete(op);
    });
    this.#listen();
    this.#watch(op);
    return op;
  }

  /** Hears of queues that are shut down or opened elsewhere. */
  #listen(): void {
    if (this.#listening !== "no") return;
    this.#listening = "soon";
    const on = ({ type, headers }: BrokerMessage) =>
      this.#counters.get(String(headers.queue))?.setShut(type === "shut");
    start(settled(this.#broker.listen(TOPIC, on)), () => {
      this.#listening = "yes";
      // What was told before.
      if (!this.#broker.isNear) {
        for (const counter of this.#counters.values()) counter.refresh();
      }
    }, () => this.#listening = "no");
  }

  /** Lets the patience of a request run out while the broker is away. */
  #watch(op: Op): void {
    const { state, loss } = this.#broker;
    const isAway = state === "down" || state === "connecting" || state === "blocked" && op.isPut;
    const stop = this.#ops.get(op);
    if (state === "ended") {
      return op.fail(this.#lost(loss?.cause.message ?? "it has ended", loss?.cause));
    }
    if (!isAway) {
      stop?.();
      this.#ops.set(op, undefined);
      return;
    }
    if (stop !== undefined) return;
    const { patience } = op.handle;
    this.#ops.set(
      op,
      this.#clock.after(patience, () => {
        const { state, loss, blockedBy } = this.#broker;
        const why = state === "blocked" ? `is blocked (${blockedBy})` : "has been out of reach";
        op.fail(this.#lost(`it ${why} for ${patience} ms`, loss?.cause));
      }),
    );
  }

  #lost(why: string, cause?: Error): Error {
    const { place, loss } = this.#broker;
    const { host, attempts } = loss ?? { host: place, attempts: 0 };
    return new BrokerLostError(`Cannot reach the broker ${place}: ${why}`, {
      host,
      attempts,
      cause,
    });
  }

  #stateChanged(): void {
    const { state } = this.#broker;
    for (const op of [...this.#ops.keys()]) this.#watch(op);
    if (state === "down") this.#wasLost = true;
    if (state !== "up" || !this.#wasLost) return;
    this.#wasLost = false;
    for (const counter of this.#counters.values()) counter.refresh();
  }

  /** Ends it, and its connection: what was published goes out first. */
  close(): void | Promise<void> {
    for (const user of [...this.#users.keys(), ...this.#agents.keys()]) this.leave(user);
    return run(settled(this.#broker.close()));
  }
}
