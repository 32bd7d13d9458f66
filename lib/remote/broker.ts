/**
 * A broker: what keeps messages between programs. This is all that the parts above know of one, so
 * a queue is the same over RabbitMQ and in the memory of one process. One suite of tests
 * (`tests/remote/broker_suite.ts`) runs over every broker.
 *
 * **Messages.** A message is on its way, READY in a queue, HELD by one consumer, or gone:
 *
 *     publish -> READY -> HELD -> gone             ack(), bury() (a copy is in the queue of the
 * dead)
 *        \         ^        |
 *         \        +--------+                      back(); its consumer, or its program, has ended
 *          +-> delayed -> READY                    when `delay` is over
 *
 * The lease is the consumer: a message is its own for as long as it lives, however long that takes;
 * no time is guessed. A consumer ends by cancel(), by the end of its program (SIGKILL too), and
 * when the connection is lost. What it held is READY again then, where it was before, and is given
 * to another with `attempt` counted up. What it does with such a message afterwards (`isHeld` is
 * false) does nothing, silently.
 *
 * **States.**
 *
 *     connecting -> up <-> blocked                 blocked: the broker takes no messages at present
 *          \        |        |
 *           \       v        v
 *            +---> down -> connecting …            the loss is passing: it is tried again, for ever
 *             \___________________-> ended         closed, or the loss is lasting (wrong password)
 *
 * A loss that is passing rejects nothing: what is asked for meanwhile waits, and what was published
 * and not confirmed is sent again, in its order and with the same id. How long that may take, each
 * user decides for itself (`patience`) by `onState` and `loss`, and gives up by its signal. So two
 * queues with different patience share one connection. With "ended" everything that is pending is
 * rejected with the reason, and so is everything after it.
 *
 * **Promises.** A publish that has settled is on the disk of the broker. It may be delivered twice,
 * but is never lost. Of one publisher to one consumer the order stays, apart from what is given
 * back. No promise here keeps the program alive: who awaits it sees to that.
 *
 * **At once.** A broker in this process answers without a promise (see {@linkcode Soon}), and
 * throws where another rejects; so a thread that is blocked can use it. One that is far away always
 * gives promises.
 *
 * @module
 */

import type { AbortNotice } from "../core/promises.ts";

/** What is there now or will be. `await` takes both. */
export type Soon<T> = T | Promise<T>;

/** What one program gives to another. */
export interface BrokerMessage {
  /** The bytes. */
  readonly body: Uint8Array<ArrayBuffer>;
  /** Facts about it, by name. A number is a double; it need not keep being an integer's type. */
  readonly headers: Readonly<Record<string, string | number | boolean>>;
  /** What kind of message it is, as in `"item"`; "" if its sender did not say. */
  readonly type: string;
  /** Its id, by which one that came twice is recognised; "" if its sender gave none. */
  readonly id: string;
  /** The content type of `body`, as in `"application/json"`; "" if its sender did not say. */
  readonly format: string;
  /** The queue to which an answer goes. */
  readonly replyTo?: string;
  /** For how long it may be READY, in ms, before it is dropped, or goes to the dead. */
  readonly expires?: number;
}

/** A message that a consumer holds. */
export interface Delivery extends BrokerMessage {
  /**
   * Which delivery of the message this is, from 1; in a queue of kind `"plain"` it is 2 for the
   * second and all after it. A number in the header `tried` is added.
   */
  readonly attempt: number;
  /** True if it was delivered before. */
  readonly redelivered: boolean;
  /** False once it was acknowledged, given back or buried, and when its consumer has ended. */
  readonly isHeld: boolean;
  /** It is done with: it is gone. */
  ack(): void;
  /**
   * Gives it back: it is READY again where it was. With `delay` it comes behind, after so many ms,
   * as a copy whose header `tried` is this `attempt`.
   *
   * Settles when that is certain, and never rejects: at worst it is given back when the connection
   * is lost.
   */
  back(options?: { delay?: number }): Soon<void>;
  /**
   * Puts a copy into the queue that `deadTo` names, with the headers `reason`, `from` (its queue)
   * and `tried` (this attempt), then acknowledges it. Without `deadTo` it is gone.
   */
  bury(reason: string): Soon<void>;
}

/** A queue of the broker. Two programs that name one must want the same of it. */
export interface QueueSpec {
  /** The name, to which the broker adds the prefix of its URL. */
  readonly name: string;
  /**
   * `"counted"`: each delivery is counted, and it is on the disks of several machines if the broker
   * has them; its bound counts late. `"plain"`: the bound is exact.
   */
  readonly kind: "plain" | "counted";
  /** The most messages that it takes. */
  readonly max?: number;
  /** What happens at `max`: the new one is refused (Full), or the oldest is dropped. */
  readonly overflow?: "reject" | "drop";
  /** For how long a message may be READY in it, in ms. */
  readonly ttl?: number;
  /** After how many ms without consumer and declaration it is removed. */
  readonly expires?: number;
  /** The queue to which go what is buried, out of time, or over `limit`. It must be declared. */
  readonly deadTo?: string;
  /** How often a message may come back, in a counted queue. */
  readonly limit?: number;
  /** For how long a message may be HELD, in ms, where the broker limits that. */
  readonly longest?: number;
  /** True if it is the connection's own: nobody else uses it, and it ends with it. */
  readonly exclusive?: boolean;
}

/** What a queue has at this moment. */
export interface Depth {
  /** The messages that are READY. */
  readonly ready: number;
  /** The consumers, of all programs. */
  readonly consumers: number;
}

/** Options of `publish()`. */
export interface PublishOptions {
  /**
   * Gives it up: rejects with its reason. A message that has not been sent will not be; one that
   * was sent may be in the queue nevertheless, but is not sent again.
   */
  signal?: AbortNotice;
  /**
   * After how many ms it is READY, at least. It waits in the broker and is not counted in `max`:
   * when its time comes and there is no room, it waits for that.
   */
  delay?: number;
}

/** Options of `consume()`. */
export interface ConsumeOptions {
  /** The first credit, from 0; see {@linkcode Consumer.setPrefetch}. */
  prefetch: number;
  /** Called once, with the reason, when it has ended without cancel(): the broker has. */
  onEnd?: (error: Error) => void;
}

/** Somebody to whom a queue gives its messages, each to one of all that it has. */
export interface Consumer {
  /**
   * Gives it new credit: from now on it is given messages as long as it has fewer than `n`
   * unsettled ones of those given after this call. What it holds from before stays held and does
   * not count. With 0 it is given none until the next call. (So with AMQP: cancel, and consume anew
   * on the same channel with this prefetch.)
   *
   * When it settles, all that the broker gave it by the old credit has been handed over. It never
   * rejects.
   */
  setPrefetch(n: number): Soon<void>;
  /**
   * Ends it: what it holds is READY again. When this settles, everything that the broker had given
   * it has been handed over, and nothing more comes. It never rejects; twice does nothing.
   */
  cancel(): Soon<void>;
}

/** Why, and for how long, a broker has been out of reach. */
export interface Outage {
  /** The host, without user and password. */
  readonly host: string;
  /** How often a connection was tried since. */
  readonly attempts: number;
  /** When it was lost, by `performance.now()`. */
  readonly since: number;
  /** What the last attempt failed with. */
  readonly cause: Error;
}

/** Whether a broker can be reached. */
export type BrokerState = "connecting" | "up" | "blocked" | "down" | "ended";

/** What keeps messages between programs. */
export interface Broker {
  /** True if it is in this process: it answers at once. */
  readonly isNear: boolean;
  /**
   * True if what was given back is READY when that settles, and what a consumer held when its end
   * does. Of others nobody says when it is.
   */
  readonly isExact: boolean;
  /**
   * Its place for messages, as in `amqp://host/vhost` or `memory:jobs`; without user and password.
   */
  readonly place: string;
  /** Whether it can be reached. */
  readonly state: BrokerState;
  /** Why not, from the first failure until it is up again; why it ended, unless by close(). */
  readonly loss: Outage | undefined;
  /** Why it is "blocked", in the broker's words, as in `"low on memory"`; "" otherwise. */
  readonly blockedBy: string;
  /** Calls `fn` at each change of `state`, until what this gives is called. */
  onState(fn: (state: BrokerState) => void): () => void;
  /**
   * Makes a queue, if it is not there. It is made again after a loss, until it is removed here.
   *
   * @param isKept false: it is not made again after a loss, since others may remove it. Default:
   * true.
   * @throws {Error} It is there with other properties; the message shows both.
   */
  declare(spec: QueueSpec, isKept?: boolean): Soon<void>;
  /**
   * Puts a message into a queue. Calls in one turn go in their order.
   *
   * @throws {Full} The queue has `max` messages.
   * @throws {Unroutable} There is no such queue.
   * @throws {RangeError} It is larger than the broker takes.
   */
  publish(queue: string, message: BrokerMessage, options?: PublishOptions): Soon<void>;
  /**
   * Takes messages of a queue as they come. It is made again after a loss. A handler that throws
   * gives its message back. If the queue is removed by another program it is declared again, if it
   * was declared here.
   *
   * @param on Called with each message.
   * @throws {Unroutable} There is no such queue.
   */
  consume(
    queue: string,
    options: ConsumeOptions,
    on: (delivery: Delivery) => void,
  ): Soon<Consumer>;
  /** What a queue has; undefined if there is none of that name. */
  depth(queue: string): Soon<Depth | undefined>;
  /** Drops what is READY in a queue. */
  purge(queue: string): Soon<void>;
  /** Removes a queue with what it has; one that is not there too. */
  remove(queue: string): Soon<void>;
  /** Tells everybody who listens to a topic at this moment. */
  broadcast(topic: string, message: BrokerMessage): Soon<void>;
  /**
   * Calls `on` with each message of a topic from now on, also after a loss, until what this gives
   * is called. What is told while the connection is down is missed.
   */
  listen(topic: string, on: (message: BrokerMessage) => void): Soon<() => Soon<void>>;
  /**
   * Ends it: what was published goes out first, for 2 s at most, then what is held is given back
   * and what is pending is rejected. Twice does nothing. It never rejects.
   */
  close(): Soon<void>;
}

/** There is no queue of that name: nobody has declared it, or it was removed. */
export class Unroutable extends Error {
  /** The class's name. */
  override name = "Unroutable";
  /** The queue. */
  readonly queue: string;

  /** Creates the error for a queue. */
  constructor(queue: string) {
    super(`Cannot reach the queue ${JSON.stringify(queue)}: the broker has none of that name`);
    this.queue = queue;
  }
}
