/**
 * Beside a broker, the hands of somebody in another thread: it does what {@linkcode PortAccess} of
 * `access.ts` asks for, and tells what comes. What it holds goes back when it is closed.
 *
 * @module
 */
import type { Broker, BrokerMessage, Consumer, Delivery, Soon } from "../broker.ts";
import { plain } from "./message.ts";
import type { Dealing, News } from "./protocol.ts";
import { type Course, settled } from "./soon.ts";

/** The hands of one user at a broker. */
export class Agent {
  readonly #broker: Broker;
  readonly #tell: (news: News) => void;
  readonly #consumers = new Map<number, Consumer>();
  readonly #listeners = new Map<number, () => Soon<void>>();
  readonly #held = new Map<number, Delivery>();
  readonly #unwatch: () => void;
  #deliveries = 0;
  #isClosed = false;

  /** @param tell Tells the user what comes. */
  constructor(broker: Broker, tell: (news: News) => void) {
    this.#broker = broker;
    this.#tell = tell;
    this.#unwatch = broker.onState(() => this.#tellState());
    this.#tellState();
  }

  #tellState(): void {
    const { state, loss } = this.#broker;
    // With its connection a lease is lost: somebody else has the message, or will.
    const ds = [...this.#held].flatMap(([d, { isHeld }]) => isHeld ? [] : [d]);
    for (const d of ds) this.#held.delete(d);
    if (ds.length > 0) this.#tell({ what: "lost", ds });
    this.#tell({ what: "state", news: { state, loss } });
  }

  /** Does what is asked for. */
  *deal(dealing: Dealing): Course<unknown> {
    const broker = this.#broker;
    switch (dealing.what) {
      case "declare":
        return yield* settled(broker.declare(dealing.spec));
      case "publish": {
        const { queue, message, delay } = dealing;
        return yield* settled(broker.publish(queue, message, { delay }));
      }
      case "consume":
        return yield* this.#consume(dealing);
      case "credit": {
        const consumer = this.#consumers.get(dealing.c);
        return consumer && (yield* settled(consumer.setPrefetch(dealing.prefetch)));
      }
      case "cancel": {
        const consumer = this.#consumers.get(dealing.c);
        this.#consumers.delete(dealing.c);
        return consumer && (yield* settled(consumer.cancel()));
      }
      case "settle":
        return yield* this.#settle(dealing);
      case "depth":
        return yield* settled(broker.depth(dealing.queue));
      case "purge":
        return yield* settled(broker.purge(dealing.queue));
      case "remove":
        return yield* settled(broker.remove(dealing.queue));
      case "broadcast":
        return yield* settled(broker.broadcast(dealing.topic, dealing.message));
      case "listen": {
        const { l } = dealing;
        const on = (message: BrokerMessage) =>
          this.#tell({ what: "told", l, message: plain(message) });
        this.#listeners.set(l, yield* settled(broker.listen(dealing.topic, on)));
        return;
      }
      case "unlisten": {
        const stop = this.#listeners.get(dealing.l);
        this.#listeners.delete(dealing.l);
        return stop && (yield* settled(stop()));
      }
      case "leave":
        return yield* this.close();
    }
  }

  *#consume({ queue, prefetch, c }: Dealing & { what: "consume" }): Course<void> {
    const onEnd = (error: Error) => {
      this.#consumers.delete(c);
      this.#tell({ what: "ended", c, error });
    };
    const on = (delivery: Delivery) => {
      if (this.#isClosed) return void delivery.back();
      const d = ++this.#deliveries;
      this.#held.set(d, delivery);
      const { attempt, redelivered } = delivery;
      this.#tell({ what: "delivery", c, d, message: plain(delivery), attempt, redelivered });
    };
    const consumer = yield* settled(this.#broker.consume(queue, { prefetch, onEnd }, on));
    if (this.#isClosed) return yield* settled(consumer.cancel());
    this.#consumers.set(c, consumer);
  }

  *#settle({ d, fate, delay = 0, reason = "" }: Dealing & { what: "settle" }): Course<void> {
    const delivery = this.#held.get(d);
    if (delivery === undefined) return;
    this.#held.delete(d);
    if (fate === "ack") return delivery.ack();
    if (fate === "bury") return yield* settled(delivery.bury(reason));
    yield* settled(delivery.back(delay > 0 ? { delay } : {}));
  }

  /** Ends it: what it holds goes back. */
  *close(): Course<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#unwatch();
    this.#held.clear();
    const consumers = [...this.#consumers.values()];
    const listeners = [...this.#listeners.values()];
    this.#consumers.clear();
    this.#listeners.clear();
    for (const consumer of consumers) yield* settled(consumer.cancel());
    for (const stop of listeners) yield* settled(stop());
  }
}
