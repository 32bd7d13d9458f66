/**
 * A broker in the hands of code that calls functions on other machines: as much of {@linkcode
 * Broker} as that needs, from whichever thread it runs in.
 *
 * In the main thread `memory:` is used directly. Everything else is reached through the thread's
 * link: {@linkcode PortAccess} asks, and an {@linkcode Agent} beside the broker does it. What an
 * access gives later is a {@linkcode Pending}, which goes on in a callback: so a thread that blocks
 * goes on with it between two parks, where promises stand still.
 *
 * **Who dies when.** The thread ends: its agents are closed, and what they held goes back. The
 * service ends: everything that is pending fails, and the state is "ended".
 *
 * @module
 */
import { services } from "../../core/hooks.ts";
import { self } from "../../memory/this_thread.ts";
import type { Address } from "../address.ts";
import type {
  BrokerMessage,
  BrokerState,
  ConsumeOptions,
  Delivery,
  Depth,
  Outage,
  QueueSpec,
} from "../broker.ts";
import { HeldMessage } from "../held_message.ts";
import { MemoryBroker } from "../memory_broker.ts";
import { leaveLink, useLink } from "./home.ts";
import type { BrokerLink } from "./link.ts";
import { plain } from "./message.ts";
import type { Carried, Dealing, News, StateNews } from "./protocol.ts";

/** What is there now, or will be told. */
export type Later<T> = T | PromiseLike<T>;

/** Somebody to whom a queue gives its messages. */
export interface Taker {
  /** Gives it new credit, as {@linkcode Consumer} of `broker.ts` says. */
  setPrefetch(n: number): Later<void>;
  /** Ends it: what it holds is READY again. */
  cancel(): Later<void>;
}

/** As much of a broker as calls need; all is as in `Broker`. */
export interface Access {
  readonly isNear: boolean;
  readonly place: string;
  readonly state: BrokerState;
  readonly loss: Outage | undefined;
  onState(fn: (state: BrokerState) => void): () => void;
  declare(spec: QueueSpec): Later<void>;
  publish(queue: string, message: BrokerMessage, options?: { delay?: number }): Later<void>;
  consume(
    queue: string,
    options: ConsumeOptions,
    on: (delivery: Delivery) => void,
  ): Later<Taker>;
  depth(queue: string): Later<Depth | undefined>;
  purge(queue: string): Later<void>;
  remove(queue: string): Later<void>;
  broadcast(topic: string, message: BrokerMessage): Later<void>;
  listen(topic: string, on: (message: BrokerMessage) => void): Later<() => Later<void>>;
  close(): Later<void>;
  /** Reads what has come, in a thread that blocks; whether there was something. */
  poll?(): boolean;
}

/** The calling thread's access to a broker. */
export function openAccess(address: Address): Access {
  const { memory } = address;
  return memory !== undefined && self().isMain
    ? new MemoryBroker(memory)
    : new PortAccess(address, useLink(address));
}

/** Whether an error says that there is no such queue; it may have crossed from another thread. */
export function isUnroutable(error: unknown): boolean {
  return error instanceof Error && error.name === "Unroutable";
}

/** What will be told; its callbacks are called in the turn in which it is. */
export class Pending<T> implements PromiseLike<T> {
  #outcome: { ok: true; value: T } | { ok: false; error: unknown } | undefined;
  readonly #callbacks: (() => void)[] = [];

  /** It is there. */
  settle(value: T): void {
    this.#end({ ok: true, value });
  }

  /** It will never be. */
  fail(error: unknown): void {
    this.#end({ ok: false, error });
  }

  #end(outcome: { ok: true; value: T } | { ok: false; error: unknown }): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = outcome;
    for (const call of this.#callbacks.splice(0)) call();
  }

  /** Calls one of the two once it is told: at once if it has been. It gives nothing to wait for. */
  then<A = T, B = never>(
    done?: ((value: T) => A | PromiseLike<A>) | null,
    failed?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): PromiseLike<A | B> {
    const next = new Pending<A | B>();
    const call = () => {
      const outcome = this.#outcome!;
      try {
        if (outcome.ok) next.settle((done ? done(outcome.value) : outcome.value) as A);
        else if (failed) next.settle(failed(outcome.error) as B);
        else next.fail(outcome.error);
      } catch (error) {
        next.fail(error);
      }
    };
    if (this.#outcome !== undefined) call();
    else this.#callbacks.push(call);
    return next;
  }
}

/** What becomes of a message that an agent holds. */
type Settling = Omit<Dealing & { what: "settle" }, "what" | "d">;

/** A message that is held by an agent. */
class AgentMessage extends HeldMessage {
  readonly #settle: (settling: Settling) => void;

  constructor(
    { message, attempt, redelivered }: Carried,
    settle: (settling: Settling) => void,
  ) {
    super(message, attempt, redelivered);
    this.#settle = settle;
  }

  protected toAck(): void {
    this.#settle({ fate: "ack" });
  }

  protected toBack(delay: number): void {
    this.#settle({ fate: "back", delay });
  }

  protected toBury(reason: string): void {
    this.#settle({ fate: "bury", reason });
  }
}

/** A broker that is reached through the calling thread's link. */
class PortAccess implements Access {
  readonly isNear = false;
  readonly place: string;
  readonly #address: Address;
  readonly #link: BrokerLink;
  readonly #h: number;
  readonly #takers = new Map<number, { on: (delivery: Delivery) => void; onEnd?: EndHandler }>();
  readonly #held = new Map<number, AgentMessage>();
  readonly #listeners = new Map<number, (message: BrokerMessage) => void>();
  readonly #watchers = new Set<(state: BrokerState) => void>();
  readonly #pending = new Set<Pending<never>>();
  readonly #stop: () => void;
  #numbers = 0;
  #news: StateNews = { state: "connecting", loss: undefined };

  constructor(address: Address, link: BrokerLink) {
    this.#address = address;
    this.place = link.place;
    this.#link = link;
    this.#h = link.newHandle();
    link.hear(this.#h, (news) => this.#hear(news));
    this.#stop = link.attend(() => this.#died());
    services.add(this.#read);
    link.send({ op: "agent", h: this.#h });
  }

  readonly #read = (): boolean => this.#link.readNow();

  poll(): boolean {
    return this.#read();
  }

  get state(): BrokerState {
    return this.#news.state;
  }

  get loss(): Outage | undefined {
    return this.#news.loss;
  }

  onState(fn: (state: BrokerState) => void): () => void {
    this.#watchers.add(fn);
    return () => this.#watchers.delete(fn);
  }

  #hear(news: News): void {
    if (news.what === "delivery") {
      const { c, d } = news;
      const delivery = new AgentMessage(news, (more) => {
        this.#held.delete(d);
        this.#tell({ what: "settle", d, ...more });
      });
      this.#held.set(d, delivery);
      const taker = this.#takers.get(c);
      if (taker === undefined) delivery.back();
      else taker.on(delivery);
    } else if (news.what === "ended") {
      const taker = this.#takers.get(news.c);
      this.#takers.delete(news.c);
      taker?.onEnd?.(news.error);
    } else if (news.what === "lost") {
      for (const d of news.ds) {
        this.#held.get(d)?.end();
        this.#held.delete(d);
      }
    } else if (news.what === "told") this.#listeners.get(news.l)?.(news.message);
    else this.#turn(news.news);
  }

  #turn(news: StateNews): void {
    this.#news = news;
    for (const fn of [...this.#watchers]) fn(news.state);
  }

  /** The thread of the link has ended. */
  #died(): void {
    const error = new Error(`the thread of the connection to ${this.place} has ended`);
    for (const pending of [...this.#pending]) pending.fail(error);
    this.#pending.clear();
    if (this.#news.state === "ended") return;
    const loss = { host: this.place, attempts: 0, since: performance.now(), cause: error };
    this.#turn({ state: "ended", loss });
  }

  #tell(dealing: Dealing): void {
    this.#link.send({ op: "deal", h: this.#h, n: 0, dealing });
  }

  #ask<T>(dealing: Dealing): Pending<T> {
    const pending = new Pending<T>();
    this.#pending.add(pending as Pending<never>);
    this.#link.request(this.#h, (n) => ({ op: "deal", h: this.#h, n, dealing }), (answer) => {
      this.#pending.delete(pending as Pending<never>);
      if ("error" in answer) pending.fail(answer.error);
      else pending.settle(answer.value as T);
    });
    if (this.#link.isDead) this.#died();
    return pending;
  }

  declare(spec: QueueSpec): Later<void> {
    return this.#ask({ what: "declare", spec });
  }

  publish(
    queue: string,
    message: BrokerMessage,
    { delay = 0 }: { delay?: number } = {},
  ): Later<void> {
    return this.#ask({ what: "publish", queue, message: plain(message), delay });
  }

  consume(
    queue: string,
    { prefetch, onEnd }: ConsumeOptions,
    on: (delivery: Delivery) => void,
  ): Later<Taker> {
    const c = ++this.#numbers;
    this.#takers.set(c, onEnd === undefined ? { on } : { on, onEnd });
    const taker: Taker = {
      setPrefetch: (n) => this.#ask<void>({ what: "credit", c, prefetch: n }),
      cancel: () => {
        const done = this.#ask<void>({ what: "cancel", c });
        return done.then(() => void this.#takers.delete(c));
      },
    };
    return this.#ask<void>({ what: "consume", queue, prefetch, c }).then(() => taker, (error) => {
      this.#takers.delete(c);
      throw error;
    });
  }

  depth(queue: string): Later<Depth | undefined> {
    return this.#ask({ what: "depth", queue });
  }

  purge(queue: string): Later<void> {
    return this.#ask({ what: "purge", queue });
  }

  remove(queue: string): Later<void> {
    return this.#ask({ what: "remove", queue });
  }

  broadcast(topic: string, message: BrokerMessage): Later<void> {
    return this.#ask({ what: "broadcast", topic, message: plain(message) });
  }

  listen(topic: string, on: (message: BrokerMessage) => void): Later<() => Later<void>> {
    const l = ++this.#numbers;
    this.#listeners.set(l, on);
    return this.#ask<void>({ what: "listen", topic, l }).then(() => () => {
      this.#listeners.delete(l);
      return this.#ask<void>({ what: "unlisten", l });
    });
  }

  close(): Later<void> {
    const left = this.#link.isDead ? undefined : this.#ask<void>({ what: "leave" });
    const leave = async () => {
      try {
        await left;
      } catch {
        // It has ended meanwhile.
      }
      this.#stop();
      services.delete(this.#read);
      this.#link.unhear(this.#h);
      await leaveLink(this.#address, this.#link);
    };
    return leave();
  }
}

type EndHandler = (error: Error) => void;
