/**
 * Where one queue is served to all its handles in this process: `puts.ts` and `row.ts` say how
 * items come and go, this is of the queue as a whole.
 *
 *     unknown -> made -> removed (by us, or by others: then it is made again at the next use)
 *
 * **Shutdown.** The flag is a queue: `q.NAME.shut` exists or not. So it outlives every program, and
 * who comes later sees it. A change is broadcast, and looked up after a loss of the connection.
 * While the flag is set puts throw ShutDown, and the row is drained: once the consumer is paused
 * and nothing is READY, all who wait get ShutDown.
 *
 * **Who dies when.** A handle that is closed, or whose thread has ended, gives back what it holds.
 * With its last handle a counter ends its consumer. All of it dies with the process, or with the
 * link's thread: the broker sees the connection close and gives what was held to others.
 *
 * @module
 */
import { ShutDown } from "../../core/errors.ts";
import type { Broker, BrokerMessage, QueueSpec } from "../broker.ts";
import type { Clock } from "../clock.ts";
import type { Handle, Op, Put } from "./handle.ts";
import type { Fate, Matter, QueueWish } from "./protocol.ts";
import { Puts } from "./puts.ts";
import { Row } from "./row.ts";
import { FIRST_LOOK, LAST_LOOK, type Site } from "./site.ts";
import { type Course, run, settled, start } from "./soon.ts";

/** How often an item may come back before it goes to the dead. */
const MOST_RETURNS = 1000;
/** For how long the dead are kept, in ms, and how many. */
const DEAD_FOR = 14 * 24 * 3600_000;
const MOST_DEAD = 100_000;
/** For how long an item may be held where the broker limits that, in ms. */
const LONGEST = 24 * 3600_000;

/** The topic on which changes of queues are told. */
export const TOPIC = "queues";

/** Where one queue is served. */
export class Counter implements Site {
  readonly broker: Broker;
  readonly clock: Clock;
  readonly name: string;
  readonly queue: string;
  readonly shown: string;
  readonly handles: Set<Handle> = new Set();
  readonly #dead: string;
  readonly #flag: string;
  readonly #puts: Puts = new Puts(this);
  readonly #row: Row = new Row(this, () => this.#drain());
  #isShut = false;
  #isDraining = false;
  #preparing: Promise<void> | undefined;

  /** @param wasLeft Whether another one has given back what it held, just now. */
  constructor(broker: Broker, clock: Clock, name: string, wasLeft = false) {
    this.broker = broker;
    this.clock = clock;
    this.name = name;
    this.queue = `q.${name}`;
    this.shown = `the queue ${JSON.stringify(name)}`;
    this.#dead = `q.${name}.dead`;
    this.#flag = `q.${name}.shut`;
    if (wasLeft) this.#row.noteBack();
  }

  get isShut(): boolean {
    return this.#isShut;
  }

  *prepare(handle: Handle): Course<void> {
    // One after the other: what waits behind the first finds it done.
    while (this.#preparing !== undefined) yield this.#preparing;
    if (handle.isReady) return;
    const preparing = run(this.#declare(handle));
    if (preparing === undefined) return;
    this.#preparing = preparing.catch(() => {}).then(() => this.#preparing = undefined);
    yield preparing;
  }

  *#declare(handle: Handle): Course<void> {
    const dead: QueueSpec = {
      name: this.#dead,
      kind: "plain",
      max: MOST_DEAD,
      overflow: "drop",
      ttl: DEAD_FOR,
    };
    yield* settled(this.broker.declare(dead));
    yield* settled(this.broker.declare(this.#spec(handle.wish)));
    yield* this.#lookUpShut();
    handle.isReady = true;
  }

  #spec({ maxsize, replicated, ttl }: QueueWish): QueueSpec {
    return {
      name: this.queue,
      kind: maxsize > 0 && !replicated ? "plain" : "counted",
      ...maxsize > 0 ? { max: maxsize, overflow: "reject" as const } : {},
      ...ttl === undefined ? {} : { ttl },
      deadTo: this.#dead,
      limit: MOST_RETURNS,
      longest: LONGEST,
    };
  }

  *#lookUpShut(): Course<void> {
    const flag = yield* settled(this.broker.depth(this.#flag));
    this.setShut(flag !== undefined);
  }

  /** Looks up what may have been missed. */
  refresh(): void {
    start(this.#lookUpShut(), () => {}, () => {});
  }

  /** Puts an item in, behind those of the same handle. */
  put(put: Put): void {
    this.#puts.put(put);
  }

  /** Takes the next item. */
  take(op: Op): void {
    this.#row.take(op);
  }

  /** Settles an item that was taken. */
  settle(op: Op, taken: number, fate: Fate, delay = 0, reason = ""): void {
    const holding = op.handle.holdings.get(taken);
    if (holding === undefined) return op.settle(false);
    op.handle.holdings.delete(taken);
    const { isHeld } = holding.delivery;
    start(this.#row.end(holding, fate, delay, reason), () => {
      op.settle(isHeld);
      this.#puts.tryRoom();
      if (this.#isShut && this.#row.waiting.length > 0) this.#drain();
    }, (error) => op.fail(error));
  }

  /** Does what concerns the queue as a whole. */
  ask(op: Op, about: Matter): void {
    start(this.#answer(op.handle, about), (value) => op.settle(value), (error) => op.fail(error));
  }

  *#answer(handle: Handle, about: Matter): Course<unknown> {
    yield* this.prepare(handle);
    if (about === "size") return yield* this.#depth();
    if (about === "clear") return yield* this.#clear();
    if (about === "remove") return yield* this.#remove();
    return yield* this.#turn(about === "shutdown");
  }

  /** The number of items that are READY, those included that are kept ready here. */
  *#depth(): Course<number> {
    const row = this.#row;
    const isPaused = row.isAhead;
    if (isPaused) yield* row.pause();
    yield* row.settle();
    const depth = yield* settled(this.broker.depth(this.queue));
    const { kept } = row;
    if (isPaused) row.resume();
    if (kept > 0) row.linger();
    return (depth?.ready ?? 0) + kept;
  }

  *#clear(): Course<void> {
    const row = this.#row;
    yield* row.pause();
    row.drop();
    yield* settled(this.broker.purge(this.queue));
    row.resume();
    this.#puts.tryRoom();
  }

  *#remove(): Course<void> {
    const row = this.#row;
    yield* row.pause();
    yield* row.close();
    for (const queue of [this.queue, this.#dead, this.#flag]) {
      yield* settled(this.broker.remove(queue));
    }
    for (const each of this.handles) each.isReady = false;
    this.setShut(false);
    yield* settled(this.broker.broadcast(TOPIC, this.#told("open")));
    // Who waits goes on, with a new queue.
    const [waiting] = row.waiting;
    if (waiting !== undefined) yield* this.prepare(waiting.handle);
    row.resume();
  }

  *#turn(isShut: boolean): Course<void> {
    if (isShut) yield* settled(this.broker.declare({ name: this.#flag, kind: "plain" }, false));
    else yield* settled(this.broker.remove(this.#flag));
    this.setShut(isShut);
    yield* settled(this.broker.broadcast(TOPIC, this.#told(isShut ? "shut" : "open")));
  }

  #told(type: string): BrokerMessage {
    const headers = { queue: this.name };
    return { type, headers, body: new Uint8Array(), id: crypto.randomUUID(), format: "" };
  }

  /** The flag was found, set or unset. */
  setShut(isShut: boolean): void {
    if (this.#isShut === isShut) return;
    this.#isShut = isShut;
    if (!isShut) return;
    this.#puts.tryAll();
    if (this.#row.waiting.length > 0) this.#drain();
  }

  /** Ends the row once nothing is left for it. */
  #drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    let look = FIRST_LOOK;
    const row = this.#row;
    const again = () => {
      if (!this.#isShut || row.waiting.length === 0) {
        this.#isDraining = false;
        return;
      }
      start(this.#drained(), (isDrained) => {
        if (isDrained && this.#isShut) {
          for (const op of [...row.waiting]) {
            op.fail(new ShutDown(`Cannot get an item from ${this.shown}: it was shut down`));
          }
        }
        row.resume();
        if (row.waiting.length === 0) this.#isDraining = false;
        else this.clock.after(look, again);
        look = Math.min(LAST_LOOK, look * 2);
      }, () => this.#isDraining = false);
    };
    again();
  }

  /** Whether nothing is READY, nor kept here. */
  *#drained(): Course<boolean> {
    yield* this.#row.pause();
    yield* this.#row.settle(true);
    if (this.#row.kept > 0) return false;
    const depth = yield* settled(this.broker.depth(this.queue));
    return (depth?.ready ?? 0) === 0;
  }

  /** Nobody waits for a request any more: what it was granted goes back. */
  cancel(handle: Handle, n: number): void {
    handle.ops.get(n)?.drop();
    const holding = handle.holdings.get(n);
    if (holding === undefined) return;
    handle.holdings.delete(n);
    start(this.#row.end(holding, "back"), () => this.#puts.tryRoom(), () => {});
  }

  /** A handle is no more. */
  *leave(handle: Handle): Course<void> {
    handle.isClosed = true;
    for (const op of [...handle.ops.values()]) op.drop();
    const holdings = [...handle.holdings.values()];
    handle.holdings.clear();
    this.handles.delete(handle);
    this.#puts.leave(handle);
    if (this.handles.size > 0) {
      for (const holding of holdings) yield* this.#row.end(holding, "back");
      return;
    }
    // With the consumer all of it goes back, in its order.
    this.#puts.close();
    yield* this.#row.pause();
    yield* this.#row.close();
  }
}
